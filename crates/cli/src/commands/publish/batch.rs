//! Documents on their way: keys found, published in order, answers told one by one.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use tidings::{
    Event, KeyPath, Prepared, Producer, PublishError, PublishErrorKind, Receipt, Severity,
};
use tidings_event::json::single_line;
use tidings_telemetry::Pulse;
use tidings_transport::{ErrorKind, Key};

use crate::args::PublishArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::input::{Item, Place, Problem};
use crate::output::{Output, number, to_stderr};

/// Publishes documents and keeps count.
pub struct Sender {
    producer: Producer,
    topic: Option<String>,
    key: Option<Key>,
    key_path: Option<Arc<KeyPath>>,
    output: Output,
    tally: Tally,
    pulse: Pulse,
}

/// What became of the input so far.
#[derive(Debug, Default)]
struct Tally {
    published: u64,
    /// Events that break a rule.
    bad: u64,
    /// Events that the bus did not take, or perhaps did.
    failed: u64,
    /// The exit of the worst of these.
    exit: Option<Exit>,
}

impl Sender {
    /// Sends to the topic of the arguments.
    pub fn new(
        producer: Producer,
        args: &PublishArgs,
        key_path: Option<Arc<KeyPath>>,
        pulse: Pulse,
    ) -> Self {
        Self {
            producer,
            topic: args.topic.clone(),
            key: args.key.as_deref().map(Key::new),
            key_path,
            output: Output::new(args.output),
            tally: Tally::default(),
            pulse,
        }
    }

    /// An item as it will be sent: held to the rules, with its key found. What it is that breaks a
    /// rule is told by [`send`](Self::send), in the order of the input, unless it is no event.
    pub fn prepare(&self, item: &Item) -> Result<Result<Prepared, PublishError>, Box<Problem>> {
        let document = item.document.clone().map_err(|e| Box::new(e.into()))?;
        // Between elements of an array a document may stand on several lines.
        let document = match single_line(&document) {
            std::borrow::Cow::Borrowed(_) => document,
            std::borrow::Cow::Owned(line) => Bytes::from(line),
        };
        let key = match &self.key_path {
            None => self.key.clone(),
            Some(path) => Some(self.key_of(path, &document)?),
        };
        let topic = self.topic.as_deref();
        Ok(self.producer.prepare_document(topic, key, document))
    }

    fn key_of(&self, path: &KeyPath, document: &[u8]) -> Result<Key, Box<Problem>> {
        let event = Event::from_json(document).map_err(|e| Box::new(Problem::from(&e)))?;
        match path.key_of(&event) {
            Ok(key) => Ok(Key::new(key)),
            Err(error) => Err(Box::new(Problem {
                code: "key-path".into(),
                severity: Severity::Error,
                attribute: Some("data".into()),
                value: None,
                what: error.to_string(),
                remedy: "mend the event, or name another path with --key-path".into(),
            })),
        }
    }

    /// Publishes in this order and tells what became of each.
    pub async fn send(
        &mut self,
        batch: Vec<(Place, Result<Prepared, PublishError>)>,
    ) -> Result<()> {
        let mut good = Vec::with_capacity(batch.len());
        let mut places = Vec::with_capacity(batch.len());
        for (place, prepared) in batch {
            let refused = match prepared {
                Ok(prepared) => {
                    good.push(prepared);
                    None
                }
                Err(error) => Some(error),
            };
            places.push((place, refused));
        }
        let results = {
            let _busy = self.pulse.busy();
            self.producer.publish_prepared(good).await
        };
        let mut results = results.into_iter();
        for (place, refused) in places {
            let result = match refused {
                Some(error) => Err(error),
                None => results.next().expect("one result for each event"),
            };
            match result {
                Ok(receipts) => self.receipts(&receipts)?,
                Err(error) => self.refused(&place, &error)?,
            }
        }
        Ok(())
    }

    /// Publishes one event that was made here.
    pub async fn send_event(mut self, event: Event) -> Result<Exit> {
        let result = match &self.topic {
            Some(topic) => self.producer.publish_to(topic, event).await,
            None => self.producer.publish(event).await,
        };
        match result {
            Ok(receipts) => {
                self.receipts(&receipts)?;
                // Of one event a person wants to see where it went; of many, the sum.
                if !self.output.is_json() {
                    let of_one_type = receipts.windows(2).all(|w| w[0].id == w[1].id);
                    for receipt in &receipts {
                        let what = match of_one_type {
                            true => String::new(),
                            false => format!(" as {}", receipt.event_type),
                        };
                        let (id, topic, position) =
                            (&receipt.id, &receipt.topic, &receipt.position);
                        self.output
                            .text(&format!("{id} is at {position} of {topic}{what}"))?;
                    }
                }
                Ok(Exit::Ok)
            }
            Err(error) => {
                let exit = exit_of(&error);
                match error.kind() {
                    PublishErrorKind::Profile(violations)
                    | PublishErrorKind::Catalog(violations) => {
                        let problems = violations.iter().cloned().map(Problem::from);
                        self.tell_all(None, problems)?;
                        Ok(exit)
                    }
                    _ => Err(Failure::new(exit, error.to_string())),
                }
            }
        }
    }

