//! A value with the place where it stands.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Number, Value};

use super::Location;

/// A file that was read, as a tree.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: Arc<Path>,
    pub(crate) text: Arc<str>,
    pub(crate) root: Node,
}

/// A value and the bytes of the file where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) shape: Shape,
}

/// The JSON data model; YAML that has no JSON is refused by the parser.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A name in a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) span: Range<usize>,
    pub(crate) name: String,
}

impl Node {
    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self.shape {
            Shape::Null => "nothing",
            Shape::Bool(_) => "true or false",
            Shape::Number(_) => "a number",
            Shape::Text(_) => "a text",
            Shape::List(_) => "a list",
            Shape::Map(_) => "a mapping",
        }
    }

    /// The value without its places.
    pub(crate) fn to_json(&self) -> Value {
        match &self.shape {
            Shape::Null => Value::Null,
            Shape::Bool(value) => Value::Bool(*value),
            Shape::Number(number) => Value::Number(number.clone()),
            Shape::Text(text) => Value::String(text.clone()),
            Shape::List(items) => items.iter().map(Self::to_json).collect(),
            Shape::Map(members) => {
                let members = members.iter();
                let members = members.map(|(key, node)| (key.name.clone(), node.to_json()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }

    /// The node under a name or, for lists, an index.
    pub(crate) fn child(&self, segment: &str) -> Option<&Self> {
        match &self.shape {
            Shape::Map(members) => {
                let found = members.iter().find(|(key, _)| key.name == segment);
                found.map(|(_, node)| node)
            }
            Shape::List(items) => items.get(segment.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// The bytes of the name under which a child stands, or of the child in a list.
    fn place_of(&self, segment: &str) -> Option<Range<usize>> {
        match &self.shape {
            Shape::Map(members) => {
                let found = members.iter().find(|(key, _)| key.name == segment);
                found.map(|(key, _)| key.span.clone())
            }
            _ => self.child(segment).map(|node| node.span.clone()),
        }
    }

    /// As deep into the tree as a path leads: the bytes of its last name that exists.
    pub(crate) fn locate<'p>(&self, path: impl IntoIterator<Item = &'p str>) -> Range<usize> {
        let mut node = self;
        let mut span = self.span.clone();
        for segment in path {
            let (Some(place), Some(child)) = (node.place_of(segment), node.child(segment)) else {
                break;
            };
            span = place;
            node = child;
        }
        span
    }
}

impl Source {
    /// The location of bytes of this file.
    pub(crate) fn at(&self, span: Range<usize>) -> Location {
        Location::within(self.path.clone(), self.text.clone(), span)
    }
}
