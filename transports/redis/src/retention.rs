//! Removing old records.

use std::time::Duration;

use redis::{Value, cmd};
use tidings_transport::{Group, Result, Retention, Topic, Trimmed};
use tokio::time::{Instant, sleep};

use crate::entry_id::EntryId;
use crate::error::Failure;
use crate::names::Keys;
use crate::script::{COUNT, Call, NEED, TRIM};
use crate::topics::{look, no_topic};
use crate::transport::Redis;
use crate::value;

/// How many entries are counted in one go: the server reads them for it, a millisecond long.
const COUNTED: u64 = 500;

/// How many entries are removed in one go, most of them unread.
const REMOVED: u64 = 5_000;

/// The longest that others are given way to between two steps.
const PAUSE: Duration = Duration::from_millis(5);

/// What is to be removed, as things stood when it was asked for.
struct Plan {
    /// How many records there are beyond the hard cap, and how many beyond either cap.
    hard: u64,
    beyond: u64,
    /// Entries before this one are old.
    old: Option<EntryId>,
    /// All groups, each with the first entry that it needs; without one it is not spared.
    groups: Vec<(Group, Option<EntryId>)>,
}

/// What was removed.
#[derive(Default)]
struct Removed {
    number: u64,
    /// The last one of which it was to be looked at who needs it.
    last: Option<EntryId>,
}

/// What the rules name.
struct Judgement {
    named: u64,
    /// How many of these may go, what is gone included.
    free: u64,
    /// The groups that need some of them.
    needed_by: Vec<Group>,
}

impl Redis {
    pub(crate) async fn remove_old(&self, topic: &Topic, retention: &Retention) -> Result<Trimmed> {
        let groups = self.group_names("trim", topic).await?;
        let plan = self.plan(topic, retention, groups).await;
        let Some(plan) = plan.map_err(|f| f.reading("trim"))? else {
            return Err(no_topic("trim", topic));
        };
        let mut removed = Removed::default();
        if !retention.dry_run {
            let done = self.remove(topic, retention, &plan).await;
            removed = done.map_err(|f| f.writing("trim"))?;
        }
        let judgement = self.judge(topic, &plan, &removed).await;
        let judgement = judgement.map_err(|f| f.reading("trim"))?;
        let removed = match retention.dry_run {
            true => judgement.free,
            false => removed.number,
        };
        Ok(Trimmed {
            removed,
            spared: judgement.named.saturating_sub(removed),
            needed_by: judgement.needed_by,
        })
    }

    async fn plan(
        &self,
        topic: &Topic,
        retention: &Retention,
        names: Vec<Group>,
    ) -> Result<Option<Plan>, Failure> {
        const WHAT: &str = "a topic as {length, first, last}";
        let topic_now = self.link.script(look(topic)).await?;
        if topic_now == Value::Nil {
            return Ok(None);
        }
        let [length, first, _] = value::tuple(topic_now, WHAT)?;
        let length = value::number(&length, WHAT)?;
        let beyond = |max: Option<u64>| max.map_or(0, |max| length.saturating_sub(max));
        let hard = beyond(retention.hard_max_len);
        let beyond = beyond(retention.max_len).max(hard);
        let mut old = None;
        if let Some(age) = retention.max_age {
            let now = self.server_time().await?;
            let ms = now.saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
            old = Some(EntryId { ms, seq: 0 });
        }
        let first = value::optional_id(&first, WHAT)?;
        let is_any_named = beyond > 0 || first.zip(old).is_some_and(|(first, old)| first < old);
        let mut groups = Vec::with_capacity(names.len());
        for group in names.into_iter().filter(|_| is_any_named) {
            let call = Call::new(&NEED, &Keys::new(topic, &group)).arg(group.as_str());
            let ttl = u64::try_from(retention.group_ttl.as_millis()).unwrap_or(u64::MAX / 4);
            let need = self.link.script(call.arg(ttl)).await?;
            groups.push((group, first_needed(need)?));
        }
        Ok(Some(Plan {
            hard,
            beyond,
            old: old.filter(|_| is_any_named),
            groups,
        }))
    }

