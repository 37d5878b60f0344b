//! `tidings replay`

use jiff::Timestamp;
use serde_json::{Value, json};
use tidings::{Replay, ReplayError, ReplayPlan, ReplayProgress, Until};
use tidings_transport::{Count, Key, Position};

use crate::args::ReplayArgs;
use crate::bus::Bus;
use crate::consent::Consent;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, Work, counted, number, progress, time, to_stderr};
use crate::signals::Shutdown;

/// Keys that are named to a person.
const SHOWN: usize = 10;

/// Hands a part of a topic to one group once more, or says what that would be.
pub async fn run(args: ReplayArgs, shutdown: Shutdown) -> Result<Exit> {
    let output = Output::new(args.output);
    let change = "replay makes handlers run again";
    let consent = (!args.dry_run).then(|| Consent::find(args.consent, change));
    let consent = consent.transpose()?;
    let bus = Bus::open_to_look(&args.bus).await?;
    let replay = replay(&bus, &args)?;
    let plan = tokio::select! {
        plan = replay.plan() => plan.map_err(failure)?,
        () = shutdown.asked() => return Ok(shutdown.exit()),
    };
    let Some(consent) = consent else {
        match output.is_json() {
            true => output.json(&plan_as_json(&args, &plan))?,
            false => output.text(&plan_as_text(&args, &plan))?,
        }
        return Ok(Exit::Ok);
    };
    if matches!(consent, Consent::Ask) {
        to_stderr(&plan_as_text(&args, &plan));
    }
    consent.obtain("Replay them?", &shutdown).await?;
    let bar = progress(Work::Events, Some(plan.scanned));
    let mut last = ReplayProgress::default();
    let ran = replay
        .run(shutdown.asked(), |reached| {
            bar.set_position(reached.scanned);
            last = reached.clone();
        })
        .await;
    bar.finish_and_clear();
    match ran {
        Ok(summary) => {
            report(&output, &args, &summary.progress, summary.finished)?;
            match summary.finished {
                true => Ok(Exit::Ok),
                false => {
                    to_stderr(&go_on(&args, &last));
                    Ok(shutdown.exit())
                }
            }
        }
        Err(error) => {
            if last.position.is_some() {
                report(&output, &args, &last, false)?;
            }
            let failure = failure(error);
            Err(match last.end {
                Some(_) => failure.remedy(go_on(&args, &last)),
                None => failure,
            })
        }
    }
}

fn replay(bus: &Bus, args: &ReplayArgs) -> Result<Replay> {
    let mut replay = bus
        .replay(&args.topic, &args.group)?
        .from(args.from.clone())
        .keys(args.key.iter().map(Key::new))
        .types(args.ty.iter().cloned());
    if let Some(until) = &args.until {
        replay = replay.until(until.clone());
    }
    if let Some(rate) = args.rate {
        replay = replay.rate(rate);
    }
    if args.fresh {
        replay = replay.fresh();
    }
    if let Some(position) = &args.resume {
        replay = replay.resume(position.clone());
    }
    Ok(replay)
}

fn failure(error: ReplayError) -> Failure {
    match error {
        ReplayError::Transport(source) => source.into(),
        ReplayError::EndsBeforeItBegins { from, until } => {
            let what =
                format!("--until {until} comes before --from {from}: nothing is between them");
            Failure::new(Exit::Usage, what).remedy(
                "change the two around, or leave --until out to replay up to the newest event",
            )
        }
        error => Failure::new(Exit::Usage, error.to_string()),
    }
}

