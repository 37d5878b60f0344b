//! A contender at work, in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use tidings_contender::{Answer, Job, Verb};

use crate::field::{Entrant, Programs};

/// A process that does jobs. It ends when it is dropped.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    jobs: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// From the start of the process until it had published an event.
    pub started_in: f64,
    /// Resident memory then.
    pub memory: u64,
    /// Whether it is no more.
    pub ended: bool,
}

impl Process {
    /// Starts it, and has it publish one event to a stream of its own.
    pub fn start(entrant: &Entrant, programs: &Programs, url: &str) -> Self {
        let (program, arguments) = entrant.command(programs);
        let began = Instant::now();
        let mut child = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}: run scripts/bench.sh", program.display()));
        let jobs = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut process = Self {
            name: entrant.name,
            child,
            jobs: Some(jobs),
            answers,
            started_in: 0.0,
            memory: 0,
            ended: false,
        };
        let ready = process.ask(&Job {
            verb: Verb::Ready,
            url: url.to_owned(),
            streams: vec!["ready".into()],
            ..Job::default()
        });
        process.started_in = began.elapsed().as_secs_f64();
        process.memory = ready.memory;
        process
    }

    /// Has it do something, and waits for the figures.
    pub fn ask(&mut self, job: &Job) -> Answer {
        self.tell(job);
        self.hear()
    }

    /// Has it do something.
    pub fn tell(&mut self, job: &Job) {
        let jobs = self.jobs.as_mut().expect("it is not dropped");
        let line = serde_json::to_string(job).expect("a job is JSON");
        // One that has ended is heard of when it is asked.
        let _ = writeln!(jobs, "{line}").and_then(|()| jobs.flush());
    }

    /// Waits for the figures of what it was told. A contender that ended has none.
    pub fn hear(&mut self) -> Answer {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).expect("UTF-8");
        if read == 0 {
            self.ended = true;
            return Answer {
                error: Some(format!("it ended: {:?}", self.child.wait())),
                ..Answer::default()
            };
        }
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{}: {error}: {line}", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.jobs.take();
        let _ = self.child.wait();
    }
}
