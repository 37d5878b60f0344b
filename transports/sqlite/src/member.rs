//! A consumer's place in its groups, as rows of the file that is open now.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering as Atomic};
use std::sync::{Mutex, MutexGuard};

use rusqlite::{OptionalExtension, params};
use tidings_transport::{Group, Opened, Ordering, Start, Subscription, Topic};

use crate::error::Fault;
use crate::gap;
use crate::group;
use crate::job::Work;
use crate::wire;

/// What a consumer is, whatever file it works on.
pub(crate) struct Member {
    /// Tells it from any other, in any file.
    pub id: i64,
    pub group: Group,
    pub topics: Vec<Topic>,
    pub ordering: Ordering,
    pub name: String,
    /// In microseconds.
    pub lease: i64,
    left: AtomicBool,
    seat: Mutex<Seat>,
}

/// Where its rows are.
#[derive(Clone)]
pub(crate) struct Seat {
    pub opening: u64,
    /// As the topics of the member.
    pub places: Vec<Place>,
    /// When it last gave a sign of life.
    renewed: i64,
    /// Which log this is.
    log: String,
}

/// A group of one topic.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub topic: i64,
    pub group: i64,
    /// Everything up to here was settled when this consumer looked; where the group begins again
    /// if somebody destroys it.
    pub settled: i64,
    /// The newest event of the topic, and the number of the last holding, as this consumer saw them.
    seen: (i64, i64),
}

impl Place {
    pub(crate) fn new(topic: i64, group: i64, settled: i64) -> Self {
        Self {
            topic,
            group,
            settled,
            seen: (0, 0),
        }
    }
}

impl Member {
    /// Joins the groups, making those that are missing.
    pub(crate) fn join(
        work: &Work<'_>,
        subscription: &Subscription,
    ) -> Result<(Self, Vec<(Topic, Opened)>), Fault> {
        let (mut places, mut opened) = (Vec::new(), Vec::new());
        let group = &subscription.group;
        // All are resolved before any is made: a position that is refused leaves nothing behind.
        for (topic, start) in &subscription.topics {
            let id = group::topic_id(work.db, topic)?;
            let known = id
                .map(|id| group::group_id(work.db, id, group))
                .transpose()?;
            if known.flatten().is_none() {
                group::resolve(work.db, id, start)?;
            }
        }
        for (topic, start) in &subscription.topics {
            let (id, found) = group::open(work, topic, group, start)?;
            let settled = wire::parse(&found.position)?;
            places.push(Place::new(group::need_topic(work.db, topic)?, id, settled));
            opened.push((topic.clone(), found));
        }
        let member = Self {
            id: random_id(),
            group: group.clone(),
            topics: subscription.topics.iter().map(|(t, _)| t.clone()).collect(),
            ordering: subscription.ordering,
            name: subscription.consumer.clone(),
            lease: wire::micros(subscription.lease),
            left: AtomicBool::new(false),
            seat: Mutex::new(Seat {
                opening: work.opening,
                places,
                renewed: 0,
                log: log(work)?,
            }),
        };
        let mut seat = member.lock();
        member.sign(work, &mut seat)?;
        if member.ordering == Ordering::None {
            // Those that wait for their key need not.
            for place in &seat.places {
                work.db.execute(
                    "UPDATE deliveries SET due = ?2 WHERE group_id = ?1 AND due IS NULL",
                    [place.group, work.now],
                )?;
            }
        }
        drop(seat);
        Ok((member, opened))
    }

    /// Where the rows of this consumer are. Notes its sign of life; after the file was replaced,
    /// or a group destroyed, takes its place anew.
    pub(crate) fn seat(&self, work: &Work<'_>) -> Result<Seat, Fault> {
        let mut seat = self.lock();
        if seat.opening != work.opening {
            let now = log(work)?;
            let same = seat.log == now;
            seat.log = now;
            self.retake(work, &mut seat, same)?;
            seat.opening = work.opening;
            seat.renewed = 0;
        }
        if work.now < seat.renewed || work.now - seat.renewed >= self.lease / 4 {
            self.sign(work, &mut seat)?;
        }
        Ok(seat.clone())
    }

    /// Finds or makes the groups again, also when one is found to be missing.
    pub(crate) fn take_again(&self, work: &Work<'_>) -> Result<Seat, Fault> {
        let mut seat = self.lock();
        self.retake(work, &mut seat, true)?;
        self.sign(work, &mut seat)?;
        Ok(seat.clone())
    }

    /// Remembers up to where everything is settled.
    pub(crate) fn settled(&self, index: usize, seq: i64) {
        if let Some(place) = self.lock().places.get_mut(index) {
            place.settled = seq;
        }
    }

