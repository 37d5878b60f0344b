//! Parsing Canonical Form and its fingerprint (Avro 1.12, "Parsing Canonical Form for Schemas").

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::parse::type_name;
use super::schema::{Node, NodeId};

/// The canonical form: full names, the attributes that matter for parsing in a fixed order, no
/// white space. A named type is written out once and named afterwards.
///
/// Recursion is bounded: a name is defined at the depth it was parsed at, which the parser
/// limits, and every later use is only the name.
pub(super) fn canonical_form(nodes: &[Node], root: NodeId) -> String {
    let mut writer = Writer {
        nodes,
        written: vec![false; nodes.len()],
        out: String::new(),
    };
    writer.node(root);
    writer.out
}

pub(super) fn sha256_hex(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

struct Writer<'a> {
    nodes: &'a [Node],
    written: Vec<bool>,
    out: String,
}

impl Writer<'_> {
    fn node(&mut self, id: NodeId) {
        let node = &self.nodes[id];
        match node {
            Node::Record(_) | Node::Enum(_) | Node::Fixed(_)
                if std::mem::replace(&mut self.written[id], true) =>
            {
                self.quoted(type_name(node));
            }
            Node::Record(record) => {
                self.open(&record.name, "record");
                self.out.push_str(",\"fields\":");
                self.list(&record.fields, |writer, field| {
                    writer.out.push_str("{\"name\":");
                    writer.quoted(&field.name);
                    writer.out.push_str(",\"type\":");
                    writer.node(field.node);
                    writer.out.push('}');
                });
                self.out.push('}');
            }
            Node::Enum(symbols) => {
                self.open(&symbols.name, "enum");
                self.out.push_str(",\"symbols\":");
                self.list(&symbols.symbols, |writer, symbol| {
                    writer.quoted(symbol);
                });
                self.out.push('}');
            }
            Node::Fixed(fixed) => {
                self.open(&fixed.name, "fixed");
                self.out.push_str(",\"size\":");
                self.out.push_str(&fixed.size.to_string());
                self.out.push('}');
            }
            Node::Array(items) => {
                self.out.push_str("{\"type\":\"array\",\"items\":");
                self.node(*items);
                self.out.push('}');
            }
            Node::Map(values) => {
                self.out.push_str("{\"type\":\"map\",\"values\":");
                self.node(*values);
                self.out.push('}');
            }
            Node::Union(branches) => {
                self.list(branches, |writer, branch| writer.node(*branch));
            }
            primitive => self.quoted(type_name(primitive)),
        }
    }

    fn open(&mut self, name: &str, kind: &str) {
        self.out.push_str("{\"name\":");
        self.quoted(name);
        self.out.push_str(",\"type\":");
        self.quoted(kind);
    }

    fn list<T>(&mut self, items: &[T], each: impl Fn(&mut Self, &T)) {
        self.out.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            each(self, item);
        }
        self.out.push(']');
    }

    fn quoted(&mut self, text: &str) {
        // The parser refuses names that would need an escape.
        self.out.push('"');
        self.out.push_str(text);
        self.out.push('"');
    }
}
