//! TLS, SASL and ACLs against a real broker.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tidings_conformance::servers::{
    AclOperation, AclResource, Certificates, KafkaOptions, KafkaServer,
};
use tidings_transport::{ErrorKind, Result, Start, Transport};
use tidings_transport_kafka::{Kafka, KafkaConfig, Mechanism};

use tokio::time::timeout;

use crate::fixture::{PATIENCE, config, join, names, publish, record, take, text};

struct Secured {
    server: KafkaServer,
    certificates: Certificates,
    _folder: tempfile::TempDir,
}

async fn secured() -> Secured {
    let folder = tempfile::tempdir().expect("a folder");
    let certificates = Certificates::generate(folder.path()).expect("openssl");
    let options = KafkaOptions {
        certificates: Some(certificates.clone()),
        client_certificates: true,
        user: Some(("lms".into(), "se;cret".into())),
        authorizer: true,
        ..KafkaOptions::default()
    };
    let server = KafkaServer::start_with(options).await;
    Secured {
        server: server.unwrap_or_else(|e| panic!("Kafka: {e}")),
        certificates,
        _folder: folder,
    }
}

impl Secured {
    fn config(&self, mechanism: Mechanism) -> KafkaConfig {
        let mut config = config(&self.server.address(), 1);
        config.tls = true;
        config.ca_file = Some(self.certificates.ca.clone());
        config.cert_file = Some(self.certificates.client_cert.clone());
        config.key_file = Some(self.certificates.client_key.clone());
        config.sasl = Some(mechanism);
        if mechanism != Mechanism::OauthBearer {
            config.user = Some(("lms".into(), "se;cret".into()));
        }
        config
    }

    /// Logs in by tokens of this user.
    fn by_token(&self, user: &str) -> KafkaConfig {
        let mut config = self.config(Mechanism::OauthBearer);
        let endpoint = token_endpoint(user);
        for (name, value) in [
            ("sasl.oauthbearer.method", "oidc"),
            ("sasl.oauthbearer.client.id", user),
            ("sasl.oauthbearer.client.secret", "secret"),
            ("sasl.oauthbearer.token.endpoint.url", &endpoint),
        ] {
            config.client.insert(name.into(), value.into());
        }
        config
    }
}

/// An event goes all the way.
async fn works(config: KafkaConfig) {
    let name = config.sasl.map(Mechanism::as_str);
    let log = Kafka::connect(config).await;
    let log = log.unwrap_or_else(|e| panic!("{name:?}: {e}"));
    let (topic, group) = names("secured");
    log.create_group(&topic, &group, &Start::Latest)
        .await
        .expect("a new group");
    publish(&log, &[record(&topic, "k", "one")]).await;
    let consumer = join(&log, &topic, &group).await;
    assert_eq!(text(&take(&*consumer, 1).await[0]), "one");
    consumer.close().await.expect("a consumer can leave");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_let_in_over_tls_and_do_what_they_may() {
    let broker = secured().await;
    for mechanism in [
        Mechanism::Plain,
        Mechanism::ScramSha256,
        Mechanism::ScramSha512,
    ] {
        works(broker.config(mechanism)).await;
    }
    works(broker.by_token("lms")).await;
    every_acl_that_is_missing_is_named(&broker).await;

    let mut wrong = broker.config(Mechanism::ScramSha512);
    wrong.user = Some(("lms".into(), "hunter2".into()));
    let error = Kafka::connect(wrong)
        .await
        .expect_err("the password is wrong");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert!(error.to_string().contains("invalid credentials"), "{error}");
    let nowhere = broker.config(Mechanism::OauthBearer);
    let mut missing = broker.config(Mechanism::ScramSha512);
    missing.ca_file = Some("/none.pem".into());
    for (config, named) in [(nowhere, "sasl.oauthbearer.method"), (missing, "ca_file")] {
        let error = Kafka::connect(config).await.expect_err(named);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(named), "{error}");
    }
    // The broker's certificate is of an authority that nobody knows.
    let mut stranger = broker.config(Mechanism::ScramSha512);
    stranger.ca_file = None;
    let error = Kafka::connect(stranger)
        .await
        .expect_err("nobody knows this broker");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
}

