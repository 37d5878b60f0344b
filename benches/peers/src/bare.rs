//! The bare client: what a program that knows Redis well would write for itself with `redis`, and
//! nothing more. No envelope, no order by key, no retries: the limit of what a client can do.

use redis::aio::MultiplexedConnection;
use redis::streams::StreamReadReply;
use tidings_contender::{Contender, CountingAllocator, Publisher, Sample, Work, serve};
use tokio::task::JoinSet;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Entries a read, and handlers at once.
const READ: usize = 100;
const HANDLERS: usize = 64;

struct Bare {
    client: redis::Client,
}

#[derive(Clone)]
struct Adding(MultiplexedConnection);

impl Bare {
    async fn connection(&self) -> MultiplexedConnection {
        // A read that blocks takes longer than the default limit for an answer.
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
        let connected = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        connected.await.expect("it connects")
    }
}

impl Contender for Bare {
    type Publisher = Adding;

    async fn connect(url: &str) -> Self {
        let client = redis::Client::open(url).expect("the URL is good");
        Self { client }
    }

    async fn publisher(&self, _: &[String]) -> Adding {
        Adding(self.connection().await)
    }

    async fn consume(&self, streams: Vec<String>, group: String, work: Work) {
        let mut connection = self.connection().await;
        for stream in &streams {
            let made: redis::RedisResult<()> = redis::cmd("XGROUP")
                .arg(&["CREATE", stream, &group, "0", "MKSTREAM"])
                .query_async(&mut connection)
                .await;
            // Another consumer of the group may have made it.
            assert!(made.is_ok() || made.is_err_and(|error| error.code() == Some("BUSYGROUP")));
        }
        let over = work.over();
        tokio::pin!(over);
        let mut settled: Vec<(String, Vec<String>)> = Vec::new();
        loop {
            // What is done is acknowledged with the next question.
            let mut pipe = redis::pipe();
            for (stream, ids) in settled.drain(..) {
                pipe.cmd("XACK").arg(stream).arg(&group).arg(ids).ignore();
            }
            let name = std::process::id().to_string();
            pipe.cmd("XREADGROUP")
                .arg(&["GROUP", &group, &name, "COUNT"])
                .arg(READ)
                .arg(&["BLOCK", "1000", "STREAMS"])
                .arg(&streams)
                .arg(vec![">"; streams.len()]);
            let read = pipe.query_async::<(StreamReadReply,)>(&mut connection);
            let (reply,) = tokio::select! {
                () = &mut over => return,
                reply = read => reply.expect("the server answers"),
            };
            for stream in reply.keys {
                let ids = handle(&work, &stream.ids).await;
                settled.push((stream.key, ids));
            }
        }
    }
}

/// Many at once; returns the ids.
async fn handle(work: &Work, entries: &[redis::streams::StreamId]) -> Vec<String> {
    let mut handling = JoinSet::new();
    let mut ids = Vec::with_capacity(entries.len());
    for entry in entries {
        let document: Vec<u8> = entry.get("ce").expect("it has a document");
        ids.push(entry.id.clone());
        // A task each costs more than a handler that does nothing.
        if work.is_instant() {
            work.handle(&document).await;
            continue;
        }
        if handling.len() == HANDLERS {
            handling.join_next().await;
        }
        let work = work.clone();
        handling.spawn(async move { work.handle(&document).await });
    }
    handling.join_all().await;
    ids
}

impl Publisher for Adding {
    async fn publish(&self, stream: &str, sample: &Sample) {
        let mut connection = self.0.clone();
        let document: &[u8] = &sample.document;
        redis::cmd("XADD")
            .arg(&[stream, "*", "ce"])
            .arg(document)
            .arg(&["key", &sample.key])
            .query_async::<String>(&mut connection)
            .await
            .expect("it is stored");
    }
}

fn main() {
    serve::<Bare>();
}
