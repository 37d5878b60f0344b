//! The one event that a person means.

use std::sync::Arc;

use tidings_catalog::{Catalog, EventDefinition};

use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// How many events a message names.
const SHOWN: usize = 8;

/// The event of a type, or the only one whose type holds this text.
pub fn pick<'c>(catalog: &'c Catalog, text: &str) -> Result<&'c Arc<EventDefinition>> {
    if let Some(event) = catalog.event(text) {
        return Ok(event);
    }
    let found: Vec<_> = catalog
        .events()
        .filter(|e| e.event_type.contains(text))
        .collect();
    match found.as_slice() {
        [event] => Ok(event),
        [] => {
            let likeness = |e: &&Arc<EventDefinition>| strsim::jaro_winkler(&e.event_type, text);
            let nearest = catalog
                .events()
                .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
            let remedy = match nearest.filter(|e| likeness(e) > 0.8) {
                Some(event) => format!("did you mean {}?", event.event_type),
                None => "`tidings catalog list` shows those that there are".to_owned(),
            };
            Err(
                Failure::new(Exit::NoInput, format!("the catalog has no event {text:?}"))
                    .remedy(remedy),
            )
        }
        several => {
            let mut types: Vec<&str> = several.iter().map(|e| &*e.event_type).take(SHOWN).collect();
            if several.len() > SHOWN {
                types.push("…");
            }
            let what = format!("{} events have {text:?} in their type", several.len());
            Err(Failure::new(Exit::Usage, what).remedy(format!("name one: {}", types.join(", "))))
        }
    }
}
