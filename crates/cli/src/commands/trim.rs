//! `tidings trim`

use std::collections::HashSet;

use serde_json::json;
use tidings::{Retention, RetentionPolicy};
use tidings_telemetry::Telemetry;
use tidings_transport::{Count, Group, TopicInfo, Trimmed};

use crate::args::{LimitArgs, TrimArgs};
use crate::bus::Bus;
use crate::consent::Consent;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, Table, Tone, age, bytes, counted, number, to_stderr};
use crate::settings::FILE_NAME;
use crate::signals::Shutdown;

/// A topic, what it is to keep, and what that means.
struct Row {
    info: TopicInfo,
    rule: Retention,
    trimmed: Trimmed,
    /// How many the hard cap takes from groups that had not settled them.
    taken: u64,
}

/// Removes old events, or says what would go.
pub async fn run(args: TrimArgs, shutdown: Shutdown, telemetry: Telemetry) -> Result<Exit> {
    let output = Output::new(args.output);
    let limits = limits(&args.limits)?;
    let bus = Bus::open_to_look(&args.bus)
        .await?
        .with_telemetry(telemetry);
    let mut names = args.topic.clone();
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let policy = policy(&bus, &names, limits)?;
    let consent =
        (!args.dry_run).then(|| Consent::find(args.consent, "trim removes events for good"));
    let consent = consent.transpose()?;
    let mut rows = Vec::new();
    for (info, rule) in chosen(&bus, &policy, &names).await? {
        if !args.force && !args.dry_run {
            must_be_ours(&bus, &policy, &info).await?;
        }
        rows.push(trim(&bus, info, rule, true).await?);
    }
    if names.is_empty() {
        tell_idle(&bus, &policy).await?;
    }
    let Some(consent) = consent else {
        report(&output, &rows, true)?;
        return Ok(Exit::Ok);
    };
    if matches!(consent, Consent::Ask) {
        to_stderr(&text(&rows, true));
    }
    consent.obtain("Remove them?", &shutdown).await?;
    for row in &mut rows {
        *row = trim(&bus, row.info.clone(), row.rule.clone(), false).await?;
        row.info = bus.transport().topic(&row.info.topic).await?;
    }
    report(&output, &rows, false)?;
    let Some(every) = args.every else {
        return Ok(Exit::Ok);
    };
    tokio::select! {
        () = bus.retainer(policy).every(every).run() => {}
        () = shutdown.asked() => {}
    }
    Ok(Exit::Ok)
}

/// The limits of the command line, if it has any.
fn limits(args: &LimitArgs) -> Result<Option<Retention>> {
    let given = args.max_age.is_some() || args.max_len.is_some() || args.hard_max_len.is_some();
    if !given && args.group_ttl.is_some() {
        let what = "--group-ttl limits nothing alone";
        return Err(Failure::new(Exit::Usage, what)
            .remedy("give --max-age, --max-len or --hard-max-len, too"));
    }
    let mut limits = Retention::default();
    limits.max_age = args.max_age;
    limits.max_len = args.max_len;
    limits.hard_max_len = args.hard_max_len;
    limits.group_ttl = args.group_ttl.unwrap_or(limits.group_ttl);
    Ok(given.then_some(limits))
}

/// The rules that hold: those of the command line for the topics named there, or those of the file.
fn policy(bus: &Bus, topics: &[String], limits: Option<Retention>) -> Result<RetentionPolicy> {
    match limits {
        Some(limits) => {
            let mut policy = RetentionPolicy::default();
            for topic in topics {
                policy = policy.rule(topic, limits.clone())?;
            }
            Ok(policy)
        }
        None if bus.retention().is_empty() => {
            let what =
                format!("nothing says what to keep: no limits, no `retention` in {FILE_NAME}");
            Err(Failure::new(Exit::Usage, what)
                .remedy("give --topic TOPIC with --max-age 30d, --max-len N or --hard-max-len N"))
        }
        None => Ok(bus.retention().clone()),
    }
}

/// The topics to trim, each with its rule. One that was named must be there, and have a rule.
async fn chosen(
    bus: &Bus,
    policy: &RetentionPolicy,
    names: &[String],
) -> Result<Vec<(TopicInfo, Retention)>> {
    if names.is_empty() {
        return Ok(bus.retainer(policy.clone()).topics().await?);
    }
    let mut chosen = Vec::with_capacity(names.len());
    for name in names {
        let rule = policy.of(name).ok_or_else(|| {
            let what = format!("no rule of `retention` in {FILE_NAME} is for topic {name}");
            Failure::new(Exit::Usage, what).remedy("give limits: --max-age 30d, --max-len N")
        })?;
        let info = bus.transport().topic(&bus.topic(name)?).await?;
        chosen.push((info, rule.clone()));
    }
    Ok(chosen)
}

