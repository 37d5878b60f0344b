//! The dead-letter log of a group, and the keys that wait in it.

use rusqlite::{Connection, OptionalExtension, params};
use tidings_transport::{Body, Key, Reason};

use crate::error::Fault;
use crate::job::Work;
use crate::wire;

/// A record that goes to the dead letters.
pub(crate) struct Letter<'a> {
    pub group: i64,
    pub seq: i64,
    pub key: Option<&'a Key>,
    pub attempts: i64,
    pub reason: Option<&'a Reason>,
    pub consumer: &'a str,
    pub parked: bool,
    pub received: Option<i64>,
    pub body: &'a Body,
}

impl Letter<'_> {
    pub(crate) fn store(&self, db: &Connection) -> Result<(), Fault> {
        let document: &[u8] = match self.body {
            Body::Document(document) => document,
            // This log hands out documents only.
            Body::Fields(_) => &[],
        };
        let mut store = db.prepare_cached(
            "INSERT INTO dead_letters (group_id, seq, key, attempts, class, message,
                 first_failure, last_failure, consumer, parked, received, document)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?;
        store.execute(params![
            self.group,
            self.seq,
            self.key.map(Key::as_str),
            self.attempts,
            self.reason.map(|r| &r.class),
            self.reason.map(|r| &r.message),
            self.reason.map(|r| r.first_failure.as_microsecond()),
            self.reason.map(|r| r.last_failure.as_microsecond()),
            self.consumer,
            self.parked,
            self.received,
            document,
        ])?;
        Ok(())
    }
}

/// Whether any key of the group is parked: mostly not, and then nothing need be asked per event.
pub(crate) fn any(db: &Connection, group: i64) -> Result<bool, Fault> {
    let mut ask =
        db.prepare_cached("SELECT EXISTS (SELECT 1 FROM parked_keys WHERE group_id = ?1)")?;
    Ok(ask.query_row([group], |row| row.get(0))?)
}

/// In which state a key is: clear, or parked, or (`true`) releasing.
pub(crate) fn state(db: &Connection, group: i64, key: &str) -> Result<Option<bool>, Fault> {
    let mut ask =
        db.prepare_cached("SELECT releasing FROM parked_keys WHERE group_id = ?1 AND key = ?2")?;
    let found = ask.query_row(params![group, key], |row| row.get(0));
    Ok(found.optional()?)
}

pub(crate) fn park(db: &Connection, group: i64, key: &str) -> Result<(), Fault> {
    let mut park = db.prepare_cached(
        "INSERT OR REPLACE INTO parked_keys (group_id, key, releasing) VALUES (?1, ?2, 0)",
    )?;
    park.execute(params![group, key])?;
    Ok(())
}

/// Clears a key for which nothing waits any more.
pub(crate) fn clear_if_empty(db: &Connection, group: i64, key: &str) -> Result<(), Fault> {
    let mut clear = db.prepare_cached(
        "DELETE FROM parked_keys WHERE group_id = ?1 AND key = ?2 AND NOT EXISTS
           (SELECT 1 FROM dead_letters WHERE group_id = ?1 AND key = ?2 AND parked = 1)",
    )?;
    clear.execute(params![group, key])?;
    Ok(())
}

/// Removes the dead letter of a released record that is done.
pub(crate) fn remove(db: &Connection, letter: i64) -> Result<(), Fault> {
    let mut remove = db.prepare_cached("DELETE FROM dead_letters WHERE dead_letter = ?1")?;
    remove.execute([letter])?;
    Ok(())
}

/// Whether a letter is to be handed to the group once more.
pub(crate) fn is_redelivering(db: &Connection, letter: i64) -> Result<bool, Fault> {
    let mut ask = db.prepare_cached("SELECT redeliver FROM dead_letters WHERE dead_letter = ?1")?;
    let found = ask.query_row([letter], |row| row.get(0));
    Ok(found.optional()?.unwrap_or(false))
}

/// Notes why a released record failed again.
pub(crate) fn fail_again(
    db: &Connection,
    letter: i64,
    reason: &Reason,
    consumer: &str,
    parked: bool,
) -> Result<(), Fault> {
    db.execute(
        "UPDATE dead_letters SET class = ?2, message = ?3, first_failure = ?4, last_failure = ?5,
             consumer = ?6, parked = ?7, redeliver = 0
          WHERE dead_letter = ?1",
        params![
            letter,
            reason.class,
            reason.message,
            reason.first_failure.as_microsecond(),
            reason.last_failure.as_microsecond(),
            consumer,
            parked,
        ],
    )?;
    Ok(())
}

/// Whether any event of the group waits behind another: if not, nothing need be promoted.
pub(crate) fn any_waiting(db: &Connection, group: i64) -> Result<bool, Fault> {
    let mut ask = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_waiting
                         WHERE group_id = ?1 AND due IS NULL)",
    )?;
    Ok(ask.query_row([group], |row| row.get(0))?)
}

/// Lets the next of a lane be handed out, if the former is gone.
pub(crate) fn promote(work: &mut Work<'_>, group: i64, lane: Option<&Key>) -> Result<(), Fault> {
    let Some(lane) = lane else {
        return Ok(());
    };
    let mut promote = work.db.prepare_cached(
        "UPDATE deliveries SET due = ?3 WHERE due IS NULL AND delivery =
           (SELECT min(delivery) FROM deliveries WHERE group_id = ?1 AND lane = ?2)
           AND NOT EXISTS (SELECT 1 FROM deliveries
                            WHERE group_id = ?1 AND lane = ?2 AND dead_letter IS NOT NULL)",
    )?;
    if promote.execute(params![group, lane.as_str(), work.now])? > 0 {
        work.wake = true;
    }
    Ok(())
}

/// Marks a parked key releasing. How many wait.
pub(crate) fn release(work: &mut Work<'_>, group: i64, key: &Key) -> Result<u64, Fault> {
    let released = work.db.execute(
        "UPDATE parked_keys SET releasing = 1 WHERE group_id = ?1 AND key = ?2",
        params![group, key.as_str()],
    )?;
    if released == 0 {
        return Ok(0);
    }
    work.wake = true;
    let waiting = work.db.query_row(
        "SELECT count(*) FROM dead_letters WHERE group_id = ?1 AND key = ?2 AND parked = 1",
        params![group, key.as_str()],
        |row| row.get(0),
    )?;
    Ok(wire::count(waiting))
}
