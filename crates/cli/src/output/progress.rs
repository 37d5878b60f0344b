//! How far long work is.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What a bar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Bytes of input.
    Bytes,
    /// Events that were read.
    Events,
    /// Dead letters that were handled.
    Letters,
}

/// A bar on standard error for a person who waits; hidden where nobody looks, or when nobody knows
/// how much there is.
pub fn progress(work: Work, total: Option<u64>) -> ProgressBar {
    let (Some(total), true) = (total, io::stderr().is_terminal()) else {
        return ProgressBar::hidden();
    };
    let style = ProgressStyle::with_template(match work {
        Work::Bytes => "{bar:40} {bytes} of {total_bytes}, {eta} to go",
        Work::Events => "{bar:40} {human_pos} of {human_len} events, {eta} to go",
        Work::Letters => "{bar:40} {human_pos} of {human_len} dead letters, {eta} to go",
    });
    ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(5))
        .with_style(style.expect("the template is good"))
}
