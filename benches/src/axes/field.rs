//! Who takes part, and where its program is.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a contender is to Tidings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Tidings itself.
    Ours,
    /// What a user would pick instead.
    Peer,
    /// The bare client: what nobody can beat, and what has no guarantees.
    Limit,
}

/// One of those who are compared.
#[derive(Debug, Clone, Copy)]
pub struct Entrant {
    /// As the results call it.
    pub name: &'static str,
    /// Rust or Python: who is compared with whom.
    pub language: &'static str,
    pub role: Role,
    /// The program, and the arguments behind it.
    pub program: &'static str,
    pub arguments: &'static [&'static str],
    /// Entries that are laid out for it to consume; about a second's work.
    pub entries: usize,
    /// The highest rate that is offered to it: more than that would show a queue, not a latency.
    pub offered: f64,
    /// One process consumes so many topics at most: more is not how it is used.
    pub topics: usize,
    /// A codec that encodes and does not decode.
    pub encodes_only: bool,
}

const fn rust(name: &'static str, role: Role, program: &'static str) -> Entrant {
    Entrant {
        name,
        language: "Rust",
        role,
        program,
        arguments: &[],
        entries: 120_000,
        offered: 40_000.0,
        topics: usize::MAX,
        encodes_only: false,
    }
}

const fn python(name: &'static str, role: Role, who: &'static [&'static str]) -> Entrant {
    Entrant {
        name,
        language: "Python",
        role,
        program: "python",
        arguments: who,
        entries: 20_000,
        offered: 2_000.0,
        topics: usize::MAX,
        encodes_only: false,
    }
}

/// Those who publish and consume.
pub const BUSES: &[Entrant] = &[
    rust("Tidings", Role::Ours, "contender-tidings"),
    rust("sea-streamer", Role::Peer, "sea-streamer"),
    rust("ruststream", Role::Peer, "ruststream"),
    rust("bare client", Role::Limit, "bare"),
    python("tidings.openedx", Role::Ours, &["openedx", "ours"]),
    Entrant {
        entries: 4_000,
        offered: 500.0,
        topics: 1,
        ..python("edx-event-bus-redis", Role::Peer, &["openedx", "theirs"])
    },
    python("tidings (Python)", Role::Ours, &["tidings_bus"]),
    python("FastStream", Role::Peer, &["faststream_bus"]),
];

/// Tidings without order among the events of a topic, beside the others where consumers share a topic.
pub const UNORDERED: Entrant = Entrant {
    arguments: &["unordered"],
    ..rust("Tidings, unordered", Role::Ours, "contender-tidings")
};

/// Those who decode and encode envelopes.
pub const ENVELOPES: &[Entrant] = &[
    rust("Tidings", Role::Ours, "contender-envelope"),
    rust("cloudevents-sdk", Role::Peer, "cloudevents-sdk"),
    python("tidings (Python)", Role::Ours, &["formats", "tidings"]),
    python(
        "cloudevents (Python)",
        Role::Peer,
        &["formats", "cloudevents"],
    ),
];

/// Those who decode and encode Avro.
pub const AVRO: &[Entrant] = &[
    rust("Tidings", Role::Ours, "contender-avro"),
    rust("apache-avro", Role::Peer, "apache-avro"),
    Entrant {
        // It reads Avro into the objects of a service, which consuming measures, and not into dictionaries.
        encodes_only: true,
        ..python("tidings (Python)", Role::Ours, &["formats", "tidings-avro"])
    },
    python("fastavro", Role::Peer, &["formats", "fastavro"]),
];

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The folder of the peers in Rust.
    pub peers: PathBuf,
    /// The interpreter that has the peers in Python.
    pub python: PathBuf,
}

impl Entrant {
    /// The program and its arguments.
    pub fn command(&self, programs: &Programs) -> (PathBuf, Vec<String>) {
        if self.program == "python" {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/contenders");
            let script = folder.join(format!("{}.py", self.arguments[0]));
            let arguments = self.arguments[1..].iter().map(|a| (*a).to_owned());
            let arguments = std::iter::once(script.display().to_string()).chain(arguments);
            return (programs.python.clone(), arguments.collect());
        }
        let ours = std::env::current_exe().expect("this program is a file");
        let folder = match self.role {
            Role::Ours => ours.parent().expect("it is in a folder"),
            _ => &programs.peers,
        };
        let arguments = self.arguments.iter().map(|a| (*a).to_owned()).collect();
        (folder.join(self.program), arguments)
    }

    /// The size of the program without symbols, where it is one file.
    pub fn size(&self, programs: &Programs) -> Option<u64> {
        if self.program == "python" {
            return None;
        }
        let (program, _) = self.command(programs);
        let stripped = tempfile::NamedTempFile::new().ok()?;
        let strip = std::process::Command::new("strip")
            .arg("-o")
            .args([stripped.path(), program.as_path()])
            .status();
        strip.ok().filter(|status| status.success())?;
        Some(stripped.path().metadata().ok()?.len())
    }
}
