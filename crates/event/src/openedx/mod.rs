//! The wires of Open edX: of Redis, as the package `edx-event-bus-redis` writes and reads it, and
//! of Kafka, as `edx-event-bus-kafka` does.
//!
//! # Redis
//! An entry has these fields in this order, all UTF-8 but the last: `type`, `id`, `source`,
//! `time`, `minorversion`, `sourcehost`, `sourcelib`, `event_data`. The payload is Avro without
//! header or fingerprint ([`avro`](crate::avro)); here it becomes JSON, and JSON becomes it.
//!
//! | attribute | on the wire |
//! |---|---|
//! | `source` | without its leading slash |
//! | `time` | as Python writes it, in UTC with microseconds: `2026-11-23T20:57:12.222128+00:00` |
//! | `minorversion` | decimal; absent means 0 |
//! | `sourcelib` | an extension: whole numbers with dots between, the version of the writer's library |
//! | `partitionkey` | the extra field `key` |
//! | `dataschema` | the extra field `dataschema`: the [fingerprint](crate::avro::Schema::urn) of the writer's schema, in every entry of ours |
//! | any other | the extra field `ce_{name}` |
//!
//! Extra fields are safe: the package's readers ignore what they do not know. An attribute whose
//! field does not read back to the same text (a time with another offset or with nanoseconds, a
//! source without a slash) also stands in `ce_{name}`, which our reader prefers, so that every
//! event that can be written is read back as it was.
//!
//! # What the package does that one should know
//! - Its consumer acknowledges entries that it cannot use: an `id` that is no UUID, a `time`
//!   that is not in UTC, a `type` that it has no class for. They are logged and gone. So
//!   [`encode`] refuses what the package could not read.
//! - Where a field of the payload has a default, its reader takes the default for every false
//!   value: `0`, `""`, `false` of an optional field arrive as `None`. Here they arrive as written.
//! - A top-level member of the payload that is false (an empty list, `0`) is refused by its
//!   consumer when it sends the signal on.
//! - A missing `id`, `time`, `source` or `sourcehost` it makes up from its own clock, host and
//!   service. Here a missing `id` is a new one (an [`Event`](crate::Event) must have one),
//!   a missing `source` is the package's placeholder, and the others stay absent.
//! - Its producer logs errors and returns as if nothing had happened.
//!
//! # Kafka
//! A message has the attributes in headers: `ce_specversion`, `content-type` and
//! `ce_datacontenttype` (both `application/avro`), `ce_type`, `ce_id`, `ce_source`, `ce_time`,
//! `ce_minorversion`, and without prefix `sourcehost` and `sourcelib`, in this order and in the
//! forms of the Redis wire. Key and value are Avro in a [frame](crate::kafka::frame) that names
//! the writer's schema by its id in a registry. What differs:
//!
//! | attribute | on the wire |
//! |---|---|
//! | `partitionkey` | the key of the message, an Avro string |
//! | `dataschema`, if it is a fingerprint | left out: the frame names the schema |
//! | `subject`, and any other extension | `ce_{name}`, as the binding of CloudEvents has it |
//! | one whose header does not read back to the same text | also `tidings_{name}`, which our reader prefers |
//!
//! The package's readers ignore headers that they do not know. They drop a message without
//! `ce_id`, or with one of their headers twice.

mod decode;
mod encode;
mod entry;
mod error;
mod form;
mod isoformat;
mod kafka;
mod policy;

pub use self::decode::decode;
pub use self::encode::{Encoded, encode};
pub use self::entry::Entry;
pub use self::error::{Error, ErrorKind, Result};
pub use self::form::EntryForm;
pub use self::kafka::{KafkaMessage, KafkaSchemas, to_kafka};
pub use self::policy::{InvalidUnknownSchema, UnknownSchema};

// The names of the fields.
const TYPE: &str = "type";
const ID: &str = "id";
const SOURCE: &str = "source";
const TIME: &str = "time";
const MINORVERSION: &str = "minorversion";
const SOURCEHOST: &str = "sourcehost";
const SOURCELIB: &str = "sourcelib";
const EVENT_DATA: &str = "event_data";
const KEY: &str = "key";
const DATASCHEMA: &str = "dataschema";
const EXTENSION_PREFIX: &str = "ce_";

/// What the package writes for a service that has no name.
const UNKNOWN_SOURCE: &str = "/openedx/SERVICE_NAME_UNSET/web";

/// How the wire writes a source.
fn without_slash(source: &str) -> &str {
    source.strip_prefix('/').unwrap_or(source)
}

/// How a source was before it was written: with a slash, unless it is an absolute URI.
fn with_slash(source: &str) -> String {
    let scheme = source.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    });
    if scheme || source.starts_with('/') {
        source.to_owned()
    } else {
        format!("/{source}")
    }
}
