//! What a real registry does not say when it is asked to, and settings.

use std::sync::{Arc, Mutex};

use tidings_registry::{Registry, RegistryConfig};
use tidings_transport::{ErrorKind, Part, SchemaRegistry, Topic};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that answers every request so; what it was asked.
async fn answering(status: &str, body: &str) -> (RegistryConfig, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let asked = Arc::new(Mutex::new(String::new()));
    let heard = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 16 * 1024];
            let length = stream.read(&mut request).await.unwrap();
            *heard.lock().unwrap() = String::from_utf8_lossy(&request[..length]).into_owned();
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (RegistryConfig::new([url]), asked)
}

#[tokio::test]
async fn every_answer_has_its_kind() {
    for (status, body, kind) in [
        ("500 x", "", ErrorKind::Unavailable),
        (
            "503 x",
            r#"{"error_code": 50003, "message": "no\nleader"}"#,
            ErrorKind::Unavailable,
        ),
        ("429 x", "", ErrorKind::Unavailable),
        (
            "401 x",
            r#"{"error_code": 401, "message": "m"}"#,
            ErrorKind::Denied,
        ),
        ("403 x", "", ErrorKind::Denied),
        (
            "409 x",
            r#"{"error_code": 409, "message": "reader union lacks"}"#,
            ErrorKind::Invalid,
        ),
        (
            "422 x",
            r#"{"error_code": 42201, "message": "m"}"#,
            ErrorKind::Invalid,
        ),
        ("404 x", "<html>", ErrorKind::Unsupported),
        ("302 x", "", ErrorKind::Unsupported),
        ("200 x", "<html>", ErrorKind::Unsupported),
        ("200 x", r#"{"id": -1}"#, ErrorKind::Unsupported),
    ] {
        let (config, _) = answering(status, body).await;
        let registry = Registry::new(config).unwrap();
        let topic = Topic::new("t").unwrap();
        let error = registry
            .register(&topic, Part::Key, "string", "\"string\"")
            .await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    let long = "x".repeat(5 * 1024 * 1024);
    let (config, _) = answering("200 OK", &long).await;
    let error = Registry::new(config).unwrap().schema(1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn schemas_of_other_kinds_are_none() {
    for body in [
        r#"{"schema": "syntax = \"proto3\";", "schemaType": "PROTOBUF"}"#,
        r#"{"schema": "\"a.B\"", "references": [{"name": "a.B"}]}"#,
    ] {
        let (config, _) = answering("200 OK", body).await;
        assert_eq!(
            Registry::new(config).unwrap().schema(1).await.unwrap(),
            None
        );
    }
}

#[tokio::test]
async fn subjects_are_escaped_and_the_user_is_told() {
    let (mut config, asked) = answering("200 OK", r#"{"id": 7}"#).await;
    config.user = Some("key".into());
    config.password = Some("secret".into());
    let registry = Registry::new(config.clone()).unwrap();
    let topic = Topic::new("t").unwrap();
    let id = registry
        .register(&topic, Part::Value, "a/b c?", "\"string\"")
        .await;
    assert_eq!(id.unwrap(), 7);
    let asked = asked.lock().unwrap().to_ascii_lowercase();
    assert!(
        asked.starts_with("post /api/subjects/t-a%2fb%20c%3f/versions http/1.1"),
        "{asked}"
    );
    // key:secret
    assert!(
        asked.contains("authorization: basic a2v5onnly3jlda=="),
        "{asked}"
    );
    assert!(!format!("{config:?} {registry:?}").contains("secret"));
}

#[test]
fn settings_are_checked_without_io() {
    let refused = |change: &dyn Fn(&mut RegistryConfig)| {
        let mut config = RegistryConfig::new(["https://registry.example.org"]);
        change(&mut config);
        config.check().unwrap_err().to_string()
    };
    for url in [
        "registry:8081",
        "ftp://host",
        "http://user:secret@host",
        "http://host?x=y",
        "http://host#x",
        "",
    ] {
        let text = refused(&|config| config.urls = vec![url.to_owned()]);
        assert!(
            text.contains("registry:") && !text.contains("secret"),
            "{text}"
        );
    }
    assert!(refused(&|config| config.urls.clear()).contains("registry:"));
    assert!(refused(&|config| config.password = Some("p".into())).contains("registry_user"));
    let both = refused(&|config| {
        config.user = Some("u".into());
        config.token = Some("secret".into());
    });
    assert!(
        both.contains("registry_token") && !both.contains("secret"),
        "{both}"
    );
    assert!(refused(&|config| config.cert_file = Some("c".into())).contains("registry_key_file"));
    let mut config = RegistryConfig::new(["https://registry.example.org"]);
    config.ca_file = Some("no/such/file".into());
    let error = Registry::new(config).unwrap_err();
    assert!(error.to_string().contains("registry_ca_file"), "{error}");
}
