//! What a person does about a group: takes note of what it lost, and removes it.

use std::sync::Arc;
use std::time::Instant;

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use tidings_transport::{Count, Error, ErrorKind, Gap, Group, Result, Topic};

use crate::acl::Acl;
use crate::client::{Client, PAUSE};
use crate::describe::{Membership, members};
use crate::entry::{self, Noted};
use crate::error::{kind, no_answer, reading, writing};
use crate::groups::{Standing, standing};
use crate::ledger::Losses;
use crate::{names, reader, rebalance, wire};

/// What a group has lost.
struct Lost {
    /// As one gap; `None` when nothing is lost that nobody took note of.
    gap: Option<Gap>,
    /// What a note of it says.
    note: Vec<Noted>,
}

pub(crate) async fn losses(
    client: &Arc<Client>,
    topic: &Topic,
    group: &Group,
) -> Result<Option<Gap>> {
    Ok(look(client, topic, group, "losses").await?.gap)
}

/// Takes note of what is lost now. It stands in the journal of the group, which nobody but its
/// consumers could write into the metadata of a commit.
pub(crate) async fn acknowledge(
    client: &Arc<Client>,
    topic: &Topic,
    group: &Group,
) -> Result<Count> {
    const OPERATION: &str = "acknowledge_losses";
    let found = look(client, topic, group, OPERATION).await?;
    let Some(gap) = found.gap else {
        return Ok(Count::Exactly(0));
    };
    let (journal, note) = (names::journal(topic, group), entry::noted(found.note));
    client.append(&journal, vec![note], OPERATION).await?;
    Ok(gap.lost)
}

async fn look(
    client: &Arc<Client>,
    topic: &Topic,
    group: &Group,
    operation: &'static str,
) -> Result<Lost> {
    let (topic, group) = (topic.clone(), group.clone());
    let look = move |client: &Client| {
        let (_, journal) = reader::journal(client, &topic, &group, operation)?;
        let (name, marks) = reader::topic(client, &topic, operation)?;
        let mut standing = standing(client, (&name, &marks), &group, &journal, operation)?;
        let (mut lost, mut anew) = (Losses::default(), false);
        let (mut until, mut note) = (Vec::new(), Vec::new());
        for (standing, marks) in standing.iter_mut().zip(&marks) {
            let Standing {
                partition,
                ledger,
                committed,
            } = standing;
            anew |= ledger.meet(*marks) == Count::Unknown;
            let (seen, noted) = (ledger.losses, journal.noted(*partition));
            let start = if *committed { seen } else { noted.start };
            note.push(Noted { seen, start });
            let more = seen.since(noted.seen);
            if more != Losses::default() {
                until.push((*partition, marks.0 + 1));
            }
            lost = lost.and(more);
        }
        let gap = (lost != Losses::default()).then(|| Gap {
            topic,
            group,
            after: None,
            until: Some(wire::positions(until)),
            lost: lost.count(),
            cause: match anew {
                true => rebalance::MADE_ANEW.to_owned(),
                false => rebalance::REMOVED.to_owned(),
            },
        });
        Ok(Lost { gap, note })
    };
    client.blocking(operation, look).await
}

