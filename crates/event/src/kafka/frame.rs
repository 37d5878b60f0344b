//! The frame in which clients of a schema registry put Avro: a zero byte, the id of the writer's
//! schema as four bytes (big-endian), the Avro.
//!
//! Any registry with Confluent's API gives out such ids; `edx-event-bus-kafka` writes keys and
//! values so.

use std::borrow::Cow;

use crate::attribute::{escaped, is_permitted};

/// Bytes before the Avro.
pub const LEN: usize = 5;

/// Puts Avro into a frame.
///
/// ```
/// use tidings_event::kafka::frame;
///
/// let framed = frame::wrap(258, &[2, b'a']);
/// assert_eq!(framed, [0, 0, 0, 1, 2, 2, b'a']);
/// assert_eq!(frame::open(&framed), Some((258, &[2, b'a'][..])));
/// assert_eq!(frame::open(b"text"), None);
/// ```
pub fn wrap(schema: u32, avro: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(LEN + avro.len());
    framed.push(0);
    framed.extend_from_slice(&schema.to_be_bytes());
    framed.extend_from_slice(avro);
    framed
}

/// The id of the schema and the Avro; `None` for bytes that are in no frame.
pub fn open(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, avro) = bytes.split_at_checked(LEN)?;
    let (magic, id) = head.split_first()?;
    (*magic == 0).then(|| (u32::from_be_bytes([id[0], id[1], id[2], id[3]]), avro))
}

/// The text of a message's key: UTF-8 as it is, or the Avro string in a frame. `None` for keys
/// that are no text, and for an empty string in a frame.
///
/// What an attribute may not hold (control characters, noncharacters) is escaped in a string in a
/// frame, as a [`KeyPath`](crate::KeyPath) does it, so that the key of an event is one everywhere.
///
/// No schema is looked at: what begins with a zero byte and whose length says exactly where it
/// ends is an Avro string in a frame, and everything else that so begins is none.
///
/// ```
/// use tidings_event::kafka::frame;
///
/// assert_eq!(frame::key_text(b"edX+DemoX").as_deref(), Some("edX+DemoX"));
/// assert_eq!(frame::key_text(b"\0\0\0\0\x01\x0aalice").as_deref(), Some("alice"));
/// assert_eq!(frame::key_text(b"\0\0\0\0\x01\x04a\n").as_deref(), Some("a%0A"));
/// assert_eq!(frame::key_text(b"\0\0\0\0\x01\x0aali"), None);
/// ```
pub fn key_text(key: &[u8]) -> Option<Cow<'_, str>> {
    if key.first() != Some(&0) {
        return std::str::from_utf8(key).ok().map(Cow::Borrowed);
    }
    let (_, avro) = open(key)?;
    let (length, text) = zigzag(avro)?;
    let text = std::str::from_utf8(text).ok()?;
    (length == text.len() && length > 0).then(|| match is_permitted(text) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(escaped(text.to_owned())),
    })
}

/// The Avro of a string.
pub fn string(text: &str) -> Vec<u8> {
    let mut rest = (text.len() as u64) << 1;
    let mut avro = Vec::with_capacity(text.len() + 2);
    while rest >= 0x80 {
        avro.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    avro.push(rest as u8);
    avro.extend_from_slice(text.as_bytes());
    avro
}

/// A length, and what follows it.
fn zigzag(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (place, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            let length = (value & 1 == 0).then_some(value >> 1)?;
            return Some((usize::try_from(length).ok()?, &bytes[place + 1..]));
        }
    }
    None
}
