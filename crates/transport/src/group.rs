//! Consumers that share one position, and how they join.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::topic::check_name;
use crate::{Error, ErrorKind, Position, Topic};

/// The name of the consumers that share one position in a topic. Same characters as a topic,
/// at most 100 of them. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group(Arc<str>);

impl Group {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 100;

    /// Checks a name.
    ///
    /// # Errors
    /// `Invalid`, with the rule that the name breaks.
    pub fn new(name: impl AsRef<str>) -> Result<Self, Error> {
        let name = name.as_ref();
        check_name("group", name, Self::MAX_LEN)?;
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::str::FromStr for Group {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::new(name)
    }
}

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Start {
    /// After everything that is in the log now.
    #[default]
    Latest,
    /// At the oldest record that is still there.
    Earliest,
    /// At the first record that the log received at or after this time; as `Latest` while there
    /// is none.
    Time(Timestamp),
    /// At the first record after this position, as the log prints it: a position says what is
    /// behind a group, so "start at the position of X" hands out what follows X. `Invalid` if it
    /// is no position of this log, `NotFound` if the log can tell that it has not come so far.
    /// What followed it and is gone already is reported to the group as a gap where the log can
    /// tell.
    After(Position),
}

/// As [`FromStr`](std::str::FromStr) reads it.
impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Earliest => f.write_str("earliest"),
            Self::Time(time) => time.fmt(f),
            Self::After(position) => position.fmt(f),
        }
    }
}

impl std::str::FromStr for Start {
    type Err = Error;

    /// Parses `latest`, `earliest`, an RFC 3339 time, or else a position, which the transport
    /// will check.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "" => Err(Error::new(
                ErrorKind::Invalid,
                "start",
                "is empty; give latest, earliest, an RFC 3339 time or a position",
            )),
            "latest" => Ok(Self::Latest),
            "earliest" => Ok(Self::Earliest),
            // A position never holds two dashes and a T; a time always does.
            _ if text.contains('T') || text.contains('t') => {
                text.parse().map(Self::Time).map_err(|e: jiff::Error| {
                    Error::new(
                        ErrorKind::Invalid,
                        "start",
                        format!("{text:?} is not an RFC 3339 time such as 2026-11-23T20:57:12Z"),
                    )
                    .with_source(e)
                })
            }
            _ => Ok(Self::After(Position::new(text))),
        }
    }
}

/// What keeps events of one key in order (guarantee 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Ordering {
    /// Events of one key reach the group in publish order, one at a time.
    #[default]
    Key,
    /// All consumers compete for everything; nothing is ordered.
    None,
}

/// How a consumer joins a group.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Subscription {
    /// The group to join.
    pub group: Group,
    /// The topics, each with where a new group begins.
    pub topics: Vec<(Topic, Start)>,
    /// What is kept in order. Default: `Key`.
    pub ordering: Ordering,
    /// How long a delivery is this consumer's without a heartbeat. Default: 30 s; at least 100 ms.
    pub lease: Duration,
    /// A name for people, shown in `tidings groups`; the transport makes it unique.
    pub consumer: String,
}

impl Subscription {
    /// A subscription with the defaults, to one topic from `Start::Latest`.
    pub fn new(group: Group, topic: Topic) -> Self {
        Self {
            group,
            topics: vec![(topic, Start::Latest)],
            ordering: Ordering::Key,
            lease: Duration::from_secs(30),
            consumer: "consumer".into(),
        }
    }

    /// Replaces the topics.
    pub fn topics(mut self, topics: Vec<(Topic, Start)>) -> Self {
        self.topics = topics;
        self
    }

    /// Sets where a new group begins, for all topics.
    pub fn start(mut self, start: &Start) -> Self {
        for (_, s) in &mut self.topics {
            *s = start.clone();
        }
        self
    }

    /// Sets what is kept in order.
    pub fn ordering(mut self, ordering: Ordering) -> Self {
        self.ordering = ordering;
        self
    }

    /// Sets the lease.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets the name for people.
    pub fn consumer(mut self, name: impl Into<String>) -> Self {
        self.consumer = name.into();
        self
    }

    /// Checks what every transport requires: topics, each once, and a lease that heartbeats can keep.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |rule: String| Err(Error::new(ErrorKind::Invalid, "subscribe", rule));
        if self.topics.is_empty() {
            return refuse("topics: is empty; name at least one topic".into());
        }
        if self.lease < Duration::from_millis(100) {
            return refuse(format!("lease: {:?} is below 100 ms", self.lease));
        }
        for (i, (topic, _)) in self.topics.iter().enumerate() {
            if self.topics[..i].iter().any(|(t, _)| t == topic) {
                return refuse(format!("topics: {topic} is named twice"));
            }
        }
        Ok(())
    }
}

/// What `create_group` found or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Whether the group was there before: then its position stayed as it was.
    pub existed: bool,
    /// Everything up to this position is behind the group.
    pub position: Position,
}

/// What `seek` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeked {
    /// The position before.
    pub before: Position,
    /// The position now.
    pub after: Position,
}
