//! Stamping the events of a service.

use std::sync::Arc;

use crate::attribute::is_permitted;
use crate::{Event, EventBuilder, Invalid, Time, id};

/// The kind of process that emits: the last part of `source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The web application.
    Web,
    /// Asynchronous tasks, management commands, relays.
    Worker,
}

impl Role {
    /// `web` or `worker`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Worker => "worker",
        }
    }
}

/// Makes the events of one process of a service correct by OEP-41: id, `source`, `sourcehost`,
/// time in UTC and `minorversion` are stamped where they are missing. Cheap to clone.
///
/// # Example
/// ```
/// use tidings_event::{Emitter, Role};
///
/// let emitter = Emitter::new("openedx", "discovery", Role::Web)?;
/// let event = emitter
///     .event("org.openedx.catalog.course.created.v1")
///     .data_json(r#"{"course_key": "edX+DemoX", "title": "Demonstration"}"#)
///     .build()?;
/// assert_eq!(event.source(), "/openedx/discovery/web");
/// assert_eq!(event.minorversion(), Some(0));
/// # Ok::<(), tidings_event::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitter {
    service: Arc<str>,
    source: Arc<str>,
    sourcehost: Arc<str>,
}

impl Emitter {
    /// An emitter with the source `/{namespace}/{service}/{role}` and this machine's host name.
    ///
    /// # Errors
    /// [`Invalid`] if namespace or service are empty or have characters other than letters,
    /// digits, `-`, `.`, `_` and `~`.
    pub fn new(namespace: &str, service: &str, role: Role) -> Result<Self, Invalid> {
        check_segment("namespace", namespace)?;
        check_segment("service", service)?;
        Ok(Self {
            service: service.into(),
            source: format!("/{namespace}/{service}/{}", role.as_str()).into(),
            sourcehost: host_name().into(),
        })
    }

    /// The same emitter with another `sourcehost`: a host name or an address.
    ///
    /// # Errors
    /// [`Invalid`] if it is empty or has control characters.
    pub fn with_sourcehost(mut self, host: &str) -> Result<Self, Invalid> {
        if host.is_empty() || !is_permitted(host) {
            let rule = "must be a host name or an address";
            return Err(Invalid::new(
                "sourcehost",
                rule,
                "write it like `lms-1.example.org`",
            ));
        }
        self.sourcehost = host.into();
        Ok(self)
    }

    /// The service that it was made for: whose events it may emit.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The `source` of its events.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The `sourcehost` of its events.
    pub fn sourcehost(&self) -> &str {
        &self.sourcehost
    }

    /// Starts an event that happens now.
    pub fn event(&self, event_type: impl Into<String>) -> EventBuilder {
        self.occurrence_now().event(event_type)
    }

    /// Something that happens now and may be told by several events.
    pub fn occurrence_now(&self) -> Occurrence {
        self.occurrence(Time::now())
    }

    /// Something that happened at a time and may be told by several events. If a database row
    /// tells of it, that is the row's own `created_at` or `updated_at`.
    pub fn occurrence(&self, time: impl Into<Time>) -> Occurrence {
        Occurrence {
            emitter: self.clone(),
            time: time.into(),
        }
    }

    /// Adds what is missing to an event made elsewhere, with the current time.
    pub fn stamp(&self, event: EventBuilder) -> EventBuilder {
        self.occurrence_now().stamp(event)
    }
}

/// One thing that happened: every event made from it has the identical time, as OEP-41 asks of
/// several major versions that tell of one occurrence.
///
/// # Example
/// ```
/// use tidings_event::{Emitter, Role};
///
/// let enrolled = Emitter::new("openedx", "lms", Role::Worker)?.occurrence_now();
/// let v1 = enrolled.event("org.openedx.learning.course.enrolled.v1").build()?;
/// let v2 = enrolled.event("org.openedx.learning.course.enrolled.v2").build()?;
/// assert_eq!(v1.time(), v2.time());
/// assert_ne!(v1.id(), v2.id());
/// # Ok::<(), tidings_event::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    emitter: Emitter,
    time: Time,
}

impl Occurrence {
    /// When it happened.
    pub fn time(&self) -> &Time {
        &self.time
    }

    /// Starts an event that tells of it.
    pub fn event(&self, event_type: impl Into<String>) -> EventBuilder {
        self.stamp(Event::builder(event_type))
    }

    /// Adds what is missing to an event made elsewhere: id, `source`, `sourcehost`, time and
    /// `minorversion` 0.
    pub fn stamp(&self, mut event: EventBuilder) -> EventBuilder {
        if event.parts().id.is_empty() {
            event = event.id(id::new_id());
        }
        if event.parts().source.is_empty() {
            event = event.source(&*self.emitter.source);
        }
        if event.parts().time.is_none() {
            event = event.time(self.time.clone());
        }
        event = event.with_some_minorversion();
        if event.parts().extension("sourcehost").is_none() {
            event = event.extension("sourcehost", &*self.emitter.sourcehost);
        }
        event
    }
}

fn check_segment(what: &str, text: &str) -> Result<(), Invalid> {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if !text.is_empty() && text.bytes().all(unreserved) {
        return Ok(());
    }
    let rule = "must consist of letters, digits, `-`, `.`, `_` and `~`";
    Err(Invalid::new(what, rule, "name it like `openedx` or `lms`"))
}

/// The host name of this machine; `localhost` if the system has none that could be sent.
fn host_name() -> String {
    match gethostname::gethostname().into_string() {
        Ok(name) if !name.is_empty() && is_permitted(&name) => name,
        _ => "localhost".to_owned(),
    }
}
