//! Reading a mapping by the names that it may have.

use std::ops::Range;
use std::sync::Arc;

use super::Location;
use super::node::{Key, Node, Shape, Source};
use crate::error::{ErrorKind, Problem};

/// The members of a mapping, taken one by one; problems are collected, so that a person sees
/// them all at once.
pub(crate) struct Fields<'n> {
    source: &'n Arc<Source>,
    span: Range<usize>,
    members: &'n [(Key, Node)],
}

impl<'n> Fields<'n> {
    /// The members of a node, if it is a mapping whose names are all among these.
    pub(crate) fn of(
        source: &'n Arc<Source>,
        node: &'n Node,
        what: &str,
        known: &[&str],
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let Shape::Map(members) = &node.shape else {
            let message = format!("{what} is a mapping, not {}", node.kind());
            let help = format!("its keys are {}", known.join(", "));
            problems.push(
                Problem::new(ErrorKind::Value, source.at(node.span.clone()), message).help(help),
            );
            return None;
        };
        for (key, _) in members {
            if !known.contains(&key.name.as_str()) {
                let message = format!("{what} has no key `{}`", key.name);
                problems.push(
                    Problem::new(ErrorKind::Value, source.at(key.span.clone()), message)
                        .help(nearest(&key.name, known)),
                );
            }
        }
        Some(Self {
            source,
            span: node.span.clone(),
            members,
        })
    }

    /// The member of a name, with the location of the name.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        let found = self.members.iter().find(|(key, _)| key.name == name);
        found.map(|(_, node)| node)
    }

    /// The location of a value of this file.
    pub(crate) fn at(&self, node: &Node) -> Location {
        self.source.at(node.span.clone())
    }

    /// Where the mapping begins: its first line says enough.
    pub(crate) fn head(&self) -> Location {
        let end = self
            .members
            .first()
            .map_or(self.span.end, |(key, _)| key.span.end);
        self.source.at(self.span.start..end)
    }

    /// A text that must be there.
    pub(crate) fn required_text(
        &self,
        name: &str,
        why: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<String> {
        if self.get(name).is_none() {
            let message = format!("`{name}` is missing");
            problems.push(Problem::new(ErrorKind::Value, self.head(), message).help(why));
            return None;
        }
        self.text(name, problems)
    }

    /// A text, if it is there; an empty one is a problem.
    pub(crate) fn text(&self, name: &str, problems: &mut Vec<Problem>) -> Option<String> {
        let node = self.get(name)?;
        match &node.shape {
            Shape::Text(text) if !text.trim().is_empty() => Some(text.trim_end().to_owned()),
            Shape::Text(_) => {
                let message = format!("`{name}` is empty");
                problems.push(Problem::new(ErrorKind::Value, self.at(node), message));
                None
            }
            _ => {
                let mut problem = Problem::new(
                    ErrorKind::Value,
                    self.at(node),
                    format!("`{name}` is a text, not {}", node.kind()),
                );
                if matches!(node.shape, Shape::Bool(_) | Shape::Number(_)) {
                    problem = problem.help("put it in quotes");
                }
                problems.push(problem);
                None
            }
        }
    }

    /// A whole number from 0 that is there.
    pub(crate) fn count(&self, name: &str, problems: &mut Vec<Problem>) -> Option<i32> {
        let node = self.get(name)?;
        let number = match &node.shape {
            Shape::Number(number) => number.as_i64().and_then(|n| i32::try_from(n).ok()),
            _ => None,
        };
        let number = number.filter(|n| *n >= 0);
        if number.is_none() {
            let message = format!("`{name}` is a whole number from 0 to {}", i32::MAX);
            problems.push(Problem::new(ErrorKind::Value, self.at(node), message));
        }
        number
    }

    /// A text that is parsed, with the location of the value.
    pub(crate) fn parsed<T, E: std::fmt::Display>(
        &self,
        name: &str,
        problems: &mut Vec<Problem>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name, problems)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(e) => {
                let message = format!("`{name}`: {e}");
                let location = self.get(name).map_or_else(|| self.head(), |n| self.at(n));
                problems.push(Problem::new(ErrorKind::Value, location, message));
                None
            }
        }
    }

    /// The items of a list, if it is there.
    pub(crate) fn list(&self, name: &str, problems: &mut Vec<Problem>) -> &'n [Node] {
        match self.get(name) {
            None => &[],
            Some(Node {
                shape: Shape::List(items),
                ..
            }) => items,
            Some(node) => {
                let message = format!("`{name}` is a list, not {}", node.kind());
                problems.push(
                    Problem::new(ErrorKind::Value, self.at(node), message)
                        .help("begin each item with `- `"),
                );
                &[]
            }
        }
    }

    /// A list of texts, if it is there.
    pub(crate) fn texts(&self, name: &str, problems: &mut Vec<Problem>) -> Vec<(String, Location)> {
        let mut texts = Vec::new();
        for item in self.list(name, problems) {
            match &item.shape {
                Shape::Text(text) => texts.push((text.clone(), self.at(item))),
                _ => {
                    let message = format!("`{name}` lists texts, not {}", item.kind());
                    problems.push(Problem::new(ErrorKind::Value, self.at(item), message));
                }
            }
        }
        texts
    }

    /// The members of a mapping, if it is there.
    pub(crate) fn map(&self, name: &str, problems: &mut Vec<Problem>) -> &'n [(Key, Node)] {
        match self.get(name) {
            None => &[],
            Some(Node {
                shape: Shape::Map(members),
                ..
            }) => members,
            Some(node) => {
                let message = format!("`{name}` is a mapping, not {}", node.kind());
                problems.push(Problem::new(ErrorKind::Value, self.at(node), message));
                &[]
            }
        }
    }
}

/// Names the key that was perhaps meant, or all of them.
pub(crate) fn nearest(name: &str, known: &[&str]) -> String {
    let close = known
        .iter()
        .map(|known| (strsim::jaro_winkler(known, name), known))
        .filter(|(likeness, _)| *likeness > 0.82)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match close {
        Some((_, known)) => format!("did you mean `{known}`?"),
        None => format!("the keys are {}", known.join(", ")),
    }
}
