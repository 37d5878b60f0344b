//! Removing old records.

use redis::{Value, cmd};
use tidings_transport::{Group, Result, Retention, Topic, Trimmed};

use crate::entry_id::EntryId;
use crate::error::Failure;
use crate::names::Keys;
use crate::script::{COUNT, Call, NEED, TRIM};
use crate::topics::{look, no_topic};
use crate::transport::Redis;
use crate::value;

/// How many entries are counted, or removed, in one go, so that the server is not held up.
const STEP: u64 = 5_000;

/// What is to be removed.
struct Removal {
    /// Entries before this one are old.
    old: Option<EntryId>,
    /// The oldest entry that a group needs.
    needed: Option<EntryId>,
    /// How many of the oldest records the rules name, as things stand.
    named: u64,
    /// How many of them may go.
    free: u64,
    /// The groups that need some of them.
    needed_by: Vec<Group>,
    /// All groups, and whether they are spared: for those that are, only the hard cap takes.
    groups: Vec<(Group, bool)>,
}

impl Redis {
    pub(crate) async fn remove_old(&self, topic: &Topic, retention: &Retention) -> Result<Trimmed> {
        let groups = self.group_names("trim", topic).await?;
        let removal = self.plan_removal(topic, retention, groups).await;
        let removal = removal.map_err(|f| f.reading("trim"))?;
        let Some(removal) = removal else {
            return Err(no_topic("trim", topic));
        };
        let mut removed = removal.free;
        if !retention.dry_run && removed > 0 {
            let done = self.remove(topic, retention, &removal).await;
            removed = done.map_err(|f| f.writing("trim"))?;
        }
        Ok(Trimmed {
            removed,
            spared: removal.named - removal.free,
            needed_by: removal.needed_by,
        })
    }

    async fn plan_removal(
        &self,
        topic: &Topic,
        retention: &Retention,
        groups: Vec<Group>,
    ) -> Result<Option<Removal>, Failure> {
        const WHAT: &str = "a topic as {length, first, last}";
        let topic_now = self.link.script(look(topic)).await?;
        if topic_now == Value::Nil {
            return Ok(None);
        }
        let [length, _, _] = value::tuple(topic_now, WHAT)?;
        let length = value::number(&length, WHAT)?;
        let beyond = |max: Option<u64>| max.map_or(0, |max| length.saturating_sub(max));
        let hard = beyond(retention.hard_max_len);
        let (mut named, mut old) = (beyond(retention.max_len).max(hard), None);
        if let Some(age) = retention.max_age {
            let now = self.server_time().await?;
            let ms = now.saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
            let before = EntryId { ms, seq: 0 };
            named = named.max(self.count(topic, before, u64::MAX).await?);
            old = Some(before);
        }
        let (mut free, mut needed, mut needed_by) = (named, None, Vec::new());
        let mut judged = Vec::with_capacity(groups.len());
        for group in groups.into_iter().filter(|_| named > 0) {
            let call = Call::new(&NEED, &Keys::new(topic, &group)).arg(group.as_str());
            let ttl = u64::try_from(retention.group_ttl.as_millis()).unwrap_or(u64::MAX / 4);
            let need = self.link.script(call.arg(ttl)).await?;
            let need = first_needed(need)?;
            if let Some(first) = need {
                needed = Some(needed.map_or(first, |other: EntryId| other.min(first)));
                let before = self.count(topic, first, named).await?;
                if before < named {
                    free = free.min(before);
                    needed_by.push(group.clone());
                }
            }
            judged.push((group, need.is_some()));
        }
        needed_by.sort();
        Ok(Some(Removal {
            old,
            needed,
            named,
            free: free.max(hard),
            needed_by,
            groups: judged,
        }))
    }

    /// By the server's clock, in milliseconds since 1970.
    pub(crate) async fn server_time(&self) -> Result<u64, Failure> {
        const WHAT: &str = "the server's time";
        let [seconds, micros] = value::tuple(self.link.command(&cmd("TIME")).await?, WHAT)?;
        Ok(value::number(&seconds, WHAT)? * 1_000 + value::number(&micros, WHAT)? / 1_000)
    }

    /// How many entries stand before an id, counted up to `limit`.
    async fn count(&self, topic: &Topic, before: EntryId, limit: u64) -> Result<u64, Failure> {
        let mut counted = 0;
        let mut from = String::from("-");
        while counted < limit {
            let step = STEP.min(limit - counted);
            let (n, last) = self.step(topic, &from, &before.to_string(), step).await?;
            counted += n;
            match last {
                Some(last) if n == step => from = format!("({last}"),
                _ => break,
            }
        }
        Ok(counted)
    }

    async fn step(
        &self,
        topic: &Topic,
        from: &str,
        before: &str,
        limit: u64,
    ) -> Result<(u64, Option<EntryId>), Failure> {
        const WHAT: &str = "a count as {number, last}";
        let call = Call::new(&COUNT, &Keys::without_group(topic))
            .arg(from)
            .arg(before)
            .arg(limit);
        let [n, last] = value::tuple(self.link.script(call).await?, WHAT)?;
        Ok((value::number(&n, WHAT)?, value::optional_id(&last, WHAT)?))
    }

    /// Removes in steps, each of which looks anew how many may go: others may trim at the same time.
    async fn remove(
        &self,
        topic: &Topic,
        retention: &Retention,
        removal: &Removal,
    ) -> Result<u64, Failure> {
        let groups = removal.groups.iter();
        let states = groups.map(|(g, _)| Keys::new(topic, g).state().to_owned());
        let states: Vec<String> = states.collect();
        let id = |id: Option<EntryId>| id.map_or(String::new(), |id| id.to_string());
        let stay = |max: Option<u64>| max.map_or(String::new(), |max| max.to_string());
        let mut removed = 0;
        loop {
            let mut trim = Call::with_keys(&TRIM, &Keys::without_group(topic), &states)
                .arg(STEP)
                .arg(id(removal.old))
                .arg(stay(retention.max_len))
                .arg(stay(retention.hard_max_len))
                .arg(id(removal.needed));
            for (group, spared) in &removal.groups {
                trim.push(group.as_str());
                trim.push(u8::from(*spared));
            }
            let gone = self.link.script(trim).await?;
            match value::number(&gone, "how many entries were removed")? {
                0 => return Ok(removed),
                gone => removed += gone,
            }
        }
    }
}

/// The first entry that a group still needs; `None` when it is not spared.
fn first_needed(need: Value) -> Result<Option<EntryId>, Failure> {
    const WHAT: &str = "what a group needs";
    let mut need = value::array(need, WHAT)?.into_iter();
    let active = need.next().map(|n| value::number(&n, WHAT));
    if active.transpose()? != Some(1) {
        return Ok(None);
    }
    let (Some(pending), Some(handed)) = (need.next(), need.next()) else {
        return Err(Failure::Strange { what: WHAT });
    };
    Ok(Some(match value::optional_id(&pending, WHAT)? {
        Some(pending) => pending,
        None => value::id(&handed, WHAT)?.next(),
    }))
}
