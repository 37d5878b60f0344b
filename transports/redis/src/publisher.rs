//! Appending records.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use redis::{Pipeline, Value};
use tidings_transport::{Error, ErrorKind, Position, Record, Result};

use crate::connection::Link;
use crate::error::{Code, Failure};
use crate::value;
use crate::wire;

/// How much goes to the server in one go: more is sent in order, one part after the other.
const MAX_RECORDS: usize = 1_000;
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Appends records, in order. Calls that run at once share the connection, and what they send is
/// written together: the more there are, the larger the packets.
pub(crate) async fn publish(link: &Link, records: &[Record]) -> Vec<Result<Position>> {
    let mut results: Vec<Result<Position>> = Vec::with_capacity(records.len());
    let mut rest = records;
    while !rest.is_empty() {
        let (part, after) = rest.split_at(part(rest));
        rest = after;
        if let Err(failure) = send(link, part, &mut results).await {
            // What follows must not overtake what has to be sent again.
            let unsent = || {
                Error::new(
                    ErrorKind::Unavailable,
                    "publish",
                    format!(
                        "not sent, because {} failed before; try again",
                        link.address()
                    ),
                )
                .with_source(failure.clone().writing("publish"))
            };
            results.extend(rest.iter().map(|_| Err(unsent())));
            break;
        }
    }
    results
}

/// How many of the first records go together, at least one.
fn part(records: &[Record]) -> usize {
    let mut bytes = 0;
    let fits = |record: &&Record| {
        bytes += record.body.len();
        bytes <= MAX_BYTES
    };
    let fitting = records.iter().take(MAX_RECORDS).take_while(fits).count();
    fitting.max(1)
}

/// Sends one part. `Err` when some of it has to be sent again, after each record has its result.
async fn send(
    link: &Link,
    records: &[Record],
    results: &mut Vec<Result<Position>>,
) -> Result<(), Failure> {
    let (commands, refused) = commands(records);
    let (answers, mut failure) = match run(link, records, commands).await {
        Ok(answers) => (answers, None),
        Err(failure) => (Vec::new(), Some(failure)),
    };
    let mut answers = answers.into_iter();
    let unanswered = failure.clone().unwrap_or(Failure::Strange {
        what: "an answer for each record",
    });
    results.extend(refused.into_iter().map(|refusal| {
        match refusal {
            Some(e) => Err(e),
            None => answers
                .next()
                .unwrap_or_else(|| Err(unanswered.clone()))
                .inspect_err(|refusal| {
                    if may_pass(refusal) {
                        failure.get_or_insert_with(|| refusal.clone());
                    }
                })
                .and_then(position)
                .map_err(|f| f.writing("publish")),
        }
    }));
    failure.map_or(Ok(()), Err)
}

/// The commands for records, and the records that no command can be made of.
fn commands(records: &[Record]) -> (Pipeline, Vec<Option<Error>>) {
    let mut commands = Pipeline::with_capacity(records.len());
    let refused = records.iter().map(|record| match wire::add(record) {
        Ok(add) => {
            commands.add_command(add);
            None
        }
        Err(e) => Some(e),
    });
    let refused = refused.collect();
    (commands, refused)
}

/// A server that refuses everything for a while (it loads its data, its memory is full) may begin to
/// take commands in the middle of a pipeline: what was refused would be sent again behind what was
/// taken. So what shares a key goes in one step, all of it or nothing.
async fn run(
    link: &Link,
    records: &[Record],
    in_order: Pipeline,
) -> Result<Vec<Result<Value, Failure>>, Failure> {
    if !shares_a_key(records) {
        return link.pipeline(&in_order).await;
    }
    match link.transaction(in_order).await {
        // One is refused for good, the permission for its topic is missing, say: each is to have
        // an answer of its own.
        Err(failure @ Failure::Refused { .. }) if !may_pass(&failure) => {
            link.pipeline(&commands(records).0).await
        }
        other => other,
    }
}

fn shares_a_key(records: &[Record]) -> bool {
    if records.len() < 2 {
        return false;
    }
    let mut seen = HashSet::with_capacity_and_hasher(records.len(), RandomState::default());
    let mut keyed = records
        .iter()
        .filter_map(|record| Some((&record.topic, record.key.as_ref()?)));
    keyed.any(|place| !seen.insert(place))
}

/// A refusal that the same record may not meet later.
fn may_pass(failure: &Failure) -> bool {
    matches!(failure.code(), Some(Code::Away | Code::Full))
}

fn position(answer: Value) -> Result<Position, Failure> {
    value::text(answer, "the id of the new entry").map(Position::new)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use tidings_conformance::servers::{RedisOptions, RedisServer};
    use tidings_transport::{Body, Key, Topic, Transport};

    use super::*;
    use crate::{Redis, RedisConfig};

    /// A server whose memory is full, and then is not, while a batch is under way.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_refused_is_not_overtaken_by_the_rest_of_its_batch() {
        let server = RedisServer::start(RedisOptions::default()).await.unwrap();
        let config = RedisConfig {
            port: server.port(),
            ..RedisConfig::default()
        };
        let log = Redis::connect(config).await.unwrap();
        let topic = Topic::new("courses").unwrap();
        let record = |n: usize| Record {
            topic: topic.clone(),
            // Those of another key share the batch.
            key: Some(Key::new(if n.is_multiple_of(3) {
                "a".to_owned()
            } else {
                n.to_string()
            })),
            body: Body::Document(Bytes::from(vec![b'x'; 3_000])),
        };
        let records: Vec<Record> = (0..2_500).map(record).collect();
        let mut mixed = 0;
        for round in 0..40 {
            server
                .command(&["CONFIG", "SET", "maxmemory", "1"])
                .unwrap();
            let room = async {
                tokio::time::sleep(Duration::from_micros(200 * round)).await;
                server
                    .command(&["CONFIG", "SET", "maxmemory", "0"])
                    .unwrap();
            };
            let (results, ()) = tokio::join!(log.publish(&records), room);
            let refused = results.iter().position(Result::is_err);
            let taken = results.iter().rposition(Result::is_ok);
            if let (Some(refused), Some(taken)) = (refused, taken) {
                mixed += 1;
                assert!(taken < refused, "{taken} was taken, {refused} was not");
            }
            server.command(&["DEL", "courses"]).unwrap();
        }
        // Whole parts may be taken before one is refused, never after.
        assert!(mixed < 40);
    }
}
