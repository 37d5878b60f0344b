//! Appending records.

use std::collections::VecDeque;

use rusqlite::params;
use tidings_transport::{Error, Position, Record, Result, Topic};

use crate::error::{Failure, Fault};
use crate::group;
use crate::job::{Order, Work};
use crate::transport::Inner;
use crate::wire::{Row, integer, position};

/// Records of one topic that go into one transaction, at most.
const CHUNK: usize = 1_000;
/// Bytes of documents that go into one transaction, at most; a single one may have more.
const CHUNK_BYTES: usize = 4 << 20;

/// Records of one topic that stand or fall together, and where they stood in the call.
#[derive(Default)]
struct Chunk {
    rows: Vec<Row>,
    indices: Vec<usize>,
    bytes: usize,
}

/// Records of one topic in the order of the call.
struct Part {
    topic: Topic,
    chunks: VecDeque<Chunk>,
}

/// Appends records. Topics fail alone; within one, a chunk that failed is the last one tried, so
/// that what is stored is in the order of the call.
pub(crate) async fn publish(inner: &Inner, records: &[Record]) -> Vec<Result<Position>> {
    let mut results: Vec<Option<Result<Position>>> = records.iter().map(|_| None).collect();
    let mut parts: Vec<Part> = Vec::new();
    for (index, record) in records.iter().enumerate() {
        match Row::new(record) {
            Ok(row) => add(&mut parts, &record.topic, index, row),
            Err(fault) => {
                let failure = Failure::new("publish", &inner.config.path, fault);
                results[index] = Some(Err(failure.into()));
            }
        }
    }
    while !parts.is_empty() {
        // One chunk of each topic together: they are likely to share a transaction.
        let mut waiting = Vec::with_capacity(parts.len());
        for part in &mut parts {
            let Some(chunk) = part.chunks.pop_front() else {
                continue;
            };
            let Chunk { rows, indices, .. } = chunk;
            let topic = part.topic.clone();
            let order = Order {
                operation: "publish",
                synced: true,
                rows: rows.len(),
            };
            let answer = inner
                .writer
                .submit(order, move |work| append(work, &topic, &rows))
                .await;
            waiting.push((part, indices, answer));
        }
        for (part, indices, answer) in waiting {
            let outcome = match answer {
                Ok(mut answer) => answer.wait().await,
                Err(failure) => Err(failure),
            };
            match outcome {
                Ok(first) => {
                    for (seq, index) in (first..).zip(indices) {
                        results[index] = Some(Ok(position(seq)));
                    }
                }
                Err(failure) => {
                    let rest = part.chunks.drain(..).flat_map(|c| c.indices);
                    let not_tried = Failure {
                        committing: false,
                        ..failure.clone()
                    };
                    for index in rest {
                        results[index] = Some(Err(not_tried.clone().into()));
                    }
                    for index in indices {
                        results[index] = Some(Err(failure.clone().into()));
                    }
                }
            }
        }
        parts.retain(|part| !part.chunks.is_empty());
    }
    let ended = || Error::from(Failure::new("publish", &inner.config.path, Fault::Ended));
    let results = results.into_iter();
    results.map(|r| r.unwrap_or_else(|| Err(ended()))).collect()
}

fn add(parts: &mut Vec<Part>, topic: &Topic, index: usize, row: Row) {
    // Few topics a call: a search is cheaper than a map.
    let at = parts.iter().position(|p| p.topic == *topic);
    let at = at.unwrap_or_else(|| {
        parts.push(Part {
            topic: topic.clone(),
            chunks: VecDeque::new(),
        });
        parts.len() - 1
    });
    let chunks = &mut parts[at].chunks;
    let fits = chunks
        .back()
        .is_some_and(|c| c.rows.len() < CHUNK && c.bytes + row.document.len() <= CHUNK_BYTES);
    if !fits {
        chunks.push_back(Chunk::default());
    }
    if let Some(chunk) = chunks.back_mut() {
        chunk.bytes += row.document.len();
        chunk.indices.push(index);
        chunk.rows.push(row);
    }
}

/// Appends rows to a topic. The number of the first.
fn append(work: &mut Work<'_>, topic: &Topic, rows: &[Row]) -> Result<i64, Fault> {
    let id = group::make_topic(work.db, topic)?;
    let mut last = work
        .db
        .prepare_cached("SELECT last_seq FROM topics WHERE topic_id = ?1")?;
    let first = last.query_row([id], |row| row.get::<_, i64>(0))? + 1;
    let mut insert = work.db.prepare_cached(
        "INSERT INTO events (topic_id, seq, received, key, id, type, time, document)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut bytes = 0;
    for (seq, row) in (first..).zip(rows) {
        bytes += row.document.len();
        insert.execute(params![
            id,
            seq,
            work.now,
            row.key.as_ref().map(|k| k.as_str()),
            row.id,
            row.kind,
            row.time,
            &row.document[..],
        ])?;
    }
    let mut count = work.db.prepare_cached(
        "UPDATE topics SET length = length + ?2, bytes = bytes + ?3, last_seq = last_seq + ?2,
             last_received = ?4
          WHERE topic_id = ?1",
    )?;
    count.execute(params![id, integer(rows.len()), integer(bytes), work.now])?;
    work.wake = true;
    Ok(first)
}
