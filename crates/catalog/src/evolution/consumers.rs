//! Which consumers a change breaks.

use super::Comparison;
use crate::{Consumer, EventDefinition, FieldPath};

/// The consumers of either definition whose contract the newer one does not keep, each with what
/// it reads that is no longer as it was. A contract that was taken out or made smaller with the
/// change that breaks it is still a contract: what runs was written for it.
pub(super) fn broken(
    old: &EventDefinition,
    new: &EventDefinition,
    comparison: &Comparison,
) -> Vec<(String, Vec<FieldPath>)> {
    let mut broken: Vec<(String, Vec<FieldPath>)> = Vec::new();
    for consumer in new.consumers.iter().chain(&old.consumers) {
        let latest = of(new, &consumer.service).unwrap_or(consumer);
        let breaks = comparison.forward.breaks.iter().chain(&comparison.removed);
        let read = breaks.filter(|b| !b.path.as_str().is_empty() && consumer.reads(&b.path));
        let mut paths: Vec<FieldPath> = read
            .filter(|b| !knows(latest, new, &b.path))
            .map(|b| b.path.clone())
            .collect();
        if consumer.minorversion > new.minorversion && old.minorversion >= consumer.minorversion {
            paths.push(FieldPath::root());
        }
        let known = broken.iter_mut().find(|(s, _)| *s == consumer.service);
        match known {
            Some((_, known)) => known.append(&mut paths),
            None if paths.is_empty() => {}
            None => broken.push((consumer.service.clone(), paths)),
        }
    }
    broken
}

/// The contract of a service.
fn of<'e>(event: &'e EventDefinition, service: &str) -> Option<&'e Consumer> {
    let mut consumers = event.consumers.iter();
    consumers.find(|consumer| consumer.service == service)
}

/// Whether a consumer says that it can handle every value that a field may have.
fn knows(consumer: &Consumer, event: &EventDefinition, path: &FieldPath) -> bool {
    let Some(accepted) = consumer.accepts.iter().find(|a| a.field == *path) else {
        return false;
    };
    event.fields().iter().any(|field| {
        let known = |value| accepted.values.contains(value);
        field.path == *path && !field.values.is_empty() && field.values.iter().all(known)
    })
}

/// All who declared that they consume an event.
pub(super) fn services(event: &EventDefinition) -> Vec<String> {
    let services = event.consumers.iter();
    services.map(|consumer| consumer.service.clone()).collect()
}
