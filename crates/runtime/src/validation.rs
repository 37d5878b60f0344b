//! Events held to the catalog: when they are published, and when they are received.

use std::sync::Arc;

use serde_json::Value;
use tidings_event::profile::{Mode, Violation};
use tidings_event::{Data, Definition, Definitions, Event};

/// The type is in no catalog.
const UNKNOWN_TYPE: &str = "catalog-unknown-type";
/// Another service owns the type.
const OWNER: &str = "catalog-owner";
/// The minor version is newer than the definition.
const MINORVERSION: &str = "catalog-minorversion";
/// The topic that was named is not one of the definition.
const TOPIC: &str = "catalog-topic";
/// The key that was given is not the one in the payload.
const KEY: &str = "catalog-key";
/// The payload has not its schema.
const PAYLOAD: &str = "catalog-payload";
/// The payload of the major version before cannot be made, or has not its schema.
const MAPPING: &str = "catalog-mapping";
/// The event is older than what a consumer has declared to need.
const CONTRACT: &str = "catalog-contract";

/// What keeps a service from publishing an event, as the catalog has it: an unknown type, another
/// owner, a minor version that is too new, another key, a payload without its schema, an earlier
/// major version that cannot be made of it. Nothing, if it may be published. Without a service its
/// ownership is not looked at; payloads are never part of what is said.
///
/// # Example
/// ```
/// use tidings_event::{Event, NoDefinitions};
///
/// let event = Event::builder("org.example.catalog.course.created.v1")
///     .source("/example/catalog/web")
///     .build()?;
/// let violations = tidings_runtime::catalog_violations(&NoDefinitions, None, &event);
/// assert_eq!(violations[0].code, "catalog-unknown-type");
/// # Ok::<(), tidings_event::Invalid>(())
/// ```
pub fn catalog_violations(
    definitions: &dyn Definitions,
    service: Option<&str>,
    event: &Event,
) -> Vec<Violation> {
    let validation = Validation {
        definitions,
        mode: Mode::Enforce,
        service,
    };
    let by_hand = ByHand {
        topic: None,
        key: event.partition_key().map(Into::into),
    };
    let mut examined = validation.examine(event, &by_hand);
    let mut violations = std::mem::take(&mut examined.violations);
    let mut newest = None;
    // What is wrong already is not told once more of what is made of it.
    while violations.is_empty() {
        match validation.earlier(newest.as_ref().unwrap_or(event), &mut examined) {
            None => break,
            Some(Err(violation)) => violations.push(violation),
            Some(Ok((earlier, found))) => {
                (newest, examined) = (Some(earlier), found);
                violations.append(&mut examined.violations);
            }
        }
    }
    violations
}

/// What events are held to where there is a catalog: the stable code of each rule, and the rule.
pub const CATALOG_RULES: &[(&str, &str)] = &[
    (UNKNOWN_TYPE, "the catalog has the type of the event"),
    (
        OWNER,
        "the service that publishes is the owner of the type, if it says which service it is; \
         `source` is not read",
    ),
    (
        MINORVERSION,
        "the minor version of the event is not above that of the definition",
    ),
    (
        TOPIC,
        "a topic that is named by hand is one of those of the definition, if it has any",
    ),
    (
        KEY,
        "a key that is given by hand is the one that the payload has where the definition says",
    ),
    (
        PAYLOAD,
        "the payload has the schema of the definition; the place is told, the value never",
    ),
    (
        MAPPING,
        "what `to_previous` makes of the payload has the schema of the major version before; else \
         neither version leaves",
    ),
    (
        CONTRACT,
        "an event that a consumer receives is not below the minor version that its contract asks for",
    ),
];

/// Holds events to their definitions. Payloads are never part of what it says.
#[derive(Clone, Copy)]
pub(crate) struct Validation<'a> {
    pub(crate) definitions: &'a dyn Definitions,
    pub(crate) mode: Mode,
    /// The service that publishes or consumes, if it is known.
    pub(crate) service: Option<&'a str>,
}

/// What its caller says of an event instead of leaving it to the definition.
#[derive(Default)]
pub(crate) struct ByHand<'a> {
    /// The topic.
    pub(crate) topic: Option<&'a str>,
    /// The key.
    pub(crate) key: Option<Box<str>>,
}

