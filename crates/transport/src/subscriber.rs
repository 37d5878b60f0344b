//! A member of a group.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Batch, Delivery, Follower, Opened, Result, Settlement, Topic};

/// A consumer that has joined a group on its topics.
///
/// Dropping it is the same as dying: what it holds is handed to another after the lease.
/// [`close`](Self::close) gives it back at once.
#[async_trait]
pub trait Subscriber: Send + Sync + 'static {
    /// For each topic, where the group stood when this consumer joined, and whether it existed.
    fn opened(&self) -> &[(Topic, Opened)];

    /// Waits for deliveries, at most `max` (at least 1), and returns them in log order per topic.
    ///
    /// What is handed out shows among what is pending, on some logs a moment later.
    ///
    /// Waits without end while there is nothing; does not spin. Cancel safe: what a dropped call
    /// had fetched is returned by the next. At most one call at a time.
    ///
    /// (4) A delivery whose consumer died comes to another after the lease. (5) With
    /// `Ordering::Key`, records of one key come in publish order: where the log keeps keyed order
    /// (`Capability::KeyedOrder`) the next one of a key comes only after the former is settled;
    /// where it does not, one consumer of the group is active per topic and gets everything in
    /// log order, and the caller holds back successors. (8) What was lost to the group is in
    /// [`Batch::gaps`]. (9) Errors while the log is away are temporary: call again after a pause,
    /// the subscriber recovers by itself. (10) Records are not decoded: nothing unreadable stops
    /// the others.
    async fn next(&self, max: usize) -> Result<Batch>;

    /// Records durably that the handlers of these deliveries start now, and returns for each the
    /// number of this attempt, from 1. (4) Only this counts attempts; prefetching does not. It
    /// does not renew leases.
    ///
    /// `Stale` means that the delivery has passed to somebody else: do not run its handler.
    async fn start(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>>;

    /// Renews the leases of deliveries in hand, and of this consumer itself even when the slice
    /// is empty. Call it every third of the lease. (4) Checked for owner and epoch: `Stale` for
    /// those that have passed to somebody else.
    async fn heartbeat(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>>;

    /// Settles deliveries. One result each, in the order given.
    ///
    /// (4) Checked for owner and epoch: a stale settlement is refused as `Stale`, and changes
    /// nothing; so is a second settlement of the same delivery. One whose lease is over but which
    /// nobody else was handed may still settle. (6) A record leaves the pending set only after
    /// `Ack`, or after its dead letter is durably stored; a failed dead-letter write is an error,
    /// not an ack, and the delivery is still in hand.
    async fn settle(&self, settlements: &[Settlement]) -> Vec<Result<()>>;

    /// [Settles](Self::settle), and [starts](Self::start) what follows: the results of both. A follower
    /// is not started where what is before it stays in hand (its settlement failed, and is not `Stale`):
    /// then its result is a temporary error, and the next start of it has the same number.
    ///
    /// With `Capability::SettleAndStart` it is worth while, since it takes one step where the two calls
    /// take two; the default makes them one after the other.
    async fn settle_and_start(
        &self,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> (Vec<Result<()>>, Vec<Result<u32>>) {
        settle_then_start(self, settlements, followers).await
    }

    /// Leaves the group, in all its topics: gives back what is unsettled, to be delivered at once
    /// to others, with its attempts, and forgets this consumer. Calls after it, and a `next` that
    /// waits, return `Closed`.
    async fn close(&self) -> Result<()>;
}

/// [`Subscriber::settle_and_start`] as two calls, for logs that have no better way.
pub async fn settle_then_start<S: Subscriber + ?Sized>(
    subscriber: &S,
    settlements: &[Settlement],
    followers: &[Follower],
) -> (Vec<Result<()>>, Vec<Result<u32>>) {
    let settled = subscriber.settle(settlements).await;
    let free = followers.iter().filter(|f| f.is_free(&settled));
    let free: Vec<_> = free.map(|f| f.delivery.clone()).collect();
    let mut started = match free.is_empty() {
        true => Vec::new(),
        false => subscriber.start(&free).await,
    }
    .into_iter();
    let results = followers
        .iter()
        .map(|follower| match follower.is_free(&settled) {
            true => started.next().expect("a result for each delivery"),
            false => Err(follower.held_back()),
        });
    let results = results.collect();
    (settled, results)
}
