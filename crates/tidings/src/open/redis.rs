//! What a Redis URL says.

use std::path::PathBuf;

use tidings_transport_redis::{RedisConfig, SentinelConfig};
use url::Url;

use crate::OpenError;
use crate::address::{Address, decoded};

/// Parameters of a Redis URL.
pub(crate) const PARAMETERS: [&str; 5] = [
    "ca_file",
    "cert_file",
    "key_file",
    "connect_timeout",
    "response_timeout",
];

/// And those of sentinels, which may have a password of their own.
pub(crate) const SENTINEL_PARAMETERS: [&str; 2] = ["sentinel_username", "sentinel_password"];

/// Where sentinels listen unless the URL says otherwise.
const SENTINEL_PORT: u16 = 26379;

/// Reads `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`, or
/// `redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/PRIMARY[/DB]`. No error repeats user or password.
pub(crate) fn config(address: &Address) -> Result<RedisConfig, OpenError> {
    let mut config = match address.scheme.ends_with("+sentinel") {
        true => sentinels(address)?,
        false => host(address)?,
    };
    config.tls = address.scheme.starts_with("rediss");
    config.ca_file = address.text("ca_file").map(PathBuf::from);
    config.cert_file = address.text("cert_file").map(PathBuf::from);
    config.key_file = address.text("key_file").map(PathBuf::from);
    if let Some(timeout) = address.duration("connect_timeout")? {
        config.connect_timeout = timeout;
    }
    if let Some(timeout) = address.duration("response_timeout")? {
        config.response_timeout = timeout;
    }
    Ok(config)
}

fn host(address: &Address) -> Result<RedisConfig, OpenError> {
    let mut config = RedisConfig::default();
    let url = Url::parse(&format!("{}:{}", address.scheme, address.body));
    let url = url.map_err(|_| {
        let rule = "must be like redis://HOST:PORT/DB; escape special characters of a password";
        OpenError::invalid("address", rule)
    })?;
    if !address.body.starts_with("//") {
        let rule = "must begin with two slashes: redis://HOST:PORT/DB";
        return Err(OpenError::invalid("address", rule));
    }
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        config.host = decoded("host", host.trim_matches(['[', ']']))?;
    }
    config.port = url.port().unwrap_or(config.port);
    if !url.username().is_empty() {
        config.username = Some(decoded("user", url.username())?);
    }
    if let Some(password) = url.password() {
        config.password = Some(decoded("password", password)?);
    }
    config.db = database(url.path().trim_matches('/'))?;
    Ok(config)
}

/// Several hosts with ports, which no URL of the general form has.
fn sentinels(address: &Address) -> Result<RedisConfig, OpenError> {
    let mut config = RedisConfig::default();
    let Some(body) = address.body.strip_prefix("//") else {
        let rule = "must begin with two slashes: redis+sentinel://HOST:PORT,HOST:PORT/PRIMARY";
        return Err(OpenError::invalid("address", rule));
    };
    let (authority, path) = body.split_once('/').unwrap_or((body, ""));
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (user, hosts),
        None => ("", authority),
    };
    let (username, password) = match user.split_once(':') {
        Some((username, password)) => (username, Some(password)),
        None => (user, None),
    };
    if !username.is_empty() {
        config.username = Some(decoded("user", username)?);
    }
    if let Some(password) = password {
        config.password = Some(decoded("password", password)?);
    }
    let nodes: Result<Vec<_>, _> = hosts.split(',').map(node).collect();
    let (primary, db) = path.split_once('/').unwrap_or((path, ""));
    if primary.is_empty() {
        let rule = "must name the primary as the sentinels do: \
                    redis+sentinel://HOST:PORT,HOST:PORT/PRIMARY";
        return Err(OpenError::invalid("path", rule));
    }
    let mut sentinels = SentinelConfig::new(decoded("path", primary)?, nodes?);
    sentinels.username = address.text("sentinel_username").map(str::to_owned);
    sentinels.password = address.text("sentinel_password").map(str::to_owned);
    config.sentinels = Some(sentinels);
    config.db = database(db.trim_matches('/'))?;
    Ok(config)
}

