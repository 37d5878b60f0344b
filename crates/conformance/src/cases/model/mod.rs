//! Random operations, compared with a simple model of the contract.

mod reference;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tidings_transport::{
    Capability, Count, Delivery, ErrorKind, Key, Ordering, Outcome, ParkedState, Retention, Start,
    Subscriber,
};

use self::reference::{Reference, State};
use self::trace::{Trace, seeds};
use crate::scene::{
    Scene, body_text, close, describe, expect_kind, join, next, publish, reason, settle, settled,
};

const CONSUMERS: usize = 3;
const OPERATIONS: usize = 150;
const KEYS: [Option<&str>; 4] = [Some("a"), Some("b"), Some("c"), None];

pub(crate) async fn random_operations_without_order(s: Scene) {
    for seed in seeds() {
        Run::start(&s, Ordering::None, seed).await.finish().await;
    }
}

pub(crate) async fn random_operations_with_order(s: Scene) {
    for seed in seeds() {
        Run::start(&s, Ordering::Key, seed).await.finish().await;
    }
}

struct Run {
    /// The topic and the group of this run.
    scene: Scene,
    ordering: Ordering,
    random: StdRng,
    model: Reference,
    consumers: Vec<Arc<dyn Subscriber>>,
    /// Deliveries that were settled or passed on, with who had them.
    stale: Vec<(usize, Arc<Delivery>)>,
    trace: Trace,
}

impl Run {
    async fn start(s: &Scene, ordering: Ordering, seed: u64) -> Self {
        let scene = s.another().await;
        scene.make_group().await;
        let mut run = Self {
            ordering,
            random: StdRng::seed_from_u64(seed),
            model: Reference {
                keyed: ordering == Ordering::Key,
                ..Reference::default()
            },
            consumers: Vec::new(),
            stale: Vec::new(),
            trace: Trace {
                seed,
                done: Vec::new(),
            },
            scene,
        };
        for _ in 0..CONSUMERS {
            let consumer = run.join().await;
            run.consumers.push(consumer);
        }
        for _ in 0..OPERATIONS {
            run.step().await;
            run.compare().await;
        }
        run
    }

    async fn join(&self) -> Arc<dyn Subscriber> {
        let subscription = self.scene.subscription().ordering(self.ordering);
        join(&*self.scene.open().await, subscription).await
    }

    fn note(&mut self, what: String) {
        self.trace.done.push(what);
    }

