//! Whether the books agree.

use std::collections::{HashMap, HashSet};

use super::ledgers::{self, Twice};
use super::{Books, Entry};

/// Something that must not be.
#[derive(Debug)]
pub struct Finding {
    /// A short stable name.
    pub code: &'static str,
    /// What it means.
    pub what: &'static str,
    pub count: usize,
    /// The first few.
    pub samples: Vec<String>,
}

/// What the books say.
#[derive(Debug, Default)]
pub struct Balance {
    pub findings: Vec<Finding>,
    pub committed: usize,
    pub effects: usize,
    pub poisoned: usize,
    /// Records that the log holds beyond the first of each event: what a killed relay repeats.
    pub repeated: usize,
    /// Records that the log had acknowledged and has no more, since it was killed where it does not keep
    /// its word. What follows from that is no finding.
    pub given_up: usize,
    /// Ends of deliveries that it had confirmed and forgot in the same way.
    pub forgotten: usize,
}

impl Balance {
    fn expect_none(&mut self, code: &'static str, what: &'static str, found: Vec<String>) {
        if !found.is_empty() {
            self.findings.push(Finding {
                code,
                what,
                count: found.len(),
                samples: found.into_iter().take(5).collect(),
            });
        }
    }
}

pub(super) fn balance(books: &Books) -> Balance {
    let ids = |entries: &[Entry]| entries.iter().map(|(id, _)| id.clone()).collect();
    let written: HashSet<String> = ids(&books.written);
    let effects: HashSet<String> = ids(&books.effects);
    let logged: HashSet<String> = ids(&books.log.events);
    let poisoned: HashSet<&String> = books
        .written
        .iter()
        .filter(|(_, change)| change.is_none())
        .map(|(id, _)| id)
        .collect();
    let dead: HashSet<&String> = books.log.dead.iter().map(|(id, _)| id).collect();
    let given_up: HashSet<String> = (books.ledgers.published.iter())
        .filter(|line| !books.log.records.contains(*line))
        .map(|line| ledgers::id(line).to_owned())
        .collect();
    let excuse = Excuse::new(books, &given_up);
    let (forgotten, confirmed_twice): (Vec<&Twice>, Vec<&Twice>) =
        (books.ledgers.settled_twice.iter()).partition(|twice| excuse.forgot(twice));
    let mut balance = Balance {
        committed: written.len(),
        effects: books.effects.len(),
        poisoned: poisoned.len(),
        repeated: books.log.events.len() - logged.len(),
        given_up: if excuse.applies() { given_up.len() } else { 0 },
        forgotten: forgotten.len(),
        ..Balance::default()
    };

    if !excuse.applies() {
        balance.expect_none(
            "given-up",
            "the log had acknowledged, and has no more",
            given_up.iter().cloned().collect(),
        );
    }
    balance.expect_none(
        "lost",
        "committed, and took no effect",
        written
            .iter()
            .filter(|id| !poisoned.contains(id) && !effects.contains(*id))
            .filter(|id| !excuse.loss(id))
            .map(|id| {
                format!(
                    "{id}{}",
                    if logged.contains(id) {
                        ""
                    } else {
                        " (not in the log)"
                    }
                )
            })
            .collect(),
    );
    balance.expect_none(
        "poison-lost",
        "committed and cannot be handled, and is no dead letter",
        poisoned
            .iter()
            .filter(|id| !dead.contains(*id) && !excuse.loss(id))
            .map(|id| {
                format!(
                    "{id}{}",
                    if logged.contains(*id) {
                        ""
                    } else {
                        " (not in the log)"
                    }
                )
            })
            .collect(),
    );
    balance.expect_none("twice", "took effect more than once", twice(&books.effects));
    balance.expect_none(
        "rolled-back",
        "rolled back, and was seen",
        effects
            .union(&logged)
            .filter(|id| !written.contains(*id))
            .cloned()
            .collect(),
    );
    balance.expect_none(
        "order",
        "took effect out of the order of its entity",
        out_of_order(&books.effects, &excuse),
    );
    balance.expect_none(
        "log-order",
        "first occurs in the log out of the order of its entity",
        out_of_order(&books.log.events, &excuse),
    );
    balance.expect_none(
        "parked",
        "a dead letter that nothing is wrong with",
        books
            .log
            .dead
            .iter()
            .filter(|(id, _)| !poisoned.contains(id))
            .map(|(id, class)| format!("{id} ({class})"))
            .collect(),
    );
    if books.log.parked_keys > 0 {
        let count = format!("{} keys", books.log.parked_keys);
        balance.expect_none("parked-keys", "keys are parked", vec![count]);
    }
    if !excuse.applies() {
        balance.expect_none("gaps", "the log reports losses", books.log.lost.clone());
    }
    balance.expect_none(
        "confirmed-twice",
        "the log confirmed the end of one delivery to two consumers",
        confirmed_twice
            .into_iter()
            .map(|twice| twice.delivery.clone())
            .collect(),
    );
    if books.outbox_rows > 0 {
        let count = format!("{} rows", books.outbox_rows);
        balance.expect_none("outbox", "rows are left in the outbox", vec![count]);
    }
    balance.expect_none(
        "harness",
        "the versions of an entity and its committed events differ: the harness itself is wrong",
        versions_differ(books),
    );
    balance
}

