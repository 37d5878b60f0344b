//! How records and times stand in the file.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::{Value, ValueRef};
use rusqlite::vtab::array::Array;
use serde::Deserialize;
use tidings_transport::{Body, ErrorKind, Key, Position, Reason, Record};

use crate::error::Fault;

/// The largest document, in bytes: 16 MiB. The profile allows 65,536; this is for what else may
/// pass.
pub(crate) const MAX_DOCUMENT: usize = 16 << 20;

/// The time in microseconds.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

/// A time from the file. What no clock can have written is taken for the epoch.
pub(crate) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

/// A span in microseconds, at most some 290,000 years.
pub(crate) fn micros(span: Duration) -> i64 {
    integer(span.as_micros())
}

/// Prints a position.
pub(crate) fn position(seq: i64) -> Position {
    Position::new(seq.to_string())
}

/// Parses a position.
pub(crate) fn parse(position: &Position) -> Result<i64, Fault> {
    match position.as_str().parse() {
        Ok(seq) if seq >= 0 => Ok(seq),
        _ => Err(Fault::refused(
            ErrorKind::Invalid,
            format!("position {position:?} is not a number such as 42, as this log prints them"),
        )),
    }
}

/// A count for the file.
pub(crate) fn integer(n: impl TryInto<i64>) -> i64 {
    n.try_into().unwrap_or(i64::MAX)
}

/// A count from the file.
pub(crate) fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// The number of a delivery: that of its group in the upper bits, that of its event in the lower
/// 40, which is enough for a trillion events in a topic.
pub(crate) fn delivery(group: i64, seq: i64) -> i64 {
    group << 40 | seq
}

/// Numbers as a table of one column, `rarray(?)`.
pub(crate) fn numbers(list: impl Iterator<Item = i64>) -> Array {
    Rc::new(list.map(Value::Integer).collect())
}

/// A key as the file has it.
pub(crate) fn key(value: ValueRef<'_>) -> Option<Key> {
    match value {
        ValueRef::Text(text) => Some(Key::new(String::from_utf8_lossy(text))),
        _ => None,
    }
}

/// A body as the file has it. A text, which only other programs write, is as good as a blob.
pub(crate) fn body(value: ValueRef<'_>) -> Body {
    let bytes = match value {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => bytes,
        _ => &[],
    };
    Body::Document(bytes::Bytes::copy_from_slice(bytes))
}

/// A reason as the file has it, from four columns on.
pub(crate) fn reason(row: &rusqlite::Row<'_>, from: usize) -> rusqlite::Result<Option<Reason>> {
    let Some(class) = row.get::<_, Option<String>>(from)? else {
        return Ok(None);
    };
    let mut reason = Reason::new(class, row.get::<_, String>(from + 1)?);
    reason.first_failure = timestamp(row.get(from + 2)?);
    reason.last_failure = timestamp(row.get(from + 3)?);
    Ok(Some(reason))
}

/// A record ready to be stored.
pub(crate) struct Row {
    pub key: Option<Key>,
    pub id: Option<String>,
    pub kind: Option<String>,
    pub time: Option<i64>,
    pub document: bytes::Bytes,
}

impl Row {
    /// Takes a record apart.
    ///
    /// # Errors
    /// `Unsupported` for fields, `Invalid` for a document that is too long.
    pub(crate) fn new(record: &Record) -> Result<Self, Fault> {
        let Body::Document(document) = &record.body else {
            return Err(Fault::refused(
                ErrorKind::Unsupported,
                "a SQLite file does not have the capability Fields: it holds CloudEvents JSON \
                 documents only",
            ));
        };
        if document.len() > MAX_DOCUMENT {
            return Err(Fault::refused(
                ErrorKind::Invalid,
                format!(
                    "the document has {} bytes, and a SQLite file takes {MAX_DOCUMENT}",
                    document.len()
                ),
            ));
        }
        let (id, kind, time) = peek(document);
        Ok(Self {
            key: record.key.clone(),
            id,
            kind,
            time,
            document: document.clone(),
        })
    }
}

/// The attributes that have a column. A document that cannot be read has none: it is stored and
/// handed on all the same.
fn peek(document: &[u8]) -> (Option<String>, Option<String>, Option<i64>) {
    #[derive(Deserialize)]
    struct Attributes<'a> {
        #[serde(borrow, default)]
        id: Option<Cow<'a, str>>,
        #[serde(borrow, default, rename = "type")]
        kind: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        time: Option<Cow<'a, str>>,
    }
    let Ok(found) = serde_json::from_slice::<Attributes<'_>>(document) else {
        return (None, None, None);
    };
    let time = found.time.and_then(|t| t.parse::<Timestamp>().ok());
    (
        found.id.map(Cow::into_owned),
        found.kind.map(Cow::into_owned),
        time.map(Timestamp::as_microsecond),
    )
}

#[cfg(test)]
mod tests {
    use super::{parse, peek, position};
    use tidings_transport::Position;

    #[test]
    fn attributes_are_copied_where_they_can_be_read() {
        let document = br#"{"specversion":"1.0","id":"1","type":"a.b","data":{"id":3},
            "time":"2026-11-23T20:57:12.222128+01:00"}"#;
        let time = "2026-11-23T19:57:12.222128Z".parse::<jiff::Timestamp>();
        let micros = time.unwrap().as_microsecond();
        assert_eq!(
            peek(document),
            (Some("1".into()), Some("a.b".into()), Some(micros))
        );
        assert_eq!(peek(br#"{"id":"\u0041"}"#), (Some("A".into()), None, None));
        assert_eq!(peek(b"not json"), (None, None, None));
        assert_eq!(peek(br#"{"id":7}"#), (None, None, None));
        assert_eq!(peek(br#"{"time":"soon"}"#), (None, None, None));
    }

    #[test]
    fn positions_are_numbers() {
        assert_eq!(parse(&position(42)).unwrap(), 42);
        for wrong in ["", "-1", "1-0", "x"] {
            assert!(parse(&Position::new(wrong)).is_err(), "{wrong}");
        }
    }
}
