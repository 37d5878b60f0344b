//! Which topics keep how much.

use tidings_transport::{Error, ErrorKind, Retention, Topic};

use super::pattern::matches;

/// Which topics keep how much: rules, the first that fits a topic holds.
///
/// ```
/// # use std::time::Duration;
/// use tidings_runtime::RetentionPolicy;
/// use tidings_transport::Retention;
///
/// let mut audit = Retention::default();
/// audit.max_age = Some(Duration::from_secs(365 * 24 * 3600));
/// let mut others = Retention::default();
/// others.max_len = Some(100_000);
/// let policy = RetentionPolicy::default()
///     .rule("audit-*", audit.clone())?
///     .rule("*", others)?;
/// assert_eq!(policy.of("audit-grades"), Some(&audit));
/// # Ok::<(), tidings_transport::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetentionPolicy {
    rules: Vec<(String, Retention)>,
}

impl RetentionPolicy {
    /// Adds a rule for the topics whose name, without the prefix, is as `topics` says; `*` stands
    /// for any characters.
    ///
    /// # Errors
    /// `Invalid` for a pattern that no topic can have, a rule that limits nothing, or a hard cap
    /// below the length that the rule is to keep.
    pub fn rule(mut self, topics: &str, retention: Retention) -> Result<Self, Error> {
        let refuse = |what: String| Err(Error::new(ErrorKind::Invalid, "retention", what));
        if let Err(error) = Topic::new(topics.replace('*', "x")) {
            return refuse(format!("topics {topics:?}: {error}"));
        }
        let Retention {
            max_age,
            max_len,
            hard_max_len,
            ..
        } = retention;
        if max_age.is_none() && max_len.is_none() && hard_max_len.is_none() {
            return refuse(format!(
                "topics {topics:?}: limits nothing; give max-age, max-len or hard-max-len"
            ));
        }
        if let (Some(max), Some(hard)) = (max_len, hard_max_len)
            && hard < max
        {
            return refuse(format!(
                "topics {topics:?}: hard-max-len {hard} is below max-len {max}"
            ));
        }
        self.rules.push((topics.to_owned(), retention));
        Ok(self)
    }

    /// What a topic of this name, without the prefix, keeps; `None` means everything.
    pub fn of(&self, name: &str) -> Option<&Retention> {
        let mut rules = self.rules.iter();
        rules.find_map(|(topics, rule)| matches(topics, name).then_some(rule))
    }

    /// The rules, by their topics, that hold for none of these names: nothing is called so, or an
    /// earlier rule takes all that is.
    pub fn idle<'a>(&'a self, names: &[&str]) -> Vec<&'a str> {
        let takes = |name: &str| self.rules.iter().position(|(t, _)| matches(t, name));
        let busy: Vec<_> = names.iter().filter_map(|name| takes(name)).collect();
        let rules = self.rules.iter().enumerate();
        let idle = rules.filter(|(i, _)| !busy.contains(i));
        idle.map(|(_, (topics, _))| topics.as_str()).collect()
    }

    /// Whether it has no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}
