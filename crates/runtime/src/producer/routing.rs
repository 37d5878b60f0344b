//! From event type to topics.

use std::collections::HashMap;

use tidings_event::{Definition, Event, InvalidKeyPath, KeyPath};

use super::{PublishError, PublishErrorKind};

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

    /// Whether it says where the key stands.
    pub(super) fn has_key_path(&self) -> bool {
        self.key_path.is_some()
    }
}

/// A logical topic, and where the key stands if a route says it.
pub(super) type Place<'a> = (&'a str, Option<&'a KeyPath>);

/// The same topics for another version of the type: whoever reads it reads there.
pub(super) fn topics_of<'a>(places: &[Place<'a>]) -> Vec<Place<'a>> {
    places.iter().map(|(topic, _)| (*topic, None)).collect()
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

    /// A topic, and where the key stands if a route to it says it.
    pub(super) fn place<'a>(&'a self, topic: &'a str, event: &Event) -> Place<'a> {
        (topic, self.key_path(event.event_type(), topic))
    }

    /// One topic if it is named, or else those of the type.
    pub(super) fn places_or<'a>(
        &'a self,
        topic: Option<&'a str>,
        event: &Event,
        definition: Option<&'a Definition>,
    ) -> Result<Vec<Place<'a>>, PublishError> {
        match topic {
            Some(topic) => Ok(vec![self.place(topic, event)]),
            None => self.places(event, definition),
        }
    }

    /// Where a type goes by its routes, or else by its definition.
    pub(super) fn places<'a>(
        &'a self,
        event: &Event,
        definition: Option<&'a Definition>,
    ) -> Result<Vec<Place<'a>>, PublishError> {
        let routes = self.of(event.event_type());
        if !routes.is_empty() {
            let places = routes.iter().map(|r| (r.topic(), r.key_path.as_ref()));
            return Ok(places.collect());
        }
        let topics = definition.map_or(&[][..], |definition| &definition.topics);
        if topics.is_empty() {
            let message = format!(
                "no route for its type {:?}; add a route to the producer, name the topic, or \
                 write `topics` into its definition",
                event.event_type()
            );
            return Err(PublishError::new(PublishErrorKind::NoRoute, message).of(event.id()));
        }
        Ok(topics.iter().map(|topic| (&**topic, None)).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.by_type.values().flatten()
    }
}
