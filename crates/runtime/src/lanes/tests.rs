//! The lanes against a model that is too simple to be wrong.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use tokio::time::Instant;

use super::{Lanes, Limits, Ticket};

const LIMITS: Limits = Limits {
    count: 40,
    bytes: 400,
    lane: 8,
    batch: 4,
};

#[derive(Debug, Clone)]
enum Step {
    /// As many as there is room for, at most these: key (0 is none) and size.
    Admit(Vec<(u8, usize)>),
    Take,
    /// What is behind something taken, before that has left.
    TakeEarly(usize),
    /// Indexes into what is taken, modulo.
    Finish(usize),
    PutBack(usize),
    Delay(usize, u64),
    /// Something in any state turns out to belong to somebody else.
    Lose(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => vec((0_u8..6, 1_usize..40), 0..6).prop_map(Step::Admit),
        4 => Just(Step::Take),
        2 => any::<usize>().prop_map(Step::TakeEarly),
        4 => any::<usize>().prop_map(Step::Finish),
        1 => any::<usize>().prop_map(Step::PutBack),
        1 => (any::<usize>(), 0_u64..50).prop_map(|(i, d)| Step::Delay(i, d)),
        1 => any::<usize>().prop_map(Step::Lose),
        1 => (0_u64..60).prop_map(Step::Pass),
    ]
}

/// Entry numbers by key, in order; what is taken; what waits until when.
#[derive(Default)]
struct Model {
    lanes: BTreeMap<u8, Vec<u32>>,
    free: HashSet<u32>,
    taken: Vec<u32>,
    delayed: HashMap<u32, Instant>,
    keys: HashMap<u32, u8>,
    sizes: HashMap<u32, usize>,
}

impl Model {
    fn is_first(&self, number: u32) -> bool {
        match self.keys[&number] {
            0 => self.free.contains(&number),
            key => self.lanes[&key].first() == Some(&number),
        }
    }

    /// What is behind the first of a lane, and was not taken yet.
    fn behind(&self, number: u32) -> Option<u32> {
        let lane = self.lanes.get(&self.keys[&number])?;
        let second = lane.get(1).filter(|_| lane[0] == number);
        second
            .copied()
            .filter(|second| !self.taken.contains(second))
    }

    fn may_run(&self, number: u32) -> bool {
        self.is_first(number)
            && !self.taken.contains(&number)
            && !self.delayed.contains_key(&number)
    }

    fn ready(&self) -> usize {
        self.sizes.keys().filter(|n| self.may_run(**n)).count()
    }

    fn remove(&mut self, number: u32) {
        match self.keys[&number] {
            0 => {
                self.free.remove(&number);
            }
            key => self.lanes.get_mut(&key).unwrap().retain(|n| *n != number),
        }
        self.taken.retain(|n| *n != number);
        self.delayed.remove(&number);
        self.sizes.remove(&number);
    }
}

