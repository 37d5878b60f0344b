//! What was published although it breaks a rule, told once.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use tidings_event::Event;
use tidings_event::profile::Violation;
use tracing::{debug, warn};

/// Types and rules that are remembered as reported; beyond it every violation is a warning.
const MAX_REPORTED: usize = 1_000;

/// What was reported: a type that breaks a rule breaks it in every event.
#[derive(Debug, Default)]
pub(super) struct Reported(Mutex<HashSet<(String, &'static str)>>);

impl Reported {
    /// Logs that an event is published all the same.
    pub(super) fn tell(&self, event: &Event, violation: &Violation) {
        let (ty, id) = (event.event_type(), event.id());
        if self.is_news(ty, violation.code) {
            warn!(id, r#type = ty, %violation, "published although it breaks a rule; \
                further events of this type that break it are logged at debug");
        } else {
            debug!(id, r#type = ty, %violation, "published although it breaks a rule");
        }
    }

    fn is_news(&self, event_type: &str, code: &'static str) -> bool {
        let mut reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = (event_type.to_owned(), code);
        match reported.len() < MAX_REPORTED {
            true => reported.insert(entry),
            false => !reported.contains(&entry),
        }
    }
}
