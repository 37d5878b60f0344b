//! Groups: made, and moved.

use std::sync::Arc;
use std::time::Instant;

use tidings_transport::{ErrorKind, Group, Opened, Result, Seeked, Start, Topic};

use crate::acl::Acl;
use crate::client::{Client, PAUSE};
use crate::describe::members;
use crate::entry::{self, Made};
use crate::error::{kind, no_answer, writing};
use crate::journal::Journal;
use crate::ledger::Ledger;
use crate::offsets::Marks;
use crate::{names, reader, start, wire};

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
            let journal = match reader::journal(client, &wanted, &of, operation) {
                Ok((_, journal)) => journal,
                Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(e),
            };
            let (name, marks) = reader::topic(client, &wanted, operation)?;
            standing(client, (&name, &marks), &of, &journal, operation).map(Some)
        })
        .await?;
    if let Some(standing) = found {
        let position = wire::positions(standing.iter().map(Standing::handed));
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
    // Another process may have removed it since this one made it.
    client.forget(&journal);
    client.ensure(&journal, true, operation).await?;
    client
        .append(&journal, vec![entry::made(&made)], operation)
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
                other => other.map_err(|e| {
                    let acl = Acl::to("Read").topic(&name).group(of.as_str());
                    acl.of(writing(operation, e))
                }),
            }
        };
        client.blocking(operation, commit).await?;
    }
    let position = wire::positions((0..).zip(next));
    Ok(Opened { existed, position })
}

/// What a group has settled of a partition.
pub(crate) struct Standing {
    pub(crate) partition: i32,
    pub(crate) ledger: Ledger,
    /// It stands so in a commit.
    pub(crate) committed: bool,
}

impl Standing {
    /// The partition, and the first offset that was never handed out.
    pub(crate) fn handed(&self) -> (i32, i64) {
        (self.partition, self.ledger.handed())
    }
}

/// What a group has settled of each partition of a topic. Blocks.
pub(crate) fn standing(
    client: &Client,
    (name, marks): (&str, &[Marks]),
    group: &Group,
    journal: &Journal,
    operation: &'static str,
) -> Result<Vec<Standing>> {
    let partitions = i32::try_from(marks.len()).unwrap_or(i32::MAX);
    let committed = client.committed(group, name, partitions, operation)?;
    let begun = |partition, low| journal.begun(partition).unwrap_or(low);
    let each = (0..).zip(committed.into_iter().zip(marks));
    let ledgers = each.map(|(partition, (found, (low, _)))| Standing {
        partition,
        committed: found.is_some(),
        ledger: found.unwrap_or_else(|| journal.blank(partition, begun(partition, *low))),
    });
    Ok(ledgers.collect())
}

/// The first offset of each partition that a group still needs, and whether it showed itself after
/// `since`, in milliseconds since 1970. Blocks.
pub(crate) fn needs(
    client: &Client,
    topic: (&str, &[Marks]),
    group: &Group,
    journal: &Journal,
    since: i64,
) -> Result<Option<Vec<i64>>> {
    let standing = standing(client, topic, group, journal, "trim")?;
    let alive = standing.iter().any(|s| s.ledger.touched >= since)
        || !members(client, group, "trim")?.is_empty();
    let bases = standing.iter().map(|s| s.ledger.base());
    Ok(alive.then(|| bases.collect()))
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
        let before = standing(client, (&name, &marks), &of, &read, "seek")?;
        let next = start::resolve(client, &name, &marks, &to, "seek")?;
        Ok((journal, name, before, next))
    };
    let (journal, name, before, next) = client.blocking("seek", look).await?;
    let id = client
        .append(&journal, vec![entry::seek(&next)], "seek")
        .await?
        + 1;
    let seeked = Seeked {
        before: wire::positions(before.iter().map(Standing::handed)),
        after: wire::positions((0..).zip(next.iter().copied())),
    };
    let ledgers: Vec<Ledger> = before
        .into_iter()
        .zip(next)
        .map(|(Standing { mut ledger, .. }, next)| {
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
                    Err(e) => {
                        let acl = Acl::to("Read").topic(&name).group(of.as_str());
                        return Err(acl.of(writing("seek", e)));
                    }
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