/// What a log that broke its word answers for, and the product does not.
struct Excuse<'a> {
    broken_words: &'a [i64],
    given_up: &'a HashSet<String>,
    /// The entities of what it gave up.
    entities: HashSet<&'a String>,
}

impl<'a> Excuse<'a> {
    fn new(books: &'a Books, given_up: &'a HashSet<String>) -> Self {
        let written = books.written.iter();
        let gone = written.filter(|(id, _)| given_up.contains(id));
        Self {
            broken_words: &books.broken_words,
            given_up,
            entities: gone
                .filter_map(|(_, change)| change.as_ref().map(|(name, _)| name))
                .collect(),
        }
    }

    fn applies(&self) -> bool {
        !self.broken_words.is_empty()
    }

    fn loss(&self, id: &str) -> bool {
        self.applies() && self.given_up.contains(id)
    }

    fn order(&self, entity: &String) -> bool {
        self.applies() && self.entities.contains(entity)
    }

    /// Whether the log was killed between the two confirmations.
    fn forgot(&self, twice: &Twice) -> bool {
        let between = twice.first..=twice.second;
        self.broken_words.iter().any(|at| between.contains(at))
    }
}

fn twice(entries: &[Entry]) -> Vec<String> {
    let mut seen = HashSet::new();
    let again = entries.iter().filter(|(id, _)| !seen.insert(id));
    again.map(|(id, _)| id.clone()).collect()
}

/// First occurrences of an entity have to be 1, 2, 3, …
fn out_of_order(entries: &[Entry], excuse: &Excuse<'_>) -> Vec<String> {
    let (mut seen, mut last) = (HashSet::new(), HashMap::new());
    let mut found = Vec::new();
    for (id, change) in entries {
        let Some((name, n)) = change else { continue };
        if seen.insert(id) {
            let before = last.insert(name, *n).unwrap_or(0);
            if *n != before + 1 && !excuse.order(name) {
                found.push(format!("{name}: {n} after {before} ({id})"));
            }
        }
    }
    found
}

