//! Reading without being in a group.

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::Message;
use tidings_transport::{Error, ErrorKind, Group, Position, Result, Start, Stored, Topic};

use crate::client::Client;
use crate::journal::Journal;
use crate::scan::Range;
use crate::{names, start, wire};

/// A topic that must be there: its name on Kafka, and the offsets of its partitions. Blocks.
pub(crate) fn topic(
    client: &Client,
    topic: &Topic,
    operation: &'static str,
) -> Result<(String, Vec<(i64, i64)>)> {
    let name = names::physical(topic, operation)?;
    let partitions = client.partitions(&name, operation)?;
    let partitions = partitions.ok_or_else(|| missing(operation, &format!("topic {topic}")))?;
    let marks = client.watermarks(&name, partitions, operation)?;
    Ok((name, marks))
}

/// The journal of a group that must be there, with its name on Kafka. Blocks.
pub(crate) fn journal(
    client: &Client,
    topic: &Topic,
    group: &Group,
    operation: &'static str,
) -> Result<(String, Journal)> {
    names::physical(topic, operation)?;
    let name = names::journal(topic, group);
    match load(client, &name, operation)? {
        Some(journal) if journal.made.is_some() => Ok((name, journal)),
        _ => Err(missing(
            operation,
            &format!("group {group} on topic {topic}"),
        )),
    }
}

/// Reads a journal to its end; `None` if there is none of this name. Blocks.
pub(crate) fn load(
    client: &Client,
    name: &str,
    operation: &'static str,
) -> Result<Option<Journal>> {
    if client.partitions(name, operation)?.is_none() {
        return Ok(None);
    }
    Ok(journals(client, &[name], operation)?.pop().flatten())
}

/// Reads these journals to their ends, all at once; `None` for a topic that is none. Blocks.
pub(crate) fn journals(
    client: &Client,
    names: &[&str],
    operation: &'static str,
) -> Result<Vec<Option<Journal>>> {
    let topics: Vec<_> = names.iter().map(|name| (*name, 1)).collect();
    let ranges: Vec<Range<'_>> = client
        .all_watermarks(&topics, operation)?
        .into_iter()
        .zip(names)
        .map(|(marks, topic)| {
            let (from, until) = marks.first().copied().unwrap_or_default();
            Range {
                topic,
                partition: 0,
                from,
                until,
            }
        })
        .collect();
    let mut found: Vec<_> = names.iter().map(|_| Some(Journal::default())).collect();
    client.scan(&ranges, operation, |at, message| {
        // A topic that is no journal, however large, is not read.
        if !Journal::knows(message.key()) {
            found[at] = None;
        }
        if let Some(journal) = &mut found[at] {
            journal.apply(message);
        }
        found[at].is_some()
    })?;
    Ok(found)
}

/// As [`journals`], with a refusal in place of each that this user may not read. Blocks.
pub(crate) fn each_journal(
    client: &Client,
    names: &[&str],
    operation: &'static str,
) -> Result<Vec<Result<Option<Journal>>>> {
    as_allowed(names, &mut |names| journals(client, names, operation))
}

/// Reads all of these at once, and where this user may not read one of them, each half by itself: a refusal
/// ends a reading, and does not say what it is of. It stands in place of what it is of.
pub(crate) fn as_allowed<T, R>(
    all: &[T],
    read: &mut impl FnMut(&[T]) -> Result<Vec<R>>,
) -> Result<Vec<Result<R>>> {
    match read(all) {
        Ok(found) => Ok(found.into_iter().map(Ok).collect()),
        Err(e) if e.kind() == ErrorKind::Denied => match all {
            [_] => Ok(vec![Err(e)]),
            _ => {
                let (front, back) = all.split_at(all.len() / 2);
                let mut each = as_allowed(front, read)?;
                each.extend(as_allowed(back, read)?);
                Ok(each)
            }
        },
        Err(e) => Err(e),
    }
}

fn missing(operation: &'static str, what: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        operation,
        format!("there is no {what}"),
    )
}

/// A record with its place and the time that orders it among those of other partitions.
struct Read {
    partition: i32,
    offset: i64,
    millis: i64,
    stored: Stored,
}

pub(crate) async fn read(
    client: &Arc<Client>,
    from_topic: &Topic,
    from: &Start,
    end: Option<&Position>,
    limit: usize,
) -> Result<Vec<Stored>> {
    let (wanted, from, end) = (from_topic.clone(), from.clone(), end.cloned());
    client
        .blocking("read", move |client| {
            let (name, marks) = topic(client, &wanted, "read")?;
            let next = start::resolve(client, &name, &marks, &from, "read")?;
            let ends: Vec<i64> = match end.map(Start::After) {
                Some(end) => start::resolve(client, &name, &marks, &end, "read")?,
                None => marks.iter().map(|(_, high)| *high).collect(),
            };
            let count = i64::try_from(limit).unwrap_or(i64::MAX);
            let ranges: Vec<_> = (0..)
                .zip(next.iter().zip(&marks).zip(ends))
                .map(|(p, ((next, (low, _)), end))| {
                    let next = *next.max(low);
                    (p, next, end.clamp(next, next.saturating_add(count)))
                })
                .collect();
            let mut found = collect(client, &name, &ranges, "read")?;
            found.truncate(limit);
            Ok(placed(found, next, |next, read| *next = read + 1))
        })
        .await
}

