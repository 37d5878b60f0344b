//! Received events held to the catalog, before a handler sees them.

use std::fmt;
use std::sync::Arc;

use tidings_event::profile::{Mode, Violation};
use tidings_event::{Definitions, Event};
use tracing::warn;

use super::HandlerError;
use crate::validation::Validation;

/// Violations of one event that are told.
const SHOWN: usize = 5;

/// Holds received events to the catalog.
#[derive(Clone)]
pub(super) struct Guard {
    definitions: Arc<dyn Definitions>,
    mode: Mode,
    service: Option<Box<str>>,
}

impl Guard {
    /// One that has something to do.
    pub(super) fn new(
        definitions: Arc<dyn Definitions>,
        mode: Mode,
        service: Option<Box<str>>,
    ) -> Option<Self> {
        let guard = Self {
            definitions,
            mode,
            service,
        };
        (mode != Mode::Off).then_some(guard)
    }

    /// Refuses what no handler should see; what is only to be warned of is logged.
    pub(super) fn check(&self, event: &Event) -> Result<(), HandlerError> {
        let validation = Validation {
            definitions: &*self.definitions,
            mode: self.mode,
            service: self.service.as_deref(),
        };
        let violations = validation.received(event);
        if violations.is_empty() {
            return Ok(());
        }
        if self.mode.refuses(&violations) {
            return Err(HandlerError::invalid(told(&violations)));
        }
        warn!(
            id = event.id(),
            r#type = event.event_type(),
            violations = told(&violations),
            "a received event is not what the catalog says"
        );
        Ok(())
    }
}

fn told(violations: &[Violation]) -> String {
    let shown = violations.iter().take(SHOWN).map(ToString::to_string);
    let mut shown: Vec<String> = shown.collect();
    if violations.len() > SHOWN {
        shown.push(format!("and {} more", violations.len() - SHOWN));
    }
    shown.join("; ")
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("mode", &self.mode)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}
