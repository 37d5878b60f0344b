//! Under which name a schema is registered.

use std::fmt;
use std::str::FromStr;

use tidings_transport::{Part, Topic};

/// How subjects are named, under which a registry keeps the versions of a schema.
///
/// ```
/// use tidings_registry::SubjectNames;
/// use tidings_transport::{Part, Topic};
///
/// let topic = Topic::new("stage-courses")?;
/// let subject = |names: SubjectNames| names.subject(&topic, Part::Value, "org.example.Made");
/// assert_eq!(subject(SubjectNames::TopicRecord), "stage-courses-org.example.Made");
/// assert_eq!(subject(SubjectNames::Topic), "stage-courses-value");
/// # Ok::<(), tidings_transport::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SubjectNames {
    /// `TOPIC-RECORD` (Confluent's `TopicRecordNameStrategy`): each type of a topic has its own
    /// versions. What `edx-event-bus-kafka` uses, and the default.
    #[default]
    TopicRecord,
    /// `TOPIC-key` and `TOPIC-value` (`TopicNameStrategy`): for topics of one type.
    Topic,
}

impl SubjectNames {
    /// The subject of a schema.
    pub fn subject(self, topic: &Topic, part: Part, name: &str) -> String {
        match (self, part) {
            (Self::TopicRecord, _) => format!("{topic}-{name}"),
            (Self::Topic, Part::Key) => format!("{topic}-key"),
            (Self::Topic, Part::Value) => format!("{topic}-value"),
        }
    }
}

impl fmt::Display for SubjectNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TopicRecord => "topic-record",
            Self::Topic => "topic",
        })
    }
}

/// A text that is no way to name subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownSubjectNames;

impl fmt::Display for UnknownSubjectNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("subjects are named by topic-record or by topic")
    }
}

impl std::error::Error for UnknownSubjectNames {}

impl FromStr for SubjectNames {
    type Err = UnknownSubjectNames;

    fn from_str(text: &str) -> Result<Self, UnknownSubjectNames> {
        match text {
            "topic-record" => Ok(Self::TopicRecord),
            "topic" => Ok(Self::Topic),
            _ => Err(UnknownSubjectNames),
        }
    }
}
