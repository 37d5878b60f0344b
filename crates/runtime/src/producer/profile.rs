//! The OEP-41 profile at publish time.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use tidings_event::profile::{Mode, check_blocking};
use tidings_event::{Event, Limits};
use tracing::{debug, warn};

use super::{PublishError, PublishErrorKind};
use crate::wire::Wire;

/// Types and rules that are remembered as reported; beyond it every violation is a warning.
const MAX_REPORTED: usize = 1_000;

/// Refuses or reports what breaks the profile.
pub(super) struct Profile {
    /// As set; without it the wire decides.
    mode: Option<Mode>,
    /// What was reported: a type that breaks a rule breaks it in every event.
    reported: Mutex<HashSet<(String, &'static str)>>,
}

impl Profile {
    pub(super) fn new(mode: Option<Mode>) -> Self {
        Self {
            mode,
            reported: Mutex::new(HashSet::new()),
        }
    }

    /// Checks an event whose canonical document has so many bytes.
    pub(super) fn check(
        &self,
        event: &Event,
        wire: Wire,
        document_len: usize,
    ) -> Result<(), PublishError> {
        let limit = Limits::DEFAULT_DOCUMENT;
        if document_len > limit {
            let bytes = document_len;
            let message = format!(
                "its document has {bytes} bytes, and readers take {limit}; put large payloads \
                 elsewhere and publish where they are"
            );
            let kind = PublishErrorKind::TooLarge { bytes, limit };
            return Err(PublishError::new(kind, message).of(event.id()));
        }
        let mode = self.mode.unwrap_or(match wire {
            Wire::Native => Mode::Enforce,
            Wire::OpenEdx => Mode::Warn,
        });
        if mode == Mode::Off {
            return Ok(());
        }
        let violations = check_blocking(event, document_len);
        if mode.refuses(&violations) {
            return Err(PublishError::profile(violations).of(event.id()));
        }
        for violation in violations {
            let (ty, id) = (event.event_type(), event.id());
            if self.is_news(ty, violation.code) {
                warn!(id, r#type = ty, %violation, "published against the profile; \
                    further events of this type that break this rule are logged at debug");
            } else {
                debug!(id, r#type = ty, %violation, "published against the profile");
            }
        }
        Ok(())
    }

    fn is_news(&self, event_type: &str, code: &'static str) -> bool {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = (event_type.to_owned(), code);
        match reported.len() < MAX_REPORTED {
            true => reported.insert(entry),
            false => !reported.contains(&entry),
        }
    }
}
