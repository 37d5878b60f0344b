//! A folder with a catalog in it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder where the command runs.
pub struct Site(TempDir);

/// What became of a command.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Site {
    /// A folder whose `tidings.toml` names the catalog `events`, with these files in that.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let site = Self(TempDir::new().unwrap());
        site.write("tidings.toml", "catalog = [\"events\"]\n");
        fs::create_dir(site.path().join("events")).unwrap();
        for (name, text) in files {
            site.write(&format!("events/{name}"), text);
        }
        site
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Runs `tidings catalog` with these arguments.
    pub fn catalog(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["catalog"], arguments].concat())
    }

    /// Runs `tidings` with these arguments.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_tidings"))
            .args(arguments)
            .current_dir(self.path())
            .env_remove("TIDINGS_CATALOG")
            .env_remove("TIDINGS_BUS")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        // Paths of this machine mean nothing to a reader of the test.
        let text = |bytes| {
            let root = self.path().canonicalize().unwrap();
            let text = String::from_utf8(bytes).unwrap();
            let text = text.replace(&format!("{}/", root.display()), "");
            text.replace(&format!("{}/", self.path().display()), "")
        };
        Ran {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn ok(self) -> Self {
        self.ends_with(0)
    }

    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    pub fn json(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// A definition that uses everything.
pub const COURSE_CREATED: &str = include_str!("../../../catalog/tests/catalog/course.created.yaml");
