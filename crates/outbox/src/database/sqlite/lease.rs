//! The lease row.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::database::fault::fault;
use crate::{Error, ErrorKind, Result};

/// For how long a relay that says nothing stays the active one.
const LEASE: Duration = Duration::from_secs(5);
pub(super) const NAME: &str = "relay";

pub(super) fn now_millis() -> i64 {
    Timestamp::now().as_millisecond()
}

pub(super) fn until_millis() -> i64 {
    now_millis() + LEASE.as_millis() as i64
}

/// No lease is longer: one that is was taken before the clock was set back.
pub(super) fn too_late_millis() -> i64 {
    now_millis() + 2 * LEASE.as_millis() as i64
}

/// Extends the lease, if it is still held.
pub(super) async fn extend(
    connection: &mut SqliteConnection,
    holder: &str,
    epoch: i64,
) -> Result<()> {
    let done = sqlx::query(
        "UPDATE tidings_outbox_lease SET until_millis = ?
         WHERE name = ? AND holder = ? AND epoch = ?",
    )
    .bind(until_millis())
    .bind(NAME)
    .bind(holder)
    .bind(epoch)
    .execute(connection)
    .await
    .map_err(fault("keep the lease"))?;
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Superseded,
            "keep the lease",
            "another relay has taken it over",
        )),
    }
}
