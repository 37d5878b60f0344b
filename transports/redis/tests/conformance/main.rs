//! The suite of the contract, on a server of its own for each case; and what only Redis has.

mod first_starts;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tidings_conformance::servers::{Proxy, RedisOptions, RedisServer};
use tidings_conformance::{
    Crash, Cut, CutAt, DeadLetterRefusal, Faults, Foreign, Freeze, GroupLoss, Harness, Removal,
    TopicRefusal, Wipe, conformance_tests,
};
use tidings_transport::{Body, Field, Group, Topic, Transport};
use tidings_transport_redis::{Redis, RedisConfig};
use tokio::sync::Mutex;

/// A server, and a proxy before it that all connections go through.
struct OneServer {
    server: Mutex<RedisServer>,
    proxy: Proxy,
    /// Redis counts what is added to a stream from version 7 on.
    counts: bool,
}

async fn start() -> OneServer {
    let server = RedisServer::start(RedisOptions::default()).await;
    let server = server.expect("redis-server is installed");
    let info = server.command(&["INFO", "server"]).expect("it runs");
    OneServer {
        counts: !info.contains("redis_version:6."),
        proxy: Proxy::start(server.address()).expect("a free port"),
        server: Mutex::new(server),
    }
}

impl OneServer {
    /// What another program does.
    async fn command(&self, arguments: &[&str]) -> String {
        let server = self.server.lock().await;
        server
            .command(arguments)
            .unwrap_or_else(|e| panic!("{arguments:?}: {e}"))
    }
}

#[async_trait]
impl Harness for OneServer {
    async fn open(&self) -> Arc<dyn Transport> {
        let mut config = RedisConfig::default();
        config.port = self.proxy.port();
        // So that a frozen server is noticed within the patience of the suite.
        config.connect_timeout = Duration::from_secs(3);
        config.response_timeout = Duration::from_secs(3);
        Arc::new(Redis::connect(config).await.expect("the server answers"))
    }

    fn faults(&self) -> Faults<'_> {
        let mut faults = Faults::default();
        faults.crash = Some(self);
        faults.wipe = Some(self);
        faults.freeze = Some(self);
        faults.cut = Some(self);
        // What others remove before a new group was handed anything leaves no trace in Redis 6;
        // tests/servers/losses.rs has what can be noticed there.
        faults.removal = if self.counts { Some(self) } else { None };
        faults.group_loss = Some(self);
        faults.foreign = Some(self);
        faults.dead_letter_refusal = Some(self);
        faults.topic_refusal = Some(self);
        faults
    }
}

#[async_trait]
impl Crash for OneServer {
    async fn kill(&self) {
        self.server.lock().await.kill();
        self.proxy.refuse().await;
    }

    async fn restart(&self) {
        let up = self.server.lock().await.restart().await;
        up.expect("the server comes back");
        self.proxy.accept().await;
    }
}

#[async_trait]
impl Wipe for OneServer {
    async fn restart_empty(&self) {
        let up = self.server.lock().await.restart_empty().await;
        up.expect("the server comes back");
        self.proxy.accept().await;
    }
}

#[async_trait]
impl Freeze for OneServer {
    async fn freeze(&self) {
        let frozen = self.server.lock().await.freeze();
        frozen.expect("the server runs");
    }

    async fn thaw(&self) {
        let thawed = self.server.lock().await.thaw();
        thawed.expect("the server runs");
    }
}

#[async_trait]
impl Cut for OneServer {
    async fn cut_next(&self, at: CutAt) {
        self.proxy.cut_next(at);
    }
}

#[async_trait]
impl Removal for OneServer {
    async fn remove_oldest(&self, topic: &Topic, count: u64) {
        let length = self.command(&["XLEN", topic.as_str()]).await;
        let left = length.parse::<u64>().expect("a number") - count;
        self.command(&["XTRIM", topic.as_str(), "MAXLEN", &left.to_string()])
            .await;
    }
}

#[async_trait]
impl GroupLoss for OneServer {
    async fn destroy_group(&self, topic: &Topic, group: &Group) {
        let (topic, group) = (topic.as_str(), group.as_str());
        let destroyed = self.command(&["XGROUP", "DESTROY", topic, group]).await;
        assert_eq!(destroyed, "1");
    }
}

#[async_trait]
impl Foreign for OneServer {
    async fn write(&self, topic: &Topic) -> Body {
        self.command(&["XADD", topic.as_str(), "*", "what", "is", "this", ""])
            .await;
        let field = |name: &str, value: &'static str| Field {
            name: name.into(),
            value: Bytes::from_static(value.as_bytes()),
        };
        Body::Fields(vec![field("what", "is"), field("this", "")])
    }
}

#[async_trait]
impl DeadLetterRefusal for OneServer {
    /// Puts something in the way, moving aside what stands there.
    async fn refuse(&self, topic: &Topic, group: &Group) {
        let key = format!("tidings:{{{topic}}}:dlq:{group}");
        let exists = self.command(&["EXISTS", &key]).await;
        if exists == "1" {
            self.command(&["RENAME", &key, "aside"]).await;
        }
        self.command(&["SET", &key, "in the way"]).await;
    }

    async fn allow(&self, topic: &Topic, group: &Group) {
        let key = format!("tidings:{{{topic}}}:dlq:{group}");
        self.command(&["DEL", &key]).await;
        if self.command(&["EXISTS", "aside"]).await == "1" {
            self.command(&["RENAME", "aside", &key]).await;
        }
    }
}

#[async_trait]
impl TopicRefusal for OneServer {
    async fn refuse(&self, topic: &Topic) {
        self.command(&["SET", topic.as_str(), "not a stream"]).await;
    }
}

conformance_tests!(start);
