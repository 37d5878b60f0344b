//! From JSON to Avro bytes.

use std::collections::HashSet;
use std::ops::Range;

use super::decode::decode_to_json;
use super::error::{Error, ErrorKind, Result};
use super::object::{Json, Kind};
use super::reader::Reader;
use super::scalar::{expect, integer, is_integer, latin1, number, out_of_range};
use super::schema::{Field, Node, NodeId, Record, Schema};
use super::{MAX_DEPTH, Writer, max_output};

/// Encodes a JSON text as one value of the schema.
///
/// Fields may come in any order; one that is missing is taken from its default. What the
/// Python package writes for the same record is byte for byte the same.
///
/// # Errors
/// Where several things are wrong, the first in the text is told, and what is missing after the
/// rest of its object; but text that is not JSON at all is that before anything else.
/// [`Json`](ErrorKind::Json) if the text is not JSON in UTF-8;
/// [`UnknownField`](ErrorKind::UnknownField), [`MissingField`](ErrorKind::MissingField),
/// [`WrongType`](ErrorKind::WrongType) and [`OutOfRange`](ErrorKind::OutOfRange) with the path
/// of the field; [`TooDeep`](ErrorKind::TooDeep) and [`TooLarge`](ErrorKind::TooLarge).
///
/// # Example
/// ```
/// use tidings_event::avro::{ErrorKind, Schema, encode_from_json};
///
/// let schema = Schema::parse(r#"{"type": "record", "name": "Grade", "fields": [
///     {"name": "percent", "type": "long"},
///     {"name": "letter", "type": ["null", "string"], "default": null}]}"#)?;
/// assert_eq!(encode_from_json(&schema, br#"{"percent": 75}"#)?, [0x96, 0x01, 0x00]);
///
/// let error = encode_from_json(&schema, br#"{"percent": 75, "leter": "B"}"#).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::UnknownField);
/// assert_eq!(error.path(), "leter");
/// # Ok::<(), tidings_event::avro::Error>(())
/// ```
pub fn encode_from_json(schema: &Schema, json: &[u8]) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(json)
        .map_err(|_| Error::new(ErrorKind::Json, "JSON is UTF-8, and this is not"))?;
    let mut encoder = Encoder {
        schema,
        out: Writer::with_capacity(json.len().min(64 * 1024)),
        max: max_output(json.len()),
        steps: max_output(json.len()),
        places: Vec::new(),
        defaults: false,
    };
    let mut reader = Reader::new(text);
    let read = encoder.value(schema.root(), &mut reader, 0);
    if let Err(error) = read.and_then(|()| reader.end()) {
        // The walk ended at the first thing that does not fit; what is no JSON further on is none.
        Json::new(text)?;
        return Err(error);
    }
    let bytes = encoder.out.into_bytes();
    // Readers refuse what is out of all proportion: nobody should write what nobody reads. Text that
    // says everything itself cannot be, unless its values take next to no bytes.
    if encoder.defaults || json.len().saturating_mul(PRINTED) > max_output(bytes.len()) {
        decode_to_json(schema, &bytes)?;
    }
    Ok(bytes)
}

/// By how much text may grow when a reader prints the same values its own way: a character becomes
/// an escape of six, a float the digits of a double.
const PRINTED: usize = 8;

struct Encoder<'a> {
    schema: &'a Schema,
    out: Writer,
    max: usize,
    /// What is left of the work allowed. Defaults that hold defaults, and unions of records
    /// that are tried one after the other, could otherwise cost exponentially more than the
    /// text is long.
    steps: usize,
    /// Where the values of fields begin and end in `out`, for every record that is under way: the
    /// innermost has the last ones, in the schema's order.
    places: Vec<Option<Range<usize>>>,
    /// A field was taken from its default, so that more was written than the text says.
    defaults: bool,
}

