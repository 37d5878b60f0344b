//! Some weeks on each log: flat, and nothing lost.

use std::process::Command;

use serde_json::Value;

fn passes(log: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_tidings-chaos"))
        .args(["year", "--log", log, "--days", "84", "--day-ms", "250"])
        .args(["--events", "100"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let told = said.clone() + &String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_str(&said).unwrap_or(Value::Null);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(report["published"], 8_400, "{told}");
    assert_eq!(
        (&report["gaps"], &report["lost"]),
        (&0.into(), &0.into()),
        "{told}"
    );
    assert!(
        report["lost_to_the_group_given_up"].as_u64() > Some(0),
        "{told}"
    );
    assert!(report["kept"].as_u64() < Some(4_200), "{told}");
}

#[test]
fn on_a_file() {
    passes("sqlite");
}

#[test]
fn on_redis() {
    passes("redis");
}
