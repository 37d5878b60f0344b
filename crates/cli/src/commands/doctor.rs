//! `tidings doctor`

use std::cmp::Reverse;
use std::time::Duration;

use serde_json::json;
use tidings::Reading;
use tidings_transport::{Count, Finding, GroupInfo, Severity, Topic, TopicInfo};

use crate::args::DoctorArgs;
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, Tone, age, count, counted, number, to_stderr};

/// What is behind for longer, without anybody working on it, is worth a warning.
const STUCK: Duration = Duration::from_secs(15 * 60);

/// Looks for what endangers events on this bus.
pub async fn run(args: DoctorArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let bus = Bus::open(&args.bus).await?;
    let log = bus.transport().ping().await?;
    let mut findings = bus.transport().diagnose().await?;
    let topics = topics(&bus, &args).await?;
    if let Some(prefix) = bus.namespace().prefix() {
        findings.extend(foreign_prefix(prefix, &topics));
    }
    for info in &topics {
        for group in bus.transport().groups(&info.topic).await? {
            findings.extend(of_group(&info.topic, &group));
        }
        findings.extend(unreadable(&bus, info, args.sample).await?);
    }
    findings.sort_by_key(|finding| Reverse(finding.severity));
    report(&output, &bus.shown(), &log, topics.len(), &findings)?;
    let worst = findings.iter().map(|f| f.severity).max();
    Ok(match worst {
        Some(Severity::Error) => Exit::Failed,
        Some(Severity::Warning) if args.strict => Exit::Failed,
        _ => Exit::Ok,
    })
}

async fn topics(bus: &Bus, args: &DoctorArgs) -> Result<Vec<TopicInfo>> {
    let mut topics = bus.transport().topics().await?;
    if !args.topic.is_empty() {
        let wanted = bus.topics_or_all(&args.topic).await?;
        topics.retain(|info| wanted.contains(&info.topic));
    }
    Ok(topics)
}

/// A prefix that no topic has is the commonest reason why nothing arrives.
fn foreign_prefix(prefix: &str, topics: &[TopicInfo]) -> Option<Finding> {
    let start = format!("{prefix}-");
    let has = |info: &TopicInfo| info.topic.as_str().starts_with(&start);
    (!topics.is_empty() && !topics.iter().any(has)).then(|| Finding {
        severity: Severity::Warning,
        code: "prefix-mismatch",
        what: format!("no topic of this log begins with the prefix {prefix:?}"),
        remedy: "check that producers and consumers have the same prefix (`?prefix=`, \
                 EVENT_BUS_TOPIC_PREFIX)"
            .into(),
    })
}

fn of_group(topic: &Topic, group: &GroupInfo) -> Vec<Finding> {
    let name = &group.group;
    let mut findings = Vec::new();
    let mut find = |severity, code, what: String, remedy: &str| {
        findings.push(Finding {
            severity,
            code,
            what,
            remedy: remedy.into(),
        });
    };
    let behind = group.lag.events != Count::Exactly(0);
    if behind && group.consumers.is_empty() {
        find(
            Severity::Warning,
            "group-without-consumer",
            format!(
                "group {name} of {topic} is {} behind, the oldest from {} ago, and has no consumer",
                counted(group.lag.events, "event"),
                age(group.lag.age)
            ),
            "start its consumer, or remove the group if nobody needs it",
        );
    } else if behind && group.lag.age > STUCK {
        find(
            Severity::Warning,
            "group-behind",
            format!(
                "group {name} of {topic} has an unsettled event from {} ago ({} behind, {} in \
                 hand)",
                age(group.lag.age),
                count(group.lag.events),
                number(group.pending)
            ),
            "look at the logs of its consumer; a slow handler needs more --concurrency",
        );
    }
    if group.dead_letters > 0 {
        find(
            Severity::Warning,
            "dead-letters",
            format!(
                "group {name} of {topic} has {}",
                counted(Count::Exactly(group.dead_letters), "dead letter")
            ),
            "they are kept with their reasons; mend the handler, then publish them again",
        );
    }
    if group.lost != Count::Exactly(0) {
        find(
            Severity::Error,
            "gap",
            format!(
                "group {name} of {topic} lost {} before it read them",
                counted(group.lost, "event")
            ),
            "find who trims or evicts (MAXLEN of older producers, maxmemory-policy), and fill \
             the gap from the owner of the data",
        );
    }
    findings
}

/// Reads the newest entries as a consumer would.
async fn unreadable(bus: &Bus, info: &TopicInfo, sample: usize) -> Result<Option<Finding>> {
    let decoder = bus.decoder();
    let (mut bad, mut example) = (0_u64, None);
    let newest = bus.transport().read_back(&info.topic, None, sample).await?;
    for stored in newest.into_iter().rev() {
        if let Reading::Undecodable(reason) = decoder.resolve(&stored.body).await? {
            bad += 1;
            example.get_or_insert((stored.position, reason));
        }
    }
    Ok(example.map(|(position, reason)| Finding {
        severity: Severity::Warning,
        code: "unreadable-entries",
        what: format!(
            "{} of the newest {sample} entries of {} cannot be read, first at {position}: {reason}",
            number(bad),
            info.topic
        ),
        remedy: "consumers keep them as dead letters; mend the producer, or add the definition \
                 of the type with --catalog"
            .into(),
    }))
}

fn report(
    output: &Output,
    bus: &str,
    log: &str,
    topics: usize,
    findings: &[Finding],
) -> Result<()> {
    if output.is_json() {
        return findings.iter().try_for_each(|finding| {
            output.json(&json!({
                "severity": finding.severity.to_string(),
                "code": finding.code,
                "what": finding.what,
                "remedy": finding.remedy,
            }))
        });
    }
    for finding in findings {
        let tone = match finding.severity {
            Severity::Error => Tone::Bad,
            Severity::Warning => Tone::Warning,
            _ => Tone::Faint,
        };
        let head = format!("{}[{}]", finding.severity, finding.code);
        output.text(&format!("{}: {}", output.paint(tone, &head), finding.what))?;
        if !finding.remedy.is_empty() {
            output.text(&format!("  help: {}", finding.remedy))?;
        }
    }
    let serious = findings.iter().any(|f| f.severity > Severity::Info);
    let verdict = match serious {
        true => "see above",
        false => "nothing endangers events here",
    };
    to_stderr(&format!(
        "{bus}: {log}, {}: {verdict}",
        counted(Count::Exactly(topics as u64), "topic")
    ));
    Ok(())
}
