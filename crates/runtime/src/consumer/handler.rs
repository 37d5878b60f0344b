//! What a service does with a message.

use std::error::Error;
use std::fmt;
use std::future::Future;

use super::Message;

/// What a service does with a message. Async functions and closures are handlers:
///
/// ```
/// # use tidings_runtime::{Handler, HandlerError, Message};
/// async fn index(message: Message) -> Result<(), HandlerError> {
///     if message.event().subject().is_none() {
///         return Err(HandlerError::permanent("no subject to index"));
///     }
///     Ok(())
/// }
/// # fn is_handler(_: impl Handler) {}
/// # is_handler(index);
/// ```
///
/// `Ok` acknowledges the message. It may come again all the same, when the acknowledgement is
/// lost with its consumer: handlers are to be idempotent. A panic counts as a temporary failure.
pub trait Handler: Send + Sync + 'static {
    /// Handles one attempt at a message.
    fn handle(&self, message: Message) -> impl Future<Output = Result<(), HandlerError>> + Send;
}

impl<F, Fut> Handler for F
where
    F: Fn(Message) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), HandlerError>> + Send,
{
    fn handle(&self, message: Message) -> impl Future<Output = Result<(), HandlerError>> + Send {
        self(message)
    }
}

/// Why a handler failed, and whether trying again can help.
///
/// Any standard error becomes a *temporary* failure through `?`; that is why this type does not
/// implement [`Error`] itself (the two implementations would overlap).
/// The message stands in logs and dead letters: keep payloads out of it.
pub struct HandlerError {
    class: FailureClass,
    message: String,
}

/// What a failure says of the message and of those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureClass {
    Temporary,
    Permanent,
    Poison,
    Closing,
    Invalid,
}

impl HandlerError {
    /// Trying again may help: the database was away, a peer was busy.
    pub fn temporary(message: impl Into<String>) -> Self {
        Self {
            class: FailureClass::Temporary,
            message: message.into(),
        }
    }

    /// Trying again will not help: the message breaks a rule of this service. What becomes of it
    /// and of its key is said by [`OnFailure`](super::OnFailure).
    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            class: FailureClass::Permanent,
            message: message.into(),
        }
    }

    /// Nobody will ever be able to use this message, and none after it depends on it: it becomes a
    /// dead letter at once and holds up nothing, whatever the policy, as one does that cannot be
    /// decoded.
    pub fn poison(message: impl Into<String>) -> Self {
        Self {
            class: FailureClass::Poison,
            message: message.into(),
        }
    }

    /// It is not what the catalog says: permanent, and no handler of the service has seen it.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self {
            class: FailureClass::Invalid,
            message: message.into(),
        }
    }

    /// This consumer is about to end and takes no more messages, whatever they say: a socket that
    /// it writes to was closed, say. The message keeps its place and is given back when the consumer
    /// ends. It counts neither as a failure of the message nor towards the [`Breaker`](super::Breaker),
    /// and nobody is warned: ask for the end by the future given to [`run`](super::Consumer::run).
    pub fn closing(message: impl Into<String>) -> Self {
        Self {
            class: FailureClass::Closing,
            message: message.into(),
        }
    }

    pub(super) fn class(&self) -> FailureClass {
        self.class
    }

    /// Whether trying again may help.
    pub fn is_temporary(&self) -> bool {
        matches!(self.class, FailureClass::Temporary | FailureClass::Closing)
    }

    /// What happened, for people.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl<E: Error> From<E> for HandlerError {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::temporary(message)
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerError")
            .field("class", &self.class)
            .field("message", &self.message)
            .finish()
    }
}
