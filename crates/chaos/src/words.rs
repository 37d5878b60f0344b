//! Names that all processes of a run agree on.

use std::error::Error;

/// Anything that ends a run.
pub type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// An entity changed; its version stands in the event.
pub const CHANGED: &str = "org.example.chaos.entity.changed.v1";
/// Nobody can handle this one: it belongs into the dead letters.
pub const POISONED: &str = "org.example.chaos.entity.poisoned.v1";

/// Several, so that several consumers of a group are active where one is active per topic.
pub const TOPICS: [&str; 3] = ["entities-0", "entities-1", "entities-2"];
/// The consumers.
pub const GROUP: &str = "view";
/// Entities: few enough that each has many versions, many enough for lanes.
pub const ENTITIES: u64 = 60;

/// The name of an entity.
pub fn entity(number: u64) -> String {
    format!("e{number:03}")
}

/// The topic of an entity.
pub fn topic_of(number: u64) -> &'static str {
    TOPICS[(number % TOPICS.len() as u64) as usize]
}
