//! The names of the keys on the server.

use tidings_transport::{Group, SchemaId, Topic};

/// What all keys but the streams of topics begin with.
pub(crate) const PREFIX: &str = "tidings:";

/// The keys that belong to one group of one topic, in the order in which scripts take them.
///
/// The topic stands in braces: in a cluster all keys of a topic, its stream included, then live
/// on one node, where one script may touch them.
#[derive(Debug, Clone)]
pub(crate) struct Keys([String; Self::COUNT]);

impl Keys {
    /// The stream; the lease of the active consumer; what is known of the group; when each consumer
    /// last showed a sign of life; the stream that wakes waiting consumers; the dead letters; what
    /// was changed of them since; the state of parked keys; their records in order; the keys that
    /// are being released; the dead letters to be handed out once more; first starts that are not
    /// counted in the entries yet.
    const KINDS: [&str; Self::COUNT - 1] = [
        "lease",
        "group",
        "members",
        "wake",
        "dlq",
        "amended",
        "parked",
        "waiting",
        "releasing",
        "redeliver",
        "started",
    ];
    const COUNT: usize = 12;
    const STATE: usize = 2;
    const WAKE: usize = 4;

    pub(crate) fn new(topic: &Topic, group: &Group) -> Self {
        Self::named(topic, group.as_str())
    }

    /// For scripts that look at the stream alone: the other keys are named and not touched.
    pub(crate) fn without_group(topic: &Topic) -> Self {
        Self::named(topic, "")
    }

    fn named(topic: &Topic, group: &str) -> Self {
        Self(std::array::from_fn(|i| match i {
            0 => topic.as_str().to_owned(),
            i => format!("{PREFIX}{{{topic}}}:{}:{group}", Self::KINDS[i - 1]),
        }))
    }

    pub(crate) fn all(&self) -> &[String] {
        &self.0
    }

    pub(crate) fn stream(&self) -> &str {
        &self.0[0]
    }

    pub(crate) fn state(&self) -> &str {
        &self.0[Self::STATE]
    }

    pub(crate) fn wake(&self) -> &str {
        &self.0[Self::WAKE]
    }
}

/// The names of the groups of a topic, which are known by it also when their group, or the stream, is
/// gone from the server.
pub(crate) fn groups(topic: &Topic) -> String {
    format!("{PREFIX}{{{topic}}}:groups")
}

/// The topic of a key that wakes consumers.
pub(crate) fn woken(key: &str) -> Option<Topic> {
    let (topic, kind) = key
        .strip_prefix(PREFIX)?
        .strip_prefix('{')?
        .rsplit_once("}:")?;
    kind.starts_with("wake:").then_some(())?;
    Topic::new(topic).ok()
}

/// Where a schema is kept.
pub(crate) fn schema(id: &SchemaId) -> String {
    format!("{PREFIX}schema:{}", id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_are_documented() -> tidings_transport::Result<()> {
        let keys = Keys::new(&Topic::new("stage-courses")?, &Group::new("lms")?);
        assert_eq!(keys.stream(), "stage-courses");
        assert_eq!(keys.all()[1], "tidings:{stage-courses}:lease:lms");
        assert_eq!(keys.state(), "tidings:{stage-courses}:group:lms");
        assert_eq!(keys.wake(), "tidings:{stage-courses}:wake:lms");
        assert_eq!(keys.all()[5], "tidings:{stage-courses}:dlq:lms");
        assert_eq!(keys.all()[7], "tidings:{stage-courses}:parked:lms");
        let topic = Topic::new("stage-courses")?;
        assert_eq!(groups(&topic), "tidings:{stage-courses}:groups");
        assert_eq!(woken(keys.wake()), Some(topic));
        assert_eq!(woken(&keys.all()[5]), None);
        Ok(())
    }
}
