//! A client of schema registries with Confluent's API: Confluent's own, Apicurio (under
//! `/apis/ccompat/v7`), Karapace, Redpanda's.
//!
//! It numbers the schemas of the Open edX wire on Kafka. What a registry has told once is
//! remembered, so that while it is away only schemas that are new wait for it.
//!
//! # Example
//! ```no_run
//! use tidings_registry::{Registry, RegistryConfig};
//! use tidings_transport::{Part, SchemaRegistry, Topic};
//!
//! # async fn example() -> tidings_transport::Result<()> {
//! let registry = Registry::new(RegistryConfig::new(["https://registry.example.org"]))?;
//! let topic = Topic::new("stage-courses")?;
//! let id = registry.register(&topic, Part::Key, "string", r#""string""#).await?;
//! assert!(registry.schema(id).await?.is_some());
//! # Ok(())
//! # }
//! ```

mod client;
mod config;
mod error;
mod registry;
mod subjects;

pub use config::RegistryConfig;
pub use registry::Registry;
pub use subjects::{SubjectNames, UnknownSubjectNames};
