//! What the server says to a look at the topics, put on the desk.

use redis::Value;
use tidings_transport::Key;

use crate::desk::Desk;
use crate::entry_id::EntryId;
use crate::error::Failure;
use crate::feeder::Feeder;
use crate::held::{Arrival, LastRead, LetterArrival};
use crate::lane::Sweep;
use crate::member::Member;
use crate::round::Ask;
use crate::value;
use crate::wire::{self, Waits};

impl Feeder {
    pub(crate) fn answered(
        &mut self,
        i: usize,
        ask: Ask,
        count: usize,
        answer: Value,
    ) -> Result<(), Failure> {
        match ask {
            Ask::Released => self.released(i, count, answer),
            Ask::Claim => self.claimed(i, answer),
            Ask::Fetch | Ask::Read => self.fetched(i, count, answer),
        }
    }

    /// New entries for the active consumer, and the look before them.
    pub(crate) fn read(
        &mut self,
        i: usize,
        count: usize,
        look: Value,
        read: Value,
    ) -> Result<(), Failure> {
        const WHAT: &str = "a look as {position, gap}, and new entries";
        let [at, gap] = value::tuple(look, WHAT)?;
        let from = value::id(&at, WHAT)?;
        let entries = match read {
            Value::Nil => Vec::new(),
            Value::Map(mut streams) => match streams.pop() {
                Some((_, entries)) => value::array(entries, WHAT)?,
                None => Vec::new(),
            },
            _ => return Err(Failure::Strange { what: WHAT }),
        };
        let lane = &mut self.lanes[i];
        let mut desk = self.member.desk();
        desk_gap(&self.member, &mut desk, i, gap)?;
        lane.recoveries = 0;
        lane.more = entries.len() >= count;
        let mut arrivals = Vec::with_capacity(entries.len());
        for entry in entries {
            let [id, fields] = value::tuple(entry, WHAT)?;
            arrivals.push(arrival(value::id(&id, WHAT)?, 0, fields)?);
        }
        lane.brought(&arrivals);
        let upto = arrivals.last().map_or(from, |a| a.id);
        let expected = desk.last_read(i).upto;
        let count = arrivals.len();
        desk.set_last_read(i, LastRead { from, count, upto });
        lane.wait_from = upto;
        if from != expected {
            // Somebody else read in between, or moved the group: everything that is pending comes
            // in the order of the log, this read included.
            lane.begin_sweep(0);
            if from < expected {
                // Moved back: what was in hand is forgotten, and comes again.
                desk.forget_live(i);
            }
            return Ok(());
        }
        for arrival in arrivals {
            desk.arrive(i, arrival, true);
        }
        Ok(())
    }

    fn fetched(&mut self, i: usize, count: usize, answer: Value) -> Result<(), Failure> {
        const WHAT: &str = "new entries as {entries, gap, position}";
        let [entries, gap, at] = value::tuple(answer, WHAT)?;
        let entries = value::array(entries, WHAT)?;
        let lane = &mut self.lanes[i];
        lane.recoveries = 0;
        lane.more = entries.len() >= count;
        lane.wait_from = value::id(&at, WHAT)?;
        let mut desk = self.member.desk();
        desk_gap(&self.member, &mut desk, i, gap)?;
        let mut arrivals = Vec::with_capacity(entries.len());
        for entry in entries {
            let [id, fields] = value::tuple(entry, WHAT)?;
            arrivals.push(arrival(value::id(&id, WHAT)?, 0, fields)?);
        }
        lane.brought(&arrivals);
        for arrival in arrivals {
            // Handed out for the first time, or after the group was moved back.
            desk.arrive(i, arrival, true);
        }
        Ok(())
    }

    fn claimed(&mut self, i: usize, answer: Value) -> Result<(), Failure> {
        const WHAT: &str = "entries of others as {entries, gap, last, position}";
        let [entries, gap, last, at] = value::tuple(answer, WHAT)?;
        let at = value::id(&at, WHAT)?;
        let mut desk = self.member.desk();
        desk_gap(&self.member, &mut desk, i, gap)?;
        for entry in value::array(entries, WHAT)? {
            let [id, retries, fields] = value::tuple(entry, WHAT)?;
            // Reading it counted as the first retry.
            let attempts = value::number(&retries, WHAT)?.saturating_sub(1);
            let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
            let arrival = arrival(value::id(&id, WHAT)?, attempts, fields)?;
            // The active consumer holds what it holds; a competing one was idle for too long.
            desk.arrive(i, arrival, self.member.competes());
        }
        let lane = &mut self.lanes[i];
        let walk = lane.sweep.take();
        let idle_ms = walk.as_ref().map_or(0, |s| s.idle_ms);
        if walk.is_some_and(|s| s.idle_ms == 0 && s.from == "-") {
            // What is read by others from now on shows as a step beyond this position.
            desk.set_last_read(i, LastRead::nothing_since(at));
        }
        lane.sweep = value::optional_id(&last, WHAT)?.map(|last| Sweep {
            from: format!("({last}"),
            idle_ms,
        });
        Ok(())
    }

    fn released(&mut self, i: usize, count: usize, answer: Value) -> Result<(), Failure> {
        const WHAT: &str = "released letters as {key, id, fields, attempts, redelivered}";
        let letters = value::array(answer, WHAT)?;
        let mut desk = self.member.desk();
        if letters.len() >= count {
            desk.look_for_released(i);
        }
        for letter in letters {
            let [key, id, fields, attempts, again] = value::tuple(letter, WHAT)?;
            let key = value::optional(key, WHAT)?.map(Key::new);
            let again = value::number(&again, WHAT)? == 1;
            let id = value::id(&id, WHAT)?;
            let mut amended = Vec::new();
            if let Some(attempts) = value::optional(attempts, WHAT)? {
                amended.push((wire::AMENDED[0], attempts));
            }
            let letter = wire::read_letter(
                id,
                &self.member.topics[i],
                &self.member.group,
                wire::fields(fields)?,
                &amended,
                if again {
                    Waits::Redelivering
                } else {
                    Waits::Parked
                },
            )?;
            let position = EntryId::parse(letter.position.as_str().as_bytes());
            let position = position.ok_or(Failure::Strange { what: WHAT })?;
            let arrival = LetterArrival {
                letter: id,
                position,
                attempts: letter.attempts,
                key,
                body: letter.body,
                again,
            };
            desk.arrive_released(i, arrival);
        }
        Ok(())
    }
}

fn desk_gap(member: &Member, desk: &mut Desk, i: usize, gap: Value) -> Result<(), Failure> {
    if let Some(gap) = member.gap(i, gap)? {
        tracing::debug!(topic = %gap.topic, group = %gap.group, lost = %gap.lost, "{}", gap.cause);
        desk.report(gap);
    }
    Ok(())
}

fn arrival(id: EntryId, attempts: u32, fields: Value) -> Result<Arrival, Failure> {
    let (key, body) = wire::read(fields)?;
    Ok(Arrival {
        id,
        attempts,
        key,
        body,
    })
}