    async fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..=19 => self.publish().await,
            20..=44 => self.next().await,
            45..=54 => self.start_one().await,
            55..=79 => self.settle().await,
            80..=84 => self.use_stale().await,
            85..=89 => self.rejoin().await,
            90..=93 => self.trim().await,
            94..=96 if self.ordering == Ordering::None => self.seek().await,
            _ if self.ordering == Ordering::Key => self.release().await,
            _ => self.heartbeat().await,
        }
    }

    async fn publish(&mut self) {
        let count = self.random.random_range(1..5);
        let keys: Vec<_> = (0..count)
            .map(|_| KEYS[self.random.random_range(0..KEYS.len())])
            .collect();
        self.note(format!("publish {keys:?}"));
        let first = self.model.records.len();
        let records: Vec<_> = keys
            .iter()
            .zip(first..)
            .map(|(key, number)| self.scene.record(*key, &number.to_string()))
            .collect();
        let positions = publish(&*self.scene.log, &records).await;
        for (position, key) in positions.into_iter().zip(keys) {
            self.model.publish(position, key);
        }
    }

    async fn next(&mut self) {
        let by = self.random.random_range(0..CONSUMERS);
        let max = self.random.random_range(1..5);
        let offers = self.model.offers();
        self.note(format!("{by} next {max} of {offers:?}"));
        let consumer = self.consumers[by].clone();
        if offers.is_empty() {
            let waiting = tokio::time::timeout(Duration::from_millis(15), consumer.next(max));
            assert!(waiting.await.is_err(), "something came that may not");
            return;
        }
        let batch = next(&*consumer, max).await;
        assert_eq!(batch.gaps, []);
        let mut last = None;
        for delivery in &batch.deliveries {
            let number = self.model.number(&delivery.position);
            let number = number.expect("a position of this topic");
            self.note(format!("  came {number}"));
            let offer = (number, delivery.released);
            self.model.notice_clear(offer);
            let offers = self.model.offers();
            assert!(offers.contains(&offer), "{offer:?} is none of {offers:?}");
            self.check(number, delivery);
            if !delivery.released {
                assert!(last.replace(number) < Some(number), "log order in a batch");
            }
            self.model.hold(offer, by, delivery);
        }
    }

    fn check(&mut self, number: usize, delivery: &Delivery) {
        let record = &mut self.model.records[number];
        assert_eq!(body_text(&delivery.body), number.to_string());
        assert_eq!(delivery.key.as_ref().map(Key::as_str), record.key);
        assert_eq!(delivery.topic, self.scene.topic);
        let attempts = *record.attempts.get_or_insert(delivery.attempts);
        assert_eq!(delivery.attempts, attempts, "attempts of {number}");
    }

    fn any_held(&mut self) -> Option<(usize, Arc<Delivery>)> {
        let held = self.model.held();
        if held.is_empty() {
            return None;
        }
        let index = self.random.random_range(0..held.len());
        held.into_iter().nth(index)
    }

    async fn start_one(&mut self) {
        let Some((by, delivery)) = self.any_held() else {
            return;
        };
        let number = self.model.number(&delivery.position);
        let number = number.expect("it was published");
        self.note(format!("{by} start {number}"));
        let attempt = crate::scene::start(&*self.consumers[by], &delivery).await;
        let attempts = &mut self.model.records[number].attempts;
        assert_eq!(Some(attempt), attempts.map(|a| a + 1));
        *attempts = Some(attempt);
    }

    async fn heartbeat(&mut self) {
        let Some((by, delivery)) = self.any_held() else {
            return;
        };
        self.note(format!("{by} heartbeat {}", delivery.position));
        crate::scene::heartbeat(&*self.consumers[by], &delivery)
            .await
            .expect("a delivery in hand is renewed");
    }

    async fn settle(&mut self) {
        let Some((by, delivery)) = self.any_held() else {
            return;
        };
        let consumer = self.consumers[by].clone();
        let what = body_text(&delivery.body);
        let dice = self.random.random_range(0..100);
        match dice {
            0..=49 => {
                self.note(format!("{by} ack {what}"));
                settled(&*consumer, &delivery, Outcome::Ack).await;
                self.model.settle(&delivery, false);
            }
            50..=69 => {
                self.note(format!("{by} retry {what}"));
                settled(&*consumer, &delivery, Outcome::Retry { at: None }).await;
                let epoch = delivery.epoch;
                let position = delivery.position.clone();
                self.model
                    .give_back(|_, d| d.epoch == epoch && d.position == position);
            }
            _ if dice >= 85 && self.ordering == Ordering::Key => {
                self.note(format!("{by} park {what}"));
                let park = Outcome::Park {
                    key: None,
                    reason: Some(reason()),
                };
                settled(&*consumer, &delivery, park).await;
                self.model.park(&delivery);
            }
            _ => {
                self.note(format!("{by} bury {what}"));
                let bury = Outcome::DeadLetter { reason: reason() };
                settled(&*consumer, &delivery, bury).await;
                self.model.settle(&delivery, true);
            }
        }
        self.stale.push((by, delivery));
    }

    /// Settles what is not in hand any more, or is in somebody else's.
    async fn use_stale(&mut self) {
        let (by, delivery) = if self.random.random_bool(0.3) {
            let Some((by, delivery)) = self.any_held() else {
                return;
            };
            ((by + 1) % CONSUMERS, delivery)
        } else if let Some(stale) = self.stale.pop() {
            stale
        } else {
            return;
        };
        self.note(format!("{by} has no {}", delivery.position));
        let consumer = &*self.consumers[by];
        let acked = settle(consumer, &delivery, Outcome::Ack).await;
        expect_kind(acked, ErrorKind::Stale);
        let renewed = crate::scene::heartbeat(consumer, &delivery).await;
        expect_kind(renewed, ErrorKind::Stale);
    }

    async fn rejoin(&mut self) {
        let who = self.random.random_range(0..CONSUMERS);
        self.note(format!("{who} rejoins"));
        close(&*self.consumers[who]).await;
        self.model.give_back(|by, _| by == who);
        self.stale.retain(|(by, _)| *by != who);
        self.consumers[who] = self.join().await;
    }

    async fn trim(&mut self) {
        let max_len = self.random.random_range(0..20);
        self.note(format!("trim to {max_len}"));
        let mut retention = Retention::default();
        retention.max_len = Some(max_len as u64);
        let trimmed = self.scene.log.trim(&self.scene.topic, &retention).await;
        let trimmed = trimmed.expect("the topic is there");
        if self.model.parked.is_empty() {
            let expected = self.model.trim(max_len);
            assert_eq!((trimmed.removed, trimmed.spared), expected);
        } else {
            // When those behind a parked key leave the topic for the dead letters is open.
            self.model.trimmed += trimmed.removed as usize;
        }
    }

    async fn seek(&mut self) {
        let first = if self.scene.has(Capability::Replay) {
            self.model.trimmed
        } else {
            let live = self.model.live().next();
            live.map_or(self.model.records.len(), |(number, _)| number)
        };
        let after = self
            .random
            .random_range(first..self.model.records.len() + 1);
        let to = match after.checked_sub(1) {
            _ if after == self.model.records.len() => Start::Latest,
            None => Start::Earliest,
            // The position of the last that was trimmed is none that the log must know.
            Some(_) if after == self.model.trimmed => Start::Earliest,
            Some(last) => Start::After(self.model.records[last].position.clone()),
        };
        if to == Start::Earliest && !self.scene.has(Capability::Replay) {
            return;
        }
        self.note(format!("seek behind {after}"));
        let scene = &self.scene;
        let seeked = scene.log.seek(&scene.topic, &scene.group, &to).await;
        seeked.expect("the group is there");
        self.stale.extend(self.model.held());
        self.model.seek(after);
    }

    async fn release(&mut self) {
        let key = KEYS[self.random.random_range(0..3)].expect("the first three are keys");
        self.note(format!("release {key}"));
        let scene = &self.scene;
        let key_name = Key::new(key);
        let released = scene.log.release(&scene.topic, &scene.group, &key_name);
        let released = released.await.expect("the group is there");
        match self.model.parked.get_mut(key) {
            Some(parked) => {
                // Followers may still be in the topic; if it was being released, all of them.
                let least = u64::from(parked.state == ParkedState::Parked);
                let most = parked.waiting.len() as u64;
                assert!((least..=most).contains(&released), "{released}");
                parked.state = ParkedState::Releasing;
            }
            None => assert_eq!(released, 0),
        }
    }

    /// Compares what the log says of the group with the model.
    async fn compare(&mut self) {
        let scene = &self.scene;
        let info = describe(&*scene.log, &scene.topic, &scene.group).await;
        let Count::Exactly(lag) = info.lag.events else {
            panic!("nothing makes the lag uncertain: {info:?}");
        };
        let live = self.model.live().count();
        let waiting: usize = self.model.parked.values().map(|p| p.waiting.len()).sum();
        let all = live + waiting + self.model.buried.len();
        // When those behind a parked key leave the topic for the dead letters is open.
        assert_eq!(lag + info.dead_letters, all as u64, "{info:?}");
        assert!(lag >= live as u64, "{info:?}");
        let pending = self.model.live().filter(|(_, r)| r.handed).count();
        assert_eq!(info.pending, pending as u64, "{info:?}");
        // One that is being released may be clear already, see `notice_clear`.
        let keys = self.model.parked.values();
        let parked = keys.filter(|p| p.state == ParkedState::Parked).count() as u64;
        let possible = parked..=self.model.parked.len() as u64;
        assert!(possible.contains(&info.parked_keys), "{info:?}");
        assert_eq!(info.lost, Count::Exactly(0));
    }

    /// Handles all that is left, and looks at the dead letters.
    async fn finish(mut self) {
        self.note("the end".into());
        for key in self.model.parked.keys().copied().collect::<Vec<_>>() {
            let (scene, key_name) = (&self.scene, Key::new(key));
            let released = scene.log.release(&scene.topic, &scene.group, &key_name);
            released.await.expect("the group is there");
            let parked = self.model.parked.get_mut(key).expect("it is parked");
            parked.state = ParkedState::Releasing;
        }
        loop {
            for (by, delivery) in self.model.held() {
                settled(&*self.consumers[by], &delivery, Outcome::Ack).await;
                self.model.settle(&delivery, false);
            }
            if self.model.offers().is_empty() {
                break;
            }
            self.next().await;
        }
        let states = self.model.records.iter().map(|r| &r.state);
        assert!(states.into_iter().all(|state| matches!(state, State::Gone)));
        self.compare().await;
        let scene = &self.scene;
        let letters = scene
            .log
            .dead_letters(&scene.topic, &scene.group, None, 10_000);
        let letters = letters.await.expect("the group is there");
        let mut said: Vec<_> = letters.iter().map(|l| body_text(&l.body)).collect();
        let mut wanted: Vec<_> = self.model.buried.iter().map(usize::to_string).collect();
        // A released one that is buried keeps its place among the dead letters.
        said.sort();
        wanted.sort();
        assert_eq!(said, wanted);
        for consumer in &self.consumers {
            close(&**consumer).await;
        }
    }
}
