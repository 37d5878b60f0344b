//! The relay's session.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

use super::SCHEMA;
use super::rows::{ready_row, refused_row};
use crate::database::fault::fault;
use crate::database::row::{COUNTED, Place, RefusedRow, Row, Status, list};
use crate::database::session::{FORBIDDEN, Session, Table};
use crate::{Error, ErrorKind, Result};

/// A look: the rows that are ready, by number.
pub(crate) const READY: &str = "SELECT seq, topic, event_key, event FROM tidings_outbox
     WHERE refused_at IS NULL AND seq > ? ORDER BY seq LIMIT ?";

/// Rows by their numbers, one look-up of the primary key each. For `seq IN (…)` MariaDB scans the
/// table when the list is long compared with it, and without the hint here too; InnoDB then waits
/// for rows that others have inserted and not committed.
macro_rules! by_number {
    ($head:literal, $tail:literal) => {
        concat!(
            $head,
            " JSON_TABLE(?, '$[*]' COLUMNS (seq BIGINT PATH '$')) AS wanted
             STRAIGHT_JOIN tidings_outbox AS o FORCE INDEX (PRIMARY)
             ON o.seq = wanted.seq ",
            $tail
        )
    };
}

/// Deletes what was published.
pub(crate) const FINISH: &str = by_number!("DELETE o FROM", "");

pub(crate) struct MySql {
    pub(super) connection: MySqlConnection,
    pub(super) options: MySqlConnectOptions,
    /// Named locks are per server, so the name is made of the database's.
    pub(super) lock: String,
    /// The number of this session. Behind a multiplexing proxy it changes.
    pub(super) id: u64,
}

impl MySql {
    pub(crate) async fn connect(options: &MySqlConnectOptions) -> Result<Self> {
        let options = options.clone();
        let mut connection = MySqlConnection::connect_with(&options)
            .await
            .map_err(fault("connect"))?;
        let (id, database): (u64, Option<String>) =
            sqlx::query_as("SELECT CONNECTION_ID(), DATABASE()")
                .fetch_one(&mut connection)
                .await
                .map_err(fault("connect"))?;
        let Some(database) = database else {
            return Err(Error::new(
                ErrorKind::Invalid,
                "connect",
                "the URL names no database: mysql://HOST/DATABASE",
            ));
        };
        Ok(Self {
            connection,
            options,
            lock: lock_name(&database, "tidings_outbox"),
            id,
        })
    }

    pub(super) async fn execute(
        &mut self,
        operation: &'static str,
        query: sqlx::query::Query<'_, sqlx::MySql, sqlx::mysql::MySqlArguments>,
    ) -> Result<u64> {
        let done = query.execute(&mut self.connection).await;
        Ok(done.map_err(fault(operation))?.rows_affected())
    }
}

#[async_trait]
impl Session for MySql {
    async fn migrate(&mut self) -> Result<()> {
        for statement in SCHEMA.split(";\n") {
            let bare: Vec<&str> = statement
                .lines()
                .filter(|line| !line.trim_start().starts_with("--"))
                .collect();
            if bare.iter().all(|line| line.trim().is_empty()) {
                continue;
            }
            let done = sqlx::raw_sql(AssertSqlSafe(bare.join("\n")))
                .execute(&mut self.connection)
                .await;
            match done {
                Ok(_) => {}
                // An index of this name is there.
                Err(sqlx::Error::Database(error))
                    if error
                        .try_downcast_ref::<MySqlDatabaseError>()
                        .is_some_and(|error| error.number() == 1061) => {}
                Err(error) => return Err(fault("migrate")(error)),
            }
        }
        Ok(())
    }

    async fn check(&mut self, table: Table) -> Result<()> {
        let done = sqlx::query(table.probe()).execute(&mut self.connection);
        done.await.map(drop).map_err(fault("check the tables"))
    }

