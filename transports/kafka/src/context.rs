//! What the client library tells of itself.

use rdkafka::ClientContext;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tracing::error;

/// The context of a client that belongs to no group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain;

impl ClientContext for Plain {
    fn error(&self, error: KafkaError, reason: &str) {
        told(&error, reason);
    }
}

impl ConsumerContext for Plain {}

/// Tells the log of an error that belongs to no call.
pub(crate) fn told(error: &KafkaError, reason: &str) {
    // The end of a partition is asked for, and is no error.
    let end = error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF);
    if !end && !matches!(error, KafkaError::PartitionEOF(_)) {
        error!(target: "librdkafka", "librdkafka: {error}: {reason}");
    }
}
