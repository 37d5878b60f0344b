//! Sentinels, which say where the primary is.
//!
//! <https://redis.io/docs/latest/develop/reference/sentinel-clients/>

use std::fmt;

use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{RedisError, TlsMode};
use tidings_transport::Result;

use crate::config::{PROTOCOL, RedisConfig, invalid};
use crate::server::Server;

/// The sentinels of a Redis, and the name under which they watch its primary. `Debug` hides the
/// password.
///
/// ```
/// # use tidings_transport_redis::{RedisConfig, SentinelConfig};
/// let mut config = RedisConfig::default();
/// config.sentinels = Some(SentinelConfig::new("events", [("sentinel-1", 26379), ("sentinel-2", 26379)]));
/// assert_eq!(config.address(), "redis+sentinel://sentinel-1:26379,sentinel-2:26379/events/0");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentinelConfig {
    /// The name of the primary in the settings of the sentinels (`sentinel monitor NAME …`).
    pub primary: String,
    /// Hosts and ports of the sentinels, at least one; all of them, so that any may be down.
    pub nodes: Vec<(String, u16)>,
    /// ACL user of the sentinels themselves. Default: none.
    pub username: Option<String>,
    /// Password of the sentinels themselves (`requirepass` of theirs). Default: none.
    pub password: Option<String>,
}

impl SentinelConfig {
    /// The sentinels at these hosts and ports, which watch a primary of this name.
    pub fn new<H: Into<String>>(
        primary: impl Into<String>,
        nodes: impl IntoIterator<Item = (H, u16)>,
    ) -> Self {
        let nodes = nodes.into_iter().map(|(host, port)| (host.into(), port));
        Self {
            primary: primary.into(),
            nodes: nodes.collect(),
            username: None,
            password: None,
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.nodes.is_empty() {
            return Err(invalid("sentinels", "name at least one host"));
        }
        if self.primary.is_empty() {
            let rule = "name the primary as the sentinels do, like HOST:26379/mymaster";
            return Err(invalid("sentinels", rule));
        }
        if self.username.is_some() && self.password.is_none() {
            return Err(invalid("sentinel_username", "needs a password beside it"));
        }
        Ok(())
    }
}

impl fmt::Debug for SentinelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Taken apart so that a new field cannot be forgotten.
        let Self {
            primary,
            nodes,
            username,
            password,
        } = self;
        f.debug_struct("SentinelConfig")
            .field("primary", primary)
            .field("nodes", nodes)
            .field("username", username)
            .field("password", &password.as_ref().map(|_| "hidden"))
            .finish()
    }
}

/// `HOST:PORT,HOST:PORT/PRIMARY`, without credentials.
impl fmt::Display for SentinelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (host, port)) in self.nodes.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            match host.contains(':') {
                true => write!(f, "{comma}[{host}]:{port}")?,
                false => write!(f, "{comma}{host}:{port}")?,
            }
        }
        write!(f, "/{}", self.primary)
    }
}

/// The server behind sentinels. With TLS, sentinels and primary are both asked by it.
pub(crate) fn server(config: &RedisConfig, sentinels: &SentinelConfig) -> Result<Server> {
    let refuse = |e: RedisError| invalid("sentinels", &e.to_string());
    let nodes = sentinels.nodes.iter();
    let nodes = nodes.map(|(host, port)| config.address_of(host, *port));
    let mut builder =
        SentinelClientBuilder::new(nodes, &sentinels.primary, SentinelServerType::Master)
            .map_err(refuse)?
            .set_client_to_redis_db(i64::from(config.db))
            .set_client_to_redis_protocol(PROTOCOL);
    if let Some(username) = &config.username {
        builder = builder.set_client_to_redis_username(username);
    }
    if let Some(password) = &config.password {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(username) = &sentinels.username {
        builder = builder.set_client_to_sentinel_username(username);
    }
    if let Some(password) = &sentinels.password {
        builder = builder.set_client_to_sentinel_password(password);
    }
    if let (Some(for_sentinels), Some(for_primary)) =
        (config.certificates()?, config.certificates()?)
    {
        builder = builder
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_redis_certificates(for_primary)
            .set_client_to_sentinel_tls_mode(TlsMode::Secure)
            .set_client_to_sentinel_certificates(for_sentinels);
    }
    builder.build().map(Server::watched).map_err(refuse)
}
