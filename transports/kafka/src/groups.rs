//! Groups: made, described, moved.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use tidings_transport::{
    Count, ErrorKind, Group, GroupInfo, Lag, Opened, Result, Seeked, Start, Topic,
};

use crate::client::{Client, Committed};
use crate::error::{kind, no_answer, reading, writing};
use crate::journal::{self, Journal, Made};
use crate::ledger::Ledger;
use crate::reader;
use crate::{names, start, wire};

/// Between two looks at whether a group has moved.
const PAUSE: Duration = Duration::from_millis(20);

/// Makes a group unless it is there.
pub(crate) async fn create(
    client: &Arc<Client>,
    topic: &Topic,
    group: &Group,
    start: &Start,
    operation: &'static str,
) -> Result<Opened> {
    let name = names::physical(topic, operation)?;
    if let Start::After(position) = start {
        wire::parse(position, operation)?;
    }
    client.ensure(&name, false, operation).await?;
    let (wanted, of) = (topic.clone(), group.clone());
    let found = client
        .blocking(operation, move |client| {
            match reader::journal(client, &wanted, &of, operation) {
                Ok((_, journal)) => standing(client, &wanted, &of, &journal, operation).map(Some),
                Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
                Err(e) => Err(e),
            }
        })
        .await?;
    if let Some(standing) = found {
        let position = wire::positions(standing.iter().map(|(p, ledger)| (*p, ledger.handed())));
        return Ok(Opened {
            existed: true,
            position,
        });
    }
    let (wanted, of, start) = (topic.clone(), group.clone(), start.clone());
    // A group that others made, with Kafka's own means, keeps its position.
    let (next, existed) = client
        .blocking(operation, move |client| {
            let (name, marks) = reader::topic(client, &wanted, operation)?;
            let partitions = i32::try_from(marks.len()).unwrap_or(i32::MAX);
            let committed = client.committed(&of, &name, partitions, operation)?;
            let existed = committed.iter().any(Option::is_some);
            let next = match existed {
                true => {
                    let each = committed.iter().zip(&marks);
                    each.map(|(c, (low, _))| c.as_ref().map_or(*low, Ledger::base))
                        .collect()
                }
                false => start::resolve(client, &name, &marks, &start, operation)?,
            };
            Ok((next, existed))
        })
        .await?;
    let made = Made {
        topic: topic.as_str().to_owned(),
        group: group.as_str().to_owned(),
        start: next.clone(),
    };
    let journal = names::journal(topic, group);
    client.ensure(&journal, true, operation).await?;
    client
        .append(&journal, vec![journal::made(&made)], operation)
        .await?;
    if !existed {
        let (of, next) = (group.clone(), next.clone());
        let commit = move |client: &Client| {
            let now = jiff::Timestamp::now().as_millisecond();
            let ledgers: Vec<_> = next
                .iter()
                .map(|base| {
                    let mut ledger = Ledger::new(*base);
                    ledger.touched = now;
                    ledger
                })
                .collect();
            match client.commit_for(&of, &name, &ledgers) {
                // Its consumers on other topics are at work: those of this one begin where the
                // journal says.
                Err(e) if kind(&e, true) == ErrorKind::Stale => Ok(()),
                other => other.map_err(|e| writing(operation, e)),
            }
        };
        client.blocking(operation, commit).await?;
    }
    let position = wire::positions((0..).zip(next));
    Ok(Opened { existed, position })
}

/// What a group has settled of each partition. Blocks.
fn standing(
    client: &Client,
    topic: &Topic,
    group: &Group,
    journal: &Journal,
    operation: &'static str,
) -> Result<Vec<(i32, Ledger)>> {
    let (name, marks) = reader::topic(client, topic, operation)?;
    let partitions = i32::try_from(marks.len()).unwrap_or(i32::MAX);
    let committed = client.committed(group, &name, partitions, operation)?;
    let made = journal.made.as_ref();
    let ledger = |(at, found): (usize, Committed)| {
        let begun = made.and_then(|made| made.start.get(at).copied());
        found.unwrap_or_else(|| Ledger::new(begun.unwrap_or(marks[at].0)))
    };
    Ok((0..)
        .zip(committed.into_iter().enumerate().map(ledger))
        .collect())
}

/// The groups of a topic, by name.
pub(crate) async fn describe(client: &Arc<Client>, topic: &Topic) -> Result<Vec<GroupInfo>> {
    let wanted = topic.clone();
    client
        .blocking("groups", move |client| {
            let mut infos = Vec::new();
            for (group, journal) in all(client, &wanted, "groups")? {
                infos.push(info(client, &wanted, &group, &journal)?);
            }
            infos.sort_by(|a, b| a.group.cmp(&b.group));
            Ok(infos)
        })
        .await
}

/// The groups of a topic with their journals. Blocks.
pub(crate) fn all(
    client: &Client,
    topic: &Topic,
    operation: &'static str,
) -> Result<Vec<(Group, Journal)>> {
    reader::topic(client, topic, operation)?;
    let prefix = names::journal_prefix(topic);
    let metadata = client.asking.fetch_metadata(None, client.timeout());
    let metadata = metadata.map_err(|e| reading(operation, e))?;
    let mut found = Vec::new();
    for journal in metadata
        .topics()
        .iter()
        .filter(|t| t.name().starts_with(&prefix))
    {
        let Some(read) = reader::load(client, journal.name(), operation)? else {
            continue;
        };
        if let Some(made) = &read.made
            && made.topic == topic.as_str()
            && let Ok(group) = Group::new(&made.group)
        {
            found.push((group, read));
        }
    }
    Ok(found)
}

