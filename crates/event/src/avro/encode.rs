//! From JSON to Avro bytes.

use super::decode::decode_to_json;
use super::error::{Error, ErrorKind, Result};
use super::object::{Json, Kind};
use super::schema::{Field, Node, NodeId, Record, Schema};
use super::{MAX_DEPTH, Writer, max_output};

/// Encodes a JSON text as one value of the schema.
///
/// Fields may come in any order; one that is missing is taken from its default. What the
/// Python package writes for the same record is byte for byte the same.
///
/// # Errors
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
        defaults: false,
    };
    encoder.value(schema.root(), Json::new(text)?, 0)?;
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
    /// A field was taken from its default, so that more was written than the text says.
    defaults: bool,
}

impl Encoder<'_> {
    fn value(&mut self, id: NodeId, json: Json<'_>, depth: usize) -> Result<()> {
        self.work(1)?;
        let schema = self.schema;
        match schema.node(id) {
            Node::Null => expect(json, Kind::Null, "null")?,
            Node::Boolean => {
                expect(json, Kind::Boolean, "a boolean")?;
                self.out.boolean(json.boolean());
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
                let items = json.array()?;
                // One block and the end, as the Python package writes it.
                if !items.is_empty() {
                    self.out.count(items.len());
                }
                for (index, item) in items.into_iter().enumerate() {
                    self.value(*of, item, depth).map_err(|e| e.in_item(index))?;
                }
                self.out.count(0);
            }
            Node::Map(of) => {
                expect(json, Kind::Object, "an object")?;
                let depth = deeper(depth)?;
                let members = json.object()?;
                if !members.is_empty() {
                    self.out.count(members.len());
                }
                let mut seen = std::collections::HashSet::new();
                for (key, item) in &members {
                    if !seen.insert(key) {
                        return Err(twice().in_map());
                    }
                    self.out.prefixed(key.as_bytes());
                    self.value(*of, *item, depth).map_err(Error::in_map)?;
                }
                self.out.count(0);
            }
        }
        if self.out.len() > self.max {
            return Err(too_large());
        }
        Ok(())
    }

    fn record(&mut self, record: &Record, json: Json<'_>, depth: usize) -> Result<()> {
        let mut found: Vec<Option<Json<'_>>> = vec![None; record.fields.len()];
        for (name, value) in json.object()? {
            let Some(index) = record.index.get(&*name) else {
                return Err(Error::new(
                    ErrorKind::UnknownField,
                    format!("`{}` has no such field: it would be lost", record.name),
                )
                .in_field(&name));
            };
            if found[*index].replace(value).is_some() {
                return Err(twice().in_field(&name));
            }
        }
        for (field, value) in record.fields.iter().zip(found) {
            match value {
                Some(value) => self.value(field.node, value, depth),
                None => self.default(field, depth),
            }
            .map_err(|e| e.in_field(&field.name))?;
        }
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
        self.value(field.node, Json::new(default)?, depth)
            .map_err(|e| match e.kind() {
                ErrorKind::TooDeep | ErrorKind::TooLarge => e,
                _ => Error::new(
                    ErrorKind::Schema,
                    format!("missing, and its default does not fit the schema: {e}"),
                ),
            })
    }

    fn union(&mut self, branches: &[NodeId], json: Json<'_>, depth: usize) -> Result<()> {
        let schema = self.schema;
        let fits = |index: &usize| could_hold(schema.node(branches[*index]), json);
        let mut candidates = (0..branches.len()).filter(fits);
        let (first, second) = (candidates.next(), candidates.next());
        let Some(first) = first else {
            return Err(Error::new(
                ErrorKind::WrongType,
                format!("{} is none of the union's types", json.kind().name()),
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
        let start = self.out.len();
        for index in candidates {
            self.work(json.text().len())?;
            self.out.count(index);
            match self.value(branches[index], json, depth) {
                Ok(()) => return Ok(()),
                Err(e) if matches!(e.kind(), ErrorKind::TooDeep | ErrorKind::TooLarge) => {
                    return Err(e);
                }
                Err(_) => self.out.truncate(start),
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

/// Whether a branch of a union comes into question for a JSON value.
fn could_hold(node: &Node, json: Json<'_>) -> bool {
    match json.kind() {
        Kind::Null => matches!(node, Node::Null),
        Kind::Boolean => matches!(node, Node::Boolean),
        Kind::Number if is_integer(json.text()) => {
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

fn expect(json: Json<'_>, kind: Kind, wanted: &str) -> Result<()> {
    if json.kind() == kind {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::WrongType,
        format!("wants {wanted}, got {}", json.kind().name()),
    ))
}

fn is_integer(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'-'))
}

fn integer(json: Json<'_>, wanted: &str) -> Result<i64> {
    expect(json, Kind::Number, wanted)?;
    if !is_integer(json.text()) {
        return Err(Error::new(
            ErrorKind::WrongType,
            format!("wants {wanted}, got a number with a fraction or an exponent"),
        ));
    }
    // Only the range can be wrong with a well-formed integer.
    json.text().parse().map_err(|_| out_of_range(wanted))
}

/// The nearest value, as the standard library rounds; too large becomes an infinity.
fn number<T: std::str::FromStr>(json: Json<'_>, wanted: &str) -> Result<T> {
    expect(json, Kind::Number, wanted)?;
    json.text().parse().map_err(|_| out_of_range(wanted))
}

fn latin1(json: Json<'_>, wanted: &str) -> Result<Vec<u8>> {
    expect(json, Kind::String, wanted)?;
    json.string()?
        .chars()
        .map(|c| u8::try_from(u32::from(c)))
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| {
            Error::new(
                ErrorKind::OutOfRange,
                format!("wants {wanted}: one character from U+0000 to U+00FF for each byte"),
            )
        })
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

fn out_of_range(wanted: &str) -> Error {
    Error::new(
        ErrorKind::OutOfRange,
        format!("the number does not fit {wanted}"),
    )
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
