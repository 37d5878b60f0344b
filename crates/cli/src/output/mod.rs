//! Standard output: tables and lines for people, JSON Lines for programs.

mod human;
mod progress;
mod table;

pub use human::{age, bytes, count, count_as_json, counted, number, time};
pub use progress::{Work, progress};
pub use table::{Table, Tone};

use std::env;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use serde::Serialize;
use serde_json::json;

use crate::args::OutputArgs;
use crate::failure::{Failure, Result};

/// Whether the environment lets us use colours: NO_COLOR and TERM=dumb forbid them.
pub fn colours_allowed() -> bool {
    env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        && env::var_os("TERM").is_none_or(|v| v != "dumb")
}

/// Whether what goes to standard error is read by programs, a JSON object a line.
static STDERR_IS_JSON: AtomicBool = AtomicBool::new(false);

/// From now on, what [`to_stderr`] says has the form of the log lines that stand around it.
pub fn stderr_is_json() {
    STDERR_IS_JSON.store(true, Relaxed);
}

/// Says something to the person at standard error, who may have gone.
pub fn to_stderr(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = match STDERR_IS_JSON.load(Relaxed) {
        false => writeln!(stderr, "{text}"),
        true => {
            let now = jiff::Timestamp::now();
            let line = json!({ "timestamp": now, "level": "INFO", "message": text });
            writeln!(stderr, "{line}")
        }
    };
}

/// How results go to standard output.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
    terminal: bool,
    colours: bool,
}

impl Output {
    /// As the arguments and the terminal ask for.
    pub fn new(args: OutputArgs) -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            json: args.json,
            terminal,
            colours: terminal && colours_allowed(),
        }
    }

    /// For text that is the same for everybody.
    pub fn plain() -> Self {
        Self::new(OutputArgs { json: false })
    }

    /// Whether JSON was asked for.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person looks at standard output.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Text in a colour, where colours are wanted.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        tone.paint(self.colours, text)
    }

    /// Writes lines for people.
    pub fn text(&self, text: &str) -> Result<()> {
        self.write(format!("{text}\n").as_bytes())
    }

    /// Writes one JSON object as a line.
    pub fn json(&self, value: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(value)
            .map_err(io::Error::from)
            .map_err(failed)?;
        line.push(b'\n');
        self.write(&line)
    }

    /// Writes a table.
    pub fn table(&self, table: &Table) -> Result<()> {
        self.text(&table.render(self.colours))
    }

    /// Writes bytes and hands them on at once.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(bytes)
            .and_then(|()| stdout.flush())
            .map_err(failed)
    }
}

fn failed(error: io::Error) -> Failure {
    Failure::stream("standard output", error)
}
