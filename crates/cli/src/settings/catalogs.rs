//! Where definitions come from.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use tidings_catalog::lint::LintSettings;

use super::Origin;
use super::file::File;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// The variable that lists folders of definitions.
pub const CATALOG_VARIABLE: &str = "TIDINGS_CATALOG";

/// Folders of definitions, and who named them.
#[derive(Debug, Default)]
pub struct NamedCatalogs {
    /// The folders; the first that has a type wins.
    pub folders: Vec<PathBuf>,
    /// Who named them; `None` when nobody did.
    pub origin: Option<Origin>,
    /// Levels and words of the lint, from `tidings.toml`.
    pub lint: LintSettings,
}

impl NamedCatalogs {
    /// Resolves what was not given on the command line from the process environment and the
    /// current folder.
    pub fn resolve(given: &[PathBuf]) -> Result<Self> {
        let folder = env::current_dir()
            .map_err(|e| Failure::new(Exit::Io, "the current folder cannot be read").source(e))?;
        let file = File::in_folder(&folder)?;
        let lint = file
            .as_ref()
            .map(|file| file.lint.clone())
            .unwrap_or_default();
        let in_file = file.and_then(|file| Some((file.catalog?, Origin::File(file.path))));
        let named = Self::from_sources(given, env::var_os(CATALOG_VARIABLE), in_file);
        Ok(Self { lint, ..named })
    }

    pub(super) fn from_sources(
        given: &[PathBuf],
        variable: Option<OsString>,
        in_file: Option<(Vec<PathBuf>, Origin)>,
    ) -> Self {
        let named = |folders, origin| Self {
            folders,
            origin: Some(origin),
            lint: LintSettings::default(),
        };
        if !given.is_empty() {
            return named(given.to_vec(), Origin::Option("--catalog"));
        }
        match (variable.filter(|v| !v.is_empty()), in_file) {
            (Some(listed), _) => {
                let listed = env::split_paths(&listed).filter(|p| !p.as_os_str().is_empty());
                named(listed.collect(), Origin::Variable(CATALOG_VARIABLE))
            }
            (None, Some((folders, origin))) => named(folders, origin),
            (None, None) => Self::default(),
        }
    }
}
