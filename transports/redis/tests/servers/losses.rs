//! What others remove is reported, also where the server does not count (Redis 6.2); and a server that is
//! full.

use std::sync::Arc;

use tidings_conformance::servers::{RedisOptions, RedisServer};
use tidings_transport::{Count, Outcome, Settlement, Start, Subscription, Transport};
use tidings_transport_redis::{Redis, RedisConfig};

use crate::listener::{Listener, group, publish, topic};

#[tokio::test]
async fn what_another_producer_trims_before_the_group_reads_it_is_a_gap() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let server = server.expect("redis-server is installed");
    let mut config = RedisConfig::default();
    config.port = server.port();
    let log = Redis::connect(config).await.expect("the server answers");
    let log: Arc<dyn Transport> = Arc::new(log);

    publish(&*log, 0..5).await;
    let listener = Listener::start(Arc::clone(&log)).await;
    listener.wait_for(0..5).await;
    drop(listener);
    publish(&*log, 5..20).await;
    let trim = ["XTRIM", topic().as_str(), "MAXLEN", "3"].map(str::to_owned);
    let trim: Vec<&str> = trim.iter().map(String::as_str).collect();
    server.command(&trim).expect("it trims");

    let listener = Listener::start(log).await;
    let gap = listener.wait_for_a_gap().await;
    assert_eq!(listener.wait_for(17..20).await, [17, 18, 19]);
    // How many is known if the dropped consumer had time to tell what it was handed.
    assert!(
        [Count::Exactly(12), Count::Unknown].contains(&gap.lost),
        "{gap:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_full_still_hands_out_what_it_has() {
    const EVENTS: usize = 60;
    let server = RedisServer::start(RedisOptions::default()).await;
    let server = server.expect("redis-server is installed");
    let mut config = RedisConfig::default();
    config.port = server.port();
    let log = Redis::connect(config).await.expect("the server answers");
    publish(&log, 0..EVENTS as u32).await;
    let subscription = Subscription::new(group(), topic()).start(&Start::Earliest);
    let subscriber = log.subscribe(subscription).await.expect("it subscribes");
    let mut handed = 0;
    while handed < EVENTS {
        let batch = subscriber.next(7).await.expect("it hands out");
        for started in subscriber.start(&batch.deliveries).await {
            started.expect("it is ours");
        }
        handed += batch.deliveries.len();
        let settle = batch.deliveries.into_iter().map(|delivery| Settlement {
            delivery,
            outcome: Outcome::Ack,
        });
        let settle: Vec<Settlement> = settle.collect();
        for settled in subscriber.settle(&settle).await {
            settled.expect("it is ours");
        }
        // Less than it uses, from the first batch on.
        let full = ["CONFIG", "SET", "maxmemory", "1000000"];
        server.command(&full).expect("it is set");
    }
    let refused = log.publish(&[crate::listener::record(0)]).await.remove(0);
    assert!(refused.expect_err("it is full").is_temporary());
}
