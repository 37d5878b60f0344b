//! The prefix that sets the topics of one deployment apart.

use tidings_transport::{Error, Topic};

/// Turns logical topic names into physical ones: `{prefix}-{topic}`, or the name itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Namespace {
    prefix: Option<String>,
}

impl Namespace {
    /// Checks a prefix; an empty one is none.
    ///
    /// ```
    /// # use tidings_runtime::Namespace;
    /// let stage = Namespace::new("stage")?;
    /// assert_eq!(stage.topic("courses")?.as_str(), "stage-courses");
    /// assert_eq!(Namespace::default().topic("courses")?.as_str(), "courses");
    /// # Ok::<(), tidings_transport::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid`, when no topic could have such a prefix.
    pub fn new(prefix: impl Into<String>) -> Result<Self, Error> {
        let prefix = prefix.into();
        if prefix.is_empty() {
            return Ok(Self::default());
        }
        Topic::new(&prefix)?;
        Ok(Self {
            prefix: Some(prefix),
        })
    }

    /// The physical topic of a logical name.
    ///
    /// # Errors
    /// `Invalid`, with the rule that the name breaks.
    pub fn topic(&self, name: &str) -> Result<Topic, Error> {
        // Checked alone first, so that an empty name is refused with a prefix as without.
        let topic = Topic::new(name)?;
        match &self.prefix {
            None => Ok(topic),
            Some(prefix) => Topic::new(format!("{prefix}-{name}")),
        }
    }

    /// The logical name of a physical topic; `None` for a topic of another prefix.
    ///
    /// ```
    /// # use tidings_runtime::Namespace;
    /// # use tidings_transport::Topic;
    /// let stage = Namespace::new("stage")?;
    /// assert_eq!(stage.name_of(&Topic::new("stage-courses")?), Some("courses"));
    /// assert_eq!(stage.name_of(&Topic::new("prod-courses")?), None);
    /// # Ok::<(), tidings_transport::Error>(())
    /// ```
    pub fn name_of<'a>(&self, topic: &'a Topic) -> Option<&'a str> {
        let name = topic.as_str();
        match &self.prefix {
            None => Some(name),
            Some(prefix) => {
                let name = name.strip_prefix(prefix.as_str())?.strip_prefix('-')?;
                (!name.is_empty()).then_some(name)
            }
        }
    }

    /// The prefix, if there is one.
    pub fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }
}