    /// Looks at what is left as far as the rules name it: where nothing is, at nothing.
    async fn judge(
        &self,
        topic: &Topic,
        plan: &Plan,
        removed: &Removed,
    ) -> Result<Judgement, Failure> {
        let mut named = plan.beyond.max(removed.number);
        if let Some(old) = plan.old {
            let left = self.count(topic, None, old, u64::MAX).await?;
            named = named.max(removed.number + left);
        }
        let needs = plan.groups.iter();
        let needs = needs.filter_map(|(group, first)| Some((first.as_ref()?, group)));
        let mut needs: Vec<(&EntryId, &Group)> = needs.collect();
        needs.sort();
        let (mut free, mut needed_by) = (named, Vec::new());
        let (mut counted, mut from) = (removed.number, None);
        for (first, group) in needs {
            let is_gone = removed.last.is_some_and(|last| *first <= last);
            if counted < named && !is_gone {
                counted += self.count(topic, from, *first, named - counted).await?;
                from = Some(*first);
            }
            if counted < named || is_gone {
                free = free.min(counted);
                needed_by.push(group.clone());
            }
        }
        needed_by.sort();
        Ok(Judgement {
            named,
            free: free.max(plan.hard),
            needed_by,
        })
    }

    /// By the server's clock, in milliseconds since 1970.
    pub(crate) async fn server_time(&self) -> Result<u64, Failure> {
        const WHAT: &str = "the server's time";
        let [seconds, micros] = value::tuple(self.link.command(&cmd("TIME")).await?, WHAT)?;
        Ok(value::number(&seconds, WHAT)? * 1_000 + value::number(&micros, WHAT)? / 1_000)
    }

    /// How many entries stand before an id, from another on, counted up to `limit`.
    async fn count(
        &self,
        topic: &Topic,
        from: Option<EntryId>,
        before: EntryId,
        limit: u64,
    ) -> Result<u64, Failure> {
        const WHAT: &str = "a count as {number, last}";
        let mut counted = 0;
        let mut from = from.map_or(String::from("-"), |from| from.to_string());
        while counted < limit {
            let step = COUNTED.min(limit - counted);
            let call = Call::new(&COUNT, &Keys::without_group(topic))
                .arg(&from)
                .arg(before.to_string())
                .arg(step);
            let [n, last] = value::tuple(self.step(call).await?, WHAT)?;
            let n = value::number(&n, WHAT)?;
            counted += n;
            match value::optional_id(&last, WHAT)? {
                Some(last) if n == step => from = format!("({last}"),
                _ => break,
            }
        }
        Ok(counted)
    }

    /// Removes in steps, each of which looks anew how many may go: others may trim at the same time.
    async fn remove(
        &self,
        topic: &Topic,
        retention: &Retention,
        plan: &Plan,
    ) -> Result<Removed, Failure> {
        const WHAT: &str = "what was removed as {number, last}";
        let mut removed = Removed::default();
        if plan.beyond == 0 && plan.old.is_none() {
            return Ok(removed);
        }
        let groups = plan.groups.iter();
        let states = groups.map(|(g, _)| Keys::new(topic, g).state().to_owned());
        let states: Vec<String> = states.collect();
        let id = |id: Option<EntryId>| id.map_or(String::new(), |id| id.to_string());
        let stay = |max: Option<u64>| max.map_or(String::new(), |max| max.to_string());
        let needed = plan.groups.iter().filter_map(|(_, first)| *first).min();
        loop {
            let mut trim = Call::with_keys(&TRIM, &Keys::without_group(topic), &states)
                .arg(REMOVED)
                .arg(id(plan.old))
                .arg(stay(retention.max_len))
                .arg(stay(retention.hard_max_len))
                .arg(id(needed));
            for (group, first) in &plan.groups {
                trim.push(group.as_str());
                trim.push(u8::from(first.is_some()));
            }
            let [number, last] = value::tuple(self.step(trim).await?, WHAT)?;
            removed.last = value::optional_id(&last, WHAT)?.or(removed.last);
            match value::number(&number, WHAT)? {
                0 => return Ok(removed),
                number => removed.number += number,
            }
        }
    }

    /// A step of long work: what others asked for meanwhile is answered before the next.
    async fn step(&self, call: Call) -> Result<Value, Failure> {
        let began = Instant::now();
        let answer = self.link.script(call).await;
        sleep((began.elapsed() * 2).min(PAUSE)).await;
        answer
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
