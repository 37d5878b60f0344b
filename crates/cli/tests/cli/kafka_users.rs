//! The command on a Kafka whose users may not do everything.

use tidings_conformance::servers::{AclOperation, AclResource, KafkaOptions, KafkaServer};

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
