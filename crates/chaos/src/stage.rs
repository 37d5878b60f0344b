//! The servers, and the proxies that connections are cut at.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tidings_conformance::servers::{
    AppendOnly, KafkaCluster, MariadbServer, PostgresServer, Proxy, RedisOptions, RedisServer,
};
use tidings_transport::{Group, Start, Topic};

use crate::database::Database;
use crate::scenario::{DatabaseKind, LogKind, Scenario};
use crate::words::{GROUP, Result, TOPICS};

/// A database server.
enum Server {
    Postgres(PostgresServer),
    Mariadb(MariadbServer),
}

/// Where everything is. Processes go through the proxies, the books do not.
pub struct Stage {
    redis: Option<RedisServer>,
    kafka: Option<KafkaCluster>,
    /// Which broker is killed next.
    broker: usize,
    server: Option<Server>,
    bus_proxy: Option<Proxy>,
    database_proxy: Option<Proxy>,
    folder: PathBuf,
    _temporary: Option<TempDir>,
}

/// Brokers of a Kafka: any one may be away.
const BROKERS: usize = 3;

/// The database of the service that writes.
pub const APP: &str = "app";
/// The database of the service that consumes.
pub const VIEW: &str = "view";

impl Stage {
    /// Starts what the scenario needs.
    pub async fn build(scenario: Scenario, folder: Option<&Path>) -> Result<Self> {
        let temporary = tempfile::Builder::new()
            .prefix("tidings-chaos-")
            .tempdir()?;
        let folder = match folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                folder.to_owned()
            }
            None => temporary.path().to_owned(),
        };
        let kafka = match scenario.log() {
            LogKind::Kafka => Some(KafkaCluster::start(BROKERS).await?),
            _ => None,
        };
        let redis = match scenario.log() {
            LogKind::Redis => Some(
                RedisServer::start(RedisOptions {
                    append_only: match scenario {
                        Scenario::PostgresRedisEverysec => AppendOnly::EverySecond,
                        _ => AppendOnly::Always,
                    },
                    ..RedisOptions::default()
                })
                .await?,
            ),
            _ => None,
        };
        let server = match scenario.database() {
            DatabaseKind::Postgres => {
                let settings = ["max_connections=200", "deadlock_timeout=200ms"];
                Some(Server::Postgres(PostgresServer::start(&settings).await?))
            }
            DatabaseKind::Mariadb => Some(Server::Mariadb(MariadbServer::start(&[]).await?)),
            DatabaseKind::Sqlite => None,
        };
        let stage = Self {
            bus_proxy: redis
                .as_ref()
                .map(|r| Proxy::start(r.address()))
                .transpose()?,
            database_proxy: server
                .as_ref()
                .map(|s| Proxy::start(s.address()))
                .transpose()?,
            redis,
            kafka,
            broker: 0,
            server,
            folder,
            _temporary: Some(temporary),
        };
        for name in [APP, VIEW] {
            match &stage.server {
                Some(Server::Postgres(server)) => drop(server.create_database(name)?),
                Some(Server::Mariadb(server)) => drop(server.create_database(name)?),
                None => {}
            }
            let mut database = Database::connect(&stage.database(name)).await?;
            tidings_outbox::Database::new(&stage.database(name))?
                .migrate()
                .await?;
            database.prepare().await?;
        }
        let bus = tidings::open(&stage.bus()).await?;
        let group = Group::new(GROUP)?;
        for topic in TOPICS {
            let start = Start::Earliest;
            let topic = Topic::new(topic)?;
            bus.transport().create_group(&topic, &group, &start).await?;
        }
        Ok(stage)
    }

    /// Where processes note things.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The bus, for the books.
    pub fn bus(&self) -> String {
        match (&self.redis, &self.kafka) {
            (Some(redis), _) => redis.url(),
            // Who is killed is missed soon.
            (None, Some(kafka)) => format!(
                "kafka://{}?partitions=3&replication=3&librdkafka.session.timeout.ms=2000\
                 &librdkafka.heartbeat.interval.ms=300",
                kafka.addresses().join(",")
            ),
            (None, None) => format!("sqlite:{}", self.folder.join("bus.db").display()),
        }
    }

    /// The bus, for processes.
    pub fn bus_via(&self) -> String {
        match &self.bus_proxy {
            Some(proxy) => format!("redis://127.0.0.1:{}", proxy.port()),
            None => self.bus(),
        }
    }

    /// A database, for the books.
    pub fn database(&self, name: &str) -> String {
        match &self.server {
            Some(Server::Postgres(server)) => server.url(name),
            Some(Server::Mariadb(server)) => server.url(name),
            None => format!("sqlite:{}/{name}.db", self.folder.display()),
        }
    }

    /// A database, for processes.
    pub fn database_via(&self, name: &str) -> String {
        let direct = self.database(name);
        match (&self.server, &self.database_proxy) {
            (Some(server), Some(proxy)) => direct.replace(
                &format!(":{}/", server.address().port()),
                &format!(":{}/", proxy.port()),
            ),
            _ => direct,
        }
    }

    /// `kill -9` of Redis, or of one broker after the other, which comes back with its data.
    pub async fn kill_bus(&mut self, away: Duration) -> Result<()> {
        if let Some(redis) = &mut self.redis {
            redis.kill();
            tokio::time::sleep(away).await;
            redis.restart().await?;
        }
        if let Some(kafka) = &mut self.kafka {
            let broker = kafka.node(self.broker % BROKERS);
            broker.kill();
            tokio::time::sleep(away).await;
            broker.restart().await?;
            self.broker += 1;
        }
        Ok(())
    }

    /// `kill -9` of the database, which comes back with its data.
    pub async fn kill_database(&mut self, away: Duration) -> Result<()> {
        match &mut self.server {
            Some(Server::Postgres(server)) => {
                server.kill();
                tokio::time::sleep(away).await;
                server.restart().await?;
            }
            Some(Server::Mariadb(server)) => {
                server.kill();
                tokio::time::sleep(away).await;
                server.restart().await?;
            }
            None => {}
        }
        Ok(())
    }

    /// Cuts all connections to the bus.
    pub fn cut_bus(&self) {
        if let Some(proxy) = &self.bus_proxy {
            proxy.cut();
        }
    }

    /// Cuts all connections to the database.
    pub fn cut_database(&self) {
        if let Some(proxy) = &self.database_proxy {
            proxy.cut();
        }
    }

    /// Redis takes nothing new for a while.
    pub async fn fill_bus(&self, full: Duration) -> Result<()> {
        if let Some(redis) = &self.redis {
            redis.command(&["CONFIG", "SET", "maxmemory", "1"])?;
            tokio::time::sleep(full).await;
            redis.command(&["CONFIG", "SET", "maxmemory", "0"])?;
        }
        Ok(())
    }
}

impl Server {
    fn address(&self) -> std::net::SocketAddr {
        match self {
            Self::Postgres(server) => server.address(),
            Self::Mariadb(server) => server.address(),
        }
    }
}
