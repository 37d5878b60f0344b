//! Groups: made, described, moved.

use redis::{Pipeline, Value};
use tidings_transport::{
    Count, Error, ErrorKind, Gap, Group, GroupInfo, Lag, Opened, Result, Seeked, Start,
    Subscription, Topic,
};

use crate::entry_id::EntryId;
use crate::error::{Code, Failure};
use crate::member::count;
use crate::names::{self, Keys};
use crate::script::{ACKNOWLEDGE, Call, GROUP, OPEN, REMOVE_GROUP, SEEK};
use crate::topics::{check_name, is_missing, no_group, no_topic, start_words};
use crate::transport::Redis;
use crate::value;

type Names = Vec<Vec<u8>>;

impl Redis {
    pub(crate) async fn open_group(
        &self,
        operation: &'static str,
        topic: &Topic,
        group: &Group,
        start: &Start,
    ) -> Result<Opened> {
        let answer = self
            .link
            .script(open(operation, topic, group, start)?)
            .await;
        answer.and_then(opened).map_err(|f| f.reading(operation))
    }

    /// Makes the group of a subscription where it is missing.
    pub(crate) async fn open_groups(
        &self,
        subscription: &Subscription,
    ) -> Result<Vec<(Topic, Opened)>> {
        let group = &subscription.group;
        // All are looked at before any is made: a start that is refused leaves nothing behind.
        let calls = subscription.topics.iter();
        let calls = calls.map(|(topic, start)| open("subscribe", topic, group, start));
        let calls: Vec<Call> = calls.collect::<Result<_>>()?;
        let answers = self.link.scripts(calls).await;
        let answers = answers.map_err(|f| f.reading("subscribe"))?;
        let topics = subscription.topics.iter().map(|(topic, _)| topic);
        let read = |(topic, answer): (&Topic, Result<Value, Failure>)| {
            let opened = answer
                .and_then(opened)
                .map_err(|f| f.reading("subscribe"))?;
            Ok((topic.clone(), opened))
        };
        topics.zip(answers).map(read).collect()
    }

    pub(crate) async fn list_groups(&self, topic: &Topic) -> Result<Vec<GroupInfo>> {
        let names = self.group_names("groups", topic).await?;
        let call = |g: &Group| Call::new(&GROUP, &Keys::new(topic, g)).arg(g.as_str());
        let answers = self.link.scripts(names.iter().map(call).collect()).await;
        let mut out = Vec::with_capacity(names.len());
        for (name, answer) in names
            .into_iter()
            .zip(answers.map_err(|f| f.reading("groups"))?)
        {
            match answer.and_then(|a| described(name, a)) {
                Ok((info, _)) => out.push(info),
                // Gone since it was listed.
                Err(f) if f.code() == Some(Code::NoGroup) => {}
                Err(f) => return Err(f.reading("groups")),
            }
        }
        out.sort_by(|a, b| a.group.cmp(&b.group));
        Ok(out)
    }

    /// What the group lost, and how the last of it was noticed.
    pub(crate) async fn loss_of(&self, topic: &Topic, group: &Group) -> Result<Option<Gap>> {
        let call = Call::new(&GROUP, &Keys::new(topic, group)).arg(group.as_str());
        let answer = self.link.script(call).await;
        let (info, cause) = answer
            .and_then(|a| described(group.clone(), a))
            .map_err(|f| of_group(f, "losses", topic, group))?;
        Ok((info.lost != Count::Exactly(0)).then(|| Gap {
            topic: topic.clone(),
            group: group.clone(),
            after: None,
            until: None,
            lost: info.lost,
            cause,
        }))
    }

    pub(crate) async fn acknowledge(&self, topic: &Topic, group: &Group) -> Result<Count> {
        const WHAT: &str = "what a group lost as {kind, number}";
        let call = Call::new(&ACKNOWLEDGE, &Keys::new(topic, group)).arg(group.as_str());
        let answer = self.link.script(call).await;
        let lost = answer.and_then(|a| {
            let [kind, lost] = value::tuple(a, WHAT)?;
            Ok(count(
                &value::text(kind, WHAT)?,
                value::number(&lost, WHAT)?,
            ))
        });
        lost.map_err(|f| match f.code() {
            Some(Code::NoGroup) => no_group("acknowledge_losses", topic, group),
            _ => f.writing("acknowledge_losses"),
        })
    }

    pub(crate) async fn remove_whole_group(&self, topic: &Topic, group: &Group) -> Result<()> {
        let keys = Keys::new(topic, group);
        let call = Call::with_keys(&REMOVE_GROUP, &keys, &[names::groups(topic)]);
        let answer = self.link.script(call.arg(group.as_str())).await;
        let alive = answer.and_then(|a| value::number(&a, "how many consumers live"));
        match alive {
            Ok(0) => Ok(()),
            Ok(alive) => Err(still_consumed("remove_group", topic, group, alive)),
            Err(f) if f.code() == Some(Code::NoGroup) => {
                Err(no_group("remove_group", topic, group))
            }
            Err(f) => Err(f.writing("remove_group")),
        }
    }

