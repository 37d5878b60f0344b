//! A member of a group, on the caller's side.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::BaseConsumer;
use tidings_transport::{
    Batch, Delivery, Error, ErrorKind, Follower, Opened, Outcome, Result, Settlement, Subscriber,
    Subscription, Topic, settle_then_start,
};

use crate::client::Client;
use crate::desk::Place;
use crate::error::{again, no_answer, reading};
use crate::feeder;
use crate::member::Member;
use crate::rebalance::Hook;

/// The shortest and longest that a broker waits for a consumer that is gone, unless it is told
/// otherwise; a lease between them is taken as it is. The library's threads give the signs of life,
/// so a slow handler needs no more. So long, too, a group may stand still after an outage of all
/// brokers, since they wait for the members of before.
const SESSION_MS: std::ops::RangeInclusive<u128> = 6_000..=15_000;

pub(crate) struct KafkaSubscriber {
    member: Arc<Member>,
    opened: Vec<(Topic, Opened)>,
}

impl KafkaSubscriber {
    pub(crate) fn new(
        client: Arc<Client>,
        subscription: &Subscription,
        opened: Vec<(Topic, Opened)>,
    ) -> Result<Self> {
        let mut config = client.config.consumer(subscription.group.as_str());
        let session = subscription.lease.as_millis();
        let session = session.clamp(*SESSION_MS.start(), *SESSION_MS.end());
        config
            .set("client.id", &subscription.consumer)
            .set("partition.assignment.strategy", "cooperative-sticky")
            // Our own lease watches over the caller.
            .set("max.poll.interval.ms", "86400000");
        if let Some(instance) = &client.config.instance {
            config.set("group.instance.id", instance);
        }
        let mut default = |name: &str, value: String| {
            if !client.config.client.contains_key(name) {
                config.set(name, value);
            }
        };
        default("session.timeout.ms", session.to_string());
        default("heartbeat.interval.ms", "1000".into());
        let failed = |e| reading("subscribe", e);
        let hook = Hook {
            member: OnceLock::new(),
            brokers: client.brokers.clone(),
        };
        let consumer = BaseConsumer::from_config_and_context(&config, hook);
        let consumer = Arc::new(consumer.map_err(failed)?);
        let member = Arc::new(Member::new(client, subscription, consumer.clone())?);
        use rdkafka::consumer::Consumer;
        // Set once, here.
        let _ = consumer.context().member.set(Arc::downgrade(&member));
        drop(consumer);
        feeder::start(&member)?;
        tokio::spawn(member.clone().tell_handed());
        Ok(Self { member, opened })
    }

    /// Runs the part of a call that needs what is still in hand; the others are `Stale`.
    fn find(&self, deliveries: &[Arc<Delivery>]) -> Vec<Option<Place>> {
        let desk = self.member.desk();
        deliveries
            .iter()
            .map(|delivery| desk.find(delivery))
            .collect()
    }
}

#[async_trait]
impl Subscriber for KafkaSubscriber {
    fn opened(&self) -> &[(Topic, Opened)] {
        &self.opened
    }

    async fn next(&self, max: usize) -> Result<Batch> {
        let member = &self.member;
        let waiting = async {
            loop {
                member.check_open("next")?;
                if let Some(batch) = member.hand_out(max) {
                    member.handed.notify_one();
                    return Ok(batch);
                } else if let Some(e) = member.take_error() {
                    return Err(e);
                } else {
                    member.ready.notified().await;
                }
            }
        };
        member.while_it_waits(waiting).await
    }

    async fn start(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        if let Err(e) = self.member.check_open("start") {
            return deliveries.iter().map(|_| Err(again(&e))).collect();
        }
        let starting = self.member.start(deliveries);
        self.member.while_it_waits(starting).await
    }

    async fn heartbeat(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>> {
        if let Err(e) = self.member.check_open("heartbeat") {
            return deliveries.iter().map(|_| Err(again(&e))).collect();
        }
        let found = self.find(deliveries);
        let mut results: Vec<_> = found
            .iter()
            .zip(deliveries)
            .map(|(place, delivery)| place.map(drop).ok_or_else(|| stale("heartbeat", delivery)))
            .collect();
        // A sign of life is a commit, which the group refuses from those who have left it.
        self.member.desk().touch();
        let commit = self.member.commit("heartbeat");
        if let Err(e) = self.member.while_it_waits(commit).await {
            for result in results.iter_mut().filter(|r| r.is_ok()) {
                *result = Err(again(&e));
            }
        }
        results
    }

    async fn settle(&self, settlements: &[Settlement]) -> Vec<Result<()>> {
        if let Err(e) = self.member.check_open("settle") {
            return settlements.iter().map(|_| Err(again(&e))).collect();
        }
        let settling = self.member.settle(settlements, &[]);
        self.member.while_it_waits(settling).await.0
    }

    async fn settle_and_start(
        &self,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> (Vec<Result<()>>, Vec<Result<u32>>) {
        let is_record = |follower: &Follower| {
            let before = settlements.get(follower.behind);
            let acked = |s: &Settlement| matches!(s.outcome, Outcome::Ack) && !s.delivery.released;
            before.is_some_and(acked) && !follower.delivery.released
        };
        if self.member.is_closed() || !followers.iter().all(is_record) {
            // What is written into a journal is written before the one behind it starts.
            return settle_then_start(self, settlements, followers).await;
        }
        let settling = self.member.settle(settlements, followers);
        self.member.while_it_waits(settling).await
    }

    async fn close(&self) -> Result<()> {
        let member = &self.member;
        member.check_open("close")?;
        member.shut();
        let mut ended = member.ended.subscribe();
        let left = tokio::time::timeout(member.client.timeout(), ended.wait_for(|ended| *ended));
        match left.await {
            Ok(_) => Ok(()),
            Err(_) => Err(no_answer("close", ErrorKind::Unavailable)),
        }
    }
}

impl Drop for KafkaSubscriber {
    fn drop(&mut self) {
        self.member.shut();
    }
}

/// The refusal of what has passed to somebody else.
pub(crate) fn stale(operation: &'static str, delivery: &Delivery) -> Error {
    Error::new(
        ErrorKind::Stale,
        operation,
        format!(
            "the delivery of {} at {} has passed to somebody else or is settled",
            delivery.topic, delivery.position
        ),
    )
}

#[cfg(test)]
mod tests {
    use tidings_transport::Group;

    use super::*;
    use crate::config::KafkaConfig;
    use crate::lane::Lane;
    use crate::ledger::Ledger;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_consumer_ends_with_the_thread_that_commits() {
        // Nobody listens there, and nothing is sent.
        let client = Client::new(KafkaConfig::new(["127.0.0.1:1"])).expect("it connects later");
        let (topic, group) = (Topic::new("courses"), Group::new("search"));
        let subscription = Subscription::new(group.expect("a name"), topic.expect("a name"));
        let consumer = KafkaSubscriber::new(Arc::new(client), &subscription, Vec::new());
        let consumer = consumer.expect("a consumer that has not joined yet");
        // Of a topic that the consumer does not have: whoever gathers it for a commit panics.
        let mut lane = Lane::new(Ledger::new(0));
        lane.dirty = true;
        {
            let mut desk = consumer.member.desk();
            desk.lanes.insert((1, 0), lane);
            desk.touch();
        }
        let waited = consumer.member.commit("settle").await;
        let error = waited.expect_err("there is nobody to store it");
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        let next = consumer.next(1).await.map(drop);
        let error = next.expect_err("it hands out what it could not settle");
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
}
