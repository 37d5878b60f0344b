//! A real registry.

use tidings_conformance::servers::RegistryServer;
use tidings_event::avro::Schema;
use tidings_registry::{Registry, RegistryConfig, SubjectNames};
use tidings_transport::{ErrorKind, Part, SchemaRegistry, Topic};

const FIRST: &str = r#"{"type": "record", "name": "CloudEvent", "namespace": "org.example.made.v1",
    "fields": [{"name": "n", "type": "long"}]}"#;
const SECOND: &str = r#"{"type": "record", "name": "CloudEvent", "namespace": "org.example.made.v1",
    "fields": [{"name": "n", "type": "long"}, {"name": "s", "type": "string", "default": ""}]}"#;
const NAME: &str = "org.example.made.v1.CloudEvent";

pub async fn server() -> Option<RegistryServer> {
    if std::env::var("TIDINGS_REGISTRY_TESTS").as_deref() == Ok("absent") {
        return None;
    }
    Some(RegistryServer::start().await.unwrap())
}

fn config(server: &RegistryServer) -> RegistryConfig {
    RegistryConfig::new([server.url()])
}

/// One start of the server for all: it takes seconds.
#[tokio::test]
async fn schemas_are_registered_found_and_remembered() {
    let Some(mut server) = server().await else {
        return;
    };
    let topic = Topic::new("stage-courses").unwrap();
    let registry = Registry::new(config(&server)).unwrap();
    let first = registry
        .register(&topic, Part::Value, NAME, FIRST)
        .await
        .unwrap();
    let key = registry
        .register(&topic, Part::Key, "string", r#""string""#)
        .await
        .unwrap();
    assert_ne!(first, key);

    // A reader that has seen none of it, and one that registers the same again.
    let other = Registry::new(config(&server)).unwrap();
    let text = other.schema(first).await.unwrap().unwrap();
    assert_eq!(Schema::parse(&text).unwrap(), Schema::parse(FIRST).unwrap());
    assert_eq!(
        other
            .register(&topic, Part::Value, NAME, FIRST)
            .await
            .unwrap(),
        first
    );
    assert_eq!(other.schema(4_000_000).await.unwrap(), None);

    // A registry whose schemas people keep.
    let mut looking = config(&server);
    looking.register = false;
    let looking = Registry::new(looking).unwrap();
    assert_eq!(
        looking
            .register(&topic, Part::Value, NAME, FIRST)
            .await
            .unwrap(),
        first
    );
    let error = looking
        .register(&topic, Part::Value, NAME, SECOND)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error
            .to_string()
            .contains("stage-courses-org.example.made.v1.CloudEvent"),
        "{error}"
    );
    let second = registry
        .register(&topic, Part::Value, NAME, SECOND)
        .await
        .unwrap();
    assert_ne!(second, first);
    assert_eq!(
        looking
            .register(&topic, Part::Value, NAME, SECOND)
            .await
            .unwrap(),
        second
    );

    // Under the other names there is nothing yet.
    let mut named = config(&server);
    named.subjects = SubjectNames::Topic;
    named.register = false;
    let error = Registry::new(named.clone()).unwrap();
    let error = error
        .register(&topic, Part::Value, NAME, FIRST)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("stage-courses-value"), "{error}");
    named.register = true;
    let by_topic = Registry::new(named).unwrap();
    assert_eq!(
        by_topic
            .register(&topic, Part::Value, NAME, FIRST)
            .await
            .unwrap(),
        first
    );

    let error = registry
        .register(&topic, Part::Key, "string", "no schema")
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.is_temporary()),
        (ErrorKind::Invalid, false),
        "{error}"
    );
    let wrong = server.url().replace("/apis/ccompat/v7", "/apis/none");
    let error = Registry::new(RegistryConfig::new([wrong])).unwrap();
    let error = error.schema(first).await.unwrap_err();
    assert!(
        !error.is_temporary() && error.to_string().contains("the path of its address"),
        "{error}"
    );

    // Away: what is known goes on, and what is new waits.
    server.kill();
    assert_eq!(
        registry
            .register(&topic, Part::Value, NAME, FIRST)
            .await
            .unwrap(),
        first
    );
    assert_eq!(other.schema(first).await.unwrap().as_deref(), Some(&*text));
    for error in [
        registry.schema(key).await.unwrap_err(),
        other
            .register(&topic, Part::Value, NAME, SECOND)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(
            (error.kind(), error.is_temporary()),
            (ErrorKind::Unavailable, true),
            "{error}"
        );
    }
    server.restart().await.unwrap();
    assert_eq!(registry.schema(4_000_000).await.unwrap(), None);

    // The first address is away, the second is there.
    let urls = ["http://127.0.0.1:1".to_owned(), server.url()];
    let both = Registry::new(RegistryConfig::new(urls)).unwrap();
    assert!(
        both.register(&topic, Part::Value, NAME, FIRST)
            .await
            .is_ok()
    );
}
