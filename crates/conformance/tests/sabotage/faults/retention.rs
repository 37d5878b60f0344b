//! Guarantees 8 and 9, broken.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as Atomic};

use async_trait::async_trait;
use tidings_transport::{
    Batch, Count, Error, ErrorKind, Gap, Group, GroupInfo, Position, Record, Result, Retention,
    Start, Topic, Transport, Trimmed,
};

use crate::simulated::Simulated;
use crate::wrapper::{Fault, Handle, Seat};

/// Asks until something is left after `change`.
async fn next_changed(seat: &Seat, max: usize, change: impl Fn(&mut Batch)) -> Result<Batch> {
    loop {
        let mut batch = seat.consumer.next(max).await?;
        change(&mut batch);
        if !(batch.deliveries.is_empty() && batch.gaps.is_empty()) {
            return Ok(batch);
        }
    }
}

fn is_counted(gap: &Gap) -> bool {
    gap.lost != Count::Unknown
}

/// Trims whatever the groups need.
#[derive(Default)]
pub struct TrimsWhatIsNeeded;

#[async_trait]
impl Fault for TrimsWhatIsNeeded {
    async fn trim(&self, handle: &Handle, topic: &Topic, keep: &Retention) -> Result<Trimmed> {
        let mut ruthless = keep.clone();
        ruthless.hard_max_len = keep.hard_max_len.or(keep.max_len);
        handle.log.trim(topic, &ruthless).await
    }
}

/// Trims on a dry run too.
#[derive(Default)]
pub struct DryRunsTrim;

#[async_trait]
impl Fault for DryRunsTrim {
    async fn trim(&self, handle: &Handle, topic: &Topic, keep: &Retention) -> Result<Trimmed> {
        let mut wet = keep.clone();
        wet.dry_run = false;
        handle.log.trim(topic, &wet).await
    }
}

/// Removes as many as were too many when it looked, of what is there by then.
#[derive(Default)]
pub struct TrimsByAnOldCount;

#[async_trait]
impl Fault for TrimsByAnOldCount {
    async fn trim(&self, handle: &Handle, topic: &Topic, keep: &Retention) -> Result<Trimmed> {
        let mut look = keep.clone();
        look.dry_run = true;
        let planned = handle.log.trim(topic, &look).await?;
        tokio::task::yield_now().await;
        if keep.dry_run || planned.removed == 0 {
            return Ok(planned);
        }
        let length = handle.log.topic(topic).await?.length;
        let mut rest = keep.clone();
        rest.hard_max_len = Some(length.saturating_sub(planned.removed));
        rest.max_len = rest.hard_max_len;
        rest.max_age = None;
        let trimmed = handle.log.trim(topic, &rest).await?;
        Ok(Trimmed {
            removed: trimmed.removed,
            ..planned
        })
    }
}

/// Every group is spared, for ever.
#[derive(Default)]
pub struct TheIdleAreSpared;

#[async_trait]
impl Fault for TheIdleAreSpared {
    async fn trim(&self, handle: &Handle, topic: &Topic, keep: &Retention) -> Result<Trimmed> {
        let mut patient = keep.clone();
        patient.group_ttl = std::time::Duration::MAX;
        handle.log.trim(topic, &patient).await
    }
}

/// Losses are not told.
#[derive(Default)]
pub struct GapsAreSwallowed;

#[async_trait]
impl Fault for GapsAreSwallowed {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        next_changed(seat, max, |batch| batch.gaps.retain(|gap| !is_counted(gap))).await
    }
}

/// Losses are told as one less.
#[derive(Default)]
pub struct GapsAreMiscounted;

#[async_trait]
impl Fault for GapsAreMiscounted {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        next_changed(seat, max, |batch| {
            for gap in &mut batch.gaps {
                if let Count::Exactly(lost) = &mut gap.lost {
                    *lost -= 1;
                }
            }
        })
        .await
    }
}

/// Each consumer is told, not each group.
#[derive(Default)]
pub struct GapsAreToldTwice {
    told: AtomicBool,
}

#[async_trait]
impl Fault for GapsAreToldTwice {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        let mut batch = seat.consumer.next(max).await?;
        let counted: Vec<_> = batch
            .gaps
            .iter()
            .filter(|g| is_counted(g))
            .cloned()
            .collect();
        if !counted.is_empty() && !self.told.swap(true, Atomic::Relaxed) {
            batch.gaps.extend(counted);
        }
        Ok(batch)
    }
}

/// A pending record whose body is gone stops all behind it: what event-bus-redis does.
#[derive(Default)]
pub struct PendingWithoutABodyBlocks {
    blocked: AtomicBool,
}

#[async_trait]
impl Fault for PendingWithoutABodyBlocks {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        if self.blocked.load(Atomic::Relaxed) {
            return Ok(std::future::pending().await);
        }
        let batch = seat.consumer.next(max).await?;
        let in_hand = |gap: &Gap| gap.cause.contains("in a consumer's hands");
        if batch.gaps.iter().any(in_hand) {
            self.blocked.store(true, Atomic::Relaxed);
            return Ok(std::future::pending().await);
        }
        Ok(batch)
    }
}

/// An outage is for ever.
#[derive(Default)]
pub struct OutagesArePermanent;

#[async_trait]
impl Fault for OutagesArePermanent {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        let for_ever = |e: Error| Error::new(ErrorKind::Failed, "next", e.to_string());
        let unavailable = |e: Error| match e.kind() {
            ErrorKind::Unavailable => for_ever(e),
            _ => e,
        };
        seat.consumer.next(max).await.map_err(unavailable)
    }
}

/// A consumer that met an outage never comes back.
#[derive(Default)]
pub struct ConsumersDoNotRecover {
    lost: AtomicBool,
}

