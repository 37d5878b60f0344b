//! From a URL to a bus: with its modules, all that knows which transports exist.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tidings_runtime::{Namespace, Wire};
use tidings_transport::{Error, ErrorKind, Memory, Transport};
use tidings_transport_redis::{Redis, RedisConfig};
use tidings_transport_sqlite::{Durability, Sqlite, SqliteConfig};

use crate::address::{Address, decoded};
use crate::{Bus, OpenError};

#[cfg(feature = "kafka")]
mod kafka;
mod redis;
#[cfg(feature = "kafka")]
mod registry;
#[cfg(test)]
mod tests;

const SCHEMES: [&str; 8] = [
    "memory",
    "sqlite",
    "redis",
    "rediss",
    "redis+sentinel",
    "rediss+sentinel",
    "kafka",
    "kafka+ssl",
];

/// Parameters that every log has.
const COMMON: [&str; 3] = ["prefix", "wire", "unknown_schema"];
const SQLITE: [&str; 3] = ["durability", "max_bytes", "busy_timeout"];

/// Opens the bus that a URL names; [the crate](crate#urls) lists the URLs.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let bus = tidings::open("memory:?prefix=stage").await.unwrap();
/// assert_eq!(bus.topic("courses").unwrap().as_str(), "stage-courses");
///
/// let error = tidings::open("memory:?prefx=stage").await.unwrap_err();
/// assert!(error.to_string().contains("Did you mean \"prefix\"?"));
/// # }
/// ```
///
/// # Errors
/// [`OpenError`]: a URL that is not understood in full, or a log that cannot be opened.
pub async fn open(url: &str) -> Result<Bus, OpenError> {
    // What is wrong with the URL is told also while the log is away.
    rehearse(url)?;
    let address = Address::parse(url, &SCHEMES)?;
    let (transport, shown) = match address.scheme {
        "memory" => memory(&address)?,
        "sqlite" => sqlite(&address).await?,
        "kafka" | "kafka+ssl" => kafka(&address).await?,
        _ => redis(&address).await?,
    };
    settle_in(Bus::new(transport, shown), &address)
}

/// As [`open()`], but a file that does not exist is refused instead of made: for whoever only
/// looks.
///
/// # Errors
/// [`OpenError`], as for [`open()`]; of the kind `NotFound` where there is no such file.
pub async fn open_existing(url: &str) -> Result<Bus, OpenError> {
    rehearse(url)?;
    let address = Address::parse(url, &SCHEMES)?;
    if address.scheme == "sqlite" {
        must_exist(&sqlite_config(&address)?)?;
    }
    open(url).await
}

/// Whether opening this URL makes a file that is not there yet: worth a word where somebody may have
/// mistyped its path.
pub fn is_new_file(url: &str) -> bool {
    let Ok(address) = Address::parse(url, &SCHEMES) else {
        return false;
    };
    let config = (address.scheme == "sqlite").then(|| sqlite_config(&address));
    config.is_some_and(|found| found.is_ok_and(|(config, _)| !config.path.exists()))
}

/// The file behind a `sqlite:` URL, for its upkeep: size, check, copy, compaction. It must exist.
/// `None` for a URL of another log.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let file = tidings::embedded_file("sqlite:bus.db")?.expect("it is one file");
/// file.backup("/backups/bus.db".as_ref(), |_, _| ()).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`OpenError`], as for [`open_existing`].
pub fn embedded_file(url: &str) -> Result<Option<Sqlite>, OpenError> {
    rehearse(url)?;
    let address = Address::parse(url, &SCHEMES)?;
    if address.scheme != "sqlite" {
        return Ok(None);
    }
    let (config, shown) = sqlite_config(&address)?;
    must_exist(&(config.clone(), shown.clone()))?;
    let file = Sqlite::open(config);
    file.map(Some).map_err(|source| OpenError::Transport {
        address: shown,
        source,
    })
}

fn must_exist((config, shown): &(SqliteConfig, String)) -> Result<(), OpenError> {
    let path = config.path.display();
    let what = match std::fs::metadata(&config.path) {
        // Opening it would make a new bus of it.
        Ok(found) if found.is_file() && found.len() == 0 => {
            format!("{path} is empty: it is no bus yet, or no more")
        }
        // A folder that is missing or may not be read is for whoever opens it to explain.
        Err(e) if e.kind() == io::ErrorKind::NotFound && folder_exists(&config.path) => {
            format!("there is no file {path}; publishing, or creating a group, makes it")
        }
        _ => return Ok(()),
    };
    Err(OpenError::Transport {
        address: shown.clone(),
        source: Error::new(ErrorKind::NotFound, "open", what),
    })
}

fn folder_exists(path: &Path) -> bool {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
    folder.is_none_or(Path::exists)
}

/// The bus that a URL names, with a log in memory in the place of its own: for checking settings
/// and preparing events without I/O. Prefix, wire and definitions are those of the URL.
///
/// ```
/// assert!(tidings::rehearse("redis://cache.example.org?prefix=stage").is_ok());
/// assert!(tidings::rehearse("redis://cache.example.org?prefx=stage").is_err());
/// ```
///
/// # Errors
/// [`OpenError`], when the URL is not understood in full.
pub fn rehearse(url: &str) -> Result<Bus, OpenError> {
    let address = Address::parse(url, &SCHEMES)?;
    match address.scheme {
        "memory" => drop(memory(&address)?),
        "sqlite" => drop(sqlite_config(&address)?),
        #[cfg(feature = "kafka")]
        "kafka" | "kafka+ssl" => drop((kafka::config(&address)?, registry::config(&address)?)),
        #[cfg(not(feature = "kafka"))]
        "kafka" | "kafka+ssl" => return Err(unbuilt(&address)),
        _ => drop(redis_config(&address)?),
    }
    settle_in(Bus::new(Arc::new(Memory::new()), "memory:"), &address)
}

