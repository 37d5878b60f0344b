//! Context attributes: their names, their types, and the rules of CloudEvents 1.0 for both.

mod media_type;
mod name;
mod text;
mod time;
mod uri;
mod value;

pub use time::{InvalidTime, Time};
pub use value::Value;

pub(crate) use media_type::{charset, is_json, is_media_type, is_text};
pub(crate) use name::Name;
pub(crate) use text::{escaped, is_permitted};
pub(crate) use uri::{is_uri, is_uri_reference};
pub(crate) use value::{STRING_REMEDY, STRING_RULE, URI_REMEDY};