impl Encoder<'_> {
    fn value(&mut self, id: NodeId, json: &mut Reader<'_>, depth: usize) -> Result<()> {
        self.work(1)?;
        let schema = self.schema;
        match schema.node(id) {
            Node::Null => {
                expect(json, Kind::Null, "null")?;
                json.null()?;
            }
            Node::Boolean => {
                expect(json, Kind::Boolean, "a boolean")?;
                self.out.boolean(json.boolean()?);
            }
            Node::Int => {
                let value = integer(json, "an int (32 bits)")?;
                let value = i32::try_from(value).map_err(|_| out_of_range("an int (32 bits)"))?;
                self.out.long(value.into());
            }
            Node::Long => {
                let value = integer(json, "a long (64 bits)")?;
                self.out.long(value);
            }
            Node::Float => {
                let value: f32 = number(json, "a float")?;
                if !value.is_finite() {
                    return Err(out_of_range("a float"));
                }
                self.out.float(value);
            }
            Node::Double => {
                let value: f64 = number(json, "a double")?;
                if !value.is_finite() {
                    return Err(out_of_range("a double"));
                }
                self.out.double(value);
            }
            Node::Bytes => {
                let bytes = latin1(json, "bytes")?;
                self.out.prefixed(&bytes);
            }
            Node::String => {
                expect(json, Kind::String, "a string")?;
                self.out.prefixed(json.string()?.as_bytes());
            }
            Node::Fixed(fixed) => {
                let bytes = latin1(json, "fixed bytes")?;
                if bytes.len() != fixed.size {
                    return Err(Error::new(
                        ErrorKind::OutOfRange,
                        format!("wants {} bytes, got {}", fixed.size, bytes.len()),
                    ));
                }
                self.out.raw(&bytes);
            }
            Node::Enum(symbols) => {
                expect(json, Kind::String, "a symbol")?;
                let index = symbols.index.get(&*json.string()?).ok_or_else(|| {
                    Error::new(
                        ErrorKind::OutOfRange,
                        format!("not one of the symbols of `{}`", symbols.name),
                    )
                })?;
                self.out.count(*index);
            }
            Node::Union(branches) => self.union(branches, json, depth)?,
            Node::Record(record) => {
                expect(json, Kind::Object, "an object")?;
                self.record(record, json, deeper(depth)?)?;
            }
            Node::Array(of) => {
                expect(json, Kind::Array, "an array")?;
                let depth = deeper(depth)?;
                self.block(|encoder| {
                    json.array(|json, index| {
                        let item = encoder.value(*of, json, depth);
                        item.map_err(|e| e.in_item(index))
                    })
                })?;
            }
            Node::Map(of) => {
                expect(json, Kind::Object, "an object")?;
                let depth = deeper(depth)?;
                let mut seen = HashSet::new();
                self.block(|encoder| {
                    json.object(|json, key| {
                        encoder.out.prefixed(key.as_bytes());
                        if !seen.insert(key) {
                            return Err(twice().in_map());
                        }
                        encoder.value(*of, json, depth).map_err(Error::in_map)
                    })
                })?;
            }
        }
        if self.out.len() > self.max {
            return Err(too_large());
        }
        Ok(())
    }

    /// Writes what `items` writes and counts as one block and the end, as the Python package does.
    fn block(&mut self, items: impl FnOnce(&mut Self) -> Result<usize>) -> Result<()> {
        let start = self.out.len();
        // The end, or room for the count that is not known yet.
        self.out.count(0);
        let count = items(self)?;
        if count > 0 {
            self.out.recount(start, count);
            self.out.count(0);
        }
        Ok(())
    }

    /// Writes members as they come and defaults behind them, and then puts them in order.
    fn record(&mut self, record: &Record, json: &mut Reader<'_>, depth: usize) -> Result<()> {
        let (start, base) = (self.out.len(), self.places.len());
        self.places.resize(base + record.fields.len(), None);
        let mut next = 0;
        json.object(|json, name| {
            let Some(index) = record.position(&name, next) else {
                return Err(Error::new(
                    ErrorKind::UnknownField,
                    format!("`{}` has no such field: it would be lost", record.name),
                )
                .in_field(&name));
            };
            if self.places[base + index].is_some() {
                return Err(twice().in_field(&name));
            }
            next = index + 1;
            let from = self.out.len();
            self.value(record.fields[index].node, json, depth)
                .map_err(|e| e.in_field(&name))?;
            self.places[base + index] = Some(from..self.out.len());
            Ok(())
        })?;
        for (index, field) in record.fields.iter().enumerate() {
            if self.places[base + index].is_none() {
                let from = self.out.len();
                self.default(field, depth)
                    .map_err(|e| e.in_field(&field.name))?;
                self.places[base + index] = Some(from..self.out.len());
            }
        }
        self.out
            .arrange(start, self.places[base..].iter().flatten());
        self.places.truncate(base);
        Ok(())
    }

    fn default(&mut self, field: &Field, depth: usize) -> Result<()> {
        let Some(default) = &field.default else {
            return Err(Error::new(
                ErrorKind::MissingField,
                "missing, and the schema has no default for it",
            ));
        };
        self.work(default.len())?;
        self.defaults = true;
        self.value(field.node, &mut Reader::new(default), depth)
            .map_err(|e| match e.kind() {
                ErrorKind::TooDeep | ErrorKind::TooLarge => e,
                _ => Error::new(
                    ErrorKind::Schema,
                    format!("missing, and its default does not fit the schema: {e}"),
                ),
            })
    }

    fn union(&mut self, branches: &[NodeId], json: &mut Reader<'_>, depth: usize) -> Result<()> {
        let schema = self.schema;
        let kind = json.kind()?;
        let whole = kind == Kind::Number && is_integer(json.clone().number()?);
        let fits = |index: &usize| could_hold(schema.node(branches[*index]), kind, whole);
        let mut candidates = (0..branches.len()).filter(fits);
        let (first, second) = (candidates.next(), candidates.next());
        let Some(first) = first else {
            return Err(Error::new(
                ErrorKind::WrongType,
                format!("{} is none of the union's types", kind.name()),
            ));
        };
        if second.is_none() {
            // The usual case, and the one whose error can say what is wrong.
            self.out.count(first);
            return self.value(branches[first], json, depth);
        }
        let mut candidates: Vec<usize> = (0..branches.len()).filter(fits).collect();
        // A double could hold every long by rounding it, and a float every double.
        candidates.sort_by_key(|index| match schema.node(branches[*index]) {
            Node::Float => 2,
            Node::Double => 1,
            _ => 0,
        });
        let (start, base) = (self.out.len(), self.places.len());
        let text = json.skip()?;
        for index in candidates {
            self.work(text.len())?;
            self.out.count(index);
            match self.value(branches[index], &mut Reader::new(text), depth) {
                Ok(()) => return Ok(()),
                Err(e) if matches!(e.kind(), ErrorKind::TooDeep | ErrorKind::TooLarge) => {
                    return Err(e);
                }
                Err(_) => {
                    self.out.truncate(start);
                    self.places.truncate(base);
                }
            }
        }
        Err(Error::new(
            ErrorKind::WrongType,
            "the value fits none of the union's types",
        ))
    }

    fn work(&mut self, steps: usize) -> Result<()> {
        self.steps = self.steps.checked_sub(steps).ok_or_else(too_large)?;
        Ok(())
    }
}

/// Whether a branch of a union comes into question for a JSON value; numbers are `whole` without
/// fraction and exponent.
fn could_hold(node: &Node, kind: Kind, whole: bool) -> bool {
    match kind {
        Kind::Null => matches!(node, Node::Null),
        Kind::Boolean => matches!(node, Node::Boolean),
        Kind::Number if whole => {
            matches!(node, Node::Int | Node::Long | Node::Float | Node::Double)
        }
        Kind::Number => matches!(node, Node::Float | Node::Double),
        Kind::String => matches!(
            node,
            Node::String | Node::Bytes | Node::Fixed(_) | Node::Enum(_)
        ),
        Kind::Array => matches!(node, Node::Array(_)),
        Kind::Object => matches!(node, Node::Record(_) | Node::Map(_)),
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

fn twice() -> Error {
    Error::new(ErrorKind::Json, "stands twice in one object")
}

fn too_large() -> Error {
    Error::new(
        ErrorKind::TooLarge,
        "the value would take bytes or work out of all proportion to its JSON",
    )
}
