//! What it would mean to move a group.

use jiff::Timestamp;
use tidings_transport::{Count, ErrorKind, Group, GroupInfo, Position, Start, Topic, Transport};

use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// Entries of one read.
const PAGE: usize = 1_000;
/// So many events are counted, and no more.
const COUNTED: u64 = 1_000_000;

/// What it means to move a group, as things stand.
pub struct Plan {
    pub topic: Topic,
    pub group: Group,
    pub before: Position,
    /// `None` before the first event.
    pub after: Option<Position>,
    /// What the group is handed first: where it stands, and when the log received it.
    pub next: Option<(Position, Option<Timestamp>)>,
    /// Events that were handed out already and will be once more.
    pub again: Count,
    /// Events that were never handed out and will not be.
    pub skipped: Count,
    /// Deliveries that consumers have in hand.
    pub in_hand: u64,
}

impl Plan {
    /// Finds out, and changes nothing.
    pub async fn make(bus: &Bus, topic: Topic, group: Group, to: &Start) -> Result<Self> {
        let log = bus.transport();
        let info = find(&**log, &topic, &group).await?;
        let next = log.read(&topic, to, 1).await?;
        let next = next.into_iter().next().map(|s| (s.position, s.received));
        let after = match to {
            Start::After(position) => Some(position.clone()),
            _ => {
                let next = next.as_ref().map(|(position, _)| position);
                let behind = log.read_back(&topic, next, 1).await?;
                behind.into_iter().next().map(|stored| stored.position)
            }
        };
        let here = Start::After(info.position.clone());
        let here = following(&**log, &topic, &here).await?;
        let there = following(&**log, &topic, to).await?;
        let (again, skipped) = difference(here, there);
        Ok(Self {
            topic,
            group,
            before: info.position,
            after,
            next,
            again,
            skipped,
            in_hand: info.pending,
        })
    }
}

async fn find(log: &dyn Transport, topic: &Topic, group: &Group) -> Result<GroupInfo> {
    let groups = log.groups(topic).await?;
    let names: Vec<_> = groups.iter().map(|info| info.group.to_string()).collect();
    let found = groups.into_iter().find(|info| info.group == *group);
    found.ok_or_else(|| {
        let failure = Failure::new(Exit::NoInput, format!("topic {topic} has no group {group}"));
        failure.remedy(match names.is_empty() {
            true => "it has none yet; `tidings groups create` makes one".to_owned(),
            false => format!(
                "its groups are: {}; `tidings groups create` makes another",
                names.join(", ")
            ),
        })
    })
}

/// How many events stand after a place.
async fn following(log: &dyn Transport, topic: &Topic, start: &Start) -> Result<Count> {
    let mut start = start.clone();
    let mut counted = 0;
    loop {
        let page = match log.read(topic, &start, PAGE).await {
            // A group may stand beyond the end, where a log was restored from a copy.
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Count::Unknown),
            page => page?,
        };
        counted += page.len() as u64;
        match page.last() {
            Some(_) if counted >= COUNTED => return Ok(Count::AtLeast(counted)),
            Some(last) if page.len() == PAGE => start = Start::After(last.position.clone()),
            _ => return Ok(Count::Exactly(counted)),
        }
    }
}

/// How many are handed out again and how many passed over, if so many follow here and so many
/// there.
fn difference(here: Count, there: Count) -> (Count, Count) {
    use Count::{AtLeast, Exactly, Unknown};
    match (here, there) {
        (Exactly(here), Exactly(there)) => (
            Exactly(there.saturating_sub(here)),
            Exactly(here.saturating_sub(there)),
        ),
        (Exactly(here), AtLeast(there)) if there >= here => (AtLeast(there - here), Exactly(0)),
        (AtLeast(here), Exactly(there)) if here >= there => (Exactly(0), AtLeast(here - there)),
        _ => (Unknown, Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::difference;
    use tidings_transport::Count::{AtLeast, Exactly, Unknown};

    #[test]
    fn back_is_again_and_forward_is_skipped() {
        for (here, there, wanted) in [
            (Exactly(2), Exactly(5), (Exactly(3), Exactly(0))),
            (Exactly(5), Exactly(2), (Exactly(0), Exactly(3))),
            (Exactly(4), Exactly(4), (Exactly(0), Exactly(0))),
            (Exactly(5), AtLeast(9), (AtLeast(4), Exactly(0))),
            (AtLeast(9), Exactly(5), (Exactly(0), AtLeast(4))),
            (AtLeast(9), AtLeast(9), (Unknown, Unknown)),
            (Unknown, Exactly(5), (Unknown, Unknown)),
        ] {
            assert_eq!(difference(here, there), wanted, "{here:?} {there:?}");
        }
    }
}
