//! What the log and this process occupy, week by week.

use std::fmt;
use std::fs;

use serde_json::{Value, json};
use tidings::{Bus, Topic};

use super::log::Log;
use super::topics;
use crate::words::Result;

/// How everything stood at the end of a week.
pub struct Sample {
    day: u32,
    /// Events that the topics hold.
    pub events: u64,
    disk: u64,
    server_memory: Option<u64>,
    own_memory: u64,
}

const MIB: u64 = 1 << 20;
/// By how much the second half of the year may exceed what the first half came to.
const GROWTH: f64 = 1.25;
/// Less than this is noise.
const SLACK: u64 = 8 * MIB;

impl Sample {
    pub async fn take(log: &Log, bus: &Bus, day: u32) -> Result<Self> {
        let mut events = 0;
        for topic in topics() {
            events += bus.transport().topic(&Topic::new(topic)?).await?.length;
        }
        Ok(Self {
            day,
            events,
            disk: log.disk()?,
            server_memory: log.memory()?,
            own_memory: own_memory()?,
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / MIB as f64;
        write!(
            f,
            "day {:3}: {:7} events kept, disk {:7.1} MiB, own memory {:6.1} MiB",
            self.day,
            self.events,
            mib(self.disk),
            mib(self.own_memory)
        )?;
        match self.server_memory {
            Some(memory) => write!(f, ", server {:6.1} MiB", mib(memory)),
            None => Ok(()),
        }
    }
}

/// Resident memory of this process, in bytes.
fn own_memory() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kib: u64 = kib
        .ok_or("the system does not tell the memory")?
        .trim()
        .parse()?;
    Ok(kib * 1024)
}

/// The most that each measure came to in either half, without the first weeks, in which it fills.
pub struct Flatness(Vec<Measure>);

struct Measure {
    name: &'static str,
    first: u64,
    second: u64,
}

impl Flatness {
    pub fn of(samples: &[Sample]) -> Self {
        let filled = &samples[samples.len() / 8..];
        let (first, second) = filled.split_at(filled.len() / 2);
        let measure = |name, of: fn(&Sample) -> u64| {
            let most = |half: &[Sample]| half.iter().map(of).max().unwrap_or(0);
            Measure {
                name,
                first: most(first),
                second: most(second),
            }
        };
        Self(vec![
            measure("disk", |s| s.disk),
            measure("own memory", |s| s.own_memory),
            measure("server memory", |s| s.server_memory.unwrap_or(0)),
        ])
    }

    /// Whether the second half exceeds the first in nothing.
    pub fn is_flat(&self) -> bool {
        let is_flat = |m: &Measure| m.second as f64 <= m.first as f64 * GROWTH + SLACK as f64;
        self.0.iter().all(is_flat)
    }

    pub fn as_json(&self) -> Value {
        let measures = self.0.iter().map(|m| {
            let most = json!({ "first_half": m.first, "second_half": m.second });
            (m.name.replace(' ', "_"), most)
        });
        measures.collect()
    }
}

impl fmt::Display for Flatness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Measure {
            name,
            first,
            second,
        } in &self.0
        {
            let mib = |bytes: &u64| *bytes as f64 / MIB as f64;
            let (first, second) = (mib(first), mib(second));
            writeln!(
                f,
                "{name}: at most {first:.1} MiB in the first half, {second:.1} MiB in the second"
            )?;
        }
        Ok(())
    }
}
