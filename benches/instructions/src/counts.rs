//! Counts as they are kept, and how they compare.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

/// What may come from addresses, seeds of hash tables and the C library of a machine, in percent.
const TOLERANCE: f64 = 3.0;
/// What another version of the compiler may do beyond that.
const OTHER_COMPILER: f64 = 25.0;

/// Instructions for an event, by case, and the compiler that made the program.
pub struct Counts {
    compiler: String,
    cases: BTreeMap<String, u64>,
}

impl Counts {
    /// None yet.
    pub fn of_this_compiler() -> Self {
        let version = Command::new("rustc").arg("--version").output();
        let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        Self {
            compiler: version.unwrap_or_default().trim().to_owned(),
            cases: BTreeMap::new(),
        }
    }

    pub fn insert(&mut self, case: &str, instructions: u64) {
        self.cases.insert(case.to_owned(), instructions);
    }

    /// Where the counts are kept.
    pub fn path() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/counts.txt"))
    }

    pub fn read() -> io::Result<Self> {
        Self::parse(&fs::read_to_string(Self::path())?)
    }

    pub fn write(&self) -> io::Result<()> {
        fs::write(Self::path(), self.to_string())
    }

    fn parse(text: &str) -> io::Result<Self> {
        let mut lines = text.lines();
        let compiler = lines.next().and_then(|line| line.strip_prefix("# "));
        let compiler = compiler.ok_or_else(|| io::Error::other("it begins with no compiler"))?;
        let cases = lines.map(|line| {
            let pair = line.rsplit_once("  ");
            let pair =
                pair.and_then(|(case, n)| Some((case.trim_end().to_owned(), n.parse().ok()?)));
            pair.ok_or_else(|| io::Error::other(format!("{line:?} is no case and its count")))
        });
        Ok(Self {
            compiler: compiler.to_owned(),
            cases: cases.collect::<io::Result<_>>()?,
        })
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {}", self.compiler)?;
        let width = self.cases.keys().map(String::len).max().unwrap_or(0);
        for (case, instructions) in &self.cases {
            writeln!(f, "{case:<width$}  {instructions}")?;
        }
        Ok(())
    }
}

/// What was counted beside what is kept.
pub struct Comparison<'a> {
    kept: &'a Counts,
    counted: &'a Counts,
    tolerance: f64,
}

impl<'a> Comparison<'a> {
    pub fn new(kept: &'a Counts, counted: &'a Counts) -> Self {
        let tolerance = match kept.compiler == counted.compiler {
            true => TOLERANCE,
            false => OTHER_COMPILER,
        };
        Self {
            kept,
            counted,
            tolerance,
        }
    }

    /// Whether no case became dearer. One that became cheaper holds: the next update keeps it.
    pub fn holds(&self) -> bool {
        self.counted
            .cases
            .iter()
            .all(|(case, &now)| self.change(case, now).is_some_and(|c| c <= self.tolerance))
    }

    /// In percent; none for a case that is not kept.
    fn change(&self, case: &str, now: u64) -> Option<f64> {
        let kept = *self.kept.cases.get(case)?;
        Some((now as f64 / kept as f64 - 1.0) * 100.0)
    }
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .counted
            .cases
            .keys()
            .map(String::len)
            .max()
            .unwrap_or(0);
        for (case, &now) in &self.counted.cases {
            let (change, verdict) = match self.change(case, now) {
                None => ("new".to_owned(), "not kept yet: --update"),
                Some(change) if change > self.tolerance => (format!("{change:+.1} %"), "DEARER"),
                Some(change) if change < -self.tolerance => {
                    (format!("{change:+.1} %"), "cheaper: --update keeps it")
                }
                Some(change) => (format!("{change:+.1} %"), ""),
            };
            let line = format!("{case:<width$}  {now:>9}  {change:>8}  {verdict}");
            writeln!(f, "{}", line.trim_end())?;
        }
        if self.kept.compiler != self.counted.compiler {
            writeln!(
                f,
                "kept with {}, counted with {}: up to {OTHER_COMPILER} % dearer is taken",
                self.kept.compiler, self.counted.compiler
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Counts};

    fn counts(text: &str) -> Counts {
        Counts::parse(text).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let text = "# rustc 1\na longer name  12\nb              3456\n";
        assert_eq!(counts(text).to_string(), text);
        for wrong in ["", "a  1", "# rustc\na 1", "# rustc\na  x"] {
            assert!(Counts::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_what_became_dearer_fails() {
        let kept = counts("# rustc 1\na  1000\nb  1000\n");
        for (now, holds) in [
            ("# rustc 1\na  1029\nb  500\n", true),
            ("# rustc 1\na  1032\n", false),
            ("# rustc 2\na  1249\n", true),
            ("# rustc 2\na  1252\n", false),
            ("# rustc 1\nnew  1\n", false),
        ] {
            assert_eq!(Comparison::new(&kept, &counts(now)).holds(), holds, "{now}");
        }
    }
}
