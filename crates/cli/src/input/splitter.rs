//! Finds the documents in a stream of bytes: one a line, or the elements of a JSON array.
//!
//! It only finds where documents begin and end; whether they are JSON is for the decoder to say.
//! Chunks may be cut anywhere.

use std::sync::Arc;

use bytes::Bytes;

use super::Place;

/// The longest document that is held, in bytes. OEP-41 allows 65,536.
pub const MAX_DOCUMENT: usize = 1024 * 1024;

/// A document, or why there is none, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it stands.
    pub place: Place,
    /// Its bytes, without white space around them.
    pub document: Result<Bytes, Unreadable>,
}

/// Why something in the input is no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Longer than [`MAX_DOCUMENT`]; it was skipped.
    TooLong,
    /// The array is not one: nothing after this can be told apart.
    Array(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but white space was seen.
    Beginning,
    /// One document a line.
    Lines,
    /// In the array, before an element or its end.
    Before,
    /// In an element.
    Element {
        depth: u32,
        string: bool,
        escaped: bool,
    },
    /// In the array, after an element.
    After,
    /// After the array.
    Closed,
    /// The array is broken; the rest is not looked at.
    Broken,
}

/// Finds documents.
#[derive(Debug)]
pub struct Splitter {
    source: Arc<str>,
    state: State,
    held: Vec<u8>,
    too_long: bool,
    /// The line that is being read, counted from 1.
    line: u64,
    /// The line in which the held document began.
    began: u64,
    element: u64,
    /// A comma was read and an element must follow.
    owed: bool,
    /// Bytes of a byte order mark that were read.
    mark: usize,
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

impl Splitter {
    /// Begins with a source of this name.
    pub fn new(source: Arc<str>) -> Self {
        Self {
            source,
            state: State::Beginning,
            held: Vec::new(),
            too_long: false,
            line: 1,
            began: 1,
            element: 0,
            owed: false,
            mark: 0,
        }
    }

    /// Takes the next bytes and appends what is complete.
    pub fn push(&mut self, mut chunk: &[u8], found: &mut Vec<Item>) {
        while !chunk.is_empty() {
            chunk = match self.state {
                State::Lines => self.take_line(chunk, found),
                State::Element {
                    depth,
                    string,
                    escaped,
                } => self.take_of_element(chunk, (depth, string, escaped), found),
                State::Broken => &[],
                _ => self.take_between(chunk, found),
            };
        }
    }

    /// The source has ended.
    pub fn finish(mut self, found: &mut Vec<Item>) {
        match self.state {
            State::Lines => self.end_line(found),
            State::Before | State::Element { .. } | State::After => {
                self.broken("it ends before its closing bracket", found);
            }
            State::Beginning | State::Closed | State::Broken => {}
        }
    }

    fn take_line<'a>(&mut self, chunk: &'a [u8], found: &mut Vec<Item>) -> &'a [u8] {
        match chunk.iter().position(|b| *b == b'\n') {
            Some(end) => {
                self.hold(&chunk[..end]);
                self.end_line(found);
                self.line += 1;
                &chunk[end + 1..]
            }
            None => {
                self.hold(chunk);
                &[]
            }
        }
    }

    fn end_line(&mut self, found: &mut Vec<Item>) {
        self.began = self.line;
        if self.too_long || !self.held.trim_ascii().is_empty() {
            self.emit(None, found);
        }
        self.held.clear();
    }

    /// Takes one byte outside of documents; leaves it where a document begins with it.
    fn take_between<'a>(&mut self, chunk: &'a [u8], found: &mut Vec<Item>) -> &'a [u8] {
        let (byte, rest) = (chunk[0], &chunk[1..]);
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            self.line += u64::from(byte == b'\n');
            return rest;
        }
        match self.state {
            State::Beginning if BOM.get(self.mark) == Some(&byte) => self.mark += 1,
            State::Beginning if byte == b'[' => self.state = State::Before,
            State::Beginning => {
                self.state = State::Lines;
                return chunk;
            }
            State::Before if byte == b']' && !self.owed => self.state = State::Closed,
            State::Before if matches!(byte, b',' | b']' | b'}') => {
                self.broken("an element is missing before or after a comma", found);
            }
            State::Before => {
                self.began = self.line;
                self.element += 1;
                self.owed = false;
                self.state = State::Element {
                    depth: 0,
                    string: false,
                    escaped: false,
                };
                return chunk;
            }
            State::After if byte == b',' => {
                self.owed = true;
                self.state = State::Before;
            }
            State::After if byte == b']' => self.state = State::Closed,
            State::After => self.broken("there is no comma between two elements", found),
            _ => self.broken("there is text after its closing bracket", found),
        }
        rest
    }

    /// Takes as much of the chunk as belongs to the element.
    fn take_of_element<'a>(
        &mut self,
        chunk: &'a [u8],
        (mut depth, mut string, mut escaped): (u32, bool, bool),
        found: &mut Vec<Item>,
    ) -> &'a [u8] {
        for (at, byte) in chunk.iter().enumerate() {
            self.line += u64::from(*byte == b'\n');
            if string {
                string = escaped || *byte != b'"';
                escaped = !escaped && *byte == b'\\';
                continue;
            }
            match byte {
                b'"' => string = true,
                b'{' | b'[' => depth = depth.saturating_add(1),
                b'}' | b']' if depth > 0 => depth -= 1,
                b',' | b']' | b'}' if depth == 0 => {
                    self.hold(&chunk[..at]);
                    self.emit(Some(self.element), found);
                    self.state = State::After;
                    return &chunk[at..];
                }
                _ => {}
            }
        }
        self.hold(chunk);
        self.state = State::Element {
            depth,
            string,
            escaped,
        };
        &[]
    }

    fn hold(&mut self, bytes: &[u8]) {
        if self.too_long || self.held.len() + bytes.len() > MAX_DOCUMENT {
            self.too_long = true;
            self.held.clear();
        } else {
            self.held.extend_from_slice(bytes);
        }
    }

    fn emit(&mut self, element: Option<u64>, found: &mut Vec<Item>) {
        let document = if self.too_long {
            Err(Unreadable::TooLong)
        } else {
            Ok(Bytes::copy_from_slice(self.held.trim_ascii()))
        };
        self.held.clear();
        self.too_long = false;
        found.push(Item {
            place: self.place(self.began, element),
            document,
        });
    }

    fn broken(&mut self, what: &'static str, found: &mut Vec<Item>) {
        self.state = State::Broken;
        let element = (self.element > 0).then_some(self.element);
        found.push(Item {
            place: self.place(self.line, element),
            document: Err(Unreadable::Array(what)),
        });
    }

    fn place(&self, line: u64, element: Option<u64>) -> Place {
        Place {
            source: self.source.clone(),
            line: Some(line),
            element,
        }
    }
}

#[cfg(test)]
mod tests;
