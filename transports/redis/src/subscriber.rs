//! A member of a group, as its caller sees it.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_transport::{
    Batch, Delivery, Error, ErrorKind, Follower, Opened, Result, Settlement, Subscriber,
    Subscription, Topic,
};
use tokio::task::JoinHandle;

use crate::connection::Link;
use crate::entry_id::EntryId;
use crate::feeder::Feeder;
use crate::lease::{leave, sign_of_life, tended};
use crate::member::Member;

/// What [`Redis`](crate::Redis) hands out on `subscribe`.
#[derive(Debug)]
pub(crate) struct RedisSubscriber {
    member: Arc<Member>,
    opened: Vec<(Topic, Opened)>,
    feeder: JoinHandle<()>,
}

impl RedisSubscriber {
    /// Joins the group, which exists in all topics.
    pub(crate) async fn join(
        link: Arc<Link>,
        subscription: Subscription,
        opened: Vec<(Topic, Opened)>,
    ) -> Result<Self> {
        let consumer = format!("{}-{:016x}", subscription.consumer, rand::random::<u64>());
        let member = Arc::new(Member::new(link, subscription, consumer));
        // Seen by others from now on, and active where nobody is, also before it first waits for
        // something.
        let signs = (0..opened.len()).map(|i| sign_of_life(&member, i, None, true));
        let signs = member.link.scripts(signs.collect()).await;
        let mut topics = Vec::with_capacity(opened.len());
        for ((_, opened), sign) in opened
            .iter()
            .zip(signs.map_err(|f| f.reading("subscribe"))?)
        {
            let sign = sign.and_then(tended);
            let (tended, alive) = sign.map_err(|f| f.reading("subscribe"))?;
            let position = EntryId::of(&opened.position, "subscribe")?;
            topics.push((position, tended, alive));
        }
        let feeder = Feeder::new(Arc::clone(&member), topics);
        Ok(Self {
            member,
            opened,
            feeder: tokio::spawn(feeder.run()),
        })
    }
}

impl Drop for RedisSubscriber {
    fn drop(&mut self) {
        self.feeder.abort();
        self.leave_idle_topics();
    }
}

impl RedisSubscriber {
    /// Gives up the leases of topics in which nothing is in hand, as far as that can be done while
    /// the program goes on: there nobody has to wait for them to run out.
    fn leave_idle_topics(&self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if !self.member.shut() {
            return;
        }
        let calls: Vec<_> = {
            let desk = self.member.desk();
            let lanes =
                (0..self.opened.len()).filter(|i| desk.is_idle(*i) && desk.lease(*i).is_some());
            lanes.map(|i| leave(&self.member, &desk, i, true)).collect()
        };
        let link = Arc::clone(&self.member.link);
        runtime.spawn(async move {
            if let Err(failure) = link.scripts(calls).await {
                tracing::debug!(
                    "the leases of a dropped consumer run out by themselves: {failure:?}"
                );
            }
        });
    }
}

#[async_trait]
impl Subscriber for RedisSubscriber {
    fn opened(&self) -> &[(Topic, Opened)] {
        &self.opened
    }

    async fn next(&self, max: usize) -> Result<Batch> {
        let max = max.max(1);
        loop {
            self.member.check_open("next")?;
            if let Some(error) = self.member.take_error() {
                return Err(error);
            }
            let batch = self.member.desk().take(max);
            if !batch.deliveries.is_empty() || !batch.gaps.is_empty() {
                self.member.taken(max);
                return Ok(batch);
            }
            if self.feeder.is_finished() {
                return Err(Error::new(
                    ErrorKind::Failed,
                    "next",
                    "the background task of this consumer has ended; subscribe again",
                ));
            }
            let _demand = self.member.wait_for(max);
            self.member.ready.notified().await;
        }
    }

    async fn start(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        self.member.start(deliveries).await
    }

    async fn heartbeat(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>> {
        self.member.heartbeat(deliveries).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Vec<Result<()>> {
        self.member.settle(settlements).await
    }

    async fn settle_and_start(
        &self,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> (Vec<Result<()>>, Vec<Result<u32>>) {
        self.member.settle_and_start(settlements, followers).await
    }

    async fn close(&self) -> Result<()> {
        self.member.check_open("close")?;
        self.member.shut();
        self.feeder.abort();
        let calls = {
            let desk = self.member.desk();
            let leave = |i| leave(&self.member, &desk, i, true);
            (0..self.opened.len()).map(leave).collect()
        };
        let answers = self.member.link.scripts(calls).await;
        for answer in answers.map_err(|f| f.reading("close"))? {
            answer.map_err(|f| f.reading("close"))?;
        }
        Ok(())
    }
}
