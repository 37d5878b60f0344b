//! Removing old events, without a group losing any in silence.

use rusqlite::{OptionalExtension, params};
use tidings_transport::{Group, Result, Retention, Topic, Trimmed};

use crate::describe;
use crate::error::Fault;
use crate::gap;
use crate::group;
use crate::job::{Order, Work};
use crate::transport::Inner;
use crate::upkeep;
use crate::wire::{count, integer, micros};

/// How many events go in one transaction, so that writers need not wait long.
const CHUNK: i64 = 1_000;

/// What is to be removed.
struct Cut {
    topic: i64,
    /// Everything up to here.
    to: i64,
    trimmed: Trimmed,
}

/// Decides, moves the groups past what goes, and then removes it in small steps. If that is
/// interrupted the next one goes on.
pub(crate) async fn trim(inner: &Inner, topic: &Topic, retention: &Retention) -> Result<Trimmed> {
    let order = Order {
        operation: "trim",
        synced: true,
        rows: 1_000,
    };
    let (name, rules) = (topic.clone(), retention.clone());
    let cut = inner
        .writer
        .run(order, move |work| decide(work, &name, &rules))
        .await?;
    if retention.dry_run || cut.trimmed.removed == 0 {
        return Ok(cut.trimmed);
    }
    let Cut {
        topic,
        to,
        mut trimmed,
    } = cut;
    // What others remove meanwhile is theirs to count.
    trimmed.removed = 0;
    loop {
        let removed = inner.writer.run(order, move |work| {
            let mut remove = work.db.prepare_cached(
                "DELETE FROM events WHERE commit_order IN
                   (SELECT commit_order FROM events WHERE topic_id = ?1 AND seq <= ?2
                     ORDER BY seq LIMIT ?3)",
            )?;
            Ok(remove.execute([topic, to, CHUNK])?)
        });
        match removed.await? {
            0 => break,
            some => trimmed.removed += some as u64,
        }
    }
    // The events are gone whatever comes of this; the next one tries again.
    if let Err(error) = upkeep::give_back(inner).await {
        tracing::debug!(%error, "free space was not given back");
    }
    Ok(trimmed)
}

fn decide(work: &mut Work<'_>, topic: &Topic, retention: &Retention) -> Result<Cut, Fault> {
    let id = group::need_topic(work.db, topic)?;
    let one = |sql: &str, bound: i64| -> Result<Option<i64>, Fault> {
        let found = work.db.query_row(sql, [id, bound], |row| row.get(0));
        Ok(found.optional()?.flatten())
    };
    let (length, last): (i64, i64) = work.db.query_row(
        "SELECT length, last_seq FROM topics WHERE topic_id = ?1",
        [id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    // The last event of those beyond `max`, counted from the newest.
    let beyond = |max: Option<u64>| match max.map(integer) {
        Some(max) if max < length => one(
            "SELECT seq FROM events WHERE topic_id = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2",
            max,
        ),
        _ => Ok(None),
    };
    let old = match retention.max_age {
        Some(age) => {
            let since = work.now.saturating_sub(micros(age));
            let first_kept = group::first_since(work.db, id, since)?;
            first_kept.map_or(last, |seq| seq - 1)
        }
        None => 0,
    };
    let hard = beyond(retention.hard_max_len)?.unwrap_or(0);
    let named = old.max(beyond(retention.max_len)?.unwrap_or(0)).max(hard);
    let active = work.now.saturating_sub(micros(retention.group_ttl));
    let mut needing = work.db.prepare(
        "SELECT name, settled FROM
           (SELECT g.name, coalesce(
             (SELECT seq - 1 FROM deliveries
               WHERE delivery >= g.group_id << 40 AND delivery < (g.group_id + 1) << 40
                 AND dead_letter IS NULL
               ORDER BY delivery LIMIT 1), g.claimed_to) AS settled
           FROM groups g WHERE g.topic_id = ?1 AND g.active >= ?2)
          WHERE settled < ?3 ORDER BY name",
    )?;
    let mut needing = needing.query([id, active, named])?;
    let (mut to, mut needed_by) = (named, Vec::new());
    while let Some(row) = needing.next()? {
        needed_by.push(describe::name(Group::new(row.get::<_, String>(0)?))?);
        to = to.min(row.get(1)?);
    }
    let to = to.max(hard);
    let up_to = |seq| {
        one(
            "SELECT count(*) FROM events WHERE topic_id = ?1 AND seq <= ?2",
            seq,
        )
        .map(|n| count(n.unwrap_or(0)))
    };
    let removed = up_to(to)?;
    let trimmed = Trimmed {
        removed,
        spared: up_to(named)?.saturating_sub(removed),
        needed_by,
    };
    if !retention.dry_run && removed > 0 {
        pass_over(work, id, to, active)?;
    }
    Ok(Cut {
        topic: id,
        to,
        trimmed,
    })
}

/// Moves the groups of a topic past what is going to be removed, and notes what each loses. What a
/// consumer has in hand stays there: it has the body, and may still settle it.
fn pass_over(work: &mut Work<'_>, topic: i64, to: i64, active: i64) -> Result<(), Fault> {
    let mut groups = work
        .db
        .prepare("SELECT group_id, claimed_to, active >= ?2 FROM groups WHERE topic_id = ?1")?;
    let groups = groups
        .query_map([topic, active], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<Result<Vec<(i64, i64, bool)>, _>>()?;
    for (group, claimed_to, active) in groups {
        let waiting = "delivery >= ?1 << 40 AND delivery <= (?1 << 40) + ?2
                       AND consumer_id IS NULL AND dead_letter IS NULL";
        let first: Option<i64> = work.db.query_row(
            &format!("SELECT min(seq) FROM deliveries WHERE {waiting}"),
            [group, to],
            |row| row.get(0),
        )?;
        let unhanded = work.db.execute(
            &format!("DELETE FROM deliveries WHERE {waiting}"),
            [group, to],
        )?;
        let unhanded = integer(unhanded);
        let lost = unhanded + (to - claimed_to).max(0);
        if lost == 0 {
            continue;
        }
        let after = first.map_or(claimed_to, |seq| seq - 1);
        let cause = match active {
            true => "taken by the hard cap of retention before they were settled",
            false => {
                "trimmed for lack of a sign of life: the group was idle for longer than its group-ttl"
            }
        };
        gap::note(work, group, after, Some(to + 1), lost, cause)?;
        work.db.execute(
            "UPDATE groups SET claimed_to = max(claimed_to, ?2) WHERE group_id = ?1",
            [group, to],
        )?;
        if unhanded > 0 {
            // Lanes that lost their first.
            work.db.execute(
                "UPDATE deliveries SET due = ?2 WHERE group_id = ?1 AND due IS NULL AND delivery =
                   (SELECT min(d.delivery) FROM deliveries d
                     WHERE d.group_id = ?1 AND d.lane = deliveries.lane)",
                params![group, work.now],
            )?;
        }
        work.wake = true;
    }
    Ok(())
}
