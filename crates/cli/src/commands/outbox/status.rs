//! `tidings outbox status`

use serde_json::json;

use crate::args::StatusArgs;
use crate::database::Site;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, Table, Tone, age, number};

/// Shows how full the outbox is.
pub async fn run(args: StatusArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let site = Site::find(&args.database)?;
    let status = site.database.status().await;
    let status = status.map_err(|error| site.failure(error))?;
    if output.is_json() {
        output.json(&json!({
            "depth": status.depth,
            "depth_exact": status.depth_exact,
            "oldest_seconds": status.oldest.map(|age| age.as_secs_f64()),
            "refused": status.refused,
            "held": status.held,
        }))?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&[">WAITING", ">OLDEST", ">REFUSED", ">HELD"]);
    let depth = match status.depth_exact {
        true => number(status.depth),
        false => format!("<={}", number(status.depth)),
    };
    let tone = |n| if n > 0 { Tone::Warning } else { Tone::Plain };
    let oldest = status.oldest.map_or_else(|| "-".to_owned(), age);
    table.row(vec![
        (depth, Tone::Strong),
        (oldest, Tone::Plain),
        (number(status.refused), tone(status.refused)),
        (number(status.held), tone(status.held)),
    ]);
    output.table(&table)?;
    Ok(Exit::Ok)
}
