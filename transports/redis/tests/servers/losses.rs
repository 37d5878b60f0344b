//! What others remove is reported, also where the server does not count (Redis 6.2).

use std::sync::Arc;

use tidings_conformance::servers::{RedisOptions, RedisServer};
use tidings_transport::{Count, Transport};
use tidings_transport_redis::{Redis, RedisConfig};

use crate::listener::{Listener, publish, topic};

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
