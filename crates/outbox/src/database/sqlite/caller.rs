//! What runs in the caller's transaction.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::{QueryBuilder, SqliteConnection};

use crate::Result;
use crate::database::fault::fault;
use crate::database::row::NewRow;

/// A statement may have 32,766 parameters.
const ROWS: usize = 4_000;

pub(crate) async fn insert(connection: &mut SqliteConnection, rows: &[NewRow]) -> Result<()> {
    for chunk in rows.chunks(ROWS) {
        let mut query = QueryBuilder::new(
            "INSERT INTO tidings_outbox (id, topic, event_key, event, created_at) ",
        );
        query.push_values(chunk, |mut values, row| {
            values
                .push_bind(&row.id)
                .push_bind(&row.topic)
                .push_bind(&row.key)
                .push_bind(&row.document)
                .push("strftime('%Y-%m-%d %H:%M:%f', 'now')");
        });
        query
            .build()
            .persistent(chunk.len() == 1)
            .execute(&mut *connection)
            .await
            .map_err(fault("enqueue"))?;
    }
    Ok(())
}

pub(crate) async fn record(
    connection: &mut SqliteConnection,
    group: &str,
    events: &[(String, String)],
) -> Result<Vec<bool>> {
    let mut fresh: HashSet<(String, String)> = HashSet::with_capacity(events.len());
    for chunk in events.chunks(ROWS) {
        let mut query =
            QueryBuilder::new("INSERT INTO tidings_inbox (group_name, source, id, done_at) ");
        query.push_values(chunk, |mut values, (source, id)| {
            values
                .push_bind(group)
                .push_bind(source)
                .push_bind(id)
                .push("strftime('%Y-%m-%d %H:%M:%f', 'now')");
        });
        query.push(" ON CONFLICT DO NOTHING RETURNING source, id");
        let new: Vec<(String, String)> = query
            .build_query_as()
            .persistent(chunk.len() == 1)
            .fetch_all(&mut *connection)
            .await
            .map_err(fault("inbox"))?;
        fresh.extend(new);
    }
    // An event that is given twice is new once.
    Ok(events.iter().map(|event| fresh.remove(event)).collect())
}

pub(crate) async fn prune(
    connection: &mut SqliteConnection,
    group: Option<&str>,
    age: Duration,
) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM tidings_inbox WHERE rowid IN (
             SELECT rowid FROM tidings_inbox
             WHERE julianday(done_at) < julianday('now') - ?2 / 86400.0
               AND (?1 IS NULL OR group_name = ?1)
             LIMIT 10000)",
    )
    .bind(group)
    .bind(age.as_secs_f64())
    .execute(connection)
    .await
    .map_err(fault("prune"))?;
    Ok(done.rows_affected())
}
