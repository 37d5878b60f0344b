//! From files to a catalog.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::definition::{self, EventDefinition, avro_payload};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::files::Files;
use crate::source::{Location, Source};
use crate::{Catalog, file_name};

impl Catalog {
    /// Reads every definition of a folder and the folders in it: YAML files, and bare Avro
    /// schemas named `{type}.avsc` (minor version 0) or `{type}@{minorversion}.avsc`. What is
    /// hidden is left alone, and so are other files.
    ///
    /// # Errors
    /// All that is wrong, with file, line and column where they are known:
    /// [`Io`](ErrorKind::Io), [`Syntax`](ErrorKind::Syntax), [`Value`](ErrorKind::Value),
    /// [`Name`](ErrorKind::Name), [`Schema`](ErrorKind::Schema), and
    /// [`Conflict`](ErrorKind::Conflict) for two files of the same version.
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<Self> {
        let mut problems = Vec::new();
        let files = Files::in_folder(folder.as_ref(), &mut problems);
        Self::load(files, problems)
    }

    /// Reads definitions from texts by their paths, as [`from_folder`](Self::from_folder) does
    /// from a folder: for catalogs that are not files, such as a revision of a repository.
    ///
    /// # Errors
    /// As [`from_folder`](Self::from_folder).
    pub fn from_texts<P, T>(texts: impl IntoIterator<Item = (P, T)>) -> Result<Self>
    where
        P: AsRef<Path>,
        T: Into<Arc<str>>,
    {
        let mut files = Files::default();
        for (path, text) in texts {
            if crate::files::belongs(path.as_ref()) {
                files.add(path.as_ref(), text);
            }
        }
        Self::load(files, Vec::new())
    }

    fn load(mut files: Files, mut problems: Vec<Problem>) -> Result<Self> {
        let mut loader = Loader::default();
        for (path, text) in files.documents() {
            if text.len() > Source::MAX_LEN {
                let message = format!("a definition has at most {} bytes", Source::MAX_LEN);
                problems.push(Problem::new(
                    ErrorKind::Value,
                    Location::file(&path),
                    message,
                ));
                continue;
            }
            match Source::parse(&path, text) {
                Ok(source) => {
                    if let Some(found) = definition::read(source.into(), &mut files, &mut problems)
                    {
                        loader.add(found, &mut problems);
                    }
                }
                Err(problem) => problems.push(problem),
            }
        }
        for (path, text) in files.bare_schemas() {
            match bare(&path, &text) {
                Ok(found) => loader.add(found, &mut problems),
                Err(problem) => problems.push(problem),
            }
        }
        Error::check(problems)?;
        Ok(loader.finish())
    }
}

/// The definitions found so far, by type and minor version.
#[derive(Default)]
struct Loader {
    found: BTreeMap<(String, i32), EventDefinition>,
}

impl Loader {
    fn add(&mut self, definition: EventDefinition, problems: &mut Vec<Problem>) {
        let key = (definition.event_type.clone(), definition.minorversion);
        let other = match self.found.get(&key) {
            Some(other) => Some(other),
            // Two YAML files of one type say different things of one event.
            None if definition.owner.is_some() => {
                let same = self
                    .found
                    .values()
                    .filter(|d| d.event_type == definition.event_type);
                same.into_iter().find(|other| other.owner.is_some())
            }
            None => None,
        };
        if let Some(other) = other {
            let message = format!(
                "{} defines minor version {} of this type too",
                other.path().display(),
                other.minorversion
            );
            let help = match definition.owner {
                Some(_) => "one file defines a type; it says the newest minor version",
                None => "`{type}.avsc` means minor version 0",
            };
            let location = definition.locate(&["type"]);
            problems.push(Problem::new(ErrorKind::Conflict, location, message).help(help));
            return;
        }
        self.found.insert(key, definition);
    }

    fn finish(self) -> Catalog {
        let mut catalog = Catalog::empty();
        for definition in self.found.into_values() {
            catalog.add(definition);
        }
        catalog
    }
}

/// The definition of a bare schema.
fn bare(path: &Path, text: &str) -> Result<EventDefinition, Problem> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let location = Location::file(path);
    let (event_type, minor) = file_name::parse(name)
        .unwrap_or(Err("a schema's name ends in `.avsc`"))
        .map_err(|problem| Problem::new(ErrorKind::Name, location.clone(), problem))?;
    let payload = avro_payload(path, text)?;
    Ok(EventDefinition::bare(event_type, minor, payload, location))
}