/// `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`.
fn node(text: &str) -> Result<(String, u16), OpenError> {
    let refuse = || OpenError::invalid("host", "must be HOST:PORT, several parted by commas");
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or_else(refuse)?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    if host.is_empty() {
        return Err(refuse());
    }
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().map_err(|_| refuse())?,
        None if port.is_empty() => SENTINEL_PORT,
        None => return Err(refuse()),
    };
    Ok((decoded("host", host)?, port))
}

fn database(path: &str) -> Result<u32, OpenError> {
    let rule = "must be the number of a database, like /0";
    match path {
        "" => Ok(0),
        db => db.parse().map_err(|_| OpenError::invalid("path", rule)),
    }
}

#[cfg(test)]
mod tests {
    use super::config;
    use crate::OpenError;
    use crate::address::Address;
    use tidings_transport_redis::RedisConfig;

    fn read(url: &str) -> Result<RedisConfig, OpenError> {
        let schemes = ["redis", "rediss", "redis+sentinel", "rediss+sentinel"];
        config(&Address::parse(url, &schemes)?)
    }

    #[test]
    fn every_part_is_read() {
        let config = read("rediss://us%40er:p%2Fw:d@redis.example:6390/4?response_timeout=2s");
        let config = config.expect("it is valid");
        assert!(config.tls);
        assert_eq!(config.host, "redis.example");
        assert_eq!(config.port, 6390);
        assert_eq!(config.username.as_deref(), Some("us@er"));
        assert_eq!(config.password.as_deref(), Some("p/w:d"));
        assert_eq!(config.db, 4);
        assert_eq!(config.response_timeout.as_secs(), 2);
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let config = read("redis://localhost").expect("it is valid");
        assert_eq!((config.port, config.db, config.tls), (6379, 0, false));
        assert_eq!((config.username, config.password), (None, None));
        let config = read("redis://:secret@[::1]:80").expect("it is valid");
        assert_eq!((config.host.as_str(), config.port), ("::1", 80));
        assert_eq!(
            (config.username, config.password.as_deref()),
            (None, Some("secret"))
        );
    }

    #[test]
    fn sentinels_are_read() {
        let config =
            read("rediss+sentinel://us%40er:p%2Fw@s1:1,[::1],s3/events/2?sentinel_password=x");
        let config = config.expect("it is valid");
        assert!(config.tls);
        assert_eq!(config.username.as_deref(), Some("us@er"));
        assert_eq!(config.password.as_deref(), Some("p/w"));
        assert_eq!(config.db, 2);
        let sentinels = config.sentinels.as_ref().expect("sentinels");
        assert_eq!(sentinels.primary, "events");
        assert_eq!(sentinels.password.as_deref(), Some("x"));
        assert_eq!(
            config.address(),
            "rediss+sentinel://s1:1,[::1]:26379,s3:26379/events/2"
        );
    }

    #[test]
    fn sentinels_that_cannot_be_are_refused_with_the_remedy() {
        for (url, says) in [
            ("redis+sentinel:s1/events", "two slashes"),
            ("redis+sentinel://s1", "must name the primary"),
            ("redis+sentinel://s1:x/events", "must be HOST:PORT"),
            ("redis+sentinel://s1,,s2/events", "must be HOST:PORT"),
            ("redis+sentinel://[::1/events", "must be HOST:PORT"),
            ("redis+sentinel://s1/events/first", "number of a database"),
        ] {
            let error = read(url).expect_err(url).to_string();
            assert!(error.contains(says), "{url}: {error}");
        }
    }

    #[test]
    fn no_error_shows_a_secret() {
        for url in [
            "redis+sentinel://user:secret@host:port/events",
            "redis+sentinel://user:secret@host",
            "redis+sentinel://user:secret%FF@host/events",
            "redis:secret@host",
            "redis://user:secret@host:port",
            "redis://user:secret@host/db",
            "redis://user:secret%FF@host",
            "redis://user:secret@host?response_timeout=0s",
        ] {
            let error = read(url).expect_err(url).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