/// The command that goes on where this one ended.
fn go_on(args: &ReplayArgs, progress: &ReplayProgress) -> String {
    let quote = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let mut line = format!(
        "to go on: tidings replay --topic {} --group {}",
        quote(&args.topic),
        quote(&args.group)
    );
    for (name, values) in [("--key", &args.key), ("--type", &args.ty)] {
        for value in values {
            line.push_str(&format!(" {name} {}", quote(value)));
        }
    }
    if args.fresh {
        line.push_str(" --fresh");
    }
    match (&progress.position, &args.resume) {
        (Some(position), _) | (None, Some(position)) => {
            line.push_str(&format!(" --resume {}", quote(position.as_str())));
        }
        (None, None) => {}
    }
    match (&args.until, &progress.end) {
        (Some(Until::Time(until)), _) => line.push_str(&format!(" --until {until}")),
        (Some(Until::Position(end)), _) | (None, Some(end)) => {
            line.push_str(&format!(" --until {}", quote(end.as_str())));
        }
        _ => {}
    }
    if let Some(rate) = args.rate {
        line.push_str(&format!(" --rate {rate}"));
    }
    line
}

fn report(
    output: &Output,
    args: &ReplayArgs,
    progress: &ReplayProgress,
    finished: bool,
) -> Result<()> {
    if output.is_json() {
        return output.json(&json!({
            "topic": args.topic,
            "group": args.group,
            "finished": finished,
            "replayed": progress.replayed,
            "read": progress.scanned,
            "unreadable": progress.unreadable,
            "position": progress.position.as_ref().map(Position::as_str),
            "end": progress.end.as_ref().map(Position::as_str),
        }));
    }
    let mut line = format!(
        "{} handed to group {}",
        counted(Count::Exactly(progress.replayed), "event"),
        args.group
    );
    if progress.unreadable > 0 {
        line.push_str(&format!(
            ", {} left out: unreadable",
            number(progress.unreadable)
        ));
    }
    if !finished {
        line.push_str("; stopped before the end");
    }
    output.text(&line)
}

fn place(place: Option<&(Position, Option<Timestamp>)>) -> String {
    match place {
        Some((position, Some(received))) => format!("{} ({position})", time(*received)),
        Some((position, None)) => position.to_string(),
        None => "-".to_owned(),
    }
}

fn plan_as_text(args: &ReplayArgs, plan: &ReplayPlan) -> String {
    let mut text = format!(
        "{} of {} events in the range would go to group {}\n  from  {}\n  to    {}\n",
        number(plan.matched),
        number(plan.scanned),
        args.group,
        place(plan.first.as_ref()),
        place(plan.last.as_ref()),
    );
    let mut keys: Vec<_> = plan.keys.iter().collect();
    keys.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    let more = if plan.more_keys { "+" } else { "" };
    text.push_str(&format!("  keys  {}{more}", number(keys.len() as u64)));
    let shown: Vec<_> = keys.iter().take(SHOWN).collect();
    if !shown.is_empty() {
        let named = shown
            .iter()
            .map(|(key, n)| format!("{} ({})", key.as_str(), number(**n)));
        let dots = if keys.len() > SHOWN { ", …" } else { "" };
        text.push_str(&format!(": {}{dots}", named.collect::<Vec<_>>().join(", ")));
    }
    if plan.without_key > 0 {
        text.push_str(&format!("; {} without a key", number(plan.without_key)));
    }
    if plan.unreadable > 0 {
        text.push_str(&format!(
            "\n  {} cannot be read and are left out",
            number(plan.unreadable)
        ));
    }
    text
}

fn plan_as_json(args: &ReplayArgs, plan: &ReplayPlan) -> Value {
    let place = |place: &Option<(Position, Option<Timestamp>)>| {
        place.as_ref().map(|(position, received)| {
            json!({
                "position": position.as_str(),
                "received": received.map(|t| t.to_string()),
            })
        })
    };
    let keys = plan
        .keys
        .iter()
        .map(|(key, n)| (key.as_str().to_owned(), (*n).into()));
    json!({
        "topic": args.topic,
        "group": args.group,
        "matched": plan.matched,
        "read": plan.scanned,
        "unreadable": plan.unreadable,
        "first": place(&plan.first),
        "last": place(&plan.last),
        "keys": keys.collect::<serde_json::Map<_, _>>(),
        "more_keys": plan.more_keys,
        "without_key": plan.without_key,
    })
}
