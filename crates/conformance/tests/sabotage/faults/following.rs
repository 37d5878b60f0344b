//! What follows a settlement, broken.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_transport::{Delivery, Error, ErrorKind, Follower, Result, Settlement};

use crate::wrapper::{Fault, Seat};

type Results = (Vec<Result<()>>, Vec<Result<u32>>);

fn deliveries(followers: &[Follower]) -> Vec<Arc<Delivery>> {
    followers.iter().map(|f| f.delivery.clone()).collect()
}

/// The numbers of the attempts come in another order.
#[derive(Default)]
pub struct FollowersAreTurnedRound;

#[async_trait]
impl Fault for FollowersAreTurnedRound {
    async fn settle_and_start(
        &self,
        seat: &Seat,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> Option<Results> {
        let (settled, mut started) = seat.consumer.settle_and_start(settlements, followers).await;
        started.reverse();
        Some((settled, started))
    }
}

/// A start is noted where only this process sees it.
#[derive(Default)]
pub struct FollowersAreOnlyPromised;

#[async_trait]
impl Fault for FollowersAreOnlyPromised {
    async fn settle_and_start(
        &self,
        seat: &Seat,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> Option<Results> {
        let settled = seat.consumer.settle(settlements).await;
        let beats = seat.consumer.heartbeat(&deliveries(followers)).await;
        let started =
            followers
                .iter()
                .zip(beats)
                .map(|(follower, beat)| match follower.is_free(&settled) {
                    true => beat.map(|()| follower.delivery.attempts + 1),
                    false => Err(follower.held_back()),
                });
        let started = started.collect();
        Some((settled, started))
    }
}

/// Behind what is in other hands nothing starts.
#[derive(Default)]
pub struct StaleSettlementsHoldBack;

#[async_trait]
impl Fault for StaleSettlementsHoldBack {
    async fn settle_and_start(
        &self,
        seat: &Seat,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> Option<Results> {
        let (settled, mut started) = seat.consumer.settle_and_start(settlements, followers).await;
        for (follower, result) in followers.iter().zip(&mut started) {
            if settled[follower.behind].is_err() {
                *result = Err(follower.held_back());
            }
        }
        Some((settled, started))
    }
}

/// Whoever was handed it once may start it.
#[derive(Default)]
pub struct StaleFollowersStart;

#[async_trait]
impl Fault for StaleFollowersStart {
    async fn settle_and_start(
        &self,
        seat: &Seat,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> Option<Results> {
        let (settled, mut started) = seat.consumer.settle_and_start(settlements, followers).await;
        for (follower, result) in followers.iter().zip(&mut started) {
            if matches!(result, Err(e) if e.kind() == ErrorKind::Stale) {
                *result = Ok(follower.delivery.attempts + 1);
            }
        }
        Some((settled, started))
    }
}

/// Starts do not look whether the settlement held.
#[derive(Default)]
pub struct FailedSettlementsAreFollowed;

#[async_trait]
impl Fault for FailedSettlementsAreFollowed {
    async fn settle_and_start(
        &self,
        seat: &Seat,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> Option<Results> {
        let settled = seat.consumer.settle(settlements).await;
        Some((settled, seat.consumer.start(&deliveries(followers)).await))
    }
}

/// What was held back has been counted.
#[derive(Default)]
pub struct HoldingBackCounts;

#[async_trait]
impl Fault for HoldingBackCounts {
    async fn settle_and_start(
        &self,
        seat: &Seat,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> Option<Results> {
        let settled = seat.consumer.settle(settlements).await;
        let started = seat.consumer.start(&deliveries(followers)).await;
        let started = started
            .into_iter()
            .zip(followers)
            .map(|(result, follower)| match follower.is_free(&settled) {
                true => result,
                false => Err(Error::new(ErrorKind::Unavailable, "start", "not settled")),
            });
        let started = started.collect();
        Some((settled, started))
    }
}
