//! Which deliveries start together with the settlement of the one before them.

use tidings_transport::{Follower, Outcome, Settlement};

use super::failure;
use super::hand::{Engine, Hand, Held};
use crate::lanes::Ticket;

/// Takes the next of the lanes whose heads are about to be settled as done, where the log starts it in
/// the same step. What is out of the ordinary is left to its turn among all that is ready: then it is
/// looked at by itself.
pub(super) fn follow(
    engine: &Engine,
    hand: &mut Hand,
    ended: &[Ticket],
    settlements: &[Settlement],
    mut found: impl FnMut(Ticket, Follower),
) {
    let ordinary = engine.settings.ordered
        && engine.starts_with_settling
        && !engine.stopping.is_cancelled()
        && hand.circuit.is_calm()
        && !hand.parked.is_full()
        && !hand.alone
        && hand.doubtful == 0;
    if !ordinary {
        return;
    }
    // Those that are ready have waited for longer.
    let claimed = hand.at_work() + hand.lanes.ready();
    let mut quota = engine.start_window(hand).saturating_sub(claimed);
    for (behind, (ticket, settlement)) in ended.iter().zip(settlements).enumerate() {
        if quota == 0 {
            return;
        }
        if !matches!(settlement.outcome, Outcome::Ack) {
            continue;
        }
        let next = hand.lanes.next_of(*ticket);
        let next = next.and_then(|next| Some((next, hand.lanes.get(next)?)));
        let Some((next, held)) = next.filter(|(_, held)| may_follow(engine, hand, held)) else {
            continue;
        };
        let delivery = held.delivery.clone();
        hand.lanes.take_early(next);
        hand.starting += 1;
        quota -= 1;
        found(next, Follower { delivery, behind });
    }
}

fn may_follow(engine: &Engine, hand: &Hand, held: &Held) -> bool {
    let delivery = &held.delivery;
    let parked = |key| hand.parked.holds(&delivery.topic, key);
    let is_parked = engine.follows && held.key.as_ref().is_some_and(parked);
    if is_parked || held.lost || delivery.released || held.verdict.is_some() {
        return false;
    }
    held.event.is_ok() && !failure::is_spent(engine, held)
}
