//! Which database holds the outbox.

use std::env;

use super::file::File;
use super::{FILE_NAME, Origin};
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// The variable that names the database.
pub const DATABASE_VARIABLE: &str = "TIDINGS_DATABASE";

/// The URL of a database, and who named it.
#[derive(Debug)]
pub struct NamedDatabase {
    /// Holds secrets: print [`redacted`](super::redacted) only.
    pub url: String,
    /// Who named it.
    pub origin: Origin,
}

impl NamedDatabase {
    /// The option, else the environment, else the file of the current folder.
    pub fn resolve(option: Option<&str>) -> Result<Self> {
        Self::find(option)?.ok_or_else(|| {
            Failure::new(
                Exit::Config,
                format!(
                    "no database is named: no --database, {DATABASE_VARIABLE} is not set, and no \
                     `database` in a {FILE_NAME} of the current folder"
                ),
            )
            .remedy(format!(
                "name one: --database sqlite:app.db, or export \
                 {DATABASE_VARIABLE}=postgres://app@localhost/app"
            ))
        })
    }

    /// The same, where a command can do without.
    pub fn find(option: Option<&str>) -> Result<Option<Self>> {
        if let Some(url) = option {
            return Ok(Some(Self {
                url: url.to_owned(),
                origin: Origin::Option("--database"),
            }));
        }
        if let Some(url) = env::var_os(DATABASE_VARIABLE).filter(|url| !url.is_empty()) {
            let url = url.into_string().map_err(|_| {
                Failure::new(Exit::Config, format!("{DATABASE_VARIABLE} is not UTF-8"))
            })?;
            return Ok(Some(Self {
                url,
                origin: Origin::Variable(DATABASE_VARIABLE),
            }));
        }
        let folder = env::current_dir()
            .map_err(|e| Failure::new(Exit::Io, "the current folder cannot be read").source(e))?;
        match File::in_folder(&folder)? {
            Some(File {
                database: Some(url),
                path,
                ..
            }) => Ok(Some(Self {
                url,
                origin: Origin::File(path),
            })),
            _ => Ok(None),
        }
    }
}
