//! What runs in the caller's transaction.

use std::time::Duration;

use sqlx::{MySqlConnection, QueryBuilder};

use crate::Result;
use crate::database::fault::fault;
use crate::database::row::NewRow;

/// A statement may have 65,535 parameters, and a packet 16 MiB (MariaDB's default) or 64 MiB
/// (MySQL's).
const ROWS: usize = 8_000;
const BYTES: usize = 8 * 1024 * 1024;

pub(crate) async fn insert(connection: &mut MySqlConnection, rows: &[NewRow]) -> Result<()> {
    let mut rest = rows;
    while !rest.is_empty() {
        let (mut count, mut bytes) = (0, 0);
        for row in rest.iter().take(ROWS) {
            bytes += row.document.len() + row.topic.len() + row.key.as_ref().map_or(0, String::len);
            if count > 0 && bytes > BYTES {
                break;
            }
            count += 1;
        }
        let (now, later) = rest.split_at(count);
        rest = later;
        let mut query = QueryBuilder::new(
            "INSERT INTO tidings_outbox (id, topic, event_key, event, created_at) ",
        );
        query.push_values(now, |mut values, row| {
            values
                .push_bind(&row.id)
                .push_bind(&row.topic)
                .push_bind(&row.key)
                .push_bind(&row.document)
                .push("UTC_TIMESTAMP(6)");
        });
        let few = now.len() == 1;
        query
            .build()
            .persistent(few)
            .execute(&mut *connection)
            .await
            .map_err(fault("enqueue"))?;
    }
    Ok(())
}

/// MySQL cannot return which rows it inserted. If all were new, or there is one, their count
/// says it; otherwise the events are recorded one by one.
pub(crate) async fn record(
    connection: &mut MySqlConnection,
    group: &str,
    events: &[(String, String)],
) -> Result<Vec<bool>> {
    if let [event] = events {
        return Ok(vec![record_one(connection, group, event).await?]);
    }
    if events.is_empty() {
        return Ok(Vec::new());
    }
    control(connection, "SAVEPOINT tidings_inbox").await?;
    // In one order for everybody, so that two transactions with the same events do not wait for
    // each other in a circle.
    let mut sorted: Vec<&(String, String)> = events.iter().collect();
    sorted.sort_unstable();
    let mut inserted = 0;
    for chunk in sorted.chunks(ROWS) {
        let mut query = QueryBuilder::new(
            "INSERT IGNORE INTO tidings_inbox (group_name, source, id, done_at) ",
        );
        query.push_values(chunk, |mut values, (source, id)| {
            values
                .push_bind(group)
                .push_bind(source)
                .push_bind(id)
                .push("UTC_TIMESTAMP(6)");
        });
        let done = query.build().persistent(false).execute(&mut *connection);
        inserted += done.await.map_err(fault("inbox"))?.rows_affected();
    }
    if inserted == events.len() as u64 {
        control(connection, "RELEASE SAVEPOINT tidings_inbox").await?;
        return Ok(vec![true; events.len()]);
    }
    if inserted == 0 {
        control(connection, "RELEASE SAVEPOINT tidings_inbox").await?;
        return Ok(vec![false; events.len()]);
    }
    control(connection, "ROLLBACK TO SAVEPOINT tidings_inbox").await?;
    let mut order: Vec<usize> = (0..events.len()).collect();
    order.sort_by(|a, b| events[*a].cmp(&events[*b]).then(a.cmp(b)));
    let mut fresh = vec![false; events.len()];
    for i in order {
        fresh[i] = record_one(connection, group, &events[i]).await?;
    }
    Ok(fresh)
}

async fn control(connection: &mut MySqlConnection, sql: &'static str) -> Result<()> {
    let done = sqlx::raw_sql(sql).execute(connection).await;
    done.map(drop).map_err(fault("inbox"))
}

/// `IGNORE` passes over the duplicate and nothing else here: lengths are bounded before.
async fn record_one(
    connection: &mut MySqlConnection,
    group: &str,
    (source, id): &(String, String),
) -> Result<bool> {
    let done = sqlx::query(
        "INSERT IGNORE INTO tidings_inbox (group_name, source, id, done_at)
         VALUES (?, ?, ?, UTC_TIMESTAMP(6))",
    )
    .bind(group)
    .bind(source)
    .bind(id)
    .execute(connection)
    .await
    .map_err(fault("inbox"))?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn prune(
    connection: &mut MySqlConnection,
    group: Option<&str>,
    age: Duration,
) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM tidings_inbox
         WHERE done_at < UTC_TIMESTAMP(6) - INTERVAL ? MICROSECOND
           AND (? IS NULL OR group_name = ?)
         LIMIT 10000",
    )
    .bind(i64::try_from(age.as_micros()).unwrap_or(i64::MAX))
    .bind(group)
    .bind(group)
    .execute(connection)
    .await
    .map_err(fault("prune"))?;
    Ok(done.rows_affected())
}
