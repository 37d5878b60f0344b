//! `tidings groups acknowledge` and `tidings groups remove`

use serde_json::json;
use tidings_transport::{Count, Group, GroupInfo, Topic};

use crate::args::ChangeGroupArgs;
use crate::bus::Bus;
use crate::consent::Consent;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, count_as_json, counted, to_stderr};
use crate::signals::Shutdown;

/// What is done to groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Acknowledge,
    Remove,
}

/// Changes a group on its topics, or says what that would do.
pub async fn run(verb: Verb, args: ChangeGroupArgs, shutdown: &Shutdown) -> Result<Exit> {
    let output = Output::new(args.output);
    let change = match verb {
        Verb::Acknowledge => "acknowledge ends the alarm for what a group lost",
        Verb::Remove => "remove takes a group and its dead letters away for good",
    };
    let consent = (!args.dry_run).then(|| Consent::find(args.consent, change));
    let consent = consent.transpose()?;
    let bus = Bus::open_to_look(&args.bus).await?;
    let group = Group::new(&args.group)?;
    let mut found = Vec::with_capacity(args.topic.len());
    for name in &args.topic {
        let topic = bus.topic(name)?;
        let info = find(&bus, &topic, &group).await?;
        if verb == Verb::Remove && !info.consumers.is_empty() {
            let what = format!(
                "group {group} of {topic} is consumed by {}",
                info.consumers.join(", ")
            );
            return Err(Failure::new(Exit::Usage, what)
                .remedy("stop these first: they would make it anew; nothing was changed"));
        }
        found.push((topic, info));
    }
    let Some(consent) = consent else {
        for (topic, info) in &found {
            tell(&output, verb, topic, info, true)?;
        }
        return Ok(Exit::Ok);
    };
    if matches!(consent, Consent::Ask) {
        for (topic, info) in &found {
            to_stderr(&words(verb, topic, info, true));
        }
    }
    let question = match verb {
        Verb::Acknowledge => "Acknowledge that?",
        Verb::Remove => "Remove for good?",
    };
    consent.obtain(question, shutdown).await?;
    for (topic, mut info) in found {
        match verb {
            Verb::Acknowledge => {
                info.lost = bus.transport().acknowledge_losses(&topic, &group).await?;
            }
            Verb::Remove => bus.transport().remove_group(&topic, &group).await?,
        }
        tell(&output, verb, &topic, &info, false)?;
    }
    Ok(Exit::Ok)
}

async fn find(bus: &Bus, topic: &Topic, group: &Group) -> Result<GroupInfo> {
    let groups = bus.transport().groups(topic).await?;
    let found = groups.into_iter().find(|info| info.group == *group);
    found.ok_or_else(|| {
        Failure::new(Exit::NoInput, format!("topic {topic} has no group {group}"))
            .remedy("`tidings groups` lists those that there are; nothing was changed")
    })
}

fn tell(output: &Output, verb: Verb, topic: &Topic, info: &GroupInfo, dry_run: bool) -> Result<()> {
    if !output.is_json() {
        return output.text(&words(verb, topic, info, dry_run));
    }
    let (lost, lost_is) = count_as_json(info.lost);
    output.json(&json!({
        "topic": topic.as_str(),
        "group": info.group.as_str(),
        "acknowledged": verb == Verb::Acknowledge && !dry_run,
        "removed": verb == Verb::Remove && !dry_run,
        "lost": lost,
        "lost_is": lost_is,
        "dead_letters": info.dead_letters,
    }))
}

fn words(verb: Verb, topic: &Topic, info: &GroupInfo, dry_run: bool) -> String {
    let group = &info.group;
    let lost = counted(info.lost, "lost event");
    match (verb, dry_run) {
        (Verb::Acknowledge, true) => format!("group {group} of {topic}: {lost}"),
        (Verb::Acknowledge, false) => format!("group {group} of {topic}: {lost} acknowledged"),
        (Verb::Remove, dry_run) => format!(
            "group {group} of {topic} {}, with its position, {} unsettled and {}",
            if dry_run { "would go" } else { "is removed" },
            counted(info.lag.events, "event"),
            counted(Count::Exactly(info.dead_letters), "dead letter"),
        ),
    }
}
