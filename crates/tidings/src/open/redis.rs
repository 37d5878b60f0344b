//! What a Redis URL says.

use std::path::PathBuf;

use tidings_transport_redis::RedisConfig;
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

/// Reads `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`. No error repeats user or password.
pub(crate) fn config(address: &Address) -> Result<RedisConfig, OpenError> {
    let mut config = RedisConfig::default();
    config.tls = address.scheme == "rediss";
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
    match url.path().trim_matches('/') {
        "" => {}
        db => {
            config.db = db.parse().map_err(|_| {
                OpenError::invalid("path", "must be the number of a database, like /0")
            })?;
        }
    }
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

#[cfg(test)]
mod tests {
    use super::config;
    use crate::OpenError;
    use crate::address::Address;
    use tidings_transport_redis::RedisConfig;

    fn read(url: &str) -> Result<RedisConfig, OpenError> {
        config(&Address::parse(url, &["redis", "rediss"])?)
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
    fn no_error_shows_a_secret() {
        for url in [
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
