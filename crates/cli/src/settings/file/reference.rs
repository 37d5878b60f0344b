//! The keys of `tidings.toml`. The manual page and `docs/guides/settings.md` are made from them.

/// A key of the file.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: &'static str,
    /// A value, as TOML.
    pub example: &'static str,
    /// What goes before it: an option, a variable; nothing if empty.
    pub before: &'static str,
    /// What it is for.
    pub about: &'static str,
}

/// All keys.
pub const KEYS: [Key; 7] = [
    Key {
        name: "bus",
        kind: "string",
        example: "\"sqlite:bus.db\"",
        before: "`--bus`, `TIDINGS_BUS`",
        about: "The URL of the bus; settings of the bus are its query parameters. A password is safer in \
                the variable, which is in no file.",
    },
    Key {
        name: "catalog",
        kind: "list of strings",
        example: "[\"events\"]",
        before: "`--catalog`, `TIDINGS_CATALOG`",
        about: "Folders of event definitions, relative to the file; the first that has a type wins.",
    },
    Key {
        name: "database",
        kind: "string",
        example: "\"postgres://app@db.internal/app\"",
        before: "`--database`, `TIDINGS_DATABASE`",
        about: "The URL of the database with the outbox: `postgres://`, `mysql://`, `mariadb://`, \
                `sqlite:PATH`.",
    },
    Key {
        name: "lint",
        kind: "table",
        example: "{ past-tense = \"off\" }",
        before: "",
        about: "For each rule of `tidings catalog lint` a level (`error`, `warning`, `off`), or a table with \
                its `level` and its words; `tidings catalog lint --explain all` prints the rules.",
    },
    Key {
        name: "retention",
        kind: "list of tables",
        example: "[{ topics = \"*\", max-age = \"30d\", hard-max-len = 1000000 }]",
        before: "",
        about: "What is removed from topics in the course of time, by `tidings consume`, `relay` and `trim` of \
                this folder. Each table has `topics`, a name without the prefix in which `*` stands for any \
                characters, and limits: `max-age`, `max-len`, `hard-max-len` (goes before what groups \
                need), `group-ttl` (7d: groups idle for longer are not spared). The first that fits a topic \
                holds.",
    },
    Key {
        name: "retention-every",
        kind: "string",
        example: "\"10m\"",
        before: "",
        about: "How often `tidings consume` and `tidings relay` remove what `retention` says, give or take a \
                quarter; every ten minutes if it is left out.",
    },
    Key {
        name: "service",
        kind: "string",
        example: "\"catalog\"",
        before: "`--service`, `TIDINGS_SERVICE`",
        about: "The service that publishes and consumes here, by its name in the catalog.",
    },
];

#[cfg(test)]
mod tests {
    use super::{KEYS, Key};
    use crate::settings::file::File;
    use std::path::Path;

    /// The page `docs/guides/settings.md`.
    fn page() -> String {
        let mut page = String::from(
            "# tidings.toml\n\n\
             The command `tidings` reads the file `tidings.toml` of the folder that it runs in, and of no \
             other, so that a relative path means the same to whoever reads it. An option of the command \
             line goes before a variable of the environment, and that before the file. A key that is not \
             known ends the command with 78 and names the nearest that is.\n\n\
             The tables here are made from the program's own; a test compares them.\n\n```toml\n",
        );
        for key in &KEYS {
            page.push_str(&format!("{} = {}\n", key.name, key.example));
        }
        page.push_str(
            "```\n\n| key | holds | goes before it | what it is for |\n|---|---|---|---|\n",
        );
        for key in &KEYS {
            let Key {
                name,
                kind,
                before,
                about,
                ..
            } = key;
            let before = if before.is_empty() { "nothing" } else { before };
            page.push_str(&format!("| `{name}` | {kind} | {before} | {about} |\n"));
        }
        page
    }

    #[test]
    fn the_page_is_what_the_program_reads() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/settings.md");
        if std::env::var_os("TIDINGS_WRITE_PAGES").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == page(),
            "write it anew: TIDINGS_WRITE_PAGES=1 cargo test -p tidings-cli the_page_is"
        );
    }

    #[test]
    fn the_examples_are_read() {
        for key in &KEYS {
            let text = format!("{} = {}", key.name, key.example);
            File::parse(Path::new("tidings.toml"), &text).unwrap();
        }
    }
}
