//! Asking a person before something is done that cannot be taken back.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::args::ConsentArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::signals::Shutdown;

/// Who agrees to a change.
#[derive(Debug, Clone, Copy)]
pub enum Consent {
    /// It was given with `--yes`.
    Given,
    /// A person is there to be asked.
    Ask,
}

impl Consent {
    /// Finds out who can agree, before any work is done in vain.
    ///
    /// # Errors
    /// Where nobody can be asked and `--yes` was not given.
    pub fn find(args: ConsentArgs, change: &str) -> Result<Self> {
        Self::find_or(
            args,
            change,
            "add --yes, or --dry-run to see what would happen",
        )
    }

    /// As [`find`](Self::find), for a change that cannot be tried out.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn find_without_dry_run(args: ConsentArgs, change: &str) -> Result<Self> {
        Self::find_or(args, change, "add --yes")
    }

    fn find_or(args: ConsentArgs, change: &str, remedy: &str) -> Result<Self> {
        if args.yes {
            return Ok(Self::Given);
        }
        if io::stdin().is_terminal() && io::stderr().is_terminal() {
            return Ok(Self::Ask);
        }
        let text = format!("{change}, and there is no terminal to ask whether that is meant");
        Err(Failure::new(Exit::Usage, text).remedy(remedy))
    }

    /// Asks, if somebody is to be asked.
    ///
    /// # Errors
    /// Where the answer is not yes; it says that nothing was changed.
    pub async fn obtain(self, question: &str, shutdown: &Shutdown) -> Result<()> {
        if matches!(self, Self::Given) {
            return Ok(());
        }
        // Whoever does not see the question cannot answer it, and that is a no.
        let _ = write!(io::stderr().lock(), "{question} [y/N] ");
        let answer = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line).map(|_| line)
        });
        let answer = tokio::select! {
            answer = answer => answer.map_err(io::Error::other).flatten(),
            () = shutdown.asked() => return Err(Failure::new(shutdown.exit(), UNCHANGED)),
        };
        match answer {
            Ok(line) if is_yes(&line) => Ok(()),
            _ => Err(Failure::new(Exit::Failed, UNCHANGED)),
        }
    }
}

const UNCHANGED: &str = "nothing was changed";

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_a_yes_is_a_yes() {
        assert!(["y\n", "Y", " yes \n", "YES\n"].into_iter().all(is_yes));
        assert!(
            !["", "\n", "n\n", "yep", "yes please"]
                .into_iter()
                .any(is_yes)
        );
    }
}
