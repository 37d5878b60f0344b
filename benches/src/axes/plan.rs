//! The axes: one factor at a time around one base point.
//!
//! The base point: the median payload, a thousand keys evenly, 16 concurrent publishers, one topic, one
//! consumer, handlers that take nothing.

use tidings_contender::{Cost, Job, Keys, Payload, Verb};

use crate::field::{AVRO, BUSES, ENVELOPES, Entrant, UNORDERED};

/// One factor, and what it is varied for.
pub struct Axis {
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What stands under the axis of a plot.
    pub label: &'static str,
    pub kind: Kind,
}

/// How an axis is measured.
pub enum Kind {
    /// Publishing and consuming at these points.
    Bus(&'static [Point]),
    /// From the moment at which an event is due to its handler, at these rates.
    Latency(&'static [f64]),
    /// Decoding and encoding, by these.
    Codec(&'static [Entrant]),
    /// Start-up, memory, size.
    Footprint,
}

/// A value of the factor.
pub struct Point {
    pub name: &'static str,
    pub works: &'static [Verb],
    set: fn(&mut Setting),
}

/// All the factors.
#[derive(Debug, Clone)]
pub struct Setting {
    pub payload: Payload,
    pub keys: Keys,
    pub callers: usize,
    pub topics: usize,
    pub consumers: usize,
    pub cost: Cost,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            payload: Payload::Median,
            keys: Keys::Uniform,
            callers: 16,
            topics: 1,
            consumers: 1,
            cost: Cost::None,
        }
    }
}

impl Setting {
    /// At a point of an axis.
    pub fn at(point: &Point) -> Self {
        let mut setting = Self::default();
        (point.set)(&mut setting);
        setting
    }

    /// A job under these.
    pub fn job(&self, verb: Verb, url: &str) -> Job {
        Job {
            verb,
            url: url.to_owned(),
            streams: (0..self.topics).map(|n| format!("topic-{n}")).collect(),
            payload: self.payload,
            keys: self.keys,
            callers: self.callers,
            cost: self.cost,
            ..Job::default()
        }
    }

    /// Who takes part. Consumers that share a topic are a matter of order, so both kinds of ours do.
    pub fn field(&self, verb: Verb) -> Vec<Entrant> {
        let mut field = BUSES.to_vec();
        if verb == Verb::Consume {
            field.retain(|entrant| self.topics <= entrant.topics);
            if self.consumers > 1 {
                field.insert(1, UNORDERED);
            }
        }
        field
    }
}

const PUBLISH: &[Verb] = &[Verb::Publish];
const CONSUME: &[Verb] = &[Verb::Consume];
const BOTH: &[Verb] = &[Verb::Publish, Verb::Consume];

const fn point(name: &'static str, works: &'static [Verb], set: fn(&mut Setting)) -> Point {
    Point { name, works, set }
}

/// All of them.
pub const AXES: &[Axis] = &[
    Axis {
        name: "payload",
        title: "Size of the event",
        label: "data of the event, JSON",
        kind: Kind::Bus(&[
            point("140 B", BOTH, |s| s.payload = Payload::Small),
            point("424 B", BOTH, |s| s.payload = Payload::Median),
            point("712 B", BOTH, |s| s.payload = Payload::Large),
            point("60 KB", BOTH, |s| s.payload = Payload::Huge),
        ]),
    },
    Axis {
        name: "publishers",
        title: "Concurrent publishers",
        label: "callers that each wait for their receipt",
        kind: Kind::Bus(&[
            point("1", PUBLISH, |s| s.callers = 1),
            point("16", PUBLISH, |s| s.callers = 16),
            point("256", PUBLISH, |s| s.callers = 256),
        ]),
    },
    Axis {
        name: "topics",
        title: "Topics of one process",
        label: "topics",
        kind: Kind::Bus(&[
            point("1", BOTH, |s| s.topics = 1),
            point("10", BOTH, |s| s.topics = 10),
            point("200", BOTH, |s| s.topics = 200),
        ]),
    },
    Axis {
        name: "consumers",
        title: "Consumers of one group, each a process",
        label: "consumers",
        kind: Kind::Bus(&[
            point("1", CONSUME, |s| s.consumers = 1),
            point("4", CONSUME, |s| s.consumers = 4),
        ]),
    },
    Axis {
        name: "keys",
        title: "How the events share keys",
        label: "keys",
        kind: Kind::Bus(&[
            point("1,000 keys", CONSUME, |s| s.keys = Keys::Uniform),
            point("half of one", CONSUME, |s| s.keys = Keys::Hot),
            point("one key", CONSUME, |s| s.keys = Keys::One),
        ]),
    },
    Axis {
        name: "handler",
        title: "What a handler takes",
        label: "100 µs of processor, 5 ms of waiting",
        kind: Kind::Bus(&[
            point("0", CONSUME, |s| s.cost = Cost::None),
            point("100 µs", CONSUME, |s| s.cost = Cost::Compute),
            point("5 ms", CONSUME, |s| s.cost = Cost::Wait),
        ]),
    },
    Axis {
        name: "latency",
        title: "From due to handled, in an open loop",
        label: "events offered a second",
        kind: Kind::Latency(&[500.0, 2_000.0, 10_000.0, 40_000.0]),
    },
    Axis {
        name: "envelope",
        title: "The CloudEvents envelope, decoded and encoded",
        label: "data of the event, JSON",
        kind: Kind::Codec(ENVELOPES),
    },
    Axis {
        name: "avro",
        title: "Avro, decoded and encoded",
        label: "data of the event, JSON",
        kind: Kind::Codec(AVRO),
    },
    Axis {
        name: "footprint",
        title: "Start-up, memory, size",
        label: "",
        kind: Kind::Footprint,
    },
];

/// The sizes, by what people call them.
pub const PAYLOADS: &[(&str, Payload)] = &[
    ("140 B", Payload::Small),
    ("424 B", Payload::Median),
    ("712 B", Payload::Large),
    ("60 KB", Payload::Huge),
];
