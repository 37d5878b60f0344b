//! Questions to the person at the terminal.

use std::io::{self, BufRead, Write};

use super::critic::Verdict;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::to_stderr;

/// Asks for what was not given, if a person is there.
pub struct Questions {
    person: bool,
}

/// One thing that has to be known.
pub struct Question<'q> {
    /// What was given on the command line.
    pub given: Option<&'q str>,
    /// The option that gives it.
    pub option: &'q str,
    /// The question.
    pub text: &'q str,
    /// The answer of who gives none; empty where there need not be one. `None`: there has to be.
    pub default: Option<&'q str>,
}

impl Questions {
    /// Questions to a person, or to nobody.
    pub fn new(person: bool) -> Self {
        Self { person }
    }

    /// What was given, or an answer; looked at by `check` before the next question. A person may
    /// correct what is doubtful, or keep it.
    pub fn answer(
        &self,
        question: &Question<'_>,
        mut check: impl FnMut(&str) -> Verdict,
    ) -> Result<String> {
        let given = question.given.map(str::trim);
        if let Some(given) = given.filter(|given| !given.is_empty()) {
            accept(question.option, given, check(given))?;
            return Ok(given.to_owned());
        }
        let mut default = question.default.map(str::to_owned);
        if !self.person {
            let default = default.ok_or_else(|| missing(question.option, question.text))?;
            if !default.is_empty() {
                accept(question.option, &default, check(&default))?;
            }
            return Ok(default);
        }
        let mut doubted = None;
        loop {
            let shown = match default.as_deref() {
                None => String::new(),
                Some("") => " (none)".to_owned(),
                Some(default) => format!(" ({default})"),
            };
            let answer = self.ask(&format!("{}{shown}: ", question.text))?;
            let answer = match (answer.is_empty(), &default) {
                (false, _) => answer,
                (true, Some(default)) => default.clone(),
                (true, None) => continue,
            };
            if answer.is_empty() || doubted.as_ref() == Some(&answer) {
                return Ok(answer);
            }
            match check(&answer) {
                Verdict::Good => return Ok(answer),
                Verdict::Wrong(why) => to_stderr(&format!("  {why}")),
                Verdict::Doubtful(why) => {
                    to_stderr(&format!("  {why}\n  Enter keeps it."));
                    default = Some(answer.clone());
                    doubted = Some(answer);
                }
            }
        }
    }

    /// What was given, or lines until an empty one; at least one.
    pub fn lines(
        &self,
        given: &[String],
        option: &str,
        text: &str,
        mut take: impl FnMut(&str) -> Verdict,
    ) -> Result<()> {
        for given in given {
            accept(option, given, take(given))?;
        }
        if !given.is_empty() {
            return Ok(());
        }
        if !self.person {
            return Err(missing(option, text));
        }
        let mut taken = 0;
        let mut prompt = format!("{text}:\n  ");
        loop {
            let line = self.ask(&prompt)?;
            "  ".clone_into(&mut prompt);
            match line.is_empty() {
                true if taken == 0 => {}
                true => return Ok(()),
                false => match take(&line) {
                    Verdict::Wrong(why) => to_stderr(&format!("  {why}")),
                    Verdict::Doubtful(why) => {
                        taken += 1;
                        to_stderr(&format!("  note: {why}"));
                    }
                    Verdict::Good => taken += 1,
                },
            }
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
            0 => Err(Failure::new(
                Exit::Usage,
                "no more answers; nothing was written",
            )),
            _ => Ok(line.trim().to_owned()),
        }
    }
}

/// Takes what nobody is there to correct.
fn accept(option: &str, given: &str, verdict: Verdict) -> Result<()> {
    match verdict {
        Verdict::Good => Ok(()),
        Verdict::Doubtful(why) => {
            to_stderr(&format!("note: {option} {given}: {why}"));
            Ok(())
        }
        Verdict::Wrong(why) => Err(Failure::new(
            Exit::Usage,
            format!("{option} {given}: {why}"),
        )),
    }
}

fn missing(option: &str, question: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{option} is missing")).remedy(format!(
        "{question}; `tidings catalog new --help` shows all options"
    ))
}
