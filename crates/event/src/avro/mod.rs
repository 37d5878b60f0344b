//! Avro without a header, to JSON and back, by a [`Schema`].
//!
//! This is the payload of the Open edX wires: bare Avro binary, so that bytes read with the
//! wrong schema can decode to wrong values. The codec refuses what it can see of that: short
//! data, bytes left over, booleans other than 0 and 1, text that is not UTF-8, branches and
//! symbols out of range. For the rest use the schema's [fingerprint](Schema::fingerprint).
//!
//! | Avro | JSON |
//! |---|---|
//! | null, boolean | `null`, `true`, `false` |
//! | int, long | an integer without fraction or exponent, in range |
//! | float, double | the shortest number that reads back as the same value; NaN and the infinities have none and are refused. Integers are taken too |
//! | string | a string |
//! | bytes, fixed | a string of U+0000 to U+00FF, one character a byte (Avro 1.12, "JSON Encoding") |
//! | enum | the symbol |
//! | array, map | an array, an object |
//! | record | an object, fields in the schema's order |
//! | union | `null`, or the value of the branch without a tag |
//!
//! A value of a union becomes the first branch that can hold it, integers before `double` and
//! `double` before `float`.
//! That is exact for `["null", T]`, the only unions that Open edX has. Unions whose branches
//! look alike in JSON (`["int", "long"]`, two records with the same fields) may come back as
//! another branch of the same value.
//!
//! Encoding takes a missing field from its default, and refuses a field that the schema does
//! not have: it would be lost without a word.
//!
//! # Limits
//! Both ways, values nest at most [`MAX_DEPTH`] deep, and a result is at most 64 KiB plus
//! 64 times the input. Arrays of values that take no bytes cannot exceed that either. No input
//! panics, and the stack stays small.

mod canonical;
mod decode;
mod encode;
mod error;
mod object;
mod parse;
mod reader;
mod scalar;
mod schema;
mod writer;

pub use self::decode::decode_to_json;
pub use self::encode::encode_from_json;
pub(crate) use self::error::printable;
pub use self::error::{Error, ErrorKind, Result};
pub use self::schema::{Schema, fingerprint_of_urn};
pub use self::writer::Writer;

/// How deep records, arrays and maps may nest, in schemas and in values.
pub const MAX_DEPTH: usize = 64;

/// How long a result may be: the names of fields are in the schema, not in the bytes, so an
/// honest payload grows by their length when it is decoded; a hostile one may not grow for ever.
fn max_output(input: usize) -> usize {
    (64 * 1024_usize).saturating_add(input.saturating_mul(64))
}

#[cfg(test)]
mod tests;
