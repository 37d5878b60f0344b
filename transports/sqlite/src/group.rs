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

/// The first event of a topic with this number or a later one, and when the log received it.
fn first_from(db: &Connection, topic: i64, seq: i64) -> Result<Option<(i64, i64)>, Fault> {
    let mut ask = db.prepare_cached(
        "SELECT seq, received FROM events WHERE topic_id = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1",
    )?;
    let found = ask.query_row([topic, seq], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(found.optional()?)
}

/// The number of the first event that the log received at or after this time, found by halving: in a
/// large file a walk would take long. Where the clock was set back, times do not grow with the
/// numbers, and it is one of several places at which they pass this time.
pub(crate) fn first_since(db: &Connection, topic: i64, time: i64) -> Result<Option<i64>, Fault> {
    let Some((mut low, _)) = first_from(db, topic, i64::MIN)? else {
        return Ok(None);
    };
    let mut last = db.prepare_cached("SELECT max(seq) FROM events WHERE topic_id = ?1")?;
    let mut high: i64 = last.query_row([topic], |row| row.get(0))?;
    while low < high {
        let middle = low + (high - low) / 2;
        match first_from(db, topic, middle)? {
            Some((seq, received)) if received < time => low = seq + 1,
            _ => high = middle,
        }
    }
    let found = first_from(db, topic, low)?;
    Ok(found.and_then(|(seq, received)| (received >= time).then_some(seq)))
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
    match start {
        Start::Latest => last(),
        Start::Earliest => {
            first_from(db, topic, i64::MIN)?.map_or_else(last, |(seq, _)| Ok(seq - 1))
        }
        Start::Time(time) => {
            // Rounded up: the file knows microseconds, and "at or after" must not come before.
            let nanos = time.as_nanosecond();
            let up = i128::from(nanos.rem_euclid(1_000) > 0);
            let micros = i64::try_from(nanos.div_euclid(1_000) + up).unwrap_or(i64::MAX);
            first_since(db, topic, micros)?.map_or_else(last, |seq| Ok(seq - 1))
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

/// Removes a group that nobody consumes, with all that belongs to it.
pub(crate) fn remove(work: &mut Work<'_>, topic: &Topic, group: &Group) -> Result<(), Fault> {
    let id = need_group(work.db, topic, group)?;
    let alive: i64 = work.db.query_row(
        "SELECT count(*) FROM members m JOIN consumers c USING (consumer_id)
          WHERE m.group_id = ?1 AND c.until >= ?2",
        [id, work.now],
        |row| row.get(0),
    )?;
    if alive > 0 {
        return Err(Fault::refused(
            ErrorKind::Invalid,
            format!(
                "group {group} of {topic} has consumers that live ({alive}): stop them first, or \
                 they would make it anew"
            ),
        ));
    }
    for table in ["members", "parked_keys", "dead_letters", "gaps", "groups"] {
        let remove = format!("DELETE FROM {table} WHERE group_id = ?1");
        work.db.execute(&remove, [id])?;
    }
    work.db.execute(
        "DELETE FROM deliveries WHERE delivery >= ?1 << 40 AND delivery < (?1 + 1) << 40",
        [id],
    )?;
    work.wake = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::first_since;
    use crate::config::SqliteConfig;
    use crate::schema;

    #[test]
    fn the_first_since_a_time_is_found_also_where_events_are_missing() {
        let folder = tempfile::tempdir().unwrap();
        let db = schema::open_writer(&SqliteConfig::new(folder.path().join("a.db"))).unwrap();
        assert_eq!(first_since(&db, 1, 0).unwrap(), None);
        let events = [
            (3, 10),
            (4, 10),
            (9, 20),
            (10, 30),
            (17, 30),
            (18, 31),
            (40, 50),
        ];
        for (seq, received) in events {
            let sql =
                "INSERT INTO events (topic_id, seq, received, document) VALUES (1, ?1, ?2, x'')";
            db.execute(sql, [seq, received]).unwrap();
        }
        for time in 0..60 {
            let wanted = events.iter().find(|(_, received)| *received >= time);
            let found = first_since(&db, 1, time).unwrap();
            assert_eq!(found, wanted.map(|(seq, _)| *seq), "{time}");
        }
    }
}
