//! What the log holds, and what it keeps of the group.

use std::collections::HashSet;

use serde::Deserialize;
use tidings::event::Event;
use tidings::{Body, Bus};
use tidings_transport::{Count, Group, Position, Start, Topic};

use super::{Entry, ledgers};
use crate::words::{CHANGED, GROUP, Result, TOPICS};

const PAGE: usize = 2_000;

/// What the log holds.
#[derive(Debug, Default)]
pub struct Logged {
    /// In log order, topic after topic.
    pub events: Vec<Entry>,
    /// The same as lines of [`ledgers::published`].
    pub records: HashSet<String>,
    /// The ids of dead letters, and why each is one.
    pub dead: Vec<(String, String)>,
    pub parked_keys: u64,
    /// Losses that the log reports.
    pub lost: Vec<String>,
}

#[derive(Deserialize)]
struct Changed {
    name: String,
    n: i64,
}

fn entry(body: &Body) -> Result<Entry> {
    let Body::Document(document) = body else {
        return Err("an entry of the log is no document".into());
    };
    let event = Event::from_json(document)?;
    let data = event.data().and_then(|data| data.as_json());
    let changed = match event.event_type() == CHANGED {
        true => {
            let data: Changed = serde_json::from_str(data.unwrap_or_default())?;
            Some((data.name, data.n))
        }
        false => None,
    };
    Ok((event.id().to_owned(), changed))
}

/// The place of a record alone: in a log of partitions the positions of a reader have those of the
/// others behind it.
fn place(position: &Position) -> Position {
    let own = position.as_str().split(',').next();
    Position::new(own.unwrap_or_default())
}

impl Logged {
    pub async fn read(bus: &Bus) -> Result<Self> {
        let (log, group) = (bus.transport(), Group::new(GROUP)?);
        let mut all = Self::default();
        for topic in TOPICS {
            let topic = Topic::new(topic)?;
            let mut from = Start::Earliest;
            loop {
                let page = log.read(&topic, &from, PAGE).await?;
                let Some(last) = page.last() else { break };
                from = Start::After(last.position.clone());
                for stored in &page {
                    let entry = entry(&stored.body)?;
                    let line = ledgers::published(&topic, &place(&stored.position), &entry.0);
                    all.records.insert(line);
                    all.events.push(entry);
                }
            }
            let mut after: Option<Position> = None;
            loop {
                let page = log
                    .dead_letters(&topic, &group, after.as_ref(), PAGE)
                    .await?;
                let Some(last) = page.last() else { break };
                after = Some(last.id.clone());
                for dead in &page {
                    let class = dead.reason.as_ref().map_or("waits", |r| r.class.as_str());
                    all.dead.push((entry(&dead.body)?.0, class.to_owned()));
                }
            }
            for info in log.groups(&topic).await? {
                all.parked_keys += info.parked_keys;
                if info.lost != Count::Exactly(0) {
                    all.lost.push(format!("{topic}: {}", info.lost));
                }
            }
        }
        Ok(all)
    }
}
