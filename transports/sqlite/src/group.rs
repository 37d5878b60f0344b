//! Groups: where they begin, where they are, and who belongs to them.

use rusqlite::{Connection, OptionalExtension, params};
use tidings_transport::{ErrorKind, Group, Opened, Seeked, Start, Topic};

use crate::error::Fault;
use crate::job::Work;
use crate::wire::{parse, position};

/// Clocks are trusted to go back no further than this, in microseconds.
const STEP: i64 = 1_000_000;

pub(crate) fn topic_id(db: &Connection, topic: &Topic) -> Result<Option<i64>, Fault> {
    let mut find = db.prepare_cached("SELECT topic_id FROM topics WHERE name = ?1")?;
    Ok(find
        .query_row([topic.as_str()], |row| row.get(0))
        .optional()?)
}

pub(crate) fn make_topic(db: &Connection, topic: &Topic) -> Result<i64, Fault> {
    if let Some(found) = topic_id(db, topic)? {
        return Ok(found);
    }
    let mut make = db.prepare_cached("INSERT INTO topics (name) VALUES (?1)")?;
    Ok(make.insert([topic.as_str()])?)
}

pub(crate) fn need_topic(db: &Connection, topic: &Topic) -> Result<i64, Fault> {
    topic_id(db, topic)?
        .ok_or_else(|| Fault::refused(ErrorKind::NotFound, format!("there is no topic {topic}")))
}

pub(crate) fn group_id(db: &Connection, topic: i64, group: &Group) -> Result<Option<i64>, Fault> {
    let mut find =
        db.prepare_cached("SELECT group_id FROM groups WHERE topic_id = ?1 AND name = ?2")?;
    let found = find.query_row(params![topic, group.as_str()], |row| row.get(0));
    Ok(found.optional()?)
}

pub(crate) fn need_group(db: &Connection, topic: &Topic, group: &Group) -> Result<i64, Fault> {
    let id = need_topic(db, topic)?;
    group_id(db, id, group)?.ok_or_else(|| {
        Fault::refused(
            ErrorKind::NotFound,
            format!("topic {topic} has no group {group}; `tidings groups create` makes one"),
        )
    })
}

/// The number after which `start` begins.
pub(crate) fn resolve(db: &Connection, topic: Option<i64>, start: &Start) -> Result<i64, Fault> {
    let topic = topic.unwrap_or(0);
    let last = || -> Result<i64, Fault> {
        let mut ask = db.prepare_cached("SELECT last_seq FROM topics WHERE topic_id = ?1")?;
        Ok(ask
            .query_row([topic], |row| row.get(0))
            .optional()?
            .unwrap_or(0))
    };
    let first_at = |time: i64| -> Result<Option<i64>, Fault> {
        let mut ask = db.prepare_cached(
            "SELECT seq FROM events WHERE topic_id = ?1 AND received >= ?2 ORDER BY seq LIMIT 1",
        )?;
        Ok(ask.query_row([topic, time], |row| row.get(0)).optional()?)
    };
    match start {
        Start::Latest => last(),
        Start::Earliest => first_at(i64::MIN)?.map_or_else(last, |seq| Ok(seq - 1)),
        Start::Time(time) => {
            // Rounded up: the file knows microseconds, and "at or after" must not come before.
            let nanos = time.as_nanosecond();
            let up = i128::from(nanos.rem_euclid(1_000) > 0);
            let micros = i64::try_from(nanos.div_euclid(1_000) + up).unwrap_or(i64::MAX);
            first_at(micros)?.map_or_else(last, |seq| Ok(seq - 1))
        }
        Start::After(after) => {
            let seq = parse(after)?;
            let last = last()?;
            if seq > last {
                return Err(Fault::refused(
                    ErrorKind::NotFound,
                    format!("position {after} is beyond the end of the topic, which is {last}"),
                ));
            }
            Ok(seq)
        }
        _ => Err(Fault::refused(
            ErrorKind::Unsupported,
            "a SQLite file does not know this start",
        )),
    }
}

