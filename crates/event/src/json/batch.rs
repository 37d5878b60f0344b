//! Several events in one JSON array.

use serde_json::value::RawValue;

use super::decode::{checked_text, decode_text};
use super::encode_into;
use crate::{DecodeError, Event, Invalid, Limits};

/// Reads a batch. The limit on the document is one for the whole batch.
///
/// # Errors
/// [`DecodeError::InBatch`] with the first event that is wrong; for a batch whose good events
/// should go on, use [`split_batch`].
pub fn decode_batch(document: &[u8], limits: &Limits) -> Result<Vec<Event>, DecodeError> {
    let documents = split_batch(document, limits)?;
    let events = documents.into_iter().enumerate().map(|(index, document)| {
        decode_text(document.into(), limits).map_err(|source| DecodeError::InBatch {
            index,
            source: Box::new(source),
        })
    });
    events.collect()
}

/// Takes a batch apart into its documents, byte for byte, without judging them.
///
/// # Errors
/// [`DecodeError`] if the whole is too large or is not a JSON array.
///
/// # Example
/// ```
/// use tidings_event::{Limits, json};
///
/// let documents = json::split_batch(br#"[{"id": "1"}, 2]"#, &Limits::default())?;
/// assert_eq!(documents, [r#"{"id": "1"}"#, "2"]);
/// # Ok::<(), tidings_event::DecodeError>(())
/// ```
pub fn split_batch<'a>(document: &'a [u8], limits: &Limits) -> Result<Vec<&'a str>, DecodeError> {
    let text = checked_text(document, limits)?;
    let first = text.trim_ascii_start().as_bytes().first();
    if first.is_some_and(|b| *b != b'[') {
        let remedy = "send a JSON array of CloudEvents JSON objects";
        return Err(Invalid::new("document", "must be a JSON array", remedy).into());
    }
    let documents: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|e| DecodeError::from_json(&e))?;
    Ok(documents.into_iter().map(RawValue::get).collect())
}

/// Writes a batch.
pub fn encode_batch<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<u8> {
    let mut document = vec![b'['];
    for (index, event) in events.into_iter().enumerate() {
        if index > 0 {
            document.push(b',');
        }
        encode_into(event, &mut document);
    }
    document.push(b']');
    document
}