    /// The groups of a topic that have names as groups of ours have, also those that are gone from the
    /// server and will be made anew by their consumers.
    pub(crate) async fn group_names(
        &self,
        operation: &'static str,
        topic: &Topic,
    ) -> Result<Vec<Group>> {
        let found = self.stored_names(topic).await;
        let (there, known) = found.map_err(|f| f.reading(operation))?;
        let names = match (there, known) {
            (None, known) if known.is_empty() => return Err(no_topic(operation, topic)),
            (there, known) => there.into_iter().flatten().chain(known),
        };
        let names = names.filter_map(|n| Group::new(String::from_utf8(n).ok()?).ok());
        let mut names: Vec<Group> = names.collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The names of the groups that the stream has, if there is one, and of those that are known.
    async fn stored_names(&self, topic: &Topic) -> Result<(Option<Names>, Names), Failure> {
        const WHAT: &str = "the groups of a stream";
        let mut asks = Pipeline::with_capacity(2);
        asks.cmd("XINFO").arg("GROUPS").arg(topic.as_str());
        asks.cmd("SMEMBERS").arg(names::groups(topic));
        let mut answers = self.link.pipeline(&asks).await?.into_iter();
        let (Some(there), Some(known)) = (answers.next(), answers.next()) else {
            return Err(Failure::Strange { what: WHAT });
        };
        let name = |group: Value| {
            let Value::Map(facts) = group else {
                return Err(Failure::Strange { what: WHAT });
            };
            let is_name = |n: &Value| matches!(n, Value::BulkString(n) if n == b"name");
            let name = facts.into_iter().find(|(n, _)| is_name(n));
            let (_, name) = name.ok_or(Failure::Strange { what: WHAT })?;
            value::bytes(name, WHAT)
        };
        let there = match there {
            Err(Failure::Refused { source, .. }) if is_missing(&source) => None,
            there => {
                let there = value::array(there?, WHAT)?.into_iter().map(name);
                Some(there.collect::<Result<_, _>>()?)
            }
        };
        let known = match known? {
            Value::Set(names) | Value::Array(names) => names,
            _ => return Err(Failure::Strange { what: WHAT }),
        };
        let known = known.into_iter().map(|name| value::bytes(name, WHAT));
        Ok((there, known.collect::<Result<_, _>>()?))
    }

    pub(crate) async fn move_group(
        &self,
        topic: &Topic,
        group: &Group,
        to: &Start,
    ) -> Result<Seeked> {
        const WHAT: &str = "positions before and after";
        let (kind, id) = start_words(to, "seek")?;
        let call = Call::new(&SEEK, &Keys::new(topic, group));
        let answer = self
            .link
            .script(call.arg(group.as_str()).arg(kind).arg(id))
            .await;
        let moved = answer.and_then(|a| {
            let [before, after] = value::tuple(a, WHAT)?;
            Ok(Seeked {
                before: value::id(&before, WHAT)?.position(),
                after: value::id(&after, WHAT)?.position(),
            })
        });
        moved.map_err(|f| match f.code() {
            Some(Code::NoGroup) => no_group("seek", topic, group),
            _ => f.writing("seek"),
        })
    }
}

fn open(operation: &'static str, topic: &Topic, group: &Group, start: &Start) -> Result<Call> {
    check_name(topic, operation)?;
    let (kind, id) = start_words(start, operation)?;
    let call = Call::with_keys(&OPEN, &Keys::new(topic, group), &[names::groups(topic)]);
    Ok(call.arg(group.as_str()).arg(kind).arg(id))
}

fn opened(answer: Value) -> Result<Opened, Failure> {
    const WHAT: &str = "a group as {existed, position}";
    let [existed, position] = value::tuple(answer, WHAT)?;
    Ok(Opened {
        existed: value::number(&existed, WHAT)? == 1,
        position: value::id(&position, WHAT)?.position(),
    })
}

fn of_group(failure: Failure, operation: &'static str, topic: &Topic, group: &Group) -> Error {
    match failure.code() {
        Some(Code::NoGroup) => no_group(operation, topic, group),
        _ => failure.reading(operation),
    }
}

/// The error for a group that is to be removed while somebody works for it.
fn still_consumed(operation: &'static str, topic: &Topic, group: &Group, alive: u64) -> Error {
    Error::new(
        ErrorKind::Invalid,
        operation,
        format!(
            "group {group} of {topic} has consumers that live ({alive}): stop them first, or they \
             would make it anew"
        ),
    )
}

/// A group as a script tells of it, and how the last of its losses was noticed.
fn described(group: Group, answer: Value) -> Result<(GroupInfo, String), Failure> {
    const WHAT: &str = "a group as it stands";
    let [
        position,
        following,
        all,
        pending,
        oldest,
        next,
        alive,
        dead_letters,
        parked_keys,
        lost_kind,
        lost,
        now,
        foreign,
        cause,
    ] = value::tuple(answer, WHAT)?;
    let now = value::number(&now, WHAT)?;
    let pending = value::number(&pending, WHAT)?;
    let oldest = value::optional_id(&oldest, WHAT)?;
    let next = value::optional_id(&next, WHAT)?;
    let exact = value::number(&all, WHAT)? == 1;
    let behind = pending + value::number(&following, WHAT)?;
    let mut consumers = Vec::new();
    for name in value::array(alive, WHAT)? {
        let name = value::text(name, WHAT)?;
        // What made it unique is of no use to people.
        consumers.push(
            name.rsplit_once('-')
                .map_or(name.as_str(), |(n, _)| n)
                .to_owned(),
        );
    }
    for name in value::array(foreign, WHAT)? {
        consumers.push(String::from_utf8_lossy(&value::bytes(name, WHAT)?).into_owned());
    }
    let cause = value::text(cause, WHAT)?;
    let info = GroupInfo {
        group,
        position: value::id(&position, WHAT)?.position(),
        lag: Lag {
            events: count(if exact { "exact" } else { "atleast" }, behind),
            age: oldest.or(next).map(|id| id.age(now)).unwrap_or_default(),
        },
        pending,
        oldest_pending: oldest.and_then(EntryId::received),
        consumers,
        dead_letters: value::number(&dead_letters, WHAT)?,
        parked_keys: value::number(&parked_keys, WHAT)?,
        lost: count(&value::text(lost_kind, WHAT)?, value::number(&lost, WHAT)?),
    };
    Ok((info, cause))
}
