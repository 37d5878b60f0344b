//! The files of a catalog, read before they are understood: from a folder, from this program, or
//! from a revision.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::error::{ErrorKind, Problem};
use crate::source::{Location, Source};

/// How deep folders may nest; a link that leads back ends here.
const MAX_DEPTH: usize = 16;
/// How many files a catalog may have.
const MAX_FILES: usize = 100_000;

/// Texts by path.
#[derive(Debug, Default)]
pub(crate) struct Files {
    texts: BTreeMap<PathBuf, Arc<str>>,
    /// Those that a definition names as its schema: they are no definitions themselves.
    referred: BTreeSet<PathBuf>,
}

/// Whether a file may belong to a catalog: a definition or a schema.
pub(crate) fn belongs(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "avsc" | "json"))
}

impl Files {
    /// Every file of a folder and the folders in it that may belong to a catalog. What is hidden
    /// is left alone.
    pub(crate) fn in_folder(folder: &Path, problems: &mut Vec<Problem>) -> Self {
        let mut files = Self::default();
        files.walk(folder, 0, problems);
        files
    }

    /// Adds a text.
    pub(crate) fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) {
        self.texts.insert(path.into(), text.into());
    }

    fn walk(&mut self, folder: &Path, depth: usize, problems: &mut Vec<Problem>) {
        let io = |path: &Path, e: std::io::Error| {
            let message = match path == folder {
                true => format!("cannot read the catalog folder: {e}"),
                false => format!("cannot read: {e}"),
            };
            Problem::new(ErrorKind::Io, Location::file(path), message).with_source(e)
        };
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) => return problems.push(io(folder, e)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => paths.push(entry.path()),
                Err(e) => problems.push(io(folder, e)),
            }
        }
        paths.sort();
        for path in paths {
            // A name that is not UTF-8 can be no type's.
            let name = path.file_name().and_then(|name| name.to_str());
            if name.is_none_or(|name| name.starts_with('.')) {
                continue;
            }
            if path.is_dir() {
                match depth < MAX_DEPTH {
                    true => self.walk(&path, depth + 1, problems),
                    false => problems.push(Problem::new(
                        ErrorKind::Io,
                        Location::file(&path),
                        format!("folders nest more than {MAX_DEPTH} deep"),
                    )),
                }
            } else if belongs(&path) {
                if self.texts.len() >= MAX_FILES {
                    let message = format!("a catalog has at most {MAX_FILES} files");
                    problems.push(Problem::new(ErrorKind::Io, Location::file(folder), message));
                    return;
                }
                match read(&path) {
                    Ok(text) => self.add(path, text),
                    Err(e) => problems.push(io(&path, e)),
                }
            }
        }
    }

    /// The text of a file that a definition names, by its path from the definition's folder; the
    /// file may not stand outside the catalog.
    pub(crate) fn refer(
        &mut self,
        definition: &Path,
        name: &str,
    ) -> Result<(PathBuf, Arc<str>), String> {
        let mut path = definition.parent().unwrap_or(Path::new("")).to_owned();
        for part in Path::new(name).components() {
            match part {
                Component::Normal(part) => path.push(part),
                Component::CurDir => {}
                Component::ParentDir if path.pop() => {}
                _ => return Err(format!("`{name}` is no path within the catalog")),
            }
        }
        match self.texts.get(&path) {
            Some(text) => {
                self.referred.insert(path.clone());
                Ok((path, text.clone()))
            }
            None => Err(format!("the catalog has no file {}", path.display())),
        }
    }

    /// The YAML files, in the order of their paths.
    pub(crate) fn documents(&self) -> Vec<(PathBuf, Arc<str>)> {
        self.with_extensions(&["yaml", "yml"])
    }

    /// The Avro schemas that no definition names, in the order of their paths.
    pub(crate) fn bare_schemas(&self) -> Vec<(PathBuf, Arc<str>)> {
        let mut schemas = self.with_extensions(&["avsc"]);
        schemas.retain(|(path, _)| !self.referred.contains(path));
        schemas
    }

    fn with_extensions(&self, extensions: &[&str]) -> Vec<(PathBuf, Arc<str>)> {
        let texts = self.texts.iter().filter(|(path, _)| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            extension.is_some_and(|extension| extensions.contains(&extension))
        });
        texts
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect()
    }
}

/// Reads a file that may be as long as a definition or a schema may be.
fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    // One byte more than allowed, so that the parser sees that it is too long, and says so.
    let limit = Source::MAX_LEN as u64 + 1;
    fs::File::open(path)?
        .take(limit)
        .read_to_string(&mut text)?;
    Ok(text)
}