    async fn version(&mut self) -> Result<Option<i64>> {
        let there: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM information_schema.tables
             WHERE table_schema = DATABASE() AND table_name = 'tidings_outbox_schema'",
        )
        .fetch_one(&mut self.connection)
        .await
        .map_err(fault("check the tables"))?;
        if there == 0 {
            return Ok(None);
        }
        sqlx::query_scalar("SELECT CAST(max(version) AS SIGNED) FROM tidings_outbox_schema")
            .fetch_one(&mut self.connection)
            .await
            .map_err(fault("check the tables"))
    }

    async fn ready(&mut self, after: i64, limit: usize) -> Result<Vec<Row>> {
        let rows = sqlx::query(READY)
            .bind(after)
            .bind(limit as u64)
            .fetch_all(&mut self.connection)
            .await
            .map_err(fault("look"))?;
        rows.iter().map(ready_row).collect()
    }

    async fn finish(&mut self, seqs: &[i64], keep: bool) -> Result<()> {
        let seqs = list(seqs);
        if !keep {
            let query = sqlx::query(FINISH).bind(seqs);
            return self.execute("finish", query).await.map(drop);
        }
        let copy = by_number!(
            "INSERT IGNORE INTO tidings_outbox_published
                 (seq, id, topic, event_key, event, created_at, published_at)
             SELECT o.seq, id, topic, event_key, event, created_at, UTC_TIMESTAMP(6) FROM",
            ""
        );
        let mut work = self.connection.begin().await.map_err(fault("finish"))?;
        for sql in [copy, FINISH] {
            let done = sqlx::query(sql).bind(&seqs).execute(&mut *work).await;
            done.map_err(fault("finish"))?;
        }
        work.commit().await.map_err(fault("finish"))
    }

    async fn refuse(&mut self, rows: &[(i64, String)]) -> Result<()> {
        for (seq, reason) in rows {
            sqlx::query(
                "UPDATE tidings_outbox SET refused_at = UTC_TIMESTAMP(6), reason = ?
                 WHERE seq = ?",
            )
            .bind(reason)
            .bind(seq)
            .execute(&mut self.connection)
            .await
            .map_err(fault("set aside"))?;
        }
        Ok(())
    }

    async fn hold(&mut self, seqs: &[i64]) -> Result<()> {
        let query = sqlx::query(by_number!(
            "UPDATE",
            "SET refused_at = UTC_TIMESTAMP(6), reason = NULL"
        ));
        let query = query.bind(list(seqs));
        self.execute("set aside", query).await.map(drop)
    }

    async fn heads(&mut self) -> Result<Vec<(i64, Place)>> {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT seq, topic, event_key FROM tidings_outbox
             WHERE refused_at IS NOT NULL AND reason IS NOT NULL AND event_key IS NOT NULL",
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(fault("look"))?;
        Ok(rows.into_iter().map(|(seq, t, k)| (seq, (t, k))).collect())
    }

    async fn forbidden_topics(&mut self) -> Result<Vec<String>> {
        sqlx::query_scalar(
            "SELECT DISTINCT topic FROM tidings_outbox
             WHERE refused_at IS NOT NULL AND reason LIKE ?",
        )
        .bind(format!("{FORBIDDEN}%"))
        .fetch_all(&mut self.connection)
        .await
        .map_err(fault("look"))
    }

    async fn forbidden(&mut self, topic: &str, limit: usize) -> Result<Vec<i64>> {
        sqlx::query_scalar(
            "SELECT seq FROM tidings_outbox
             WHERE refused_at IS NOT NULL AND topic = ? AND reason LIKE ?
             ORDER BY seq LIMIT ?",
        )
        .bind(topic)
        .bind(format!("{FORBIDDEN}%"))
        .bind(limit as i64)
        .fetch_all(&mut self.connection)
        .await
        .map_err(fault("look"))
    }

    async fn still_refused(&mut self, seqs: &[i64]) -> Result<HashSet<i64>> {
        let rows: Vec<i64> = sqlx::query_scalar(by_number!(
            "SELECT o.seq FROM",
            "WHERE refused_at IS NOT NULL"
        ))
        .bind(list(seqs))
        .fetch_all(&mut self.connection)
        .await
        .map_err(fault("look"))?;
        Ok(rows.into_iter().collect())
    }

    async fn held(&mut self) -> Result<Vec<(Place, u64)>> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT topic, event_key, count(*) FROM tidings_outbox
             WHERE refused_at IS NOT NULL AND reason IS NULL AND event_key IS NOT NULL
             GROUP BY topic, event_key",
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(fault("look"))?;
        let place = |(topic, key, n): (String, String, i64)| ((topic, key), n as u64);
        Ok(rows.into_iter().map(place).collect())
    }

    async fn release(&mut self, (topic, key): &Place) -> Result<()> {
        let done = sqlx::query(
            "UPDATE tidings_outbox SET refused_at = NULL
             WHERE refused_at IS NOT NULL AND reason IS NULL AND topic = ? AND event_key = ?",
        )
        .bind(topic)
        .bind(key)
        .execute(&mut self.connection);
        done.await.map(drop).map_err(fault("release"))
    }

    async fn status(&mut self) -> Result<Status> {
        let row: (i64, i64, Option<i64>, i64, i64) = sqlx::query_as(
            "SELECT
                 (SELECT count(*) FROM (SELECT 1 FROM tidings_outbox WHERE refused_at IS NULL
                                        LIMIT 100001) AS counted),
                 (SELECT CAST(coalesce(max(seq) - min(seq) + 1, 0) AS SIGNED)
                  FROM tidings_outbox WHERE refused_at IS NULL),
                 (SELECT timestampdiff(MICROSECOND, created_at, UTC_TIMESTAMP(6))
                  FROM tidings_outbox WHERE refused_at IS NULL ORDER BY seq LIMIT 1),
                 (SELECT count(*) FROM (SELECT 1 FROM tidings_outbox WHERE refused_at IS NOT NULL
                                        AND reason IS NOT NULL LIMIT 100000) AS refused),
                 (SELECT count(*) FROM (SELECT 1 FROM tidings_outbox WHERE refused_at IS NOT NULL
                                        AND reason IS NULL LIMIT 100000) AS held)",
        )
        .fetch_one(&mut self.connection)
        .await
        .map_err(fault("status"))?;
        debug_assert_eq!(COUNTED, 100_000, "the statement above says so too");
        Ok(Status::from_numbers(row.0, row.1, row.2, row.3, row.4))
    }

    async fn refused(&mut self, after: i64, limit: usize) -> Result<Vec<RefusedRow>> {
        let rows = sqlx::query(
            "SELECT seq, id, topic, event_key, reason,
                    DATE_FORMAT(refused_at, '%Y-%m-%dT%H:%i:%s.%fZ')
             FROM tidings_outbox
             WHERE refused_at IS NOT NULL AND reason IS NOT NULL AND seq > ?
             ORDER BY seq LIMIT ?",
        )
        .bind(after)
        .bind(limit as u64)
        .fetch_all(&mut self.connection)
        .await
        .map_err(fault("list"))?;
        rows.iter().map(refused_row).collect()
    }

    async fn retry(&mut self, seqs: &[i64]) -> Result<u64> {
        let query = sqlx::query(by_number!(
            "UPDATE",
            "SET refused_at = NULL, reason = NULL
             WHERE refused_at IS NOT NULL AND reason IS NOT NULL"
        ));
        self.execute("retry", query.bind(list(seqs))).await
    }

    async fn discard(&mut self, seqs: &[i64]) -> Result<u64> {
        let query = sqlx::query(by_number!(
            "DELETE o FROM",
            "WHERE refused_at IS NOT NULL AND reason IS NOT NULL"
        ));
        self.execute("discard", query.bind(list(seqs))).await
    }

    async fn published_last(
        &mut self,
        window: Duration,
        since: Duration,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Row>> {
        let rows = sqlx::query(
            "SELECT seq, topic, event_key, event FROM tidings_outbox_published,
                 (SELECT max(published_at) AS at FROM tidings_outbox_published) AS newest
             WHERE published_at >= newest.at - INTERVAL ? MICROSECOND
               AND newest.at <= UTC_TIMESTAMP(6) - INTERVAL ? MICROSECOND
               AND seq > ?
             ORDER BY seq LIMIT ?",
        )
        .bind(micros(window))
        .bind(micros(since))
        .bind(after)
        .bind(limit as u64)
        .fetch_all(&mut self.connection)
        .await
        .map_err(fault("resend"))?;
        rows.iter().map(ready_row).collect()
    }

    async fn published_again(&mut self, seqs: &[i64]) -> Result<()> {
        let query = sqlx::query(
            "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (seq BIGINT PATH '$')) AS wanted
             STRAIGHT_JOIN tidings_outbox_published AS o ON o.seq = wanted.seq
             SET published_at = UTC_TIMESTAMP(6)",
        );
        self.execute("resend", query.bind(list(seqs)))
            .await
            .map(drop)
    }

    async fn forget_published(&mut self, age: Duration, last: Duration) -> Result<u64> {
        let newest: Option<String> = sqlx::query_scalar(
            "SELECT CAST(max(published_at) AS CHAR) FROM tidings_outbox_published",
        )
        .fetch_one(&mut self.connection)
        .await
        .map_err(fault("prune"))?;
        let query = sqlx::query(
            "DELETE FROM tidings_outbox_published
             WHERE published_at < UTC_TIMESTAMP(6) - INTERVAL ? MICROSECOND
               AND published_at <= CAST(? AS DATETIME(6)) - INTERVAL ? MICROSECOND
             ORDER BY published_at LIMIT 10000",
        );
        let query = query.bind(micros(age)).bind(newest).bind(micros(last));
        self.execute("prune", query).await
    }

    async fn forget_done(&mut self, age: Duration) -> Result<u64> {
        super::prune(&mut self.connection, None, age).await
    }
}

/// At most 64 characters, the same for everybody who means this table.
fn lock_name(database: &str, table: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(database.as_bytes());
    hash.update([0]);
    hash.update(table.as_bytes());
    let mut name = String::from("tidings-relay-");
    for byte in &hash.finalize()[..16] {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
