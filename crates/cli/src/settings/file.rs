//! `tidings.toml`.

mod lint;
mod reference;
mod retention;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidings::RetentionPolicy;
use tidings_catalog::lint::LintSettings;

use crate::args::value;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
pub use reference::{KEYS, Key};

/// The name of the file, looked for in the current folder only: a relative `sqlite:` path means
/// the same file to whoever reads it.
pub const FILE_NAME: &str = "tidings.toml";

/// What `tidings.toml` says.
#[derive(Debug)]
pub struct File {
    /// Where it stands.
    pub path: PathBuf,
    /// The URL of the bus.
    pub bus: Option<String>,
    /// Folders of definitions, relative ones made relative to the file.
    pub catalog: Option<Vec<PathBuf>>,
    /// The URL of the database with the outbox.
    pub database: Option<String>,
    /// Levels and words of the lint of definitions.
    pub lint: LintSettings,
    /// What is removed from topics in the course of time.
    pub retention: RetentionPolicy,
    /// How often.
    pub retention_every: Option<Duration>,
    /// The service that publishes and consumes here.
    pub service: Option<String>,
}

impl File {
    /// Reads the file of a folder; `None` when there is none.
    pub fn in_folder(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE_NAME);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&path, &text).map(Some),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(
                Failure::new(Exit::Config, format!("{} cannot be read", path.display())).source(e),
            ),
        }
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self> {
        let refuse =
            |message: String| Failure::new(Exit::Config, format!("{}: {message}", path.display()));
        // The error's own text quotes the line, which may hold a password.
        let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
            let line = e
                .span()
                .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            refuse(format!("line {line}: {}", e.message()))
        })?;
        for key in table.keys() {
            if KEYS.iter().all(|known| known.name != key) {
                let names = KEYS.map(|known| known.name);
                return Err(refuse(format!("unknown key {key:?}")).remedy(nearest(key, &names)));
            }
        }
        let text = |key: &str, example: &str| match table.get(key) {
            None => Ok(None),
            Some(toml::Value::String(url)) => Ok(Some(url.clone())),
            Some(other) => Err(refuse(format!(
                "{key} must be a string such as {example:?}, not {}",
                other.type_str()
            ))),
        };
        let bus = text("bus", "sqlite:bus.db")?;
        let database = text("database", "sqlite:app.db")?;
        let service = text("service", "catalog")?;
        let catalog = match table.get("catalog") {
            None => None,
            Some(toml::Value::Array(folders)) => {
                let beside = path.parent().unwrap_or(Path::new(""));
                let folders: Option<Vec<_>> = folders
                    .iter()
                    .map(|f| Some(beside.join(f.as_str()?)))
                    .collect();
                Some(folders.ok_or_else(|| refuse("catalog must hold strings only".to_owned()))?)
            }
            Some(other) => {
                return Err(refuse(format!(
                    "catalog must be a list such as [\"events\"], not {}",
                    other.type_str()
                )));
            }
        };
        let lint = lint::read(table.get("lint")).map_err(refuse)?;
        let retention = retention::read(table.get("retention")).map_err(|wrong| {
            let failure = refuse(wrong.what);
            match wrong.remedy {
                Some(remedy) => failure.remedy(remedy),
                None => failure,
            }
        })?;
        let retention_every = text("retention-every", "10m")?;
        let retention_every = retention_every.as_deref().map(value::positive_duration);
        let retention_every = retention_every
            .transpose()
            .map_err(|wrong| refuse(format!("retention-every: {wrong}")))?;
        Ok(Self {
            path: path.to_owned(),
            bus,
            catalog,
            database,
            lint,
            retention,
            retention_every,
            service,
        })
    }
}

/// What to say of a key that is none of these.
fn nearest(key: &str, known: &[&str]) -> String {
    known
        .iter()
        .map(|known| (strsim::jaro_winkler(known, key), known))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(
            || format!("the keys are {}", known.join(", ")),
            |(_, known)| format!("did you mean {known:?}?"),
        )
}

#[cfg(test)]
mod tests {
    use super::File;
    use std::path::Path;

    fn refusal(text: &str) -> String {
        let path = Path::new("/site/tidings.toml");
        File::parse(path, text).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        insta::assert_snapshot!(refusal("buss = 'memory:'"), @r#"
        /site/tidings.toml: unknown key "buss"
          help: did you mean "bus"?
        "#);
        insta::assert_snapshot!(refusal("timeout = 3"), @r#"
        /site/tidings.toml: unknown key "timeout"
          help: the keys are bus, catalog, database, lint, retention, retention-every, service
        "#);
        insta::assert_snapshot!(refusal("retention = [{ topics = '*', max-lenght = 3 }]"), @r#"
        /site/tidings.toml: unknown key "max-lenght" in rule 1 of retention
          help: did you mean "max-len"?
        "#);
    }

    #[test]
    fn a_wrong_type_is_named() {
        insta::assert_snapshot!(refusal("catalog = 'events'"), @r#"/site/tidings.toml: catalog must be a list such as ["events"], not string"#);
        insta::assert_snapshot!(refusal("bus = 1"), @r#"/site/tidings.toml: bus must be a string such as "sqlite:bus.db", not integer"#);
    }

    #[test]
    fn a_rule_of_retention_says_what_is_wrong_with_it() {
        for (rule, wanted) in [
            ("'*'", "retention must be a list of tables"),
            ("[3]", "rule 1 of retention must be a table"),
            ("[{ max-len = 3 }]", "rule 1 of retention has no topics"),
            ("[{ topics = '*' }]", "limits nothing"),
            (
                "[{ topics = '*', max-len = -3 }]",
                "max-len must be a number from 0",
            ),
            (
                "[{ topics = '*', max-age = 30 }]",
                "max-age must be a duration such as \"30d\"",
            ),
            (
                "[{ topics = '*', max-age = 'soon' }]",
                "\"soon\" is not a duration",
            ),
            ("[{ topics = 'a b', max-len = 3 }]", "must not contain ' '"),
            (
                "[{ topics = '*', max-len = 3, hard-max-len = 2 }]",
                "below max-len",
            ),
        ] {
            let text = refusal(&format!("retention = {rule}"));
            assert!(text.contains(wanted), "{rule}: {text}");
        }
    }

    #[test]
    fn a_syntax_error_does_not_quote_the_line() {
        let text = refusal("catalog = []\nbus = \"redis://:hunter2@cache");
        assert!(text.contains("line 2"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
