//! What a soak sees from time to time, and whether it is flat.

use serde::{Deserialize, Serialize};

use crate::plot::{Panel, Scale, Series, draw};
use crate::results::Spread;
use crate::tables;

/// One look.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Look {
    pub minutes: f64,
    /// In MiB.
    pub memory: f64,
    /// In MiB.
    pub server_memory: f64,
    pub files: f64,
    /// In milliseconds, of what was handled since the look before.
    pub p50: f64,
    pub p99: f64,
    pub handled: usize,
}

/// What is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    pub when: String,
    /// What the trial came to, in events a second.
    pub most: Option<f64>,
    /// What was offered, in events a second.
    pub rate: f64,
    pub minutes: f64,
    pub verdicts: Vec<Verdict>,
    pub looks: Vec<Look>,
}

/// Whether something stayed as it was. Of the time after the first tenth, in which caches and buffers fill,
/// the median of the last third is held against that of the first third.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Verdict {
    pub what: String,
    pub first: f64,
    pub last: f64,
    /// What the last may come to at most.
    pub allowed: f64,
    pub flat: bool,
}

impl Verdict {
    /// `factor` and `margin` are how much more the last third may have.
    fn new(what: &str, looks: &[Look], value: fn(&Look) -> f64, factor: f64, margin: f64) -> Self {
        let settled = &looks[looks.len() / 10..];
        let third = settled.len() / 3;
        let median = |looks: &[Look]| {
            Spread::of(looks.iter().map(value)).map_or(f64::NAN, |spread| spread.middle)
        };
        let first = median(&settled[..third]);
        let last = median(&settled[settled.len() - third..]);
        let allowed = first * factor + margin;
        Self {
            what: what.into(),
            first,
            last,
            allowed,
            // What is no number is not flat.
            flat: last <= allowed,
        }
    }

    /// Of everything that is looked at; and that no event is missing.
    pub fn all(looks: &[Look], missing: usize) -> Vec<Self> {
        let missing = Self {
            what: "events not handled".into(),
            first: 0.0,
            last: missing as f64,
            allowed: 0.0,
            flat: missing == 0,
        };
        vec![
            missing,
            Self::new("memory, MiB", looks, |look| look.memory, 1.05, 2.0),
            Self::new(
                "memory of Redis, MiB",
                looks,
                |look| look.server_memory,
                1.05,
                4.0,
            ),
            Self::new("open files", looks, |look| look.files, 1.0, 0.0),
            Self::new("p50, ms", looks, |look| look.p50, 1.5, 0.5),
            Self::new("p99, ms", looks, |look| look.p99, 1.5, 2.0),
        ]
    }
}

pub fn plot(record: &Record) -> String {
    let looks = &record.looks;
    let step = (looks.len() / 5).max(1);
    // Whole minutes would repeat on a short one.
    let decimals = usize::from(record.minutes < 10.0);
    let label = |n: usize| match n.is_multiple_of(step) {
        true => format!("{:.decimals$}", looks[n].minutes),
        false => String::new(),
    };
    let points: Vec<String> = (0..looks.len()).map(label).collect();
    let line = |name: &str, class, value: fn(&Look) -> f64| Series {
        name: name.into(),
        class,
        values: looks.iter().map(|look| Spread::of([value(look)])).collect(),
    };
    let panel = |title: &str, unit, series| Panel {
        title: title.into(),
        label: "minutes".into(),
        points: points.clone(),
        series,
        scale: Scale::Linear,
        unit,
    };
    let mib = |mib: f64| format!("{mib:.0} MiB");
    let title = format!(
        "{:.0} minutes at {} events a second, half of what is possible",
        record.minutes,
        tables::count(record.rate)
    );
    let panels = [
        panel(
            "Memory",
            mib,
            vec![line("this process", "ours", |look| look.memory)],
        ),
        panel(
            "Memory of the server",
            mib,
            vec![line("Redis", "limit", |look| look.server_memory)],
        ),
        panel(
            "From due to handled",
            |ms: f64| tables::time(ms * 1e3),
            vec![
                line("p50", "ours", |look| look.p50),
                line("p99", "peer", |look| look.p99),
            ],
        ),
        panel(
            "Open files",
            |n: f64| format!("{n:.0}"),
            vec![line("this process", "ours", |look| look.files)],
        ),
    ];
    draw(&title, 2, &panels)
}
