//! Events leave if and only if the transaction commits.

use crate::on_every_database;
use crate::site::{Kind, Running, Site, event};
use bytes::Bytes;
use tidings_outbox::ErrorKind;

on_every_database! {
    async fn a_commit_tells_and_a_rollback_does_not(kind: Kind) {
        let site = Site::new(kind).await;
        let outbox = site.outbox();
        let mut session = site.connect().await;
        session.begin().await;
        let kept = vec![event(&outbox, "a", 1), event(&outbox, "b", 2), event(&outbox, "a", 3)];
        let enqueued = session.enqueue(&outbox, kept).await.unwrap();
        assert_eq!(enqueued.len(), 3);
        assert_eq!(enqueued[0].topics, ["courses"]);
        session.commit().await;
        session.begin().await;
        session.enqueue(&outbox, vec![event(&outbox, "a", 4)]).await.unwrap();
        session.rollback().await;
        let relay = Running::start(site.relay());
        relay.until("all are published", |counts| counts.published == 3).await;
        relay.end().await.unwrap();
        let heard: Vec<_> = site.heard("courses").await;
        assert_eq!(heard, [("a".into(), 1), ("b".into(), 2), ("a".into(), 3)]);
        assert_eq!(site.rows().await, 0);
    }

    async fn what_breaks_the_profile_is_refused_before_the_commit(kind: Kind) {
        let site = Site::new(kind).await;
        let outbox = site.outbox();
        let mut session = site.connect().await;
        session.begin().await;
        let no_key = outbox.event(crate::site::TYPE).data_json("{}");
        let bad = outbox.event("org.example.Course.Create").data_json("{}");
        for events in [vec![event(&outbox, "a", 1), no_key], vec![bad]] {
            let error = session.enqueue(&outbox, events).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Event, "{error}");
        }
        // The transaction is as it was: nothing was sent to the database.
        session.enqueue(&outbox, vec![event(&outbox, "a", 2)]).await.unwrap();
        session.commit().await;
        assert_eq!(site.rows().await, 1);
    }

    async fn the_largest_document_and_any_text_go_through_byte_for_byte(kind: Kind) {
        let site = Site::new(kind).await;
        let outbox = site.outbox();
        let mut session = site.connect().await;
        let document = |filling: &str| Bytes::from(format!(
            concat!(
                r#"{{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-0242ac130002","#,
                r#""source":"/example/catalog/worker","type":"{}","minorversion":0,"#,
                r#""time":"2026-11-23T21:26:15.021067Z","datacontenttype":"application/json","#,
                r#""sourcehost":"vm","partitionkey":"Ünïcode 😀 KEY","data":{{"n":1,"t":"{}"}}}}"#,
            ),
            crate::site::TYPE, filling
        ));
        let filled = 65_536 - document("").len();
        let all = vec![
            document(&"x".repeat(filled)),
            document(r#"\u0000 \" \\ ' ; -- € 😀"#),
        ];
        assert_eq!(all[0].len(), 65_536);
        session.documents(&outbox, "courses", all.clone()).await.unwrap();
        let relay = Running::start(site.relay());
        relay.until("both are published", |counts| counts.published == 2).await;
        relay.end().await.unwrap();
        use tidings_transport::{Body, Start, Topic, Transport};
        let topic = Topic::new("courses").unwrap();
        let stored = site.bus.read(&topic, &Start::Earliest, 10).await.unwrap();
        let bodies: Vec<_> = stored.into_iter().map(|stored| stored.body).collect();
        let sent: Vec<_> = all.into_iter().map(Body::Document).collect();
        assert!(bodies == sent, "they differ");
    }

    async fn many_events_of_one_call_keep_their_order(kind: Kind) {
        let site = Site::new(kind).await;
        let outbox = site.outbox();
        let mut session = site.connect().await;
        session.begin().await;
        let events = (0..10_000).map(|n| event(&outbox, "a", n)).collect();
        session.enqueue(&outbox, events).await.unwrap();
        session.commit().await;
        let relay = Running::start(site.relay());
        relay.until("all are published", |counts| counts.published == 10_000).await;
        relay.end().await.unwrap();
        let heard = site.heard("courses").await;
        assert!(heard.iter().map(|(_, n)| *n).eq(0..10_000), "out of order");
    }
}