fn versions_differ(books: &Books) -> Vec<String> {
    let mut counts: HashMap<&String, i64> = HashMap::new();
    for (_, change) in &books.written {
        if let Some((name, _)) = change {
            *counts.entry(name).or_default() += 1;
        }
    }
    let versions = books.versions.iter().filter_map(|(_, v)| v.as_ref());
    versions
        .filter_map(|(name, version)| {
            let written = counts.get(name).copied().unwrap_or(0);
            (written != *version).then(|| format!("{name}: version {version}, {written} events"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::ledgers::Ledgers;
    use super::super::log::Logged;
    use super::*;

    fn e(id: &str, name: &str, n: i64) -> Entry {
        (id.into(), Some((name.into(), n)))
    }

    fn books() -> Books {
        let all = vec![e("a1", "a", 1), e("b1", "b", 1), e("a2", "a", 2)];
        let mut written = all.clone();
        written.push(("p".into(), None));
        let mut events = written.clone();
        events.push(e("a1", "a", 1));
        let records: Vec<String> = (1..)
            .zip(&events)
            .map(|(n, (id, _))| format!("published t {n} {id}"))
            .collect();
        Books {
            written,
            versions: vec![e("a", "a", 2), e("b", "b", 1)],
            effects: all,
            log: Logged {
                events,
                records: records.iter().cloned().collect(),
                dead: vec![("p".into(), "handler".into())],
                ..Logged::default()
            },
            ledgers: Ledgers {
                published: records,
                settled_twice: Vec::new(),
            },
            broken_words: Vec::new(),
            outbox_rows: 0,
        }
    }

    fn codes(books: &Books) -> Vec<&'static str> {
        balance(books).findings.iter().map(|f| f.code).collect()
    }

    #[test]
    fn what_agrees_balances_and_repeats_are_allowed_in_the_log() {
        let books = books();
        assert!(codes(&books).is_empty());
        assert_eq!(balance(&books).repeated, 1);
    }

    fn settled_twice() -> Twice {
        Twice {
            delivery: "t 1".into(),
            first: 1_000,
            second: 2_000,
        }
    }

    /// Redis had acknowledged the first change of entity a, and was killed.
    fn broken_word() -> Books {
        let mut books = books();
        books.log.events.retain(|(id, _)| id != "a1");
        books.log.records.retain(|line| !line.ends_with("a1"));
        books.effects.remove(0);
        books.ledgers.settled_twice.push(settled_twice());
        books.broken_words = vec![1_500];
        books
    }

    #[test]
    fn a_log_that_broke_its_word_answers_for_what_it_gave_up_and_no_more() {
        let books = broken_word();
        let balance = balance(&books);
        assert!(balance.findings.is_empty(), "{:?}", balance.findings);
        assert_eq!((balance.given_up, balance.forgotten), (1, 1));

        let mut kept = broken_word();
        kept.broken_words.clear();
        let found = ["given-up", "lost", "order", "log-order", "confirmed-twice"];
        assert_eq!(codes(&kept), found);
        let mut elsewhere = broken_word();
        elsewhere.broken_words = vec![2_500];
        elsewhere.effects.retain(|(id, _)| id != "b1");
        assert_eq!(codes(&elsewhere), ["lost", "confirmed-twice"]);
    }

    #[test]
    fn each_way_to_disagree_is_found() {
        let broken = |break_it: fn(&mut Books)| {
            let mut books = books();
            break_it(&mut books);
            codes(&books)
        };
        assert_eq!(broken(|b| drop(b.effects.remove(1))), ["lost"]);
        assert_eq!(broken(|b| b.effects.push(e("a1", "a", 1))), ["twice"]);
        assert_eq!(broken(|b| b.effects.push(e("x", "b", 2))), ["rolled-back"]);
        assert_eq!(broken(|b| b.effects.swap(0, 2)), ["order", "order"][..1]);
        assert_eq!(broken(|b| b.log.events.swap(0, 2)), ["log-order"]);
        assert_eq!(broken(|b| b.log.dead.clear()), ["poison-lost"]);
        let dead = |b: &mut Books| b.log.dead.push(("a1".into(), "attempts".into()));
        assert_eq!(broken(dead), ["parked"]);
        assert_eq!(broken(|b| b.log.parked_keys = 1), ["parked-keys"]);
        assert_eq!(broken(|b| b.log.lost.push("t: 1".into())), ["gaps"]);
        assert_eq!(
            broken(|b| b.ledgers.settled_twice.push(settled_twice())),
            ["confirmed-twice"]
        );
        let published = |b: &mut Books| b.ledgers.published.push("published t 9 a2".into());
        assert_eq!(broken(published), ["given-up"]);
        assert_eq!(broken(|b| b.outbox_rows = 1), ["outbox"]);
        assert_eq!(broken(|b| b.versions[0] = e("a", "a", 3)), ["harness"]);
    }
}