/// Everything up to here was handed out, or became a dead letter.
pub(crate) fn handed_out(db: &Connection, group: i64) -> Result<i64, Fault> {
    let mut ask = db.prepare_cached(
        "SELECT coalesce(
             (SELECT seq - 1 FROM deliveries
               WHERE delivery >= ?1 << 40 AND delivery < (?1 + 1) << 40
                 AND epoch = 0 AND dead_letter IS NULL
               ORDER BY delivery LIMIT 1),
             claimed_to)
           FROM groups WHERE group_id = ?1",
    )?;
    Ok(ask.query_row([group], |row| row.get(0))?)
}

/// Makes a group unless it exists.
pub(crate) fn open(
    work: &Work<'_>,
    topic: &Topic,
    group: &Group,
    start: &Start,
) -> Result<(i64, Opened), Fault> {
    let db = work.db;
    let found = topic_id(db, topic)?;
    let known = found.map(|topic| group_id(db, topic, group)).transpose()?;
    if let Some(id) = known.flatten() {
        touch(work, id)?;
        let opened = Opened {
            existed: true,
            position: position(handed_out(db, id)?),
        };
        return Ok((id, opened));
    }
    let after = resolve(db, found, start)?;
    let id = create(work, make_topic(db, topic)?, group, after)?;
    let opened = Opened {
        existed: false,
        position: position(after),
    };
    Ok((id, opened))
}

/// Makes a group that does not exist.
pub(crate) fn create(work: &Work<'_>, topic: i64, group: &Group, after: i64) -> Result<i64, Fault> {
    let mut make = work.db.prepare_cached(
        // Epochs begin with the time, so that those of a group of this name that is gone are none
        // of this one's.
        "INSERT INTO groups (topic_id, name, claimed_to, epoch, created, active)
         VALUES (?1, ?2, ?3, ?4, ?4, ?4)",
    )?;
    Ok(make.insert(params![topic, group.as_str(), after, work.now])?)
}

/// Notes a sign of life. If the clock has been set back meanwhile, puts right what was reckoned
/// by the old one: without that, a lease would last as much longer as the clock went back.
pub(crate) fn touch(work: &Work<'_>, group: i64) -> Result<(), Fault> {
    let mut last = work
        .db
        .prepare_cached("SELECT active, lease FROM groups WHERE group_id = ?1")?;
    let found = last.query_row([group], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    });
    let Some((active, lease)) = found.optional()? else {
        return Ok(());
    };
    if work.now < active - STEP {
        // What became due since the last sign of life, too; a retry that was asked for within a
        // lease comes early.
        let reckoned = active.saturating_add(lease);
        work.db.execute(
            "UPDATE deliveries SET due = ?2 WHERE group_id = ?1 AND consumer_id IS NULL
                AND due > ?2 AND due <= ?3",
            params![group, work.now, reckoned],
        )?;
        work.db.execute(
            "UPDATE deliveries SET due = ?2 WHERE group_id = ?1 AND consumer_id IS NOT NULL
                AND due > ?2",
            params![group, work.now.saturating_add(lease)],
        )?;
    }
    let mut sign = work
        .db
        .prepare_cached("UPDATE groups SET active = ?2 WHERE group_id = ?1")?;
    sign.execute([group, work.now])?;
    Ok(())
}

/// Moves a group. Dead letters, parked keys, and what is released of them, stay.
pub(crate) fn seek(
    work: &mut Work<'_>,
    topic: &Topic,
    group: &Group,
    to: &Start,
) -> Result<Seeked, Fault> {
    let id = need_group(work.db, topic, group)?;
    let before = handed_out(work.db, id)?;
    let after = resolve(work.db, topic_id(work.db, topic)?, to)?;
    work.db.execute(
        "DELETE FROM deliveries
          WHERE delivery >= ?1 << 40 AND delivery < (?1 + 1) << 40 AND dead_letter IS NULL",
        [id],
    )?;
    work.db.execute(
        "UPDATE groups SET claimed_to = ?2 WHERE group_id = ?1",
        [id, after],
    )?;
    touch(work, id)?;
    work.wake = true;
    Ok(Seeked {
        before: position(before),
        after: position(after),
    })
}
