//! What a publish that returned says (1).

use std::collections::HashSet;

use bytes::Bytes;
use tidings_transport::{Body, ErrorKind, Field, Key, Record};

use crate::CutAt;
use crate::scene::{
    Scene, ack, body_text, drain, expect_kind, join, next, publish, publish_patiently, record,
    take, texts, until,
};

pub(crate) async fn results_stand_in_the_order_given(s: Scene) {
    s.make_group().await;
    let other = s.another_topic("other");
    let mut batch = Vec::new();
    for i in 0..20 {
        batch.push(s.record(None, &format!("here {i}")));
        batch.push(record(&other, None, &format!("there {i}")));
    }
    let positions = publish(&*s.log, &batch).await;
    let here: Vec<_> = positions.into_iter().step_by(2).collect();
    let distinct: HashSet<_> = here.iter().collect();
    assert_eq!(distinct.len(), 20, "every record has a position of its own");

    let consumer = s.join().await;
    let heard = take(&*consumer, 20).await;
    let wanted: Vec<_> = (0..20).map(|i| format!("here {i}")).collect();
    assert_eq!(texts(&heard), wanted, "publish order within the topic");
    let stand: Vec<_> = heard.iter().map(|d| d.position.clone()).collect();
    assert_eq!(stand, here, "each result is the position of its record");
    assert!(s.log.publish(&[]).await.is_empty(), "no record, no result");
}

pub(crate) async fn bodies_and_keys_come_back_byte_for_byte(s: Scene) {
    s.make_group().await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let large = every_byte.repeat(4_096);
    let bodies = [
        Bytes::from_static("{\"naïve\": \"日本語 🦀 \u{0}\"}".as_bytes()),
        Bytes::from(every_byte),
        Bytes::from(large),
        Bytes::from_static(b"\r\n\0"),
        Bytes::new(),
    ];
    let keys = [
        None,
        Some(""),
        Some("Zoë 日本 \u{0} {x}*"),
        Some("ab"),
        Some("a b\r\n"),
    ];
    let records: Vec<_> = bodies
        .into_iter()
        .zip(keys)
        .map(|(body, key)| Record {
            topic: s.topic.clone(),
            key: key.map(Key::new),
            body: Body::Document(body),
        })
        .collect();
    publish(&*s.log, &records).await;

    let consumer = s.join().await;
    for (heard, sent) in take(&*consumer, 5).await.iter().zip(&records) {
        assert_eq!(heard.topic, sent.topic);
        // A comparison, not assert_eq: a failure must not print a megabyte.
        assert!(
            heard.body == sent.body,
            "{:?} came as {:?}",
            sent.body,
            heard.body
        );
        let (heard, sent) = (heard.key.as_ref(), sent.key.as_ref());
        assert_eq!(heard.map(Key::as_str), sent.map(Key::as_str));
    }
}

fn fields(list: &[(&str, &[u8])]) -> Body {
    let field = |(name, value): &(&str, &[u8])| Field {
        name: (*name).into(),
        value: Bytes::copy_from_slice(value),
    };
    Body::Fields(list.iter().map(field).collect())
}

pub(crate) async fn fields_come_back_field_for_field(s: Scene) {
    s.make_group().await;
    let body = fields(&[
        (
            "type",
            b"org.openedx.learning.auth.session.login.completed.v1",
        ),
        ("zeta", b"not in the order of the alphabet"),
        ("event_data", &[0, 0xff, 0xfe, b'\n']),
        ("empty", b""),
        ("ce_unheard_of", "größer".as_bytes()),
        ("alpha", b"last"),
    ]);
    let sent = Record {
        topic: s.topic.clone(),
        key: None,
        body,
    };
    publish(&*s.log, std::slice::from_ref(&sent)).await;
    let consumer = s.join().await;
    let heard = take(&*consumer, 1).await;
    // Fields show their sizes only, so this prints no content.
    assert!(
        heard[0].body == sent.body,
        "{:?} came as {:?}",
        sent.body,
        heard[0].body
    );
}

pub(crate) async fn fields_are_refused_where_they_are_not_declared(s: Scene) {
    s.make_group().await;
    let foreign = Record {
        topic: s.topic.clone(),
        key: None,
        body: fields(&[("type", b"a.v1")]),
    };
    let batch = [s.record(None, "one"), foreign, s.record(None, "two")];
    let mut results = s.log.publish(&batch).await;
    assert_eq!(results.len(), 3);
    results.remove(2).expect("a record fails alone");
    expect_kind(results.remove(1), ErrorKind::Unsupported);
    results.remove(0).expect("a record fails alone");
    let consumer = s.join().await;
    assert_eq!(drain(&*consumer, 2).await, ["one", "two"]);
}

