//! Names that do not fit each other.

use tidings_transport::{Finding, Severity, Topic, TopicInfo};

/// A topic, and whether it has groups.
pub struct Named<'a> {
    /// The topic.
    pub info: &'a TopicInfo,
    /// Whether somebody listens to it; `None` where that could not be looked at.
    pub heard: Option<bool>,
}

/// Prefixes that differ between those who publish, those who listen, and us: the commonest reason
/// why nothing arrives.
pub fn findings(prefix: Option<&str>, topics: &[Named<'_>]) -> Vec<Finding> {
    let mut found: Vec<Finding> = prefix
        .and_then(|p| foreign(p, topics))
        .into_iter()
        .collect();
    let silent = |t: &&Named<'_>| t.heard == Some(true) && t.info.length == 0;
    let unheard = |t: &&Named<'_>| t.heard == Some(false) && t.info.length > 0;
    for silent in topics.iter().filter(silent) {
        for unheard in topics.iter().filter(unheard) {
            let (silent, unheard) = (&silent.info.topic, &unheard.info.topic);
            if let Some(prefix) = difference(silent, unheard) {
                found.push(crossed(silent, unheard, prefix));
            }
        }
    }
    found
}

fn foreign(prefix: &str, topics: &[Named<'_>]) -> Option<Finding> {
    let start = format!("{prefix}-");
    let has = |named: &Named<'_>| named.info.topic.as_str().starts_with(&start);
    (!topics.is_empty() && !topics.iter().any(has)).then(|| {
        Finding::new(
            Severity::Warning,
            "prefix-mismatch",
            format!("no topic of this log begins with the prefix {prefix:?}"),
            "check that producers and consumers have the same prefix (`?prefix=`, \
             EVENT_BUS_TOPIC_PREFIX)",
        )
    })
}

fn crossed(silent: &Topic, unheard: &Topic, prefix: &str) -> Finding {
    Finding::new(
        Severity::Warning,
        "prefix-mismatch",
        format!(
            "groups listen to {silent}, which has no events, and nobody listens to {unheard}, \
             which has: one side lacks the prefix {prefix:?}"
        ),
        "give producers and consumers the same prefix (`?prefix=`, EVENT_BUS_TOPIC_PREFIX)",
    )
}

/// What stands before one of two names that are the same otherwise.
fn difference<'a>(a: &'a Topic, b: &'a Topic) -> Option<&'a str> {
    let (a, b) = (a.as_str(), b.as_str());
    let before = |long: &'a str, short: &str| long.strip_suffix(short)?.strip_suffix('-');
    before(a, b).or_else(|| before(b, a))
}

#[cfg(test)]
mod tests {
    use super::{Named, difference, findings};
    use tidings_transport::{Topic, TopicInfo};

    fn topic(name: &str, length: u64) -> TopicInfo {
        TopicInfo {
            topic: Topic::new(name).unwrap(),
            length,
            first: None,
            last: None,
            last_received: None,
            bytes: None,
        }
    }

    #[test]
    fn who_listens_is_said_only_where_it_was_looked_at() {
        let (silent, unheard) = (topic("courses", 0), topic("stage-courses", 1));
        let found = |listens, to_the_other| {
            let named = [(&silent, listens), (&unheard, to_the_other)];
            findings(None, &named.map(|(info, heard)| Named { info, heard })).len()
        };
        assert_eq!(found(Some(true), Some(false)), 1);
        assert_eq!(found(None, Some(false)), 0);
        assert_eq!(found(Some(true), None), 0);
        assert_eq!(found(Some(false), Some(false)), 0);
        assert_eq!(found(Some(true), Some(true)), 0);
    }

    #[test]
    fn a_prefix_is_what_stands_before_the_same_name() {
        let of = |a: &str, b: &str| {
            let (a, b) = (Topic::new(a).unwrap(), Topic::new(b).unwrap());
            difference(&a, &b).map(str::to_owned)
        };
        assert_eq!(of("stage-courses", "courses"), Some("stage".to_owned()));
        assert_eq!(of("courses", "stage-courses"), Some("stage".to_owned()));
        assert_eq!(of("old-courses", "courses-old"), None);
        assert_eq!(of("recourses", "courses"), None);
        assert_eq!(of("courses", "courses"), None);
    }
}
