use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// A file or standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// The sources that these paths name: `-` is standard input, and so is no path at all.
    pub fn named(paths: &[PathBuf]) -> Vec<Self> {
        if paths.is_empty() {
            return vec![Self::Stdin];
        }
        let source = |path: &PathBuf| match path.as_path() == Path::new("-") {
            true => Self::Stdin,
            false => Self::File(path.clone()),
        };
        paths.iter().map(source).collect()
    }

    /// What people call it.
    pub fn name(&self) -> Arc<str> {
        match self {
            Self::Stdin => "standard input".into(),
            Self::File(path) => path.to_string_lossy().into(),
        }
    }

    /// How many bytes it has, if that can be known before.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Stdin => None,
            Self::File(path) => path
                .metadata()
                .ok()
                .filter(|m| m.is_file())
                .map(|m| m.len()),
        }
    }

    /// Opens it.
    pub fn open(&self) -> Result<Box<dyn Read + Send>> {
        match self {
            Self::Stdin => Ok(Box::new(io::stdin())),
            Self::File(path) => File::open(path)
                .map(|file| Box::new(file) as Box<dyn Read + Send>)
                .map_err(|e| {
                    Failure::new(
                        Exit::NoInput,
                        format!("{} cannot be opened", path.display()),
                    )
                    .source(e)
                }),
        }
    }
}