/// A log and what to call it.
type Opened = (Arc<dyn Transport>, String);

/// Applies the parameters that every log has.
fn settle_in(mut bus: Bus, address: &Address) -> Result<Bus, OpenError> {
    if let Some(prefix) = address.text("prefix") {
        let namespace = Namespace::new(prefix);
        let namespace = namespace.map_err(|e| OpenError::invalid("prefix", e.to_string()))?;
        bus = bus.with_namespace(namespace);
    }
    if let Some(wire) = address.parsed::<Wire>("wire", "must be native, binary or openedx")? {
        if wire == Wire::Binary && !address.scheme.starts_with("kafka") {
            let rule = "binary is for Kafka, whose messages have headers; write native or openedx";
            return Err(OpenError::invalid("wire", rule));
        }
        bus = bus.with_wire(wire);
    }
    let rule = "must be declared, refuse, or the minor version to assume";
    if let Some(setting) = address.parsed("unknown_schema", rule)? {
        bus = bus.with_unknown_schema(setting);
    }
    Ok(bus)
}

fn memory(address: &Address) -> Result<Opened, OpenError> {
    address.only(&[&COMMON])?;
    if !address.body.is_empty() {
        let rule = "must be empty: write memory: and nothing behind it but parameters";
        return Err(OpenError::invalid("path", rule));
    }
    Ok((Arc::new(Memory::new()), "memory:".into()))
}

fn sqlite_config(address: &Address) -> Result<(SqliteConfig, String), OpenError> {
    address.only(&[&COMMON, &SQLITE])?;
    // Both `sqlite:PATH` and the form with an empty host, `sqlite:///PATH`, are in use.
    let path = address.body.strip_prefix("//").unwrap_or(&address.body);
    let path = decoded("path", path)?;
    if path.is_empty() {
        return Err(OpenError::invalid("path", "is missing: write sqlite:PATH"));
    }
    // SQLite would take it for a URI of its own, with parameters of its own.
    if path.starts_with("file:") {
        let rule = "must be a path, not a URI: write sqlite:PATH, or sqlite:./file:PATH";
        return Err(OpenError::invalid("path", rule));
    }
    let shown = format!("sqlite:{path}");
    let mut config = SqliteConfig::new(path);
    config = match address.text("durability") {
        None => config,
        Some("full") => config.durability(Durability::Full),
        Some("normal") => config.durability(Durability::Normal),
        Some(_) => return Err(OpenError::invalid("durability", "must be full or normal")),
    };
    if let Some(bytes) = address.parsed("max_bytes", "must be a number of bytes")? {
        config = config.max_bytes(bytes);
    }
    if let Some(timeout) = address.duration("busy_timeout")? {
        config = config.busy_timeout(timeout);
    }
    Ok((config, shown))
}

async fn sqlite(address: &Address) -> Result<Opened, OpenError> {
    let (config, shown) = sqlite_config(address)?;
    // Others may keep the file for themselves for a while.
    let opening = tokio::task::spawn_blocking(move || Sqlite::open(config));
    let opened = opening.await.unwrap_or_else(|_| {
        let what = "the thread that opens the file has ended";
        Err(Error::new(ErrorKind::Closed, "open", what))
    });
    match opened {
        Ok(log) => Ok((Arc::new(log), shown)),
        Err(source) => Err(OpenError::Transport {
            address: shown,
            source,
        }),
    }
}

fn redis_config(address: &Address) -> Result<RedisConfig, OpenError> {
    match address.scheme.ends_with("+sentinel") {
        true => address.only(&[&COMMON, &redis::PARAMETERS, &redis::SENTINEL_PARAMETERS])?,
        false => address.only(&[&COMMON, &redis::PARAMETERS])?,
    }
    redis::config(address)
}

async fn redis(address: &Address) -> Result<Opened, OpenError> {
    let config = redis_config(address)?;
    if config.tls {
        // rustls panics at its first use when nobody has chosen a provider. An embedding program
        // may have chosen one before; then that one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let shown = config.address();
    match Redis::connect(config).await {
        Ok(log) => Ok((Arc::new(log), shown)),
        Err(source) => Err(OpenError::Transport {
            address: shown,
            source,
        }),
    }
}

#[cfg(feature = "kafka")]
async fn kafka(address: &Address) -> Result<Opened, OpenError> {
    let config = kafka::config(address)?;
    let shown = config.address();
    let failed = |source| OpenError::Transport {
        address: shown.clone(),
        source,
    };
    let registry = match registry::config(address)? {
        Some(config) => Some(tidings_registry::Registry::new(config).map_err(failed)?),
        None => None,
    };
    let log = tidings_transport_kafka::Kafka::connect(config).await;
    let mut log = log.map_err(failed)?;
    if let Some(registry) = registry {
        log = log.with_schema_registry(Arc::new(registry));
    }
    Ok((Arc::new(log), shown))
}

#[cfg(not(feature = "kafka"))]
async fn kafka(address: &Address) -> Result<Opened, OpenError> {
    Err(unbuilt(address))
}

#[cfg(not(feature = "kafka"))]
fn unbuilt(address: &Address) -> OpenError {
    OpenError::Unbuilt {
        scheme: address.scheme,
        feature: "kafka",
    }
}
