//! Files as git had them.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::to_stderr;

/// A folder of a revision.
pub struct Tree<'t> {
    /// Where git is asked.
    place: &'t Path,
    revision: &'t str,
    /// `REVISION:FOLDER`, as git takes it.
    spec: String,
}

/// A file in it.
pub struct Entry {
    /// Its path, from the folder.
    pub path: String,
    object: String,
}

const FETCHED: &str =
    "is this a repository of git, and the revision fetched? In CI: `fetch-depth: 0`";

impl<'t> Tree<'t> {
    /// A folder of a revision, by its path from the place where git is asked.
    pub fn new(revision: &'t str, folder: &str, place: &'t Path) -> Self {
        let spec = match folder {
            "" | "." => format!("{revision}:./"),
            folder => format!("{revision}:./{folder}"),
        };
        Self {
            place,
            revision,
            spec,
        }
    }

    /// The files in it and below it. A revision from before the folder has none.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let commit = format!("{}^{{commit}}", self.revision);
        self.run(&["rev-parse", "--verify", "--quiet", &commit])
            .map_err(|failure| failure.remedy(FETCHED))?;
        let Ok(listed) = self.run(&["ls-tree", "-r", "-z", "--full-tree", &self.spec]) else {
            let what = format!(
                "note: git has no {}: all that is there now is new",
                self.spec
            );
            to_stderr(&what);
            return Ok(Vec::new());
        };
        let entries = listed.stdout.split(|byte| *byte == 0);
        let entry = |entry: &[u8]| {
            // MODE TYPE OBJECT TAB PATH
            let entry = String::from_utf8_lossy(entry);
            let (head, path) = entry.split_once('\t')?;
            let mut head = head.split(' ');
            match (head.nth(1), head.next()) {
                (Some("blob"), Some(object)) => Some(Entry {
                    path: path.to_owned(),
                    object: object.to_owned(),
                }),
                _ => None,
            }
        };
        Ok(entries.filter_map(entry).collect())
    }

    /// What stands in files, in this order: one process of git for all of them.
    pub fn read(&self, entries: &[Entry]) -> Result<Vec<String>> {
        let mut child = self
            .command(&["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(no_git)?;
        let texts = talk(&mut child, entries);
        // It ends by itself once nothing more is asked.
        let ended = child.wait();
        match (texts, ended) {
            (Ok(texts), Ok(_)) => Ok(texts),
            (Err(error), _) | (_, Err(error)) => {
                let what = format!("git did not give the files of {}", self.spec);
                Err(Failure::new(Exit::Io, what).source(error))
            }
        }
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        let output = self.command(arguments).output().map_err(no_git)?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("it says no more").to_owned();
        let what = format!("git has no revision {:?}: {said}", self.revision);
        Err(Failure::new(Exit::NoInput, what))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.place).args(arguments);
        command
    }
}

fn no_git(error: io::Error) -> Failure {
    Failure::new(Exit::Unavailable, "cannot run git")
        .source(error)
        .remedy("install git, or name two folders")
}

/// Asks for objects and takes what comes. Asking is done beside it: git answers before all was asked,
/// and waits when nobody takes the answers.
fn talk(child: &mut Child, entries: &[Entry]) -> io::Result<Vec<String>> {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let mut stdout = BufReader::new(stdout);
    thread::scope(|scope| {
        let asked = scope.spawn(move || {
            for entry in entries {
                writeln!(stdin, "{}", entry.object)?;
            }
            stdin.flush()
        });
        let texts = entries.iter().map(|_| blob(&mut stdout));
        let texts: io::Result<Vec<String>> = texts.collect();
        let asked = asked.join().unwrap_or(Ok(()));
        // What was not answered says more than what could not be asked.
        texts.and_then(|texts| asked.map(|()| texts))
    })
}

/// `OBJECT TYPE SIZE`, the bytes, and a line feed.
fn blob(stdout: &mut BufReader<ChildStdout>) -> io::Result<String> {
    let mut head = String::new();
    stdout.read_line(&mut head)?;
    let size = head.trim_end().rsplit(' ').next();
    let size = size.and_then(|size| size.parse::<u64>().ok());
    let Some(size) = size else {
        let said = format!("git said {:?}", head.trim_end());
        return Err(io::Error::new(io::ErrorKind::InvalidData, said));
    };
    let mut bytes = Vec::new();
    stdout.take(size).read_to_end(&mut bytes)?;
    stdout.read_exact(&mut [0])?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
