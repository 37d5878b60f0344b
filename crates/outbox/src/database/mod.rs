//! Databases that hold an outbox or an inbox.

mod address;
mod connection;
mod fault;
mod lock;
mod mysql;
#[cfg(test)]
mod plans;
mod postgres;
mod row;
mod session;
mod sqlite;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use address::Address;
pub use connection::Connection;
pub use row::{Examination, NewRow, RefusedRow, Status};
pub(crate) use row::{Place, Row};
pub(crate) use session::{FORBIDDEN, Session, Table};

use crate::{Error, ErrorKind, Result};

/// The version of the tables that this crate makes.
pub const SCHEMA_VERSION: i64 = 1;

/// Longer than any statement here takes on a database that is there.
const PATIENCE: Duration = Duration::from_secs(60);

/// A database that holds an outbox, by its URL: for the relay, and for what people do with the
/// outbox. Cheap to clone; each call opens a connection of its own.
///
/// | URL | database |
/// |---|---|
/// | `postgres://USER:PASSWORD@HOST:PORT/DATABASE` | PostgreSQL 12 or later; the server itself, not a pooler |
/// | `mysql://…`, `mariadb://…` | MySQL 8 or MariaDB 10.6 and later |
/// | `sqlite:PATH` | a SQLite file |
///
/// PostgreSQL takes `sslmode`, `sslrootcert`, `sslcert`, `sslkey` as libpq does; MySQL `ssl-mode`,
/// `ssl-ca`, `ssl-cert`, `ssl-key`; SQLite `busy_timeout`. What is not known is an error.
///
/// `Debug` shows the kind of database only.
#[derive(Clone)]
pub struct Database {
    address: Address,
}

impl Database {
    /// Reads a URL. No I/O.
    ///
    /// # Errors
    /// `Invalid`; the message shows no part of the URL that may be secret.
    pub fn new(url: &str) -> Result<Self> {
        url.parse().map(|address| Self { address })
    }

    /// What kind it is: `postgres`, `mysql` or `sqlite`.
    pub fn kind(&self) -> &'static str {
        match self.address {
            Address::Postgres(_) => "postgres",
            Address::MySql(_) => "mysql",
            Address::Sqlite(_) => "sqlite",
        }
    }

    /// The tables as SQL, to be read, or to be run by a migration of the application's own.
    pub fn schema(&self) -> &'static str {
        match self.address {
            Address::Postgres(_) => postgres::SCHEMA,
            Address::MySql(_) => mysql::SCHEMA,
            Address::Sqlite(_) => sqlite::SCHEMA,
        }
    }

    /// Makes the tables of [`schema`](Self::schema) where they are missing, also beside tables
    /// that something else made with the same columns. A SQLite file that is missing is made.
    /// Running it again changes nothing.
    ///
    /// # Errors
    /// [`Error`]; `NotMigrated` when a table of this name has other columns.
    pub async fn migrate(&self) -> Result<()> {
        let creating = Self {
            address: self.address.clone().creating(),
        };
        let mut session = creating.session().await?;
        bounded(session.migrate()).await?;
        for table in [Table::Outbox, Table::Published, Table::Inbox] {
            session.check(table).await?;
        }
        Ok(())
    }

    /// How full the outbox is.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn status(&self) -> Result<Status> {
        bounded(self.session().await?.status()).await
    }

    /// How the outbox stands, and whether it is served: for somebody who looks for what is wrong.
    ///
    /// # Errors
    /// [`Error`]; `NotMigrated` when the tables are missing or have other columns.
    pub async fn examine(&self) -> Result<Examination> {
        let mut session = self.session().await?;
        bounded(session.check(Table::Outbox)).await?;
        Ok(Examination {
            status: bounded(session.status()).await?,
            relay_active: bounded(session.is_taken()).await?,
            version: bounded(session.version()).await?,
        })
    }

    /// The rows that were refused for good, by number, after `after` (0 for the first).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn refused(&self, after: i64, limit: usize) -> Result<Vec<RefusedRow>> {
        let mut session = self.session().await?;
        let mut rows = bounded(session.refused(after, limit)).await?;
        let held: HashMap<Place, u64> = bounded(session.held()).await?.into_iter().collect();
        for row in &mut rows {
            let place = row.key.clone().map(|key| (row.topic.clone(), key));
            row.holds = place
                .and_then(|place| held.get(&place).copied())
                .unwrap_or(0);
        }
        Ok(rows)
    }

    /// Lets the relay try refused rows once more, by their numbers; how many there were. What
    /// they hold follows them in order.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn retry(&self, seqs: &[i64]) -> Result<u64> {
        bounded(self.session().await?.retry(seqs)).await
    }

    /// Deletes refused rows for good, by their numbers; how many there were. What they hold goes
    /// on without them.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn discard(&self, seqs: &[i64]) -> Result<u64> {
        bounded(self.session().await?.discard(seqs)).await
    }

    /// Deletes inbox rows that are older than this; how many. An event that is delivered again
    /// after that would take effect again.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn prune_inbox(&self, age: Duration) -> Result<u64> {
        let mut session = self.session().await?;
        let mut deleted = 0;
        loop {
            match bounded(session.forget_done(age)).await? {
                0 => return Ok(deleted),
                n => deleted += n,
            }
        }
    }

    pub(crate) async fn session(&self) -> Result<Box<dyn Session>> {
        let connecting = async {
            Ok(match &self.address {
                Address::Postgres(options) => {
                    Box::new(postgres::Postgres::connect(options).await?) as Box<dyn Session>
                }
                Address::MySql(options) => Box::new(mysql::MySql::connect(options).await?),
                Address::Sqlite(options) => Box::new(sqlite::Sqlite::connect(options).await?),
            })
        };
        match timeout(Duration::from_secs(10), connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(Error::new(
                ErrorKind::Unavailable,
                "connect",
                "the database did not answer within 10 s",
            )),
        }
    }

    /// Wakes at commits, where the database can tell of them.
    pub(crate) fn listen(&self, wake: Arc<Notify>) -> Option<JoinHandle<()>> {
        match &self.address {
            Address::Postgres(options) => Some(postgres::listen(options.clone(), wake)),
            Address::MySql(_) | Address::Sqlite(_) => None,
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.kind()).finish()
    }
}

/// Gives a statement up that a database which went away will never answer.
pub(crate) async fn bounded<T>(statement: impl Future<Output = Result<T>>) -> Result<T> {
    match timeout(PATIENCE, statement).await {
        Ok(done) => done,
        Err(_) => Err(Error::new(
            ErrorKind::Unavailable,
            "statement",
            format!(
                "the database did not answer within {} s",
                PATIENCE.as_secs()
            ),
        )),
    }
}
