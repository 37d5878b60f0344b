//! From Avro bytes to JSON.

use std::collections::HashSet;

use super::error::{Error, ErrorKind, Result};
use super::schema::{Node, NodeId, Schema};
use super::{MAX_DEPTH, max_output};

/// Decodes one value that fills `bytes` completely, and writes it as JSON without white space.
///
/// # Errors
/// [`Truncated`](ErrorKind::Truncated), [`TrailingBytes`](ErrorKind::TrailingBytes) and
/// [`Invalid`](ErrorKind::Invalid) when these bytes were not written with this schema;
/// [`OutOfRange`](ErrorKind::OutOfRange) for NaN and infinities, which JSON cannot express;
/// [`TooDeep`](ErrorKind::TooDeep) and [`TooLarge`](ErrorKind::TooLarge).
///
/// # Example
/// ```
/// use tidings_event::avro::{Schema, decode_to_json};
///
/// let schema = Schema::parse(r#"{"type": "record", "name": "Grade", "fields": [
///     {"name": "percent", "type": "long"},
///     {"name": "letter", "type": ["null", "string"], "default": null}]}"#)?;
/// let json = decode_to_json(&schema, &[0x96, 0x01, 0x02, 0x02, b'B'])?;
/// assert_eq!(json, br#"{"percent":75,"letter":"B"}"#);
/// # Ok::<(), tidings_event::avro::Error>(())
/// ```
pub fn decode_to_json(schema: &Schema, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut decoder = Decoder {
        schema,
        rest: bytes,
        out: Vec::with_capacity(bytes.len().saturating_mul(2).min(64 * 1024)),
        max: max_output(bytes.len()),
    };
    decoder.value(schema.root(), 0)?;
    if decoder.rest.is_empty() {
        Ok(decoder.out)
    } else {
        Err(Error::new(
            ErrorKind::TrailingBytes,
            format!(
                "{} of {} bytes are left after the last field: \
                 they were written with another schema than {}",
                decoder.rest.len(),
                bytes.len(),
                schema.fingerprint()
            ),
        ))
    }
}

