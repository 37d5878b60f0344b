//! A contender that decodes and encodes.

use std::hint::black_box;
use std::io::BufRead;

use crate::allocations::set_counting;
use crate::answer::Answer;
use crate::bus::say;
use crate::clock::Moment;
use crate::job::{Job, Payload, Verb};

/// A format at its work. What goes wrong may panic: the bench shows what was said.
pub trait Codec: Sized {
    /// What it decodes to.
    type Value;

    /// For the events of this size.
    fn new(payload: Payload) -> Self;

    /// What there is to decode.
    fn encoded(&self) -> Vec<u8>;

    /// All of it.
    fn decode(&self, bytes: &[u8]) -> Self::Value;

    /// And back.
    fn encode(&self, value: &Self::Value) -> Vec<u8>;
}

/// Does jobs until there are no more.
pub fn serve_codec<C: Codec>() {
    for line in std::io::stdin().lock().lines() {
        let job: Job = serde_json::from_str(&line.expect("UTF-8")).expect("a job");
        set_counting(job.allocations);
        let answer = run::<C>(&job);
        set_counting(false);
        say(&answer);
    }
}

fn run<C: Codec>(job: &Job) -> Answer {
    let codec = C::new(job.payload);
    let bytes = codec.encoded();
    let value = codec.decode(&bytes);
    match job.verb {
        Verb::Ready => Answer::default(),
        Verb::Decode => again(job, || {
            black_box(codec.decode(black_box(&bytes)));
        }),
        Verb::Encode => again(job, || {
            black_box(codec.encode(black_box(&value)));
        }),
        _ => Answer {
            error: Some("a codec decodes and encodes".into()),
            ..Answer::default()
        },
    }
}

/// By fifties, so that looking at the clock does not count.
fn again(job: &Job, mut once: impl FnMut()) -> Answer {
    let began = Moment::now();
    let mut events = 0;
    loop {
        for _ in 0..50 {
            once();
        }
        events += 50;
        let now = Moment::now();
        if now.seconds_since(&began) >= job.seconds {
            return now.since(&began, events, job.allocations);
        }
    }
}
