//! Where to begin, as an offset of each partition.

use rdkafka::consumer::Consumer;
use rdkafka::{Offset, TopicPartitionList};
use tidings_transport::{Error, ErrorKind, Position, Result, Start};

use crate::client::Client;
use crate::error::reading;
use crate::scan::Range;
use crate::wire;

/// The first offset to hand out of each partition. `marks` are the offsets of the oldest record and
/// behind the newest one. Blocks.
pub(crate) fn resolve(
    client: &Client,
    name: &str,
    marks: &[(i64, i64)],
    start: &Start,
    operation: &'static str,
) -> Result<Vec<i64>> {
    match start {
        Start::Latest => Ok(marks.iter().map(|(_, high)| *high).collect()),
        Start::Earliest => Ok(marks.iter().map(|(low, _)| *low).collect()),
        Start::Time(time) => since(client, name, marks, time.as_millisecond(), operation),
        Start::After(position) => after(client, name, marks, position, operation),
        _ => Err(Error::new(
            ErrorKind::Unsupported,
            operation,
            "a start that this transport does not know",
        )),
    }
}

fn since(
    client: &Client,
    name: &str,
    marks: &[(i64, i64)],
    millis: i64,
    operation: &'static str,
) -> Result<Vec<i64>> {
    let failed = |e| reading(operation, e);
    let mut list = TopicPartitionList::new();
    for (partition, _) in (0..).zip(marks) {
        let added = list.add_partition_offset(name, partition, Offset::Offset(millis));
        added.map_err(failed)?;
    }
    let found = client
        .asking
        .offsets_for_times(list, client.timeout())
        .map_err(failed)?;
    let mut next: Vec<i64> = marks.iter().map(|(_, high)| *high).collect();
    for element in found.elements() {
        element.error().map_err(failed)?;
        if let (Offset::Offset(offset), Ok(at)) =
            (element.offset(), usize::try_from(element.partition()))
            && at < next.len()
        {
            next[at] = offset;
        }
    }
    Ok(next)
}

/// Partitions that the position does not name begin with what was received since its record.
fn after(
    client: &Client,
    name: &str,
    marks: &[(i64, i64)],
    position: &Position,
    operation: &'static str,
) -> Result<Vec<i64>> {
    let places = places(marks, position, 1, operation)?;
    let mut next = around(client, name, marks, &places, operation)?;
    for (at, offset) in places {
        next[at] = offset + 1;
    }
    Ok(next)
}

/// The offsets behind the last records before that at a position: the first that it names is the record's own
/// place, the others are before it.
pub(crate) fn before(
    client: &Client,
    name: &str,
    marks: &[(i64, i64)],
    position: &Position,
    operation: &'static str,
) -> Result<Vec<i64>> {
    let places = places(marks, position, 0, operation)?;
    let mut ends = around(client, name, marks, &places, operation)?;
    for (at, offset) in &places[1..] {
        ends[*at] = (offset + 1).min(marks[*at].1);
    }
    let (own, offset) = places[0];
    ends[own] = offset.max(0);
    Ok(ends)
}

/// The partitions of a position with their offsets, which with `step` added must not be beyond the
/// end.
fn places(
    marks: &[(i64, i64)],
    position: &Position,
    step: i64,
    operation: &'static str,
) -> Result<Vec<(usize, i64)>> {
    let beyond = || {
        let text = format!("the topic has not come as far as {position}");
        Error::new(ErrorKind::NotFound, operation, text)
    };
    let each = wire::parse(position, operation)?.into_iter();
    each.map(|(partition, offset)| {
        let at = usize::try_from(partition).ok();
        let found = at.and_then(|at| Some((at, marks.get(at)?.1)));
        let (at, high) = found.ok_or_else(beyond)?;
        match offset + step > high {
            true => Err(beyond()),
            false => Ok((at, offset)),
        }
    })
    .collect()
}

/// For the partitions that are not among these, the first offsets received since the record of the
/// first of them.
fn around(
    client: &Client,
    name: &str,
    marks: &[(i64, i64)],
    places: &[(usize, i64)],
    operation: &'static str,
) -> Result<Vec<i64>> {
    let oldest = || marks.iter().map(|(low, _)| *low).collect();
    if places.len() == marks.len() {
        return Ok(oldest());
    }
    let (at, offset) = places[0];
    let range = Range {
        topic: name,
        partition: i32::try_from(at).unwrap_or(i32::MAX),
        from: offset.max(0),
        until: offset + 1,
    };
    let mut received = None;
    client.scan(&[range], operation, |_, message| {
        received = wire::received(message);
        false
    })?;
    match received {
        Some(received) => since(client, name, marks, received.as_millisecond(), operation),
        None => Ok(oldest()),
    }
}
