//! What a run prints.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::books::Balance;
use crate::plan::{Fault, Kind, Plan};
use crate::scenario::Scenario;

/// A line on standard error.
pub fn to_stderr(text: &str) {
    // Nobody reads any more: then nobody is to be told.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A line on standard output.
pub fn to_stdout(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// How far a run is, for a person who waits.
pub struct Progress {
    bar: ProgressBar,
    events: i64,
    target: i64,
    done: usize,
    faults: usize,
}

impl Progress {
    pub fn new(plan: &Plan) -> Self {
        let bar = match io::stderr().is_terminal() {
            true => ProgressBar::with_draw_target(
                Some(plan.events.unsigned_abs()),
                ProgressDrawTarget::stderr_with_hz(4),
            ),
            false => ProgressBar::hidden(),
        };
        let style = ProgressStyle::with_template(
            "{bar:30} {pos} of {len} events committed, {elapsed}, {msg}",
        );
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self {
            bar,
            events: 0,
            target: plan.events,
            done: 0,
            faults: plan.faults.len(),
        }
    }

    pub fn events(&mut self, committed: i64) {
        self.events = self.events.max(committed);
        self.bar.set_position(self.events.unsigned_abs());
    }

    pub fn reached(&self) -> bool {
        self.events >= self.target
    }

    pub fn fault(&mut self, fault: &Fault) {
        self.done += 1;
        let (done, faults) = (self.done, self.faults);
        self.bar
            .set_message(format!("fault {done} of {faults}: {}", fault.kind.words()));
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// What a run came to.
pub struct Report {
    pub scenario: Scenario,
    pub seed: u64,
    pub took: Duration,
    pub faults: BTreeMap<Kind, usize>,
    /// Whether everything was settled in the end.
    pub rests: bool,
    pub balance: Balance,
}

impl Report {
    /// Whether the books balance.
    pub fn balances(&self) -> bool {
        self.rests && self.balance.findings.is_empty()
    }

    /// Prints it.
    pub fn print(&self, as_json: bool) {
        match as_json {
            true => self.print_json(),
            false => self.print_text(),
        }
    }

    fn print_json(&self) {
        let faults: BTreeMap<_, _> = self
            .faults
            .iter()
            .map(|(kind, count)| (format!("{kind:?}"), count))
            .collect();
        let findings: Vec<_> = self
            .balance
            .findings
            .iter()
            .map(
                |f| json!({"code": f.code, "what": f.what, "count": f.count, "samples": f.samples}),
            )
            .collect();
        to_stdout(
            &json!({
                "scenario": self.scenario.to_string(),
                "seed": self.seed,
                "seconds": self.took.as_secs(),
                "faults": faults,
                "committed": self.balance.committed,
                "effects": self.balance.effects,
                "poisoned": self.balance.poisoned,
                "repeated": self.balance.repeated,
                "given_up": self.balance.given_up,
                "forgotten": self.balance.forgotten,
                "came_to_rest": self.rests,
                "findings": findings,
                "balanced": self.balances(),
            })
            .to_string(),
        );
    }

    fn print_text(&self) {
        let (scenario, seed, took) = (self.scenario, self.seed, self.took.as_secs());
        to_stdout(&format!("{scenario}, seed {seed}, {took} s"));
        for (kind, count) in &self.faults {
            to_stdout(&format!("  {count:>7}  {}", kind.words()));
        }
        let balance = &self.balance;
        for (count, what) in [
            (balance.committed, "events committed"),
            (balance.effects, "effects"),
            (
                balance.poisoned,
                "poisoned, which belong into the dead letters",
            ),
            (
                balance.repeated,
                "records repeated in the log, which the inbox must stop",
            ),
        ] {
            to_stdout(&format!("  {count:>7}  {what}"));
        }
        for (count, what) in [
            (
                balance.given_up,
                "acknowledged by Redis and gone when it was killed, as everysec allows",
            ),
            (
                balance.forgotten,
                "ends of deliveries confirmed by Redis and forgotten in the same way",
            ),
        ] {
            if count > 0 {
                to_stdout(&format!("  {count:>7}  {what}"));
            }
        }
        if !self.rests {
            to_stdout("  it did not come to rest: the outbox or the group has something left");
        }
        for finding in &balance.findings {
            let samples = finding.samples.join(", ");
            let (count, what) = (finding.count, finding.what);
            to_stdout(&format!("  WRONG: {count} {what}: {samples}"));
        }
        to_stdout(match self.balances() {
            true => "the books balance",
            false => "the books do not balance",
        });
    }
}
