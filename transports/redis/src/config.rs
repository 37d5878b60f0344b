//! Which server, and how to talk to it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use redis::{
    ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    RedisConnectionInfo, TlsCertificates,
};
use tidings_transport::{Error, ErrorKind, Result};

use crate::sentinels::{self, SentinelConfig};
use crate::server::Server;

/// RESP3 lets the connection tell when the server has closed it, so that the next publish goes to a
/// new connection instead of ending with an unknown outcome.
pub(crate) const PROTOCOL: ProtocolVersion = ProtocolVersion::RESP3;

/// Settings of a [`Redis`](crate::Redis) log. `Debug` hides the password.
///
/// ```
/// # use tidings_transport_redis::RedisConfig;
/// let mut config = RedisConfig::default();
/// config.host = "redis.internal".into();
/// config.password = Some("secret".into());
/// assert!(!format!("{config:?}").contains("secret"));
/// assert_eq!(config.address(), "redis://redis.internal:6379/0");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisConfig {
    /// Host name or address. Default: `127.0.0.1`.
    pub host: String,
    /// Port. Default: 6379.
    pub port: u16,
    /// A Unix socket, used instead of host and port. Default: none.
    pub socket: Option<PathBuf>,
    /// Sentinels that say where the primary is, used instead of host and port. Default: none.
    pub sentinels: Option<SentinelConfig>,
    /// Speak TLS (`rediss://`). Default: no.
    pub tls: bool,
    /// Authorities to trust, PEM, instead of the public ones. Only with `tls`.
    pub ca_file: Option<PathBuf>,
    /// Certificate to show, PEM; needs `key_file`. Only with `tls`.
    pub cert_file: Option<PathBuf>,
    /// Private key of that certificate, PEM.
    pub key_file: Option<PathBuf>,
    /// ACL user. Default: the server's default user.
    pub username: Option<String>,
    /// Password. Default: none.
    pub password: Option<String>,
    /// Number of the database. Default: 0.
    pub db: u32,
    /// How long connecting may take, the greeting included. Default: 5 s.
    pub connect_timeout: Duration,
    /// How long an answer may take; beyond it a write's outcome is unknown. Default: 5 s.
    pub response_timeout: Duration,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 6379,
            socket: None,
            sentinels: None,
            tls: false,
            ca_file: None,
            cert_file: None,
            key_file: None,
            username: None,
            password: None,
            db: 0,
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Taken apart so that a new field cannot be forgotten.
        let Self {
            host,
            port,
            socket,
            sentinels,
            tls,
            ca_file,
            cert_file,
            key_file,
            username,
            password,
            db,
            connect_timeout,
            response_timeout,
        } = self;
        f.debug_struct("RedisConfig")
            .field("host", host)
            .field("port", port)
            .field("socket", socket)
            .field("sentinels", sentinels)
            .field("tls", tls)
            .field("ca_file", ca_file)
            .field("cert_file", cert_file)
            .field("key_file", key_file)
            .field("username", username)
            .field("password", &password.as_ref().map(|_| "hidden"))
            .field("db", db)
            .field("connect_timeout", connect_timeout)
            .field("response_timeout", response_timeout)
            .finish()
    }
}

impl RedisConfig {
    /// The address for people, without credentials: `rediss://host:6379/0`.
    pub fn address(&self) -> String {
        let scheme = if self.tls { "rediss" } else { "redis" };
        match (&self.socket, &self.sentinels) {
            (Some(path), _) => format!("redis+unix://{}?db={}", path.display(), self.db),
            (None, Some(sentinels)) => format!("{scheme}+sentinel://{sentinels}/{}", self.db),
            (None, None) => format!("{scheme}://{}:{}/{}", self.host, self.port, self.db),
        }
    }

    pub(crate) fn server(&self) -> Result<Server> {
        self.check()?;
        if self.tls {
            // Fails when the program has chosen a provider already: then that one is used.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        match &self.sentinels {
            Some(sentinels) => sentinels::server(self, sentinels),
            None => self.client().map(|client| Server::Fixed(Box::new(client))),
        }
    }

    fn client(&self) -> Result<redis::Client> {
        let address = match &self.socket {
            Some(path) => ConnectionAddr::Unix(path.clone()),
            None => self.address_of(&self.host, self.port),
        };
        let mut settings = RedisConnectionInfo::default()
            .set_db(i64::from(self.db))
            .set_protocol(PROTOCOL);
        if let Some(username) = &self.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        let info: ConnectionInfo = address
            .into_connection_info()
            .map_err(|e| invalid("address", &e.to_string()))?
            .set_redis_settings(settings);
        match self.certificates()? {
            None => redis::Client::open(info).map_err(|e| invalid("address", &e.to_string())),
            Some(certificates) => redis::Client::build_with_tls(info, certificates)
                .map_err(|e| invalid("ca_file, cert_file, key_file", &e.to_string())),
        }
    }

    pub(crate) fn address_of(&self, host: &str, port: u16) -> ConnectionAddr {
        match self.tls {
            true => ConnectionAddr::TcpTls {
                host: host.to_owned(),
                port,
                insecure: false,
                tls_params: None,
            },
            false => ConnectionAddr::Tcp(host.to_owned(), port),
        }
    }

    /// Whom to trust and what to show; `None` without TLS.
    pub(crate) fn certificates(&self) -> Result<Option<TlsCertificates>> {
        if !self.tls {
            return Ok(None);
        }
        let client_tls = match (&self.cert_file, &self.key_file) {
            (Some(cert), Some(key)) => Some(ClientTlsConfig {
                client_cert: read("cert_file", cert)?,
                client_key: read("key_file", key)?,
            }),
            _ => None,
        };
        let root_cert = match &self.ca_file {
            Some(ca) => Some(read("ca_file", ca)?),
            None => None,
        };
        Ok(Some(TlsCertificates {
            client_tls,
            root_cert,
        }))
    }

    fn check(&self) -> Result<()> {
        let given = |file: &Option<PathBuf>| file.is_some();
        if !self.tls && [&self.ca_file, &self.cert_file, &self.key_file].map(given) != [false; 3] {
            return Err(invalid(
                "ca_file, cert_file, key_file",
                "need TLS: use rediss://",
            ));
        }
        if given(&self.cert_file) != given(&self.key_file) {
            return Err(invalid("cert_file, key_file", "belong together; give both"));
        }
        if self.tls && self.socket.is_some() {
            return Err(invalid("socket", "a Unix socket has no TLS"));
        }
        if let Some(sentinels) = &self.sentinels {
            if self.socket.is_some() {
                return Err(invalid(
                    "socket",
                    "sentinels name a host; give one or the other",
                ));
            }
            sentinels.check()?;
        }
        if self.username.is_some() && self.password.is_none() {
            return Err(invalid("username", "needs a password beside it"));
        }
        if self.connect_timeout.is_zero() || self.response_timeout.is_zero() {
            return Err(invalid(
                "connect_timeout, response_timeout",
                "must be above zero",
            ));
        }
        Ok(())
    }
}

fn read(setting: &str, path: &PathBuf) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| {
        invalid(setting, &format!("{} cannot be read: {e}", path.display())).with_source(e)
    })
}

pub(crate) fn invalid(setting: &str, rule: &str) -> Error {
    Error::new(ErrorKind::Invalid, "connect", format!("{setting}: {rule}"))
}
