//! `tidings groups`

use jiff::Timestamp;
use serde_json::{Value, json};
use tidings_transport::{Count, GroupInfo, Topic};

use crate::args::GroupsArgs;
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, Table, Tone, age, count, count_as_json, counted, number, to_stderr};

/// Lists groups.
pub async fn run(args: GroupsArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let bus = Bus::open_to_look(&args.bus).await?;
    let mut rows = Vec::new();
    for topic in bus.topics_or_all(&args.topic).await? {
        for group in bus.transport().groups(&topic).await? {
            let lost = group.lost != Count::Exactly(0);
            let cause = match lost {
                true => bus.transport().losses(&topic, &group.group).await?,
                false => None,
            };
            rows.push((topic.clone(), group, cause.map(|gap| gap.cause)));
        }
    }
    if output.is_json() {
        return rows
            .iter()
            .try_for_each(|(topic, group, cause)| {
                output.json(&as_json(topic, group, cause.as_deref()))
            })
            .map(|()| Exit::Ok);
    }
    if rows.is_empty() {
        to_stderr(&format!(
            "{} has no groups yet; `tidings groups create --topic TOPIC --group GROUP` makes one",
            bus.shown()
        ));
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&[
        "TOPIC",
        "GROUP",
        "POSITION",
        ">LAG",
        ">BEHIND",
        ">PENDING",
        ">OLDEST",
        ">DEAD",
        ">PARKED",
        ">LOST",
        "CONSUMERS",
    ]);
    let now = Timestamp::now();
    for (topic, group, _) in &rows {
        table.row(row(topic, group, now));
    }
    output.table(&table)?;
    for (topic, group, cause) in &rows {
        if let Some(cause) = cause {
            output.text(&format!("{topic}, {}: lost: {cause}", group.group))?;
        }
    }
    Ok(Exit::Ok)
}

fn row(topic: &Topic, group: &GroupInfo, now: Timestamp) -> Vec<(String, Tone)> {
    let behind = group.lag.events != Count::Exactly(0);
    let bad_if = |bad| if bad { Tone::Bad } else { Tone::Plain };
    let oldest = group.oldest_pending.map_or_else(
        || "-".to_owned(),
        |since| age(now.duration_since(since).try_into().unwrap_or_default()),
    );
    let consumers = match group.consumers.as_slice() {
        [] => (
            "none".to_owned(),
            if behind { Tone::Warning } else { Tone::Faint },
        ),
        names => (names.join(", "), Tone::Plain),
    };
    vec![
        (topic.to_string(), Tone::Plain),
        (group.group.to_string(), Tone::Strong),
        (group.position.to_string(), Tone::Plain),
        (
            count(group.lag.events),
            if behind { Tone::Warning } else { Tone::Good },
        ),
        (age(group.lag.age), Tone::Plain),
        (number(group.pending), Tone::Plain),
        (oldest, Tone::Plain),
        (number(group.dead_letters), bad_if(group.dead_letters > 0)),
        (parked(group.parked_keys), bad_if(group.parked_keys > 0)),
        (count(group.lost), bad_if(group.lost != Count::Exactly(0))),
        consumers,
    ]
}

/// Keys, where the column beside it counts events.
fn parked(keys: u64) -> String {
    match keys {
        0 => number(0),
        keys => counted(Count::Exactly(keys), "key"),
    }
}

fn as_json(topic: &Topic, group: &GroupInfo, lost_cause: Option<&str>) -> Value {
    let (lag, lag_is) = count_as_json(group.lag.events);
    let (lost, lost_is) = count_as_json(group.lost);
    json!({
        "topic": topic.as_str(),
        "group": group.group.as_str(),
        "position": group.position.as_str(),
        "lag_events": lag,
        "lag_is": lag_is,
        "lag_seconds": group.lag.age.as_secs_f64(),
        "pending": group.pending,
        "oldest_pending": group.oldest_pending.map(|t| t.to_string()),
        "dead_letters": group.dead_letters,
        "parked_keys": group.parked_keys,
        "lost": lost,
        "lost_is": lost_is,
        "lost_cause": lost_cause,
        "consumers": group.consumers,
    })
}
