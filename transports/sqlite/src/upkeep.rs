//! What keeps a file well for years, while others use it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, InterruptHandle};
use tidings_transport::{Error, ErrorKind, Result};

use crate::error::{Failure, Fault};
use crate::job::Order;
use crate::schema;
use crate::transport::{Inner, Sqlite};
use crate::wire::count;

/// How many pages move in one transaction, so that writers need not wait long: 2 MiB.
const STEP: i64 = 512;
/// Free pages are kept for what comes, up to one in so many, and up to 4 MiB in any case.
const SLACK: i64 = 4;
const LEAST: i64 = 1_024;
/// How often a caller is told how far a copy is.
const TELL: Duration = Duration::from_millis(200);
/// What `PRAGMA auto_vacuum` says of a file whose free pages can be given back step by step.
const INCREMENTAL: i64 = 2;

/// How large the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileSize {
    /// All of it, in bytes, without the write-ahead log.
    pub bytes: u64,
    /// How much of that is free for what comes.
    pub free: u64,
    /// Whether free space can be given back while others write. Files of the first versions cannot
    /// do that until they were rewritten once.
    pub gives_back: bool,
}

impl Sqlite {
    /// How large the file is, and how much of it is free.
    ///
    /// # Errors
    /// Those of reading the file.
    pub async fn size(&self) -> Result<FileSize> {
        let size = self.inner.reader.ask("size", size);
        Ok(size.await?)
    }

    /// Looks for damage: in the structure of the file (all of it if `thorough`, without comparing
    /// indexes with tables otherwise), and in what we keep in it. Each finding is a sentence for
    /// people; none means that the file is whole. Others may go on reading and writing.
    ///
    /// # Errors
    /// Those of reading the file, where it is too damaged to be read at all.
    pub async fn check(&self, thorough: bool) -> Result<Vec<String>> {
        self.beside("check", move |db| check(db, thorough)).await
    }

    /// Copies the file as it stands now to `to`, which must not exist, without what is free in
    /// it. Others may go on reading and writing; what they write from now on is not in the copy.
    /// `progress` is told bytes, done and in all. The copy is on the disk when this returns; if
    /// it is dropped or fails there is none. Returns its size in bytes.
    ///
    /// # Errors
    /// `Invalid` where there is something at `to`, or no folder for it; `Corrupt` where the file is
    /// damaged; those of reading the file and of writing the copy.
    pub async fn backup(&self, to: &Path, progress: impl Fn(u64, u64)) -> Result<u64> {
        if to.exists() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "backup",
                format!("{} is there already: name a new file", to.display()),
            ));
        }
        // SQLite would take the first for a URI of its own; the second is how a bus is named.
        let text = to.to_string_lossy();
        if text.starts_with("file:") || text.starts_with("sqlite:") {
            return Err(Error::new(
                ErrorKind::Invalid,
                "backup",
                format!("{text} is no path: name a file, as in back-up/bus.db"),
            ));
        }
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "backup",
                format!(
                    "{} cannot be made: there is no folder {}; create it first",
                    to.display(),
                    folder.display()
                ),
            ));
        }
        let size = self.size().await?;
        let total = size.bytes - size.free;
        let partial = schema::beside(to, ".partial");
        let (from, into) = (partial.clone(), to.to_owned());
        let mut copying = std::pin::pin!(self.beside("backup", move |db| copy(db, &from, &into)));
        loop {
            tokio::select! {
                copied = &mut copying => return copied,
                () = tokio::time::sleep(TELL) => {
                    let done = std::fs::metadata(&partial).map_or(0, |file| file.len());
                    progress(done.min(total), total);
                }
            }
        }
    }

    /// Gives free space back to the disk, in small steps between those who write. `progress` is
    /// told bytes, done and in all. Returns the size before and after.
    ///
    /// # Errors
    /// `Unsupported` for a file that cannot do so until it was [rewritten](Self::rewrite); those
    /// of writing the file.
    pub async fn compact(&self, progress: impl Fn(u64, u64)) -> Result<(FileSize, FileSize)> {
        let before = self.size().await?;
        if !before.gives_back {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "compact",
                "the file was made by a version that could not do so; rewrite it once",
            ));
        }
        while let Some(free) = step(&self.inner, 0).await? {
            progress(before.free.saturating_sub(free), before.free);
        }
        // What was cut off stays until the write-ahead log was moved into the file.
        let truncate = |db: &Connection| {
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(())
        };
        self.beside("compact", truncate).await?;
        Ok((before, self.size().await?))
    }

    /// Writes the whole file anew, without what is free in it. Needs as much room on the disk
    /// again, and keeps everybody from writing meanwhile: their publishes fail as temporary.
    /// Returns the size before and after.
    ///
    /// # Errors
    /// Those of writing the file; `Unavailable` while others never let go of it.
    pub async fn rewrite(&self) -> Result<(FileSize, FileSize)> {
        let before = self.size().await?;
        let rewrite = |db: &Connection| {
            db.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
            db.execute_batch("VACUUM")?;
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(())
        };
        self.beside("rewrite", rewrite).await?;
        Ok((before, self.size().await?))
    }

    /// Works on a connection of its own: what takes long holds up neither readers nor writers.
    async fn beside<T, F>(&self, operation: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let config = &self.inner.config;
        let failed = |fault| Failure::new(operation, &config.path, fault);
        let (path, patience) = (config.path.clone(), config.busy_timeout);
        let open = move || {
            let db = schema::open_reader(&path, patience)?;
            db.pragma_update(None, "query_only", false)?;
            Ok::<_, Fault>(db)
        };
        let db = tokio::task::spawn_blocking(open).await;
        let db = db.map_err(|_| failed(Fault::Ended))?.map_err(failed)?;
        let mut interrupt = Interrupt(Some(db.get_interrupt_handle()));
        let done = tokio::task::spawn_blocking(move || work(&db)).await;
        interrupt.0 = None;
        Ok(done.map_err(|_| failed(Fault::Ended))?.map_err(failed)?)
    }
}

