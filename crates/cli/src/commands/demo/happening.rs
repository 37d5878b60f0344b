//! What is worth telling, as it happens.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};
use tidings_transport::Count;

use super::course::Digest;
use super::plan::Service;

/// Something that happened, `at` so many seconds after the start.
#[derive(Debug, Clone, Serialize)]
pub struct Happening {
    #[serde(serialize_with = "seconds")]
    pub at: Duration,
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// Both services run.
    Started {
        /// Without secrets.
        bus: String,
        topic: String,
        seed: u64,
        folder: PathBuf,
        #[serde(serialize_with = "seconds")]
        length: Duration,
        discovery: u32,
        lms: u32,
    },
    /// How far everything is.
    Progress(Progress),
    /// A service was killed with SIGKILL.
    Killed {
        service: Service,
        pid: u32,
        /// Deliveries it held just then, by the bus's own count; `None` when nobody looked.
        in_hand: Option<u64>,
    },
    /// It runs again.
    Back {
        service: Service,
        pid: u32,
        #[serde(serialize_with = "seconds")]
        away: Duration,
    },
    /// Discovery makes no more changes.
    Waiting,
    /// The end.
    Verdict(Verdict),
}

/// How far everything is. What the services did is counted in their databases, not by them, so
/// that it is right whoever was killed when.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Progress {
    /// Changes that discovery has committed.
    pub changes: u32,
    /// Events of these that the bus has confirmed.
    pub published: u32,
    /// Events that have taken effect at lms.
    pub applied: u32,
    /// Events that came again after they had taken effect, and changed nothing.
    pub again: u32,
    /// Events behind, by the bus's own count.
    #[serde(serialize_with = "count")]
    pub lag: Count,
    /// How old the oldest of these is.
    #[serde(serialize_with = "seconds")]
    pub lag_seconds: Duration,
    /// Deliveries handed out and not settled.
    pub in_hand: u64,
    pub restarts: u32,
}

/// How it ended.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// Both tables say the same, and everything that was confirmed has taken effect.
    pub ok: bool,
    pub discovery: Digest,
    pub lms: Digest,
    pub changes: u32,
    pub published: u32,
    pub applied: u32,
    /// Events that took effect after a handler had been started on them before.
    pub retried: u32,
    pub again: u32,
    /// Events that the bus has confirmed and that never took effect: there must be none.
    pub missing: u64,
    /// The ids of the first few of these.
    pub missing_ids: Vec<String>,
    pub dead_letters: u64,
    /// The topic that stays on a bus that is not the demo's own, empty.
    pub left: Option<String>,
    pub kills: u32,
    /// Deliveries that were in hand at the kills, where somebody looked.
    pub in_hand: Option<u64>,
    /// How long lms took to be in step once discovery was done; `None` when it never was.
    pub in_step: Option<f64>,
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_millis() as f64 / 1_000.0)
}

/// A number where it is exact, and `null` where it is not.
fn count<S: Serializer>(count: &Count, serializer: S) -> Result<S::Ok, S::Error> {
    match count {
        Count::Exactly(n) => serializer.serialize_some(n),
        _ => serializer.serialize_none(),
    }
}
