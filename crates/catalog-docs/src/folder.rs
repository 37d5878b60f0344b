//! Writing a site into a folder.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use crate::Site;

/// The file that says which files of a folder are ours.
const LIST: &str = "tidings-site.json";

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// How many files there are now.
    pub files: usize,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many files of an earlier site were removed.
    pub removed: usize,
}

/// Why a site was not written.
#[derive(Debug)]
#[non_exhaustive]
pub enum FolderError {
    /// The folder holds files that no site has put there.
    NotOurs(PathBuf),
    /// The file system refused.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What came back.
        source: io::Error,
    },
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOurs(folder) => {
                write!(f, "{} holds files, and none of a site", folder.display())
            }
            Self::Io { path, .. } => write!(f, "cannot write {}", path.display()),
        }
    }
}

impl std::error::Error for FolderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotOurs(_) => None,
            Self::Io { source, .. } => Some(source),
        }
    }
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, FolderError> {
    result.map_err(|source| FolderError::Io {
        path: path.to_owned(),
        source,
    })
}

impl Site {
    /// Writes the site into a folder that is new, empty, or holds an earlier site. Files of the
    /// earlier site that this one does not have are removed; files that came from elsewhere stay.
    ///
    /// # Errors
    /// [`NotOurs`](FolderError::NotOurs) for a folder with other files in it, before anything is
    /// written; [`Io`](FolderError::Io).
    pub fn write_to(&self, folder: impl AsRef<Path>) -> Result<Written, FolderError> {
        let folder = folder.as_ref();
        let earlier = earlier(folder)?;
        at(folder, fs::create_dir_all(folder))?;
        let ours: BTreeSet<String> = self.files().map(|(path, _)| path.to_owned()).collect();
        // The list stands there before the files: a run that breaks off can be repeated.
        list(folder, earlier.union(&ours))?;
        let mut written = Written {
            files: self.files().len(),
            bytes: 0,
            removed: 0,
        };
        for (path, content) in self.files() {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                at(parent, fs::create_dir_all(parent))?;
            }
            at(&path, fs::write(&path, content))?;
            written.bytes += content.len() as u64;
        }
        for path in earlier.difference(&ours) {
            let path = folder.join(path);
            match fs::remove_file(&path) {
                Ok(()) => written.removed += 1,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return at(&path, Err(e)),
            }
        }
        list(folder, ours.iter())?;
        Ok(written)
    }
}

/// The files of the site that stands in a folder.
fn earlier(folder: &Path) -> Result<BTreeSet<String>, FolderError> {
    match fs::read(folder.join(LIST)) {
        Ok(text) => {
            let listed: Value = serde_json::from_slice(&text).unwrap_or_default();
            let Some(files) = listed.get("files").and_then(Value::as_array) else {
                return Err(FolderError::NotOurs(folder.to_owned()));
            };
            let files = files.iter().filter_map(Value::as_str);
            // What leads out of the folder is not ours to remove, whoever wrote the list.
            let within = |path: &&str| {
                let mut parts = Path::new(path).components();
                parts.all(|part| matches!(part, Component::Normal(_)))
            };
            Ok(files.filter(within).map(str::to_owned).collect())
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => match fs::read_dir(folder) {
            Ok(mut entries) => match entries.next() {
                None => Ok(BTreeSet::new()),
                Some(_) => Err(FolderError::NotOurs(folder.to_owned())),
            },
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(e) => at(folder, Err(e)),
        },
        Err(e) => at(folder, Err(e)),
    }
}

fn list<'p>(folder: &Path, files: impl Iterator<Item = &'p String>) -> Result<(), FolderError> {
    let path = folder.join(LIST);
    let listed = json!({"made_by": "tidings catalog docs", "files": files.collect::<Vec<_>>()});
    at(&path, fs::write(&path, format!("{listed:#}\n")))
}
