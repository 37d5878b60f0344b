//! Start-up, size, and the memory that topics, pending events and lanes take.

use std::path::PathBuf;

use tidings_contender::{Job, Keys, Verb};

use crate::field::{BUSES, Entrant, Role};
use crate::measure::{Stage, cell};
use crate::plan::Setting;
use crate::process::Process;
use crate::results::{Cell, Spread};

/// Each figure of a process of its own.
pub fn measure(stage: &mut Stage) -> Vec<Cell> {
    let mut cells = starts(stage);
    cells.extend(memory(stage));
    cells
}

/// From the start of a process until it has published an event; its memory then; and its size.
fn starts(stage: &mut Stage) -> Vec<Cell> {
    let url = stage.server.url();
    let mut cells: Vec<Cell> = BUSES
        .iter()
        .map(|e| cell(e, Verb::Ready, "start"))
        .collect();
    let mut took = vec![Vec::new(); BUSES.len()];
    for round in 0..=stage.effort.rounds {
        for (n, entrant) in BUSES.iter().enumerate() {
            let process = Process::start(entrant, &stage.programs, &url);
            if round > 0 {
                took[n].push(process.started_in * 1e3);
            }
            cells[n]
                .figures
                .insert("memory, MiB".into(), mib(process.memory));
        }
    }
    for ((cell, took), entrant) in cells.iter_mut().zip(took).zip(BUSES) {
        let took = Spread::of(took).expect("there were rounds");
        cell.figures.insert("start, ms".into(), took.middle);
        cell.figures.insert("start at most, ms".into(), took.high);
        if let Some(size) = entrant.size(&stage.programs) {
            cell.figures.insert("size, MiB".into(), mib(size));
        }
    }
    cells.push(command());
    cells
}

/// The command line, where it is built.
fn command() -> Cell {
    let ours = std::env::current_exe().expect("this program is a file");
    let program: PathBuf = ours.with_file_name("tidings");
    let mut cell = cell(&BUSES[0], Verb::Ready, "start");
    cell.contender = "tidings, the command".into();
    let mut took = Vec::new();
    for _ in 0..10 {
        let began = std::time::Instant::now();
        let ran = std::process::Command::new(&program)
            .arg("--version")
            .stdout(std::process::Stdio::null())
            .status();
        match ran {
            Ok(status) if status.success() => took.push(began.elapsed().as_secs_f64() * 1e3),
            other => {
                cell.error = Some(format!("{}: {other:?}", program.display()));
                return cell;
            }
        }
    }
    let took = Spread::of(took).expect("it ran");
    cell.figures.insert("start, ms".into(), took.middle);
    cell.figures.insert("start at most, ms".into(), took.high);
    cell
}

/// What is taken of memory by topics without events, by events in hand of one key, and by such of a
/// thousand keys.
fn memory(stage: &mut Stage) -> Vec<Cell> {
    let mut cells = Vec::new();
    let rust: Vec<Entrant> = BUSES
        .iter()
        .filter(|entrant| entrant.language == "Rust" && entrant.role != Role::Limit)
        .copied()
        .collect();
    for topics in [1, 10, 200] {
        for entrant in &rust {
            let setting = Setting {
                topics,
                ..Setting::default()
            };
            cells.push(held(stage, entrant, &setting, "topics", topics, 0));
        }
    }
    // A lane holds no more than that: what is behind it stays with the server.
    let in_hand = [("one lane", Keys::One, &[500][..])];
    let lanes = (
        "lanes of their own",
        Keys::Uniform,
        &[500, 5_000, 50_000][..],
    );
    for (what, keys, counts) in in_hand.into_iter().chain([lanes]) {
        for events in counts {
            let setting = Setting {
                keys,
                ..Setting::default()
            };
            cells.push(held(stage, &rust[0], &setting, what, *events, *events));
        }
    }
    cells
}

/// By how much a new process grows when it consumes and nothing is ever done.
fn held(
    stage: &mut Stage,
    entrant: &Entrant,
    setting: &Setting,
    what: &str,
    point: usize,
    events: usize,
) -> Cell {
    let url = stage.server.url();
    stage.server.empty();
    let mut process = Process::start(entrant, &stage.programs, &url);
    let mut job = setting.job(Verb::Hold, &url);
    job.group = "holding".into();
    job.events = events;
    if events > 0 {
        let seed = Job {
            streams: vec!["seed".into()],
            events: 1_008,
            seconds: 60.0,
            ..setting.job(Verb::Publish, &url)
        };
        process.ask(&seed);
        stage.server.multiply("seed", &job.streams, events);
        // What publishing left behind is not what holding takes.
        process = Process::start(entrant, &stage.programs, &url);
    }
    let answer = process.ask(&job);
    let mut cell = cell(entrant, Verb::Hold, &format!("{what}: {point}"));
    cell.figures
        .insert("memory, MiB".into(), mib(answer.memory));
    let in_hand = stage.server.pending(&job.streams, &job.group);
    cell.error = answer.error.or_else(|| {
        (in_hand < events).then(|| format!("only {in_hand} of {events} events came in hand"))
    });
    cell
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
