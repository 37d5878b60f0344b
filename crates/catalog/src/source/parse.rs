//! From text to a tree.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::node::{Key, Node, Shape, Source};
use super::scalar;
use crate::error::{ErrorKind, Problem};

/// How deep a definition may nest.
const MAX_DEPTH: usize = 64;
/// How many values a definition may have, those repeated by aliases counted each time.
const MAX_NODES: usize = 100_000;

impl Source {
    /// The longest definition that is read, in bytes.
    pub(crate) const MAX_LEN: usize = 1024 * 1024;

    /// Parses YAML, of which JSON is a part.
    pub(crate) fn parse(path: &Path, text: impl Into<Arc<str>>) -> Result<Self, Problem> {
        let (path, text): (Arc<Path>, Arc<str>) = (path.into(), text.into());
        let parser = TreeBuilder {
            offsets: Offsets::of(&text),
            anchors: HashMap::new(),
            nodes: 0,
        };
        match parser.document(&text) {
            Ok(root) => Ok(Self { path, text, root }),
            Err(refusal) => {
                let source = Self {
                    path,
                    text,
                    root: Node {
                        span: 0..0,
                        shape: Shape::Null,
                    },
                };
                let location = source.at(refusal.span);
                let mut problem = Problem::new(ErrorKind::Syntax, location, refusal.message);
                if let Some(help) = refusal.help {
                    problem = problem.help(help);
                }
                Err(problem)
            }
        }
    }
}

struct Refusal {
    span: Range<usize>,
    message: String,
    help: Option<&'static str>,
}

fn refuse<T>(span: Range<usize>, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        span,
        message: message.into(),
        help: None,
    })
}

/// The parser counts characters, we count bytes.
enum Offsets {
    Ascii(usize),
    Wide(Vec<usize>),
}

impl Offsets {
    fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self::Ascii(text.len());
        }
        let mut starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        starts.push(text.len());
        Self::Wide(starts)
    }

    fn byte(&self, marker: Marker) -> usize {
        match self {
            Self::Ascii(len) => marker.index().min(*len),
            Self::Wide(starts) => starts[marker.index().min(starts.len() - 1)],
        }
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        let start = self.byte(span.start);
        start..self.byte(span.end).max(start)
    }
}

struct TreeBuilder {
    offsets: Offsets,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

type Events<'t> = Parser<'t, saphyr_parser::StrInput<'t>>;

impl TreeBuilder {
    fn document(mut self, text: &str) -> Result<Node, Refusal> {
        let mut events = Parser::new_from_str(text);
        loop {
            match self.next(&mut events)? {
                (Event::StreamStart | Event::DocumentStart(_), _) => {}
                (Event::StreamEnd, span) => {
                    return refuse(span, "the file is empty");
                }
                (event, span) => {
                    let root = self.node(&mut events, event, span, 0)?;
                    self.end(&mut events)?;
                    return Ok(root);
                }
            }
        }
    }

    /// Nothing may follow the one document.
    fn end(&mut self, events: &mut Events<'_>) -> Result<(), Refusal> {
        loop {
            match self.next(events)? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(_), span) => {
                    return Err(Refusal {
                        span,
                        message: "a second document begins here".into(),
                        help: Some("write one definition a file"),
                    });
                }
                _ => {}
            }
        }
    }

    fn next<'t>(&self, events: &mut Events<'t>) -> Result<(Event<'t>, Range<usize>), Refusal> {
        match events.next_event() {
            Some(Ok((event, span))) => Ok((event, self.offsets.bytes(span))),
            Some(Err(e)) => {
                let at = self.offsets.byte(*e.marker());
                refuse(at..at, format!("not valid YAML: {}", e.info()))
            }
            None => refuse(0..0, "the file ends too early"),
        }
    }

    fn node(
        &mut self,
        events: &mut Events<'_>,
        event: Event<'_>,
        span: Range<usize>,
        depth: usize,
    ) -> Result<Node, Refusal> {
        if depth > MAX_DEPTH {
            return refuse(span, format!("nested more than {MAX_DEPTH} deep"));
        }
        self.count(1, &span)?;
        let (anchor, node) = match event {
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return refuse(span, "an alias may not stand inside what it names");
                };
                self.count(size(&node), &span)?;
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let quoted = style != ScalarStyle::Plain
                    || tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let shape = match quoted {
                    true => Shape::Text(text.into_owned()),
                    false => match scalar::plain(&text) {
                        Ok(shape) => shape,
                        Err(problem) => return refuse(span, problem),
                    },
                };
                (anchor, Node { span, shape })
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                let end = loop {
                    match self.next(events)? {
                        (Event::SequenceEnd, end) => break end,
                        (event, span) => items.push(self.node(events, event, span, depth + 1)?),
                    }
                };
                let span = span.start..end.start.max(span.end);
                let shape = Shape::List(items);
                (anchor, Node { span, shape })
            }
            Event::MappingStart(anchor, _) => self.mapping(events, anchor, span, depth)?,
            _ => return refuse(span, "a value is missing here"),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn mapping(
        &mut self,
        events: &mut Events<'_>,
        anchor: usize,
        span: Range<usize>,
        depth: usize,
    ) -> Result<(usize, Node), Refusal> {
        let mut members: Vec<(Key, Node)> = Vec::new();
        let mut seen = HashMap::new();
        let end = loop {
            let (event, at) = self.next(events)?;
            let name = match event {
                Event::MappingEnd => break at,
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return refuse(at, "a name in a mapping is a plain text"),
            };
            if seen.insert(name.clone(), ()).is_some() {
                return refuse(at, format!("`{name}` stands twice in this mapping"));
            }
            let (event, value_at) = self.next(events)?;
            let node = self.node(events, event, value_at, depth + 1)?;
            members.push((Key { span: at, name }, node));
        };
        let begin = members
            .first()
            .map_or(span.start, |(key, _)| span.start.min(key.span.start));
        let end = end.start.max(span.end);
        let shape = Shape::Map(members);
        let span = begin..end;
        Ok((anchor, Node { span, shape }))
    }

    fn count(&mut self, more: usize, span: &Range<usize>) -> Result<(), Refusal> {
        self.nodes += more;
        match self.nodes > MAX_NODES {
            true => refuse(
                span.clone(),
                format!("more than {MAX_NODES} values, those of aliases included"),
            ),
            false => Ok(()),
        }
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.shape {
        Shape::List(items) => items.iter().map(size).sum(),
        Shape::Map(members) => members.iter().map(|(_, node)| size(node)).sum(),
        _ => 0,
    }
}
