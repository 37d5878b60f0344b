//! `tidings doctor`

mod entries;
mod groups;
mod names;
mod outbox;

use std::cmp::Reverse;

use serde_json::json;
use tidings_transport::{
    Count, Error as BusError, ErrorKind, Finding, GroupInfo, Severity, Topic, TopicInfo,
};

use crate::args::DoctorArgs;
use crate::bus::Bus;
use crate::database::Site;
use crate::exit::Exit;
use crate::failure::{Result, with_remedy};
use crate::output::{Output, Tone, counted, to_stderr};
use names::Named;

/// Looks for what endangers events on this bus, and in the outbox of a database. That one of them
/// does not answer keeps nobody from hearing of the other.
pub async fn run(args: DoctorArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let site = Site::find_if_named(&args.database)?;
    let mut findings = Vec::new();
    let seen = look(&args, &mut findings).await;
    let of_outbox = match &site {
        Some(site) => outbox::of_outbox(site).await,
        None => Ok(Vec::new()),
    };
    let of_outbox = of_outbox.map(|found| findings.extend(found));
    findings.sort_by_key(|finding| Reverse(finding.severity));
    report(&output, &findings)?;
    match (seen, of_outbox) {
        // For programs the findings say it all.
        (Ok(_), Ok(())) if output.is_json() => {}
        (Ok(seen), Ok(())) => seen.conclude(&findings),
        (Err(failure), Ok(())) => return Err(failure),
        (Ok(_), Err(failure)) => return Err(failure),
        (Err(failure), Err(other)) => {
            to_stderr(&format!("error: {other}"));
            return Err(failure);
        }
    }
    let worst = findings.iter().map(|f| f.severity).max();
    Ok(match worst {
        Some(Severity::Error) => Exit::Failed,
        Some(Severity::Warning) if args.strict => Exit::Failed,
        _ => Exit::Ok,
    })
}

/// What was looked at.
struct Seen {
    bus: String,
    log: String,
    topics: usize,
}

impl Seen {
    /// The last line for people.
    fn conclude(&self, findings: &[Finding]) {
        let serious = findings.iter().any(|f| f.severity > Severity::Info);
        let verdict = match serious {
            true => "see above",
            false => "nothing endangers events here",
        };
        let (bus, log) = (&self.bus, &self.log);
        let topics = counted(Count::Exactly(self.topics as u64), "topic");
        to_stderr(&format!("{bus}: {log}, {topics}: {verdict}"));
    }
}

/// Looks at the bus, as far as it lets itself be looked at.
async fn look(args: &DoctorArgs, findings: &mut Vec<Finding>) -> Result<Seen> {
    let bus = Bus::open_to_look(&args.bus).await?;
    let log = bus.transport().ping().await?;
    findings.extend(bus.transport().diagnose().await?);
    let topics = topics(&bus, args).await?;
    let mut named = Vec::with_capacity(topics.len());
    let mut ours = 0;
    for info in &topics {
        let groups = bus.transport().groups(&info.topic).await;
        let groups = allowed(groups, || format!("the groups of {}", info.topic))?;
        // Of topics with another prefix only the names are looked at.
        let heard = groups.as_ref().ok().map(|groups| !groups.is_empty());
        named.push(Named { info, heard });
        let Some(called) = bus.namespace().name_of(&info.topic) else {
            continue;
        };
        ours += 1;
        match groups {
            Ok(groups) => {
                for group in &groups {
                    let found = of_group(&bus, &info.topic, called, group).await;
                    let what = || format!("the losses of group {} of {}", group.group, info.topic);
                    findings.extend(allowed(found, what)?.unwrap_or_else(|refused| vec![refused]));
                }
            }
            Err(refused) => findings.push(refused),
        }
        let unreadable = entries::unreadable(&bus, info, args.sample).await;
        let what = || format!("the entries of {}", info.topic);
        findings.extend(allowed(unreadable, what)?.unwrap_or_else(Some));
    }
    findings.extend(names::findings(bus.namespace().prefix(), &named));
    Ok(Seen {
        bus: bus.shown(),
        log,
        topics: ours,
    })
}

async fn of_group(
    bus: &Bus,
    topic: &Topic,
    called: &str,
    group: &GroupInfo,
) -> Result<Vec<Finding>, BusError> {
    let lost = group.lost != Count::Exactly(0);
    let loss = match lost {
        true => bus.transport().losses(topic, &group.group).await?,
        false => None,
    };
    let cause = loss.as_ref().map(|gap| gap.cause.as_str());
    Ok(groups::findings(bus.scheme(), topic, called, group, cause))
}

/// What this user may not look at is a finding, and keeps nobody from hearing of the rest.
fn allowed<T>(
    looked: Result<T, BusError>,
    what: impl FnOnce() -> String,
) -> Result<Result<T, Finding>> {
    match looked {
        Ok(found) => Ok(Ok(found)),
        Err(error) if error.kind() == ErrorKind::Denied => Ok(Err(Finding::new(
            Severity::Warning,
            "not-allowed",
            format!("{} cannot be looked at: {error}", what()),
            "let this user read it, or run doctor as one who may",
        ))),
        Err(error) => Err(error.into()),
    }
}

async fn topics(bus: &Bus, args: &DoctorArgs) -> Result<Vec<TopicInfo>> {
    let mut topics = bus.transport().topics().await?;
    if !args.topic.is_empty() {
        let wanted = bus.topics_or_all(&args.topic).await?;
        topics.retain(|info| wanted.contains(&info.topic));
    }
    Ok(topics)
}

fn report(output: &Output, findings: &[Finding]) -> Result<()> {
    for finding in findings {
        if output.is_json() {
            output.json(&json!({
                "severity": finding.severity.to_string(),
                "code": finding.code,
                "what": finding.what,
                "remedy": finding.remedy,
            }))?;
            continue;
        }
        let tone = match finding.severity {
            Severity::Error => Tone::Bad,
            Severity::Warning => Tone::Warning,
            _ => Tone::Faint,
        };
        let head = format!("{}[{}]", finding.severity, finding.code);
        let what = format!("{}: {}", output.paint(tone, &head), finding.what);
        output.text(&with_remedy(what, &finding.remedy))?;
    }
    Ok(())
}
