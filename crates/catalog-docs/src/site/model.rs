//! What the pages tell, put in order once.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidings_catalog::{Catalog, Consumer, EventDefinition};

use super::SiteOptions;

/// The name for what belongs nowhere.
const NOWHERE: &str = "(none)";

/// The catalog by what people look for.
pub(super) struct Model<'c> {
    pub(super) options: &'c SiteOptions,
    pub(super) events: Vec<&'c EventDefinition>,
    pub(super) subdomains: BTreeMap<&'c str, Vec<&'c EventDefinition>>,
    pub(super) services: BTreeMap<&'c str, Service<'c>>,
    majors: BTreeMap<&'c str, Vec<&'c EventDefinition>>,
}

/// What a service sends and hears.
#[derive(Default)]
pub(super) struct Service<'c> {
    pub(super) emits: Vec<&'c EventDefinition>,
    pub(super) consumes: Vec<(&'c EventDefinition, &'c Consumer)>,
}

impl<'c> Model<'c> {
    pub(super) fn of(catalog: &'c Catalog, options: &'c SiteOptions) -> Self {
        let events: Vec<&EventDefinition> = catalog.events().map(Arc::as_ref).collect();
        let mut subdomains: BTreeMap<&str, Vec<&EventDefinition>> = BTreeMap::new();
        let mut services: BTreeMap<&str, Service<'_>> = BTreeMap::new();
        let mut majors: BTreeMap<&str, Vec<&EventDefinition>> = BTreeMap::new();
        for event in &events {
            subdomains
                .entry(subdomain_of(event))
                .or_default()
                .push(event);
            majors.entry(event.name()).or_default().push(event);
            if let Some(owner) = &event.owner {
                services
                    .entry(&owner.service)
                    .or_default()
                    .emits
                    .push(event);
            }
            for consumer in &event.consumers {
                let service = services.entry(&consumer.service).or_default();
                service.consumes.push((event, consumer));
            }
        }
        for versions in majors.values_mut() {
            // v10 comes after v9.
            versions.sort_by_key(|event| event.major());
        }
        Self {
            options,
            events,
            subdomains,
            services,
            majors,
        }
    }

    /// The major versions of an event, the oldest first.
    pub(super) fn majors(&self, event: &EventDefinition) -> &[&'c EventDefinition] {
        self.majors.get(event.name()).map_or(&[], Vec::as_slice)
    }

    /// What tells an event from its other majors, where there are any: `v2`.
    pub(super) fn major_mark(&self, event: &EventDefinition) -> Option<String> {
        let several = self.majors(event).len() > 1;
        let major = event.major().filter(|_| several)?;
        Some(format!("v{major}"))
    }

    /// Whether the catalog has a type.
    pub(super) fn has(&self, event_type: &str) -> bool {
        self.events
            .binary_search_by(|event| (*event.event_type).cmp(event_type))
            .is_ok()
    }

    /// The number of the subdomain's colour, from 0 to 7.
    pub(super) fn hue(&self, subdomain: &str) -> usize {
        self.subdomains
            .keys()
            .position(|name| *name == subdomain)
            .unwrap_or(0)
            % 8
    }
}

/// The subdomain that an event is listed under.
pub(super) fn subdomain_of(event: &EventDefinition) -> &str {
    event
        .subdomain()
        .filter(|name| !name.is_empty())
        .unwrap_or(NOWHERE)
}

/// What people call an event: its title, or else subject and action, or else its type.
pub(super) fn title(event: &EventDefinition) -> String {
    match (&event.title, event.subject_and_action()) {
        (Some(title), _) => title.clone(),
        (None, Some((subject, action))) => {
            let words = format!("{subject} {action}").replace(['.', '_'], " ");
            let mut letters = words.chars();
            let first = letters.next().map(|first| first.to_uppercase().to_string());
            format!("{}{}", first.unwrap_or_default(), letters.as_str())
        }
        (None, None) => event.event_type.clone(),
    }
}

/// `1.0`: the major and the minor version; `minor 0` of a type that names no major.
pub(super) fn version(event: &EventDefinition) -> String {
    match event.major() {
        Some(major) => format!("{major}.{}", event.minorversion),
        None => format!("minor {}", event.minorversion),
    }
}

/// `1 event`, `12 events`.
pub(super) fn counted(n: usize, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}
