//! Deliveries that were handed out together, and are mostly started, kept and settled together.

use std::collections::HashMap;

use rusqlite::vtab::array::Array;
use tidings_transport::Delivery;

use crate::member::{Member, Seat};
use crate::wire;

/// Deliveries of one group and epoch.
pub(crate) struct Bundle {
    pub(crate) group: i64,
    pub(crate) epoch: i64,
    pub(crate) rows: Array,
    /// Where they stood in the call, by their numbers.
    pub(crate) indices: HashMap<i64, usize>,
}

/// The group and the number of a delivery; `None` if it is of a topic that is not this consumer's.
pub(crate) fn locate(member: &Member, seat: &Seat, delivery: &Delivery) -> Option<(i64, i64)> {
    let index = member.topics.iter().position(|t| *t == delivery.topic)?;
    Some((
        seat.places[index].group,
        wire::parse(&delivery.position).ok()?,
    ))
}

/// The epoch as the file has it.
pub(crate) fn epoch(delivery: &Delivery) -> i64 {
    delivery.epoch.cast_signed()
}

/// Sorts deliveries by holding; those of topics that are not this consumer's are left out.
pub(crate) fn bundles<'d>(
    member: &Member,
    seat: &Seat,
    deliveries: impl Iterator<Item = (usize, &'d Delivery)>,
) -> Vec<Bundle> {
    let mut found: HashMap<(i64, i64), HashMap<i64, usize>> = HashMap::new();
    for (index, delivery) in deliveries {
        if let Some((group, seq)) = locate(member, seat, delivery) {
            let bundle = found.entry((group, epoch(delivery))).or_default();
            bundle.entry(wire::delivery(group, seq)).or_insert(index);
        }
    }
    let bundle = |((group, epoch), indices): (_, HashMap<i64, usize>)| Bundle {
        group,
        epoch,
        rows: wire::numbers(indices.keys().copied()),
        indices,
    };
    found.into_iter().map(bundle).collect()
}
