//! JSON values that hold no others, as what a schema wants of them.

use super::error::{Error, ErrorKind, Result};
use super::object::Kind;
use super::reader::Reader;

pub(super) fn expect(json: &mut Reader<'_>, wanted: Kind, name: &str) -> Result<()> {
    let kind = json.kind()?;
    if kind == wanted {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::WrongType,
        format!("wants {name}, got {}", kind.name()),
    ))
}

pub(super) fn is_integer(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'-'))
}

pub(super) fn integer(json: &mut Reader<'_>, wanted: &str) -> Result<i64> {
    expect(json, Kind::Number, wanted)?;
    let text = json.number()?;
    if !is_integer(text) {
        return Err(Error::new(
            ErrorKind::WrongType,
            format!("wants {wanted}, got a number with a fraction or an exponent"),
        ));
    }
    // Only the range can be wrong with a well-formed integer.
    text.parse().map_err(|_| out_of_range(wanted))
}

/// The nearest value, as the standard library rounds; too large becomes an infinity.
pub(super) fn number<T: std::str::FromStr>(json: &mut Reader<'_>, wanted: &str) -> Result<T> {
    expect(json, Kind::Number, wanted)?;
    json.number()?.parse().map_err(|_| out_of_range(wanted))
}

pub(super) fn latin1(json: &mut Reader<'_>, wanted: &str) -> Result<Vec<u8>> {
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

pub(super) fn out_of_range(wanted: &str) -> Error {
    Error::new(
        ErrorKind::OutOfRange,
        format!("the number does not fit {wanted}"),
    )
}
