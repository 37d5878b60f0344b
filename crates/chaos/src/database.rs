//! A connection to any of the databases. All values are ours and need no quoting.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection, Row, SqliteConnection};
use tidings_event::{Event, EventBuilder};
use tidings_outbox::{Enqueued, Inbox, Outbox, Sighting};

use crate::words::{ENTITIES, Result, entity};

/// An open connection. After an error it is to be dropped, and with it what was not committed.
pub enum Database {
    Postgres(PgConnection),
    Mariadb(MySqlConnection),
    Sqlite(SqliteConnection),
}

macro_rules! each {
    ($database:expr, $connection:ident => $body:expr) => {
        match $database {
            Database::Postgres($connection) => $body,
            Database::Mariadb($connection) => $body,
            Database::Sqlite($connection) => $body,
        }
    };
}

impl Database {
    /// Connects.
    pub async fn connect(url: &str) -> Result<Self> {
        let connecting = async {
            Ok(match url.split(':').next() {
                Some("postgres") => Self::Postgres(PgConnection::connect(url).await?),
                Some("mysql") => {
                    let mut database = Self::Mariadb(MySqlConnection::connect(url).await?);
                    let level = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
                    database.sql(level).await?;
                    database
                }
                _ => {
                    let options: sqlx::sqlite::SqliteConnectOptions = url.parse()?;
                    let options = options
                        .create_if_missing(true)
                        .busy_timeout(Duration::from_secs(20))
                        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
                    Self::Sqlite(SqliteConnection::connect_with(&options).await?)
                }
            })
        };
        tokio::time::timeout(Duration::from_secs(10), connecting).await?
    }

    /// Makes the tables of a run, beside those of outbox and inbox.
    pub async fn prepare(&mut self) -> Result<()> {
        let serial = match self {
            Self::Postgres(_) => "BIGSERIAL PRIMARY KEY",
            Self::Mariadb(_) => "BIGINT AUTO_INCREMENT PRIMARY KEY",
            Self::Sqlite(_) => "INTEGER PRIMARY KEY AUTOINCREMENT",
        };
        let names: Vec<String> = (0..ENTITIES)
            .map(|number| format!("('{}', 0)", entity(number)))
            .collect();
        for statement in [
            "CREATE TABLE entities (name VARCHAR(20) PRIMARY KEY, version BIGINT NOT NULL)".into(),
            // What really happened: in the same transaction as the event.
            "CREATE TABLE written (id CHAR(36) NOT NULL, name VARCHAR(20), n BIGINT)".into(),
            // No unique index: what takes effect twice shall stand here twice.
            format!(
                "CREATE TABLE effects (seq {serial}, id CHAR(36) NOT NULL, name VARCHAR(20), \
                 n BIGINT)"
            ),
            format!("INSERT INTO entities VALUES {}", names.join(", ")),
        ] {
            self.sql(&statement).await?;
        }
        Ok(())
    }

    /// Runs a statement.
    pub async fn sql(&mut self, sql: &str) -> Result<()> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        each!(self, c => query.execute(c).await.map(drop)?);
        Ok(())
    }

    /// One number.
    pub async fn number(&mut self, sql: &str) -> Result<i64> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(each!(self, c => sqlx::query_scalar(sql).fetch_one(c).await?))
    }

    /// Rows of an id, a name and a number, the latter two absent of a poisoned one.
    pub async fn rows(&mut self, sql: &str) -> Result<Vec<(String, Option<(String, i64)>)>> {
        let sql = AssertSqlSafe(sql.to_owned());
        macro_rules! read {
            ($connection:expr) => {{
                let rows = sqlx::query(sql).fetch_all($connection).await?;
                let read = rows.iter().map(|row| {
                    let name: Option<String> = row.try_get(1)?;
                    let n: Option<i64> = row.try_get(2)?;
                    Ok((row.try_get(0)?, name.zip(n)))
                });
                read.collect::<Result<_, sqlx::Error>>()?
            }};
        }
        Ok(match self {
            Self::Postgres(c) => read!(c),
            Self::Mariadb(c) => read!(c),
            Self::Sqlite(c) => read!(c),
        })
    }

    /// Opens a transaction.
    pub async fn begin(&mut self) -> Result<()> {
        self.sql(match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            _ => "BEGIN",
        })
        .await
    }

    /// Enqueues events for a topic.
    pub async fn enqueue(
        &mut self,
        outbox: &Outbox,
        topic: &str,
        events: Vec<EventBuilder>,
    ) -> Result<Vec<Enqueued>> {
        Ok(each!(self, c => outbox.enqueue_to(c, topic, events).await?))
    }

    /// Asks the inbox.
    pub async fn once(&mut self, inbox: &Inbox, event: &Event) -> Result<Sighting> {
        Ok(each!(self, c => inbox.once(c, event).await?))
    }

    /// Planted: asks the inbox on a connection of its own, before the handler's commit.
    pub async fn once_before_commit(&mut self, inbox: &Inbox, event: &Event) -> Result<Sighting> {
        Ok(each!(self, c => inbox.once_before_commit(c, event).await?))
    }
}
