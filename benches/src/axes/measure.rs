//! Measures an axis: contenders alternate at each of its points, in another order each round.

use std::collections::HashMap;

use tidings_contender::{Answer, Job, Payload, Verb, monotonic};

use crate::field::{Entrant, Programs};
use crate::plan::{PAYLOADS, Setting};
use crate::process::Process;
use crate::results::{Cell, Run};
use crate::server::Server;

/// What consumers that share a topic have to find it, on top of what they have to consume.
const SHARED: f64 = 0.3;

/// How thoroughly.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds that count, after one that does not.
    pub rounds: usize,
    /// How long a contender works in a round.
    pub seconds: f64,
}

/// The server, and the contenders that have been started so far.
pub struct Stage {
    pub server: Server,
    pub programs: Programs,
    pub effort: Effort,
    /// By program and arguments: contenders of one name are several programs.
    running: HashMap<(&'static str, &'static [&'static str], usize), Process>,
    groups: usize,
}

impl Stage {
    pub fn set(programs: Programs, effort: Effort) -> Self {
        Self {
            server: Server::start(),
            programs,
            effort,
            running: HashMap::new(),
            groups: 0,
        }
    }

    /// The nth process of a contender.
    pub fn process(&mut self, entrant: &Entrant, n: usize) -> &mut Process {
        let (programs, url) = (&self.programs, self.server.url());
        let place = (entrant.program, entrant.arguments, n);
        if self
            .running
            .get(&place)
            .is_some_and(|process| process.ended)
        {
            self.running.remove(&place);
        }
        self.running
            .entry(place)
            .or_insert_with(|| Process::start(entrant, programs, &url))
    }

    fn group(&mut self) -> String {
        self.groups += 1;
        format!("group-{}", self.groups)
    }

    /// All contenders at one point.
    pub fn bus(&mut self, setting: &Setting, verb: Verb, point: &str) -> Vec<Cell> {
        let field = setting.field(verb);
        let mut cells: Vec<Cell> = field.iter().map(|e| cell(e, verb, point)).collect();
        for round in 0..=self.effort.rounds {
            for place in 0..field.len() {
                // The order changes, so that nobody always meets the colder machine.
                let n = (place + round) % field.len();
                if cells[n].error.is_some() {
                    continue;
                }
                let (answers, server_cpu) = self.one(&field[n], setting, verb, false);
                if let Some(error) = answers.iter().find_map(|answer| answer.error.clone()) {
                    cells[n].error = Some(error);
                } else if round > 0 {
                    cells[n].runs.push(sum(&answers, server_cpu));
                }
            }
        }
        for (entrant, cell) in field.iter().zip(&mut cells) {
            if entrant.language == "Rust" && cell.error.is_none() && setting.consumers == 1 {
                let (answers, _) = self.one(entrant, setting, verb, true);
                cell.allocations = answers[0]
                    .allocations
                    .map(|count| count as f64 / answers[0].events as f64);
            }
        }
        self.server.empty();
        cells
    }

    /// One contender, once: what each of its processes says, and what the server used.
    fn one(
        &mut self,
        entrant: &Entrant,
        setting: &Setting,
        verb: Verb,
        allocations: bool,
    ) -> (Vec<Answer>, f64) {
        let mut job = setting.job(verb, &self.server.url());
        job.seconds = self.effort.seconds;
        job.allocations = allocations;
        if verb == Verb::Publish {
            self.server.empty();
            let before = self.server.cpu();
            let mut answer = self.process(entrant, 0).ask(&job);
            let server_cpu = self.server.cpu() - before;
            let stored = self.server.entries(&job.streams);
            if answer.error.is_none() && stored < answer.events {
                let (said, lost) = (answer.events, answer.events - stored);
                answer.error = Some(format!(
                    "{lost} of {said} events that it published are not there"
                ));
            }
            return (vec![answer], server_cpu);
        }
        self.lay_out(entrant, setting, &mut job);
        job.group = self.group();
        if setting.consumers > 1 {
            for n in 0..setting.consumers {
                self.process(entrant, n);
            }
            job.begin = monotonic();
            job.seconds += SHARED;
        }
        let before = self.server.cpu();
        for n in 0..setting.consumers {
            self.process(entrant, n).tell(&job);
        }
        let hear = |n| self.process(entrant, n).hear();
        let mut answers: Vec<Answer> = (0..setting.consumers).map(hear).collect();
        let server_cpu = self.server.cpu() - before;
        self.server.forget(&job.streams, &job.group);
        if setting.consumers > 1 {
            // Those who only stand by, because one consumer has the topic, hear nothing.
            answers.retain(|answer| answer.error.is_none());
            if answers.is_empty() {
                answers.push(Answer {
                    error: Some("no consumer heard of anything".into()),
                    ..Answer::default()
                });
            }
        }
        (answers, server_cpu)
    }

    /// Entries as the contender itself writes them, enough for a run, once for each of its settings.
    fn lay_out(&mut self, entrant: &Entrant, setting: &Setting, job: &mut Job) {
        let url = self.server.url();
        let name = |of: &str| {
            format!(
                "{of}-{}-{:?}-{:?}-{}",
                entrant.name.replace([' ', '(', ')', ','], "-"),
                setting.payload,
                setting.keys,
                setting.topics * 10 + setting.consumers
            )
            .to_lowercase()
        };
        job.streams = (0..setting.topics)
            .map(|n| name(&format!("laid-{n}")))
            .collect();
        job.events = match setting.payload {
            Payload::Huge => entrant.entries.min(3_000),
            _ => entrant.entries * setting.consumers.min(2),
        };
        let seed = name("seed");
        if self.server.exists(&seed) {
            return;
        }
        let written = self.process(entrant, 0).ask(&Job {
            streams: vec![seed.clone()],
            events: 1_008,
            seconds: 60.0,
            ..setting.job(Verb::Publish, &url)
        });
        assert!(
            written.error.is_none(),
            "{}: {:?}",
            entrant.name,
            written.error
        );
        self.server
            .multiply(&seed, &job.streams.clone(), job.events);
    }

    /// All contenders at a rate that they can bear, in an open loop.
    pub fn latency(&mut self, field: &[Entrant], rate: f64) -> Vec<Cell> {
        let field: Vec<_> = field.iter().filter(|e| rate <= e.offered).collect();
        let point = format!("{rate}");
        let mut cells: Vec<Cell> = field
            .iter()
            .map(|entrant| cell(entrant, Verb::Receive, &point))
            .collect();
        for round in 0..=self.effort.rounds {
            for place in 0..field.len() {
                let n = (place + round) % field.len();
                let answer = self.offered(field[n], rate);
                if let Some(error) = answer.error {
                    cells[n].error = Some(error);
                } else if round > 0 {
                    cells[n].waits.push(percentiles(answer.waits));
                }
            }
        }
        cells
    }

    fn offered(&mut self, entrant: &Entrant, rate: f64) -> Answer {
        self.server.empty();
        let seconds = self.effort.seconds.max(0.2) * 3.0;
        // Room for the consumer to join.
        let joining = if entrant.language == "Rust" {
            400_000_000
        } else {
            1_200_000_000
        };
        let mut job = Setting::default().job(Verb::Receive, &self.server.url());
        job.streams = vec![format!("offered-{}", self.groups)];
        job.group = self.group();
        job.rate = rate;
        job.events = (rate * seconds) as usize;
        job.seconds = seconds + 2.0;
        // Both processes are there before the clock runs.
        self.process(entrant, 1);
        self.process(entrant, 0);
        job.begin = monotonic() + joining;
        self.process(entrant, 0).tell(&job);
        job.verb = Verb::Offer;
        let offered = self.process(entrant, 1).ask(&job);
        let received = self.process(entrant, 0).hear();
        if offered.error.is_some() {
            offered
        } else {
            received
        }
    }

    /// Codecs at each size.
    pub fn codecs(&mut self, field: &[Entrant]) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (point, payload) in PAYLOADS {
            for verb in [Verb::Decode, Verb::Encode] {
                let does = |e: &&Entrant| verb == Verb::Encode || !e.encodes_only;
                let field: Vec<_> = field.iter().filter(does).collect();
                let mut row: Vec<Cell> = field.iter().map(|e| cell(e, verb, point)).collect();
                for round in 0..=self.effort.rounds {
                    for place in 0..field.len() {
                        let n = (place + round) % field.len();
                        let job = Job {
                            verb,
                            payload: *payload,
                            seconds: self.effort.seconds / 4.0,
                            ..Job::default()
                        };
                        let answer = self.process(field[n], 9).ask(&job);
                        if round > 0 {
                            row[n].runs.push(sum(&[answer], 0.0));
                        } else if field[n].language == "Rust" {
                            let job = Job {
                                allocations: true,
                                ..job
                            };
                            let answer = self.process(field[n], 9).ask(&job);
                            let allocations = answer.allocations.unwrap_or_default();
                            row[n].allocations = Some(allocations as f64 / answer.events as f64);
                        }
                    }
                }
                cells.extend(row);
            }
        }
        cells
    }
}

/// Nothing yet.
pub fn cell(entrant: &Entrant, verb: Verb, point: &str) -> Cell {
    let name = |value| serde_json::to_value(value).ok();
    let work = name(verb).and_then(|value| value.as_str().map(str::to_owned));
    let role = serde_json::to_value(entrant.role).ok();
    Cell {
        work: work.unwrap_or_default(),
        point: point.to_owned(),
        contender: entrant.name.into(),
        language: entrant.language.into(),
        role: role
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default(),
        ..Cell::default()
    }
}

fn sum(answers: &[Answer], server_cpu: f64) -> Run {
    Run {
        events: answers.iter().map(|answer| answer.events).sum(),
        seconds: answers
            .iter()
            .map(|answer| answer.seconds)
            .fold(0.0, f64::max),
        cpu: answers.iter().map(|answer| answer.cpu).sum(),
        server_cpu,
    }
}

/// p50, p99, p99.9, and of how many.
fn percentiles(mut waits: Vec<f32>) -> [f64; 4] {
    waits.sort_by(f32::total_cmp);
    let at = |percent: f64| {
        let last = waits.len().saturating_sub(1) as f64;
        waits
            .get((last * percent / 100.0).round() as usize)
            .copied()
            .unwrap_or_default()
    };
    let [p50, p99, p999] = [50.0, 99.0, 99.9].map(|percent| f64::from(at(percent)));
    [p50, p99, p999, waits.len() as f64]
}
