//! From event type to topics.

use std::collections::HashMap;

use tidings_event::{InvalidKeyPath, KeyPath};

/// One topic that an event type goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub(super) topic: String,
    pub(super) key_path: Option<KeyPath>,
}

impl Route {
    /// To a topic, by its logical name; the key is what the type's definition says.
    pub fn to(topic: impl Into<String>) -> Self {
        Self {
            topic: topic.into(),
            key_path: None,
        }
    }

    /// Takes the key from this dotted path of the payload: `course.course_key`.
    ///
    /// # Errors
    /// When the text is no path.
    pub fn key_path(mut self, path: &str) -> Result<Self, InvalidKeyPath> {
        self.key_path = Some(path.parse()?);
        Ok(self)
    }

    /// Takes the key from this path of the payload.
    pub fn key(mut self, path: KeyPath) -> Self {
        self.key_path = Some(path);
        self
    }

    /// The logical topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }
}

/// Which topics each event type goes to.
#[derive(Debug, Clone, Default)]
pub(super) struct Routing {
    by_type: HashMap<String, Vec<Route>>,
}

impl Routing {
    pub(super) fn add(&mut self, event_type: String, routes: impl IntoIterator<Item = Route>) {
        self.by_type.entry(event_type).or_default().extend(routes);
    }

    pub(super) fn of(&self, event_type: &str) -> &[Route] {
        self.by_type.get(event_type).map_or(&[], Vec::as_slice)
    }

    /// The key path that a route of this type to this topic has.
    pub(super) fn key_path(&self, event_type: &str, topic: &str) -> Option<&KeyPath> {
        let mut routes = self.of(event_type).iter();
        let route = routes.find(|route| route.topic == topic)?;
        route.key_path.as_ref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.by_type.values().flatten()
    }
}
