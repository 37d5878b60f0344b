//! The command on a Kafka whose users may not do everything.

use tidings_conformance::servers::{
    AclOperation, AclResource, Certificates, KafkaOptions, KafkaServer,
};

use crate::kafka::web_site;
use crate::site::{Site, document};

/// A broker, and the buses of one who may do everything and of one who may do nothing yet.
async fn broker() -> (KafkaServer, String, String) {
    let options = KafkaOptions {
        user: Some(("admin".into(), "pw".into())),
        authorizer: true,
        ..KafkaOptions::default()
    };
    let server = KafkaServer::start_with(options).await;
    let server = server.unwrap_or_else(|e| panic!("Kafka: {e}"));
    let address = server.address();
    let admin = format!("kafka://admin:pw@{address}?sasl=SCRAM-SHA-256");
    let other = format!(
        "kafka://{address}?sasl=OAUTHBEARER&librdkafka.enable.sasl.oauthbearer.unsecure.jwt=true\
         &librdkafka.sasl.oauthbearer.config=principal%3Dother"
    );
    (server, admin, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_goes_on_where_it_may_not_look() {
    let (server, admin, other) = broker().await;
    let site = Site::new();
    for topic in ["site-closed", "site-open"] {
        let of = ["--topic", topic, "--bus", &admin];
        let create = ["groups", "create", "--group", "search"];
        site.run(&[&create, &of[..]].concat()).ok();
        site.feed(&[&["publish"], &of[..]].concat(), &document(1))
            .ok();
    }
    for (on, operation) in [
        ((AclResource::TopicsOf, "site"), AclOperation::Describe),
        ((AclResource::TopicsOf, "site-open"), AclOperation::Read),
        ((AclResource::Group, "search"), AclOperation::Describe),
    ] {
        let allowed = server.allow("other", on, operation);
        allowed.unwrap_or_else(|e| panic!("{on:?}: {e}"));
    }
    // Brokers hear of what was allowed before a moment later.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let ran = loop {
        let ran = site.run(&["doctor", "--bus", &other]);
        if ran.out.contains("search of site-open is 1 event behind")
            || std::time::Instant::now() > end
        {
            break ran.ok();
        }
    };
    for said in [
        "info[kafka-journals]: 1 journals of groups are not looked at",
        "warning[not-allowed]: the groups of site-closed cannot be looked at",
        "warning[not-allowed]: the entries of site-closed cannot be looked at",
        "warning[group-without-consumer]: group search of site-open is 1 event behind",
        "the ACL Read on the topic site-closed.dlq.search",
    ] {
        assert!(ran.out.contains(said), "{said}:\n{}", ran.out);
    }
    assert!(ran.err.contains("2 topics: see above"), "{}", ran.err);
    // What else looks at all topics does so as well.
    let topics = site.run(&["topics", "--json", "--bus", &other]).ok();
    assert_eq!(topics.json().len(), 2, "{}", topics.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_is_told_once_and_in_our_words() {
    let site = Site::new();
    let certificates = Certificates::generate(site.folder()).expect("openssl");
    let options = KafkaOptions {
        certificates: Some(certificates.clone()),
        user: Some(("admin".into(), "pw".into())),
        ..KafkaOptions::default()
    };
    let server = KafkaServer::start_with(options).await;
    let server = server.unwrap_or_else(|e| panic!("Kafka: {e}"));
    let address = server.address();

    // Its certificate is of an authority that nobody knows.
    let bus = format!("kafka+ssl://admin:pw@{address}?sasl=SCRAM-SHA-256");
    let stranger = site.run(&["topics", "--bus", &bus]).ends_with(77);
    let told = stranger.err.matches("could not be verified").count();
    assert_eq!(told, 1, "{}", stranger.err);
    assert!(stranger.err.contains("ca_file"), "{}", stranger.err);
    assert!(!stranger.err.contains("ssl.ca"), "{}", stranger.err);

    // Tokens are made elsewhere: who is away is asked again, and who refuses is not.
    let ca = certificates.ca.display();
    let by_token = |endpoint: &str| {
        let bus = format!(
            "kafka+ssl://{address}?ca_file={ca}&sasl=OAUTHBEARER&librdkafka.sasl.oauthbearer.method=oidc\
             &librdkafka.sasl.oauthbearer.client.id=lms&librdkafka.sasl.oauthbearer.client.secret=pw\
             &librdkafka.sasl.oauthbearer.token.endpoint.url={endpoint}"
        );
        site.run(&["topics", "--bus", &bus])
    };
    let away = by_token("http://127.0.0.1:1/token").ends_with(69);
    assert!(away.err.contains("OAUTHBEARER token"), "{}", away.err);
    let nowhere = by_token("http://127.0.0.1:x/token").ends_with(78);
    assert!(
        nowhere.err.contains("token.endpoint.url"),
        "{}",
        nowhere.err
    );
    // The broker's own port speaks TLS with a certificate that the system does not know.
    let untrusted = format!("https://{address}/token");
    let untrusted = by_token(&untrusted).ends_with(77);
    assert!(untrusted.err.contains("certificate"), "{}", untrusted.err);
    let refused = r#"{"error":"invalid_client","error_description":"no such client"}"#;
    let refuses = web_site("401 Unauthorized", refused);
    let refused = by_token(&format!("http://{refuses}/token")).ends_with(77);
    assert!(refused.err.contains("no such client"), "{}", refused.err);
}

#[test]
fn a_connection_that_breaks_off_at_the_door_is_no_refusal() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has one");
    // It hears how the client means to log in, and dies. It ends with the process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Read::read(&mut stream, &mut [0; 8192]);
        }
    });
    let bus = format!(
        "kafka://admin:pw@{address}?sasl=SCRAM-SHA-256&librdkafka.api.version.request=false\
         &librdkafka.broker.version.fallback=1.0.0"
    );
    let ran = Site::new().run(&["topics", "--bus", &bus]).ends_with(69);
    assert!(!ran.err.contains("ERROR"), "{}", ran.err);
}
