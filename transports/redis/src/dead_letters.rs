//! What failed for good, and the keys that wait behind it.

use tidings_transport::{DeadLetter, Group, Key, ParkedKey, ParkedState, Position, Result, Topic};

use crate::entry_id::EntryId;
use crate::error::{Code, Failure};
use crate::names::Keys;
use crate::script::{Call, DEAD_LETTERS, PARKED, RELEASE};
use crate::topics::no_group;
use crate::transport::Redis;
use crate::value;
use crate::wire::{self, Waits};

/// The most letters that are read in one go: a letter may be large.
const PAGE: usize = 500;

impl Redis {
    pub(crate) async fn list_dead_letters(
        &self,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        let mut from = match after {
            Some(after) => EntryId::of(after, "dead_letters")?.next(),
            None => EntryId::default(),
        };
        let mut out = Vec::new();
        loop {
            let count = PAGE.min(limit - out.len());
            let page = self.page(topic, group, from, count).await;
            let page = page.map_err(|f| missing(f, "dead_letters", topic, group))?;
            let full = page.len() == count;
            for (id, letter) in page {
                from = id.next();
                out.push(letter);
            }
            if !full || out.len() >= limit {
                return Ok(out);
            }
        }
    }

    async fn page(
        &self,
        topic: &Topic,
        group: &Group,
        from: EntryId,
        count: usize,
    ) -> Result<Vec<(EntryId, DeadLetter)>, Failure> {
        const WHAT: &str = "dead letters as {id, fields, parked, amended}";
        let call = Call::new(&DEAD_LETTERS, &Keys::new(topic, group));
        let call = call.arg(group.as_str()).arg(from.to_string()).arg(count);
        let mut out = Vec::new();
        for letter in value::array(self.link.script(call).await?, WHAT)? {
            let [id, fields, waits, changes] = value::tuple(letter, WHAT)?;
            let id = value::id(&id, WHAT)?;
            let mut amended = Vec::new();
            for (name, change) in wire::AMENDED.into_iter().zip(value::array(changes, WHAT)?) {
                if let Some(change) = value::optional(change, WHAT)? {
                    amended.push((name, change));
                }
            }
            let waits = match value::number(&waits, WHAT)? {
                1 => Waits::Parked,
                2 => Waits::Redelivering,
                _ => Waits::Not,
            };
            let fields = wire::fields(fields)?;
            let letter = wire::read_letter(id, topic, group, fields, &amended, waits)?;
            out.push((id, letter));
        }
        Ok(out)
    }

    pub(crate) async fn list_parked(&self, topic: &Topic, group: &Group) -> Result<Vec<ParkedKey>> {
        const WHAT: &str = "parked keys as {key, state, records}";
        let call = Call::new(&PARKED, &Keys::new(topic, group)).arg(group.as_str());
        let keys = self
            .link
            .script(call)
            .await
            .and_then(|a| value::array(a, WHAT));
        let read = |key| {
            let [key, state, records] = value::tuple(key, WHAT)?;
            let releasing = value::text(state, WHAT)? == "releasing";
            Ok(ParkedKey {
                key: Key::new(value::text(key, WHAT)?),
                state: if releasing {
                    ParkedState::Releasing
                } else {
                    ParkedState::Parked
                },
                records: value::number(&records, WHAT)?,
            })
        };
        let keys = keys.and_then(|k| k.into_iter().map(read).collect::<Result<Vec<_>, _>>());
        let mut keys = keys.map_err(|f| missing(f, "parked", topic, group))?;
        keys.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(keys)
    }

    pub(crate) async fn release_key(&self, topic: &Topic, group: &Group, key: &Key) -> Result<u64> {
        let call = Call::new(&RELEASE, &Keys::new(topic, group));
        let call = call.arg(group.as_str()).arg(key.as_str());
        let waiting = self.link.script(call).await;
        waiting
            .and_then(|n| value::number(&n, "how many records wait"))
            // Repeating it does no harm, so silence is no unknown outcome.
            .map_err(|f| missing(f, "release", topic, group))
    }
}

fn missing(
    failure: Failure,
    operation: &'static str,
    topic: &Topic,
    group: &Group,
) -> tidings_transport::Error {
    match failure.code() {
        Some(Code::NoGroup) => no_group(operation, topic, group),
        _ => failure.reading(operation),
    }
}
