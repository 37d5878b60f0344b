//! What nobody can read comes raw and stops nothing (10).

use bytes::Bytes;
use tidings_transport::{Body, Outcome, Reason, Record};

use crate::scene::{Scene, ack, publish, record, settled, take, text};

pub(crate) async fn garbage_comes_raw_and_stops_nothing(s: Scene) {
    s.make_group().await;
    let garbage: [&[u8]; 6] = [
        b"",
        b"{",
        b"\xff\xfe\x00\x80",
        b"{\"specversion\":\"9.9\"}",
        &[b'['; 4_096],
        b"NULL\0\r\n$-1\r\n",
    ];
    let mut records = Vec::new();
    for (i, bytes) in garbage.iter().enumerate() {
        records.push(Record {
            topic: s.topic.clone(),
            key: None,
            body: Body::Document(Bytes::copy_from_slice(bytes)),
        });
        records.push(s.record(None, &format!("good {i}")));
    }
    publish(&*s.log, &records).await;
    let consumer = s.join().await;
    let heard = take(&*consumer, 12).await;
    for (pair, bytes) in heard.chunks(2).zip(garbage) {
        assert_eq!(pair[0].body, Body::Document(Bytes::copy_from_slice(bytes)));
        assert!(text(&pair[1]).starts_with("good"));
        ack(&*consumer, &pair[1..]).await;
        let reason = Reason::new("undecodable", "is not a CloudEvents document");
        settled(&*consumer, &pair[0], Outcome::DeadLetter { reason }).await;
    }
    let letters = s.log.dead_letters(&s.topic, &s.group, None, 100).await;
    let letters = letters.expect("the group is there");
    assert_eq!(letters.len(), 6);
    for (letter, bytes) in letters.iter().zip(garbage) {
        assert_eq!(letter.body, Body::Document(Bytes::copy_from_slice(bytes)));
        let class = letter.reason.as_ref().map(|r| r.class.as_str());
        assert_eq!(class, Some("undecodable"));
    }
    assert_eq!(s.describe().await.pending, 0);
}

pub(crate) async fn a_foreign_entry_comes_raw_and_stops_nothing(s: Scene) {
    s.make_group().await;
    let fault = s.faults().foreign.expect("needed");
    publish(&*s.log, &[record(&s.topic, None, "before")]).await;
    let body = fault.write(&s.topic).await;
    publish(&*s.log, &[record(&s.topic, None, "after")]).await;
    let consumer = s.join().await;
    let heard = take(&*consumer, 3).await;
    assert_eq!([text(&heard[0]), text(&heard[2])], ["before", "after"]);
    assert!(heard[1].body == body, "{:?} for {body:?}", heard[1].body);
    ack(&*consumer, &[heard[0].clone(), heard[2].clone()]).await;
    let reason = Reason::new("undecodable", "is not an event");
    settled(&*consumer, &heard[1], Outcome::DeadLetter { reason }).await;
    let letters = s.log.dead_letters(&s.topic, &s.group, None, 100).await;
    let letters = letters.expect("the group is there");
    assert_eq!(letters.len(), 1);
    assert!(letters[0].body == body, "the raw bytes are kept");
    assert_eq!(s.describe().await.pending, 0);
}
