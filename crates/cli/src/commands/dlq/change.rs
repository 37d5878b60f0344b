//! `tidings dlq retry` and `tidings dlq discard`

use serde_json::json;
use tidings_transport::{Count, Error, Group, Position, Redelivery, Topic};

use super::list::table;
use super::selection::{Letter, letters};
use crate::args::ChangeLettersArgs;
use crate::bus::Bus;
use crate::consent::Consent;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, Work, counted, number, progress, to_stderr};
use crate::signals::Shutdown;

/// Letters of one call.
const BATCH: usize = 200;
/// Letters that are shown before somebody agrees.
const SHOWN: usize = 20;

/// What is done with dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Retry,
    Discard,
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Discard => "discard",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Retry => "handed to their groups once more",
            Self::Discard => "discarded",
        }
    }
}

/// Changes what the filter takes, or says what that would do.
pub async fn run(verb: Verb, args: ChangeLettersArgs, shutdown: &Shutdown) -> Result<Exit> {
    let output = Output::new(args.output);
    let change = match verb {
        Verb::Retry => "retry makes handlers run again",
        Verb::Discard => "discard removes events for good",
    };
    let consent = (!args.dry_run).then(|| Consent::find(args.consent, change));
    let consent = consent.transpose()?;
    let bus = Bus::open_to_look(&args.bus).await?;
    let found = letters(&bus, &args.filter, usize::MAX).await?;
    let waits = |letter: &Letter| verb == Verb::Retry && letter.letter.parked;
    let (waiting, chosen): (Vec<_>, Vec<_>) = found.into_iter().partition(waits);
    if !waiting.is_empty() {
        to_stderr(&format!(
            "{} wait behind a parked key and are left alone: `tidings dlq release` keeps their order",
            number(waiting.len() as u64)
        ));
    }
    let count = number(chosen.len() as u64);
    let Some(consent) = consent else {
        return told(&output, verb, &chosen);
    };
    if chosen.is_empty() {
        return report(&output, verb, 0, 0, waiting.len());
    }
    if matches!(consent, Consent::Ask) {
        to_stderr(&table(&chosen[..chosen.len().min(SHOWN)]).render(false));
        if chosen.len() > SHOWN {
            to_stderr(&format!("… {count} in all"));
        }
    }
    let name = verb.name();
    let question = format!(
        "{}{} {}?",
        name[..1].to_uppercase(),
        &name[1..],
        counted(Count::Exactly(chosen.len() as u64), "dead letter")
    );
    consent.obtain(&question, shutdown).await?;
    let bar = progress(Work::Letters, Some(chosen.len() as u64));
    let (mut done, mut gone) = (0, 0);
    for part in chosen
        .chunk_by(|a, b| (&a.letter.topic, &a.letter.group) == (&b.letter.topic, &b.letter.group))
    {
        for batch in part.chunks(BATCH) {
            for result in apply(&bus, verb, batch).await {
                match result {
                    Ok(()) => done += 1,
                    // Somebody was quicker.
                    Err(e) if e.kind() == tidings_transport::ErrorKind::NotFound => gone += 1,
                    Err(e) => {
                        bar.finish_and_clear();
                        report(&output, verb, done, gone, waiting.len())?;
                        return Err(Failure::from(e));
                    }
                }
            }
            bar.inc(batch.len() as u64);
        }
    }
    bar.finish_and_clear();
    report(&output, verb, done, gone, waiting.len())
}

async fn apply(bus: &Bus, verb: Verb, letters: &[Letter]) -> Vec<Result<(), Error>> {
    let Some(first) = letters.first() else {
        return Vec::new();
    };
    let (topic, group): (&Topic, &Group) = (&first.letter.topic, &first.letter.group);
    let ids: Vec<Position> = letters.iter().map(|l| l.letter.id.clone()).collect();
    match verb {
        Verb::Discard => bus.transport().discard(topic, group, &ids).await,
        Verb::Retry => {
            let again: Vec<_> = ids.into_iter().map(Redelivery::DeadLetter).collect();
            bus.transport().redeliver(topic, group, &again).await
        }
    }
}

/// What would be done.
fn told(output: &Output, verb: Verb, chosen: &[Letter]) -> Result<Exit> {
    if output.is_json() {
        chosen.iter().try_for_each(|l| output.json(&l.as_json()))?;
        return Ok(Exit::Ok);
    }
    if !chosen.is_empty() {
        output.table(&table(chosen))?;
    }
    let count = number(chosen.len() as u64);
    output.text(&format!("{count} would be {}", verb.done()))?;
    Ok(Exit::Ok)
}

fn report(output: &Output, verb: Verb, done: u64, gone: u64, waiting: usize) -> Result<Exit> {
    if output.is_json() {
        output.json(&json!({
            "verb": verb.name(),
            "done": done,
            "gone": gone,
            "left_alone": waiting,
        }))?;
        return Ok(Exit::Ok);
    }
    let mut line = format!("{} {}", number(done), verb.done());
    if gone > 0 {
        line.push_str(&format!(", {} were gone already", number(gone)));
    }
    output.text(&line)?;
    Ok(Exit::Ok)
}
