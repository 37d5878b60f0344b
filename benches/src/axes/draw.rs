//! A plot for each axis, and the page with the tables.

use std::{fs, io};

use crate::plan::{AXES, Axis, Kind};
use crate::plot::{Panel, Scale, Series, draw};
use crate::results::{Cell, Measured, Results, Spread, folder};
use crate::tables;

/// Draws what there is.
pub fn all(results: &Results) -> io::Result<()> {
    for axis in AXES {
        let Some(measured) = results.axes.get(axis.name) else {
            continue;
        };
        let panels = panels(axis, measured);
        if panels.is_empty() {
            continue;
        }
        let columns = match axis.kind {
            Kind::Latency(_) => 3,
            _ => panels.len().min(2),
        };
        let svg = draw(axis.title, columns, &panels);
        fs::write(folder().join(format!("{}.svg", axis.name)), svg)?;
    }
    fs::write(folder().join("README.md"), tables::page(results))
}

fn panels(axis: &Axis, measured: &Measured) -> Vec<Panel> {
    match axis.kind {
        Kind::Bus(_) => by_language(measured, |language, cells| {
            works(cells)
                .into_iter()
                .map(|work| {
                    let title = format!("{language}: {work}, events a second");
                    panel(
                        axis,
                        title,
                        cells,
                        &work,
                        Scale::Log,
                        tables::count,
                        Cell::rate,
                    )
                })
                .collect()
        }),
        Kind::Codec(_) => works(&measured.cells.iter().collect::<Vec<_>>())
            .into_iter()
            .map(|work| {
                let cells: Vec<&Cell> = measured.cells.iter().collect();
                let title = format!("{work}: processor time of an event");
                panel(
                    axis,
                    title,
                    &cells,
                    &work,
                    Scale::Log,
                    tables::time,
                    Cell::cpu,
                )
            })
            .collect(),
        Kind::Latency(_) => by_language(measured, |language, cells| {
            [("p50", 0), ("p99", 1), ("p99.9", 2)]
                .into_iter()
                .map(|(name, place)| {
                    let title = format!("{language}: {name}");
                    let value = move |cell: &Cell| cell.wait(place);
                    panel(
                        axis,
                        title,
                        cells,
                        "receive",
                        Scale::Log,
                        tables::time,
                        value,
                    )
                })
                .collect()
        }),
        Kind::Footprint => memory(measured),
    }
}

fn by_language(measured: &Measured, panels: impl Fn(&str, &[&Cell]) -> Vec<Panel>) -> Vec<Panel> {
    let of = |language: &str| {
        let cells = measured
            .cells
            .iter()
            .filter(|cell| cell.language == language);
        panels(language, &cells.collect::<Vec<_>>())
    };
    let mut all = of("Rust");
    all.extend(of("Python"));
    all
}

/// In the order in which they were measured.
fn works(cells: &[&Cell]) -> Vec<String> {
    unique(cells.iter().map(|cell| cell.work.clone()))
}

fn unique(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut all = Vec::new();
    for value in values {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

fn panel(
    axis: &Axis,
    title: String,
    cells: &[&Cell],
    work: &str,
    scale: Scale,
    unit: fn(f64) -> String,
    value: impl Fn(&Cell) -> Option<Spread>,
) -> Panel {
    let cells: Vec<&&Cell> = cells.iter().filter(|cell| cell.work == work).collect();
    let points = unique(cells.iter().map(|cell| cell.point.clone()));
    let names = unique(cells.iter().map(|cell| cell.contender.clone()));
    let series = names.into_iter().map(|name| Series {
        class: class(&name),
        values: points
            .iter()
            .map(|point| {
                let found = cells
                    .iter()
                    .find(|c| c.contender == name && c.point == *point);
                found.and_then(|cell| value(cell))
            })
            .collect(),
        name,
    });
    Panel {
        title,
        label: axis.label.into(),
        series: series.collect(),
        points: points.iter().map(|point| tables::grouped(point)).collect(),
        scale,
        unit,
    }
}

/// What topics without events take, and events in hand.
fn memory(measured: &Measured) -> Vec<Panel> {
    let panel = |title: &str, label: &str, what: &str| {
        // A cell's point says what is held, and how much of it: `topics: 10`.
        let of = |cell: &Cell| {
            let (held, count) = cell.point.split_once(": ")?;
            (cell.work == "hold" && held == what).then(|| Cell {
                point: count.to_owned(),
                ..cell.clone()
            })
        };
        let cells: Vec<Cell> = measured.cells.iter().filter_map(of).collect();
        let points = unique(cells.iter().map(|cell| cell.point.clone()));
        let names = unique(cells.iter().map(|cell| cell.contender.clone()));
        let series = names.into_iter().map(|name| {
            let value = |point: &String| {
                let mut found = cells.iter();
                let cell = found.find(|c| c.contender == name && c.point == *point)?;
                Spread::of(cell.figures.get("memory, MiB").copied())
            };
            Series {
                class: class(&name),
                values: points.iter().map(value).collect(),
                name,
            }
        });
        Panel {
            title: title.into(),
            label: label.into(),
            series: series.collect(),
            points: points.iter().map(|point| tables::grouped(point)).collect(),
            scale: Scale::Log,
            unit: tables::mib,
        }
    };
    vec![
        panel("Memory of consuming, without events", "topics", "topics"),
        panel(
            "Memory of events in hand",
            "events in hand, of a thousand keys",
            "lanes of their own",
        ),
    ]
}

/// Ours is blue, the bare client grey and dashed, the others have colours of their own.
fn class(name: &str) -> &'static str {
    match name {
        "Tidings" | "tidings.openedx" => "ours",
        "Tidings, unordered" | "tidings (Python)" => "also",
        "bare client" => "limit",
        "ruststream" | "FastStream" | "cloudevents (Python)" | "fastavro" => "other",
        _ => "peer",
    }
}
