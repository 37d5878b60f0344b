//! From the JSON of a schema to its nodes.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::MAX_DEPTH;
use super::error::{Error, ErrorKind, Result, printable};
use super::object::{Json, Kind};
use super::schema::{Enum, Field, Fixed, Node, NodeId, Record, Schema};

pub(super) fn parse(json: &str) -> Result<(Vec<Node>, NodeId)> {
    if json.len() > Schema::MAX_LEN {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "a schema of {} bytes; the limit is {}",
                json.len(),
                Schema::MAX_LEN
            ),
        ));
    }
    let mut parser = Parser {
        nodes: Vec::new(),
        names: HashMap::new(),
    };
    let root = parser.node(Json::new(json)?, "", 0)?;
    Ok((parser.nodes, root))
}

struct Parser {
    nodes: Vec<Node>,
    names: HashMap<Box<str>, NodeId>,
}

type Members<'a> = HashMap<Cow<'a, str>, Json<'a>>;

impl Parser {
    /// `namespace` is the one that encloses this node; empty for the null namespace.
    fn node(&mut self, json: Json<'_>, namespace: &str, depth: usize) -> Result<NodeId> {
        if depth > MAX_DEPTH {
            return Err(Error::new(
                ErrorKind::TooDeep,
                format!("schemas nested more than {MAX_DEPTH} deep are refused"),
            ));
        }
        match json.kind() {
            Kind::String => self.named(&json.string()?, namespace),
            Kind::Array => self.union(json, namespace, depth),
            Kind::Object => self.object(json, namespace, depth),
            kind => Err(schema_error(format!(
                "a type is a name, an object or an array (a union), not {}",
                kind.name()
            ))),
        }
    }

    fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn named(&mut self, name: &str, namespace: &str) -> Result<NodeId> {
        if let Some(node) = primitive(name) {
            return Ok(self.push(node));
        }
        let full = full_name(name, None, namespace);
        // Without a namespace of its own, a name may also stand for one in the null namespace.
        self.names
            .get(&*full)
            .or_else(|| self.names.get(name))
            .copied()
            .ok_or_else(|| {
                schema_error(format!(
                    "unknown type `{}`: a name is defined before it is used",
                    printable(name)
                ))
            })
    }

    fn union(&mut self, json: Json<'_>, namespace: &str, depth: usize) -> Result<NodeId> {
        let mut branches = Vec::new();
        let mut seen = HashSet::new();
        for (index, item) in json.array()?.into_iter().enumerate() {
            let at = |e: Error| e.in_item(index);
            let id = self.node(item, namespace, depth + 1).map_err(at)?;
            let name = match &self.nodes[id] {
                Node::Union(_) => {
                    return Err(at(schema_error(
                        "a union may not directly hold another union",
                    )));
                }
                node => type_name(node).to_owned(),
            };
            if !seen.insert(name) {
                return Err(at(schema_error("a union names the same type twice")));
            }
            branches.push(id);
        }
        Ok(self.push(Node::Union(branches.into())))
    }

    fn object(&mut self, json: Json<'_>, namespace: &str, depth: usize) -> Result<NodeId> {
        let members = members(json)?;
        let of = required(&members, "type")?;
        if of.kind() != Kind::String {
            // {"type": {"type": …}} adds nothing to what is inside.
            return self.node(of, namespace, depth + 1);
        }
        let of = of.string()?;
        match &*of {
            "record" => self.record(&members, namespace, depth),
            "enum" => {
                let name = self.declare(&members, namespace)?;
                let mut index = HashMap::new();
                let mut symbols: Vec<Box<str>> = Vec::new();
                for symbol in required_array(&members, "symbols")? {
                    let symbol = checked(string(symbol, "a symbol")?, "symbol")?;
                    if index.insert(symbol.clone(), symbols.len()).is_some() {
                        return Err(schema_error(format!("symbol `{symbol}` is listed twice")));
                    }
                    symbols.push(symbol);
                }
                let id = self.names[&*name];
                self.nodes[id] = Node::Enum(Enum {
                    name,
                    symbols,
                    index,
                });
                Ok(id)
            }
            "fixed" => {
                let size = required(&members, "size")?;
                let size = size
                    .text()
                    .parse()
                    .ok()
                    .filter(|_| size.kind() == Kind::Number)
                    .ok_or_else(|| schema_error("`size` is a count of bytes from 0"))?;
                let name = self.declare(&members, namespace)?;
                let id = self.names[&*name];
                self.nodes[id] = Node::Fixed(Fixed { name, size });
                Ok(id)
            }
            "array" => {
                let items = required(&members, "items")?;
                let items = self
                    .node(items, namespace, depth + 1)
                    .map_err(Error::in_map)?;
                Ok(self.push(Node::Array(items)))
            }
            "map" => {
                let values = required(&members, "values")?;
                let values = self
                    .node(values, namespace, depth + 1)
                    .map_err(Error::in_map)?;
                Ok(self.push(Node::Map(values)))
            }
            name => self.named(name, namespace),
        }
    }