/// The first offset of each partition that a group still needs, and whether it showed itself after
/// `since`, in milliseconds since 1970. Blocks.
pub(crate) fn needs(
    client: &Client,
    topic: &Topic,
    group: &Group,
    journal: &Journal,
    since: i64,
) -> Result<Option<Vec<i64>>> {
    let standing = standing(client, topic, group, journal, "trim")?;
    let alive = standing.iter().any(|(_, ledger)| ledger.touched >= since)
        || !members(client, group)?.is_empty();
    let bases = standing.iter().map(|(_, ledger)| ledger.base());
    Ok(alive.then(|| bases.collect()))
}

fn info(client: &Client, topic: &Topic, group: &Group, journal: &Journal) -> Result<GroupInfo> {
    let (name, marks) = reader::topic(client, topic, "groups")?;
    let mut standing = standing(client, topic, group, journal, "groups")?;
    let position = wire::positions(standing.iter().map(|(p, ledger)| (*p, ledger.handed())));
    let (mut open, mut pending, mut lost) = (0, 0, 0);
    let (mut oldest, mut oldest_pending) = (None, None);
    for (partition, ledger) in &mut standing {
        let (low, high) = marks[usize::try_from(*partition).unwrap_or(0)];
        ledger.lose(low);
        let waits = ledger.open_until(high);
        open += waits;
        pending += ledger.pending();
        lost += ledger.lost;
        if waits > 0 {
            let mut received = None;
            client.scan(
                &name,
                &[(*partition, ledger.base(), high)],
                "groups",
                |message| {
                    received = wire::received(message);
                    false
                },
            )?;
            let older = |than: Option<jiff::Timestamp>| match (than, received) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            oldest = older(oldest);
            if ledger.pending() > 0 {
                oldest_pending = older(oldest_pending);
            }
        }
    }
    let age = oldest.map(|oldest| jiff::Timestamp::now().duration_since(oldest));
    Ok(GroupInfo {
        group: group.clone(),
        position,
        lag: Lag {
            events: Count::Exactly(open),
            age: age
                .and_then(|age| Duration::try_from(age).ok())
                .unwrap_or_default(),
        },
        pending,
        oldest_pending,
        consumers: members(client, group)?
            .into_iter()
            .filter(|member| member.topics.contains(&name))
            .map(|member| member.name)
            .collect(),
        dead_letters: journal.letters.len() as u64,
        parked_keys: journal.parked().len() as u64,
        lost: Count::Exactly(lost),
    })
}

struct Membership {
    name: String,
    topics: Vec<String>,
}

/// The consumers that live. Blocks.
fn members(client: &Client, group: &Group) -> Result<Vec<Membership>> {
    let list = client
        .asking
        .fetch_group_list(Some(group.as_str()), client.timeout());
    let list = match list {
        Ok(list) => list,
        Err(e) if kind(&e, false) == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(reading("groups", e)),
    };
    let of = list.groups().iter().filter(|g| g.name() == group.as_str());
    let members = of.flat_map(|group| group.members());
    Ok(members
        .map(|member| Membership {
            name: member.client_id().to_owned(),
            topics: subscribed(member.metadata().unwrap_or_default()).unwrap_or_default(),
        })
        .collect())
}

/// The topics of a subscription in Kafka's consumer protocol: a version, then a list of names.
fn subscribed(metadata: &[u8]) -> Option<Vec<String>> {
    let (count, mut rest) = metadata.get(2..)?.split_first_chunk::<4>()?;
    let mut topics = Vec::new();
    for _ in 0..u32::from_be_bytes(*count) {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (name, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
        topics.push(String::from_utf8_lossy(name).into_owned());
        rest = after;
    }
    Some(topics)
}

/// Moves a group. Consumers at work are told through its journal, and do it themselves.
pub(crate) async fn seek(
    client: &Arc<Client>,
    topic: &Topic,
    group: &Group,
    to: &Start,
) -> Result<Seeked> {
    let (wanted, of, to) = (topic.clone(), group.clone(), to.clone());
    let look = move |client: &Client| {
        let (journal, read) = reader::journal(client, &wanted, &of, "seek")?;
        let (name, marks) = reader::topic(client, &wanted, "seek")?;
        let before = standing(client, &wanted, &of, &read, "seek")?;
        let next = start::resolve(client, &name, &marks, &to, "seek")?;
        Ok((journal, name, before, next))
    };
    let (journal, name, before, next) = client.blocking("seek", look).await?;
    let id = client
        .append(&journal, vec![journal::seek(&next)], "seek")
        .await?
        + 1;
    let seeked = Seeked {
        before: wire::positions(before.iter().map(|(p, ledger)| (*p, ledger.handed()))),
        after: wire::positions((0..).zip(next.iter().copied())),
    };
    let ledgers: Vec<Ledger> = before
        .into_iter()
        .zip(next)
        .map(|((_, mut ledger), next)| {
            ledger.move_to(next, id);
            ledger.touched = jiff::Timestamp::now().as_millisecond();
            ledger
        })
        .collect();
    let of = group.clone();
    client
        .blocking("seek", move |client| {
            let end = Instant::now() + client.timeout() * 2;
            loop {
                match client.commit_for(&of, &name, &ledgers) {
                    Ok(()) => return Ok(()),
                    Err(e) if kind(&e, true) == ErrorKind::Stale => {}
                    Err(e) => return Err(writing("seek", e)),
                }
                let partitions = i32::try_from(ledgers.len()).unwrap_or(i32::MAX);
                let found = client.committed(&of, &name, partitions, "seek")?;
                if found
                    .iter()
                    .all(|f| f.as_ref().is_some_and(|ledger| ledger.seek >= id))
                {
                    return Ok(());
                }
                if Instant::now() > end {
                    return Err(no_answer("seek", ErrorKind::UnknownOutcome));
                }
                std::thread::sleep(PAUSE);
            }
        })
        .await?;
    Ok(seeked)
}
