//! A course, as both services keep it: one owns the table, the other has a copy.

use rusqlite::{Connection, Result, Row, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A course. On the bus it is the data of every event about it, under `course`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// What the events of a course are ordered by.
    pub key: String,
    pub title: String,
    pub organization: String,
    /// Hours a week.
    pub effort: u32,
    pub archived: bool,
    /// Grows by one with every change of the row.
    pub version: u32,
    /// When the row changed, in microseconds since 1970; the time of the event that says so.
    pub modified: i64,
}

/// The table, the same in both databases.
pub const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS courses (
        key          TEXT PRIMARY KEY,
        title        TEXT NOT NULL,
        organization TEXT NOT NULL,
        effort       INTEGER NOT NULL,
        archived     INTEGER NOT NULL,
        version      INTEGER NOT NULL,
        modified     INTEGER NOT NULL
    ) STRICT;";

const COLUMNS: &str = "key, title, organization, effort, archived, version, modified";

impl Course {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            key: row.get(0)?,
            title: row.get(1)?,
            organization: row.get(2)?,
            effort: row.get(3)?,
            archived: row.get(4)?,
            version: row.get(5)?,
            modified: row.get(6)?,
        })
    }

    /// The course at a place in the order of keys.
    pub fn nth(connection: &Connection, n: u32) -> Result<Self> {
        let sql = format!("SELECT {COLUMNS} FROM courses ORDER BY key LIMIT 1 OFFSET ?");
        connection
            .prepare_cached(&sql)?
            .query_row([n], Self::from_row)
    }

    /// Writes the row unless the table has a newer version. Whether it did.
    pub fn put(&self, connection: &Connection) -> Result<bool> {
        let sql = format!(
            "INSERT INTO courses ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (key) DO UPDATE SET
                 title = ?2, organization = ?3, effort = ?4, archived = ?5, version = ?6,
                 modified = ?7
             WHERE excluded.version > version"
        );
        let written = connection.prepare_cached(&sql)?.execute(params![
            self.key,
            self.title,
            self.organization,
            self.effort,
            self.archived,
            self.version,
            self.modified,
        ])?;
        Ok(written == 1)
    }
}

/// What a table of courses says, in 64 hex digits, and how many rows it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Digest {
    pub rows: u64,
    pub sha256: String,
}

/// SHA-256 over all rows in the order of their keys, each as a line of JSON.
pub fn digest(connection: &Connection) -> Result<Digest> {
    let sql = format!("SELECT {COLUMNS} FROM courses ORDER BY key");
    let mut statement = connection.prepare(&sql)?;
    let (mut hash, mut rows) = (Sha256::new(), 0);
    for course in statement.query_map([], Course::from_row)? {
        let line = serde_json::to_vec(&course?).expect("a course of strings and numbers is JSON");
        hash.update(line);
        hash.update(b"\n");
        rows += 1;
    }
    let sha256 = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Ok(Digest { rows, sha256 })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{Course, TABLE, digest};

    fn table(courses: &[&Course]) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(TABLE).unwrap();
        for course in courses {
            course.put(&connection).unwrap();
        }
        connection
    }

    fn course(key: &str, version: u32) -> Course {
        Course {
            key: key.into(),
            title: format!("{key}, edition {version}"),
            organization: "edX".into(),
            effort: 4,
            archived: false,
            version,
            modified: 1_700_000_000_000_000,
        }
    }

    #[test]
    fn an_older_version_never_replaces_a_newer_one() {
        let (old, new) = (course("a", 1), course("a", 2));
        let connection = table(&[&new]);
        assert!(!old.put(&connection).unwrap());
        assert!(!new.put(&connection).unwrap());
        assert_eq!(Course::nth(&connection, 0).unwrap(), new);
    }

    #[test]
    fn the_digest_sees_rows_and_not_the_order_they_came_in() {
        let (a, b) = (course("a", 1), course("b", 1));
        let one = digest(&table(&[&a, &b])).unwrap();
        assert_eq!(one, digest(&table(&[&b, &a])).unwrap());
        assert_eq!(one.rows, 2);
        let changed = course("b", 2);
        assert_ne!(one, digest(&table(&[&a, &changed])).unwrap());
        assert_ne!(one, digest(&table(&[&a])).unwrap());
    }
}
