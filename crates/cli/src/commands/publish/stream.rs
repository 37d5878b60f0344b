//! Documents from files and standard input.

use std::collections::VecDeque;

use tidings::{Prepared, PublishError};

use super::batch::Sender;
use crate::args::PublishArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::input::{Feed, Item, Place, Source, feed};
use crate::output::{Work, progress, to_stderr};
use crate::signals::Shutdown;

/// What `--atomic` holds at most, in bytes of documents.
const SPOOL: usize = 256 * 1024 * 1024;
/// Documents of one call to the bus.
const BATCH: usize = 1_000;

/// Publishes all that the sources hold.
pub async fn publish(mut sender: Sender, args: &PublishArgs, shutdown: Shutdown) -> Result<Exit> {
    let sources = Source::named(&args.files);
    let total: Option<u64> = sources.iter().map(Source::length).sum();
    let progress = progress(Work::Bytes, total);
    let mut input = feed(sources)?;
    let mut spool = Spool::default();
    loop {
        let fed = tokio::select! {
            fed = input.recv() => fed,
            () = shutdown.asked() => return Ok(stopped(&sender, args, &shutdown)),
        };
        match fed {
            None => break,
            Some(Feed::Failed(failure)) => {
                sender.unread(&failure);
                if args.atomic {
                    return Err(nothing(failure.exit()));
                }
            }
            Some(Feed::Items(items, bytes)) => {
                progress.inc(bytes);
                let good = sort_out(&mut sender, &items, args)?;
                match args.atomic {
                    true => spool.hold(good)?,
                    false => sender.send(good).await?,
                }
            }
        }
    }
    progress.finish_and_clear();
    if args.atomic {
        if sender.has_bad() {
            return Err(nothing(Exit::Data));
        }
        while let Some(batch) = spool.next() {
            sender.send(batch).await?;
        }
    }
    Ok(sender.conclude())
}

/// An item on its way.
type Parcel = (Place, Result<Prepared, PublishError>);

/// Tells of what is no event, and returns the rest. What is to go together or not at all is told
/// of at once when it breaks a rule.
fn sort_out(sender: &mut Sender, items: &[Item], args: &PublishArgs) -> Result<Vec<Parcel>> {
    let mut good = Vec::with_capacity(items.len());
    for item in items {
        match sender.prepare(item) {
            Ok(Err(error)) if args.atomic => sender.refused(&item.place, &error)?,
            Ok(prepared) => good.push((item.place.clone(), prepared)),
            Err(problem) => sender.bad(&item.place, *problem)?,
        }
    }
    Ok(good)
}

/// Documents that wait until all are known to be good.
#[derive(Default)]
struct Spool {
    held: VecDeque<Parcel>,
    bytes: usize,
}

impl Spool {
    fn hold(&mut self, documents: Vec<Parcel>) -> Result<()> {
        let prepared = documents.iter().flat_map(|(_, prepared)| prepared);
        let records = prepared.flat_map(Prepared::records);
        self.bytes += records.map(|record| record.body.len()).sum::<usize>();
        if self.bytes > SPOOL {
            return Err(Failure::new(
                Exit::Data,
                format!("--atomic holds at most {SPOOL} bytes, and the input has more; nothing was published"),
            )
            .remedy("publish it in parts, or without --atomic"));
        }
        self.held.extend(documents);
        Ok(())
    }

    fn next(&mut self) -> Option<Vec<Parcel>> {
        let count = self.held.len().min(BATCH);
        (count > 0).then(|| self.held.drain(..count).collect())
    }
}

fn nothing(exit: Exit) -> Failure {
    Failure::new(
        exit,
        "nothing was published, since --atomic was given and the input is not good",
    )
}

fn stopped(sender: &Sender, args: &PublishArgs, shutdown: &Shutdown) -> Exit {
    if args.atomic {
        to_stderr("stopped; nothing was published");
    } else {
        sender.conclude();
    }
    shutdown.exit()
}
