//! The events of Open edX, built in.

use std::path::Path;

use include_dir::{Dir, include_dir};

use tidings_event::KeyPath;

use crate::{Catalog, Result};

/// Made by `catalog/openedx/regenerate.py`; its README says from which version.
static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../catalog/openedx");

impl Catalog {
    /// The events of openedx-events 11.2.0, with the Avro schemas that it writes by.
    pub fn openedx() -> Self {
        // The files are part of the program, and a test reads them all.
        embedded().unwrap_or_else(|e| unreachable!("a built-in definition is broken: {e}"))
    }

    /// The key path of one of these events, from the line of its file that says it: who needs no
    /// more is spared reading and keeping 75 definitions.
    pub fn openedx_key(event_type: &str) -> Option<KeyPath> {
        let name = format!("{event_type}.yaml");
        let mut folders = FILES.dirs();
        let file = folders.find_map(|folder| folder.get_file(folder.path().join(&name)))?;
        let key = |line: &'static str| line.strip_prefix("key: ");
        let path = file.contents_utf8()?.lines().find_map(key)?;
        path.trim_matches('"').parse().ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_line_is_that_of_the_definition() {
        let mut keyed = 0;
        for definition in Catalog::openedx().definitions() {
            let found = Catalog::openedx_key(&definition.event_type);
            assert_eq!(found, definition.key_path, "{}", definition.event_type);
            keyed += usize::from(found.is_some());
        }
        assert!(keyed > 0);
        assert_eq!(Catalog::openedx_key("org.openedx.none.v1"), None);
    }
}