/// Somebody who may do nothing is told, step by step, what it takes; and goes on with the same
/// connection once it is allowed.
async fn every_acl_that_is_missing_is_named(broker: &Secured) {
    use AclOperation::{Create, Describe, Read, Write};
    let (topic, group) = names("allowed");
    let journal = format!("{topic}.dlq.{group}");
    let allow = |on: (AclResource, &str), operation| {
        let allowed = broker.server.allow("search", on, operation);
        allowed.unwrap_or_else(|e| panic!("{on:?} {operation:?}: {e}"));
    };
    let log = Kafka::connect(broker.by_token("search")).await;
    let log = log.expect("who may do nothing may connect");
    let event = [record(&topic, "k", "one")];
    let publish = async || log.publish(&event).await.remove(0).map(drop);
    let make = async || {
        let made = log.create_group(&topic, &group, &Start::Earliest).await;
        made.map(drop)
    };

    let topics = (AclResource::TopicsOf, topic.as_str());
    // All that brokers will ask for, one after the other.
    let all = format!("--operation Describe --operation Create --operation Write --topic {topic};");
    denied(publish, &all).await;
    denied(publish, &format!("Describe on the topic {topic} ")).await;
    allow(topics, Describe);
    denied(publish, &format!("Create on the topic {topic} and Write ")).await;
    allow(topics, Create);
    denied(publish, &format!("Write on the topic {topic} ")).await;
    allow((AclResource::TopicsOf, "elsewhere"), Write);
    denied(publish, &format!("Write on the topic {topic} ")).await;

    denied(make, &format!("Describe on the group {group} ")).await;
    allow((AclResource::Group, group.as_str()), Describe);
    denied(make, &format!("Write on the topic {journal} ")).await;
    allow(topics, Write);
    until_allowed(publish).await;
    denied(make, &format!("Read on the group {group} ")).await;
    allow((AclResource::Group, group.as_str()), Read);
    denied(make, &format!("Read on the topic {journal} ")).await;
    allow(topics, Read);
    until_allowed(make).await;
    let consumer = join(&log, &topic, &group).await;
    assert_eq!(text(&take(&*consumer, 1).await[0]), "one");
    consumer.close().await.expect("a consumer can leave");
}

/// Expects to be refused for want of this. Brokers hear of what was allowed before a moment later.
async fn denied(call: impl AsyncFn() -> Result<()>, acl: &str) {
    let told = async {
        loop {
            let error = call().await.expect_err(acl);
            if error.to_string().contains(acl) {
                return error;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let error = timeout(PATIENCE, told).await;
    let error = error.unwrap_or_else(|_| panic!("it never says: {acl}"));
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("kafka-acls.sh"), "{error}");
}

async fn until_allowed(call: impl AsyncFn() -> Result<()>) {
    let allowed = async {
        while let Err(error) = call().await {
            assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, allowed).await.expect("it is allowed");
}

/// A token endpoint that gives everybody a token of this user; how its signature is made is for brokers that
/// check it.
fn token_endpoint(user: &str) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it has one");
    let part = |json: String| URL_SAFE_NO_PAD.encode(json);
    let now = jiff::Timestamp::now().as_second();
    let token = format!(
        "{}.{}.",
        part(r#"{"alg":"none"}"#.into()),
        part(format!(
            r#"{{"sub":"{user}","iat":{now},"exp":{}}}"#,
            now + 3600
        ))
    );
    let body = format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3600}}"#);
    // It ends with the process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut request = [0; 8192];
            let _ = stream.read(&mut request);
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
                 Connection: close\r\n\r\n{body}"
            );
        }
    });
    format!("http://{address}/token")
}

/// A broker that is starting may die of it once more.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_breaks_off_is_tried_again() {
    let options = KafkaOptions {
        user: Some(("lms".into(), "pw".into())),
        ..KafkaOptions::default()
    };
    let server = KafkaServer::start_with(options).await;
    let server = server.unwrap_or_else(|e| panic!("Kafka: {e}"));
    let opens = Instant::now() + Duration::from_secs(4);
    let mut config = config(&door(server.address(), opens), 1);
    config.sasl = Some(Mechanism::ScramSha256);
    config.user = Some(("lms".into(), "pw".into()));
    config.response_timeout = PATIENCE;
    let connected = Kafka::connect(config).await;
    connected.expect("it logs in once the door is open");
    assert!(Instant::now() >= opens, "nothing broke off");
}

/// Stands before a broker. Until it opens, it breaks off when a client says how it logs in.
fn door(broker: String, opens: Instant) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it has one");
    // It ends with the process.
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if let Ok(broker) = TcpStream::connect(&broker) {
                let is_open = Instant::now() >= opens;
                std::thread::spawn(move || pass(client, broker, is_open));
            }
        }
    });
    address.to_string()
}

fn pass(mut client: TcpStream, mut broker: TcpStream, is_open: bool) -> io::Result<()> {
    if is_open {
        let (mut asks, mut hears) = (client.try_clone()?, broker.try_clone()?);
        std::thread::spawn(move || io::copy(&mut asks, &mut hears));
        io::copy(&mut broker, &mut client)?;
        return Ok(());
    }
    // First clients ask for the versions of what may be asked.
    let mut bytes = [0; 8192];
    let length = client.read(&mut bytes)?;
    broker.write_all(&bytes[..length])?;
    let length = broker.read(&mut bytes)?;
    client.write_all(&bytes[..length])?;
    let _ = client.read(&mut bytes);
    Ok(())
}
