//! What a message consists of.

use std::fmt;

use bytes::Bytes;

/// A message, but for the topic. `Debug` shows names and sizes only.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The event's `partitionkey` in UTF-8.
    pub key: Option<Bytes>,
    /// Names and values in UTF-8, without any escapes.
    pub headers: Vec<(String, Bytes)>,
    /// `None` for an event without payload in the binary mode: on a compacted topic that is a
    /// tombstone.
    pub value: Option<Bytes>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        let size = |bytes: &Option<Bytes>| bytes.as_ref().map(Bytes::len);
        f.debug_struct("Message")
            .field("key_bytes", &size(&self.key))
            .field("headers", &names)
            .field("value_bytes", &size(&self.value))
            .finish()
    }
}

/// How a message carries its event (section 1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Attributes in headers, payload in the value.
    Binary,
    /// The JSON document in the value.
    Structured,
}
