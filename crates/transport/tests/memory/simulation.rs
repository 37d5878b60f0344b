//! Consumers that come, fail, freeze and die in any order, against a model that knows only what
//! the contract promises: order per key, attempts, who may settle, and that nothing gets lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::Config;
use proptest::{prop_assert, prop_assert_eq};
use tidings_transport::{
    Body, Delivery, ErrorKind, Key, Memory, Ordering, Outcome, Subscriber, Transport,
};
use tokio::time::{Instant, sleep};

use crate::help::{LEASE, failed, group, info, join, publish, settle, start, take, text, topic};

const KEYS: [&str; 3] = ["a", "b", "c"];
const CONSUMERS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    Publish(Option<usize>),
    Take(usize),
    Start(usize, usize),
    Settle(usize, usize, End),
    Heartbeat(usize),
    Sleep(u64),
    /// Leaves and joins again.
    Close(usize),
    /// Dies and joins again as somebody else.
    Die(usize),
    Release(usize),
}

#[derive(Debug, Clone)]
enum End {
    Ack,
    Retry,
    RetryIn(u64),
    Dead,
    Park,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..CONSUMERS;
    let end = prop_oneof![
        4 => Just(End::Ack),
        1 => Just(End::Retry),
        1 => (1u64..60).prop_map(End::RetryIn),
        1 => Just(End::Dead),
        2 => Just(End::Park),
    ];
    prop_oneof![
        6 => proptest::option::weighted(0.8, 0..KEYS.len()).prop_map(Step::Publish),
        6 => who.clone().prop_map(Step::Take),
        3 => (who.clone(), any::<usize>()).prop_map(|(w, i)| Step::Start(w, i)),
        8 => (who.clone(), any::<usize>(), end).prop_map(|(w, i, e)| Step::Settle(w, i, e)),
        2 => who.clone().prop_map(Step::Heartbeat),
        2 => (1u64..40).prop_map(Step::Sleep),
        1 => who.clone().prop_map(Step::Close),
        1 => who.prop_map(Step::Die),
        2 => (0..KEYS.len()).prop_map(Step::Release),
    ]
}

#[derive(Default)]
struct Record {
    key: Option<usize>,
    attempts: u32,
    settled: bool,
    /// Under which epoch it is held, and until when.
    held: Option<(u64, Instant)>,
}

type Outcomes = Result<(), proptest::test_runner::TestCaseError>;

struct World {
    log: Memory,
    consumers: Vec<Arc<dyn Subscriber>>,
    /// What each consumer was handed and did not settle, as far as it knows.
    hands: Vec<Vec<Arc<Delivery>>>,
    /// By body, which is the number of the record.
    records: Vec<Record>,
    seen_epochs: HashMap<u64, usize>,
}

fn number(body: &Body) -> usize {
    text(body).parse().unwrap()
}

impl World {
    async fn new() -> Self {
        let log = Memory::new();
        let mut consumers = Vec::new();
        for _ in 0..CONSUMERS {
            consumers.push(join(&log, Ordering::Key).await);
        }
        Self {
            log,
            consumers,
            hands: vec![Vec::new(); CONSUMERS],
            records: Vec::new(),
            seen_epochs: HashMap::new(),
        }
    }

    async fn take(&mut self, who: usize) -> Outcomes {
        let deliveries = take(&self.consumers[who]).await;
        let now = Instant::now();
        for delivery in deliveries {
            let n = number(&delivery.body);
            prop_assert!(
                !self.records[n].settled,
                "handed out again after it was settled"
            );
            prop_assert_eq!(delivery.attempts, self.records[n].attempts);
            prop_assert!(self.seen_epochs.insert(delivery.epoch, n).is_none());
            if let Some((_, until)) = self.records[n].held {
                prop_assert!(until <= now, "handed out while somebody holds it");
            }
            if let Some(key) = self.records[n].key {
                let older = self.records[..n].iter().filter(|r| r.key == Some(key));
                prop_assert!(older.clone().all(|r| r.settled), "overtakes its key");
            }
            // `take` waits a millisecond at most before it returns what it found.
            self.records[n].held = Some((delivery.epoch, now + LEASE));
            self.hands[who].push(delivery);
        }
        Ok(())
    }

    /// Whether the model can tell that a delivery is this consumer's, or that it is not.
    fn holds(&self, delivery: &Delivery) -> Option<bool> {
        let record = &self.records[number(&delivery.body)];
        match record.held {
            Some((epoch, _)) if epoch != delivery.epoch => Some(false),
            Some((_, until)) if Instant::now() < until => Some(true),
            // The lease is over, but perhaps nobody noticed.
            Some(_) => None,
            None => Some(false),
        }
    }

