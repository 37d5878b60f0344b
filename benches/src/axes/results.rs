//! What was measured, as it is kept: everything that tables and plots are drawn from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

/// The file, by axis.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Results {
    pub axes: BTreeMap<String, Measured>,
}

/// One axis, measured in one go.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measured {
    /// Machine, versions, settings, method, and when.
    pub conditions: BTreeMap<String, String>,
    pub cells: Vec<Cell>,
}

/// One contender at one point of an axis.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Cell {
    /// What it did: `publish`, `consume`, …
    pub work: String,
    /// The point of the axis.
    pub point: String,
    pub contender: String,
    pub language: String,
    pub role: String,
    /// Each round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
    /// Allocations an event, counted in a run of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocations: Option<f64>,
    /// How late handlers began in each round, in microseconds: p50, p99, p99.9, of so many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<[f64; 4]>,
    /// Anything that is one number, by its name and unit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, f64>,
    /// Why there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One round.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Run {
    pub events: usize,
    pub seconds: f64,
    /// Processor time of the contender, all threads and processes.
    pub cpu: f64,
    /// Processor time of the server.
    pub server_cpu: f64,
}

/// The median and the range of something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub low: f64,
    pub middle: f64,
    pub high: f64,
}

impl Spread {
    /// Nothing of nothing.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Some(Self {
            low: *values.first()?,
            middle: values[values.len() / 2],
            high: *values.last()?,
        })
    }
}

impl Cell {
    /// Events a second.
    pub fn rate(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().map(|run| run.events as f64 / run.seconds))
    }

    /// Processor time of the contender for an event, in microseconds.
    pub fn cpu(&self) -> Option<Spread> {
        Spread::of(
            self.runs
                .iter()
                .map(|run| run.cpu * 1e6 / run.events as f64),
        )
    }

    /// Processor time of the server for an event, in microseconds.
    pub fn server_cpu(&self) -> Option<Spread> {
        let of = |run: &Run| run.server_cpu * 1e6 / run.events as f64;
        Spread::of(self.runs.iter().map(of))
    }

    /// One of the percentiles, by its place, in microseconds.
    pub fn wait(&self, place: usize) -> Option<Spread> {
        Spread::of(self.waits.iter().map(|wait| wait[place]))
    }
}

impl Results {
    /// Where they are kept.
    pub fn path() -> PathBuf {
        folder().join("results.json")
    }

    /// What was measured so far; nothing, where there is no file yet.
    pub fn read() -> io::Result<Self> {
        match fs::read(Self::path()) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Keeps them. A cell is a line, so that a diff shows what changed.
    pub fn write(&self) -> io::Result<()> {
        let mut text = String::from("{\"axes\": {");
        for (n, (name, measured)) in self.axes.iter().enumerate() {
            let conditions = serde_json::to_string_pretty(&measured.conditions)?;
            let cells: Vec<String> = measured
                .cells
                .iter()
                .map(serde_json::to_string)
                .collect::<Result<_, _>>()?;
            let comma = if n == 0 { "" } else { "," };
            text += &format!(
                "{comma}\n\"{name}\": {{\"conditions\": {conditions},\n\"cells\": [\n{}\n]}}",
                cells.join(",\n")
            );
        }
        text += "\n}}\n";
        fs::create_dir_all(folder())?;
        fs::write(Self::path(), text)
    }
}

/// Where results and plots are kept.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance")
}
