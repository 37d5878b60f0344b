//! A state of a catalog: a folder, or a folder of a git revision.

mod git;

use std::path::{Path, PathBuf};

use tidings_catalog::Catalog;

use self::git::{Entry, Tree};
use super::diagnostic;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// Reads a state of the catalog that these folders make: a folder, `REVISION:FOLDER`, or a revision
/// that had the same folders.
pub fn load(state: &str, folders: &[PathBuf]) -> Result<Catalog> {
    if Path::new(state).is_dir() {
        return Catalog::from_folder(state).map_err(|error| diagnostic::refused(&error));
    }
    match state.split_once(':') {
        Some((revision, folder)) if !revision.is_empty() => {
            return of_revision(revision, folder, Path::new("."));
        }
        _ => {}
    }
    if folders.is_empty() {
        let what = format!("{state} is no folder");
        return Err(Failure::new(Exit::NoInput, what).remedy(
            "name a folder, or REVISION:FOLDER for a state that git keeps; a revision alone needs a \
             catalog: --catalog events",
        ));
    }
    let mut catalog = Catalog::empty();
    // The first that has a type wins.
    for folder in folders.iter().rev() {
        // Each folder may be of another repository.
        catalog = catalog.and(of_revision(state, "", folder)?);
    }
    Ok(catalog)
}

/// The state to compare an older one with when none is named: the folder of `REVISION:FOLDER`, or
/// else these folders, as they are now.
pub fn now(older: &str, folders: &[PathBuf]) -> Result<Catalog> {
    match older.split_once(':') {
        Some((_, folder)) if !Path::new(older).is_dir() => match folder {
            "" => load(".", folders),
            folder => load(folder, folders),
        },
        _ if is_all_of(older, folders) => Err(Failure::new(Exit::Usage, "NEW is missing")
            .remedy("name the newer folder, or the catalog as it is now: --catalog events")),
        _ => {
            let mut catalog = Catalog::empty();
            for folder in folders.iter().rev() {
                let found = Catalog::from_folder(folder);
                catalog = catalog.and(found.map_err(|error| diagnostic::refused(&error))?);
            }
            Ok(catalog)
        }
    }
}

/// Whether there is nothing in these folders that is not in this one.
fn is_all_of(state: &str, folders: &[PathBuf]) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    let state = real(Path::new(state));
    folders.iter().all(|folder| real(folder) == state)
}

/// A folder as git had it, by its path from the place where git is asked.
fn of_revision(revision: &str, folder: &str, place: &Path) -> Result<Catalog> {
    // A revision that begins with a dash would be an option.
    if revision.starts_with('-') {
        return Err(Failure::new(
            Exit::Usage,
            format!("{revision:?} is no revision"),
        ));
    }
    let folder = folder.trim_start_matches("./").trim_end_matches('/');
    let tree = Tree::new(revision, folder, place);
    let mut entries = tree.entries()?;
    entries.retain(|Entry { path, .. }| {
        let hidden = path.split('/').any(|part| part.starts_with('.'));
        let extension = Path::new(path).extension().and_then(|e| e.to_str());
        !hidden && matches!(extension, Some("yaml" | "yml" | "avsc" | "json"))
    });
    let texts = tree.read(&entries)?;
    let root = format!("{revision}:{folder}");
    let paths = entries
        .iter()
        .map(|entry| Path::new(&root).join(&entry.path));
    let texts: Vec<(PathBuf, String)> = paths.zip(texts).collect();
    Catalog::from_texts(texts).map_err(|error| diagnostic::refused(&error))
}
