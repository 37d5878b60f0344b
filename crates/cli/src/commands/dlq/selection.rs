//! Which dead letters, and what they say of themselves.

use serde_json::{Value, json};
use tidings::{Decoder, Event, Reading};
use tidings_transport::{DeadLetter, Group, Position, Topic};

use crate::args::FilterArgs;
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// Letters of one read.
const PAGE: usize = 500;

/// A dead letter, and the event in it if there is one.
pub struct Letter {
    pub letter: DeadLetter,
    /// The event, or why its body is none.
    pub event: Result<Event, String>,
}

/// The groups that are asked for, by topic.
pub async fn groups(bus: &Bus, topics: &[String], names: &[String]) -> Result<Vec<(Topic, Group)>> {
    let mut found = Vec::new();
    for topic in bus.topics_or_all(topics).await? {
        for info in bus.transport().groups(&topic).await? {
            if names.is_empty() || names.iter().any(|name| *name == info.group.as_str()) {
                found.push((topic.clone(), info.group));
            }
        }
    }
    if found.is_empty() && !names.is_empty() {
        let text = format!("no topic has a group {}", names.join(" or "));
        let failure = Failure::new(Exit::NoInput, text);
        return Err(failure.remedy("`tidings groups` lists them"));
    }
    Ok(found)
}

/// The letters that the filter takes, oldest first in each group, at most so many.
pub async fn letters(bus: &Bus, filter: &FilterArgs, limit: usize) -> Result<Vec<Letter>> {
    if !filter.id.is_empty() && (filter.topic.len() != 1 || filter.group.len() != 1) {
        let failure = Failure::new(Exit::Usage, "an ID is one of one topic and one group");
        return Err(failure.remedy("add --topic TOPIC and --group GROUP"));
    }
    let decoder = bus.decoder();
    let mut taken = Vec::new();
    for (topic, group) in groups(bus, &filter.topic, &filter.group).await? {
        let mut after: Option<Position> = None;
        while taken.len() < limit {
            let page = bus
                .transport()
                .dead_letters(&topic, &group, after.as_ref(), PAGE)
                .await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            for letter in page {
                let event = read(&decoder, &letter).await?;
                let letter = Letter { letter, event };
                if taken.len() < limit && takes(filter, &letter) {
                    taken.push(letter);
                }
            }
        }
    }
    missing(filter, &taken)?;
    Ok(taken)
}

fn missing(filter: &FilterArgs, taken: &[Letter]) -> Result<()> {
    let named = |id: &&String| !taken.iter().any(|l| l.letter.id.as_str() == **id);
    let missing: Vec<_> = filter.id.iter().filter(named).cloned().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let text = format!("no such dead letter: {}", missing.join(", "));
    let failure = Failure::new(Exit::NoInput, text);
    Err(failure.remedy("`tidings dlq list` lists them; it may be settled or discarded"))
}

async fn read(decoder: &Decoder, letter: &DeadLetter) -> Result<Result<Event, String>> {
    Ok(match decoder.resolve(&letter.body).await? {
        Reading::Event(event) => Ok(event),
        Reading::Undecodable(why) => Err(why),
        Reading::Unresolved(schema) => Err(format!("its schema {schema:?} is not to be had")),
    })
}

fn takes(filter: &FilterArgs, found: &Letter) -> bool {
    let letter = &found.letter;
    let reason = letter.reason.as_ref();
    let of_type = |wanted: &String| {
        let Ok(event) = &found.event else {
            return false;
        };
        match wanted.strip_suffix('*') {
            Some(prefix) => event.event_type().starts_with(prefix),
            None => event.event_type() == wanted,
        }
    };
    let key = letter.key.as_ref().map(|key| key.as_str());
    let time = reason.map(|reason| reason.last_failure);
    let class = reason.map(|reason| reason.class.as_str());
    (filter.id.is_empty() || filter.id.iter().any(|id| *id == letter.id.as_str()))
        && (filter.ty.is_empty() || filter.ty.iter().any(of_type))
        && (filter.key.is_empty() || filter.key.iter().any(|k| Some(k.as_str()) == key))
        && (filter.reason.is_empty() || filter.reason.iter().any(|r| Some(r.as_str()) == class))
        && filter
            .since
            .is_none_or(|since| time.is_some_and(|time| time >= since))
        && filter
            .until
            .is_none_or(|until| time.is_some_and(|time| time < until))
}

impl Letter {
    /// In which state it is, in a word.
    pub fn state(&self) -> &'static str {
        match (self.letter.parked, self.letter.redelivering) {
            (true, _) => "parked",
            (_, true) => "redelivering",
            _ => "dead",
        }
    }

    /// Everything but what the event says.
    pub fn as_json(&self) -> Value {
        let letter = &self.letter;
        let reason = letter.reason.as_ref();
        let event = self.event.as_ref().ok();
        json!({
            "topic": letter.topic.as_str(),
            "group": letter.group.as_str(),
            "id": letter.id.as_str(),
            "state": self.state(),
            "position": letter.position.as_str(),
            "key": letter.key.as_ref().map(|key| key.as_str()),
            "event_id": event.map(Event::id),
            "event_type": event.map(Event::event_type),
            "attempts": letter.attempts,
            "reason": reason.map(|r| r.class.as_str()),
            "message": reason.map(|r| r.message.as_str()),
            "first_failure": reason.map(|r| r.first_failure.to_string()),
            "last_failure": reason.map(|r| r.last_failure.to_string()),
            "consumer": letter.consumer,
        })
    }
}
