//! What runs in the caller's transaction. Its statements have no names, since the caller may be
//! behind a pooler, where a name belongs to whoever used the server's connection before.

use std::time::Duration;

use sqlx::{PgConnection, Row as _};

use crate::Result;
use crate::database::fault::fault;
use crate::database::row::NewRow;

pub(crate) async fn insert(connection: &mut PgConnection, rows: &[NewRow]) -> Result<()> {
    let column = |f: fn(&NewRow) -> &str| -> Vec<&str> { rows.iter().map(f).collect() };
    let keys: Vec<Option<&str>> = rows.iter().map(|row| row.key.as_deref()).collect();
    // Numbered in the order given.
    sqlx::query(
        "INSERT INTO tidings_outbox (id, topic, event_key, event, created_at)
         SELECT id, topic, event_key, event, clock_timestamp()
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
              AS row (id, topic, event_key, event, nth)
         ORDER BY nth",
    )
    .bind(column(|row| &row.id))
    .bind(column(|row| &row.topic))
    .bind(keys)
    .bind(column(|row| &row.document))
    .persistent(false)
    .execute(connection)
    .await
    .map(drop)
    .map_err(fault("enqueue"))
}

pub(crate) async fn record(
    connection: &mut PgConnection,
    group: &str,
    events: &[(String, String)],
) -> Result<Vec<bool>> {
    let (sources, ids): (Vec<&str>, Vec<&str>) =
        events.iter().map(|(s, i)| (s.as_str(), i.as_str())).unzip();
    // In one order for everybody, so that two transactions with the same events do not wait for
    // each other in a circle. A row that another transaction has inserted and not committed is
    // waited for.
    let new = sqlx::query(
        "INSERT INTO tidings_inbox (group_name, source, id, done_at)
         SELECT $1, source, id, clock_timestamp()
         FROM unnest($2::text[], $3::text[]) AS event (source, id)
         ORDER BY source, id
         ON CONFLICT DO NOTHING
         RETURNING source, id",
    )
    .bind(group)
    .bind(sources)
    .bind(ids)
    .persistent(false)
    .fetch_all(connection)
    .await
    .map_err(fault("inbox"))?;
    let mut fresh = std::collections::HashSet::with_capacity(new.len());
    for row in &new {
        let pair: (String, String) = (
            row.try_get(0).map_err(fault("inbox"))?,
            row.try_get(1).map_err(fault("inbox"))?,
        );
        fresh.insert(pair);
    }
    // An event that is given twice is new once.
    Ok(events.iter().map(|event| fresh.remove(event)).collect())
}

pub(crate) async fn prune(
    connection: &mut PgConnection,
    group: Option<&str>,
    age: Duration,
) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM tidings_inbox WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM tidings_inbox
             WHERE done_at < clock_timestamp() - make_interval(secs => $2)
               AND ($1::text IS NULL OR group_name = $1)
             LIMIT 10000))",
    )
    .bind(group)
    .bind(age.as_secs_f64())
    .persistent(false)
    .execute(connection)
    .await
    .map_err(fault("prune"))?;
    Ok(done.rows_affected())
}