    /// Remembers the newest event of a topic, and the number of a holding.
    pub(crate) fn saw(&self, index: usize, last: i64, epoch: i64) {
        if let Some(place) = self.lock().places.get_mut(index) {
            place.seen = (last, epoch);
        }
    }

    /// Its groups, for a look.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.lock().places.clone()
    }

    /// It is handed nothing any more.
    pub(crate) fn leave(&self) {
        self.left.store(true, Atomic::Release);
    }

    /// Whether it has left.
    pub(crate) fn has_left(&self) -> bool {
        self.left.load(Atomic::Acquire)
    }

    /// How long ago it gave a sign of life, against its lease.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        let renewed = self.lock().renewed;
        now < renewed || now - renewed >= self.lease / 3
    }

    fn retake(&self, work: &Work<'_>, seat: &mut Seat, same_log: bool) -> Result<(), Fault> {
        for (topic, place) in self.topics.iter().zip(&mut seat.places) {
            let id = group::make_topic(work.db, topic)?;
            place.topic = id;
            if let Some(found) = group::group_id(work.db, id, &self.group)? {
                place.group = found;
                if same_log && went_back(work, *place)? {
                    gap::note_unknown(
                        work,
                        found,
                        "an older copy of the file was put in its place: what came since may be gone",
                    )?;
                }
                continue;
            }
            // Never at the end: what came meanwhile would be skipped in silence.
            let last = group::resolve(work.db, Some(id), &Start::Latest)?;
            let intact = same_log && place.settled <= last;
            if !intact {
                place.settled = group::resolve(work.db, Some(id), &Start::Earliest)?;
            }
            place.group = group::create(work, id, &self.group, place.settled)?;
            if !intact {
                gap::note_unknown(work, place.group, "the file was replaced by another one")?;
            }
        }
        Ok(())
    }

    /// Shows that this consumer lives; sweeps away those that do not.
    fn sign(&self, work: &Work<'_>, seat: &mut Seat) -> Result<(), Fault> {
        let until = work.now.saturating_add(self.lease);
        let mut renew = work.db.prepare_cached(
            "INSERT INTO consumers (consumer_id, name, until) VALUES (?1, ?2, ?3)
             ON CONFLICT (consumer_id) DO UPDATE SET until = excluded.until",
        )?;
        renew.execute(params![self.id, self.name, until])?;
        for place in &seat.places {
            let mut belong = work.db.prepare_cached(
                "INSERT OR IGNORE INTO members (group_id, consumer_id) VALUES (?1, ?2)",
            )?;
            belong.execute([place.group, self.id])?;
            let mut lease = work.db.prepare_cached(
                "UPDATE groups SET lease = ?2 WHERE group_id = ?1 AND lease < ?2",
            )?;
            lease.execute([place.group, self.lease])?;
            group::touch(work, place.group)?;
        }
        sweep(work)?;
        seat.renewed = work.now;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Seat> {
        self.seat.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// Whether the file lacks what was there when this consumer looked last: an older copy of it was put
/// in its place. Whether it lacks events, too, nobody can tell once others have published to it.
fn went_back(work: &Work<'_>, place: Place) -> Result<bool, Fault> {
    let (last, epoch): (i64, i64) = work.db.query_row(
        "SELECT t.last_seq, g.epoch FROM groups g JOIN topics t USING (topic_id)
          WHERE g.group_id = ?1",
        [place.group],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let (seen, holding) = place.seen;
    Ok(last < seen || epoch < holding)
}

/// Removes consumers that were not heard of for a lease. What they hold is handed on by its own
/// lease, not by this.
fn sweep(work: &Work<'_>) -> Result<(), Fault> {
    let mut members = work.db.prepare_cached(
        "DELETE FROM members WHERE consumer_id IN
           (SELECT consumer_id FROM consumers WHERE until < ?1)",
    )?;
    members.execute([work.now])?;
    let mut consumers = work
        .db
        .prepare_cached("DELETE FROM consumers WHERE until < ?1")?;
    consumers.execute([work.now])?;
    Ok(())
}

/// 48 random bits. Not a row number: those of a transaction that failed are used again.
fn random_id() -> i64 {
    let bits = RandomState::new().build_hasher().finish();
    i64::try_from(bits >> 16).unwrap_or(1).max(1)
}

fn log(work: &Work<'_>) -> Result<String, Fault> {
    let found = work
        .db
        .query_row("SELECT value FROM facts WHERE name = 'log'", [], |row| {
            row.get(0)
        });
    Ok(found.optional()?.unwrap_or_default())
}
