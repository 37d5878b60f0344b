//! Rows on their way to the bus.

use std::collections::HashSet;

use tidings_runtime::{Prepared, Producer, PublishErrorKind};
use tidings_transport::{ErrorKind, Key};

use super::holds::Holds;
use crate::database::{FORBIDDEN, Place, Row};

/// A reason is for people and bounded.
const MAX_REASON: usize = 2_000;

/// What is to become of the rows of a look.
#[derive(Default)]
pub(super) struct Sorted {
    /// To be published, in this order.
    pub(super) ready: Vec<(Row, Prepared)>,
    /// Refused before anything was sent, and why.
    pub(super) refused: Vec<(Row, String)>,
    /// Wait behind a refused one.
    pub(super) held: Vec<i64>,
}

/// Sorts rows without I/O.
pub(super) fn sort(rows: Vec<Row>, producer: &Producer, holds: &Holds) -> Sorted {
    let mut sorted = Sorted::default();
    let mut closed: HashSet<Place> = HashSet::new();
    for row in rows {
        let place = row.key.clone().map(|key| (row.topic.clone(), key));
        let behind = !closed.is_empty() && place.as_ref().is_some_and(|p| closed.contains(p));
        if behind || holds.holds(&row) {
            sorted.held.push(row.seq);
            continue;
        }
        let key = row.key.as_ref().map(Key::new);
        match producer.prepare_document(Some(&row.topic), key, row.document.clone()) {
            Ok(prepared) => sorted.ready.push((row, prepared)),
            Err(error) => {
                closed.extend(place);
                sorted.refused.push((row, reason(&error.to_string())));
            }
        }
    }
    sorted
}

/// How many of these rows fit into one publish; at least one.
pub(super) fn fitting(rows: &[(Row, Prepared)], max_rows: usize, max_bytes: usize) -> usize {
    let mut bytes = 0;
    let fits = |(row, _): &&(Row, Prepared)| {
        bytes += row.document.len();
        bytes <= max_bytes
    };
    let rows = rows.iter().take(max_rows);
    rows.take_while(fits).count().max(1)
}

/// What became of a batch.
#[derive(Default)]
pub(super) struct Settled {
    /// The bus has these.
    pub(super) done: Vec<i64>,
    /// The bus says that these will never do: the first of each key.
    pub(super) refused: Vec<(Row, String)>,
    /// The bus says that we may not: the first of each key.
    pub(super) forbidden: Vec<(Row, String)>,
    /// Wait behind one of those.
    pub(super) held: Vec<i64>,
    /// What the first failure said that may pass.
    pub(super) outage: Option<String>,
    /// How many failed so.
    pub(super) again: usize,
}

/// Publishes rows in this order, as one batch.
pub(super) async fn publish(producer: &Producer, rows: Vec<(Row, Prepared)>) -> Settled {
    let (rows, prepared): (Vec<Row>, Vec<Prepared>) = rows.into_iter().unzip();
    let results = producer.publish_prepared(prepared).await;
    let mut settled = Settled::default();
    let mut closed: HashSet<Place> = HashSet::new();
    for (row, result) in rows.into_iter().zip(results) {
        match result {
            Ok(_) => settled.done.push(row.seq),
            Err(error) if error.is_temporary() => {
                settled.again += 1;
                settled.outage.get_or_insert_with(|| error.to_string());
            }
            Err(error) => {
                // Told by the log, not found in the event: the log itself may be at fault.
                debug_assert!(matches!(error.kind(), PublishErrorKind::Transport(_)));
                // What follows in its key waits for it, and is not refused itself: so nothing
                // overtakes when the first alone is tried again.
                let place = row.key.clone().map(|key| (row.topic.clone(), key));
                if place.is_some_and(|place| !closed.insert(place)) {
                    settled.held.push(row.seq);
                    continue;
                }
                match error.kind() {
                    PublishErrorKind::Transport(ErrorKind::Denied) => {
                        let why = reason(&format!("{FORBIDDEN}{error}"));
                        settled.forbidden.push((row, why));
                    }
                    _ => settled.refused.push((row, reason(&error.to_string()))),
                }
            }
        }
    }
    settled
}

fn reason(text: &str) -> String {
    text.chars().take(MAX_REASON).collect()
}
