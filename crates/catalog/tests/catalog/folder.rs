//! A catalog folder for a test.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tidings_catalog::{Catalog, Result};

/// A folder with these files.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The catalog of these files.
pub fn catalog(files: &[(&str, &str)]) -> Result<Catalog> {
    Catalog::from_folder(folder(files).path())
}

/// What is wrong with these files, their folder left out.
pub fn refusal(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let error = Catalog::from_folder(folder.path()).unwrap_err();
    let prefix = format!("{}/", folder.path().display());
    error.to_string().replace(&prefix, "")
}

/// The definition of the guide.
pub const COURSE_CREATED: &str = include_str!("course.created.yaml");

/// The folder of the real Open edX events.
pub fn openedx() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog/openedx")
}
