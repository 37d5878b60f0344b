//! Groups, described.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rdkafka::consumer::Consumer;
use tidings_transport::{Count, ErrorKind, Group, GroupInfo, Lag, Result, Topic};

use crate::acl::Acl;
use crate::client::Client;
use crate::error::{kind, reading};
use crate::groups::{Standing, standing};
use crate::journal::Journal;
use crate::ledger::Losses;
use crate::offsets::Marks;
use crate::scan::Range;
use crate::{names, reader, wire};

/// The groups of a topic, by name.
pub(crate) async fn describe(client: &Arc<Client>, topic: &Topic) -> Result<Vec<GroupInfo>> {
    let wanted = topic.clone();
    client
        .blocking("groups", move |client| {
            let (name, marks) = reader::topic(client, &wanted, "groups")?;
            let mut infos = Vec::new();
            for (group, journal) in all(client, &wanted, "groups")? {
                infos.push(info(client, (&name, &marks), &group, &journal)?);
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
    let prefix = names::journal_prefix(topic);
    let metadata = client.asking.fetch_metadata(None, client.timeout());
    let metadata = metadata.map_err(|e| reading(operation, e))?;
    let names = metadata.topics().iter().map(|topic| topic.name());
    let names: Vec<&str> = names.filter(|name| name.starts_with(&prefix)).collect();
    let journals = reader::journals(client, &names, operation)?;
    let of_topic = |journal: Option<Journal>| {
        let journal = journal?;
        let made = journal.made.as_ref()?;
        let group = Group::new(&made.group).ok()?;
        (made.topic == topic.as_str()).then_some((group, journal))
    };
    Ok(journals.into_iter().filter_map(of_topic).collect())
}

fn info(
    client: &Client,
    (name, marks): (&str, &[Marks]),
    group: &Group,
    journal: &Journal,
) -> Result<GroupInfo> {
    let mut standing = standing(client, (name, marks), group, journal, "groups")?;
    let position = wire::positions(standing.iter().map(Standing::handed));
    let (mut open, mut pending, mut lost) = (0, 0, Losses::default());
    let mut waiting = Vec::new();
    for (
        Standing {
            partition, ledger, ..
        },
        marks,
    ) in standing.iter_mut().zip(marks)
    {
        ledger.meet(*marks);
        let waits = ledger.open_until(marks.1);
        open += waits;
        pending += ledger.pending();
        lost = lost.and(ledger.losses.since(journal.noted(*partition).seen));
        if waits > 0 {
            let range = Range {
                topic: name,
                partition: *partition,
                from: ledger.base(),
                until: marks.1,
            };
            waiting.push((range, ledger.pending() > 0));
        }
    }
    let (mut oldest, mut oldest_pending) = (None, None);
    let ranges: Vec<Range<'_>> = waiting.iter().map(|(range, _)| *range).collect();
    client.scan(&ranges, "groups", |at, message| {
        let received = wire::received(message);
        let older = |than: Option<Timestamp>| match (than, received) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        oldest = older(oldest);
        if waiting[at].1 {
            oldest_pending = older(oldest_pending);
        }
        false
    })?;
    let age = oldest.map(|oldest| Timestamp::now().duration_since(oldest));
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
        consumers: members(client, group, "groups")?
            .into_iter()
            .filter(|member| member.topics.iter().any(|topic| topic == name))
            .map(|member| member.name)
            .collect(),
        dead_letters: journal.letters.len() as u64,
        parked_keys: journal.parked().len() as u64,
        lost: lost.count(),
    })
}

/// A consumer that lives.
pub(crate) struct Membership {
    /// For people.
    pub(crate) name: String,
    /// On Kafka.
    pub(crate) topics: Vec<String>,
}

/// The consumers that live. Blocks.
pub(crate) fn members(
    client: &Client,
    group: &Group,
    operation: &'static str,
) -> Result<Vec<Membership>> {
    let list = client
        .asking
        .fetch_group_list(Some(group.as_str()), client.timeout());
    let list = match list {
        Ok(list) => list,
        Err(e) if kind(&e, false) == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => {
            let acl = Acl::to("Describe").group(group.as_str());
            return Err(acl.of(reading(operation, e)));
        }
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
