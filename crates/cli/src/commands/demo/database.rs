//! How every process of the demo opens a database.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Result};

use crate::exit::Exit;
use crate::failure::Failure;

/// Opens a service's own database and makes its tables. A commit survives the death of the
/// process; surviving that of the machine is not what the demo is about.
pub fn open(path: &Path, schema: &str) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.execute_batch(schema)?;
    Ok(connection)
}

/// Opens a database to look at.
pub fn look(path: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    Ok(connection)
}

/// What a person is told when a database fails.
pub fn failed(path: &Path, error: rusqlite::Error) -> Failure {
    let text = format!("the database {} does not answer", path.display());
    Failure::new(Exit::Io, text).source(error)
}
