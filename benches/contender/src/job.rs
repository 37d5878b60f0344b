//! What a contender is told to do.

use serde::{Deserialize, Serialize};

/// One job, as a line of JSON. What a verb does not need may be left out.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Job {
    /// What to do.
    pub verb: Verb,
    /// The server.
    pub url: String,
    /// Topics, by the names of their streams.
    pub streams: Vec<String>,
    /// The consumer group. It is new, and begins with the first entry of each stream.
    pub group: String,
    /// What the events carry.
    pub payload: Payload,
    /// What they are about.
    pub keys: Keys,
    /// How many publish at once, each waiting for its receipt before the next.
    pub callers: usize,
    /// What a handler takes.
    pub cost: Cost,
    /// At most so many events.
    pub events: usize,
    /// At most so long.
    pub seconds: f64,
    /// Events a second, where they are offered at a rate.
    pub rate: f64,
    /// When the first event is due where they are offered at a rate, and from when on the seconds count
    /// where several consumers share the work: nanoseconds of `CLOCK_MONOTONIC`.
    pub begin: u64,
    /// Whether to count allocations; what is counted is not timed.
    pub allocations: bool,
}

/// What a contender can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Connect to the server and publish one event: what stands between a start and the first work.
    #[default]
    Ready,
    /// Publish as fast as the callers can.
    Publish,
    /// Publish at a rate, waiting for nobody.
    Offer,
    /// Consume as fast as it goes.
    Consume,
    /// Consume what is offered, and say how late it came.
    Receive,
    /// Consume with handlers that never end, until nothing more is fetched.
    Hold,
    /// Decode again and again.
    Decode,
    /// Encode again and again.
    Encode,
}

/// The real Open edX event whose data is carried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// A registration: 140 bytes of JSON.
    Small,
    /// An enrolment: 424 bytes of JSON, the median of what was recorded.
    #[default]
    Median,
    /// A ledger transaction: 712 bytes of JSON, the largest that was recorded.
    Large,
    /// A tracking event with 60,000 bytes in it, near the limit of what the profile allows.
    Huge,
}

/// How many events share a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keys {
    /// A thousand keys, evenly.
    #[default]
    Uniform,
    /// Every second event has the same key; the others are even.
    Hot,
    /// All have the same.
    One,
}

/// What a handler takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    /// Nothing.
    #[default]
    None,
    /// 100 µs of processor time.
    Compute,
    /// 5 ms of waiting, as for a database.
    Wait,
}