/// Refuses a stream of another program that shares the server.
async fn must_be_ours(bus: &Bus, policy: &RetentionPolicy, info: &TopicInfo) -> Result<()> {
    if bus.retainer(policy.clone()).is_ours(&info.topic).await? {
        return Ok(());
    }
    let what = format!(
        "the newest entry of {} is no event: it may be a stream of another program",
        info.topic
    );
    Err(Failure::new(Exit::Usage, what)
        .remedy("add --force if it is to be trimmed all the same; nothing was removed"))
}

/// Says which rules do nothing.
async fn tell_idle(bus: &Bus, policy: &RetentionPolicy) -> Result<()> {
    let topics = bus.topics().await?;
    let names = topics.iter();
    let names: Vec<&str> = names
        .filter_map(|info| bus.namespace().name_of(&info.topic))
        .collect();
    for topics in policy.idle(&names) {
        to_stderr(&format!(
            "note: the rule of retention for {topics:?} holds for no topic: none is called so, or an \
             earlier rule takes it"
        ));
    }
    Ok(())
}

async fn trim(bus: &Bus, info: TopicInfo, rule: Retention, dry_run: bool) -> Result<Row> {
    let mut freely = None;
    if let Some(hard) = rule.hard_max_len {
        let mut asked = rule.clone();
        asked.max_len = Some(rule.max_len.map_or(hard, |max| max.min(hard)));
        (asked.hard_max_len, asked.dry_run) = (None, true);
        freely = Some(bus.transport().trim(&info.topic, &asked).await?.removed);
    }
    let mut asked = rule.clone();
    asked.dry_run = dry_run;
    let trimmed = bus.transport().trim(&info.topic, &asked).await?;
    let taken = freely.map_or(0, |freely| trimmed.removed.saturating_sub(freely));
    Ok(Row {
        info,
        rule,
        trimmed,
        taken,
    })
}

fn report(output: &Output, rows: &[Row], dry_run: bool) -> Result<()> {
    if !output.is_json() {
        return output.text(&text(rows, dry_run));
    }
    rows.iter().try_for_each(|row| {
        let needed_by: Vec<_> = row.trimmed.needed_by.iter().map(Group::as_str).collect();
        output.json(&json!({
            "topic": row.info.topic.as_str(),
            "trimmed": !dry_run,
            "events": row.info.length,
            "bytes": row.info.bytes,
            "removed": row.trimmed.removed,
            "taken": row.taken,
            "spared": row.trimmed.spared,
            "needed_by": needed_by,
        }))
    })
}

/// The table for people, and why something is spared, or is not.
fn text(rows: &[Row], dry_run: bool) -> String {
    if rows.is_empty() {
        return "no topic has a rule of retention".to_owned();
    }
    let (events, removed) = match dry_run {
        true => (">EVENTS", ">WOULD GO"),
        false => (">EVENTS LEFT", ">WENT"),
    };
    let mut table = Table::new(&["TOPIC", events, ">SIZE", removed, ">SPARED", "NEEDED BY"]);
    for Row { info, trimmed, .. } in rows {
        let groups = names(&trimmed.needed_by);
        let tone = |n| if n > 0 { Tone::Warning } else { Tone::Plain };
        table.row(vec![
            (info.topic.to_string(), Tone::Strong),
            (number(info.length), Tone::Plain),
            (info.bytes.map_or("-".to_owned(), bytes), Tone::Plain),
            (number(trimmed.removed), Tone::Plain),
            (number(trimmed.spared), tone(trimmed.spared)),
            (groups.unwrap_or_else(|| "-".to_owned()), Tone::Plain),
        ]);
    }
    let mut lines = vec![table.render(false)];
    lines.extend(rows.iter().filter_map(|row| why(row, dry_run)));
    lines.join("\n")
}

fn why(row: &Row, dry_run: bool) -> Option<String> {
    let Row { info, trimmed, .. } = row;
    let groups = names(&trimmed.needed_by)?;
    let (topic, ttl) = (&info.topic, age(row.rule.group_ttl));
    let mut lines = Vec::new();
    if row.taken > 0 {
        let takes = if dry_run { "would take" } else { "took" };
        lines.push(format!(
            "{topic}: the hard cap {takes} {} that {groups} had not settled, and that is a gap for them",
            counted(Count::Exactly(row.taken), "event")
        ));
    }
    if trimmed.spared > 0 {
        lines.push(format!(
            "{topic}: {} spared for {groups}, active within {ttl} and not done with them",
            counted(Count::Exactly(trimmed.spared), "event")
        ));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn names(groups: &[Group]) -> Option<String> {
    let names: Vec<_> = groups.iter().map(Group::as_str).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
