//! The command on a Kafka, and without the feature.

use crate::site::Site;

#[cfg(not(feature = "kafka"))]
#[test]
fn a_program_without_it_says_how_to_get_it() {
    let ran = Site::new().run(&["topics", "--bus", "kafka://localhost"]);
    let ran = ran.ends_with(78);
    let remedy = "cargo install --path crates/cli --features kafka";
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

    let group = ["--topic", "courses", "--group", "search", "--yes"];
    let noted = tidings(&[&["groups", "acknowledge"], &group[..]].concat()).ok();
    assert!(
        noted.err.contains('0') || noted.out.contains('0'),
        "{}{}",
        noted.out,
        noted.err
    );
    // What takes events there is called by its name.
    let trim = ["trim", "--topic", "courses", "--hard-max-len", "1", "--yes"];
    site.feed(&publish, &documents).ok();
    tidings(&trim).ok();
    let doctor = tidings(&["doctor"]).ends_with(1);
    assert!(doctor.out.contains("error[gap]"), "{}", doctor.out);
    assert!(doctor.out.contains("retention.ms"), "{}", doctor.out);
    assert!(!doctor.out.contains("MAXLEN"), "{}", doctor.out);
    tidings(&[&["groups", "remove"], &group[..]].concat()).ok();
    assert_eq!(tidings(&["groups", "--json"]).ok().json().len(), 0);

    // What topics are made with is a setting too.
    let mistyped = format!("{url}&topic.retention.msec=1");
    let of = ["--topic", "new", "--bus", &mistyped];
    let group = ["--group", "search"];
    for verb in [&["groups", "create"][..], &["consume", "--max", "1"]] {
        let refused = site.run(&[verb, &of, &group].concat()).ends_with(78);
        assert!(
            refused.err.contains("topic.retention.msec"),
            "{}",
            refused.err
        );
    }
    let refused = site.feed(&[&["publish"], &of[..]].concat(), &documents);
    let refused = refused.ends_with(78);
    assert!(
        refused.err.contains("topic.retention.msec"),
        "{}",
        refused.err
    );

    // What numbers schemas is a setting, and a wrong one is not tried again.
    let login = r#"{"specversion":"1.0","id":"7a0b2c6e-c8b4-11f0-8000-000000000001","source":"/openedx/lms/web",
        "type":"org.openedx.learning.auth.session.login.completed.v1","time":"2026-11-23T20:57:12Z",
        "minorversion":0,"data":{"user":{"pii":{"username":"u","email":"e","name":"n"},"id":1,"is_active":true}}}"#
        .replace('\n', "");
    let numbered = |more: &str| {
        let bus = format!("{url}&wire=openedx{more}");
        let publish = [
            "publish",
            "--profile",
            "off",
            "--topic",
            "logins",
            "--bus",
            &bus,
        ];
        site.feed(&publish, &login)
    };
    let without = numbered("").ends_with(78);
    assert!(without.err.contains("registry=URL"), "{}", without.err);
    let elsewhere = numbered(&format!(
        "&registry=http://{}/none",
        web_site("404 x", "<html>")
    ))
    .ends_with(69);
    assert!(
        elsewhere.err.contains("check the path"),
        "{}",
        elsewhere.err
    );

    // Who looks without it sees all the rest.
    let numbers = format!("&registry=http://{}", web_site("200 OK", r#"{"id":1}"#));
    numbered(&numbers).ok();
    let doctor = tidings(&["doctor"]);
    let said = format!("{}{}", doctor.out, doctor.err);
    assert!(said.contains("schemas-out-of-reach"), "{said}");
    assert!(said.contains("registry=URL"), "{said}");
    assert!(said.contains("2 topics"), "{said}");
    // Who reads what needs it is told as whoever writes it.
    let of = ["--topic", "logins", "--from", "earliest"];
    let consume = ["consume", "--group", "search", "--max", "1"];
    for reader in [&consume[..], &["tail", "--no-follow"]] {
        let without = tidings(&[reader, &of].concat()).ends_with(78);
        assert!(without.err.contains("registry=URL"), "{}", without.err);
    }
}

/// A web site that has one answer. It ends with the process.
#[cfg(feature = "kafka")]
pub fn web_site(status: &str, body: &str) -> std::net::SocketAddr {
    use std::io::{Read, Write};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has one");
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 8192]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}
