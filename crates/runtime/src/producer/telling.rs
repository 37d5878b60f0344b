//! What an event tells: held to the catalog, and told in earlier major versions too.

use std::sync::Arc;

use tidings_event::profile::Mode;
use tidings_event::{Definition, Definitions, Event};

use super::PublishError;
use super::reported::Reported;
use crate::validation::{ByHand, Examined, Validation};

/// An event with what the catalog says of it, and the earlier major versions that are emitted with
/// it.
pub(super) struct Told {
    pub(super) event: Event,
    pub(super) definition: Option<Arc<Definition>>,
    pub(super) earlier: Vec<(Event, Option<Arc<Definition>>)>,
}

/// How events are held to their definitions.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// How strictly, if they are at all.
    pub(super) validation: Option<Mode>,
    /// The service that publishes, if that is not the emitter's.
    pub(super) service: Option<Box<str>>,
    /// All was told before.
    pub(super) forwards: bool,
    reported: Reported,
}

impl Telling {
    /// Holds an event to the catalog, and adds the earlier major versions that it asks for.
    pub(super) fn tell(
        &self,
        definitions: &dyn Definitions,
        emitter: Option<&str>,
        event: Event,
        by_hand: &ByHand<'_>,
    ) -> Result<Told, PublishError> {
        let Some(mode) = self.validation.filter(|_| !self.forwards) else {
            return Ok(Told {
                definition: None,
                event,
                earlier: Vec::new(),
            });
        };
        let validation = Validation {
            definitions,
            mode,
            service: self.service.as_deref().or(emitter),
        };
        let mut examined = validation.examine(&event, by_hand);
        self.judge(mode, &event, &mut examined)?;
        let definition = examined.definition.clone();
        let mut told = Told {
            event,
            definition,
            earlier: Vec::new(),
        };
        loop {
            let newest = told.earlier.last().map_or(&told.event, |(event, _)| event);
            let (event, mut found) = match validation.earlier(newest, &mut examined) {
                None => return Ok(told),
                Some(Ok(earlier)) => earlier,
                Some(Err(violation)) => {
                    examined.violations = vec![violation];
                    self.judge(mode, &told.event, &mut examined)?;
                    return Ok(told);
                }
            };
            self.judge(mode, &told.event, &mut found)?;
            told.earlier.push((event, found.definition.clone()));
            examined = found;
        }
    }

    fn judge(
        &self,
        mode: Mode,
        event: &Event,
        examined: &mut Examined,
    ) -> Result<(), PublishError> {
        let violations = std::mem::take(&mut examined.violations);
        if mode.refuses(&violations) {
            return Err(PublishError::catalog(violations).of(event.id()));
        }
        for violation in &violations {
            self.reported.tell(event, violation);
        }
        Ok(())
    }
}
