//! Real servers for tests: started on a free port in a temporary folder, stopped on drop.

mod certificates;
mod kafka;
mod kafka_acls;
mod kafka_cluster;
mod mariadb;
mod pgbouncer;
mod postgres;
mod process;
mod proxy;
mod redis;
mod registry;
mod sentinels;

pub use certificates::Certificates;
pub use kafka::{KafkaOptions, KafkaServer};
pub use kafka_acls::{AclOperation, AclResource};
pub use kafka_cluster::KafkaCluster;
pub use mariadb::MariadbServer;
pub use pgbouncer::PgBouncer;
pub use postgres::PostgresServer;
pub use proxy::Proxy;
pub use redis::{AppendOnly, RedisOptions, RedisServer};
pub use registry::RegistryServer;
pub use sentinels::Sentinels;
