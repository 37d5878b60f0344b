//! Tidings over Redis streams.
//!
//! A topic is a stream, a record one of its entries, a group a consumer group. Redis 6.2 or later,
//! or Valkey. What belongs to a group beside the stream stands in keys of its own:
//!
//! | key | holds |
//! |---|---|
//! | `tidings:{TOPIC}:group:GROUP` | where the group stands, counted apart from Redis, and what was lost to it |
//! | `tidings:{TOPIC}:groups` | the names of the groups, so that one that is gone is known all the same |
//! | `tidings:{TOPIC}:lease:GROUP` | which consumer is active, as `EPOCH:CONSUMER` |
//! | `tidings:{TOPIC}:members:GROUP` | the consumers, and until when each counts as alive |
//! | `tidings:{TOPIC}:wake:GROUP` | a stream of one entry that wakes consumers which wait |
//! | `tidings:{TOPIC}:dlq:GROUP` | the dead letters, a stream |
//! | `tidings:{TOPIC}:amended:GROUP` | what later failures of released letters changed in them |
//! | `tidings:{TOPIC}:parked:GROUP` | the parked keys and whether each is being released |
//! | `tidings:{TOPIC}:waiting:GROUP` | the letters of parked keys, in order |
//! | `tidings:{TOPIC}:releasing:GROUP` | the keys that are being released |
//! | `tidings:{TOPIC}:redeliver:GROUP` | the letters that are to be handed out once more, in order per key |
//! | `tidings:{TOPIC}:started:GROUP` | first starts of handlers that the entries do not tell yet |
//! | `tidings:schema:HEX` | an Avro schema |
//!
//! # Order
//! One stream cannot keep the order of keys among competing consumers. With `Ordering::Key` one
//! consumer of the group is active per topic, by a lease with an epoch; every script that hands
//! out or settles something checks it. Topics spread over the consumers that live. With
//! `Ordering::None` all compete, and each entry has a lease of its own: its idle time.
//!
//! # Attempts
//! Redis counts in an entry's retry count how often it was read. This adapter sets that count to
//! one more than the handlers that were started. While the first handler of an entry runs, the active
//! consumer may have noted the start beside the entry only, and `XPENDING` shows 1; whoever takes the
//! entry over, and the consumer itself when it leaves, counts what is noted first. Programs of others in the
//! same group count reads, so there the number is approximate.
//!
//! # Durability
//! A publish that returned is as durable as Redis is told to be: `appendonly yes` with
//! `appendfsync always` survives the loss of power, `everysec` may lose a second, without an
//! append-only file what was written since the last snapshot goes with the process.
//!
//! # Retries
//! Redis has no delay: `Retry` with a time is refused as unsupported. A retried delivery comes again
//! at once.

mod answers;
mod bundle;
mod config;
mod connection;
mod dead_letters;
mod desk;
mod diagnose;
mod entry_id;
mod error;
mod feeder;
mod groups;
mod heartbeat;
mod held;
mod lane;
mod lease;
mod member;
mod names;
mod process;
mod publisher;
mod redelivery;
mod retention;
mod round;
mod schemas;
mod script;
mod sentinels;
mod server;
mod settle;
mod start;
mod subscriber;
mod topics;
mod transport;
mod value;
mod wire;

pub use config::RedisConfig;
pub use sentinels::SentinelConfig;
pub use transport::Redis;
