//! Planted bugs, so that a harness can prove that it would find them. Nothing of this is compiled
//! without the test-only feature `sabotage`.

use super::settings::Settings;

/// A bug that a consumer is told to have. For tests of test harnesses only: each loses events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sabotage {
    /// Acknowledges an event before its handler runs.
    AckBeforeHandler,
    /// Takes a dead letter that could not be stored for stored, and acknowledges the event.
    IgnoreDeadLetterFailure,
    /// Goes on with deliveries that have passed to another consumer. The transport must be told to
    /// acknowledge without asking whose they are, too.
    AckWithoutOwnerCheck,
}

impl Settings {
    /// Whether it has this bug.
    pub(super) fn has(&self, bug: Sabotage) -> bool {
        self.sabotage == Some(bug)
    }
}
