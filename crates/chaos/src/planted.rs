//! Bugs on purpose: a harness that cannot find them proves nothing.

use std::sync::Arc;

use async_trait::async_trait;
use clap::ValueEnum;
use tidings_outbox::Sabotage;
use tidings_transport::{
    Batch, Delivery, ErrorKind, Follower, Opened, Outcome, Result, Settlement, Subscriber, Topic,
    settle_then_start,
};

/// A bug that others have shipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bug {
    /// Consumers acknowledge before their handler has run
    AckBeforeHandler,
    /// The relay deletes rows before the log has them
    DeleteBeforePublish,
    /// The relay remembers the highest number that it saw, and never looks back
    OutboxCursor,
    /// The inbox is written before the effect is committed
    DedupBeforeCommit,
    /// A dead letter that could not be stored is acknowledged all the same
    IgnoredDeadLetter,
    /// A settlement that is refused because the delivery is somebody else's counts as done
    AckWithoutOwner,
}

impl Bug {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::AckBeforeHandler => "ack-before-handler",
            Self::DeleteBeforePublish => "delete-before-publish",
            Self::OutboxCursor => "outbox-cursor",
            Self::DedupBeforeCommit => "dedup-before-commit",
            Self::IgnoredDeadLetter => "ignored-dead-letter",
            Self::AckWithoutOwner => "ack-without-owner",
        }
    }

    /// Whether a process that has come to the moment in which it harms waits there to be killed.
    pub fn waits_to_be_killed(self) -> bool {
        matches!(
            self,
            Self::AckBeforeHandler | Self::DedupBeforeCommit | Self::DeleteBeforePublish
        )
    }

    /// The bug as the outbox plants it.
    pub fn in_relay(self) -> Option<Sabotage> {
        match self {
            Self::DeleteBeforePublish => Some(Sabotage::DeleteBeforePublish),
            Self::OutboxCursor => Some(Sabotage::Cursor),
            _ => None,
        }
    }
}

/// A subscriber with a bug, or without.
pub struct Planted {
    pub inner: Arc<dyn Subscriber>,
    pub bug: Option<Bug>,
}

#[async_trait]
impl Subscriber for Planted {
    fn opened(&self) -> &[(Topic, Opened)] {
        self.inner.opened()
    }

    async fn next(&self, max: usize) -> Result<Batch> {
        self.inner.next(max).await
    }

    async fn start(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        let started = self.inner.start(deliveries).await;
        if self.bug == Some(Bug::AckBeforeHandler) {
            let ours = deliveries.iter().zip(&started);
            let early: Vec<Settlement> = ours
                .filter(|(_, started)| started.is_ok())
                .map(|(delivery, _)| ack(delivery))
                .collect();
            self.inner.settle(&early).await;
        }
        started
    }

    async fn heartbeat(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>> {
        let mut renewed = self.inner.heartbeat(deliveries).await;
        if matches!(self.bug, Some(Bug::AckBeforeHandler | Bug::AckWithoutOwner)) {
            renewed.iter_mut().for_each(forgive);
        }
        renewed
    }

    async fn settle_and_start(
        &self,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> (Vec<Result<()>>, Vec<Result<u32>>) {
        match self.bug {
            None => self.inner.settle_and_start(settlements, followers).await,
            Some(_) => settle_then_start(self, settlements, followers).await,
        }
    }

    async fn settle(&self, settlements: &[Settlement]) -> Vec<Result<()>> {
        let mut settled = self.inner.settle(settlements).await;
        match self.bug {
            Some(Bug::AckBeforeHandler | Bug::AckWithoutOwner) => {
                settled.iter_mut().for_each(forgive);
            }
            Some(Bug::IgnoredDeadLetter) => {
                for (settlement, result) in settlements.iter().zip(&mut settled) {
                    let buried = matches!(settlement.outcome, Outcome::DeadLetter { .. });
                    if buried && result.is_err() {
                        *result = Ok(());
                        tokio::spawn(ack_in_the_end(
                            self.inner.clone(),
                            ack(&settlement.delivery),
                        ));
                    }
                }
            }
            _ => {}
        }
        settled
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

fn ack(delivery: &Arc<Delivery>) -> Settlement {
    Settlement {
        delivery: delivery.clone(),
        outcome: Outcome::Ack,
    }
}

fn forgive(result: &mut Result<()>) {
    if result.as_ref().is_err_and(|e| e.kind() == ErrorKind::Stale) {
        *result = Ok(());
    }
}

async fn ack_in_the_end(inner: Arc<dyn Subscriber>, ack: Settlement) {
    while inner
        .settle(std::slice::from_ref(&ack))
        .await
        .iter()
        .any(|result| result.as_ref().is_err_and(|e| e.is_temporary()))
    {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
