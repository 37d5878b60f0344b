//! What was lost to a group: noted when it is noticed, reported once.

use rusqlite::{Connection, OptionalExtension, params};
use tidings_transport::{Count, Gap, Group, Topic};

use crate::error::Fault;
use crate::group;
use crate::job::Work;
use crate::member::Member;
use crate::wire::{self, count, position};

/// Notes that so many events between these two positions (both outside) are gone. What is noted
/// between two reports becomes one gap.
pub(crate) fn note(
    work: &Work<'_>,
    group: i64,
    after: i64,
    until: Option<i64>,
    lost: i64,
    cause: &str,
) -> Result<(), Fault> {
    if lost <= 0 {
        return Ok(());
    }
    let mut note = work.db.prepare_cached(
        "INSERT INTO gaps (group_id, after, until, lost, more, cause) VALUES (?1, ?2, ?3, ?4, 0, ?5)
         ON CONFLICT (group_id) DO UPDATE SET
           after = min(after, excluded.after),
           until = max(until, excluded.until),
           lost = lost + excluded.lost, cause = excluded.cause",
    )?;
    note.execute(params![group, after, until, lost, cause])?;
    let mut add = work.db.prepare_cached(
        "UPDATE groups SET lost = lost + ?2, lost_cause = ?3 WHERE group_id = ?1",
    )?;
    add.execute(params![group, lost, cause])?;
    Ok(())
}

/// Notes that nobody knows how many are gone.
pub(crate) fn note_unknown(work: &Work<'_>, group: i64, cause: &str) -> Result<(), Fault> {
    work.db.execute(
        "INSERT INTO gaps (group_id, lost, more, cause) VALUES (?1, 0, 1, ?2)
         ON CONFLICT (group_id) DO UPDATE SET more = 1, cause = excluded.cause",
        params![group, cause],
    )?;
    work.db.execute(
        "UPDATE groups SET lost_more = 1, lost_cause = ?2 WHERE group_id = ?1",
        params![group, cause],
    )?;
    Ok(())
}

/// Takes what is to be reported.
pub(crate) fn take(
    work: &Work<'_>,
    member: &Member,
    index: usize,
    group: i64,
) -> Result<Option<Gap>, Fault> {
    let mut ask = work
        .db
        .prepare_cached("SELECT after, until, lost, more, cause FROM gaps WHERE group_id = ?1")?;
    let found = ask.query_row([group], |row| {
        Ok(Gap {
            topic: member.topics[index].clone(),
            group: member.group.clone(),
            after: row.get::<_, Option<i64>>(0)?.map(position),
            until: row.get::<_, Option<i64>>(1)?.map(position),
            lost: how_many(row.get(2)?, row.get(3)?),
            cause: row.get(4)?,
        })
    });
    let found = found.optional()?;
    if found.is_some() {
        work.db
            .execute("DELETE FROM gaps WHERE group_id = ?1", [group])?;
    }
    Ok(found)
}

/// All that was lost to a group, as one gap.
pub(crate) fn sum(db: &Connection, topic: &Topic, group: &Group) -> Result<Option<Gap>, Fault> {
    let id = group::need_group(db, topic, group)?;
    let unnoted = unnoted(db, id)?;
    let (lost, more, cause): (i64, bool, Option<String>) = db.query_row(
        "SELECT lost, lost_more, lost_cause FROM groups WHERE group_id = ?1",
        [id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let lost = how_many(lost + unnoted, more);
    let cause = match cause {
        Some(cause) if unnoted == 0 => cause,
        _ => "removed by another program".to_owned(),
    };
    Ok((lost != Count::Exactly(0)).then(|| Gap {
        topic: topic.clone(),
        group: group.clone(),
        after: None,
        until: None,
        lost,
        cause,
    }))
}

/// Begins to count anew. What is still to be found counts as acknowledged, too.
pub(crate) fn acknowledge(work: &Work<'_>, topic: &Topic, group: &Group) -> Result<Count, Fault> {
    let id = group::need_group(work.db, topic, group)?;
    let lost = sum(work.db, topic, group)?.map_or(Count::Exactly(0), |gap| gap.lost);
    work.db.execute(
        "UPDATE groups SET lost = ?2, lost_more = 0, lost_cause = NULL WHERE group_id = ?1",
        [id, -unnoted(work.db, id)?],
    )?;
    Ok(lost)
}

/// How many events others removed that the group will be told of only when somebody consumes.
pub(crate) fn unnoted(db: &Connection, group: i64) -> Result<i64, Fault> {
    let mut ask = db.prepare_cached(
        "SELECT t.last_seq - g.claimed_to
                  - (SELECT count(*) FROM events e
                      WHERE e.topic_id = g.topic_id AND e.seq > g.claimed_to)
                + (SELECT count(*) FROM deliveries d
                    WHERE d.delivery >= ?1 << 40 AND d.delivery < (?1 + 1) << 40
                      AND d.dead_letter IS NULL
                      AND NOT EXISTS (SELECT 1 FROM events e
                                       WHERE e.topic_id = g.topic_id AND e.seq = d.seq)
                      -- Who lives may still settle it: it has the body.
                      AND NOT EXISTS (SELECT 1 FROM consumers c
                                       WHERE c.consumer_id = d.consumer_id AND c.until >= ?2))
           FROM groups g JOIN topics t USING (topic_id) WHERE g.group_id = ?1",
    )?;
    let found: i64 = ask.query_row([group, wire::now()], |row| row.get(0))?;
    Ok(found.max(0))
}

/// How many, and whether that is all.
pub(crate) fn how_many(lost: i64, more: bool) -> Count {
    match (lost, more) {
        (..=0, true) => Count::Unknown,
        (n, true) => Count::AtLeast(count(n)),
        (n, false) => Count::Exactly(count(n)),
    }
}