/// Ends the work on a connection when whoever waits for it is gone.
struct Interrupt(Option<InterruptHandle>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.interrupt();
        }
    }
}

fn size(db: &Connection) -> Result<FileSize, Fault> {
    let number = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let page = number("page_size")?;
    Ok(FileSize {
        bytes: count(number("page_count")?.saturating_mul(page)),
        free: count(number("freelist_count")?.saturating_mul(page)),
        gives_back: number("auto_vacuum")? == INCREMENTAL,
    })
}

/// After events were removed: gives back what is free beyond what will be used again soon.
pub(crate) async fn give_back(inner: &Inner) -> Result<()> {
    while step(inner, SLACK).await?.is_some() {}
    Ok(())
}

/// Gives back some pages if more than one in `slack` is free, or any with 0. Returns the bytes that
/// are free then; `None` when there is nothing to do any more.
async fn step(inner: &Inner, slack: i64) -> Result<Option<u64>, Failure> {
    let order = Order {
        operation: "compact",
        synced: false,
        rows: 1_000,
    };
    let step = inner.writer.run(order, move |work| {
        let number = |name| {
            let value = work.db.pragma_query_value(None, name, |row| row.get(0));
            value.map_err(Fault::from)
        };
        let (free, pages): (i64, i64) = (number("freelist_count")?, number("page_count")?);
        let keep = if slack == 0 {
            0
        } else {
            LEAST.max(pages / slack)
        };
        if free <= keep || number("auto_vacuum")? != INCREMENTAL {
            return Ok(None);
        }
        let some = STEP.min(free - keep);
        // It moves a page for each row that is asked for, though rows there are none.
        let mut vacuum = work
            .db
            .prepare(&format!("PRAGMA incremental_vacuum({some})"))?;
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
        Ok(Some(count(
            (free - some).saturating_mul(number("page_size")?),
        )))
    });
    step.await
}

fn check(db: &Connection, thorough: bool) -> Result<Vec<String>, Fault> {
    let pragma = match thorough {
        true => "PRAGMA integrity_check",
        false => "PRAGMA quick_check",
    };
    let mut found = strings(db, pragma)?;
    found.retain(|line| line != "ok");
    if !found.is_empty() {
        // What we keep cannot be told from what is damaged.
        return Ok(found);
    }
    for (sql, what) in [
        (
            "SELECT t.name FROM topics t LEFT JOIN
               (SELECT topic_id, count(*) AS events, sum(length(document)) AS bytes,
                       max(seq) AS last FROM events GROUP BY topic_id) e USING (topic_id)
              WHERE t.length <> coalesce(e.events, 0) OR t.bytes <> coalesce(e.bytes, 0)
                 OR t.last_seq < coalesce(e.last, 0) ORDER BY t.name",
            "the counters of topic # differ from its events",
        ),
        (
            "SELECT DISTINCT e.topic_id FROM events e
              WHERE NOT EXISTS (SELECT 1 FROM topics t WHERE t.topic_id = e.topic_id)",
            "there are events of a topic with the number #, which does not exist",
        ),
        (
            "SELECT g.name || ' of ' || t.name FROM groups g JOIN topics t USING (topic_id)
              WHERE g.claimed_to > t.last_seq ORDER BY 1",
            "group # stands beyond the end of its topic",
        ),
        (
            "SELECT DISTINCT d.group_id FROM deliveries d
              WHERE NOT EXISTS (SELECT 1 FROM groups g WHERE g.group_id = d.group_id)",
            "there are deliveries of a group with the number #, which does not exist",
        ),
        (
            "SELECT g.name || ' of ' || t.name FROM groups g JOIN topics t USING (topic_id)
              WHERE EXISTS (SELECT 1 FROM deliveries d
                             WHERE d.delivery >= (g.group_id << 40) + g.claimed_to + 1
                               AND d.delivery < (g.group_id + 1) << 40
                               AND d.dead_letter IS NULL)",
            "group # has deliveries beyond where it stands",
        ),
    ] {
        let names = strings(db, sql)?;
        found.extend(names.iter().map(|name| what.replace('#', name)));
    }
    Ok(found)
}

fn strings(db: &Connection, sql: &str) -> Result<Vec<String>, Fault> {
    let mut ask = db.prepare(sql)?;
    let rows = ask.query_map([], |row| {
        Ok(match row.get_ref(0)? {
            rusqlite::types::ValueRef::Integer(n) => n.to_string(),
            other => other.as_str().unwrap_or_default().to_owned(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Copies to a file of another name first, so that nobody takes half a copy for a whole one.
fn copy(db: &Connection, partial: &PathBuf, to: &Path) -> Result<u64, Fault> {
    let copied = (|| {
        match std::fs::remove_file(partial) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
        // A folder that is missing would be "unable to open database file".
        drop(File::create_new(partial)?);
        if let Some(damage) = strings(db, "PRAGMA quick_check(1)")?
            .into_iter()
            .find(|line| line != "ok")
        {
            // A copy of it would pass for whole, and lack what could not be read.
            return Err(Fault::Damaged(damage));
        }
        db.execute("VACUUM INTO ?1", [partial.to_string_lossy()])?;
        let file = File::open(partial)?;
        file.sync_all()?;
        let size = file.metadata()?.len();
        // Unlike a rename it does not replace what came to be meanwhile.
        std::fs::hard_link(partial, to)?;
        if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(size)
    })();
    let _ = std::fs::remove_file(partial);
    copied
}
