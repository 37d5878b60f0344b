//! The figures as a person reads them: `docs/performance/README.md`.

use crate::ahead;
use crate::plan::{AXES, Axis, Kind};
use crate::results::{Cell, Measured, Results, Spread};

/// The whole page.
pub fn page(results: &Results) -> String {
    let mut page = String::from(
        "# Tidings among its peers\n\n\
         Written by `make bench-peers` from [results.json](results.json); what the contenders are, how they are\n\
         set, and what the figures say stands in [performance](../performance.md). One factor at a time\n\
         around one base point: an event of 424 bytes of JSON data (a real enrolment), a thousand keys, 16\n\
         concurrent publishers, one topic, one consumer, handlers that take nothing. A figure is the median of\n\
         the rounds, with their range. **Bold** is the best of a language; the bare client has no envelope, no\n\
         order by key, no retries and no books, and stands outside.\n",
    );
    page += &ahead::section(results);
    for axis in AXES {
        if let Some(measured) = results.axes.get(axis.name) {
            page += &section(axis, measured);
        }
    }
    page
}

fn section(axis: &Axis, measured: &Measured) -> String {
    let mut text = format!(
        "\n## {}\n\n![{}]({}.svg)\n",
        axis.title, axis.title, axis.name
    );
    for language in ["Rust", "Python"] {
        let cells: Vec<&Cell> = measured
            .cells
            .iter()
            .filter(|cell| cell.language == language)
            .collect();
        text += &match axis.kind {
            Kind::Bus(_) => bus(language, &cells),
            Kind::Codec(_) => codec(language, &cells),
            Kind::Latency(_) => latency(language, &cells),
            Kind::Footprint => footprint(language, &cells),
        };
    }
    text += "\n<details><summary>Conditions</summary>\n\n";
    for (name, value) in &measured.conditions {
        text += &format!("* {name}: {value}\n");
    }
    text + "\n</details>\n"
}

/// The head of a table.
pub fn head(columns: &[&str]) -> String {
    format!(
        "\n| {} |\n|{}\n",
        columns.join(" | "),
        "---|".repeat(columns.len())
    )
}

fn bus(language: &str, cells: &[&Cell]) -> String {
    let what = format!("{language}: work");
    let mut columns = vec![
        &*what,
        "at",
        "contender",
        "events/s (range)",
        "CPU an event",
        "of the server",
    ];
    let counts = cells.iter().any(|cell| cell.allocations.is_some());
    if counts {
        columns.push("allocations");
    }
    let mut text = head(&columns);
    for cell in cells {
        let best = best(cells, cell, |cell| cell.rate().map(|rate| rate.middle));
        let rate = match (&cell.error, cell.rate()) {
            (Some(error), _) => format!("none: {error}"),
            (None, rate) => emphasised(best, shown(rate, count)),
        };
        let counted = counted(counts, cell);
        text += &format!(
            "| {} | {} | {} | {rate} | {} | {} |{counted}\n",
            cell.work,
            cell.point,
            cell.contender,
            middle(cell.cpu(), time),
            middle(cell.server_cpu(), time),
        );
    }
    text
}

fn codec(language: &str, cells: &[&Cell]) -> String {
    let what = format!("{language}: work");
    let mut columns = vec![&*what, "at", "contender", "CPU an event (range)"];
    let counts = cells.iter().any(|cell| cell.allocations.is_some());
    if counts {
        columns.push("allocations");
    }
    let mut text = head(&columns);
    for cell in cells {
        let best = best(cells, cell, |cell| cell.cpu().map(|time| -time.middle));
        let counted = counted(counts, cell);
        text += &format!(
            "| {} | {} | {} | {} |{counted}\n",
            cell.work,
            cell.point,
            cell.contender,
            emphasised(best, shown(cell.cpu(), time)),
        );
    }
    text
}

/// The last column, where a language can tell.
fn counted(counts: bool, cell: &Cell) -> String {
    match (counts, cell.allocations) {
        (false, _) => String::new(),
        (true, None) => " |".into(),
        (true, Some(count)) => format!(" {count:.1} |"),
    }
}

