//! Where a peer does better than Tidings: said first, and found by the program, not by us.

use crate::plan::{AXES, Kind};
use crate::results::{Cell, Results};
use crate::tables::{grouped, head};

/// Every row in which a peer does better than the best of ours in its language.
pub fn section(results: &Results) -> String {
    let mut rows = Vec::new();
    let mut compared = 0;
    for axis in AXES {
        let Some(measured) = results.axes.get(axis.name) else {
            continue;
        };
        for cell in measured.cells.iter().filter(|cell| cell.role == "peer") {
            for (what, value) in goods(&axis.kind) {
                let ours = measured
                    .cells
                    .iter()
                    .filter(|c| {
                        (&c.work, &c.point, &c.language)
                            == (&cell.work, &cell.point, &cell.language)
                            && c.role == "ours"
                    })
                    .filter_map(value)
                    .fold(None, |best: Option<f64>, value| {
                        Some(best.map_or(value, |best| best.max(value)))
                    });
                let (Some(ours), Some(theirs)) = (ours, value(cell)) else {
                    continue;
                };
                compared += 1;
                if theirs > ours {
                    rows.push(format!(
                        "| {} | {} | {} | {what} | {} | {:.2} |\n",
                        axis.title,
                        cell.work,
                        grouped(&cell.point),
                        cell.contender,
                        // What is better the smaller it is stands here as a negative number.
                        if ours < 0.0 {
                            ours / theirs
                        } else {
                            theirs / ours
                        },
                    ));
                }
            }
        }
    }
    let mut text = format!(
        "\n## Where a peer is ahead\n\n{} of {compared} comparisons of a peer with ours at the same point; \
         why is said in [performance](../performance.md#where-a-peer-is-ahead).\n",
        rows.len()
    );
    if !rows.is_empty() {
        text += &head(&["axis", "work", "at", "figure", "peer", "times better"]);
        text += &rows.concat();
    }
    text
}

/// What counts at an axis, so that more is better.
fn goods(kind: &Kind) -> Vec<Good> {
    match kind {
        Kind::Bus(_) => vec![("events/s", |cell| cell.rate().map(|rate| rate.middle))],
        Kind::Codec(_) => vec![("CPU", |cell| cell.cpu().map(|time| -time.middle))],
        Kind::Latency(_) => vec![
            ("p50", |cell| cell.wait(0).map(|wait| -wait.middle)),
            ("p99", |cell| cell.wait(1).map(|wait| -wait.middle)),
        ],
        Kind::Footprint => vec![
            ("start", |cell| {
                cell.figures.get("start, ms").map(|value| -value)
            }),
            ("memory", |cell| {
                cell.figures.get("memory, MiB").map(|value| -value)
            }),
            ("size", |cell| {
                cell.figures.get("size, MiB").map(|value| -value)
            }),
        ],
    }
}

/// A figure by its name.
type Good = (&'static str, fn(&Cell) -> Option<f64>);
