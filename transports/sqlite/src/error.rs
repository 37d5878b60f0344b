//! What can go wrong with the file, and what that means in the terms of the contract.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::ffi;
use tidings_transport::{Error, ErrorKind};

/// What came back from below. Cloned to everybody whose work was in the same transaction.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Fault {
    #[error("SQLite answered: {text} (code {extended})")]
    Sqlite { extended: i32, text: String },
    #[error("the system answered: {text}")]
    Io {
        kind: std::io::ErrorKind,
        text: String,
    },
    #[error("it is a SQLite database of another application (application_id {0:#x})")]
    NotOurs(i32),
    #[error("its format is version {found}, and this program knows version {known}")]
    Newer { found: i32, known: i32 },
    #[error("SQLite {0} can damage a file that several connections write (fixed in 3.51.3)")]
    WalBug(String),
    #[error("the file system has no shared memory for WAL mode (journal mode is {0:?})")]
    NoWal(String),
    #[error("the file was moved or deleted while in use")]
    Moved,
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error("it is a folder")]
    IsFolder,
    #[error("no turn to write within {0:?}")]
    NoTurn(Duration),
    #[error("the thread that works on the file has ended")]
    Ended,
    /// The request breaks a rule. Jobs return it before they write anything.
    #[error("{message}")]
    Refused { kind: ErrorKind, message: String },
}

impl Fault {
    pub(crate) fn refused(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::Refused {
            kind,
            message: message.into(),
        }
    }

    /// Whether the connection should be opened anew before the next try.
    pub(crate) fn breaks_connection(&self) -> bool {
        match self {
            Self::Sqlite { extended, .. } => matches!(
                extended & 0xff,
                ffi::SQLITE_IOERR
                    | ffi::SQLITE_CORRUPT
                    | ffi::SQLITE_NOTADB
                    | ffi::SQLITE_CANTOPEN
                    | ffi::SQLITE_READONLY
            ),
            Self::Moved => true,
            _ => false,
        }
    }

    /// Whether the whole file is out of reach, so that trying jobs one by one is no use.
    pub(crate) fn is_busy(&self) -> bool {
        match self {
            Self::Sqlite { extended, .. } => {
                matches!(extended & 0xff, ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED)
            }
            _ => false,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let extended = match &error {
            rusqlite::Error::SqliteFailure(e, _) => e.extended_code,
            _ => ffi::SQLITE_ERROR,
        };
        Self::Sqlite {
            extended,
            text: error.to_string(),
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Io {
            kind: error.kind(),
            text: error.to_string(),
        }
    }
}

/// A fault with what was tried, where, and how far it got.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub operation: &'static str,
    pub path: PathBuf,
    /// The transaction was being committed: it may be in the file.
    pub committing: bool,
    pub fault: Fault,
}

impl Failure {
    pub(crate) fn new(operation: &'static str, path: &Path, fault: Fault) -> Self {
        Self {
            operation,
            path: path.to_owned(),
            committing: false,
            fault,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let path = failure.path.display();
        let (kind, advice) = match &failure.fault {
            Fault::Refused { kind, message } => {
                // The rule says it all; which file it was does not matter.
                return Self::new(*kind, failure.operation, message.clone());
            }
            Fault::Sqlite { extended, .. } => by_code(*extended, failure.committing),
            Fault::Io { kind, .. } => by_io(*kind),
            Fault::NotOurs(_) => (
                ErrorKind::Corrupt,
                "Name another path: nothing was changed.",
            ),
            Fault::Newer { .. } => (
                ErrorKind::Unsupported,
                "Update this program: a newer one wrote the file, and nothing was changed.",
            ),
            Fault::WalBug(_) => (
                ErrorKind::Unsupported,
                "Build with the SQLite that is bundled, or link one from 3.51.3 on.",
            ),
            Fault::NoWal(_) => (
                ErrorKind::Unsupported,
                "Put the file on a local disk: network file systems do not do.",
            ),
            Fault::Moved => (
                ErrorKind::Unavailable,
                "Put the file back; every program that uses it then goes on by itself.",
            ),
            Fault::Damaged(_) => (
                ErrorKind::Corrupt,
                "No copy was made. `tidings file check` tells all; go back to an older copy, or save \
                 what can be read with the sqlite3 shell (.recover).",
            ),
            Fault::IsFolder => (ErrorKind::Invalid, "Name a file in it."),
            Fault::NoTurn(_) => (
                ErrorKind::Unavailable,
                "Another program keeps the file for itself: its number is in the file beside it \
                 that ends in -lock. Nothing was stored; try again.",
            ),
            Fault::Ended => (ErrorKind::Closed, "Open the file again."),
        };
        let message = format!("{path}: {}. {advice}", failure.fault);
        Self::new(kind, failure.operation, message).with_source(failure.fault)
    }
}

fn by_code(extended: i32, committing: bool) -> (ErrorKind, &'static str) {
    match extended & 0xff {
        // What a reader is told after ten seconds.
        ffi::SQLITE_PROTOCOL => (
            ErrorKind::Unavailable,
            "Another process is stopped in the middle of a commit (a debugger, Ctrl-Z, a frozen \
             container): let it go on, or kill it, which harms nothing. Nothing was stored; try \
             again.",
        ),
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => (
            ErrorKind::Unavailable,
            "Another program holds the file locked, perhaps a sqlite3 shell with an open \
             transaction. Nothing was stored; try again.",
        ),
        ffi::SQLITE_FULL => (
            ErrorKind::Full,
            "The disk, or the size that max_bytes allows, is used up. Nothing was stored. Free \
             space, trim the topics, or raise the limit.",
        ),
        ffi::SQLITE_READONLY | ffi::SQLITE_PERM | ffi::SQLITE_AUTH => (
            ErrorKind::Denied,
            "The file, its folder and the files beside it must be writable by this user.",
        ),
        ffi::SQLITE_CANTOPEN => (
            ErrorKind::Unavailable,
            "Check that the folder exists and is writable, and that files may still be opened.",
        ),
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB | ffi::SQLITE_FORMAT => (
            ErrorKind::Corrupt,
            "The file is damaged or no SQLite database. Check the path, or go back to a copy.",
        ),
        // A sync that failed may still have reached the disk.
        ffi::SQLITE_IOERR if committing => (
            ErrorKind::UnknownOutcome,
            "The disk failed in the middle of a commit. Check the disk and try again.",
        ),
        ffi::SQLITE_IOERR | ffi::SQLITE_NOMEM | ffi::SQLITE_INTERRUPT | ffi::SQLITE_SCHEMA => (
            ErrorKind::Unavailable,
            "Nothing was stored. Check the disk and the memory, and try again.",
        ),
        ffi::SQLITE_TOOBIG => (ErrorKind::Invalid, "The document is too big."),
        _ => (
            ErrorKind::Failed,
            "This should not happen: please report it.",
        ),
    }
}

fn by_io(kind: std::io::ErrorKind) -> (ErrorKind, &'static str) {
    use std::io::ErrorKind as Io;
    match kind {
        Io::PermissionDenied | Io::ReadOnlyFilesystem => (
            ErrorKind::Denied,
            "The file, its folder and the files beside it must be writable by this user.",
        ),
        Io::NotFound | Io::NotADirectory => (
            ErrorKind::Invalid,
            "The folder must exist: create it first.",
        ),
        Io::StorageFull | Io::QuotaExceeded => (ErrorKind::Full, "Free space on the disk."),
        _ => (ErrorKind::Unavailable, "Check the disk and try again."),
    }
}
