//! The database that the settings name.

use tidings::outbox::{Database, Error, ErrorKind};

use crate::args::DatabaseArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::settings::{NamedDatabase, Origin, redacted};

/// The database that the settings name. Its URL is understood; nothing is connected yet.
pub struct Site {
    /// The database.
    pub database: Database,
    named: NamedDatabase,
}

impl Site {
    /// Finds out which.
    pub fn find(args: &DatabaseArgs) -> Result<Self> {
        Self::named(NamedDatabase::resolve(args.database.as_deref())?)
    }

    /// The same, where a command can do without.
    pub fn find_if_named(args: &DatabaseArgs) -> Result<Option<Self>> {
        let named = NamedDatabase::find(args.database.as_deref())?;
        named.map(Self::named).transpose()
    }

    fn named(named: NamedDatabase) -> Result<Self> {
        match Database::new(&named.url) {
            Ok(database) => Ok(Self { database, named }),
            Err(error) => {
                let exit = match named.origin {
                    Origin::Option(_) => Exit::Usage,
                    _ => Exit::Config,
                };
                let what = format!("cannot use the database named by {}", named.origin);
                Err(Failure::new(exit, what).source(error))
            }
        }
    }

    /// Its URL without secrets, for people.
    pub fn shown(&self) -> String {
        redacted(&self.named.url)
    }

    /// What an error of it means for the command.
    pub fn failure(&self, error: Error) -> Failure {
        let (exit, remedy) = match error.kind() {
            ErrorKind::Invalid | ErrorKind::NotMigrated | ErrorKind::Pooler => (Exit::Config, None),
            ErrorKind::Event => (Exit::Data, None),
            ErrorKind::Unavailable => (Exit::Unavailable, Some("is the database running?")),
            ErrorKind::Denied => (Exit::Denied, None),
            ErrorKind::NotFound => (
                Exit::NoInput,
                Some(match self.database.kind() {
                    "sqlite" => "`tidings outbox migrate` makes the file, with the tables",
                    _ => {
                        "create the database, or name another; \
                          `tidings outbox migrate` then makes the tables"
                    }
                }),
            ),
            ErrorKind::Superseded => (Exit::TryAgain, None),
            _ => (Exit::Failed, None),
        };
        let (shown, origin) = (self.shown(), &self.named.origin);
        let what = format!("{shown} (named by {origin}): {error}");
        let failure = Failure::new(exit, what);
        match remedy {
            Some(remedy) => failure.remedy(remedy),
            None => failure,
        }
    }
}