pub(crate) async fn a_record_fails_alone(s: Scene) {
    s.make_group().await;
    let refusing = s.another_topic("refusing");
    let fault = s.faults().topic_refusal.expect("needed");
    fault.refuse(&refusing).await;
    let batch = [
        s.record(None, "one"),
        record(&refusing, None, "refused"),
        s.record(None, "two"),
    ];
    let mut results = s.log.publish(&batch).await;
    assert_eq!(results.len(), 3);
    let two = results.remove(2).expect("a record fails alone");
    results.remove(1).expect_err("the topic refuses records");
    let one = results.remove(0).expect("a record fails alone");
    let consumer = s.join().await;
    let heard = take(&*consumer, 2).await;
    assert_eq!(texts(&heard), ["one", "two"]);
    assert_eq!([&heard[0].position, &heard[1].position], [&one, &two]);
}

pub(crate) async fn ok_survives_the_loss_of_the_publisher(s: Scene) {
    s.make_group().await;
    let publisher = s.open().await;
    let records: Vec<_> = (0..50).map(|i| s.record(None, &format!("{i}"))).collect();
    publish(&*publisher, &records).await;
    drop(publisher);
    let consumer = s.join().await;
    let wanted: Vec<_> = (0..50).map(|i| i.to_string()).collect();
    assert_eq!(drain(&*consumer, 50).await, wanted);
}

pub(crate) async fn ok_survives_a_kill_of_the_log(s: Scene) {
    s.make_group().await;
    let publisher = tokio::spawn({
        let log = s.open().await;
        let records: Vec<_> = (0..5_000).map(|i| s.record(None, &i.to_string())).collect();
        async move {
            let mut stored = HashSet::new();
            for batch in records.chunks(5) {
                let results = log.publish(batch).await;
                let mut failed = false;
                for (record, result) in batch.iter().zip(results) {
                    match result {
                        Ok(_) => {
                            stored.insert(body_text(&record.body));
                        }
                        Err(e) => {
                            assert!(e.is_temporary(), "{:?}: {e}", e.kind());
                            failed = true;
                        }
                    }
                }
                if failed {
                    break;
                }
            }
            stored
        }
    });
    // In the middle of it, wherever that is.
    until("records are stored", async || {
        let topics = s.log.topics().await.unwrap_or_default();
        topics.iter().any(|t| t.topic == s.topic && t.length > 50)
    })
    .await;
    let crash = s.faults().crash.expect("needed");
    crash.kill().await;
    let stored = publisher.await.expect("a typed error, not a panic");
    assert!(stored.len() >= 50);
    crash.restart().await;
    let handle = s.open().await;
    let consumer = join(&*handle, s.subscription()).await;
    let mut missing = stored;
    while !missing.is_empty() {
        let batch = next(&*consumer, 200).await;
        assert_eq!(batch.gaps, [], "{} of those stored are gone", missing.len());
        ack(&*consumer, &batch.deliveries).await;
        for text in texts(&batch.deliveries) {
            missing.remove(&text);
        }
    }
}

pub(crate) async fn a_lost_answer_is_an_unknown_fate(s: Scene) {
    s.make_group().await;
    // So that the connection is there.
    s.publish(["before"]).await;
    s.faults()
        .cut
        .expect("needed")
        .cut_next(CutAt::Answer)
        .await;
    let record = s.record(None, "whose fate is unknown");
    if let Err(e) = s.log.publish(std::slice::from_ref(&record)).await.remove(0) {
        assert_eq!(e.kind(), ErrorKind::UnknownOutcome, "{e}");
        assert!(e.is_temporary());
    }
    publish_patiently(&*s.log, &s.record(None, "after")).await;
    let consumer = s.join().await;
    let heard = drain(&*consumer, 3).await;
    let wanted = ["before", "whose fate is unknown", "after"];
    assert_eq!(heard, wanted, "the log had taken it");
}

pub(crate) async fn a_request_cut_short_does_not_succeed_silently(s: Scene) {
    s.make_group().await;
    s.publish(["before"]).await;
    s.faults()
        .cut
        .expect("needed")
        .cut_next(CutAt::Request)
        .await;
    let record = s.record(None, "cut short");
    let result = s.log.publish(std::slice::from_ref(&record)).await.remove(0);
    publish_patiently(&*s.log, &s.record(None, "after")).await;
    let consumer = s.join().await;
    let mut heard = Vec::new();
    while !heard.contains(&"after".to_owned()) {
        heard.extend(drain(&*consumer, 1).await);
    }
    match result {
        Ok(_) => assert_eq!(heard, ["before", "cut short", "after"]),
        Err(e) => {
            assert!(e.is_temporary(), "{:?}: {e}", e.kind());
            assert_eq!(heard, ["before", "after"], "{e}");
        }
    }
}