/// What was found out about an event that is to be published.
#[derive(Default)]
pub(crate) struct Examined {
    pub(crate) definition: Option<Arc<Definition>>,
    pub(crate) violations: Vec<Violation>,
    /// The payload, if it had to be parsed.
    payload: Option<Value>,
}

impl Validation<'_> {
    /// Holds an event against the definition of its type, before it is published.
    pub(crate) fn examine(&self, event: &Event, by_hand: &ByHand<'_>) -> Examined {
        let Some(definition) = definition(self.definitions, event) else {
            let violations = match self.mode {
                Mode::Off => Vec::new(),
                _ => vec![self.unknown_type(event)],
            };
            return Examined {
                violations,
                ..Examined::default()
            };
        };
        let mut examined = Examined::default();
        if self.mode != Mode::Off {
            examined.violations.extend(self.ownership(&definition));
            examined.violations.extend(minorversion(event, &definition));
            examined.violations.extend(by_hand.topic(&definition));
            examined.violations.extend(by_hand.key(event, &definition));
            examined.hold_payload(event, &definition);
        }
        examined.definition = Some(definition);
        examined
    }

    /// What the same occurrence is in the major version before, if the catalog asks for it; and
    /// what is wrong with that.
    pub(crate) fn earlier(
        &self,
        event: &Event,
        examined: &mut Examined,
    ) -> Option<Result<(Event, Examined), Violation>> {
        let definition = examined.definition.as_deref()?;
        let previous = definition.previous.as_deref()?;
        let previous = self.definitions.definition(previous, None)?;
        let rules = definition.payload.as_ref()?;
        if examined.payload.is_none() {
            examined.payload = Some(parse(event).ok()?);
        }
        let remedy = || {
            format!(
                "mend `to_previous` in the definition of {}: `tidings catalog lint` tries it on \
                 the examples",
                definition.event_type
            )
        };
        let mapped = match rules.to_previous(examined.payload.as_ref()?) {
            Ok(mapped) => mapped,
            Err(mismatch) => {
                let rule = format!(
                    "cannot be mapped to {}: {}",
                    previous.event_type, mismatch.message
                );
                let attribute = format!("data{}", mismatch.pointer);
                return Some(Err(Violation::of(MAPPING, attribute, rule, remedy())));
            }
        };
        let told = match event.in_major(&previous, &mapped) {
            Ok(told) => told,
            Err(invalid) => {
                let rule = format!("cannot be told as {}: {invalid}", previous.event_type);
                return Some(Err(Violation::of(MAPPING, "data", rule, remedy())));
            }
        };
        let mut found = Examined::default();
        if let (Some(rules), false) = (&previous.payload, self.mode == Mode::Off) {
            let mismatches = rules.check(&mapped).into_iter();
            found.violations.extend(mismatches.map(|mismatch| {
                let rule = format!(
                    "mapped to {} does not fit its schema: {}",
                    previous.event_type, mismatch.message
                );
                Violation::of(MAPPING, format!("data{}", mismatch.pointer), rule, remedy())
            }));
        }
        found.payload = Some(mapped);
        found.definition = Some(previous);
        Some(Ok((told, found)))
    }

    /// Holds a received event against the definition of its type and the contract of this service.
    /// Types that are in no catalog are not this consumer's mistake, and neither is what a newer
    /// minor version adds: both pass.
    pub(crate) fn received(&self, event: &Event) -> Vec<Violation> {
        let Some(definition) = definition(self.definitions, event) else {
            return Vec::new();
        };
        let mut examined = Examined::default();
        let contract = self.contract(event, &definition);
        examined.violations.extend(contract);
        if event.minorversion().unwrap_or(0) <= definition.minorversion {
            examined.hold_payload(event, &definition);
        }
        examined.violations
    }

    fn unknown_type(&self, event: &Event) -> Violation {
        let event_type = event.event_type();
        let define = "define it: `tidings catalog new` writes the file";
        let remedy = match self.definitions.nearest(event_type) {
            Some(nearest) => format!("did you mean {nearest}? Or {define}"),
            None => define.to_owned(),
        };
        Violation::of(UNKNOWN_TYPE, "type", "is in no catalog", remedy).with_value(event_type)
    }

    fn ownership(&self, definition: &Definition) -> Option<Violation> {
        let (owner, service) = (definition.owner.as_deref()?, self.service?);
        if owner == service {
            return None;
        }
        let rule = format!("is emitted by `{owner}` alone, and this service is `{service}`");
        let remedy = "emit an event of your own, or hand the ownership over in the definition";
        let violation = Violation::of(OWNER, "type", rule, remedy);
        Some(violation.with_value(&definition.event_type))
    }

    fn contract(&self, event: &Event, definition: &Definition) -> Option<Violation> {
        let service = self.service?;
        let mut contracts = definition.contracts.iter();
        let needed = contracts.find(|c| *c.service == *service)?.minorversion;
        let stated = event.minorversion().unwrap_or(0);
        if stated >= needed {
            return None;
        }
        let rule = format!("is below {needed}, which the contract of `{service}` asks for");
        let remedy = "roll the producer out before this consumer, or ask for less";
        let violation = Violation::of(CONTRACT, "minorversion", rule, remedy);
        Some(violation.with_value(&stated.to_string()))
    }
}

