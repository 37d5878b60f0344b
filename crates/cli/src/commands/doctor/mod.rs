//! `tidings doctor`

mod entries;
mod groups;
mod names;
mod outbox;

use std::cmp::Reverse;

use serde_json::json;
use tidings_transport::{Count, Finding, Severity, TopicInfo};

use crate::args::DoctorArgs;
use crate::bus::Bus;
use crate::database::Site;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, Tone, counted, to_stderr, with_remedy};
use names::Named;

/// Looks for what endangers events on this bus.
pub async fn run(args: DoctorArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let bus = Bus::open(&args.bus).await?;
    let log = bus.transport().ping().await?;
    let mut findings = bus.transport().diagnose().await?;
    let topics = topics(&bus, &args).await?;
    let mut named = Vec::with_capacity(topics.len());
    for info in &topics {
        let groups = bus.transport().groups(&info.topic).await?;
        for group in &groups {
            findings.extend(groups::findings(&info.topic, group));
        }
        findings.extend(entries::unreadable(&bus, info, args.sample).await?);
        let heard = !groups.is_empty();
        named.push(Named { info, heard });
    }
    findings.extend(names::findings(bus.namespace().prefix(), &named));
    if let Some(site) = Site::find_if_named(&args.database)? {
        findings.extend(outbox::of_outbox(&site).await?);
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
        let what = format!("{}: {}", output.paint(tone, &head), finding.what);
        output.text(&with_remedy(what, &finding.remedy))?;
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
