//! What `tidings doctor` says of a cluster.

use rdkafka::admin::{AdminOptions, AlterConfig, ResourceSpecifier};
use tidings_transport::{Severity, Start, Transport};

use crate::fixture::{config, connect, names};
use crate::harness::start;

#[tokio::test(flavor = "multi_thread")]
async fn dangers_are_found_with_their_remedies() {
    let broker = start().await;
    let log = connect(config(broker.address(), 1)).await;
    let (topic, group) = names("doctor");
    log.create_group(&topic, &group, &Start::Latest)
        .await
        .expect("a new group");
    let journal = format!("{topic}.dlq.{group}");
    let of_journal = |findings: Vec<tidings_transport::Finding>| {
        let mut found = findings.into_iter();
        found.find(|f| f.code == "kafka-journal-policy" && f.what.contains(&journal))
    };
    let findings = log.diagnose().await.expect("a healthy broker");
    assert!(
        findings.iter().any(|f| f.code == "kafka-replication"),
        "{findings:?}"
    );
    assert!(
        findings.iter().all(|f| !f.remedy.is_empty()),
        "{findings:?}"
    );
    assert_eq!(of_journal(findings), None);

    let change = AlterConfig::new(ResourceSpecifier::Topic(&journal));
    let change = change.set("cleanup.policy", "delete");
    let done = broker
        .admin()
        .alter_configs([&change], &AdminOptions::new())
        .await;
    done.expect("the broker answers")
        .remove(0)
        .expect("a setting that can be changed");
    let found = of_journal(log.diagnose().await.expect("a healthy broker"));
    let found = found.expect("it is found");
    assert_eq!(found.severity, Severity::Error);
    assert!(found.remedy.contains("compact"), "{}", found.remedy);
}
