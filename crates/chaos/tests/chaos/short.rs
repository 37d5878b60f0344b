//! Some seconds of each scenario: the books balance.

use super::run;

fn balances(scenario: &str) {
    let (code, report, told) = run(&["--scenario", scenario]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(report["balanced"], true, "{told}");
    assert!(report["committed"].as_u64() > Some(1_000), "{told}");
    for kind in ["KillConsumer", "KillRelay", "KillWriter", "StopConsumer"] {
        assert!(report["faults"][kind].as_u64() > Some(0), "{kind}: {told}");
    }
}

#[test]
fn postgres_and_redis() {
    balances("postgres-redis");
}

#[test]
fn mariadb_and_redis() {
    balances("mariadb-redis");
}

#[test]
fn sqlite_and_sqlite() {
    balances("sqlite-sqlite");
}

#[cfg(feature = "kafka")]
#[test]
fn postgres_and_kafka() {
    balances("postgres-kafka");
}
