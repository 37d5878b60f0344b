//! Problems of files, shown with the line and a caret.

use std::fmt;
use std::io::{self, IsTerminal};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity,
    SourceCode, ThemeCharacters, ThemeStyles,
};
use tidings_catalog::{Error, Location};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{colours_allowed, to_stderr};

/// Something to say about a part of a file.
#[derive(Debug)]
pub struct Remark<'a> {
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong.
    pub message: &'a str,
    /// What to do.
    pub help: Option<&'a str>,
    /// Where.
    pub location: &'a Location,
}

/// Says what is wrong with a catalog, and how to exit.
pub fn refused(error: &Error) -> Failure {
    for problem in error.problems() {
        let remark = Remark {
            severity: Severity::Error,
            message: problem.message(),
            help: problem.remedy(),
            location: problem.location(),
        };
        to_stderr(&remark.render(io::stderr().is_terminal()));
    }
    let count = error.problems().len();
    let plural = if count == 1 { "" } else { "s" };
    Failure::new(
        Exit::Data,
        format!("the catalog cannot be read: {count} problem{plural}"),
    )
}

impl Remark<'_> {
    /// In several lines: what, where with the line and a caret, and the remedy.
    pub fn render(&self, terminal: bool) -> String {
        let colours = terminal && colours_allowed();
        let theme = GraphicalTheme {
            characters: match terminal {
                true => ThemeCharacters::unicode(),
                false => ThemeCharacters::ascii(),
            },
            styles: match colours {
                true => ThemeStyles::ansi(),
                false => ThemeStyles::none(),
            },
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .with_context_lines(1)
            .with_wrap_lines(false)
            .with_width(4_000);
        let source = self.source();
        let report = Report {
            remark: self,
            source: source.as_ref(),
        };
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = handler.render_report(&mut text, &report);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        lines.join("\n").trim_matches('\n').to_owned()
    }

    fn source(&self) -> Option<NamedSource<String>> {
        let text = self.location.text()?;
        let path = self.location.path().display().to_string();
        // A span at the very end of a file has no character of its own to point at.
        Some(NamedSource::new(path, format!("{text}\n")))
    }
}

struct Report<'r> {
    remark: &'r Remark<'r>,
    source: Option<&'r NamedSource<String>>,
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.remark.fmt(f)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Some(_) => f.write_str(self.remark.message),
            None => write!(f, "{}: {}", self.remark.location, self.remark.message),
        }
    }
}

impl std::error::Error for Report<'_> {}

impl Diagnostic for Report<'_> {
    fn severity(&self) -> Option<Severity> {
        Some(self.remark.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.remark.help.map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.map(|source| source as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.remark.location.span()?;
        let text = self.remark.location.text()?;
        // What goes over several lines is pointed at where it begins.
        let first = text[span.clone()].lines().next().map_or(0, str::len);
        let label = LabeledSpan::new(None, span.start, first.max(1));
        Some(Box::new(std::iter::once(label)))
    }
}
