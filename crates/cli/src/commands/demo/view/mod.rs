//! What is seen of it: a panel in place on a terminal, lines elsewhere, JSON for programs.

mod lines;
mod panel;
mod words;

use crate::failure::Result;
use crate::output::Output;

use super::happening::Happening;
use lines::Lines;
use panel::Panel;

/// Shows what happens.
pub trait View {
    /// Shows one happening.
    fn show(&mut self, happening: &Happening) -> Result<()>;
}

/// The view that fits the output.
pub fn of(output: Output) -> Box<dyn View> {
    if output.is_json() {
        Box::new(Json(output))
    } else if output.is_terminal() {
        Box::new(Panel::new(output))
    } else {
        Box::new(Lines::new(output))
    }
}

struct Json(Output);

impl View for Json {
    fn show(&mut self, happening: &Happening) -> Result<()> {
        self.0.json(happening)
    }
}
