//! What goes from one service to another.

use std::collections::BTreeMap;

use tidings_catalog::EventDefinition;

use crate::site::model::{Model, subdomain_of};

/// The events of one subdomain that one service sends and another has declared to consume.
pub(super) struct Flow<'m> {
    /// Who emits; `None` where the definitions do not say.
    pub(super) from: Option<&'m str>,
    /// Who consumes; `None` where nobody has declared to.
    pub(super) to: Option<&'m str>,
    pub(super) subdomain: &'m str,
    pub(super) events: Vec<&'m EventDefinition>,
}

/// All of them, by sender, receiver and subdomain; what nobody receives comes last.
pub(super) fn flows<'m>(model: &Model<'m>) -> Vec<Flow<'m>> {
    type Place<'m> = (bool, Option<&'m str>, bool, Option<&'m str>, &'m str);
    let mut found: BTreeMap<Place<'m>, Vec<&'m EventDefinition>> = BTreeMap::new();
    for event in &model.events {
        let from = event.owner.as_ref().map(|owner| &*owner.service);
        let mut to: Vec<Option<&str>> = event.consumers.iter().map(|c| Some(&*c.service)).collect();
        to.sort_unstable();
        to.dedup();
        if to.is_empty() {
            to.push(None);
        }
        for to in to {
            let place = (from.is_none(), from, to.is_none(), to, subdomain_of(event));
            found.entry(place).or_default().push(event);
        }
    }
    let flows = found.into_iter();
    flows
        .map(|((_, from, _, to, subdomain), events)| Flow {
            from,
            to,
            subdomain,
            events,
        })
        .collect()
}
