//! Aligned columns without lines, so that they can be cut and pasted.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement};

/// What a cell or a word says by its colour, always also said in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing.
    Plain,
    /// All is well.
    Good,
    /// Look at it.
    Warning,
    /// It is wrong.
    Bad,
    /// Less important.
    Faint,
    /// A heading or a name.
    Strong,
}

impl Tone {
    /// The text between the codes of the tone, or as it is.
    pub fn paint(self, colours: bool, text: &str) -> String {
        let code = match self {
            Self::Plain => return text.to_owned(),
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "31",
            Self::Faint => "2",
            Self::Strong => "1",
        };
        if colours {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Rows under headings.
#[derive(Debug)]
pub struct Table {
    table: comfy_table::Table,
}

impl Table {
    /// Headings; one that begins with `>` makes a column of numbers, aligned right.
    pub fn new(headings: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table
            .load_style(comfy_table::presets::NOTHING)
            // A line that is longer than the screen is still one line to `grep`.
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(headings.iter().map(|heading| {
                Cell::new(heading.trim_start_matches('>')).add_attribute(Attribute::Bold)
            }));
        for (column, heading) in table.column_iter_mut().zip(headings) {
            column.set_padding((0, 2));
            if heading.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self { table }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<(String, Tone)>) {
        self.table.add_row(cells.into_iter().map(|(text, tone)| {
            let cell = Cell::new(text);
            match tone {
                Tone::Plain => cell,
                Tone::Good => cell.fg(Color::Green),
                Tone::Warning => cell.fg(Color::Yellow),
                Tone::Bad => cell.fg(Color::Red),
                Tone::Faint => cell.add_attribute(Attribute::Dim),
                Tone::Strong => cell.add_attribute(Attribute::Bold),
            }
        }));
    }

    /// The table as lines without trailing spaces.
    pub fn render(&self, colours: bool) -> String {
        let mut table = self.table.clone();
        if colours {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let lines: Vec<String> = table.lines().map(|l| l.trim_end().to_owned()).collect();
        lines.join("\n")
    }
}
