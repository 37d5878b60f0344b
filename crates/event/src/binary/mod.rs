//! What the binary modes of all bindings have in common: attributes in headers, the payload in the
//! body.

mod incoming;
mod outgoing;

pub(crate) use incoming::{Incoming, check_size};
pub(crate) use outgoing::{attributes, content_type, payload};
