//! Tidings and the real Open edX packages on one Redis: `edx-event-bus-redis` as producer and as
//! consumer, `openedx-events` as the source of the schemas, `fastavro` as the other Avro codec; and what
//! Prometheus reads metrics with.
//!
//! The packages come from `scripts/peers.sh`. Where they could not be installed `scripts/test.sh`
//! says so and sets `TIDINGS_PEERS=absent`; without that a missing package is a failure.

#[path = "../../../catalog/tests/catalog/avro_edits.rs"]
mod avro_edits;
mod bus;
mod codec;
mod evolution;
mod metrics;
mod old_redis;
mod site;
mod wire;
