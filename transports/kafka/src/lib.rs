//! Tidings over Apache Kafka, for sites that outgrow one Redis.
//!
//! [`Kafka`] fulfils the contract of `tidings-transport` with the means that Kafka has:
//!
//! * A topic is a topic of the same name, an event a message in the structured mode of the
//!   CloudEvents binding. Its key is the message's key, so that events of one key are in one
//!   partition. The producer is idempotent and waits for all replicas in sync.
//! * A group is a consumer group of the same name. One consumer is active per partition; its lease
//!   is its membership. The committed offset is the first record that is not settled; what is
//!   settled behind it, and how often handlers were started, stands in the metadata of the commit,
//!   4,096 characters at most: a partition whose handling runs further ahead pauses.
//! * What else must outlive the consumers is a compacted topic `TOPIC.dlq.GROUP`: dead letters,
//!   parked keys, and where the group was told to seek.
//!
//! ```no_run
//! # async fn f() -> tidings_transport::Result<()> {
//! use tidings_transport::Transport;
//! use tidings_transport_kafka::{Kafka, KafkaConfig};
//!
//! let bus = Kafka::connect(KafkaConfig::new(["kafka-1:9092"])).await?;
//! assert!(bus.ping().await?.starts_with("Kafka"));
//! # Ok(())
//! # }
//! ```

mod acl;
mod brokers;
mod cause;
mod client;
mod commits;
mod config;
mod dead_letters;
mod describe;
mod desk;
mod diagnose;
mod doubt;
mod entry;
mod error;
mod feeder;
mod fence;
mod flight;
mod groups;
mod hand;
mod journal;
mod lane;
mod ledger;
mod librdkafka;
mod member;
mod names;
mod offsets;
mod passing;
mod publisher;
mod reader;
mod rebalance;
mod retention;
mod scan;
mod sender;
mod settle;
mod start;
mod starting;
mod subscriber;
mod topics;
mod transport;
mod upkeep;
mod wire;

pub use config::{KafkaConfig, Mechanism};
pub use transport::Kafka;
