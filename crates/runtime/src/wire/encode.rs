//! From an event to what stands in a log.

use std::sync::Arc;

use tidings_event::avro::Schema;
use tidings_event::{Definitions, Event, Invalid, kafka, openedx};
use tidings_transport::{Body, Field};

use super::Wire;

/// A body, and the schema that its readers need.
pub(crate) struct Encoded {
    pub(crate) body: Body,
    /// How long the canonical document is.
    pub(crate) document_len: usize,
    /// To be in the schema store before the body is in the log.
    pub(crate) schema: Option<Arc<Schema>>,
}

/// Why a wire cannot express an event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    OpenEdx(#[from] openedx::Error),
    #[error(transparent)]
    Binary(#[from] Invalid),
}

/// Writes an event. For a log with headers the Open edX wire is not complete yet: see
/// [`Numbered`](super::Numbered).
pub(crate) fn encode(
    event: &Event,
    wire: Wire,
    definitions: &dyn Definitions,
) -> Result<Encoded, Error> {
    let document = event.to_json();
    let document_len = document.len();
    match wire {
        Wire::Native => Ok(Encoded {
            body: Body::Document(document.into()),
            document_len,
            schema: None,
        }),
        Wire::Binary => {
            let message = kafka::encode(event, kafka::Mode::Binary)?;
            Ok(Encoded {
                body: Body::Fields(super::message::fields(message)),
                document_len,
                schema: None,
            })
        }
        Wire::OpenEdx => {
            let openedx::Encoded { fields, schema, .. } = openedx::encode(event, definitions)?;
            let fields = fields.into_iter().map(|(name, value)| Field {
                name: (*name).into(),
                value: value.into(),
            });
            Ok(Encoded {
                body: Body::Fields(fields.collect()),
                document_len,
                schema: Some(schema),
            })
        }
    }
}
