//! Which cluster, and how to talk to it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tidings_transport::{Error, ErrorKind, Result};
use url::Url;

use crate::librdkafka::{FIELDS, OURS};

/// How a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mechanism {
    /// User and password as they are: over TLS only.
    Plain,
    /// User and password, never sent.
    ScramSha256,
    /// User and password, never sent.
    ScramSha512,
    /// Tokens of an identity provider; where they come from are the client settings
    /// `sasl.oauthbearer.…`.
    OauthBearer,
}

impl Mechanism {
    /// As Kafka writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}

impl FromStr for Mechanism {
    type Err = Error;

    /// # Errors
    /// `Invalid`, naming the mechanisms.
    fn from_str(text: &str) -> Result<Self> {
        let all = [
            Self::Plain,
            Self::ScramSha256,
            Self::ScramSha512,
            Self::OauthBearer,
        ];
        let found = all
            .into_iter()
            .find(|m| m.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            let rule = "sasl: must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER";
            Error::new(ErrorKind::Invalid, "connect", rule)
        })
    }
}

/// Settings of a [`Kafka`](crate::Kafka) log. `Debug` shows no value of a client setting.
///
/// ```
/// # use tidings_transport_kafka::KafkaConfig;
/// let mut config = KafkaConfig::new(["kafka-1:9092", "kafka-2:9092"]);
/// config.partitions = Some(12);
/// config.user = Some(("lms".into(), "secret".into()));
/// assert!(!format!("{config:?}").contains("secret"));
/// assert_eq!(config.address(), "kafka://kafka-1:9092,kafka-2:9092/");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KafkaConfig {
    /// Brokers to begin with, as `host:port`.
    pub brokers: Vec<String>,
    /// Partitions of the topics that are made. Default: as the cluster is set (`num.partitions`).
    pub partitions: Option<u32>,
    /// Copies of each partition of the topics that are made, dead letters included. Default: as
    /// the cluster is set (`default.replication.factor`).
    pub replication: Option<u32>,
    /// More settings of the topics that are made, dead letters excepted: `retention.ms`,
    /// `min.insync.replicas`, `cleanup.policy`, …
    pub topic: BTreeMap<String, String>,
    /// Whether connections are encrypted, and the brokers prove who they are.
    pub tls: bool,
    /// Certificates of authorities, PEM. Default: those of the system.
    pub ca_file: Option<PathBuf>,
    /// The certificate of this client, PEM.
    pub cert_file: Option<PathBuf>,
    /// Its private key, PEM.
    pub key_file: Option<PathBuf>,
    /// How this client proves who it is, beside a certificate.
    pub sasl: Option<Mechanism>,
    /// User and password.
    pub user: Option<(String, String)>,
    /// The name of this process for static membership: who comes back under it within the session
    /// timeout has the same partitions, without a rebalance. Two consumers of a group must not
    /// have the same.
    pub instance: Option<String>,
    /// How long an answer may take; beyond it a write's outcome is unknown. Default: 10 s.
    pub response_timeout: Duration,
    /// Settings handed to the client library (librdkafka) as they are: `linger.ms`,
    /// `compression.type`, `session.timeout.ms`, `sasl.oauthbearer.method`, …
    pub client: BTreeMap<String, String>,
}

impl KafkaConfig {
    /// The defaults, for these brokers.
    pub fn new<S: Into<String>>(brokers: impl IntoIterator<Item = S>) -> Self {
        Self {
            brokers: brokers.into_iter().map(Into::into).collect(),
            partitions: None,
            replication: None,
            topic: BTreeMap::new(),
            tls: false,
            ca_file: None,
            cert_file: None,
            key_file: None,
            sasl: None,
            user: None,
            instance: None,
            response_timeout: Duration::from_secs(10),
            client: BTreeMap::new(),
        }
    }

    /// The address for people, without credentials: `kafka://host:9092/`.
    pub fn address(&self) -> String {
        let scheme = if self.tls { "kafka+ssl" } else { "kafka" };
        format!("{scheme}://{}/", self.brokers.join(","))
    }

    /// Checks all settings without I/O.
    ///
    /// # Errors
    /// `Invalid`, naming the setting.
    pub fn check(&self) -> Result<()> {
        let refuse = |rule: String| Err(Error::new(ErrorKind::Invalid, "connect", rule));
        if self.brokers.is_empty() || self.brokers.iter().any(String::is_empty) {
            return refuse("brokers: name at least one, as host:port".into());
        }
        for (field, value) in [
            ("partitions", self.partitions),
            ("replication", self.replication),
        ] {
            if value.is_some_and(|n| n == 0 || n > 10_000) {
                return refuse(format!("{field}: must be 1 to 10000"));
            }
        }
        self.check_credentials().or_else(refuse)?;
        if let Some(name) = OURS.iter().find(|name| self.client.contains_key(**name)) {
            return refuse(format!(
                "{name}: Tidings sets this itself, since its guarantees rest on it; leave it out"
            ));
        }
        if let Some((name, field)) = FIELDS
            .iter()
            .find(|(name, _)| self.client.contains_key(*name))
        {
            return refuse(format!("{name}: is set by {field}"));
        }
        // The library knows its names and values, and its message has no value of a secret.
        let mut all = self.base();
        self.with_settings(&mut all, &[]);
        let native = all.create_native_config();
        native.map(drop).map_err(|e| {
            Error::new(
                ErrorKind::Invalid,
                "connect",
                format!("client settings: {e}"),
            )
        })
    }