    /// Tells where an event is, in each of its topics and major versions.
    fn receipts(&mut self, receipts: &[Receipt]) -> Result<()> {
        self.tally.published += 1;
        if self.output.is_json() {
            for receipt in receipts {
                self.output.json(&json!({
                    "id": receipt.id,
                    "type": receipt.event_type,
                    "topic": receipt.topic.as_str(),
                    "position": receipt.position.as_str(),
                }))?;
            }
        }
        Ok(())
    }

    /// Tells that an item cannot be sent.
    pub fn bad(&mut self, place: &Place, problem: Problem) -> Result<()> {
        self.tally.bad += 1;
        self.worst(Exit::Data);
        self.tell_all(Some(place), std::iter::once(problem))
    }

    /// Tells why an event was refused.
    pub fn refused(&mut self, place: &Place, error: &PublishError) -> Result<()> {
        let exit = exit_of(error);
        self.worst(exit);
        match exit {
            Exit::Data => self.tally.bad += 1,
            _ => self.tally.failed += 1,
        }
        let problems: Vec<Problem> = match (error.kind(), error.undecodable()) {
            (PublishErrorKind::Profile(violations) | PublishErrorKind::Catalog(violations), _) => {
                violations.iter().cloned().map(Problem::from).collect()
            }
            (_, Some(undecodable)) => vec![Problem::from(undecodable)],
            (kind, None) => vec![Problem {
                code: code_of(kind).into(),
                severity: Severity::Error,
                attribute: None,
                value: None,
                what: with_causes(error),
                remedy: match error.is_outcome_unknown() {
                    true => "publish it again with the same id: consumers can tell".into(),
                    false if error.is_temporary() => "publish it again later".into(),
                    false => String::new(),
                },
            }],
        };
        self.tell_all(Some(place), problems.into_iter())
    }

    fn tell_all(
        &self,
        place: Option<&Place>,
        problems: impl Iterator<Item = Problem>,
    ) -> Result<()> {
        let here = Place::command_line();
        for problem in problems {
            let place = place.unwrap_or(&here);
            match self.output.is_json() {
                true => self
                    .output
                    .json(&json!({ "error": problem.as_json(place) }))?,
                false => to_stderr(&problem.text(place, &self.output)),
            }
        }
        Ok(())
    }

    fn worst(&mut self, exit: Exit) {
        // Trouble of the bus outweighs a bad event: it concerns all of them.
        let weight = |exit: Exit| u8::from(exit != Exit::Data);
        if self.tally.exit.is_none_or(|old| weight(exit) > weight(old)) {
            self.tally.exit = Some(exit);
        }
    }

    /// Says the sum, and how to exit.
    pub fn conclude(&self) -> Exit {
        let Tally {
            published,
            bad,
            failed,
            exit,
        } = &self.tally;
        if !self.output.is_json() {
            let mut line = format!("{} published", number(*published));
            for (count, what) in [(*bad, "bad"), (*failed, "failed")] {
                if count > 0 {
                    line.push_str(&format!(", {} {what}", number(count)));
                }
            }
            to_stderr(&line);
        }
        exit.unwrap_or(Exit::Ok)
    }

    /// Whether something was found bad so far.
    pub fn has_bad(&self) -> bool {
        self.tally.exit.is_some()
    }

    /// Notes input that could not be read.
    pub fn unread(&mut self, failure: &Failure) {
        to_stderr(&format!("error: {failure}"));
        self.worst(failure.exit());
    }
}

fn exit_of(error: &PublishError) -> Exit {
    match error.kind() {
        PublishErrorKind::Transport(ErrorKind::Invalid) => {
            match error.transport_error().map(Failure::exit_of) {
                Some(Exit::Config) => Exit::Config,
                _ => Exit::Data,
            }
        }
        PublishErrorKind::Transport(kind) => Failure::exit_of_kind(*kind),
        PublishErrorKind::NoRoute => Exit::Config,
        _ => Exit::Data,
    }
}

/// The message and those underneath it: only they may name the field at fault.
fn with_causes(error: &PublishError) -> String {
    let mut what = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some errors tell of what is underneath them.
        let more = error.to_string();
        if !what.contains(&more) {
            what.push_str(&format!(": {more}"));
        }
        cause = error.source();
    }
    what
}

fn code_of(kind: &PublishErrorKind) -> &'static str {
    match kind {
        PublishErrorKind::Invalid => "invalid-event",
        PublishErrorKind::TooLarge { .. } => "too-large",
        PublishErrorKind::NoKey => "key-path",
        PublishErrorKind::Encoding => "wire-encoding",
        PublishErrorKind::Transport(ErrorKind::UnknownOutcome) => "unknown-outcome",
        PublishErrorKind::Transport(_) => "bus",
        _ => "publish",
    }
}
