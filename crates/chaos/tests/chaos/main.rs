//! A short run of each scenario, and a run for each planted bug.
//!
//! A failure prints the seed, which `cargo run -p tidings-chaos -- run --scenario … --seed N`
//! repeats.

mod planted;
mod short;
mod year;

use std::process::Command;

use serde_json::Value;

/// Runs the harness; what it says in the end.
fn run(arguments: &[&str]) -> (Option<i32>, Value, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tidings-chaos"))
        .args(["run", "--json"])
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let told = said.clone() + &String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_str(&said).unwrap_or(Value::Null);
    (output.status.code(), report, told)
}
