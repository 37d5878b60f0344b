//! In place, for a terminal: a few lines that change, and above them what happened.

use std::collections::VecDeque;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tidings_transport::Count;

use super::{View, words};
use crate::commands::demo::happening::{Happening, Progress, What};
use crate::commands::demo::plan::Service;
use crate::failure::{Failure, Result};
use crate::output::{Output, Tone, age, count, number};

const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// How many looks at the lag the curve shows.
const CURVE: usize = 48;

/// The lines that change.
struct Lines {
    all: MultiProgress,
    clock: ProgressBar,
    discovery: ProgressBar,
    bus: ProgressBar,
    lms: ProgressBar,
}

/// The view of a terminal.
pub struct Panel {
    output: Output,
    lines: Option<Lines>,
    length: Duration,
    /// The process of each service, `None` while it is dead.
    pids: [Option<u32>; 2],
    lags: VecDeque<u64>,
}

impl Panel {
    pub fn new(output: Output) -> Self {
        Self {
            output,
            lines: None,
            length: Duration::ZERO,
            pids: [None; 2],
            lags: VecDeque::with_capacity(CURVE),
        }
    }

    fn begin(&mut self) {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout_with_hz(10));
        let line = |template: &str| {
            let style = ProgressStyle::with_template(template)
                .expect("the templates of this file are valid")
                .progress_chars("━╸─");
            all.add(ProgressBar::new(self.length.as_millis() as u64).with_style(style))
        };
        let clock = line("  {bar:48.cyan/dim}  {msg}");
        let [discovery, bus, lms] = [(); 3].map(|()| line("  {prefix:10.bold} {msg}"));
        discovery.set_prefix("discovery");
        bus.set_prefix("bus");
        lms.set_prefix("lms");
        self.lines = Some(Lines {
            all,
            clock,
            discovery,
            bus,
            lms,
        });
    }

    fn pid(&self, service: Service) -> String {
        match self.pids[service as usize] {
            Some(pid) => self.output.paint(Tone::Faint, &format!("pid {pid:<8}")),
            None => self.output.paint(Tone::Bad, "dead        "),
        }
    }

    fn progress(&mut self, at: Duration, p: &Progress) {
        if let Count::Exactly(n) | Count::AtLeast(n) = p.lag {
            if self.lags.len() == CURVE {
                self.lags.pop_front();
            }
            self.lags.push_back(n);
        }
        let Some(lines) = &self.lines else {
            return;
        };
        let left = self.length.saturating_sub(at);
        lines
            .clock
            .set_position(at.min(self.length).as_millis() as u64);
        lines.clock.set_message(match left.is_zero() {
            true => "waiting for lms".into(),
            false => format!("{}s left", left.as_secs() + 1),
        });
        let discovery = format!(
            "{} {:>9} changes   {:>9} published",
            self.pid(Service::Discovery),
            number(p.changes.into()),
            number(p.published.into())
        );
        lines.discovery.set_message(discovery);
        let lms = format!(
            "{} {:>9} applied   {:>9} repeats     restarts {}",
            self.pid(Service::Lms),
            number(p.applied.into()),
            number(p.again.into()),
            p.restarts
        );
        lines.lms.set_message(lms);
        let bus = format!(
            "lag {:<8} {:>9} behind    {:>9} in hand   {}",
            age(p.lag_seconds),
            count(p.lag),
            number(p.in_hand),
            self.output.paint(Tone::Warning, &curve(&self.lags)),
        );
        lines.bus.set_message(bus);
    }

    /// Writes above the lines that change, or at the end of them.
    fn say(&self, text: &str) -> Result<()> {
        match &self.lines {
            Some(lines) => lines
                .all
                .println(text)
                .map_err(|e| Failure::stream("standard output", e)),
            None => self.output.text(text),
        }
    }

    fn end(&mut self) {
        if let Some(lines) = self.lines.take() {
            lines.clock.set_message("done");
            for line in [&lines.clock, &lines.discovery, &lines.bus, &lines.lms] {
                line.abandon();
            }
        }
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        self.end();
    }
}

impl View for Panel {
    fn show(&mut self, happening: &Happening) -> Result<()> {
        let at = happening.at;
        match &happening.what {
            What::Progress(progress) => {
                self.progress(at, progress);
                return Ok(());
            }
            What::Started {
                length,
                discovery,
                lms,
                ..
            } => {
                self.length = *length;
                self.pids = [Some(*discovery), Some(*lms)];
                self.say(&format!("{}\n", words::of(self.output, happening)))?;
                self.begin();
                return Ok(());
            }
            What::Killed { service, .. } => self.pids[*service as usize] = None,
            What::Back { service, pid, .. } => self.pids[*service as usize] = Some(*pid),
            What::Waiting => {}
            What::Verdict(_) => {
                self.end();
                self.say("")?;
                return self.say(&words::of(self.output, happening));
            }
        }
        let time = self
            .output
            .paint(Tone::Faint, &format!("{:>6.1}s", at.as_secs_f64()));
        self.say(&format!("{time}  {}", words::of(self.output, happening)))
    }
}

/// The lag over time, its highest point a full block.
fn curve(lags: &VecDeque<u64>) -> String {
    let top = lags.iter().copied().max().unwrap_or(0).max(1);
    let step = |n: &u64| STEPS[(n * (STEPS.len() as u64 - 1)).div_ceil(top) as usize];
    lags.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::curve;

    #[test]
    fn the_curve_of_the_lag() {
        let lags = [0, 1, 25, 50, 100, 0].into_iter().collect();
        assert_eq!(curve(&lags), "▁▂▃▅█▁");
        assert_eq!(curve(&[0, 0].into_iter().collect()), "▁▁");
    }
}
