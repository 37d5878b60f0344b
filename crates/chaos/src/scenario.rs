//! Which database and which log.

use std::fmt;

use clap::ValueEnum;

/// Which database and which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// PostgreSQL and Redis with `appendfsync always`
    PostgresRedis,
    /// The same with `appendfsync everysec`, as most sites run it
    PostgresRedisEverysec,
    /// MariaDB (READ COMMITTED) and Redis with `appendfsync always`
    MariadbRedis,
    /// PostgreSQL and a Kafka of three brokers, of which one is killed at a time; with the feature
    /// `kafka`
    PostgresKafka,
    /// SQLite and the bus in a SQLite file
    SqliteSqlite,
}

/// The kind of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    Redis,
    Kafka,
    File,
}

/// The kind of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    Postgres,
    Mariadb,
    Sqlite,
}

impl Scenario {
    /// Its database.
    pub fn database(self) -> DatabaseKind {
        match self {
            Self::PostgresRedis | Self::PostgresRedisEverysec | Self::PostgresKafka => {
                DatabaseKind::Postgres
            }
            Self::MariadbRedis => DatabaseKind::Mariadb,
            Self::SqliteSqlite => DatabaseKind::Sqlite,
        }
    }

    /// Its log.
    pub fn log(self) -> LogKind {
        match self {
            Self::PostgresRedis | Self::PostgresRedisEverysec | Self::MariadbRedis => {
                LogKind::Redis
            }
            Self::PostgresKafka => LogKind::Kafka,
            Self::SqliteSqlite => LogKind::File,
        }
    }

    /// Whether the log keeps what it acknowledged when it is killed. With `everysec` Redis holds writes
    /// back in its own memory while a sync of the file goes on, and answers all the same.
    pub fn log_keeps_its_word(self) -> bool {
        self != Self::PostgresRedisEverysec
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PostgresRedis => "PostgreSQL + Redis (appendfsync always)",
            Self::PostgresRedisEverysec => "PostgreSQL + Redis (appendfsync everysec)",
            Self::MariadbRedis => "MariaDB (READ COMMITTED) + Redis (appendfsync always)",
            Self::PostgresKafka => "PostgreSQL + Kafka (three brokers, min.insync.replicas 2)",
            Self::SqliteSqlite => "SQLite + SQLite (durability full)",
        })
    }
}
