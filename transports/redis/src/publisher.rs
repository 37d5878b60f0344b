//! Appending records.

use redis::{Pipeline, Value};
use tidings_transport::{Error, ErrorKind, Position, Record, Result};

use crate::connection::Link;
use crate::error::Failure;
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
            // What follows must not overtake what may have to be sent again.
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

/// Sends one part. `Err` when the connection failed, after each record has its result.
async fn send(
    link: &Link,
    records: &[Record],
    results: &mut Vec<Result<Position>>,
) -> Result<(), Failure> {
    let mut commands = Pipeline::with_capacity(records.len());
    let mut refused = Vec::with_capacity(records.len());
    for record in records {
        match wire::add(record) {
            Ok(add) => {
                commands.add_command(add);
                refused.push(None);
            }
            Err(e) => refused.push(Some(e)),
        }
    }
    let (answers, failure) = match link.pipeline(&commands).await {
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
                .and_then(position)
                .map_err(|f| f.writing("publish")),
        }
    }));
    failure.map_or(Ok(()), Err)
}

fn position(answer: Value) -> Result<Position, Failure> {
    value::text(answer, "the id of the new entry").map(Position::new)
}
