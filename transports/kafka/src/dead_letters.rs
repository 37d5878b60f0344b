//! Dead letters and parked keys, as others than the group's consumers see them.

use std::sync::Arc;

use tidings_transport::{
    Body, DeadLetter, Error, ErrorKind, Group, Key, ParkedKey, ParkedState, Position, Redelivery,
    Result, Topic,
};

use crate::client::Client;
use crate::entry::{Entry, Mode, NewLetter, mark};
use crate::error::again;
use crate::journal::Journal;
use crate::reader;
use crate::wire;

async fn load(
    client: &Arc<Client>,
    topic: &Topic,
    group: &Group,
    operation: &'static str,
) -> Result<(String, Journal)> {
    let (topic, group) = (topic.clone(), group.clone());
    let look = move |client: &Client| reader::journal(client, &topic, &group, operation);
    client.blocking(operation, look).await
}

fn parse(id: &Position, operation: &'static str) -> Result<i64> {
    id.as_str().parse().map_err(|_| {
        let text = format!(
            "{:?} is no id of a dead letter on Kafka, such as 42",
            id.as_str()
        );
        Error::new(ErrorKind::Invalid, operation, text)
    })
}

pub(crate) async fn list(
    client: &Arc<Client>,
    topic: &Topic,
    group: &Group,
    after: Option<&Position>,
    limit: usize,
) -> Result<Vec<DeadLetter>> {
    let first = match after {
        Some(after) => parse(after, "dead letters")?.saturating_add(1),
        None => 0,
    };
    let (_, journal) = load(client, topic, group, "dead letters").await?;
    let ids = journal.letters.range(first..).take(limit);
    Ok(ids
        .filter_map(|(id, _)| journal.dead_letter(*id, topic, group))
        .collect())
}

pub(crate) async fn parked(
    client: &Arc<Client>,
    topic: &Topic,
    group: &Group,
) -> Result<Vec<ParkedKey>> {
    Ok(load(client, topic, group, "parked").await?.1.parked())
}

pub(crate) async fn release(
    client: &Arc<Client>,
    topic: &Topic,
    group: &Group,
    key: &Key,
) -> Result<u64> {
    let (name, journal) = load(client, topic, group, "release").await?;
    let waiting = journal.waiting(key);
    if waiting > 0 && journal.state(key) == ParkedState::Parked {
        let released = mark(key, ParkedState::Releasing);
        client.append(&name, vec![released], "release").await?;
    }
    Ok(waiting)
}

pub(crate) async fn redeliver(
    client: &Arc<Client>,
    topic: &Topic,
    group: &Group,
    records: &[Redelivery],
) -> Vec<Result<()>> {
    // A consumer reads the requests one by one: the oldest of a key must not come last.
    let mut order: Vec<(usize, &Redelivery)> = records.iter().enumerate().collect();
    order.sort_by_key(|(_, record)| match record {
        Redelivery::DeadLetter(id) => parse(id, "redeliver").ok(),
        _ => None,
    });
    let each = |journal: &Journal, (_, record): &(usize, &Redelivery)| match record {
        Redelivery::DeadLetter(id) => again_by_id(journal, id),
        Redelivery::Record(stored) => {
            let (partition, offset) = wire::place(&stored.position, "redeliver")?;
            let letter = NewLetter {
                position: &wire::position(partition, offset),
                key: stored.key.as_ref(),
                mode: Mode::Redelivering,
                attempts: 0,
                reason: None,
                consumer: "",
                body: &stored.body,
            };
            check(&stored.body)?;
            Ok(vec![letter.entry()])
        }
        _ => Err(Error::new(
            ErrorKind::Unsupported,
            "redeliver",
            "a redelivery that this transport does not know",
        )),
    };
    let results = change(client, topic, group, "redeliver", &order, each).await;
    let mut results: Vec<_> = order.into_iter().map(|(at, _)| at).zip(results).collect();
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

fn check(body: &Body) -> Result<()> {
    match body {
        Body::Fields(fields) if fields.iter().any(|f| f.name.starts_with("tidings-")) => {
            let text = "the headers tidings-… are those of dead letters; a record cannot have them";
            Err(Error::new(ErrorKind::Invalid, "redeliver", text))
        }
        _ => Ok(()),
    }
}

fn again_by_id(journal: &Journal, id: &Position) -> Result<Vec<Entry>> {
    let number = parse(id, "redeliver")?;
    let letter = journal
        .letters
        .get(&number)
        .ok_or_else(|| missing("redeliver", id))?;
    match letter.mode {
        Mode::Dead => Ok(journal
            .changed(number, Some(Mode::Redelivering), None, None)
            .into_iter()
            .collect()),
        Mode::Redelivering => Ok(Vec::new()),
        Mode::Parked => Err(Error::new(
            ErrorKind::Invalid,
            "redeliver",
            format!("the dead letter {id} waits behind its parked key: release that"),
        )),
    }
}

pub(crate) async fn discard(
    client: &Arc<Client>,
    topic: &Topic,
    group: &Group,
    ids: &[Position],
) -> Vec<Result<()>> {
    let mut seen = std::collections::HashSet::new();
    let each = |journal: &Journal, id: &Position| {
        let number = parse(id, "discard")?;
        if !journal.letters.contains_key(&number) || !seen.insert(number) {
            return Err(missing("discard", id));
        }
        Ok(journal.removal(number))
    };
    change(client, topic, group, "discard", ids, each).await
}

fn missing(operation: &'static str, id: &Position) -> Error {
    let text = format!("there is no dead letter {id}");
    Error::new(ErrorKind::NotFound, operation, text)
}

/// Reads the journal, and appends what each of these asks for. One result each.
async fn change<T>(
    client: &Arc<Client>,
    topic: &Topic,
    group: &Group,
    operation: &'static str,
    items: &[T],
    mut each: impl FnMut(&Journal, &T) -> Result<Vec<Entry>>,
) -> Vec<Result<()>> {
    let (name, journal) = match load(client, topic, group, operation).await {
        Ok(found) => found,
        Err(e) => return items.iter().map(|_| Err(again(&e))).collect(),
    };
    let mut entries = Vec::new();
    let mut results: Vec<Result<()>> = items
        .iter()
        .map(|item| each(&journal, item).map(|more| entries.extend(more)))
        .collect();
    if let Err(e) = client.append(&name, entries, operation).await {
        for result in results.iter_mut().filter(|r| r.is_ok()) {
            *result = Err(again(&e));
        }
    }
    results
}
