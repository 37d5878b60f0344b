//! Topics, described.

use std::collections::HashSet;
use std::sync::Arc;

use rdkafka::consumer::Consumer;
use tidings_transport::{Position, Result, Topic, TopicInfo};

use crate::client::Client;
use crate::error::reading;
use crate::{names, reader, wire};

/// The topics of the cluster that may hold events, by name.
pub(crate) async fn describe(client: &Arc<Client>) -> Result<Vec<TopicInfo>> {
    client.blocking("topics", look).await
}

fn look(client: &Client) -> Result<Vec<TopicInfo>> {
    let metadata = client.asking.fetch_metadata(None, client.timeout());
    let metadata = metadata.map_err(|e| reading("topics", e))?;
    let all: HashSet<&str> = metadata.topics().iter().map(|t| t.name()).collect();
    let mut infos = Vec::new();
    for found in metadata.topics() {
        if names::is_journal(found.name(), |topic| all.contains(topic)) {
            continue;
        }
        let Some(topic) = names::topic(found.name()) else {
            continue;
        };
        let partitions = i32::try_from(found.partitions().len()).unwrap_or(i32::MAX);
        // One that is being removed has no watermarks, and is no topic any more.
        let Ok(marks) = client.watermarks(found.name(), partitions, "topics") else {
            continue;
        };
        infos.push(info(topic, marks));
    }
    infos.sort_by(|a, b| a.topic.cmp(&b.topic));
    Ok(infos)
}

/// One topic.
pub(crate) async fn describe_one(client: &Arc<Client>, topic: &Topic) -> Result<TopicInfo> {
    let topic = topic.clone();
    let look = move |client: &Client| {
        let (_, marks) = reader::topic(client, &topic, "topic")?;
        Ok(info(topic, marks))
    };
    client.blocking("topic", look).await
}

/// `marks` are the offsets of the oldest record and behind the newest one, for each partition.
fn info(topic: Topic, marks: Vec<(i64, i64)>) -> TopicInfo {
    let (mut length, mut first, mut last) = (0, Vec::new(), Vec::new());
    for (partition, (low, high)) in (0..).zip(marks) {
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
        last_received: None,
        bytes: None,
    }
}
