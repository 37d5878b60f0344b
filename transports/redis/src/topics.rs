//! Which topics there are, and what stands in them.

use redis::{Cmd, Value, cmd};
use tidings_transport::{
    Error, ErrorKind, Group, Position, Result, Start, Stored, Topic, TopicInfo,
};

use crate::connection::Link;
use crate::entry_id::EntryId;
use crate::error::{Code, Failure};
use crate::names::{self, Keys};
use crate::script::{Call, TOPIC};
use crate::transport::Redis;
use crate::value;
use crate::wire;

/// The most entries that are read in one go: an entry may be large.
const PAGE: usize = 500;

pub(crate) fn no_topic(operation: &'static str, topic: &Topic) -> Error {
    Error::new(
        ErrorKind::NotFound,
        operation,
        format!("there is no topic {topic}"),
    )
}

/// The id of a position that a topic has reached, whose last entry is this.
fn within(topic: &Topic, position: &Position, last: Option<EntryId>) -> Result<EntryId> {
    let id = EntryId::of(position, "read")?;
    match last.is_some_and(|last| last < id) {
        true => Err(Error::new(
            ErrorKind::NotFound,
            "read",
            format!("position {position} is beyond the end of {topic}"),
        )),
        false => Ok(id),
    }
}

impl Redis {
    pub(crate) async fn read_records(
        &self,
        topic: &Topic,
        from: &Start,
        end: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let last = match (from, end) {
            (Start::After(_), _) | (_, Some(_)) => self.last_id(topic).await?,
            _ => None,
        };
        let mut next = match from {
            Start::Latest => None,
            Start::Time(time) => Some(EntryId::at(*time)),
            Start::After(position) => Some(within(topic, position, last)?.next()),
            _ => Some(EntryId::default()),
        };
        let end = match end {
            Some(end) => within(topic, end, last)?,
            None => EntryId::MAX,
        };
        let mut out = Vec::new();
        while let Some(from) = next.filter(|_| out.len() < limit) {
            let count = PAGE.min(limit - out.len());
            let page = page(&self.link, range(topic, from, end), count).await?;
            next = page
                .last()
                .filter(|_| page.len() == count)
                .map(|(id, _)| id.next());
            out.extend(page.into_iter().map(|(_, stored)| stored));
        }
        self.or_no_topic(topic, out).await
    }

    pub(crate) async fn read_records_back(
        &self,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let before = before.map(|before| EntryId::of(before, "read"));
        let mut next = match before.transpose()? {
            None => Some(EntryId::MAX),
            Some(before) => (before != EntryId::default()).then(|| before.previous()),
        };
        let mut out = Vec::new();
        while let Some(from) = next.filter(|_| out.len() < limit) {
            let count = PAGE.min(limit - out.len());
            let page = page(&self.link, range_back(topic, from), count).await?;
            next = page
                .last()
                .filter(|_| page.len() == count)
                .map(|(id, _)| id.previous());
            out.extend(page.into_iter().map(|(_, stored)| stored));
        }
        self.or_no_topic(topic, out).await
    }

    /// To an empty range it does not matter whether there is a topic; to who asked, it does.
    async fn or_no_topic(&self, topic: &Topic, read: Vec<Stored>) -> Result<Vec<Stored>> {
        if read.is_empty() && self.last_id(topic).await?.is_none() {
            let known = self.describe(std::slice::from_ref(topic)).await;
            if known.map_err(|f| f.reading("read"))?.is_empty() {
                return Err(no_topic("read", topic));
            }
        }
        Ok(read)
    }

    /// The newest id that the topic ever had; `None` when there is no topic.
    async fn last_id(&self, topic: &Topic) -> Result<Option<EntryId>> {
        const WHAT: &str = "what is known of a stream";
        let info = self
            .link
            .command(cmd("XINFO").arg("STREAM").arg(topic.as_str()))
            .await;
        let info = match info {
            Ok(Value::Map(info)) => info,
            Err(Failure::Refused { source, .. }) if is_missing(&source) => return Ok(None),
            Err(failure) => return Err(failure.reading("read")),
            Ok(_) => return Err(Failure::Strange { what: WHAT }.reading("read")),
        };
        let is_last =
            |name: &Value| matches!(name, Value::BulkString(n) if n == b"last-generated-id");
        let last = info.iter().find(|(name, _)| is_last(name));
        let last = last.ok_or(Failure::Strange { what: WHAT });
        let last = last.and_then(|(_, id)| value::id(id, WHAT));
        last.map(Some).map_err(|f| f.reading("read"))
    }

    pub(crate) async fn list_topics(&self) -> Result<Vec<TopicInfo>> {
        let names = self.topic_names().await.map_err(|f| f.reading("topics"))?;
        let mut topics = Vec::with_capacity(names.len());
        for names in names.chunks(100) {
            let page = self.describe(names).await;
            topics.extend(page.map_err(|f| f.reading("topics"))?);
        }
        topics.sort_by(|a, b| a.topic.cmp(&b.topic));
        Ok(topics)
    }

    /// One, without a walk through all keys of the server.
    pub(crate) async fn one_topic(&self, topic: &Topic) -> Result<TopicInfo> {
        let found = self.describe(std::slice::from_ref(topic)).await;
        let found = found.map_err(|f| f.reading("topic"))?.pop();
        if found.is_none() {
            // What is hidden from this user is not what does not exist.
            let looked = self.link.script(look(topic)).await;
            looked.map_err(|f| f.reading("topic"))?;
        }
        found.ok_or_else(|| no_topic("topic", topic))
    }

