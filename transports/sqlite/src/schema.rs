//! Opening the file: only if it is ours, of a format we know, and safe to write.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::config::SqliteConfig;
use crate::error::Fault;

/// "TIDG".
const APPLICATION_ID: i32 = 0x5449_4447;
/// The version of the format in `schema.sql`.
const VERSION: i32 = 3;
/// What makes a file of version 1 one of version 2.
const FROM_1: &str = "
  ALTER TABLE dead_letters ADD COLUMN redeliver INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX dead_letters_redeliver ON dead_letters (group_id, key) WHERE redeliver = 1;";
/// What makes a file of version 2 one of version 3.
const FROM_2: &str = "ALTER TABLE groups ADD COLUMN lost_cause TEXT;";
/// The first SQLite that cannot damage a WAL file which several connections write.
const SAFE_SQLITE: i32 = 3_051_003;
const SCHEMA: &str = include_str!("schema.sql");
const PAGE_SIZE: u64 = 4096;

/// Refuses the SQLite versions with the WAL reset bug, 3.7.0 to 3.51.2.
pub(crate) fn check_sqlite(version: i32) -> Result<(), Fault> {
    if version >= SAFE_SQLITE {
        return Ok(());
    }
    let (major, minor, patch) = (
        version / 1_000_000,
        version / 1_000 % 1_000,
        version % 1_000,
    );
    Err(Fault::WalBug(format!("{major}.{minor}.{patch}")))
}

/// A file that belongs to the database: `PATH` with a suffix.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Opens a file beside the database for locks and wake-up calls. The database itself must never
/// be opened so: closing any descriptor of it would drop SQLite's own locks.
pub(crate) fn open_beside(path: &Path, suffix: &str) -> Result<File, Fault> {
    Ok(OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(beside(path, suffix))?)
}

/// Which file the path names now.
///
/// # Errors
/// `Moved` when it names none.
pub(crate) fn identity(path: &Path) -> Result<(u64, u64), Fault> {
    match std::fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Fault::Moved),
        Err(e) => Err(e.into()),
    }
}

