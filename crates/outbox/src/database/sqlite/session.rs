//! The relay's session.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::SCHEMA;
use super::lease::extend;
use crate::Result;
use crate::database::fault::fault;
use crate::database::row::{COUNTED, Place, RefusedRow, Row, Status, list};
use crate::database::session::{FORBIDDEN, Session, Table};

/// A look: the rows that are ready, by number.
pub(crate) const READY: &str = "SELECT seq, topic, event_key, event FROM tidings_outbox
     WHERE refused_at IS NULL AND seq > ? ORDER BY seq LIMIT ?";
/// Deletes what was published.
pub(crate) const FINISH: &str =
    "DELETE FROM tidings_outbox WHERE seq IN (SELECT value FROM json_each(?))";

pub(crate) struct Sqlite {
    pub(super) connection: SqliteConnection,
    /// Names this session among those that want the lease.
    pub(super) holder: String,
    pub(super) epoch: i64,
}

impl Sqlite {
    pub(crate) async fn connect(options: &SqliteConnectOptions) -> Result<Self> {
        let connection = SqliteConnection::connect_with(options)
            .await
            .map_err(fault("connect"))?;
        Ok(Self {
            connection,
            holder: format!("{}-{:016x}", std::process::id(), rand::random::<u64>()),
            epoch: 0,
        })
    }

    pub(super) async fn execute(
        &mut self,
        operation: &'static str,
        query: sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>,
    ) -> Result<u64> {
        let done = query.execute(&mut self.connection).await;
        Ok(done.map_err(fault(operation))?.rows_affected())
    }
}

/// Statements of the active relay run only under its lease, and extend it.
macro_rules! fenced {
    ($self:ident, $operation:literal, $($query:expr),+) => {{
        let mut work = $self
            .connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(fault($operation))?;
        extend(&mut work, &$self.holder, $self.epoch).await?;
        $($query.execute(&mut *work).await.map_err(fault($operation))?;)+
        work.commit().await.map_err(fault($operation))
    }};
}

#[async_trait]
impl Session for Sqlite {
    async fn migrate(&mut self) -> Result<()> {
        let mut work = self
            .connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(fault("migrate"))?;
        sqlx::raw_sql(SCHEMA)
            .execute(&mut *work)
            .await
            .map_err(fault("migrate"))?;
        work.commit().await.map_err(fault("migrate"))
    }

    async fn check(&mut self, table: Table) -> Result<()> {
        self.execute("check the tables", sqlx::query(table.probe()))
            .await
            .map(drop)
    }

