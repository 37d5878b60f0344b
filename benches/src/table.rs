//! The rows as a person reads them.

use crate::contest::{Bound, Row, Unit};

/// Prints the rows aligned, one a line.
pub fn render(rows: &[Row]) -> String {
    let mut lines = vec![[
        "measure".to_owned(),
        "ours".to_owned(),
        "peer".to_owned(),
        "ratio (range)".to_owned(),
        "target".to_owned(),
        "".to_owned(),
    ]];
    lines.extend(rows.iter().map(cells));
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// One row alone, for whoever waits for the others.
pub fn line(row: &Row) -> String {
    cells(row).join("  ").trim_end().to_owned()
}

fn cells(row: &Row) -> [String; 6] {
    let bound = match row.unit {
        Unit::Rate => ">=",
        Unit::Time => "<=",
    };
    let (low, high) = row.range;
    let (ratio, target) = match row.bound {
        Bound::Ratio => (
            format!("{:.2} ({low:.2}-{high:.2})", row.measured),
            format!("{bound} {}", row.target),
        ),
        Bound::Excess => (
            format!("{:+.0} µs ({low:+.0}-{high:+.0})", row.measured),
            format!("{bound} {:+.0} µs", row.target),
        ),
        Bound::Figure => (
            format!("({}-{})", figure(row.unit, low), figure(row.unit, high)),
            format!("{bound} {}", figure(row.unit, row.target)),
        ),
    };
    let peer = match row.theirs {
        Some(theirs) => format!("{} {}", figure(row.unit, theirs), row.peer),
        None => String::new(),
    };
    let verdict = if row.reached() { "reached" } else { "MISSED" };
    [
        row.name.clone(),
        figure(row.unit, row.ours),
        peer,
        ratio,
        target,
        verdict.into(),
    ]
}

fn figure(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Rate if value >= 10_000.0 => format!("{:.0}k/s", value / 1_000.0),
        Unit::Rate => format!("{value:.0}/s"),
        Unit::Time => format!("{value:.2} µs"),
    }
}