impl ByHand<'_> {
    fn topic(&self, definition: &Definition) -> Option<Violation> {
        let (topic, topics) = (self.topic?, &definition.topics);
        if topics.is_empty() || topics.iter().any(|known| **known == *topic) {
            return None;
        }
        let rule = format!(
            "is none of those that the definition names: `{}`",
            topics.join("`, `")
        );
        let remedy = "leave the topic away, or write it under `topics` in the definition";
        Some(Violation::of(TOPIC, "topic", rule, remedy).with_value(topic))
    }

    /// Events of one entity stay in order only where all of them have its key. The key itself may be
    /// somebody's name, and is not told.
    fn key(&self, event: &Event, definition: &Definition) -> Option<Violation> {
        let (given, path) = (self.key.as_deref()?, definition.key_path.as_ref()?);
        // A payload without a key says nothing against the one that was given.
        if path.key_of(event).ok().is_none_or(|key| key == given) {
            return None;
        }
        let rule =
            format!("is not what the payload has at `{path}`, where the definition finds the key");
        let remedy = "leave the key away: it is taken from there";
        Some(Violation::of(KEY, "partitionkey", rule, remedy))
    }
}

impl Examined {
    fn hold_payload(&mut self, event: &Event, definition: &Definition) {
        let Some(rules) = &definition.payload else {
            return;
        };
        let payload = match parse(event) {
            Ok(payload) => payload,
            Err(problem) => {
                let remedy = "publish what the definition describes";
                self.violations
                    .push(Violation::of(PAYLOAD, "data", problem, remedy));
                return;
            }
        };
        for mismatch in rules.check(&payload) {
            let rule = format!("does not fit its schema: {}", mismatch.message);
            let remedy = format!(
                "mend the payload; `tidings catalog show {}` shows its fields",
                definition.event_type
            );
            let attribute = format!("data{}", mismatch.pointer);
            self.violations
                .push(Violation::of(PAYLOAD, attribute, rule, remedy));
        }
        self.payload = Some(payload);
    }
}

/// The definition of the version that an event states, or else the newest.
fn definition(definitions: &dyn Definitions, event: &Event) -> Option<Arc<Definition>> {
    let (event_type, minor) = (event.event_type(), event.minorversion());
    let exact = minor.and_then(|minor| definitions.definition(event_type, Some(minor)));
    exact.or_else(|| definitions.definition(event_type, None))
}

fn minorversion(event: &Event, definition: &Definition) -> Option<Violation> {
    let stated = event.minorversion()?;
    if stated <= definition.minorversion {
        return None;
    }
    let rule = format!(
        "is newer than the definition, which is {}",
        definition.minorversion
    );
    let remedy = "raise `minorversion` in the definition, and roll it out before the producer";
    let violation = Violation::of(MINORVERSION, "minorversion", rule, remedy);
    Some(violation.with_value(&stated.to_string()))
}

fn parse(event: &Event) -> Result<Value, &'static str> {
    match event.data() {
        Some(Data::Json(json)) => serde_json::from_str(json.as_str())
            .map_err(|_| "holds a number or a nesting that no validator takes"),
        Some(_) => Err("is not JSON, and its definition describes JSON"),
        None => Err("is missing, and its definition describes it"),
    }
}
