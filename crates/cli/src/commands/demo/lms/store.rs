//! The database of *lms*: a copy of the courses, and which events have taken effect.

use std::path::Path;

use rusqlite::{Connection, Result, TransactionBehavior, params};

use crate::commands::demo::course::{Course, TABLE};
use crate::commands::demo::database;

const INBOX: &str = "
    CREATE TABLE IF NOT EXISTS inbox (
        source  TEXT NOT NULL,
        id      TEXT NOT NULL,
        -- Which attempt took effect: above 1 if a handler had been started on it before.
        attempt INTEGER NOT NULL,
        -- How often it came again after it had taken effect.
        again   INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (source, id)
    ) STRICT, WITHOUT ROWID;";

/// What an event changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The row.
    Row,
    /// Nothing: the row is newer.
    Older,
    /// Nothing: it took effect before.
    Again,
}

/// What the database says of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Events that took effect.
    pub events: u32,
    /// Of these, how many took effect when a handler had been started on them before.
    pub retried: u32,
    /// Deliveries of events that had taken effect before.
    pub again: u32,
}

/// The database of *lms*.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
}

impl Store {
    pub fn open(path: &Path) -> Result<Self> {
        let connection = database::open(path, TABLE)?;
        connection.execute_batch(INBOX)?;
        Ok(Self { connection })
    }

    /// Lets an event take effect, once: the inbox and the row change together or not at all.
    pub fn apply(
        &mut self,
        source: &str,
        id: &str,
        attempt: u32,
        course: &Course,
    ) -> Result<Effect> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let first = transaction
            .prepare_cached(
                "INSERT INTO inbox (source, id, attempt) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            )?
            .execute(params![source, id, attempt])?
            == 1;
        let effect = if !first {
            transaction
                .prepare_cached("UPDATE inbox SET again = again + 1 WHERE source = ? AND id = ?")?
                .execute(params![source, id])?;
            Effect::Again
        } else if course.put(&transaction)? {
            Effect::Row
        } else {
            Effect::Older
        };
        transaction.commit()?;
        Ok(effect)
    }
}

/// What has taken effect so far.
pub fn applied(connection: &Connection) -> Result<Applied> {
    let sql = "SELECT count(*), coalesce(sum(attempt > 1), 0), coalesce(sum(again), 0) FROM inbox";
    connection.prepare_cached(sql)?.query_row([], |row| {
        Ok(Applied {
            events: row.get(0)?,
            retried: row.get(1)?,
            again: row.get(2)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Applied, Course, Effect, Store, applied};

    #[test]
    fn an_event_takes_effect_once_and_an_older_one_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("lms.db")).unwrap();
        let course = |version| Course {
            key: "a".into(),
            title: "A".into(),
            organization: "edX".into(),
            effort: 1,
            archived: false,
            version,
            modified: 0,
        };
        let effects = [("1", 1), ("3", 3), ("3", 3), ("2", 2)];
        let effects = effects.map(|(id, version)| {
            let effect = store.apply("/openedx/discovery/worker", id, 2, &course(version));
            effect.unwrap()
        });
        let expected = [Effect::Row, Effect::Row, Effect::Again, Effect::Older];
        assert_eq!(effects, expected);
        let counts = Applied {
            events: 3,
            retried: 3,
            again: 1,
        };
        assert_eq!(applied(&store.connection).unwrap(), counts);
        assert_eq!(Course::nth(&store.connection, 0).unwrap().version, 3);
    }
}