#[async_trait]
impl Fault for ConsumersDoNotRecover {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        if self.lost.load(Atomic::Relaxed) {
            let why = "the connection is lost";
            return Err(Error::new(ErrorKind::Unavailable, "next", why));
        }
        let batch = seat.consumer.next(max).await;
        if matches!(&batch, Err(e) if e.kind() == ErrorKind::Unavailable) {
            self.lost.store(true, Atomic::Relaxed);
        }
        batch
    }
}

/// A missing group is made anew at the end: what came meanwhile is skipped in silence.
#[derive(Default)]
pub struct MissingGroupsStartAtTheEnd;

#[async_trait]
impl Fault for MissingGroupsStartAtTheEnd {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        let batch = seat.consumer.next(max).await?;
        if batch.gaps.iter().any(|gap| !is_counted(gap)) {
            for (topic, _) in &seat.subscription.topics {
                let (log, group) = (&seat.handle.log, &seat.subscription.group);
                log.seek(topic, group, &Start::Latest).await?;
            }
        }
        Ok(batch)
    }
}

/// A log restarted empty is nothing to talk about.
#[derive(Default)]
pub struct WipesAreSilent;

#[async_trait]
impl Fault for WipesAreSilent {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        next_changed(seat, max, |batch| batch.gaps.retain(is_counted)).await
    }
}

/// A group that others destroyed begins at the end.
#[derive(Default)]
pub struct LostGroupsStartAtTheEnd;

#[async_trait]
impl Fault for LostGroupsStartAtTheEnd {
    async fn group_lost(&self, log: &Simulated, topic: &Topic, group: &Group) {
        let moved = log.memory().seek(topic, group, &Start::Latest).await;
        moved.expect("the group was there");
    }
}

/// Waits for a silent log for ever.
#[derive(Default)]
pub struct SilenceIsWaitedOut;

#[async_trait]
impl Fault for SilenceIsWaitedOut {
    async fn publish(&self, handle: &Handle, records: &[Record]) -> Vec<Result<Position>> {
        let asked = tokio::time::Instant::now();
        let results = handle.log.publish(records).await;
        if asked.elapsed() >= std::time::Duration::from_secs(5) {
            return std::future::pending().await;
        }
        results
    }
}

/// A broken connection takes what was on it.
#[derive(Default)]
pub struct BrokenConnectionsLose;

#[async_trait]
impl Fault for BrokenConnectionsLose {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        let batch = seat.consumer.next(max).await;
        if matches!(&batch, Err(e) if e.kind() == ErrorKind::UnknownOutcome) {
            for (topic, _) in &seat.subscription.topics {
                let (log, group) = (&seat.handle.log, &seat.subscription.group);
                log.seek(topic, group, &Start::Latest).await?;
            }
        }
        batch
    }
}

/// Lag is the distance of positions, trimmed records and all: what Redis does (redis #13957).
#[derive(Default)]
pub struct LagCountsTheTrimmed {
    trimmed: AtomicU64,
}

#[async_trait]
impl Fault for LagCountsTheTrimmed {
    async fn trim(&self, handle: &Handle, topic: &Topic, keep: &Retention) -> Result<Trimmed> {
        let trimmed = handle.log.trim(topic, keep).await?;
        if !keep.dry_run {
            self.trimmed.fetch_add(trimmed.removed, Atomic::Relaxed);
        }
        Ok(trimmed)
    }

    async fn groups(&self, handle: &Handle, topic: &Topic) -> Result<Vec<GroupInfo>> {
        let mut groups = handle.log.groups(topic).await?;
        for info in &mut groups {
            if let Count::Exactly(lag) = &mut info.lag.events {
                *lag += self.trimmed.load(Atomic::Relaxed);
            }
        }
        Ok(groups)
    }
}

/// What is lost shows only once somebody consumes again.
#[derive(Default)]
pub struct LossesShowLate;

#[async_trait]
impl Fault for LossesShowLate {
    async fn groups(&self, handle: &Handle, topic: &Topic) -> Result<Vec<GroupInfo>> {
        let mut groups = handle.log.groups(topic).await?;
        for info in groups.iter_mut().filter(|info| info.consumers.is_empty()) {
            info.lost = Count::Exactly(0);
        }
        Ok(groups)
    }
}

/// Acknowledging changes nothing.
#[derive(Default)]
pub struct AcknowledgesNothing;

#[async_trait]
impl Fault for AcknowledgesNothing {
    async fn acknowledge_losses(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
    ) -> Result<Count> {
        let lost = handle.log.losses(topic, group).await?;
        Ok(lost.map_or(Count::Exactly(0), |gap| gap.lost))
    }
}

/// A group that is removed stays.
#[derive(Default)]
pub struct RemovedGroupsStay;

#[async_trait]
impl Fault for RemovedGroupsStay {
    async fn remove_group(&self, handle: &Handle, topic: &Topic, group: &Group) -> Result<()> {
        let groups = handle.log.groups(topic).await?;
        let found = groups.into_iter().find(|info| info.group == *group);
        match found {
            Some(info) if info.consumers.is_empty() => Ok(()),
            _ => handle.log.remove_group(topic, group).await,
        }
    }
}

/// A group is removed from under its consumers.
#[derive(Default)]
pub struct RemovesWhatIsConsumed;

#[async_trait]
impl Fault for RemovesWhatIsConsumed {
    async fn remove_group(&self, handle: &Handle, topic: &Topic, group: &Group) -> Result<()> {
        match handle.log.remove_group(topic, group).await {
            Err(error) if error.kind() == ErrorKind::Invalid => {
                let moved = handle.log.seek(topic, group, &Start::Latest).await;
                moved.map(drop)
            }
            other => other,
        }
    }
}
