//! Dead letters on their way back to their group, or out of the log for good.

use tidings_transport::{Error, ErrorKind, Group, Position, Redelivery, Result, Topic};

use crate::entry_id::EntryId;
use crate::error::{Code, Failure};
use crate::names::Keys;
use crate::script::{Call, DISCARD, REDELIVER};
use crate::topics::no_group;
use crate::transport::Redis;
use crate::value;
use crate::wire;

/// The most that one script touches, so that it does not hold up the server.
const MOST: usize = 500;

/// What is asked of one topic and group.
#[derive(Clone, Copy)]
struct Asked<'a> {
    operation: &'static str,
    topic: &'a Topic,
    group: &'a Group,
}

impl Redis {
    pub(crate) async fn redeliver_records(
        &self,
        topic: &Topic,
        group: &Group,
        records: &[Redelivery],
    ) -> Vec<Result<()>> {
        let asked = Asked {
            operation: "redeliver",
            topic,
            group,
        };
        let mut results = Vec::with_capacity(records.len());
        for part in records.chunks(MOST) {
            let mut call = Call::new(&REDELIVER, &Keys::new(topic, group)).arg(group.as_str());
            let write = |again| write(&mut call, again);
            let written: Vec<_> = part.iter().map(write).collect();
            results.extend(self.ask(asked, call, written).await);
        }
        results
    }

    pub(crate) async fn discard_letters(
        &self,
        topic: &Topic,
        group: &Group,
        ids: &[Position],
    ) -> Vec<Result<()>> {
        let asked = Asked {
            operation: "discard",
            topic,
            group,
        };
        let mut results = Vec::with_capacity(ids.len());
        for part in ids.chunks(MOST) {
            let mut call = Call::new(&DISCARD, &Keys::new(topic, group)).arg(group.as_str());
            let write = |id| {
                call.push(EntryId::of(id, "discard")?.to_string());
                Ok(())
            };
            let written: Vec<_> = part.iter().map(write).collect();
            results.extend(self.ask(asked, call, written).await);
        }
        results
    }

    /// Runs a script that answers for each item that could be written.
    async fn ask(&self, asked: Asked<'_>, call: Call, written: Vec<Result<()>>) -> Vec<Result<()>> {
        const WHAT: &str = "one result for each dead letter";
        let answer = self.link.script(call).await;
        let answer = answer.and_then(|a| value::array(a, WHAT));
        let answer: Result<Vec<_>, _> = answer.and_then(|all| {
            let words = all.into_iter().map(|word| value::text(word, WHAT));
            words.collect()
        });
        let mut words = match answer {
            Ok(words) => words.into_iter(),
            Err(failure) => {
                let failed = |item: Result<()>| item.and_then(|()| Err(asked.failed(&failure)));
                return written.into_iter().map(failed).collect();
            }
        };
        let mut verdict = || match words.next() {
            Some(word) => asked.verdict(&word),
            None => Err(Failure::Strange { what: WHAT }.writing(asked.operation)),
        };
        let each = written
            .into_iter()
            .map(|item| item.and_then(|()| verdict()));
        each.collect()
    }
}

/// Writes one redelivery in the words of the script.
fn write(call: &mut Call, again: &Redelivery) -> Result<()> {
    match again {
        Redelivery::DeadLetter(id) => {
            let id = EntryId::of(id, "redeliver")?;
            call.push("i");
            call.push(id.to_string());
        }
        Redelivery::Record(record) => {
            EntryId::of(&record.position, "redeliver")?;
            call.push("n");
            call.push(wire::lane(record.key.as_ref()));
            let words = wire::again(record);
            call.push(words.len());
            for word in words {
                call.push(&word[..]);
            }
        }
        _ => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "redeliver",
                "this log does not know this kind of redelivery",
            ));
        }
    }
    Ok(())
}

impl Asked<'_> {
    fn failed(self, failure: &Failure) -> Error {
        match failure.code() {
            Some(Code::NoGroup) => no_group(self.operation, self.topic, self.group),
            _ => failure.clone().writing(self.operation),
        }
    }

    fn verdict(self, word: &str) -> Result<()> {
        let refuse = |kind, rule| Err(Error::new(kind, self.operation, rule));
        match word {
            "OK" => Ok(()),
            "MISSING" => refuse(
                ErrorKind::NotFound,
                "there is no such dead letter; it may be settled or removed",
            ),
            "PARKED" => refuse(
                ErrorKind::Invalid,
                "the dead letter waits behind its parked key; release the key",
            ),
            error => Err(crate::settle::refused(self.operation, error)),
        }
    }
}
