//! The relay's session.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::SCHEMA;
use crate::database::fault::fault;
use crate::database::row::{COUNTED, Place, RefusedRow, Row, Status};
use crate::database::session::{Session, Table};
use crate::{Error, ErrorKind, Result};

/// Advisory locks are per database: this number need only differ from the application's own.
/// It is "tidings" in ASCII.
const LOCK: i64 = 0x0074_6964_696e_6773;

/// A look: the rows that are ready, by number.
pub(crate) const READY: &str = "SELECT seq, topic, event_key, event FROM tidings_outbox
     WHERE refused_at IS NULL AND seq > $1 ORDER BY seq LIMIT $2";
/// Rows are found by an index, and in its order. The planner knows the table by statistics that may
/// be of a day on which it was empty: behind an outage it would read all of it, and sort it, for
/// each look.
pub(crate) const PLANNING: &str = "SET enable_seqscan = off; SET enable_bitmapscan = off";
/// Deletes what was published.
pub(crate) const FINISH: &str = "DELETE FROM tidings_outbox WHERE seq = ANY ($1)";

/// Whether the lock `$1` is held in this database, by a session as said.
macro_rules! held {
    ($by:literal) => {
        concat!(
            "EXISTS (
                 SELECT 1 FROM pg_locks
                 WHERE locktype = 'advisory' AND granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                   AND classid::bigint = ($1::bigint >> 32)
                   AND objid::bigint = ($1::bigint & 4294967295) AND objsubid = 1 ",
            $by,
            ")"
        )
    };
}

pub(crate) struct Postgres {
    connection: PgConnection,
    options: PgConnectOptions,
    /// The server process that this session had first. Behind a pooler it changes.
    backend: i32,
}

impl Postgres {
    pub(crate) async fn connect(options: &PgConnectOptions) -> Result<Self> {
        let options = options.clone().application_name("tidings");
        let mut connection = PgConnection::connect_with(&options)
            .await
            .map_err(fault("connect"))?;
        let backend = backend(&mut connection).await?;
        Ok(Self {
            connection,
            options,
            backend,
        })
    }

    /// While other sessions are inside transactions, each has a server process for itself. A
    /// direct session has one for itself anyway; a pooled one that is idle lends its own to one
    /// of them, or is moved. Several, since a pooler may have a few idle ones to give away first.
    async fn is_direct(&mut self) -> Result<bool> {
        const OTHERS: usize = 4;
        let mut others = Vec::with_capacity(OTHERS);
        let mut shared = false;
        while !shared && others.len() < OTHERS {
            let mut other = PgConnection::connect_with(&self.options)
                .await
                .map_err(fault("connect"))?;
            sqlx::raw_sql("BEGIN")
                .execute(&mut other)
                .await
                .map_err(fault("connect"))?;
            shared = backend(&mut other).await? == self.backend;
            others.push(other);
        }
        let moved = backend(&mut self.connection).await? != self.backend;
        for other in others {
            // Only a courtesy to the server, which rolls back by itself.
            let _ = other.close().await;
        }
        Ok(!shared && !moved)
    }

    async fn execute(
        &mut self,
        operation: &'static str,
        query: sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments>,
    ) -> Result<u64> {
        let done = query.execute(&mut self.connection).await;
        Ok(done.map_err(fault(operation))?.rows_affected())
    }
}

async fn backend(connection: &mut PgConnection) -> Result<i32> {
    sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(connection)
        .await
        .map_err(fault("connect"))
}

fn pooled() -> Error {
    Error::new(
        ErrorKind::Pooler,
        "relay",
        "between the relay and PostgreSQL stands a pooler (PgBouncer or another in transaction or \
         statement mode): it hands each statement to another server process, so the lock that \
         keeps one relay active does not hold, and LISTEN hears nothing. Name the database \
         server's own address in the URL; services may go on using the pooler",
    )
}