    fn record(&mut self, members: &Members<'_>, namespace: &str, depth: usize) -> Result<NodeId> {
        // The name is declared first, so that a field may hold the record itself.
        let name = self.declare(members, namespace)?;
        let inner = name.rsplit_once('.').map_or("", |(namespace, _)| namespace);
        let mut fields: Vec<Field> = Vec::new();
        let mut index = HashMap::new();
        for (position, field) in required_array(members, "fields")?.into_iter().enumerate() {
            let field = self::members(field).map_err(|e| e.in_item(position))?;
            let field_name = required(&field, "name")
                .and_then(|name| checked(string(name, "`name`")?, "field name"))
                .map_err(|e| e.in_item(position))?;
            if index.insert(field_name.clone(), fields.len()).is_some() {
                return Err(schema_error("the record has this field twice").in_field(&field_name));
            }
            let node = required(&field, "type")
                .and_then(|json| self.node(json, inner, depth + 1))
                .map_err(|e| e.in_field(&field_name))?;
            fields.push(Field {
                name: field_name,
                node,
                default: field.get("default").map(|json| json.text().into()),
            });
        }
        let id = self.names[&*name];
        self.nodes[id] = Node::Record(Record {
            name,
            fields,
            index,
        });
        Ok(id)
    }

    /// Takes a place for a named type and returns its full name.
    fn declare(&mut self, members: &Members<'_>, namespace: &str) -> Result<Box<str>> {
        let name = string(required(members, "name")?, "`name`")?;
        let own = members
            .get("namespace")
            .map(|json| string(*json, "`namespace`"))
            .transpose()?;
        let name = full_name(&name, own.as_deref(), namespace);
        for part in name.split('.') {
            checked(Cow::Borrowed(part), "name")?;
        }
        if primitive(&name).is_some() {
            return Err(schema_error(format!("`{name}` is a type of Avro itself")));
        }
        let name = name.into_owned().into_boxed_str();
        // Until the definition is complete an empty record of that name holds the place: a
        // record may name itself inside.
        let id = self.push(Node::Record(Record {
            name: name.clone(),
            fields: Vec::new(),
            index: HashMap::new(),
        }));
        if self.names.insert(name.clone(), id).is_some() {
            return Err(schema_error(format!(
                "`{}` is defined twice",
                printable(&name)
            )));
        }
        Ok(name)
    }
}

fn primitive(name: &str) -> Option<Node> {
    Some(match name {
        "null" => Node::Null,
        "boolean" => Node::Boolean,
        "int" => Node::Int,
        "long" => Node::Long,
        "float" => Node::Float,
        "double" => Node::Double,
        "bytes" => Node::Bytes,
        "string" => Node::String,
        _ => return None,
    })
}

/// How the specification calls a type: what two branches of a union may not share.
pub(super) fn type_name(node: &Node) -> &str {
    match node {
        Node::Null => "null",
        Node::Boolean => "boolean",
        Node::Int => "int",
        Node::Long => "long",
        Node::Float => "float",
        Node::Double => "double",
        Node::Bytes => "bytes",
        Node::String => "string",
        Node::Array(_) => "array",
        Node::Map(_) => "map",
        Node::Union(_) => "union",
        Node::Record(record) => &record.name,
        Node::Enum(symbols) => &symbols.name,
        Node::Fixed(fixed) => &fixed.name,
    }
}

/// Avro 1.12, "Names": a dotted name is full; otherwise its own namespace counts, then the
/// enclosing one.
fn full_name<'a>(name: &'a str, own: Option<&str>, enclosing: &str) -> Cow<'a, str> {
    let namespace = own.unwrap_or(enclosing);
    if name.contains('.') {
        Cow::Borrowed(name.strip_prefix('.').unwrap_or(name))
    } else if namespace.is_empty() {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("{namespace}.{name}"))
    }
}

/// The canonical form writes names without escapes, so what would need one is refused.
fn checked(name: Cow<'_, str>, what: &str) -> Result<Box<str>> {
    let refused = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '\\' | '.');
    if name.is_empty() || name.contains(refused) {
        return Err(schema_error(format!(
            "`{}` is no {what}: letters, digits and `_`",
            printable(&name)
        )));
    }
    Ok(name.into())
}

fn members(json: Json<'_>) -> Result<Members<'_>> {
    if json.kind() != Kind::Object {
        return Err(schema_error(format!(
            "an object is wanted here, not {}",
            json.kind().name()
        )));
    }
    let mut members = HashMap::new();
    for (name, value) in json.object()? {
        if members.contains_key(&name) {
            return Err(schema_error(format!(
                "`{}` stands twice in one object",
                printable(&name)
            )));
        }
        members.insert(name, value);
    }
    Ok(members)
}

fn required<'a>(members: &Members<'a>, name: &str) -> Result<Json<'a>> {
    members
        .get(name)
        .copied()
        .ok_or_else(|| schema_error(format!("`{name}` is missing")))
}

fn required_array<'a>(members: &Members<'a>, name: &str) -> Result<Vec<Json<'a>>> {
    let json = required(members, name)?;
    if json.kind() != Kind::Array {
        return Err(schema_error(format!("`{name}` is an array")));
    }
    json.array()
}

fn string<'a>(json: Json<'a>, what: &str) -> Result<Cow<'a, str>> {
    if json.kind() != Kind::String {
        return Err(schema_error(format!("{what} is a string")));
    }
    json.string()
}

fn schema_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Schema, message)
}
