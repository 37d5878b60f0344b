//! What is sent again after an outage is not overtaken by what was sent behind it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidings_conformance::Freeze;
use tidings_transport::{Body, Start, Transport};
use tokio::time::sleep;

use crate::fixture::{config, connect, names, record};
use crate::harness::start_own;

#[tokio::test(flavor = "multi_thread")]
async fn first_occurrences_stay_in_order_over_outages() {
    let broker = start_own().await;
    let mut settings = config(broker.address(), 1);
    settings.response_timeout = Duration::from_secs(1);
    let log = Arc::new(connect(settings).await);
    let (topic, _) = names("resent");
    let stop = Arc::new(AtomicBool::new(false));
    let publisher = tokio::spawn({
        let (log, topic, stop) = (log.clone(), topic.clone(), stop.clone());
        async move {
            let (mut next, mut failed) = (0_u32, 0);
            while !stop.load(Ordering::Acquire) {
                let mut batch: Vec<_> = (next..next + 50)
                    .map(|number| record(&topic, "k", &number.to_string()))
                    .collect();
                next += 50;
                // Again from the first that failed, as relays do.
                while !batch.is_empty() {
                    let results = log.publish(&batch).await;
                    let stored = results.iter().take_while(|result| result.is_ok()).count();
                    for error in results.into_iter().filter_map(Result::err) {
                        assert!(error.is_temporary(), "{error}");
                        failed += 1;
                    }
                    batch.drain(..stored);
                }
            }
            (next, failed)
        }
    });
    for _ in 0..3 {
        sleep(Duration::from_millis(700)).await;
        broker.freeze().await;
        sleep(Duration::from_millis(2_500)).await;
        broker.thaw().await;
    }
    sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::Release);
    let (published, failed) = publisher.await.expect("no panic");
    assert!(failed > 0, "no outage was noticed");

    let mut seen = BTreeSet::new();
    let mut from = Start::Earliest;
    loop {
        let page = log.read(&topic, &from, 1_000).await;
        let page = page.expect("the topic is there");
        let Some(last) = page.last() else { break };
        from = Start::After(last.position.clone());
        for stored in &page {
            let Body::Document(document) = &stored.body else {
                panic!("no document");
            };
            let number: u32 = String::from_utf8_lossy(document)
                .parse()
                .expect("as published");
            if seen.insert(number) {
                assert_eq!(number as usize + 1, seen.len(), "one overtook another");
            }
        }
    }
    assert_eq!(seen.len(), published as usize);
}
