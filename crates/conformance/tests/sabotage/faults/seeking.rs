//! Seeking and reading, broken.

use std::sync::Mutex;

use async_trait::async_trait;
use tidings_transport::{
    ErrorKind, Group, GroupInfo, Position, Result, Seeked, Start, Stored, Topic,
};

use crate::wrapper::{Fault, Handle};

/// Seeking says so and does nothing.
#[derive(Default)]
pub struct SeekingDoesNothing;

#[async_trait]
impl Fault for SeekingDoesNothing {
    async fn seek(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        to: &Start,
    ) -> Result<Seeked> {
        if let Start::After(position) = to
            && position.as_str().parse::<u64>().is_err()
        {
            return handle.log.seek(topic, group, to).await;
        }
        let groups = handle.log.groups(topic).await?;
        let Some(info) = groups.into_iter().find(|info| info.group == *group) else {
            return handle.log.seek(topic, group, to).await;
        };
        Ok(Seeked {
            before: info.position.clone(),
            after: info.position,
        })
    }
}

/// What is no position is taken for the end.
#[derive(Default)]
pub struct SeekingNowhereIsTheEnd;

#[async_trait]
impl Fault for SeekingNowhereIsTheEnd {
    async fn seek(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        to: &Start,
    ) -> Result<Seeked> {
        match handle.log.seek(topic, group, to).await {
            Err(e) if e.kind() == ErrorKind::Invalid => {
                handle.log.seek(topic, group, &Start::Latest).await
            }
            other => other,
        }
    }
}

/// A group that was moved has no dead letters any more.
#[derive(Default)]
pub struct SeekingClearsDeadLetters {
    moved: Mutex<bool>,
}

#[async_trait]
impl Fault for SeekingClearsDeadLetters {
    async fn seek(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        to: &Start,
    ) -> Result<Seeked> {
        *self.moved.lock().expect("no panic") = true;
        handle.log.seek(topic, group, to).await
    }

    async fn groups(&self, handle: &Handle, topic: &Topic) -> Result<Vec<GroupInfo>> {
        let mut groups = handle.log.groups(topic).await?;
        if *self.moved.lock().expect("no panic") {
            for info in &mut groups {
                (info.dead_letters, info.parked_keys) = (0, 0);
            }
        }
        Ok(groups)
    }
}

/// Reading begins at the beginning.
#[derive(Default)]
pub struct ReadingStartsOver;

#[async_trait]
impl Fault for ReadingStartsOver {
    async fn read(
        &self,
        handle: &Handle,
        topic: &Topic,
        _from: &Start,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        handle.log.read(topic, &Start::Earliest, limit).await
    }
}

/// An end before the beginning is none.
#[derive(Default)]
pub struct AnEndBeforeTheBeginningIsNone;

#[async_trait]
impl Fault for AnEndBeforeTheBeginningIsNone {
    async fn read_until(
        &self,
        handle: &Handle,
        topic: &Topic,
        from: &Start,
        end: &Position,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let behind = Start::After(end.clone());
        match from {
            // Something stands behind the end, up to the beginning.
            Start::After(begin)
                if handle.log.read_until(topic, &behind, begin, 1).await?.len() == 1 =>
            {
                handle.log.read(topic, from, limit).await
            }
            _ => handle.log.read_until(topic, from, end, limit).await,
        }
    }
}

/// An end is so many records behind the beginning, whether or not they are still there.
#[derive(Default)]
pub struct AnEndIsANumberOfRecords;

#[async_trait]
impl Fault for AnEndIsANumberOfRecords {
    async fn read_until(
        &self,
        handle: &Handle,
        topic: &Topic,
        from: &Start,
        end: &Position,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let number = |position: &Position| position.as_str().parse::<usize>().ok();
        if let Start::After(begin) = from
            && let (Some(begin), Some(end)) = (number(begin), number(end))
        {
            let limit = limit.min(end.saturating_sub(begin));
            return handle.log.read(topic, from, limit).await;
        }
        handle.log.read_until(topic, from, end, limit).await
    }
}

/// Reading back tells the oldest first.
#[derive(Default)]
pub struct ReadingBackIsReading;

#[async_trait]
impl Fault for ReadingBackIsReading {
    async fn read_back(
        &self,
        handle: &Handle,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let mut stored = handle.log.read_back(topic, before, limit).await?;
        stored.reverse();
        Ok(stored)
    }
}

/// Reading back forgets where it was.
#[derive(Default)]
pub struct ReadingBackStartsOver;

#[async_trait]
impl Fault for ReadingBackStartsOver {
    async fn read_back(
        &self,
        handle: &Handle,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        // What is no position is still refused.
        handle.log.read_back(topic, before, limit).await?;
        handle.log.read_back(topic, None, limit).await
    }
}

/// Reading goes by a group.
#[derive(Default)]
pub struct ReadingMakesAGroup;

#[async_trait]
impl Fault for ReadingMakesAGroup {
    async fn read(
        &self,
        handle: &Handle,
        topic: &Topic,
        from: &Start,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let stored = handle.log.read(topic, from, limit).await?;
        let group = Group::new("reader")?;
        handle.log.create_group(topic, &group, from).await?;
        Ok(stored)
    }
}
