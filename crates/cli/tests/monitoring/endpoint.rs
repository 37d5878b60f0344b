//! `/metrics`, `/healthz` and `/readyz` of real commands over a real log.

use std::io::Write;
use std::net::SocketAddr;

use tidings_conformance::servers::{Proxy, RedisOptions, RedisServer};

use super::site::{KEY, PAYLOAD, Site, TYPE, ask, get, until};

const METRICS: [&str; 3] = ["-v", "--metrics", "127.0.0.1:0"];

fn shows(address: SocketAddr, line: &str) {
    until(line, || {
        let (status, text) = get(address, "/metrics");
        assert_eq!(status, 200, "{text}");
        text.contains(line).then_some(())
    });
}

#[test]
fn a_consumer_tells_what_it_did_and_how_its_group_stands() {
    let site = Site::new();
    site.publish(3);
    let consume = [
        &["consume", "--topic", "courses", "--group", "g", "--from", "earliest"][..],
        &["--max-attempts", "2", "--on-failure", "skip", "--exec"],
        &["n=$(ls | grep -c ok); touch ok$n; test $n -gt 0 || exit 3; test $TIDINGS_ATTEMPT = 2 || exit 75"],
        &METRICS,
    ]
    .concat();
    let running = site.start(&mut site.command(&consume));
    let address = running.address();
    let labels = format!(r#"{{group="g",topic="courses",type="{TYPE}"}}"#);
    // The first event becomes a dead letter; the second and third are tried twice.
    shows(address, &format!("tidings_delivered_total{labels} 2"));
    shows(
        address,
        r#"tidings_dead_letters_total{group="g",topic="courses",class="permanent"} 1"#,
    );
    shows(
        address,
        r#"tidings_retried_total{group="g",topic="courses",class="temporary"} 2"#,
    );
    shows(
        address,
        &format!("tidings_handler_duration_seconds_count{labels} 5"),
    );
    shows(
        address,
        &format!("tidings_event_age_seconds_count{labels} 2"),
    );
    shows(
        address,
        r#"tidings_received_total{group="g",topic="courses"} 3"#,
    );
    shows(address, r#"tidings_in_hand{group="g"} 0"#);
    // Asked from the log every ten seconds.
    shows(
        address,
        r#"tidings_group_dead_letters{group="g",topic="courses"} 1"#,
    );
    shows(
        address,
        r#"tidings_group_lag_events{group="g",topic="courses"} 0"#,
    );
    shows(address, "tidings_log_up{} 1");

    let (status, text) = get(address, "/metrics");
    assert_eq!(status, 200);
    assert!(
        text.contains("application/openmetrics-text; version=1.0.0"),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(!text.contains(KEY) && !text.contains(PAYLOAD), "{text}");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(address, path).0, 200, "{path}");
    }
    assert_eq!(get(address, "/").0, 404);
    assert_eq!(ask(address, "POST", "/metrics").0, 405);
}

#[test]
fn a_publisher_that_reads_a_pipe_tells_what_it_published() {
    let site = Site::new();
    site.ok(&[
        "groups", "create", "--topic", "courses", "--group", "asleep",
    ]);
    let publish = [&["publish", "--topic", "courses"][..], &METRICS].concat();
    let mut running = site.start(&mut site.command(&publish));
    let address = running.address();
    let event = format!(
        r#"{{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-000000000001","source":"/example/catalog/worker","type":"{TYPE}","time":"2026-11-23T21:26:15Z","datacontenttype":"application/json","minorversion":0,"sourcehost":"vm","data":1}}"#
    );
    let stdin = running.stdin.as_mut().unwrap();
    writeln!(stdin, "{event}\n{{}}").unwrap();
    stdin.flush().unwrap();
    shows(
        address,
        &format!(r#"tidings_published_total{{topic="courses",type="{TYPE}"}} 1"#),
    );
    // Also of a group that nobody consumes: who else would tell?
    shows(
        address,
        r#"tidings_group_lag_events{group="asleep",topic="courses"} 1"#,
    );
    assert_eq!(get(address, "/readyz").0, 200);
    drop(running.stdin.take());
    running.wait();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_whose_log_is_away_lives_and_is_not_ready() {
    let redis = RedisServer::start(RedisOptions::default()).await.unwrap();
    let proxy = Proxy::start(redis.address()).unwrap();
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let site = Site::new();
    let consume = [
        &[
            "consume", "--topic", "courses", "--group", "g", "--bus", &url,
        ][..],
        &METRICS,
    ]
    .concat();
    let running = site.start(&mut site.command(&consume));
    let address = running.address();
    let becomes = async |path: &'static str, status: u16| {
        let wait = move || {
            until(path, || {
                let (is, text) = get(address, path);
                (is == status).then_some(text)
            })
        };
        tokio::task::spawn_blocking(wait).await.unwrap()
    };
    becomes("/readyz", 200).await;
    proxy.refuse().await;
    let why = becomes("/readyz", 503).await;
    assert!(why.contains("the log"), "{why}");
    becomes("/healthz", 200).await;
    proxy.accept().await;
    becomes("/readyz", 200).await;
}

#[test]
fn an_address_that_cannot_be_bound_ends_the_command() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let site = Site::new();
    for (address, code) in [(address.as_str(), 78), ("9464", 64)] {
        let ran = site
            .command(&["consume", "--topic", "courses", "--group", "g"])
            .env("TIDINGS_METRICS", address)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(code), "{told}");
        assert!(told.contains(address), "{told}");
    }
}
