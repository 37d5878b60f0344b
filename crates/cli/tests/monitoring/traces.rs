//! One event is one trace, from the process that publishes it to the attempts of its handler.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::Value;

use super::collector::{Collector, Span};
use super::site::{KEY, PAYLOAD, Site, TYPE, until};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn consume(site: &Site, collector: Option<&Collector>, count: &str) {
    let mut command = site.command(&[
        "consume",
        "--topic",
        "courses",
        "--group",
        "g",
        "--from",
        "earliest",
        "--max",
        count,
        "--exec",
        "test $TIDINGS_ATTEMPT = 2 || exit 75",
    ]);
    if let Some(collector) = collector {
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
            .env("OTEL_SERVICE_NAME", "search");
    }
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

#[track_caller]
fn one<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    let span = found.next();
    let span = span.unwrap_or_else(|| panic!("no span is called {name:?}: {spans:#?}"));
    assert!(found.next().is_none(), "{name} is there twice: {spans:#?}");
    span
}

#[test]
fn publish_deliver_and_handle_are_one_trace() {
    let (site, collector) = (Site::new(), Collector::start());
    let data = format!(r#"{{"title":"{PAYLOAD}"}}"#);
    let publish = [
        "publish", "--topic", "courses", "--type", TYPE, "--key", KEY, "--data", &data,
    ];
    let ran = site
        .command(&publish)
        .env(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            collector.endpoint() + "/v1/traces",
        )
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    consume(&site, Some(&collector), "1");

    let spans = collector.spans();
    let published = one(&spans, "publish courses");
    let delivered = one(&spans, "deliver courses");
    assert_eq!(published.kind, SpanKind::Producer);
    assert_eq!(delivered.kind, SpanKind::Consumer);
    assert_eq!(
        (published.service.as_str(), delivered.service.as_str()),
        ("tidings", "search")
    );
    assert_eq!(published.parent, "");
    assert_eq!(delivered.parent, published.id);
    let handle = format!("handle {TYPE}");
    let attempts: Vec<&Span> = spans.iter().filter(|span| span.name == handle).collect();
    let told: Vec<_> = attempts
        .iter()
        .map(|span| (span.attributes["tidings.attempt"].as_str(), span.failed))
        .collect();
    assert_eq!(told, [("1", true), ("2", false)]);
    assert!(
        attempts.iter().all(|span| span.parent == delivered.id),
        "{spans:#?}"
    );
    assert!(
        spans.iter().all(|span| span.trace == published.trace),
        "{spans:#?}"
    );

    let event: Value = serde_json::from_str(&site.ok(&["tail", "--no-follow"])).unwrap();
    let stamped = format!("00-{}-{}-01", published.trace, published.id);
    assert_eq!(event["traceparent"], stamped);
    assert_eq!(
        delivered.attributes["messaging.message.id"],
        event["id"].as_str().unwrap()
    );
    assert_eq!(delivered.attributes["messaging.consumer.group.name"], "g");
    assert_eq!(
        delivered.attributes["messaging.destination.name"],
        "courses"
    );
    let shown = format!("{spans:?}");
    assert!(!shown.contains(PAYLOAD) && !shown.contains(KEY), "{shown}");
}

#[test]
fn a_trace_that_an_event_brings_goes_on_and_stays_as_it_is() {
    let (site, collector) = (Site::new(), Collector::start());
    let traceparent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let ran = site
        .command(&["publish", "--topic", "courses", "--type", TYPE])
        .args(["--extension", &format!("traceparent={traceparent}")])
        .args(["--extension", "tracestate=vendor=1"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    consume(&site, Some(&collector), "1");
    let event: Value = serde_json::from_str(&site.ok(&["tail", "--no-follow"])).unwrap();
    assert_eq!(event["traceparent"], traceparent);
    assert_eq!(event["tracestate"], "vendor=1");
    let spans = collector.spans();
    assert_eq!(spans.len(), 4, "{spans:#?}");
    assert!(spans.iter().all(|span| span.trace == TRACE), "{spans:#?}");
    assert_eq!(one(&spans, "publish courses").parent, "b7ad6b7169203331");
    assert_eq!(one(&spans, "deliver courses").parent, "b7ad6b7169203331");
}

/// OpenTelemetry, semantic conventions for messaging spans.
#[test]
fn a_relay_goes_on_in_the_trace_of_what_was_enqueued() {
    let (site, collector) = (Site::new(), Collector::start());
    let database = ["--database", "sqlite:app.db"];
    site.ok(&[&["outbox", "migrate"][..], &database].concat());
    let file = rusqlite::Connection::open(site.folder().join("app.db")).unwrap();
    let id = "8353e8ea-e784-11f1-8511-000000000001";
    let document = format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/example/catalog/worker","type":"{TYPE}","time":"2026-11-23T21:26:15Z","minorversion":0,"sourcehost":"vm","traceparent":"00-{TRACE}-b7ad6b7169203331-01","datacontenttype":"application/json","data":1}}"#
    );
    file.execute(
        "INSERT INTO tidings_outbox (id, topic, event) VALUES (?, 'courses', ?)",
        (id, &document),
    )
    .unwrap();
    let relay = [&["relay"][..], &database].concat();
    let mut relay = site.command(&relay);
    relay.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    let running = site.start(&mut relay);
    until("the row is relayed", || {
        let count = "SELECT count(*) FROM tidings_outbox";
        let rows: Result<i64, _> = file.query_row(count, [], |row| row.get(0));
        (rows == Ok(0)).then_some(())
    });
    running.terminate();
    let spans = collector.spans();
    let relayed = one(&spans, "relay courses");
    assert_eq!(relayed.kind, SpanKind::Producer);
    assert_eq!(
        (relayed.trace.as_str(), relayed.parent.as_str()),
        (TRACE, "b7ad6b7169203331")
    );
    for (name, value) in [
        ("messaging.system", "tidings"),
        ("messaging.operation.name", "relay"),
        ("messaging.operation.type", "send"),
        ("messaging.destination.name", "courses"),
        ("messaging.message.id", id),
    ] {
        assert_eq!(relayed.attributes[name], value, "{name}");
    }
    // What it sends is the row, byte for byte: also its trace.
    assert!(site.ok(&["tail", "--no-follow"]).contains(&document));
}

#[test]
fn without_the_variables_nothing_is_added() {
    let (site, collector) = (Site::new(), Collector::start());
    let publish = ["publish", "--topic", "courses", "--type", TYPE];
    site.ok(&publish);
    let disabled = site
        .command(&publish)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("OTEL_SDK_DISABLED", "true")
        .output();
    assert!(disabled.unwrap().status.success());
    consume(&site, None, "2");
    let events = site.ok(&["tail", "--no-follow"]);
    assert_eq!(events.matches("specversion").count(), 2, "{events}");
    assert!(!events.contains("traceparent"), "{events}");
    assert!(collector.spans().is_empty());
}

#[test]
fn a_command_runs_in_the_trace_of_its_attempt() {
    let (site, collector) = (Site::new(), Collector::start());
    let runs = |group: &str, max: &str, collector: Option<&Collector>| {
        let consume = ["consume", "--topic", "courses", "--from", "earliest"];
        let more = ["--group", group, "--max", max];
        let exec = ["--exec", "echo trace:$TRACEPARENT"];
        let mut command = site.command(&[&consume[..], &more, &exec].concat());
        // That of whoever starts the consumer: no event has to do with it.
        command.env(
            "TRACEPARENT",
            format!("00-{}-{}-01", "1".repeat(32), "2".repeat(16)),
        );
        if let Some(collector) = collector {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
        }
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    let publish = ["publish", "--topic", "courses", "--type", TYPE];
    let carried = format!("00-{TRACE}-b7ad6b7169203331-01");
    site.ok(&publish);
    site.ok(&[
        &publish[..],
        &["--extension", &format!("traceparent={carried}")],
    ]
    .concat());
    assert_eq!(
        runs("plain", "2", None),
        format!("trace:\ntrace:{carried}\n")
    );

    let told = runs("traced", "2", Some(&collector));
    let spans = collector.spans();
    let attempts = spans
        .iter()
        .filter(|span| span.name == format!("handle {TYPE}"));
    let attempts: Vec<_> = attempts
        .map(|span| format!("trace:00-{}-{}-01", span.trace, span.id))
        .collect();
    assert_eq!(attempts.len(), 2, "{spans:#?}");
    assert_eq!(told.lines().collect::<Vec<_>>(), attempts);
    assert!(attempts[1].contains(TRACE), "{attempts:?}");
}

/// An address at which nobody answers.
const NOBODY: &str = "http://127.0.0.1:1";

#[test]
fn a_collector_that_is_away_is_told_of_once_and_holds_up_nothing() {
    let site = Site::new();
    let ran = site
        .command(&["publish", "--topic", "courses", "--type", TYPE])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", NOBODY)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let told = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(told.matches("traces are not sent").count(), 1, "{told}");
}

#[test]
fn what_cannot_be_sent_is_refused_at_the_start() {
    let site = Site::new();
    for (variable, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "not a url"),
    ] {
        let ran = site
            .command(&["topics"])
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
            .env(variable, value)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(78), "{variable}: {told}");
        assert!(told.contains("OTEL_"), "{told}");
    }
}
