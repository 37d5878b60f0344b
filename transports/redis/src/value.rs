//! Taking answers of the server apart.

use redis::Value;

use crate::entry_id::EntryId;
use crate::error::Failure;

/// What was expected, for the message when it is not what came.
type What = &'static str;

pub(crate) fn array(value: Value, what: What) -> Result<Vec<Value>, Failure> {
    match value {
        Value::Array(items) | Value::Set(items) => Ok(items),
        Value::Nil => Ok(Vec::new()),
        _ => Err(Failure::Strange { what }),
    }
}

/// An array of exactly so many.
pub(crate) fn tuple<const N: usize>(value: Value, what: What) -> Result<[Value; N], Failure> {
    array(value, what)?
        .try_into()
        .map_err(|_| Failure::Strange { what })
}

pub(crate) fn bytes(value: Value, what: What) -> Result<Vec<u8>, Failure> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        Value::VerbatimString { text, .. } => Ok(text.into_bytes()),
        Value::Okay => Ok(b"OK".to_vec()),
        _ => Err(Failure::Strange { what }),
    }
}

pub(crate) fn text(value: Value, what: What) -> Result<String, Failure> {
    String::from_utf8(bytes(value, what)?).map_err(|_| Failure::Strange { what })
}

/// Text, borrowed.
pub(crate) fn str(value: &Value, what: What) -> Result<&str, Failure> {
    let text = match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text.as_str()),
        Value::Okay => Some("OK"),
        _ => None,
    };
    text.ok_or(Failure::Strange { what })
}

/// `None` for nil; scripts return nil for false.
pub(crate) fn optional(value: Value, what: What) -> Result<Option<String>, Failure> {
    match value {
        Value::Nil => Ok(None),
        value => text(value, what).map(Some),
    }
}

pub(crate) fn number(value: &Value, what: What) -> Result<u64, Failure> {
    let number = match value {
        Value::Int(n) => u64::try_from(*n).ok(),
        Value::BulkString(digits) => std::str::from_utf8(digits)
            .ok()
            .and_then(|d| d.parse().ok()),
        _ => None,
    };
    number.ok_or(Failure::Strange { what })
}

pub(crate) fn id(value: &Value, what: What) -> Result<EntryId, Failure> {
    optional_id(value, what)?.ok_or(Failure::Strange { what })
}

/// `None` for an empty string.
pub(crate) fn optional_id(value: &Value, what: What) -> Result<Option<EntryId>, Failure> {
    match value {
        Value::BulkString(text) if text.is_empty() => Ok(None),
        Value::BulkString(text) => match EntryId::parse(text) {
            Some(id) => Ok(Some(id)),
            None => Err(Failure::Strange { what }),
        },
        Value::Nil => Ok(None),
        _ => Err(Failure::Strange { what }),
    }
}
