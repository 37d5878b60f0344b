//! What was lost to a group: noted when it is noticed, reported once.

use rusqlite::{OptionalExtension, params};
use tidings_transport::{Count, Gap};

use crate::error::Fault;
use crate::job::Work;
use crate::member::Member;
use crate::wire::{count, position};

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
    let mut add = work
        .db
        .prepare_cached("UPDATE groups SET lost = lost + ?2 WHERE group_id = ?1")?;
    add.execute([group, lost])?;
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
        "UPDATE groups SET lost_more = 1 WHERE group_id = ?1",
        [group],
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

/// How many, and whether that is all.
pub(crate) fn how_many(lost: i64, more: bool) -> Count {
    match (lost, more) {
        (0, true) => Count::Unknown,
        (n, true) => Count::AtLeast(count(n)),
        (n, false) => Count::Exactly(count(n)),
    }
}
