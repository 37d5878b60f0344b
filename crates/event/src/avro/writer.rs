//! Avro's primitive encodings.

use std::ops::Range;

/// Appends values in Avro binary (Avro 1.12, "Binary Encoding"): for whoever walks something
/// else than JSON. What a schema asks for, in which order, is the caller's business.
///
/// ```
/// use tidings_event::avro::Writer;
///
/// let mut writer = Writer::default();
/// writer.long(75);
/// writer.prefixed("B".as_bytes());
/// assert_eq!(writer.into_bytes(), [0x96, 0x01, 0x02, b'B']);
/// ```
#[derive(Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// A writer with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            out: Vec::with_capacity(bytes),
        }
    }

    /// A boolean: one byte.
    pub fn boolean(&mut self, value: bool) {
        self.out.push(u8::from(value));
    }

    /// An int or a long: zig-zag, seven bits a byte.
    pub fn long(&mut self, value: i64) {
        let mut rest = (value << 1 ^ value >> 63) as u64;
        while rest > 0x7f {
            self.out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.out.push(rest as u8);
    }

    /// A count of items or the index of a branch: both come from lengths in memory, which fit a
    /// long.
    pub fn count(&mut self, count: usize) {
        self.long(count as i64);
    }

    /// A float: four bytes.
    pub fn float(&mut self, value: f32) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// A double: eight bytes.
    pub fn double(&mut self, value: f64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// Bytes, or the UTF-8 of a string, behind their length.
    pub fn prefixed(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// Bytes as they are: a fixed.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Forgets what was written after so many bytes.
    pub fn truncate(&mut self, bytes: usize) {
        self.out.truncate(bytes);
    }

    /// Makes the byte at `at`, which [`count`](Self::count) wrote for a zero, another count.
    pub(super) fn recount(&mut self, at: usize, count: usize) {
        let mut written = Self::default();
        written.count(count);
        match *written.out {
            [byte] => self.out[at] = byte,
            _ => drop(self.out.splice(at..=at, written.out)),
        }
    }

    /// Puts everything from `start` on in the order of `places`, which are all of it.
    pub(super) fn arrange<'a>(
        &mut self,
        start: usize,
        places: impl Iterator<Item = &'a Range<usize>> + Clone,
    ) {
        let mut end = start;
        let in_order = |place: &Range<usize>| std::mem::replace(&mut end, place.end) == place.start;
        if places.clone().all(in_order) {
            return;
        }
        let written = self.out.split_off(start);
        for place in places {
            self.raw(&written[place.start - start..place.end - start]);
        }
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }
}
