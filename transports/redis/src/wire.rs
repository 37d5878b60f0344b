//! Records as fields of a stream entry, and dead letters likewise.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use redis::{Cmd, Value};
use tidings_transport::{
    Body, DeadLetter, Delivery, Error, ErrorKind, Field, Group, Key, Position, Reason, Record,
    Stored, Topic,
};

use crate::entry_id::EntryId;
use crate::error::Failure;
use crate::topics::check_name;
use crate::value::{array, bytes};

/// The field that holds a document in the canonical form.
const DOCUMENT: &str = "ce";
/// The field that holds the key.
const KEY: &str = "key";
/// The largest value that Redis takes unless told otherwise.
const MAX_BYTES: usize = 512 * 1024 * 1024;

/// Writes the `XADD` of a record.
pub(crate) fn add(record: &Record) -> Result<Cmd, Error> {
    check(record)?;
    let (fields, size) = match &record.body {
        Body::Document(document) => (2, document.len()),
        Body::Fields(fields) => (fields.len() + 1, record.body.len()),
    };
    let mut add = Cmd::with_capacity(3 + 2 * fields, size + 64);
    add.arg("XADD").arg(record.topic.as_str()).arg("*");
    match &record.body {
        Body::Document(document) => {
            add.arg(DOCUMENT).arg(&document[..]);
            if let Some(key) = &record.key {
                add.arg(KEY).arg(key.as_str());
            }
        }
        Body::Fields(fields) => {
            for field in fields {
                add.arg(&*field.name).arg(&field.value[..]);
            }
            // Foreign wires carry the key among their fields, or else it follows them.
            if let Some(key) = &record.key
                && !fields.iter().any(|f| &*f.name == KEY)
            {
                add.arg(KEY).arg(key.as_str());
            }
        }
    }
    Ok(add)
}

fn check(record: &Record) -> Result<(), Error> {
    let refuse = |rule: String| Err(Error::new(ErrorKind::Invalid, "publish", rule));
    check_name(&record.topic, "publish")?;
    if let Body::Fields(fields) = &record.body
        && fields.is_empty()
    {
        return refuse("a Redis entry has at least one field; this record has none".into());
    }
    if record.body.len() > MAX_BYTES {
        return refuse(format!(
            "the record has {} bytes; Redis takes at most {MAX_BYTES}",
            record.body.len()
        ));
    }
    Ok(())
}

/// A field of an entry as the server returns it: name and value.
pub(crate) type RawField = (Vec<u8>, Vec<u8>);

/// Fields in order.
pub(crate) fn fields(value: Value) -> Result<Vec<RawField>, Failure> {
    const WHAT: &str = "the fields of an entry";
    let mut words = array(value, WHAT)?.into_iter();
    let mut out = Vec::with_capacity(words.len() / 2);
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        out.push((bytes(name, WHAT)?, bytes(value, WHAT)?));
    }
    Ok(out)
}

/// Reads an entry: with the field `ce` it is ours, anything else is a foreign wire as it is.
pub(crate) fn read(value: Value) -> Result<(Option<Key>, Body), Failure> {
    const WHAT: &str = "the fields of an entry";
    let mut words = array(value, WHAT)?;
    let place = |words: &[Value], name: &str| {
        let mut names = words.iter().step_by(2);
        let at = names.position(|n| matches!(n, Value::BulkString(n) if n == name.as_bytes()));
        at.map(|at| 2 * at + 1).filter(|at| *at < words.len())
    };
    let key = place(&words, KEY).and_then(|at| match &words[at] {
        Value::BulkString(key) => std::str::from_utf8(key).ok().map(Key::new),
        _ => None,
    });
    let body = match place(&words, DOCUMENT) {
        // Taken out of its place: most entries have no other field but the key.
        Some(at) => Body::Document(bytes(words.swap_remove(at), WHAT)?.into()),
        None => Body::Fields(
            fields(Value::Array(words))?
                .into_iter()
                .map(field)
                .collect(),
        ),
    };
    Ok((key, body))
}

fn field((name, value): RawField) -> Field {
    Field {
        // A name that is no text can be told from others, and is rare enough.
        name: Arc::from(String::from_utf8_lossy(&name)),
        value: Bytes::from(value),
    }
}

/// Field names of a dead letter. They stand before the field `body`, which says what kind of body
/// follows it: names in that are free.
mod letter {
    pub(super) const POSITION: &str = "position";
    pub(super) const KEY: &str = "key";
    pub(super) const ATTEMPTS: &str = "attempts";
    pub(super) const CONSUMER: &str = "consumer";
    pub(super) const CLASS: &str = "class";
    pub(super) const MESSAGE: &str = "message";
    pub(super) const FIRST: &str = "first";
    pub(super) const LAST: &str = "last";
    pub(super) const BODY: &str = "body";
    pub(super) const DOCUMENT: &[u8] = b"document";
    pub(super) const FIELDS: &[u8] = b"fields";
}

/// The words of a dead letter, for `XADD`. `key` is the one it is parked under.
pub(crate) fn letter(
    delivery: &Delivery,
    key: Option<&Key>,
    attempts: u32,
    reason: Option<&Reason>,
    consumer: &str,
) -> Vec<Bytes> {
    let (position, body) = (&delivery.position, &delivery.body);
    words(position, key, attempts, &amendment(reason, consumer), body)
}