#[async_trait]
impl Session for Postgres {
    async fn migrate(&mut self) -> Result<()> {
        // One at a time: two that create the same table at once would fail on the catalog.
        let mut work = self.connection.begin().await.map_err(fault("migrate"))?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(LOCK + 1)
            .execute(&mut *work)
            .await
            .map_err(fault("migrate"))?;
        sqlx::raw_sql("SET LOCAL client_min_messages = warning")
            .execute(&mut *work)
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

    async fn check_direct(&mut self) -> Result<()> {
        match self.is_direct().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(pooled()),
            // A statement that was prepared in another server process.
            Err(error) if error.kind() == ErrorKind::Pooler => Err(pooled()),
            Err(error) => Err(error),
        }
    }

    async fn take(&mut self) -> Result<bool> {
        // A relay whose host is gone gives its lock back when the server notices: after about
        // fifteen seconds instead of two hours. Its deletes need not wait for the disk: one that
        // is lost with the server's memory means an event twice, never one less.
        sqlx::raw_sql(AssertSqlSafe(format!(
            "SET tcp_keepalives_idle = 6; SET tcp_keepalives_interval = 3;
             SET tcp_keepalives_count = 3; SET synchronous_commit = off;
             SET statement_timeout = '60s'; {PLANNING}"
        )))
        .execute(&mut self.connection)
        .await
        .map_err(fault("take the lock"))?;
        let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut self.connection)
            .await
            .map_err(fault("take the lock"))?;
        Ok(taken)
    }

    async fn is_taken(&mut self) -> Result<bool> {
        sqlx::query_scalar(concat!("SELECT ", held!("")))
            .bind(LOCK)
            .fetch_one(&mut self.connection)
            .await
            .map_err(fault("look for the lock"))
    }

    async fn version(&mut self) -> Result<Option<i64>> {
        let there: bool =
            sqlx::query_scalar("SELECT to_regclass('tidings_outbox_schema') IS NOT NULL")
                .fetch_one(&mut self.connection)
                .await
                .map_err(fault("check the tables"))?;
        if !there {
            return Ok(None);
        }
        sqlx::query_scalar("SELECT max(version)::bigint FROM tidings_outbox_schema")
            .fetch_one(&mut self.connection)
            .await
            .map_err(fault("check the tables"))
    }

    async fn keep(&mut self) -> Result<()> {
        let (backend, held): (i32, bool) = sqlx::query_as(concat!(
            "SELECT pg_backend_pid(), ",
            held!("AND pid = pg_backend_pid()")
        ))
        .bind(LOCK)
        .fetch_one(&mut self.connection)
        .await
        .map_err(fault("keep the lock"))?;
        if backend != self.backend {
            return Err(pooled());
        }
        match held {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Superseded,
                "keep the lock",
                "the advisory lock of this session is gone",
            )),
        }
    }

    async fn give_back(&mut self) -> Result<()> {
        let query = sqlx::query("SELECT pg_advisory_unlock($1)").bind(LOCK);
        self.execute("give the lock back", query).await.map(drop)
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
        let sql = match keep {
            false => FINISH,
            true => {
                "WITH gone AS (DELETE FROM tidings_outbox WHERE seq = ANY ($1)
                               RETURNING seq, id, topic, event_key, event, created_at)
                 INSERT INTO tidings_outbox_published
                       (seq, id, topic, event_key, event, created_at, published_at)
                 SELECT seq, id, topic, event_key, event, created_at, clock_timestamp() FROM gone
                 ON CONFLICT (seq) DO NOTHING"
            }
        };
        self.execute("finish", sqlx::query(sql).bind(seqs))
            .await
            .map(drop)
    }

    async fn refuse(&mut self, rows: &[(i64, String)]) -> Result<()> {
        let (seqs, reasons): (Vec<i64>, Vec<&str>) =
            rows.iter().map(|(seq, why)| (*seq, why.as_str())).unzip();
        let query = sqlx::query(
            "UPDATE tidings_outbox o SET refused_at = clock_timestamp(), reason = r.reason
             FROM unnest($1::bigint[], $2::text[]) AS r (seq, reason) WHERE o.seq = r.seq",
        );
        self.execute("set aside", query.bind(seqs).bind(reasons))
            .await
            .map(drop)
    }

    async fn hold(&mut self, seqs: &[i64]) -> Result<()> {
        let query = sqlx::query(
            "UPDATE tidings_outbox SET refused_at = clock_timestamp(), reason = NULL
             WHERE seq = ANY ($1)",
        );
        self.execute("set aside", query.bind(seqs)).await.map(drop)
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

    async fn still_refused(&mut self, seqs: &[i64]) -> Result<HashSet<i64>> {
        let rows: Vec<i64> = sqlx::query_scalar(
            "SELECT seq FROM tidings_outbox WHERE seq = ANY ($1) AND refused_at IS NOT NULL",
        )
        .bind(seqs)
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
        let query = sqlx::query(
            "UPDATE tidings_outbox SET refused_at = NULL
             WHERE topic = $1 AND event_key = $2 AND refused_at IS NOT NULL AND reason IS NULL",
        );
        self.execute("release", query.bind(topic).bind(key))
            .await
            .map(drop)
    }

    async fn status(&mut self) -> Result<Status> {
        let row: (i64, i64, Option<i64>, i64, i64) = sqlx::query_as(
            "SELECT
                 (SELECT count(*) FROM (SELECT 1 FROM tidings_outbox WHERE refused_at IS NULL
                                        LIMIT $1 + 1) AS counted),
                 (SELECT coalesce(max(seq) - min(seq) + 1, 0) FROM tidings_outbox
                  WHERE refused_at IS NULL),
                 (SELECT (extract(epoch FROM clock_timestamp() - created_at) * 1000000)::bigint
                  FROM tidings_outbox WHERE refused_at IS NULL ORDER BY seq LIMIT 1),
                 (SELECT count(*) FROM (SELECT 1 FROM tidings_outbox WHERE refused_at IS NOT NULL
                                        AND reason IS NOT NULL LIMIT $1) AS refused),
                 (SELECT count(*) FROM (SELECT 1 FROM tidings_outbox WHERE refused_at IS NOT NULL
                                        AND reason IS NULL LIMIT $1) AS held)",
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
                    to_char(refused_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')
             FROM tidings_outbox
             WHERE refused_at IS NOT NULL AND reason IS NOT NULL AND seq > $1
             ORDER BY seq LIMIT $2",
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
             WHERE seq = ANY ($1) AND refused_at IS NOT NULL AND reason IS NOT NULL",
        );
        self.execute("retry", query.bind(seqs)).await
    }

    async fn discard(&mut self, seqs: &[i64]) -> Result<u64> {
        let query = sqlx::query(
            "DELETE FROM tidings_outbox
             WHERE seq = ANY ($1) AND refused_at IS NOT NULL AND reason IS NOT NULL",
        );
        self.execute("discard", query.bind(seqs)).await
    }

    async fn forget_published(&mut self, age: Duration) -> Result<u64> {
        let query = sqlx::query(
            "DELETE FROM tidings_outbox_published WHERE seq = ANY (ARRAY(
                 SELECT seq FROM tidings_outbox_published
                 WHERE published_at < clock_timestamp() - make_interval(secs => $1)
                 ORDER BY published_at LIMIT 10000))",
        );
        self.execute("prune", query.bind(age.as_secs_f64())).await
    }

    async fn forget_done(&mut self, age: Duration) -> Result<u64> {
        super::prune(&mut self.connection, None, age).await
    }
}

fn ready_row(row: &PgRow) -> Result<Row> {
    let get = fault("look");
    let document: String = row.try_get(3).map_err(&get)?;
    Ok(Row {
        seq: row.try_get(0).map_err(&get)?,
        topic: row.try_get(1).map_err(&get)?,
        key: row.try_get(2).map_err(&get)?,
        document: document.into(),
    })
}

fn refused_row(row: &PgRow) -> Result<RefusedRow> {
    let get = fault("list");
    let id: String = row.try_get(1).map_err(&get)?;
    let refused_at: Option<String> = row.try_get(5).map_err(&get)?;
    Ok(RefusedRow {
        seq: row.try_get(0).map_err(&get)?,
        id: id.trim_end().to_owned(),
        topic: row.try_get(2).map_err(&get)?,
        key: row.try_get(3).map_err(&get)?,
        reason: row.try_get(4).map_err(&get)?,
        refused_at: refused_at.and_then(|text| text.parse().ok()),
        holds: 0,
    })
}
