//! A state of a catalog: a folder, or a folder of a git revision.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tidings_catalog::Catalog;

use super::diagnostic;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// Reads a folder, or `REVISION:FOLDER` where there is no folder of that name.
pub fn load(state: &str) -> Result<Catalog> {
    if Path::new(state).is_dir() {
        return Catalog::from_folder(state).map_err(|error| diagnostic::refused(&error));
    }
    match state.split_once(':') {
        Some((revision, folder)) if !revision.is_empty() => {
            of_revision(revision, folder, Path::new("."))
        }
        _ => Err(Failure::new(Exit::NoInput, format!("{state} is no folder"))
            .remedy("name a folder, or REVISION:FOLDER for a state that git keeps")),
    }
}

/// Reads an earlier state of the catalog that these folders make: one of `load`, or a revision
/// that had the same folders.
pub fn earlier(state: &str, folders: &[PathBuf]) -> Result<Catalog> {
    if Path::new(state).is_dir() || state.contains(':') {
        return load(state);
    }
    if folders.is_empty() {
        return Err(
            Failure::new(Exit::NoInput, format!("{state} is no folder")).remedy(
                "name a folder, or name your catalog with --catalog to compare it with a revision",
            ),
        );
    }
    let mut catalog = Catalog::empty();
    // The first that has a type wins.
    for folder in folders.iter().rev() {
        // Each folder may be of another repository.
        catalog = catalog.and(of_revision(state, "", folder)?);
    }
    Ok(catalog)
}

/// The folder of `REVISION:FOLDER`, as it is now.
pub fn folder_of(state: &str) -> Result<&str> {
    match state.split_once(':') {
        Some((_, folder)) if !Path::new(state).is_dir() => Ok(match folder {
            "" => ".",
            folder => folder,
        }),
        _ => Err(Failure::new(Exit::Usage, "NEW is missing")
            .remedy("name the newer folder, or REVISION:FOLDER as the older state")),
    }
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
    let spec = match folder {
        "" | "." => format!("{revision}:./"),
        folder => format!("{revision}:./{folder}"),
    };
    let listed = git(place, &["ls-tree", "-r", "-z", "--full-tree", &spec], &spec)?;
    let mut texts: Vec<(PathBuf, String)> = Vec::new();
    for entry in listed
        .stdout
        .split(|byte| *byte == 0)
        .filter(|entry| !entry.is_empty())
    {
        let entry = String::from_utf8_lossy(entry);
        // MODE TYPE OBJECT TAB PATH
        let Some((head, path)) = entry.split_once('\t') else {
            continue;
        };
        let mut head = head.split(' ');
        let (Some("blob"), Some(object)) = (head.nth(1), head.next()) else {
            continue;
        };
        let hidden = path.split('/').any(|part| part.starts_with('.'));
        let extension = Path::new(path).extension().and_then(|e| e.to_str());
        if hidden || !matches!(extension, Some("yaml" | "yml" | "avsc" | "json")) {
            continue;
        }
        let read = git(place, &["cat-file", "blob", object], &spec)?;
        let path = Path::new(&format!("{revision}:{folder}")).join(path);
        texts.push((path, String::from_utf8_lossy(&read.stdout).into_owned()));
    }
    Catalog::from_texts(texts).map_err(|error| diagnostic::refused(&error))
}

fn git(place: &Path, arguments: &[&str], spec: &str) -> Result<Output> {
    let mut command = Command::new("git");
    let output = command
        .arg("-C")
        .arg(place)
        .args(arguments)
        .output()
        .map_err(|e| {
            Failure::new(Exit::Unavailable, "cannot run git")
                .source(e)
                .remedy("install git, or name two folders")
        })?;
    match output.status.success() {
        true => Ok(output),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().next().unwrap_or_default().to_owned();
            Err(
                Failure::new(Exit::NoInput, format!("git has no {spec}: {said}"))
                    .remedy("is the revision fetched? In CI: `fetch-depth: 0`"),
            )
        }
    }
}
