//! Which wire an entry of a Redis stream is written in.

use super::error::{Error, ErrorKind, Result};
use super::{EVENT_DATA, TYPE};

/// The wires that stand in Redis streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryForm {
    /// Ours: the field `ce` holds the event's JSON document.
    Native,
    /// That of `edx-event-bus-redis`: an [`Entry`](super::Entry).
    OpenEdx,
}

impl EntryForm {
    /// Recognises an entry by the names of its fields: `ce` is native, `type` with `event_data`
    /// is Open edX.
    ///
    /// # Errors
    /// [`Unrecognised`](ErrorKind::Unrecognised), naming the fields that are there.
    pub fn recognise<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let (mut has_type, mut has_data) = (false, false);
        let mut shown = Vec::new();
        let mut count = 0_usize;
        for name in names {
            match name {
                "ce" => return Ok(Self::Native),
                TYPE => has_type = true,
                EVENT_DATA => has_data = true,
                _ => {}
            }
            count += 1;
            if shown.len() < SHOWN {
                shown.push(format!("`{}`", crate::avro::printable(name)));
            }
        }
        if has_type && has_data {
            return Ok(Self::OpenEdx);
        }
        let more = if count > shown.len() { ", …" } else { "" };
        Err(Error::new(
            ErrorKind::Unrecognised,
            format!(
                "unrecognised entry: its fields are {}{more}; wanted `ce`, or `{TYPE}` with \
                 `{EVENT_DATA}`",
                shown.join(", ")
            ),
        ))
    }
}

/// How many field names an error shows.
const SHOWN: usize = 8;
