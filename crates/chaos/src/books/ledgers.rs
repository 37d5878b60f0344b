//! What the processes noted of the log's confirmations.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use tidings_transport::{Position, Topic};

use crate::words::Result;

/// The confirmations of a log, by those who received them. One line of a ledger each.
#[derive(Debug, Default)]
pub struct Ledgers {
    /// Records that it took, as [`published`] writes them.
    pub published: Vec<String>,
    /// Deliveries whose end it confirmed more than once.
    pub settled_twice: Vec<Twice>,
}

/// A delivery whose end was confirmed twice, and when: milliseconds of the Unix epoch.
#[derive(Debug)]
pub struct Twice {
    pub delivery: String,
    pub first: i64,
    pub second: i64,
}

const PUBLISHED: &str = "published ";
const SETTLED: &str = "settled ";

/// A record that the log took.
pub fn published(topic: &Topic, position: &Position, id: &str) -> String {
    format!("{PUBLISHED}{topic} {position} {id}")
}

/// The id in such a line.
pub fn id(published: &str) -> &str {
    published.rsplit(' ').next().unwrap_or_default()
}

/// A delivery whose end the log confirmed now.
pub fn settled(topic: &Topic, position: &Position) -> String {
    let now = jiff::Timestamp::now().as_millisecond();
    format!("{SETTLED}{now} {topic} {position}")
}

impl Ledgers {
    /// Reads those of a folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut ledgers = Self::default();
        let mut settled: HashMap<String, Vec<i64>> = HashMap::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|e| e != "ledger") {
                continue;
            }
            for line in fs::read_to_string(path)?.lines() {
                if line.starts_with(PUBLISHED) {
                    ledgers.published.push(line.to_owned());
                } else {
                    let line = line.strip_prefix(SETTLED).ok_or("a ledger is torn")?;
                    let (time, delivery) = line.split_once(' ').ok_or("a ledger is torn")?;
                    let times = settled.entry(delivery.to_owned()).or_default();
                    times.push(time.parse()?);
                }
            }
        }
        for (delivery, mut times) in settled {
            times.sort_unstable();
            let pairs = times.windows(2).map(|pair| Twice {
                delivery: delivery.clone(),
                first: pair[0],
                second: pair[1],
            });
            ledgers.settled_twice.extend(pairs);
        }
        Ok(ledgers)
    }
}