    async fn version(&mut self) -> Result<Option<i64>> {
        let there: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'tidings_outbox_schema'",
        )
        .fetch_one(&mut self.connection)
        .await
        .map_err(fault("check the tables"))?;
        if there == 0 {
            return Ok(None);
        }
        sqlx::query_scalar("SELECT CAST(max(version) AS INTEGER) FROM tidings_outbox_schema")
            .fetch_one(&mut self.connection)
            .await
            .map_err(fault("check the tables"))
    }

    async fn ready(&mut self, after: i64, limit: usize) -> Result<Vec<Row>> {
        let rows = sqlx::query(READY)
            .bind(after)
            .bind(limit as i64)
            .fetch_all(&mut self.connection)
            .await
            .map_err(fault("look"))?;
        rows.iter().map(ready_row).collect()
    }

    async fn finish(&mut self, seqs: &[i64], keep: bool) -> Result<()> {
        let seqs = list(seqs);
        if !keep {
            return fenced!(self, "finish", sqlx::query(FINISH).bind(&seqs));
        }
        let copy = "INSERT OR IGNORE INTO tidings_outbox_published
                        (seq, id, topic, event_key, event, created_at, published_at)
                    SELECT seq, id, topic, event_key, event, created_at,
                           strftime('%Y-%m-%d %H:%M:%f', 'now')
                    FROM tidings_outbox WHERE seq IN (SELECT value FROM json_each(?))";
        fenced!(
            self,
            "finish",
            sqlx::query(copy).bind(&seqs),
            sqlx::query(FINISH).bind(&seqs)
        )
    }

    async fn refuse(&mut self, rows: &[(i64, String)]) -> Result<()> {
        for (seq, reason) in rows {
            let sql = "UPDATE tidings_outbox
                       SET refused_at = strftime('%Y-%m-%d %H:%M:%f', 'now'), reason = ?
                       WHERE seq = ?";
            fenced!(self, "set aside", sqlx::query(sql).bind(reason).bind(seq))?;
        }
        Ok(())
    }

    async fn hold(&mut self, seqs: &[i64]) -> Result<()> {
        let sql = "UPDATE tidings_outbox
                   SET refused_at = strftime('%Y-%m-%d %H:%M:%f', 'now'), reason = NULL
                   WHERE seq IN (SELECT value FROM json_each(?))";
        fenced!(self, "set aside", sqlx::query(sql).bind(list(seqs)))
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
        let rows: Vec<i64> = sqlx::query_scalar(
            "SELECT seq FROM tidings_outbox
             WHERE seq IN (SELECT value FROM json_each(?)) AND refused_at IS NOT NULL",
        )
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
        let sql = "UPDATE tidings_outbox SET refused_at = NULL
                   WHERE topic = ? AND event_key = ?
                     AND refused_at IS NOT NULL AND reason IS NULL";
        fenced!(self, "release", sqlx::query(sql).bind(topic).bind(key))
    }

    async fn status(&mut self) -> Result<Status> {
        let row: (i64, i64, Option<i64>, i64, i64) = sqlx::query_as(
            "SELECT
                 (SELECT count(*) FROM (SELECT 1 FROM tidings_outbox WHERE refused_at IS NULL
                                        LIMIT ?1 + 1)),
                 (SELECT coalesce(max(seq) - min(seq) + 1, 0) FROM tidings_outbox
                  WHERE refused_at IS NULL),
                 (SELECT CAST((julianday('now') - julianday(created_at)) * 86400000000 AS INTEGER)
                  FROM tidings_outbox WHERE refused_at IS NULL ORDER BY seq LIMIT 1),
                 (SELECT count(*) FROM (SELECT 1 FROM tidings_outbox WHERE refused_at IS NOT NULL
                                        AND reason IS NOT NULL LIMIT ?1)),
                 (SELECT count(*) FROM (SELECT 1 FROM tidings_outbox WHERE refused_at IS NOT NULL
                                        AND reason IS NULL LIMIT ?1))",
        )
        .bind(COUNTED)
        .fetch_one(&mut self.connection)
        .await
        .map_err(fault("status"))?;
        Ok(Status::from_numbers(row.0, row.1, row.2, row.3, row.4))
    }

    async fn refused(&mut self, after: i64, limit: usize) -> Result<Vec<RefusedRow>> {
        let rows = sqlx::query(
            "SELECT seq, id, topic, event_key, reason,
                    strftime('%Y-%m-%dT%H:%M:%fZ', refused_at)
             FROM tidings_outbox
             WHERE refused_at IS NOT NULL AND reason IS NOT NULL AND seq > ?
             ORDER BY seq LIMIT ?",
        )
        .bind(after)
        .bind(limit as i64)
        .fetch_all(&mut self.connection)
        .await
        .map_err(fault("list"))?;
        rows.iter().map(refused_row).collect()
    }

    async fn retry(&mut self, seqs: &[i64]) -> Result<u64> {
        let query = sqlx::query(
            "UPDATE tidings_outbox SET refused_at = NULL, reason = NULL
             WHERE seq IN (SELECT value FROM json_each(?))
               AND refused_at IS NOT NULL AND reason IS NOT NULL",
        );
        self.execute("retry", query.bind(list(seqs))).await
    }

    async fn discard(&mut self, seqs: &[i64]) -> Result<u64> {
        let query = sqlx::query(
            "DELETE FROM tidings_outbox
             WHERE seq IN (SELECT value FROM json_each(?))
               AND refused_at IS NOT NULL AND reason IS NOT NULL",
        );
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
                 (SELECT julianday(max(published_at)) AS at FROM tidings_outbox_published) AS newest
             WHERE julianday(published_at) >= newest.at - ? / 86400.0
               AND newest.at <= julianday('now') - ? / 86400.0
               AND seq > ?
             ORDER BY seq LIMIT ?",
        )
        .bind(window.as_secs_f64())
        .bind(since.as_secs_f64())
        .bind(after)
        .bind(limit as i64)
        .fetch_all(&mut self.connection)
        .await
        .map_err(fault("resend"))?;
        rows.iter().map(ready_row).collect()
    }

    async fn published_again(&mut self, seqs: &[i64]) -> Result<()> {
        let sql = "UPDATE tidings_outbox_published
                   SET published_at = strftime('%Y-%m-%d %H:%M:%f', 'now')
                   WHERE seq IN (SELECT value FROM json_each(?))";
        fenced!(self, "resend", sqlx::query(sql).bind(list(seqs)))
    }

    async fn forget_published(&mut self, age: Duration, last: Duration) -> Result<u64> {
        let query = sqlx::query(
            "DELETE FROM tidings_outbox_published WHERE seq IN (
                 SELECT seq FROM tidings_outbox_published
                 WHERE julianday(published_at) < julianday('now') - ? / 86400.0
                   AND julianday(published_at)
                       <= (SELECT julianday(max(published_at)) FROM tidings_outbox_published)
                          - ? / 86400.0
                 LIMIT 10000)",
        );
        let query = query.bind(age.as_secs_f64()).bind(last.as_secs_f64());
        self.execute("prune", query).await
    }

    async fn forget_done(&mut self, age: Duration) -> Result<u64> {
        super::prune(&mut self.connection, None, age).await
    }
}

fn ready_row(row: &SqliteRow) -> Result<Row> {
    let get = fault("look");
    let document: String = row.try_get(3).map_err(&get)?;
    Ok(Row {
        seq: row.try_get(0).map_err(&get)?,
        topic: row.try_get(1).map_err(&get)?,
        key: row.try_get(2).map_err(&get)?,
        document: document.into(),
    })
}

fn refused_row(row: &SqliteRow) -> Result<RefusedRow> {
    let get = fault("list");
    let refused_at: Option<String> = row.try_get(5).map_err(&get)?;
    Ok(RefusedRow {
        seq: row.try_get(0).map_err(&get)?,
        id: row.try_get(1).map_err(&get)?,
        topic: row.try_get(2).map_err(&get)?,
        key: row.try_get(3).map_err(&get)?,
        reason: row.try_get(4).map_err(&get)?,
        refused_at: refused_at.and_then(|text| text.parse().ok()),
        holds: 0,
    })
}