    async fn topic_names(&self) -> Result<Vec<Topic>, Failure> {
        const WHAT: &str = "a page of keys";
        let mut names = Vec::new();
        let mut cursor = String::from("0");
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor)
                .arg("COUNT")
                .arg(1_000)
                .arg("TYPE")
                .arg("stream");
            let [next, page] = value::tuple(self.link.command(&scan).await?, WHAT)?;
            for name in value::array(page, WHAT)? {
                let Ok(name) = String::from_utf8(value::bytes(name, WHAT)?) else {
                    continue;
                };
                // What wakes consumers tells of a topic whose stream is gone. A stream whose name no
                // topic can have is not one of ours.
                match name.starts_with(names::PREFIX) {
                    true => names.extend(names::woken(&name)),
                    false => names.extend(Topic::new(name).ok()),
                }
            }
            cursor = value::text(next, WHAT)?;
            if cursor == "0" {
                break;
            }
        }
        // A key may come twice while the server grows its tables.
        names.sort();
        names.dedup();
        Ok(names)
    }

    async fn describe(&self, topics: &[Topic]) -> Result<Vec<TopicInfo>, Failure> {
        const WHAT: &str = "a topic as {length, first, last}";
        let calls = topics.iter().map(look);
        let answers = self.link.scripts(calls.collect()).await?;
        let mut sizes = redis::Pipeline::with_capacity(topics.len());
        for topic in topics {
            sizes.cmd("MEMORY").arg("USAGE").arg(topic.as_str());
        }
        let sizes = self.link.pipeline(&sizes).await?;
        let mut out = Vec::with_capacity(topics.len());
        for ((topic, answer), size) in topics.iter().zip(answers).zip(sizes) {
            let answer = match answer {
                // Gone since it was listed.
                Ok(Value::Nil) => continue,
                // A stream of somebody else, on a server that is shared.
                Err(failure) if failure.code() == Some(Code::Denied) => continue,
                answer => answer?,
            };
            let [length, first, last] = value::tuple(answer, WHAT)?;
            let last = value::optional_id(&last, WHAT)?;
            out.push(TopicInfo {
                topic: topic.clone(),
                length: value::number(&length, WHAT)?,
                first: value::optional_id(&first, WHAT)?.map(EntryId::position),
                last: last.map(EntryId::position),
                last_received: last.and_then(EntryId::received),
                // Not allowed to everybody.
                bytes: size.ok().and_then(|s| value::number(&s, "a size").ok()),
            });
        }
        Ok(out)
    }
}

/// Whether the server says that there is no such key.
pub(crate) fn is_missing(source: &redis::RedisError) -> bool {
    source.detail().is_some_and(|d| d.contains("no such key"))
}

/// A look at a topic.
pub(crate) fn look(topic: &Topic) -> Call {
    Call::with_keys(&TOPIC, &Keys::without_group(topic), &[names::groups(topic)])
}

/// Entries from an id on, up to another one.
fn range(topic: &Topic, from: EntryId, end: EntryId) -> Cmd {
    let mut range = cmd("XRANGE");
    range.arg(topic.as_str());
    range.arg(from.to_string()).arg(end.to_string());
    range
}

/// Entries from an id backwards.
fn range_back(topic: &Topic, from: EntryId) -> Cmd {
    let mut range = cmd("XREVRANGE");
    range.arg(topic.as_str()).arg(from.to_string()).arg("-");
    range
}

/// The first so many entries of a range.
async fn page(link: &Link, mut range: Cmd, count: usize) -> Result<Vec<(EntryId, Stored)>> {
    const WHAT: &str = "a range of entries";
    range.arg("COUNT").arg(count);
    let read = |entry| {
        let [id, fields] = value::tuple(entry, WHAT)?;
        let id = value::id(&id, WHAT)?;
        let (key, body) = wire::read(fields)?;
        let stored = Stored {
            position: id.position(),
            received: id.received(),
            key,
            body,
        };
        Ok((id, stored))
    };
    let entries = link.command(&range).await;
    let entries = entries.and_then(|entries| value::array(entries, WHAT));
    let page = entries.and_then(|entries| entries.into_iter().map(read).collect());
    page.map_err(|failure: Failure| failure.reading("read"))
}

/// The words of a start for scripts: its kind, and an id or nothing.
pub(crate) fn start_words(
    start: &Start,
    operation: &'static str,
) -> Result<(&'static str, String)> {
    Ok(match start {
        Start::Latest => ("latest", String::new()),
        Start::Earliest => ("earliest", String::new()),
        Start::Time(time) => ("time", EntryId::at(*time).previous().to_string()),
        Start::After(position) => ("after", EntryId::of(position, operation)?.to_string()),
        _ => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                operation,
                "this log does not know this kind of start",
            ));
        }
    })
}

/// Refuses names under which other things are kept.
pub(crate) fn check_name(topic: &Topic, operation: &'static str) -> Result<()> {
    if topic.as_str().starts_with(names::PREFIX) {
        return Err(Error::new(
            ErrorKind::Invalid,
            operation,
            format!(
                "topic {topic}: names that begin with {:?} are kept for what belongs to topics",
                names::PREFIX
            ),
        ));
    }
    Ok(())
}

/// The error of a script that found no group.
pub(crate) fn no_group(operation: &'static str, topic: &Topic, group: &Group) -> Error {
    Error::new(
        ErrorKind::NotFound,
        operation,
        format!("topic {topic} has no group {group}; `tidings groups create` makes one"),
    )
}
