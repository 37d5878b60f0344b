//! The Kafka wire; the module above says what it is.

mod decode;
mod encode;

pub use decode::KafkaMessage;
pub use encode::{KafkaSchemas, to_kafka};

/// The media type of the value.
const AVRO: &str = "application/avro";
/// Other names for the same.
const AVRO_TOO: [&str; 2] = ["application/vnd.apache.avro", "avro/binary"];
const DATACONTENTTYPE: &str = "ce_datacontenttype";
/// Before the names of attributes that have their header already, in a form that loses something.
const EXACT_PREFIX: &str = "tidings_";
/// Attributes of the package that stand in headers without a prefix.
const UNPREFIXED: [&str; 2] = [super::SOURCEHOST, super::SOURCELIB];
