//! `tidings dlq list`

use super::selection::{Letter, letters};
use crate::args::LettersArgs;
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, Table, Tone, number, time, to_stderr};

/// What a message may take of a line.
const MESSAGE: usize = 60;

/// Lists dead letters.
pub async fn run(args: LettersArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let bus = Bus::open_to_look(&args.bus).await?;
    let found = letters(&bus, &args.filter, args.limit.saturating_add(1)).await?;
    let more = found.len() > args.limit;
    let shown = &found[..found.len().min(args.limit)];
    if output.is_json() {
        shown.iter().try_for_each(|l| output.json(&l.as_json()))?;
    } else if shown.is_empty() {
        to_stderr("no dead letters");
    } else {
        output.table(&table(shown))?;
    }
    if more {
        let limit = number(args.limit as u64);
        to_stderr(&format!("there are more than {limit}; --limit shows more"));
    }
    Ok(Exit::Ok)
}

/// One letter a line.
pub fn table(letters: &[Letter]) -> Table {
    let mut table = Table::new(&[
        "TOPIC",
        "GROUP",
        "ID",
        "STATE",
        "TYPE",
        "KEY",
        ">ATTEMPTS",
        "LAST FAILURE",
        "REASON",
        "MESSAGE",
    ]);
    for found in letters {
        let letter = &found.letter;
        let reason = letter.reason.as_ref();
        let ty = match &found.event {
            Ok(event) => (event.event_type().to_owned(), Tone::Strong),
            Err(_) => ("unreadable".to_owned(), Tone::Bad),
        };
        let plain = |text: String| (text, Tone::Plain);
        table.row(vec![
            plain(letter.topic.to_string()),
            plain(letter.group.to_string()),
            plain(letter.id.to_string()),
            plain(found.state().to_owned()),
            ty,
            plain(
                letter
                    .key
                    .as_ref()
                    .map_or("-", |key| key.as_str())
                    .to_owned(),
            ),
            plain(number(u64::from(letter.attempts))),
            plain(reason.map_or_else(|| "-".to_owned(), |r| time(r.last_failure))),
            plain(reason.map_or("-", |r| r.class.as_str()).to_owned()),
            plain(reason.map_or_else(|| "-".to_owned(), |r| cut(&r.message))),
        ]);
    }
    table
}

/// The first line, and not too much of it.
fn cut(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    match line.char_indices().nth(MESSAGE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