    /// Checks that the files are there.
    pub(crate) fn check_files(&self) -> Result<()> {
        let files = [
            ("ca_file", &self.ca_file),
            ("cert_file", &self.cert_file),
            ("key_file", &self.key_file),
        ];
        for (field, file) in files {
            if let Some(file) = file
                && let Err(e) = std::fs::File::open(file)
            {
                let text = format!("{field}: {} cannot be read: {e}", file.display());
                return Err(Error::new(ErrorKind::Invalid, "connect", text).with_source(e));
            }
        }
        Ok(())
    }

    /// Whether the library is told where tokens come from, or may make them itself, for trials.
    fn finds_tokens(&self) -> bool {
        // As the library reads them.
        let is = |name: &str, words: &[&str]| {
            let value = self.client.get(name);
            value.is_some_and(|value| words.iter().any(|word| value.eq_ignore_ascii_case(word)))
        };
        is("sasl.oauthbearer.method", &["oidc"])
            || is("enable.sasl.oauthbearer.unsecure.jwt", &["true", "t", "1"])
    }

    /// The library would take a bad one for one that does not answer.
    fn check_token_endpoint(&self) -> Result<(), String> {
        const NAME: &str = "sasl.oauthbearer.token.endpoint.url";
        let Some(endpoint) = self.client.get(NAME) else {
            return Ok(());
        };
        let rule = "must be a valid URL that begins with https:// or http://";
        match Url::parse(endpoint) {
            Ok(url) if matches!(url.scheme(), "https" | "http") => Ok(()),
            Ok(_) => Err(format!("librdkafka.{NAME}: {rule}")),
            Err(e) => Err(format!("librdkafka.{NAME}: {rule} ({e})")),
        }
    }

    fn check_credentials(&self) -> Result<(), String> {
        let scram = "SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN";
        match (self.sasl, &self.user) {
            (None, None) => {}
            (Some(Mechanism::OauthBearer), None) if !self.finds_tokens() => {
                return Err(
                    "sasl: OAUTHBEARER needs librdkafka.sasl.oauthbearer.method=oidc, and where \
                            tokens come from: librdkafka.sasl.oauthbearer.token.endpoint.url"
                        .into(),
                );
            }
            (Some(Mechanism::OauthBearer), None) => self.check_token_endpoint()?,
            (Some(Mechanism::OauthBearer), Some(_)) => {
                return Err("user: OAUTHBEARER has none; leave it out".into());
            }
            (None, Some(_)) => {
                return Err(format!(
                    "sasl: name the mechanism by which the user logs in: {scram}"
                ));
            }
            (Some(mechanism), None) => {
                let name = mechanism.as_str();
                return Err(format!("user: {name} needs one, and a password"));
            }
            (Some(Mechanism::Plain), Some(_)) if !self.tls => {
                return Err(
                    "sasl: PLAIN shows the password to whoever listens; use TLS \
                            (kafka+ssl://), or SCRAM-SHA-512"
                        .into(),
                );
            }
            _ => {}
        }
        match (self.tls, &self.ca_file, &self.cert_file, &self.key_file) {
            (false, None, None, None) | (true, _, None, None) | (true, _, Some(_), Some(_)) => {
                Ok(())
            }
            (true, ..) => Err("cert_file: certificate and key_file go together".into()),
            (false, ..) => {
                Err("ca_file, cert_file, key_file: are for TLS: write kafka+ssl://".into())
            }
        }
    }
}

impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Taken apart so that a new field cannot be forgotten.
        let Self {
            brokers,
            partitions,
            replication,
            topic,
            tls,
            ca_file,
            cert_file,
            key_file,
            sasl,
            user,
            instance,
            response_timeout,
            client,
        } = self;
        f.debug_struct("KafkaConfig")
            .field("brokers", brokers)
            .field("partitions", partitions)
            .field("replication", replication)
            .field("topic", topic)
            .field("tls", tls)
            .field("ca_file", ca_file)
            .field("cert_file", cert_file)
            .field("key_file", key_file)
            .field("sasl", sasl)
            .field("user", &user.as_ref().map(|(user, _)| user))
            .field("instance", instance)
            .field("response_timeout", response_timeout)
            .field("client", &client.keys().collect::<Vec<_>>())
            .finish()
    }
}
