//! `tidings tail`

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use tidings::{Event, Reading};
use tidings_event::json::single_line;
use tidings_transport::{Body, ErrorKind, Position, Start, Stored, Topic, TopicInfo};
use tokio::time::{Instant, sleep};

use crate::args::TailArgs;
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, Tone, time, to_stderr};
use crate::signals::Shutdown;

/// Entries of one read.
const PAGE: usize = 500;
/// How soon a new event is seen. Reading leaves no trace, so nobody can wake us.
const LOOK: Duration = Duration::from_millis(200);

/// How soon a new topic is seen. Listing topics costs more than reading one.
const LIST: Duration = Duration::from_secs(1);

/// Shows events as they go by.
pub async fn run(args: TailArgs, shutdown: Shutdown) -> Result<Exit> {
    let output = Output::new(args.output);
    let bus = Bus::open_to_look(&args.bus).await?;
    tokio::select! {
        shown = follow(&bus, &args, &output) => shown.map(|()| Exit::Ok),
        // Without an end of its own, to be asked to end is the ordinary end.
        () = shutdown.asked() => Ok(match args.no_follow {
            true => shutdown.exit(),
            false => Exit::Ok,
        }),
    }
}

async fn follow(bus: &Bus, args: &TailArgs, output: &Output) -> Result<()> {
    let decoder = bus.decoder();
    let mut places = begin(bus, args).await?;
    let mut listed = Instant::now();
    loop {
        let mut seen = 0;
        for (topic, place) in &mut places {
            let page = match bus.transport().read(topic, place, PAGE).await {
                // A topic that was named may come later.
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                page => page?,
            };
            seen += page.len();
            for stored in page {
                let reading = decoder.resolve(&stored.body).await?;
                show(output, topic, &stored, reading)?;
                *place = Start::After(stored.position);
            }
        }
        if seen > 0 {
            continue;
        }
        if args.no_follow {
            return Ok(());
        }
        sleep(LOOK).await;
        if args.topic.is_empty() && listed.elapsed() >= LIST {
            for topic in bus.topics_or_all(&[]).await? {
                // All of one that was made while we looked.
                places.entry(topic).or_insert(Start::Earliest);
            }
            listed = Instant::now();
        }
    }
}

/// Where to begin with each topic.
async fn begin(bus: &Bus, args: &TailArgs) -> Result<BTreeMap<Topic, Start>> {
    let infos = bus.topics().await?;
    let mut places = BTreeMap::new();
    if !args.topic.is_empty() {
        let named = bus.topics_or_all(&args.topic).await?;
        places.extend(named.into_iter().map(|topic| (topic, Start::Earliest)));
    }
    for topic in places.keys() {
        if !infos.iter().any(|info| info.topic == *topic) {
            let wait = if args.no_follow {
                ""
            } else {
                "; waiting for it"
            };
            to_stderr(&format!("note: there is no topic {topic}{wait}"));
        }
    }
    for info in infos {
        if args.topic.is_empty() || places.contains_key(&info.topic) {
            let start = match &args.from {
                // A place in the log, not a moment: it must stay where it is while we read on.
                Some(Start::Latest) => info.last.clone().map_or(Start::Earliest, Start::After),
                Some(start) => start.clone(),
                None => before_newest(bus, &info, args.lines).await?,
            };
            places.insert(info.topic, start);
        }
    }
    Ok(places)
}

/// Where the newest `count` entries begin.
async fn before_newest(bus: &Bus, info: &TopicInfo, count: usize) -> Result<Start> {
    // One more: it is what they follow.
    let mut left = count.saturating_add(1);
    let mut before: Option<Position> = None;
    while left > 0 {
        let (limit, back) = (left.min(PAGE), before.as_ref());
        let page = bus.transport().read_back(&info.topic, back, limit).await?;
        let Some(oldest) = page.last().filter(|_| page.len() == limit) else {
            return Ok(Start::Earliest);
        };
        before = Some(oldest.position.clone());
        left -= limit;
    }
    Ok(before.map_or(Start::Earliest, Start::After))
}

fn show(output: &Output, topic: &Topic, stored: &Stored, reading: Reading) -> Result<()> {
    let event = match reading {
        Reading::Event(event) => event,
        Reading::Undecodable(reason) => return unreadable(output, topic, stored, &reason),
        Reading::Unresolved(schema) => {
            let reason = format!("its schema {schema:?} is not to be had");
            return unreadable(output, topic, stored, &reason);
        }
    };
    if output.is_terminal() && !output.is_json() {
        return output.text(&line(output, topic, stored, &event));
    }
    let document = match &stored.body {
        Body::Document(document) => single_line(document).into_owned(),
        Body::Fields(_) => event.to_json(),
    };
    if !output.is_json() {
        return output.write(&[&document[..], b"\n"].concat());
    }
    output.json(&Shown {
        topic: topic.as_str(),
        position: stored.position.as_str(),
        received: stored.received.map(|t| t.to_string()),
        key: stored.key.as_ref().map(|k| k.as_str()),
        event: serde_json::from_slice(&document).ok(),
    })
}

/// A line of `--json`. The document is raw: its numbers are not ours to write anew.
#[derive(Serialize)]
struct Shown<'a> {
    topic: &'a str,
    position: &'a str,
    received: Option<String>,
    key: Option<&'a str>,
    event: Option<&'a RawValue>,
}

/// For people: when, where, what, about what. The payload stays out of the terminal's history.
fn line(output: &Output, topic: &Topic, stored: &Stored, event: &Event) -> String {
    let when = stored.received.map_or_else(|| "-".into(), time);
    let key = stored.key.as_ref().map_or("", |key| key.as_str());
    format!(
        "{}  {}  {}  {}  {}",
        output.paint(Tone::Faint, &when),
        output.paint(Tone::Faint, &format!("{topic} {}", stored.position)),
        output.paint(Tone::Strong, event.event_type()),
        key,
        output.paint(Tone::Faint, event.id()),
    )
}

fn unreadable(output: &Output, topic: &Topic, stored: &Stored, reason: &str) -> Result<()> {
    if output.is_json() {
        return output.json(&json!({
            "topic": topic.as_str(),
            "position": stored.position.as_str(),
            "received": stored.received.map(|t| t.to_string()),
            "unreadable": reason,
        }));
    }
    to_stderr(&format!(
        "{topic} {}: unreadable: {reason}",
        stored.position
    ));
    Ok(())
}
