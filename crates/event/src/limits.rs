//! How much a reader takes in.

/// Bounds of a reader, against hostile input.
///
/// OEP-41 allows 65,536 bytes a document; readers are liberal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the whole document, or of a message's headers and body together.
    pub document: usize,
    /// Levels of objects and arrays in a JSON payload.
    pub depth: usize,
}

impl Limits {
    /// 16 MiB.
    pub const DEFAULT_DOCUMENT: usize = 16 * 1024 * 1024;
    /// 128 levels: what `serde_json` reads by default, so what passes here can be parsed.
    pub const DEFAULT_DEPTH: usize = 128;

    /// The same limits with another size, in bytes.
    pub fn with_document(mut self, bytes: usize) -> Self {
        self.document = bytes;
        self
    }

    /// The same limits with another depth, in levels.
    pub fn with_depth(mut self, levels: usize) -> Self {
        self.depth = levels;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document: Self::DEFAULT_DOCUMENT,
            depth: Self::DEFAULT_DEPTH,
        }
    }
}
