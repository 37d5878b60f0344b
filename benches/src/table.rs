//! The rows as a person reads them.

use crate::contest::{Row, Unit};

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
    for row in rows {
        let bound = match row.unit {
            Unit::Rate => ">=",
            Unit::Time => "<=",
        };
        let (ratio, target) = match row.theirs {
            Some(_) => (
                format!("{:.2} ({:.2}-{:.2})", row.ratio, row.range.0, row.range.1),
                format!("{bound} {}", row.target),
            ),
            None => (
                format!(
                    "({}-{})",
                    figure(row.unit, row.range.0),
                    figure(row.unit, row.range.1)
                ),
                format!("{bound} {}", figure(row.unit, row.target)),
            ),
        };
        let peer = match row.theirs {
            Some(theirs) => format!("{} {}", figure(row.unit, theirs), row.peer),
            None => String::new(),
        };
        let verdict = if row.reached() { "reached" } else { "MISSED" };
        lines.push([
            row.name.clone(),
            figure(row.unit, row.ours),
            peer,
            ratio,
            target,
            verdict.into(),
        ]);
    }
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

fn figure(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Rate if value >= 10_000.0 => format!("{:.0}k/s", value / 1_000.0),
        Unit::Rate => format!("{value:.0}/s"),
        Unit::Time => format!("{value:.2} µs"),
    }
}
