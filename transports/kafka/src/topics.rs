//! Topics, described.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use rdkafka::consumer::Consumer;
use tidings_transport::{Position, Result, Topic, TopicInfo};

use crate::client::Client;
use crate::error::reading;
use crate::offsets::Marks;
use crate::scan::Range;
use crate::{names, reader, wire};

/// The topics of the cluster that may hold events, by name.
pub(crate) async fn describe(client: &Arc<Client>) -> Result<Vec<TopicInfo>> {
    client.blocking("topics", look).await
}

fn look(client: &Client) -> Result<Vec<TopicInfo>> {
    let metadata = client.asking.fetch_metadata(None, client.timeout());
    let metadata = metadata.map_err(|e| reading("topics", e))?;
    let all: HashSet<&str> = metadata.topics().iter().map(|t| t.name()).collect();
    let (mut topics, mut asked) = (Vec::new(), Vec::new());
    for found in metadata.topics() {
        if names::is_journal(found.name(), |topic| all.contains(topic)) {
            continue;
        }
        if let Some(topic) = names::topic(found.name()) {
            let partitions = i32::try_from(found.partitions().len()).unwrap_or(i32::MAX);
            topics.push(topic);
            asked.push((found.name(), partitions));
        }
    }
    let marks = client.all_watermarks(&asked, "topics")?;
    let names: Vec<&str> = asked.iter().map(|(name, _)| *name).collect();
    let received = received(client, &names, &marks, "topics")?;
    let mut infos: Vec<_> = topics
        .into_iter()
        .zip(marks.iter().zip(received))
        // One that is being removed is no topic any more.
        .filter(|(_, (marks, _))| !marks.is_empty())
        .map(|(topic, (marks, received))| info(topic, marks, received))
        .collect();
    infos.sort_by(|a, b| a.topic.cmp(&b.topic));
    Ok(infos)
}

/// One topic.
pub(crate) async fn describe_one(client: &Arc<Client>, topic: &Topic) -> Result<TopicInfo> {
    let topic = topic.clone();
    let look = move |client: &Client| {
        let (name, marks) = reader::topic(client, &topic, "topic")?;
        let marks = [marks];
        let received = received(client, &[&name], &marks, "topic")?;
        Ok(info(topic, &marks[0], received[0]))
    };
    client.blocking("topic", look).await
}

/// When the newest record of each of these topics was received; who may see a topic and not read it does not
/// hear of that. Blocks.
fn received(
    client: &Client,
    names: &[&str],
    marks: &[Vec<Marks>],
    operation: &'static str,
) -> Result<Vec<Option<Timestamp>>> {
    let topics: Vec<(&str, &[Marks])> = names
        .iter()
        .zip(marks)
        .map(|(name, marks)| (*name, &marks[..]))
        .collect();
    let each = reader::as_allowed(&topics, &mut |topics| newest(client, topics, operation))?;
    Ok(each.into_iter().map(Result::unwrap_or_default).collect())
}

/// When the newest record of each of these topics was received: what ends each partition is read, all at once.
/// Blocks.
fn newest(
    client: &Client,
    topics: &[(&str, &[Marks])],
    operation: &'static str,
) -> Result<Vec<Option<Timestamp>>> {
    let (mut ranges, mut of) = (Vec::new(), Vec::new());
    for (at, (topic, marks)) in topics.iter().enumerate() {
        for (partition, (low, high)) in (0..).zip(*marks) {
            if low < high {
                of.push(at);
                ranges.push(Range {
                    topic,
                    partition,
                    from: high - 1,
                    until: *high,
                });
            }
        }
    }
    let mut newest: Vec<Option<Timestamp>> = vec![None; topics.len()];
    client.scan(&ranges, operation, |range, message| {
        let newest = &mut newest[of[range]];
        *newest = (*newest).max(wire::received(message));
        false
    })?;
    Ok(newest)
}

fn info(topic: Topic, marks: &[Marks], last_received: Option<Timestamp>) -> TopicInfo {
    let (mut length, mut first, mut last) = (0, Vec::new(), Vec::new());
    for (partition, (low, high)) in (0..).zip(marks.iter().copied()) {
        if low < high {
            length += u64::try_from(high - low).unwrap_or(0);
            first.push(format!("{partition}:{low}"));
            last.push((partition, high));
        }
    }
    TopicInfo {
        topic,
        length,
        first: (!first.is_empty()).then(|| Position::new(first.join(","))),
        last: (!last.is_empty()).then(|| wire::positions(last)),
        last_received,
        // The client library does not ask brokers for the sizes of their logs.
        bytes: None,
    }
}
