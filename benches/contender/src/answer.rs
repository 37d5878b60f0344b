//! What a contender says when it has done a job.

use serde::{Deserialize, Serialize};

/// Figures of one job.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// Events that were published, handled, decoded or encoded in these seconds.
    pub events: usize,
    /// How long that took.
    pub seconds: f64,
    /// Processor time of all threads of the contender meanwhile, in seconds.
    pub cpu: f64,
    /// Resident memory at the end, in bytes.
    pub memory: u64,
    /// Allocations meanwhile, where the job asks for them and the language can tell.
    pub allocations: Option<u64>,
    /// How late the handler of each event began, after the event was due, in microseconds.
    pub waits: Vec<f32>,
    /// Why there are no figures.
    pub error: Option<String>,
}
