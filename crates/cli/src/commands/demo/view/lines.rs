//! One line after the other, for pipes and files.

use std::time::Duration;

use super::{View, words};
use crate::commands::demo::happening::{Happening, What};
use crate::failure::Result;
use crate::output::Output;

/// Progress is a line a second; all else is told at once.
pub struct Lines {
    output: Output,
    next: Duration,
}

impl Lines {
    pub fn new(output: Output) -> Self {
        Self {
            output,
            next: Duration::ZERO,
        }
    }
}

impl View for Lines {
    fn show(&mut self, happening: &Happening) -> Result<()> {
        let at = happening.at;
        if matches!(happening.what, What::Progress(_)) {
            if at < self.next {
                return Ok(());
            }
            self.next = at + Duration::from_secs(1);
        }
        let text = words::of(self.output, happening);
        match happening.what {
            What::Started { .. } | What::Verdict(_) => self.output.text(&text),
            _ => self
                .output
                .text(&format!("{:>6.1}s  {text}", at.as_secs_f64())),
        }
    }
}
