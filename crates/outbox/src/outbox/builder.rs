//! How an outbox is set up.

use std::sync::Arc;

use tidings_event::Definitions;
use tidings_event::profile::Mode;
use tidings_runtime::{Operation, Preparation};
use tidings_telemetry::Telemetry;

use super::Outbox;
use crate::{Error, ErrorKind, Result};

/// Sets up an [`Outbox`].
///
/// What does not fit the catalog is refused within the transaction, and earlier major versions get
/// rows of their own.
#[must_use = "an outbox is made by `build`"]
pub struct OutboxBuilder {
    preparation: Preparation,
}

impl OutboxBuilder {
    /// An outbox with defaults and no routes. The definitions tell the keys of events whose route
    /// does not.
    pub fn new(definitions: Arc<dyn Definitions>) -> Self {
        Self {
            preparation: Preparation::new(definitions).with_operation(Operation::Enqueue),
        }
    }

    tidings_runtime::preparation_settings!();

    /// How strictly the OEP-41 profile runs. Default: `Enforce`.
    pub fn profile(mut self, mode: Mode) -> Self {
        self.preparation = self.preparation.with_profile(mode);
        self
    }

    /// What is told of its events: with it, events carry the trace of the caller to the relay and
    /// on to their consumers. Default: nothing.
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.preparation = self.preparation.with_telemetry(telemetry);
        self
    }

    /// Makes the outbox.
    ///
    /// # Errors
    /// `Invalid`, when a route's topic is no valid name.
    pub fn build(self) -> Result<Outbox> {
        let checked = self.preparation.check_routes();
        checked.map_err(|e| Error::new(ErrorKind::Invalid, "outbox", e.to_string()))?;
        Ok(Outbox::new(self.preparation))
    }
}
