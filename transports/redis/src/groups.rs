//! Groups: made, described, moved.

use redis::{Value, cmd};
use tidings_transport::{
    Group, GroupInfo, Lag, Opened, Result, Seeked, Start, Subscription, Topic,
};

use crate::entry_id::EntryId;
use crate::error::{Code, Failure};
use crate::member::count;
use crate::names::Keys;
use crate::script::{Call, GROUP, OPEN, SEEK};
use crate::topics::{check_name, is_missing, no_group, no_topic, start_words};
use crate::transport::Redis;
use crate::value;

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
                Ok(info) => out.push(info),
                // Gone since it was listed.
                Err(f) if f.code() == Some(Code::NoGroup) => {}
                Err(f) => return Err(f.reading("groups")),
            }
        }
        out.sort_by(|a, b| a.group.cmp(&b.group));
        Ok(out)
    }

    /// The groups of a topic that have names as groups of ours have.
    pub(crate) async fn group_names(
        &self,
        operation: &'static str,
        topic: &Topic,
    ) -> Result<Vec<Group>> {
        const WHAT: &str = "the groups of a stream";
        let list = self
            .link
            .command(cmd("XINFO").arg("GROUPS").arg(topic.as_str()))
            .await;
        let list = match list {
            Err(Failure::Refused { source, .. }) if is_missing(&source) => {
                return Err(no_topic(operation, topic));
            }
            other => other.and_then(|l| value::array(l, WHAT)),
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
        let names = list.and_then(|l| l.into_iter().map(name).collect::<Result<Vec<_>, _>>());
        let names = names.map_err(|f| f.reading(operation))?.into_iter();
        let names = names.filter_map(|n| Group::new(String::from_utf8(n).ok()?).ok());
        Ok(names.collect())
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
    let call = Call::new(&OPEN, &Keys::new(topic, group));
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

fn described(group: Group, answer: Value) -> Result<GroupInfo, Failure> {
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
    Ok(GroupInfo {
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
    })
}
