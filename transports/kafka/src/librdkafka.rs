//! The settings of the client library: the user's, and ours.

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};

use crate::config::KafkaConfig;

/// Settings of the client library that are not the user's to make, because the guarantees rest on
/// them.
pub(crate) const OURS: [&str; 21] = [
    "acks",
    "allow.auto.create.topics",
    "auto.commit.enable",
    "auto.commit.interval.ms",
    "auto.offset.reset",
    "client.id",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.protocol",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "max.poll.interval.ms",
    "message.timeout.ms",
    "partition.assignment.strategy",
    "request.required.acks",
    "request.timeout.ms",
    "socket.timeout.ms",
    "transactional.id",
];

/// Settings of the client library that have a field here, and the parameter of a URL that sets it.
pub(crate) const FIELDS: [(&str, &str); 11] = [
    ("bootstrap.servers", "the hosts of the URL"),
    ("metadata.broker.list", "the hosts of the URL"),
    ("security.protocol", "kafka+ssl:// or kafka://"),
    ("ssl.ca.location", "ca_file"),
    ("ssl.certificate.location", "cert_file"),
    ("ssl.key.location", "key_file"),
    // The longer name first: the other is a part of it.
    ("sasl.mechanisms", "sasl"),
    ("sasl.mechanism", "sasl"),
    ("sasl.username", "USER:PASSWORD@ before the hosts"),
    ("sasl.password", "USER:PASSWORD@ before the hosts"),
    ("group.instance.id", "instance"),
];

/// What the names of settings begin with that consumers alone have.
const OF_CONSUMERS: [&str; 6] = [
    "session.",
    "heartbeat.",
    "fetch.",
    "queued.",
    "isolation.",
    "check.crcs",
];

/// And those that producers alone have.
const OF_PRODUCERS: [&str; 9] = [
    "linger.",
    "batch.",
    "compression.",
    "queue.buffering.",
    "retries",
    "message.send.",
    "partitioner",
    "sticky.",
    "delivery.",
];

impl KafkaConfig {
    pub(crate) fn base(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.brokers.join(","))
            .set(
                "socket.timeout.ms",
                self.response_timeout.as_millis().to_string(),
            )
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("client.id", "tidings");
        let protocol = match (self.tls, self.sasl.is_some()) {
            (false, false) => "plaintext",
            (false, true) => "sasl_plaintext",
            (true, false) => "ssl",
            (true, true) => "sasl_ssl",
        };
        config.set("security.protocol", protocol);
        for (name, file) in [
            ("ssl.ca.location", &self.ca_file),
            ("ssl.certificate.location", &self.cert_file),
            ("ssl.key.location", &self.key_file),
        ] {
            if let Some(file) = file {
                config.set(name, file.to_string_lossy());
            }
        }
        if let Some(mechanism) = self.sasl {
            config.set("sasl.mechanism", mechanism.as_str());
        }
        if let Some((user, password)) = &self.user {
            config
                .set("sasl.username", user)
                .set("sasl.password", password);
        }
        config
    }

    /// Adds the client settings, but for those that begin so: they are of others, and the library
    /// warns of each.
    pub(crate) fn with_settings(&self, config: &mut ClientConfig, others: &[&str]) {
        let all = self.client.iter();
        for (name, value) in all.filter(|(name, _)| !others.iter().any(|o| name.starts_with(o))) {
            config.set(name, value);
        }
        // The library filters by level before it hands out what was asked for.
        if self.client.contains_key("debug") {
            config.set_log_level(RDKafkaLogLevel::Debug);
        }
    }

    pub(crate) fn producer(&self) -> ClientConfig {
        let mut config = self.base();
        self.with_settings(&mut config, &OF_CONSUMERS);
        config
            .set("enable.idempotence", "true")
            // We give up ourselves, all at once.
            .set("message.timeout.ms", "0");
        let mut default = |name: &str, value: &str| {
            if !self.client.contains_key(name) {
                config.set(name, value);
            }
        };
        // Java's choice, so that all producers of a fleet agree on the partition of a key.
        default("partitioner", "murmur2_random");
        default("compression.type", "lz4");
        // A batch is handed over at once, so there is nothing to wait long for.
        default("linger.ms", "1");
        default("queue.buffering.max.messages", "1000000");
        // How large a message may be is the brokers' setting.
        default("message.max.bytes", "10485760");
        config
    }

    /// A consumer that commits nothing by itself. Without a group of its own it is named one, since
    /// the library insists.
    pub(crate) fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = self.base();
        self.with_settings(&mut config, &OF_PRODUCERS);
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true")
            .set("allow.auto.create.topics", "false")
            .set("fetch.error.backoff.ms", "50");
        // Topics that are made anew, and partitions that are added, are noticed soon.
        let refresh = "topic.metadata.refresh.interval.ms";
        if !self.client.contains_key(refresh) {
            config.set(refresh, "30000");
        }
        config
    }

    pub(crate) fn admin(&self) -> ClientConfig {
        let mut config = self.base();
        // The library takes an administrator for a producer.
        self.with_settings(&mut config, &OF_CONSUMERS);
        config
    }
}

/// The group of consumers that belong to none. They never join or commit.
pub(crate) const READER: &str = "tidings-reader";

/// What the library says, with our names for its settings where it names one.
pub(crate) fn in_our_words(text: &str) -> String {
    let fields = FIELDS.iter().filter(|(_, field)| !field.contains(' '));
    fields.fold(text.to_owned(), |text, (name, field)| {
        text.replace(name, field)
    })
}

/// What the client library is, for people.
pub(crate) fn library() -> String {
    format!("librdkafka {}", rdkafka::util::get_rdkafka_version().1)
}

#[cfg(test)]
mod tests {
    use super::{FIELDS, in_our_words};

    #[test]
    fn settings_are_called_as_here() {
        for (name, field) in FIELDS.iter().filter(|(_, field)| !field.contains(' ')) {
            assert_eq!(in_our_words(name), *field);
        }
        let said = "SASL authentication mechanism not set: `sasl.mechanisms` or `sasl.mechanism`, ssl.ca.location";
        let ours = "SASL authentication mechanism not set: `sasl` or `sasl`, ca_file";
        assert_eq!(in_our_words(said), ours);
    }
}
