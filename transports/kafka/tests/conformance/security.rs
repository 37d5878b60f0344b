//! TLS and SASL against a real broker.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tidings_conformance::servers::{Certificates, KafkaOptions, KafkaServer};
use tidings_transport::{ErrorKind, Start, Transport};
use tidings_transport_kafka::{Kafka, KafkaConfig, Mechanism};

use crate::fixture::{config, join, names, publish, record, take, text};

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
async fn users_are_let_in_over_tls_and_nobody_else() {
    let broker = secured().await;
    for mechanism in [
        Mechanism::Plain,
        Mechanism::ScramSha256,
        Mechanism::ScramSha512,
    ] {
        works(broker.config(mechanism)).await;
    }
    let mut token = broker.config(Mechanism::OauthBearer);
    let endpoint = token_endpoint();
    for (name, value) in [
        ("sasl.oauthbearer.method", "oidc"),
        ("sasl.oauthbearer.client.id", "lms"),
        ("sasl.oauthbearer.client.secret", "secret"),
        ("sasl.oauthbearer.token.endpoint.url", &endpoint),
    ] {
        token.client.insert(name.into(), value.into());
    }
    works(token).await;

    let mut wrong = broker.config(Mechanism::ScramSha512);
    wrong.user = Some(("lms".into(), "hunter2".into()));
    let error = Kafka::connect(wrong)
        .await
        .expect_err("the password is wrong");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    // The broker's certificate is of an authority that nobody knows.
    let mut stranger = broker.config(Mechanism::ScramSha512);
    stranger.ca_file = None;
    let error = Kafka::connect(stranger)
        .await
        .expect_err("nobody knows this broker");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
}

/// A token endpoint that gives everybody a token; how its signature is made is for brokers that
/// check it.
fn token_endpoint() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it has one");
    let part = |json: String| URL_SAFE_NO_PAD.encode(json);
    let now = jiff::Timestamp::now().as_second();
    let token = format!(
        "{}.{}.",
        part(r#"{"alg":"none"}"#.into()),
        part(format!(
            r#"{{"sub":"lms","iat":{now},"exp":{}}}"#,
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
