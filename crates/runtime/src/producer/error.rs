//! Why an event was not published.

use std::error::Error as StdError;
use std::fmt;

use tidings_event::DecodeError;
use tidings_event::profile::Violation;
use tidings_transport::{Error as TransportError, ErrorKind, Topic};

use super::Receipt;

/// What went wrong with one event.
#[derive(Debug)]
#[non_exhaustive]
pub enum PublishErrorKind {
    /// It is no CloudEvents event, or a name or key path is not valid.
    Invalid,
    /// It breaks these rules of the OEP-41 profile, its limit of 65,536 bytes among them.
    Profile(Vec<Violation>),
    /// The catalog does not have its type, gives it to another service, or describes another
    /// payload.
    Catalog(Vec<Violation>),
    /// Its document is larger than any reader takes, whatever the profile says.
    TooLarge {
        /// Bytes it has.
        bytes: usize,
        /// Bytes it may have.
        limit: usize,
    },
    /// No route says where its type goes, and no topic was named.
    NoRoute,
    /// Its key path leads to no key.
    NoKey,
    /// The wire of the topic cannot express it.
    Encoding,
    /// The log did not take it, or nobody knows whether it did.
    Transport(ErrorKind),
}

impl PublishErrorKind {
    /// A short stable word, for metrics and filters.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Profile(_) => "profile",
            Self::Catalog(_) => "catalog",
            Self::TooLarge { .. } => "too_large",
            Self::NoRoute => "no_route",
            Self::NoKey => "no_key",
            Self::Encoding => "encoding",
            Self::Transport(kind) => match kind {
                ErrorKind::Unavailable => "unavailable",
                ErrorKind::UnknownOutcome => "unknown_outcome",
                ErrorKind::Full => "full",
                ErrorKind::Denied => "denied",
                _ => "refused",
            },
        }
    }
}

/// Why an event was not published, or not to all of its topics. Holds no payload.
#[derive(Debug)]
pub struct PublishError {
    /// Boxed: it travels in every `Result` of the hot path.
    details: Box<Details>,
}

#[derive(Debug)]
struct Details {
    kind: PublishErrorKind,
    message: String,
    id: Option<String>,
    topic: Option<Topic>,
    receipts: Vec<Receipt>,
    temporary: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl PublishError {
    pub(super) fn new(kind: PublishErrorKind, message: impl Into<String>) -> Self {
        let details = Details {
            kind,
            message: message.into(),
            id: None,
            topic: None,
            receipts: Vec::new(),
            temporary: false,
            source: None,
        };
        Self {
            details: Box::new(details),
        }
    }

    pub(super) fn profile(violations: Vec<Violation>) -> Self {
        let shown = shown(&violations);
        Self::new(PublishErrorKind::Profile(violations), shown)
    }

    pub(super) fn catalog(violations: Vec<Violation>) -> Self {
        let shown = shown(&violations);
        Self::new(PublishErrorKind::Catalog(violations), shown)
    }

    pub(super) fn from_source(
        kind: PublishErrorKind,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        let mut error = Self::new(kind, source.to_string());
        error.details.source = Some(Box::new(source));
        error
    }

    pub(super) fn transport(topic: Topic, source: TransportError) -> Self {
        let mut error = Self::new(
            PublishErrorKind::Transport(source.kind()),
            source.to_string(),
        );
        error.details.temporary = source.is_temporary();
        error.details.topic = Some(topic);
        error.details.source = Some(Box::new(source));
        error
    }

    pub(super) fn of(mut self, id: &str) -> Self {
        self.details.id = Some(id.to_owned());
        self
    }

    pub(super) fn after(mut self, receipts: Vec<Receipt>) -> Self {
        self.details.receipts = receipts;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> &PublishErrorKind {
        &self.details.kind
    }

    /// The id of the event, once it had one.
    pub fn id(&self) -> Option<&str> {
        self.details.id.as_deref()
    }

    /// The topic that failed, if it failed at the log.
    pub fn topic(&self) -> Option<&Topic> {
        self.details.topic.as_ref()
    }

    /// What the log said, if it failed at the log.
    pub fn transport_error(&self) -> Option<&TransportError> {
        self.details.source.as_deref()?.downcast_ref()
    }

    /// The topics that did get the event before or beside the one that failed.
    pub fn receipts(&self) -> &[Receipt] {
        &self.details.receipts
    }

    /// Whether the same call may succeed later.
    pub fn is_temporary(&self) -> bool {
        self.details.temporary
    }

    /// What is wrong with the document, when it is no event.
    pub fn undecodable(&self) -> Option<&DecodeError> {
        self.details.source.as_deref()?.downcast_ref()
    }

    /// Whether the log may have the event all the same. Publish it again with the same id, so
    /// that consumers can tell.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(
            self.details.kind,
            PublishErrorKind::Transport(ErrorKind::UnknownOutcome)
        )
    }
}

fn shown(violations: &[Violation]) -> String {
    let shown: Vec<String> = violations.iter().map(ToString::to_string).collect();
    shown.join("; ")
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("event")?;
        if let Some(id) = &self.details.id {
            write!(f, " {id}")?;
        }
        match &self.details.topic {
            Some(topic) => write!(f, " was not published to {topic}: {}", self.details.message),
            None => write!(f, " was not published: {}", self.details.message),
        }
    }
}

impl StdError for PublishError {
    /// What lies under the error that the message already tells in full.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.details.source.as_deref().and_then(StdError::source)
    }
}
