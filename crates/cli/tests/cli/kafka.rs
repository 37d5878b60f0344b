//! The command on a Kafka, and without the feature.

use crate::site::Site;

#[cfg(not(feature = "kafka"))]
#[test]
fn a_program_without_it_says_how_to_get_it() {
    let ran = Site::new().run(&["topics", "--bus", "kafka://localhost"]);
    let ran = ran.ends_with(78);
    let remedy = "cargo install tidings-cli --features kafka";
    assert!(ran.err.contains(remedy), "{}", ran.err);
}

#[cfg(feature = "kafka")]
#[tokio::test(flavor = "multi_thread")]
async fn the_verbs_work_on_a_real_broker() {
    use tidings_conformance::servers::KafkaServer;

    let server = KafkaServer::start().await;
    let server = server.unwrap_or_else(|e| panic!("Kafka: {e}"));
    let url = format!("kafka://{}?partitions=3&prefix=stage", server.address());
    let site = Site::new();
    let tidings = |arguments: &[&str]| {
        let bus = ["--bus", url.as_str()];
        site.run(&[arguments, &bus].concat())
    };
    tidings(&[
        "groups", "create", "--topic", "courses", "--group", "search",
    ])
    .ok();
    let documents: String = (0..10).map(crate::site::document).collect();
    let publish = ["publish", "--topic", "courses", "--bus", &url];
    site.feed(&publish, &documents).ok();
    let consume = [
        "consume", "--topic", "courses", "--group", "search", "--max",
    ];
    let heard = tidings(&[&consume[..], &["4"]].concat()).ok();
    assert_eq!(heard.json().len(), 4);
    let groups = tidings(&["groups", "--json"]).ok().json();
    assert_eq!(groups[0]["lag_events"], 6, "{groups:?}");
    let rest = tidings(&[&consume[..], &["6"]].concat()).ok();
    assert_eq!(rest.json().len(), 6);
    // The end of a partition is nothing to tell of.
    assert!(!rest.err.contains("PartitionEOF"), "{}", rest.err);
    let topics = tidings(&["topics", "--json"]).ok().json();
    assert_eq!(topics[0]["length"], 10, "{topics:?}");
    // One broker holds one copy of everything, which is told.
    let doctor = tidings(&["doctor"]);
    let said = format!("{}{}", doctor.out, doctor.err);
    assert!(said.contains("one copy"), "{said}");
}
