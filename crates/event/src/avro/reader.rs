//! JSON read once, from its beginning to its end.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{Error, ErrorKind, Result};
use super::object::{Json, Kind};

/// A place in a JSON text, from which values are taken one after the other.
///
/// It says no more of malformed text than that it is: the place is found by whoever reads all of
/// it again. Numbers stay text, for the code that knows their type. Nothing here recurses but the
/// caller's own closures.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(malformed()),
        }
    }

    /// What the next value is, by its first byte.
    pub(super) fn kind(&mut self) -> Result<Kind> {
        match self.peek() {
            Some(b'n') => Ok(Kind::Null),
            Some(b't' | b'f') => Ok(Kind::Boolean),
            Some(b'"') => Ok(Kind::String),
            Some(b'[') => Ok(Kind::Array),
            Some(b'{') => Ok(Kind::Object),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            _ => Err(malformed()),
        }
    }

    pub(super) fn null(&mut self) -> Result<()> {
        self.word("null")
    }

    pub(super) fn boolean(&mut self) -> Result<bool> {
        let value = self.peek() == Some(b't');
        self.word(if value { "true" } else { "false" })?;
        Ok(value)
    }

    /// The text of a number.
    pub(super) fn number(&mut self) -> Result<&'a str> {
        self.peek();
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    /// The text of a string, borrowed where it has no escapes. Refuses lone surrogates.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>> {
        self.token(b'"')?;
        let start = self.at;
        let mut escapes = false;
        loop {
            self.at += plain(self.rest());
            match self.rest() {
                [b'"', ..] => break,
                // What is escaped may be a quote; the rest of a longer escape is plain.
                [b'\\', _, ..] => {
                    escapes = true;
                    self.at += 2;
                }
                _ => return Err(malformed()),
            }
        }
        self.at += 1;
        if escapes {
            let (before, quoted) = self.text[..self.at].split_at(start - 1);
            return Json::unescape(quoted, before).map(Cow::Owned);
        }
        Ok(Cow::Borrowed(&self.text[start..self.at - 1]))
    }

    /// Calls `item` where each item of an array begins, and says how many there were.
    pub(super) fn array(
        &mut self,
        mut item: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<usize> {
        self.token(b'[')?;
        self.listed(b']', |json, index| item(json, index))
    }

    /// Calls `member` with the name of each member of an object, where its value begins, and says
    /// how many there were. Names are not checked for duplicates here.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<()>,
    ) -> Result<usize> {
        self.token(b'{')?;
        self.listed(b'}', |json, _| {
            let name = json.string()?;
            json.token(b':')?;
            member(json, name)
        })
    }

    /// The text of any value. However deep it nests, `serde_json` skips it without recursion.
    pub(super) fn skip(&mut self) -> Result<&'a str> {
        self.peek();
        let mut rest = serde_json::Deserializer::from_str(&self.text[self.at..]);
        let value = <&RawValue>::deserialize(&mut rest).map_err(|_| malformed())?;
        self.at += value.get().len();
        Ok(value.get())
    }

    /// What stands between commas, up to the end of it.
    fn listed(
        &mut self,
        end: u8,
        mut each: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<usize> {
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(0);
        }
        let mut count = 0;
        loop {
            each(self, count)?;
            count += 1;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(next) if next == end => break,
                _ => return Err(malformed()),
            }
        }
        self.at += 1;
        Ok(count)
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// The next byte that is not white space, left where it is.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn token(&mut self, byte: u8) -> Result<()> {
        if self.peek() != Some(byte) {
            return Err(malformed());
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<()> {
        self.peek();
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(malformed());
        }
        self.at += word.len();
        Ok(())
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.rest().first() == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn digits(&mut self) -> Result<()> {
        let digits = self.rest().iter().take_while(|b| b.is_ascii_digit());
        match digits.count() {
            0 => Err(malformed()),
            count => {
                self.at += count;
                Ok(())
            }
        }
    }
}

/// How many bytes of a string stand for themselves: up to its end, an escape, or a control
/// character, which JSON does not allow there.
fn plain(bytes: &[u8]) -> usize {
    let special = |byte: &u8| (*byte == b'"') | (*byte == b'\\') | (*byte < 0x20);
    let mut at = 0;
    // Without a branch for each byte, so that it becomes a few vector instructions.
    while let Some(block) = bytes[at..].first_chunk::<16>() {
        if block.iter().fold(false, |found, b| found | special(b)) {
            break;
        }
        at += block.len();
    }
    let rest = &bytes[at..];
    at + rest.iter().position(special).unwrap_or(rest.len())
}

fn malformed() -> Error {
    Error::new(ErrorKind::Json, "not valid JSON")
}