/// Removes a group from a topic. What it has committed goes first: without its journal nobody would
/// know any more that it is of a group that was removed.
pub(crate) async fn remove(client: &Arc<Client>, topic: &Topic, group: &Group) -> Result<()> {
    const OPERATION: &str = "remove_group";
    let (of_topic, of) = (topic.clone(), group.clone());
    let look = move |client: &Client| {
        let (journal, _) = reader::journal(client, &of_topic, &of, OPERATION)?;
        let alive = members(client, &of, OPERATION)?;
        if !alive.is_empty() {
            return Err(still_consumed(&of, &alive));
        }
        Ok((has_other_topics(client, &of, &journal)?, journal))
    };
    let (shared, journal) = client.blocking(OPERATION, look).await?;
    match shared {
        true => forget(client, topic, group).await?,
        false => delete(client, group).await?,
    }
    let removed = client
        .admin
        .delete_topics(&[&journal], &client.options())
        .await;
    for result in removed.map_err(|e| writing(OPERATION, e))? {
        match result {
            Ok(_) | Err((_, Code::UnknownTopicOrPartition)) => {}
            Err((_, code)) => {
                let error = writing(OPERATION, KafkaError::AdminOp(code));
                return Err(Acl::to("Delete").topic(&journal).of(error));
            }
        }
    }
    client.forget(&journal);
    // Brokers hear of it one after the other.
    let end = Instant::now() + client.timeout();
    loop {
        let name = journal.clone();
        let look = move |client: &Client| client.partitions(&name, OPERATION);
        if client.blocking(OPERATION, look).await?.is_none() {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(no_answer(OPERATION, ErrorKind::Unavailable));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Removes the group from Kafka, with everything that it has committed.
async fn delete(client: &Arc<Client>, group: &Group) -> Result<()> {
    const OPERATION: &str = "remove_group";
    let end = Instant::now() + client.timeout();
    loop {
        let deleted = client
            .admin
            .delete_groups(&[group.as_str()], &client.options())
            .await;
        let deleted = deleted.map_err(|e| writing(OPERATION, e))?.pop();
        let Some(Err((_, code))) = deleted else {
            return Ok(());
        };
        match code {
            Code::GroupIdNotFound => return Ok(()),
            Code::NonEmptyGroup => return Err(still_consumed(group, &[])),
            Code::NotCoordinator
            | Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
                if Instant::now() < end =>
            {
                tokio::time::sleep(PAUSE).await;
            }
            code => {
                let error = writing(OPERATION, KafkaError::AdminOp(code));
                return Err(Acl::to("Delete").group(group.as_str()).of(error));
            }
        }
    }
}

/// Marks what the group has committed of this topic as that of nobody. It goes on with its other
/// topics, and the client library cannot remove what is committed of one alone.
async fn forget(client: &Arc<Client>, topic: &Topic, group: &Group) -> Result<()> {
    const OPERATION: &str = "remove_group";
    let (topic, group) = (topic.clone(), group.clone());
    let forget = move |client: &Client| {
        let name = names::physical(&topic, OPERATION)?;
        // Where the topic is gone, Kafka has forgotten what was committed of it.
        let Some(partitions) = client.partitions(&name, OPERATION)? else {
            return Ok(());
        };
        match client.forget_for(&group, &name, partitions) {
            Err(e) if kind(&e, true) == ErrorKind::Stale => Err(still_consumed(&group, &[])),
            forgotten => forgotten.map_err(|e| writing(OPERATION, e)),
        }
    };
    client.blocking(OPERATION, forget).await
}

/// Whether the group has a journal of another topic. Blocks.
fn has_other_topics(client: &Client, group: &Group, journal: &str) -> Result<bool> {
    const OPERATION: &str = "remove_group";
    let metadata = client.asking.fetch_metadata(None, client.timeout());
    let metadata = metadata.map_err(|e| reading(OPERATION, e))?;
    let suffix = names::journal_suffix(group);
    let names = metadata.topics().iter().map(|topic| topic.name());
    let names: Vec<&str> = names
        .filter(|name| name.ends_with(&suffix) && *name != journal)
        .collect();
    let journals = reader::journals(client, &names, OPERATION)?;
    let mut made = journals.iter().flatten().filter_map(|j| j.made.as_ref());
    Ok(made.any(|made| made.group == group.as_str()))
}

fn still_consumed(group: &Group, alive: &[Membership]) -> Error {
    let names: Vec<&str> = alive.iter().map(|member| member.name.as_str()).collect();
    let who = match names.is_empty() {
        true => String::new(),
        false => format!(" ({})", names.join(", ")),
    };
    let text = format!(
        "group {group} has consumers{who}, on this topic or on others; stop them first. One that was \
         killed, or has a name of its own (instance), counts until its session has ended"
    );
    Error::new(ErrorKind::Invalid, "remove_group", text)
}