    async fn start(&mut self, who: usize, delivery: &Arc<Delivery>) -> Outcomes {
        let expected = self.holds(delivery);
        let record = &mut self.records[number(&delivery.body)];
        match start(&self.consumers[who], delivery).await {
            Ok(attempt) => {
                prop_assert!(expected != Some(false));
                record.attempts += 1;
                prop_assert_eq!(attempt, record.attempts);
            }
            Err(e) => {
                prop_assert!(expected != Some(true));
                prop_assert_eq!(e.kind(), ErrorKind::Stale);
            }
        }
        Ok(())
    }

    async fn settle(&mut self, who: usize, delivery: &Arc<Delivery>, end: &End) -> Outcomes {
        let expected = self.holds(delivery);
        let in_future = |s| {
            let from = delivery.received.unwrap_or_else(jiff::Timestamp::now);
            Some(from + Duration::from_secs(s))
        };
        let outcome = match end {
            End::Ack => Outcome::Ack,
            End::Retry => Outcome::Retry { at: None },
            End::RetryIn(s) => Outcome::Retry { at: in_future(*s) },
            End::Dead => Outcome::DeadLetter { reason: failed() },
            End::Park => Outcome::Park {
                key: None,
                reason: Some(failed()),
            },
        };
        let record = &mut self.records[number(&delivery.body)];
        match settle(&self.consumers[who], delivery, outcome).await {
            Ok(()) => {
                prop_assert!(expected != Some(false), "a stale settlement went through");
                record.held = None;
                record.settled = match end {
                    End::Ack | End::Dead => true,
                    End::Park => record.key.is_none(),
                    End::Retry | End::RetryIn(_) => false,
                };
            }
            Err(e) => {
                prop_assert!(expected != Some(true), "a good settlement was refused");
                prop_assert_eq!(e.kind(), ErrorKind::Stale);
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Outcomes {
        match *step {
            Step::Publish(key) => {
                let body = self.records.len().to_string();
                publish(&self.log, &[(key.map(|k| KEYS[k]), &body)]).await;
                self.records.push(Record {
                    key,
                    ..Record::default()
                });
            }
            Step::Take(who) => self.take(who).await?,
            Step::Start(who, i) => {
                if let Some(delivery) = pick(&self.hands[who], i) {
                    self.start(who, &delivery).await?;
                }
            }
            Step::Settle(who, i, ref end) => {
                if let Some(delivery) = pick(&self.hands[who], i) {
                    self.settle(who, &delivery, end).await?;
                }
            }
            Step::Heartbeat(who) => {
                let results = self.consumers[who].heartbeat(&self.hands[who]).await;
                for (delivery, result) in self.hands[who].iter().zip(results) {
                    let expected = self.holds(delivery);
                    prop_assert!(expected.is_none_or(|e| e == result.is_ok()));
                    if result.is_ok() {
                        let held = (delivery.epoch, Instant::now() + LEASE);
                        self.records[number(&delivery.body)].held = Some(held);
                    }
                }
            }
            Step::Sleep(seconds) => sleep(Duration::from_secs(seconds)).await,
            Step::Close(who) => {
                self.consumers[who].close().await.unwrap();
                for delivery in std::mem::take(&mut self.hands[who]) {
                    let record = &mut self.records[number(&delivery.body)];
                    if record
                        .held
                        .is_some_and(|(epoch, _)| epoch == delivery.epoch)
                    {
                        record.held = None;
                    }
                }
                self.consumers[who] = join(&self.log, Ordering::Key).await;
            }
            Step::Die(who) => {
                self.hands[who].clear();
                self.consumers[who] = join(&self.log, Ordering::Key).await;
            }
            Step::Release(key) => {
                let key = Key::new(KEYS[key]);
                self.log.release(&topic(), &group(), &key).await.unwrap();
            }
        }
        Ok(())
    }

    /// Whatever happened, in the end everything is settled.
    async fn drain(&mut self) -> Outcomes {
        for _ in 0..=self.records.len() * 2 {
            for key in KEYS {
                let key = Key::new(key);
                self.log.release(&topic(), &group(), &key).await.unwrap();
            }
            sleep(Duration::from_secs(61)).await;
            self.take(0).await?;
            for delivery in std::mem::take(&mut self.hands[0]) {
                self.settle(0, &delivery, &End::Ack).await?;
            }
        }
        prop_assert!(self.records.iter().all(|r| r.settled), "something is stuck");
        let info = info(&self.log).await;
        prop_assert_eq!((info.pending, info.parked_keys), (0, 0));
        prop_assert_eq!(info.position.as_str(), self.records.len().to_string());
        Ok(())
    }
}

fn pick(hand: &[Arc<Delivery>], i: usize) -> Option<Arc<Delivery>> {
    (!hand.is_empty()).then(|| Arc::clone(&hand[i % hand.len()]))
}

proptest::proptest! {
    #![proptest_config(Config { cases: 300, ..Config::default() })]

    #[test]
    fn whatever_consumers_do_the_contract_holds(
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in &steps {
                world.step(step).await?;
            }
            world.drain().await
        })?;
    }
}