struct Decoder<'a> {
    schema: &'a Schema,
    rest: &'a [u8],
    out: Vec<u8>,
    max: usize,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, id: NodeId, depth: usize) -> Result<()> {
        let schema = self.schema;
        match schema.node(id) {
            Node::Null => self.out.extend_from_slice(b"null"),
            Node::Boolean => {
                let text: &[u8] = match self.take(1)?[0] {
                    0 => b"false",
                    1 => b"true",
                    _ => return Err(invalid("a boolean byte that is neither 0 nor 1")),
                };
                self.out.extend_from_slice(text);
            }
            Node::Int => {
                let value = i32::try_from(self.long()?)
                    .map_err(|_| invalid("an int that does not fit 32 bits"))?;
                self.print(&value);
            }
            Node::Long => {
                let value = self.long()?;
                self.print(&value);
            }
            Node::Float => {
                let value = f32::from_le_bytes(self.array()?);
                finite(f64::from(value))?;
                self.print(&value);
            }
            Node::Double => {
                let value = f64::from_le_bytes(self.array()?);
                finite(value)?;
                self.print(&value);
            }
            Node::Bytes => {
                let bytes = self.prefixed()?;
                self.latin1(bytes);
            }
            Node::String => {
                let text = self.text()?;
                self.print(text);
            }
            Node::Fixed(fixed) => {
                let bytes = self.take(fixed.size)?;
                self.latin1(bytes);
            }
            Node::Enum(symbols) => {
                let index = self.long()?;
                let symbol = usize::try_from(index)
                    .ok()
                    .and_then(|index| symbols.symbols.get(index))
                    .ok_or_else(|| invalid("a symbol number that the enum does not have"))?;
                self.print(symbol);
            }
            Node::Union(branches) => {
                let index = self.long()?;
                let branch = usize::try_from(index)
                    .ok()
                    .and_then(|index| branches.get(index))
                    .ok_or_else(|| invalid("a branch number that the union does not have"))?;
                // Unions never hold unions, so this adds one frame and no depth.
                return self.value(*branch, depth);
            }
            Node::Record(record) => {
                let depth = deeper(depth)?;
                self.out.push(b'{');
                for (index, field) in record.fields.iter().enumerate() {
                    if index > 0 {
                        self.out.push(b',');
                    }
                    // Names never need an escape: the parser saw to it.
                    self.out.push(b'"');
                    self.out.extend_from_slice(field.name.as_bytes());
                    self.out.extend_from_slice(b"\":");
                    self.value(field.node, depth)
                        .map_err(|e| e.in_field(&field.name))?;
                }
                self.out.push(b'}');
            }
            Node::Array(items) => {
                let depth = deeper(depth)?;
                self.out.push(b'[');
                let mut index = 0;
                self.blocks(|decoder| {
                    if index > 0 {
                        decoder.out.push(b',');
                    }
                    decoder.value(*items, depth).map_err(|e| e.in_item(index))?;
                    index += 1;
                    Ok(())
                })?;
                self.out.push(b']');
            }
            Node::Map(values) => {
                let depth = deeper(depth)?;
                self.out.push(b'{');
                let mut keys = HashSet::new();
                self.blocks(|decoder| {
                    let key = decoder.text()?;
                    if !keys.insert(key) {
                        return Err(invalid("a map with the same key twice"));
                    }
                    if keys.len() > 1 {
                        decoder.out.push(b',');
                    }
                    decoder.print(key);
                    decoder.out.push(b':');
                    decoder.value(*values, depth).map_err(Error::in_map)
                })?;
                self.out.push(b'}');
            }
        }
        if self.out.len() > self.max {
            return Err(Error::new(
                ErrorKind::TooLarge,
                "the value decodes to JSON out of all proportion to its bytes",
            ));
        }
        Ok(())
    }

    /// Runs `item` for each item of an array or map. Counts are never trusted to reserve
    /// memory: items that take bytes run out of bytes, and those that take none (null, an
    /// empty record) run into the limit of the output, to which each adds.
    fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            // A negative count announces the length of the block, for readers who skip it.
            let end = if count < 0 {
                let length = self.length()?;
                Some(self.rest.len() - length)
            } else {
                None
            };
            for _ in 0..count.unsigned_abs() {
                item(self)?;
            }
            if end.is_some_and(|end| end != self.rest.len()) {
                return Err(invalid("a block that is not as long as it says"));
            }
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or_else(truncated)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk().ok_or_else(truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    /// A zig-zag varint of at most 64 bits.
    fn long(&mut self) -> Result<i64> {
        let mut value = 0_u64;
        for (index, byte) in self.rest.iter().enumerate().take(10) {
            // The tenth byte has room for one bit.
            if index == 9 && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[index + 1..];
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        if self.rest.len() < 10 {
            Err(truncated())
        } else {
            Err(invalid("an integer of more than 64 bits"))
        }
    }

    /// A length that the remaining bytes can hold.
    fn length(&mut self) -> Result<usize> {
        let length = usize::try_from(self.long()?).map_err(|_| invalid("a negative length"))?;
        if length > self.rest.len() {
            return Err(truncated());
        }
        Ok(length)
    }

    fn prefixed(&mut self) -> Result<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }

    fn text(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.prefixed()?).map_err(|_| invalid("a string that is not UTF-8"))
    }

    fn print<T: serde::Serialize + ?Sized>(&mut self, value: &T) {
        // Numbers and strings serialize without error, and a Vec takes every byte.
        let _ = serde_json::to_writer(&mut self.out, value);
    }

    fn latin1(&mut self, bytes: &[u8]) {
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        self.print(&text);
    }
}

fn deeper(depth: usize) -> Result<usize> {
    if depth >= MAX_DEPTH {
        return Err(Error::new(
            ErrorKind::TooDeep,
            format!("values nested more than {MAX_DEPTH} deep are refused"),
        ));
    }
    Ok(depth + 1)
}

fn finite(value: f64) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::OutOfRange,
        "NaN or an infinity, which JSON cannot express",
    ))
}

fn truncated() -> Error {
    Error::new(
        ErrorKind::Truncated,
        "the bytes end here, before the schema does",
    )
}

fn invalid(what: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("{what}: these bytes were not written with this schema"),
    )
}
