//! Dead letters on their way back to their group, or out of the file for good.

use rusqlite::{OptionalExtension, params};
use tidings_transport::{Body, ErrorKind, Position, Redelivery, Stored};

use crate::error::Fault;
use crate::job::Work;
use crate::parking;
use crate::wire;

/// The letters of group ?1 that may be handed out at the time ?2: those without a key, and the first
/// of each key of which nothing is in anybody's hands. Each key is found by one step along the index,
/// so that a long row behind one key costs the others nothing.
pub(crate) const REDELIVERABLE: &str = "
  WITH RECURSIVE keys (key) AS (
    SELECT min(key) FROM dead_letters WHERE group_id = ?1 AND redeliver = 1
    UNION ALL
    SELECT (SELECT min(l.key) FROM dead_letters l
             WHERE l.group_id = ?1 AND l.redeliver = 1 AND l.key > keys.key)
      FROM keys WHERE keys.key IS NOT NULL),
  heads (dead_letter, key) AS (
    SELECT dead_letter, NULL FROM dead_letters
     WHERE group_id = ?1 AND redeliver = 1 AND key IS NULL
    UNION ALL
    SELECT (SELECT min(l.dead_letter) FROM dead_letters l
             WHERE l.group_id = ?1 AND l.redeliver = 1 AND l.key = keys.key), keys.key
      FROM keys
     WHERE keys.key IS NOT NULL AND NOT EXISTS
       (SELECT 1 FROM deliveries d WHERE d.group_id = ?1 AND d.lane = keys.key
           AND (d.dead_letter IS NOT NULL OR d.consumer_id IS NOT NULL OR d.due > ?2)))
  SELECT heads.dead_letter, heads.key FROM heads JOIN dead_letters l USING (dead_letter)
   WHERE NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.delivery = (?1 << 40) + l.seq)";

/// Lets a record be handed out once more.
pub(crate) fn redeliver(work: &mut Work<'_>, group: i64, again: &Redelivery) -> Result<(), Fault> {
    match again {
        Redelivery::DeadLetter(id) => mark(work, group, id)?,
        Redelivery::Record(record) => add(work, group, record)?,
        _ => {
            return Err(Fault::refused(
                ErrorKind::Unsupported,
                "a SQLite file does not know this kind of redelivery",
            ));
        }
    }
    work.wake = true;
    Ok(())
}

fn mark(work: &Work<'_>, group: i64, id: &Position) -> Result<(), Fault> {
    let letter = wire::parse(id)?;
    let parked = work.db.query_row(
        "SELECT parked FROM dead_letters WHERE group_id = ?1 AND dead_letter = ?2",
        [group, letter],
        |row| row.get::<_, bool>(0),
    );
    if parked.optional()?.ok_or_else(|| no_letter(id))? {
        return Err(Fault::refused(
            ErrorKind::Invalid,
            format!("dead letter {id} waits behind its parked key; release the key"),
        ));
    }
    work.db.execute(
        "UPDATE dead_letters SET redeliver = 1 WHERE dead_letter = ?1",
        [letter],
    )?;
    Ok(())
}

fn add(work: &Work<'_>, group: i64, record: &Stored) -> Result<(), Fault> {
    let Body::Document(document) = &record.body else {
        return Err(Fault::refused(
            ErrorKind::Unsupported,
            "a SQLite file does not have the capability Fields: it holds CloudEvents JSON \
             documents only",
        ));
    };
    if document.len() > wire::MAX_DOCUMENT {
        return Err(Fault::refused(
            ErrorKind::Invalid,
            format!(
                "the document has {} bytes, and a SQLite file takes {}",
                document.len(),
                wire::MAX_DOCUMENT
            ),
        ));
    }
    let mut add = work.db.prepare_cached(
        "INSERT INTO dead_letters
             (group_id, seq, key, attempts, consumer, parked, received, document, redeliver)
         VALUES (?1, ?2, ?3, 0, '', 0, ?4, ?5, 1)",
    )?;
    add.execute(params![
        group,
        wire::parse(&record.position)?,
        record.key.as_ref().map(|key| key.as_str()),
        record.received.map(|time| time.as_microsecond()),
        &document[..],
    ])?;
    Ok(())
}

/// Removes a dead letter, whoever holds it.
pub(crate) fn discard(work: &mut Work<'_>, group: i64, id: &Position) -> Result<(), Fault> {
    let letter = wire::parse(id)?;
    let removed = work.db.query_row(
        "DELETE FROM dead_letters WHERE group_id = ?1 AND dead_letter = ?2 RETURNING seq, key",
        [group, letter],
        |row| Ok((row.get(0)?, wire::key(row.get_ref(1)?))),
    );
    let (seq, key): (i64, _) = removed.optional()?.ok_or_else(|| no_letter(id))?;
    work.db.execute(
        "DELETE FROM deliveries WHERE delivery = ?1 AND dead_letter = ?2",
        [wire::delivery(group, seq), letter],
    )?;
    if let Some(key) = &key {
        parking::clear_if_empty(work.db, group, key.as_str())?;
    }
    // What waited behind it may be free.
    work.wake = true;
    parking::promote(work, group, key.as_ref())
}

fn no_letter(id: &Position) -> Fault {
    Fault::refused(
        ErrorKind::NotFound,
        format!("there is no dead letter {id}; it may be settled or removed"),
    )
}
