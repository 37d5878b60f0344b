//! Definitions from a folder.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use tidings_event::Definition;
use tidings_event::avro::Schema;

use crate::error::{Error, ErrorKind, Result};
use crate::{Catalog, file_name};

impl Catalog {
    /// Reads every `{type}.avsc` and `{type}@{minorversion}.avsc` of a folder; the former is
    /// minor version 0. Other files and subfolders are left alone.
    ///
    /// # Errors
    /// With the path of the file: [`Io`](ErrorKind::Io), [`Name`](ErrorKind::Name),
    /// [`Schema`](ErrorKind::Schema) with the error of the parser as its source, and
    /// [`Conflict`](ErrorKind::Conflict) for two files of the same version. The first one ends
    /// the reading, in the order of the file names.
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let io = |e| {
            Error::new(
                ErrorKind::Io,
                folder,
                format!("cannot read the catalog folder: {e}"),
            )
            .with_source(e)
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(io)? {
            paths.push(entry.map_err(io)?.path());
        }
        paths.sort();
        let mut catalog = Self::empty();
        for path in paths {
            // A name that is not UTF-8 can be no type's.
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if file_name::parse(name).is_none() || path.is_dir() {
                continue;
            }
            let text = read(&path)?;
            catalog.insert_file(&path, name, &text)?;
        }
        Ok(catalog)
    }

    /// Adds the definition of a file.
    pub(crate) fn insert_file(&mut self, path: &Path, name: &str, text: &str) -> Result<()> {
        let (event_type, minor) = match file_name::parse(name) {
            None => return Ok(()),
            Some(Ok(parsed)) => parsed,
            Some(Err(problem)) => return Err(Error::new(ErrorKind::Name, path, problem)),
        };
        let schema = Schema::parse(text).map_err(|e| {
            Error::new(ErrorKind::Schema, path, format!("not an Avro schema: {e}")).with_source(e)
        })?;
        let definition = Definition::new(event_type, minor).with_schema(Arc::new(schema));
        match self.insert(definition) {
            None => Ok(()),
            Some(_) => Err(Error::new(
                ErrorKind::Conflict,
                path,
                format!(
                    "another file of this folder defines minor version {minor} of this type too: \
                     `{event_type}.avsc` means minor version 0"
                ),
            )),
        }
    }
}

/// Reads a file that may be as long as a schema may be.
fn read(path: &Path) -> Result<String> {
    let io = |e| Error::new(ErrorKind::Io, path, format!("cannot read: {e}")).with_source(e);
    let mut text = String::new();
    // One byte more than allowed, so that the parser sees that it is too long, and says so.
    let limit = Schema::MAX_LEN as u64 + 1;
    let file = fs::File::open(path).map_err(io)?;
    file.take(limit).read_to_string(&mut text).map_err(io)?;
    Ok(text)
}
