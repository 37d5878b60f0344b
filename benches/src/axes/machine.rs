//! Under which conditions the figures hold.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::measure::Stage;

/// Machine, versions, settings, method, and when.
pub fn conditions(stage: &Stage) -> BTreeMap<String, String> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    let packages = [
        "tidings",
        "edx-event-bus-redis",
        "openedx-events",
        "faststream",
        "cloudevents",
        "fastavro",
        "redis",
    ];
    let python = versions(&stage.programs.python, &packages);
    let now = jiff::Timestamp::now()
        .strftime("%Y-%m-%d %H:%M UTC")
        .to_string();
    let effort = stage.effort;
    let method = format!(
        "contenders alternate, in another order each round; one round of warming up, then {} of {} s; medians and ranges",
        effort.rounds, effort.seconds
    );
    [
        ("when", now),
        (
            "machine",
            format!(
                "{cores} cores, {}, shared by the server and its clients; load {load} before",
                processor()
            ),
        ),
        (
            "redis",
            format!(
                "{}, no append-only file, no snapshots",
                first_line("redis-server", &["--version"])
            ),
        ),
        ("rust", locked()),
        ("python", python),
        ("method", method),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split(": ").nth(1));
    name.unwrap_or("unknown processor").to_owned()
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    // `Redis server v=7.0.15 sha=… malloc=…`: the version is what matters.
    line.split(" sha=").next().unwrap_or_default().to_owned()
}

/// The versions of the Rust peers, as their lock says.
fn locked() -> String {
    let lock = include_str!("../../peers/Cargo.lock");
    let names = [
        "sea-streamer-redis",
        "ruststream",
        "ruststream-fred",
        "redis",
        "cloudevents-sdk",
        "apache-avro",
    ];
    let version = |name: &&str| {
        let entry = format!("name = \"{name}\"\nversion = \"");
        let (_, rest) = lock.split_once(&entry)?;
        Some(format!("{name} {}", rest.split('"').next()?))
    };
    let versions: Vec<String> = names.iter().filter_map(version).collect();
    format!(
        "{}; {}",
        first_line("rustc", &["--version"]),
        versions.join(", ")
    )
}

fn versions(python: &std::path::Path, packages: &[&str]) -> String {
    let program = "import platform, sys\nfrom importlib.metadata import version\n\
        print(platform.python_version() + '; ' + ', '.join(f'{p} {version(p)}' for p in sys.argv[1:]))";
    let output = Command::new(python)
        .args(["-c", program])
        .args(packages)
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_default()
}
