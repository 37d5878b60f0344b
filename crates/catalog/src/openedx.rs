//! The events of Open edX, built in.

use std::path::Path;

use include_dir::{Dir, include_dir};

use crate::{Catalog, Error, ErrorKind, Result};

/// Made by `catalog/openedx/regenerate.py`; its README says from which version.
static SCHEMAS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../catalog/openedx");

impl Catalog {
    /// The event types that openedx-events 10.5.0 can put on an event bus, with the Avro schemas
    /// that it writes by.
    pub fn openedx() -> Self {
        // The files are part of the program, and a test reads them all.
        embedded().unwrap_or_else(|e| unreachable!("a built-in schema is broken: {e}"))
    }
}

fn embedded() -> Result<Catalog> {
    let mut catalog = Catalog::empty();
    for file in SCHEMAS.files() {
        let path = Path::new("catalog/openedx").join(file.path());
        let name = file.path().to_str().unwrap_or_default();
        let Some(text) = file.contents_utf8() else {
            return Err(Error::new(ErrorKind::Schema, &path, "not UTF-8"));
        };
        catalog.insert_file(&path, name, text)?;
    }
    Ok(catalog)
}
