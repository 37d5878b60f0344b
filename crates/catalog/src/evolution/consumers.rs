//! Which consumers a change breaks.

use super::Comparison;
use crate::{Consumer, EventDefinition, FieldPath};

/// The consumers of either definition whose contract the newer one does not keep, each with what
/// it reads that is no longer as it was.
pub(super) fn broken(
    old: &EventDefinition,
    new: &EventDefinition,
    comparison: &Comparison,
) -> Vec<(String, Vec<FieldPath>)> {
    let mut consumers: Vec<&Consumer> = new.consumers.iter().collect();
    // A contract that was taken out with the change that breaks it is still a contract.
    for consumer in &old.consumers {
        if !consumers
            .iter()
            .any(|other| other.service == consumer.service)
        {
            consumers.push(consumer);
        }
    }
    let mut broken = Vec::new();
    for consumer in consumers {
        let breaks = comparison.forward.breaks.iter().chain(&comparison.removed);
        let mut paths: Vec<FieldPath> = Vec::new();
        for b in breaks.filter(|b| !b.path.as_str().is_empty() && consumer.reads(&b.path)) {
            // Values that the consumer says it knows do not break it.
            let knows = consumer.accepts.iter().any(|accepted| {
                accepted.field == b.path
                    && new.fields().iter().any(|field| {
                        field.path == b.path
                            && !field.values.is_empty()
                            && field
                                .values
                                .iter()
                                .all(|value| accepted.values.contains(value))
                    })
            });
            if !knows && !paths.contains(&b.path) {
                paths.push(b.path.clone());
            }
        }
        if consumer.minorversion > new.minorversion && old.minorversion >= consumer.minorversion {
            paths.push(FieldPath::root());
        }
        if !paths.is_empty() {
            broken.push((consumer.service.clone(), paths));
        }
    }
    broken
}

/// All who declared that they consume an event.
pub(super) fn services(event: &EventDefinition) -> Vec<String> {
    let services = event.consumers.iter();
    services.map(|consumer| consumer.service.clone()).collect()
}
