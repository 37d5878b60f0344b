//! A lease row with an epoch.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::session::Sqlite;
use crate::database::fault::fault;
use crate::database::lock::Lock;
use crate::{Error, ErrorKind, Result};

/// For how long a relay that says nothing stays the active one.
const LEASE: Duration = Duration::from_secs(5);
const NAME: &str = "relay";

fn now_millis() -> i64 {
    Timestamp::now().as_millisecond()
}

fn until_millis() -> i64 {
    now_millis() + LEASE.as_millis() as i64
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

#[async_trait]
impl Lock for Sqlite {
    async fn check_direct(&mut self) -> Result<()> {
        Ok(())
    }

    async fn take(&mut self) -> Result<bool> {
        let epoch: Option<i64> = sqlx::query_scalar(
            "INSERT INTO tidings_outbox_lease (name, holder, epoch, until_millis)
             VALUES (?1, ?2, 1, ?3)
             ON CONFLICT (name) DO UPDATE
             SET holder = ?2, epoch = epoch + 1, until_millis = ?3
             WHERE until_millis < ?4
             RETURNING epoch",
        )
        .bind(NAME)
        .bind(&self.holder)
        .bind(until_millis())
        .bind(now_millis())
        .fetch_optional(&mut self.connection)
        .await
        .map_err(fault("take the lease"))?;
        if let Some(epoch) = epoch {
            self.epoch = epoch;
        }
        Ok(epoch.is_some())
    }

    async fn is_taken(&mut self) -> Result<bool> {
        let until: Option<i64> =
            sqlx::query_scalar("SELECT until_millis FROM tidings_outbox_lease WHERE name = ?")
                .bind(NAME)
                .fetch_optional(&mut self.connection)
                .await
                .map_err(fault("look for the lease"))?;
        Ok(until.is_some_and(|until| until >= now_millis()))
    }

    async fn keep(&mut self) -> Result<()> {
        extend(&mut self.connection, &self.holder, self.epoch).await
    }

    async fn give_back(&mut self) -> Result<()> {
        let query = sqlx::query(
            "UPDATE tidings_outbox_lease SET until_millis = 0
             WHERE name = ? AND holder = ? AND epoch = ?",
        );
        let holder = self.holder.clone();
        let query = query.bind(NAME).bind(holder).bind(self.epoch);
        self.execute("give the lease back", query).await.map(drop)
    }
}
