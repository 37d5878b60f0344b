//! What in the file and its disk endangers the guarantees.

use tidings_transport::{Finding, Result, Severity};

use crate::config::Durability;
use crate::schema;
use crate::transport::Inner;
use crate::wire::count;

/// Below this share of the disk, in percent, free space is a finding.
const LOW_DISK: u64 = 5;
/// A write-ahead log of more than this many bytes does not start over: 512 MiB.
const LONG_WAL: u64 = 512 << 20;

pub(crate) async fn diagnose(inner: &Inner) -> Result<Vec<Finding>> {
    let config = &inner.config;
    let mut found = Vec::new();
    if config.durability == Durability::Normal {
        found.push(Finding::new(
            Severity::Info,
            "sqlite-durability",
            "durability is normal: a loss of power may lose the events of the last moments",
            "Set durability=full where that matters.",
        ));
    }
    let wal = std::fs::metadata(schema::beside(&config.path, "-wal")).map_or(0, |m| m.len());
    if wal > LONG_WAL {
        found.push(Finding::new(
            Severity::Warning,
            "sqlite-wal",
            format!("the write-ahead log has {wal} bytes: some reader never lets it start over"),
            "Look for a program that keeps a transaction open, such as a sqlite3 shell or a backup.",
        ));
    }
    let used = inner.reader.ask("diagnose", |db| {
        let pages: i64 = db.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let free: i64 = db.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        let size: i64 = db.pragma_query_value(None, "page_size", |row| row.get(0))?;
        Ok(count((pages - free).saturating_mul(size)))
    });
    let used = used.await?;
    if let Some(max) = config.max_bytes
        && used >= max / 10 * 9
    {
        found.push(Finding::new(
            Severity::Warning,
            "sqlite-size",
            format!("{used} of the {max} bytes that max_bytes allows are used"),
            "Trim topics, or allow more.",
        ));
    }
    match nix::sys::statvfs::statvfs(&config.path) {
        Ok(disk) => {
            let (free, all) = (disk.blocks_available(), disk.blocks().max(1));
            if free.saturating_mul(100) / all < LOW_DISK {
                let bytes = free.saturating_mul(disk.fragment_size());
                found.push(Finding::new(
                    Severity::Warning,
                    "sqlite-disk",
                    format!("the disk has {bytes} bytes left, less than {LOW_DISK} %"),
                    "Free space on the disk, or trim topics.",
                ));
            }
        }
        Err(error) => found.push(Finding::new(
            Severity::Info,
            "sqlite-disk",
            format!("the system does not tell how full the disk is: {error}"),
            "",
        )),
    }
    Ok(found)
}
