//! The events of Open edX, built in.

use std::path::Path;

use include_dir::{Dir, include_dir};

use crate::{Catalog, Result};

/// Made by `catalog/openedx/regenerate.py`; its README says from which version.
static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../catalog/openedx");

impl Catalog {
    /// The events of openedx-events 10.5.0, with the Avro schemas that it writes by.
    pub fn openedx() -> Self {
        // The files are part of the program, and a test reads them all.
        embedded().unwrap_or_else(|e| unreachable!("a built-in definition is broken: {e}"))
    }
}

fn embedded() -> Result<Catalog> {
    let mut texts = Vec::new();
    collect(&FILES, &mut texts);
    Catalog::from_texts(texts)
}

fn collect(folder: &'static Dir<'_>, texts: &mut Vec<(std::path::PathBuf, &'static str)>) {
    for file in folder.files() {
        if let Some(text) = file.contents_utf8() {
            texts.push((Path::new("catalog/openedx").join(file.path()), text));
        }
    }
    for folder in folder.dirs() {
        collect(folder, texts);
    }
}
