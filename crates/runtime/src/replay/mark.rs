//! The mark of a replayed event.

use std::sync::Arc;

use tidings_event::Event;
use tidings_transport::{Body, Field};

/// The extension attribute that a replayed event carries: an RFC 3339 time, when its replay began.
/// Handlers that send mail look at it, by `Message::is_replay`.
pub const REPLAY: &str = "tidingsreplay";

/// The same event with the mark. Its data stays as it is.
pub(super) fn marked(body: &Body, mut event: Event, began: &str) -> Body {
    match body {
        Body::Document(_) => {
            let set = event.set_extension(REPLAY, began);
            set.expect("the name and a time keep the rules of extensions");
            Body::Document(event.to_json().into())
        }
        // A foreign wire has room for it among its fields, which readers ignore or know.
        Body::Fields(fields) => {
            let mut fields = fields.clone();
            fields.push(Field {
                name: Arc::from(format!("ce_{REPLAY}")),
                value: began.to_owned().into(),
            });
            Body::Fields(fields)
        }
    }
}
