//! The file as a transport.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tidings_transport::{
    Capabilities, Capability, Count, DeadLetter, Finding, Gap, Group, GroupInfo, Key, Opened,
    ParkedKey, Position, Record, Redelivery, Result, Retention, SchemaStore, Seeked, Start, Stored,
    Subscriber, Subscription, Topic, TopicInfo, Transport, Trimmed,
};

use crate::config::SqliteConfig;
use crate::error::{Failure, Fault};
use crate::job::{Order, Work};
use crate::reader::Reader;
use crate::wake::Wake;
use crate::writer::Writer;
use crate::{
    describe, diagnose, gap, group, parking, publisher, redelivery, schema, subscriber, trim,
};

/// A log in one SQLite file, shared by any number of processes of one machine.
///
/// Clones share the connections and threads of one handle; these end with the last clone and the
/// last of its subscribers. Work on the file happens on threads of its own, never on those of the
/// async runtime.
#[derive(Clone)]
pub struct Sqlite {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub config: SqliteConfig,
    pub writer: Writer,
    /// For short looks, which waiting consumers depend on.
    pub looker: Reader,
    /// For what may take long.
    pub reader: Reader,
    pub wake: Arc<Wake>,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sqlite").field(&self.inner.config).finish()
    }
}

impl Sqlite {
    /// Opens the file, and makes it if it does not exist or is empty.
    ///
    /// Blocks for some milliseconds, longer if another process is just making the file. Call it
    /// before a fork, if at all, only in a process that does not use the handle: threads do not
    /// survive a fork.
    ///
    /// # Errors
    /// `Corrupt` for a file of another application, or that is no SQLite database, `Unsupported`
    /// for one of a newer format: they are left as they were. `Denied` where the file or its folder is read-only,
    /// `Invalid` where the folder does not exist, `Full` where there is no room, `Unsupported` for
    /// a SQLite or a file system that is not safe.
    pub fn open(config: SqliteConfig) -> Result<Self> {
        let path = config.path.clone();
        let open = || {
            schema::look_first(&path, config.busy_timeout)?;
            let file = schema::open_beside(&path, "-wake")?;
            let wake = Arc::new(Wake::new(&schema::beside(&path, "-wake"), file));
            let writer = Writer::start(config.clone(), Arc::clone(&wake))?;
            Ok::<_, Fault>(Inner {
                looker: Reader::new(&path, config.busy_timeout),
                reader: Reader::new(&path, config.busy_timeout),
                config,
                writer,
                wake,
            })
        };
        let inner = open().map_err(|fault| Failure::new("open", &path, fault))?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }
}

fn small(operation: &'static str) -> Order {
    Order {
        operation,
        synced: true,
        rows: 10,
    }
}

impl Sqlite {
    /// Does something to each of these in one transaction. What is refused touches nothing.
    async fn each_letter<T: Clone + Send + 'static>(
        &self,
        operation: &'static str,
        topic: &Topic,
        group: &Group,
        items: &[T],
        each: fn(&mut Work<'_>, i64, &T) -> Result<(), Fault>,
    ) -> Vec<Result<()>> {
        let (topic, group, all) = (topic.clone(), group.clone(), items.to_vec());
        let order = Order {
            rows: items.len(),
            ..small(operation)
        };
        let done = self.inner.writer.run(order, move |work| {
            let id = group::need_group(work.db, &topic, &group)?;
            group::touch(work, id)?;
            let each = all.iter().map(|item| match each(work, id, item) {
                Err(fault @ Fault::Refused { .. }) => Ok(Err(fault)),
                other => Ok(Ok(other?)),
            });
            each.collect::<Result<Vec<Result<(), Fault>>, Fault>>()
        });
        let failed = |fault| Failure::new(operation, &self.inner.config.path, fault).into();
        match done.await {
            Ok(results) => results.into_iter().map(|r| r.map_err(failed)).collect(),
            Err(failure) => items.iter().map(|_| Err(failure.clone().into())).collect(),
        }
    }
}

#[async_trait]
impl Transport for Sqlite {
    fn capabilities(&self) -> Capabilities {
        Capabilities::of(&[
            Capability::Replay,
            Capability::Competing,
            Capability::KeyedOrder,
            Capability::Delay,
            Capability::Durable,
            Capability::GroupUpkeep,
        ])
    }

    async fn publish(&self, records: &[Record]) -> Vec<Result<Position>> {
        publisher::publish(&self.inner, records).await
    }