/// The lane of a letter that is to be handed out once more, as scripts name it.
pub(crate) fn lane(key: Option<&Key>) -> String {
    key.map_or_else(|| "-".to_owned(), |key| format!("k{}", key.as_str()))
}

/// The words of a record that nobody gave up, to be handed out once more.
pub(crate) fn again(record: &Stored) -> Vec<Bytes> {
    let key = record.key.as_ref();
    words(&record.position, key, 0, &[], &record.body)
}

fn words(
    position: &Position,
    key: Option<&Key>,
    attempts: u32,
    more: &[(&'static str, String)],
    body: &Body,
) -> Vec<Bytes> {
    let mut words = Vec::with_capacity(24);
    let mut put = |name: &'static str, value: &[u8]| {
        words.push(Bytes::from_static(name.as_bytes()));
        words.push(Bytes::copy_from_slice(value));
    };
    put(letter::POSITION, position.as_str().as_bytes());
    if let Some(key) = key {
        put(letter::KEY, key.as_str().as_bytes());
    }
    put(letter::ATTEMPTS, attempts.to_string().as_bytes());
    for (name, value) in more {
        put(name, value.as_bytes());
    }
    match body {
        Body::Document(document) => {
            put(letter::BODY, letter::DOCUMENT);
            words.push(Bytes::from_static(DOCUMENT.as_bytes()));
            words.push(document.clone());
        }
        Body::Fields(fields) => {
            put(letter::BODY, letter::FIELDS);
            for field in fields {
                words.push(Bytes::copy_from_slice(field.name.as_bytes()));
                words.push(field.value.clone());
            }
        }
    }
    words
}

/// What a later failure of a released letter changes in it.
pub(crate) fn amendment(reason: Option<&Reason>, consumer: &str) -> Vec<(&'static str, String)> {
    let mut words = vec![(letter::CONSUMER, consumer.to_owned())];
    if let Some(reason) = reason {
        words.push((letter::CLASS, reason.class.clone()));
        words.push((letter::MESSAGE, reason.message.clone()));
        words.push((letter::FIRST, reason.first_failure.to_string()));
        words.push((letter::LAST, reason.last_failure.to_string()));
    }
    words
}

/// The names under which amendments come back, in the order of the script.
pub(crate) const AMENDED: [&str; 6] = [
    letter::ATTEMPTS,
    letter::CLASS,
    letter::MESSAGE,
    letter::FIRST,
    letter::LAST,
    letter::CONSUMER,
];

/// What a letter waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// For nothing: it is dead.
    Not,
    /// For the release of its key, or for its turn then.
    Parked,
    /// For its turn to be handed out once more.
    Redelivering,
}

/// Reads a dead letter back. `amended` replaces what stands in it.
pub(crate) fn read_letter(
    id: EntryId,
    topic: &Topic,
    group: &Group,
    mut fields: Vec<RawField>,
    amended: &[(&str, String)],
    waits: Waits,
) -> Result<DeadLetter, Failure> {
    const STRANGE: Failure = Failure::Strange {
        what: "a dead letter of Tidings",
    };
    let body_at = fields
        .iter()
        .position(|(n, _)| n == letter::BODY.as_bytes());
    let body_at = body_at.ok_or(STRANGE)?;
    let body = fields.split_off(body_at + 1);
    let (_, kind) = fields.pop().ok_or(STRANGE)?;
    let body = match kind.as_slice() {
        letter::DOCUMENT => match body.into_iter().next() {
            Some((_, document)) => Body::Document(document.into()),
            None => return Err(STRANGE),
        },
        letter::FIELDS => Body::Fields(body.into_iter().map(field).collect()),
        _ => return Err(STRANGE),
    };
    let find = |name: &str| {
        let amended = amended.iter().find(|(n, _)| *n == name);
        amended.map(|(_, value)| value.as_str()).or_else(|| {
            let found = fields.iter().find(|(n, _)| n == name.as_bytes());
            std::str::from_utf8(&found?.1).ok()
        })
    };
    let time = |name| find(name).and_then(|t| t.parse::<Timestamp>().ok());
    let reason = find(letter::CLASS).map(|class| Reason {
        class: class.to_owned(),
        message: find(letter::MESSAGE).unwrap_or_default().to_owned(),
        first_failure: time(letter::FIRST).unwrap_or_default(),
        last_failure: time(letter::LAST).unwrap_or_default(),
    });
    let position = find(letter::POSITION).and_then(|p| EntryId::parse(p.as_bytes()));
    Ok(DeadLetter {
        id: id.position(),
        topic: topic.clone(),
        group: group.clone(),
        position: position.ok_or(STRANGE)?.position(),
        key: find(letter::KEY).map(Key::new),
        attempts: find(letter::ATTEMPTS)
            .and_then(|a| a.parse().ok())
            .unwrap_or(0),
        reason,
        consumer: find(letter::CONSUMER).unwrap_or_default().to_owned(),
        parked: waits == Waits::Parked,
        redelivering: waits == Waits::Redelivering,
        body,
    })
}
