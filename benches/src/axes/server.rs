//! The Redis that all contenders share.

use redis::Commands;
use redis::streams::{StreamPendingReply, StreamRangeReply};
use tidings_conformance::servers::{AppendOnly, RedisOptions, RedisServer};
use tokio::runtime::Runtime;

/// A server of the bench, without durability: a server that waits for its disk hides what a client costs.
pub struct Server {
    // Dropped before the runtime that it lives on.
    redis: RedisServer,
    _runtime: Runtime,
}

impl Server {
    /// Starts it.
    pub fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let options = RedisOptions {
            append_only: AppendOnly::Off,
            ..RedisOptions::default()
        };
        let redis = runtime.block_on(RedisServer::start(options));
        Self {
            redis: redis.expect("redis-server starts"),
            _runtime: runtime,
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.redis.url()
    }

    fn connection(&self) -> redis::Connection {
        redis::Client::open(self.url())
            .and_then(|client| client.get_connection())
            .expect("it connects")
    }

    /// Forgets everything.
    pub fn empty(&self) {
        let mut connection = self.connection();
        redis::cmd("FLUSHALL")
            .query::<()>(&mut connection)
            .expect("the server answers");
    }

    /// Whether there is such a stream.
    pub fn exists(&self, stream: &str) -> bool {
        self.connection()
            .exists(stream)
            .expect("the server answers")
    }

    /// How many entries these streams have.
    pub fn entries(&self, streams: &[String]) -> usize {
        let mut connection = self.connection();
        let length = |stream| connection.xlen::<_, usize>(stream).expect("it is a stream");
        streams.iter().map(length).sum()
    }

    /// How many entries of these streams are handed out to a group, and not settled.
    pub fn pending(&self, streams: &[String], group: &str) -> usize {
        let mut connection = self.connection();
        let count = |stream| {
            let mut pending = redis::cmd("XPENDING");
            let pending = pending.arg(stream).arg(group).query(&mut connection);
            let reply: StreamPendingReply = pending.expect("the group is there");
            reply.count()
        };
        streams.iter().map(count).sum()
    }

    /// Forgets a group.
    pub fn forget(&self, streams: &[String], group: &str) {
        let mut connection = self.connection();
        for stream in streams {
            // It may have died with its stream.
            let _ = connection.xgroup_destroy::<_, _, bool>(stream, group);
        }
    }

    /// Lays out `events` entries like those of a stream, over other streams in turn.
    pub fn multiply(&self, like: &str, streams: &[String], events: usize) {
        let mut connection = self.connection();
        let seed: StreamRangeReply = connection.xrange_all(like).expect("it is a stream");
        assert!(!seed.ids.is_empty(), "`{like}` has entries");
        let mut entries = seed.ids.iter().cycle().enumerate().take(events).peekable();
        while entries.peek().is_some() {
            let mut pipe = redis::pipe();
            for (n, entry) in entries.by_ref().take(500) {
                let add = pipe.cmd("XADD").arg(&streams[n % streams.len()]).arg("*");
                for (field, value) in &entry.map {
                    let value: Vec<u8> = redis::from_redis_value(value.clone()).expect("bytes");
                    add.arg(field).arg(value);
                }
                add.ignore();
            }
            pipe.query::<()>(&mut connection)
                .expect("the server takes entries");
        }
    }

    /// Processor time of the server so far, in seconds.
    pub fn cpu(&self) -> f64 {
        let info = redis::cmd("INFO")
            .arg("cpu")
            .query::<String>(&mut self.connection());
        let info = info.expect("the server answers");
        let field = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse::<f64>().ok())
                .expect("a number")
        };
        field("used_cpu_sys:") + field("used_cpu_user:")
    }
}
