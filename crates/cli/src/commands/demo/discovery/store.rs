//! The database of *discovery*: its courses, and what it has said about them.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, Result, TransactionBehavior, params};

use super::change::{self, Action};
use crate::commands::demo::course::{Course, TABLE};
use crate::commands::demo::database;
use crate::commands::demo::seed::Random;

const CHANGES: &str = "
    CREATE TABLE IF NOT EXISTS changes (
        number    INTEGER PRIMARY KEY,
        id        TEXT NOT NULL UNIQUE,
        course    TEXT NOT NULL,
        -- The event as it goes out; said again after a restart, it keeps its id.
        event     TEXT NOT NULL,
        -- 1 when the bus has confirmed it.
        published INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX IF NOT EXISTS changes_to_publish ON changes (number) WHERE published = 0;";

/// An event that the bus has not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublished {
    pub number: u32,
    /// The key of its course.
    pub course: String,
    /// Its CloudEvents JSON document.
    pub event: String,
}

/// What the database says of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Said {
    /// Changes that were committed.
    pub changes: u32,
    /// Of these, how many events the bus has confirmed.
    pub published: u32,
}

/// The event that says what happened: its id and its document.
pub struct Stamped {
    pub id: String,
    pub document: String,
}

/// The database of *discovery*.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    seed: u64,
}

impl Store {
    pub fn open(path: &Path, seed: u64) -> Result<Self> {
        let connection = database::open(path, TABLE)?;
        connection.execute_batch(CHANGES)?;
        Ok(Self { connection, seed })
    }

    /// Changes a course, in a transaction: the row, and the event that `stamp` makes of it.
    pub fn change<E: From<rusqlite::Error>>(
        &mut self,
        stamp: impl FnOnce(Action, &Course) -> std::result::Result<Stamped, E>,
    ) -> std::result::Result<(), E> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let number: u32 = transaction
            .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM changes")?
            .query_row([], |row| row.get(0))?;
        let count: u32 = transaction
            .prepare_cached("SELECT count(*) FROM courses")?
            .query_row([], |row| row.get(0))?;
        // From the number, so that a process that was killed goes on as if nothing had been.
        let mut random = Random::new(self.seed, number.into());
        let now = Timestamp::now().as_microsecond();
        let (course, action) = match change::choose(&mut random, count) {
            None => (change::created(&mut random, number, now), Action::Created),
            Some(n) => change::changed(&mut random, &Course::nth(&transaction, n)?, now),
        };
        course.put(&transaction)?;
        let Stamped { id, document } = stamp(action, &course)?;
        transaction
            .prepare_cached("INSERT INTO changes (number, id, course, event) VALUES (?, ?, ?, ?)")?
            .execute(params![number, id, course.key, document])?;
        transaction.commit()?;
        Ok(())
    }

    /// The oldest events that are not confirmed, in order.
    pub fn unpublished(&self, limit: u32) -> Result<Vec<Unpublished>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT number, course, event FROM changes WHERE published = 0
             ORDER BY number LIMIT ?",
        )?;
        let rows = statement.query_map([limit], |row| {
            Ok(Unpublished {
                number: row.get(0)?,
                course: row.get(1)?,
                event: row.get(2)?,
            })
        })?;
        rows.collect()
    }

    /// Notes what the bus has confirmed.
    pub fn confirm(&mut self, numbers: &[u32]) -> Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for number in numbers {
            transaction
                .prepare_cached("UPDATE changes SET published = 1 WHERE number = ?")?
                .execute([number])?;
        }
        transaction.commit()
    }
}

/// What was said so far.
pub fn said(connection: &Connection) -> Result<Said> {
    let sql = "SELECT (SELECT count(*) FROM changes),
                      (SELECT count(*) FROM changes WHERE published = 0)";
    connection.prepare_cached(sql)?.query_row([], |row| {
        let (changes, waiting): (u32, u32) = (row.get(0)?, row.get(1)?);
        Ok(Said {
            changes,
            published: changes - waiting,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Said, Stamped, Store, said};

    #[test]
    fn a_change_and_its_event_are_committed_together_and_wait_until_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("discovery.db");
        let mut store = Store::open(&path, 7).unwrap();
        let failed = store.change(|_, _| Err(rusqlite::Error::InvalidQuery));
        assert!(failed.is_err());
        for id in ["a", "b", "c"] {
            let stamped = Stamped {
                id: id.into(),
                document: format!("event {id}"),
            };
            store
                .change(|_, _| Ok::<_, rusqlite::Error>(stamped))
                .unwrap();
        }
        let waiting = store.unpublished(2).unwrap();
        assert_eq!(waiting[0].event, "event a");
        store
            .confirm(&[waiting[0].number, waiting[1].number])
            .unwrap();
        // A new process finds what is left.
        let store = Store::open(&path, 7).unwrap();
        assert_eq!(store.unpublished(10).unwrap()[0].event, "event c");
        let expected = Said {
            changes: 3,
            published: 2,
        };
        assert_eq!(said(&store.connection).unwrap(), expected);
    }
}
