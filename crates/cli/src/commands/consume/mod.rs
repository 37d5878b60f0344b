//! `tidings consume`

mod exec;
mod print;

use std::process;

use serde_json::json;
use tidings::{Breaker, ConsumeError, Consumer, Handler, OnFailure, RetryPolicy, Summary};
use tidings_telemetry::Telemetry;
use tidings_transport::{Gap, Opened, Ordering, Topic};

use crate::args::{ConsumeArgs, ModeArg, OnFailureArg, OrderingArg};
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::monitoring::Monitoring;
use crate::output::{counted, number, to_stderr};
use crate::settings::Settings;
use crate::signals::Shutdown;

/// Joins a group and prints events, or hands each to a command.
pub async fn run(args: ConsumeArgs, shutdown: Shutdown, telemetry: Telemetry) -> Result<Exit> {
    let monitoring = Monitoring::bind(&args.monitoring, telemetry).await?;
    let exec = match &args.exec {
        Some(command) => Some(exec::Exec::new(command.clone(), monitoring.telemetry()).await?),
        None => None,
    };
    let settings = Settings::resolve(&args.bus)?;
    if !matches!(args.validate, ModeArg::Off) && settings.catalogs.origin.is_none() {
        let what = "--validate has no catalog to hold events to";
        return Err(Failure::new(Exit::Config, what)
            .remedy("name one: --catalog DIR, TIDINGS_CATALOG, or `catalog` in tidings.toml"));
    }
    let is_new = tidings::is_new_file(&settings.bus);
    let bus = tokio::select! {
        bus = Bus::open_patiently(&settings, args.give_up_after) => bus?,
        () = shutdown.asked() => return Ok(shutdown.exit()),
    };
    if is_new && !args.output.json {
        to_stderr(&format!(
            "note: {} is new; if it should be there, look at its path (named by {})",
            bus.shown(),
            settings.bus_origin
        ));
    }
    let bus = bus.with_telemetry(monitoring.telemetry());
    let topics = bus.topics_or_all(&args.topic).await?;
    let _monitored = monitoring.start(&bus, topics);
    let _retaining = bus.retain();
    match exec {
        Some(handler) => {
            let (summary, ()) = consume(&bus, &args, &shutdown, handler, || ()).await?;
            conclude(&args, summary, &shutdown)
        }
        None => {
            let handler = print::Print::new(shutdown.clone());
            let broken = handler.broken();
            let (summary, broken) =
                consume(&bus, &args, &shutdown, handler, || broken.take()).await?;
            match broken {
                Some(error) => Err(Failure::stream("standard output", error)),
                None => conclude(&args, summary, &shutdown),
            }
        }
    }
}

/// Runs the consumer, and then asks the handler what only it knows.
async fn consume<H: Handler, T>(
    bus: &Bus,
    args: &ConsumeArgs,
    shutdown: &Shutdown,
    handler: H,
    after: impl FnOnce() -> T,
) -> Result<(Summary, T)> {
    let consumer = consumer(bus, args, handler);
    let summary = consumer.run(shutdown.asked()).await.map_err(failure)?;
    Ok((summary, after()))
}

fn consumer<H: Handler>(bus: &Bus, args: &ConsumeArgs, handler: H) -> Consumer<H> {
    let mut builder = bus
        .consumer(&args.group)
        .topics(&args.topic)
        .name(format!("tidings-{}", process::id()))
        .ordering(match args.ordering {
            OrderingArg::Key => Ordering::Key,
            OrderingArg::None => Ordering::None,
        })
        .concurrency(usize::from(args.concurrency))
        .lease(args.lease)
        .drain(args.drain)
        .retry(retry(args))
        .on_failure(match args.on_failure {
            OnFailureArg::ParkKey => OnFailure::ParkKey,
            OnFailureArg::Skip => OnFailure::Skip,
            OnFailureArg::Stop => OnFailure::Stop,
        })
        .breaker(Breaker::default().keys(usize::from(args.breaker)))
        .max_parked_keys(args.max_parked_keys as usize)
        .on_gap(report_gap);
    builder = builder.validation(args.validate.into());
    if let Some(service) = args.service.as_deref().or(bus.service()) {
        if !matches!(args.validate, ModeArg::Off) {
            bus.tell_uncontracted(service);
        }
        builder = builder.service(service);
    }
    if let Some(from) = &args.from {
        builder = builder.from(from.clone());
        if !args.output.json {
            let group = args.group.clone();
            builder = builder.on_open(move |opened| tell_where_it_stays(&group, opened));
        }
    }
    if let Some(max) = args.max {
        builder = builder.max_events(max);
    }
    if let Some(quiet) = args.until_idle {
        builder = builder.until_idle(quiet);
    }
    if let Some(away) = args.give_up_after {
        builder = builder.give_up_after(away);
    }
    builder.handler(handler)
}

fn retry(args: &ConsumeArgs) -> RetryPolicy {
    let mut retry = RetryPolicy::default().max_attempts(args.max_attempts);
    retry.timeout = args.timeout;
    retry.max_elapsed = args.retry_for;
    retry
}

/// Whoever wrote `--from` may have meant to move the group.
fn tell_where_it_stays(group: &str, opened: &[(Topic, Opened)]) {
    for (topic, opened) in opened.iter().filter(|(_, opened)| opened.existed) {
        to_stderr(&format!(
            "note: the group {group} of {topic} exists and goes on after {}: --from says where a new \
             group begins, and `tidings seek` moves one",
            opened.position
        ));
    }
}

fn report_gap(gap: &Gap) {
    to_stderr(&format!(
        "warning: {} lost to group {} of {}: {}",
        counted(gap.lost, "event"),
        gap.group,
        gap.topic,
        gap.cause
    ));
}

fn conclude(args: &ConsumeArgs, summary: Summary, shutdown: &Shutdown) -> Result<Exit> {
    let counts = summary.counts;
    if args.output.json {
        to_stderr(
            &json!({
                "group": args.group,
                "delivered": counts.delivered,
                "retried": counts.retried,
                "dead_letters": counts.dead,
                "parked": counts.parked + counts.followed,
                "breaker_opened": counts.breaker_opened,
                "gaps": counts.gaps,
                "given_back": summary.abandoned,
            })
            .to_string(),
        );
    } else {
        let mut line = format!("{} delivered", number(counts.delivered));
        for (count, what) in [
            (counts.retried, "retried"),
            (counts.dead, "to the dead letters"),
            (
                counts.parked + counts.followed,
                "parked among the dead letters",
            ),
            (counts.gaps, "gaps"),
            (summary.abandoned as u64, "given back"),
        ] {
            if count > 0 {
                line.push_str(&format!(", {} {what}", number(count)));
            }
        }
        to_stderr(&line);
    }
    let settled = counts.delivered + counts.dead + counts.parked + counts.followed;
    // To be asked to end is the ordinary end of a consumer, unless it had a goal to reach.
    let reached = args.max.is_none_or(|max| settled >= max);
    match reached && args.until_idle.is_none() {
        true => Ok(Exit::Ok),
        false => Ok(shutdown.exit()),
    }
}

fn failure(error: ConsumeError) -> Failure {
    let exit = match &error {
        ConsumeError::Invalid { .. } => Exit::Usage,
        ConsumeError::Transport { source, .. } => Failure::exit_of(source),
        ConsumeError::GaveUp { .. } => Exit::Unavailable,
        _ => Exit::Failed,
    };
    Failure::new(exit, error.to_string())
}
