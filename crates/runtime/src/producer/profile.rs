//! The OEP-41 profile at publish time.

use tidings_event::profile::{Mode, check_blocking};
use tidings_event::{Event, Limits};

use super::reported::Reported;
use super::{PublishError, PublishErrorKind};
use crate::wire::Wire;

/// Refuses or reports what breaks the profile.
pub(super) struct Profile {
    /// As set; without it the wire decides.
    mode: Option<Mode>,
    reported: Reported,
}

impl Profile {
    pub(super) fn new(mode: Option<Mode>) -> Self {
        Self {
            mode,
            reported: Reported::default(),
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
            Wire::Native | Wire::Binary => Mode::Enforce,
            Wire::OpenEdx => Mode::Warn,
        });
        if mode == Mode::Off {
            return Ok(());
        }
        let violations = check_blocking(event, document_len);
        if mode.refuses(&violations) {
            return Err(PublishError::profile(violations).of(event.id()));
        }
        for violation in &violations {
            self.reported.tell(event, violation);
        }
        Ok(())
    }
}