pub(crate) async fn read_back(
    client: &Arc<Client>,
    from_topic: &Topic,
    before: Option<&Position>,
    limit: usize,
) -> Result<Vec<Stored>> {
    let (wanted, before) = (from_topic.clone(), before.cloned());
    client
        .blocking("read", move |client| {
            let (name, marks) = topic(client, &wanted, "read")?;
            let mut ends: Vec<i64> = marks.iter().map(|(_, high)| *high).collect();
            if let Some(before) = before {
                ends = start::before(client, &name, &marks, &before, "read")?;
            }
            let count = i64::try_from(limit).unwrap_or(i64::MAX);
            let ranges: Vec<_> = (0..)
                .zip(ends.iter().zip(&marks))
                .map(|(p, (end, (low, _)))| (p, *low.max(&end.saturating_sub(count)), *end))
                .collect();
            let mut found = collect(client, &name, &ranges, "read")?;
            found.reverse();
            found.truncate(limit);
            Ok(placed(found, ends, |end, read| *end = read))
        })
        .await
}

/// What stands in these ranges, by time; within a partition in its order.
fn collect(
    client: &Client,
    name: &str,
    ranges: &[(i32, i64, i64)],
    operation: &'static str,
) -> Result<Vec<Read>> {
    let mut lanes: BTreeMap<i32, Vec<Read>> = BTreeMap::new();
    let ranges: Vec<_> = ranges
        .iter()
        .map(|(partition, from, until)| Range {
            topic: name,
            partition: *partition,
            from: *from,
            until: *until,
        })
        .collect();
    client.scan(&ranges, operation, |_, message| {
        let lane = lanes.entry(message.partition()).or_default();
        let millis = message.timestamp().to_millis().unwrap_or(0);
        lane.push(Read {
            partition: message.partition(),
            offset: message.offset(),
            // Clocks of producers differ; the order of a partition does not give way to that.
            millis: lane.last().map_or(millis, |last| last.millis.max(millis)),
            stored: wire::stored(message),
        });
        true
    })?;
    let mut found: Vec<Read> = lanes.into_values().flatten().collect();
    found.sort_by_key(|read| (read.millis, read.partition, read.offset));
    Ok(found)
}

/// Gives each record a position from which reading can go on in all partitions, in either direction: its own
/// place first, then the last offset before it in each of the others. `border` is the first offset of each
/// partition behind what is there so far, and `pass` moves it over a record that was read.
fn placed(found: Vec<Read>, mut border: Vec<i64>, pass: impl Fn(&mut i64, i64)) -> Vec<Stored> {
    let each = |mut read: Read| {
        let at = usize::try_from(read.partition).unwrap_or(0);
        pass(&mut border[at], read.offset);
        if border.len() > 1 {
            let mut text = format!("{}:{}", read.partition, read.offset);
            for (partition, border) in border.iter().enumerate().filter(|(p, _)| *p != at) {
                text.push_str(&format!(",{partition}:{}", border - 1));
            }
            read.stored.position = Position::new(text);
        }
        read.stored
    };
    found.into_iter().map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::as_allowed;
    use tidings_transport::{Error, ErrorKind};

    fn fails(kind: ErrorKind) -> Error {
        Error::new(kind, "read", "it is not for you")
    }

    #[test]
    fn what_may_not_be_read_is_found_by_halves() {
        let all: Vec<u32> = (0..256).collect();
        let closed = [0, 77, 255];
        let mut times = 0;
        let found = as_allowed(&all, &mut |some| {
            times += 1;
            match some.iter().any(|n| closed.contains(n)) {
                true => Err(fails(ErrorKind::Denied)),
                false => Ok(some.to_vec()),
            }
        });
        let found = found.expect("a refusal does not end it");
        assert_eq!(found.len(), all.len());
        for (n, found) in all.iter().zip(found) {
            match found {
                Ok(found) => assert_eq!(found, *n),
                Err(e) => assert!(closed.contains(n), "{n}: {e}"),
            }
        }
        assert!(times < 50, "{times}");
    }

    #[test]
    fn what_fails_otherwise_ends_it() {
        let ended = as_allowed(&[1, 2], &mut |some: &[u32]| match some.len() {
            2 => Err(fails(ErrorKind::Denied)),
            _ => Err::<Vec<u32>, _>(fails(ErrorKind::Unavailable)),
        });
        assert_eq!(
            ended.expect_err("it is away").kind(),
            ErrorKind::Unavailable
        );
        assert_eq!(
            as_allowed(&[], &mut |some: &[u32]| Ok(some.to_vec()))
                .unwrap()
                .len(),
            0
        );
    }
}