proptest! {
    #[test]
    fn lanes_agree_with_the_model(steps in vec(step(), 0..300)) {
        let mut now = Instant::now();
        let mut lanes: Lanes<u8, u32> = Lanes::new(LIMITS);
        let mut model = Model::default();
        let mut tickets: HashMap<u32, Ticket> = HashMap::new();
        let mut next = 0;
        let mut ended: HashSet<u32> = HashSet::new();
        for step in steps {
            match step {
                Step::Admit(wanted) => {
                    let room = lanes.room();
                    for (key, size) in wanted.into_iter().take(room) {
                        let number = next;
                        next += 1;
                        let lane = (key != 0).then_some(key);
                        tickets.insert(number, lanes.admit(lane, size, number));
                        model.keys.insert(number, key);
                        model.sizes.insert(number, size);
                        match key {
                            0 => drop(model.free.insert(number)),
                            key => model.lanes.entry(key).or_default().push(number),
                        }
                    }
                }
                Step::Take => match lanes.take() {
                    Some(ticket) => {
                        let number = *lanes.get(ticket).unwrap();
                        prop_assert!(model.may_run(number), "{number} is not first, or twice");
                        model.taken.push(number);
                    }
                    None => prop_assert_eq!(model.ready(), 0, "something is ready and not found"),
                },
                Step::TakeEarly(i) if !model.taken.is_empty() => {
                    let number = model.taken[i % model.taken.len()];
                    let next = lanes.next_of(tickets[&number]);
                    prop_assert_eq!(next.map(|t| *lanes.get(t).unwrap()), model.behind(number));
                    if let Some(ticket) = next {
                        lanes.take_early(ticket);
                        model.taken.push(*lanes.get(ticket).unwrap());
                    }
                }
                Step::Finish(i) if !model.taken.is_empty() => {
                    let number = model.taken[i % model.taken.len()];
                    prop_assert_eq!(lanes.finish(tickets[&number]), Some(number));
                    prop_assert_eq!(lanes.finish(tickets[&number]), None);
                    prop_assert!(ended.insert(number));
                    model.remove(number);
                }
                Step::PutBack(i) if !model.taken.is_empty() => {
                    let number = model.taken.swap_remove(i % model.taken.len());
                    lanes.put_back(tickets[&number]);
                }
                Step::Delay(i, for_ms) if !model.taken.is_empty() => {
                    let i = i % model.taken.len();
                    if !model.is_first(model.taken[i]) {
                        continue;
                    }
                    let number = model.taken.swap_remove(i);
                    let until = now + Duration::from_millis(for_ms);
                    model.delayed.insert(number, until);
                    lanes.delay(tickets[&number], until);
                }
                Step::Lose(i) if !model.sizes.is_empty() => {
                    let mut all: Vec<u32> = model.sizes.keys().copied().collect();
                    all.sort_unstable();
                    let number = all[i % all.len()];
                    prop_assert_eq!(lanes.finish(tickets[&number]), Some(number));
                    prop_assert!(ended.insert(number));
                    model.remove(number);
                }
                Step::Pass(ms) => {
                    now += Duration::from_millis(ms);
                    let again = lanes.wake(now);
                    model.delayed.retain(|_, until| *until > now);
                    prop_assert_eq!(again, model.delayed.values().min().copied());
                }
                _ => {}
            }
            prop_assert_eq!(lanes.len(), model.sizes.len());
            prop_assert_eq!(lanes.active(), model.ready() + model.taken.len());
            prop_assert!(lanes.len() <= LIMITS.count);
            for lane in model.lanes.values() {
                prop_assert!(lane.len() <= LIMITS.lane, "a lane of {} entries", lane.len());
            }
            let bytes: usize = model.sizes.values().sum();
            prop_assert!(lanes.room() == 0 || bytes < LIMITS.bytes);
        }
        // Whatever is left ends, once, when the workers go on.
        lanes.wake(now + Duration::from_secs(1));
        for number in model.taken.drain(..) {
            lanes.put_back(tickets[&number]);
        }
        let mut last: HashMap<u8, u32> = HashMap::new();
        while let Some(ticket) = lanes.take() {
            let number = lanes.finish(ticket).unwrap();
            prop_assert!(ended.insert(number));
            let key = model.keys[&number];
            if key != 0 {
                prop_assert!(last.insert(key, number).is_none_or(|before| before < number));
            }
        }
        prop_assert_eq!(ended.len() as u32, next, "every entry ends exactly once");
        prop_assert_eq!(lanes.len(), 0);
        prop_assert_eq!(lanes.room(), LIMITS.batch.min(LIMITS.lane));
    }

    #[test]
    fn nobody_starves(keys in vec(0_u8..4, 1..40)) {
        // An entry that becomes ready is overtaken only by those that were ready before it.
        let mut lanes: Lanes<u8, usize> = Lanes::new(LIMITS);
        for (i, key) in keys.iter().enumerate() {
            lanes.admit((*key != 0).then_some(*key), 1, i);
        }
        let left = |key: u8, done: &[usize]| {
            let all = keys.iter().filter(|k| **k == key).count();
            all > done.iter().filter(|n| keys[**n] == key).count()
        };
        let free = keys.iter().filter(|k| **k == 0).count();
        let mut done = Vec::new();
        let mut waited: HashMap<u8, usize> = HashMap::new();
        while let Some(ticket) = lanes.take() {
            let number = lanes.finish(ticket).unwrap();
            done.push(number);
            waited.retain(|key, _| left(*key, &done));
            for rounds in waited.values_mut() {
                *rounds += 1;
            }
            waited.insert(keys[number], 0);
            for (key, rounds) in &waited {
                prop_assert!(*rounds <= 3 + free || !left(*key, &done), "waited {rounds} rounds");
            }
        }
        prop_assert_eq!(done.len(), keys.len());
    }
}