    async fn create_group(&self, topic: &Topic, group: &Group, start: &Start) -> Result<Opened> {
        let (topic, group, start) = (topic.clone(), group.clone(), start.clone());
        let opened = self.inner.writer.run(small("create_group"), move |work| {
            Ok(group::open(work, &topic, &group, &start)?.1)
        });
        Ok(opened.await?)
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Arc<dyn Subscriber>> {
        subscriber::subscribe(&self.inner, subscription).await
    }

    async fn read(&self, topic: &Topic, from: &Start, limit: usize) -> Result<Vec<Stored>> {
        let (topic, from) = (topic.clone(), from.clone());
        let found = self.inner.reader.ask("read", move |db| {
            describe::read(db, &topic, &from, None, limit)
        });
        Ok(found.await?)
    }

    async fn read_until(
        &self,
        topic: &Topic,
        from: &Start,
        end: &Position,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let (topic, from, end) = (topic.clone(), from.clone(), end.clone());
        let found = self.inner.reader.ask("read", move |db| {
            describe::read(db, &topic, &from, Some(end), limit)
        });
        Ok(found.await?)
    }

    async fn read_back(
        &self,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let (topic, before) = (topic.clone(), before.cloned());
        let found = self.inner.reader.ask("read", move |db| {
            describe::read_back(db, &topic, before.as_ref(), limit)
        });
        Ok(found.await?)
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>> {
        Ok(self.inner.reader.ask("topics", describe::topics).await?)
    }

    async fn groups(&self, topic: &Topic) -> Result<Vec<GroupInfo>> {
        let topic = topic.clone();
        let found = self
            .inner
            .reader
            .ask("groups", move |db| describe::groups(db, &topic));
        Ok(found.await?)
    }

    async fn losses(&self, topic: &Topic, group: &Group) -> Result<Option<Gap>> {
        let (topic, group) = (topic.clone(), group.clone());
        let found = self
            .inner
            .reader
            .ask("losses", move |db| gap::sum(db, &topic, &group));
        Ok(found.await?)
    }

    async fn acknowledge_losses(&self, topic: &Topic, group: &Group) -> Result<Count> {
        let (topic, group) = (topic.clone(), group.clone());
        let order = small("acknowledge_losses");
        let noted = self
            .inner
            .writer
            .run(order, move |work| gap::acknowledge(work, &topic, &group));
        Ok(noted.await?)
    }

    async fn remove_group(&self, topic: &Topic, group: &Group) -> Result<()> {
        let (topic, group) = (topic.clone(), group.clone());
        let order = small("remove_group");
        let removed = self
            .inner
            .writer
            .run(order, move |work| group::remove(work, &topic, &group));
        Ok(removed.await?)
    }

    async fn seek(&self, topic: &Topic, group: &Group, to: &Start) -> Result<Seeked> {
        let (topic, group, to) = (topic.clone(), group.clone(), to.clone());
        let seeked = self.inner.writer.run(small("seek"), move |work| {
            group::seek(work, &topic, &group, &to)
        });
        Ok(seeked.await?)
    }

    async fn trim(&self, topic: &Topic, retention: &Retention) -> Result<Trimmed> {
        trim::trim(&self.inner, topic, retention).await
    }

    async fn dead_letters(
        &self,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        let (topic, group, after) = (topic.clone(), group.clone(), after.cloned());
        let found = self.inner.reader.ask("dead_letters", move |db| {
            describe::dead_letters(db, &topic, &group, after.as_ref(), limit)
        });
        Ok(found.await?)
    }

    async fn parked(&self, topic: &Topic, group: &Group) -> Result<Vec<ParkedKey>> {
        let (topic, group) = (topic.clone(), group.clone());
        let found = self
            .inner
            .reader
            .ask("parked", move |db| describe::parked(db, &topic, &group));
        Ok(found.await?)
    }

    async fn release(&self, topic: &Topic, group: &Group, key: &Key) -> Result<u64> {
        let (topic, group, key) = (topic.clone(), group.clone(), key.clone());
        let waiting = self.inner.writer.run(small("release"), move |work| {
            let id = group::need_group(work.db, &topic, &group)?;
            group::touch(work, id)?;
            parking::release(work, id, &key)
        });
        Ok(waiting.await?)
    }

    async fn redeliver(
        &self,
        topic: &Topic,
        group: &Group,
        records: &[Redelivery],
    ) -> Vec<Result<()>> {
        self.each_letter("redeliver", topic, group, records, redelivery::redeliver)
            .await
    }

    async fn discard(&self, topic: &Topic, group: &Group, ids: &[Position]) -> Vec<Result<()>> {
        self.each_letter("discard", topic, group, ids, redelivery::discard)
            .await
    }

    fn schema_store(&self) -> Option<&dyn SchemaStore> {
        Some(self)
    }

    async fn ping(&self) -> Result<String> {
        let path = self.inner.config.path.display().to_string();
        let answer = self.inner.looker.ask("ping", move |db| {
            db.query_row("SELECT count(*) FROM topics", [], |_| Ok(()))?;
            Ok(format!("SQLite {}, {path}", rusqlite::version()))
        });
        Ok(answer.await?)
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        diagnose::diagnose(&self.inner).await
    }
}
