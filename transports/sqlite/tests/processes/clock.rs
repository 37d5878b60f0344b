//! The wall clock jumps, back and forth, under processes that run.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::child::{Other, Role, runtime, this_program, wait_for};
use crate::kills::{drain, in_order, nothing_lost};

/// Where the clock stands, in seconds from the true time, one after the other.
const JUMPS: [i64; 6] = [3_600, -3_600, 0, -30, 86_400, -1];
/// Events that must get through after each jump.
const PROGRESS: usize = 50;

#[test]
fn jumps_of_the_clock_lose_nothing_and_hold_nothing_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let clock = folder.join("clock");
    set(&clock, 0);
    let mut started = 0;
    let mut start = |role: Role| {
        started += 1;
        let program = by_a_clock_of_its_own(&clock);
        Other::start_by(program, folder, role, &format!("{role:?}{started}"))
    };
    let publisher = start(Role::Publish);
    let (mut consumed, mut old) = (Vec::new(), start(Role::Consume));
    let mut new = start(Role::Consume);
    for seconds in JUMPS {
        set(&clock, seconds);
        // Whoever was there goes on.
        let published = publisher.noted().len() + PROGRESS;
        wait_for("the publisher to go on", || {
            publisher.noted().len() > published
        });
        let seen = old.noted().len() + new.noted().len() + PROGRESS;
        wait_for("the consumers to go on", || {
            old.noted().len() + new.noted().len() > seen
        });
        // What the one that dies had in hand, by the clock of the moment, comes to the other.
        consumed.push(old.kill());
        old = new;
        new = start(Role::Consume);
    }
    let acknowledged = publisher.kill();
    consumed.push(old.kill());
    consumed.push(new.kill());
    // By the true clock again.
    consumed.push(runtime().block_on(drain(folder)));
    nothing_lost(&acknowledged, &consumed);
    for notes in &consumed {
        in_order(notes);
    }
}

/// Moves the clock of those that run by it. In one step: half a line would be another time.
fn set(clock: &Path, seconds: i64) {
    let next = clock.with_extension("next");
    std::fs::write(&next, format!("{seconds:+}\n")).expect("a file");
    std::fs::rename(&next, clock).expect("a name");
}

/// Runs this program so that the wall clock, and only that, stands where the file says.
fn by_a_clock_of_its_own(clock: &Path) -> Command {
    let library = PathBuf::from(format!(
        "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1",
        std::env::consts::ARCH
    ));
    assert!(
        library.exists(),
        "{} is missing: install the package libfaketime (scripts/setup.sh test does)",
        library.display()
    );
    let mut command = this_program();
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("NO_FAKE_STAT", "1");
    command
}
