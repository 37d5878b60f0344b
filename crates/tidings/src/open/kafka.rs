//! What a Kafka URL says.

use std::path::PathBuf;

use tidings_transport_kafka::{KafkaConfig, Mechanism};

use super::{COMMON, registry};
use crate::OpenError;
use crate::address::{Address, decoded};

/// Parameters of a Kafka URL.
const PARAMETERS: [&str; 10] = [
    "ca_file",
    "cert_file",
    "key_file",
    "sasl",
    "partitions",
    "replication",
    "instance",
    "response_timeout",
    "topic.",
    "librdkafka.",
];

/// Where brokers listen unless the URL says otherwise.
const PORT: u16 = 9092;
const TLS_PORT: u16 = 9093;

/// Reads `kafka://[USER:PASSWORD@]HOST[:PORT],…[/]`. No error repeats user or password.
pub(crate) fn config(address: &Address) -> Result<KafkaConfig, OpenError> {
    address.only(&[&COMMON, &PARAMETERS, &registry::PARAMETERS])?;
    let Some(body) = address.body.strip_prefix("//") else {
        let rule = "must begin with two slashes: kafka://HOST:PORT,HOST:PORT";
        return Err(OpenError::invalid("address", rule));
    };
    let (authority, path) = body.split_once('/').unwrap_or((body, ""));
    if !path.is_empty() {
        let rule = "must be empty: topics are named where they are used; escape a slash of a \
                    password as %2F";
        return Err(OpenError::invalid("path", rule));
    }
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (Some(user), hosts),
        None => (None, authority),
    };
    let tls = address.scheme == "kafka+ssl";
    let brokers: Result<Vec<_>, _> = hosts.split(',').map(|host| broker(host, tls)).collect();
    let mut config = KafkaConfig::new(brokers?);
    config.tls = tls;
    if let Some(user) = user {
        let (user, password) = user.split_once(':').ok_or_else(|| {
            OpenError::invalid("user", "must be USER:PASSWORD, special characters escaped")
        })?;
        config.user = Some((decoded("user", user)?, decoded("password", password)?));
    }
    let rule = "must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER";
    config.sasl = address.parsed::<Mechanism>("sasl", rule)?;
    config.ca_file = address.text("ca_file").map(PathBuf::from);
    config.cert_file = address.text("cert_file").map(PathBuf::from);
    config.key_file = address.text("key_file").map(PathBuf::from);
    config.partitions = address.parsed("partitions", "must be a number from 1 to 10000")?;
    config.replication = address.parsed("replication", "must be a number, like 3")?;
    config.instance = address.text("instance").map(str::to_owned);
    if let Some(timeout) = address.duration("response_timeout")? {
        config.response_timeout = timeout;
    }
    config.topic = address.beginning_with("topic.");
    config.client = address.beginning_with("librdkafka.");
    config.check().map_err(|source| OpenError::Transport {
        address: config.address(),
        source,
    })?;
    Ok(config)
}

/// `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`, as `HOST:PORT`.
fn broker(text: &str, tls: bool) -> Result<String, OpenError> {
    let refuse = || OpenError::invalid("host", "must be HOST:PORT, several parted by commas");
    let end = match text.starts_with('[') {
        true => text.find(']').ok_or_else(refuse)? + 1,
        false => text.find(':').unwrap_or(text.len()),
    };
    let (host, port) = text.split_at(end);
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().map_err(|_| refuse())?,
        None if !port.is_empty() => return Err(refuse()),
        None if tls => TLS_PORT,
        None => PORT,
    };
    if host.is_empty() {
        return Err(refuse());
    }
    Ok(format!("{}:{port}", decoded("host", host)?))
}

#[cfg(test)]
mod tests {
    use super::config;
    use crate::OpenError;
    use crate::address::Address;
    use tidings_transport_kafka::{KafkaConfig, Mechanism};

    fn read(url: &str) -> Result<KafkaConfig, OpenError> {
        config(&Address::parse(url, &["kafka", "kafka+ssl"])?)
    }

    #[test]
    fn every_part_is_read() {
        let config = read(
            "kafka+ssl://us%40er:p%2Fw:d@b1.example:9094,[::1],b3?sasl=scram-sha-512&partitions=12\
             &replication=3&instance=worker-1&response_timeout=2s&topic.retention.ms=1000\
             &librdkafka.linger.ms=5&prefix=stage",
        );
        let config = config.expect("it is valid");
        assert_eq!(config.brokers, ["b1.example:9094", "[::1]:9093", "b3:9093"]);
        assert_eq!(
            config.address(),
            "kafka+ssl://b1.example:9094,[::1]:9093,b3:9093/"
        );
        assert_eq!(config.user, Some(("us@er".into(), "p/w:d".into())));
        assert_eq!(config.sasl, Some(Mechanism::ScramSha512));
        assert_eq!((config.partitions, config.replication), (Some(12), Some(3)));
        assert_eq!(config.instance.as_deref(), Some("worker-1"));
        assert_eq!(config.response_timeout.as_secs(), 2);
        assert_eq!(config.topic["retention.ms"], "1000");
        assert_eq!(config.client["linger.ms"], "5");
        assert!(config.tls);
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let config = read("kafka://localhost/").expect("it is valid");
        assert_eq!(config.brokers, ["localhost:9092"]);
        assert_eq!((config.tls, config.sasl, config.user), (false, None, None));
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_remedy() {
        for (url, says) in [
            ("kafka:b1", "two slashes"),
            ("kafka://", "must be HOST:PORT"),
            ("kafka://b1:x", "must be HOST:PORT"),
            ("kafka://b1,,b2", "must be HOST:PORT"),
            ("kafka://b1/courses", "topics are named where they are used"),
            ("kafka://user@b1", "USER:PASSWORD"),
            ("kafka://user:secret@b1", "name the mechanism"),
            ("kafka://user:secret@b1?sasl=PLAIN", "use TLS"),
            ("kafka://b1?sasl=PLAIN", "needs one, and a password"),
            ("kafka://b1?sasl=KERBEROS", "must be PLAIN, SCRAM"),
            ("kafka://b1?ca_file=/ca.pem", "write kafka+ssl://"),
            ("kafka+ssl://b1?cert_file=/c.pem", "go together"),
            ("kafka://b1?partitions=0", "1 to 10000"),
            ("kafka://b1?librdkafka.acks=0", "guarantees rest on it"),
            (
                "kafka://b1?librdkafka.sasl.password=secret",
                "USER:PASSWORD@",
            ),
            (
                "kafka://b1?sasl=OAUTHBEARER&librdkafka.sasl.oauthbearer.method=oidc\
                 &librdkafka.sasl.oauthbearer.token.endpoint.url=ftp://id/secret",
                "token.endpoint.url: must be a valid URL that begins with https://",
            ),
            (
                "kafka://b1?sasl=OAUTHBEARER&librdkafka.sasl.oauthbearer.method=oidc\
                 &librdkafka.sasl.oauthbearer.token.endpoint.url=https://id:port/secret",
                "invalid port number",
            ),
            ("kafka://b1?librdkafka.lingr.ms=0", "lingr.ms"),
            ("kafka://b1?librdkafka.=0", "librdkafka."),
            ("kafka://b1?partition=3", "Did you mean \"partitions\"?"),
        ] {
            let error = read(url).expect_err(url).to_string();
            assert!(error.contains(says), "{url}: {error}");
            assert!(!error.contains("secret"), "{url}: {error}");
        }
    }
}
