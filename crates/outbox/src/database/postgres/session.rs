//! The relay's session.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{Connection as _, PgConnection, Row as _};

use super::SCHEMA;
use crate::Result;
use crate::database::fault::fault;
use crate::database::row::{COUNTED, Place, RefusedRow, Row, Status};
use crate::database::session::{FORBIDDEN, Session, Table};

/// Advisory locks are per database: this number need only differ from the application's own.
/// It is "tidings" in ASCII.
pub(super) const LOCK: i64 = 0x0074_6964_696e_6773;

/// A look: the rows that are ready, by number.
pub(crate) const READY: &str = "SELECT seq, topic, event_key, event FROM tidings_outbox
     WHERE refused_at IS NULL AND seq > $1 ORDER BY seq LIMIT $2";
/// Rows are found by an index, and in its order. The planner knows the table by statistics that may
/// be of a day on which it was empty: behind an outage it would read all of it, and sort it, for
/// each look.
pub(crate) const PLANNING: &str = "SET enable_seqscan = off; SET enable_bitmapscan = off";
/// Deletes what was published.
pub(crate) const FINISH: &str = "DELETE FROM tidings_outbox WHERE seq = ANY ($1)";

pub(crate) struct Postgres {
    pub(super) connection: PgConnection,
    pub(super) options: PgConnectOptions,
    /// The server process that this session had first. Behind a pooler it changes.
    pub(super) backend: i32,
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

    pub(super) async fn execute(
        &mut self,
        operation: &'static str,
        query: sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments>,
    ) -> Result<u64> {
        let done = query.execute(&mut self.connection).await;
        Ok(done.map_err(fault(operation))?.rows_affected())
    }
}

pub(super) async fn backend(connection: &mut PgConnection) -> Result<i32> {
    sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(connection)
        .await
        .map_err(fault("connect"))
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

    async fn forbidden_topics(&mut self) -> Result<Vec<String>> {
        sqlx::query_scalar(
            "SELECT DISTINCT topic FROM tidings_outbox
             WHERE refused_at IS NOT NULL AND reason LIKE $1",
        )
        .bind(format!("{FORBIDDEN}%"))
        .fetch_all(&mut self.connection)
        .await
        .map_err(fault("look"))
    }

    async fn forbidden(&mut self, topic: &str, limit: usize) -> Result<Vec<i64>> {
        sqlx::query_scalar(
            "SELECT seq FROM tidings_outbox
             WHERE refused_at IS NOT NULL AND topic = $1 AND reason LIKE $2
             ORDER BY seq LIMIT $3",
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
             WHERE published_at >= newest.at - make_interval(secs => $1)
               AND newest.at <= clock_timestamp() - make_interval(secs => $2)
               AND seq > $3
             ORDER BY seq LIMIT $4",
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
        let query = sqlx::query(
            "UPDATE tidings_outbox_published SET published_at = clock_timestamp()
             WHERE seq = ANY ($1)",
        );
        self.execute("resend", query.bind(seqs)).await.map(drop)
    }

    async fn forget_published(&mut self, age: Duration, last: Duration) -> Result<u64> {
        let query = sqlx::query(
            "DELETE FROM tidings_outbox_published WHERE seq = ANY (ARRAY(
                 SELECT seq FROM tidings_outbox_published
                 WHERE published_at < clock_timestamp() - make_interval(secs => $1)
                   AND published_at <= (SELECT max(published_at) FROM tidings_outbox_published)
                                       - make_interval(secs => $2)
                 ORDER BY published_at LIMIT 10000))",
        );
        let query = query.bind(age.as_secs_f64()).bind(last.as_secs_f64());
        self.execute("prune", query).await
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
