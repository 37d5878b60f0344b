//! `tidings outbox refused`

use std::collections::HashSet;

use serde_json::{Value, json};
use tidings::outbox::RefusedRow;
use tidings_transport::Count;

use crate::args::{ChooseArgs, RefusedArgs, RefusedCommand};
use crate::consent::Consent;
use crate::database::Site;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, Table, Tone, counted, number, time, to_stderr};
use crate::signals::Shutdown;

/// Rows that are fetched at a time.
const PAGE: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Retry,
    Discard,
}

/// Lists refused rows, retries or discards them.
pub async fn run(args: RefusedArgs, shutdown: Shutdown) -> Result<Exit> {
    match args.command {
        None => list(args).await,
        Some(RefusedCommand::Retry(args)) => change(Verb::Retry, args, shutdown).await,
        Some(RefusedCommand::Discard(args)) => change(Verb::Discard, args, shutdown).await,
    }
}

async fn list(args: RefusedArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let site = Site::find(&args.database)?;
    let rows = all(&site, |row| has_topic(&args.topic, row)).await?;
    show(&output, &rows)?;
    if rows.is_empty() && !output.is_json() {
        to_stderr(&format!("{}: nothing was refused", site.shown()));
    }
    Ok(Exit::Ok)
}

async fn change(verb: Verb, args: ChooseArgs, shutdown: Shutdown) -> Result<Exit> {
    let output = Output::new(args.output);
    let what = match verb {
        Verb::Retry => "retry publishes refused rows",
        Verb::Discard => "discard deletes refused rows for good",
    };
    let consent = (!args.dry_run).then(|| Consent::find(args.consent, what));
    let consent = consent.transpose()?;
    let site = Site::find(&args.database)?;
    let wanted: HashSet<i64> = args.seq.iter().copied().collect();
    let chosen = |row: &RefusedRow| {
        let by_number = !args.topic.is_empty() || args.all || wanted.contains(&row.seq);
        by_number && has_topic(&args.topic, row) && (wanted.is_empty() || wanted.contains(&row.seq))
    };
    let rows = all(&site, chosen).await?;
    if rows.is_empty() {
        return Err(Failure::new(Exit::NoInput, "no refused row is like that")
            .remedy("`tidings outbox refused` lists them"));
    }
    let Some(consent) = consent else {
        show(&output, &rows)?;
        to_stderr(&format!(
            "{}; nothing was changed",
            sentence(verb, rows.len(), "would be")
        ));
        return Ok(Exit::Ok);
    };
    if matches!(consent, Consent::Ask) {
        show(&output, &rows)?;
    }
    let question = match verb {
        Verb::Retry => format!("Retry {}?", of_rows(rows.len())),
        Verb::Discard => format!("Delete {} for good?", of_rows(rows.len())),
    };
    consent.obtain(&question, &shutdown).await?;
    let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    let done = match verb {
        Verb::Retry => site.database.retry(&seqs).await,
        Verb::Discard => site.database.discard(&seqs).await,
    };
    let done = done.map_err(|error| site.failure(error))?;
    let word = if verb == Verb::Retry {
        "retried"
    } else {
        "discarded"
    };
    match output.is_json() {
        true => output.json(&json!({ word: done }))?,
        false => output.text(&sentence(verb, done as usize, "will be"))?,
    }
    Ok(Exit::Ok)
}

fn sentence(verb: Verb, rows: usize, tense: &str) -> String {
    let rows = of_rows(rows);
    match (verb, tense) {
        (Verb::Retry, _) => format!("{rows} {tense} tried once more by the relay"),
        (Verb::Discard, "will be") => format!("{rows} deleted"),
        (Verb::Discard, _) => format!("{rows} {tense} deleted"),
    }
}

fn of_rows(count: usize) -> String {
    counted(Count::Exactly(count as u64), "row")
}

fn has_topic(topics: &[String], row: &RefusedRow) -> bool {
    topics.is_empty() || topics.contains(&row.topic)
}

async fn all(site: &Site, keep: impl Fn(&RefusedRow) -> bool) -> Result<Vec<RefusedRow>> {
    let (mut after, mut found) = (0, Vec::new());
    loop {
        let page = site.database.refused(after, PAGE).await;
        let page = page.map_err(|error| site.failure(error))?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        after = last.seq;
        found.extend(page.into_iter().filter(&keep));
    }
}

fn show(output: &Output, rows: &[RefusedRow]) -> Result<()> {
    if output.is_json() {
        return rows.iter().try_for_each(|row| output.json(&as_json(row)));
    }
    if rows.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&[">SEQ", "TOPIC", "KEY", "REFUSED", ">HOLDS", "REASON"]);
    for row in rows {
        table.row(vec![
            (row.seq.to_string(), Tone::Strong),
            (row.topic.clone(), Tone::Plain),
            (
                row.key.clone().unwrap_or_else(|| "-".to_owned()),
                Tone::Plain,
            ),
            (
                row.refused_at.map_or_else(|| "-".to_owned(), time),
                Tone::Faint,
            ),
            (number(row.holds), Tone::Plain),
            (row.reason.clone(), Tone::Warning),
        ]);
    }
    output.table(&table)
}

fn as_json(row: &RefusedRow) -> Value {
    json!({
        "seq": row.seq,
        "id": row.id,
        "topic": row.topic,
        "key": row.key,
        "refused_at": row.refused_at.map(|at| at.to_string()),
        "holds": row.holds,
        "reason": row.reason,
    })
}