fn latency(language: &str, cells: &[&Cell]) -> String {
    let mut text = head(&[
        &format!("{language}: events/s"),
        "contender",
        "p50 (range)",
        "p99 (range)",
        "p99.9 (range)",
    ]);
    for cell in cells {
        if let Some(error) = &cell.error {
            text += &format!(
                "| {} | {} | none: {error} | | |\n",
                grouped(&cell.point),
                cell.contender
            );
            continue;
        }
        let wait = |place: usize| {
            let best = best(cells, cell, |cell| {
                cell.wait(place).map(|wait| -wait.middle)
            });
            emphasised(best, shown(cell.wait(place), time))
        };
        text += &format!(
            "| {} | {} | {} | {} | {} |\n",
            grouped(&cell.point),
            cell.contender,
            wait(0),
            wait(1),
            wait(2)
        );
    }
    text
}

fn footprint(language: &str, cells: &[&Cell]) -> String {
    let mut text = head(&[
        &format!("{language}: contender"),
        "from start to published (at most)",
        "memory then",
        "size of the program",
    ]);
    let figure = |cell: &Cell, name: &str, unit: &str| {
        let value = cell.figures.get(name);
        value.map_or(String::new(), |value| format!("{value:.1} {unit}"))
    };
    for cell in cells.iter().filter(|cell| cell.work == "ready") {
        if let Some(error) = &cell.error {
            text += &format!("| {} | none: {error} | | |\n", cell.contender);
            continue;
        }
        text += &format!(
            "| {} | {} ({}) | {} | {} |\n",
            cell.contender,
            figure(cell, "start, ms", "ms"),
            figure(cell, "start at most, ms", "ms"),
            figure(cell, "memory, MiB", "MiB"),
            figure(cell, "size, MiB", "MiB"),
        );
    }
    let held: Vec<_> = cells.iter().filter(|cell| cell.work == "hold").collect();
    if !held.is_empty() {
        text += &head(&["held", "contender", "memory for it"]);
    }
    for cell in held {
        let point =
            cell.point
                .split_once(": ")
                .map_or(cell.point.clone(), |(what, n)| match what {
                    "topics" => format!("{n} topics without events"),
                    _ => format!("{} events, {what}", grouped(n)),
                });
        let memory = figure(cell, "memory, MiB", "MiB");
        text += &format!("| {point} | {} | {memory} |\n", cell.contender);
    }
    text
}

/// Whether nobody but the bare client has more, at the same point.
fn best(cells: &[&Cell], cell: &Cell, value: impl Fn(&Cell) -> Option<f64>) -> bool {
    let Some(own) = value(cell) else { return false };
    let rivals = cells.iter().filter(|other| {
        other.work == cell.work && other.point == cell.point && other.role != "limit"
    });
    cell.role != "limit"
        && rivals
            .filter_map(|rival| value(rival))
            .all(|other| other <= own)
}

fn emphasised(best: bool, text: String) -> String {
    if best { format!("**{text}**") } else { text }
}

fn shown(spread: Option<Spread>, unit: fn(f64) -> String) -> String {
    spread.map_or(String::new(), |Spread { low, middle, high }| {
        format!("{} ({} to {})", unit(middle), unit(low), unit(high))
    })
}

fn middle(spread: Option<Spread>, unit: fn(f64) -> String) -> String {
    spread.map_or(String::new(), |spread| unit(spread.middle))
}

/// Events, shortly: `12.3k`.
pub fn count(value: f64) -> String {
    match value {
        v if v >= 99_500.0 => format!("{:.0}k", v / 1e3),
        v if v >= 9_950.0 => trimmed(v / 1e3, 1) + "k",
        v if v >= 1_000.0 => trimmed(v / 1e3, 2) + "k",
        v => format!("{v:.0}"),
    }
}

/// Mebibytes.
pub fn mib(mib: f64) -> String {
    format!("{} MiB", trimmed(mib, if mib < 10.0 { 1 } else { 0 }))
}

/// Microseconds, in the unit that suits them.
pub fn time(micros: f64) -> String {
    match micros {
        v if v >= 1e6 => trimmed(v / 1e6, 1) + " s",
        v if v >= 1e3 => trimmed(v / 1e3, if v >= 1e4 { 0 } else { 1 }) + " ms",
        v if v >= 1.0 => trimmed(v, if v >= 10.0 { 0 } else { 1 }) + " µs",
        v => format!("{:.0} ns", v * 1e3),
    }
}

fn trimmed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// `40000` as `40,000`; what is no number stays.
pub fn grouped(text: &str) -> String {
    if text.len() < 4 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.to_owned();
    }
    let (head, tail) = text.split_at(text.len() - 3);
    format!("{},{tail}", grouped(head))
}
