//! The members of a JSON object that should be an event.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The members, borrowed from the document. Nothing is judged here but that no name comes
/// twice, so that all errors can be ours, typed and without values.
#[derive(Default)]
pub(super) struct Envelope<'a> {
    pub(super) specversion: Slot<'a>,
    pub(super) id: Slot<'a>,
    pub(super) source: Slot<'a>,
    pub(super) event_type: Slot<'a>,
    pub(super) subject: Slot<'a>,
    pub(super) time: Slot<'a>,
    pub(super) datacontenttype: Slot<'a>,
    pub(super) dataschema: Slot<'a>,
    pub(super) data: Option<&'a RawValue>,
    pub(super) data_base64: Slot<'a>,
    pub(super) extensions: Vec<(Cow<'a, str>, &'a RawValue)>,
    /// The first name that came twice.
    pub(super) duplicate: Option<Cow<'a, str>>,
}

/// A member that should be a string.
#[derive(Default)]
pub(super) enum Slot<'a> {
    #[default]
    Absent,
    Null,
    Text(Cow<'a, str>),
    /// A number, a boolean, an array or an object.
    Other,
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(Text(name)) = map.next_key()? {
            let slot = match &*name {
                "specversion" => &mut envelope.specversion,
                "id" => &mut envelope.id,
                "source" => &mut envelope.source,
                "type" => &mut envelope.event_type,
                "subject" => &mut envelope.subject,
                "time" => &mut envelope.time,
                "datacontenttype" => &mut envelope.datacontenttype,
                "dataschema" => &mut envelope.dataschema,
                "data_base64" => &mut envelope.data_base64,
                "data" => {
                    if envelope.data.replace(map.next_value()?).is_some() {
                        envelope.duplicate.get_or_insert(name);
                    }
                    continue;
                }
                _ => {
                    let value = map.next_value()?;
                    envelope.extensions.push((name, value));
                    continue;
                }
            };
            let before = std::mem::replace(slot, map.next_value()?);
            if !matches!(before, Slot::Absent) {
                envelope.duplicate.get_or_insert(name);
            }
        }
        envelope.find_duplicate_extension();
        Ok(envelope)
    }
}

impl Envelope<'_> {
    fn find_duplicate_extension(&mut self) {
        // A handful of names is compared fastest one by one; thousands would take quadratic time.
        const FEW: usize = 16;
        let extensions = &self.extensions;
        let duplicate = if extensions.len() <= FEW {
            let mut names = extensions.iter().enumerate();
            names.find(|(at, (name, _))| extensions[..*at].iter().any(|(other, _)| other == name))
        } else {
            let mut seen = HashSet::with_capacity(extensions.len());
            let mut names = extensions.iter().enumerate();
            names.find(|(_, (name, _))| !seen.insert(&**name))
        };
        if let Some((_, (name, _))) = duplicate {
            self.duplicate.get_or_insert(name.clone());
        }
    }
}

/// A string, borrowed unless it has escapes.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

impl<'de> Deserialize<'de> for Slot<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SlotVisitor)
    }
}

struct SlotVisitor;

impl<'de> Visitor<'de> for SlotVisitor {
    type Value = Slot<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Slot<'de>, E> {
        Ok(Slot::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Slot<'de>, E> {
        Ok(Slot::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Slot<'de>, E> {
        Ok(Slot::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Slot<'de>, E> {
        Ok(Slot::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Slot<'de>, E> {
        Ok(Slot::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Slot<'de>, E> {
        Ok(Slot::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Slot<'de>, E> {
        Ok(Slot::Other)
    }

    // serde_json skips what `IgnoredAny` takes without recursion, so depth does no harm here.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Slot<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Slot::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Slot<'de>, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Slot::Other)
    }
}