/// Refuses what is no file of ours before anything is made beside it.
pub(crate) fn look_first(path: &Path, busy_timeout: Duration) -> Result<(), Fault> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(Fault::IsFolder),
        Ok(found) if found.len() > 0 => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            // What keeps it from being opened shows as it is opened for good.
            let Ok(db) = Connection::open_with_flags(path, flags) else {
                return Ok(());
            };
            db.busy_timeout(busy_timeout)?;
            match check_format(&db) {
                Err(fault @ (Fault::NotOurs(_) | Fault::Newer { .. })) => Err(fault),
                Err(Fault::Sqlite { extended, text }) if is_no_database(extended) => {
                    Err(Fault::Sqlite { extended, text })
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn is_no_database(extended: i32) -> bool {
    extended & 0xff == rusqlite::ffi::SQLITE_NOTADB
}

/// Opens the file for the writer, and makes it what it must be if it is new or empty.
pub(crate) fn open_writer(config: &SqliteConfig) -> Result<Connection, Fault> {
    check_sqlite(rusqlite::version_number())?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(&config.path, flags)?;
    db.busy_timeout(config.busy_timeout)?;
    // Nothing is written before we know that the file is ours.
    let fresh = check_format(&db)?;
    if db.is_readonly("main")? {
        return Err(std::io::Error::from(std::io::ErrorKind::PermissionDenied).into());
    }
    if fresh {
        // Only now, before the first page is written. It lets trimming give space back in small steps.
        db.pragma_update(None, "auto_vacuum", "incremental")?;
    }
    use_wal(&db)?;
    if fresh {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have come first.
        if check_format(&tx)? {
            tx.execute_batch(SCHEMA)?;
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tx.pragma_update(None, "user_version", VERSION)?;
        }
        tx.commit()?;
    }
    upgrade(&mut db)?;
    db.pragma_update(None, "temp_store", "memory")?;
    db.pragma_update(None, "cache_size", -16_384)?;
    db.pragma_update(None, "journal_size_limit", 64 << 20)?;
    limit(&db, config, false)?;
    rusqlite::vtab::array::load_module(&db)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

/// Sets how far the file may grow. What is handed out and settled takes room, too, and makes some: it
/// has an eighth beyond the limit of publishing, so that a file that is full can be emptied.
pub(crate) fn limit(db: &Connection, config: &SqliteConfig, beyond: bool) -> Result<(), Fault> {
    if let Some(bytes) = config.max_bytes {
        let pages = (bytes / PAGE_SIZE).max(1);
        let spare = if beyond { pages / 8 + 64 } else { 0 };
        let most = crate::wire::integer(pages + spare);
        db.pragma_update(None, "max_page_count", most)?;
    }
    Ok(())
}

/// Brings a file of an older format up to this one.
fn upgrade(db: &mut Connection) -> Result<(), Fault> {
    let version = |db: &Connection| -> Result<i32, Fault> {
        Ok(db.pragma_query_value(None, "user_version", |row| row.get(0))?)
    };
    if version(db)? == VERSION {
        return Ok(());
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have come first.
    let found = version(&tx)?;
    if found == 1 {
        tx.execute_batch(FROM_1)?;
    }
    if found < VERSION {
        tx.execute_batch(FROM_2)?;
        tx.pragma_update(None, "user_version", VERSION)?;
    }
    Ok(tx.commit()?)
}

/// Opens the file for looking only.
pub(crate) fn open_reader(path: &Path, busy_timeout: Duration) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(busy_timeout)?;
    if check_format(&db)? {
        return Err(Fault::Moved);
    }
    db.pragma_update(None, "query_only", true)?;
    db.set_prepared_statement_cache_capacity(32);
    Ok(db)
}

/// Whether the file is empty, and so to be filled.
fn check_format(db: &Connection) -> Result<bool, Fault> {
    let number = |name| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    if application == APPLICATION_ID {
        return if version > VERSION {
            Err(Fault::Newer {
                found: version,
                known: VERSION,
            })
        } else {
            Ok(false)
        };
    }
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != 0 || version != 0 || tables > 0 {
        return Err(Fault::NotOurs(application));
    }
    Ok(true)
}

fn use_wal(db: &Connection) -> Result<(), Fault> {
    let now: String = db.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if now.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    // SQLite does not wait for this lock by itself.
    let mut patience = 100;
    loop {
        let set = db.query_row("PRAGMA journal_mode = WAL", [], |row| {
            row.get::<_, String>(0)
        });
        match set.map_err(Fault::from) {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Ok(mode) => return Err(Fault::NoWal(mode)),
            Err(fault) if fault.is_busy() && patience > 0 => patience -= 1,
            Err(fault) => return Err(fault),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::{check_sqlite, open_writer};
    use crate::config::SqliteConfig;
    use crate::error::Fault;

    #[test]
    fn versions_with_the_wal_bug_are_refused() {
        assert!(check_sqlite(3_051_003).is_ok());
        assert!(check_sqlite(3_052_000).is_ok());
        let Err(Fault::WalBug(version)) = check_sqlite(3_051_002) else {
            panic!("3.51.2 has the bug");
        };
        assert_eq!(version, "3.51.2");
        assert!(check_sqlite(3_007_000).is_err());
    }

    #[test]
    fn the_bundled_version_is_safe() {
        assert!(check_sqlite(rusqlite::version_number()).is_ok());
    }

    #[test]
    fn a_file_of_version_1_is_upgraded_as_it_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let config = SqliteConfig::new(dir.path().join("a.db"));
        let db = open_writer(&config).unwrap();
        db.execute_batch(
            "DROP INDEX dead_letters_redeliver;
             ALTER TABLE dead_letters DROP COLUMN redeliver;
             ALTER TABLE groups DROP COLUMN lost_cause;
             PRAGMA user_version = 1;",
        )
        .unwrap();
        drop(db);
        let db = open_writer(&config).unwrap();
        let count = "SELECT count(*) FROM dead_letters WHERE redeliver = 1";
        let none: i64 = db.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(none, 0);
        let count = "SELECT count(*) FROM groups WHERE lost_cause IS NULL";
        let none: i64 = db.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(none, 0);
    }

    #[test]
    fn the_schema_can_be_read_by_people() {
        let dir = tempfile::tempdir().unwrap();
        let db = open_writer(&SqliteConfig::new(dir.path().join("a.db"))).unwrap();
        // Comments are kept in the file, where people find them.
        let sql: String = db
            .query_row(
                "SELECT sql FROM sqlite_schema WHERE name = 'deliveries'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert!(sql.contains("-- how many handlers were started on it"));
        let rows: i64 = db
            .query_row("SELECT count(*) FROM log", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 0);
    }
}
