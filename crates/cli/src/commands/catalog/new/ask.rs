//! Questions to the person at the terminal.

use std::io::{self, BufRead, Write};

use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// Asks for what was not given, if a person is there.
pub struct Questions {
    person: bool,
}

impl Questions {
    /// Questions to a person, or to nobody.
    pub fn new(person: bool) -> Self {
        Self { person }
    }

    /// What was given, or an answer that is not empty.
    pub fn answer(&self, given: &Option<String>, option: &str, question: &str) -> Result<String> {
        if let Some(given) = given.as_ref().filter(|given| !given.trim().is_empty()) {
            return Ok(given.trim().to_owned());
        }
        self.must_ask(option, question)?;
        loop {
            let answer = self.ask(&format!("{question}: "))?;
            if !answer.is_empty() {
                return Ok(answer);
            }
        }
    }

    /// An answer, or this if nobody gives one.
    pub fn answer_or(&self, question: &str, default: &str) -> Result<String> {
        if !self.person {
            return Ok(default.to_owned());
        }
        let shown = match default.is_empty() {
            true => format!("{question} (none): "),
            false => format!("{question} ({default}): "),
        };
        let answer = self.ask(&shown)?;
        Ok(match answer.is_empty() {
            true => default.to_owned(),
            false => answer,
        })
    }

    /// Lines until an empty one; at least one.
    pub fn lines(&self, option: &str, question: &str) -> Result<Vec<String>> {
        self.must_ask(option, question)?;
        let mut lines = Vec::new();
        let mut prompt = format!("{question}:\n  ");
        loop {
            let line = self.ask(&prompt)?;
            "  ".clone_into(&mut prompt);
            match line.is_empty() {
                true if lines.is_empty() => {}
                true => return Ok(lines),
                false => lines.push(line),
            }
        }
    }

    fn must_ask(&self, option: &str, question: &str) -> Result<()> {
        match self.person {
            true => Ok(()),
            false => Err(
                Failure::new(Exit::Usage, format!("{option} is missing")).remedy(format!(
                    "{question}; `tidings catalog new --help` shows all options"
                )),
            ),
        }
    }

    fn ask(&self, prompt: &str) -> Result<String> {
        let failed = |e| Failure::new(Exit::Io, "cannot ask").source(e);
        let mut stderr = io::stderr().lock();
        write!(stderr, "{prompt}")
            .and_then(|()| stderr.flush())
            .map_err(failed)?;
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line).map_err(failed)? {
            0 => Err(Failure::new(Exit::Usage, "no more answers")),
            _ => Ok(line.trim().to_owned()),
        }
    }
}
