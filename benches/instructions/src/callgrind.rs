//! A process under callgrind.

use std::env;
use std::io;
use std::process::Command;

use crate::cases::Case;

/// How many instructions one event more takes.
///
/// # Errors
/// When valgrind is missing, or the case fails.
pub fn instructions_per_event(case: &Case) -> io::Result<u64> {
    let few = instructions(case.name, case.events / 10)?;
    let many = instructions(case.name, case.events + case.events / 10)?;
    Ok((many - few) / case.events as u64)
}

fn instructions(case: &str, events: usize) -> io::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["--run", case, &events.to_string()])
        .output()
        .map_err(|e| io::Error::new(e.kind(), format!("valgrind cannot be run: {e}")))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(io::Error::other(told.into_owned()));
    }
    // `==123== Collected : 4567`
    let collected = told.lines().find_map(|line| line.split_once("Collected :"));
    collected
        .and_then(|(_, count)| count.trim().parse().ok())
        .ok_or_else(|| io::Error::other(format!("callgrind told no count: {told}")))
}
