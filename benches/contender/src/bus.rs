//! A contender that publishes and consumes.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep, sleep_until};

use crate::allocations::set_counting;
use crate::answer::Answer;
use crate::clock::{Moment, memory, monotonic};
use crate::job::{Job, Verb};
use crate::sample::{Sample, samples};
use crate::work::Work;

/// A library at its work. What goes wrong may panic: the bench shows what was said.
pub trait Contender: Send + Sync + 'static {
    /// What publishes.
    type Publisher: Publisher;

    /// Connects to a server.
    fn connect(url: &str) -> impl Future<Output = Self> + Send;

    /// A publisher for these streams.
    fn publisher(&self, streams: &[String]) -> impl Future<Output = Self::Publisher> + Send;

    /// Consumes streams in a new group from their beginning, by [`Work::handle`], each event
    /// acknowledged after its handler, until [`Work::over`].
    fn consume(
        &self,
        streams: Vec<String>,
        group: String,
        work: Work,
    ) -> impl Future<Output = ()> + Send;
}

/// Publishes, and knows when the server has it.
pub trait Publisher: Clone + Send + Sync + 'static {
    /// Returns with the receipt.
    fn publish(&self, stream: &str, sample: &Sample) -> impl Future<Output = ()> + Send;
}

/// Does jobs until there are no more.
pub fn serve<C: Contender>() {
    let runtime = Runtime::new().expect("a runtime starts");
    let mut connected: Option<(String, Arc<C>)> = None;
    for line in std::io::stdin().lock().lines() {
        let job: Job = serde_json::from_str(&line.expect("UTF-8")).expect("a job");
        let contender = match &connected {
            Some((url, contender)) if *url == job.url => contender.clone(),
            _ => {
                let contender = Arc::new(runtime.block_on(C::connect(&job.url)));
                connected = Some((job.url.clone(), contender.clone()));
                contender
            }
        };
        set_counting(job.allocations);
        // A task, as in a service: what blocks on a runtime is woken across threads.
        let doing = runtime.spawn(async move { run(&*contender, job).await });
        let answer = runtime.block_on(doing).expect("no panic");
        set_counting(false);
        say(&answer);
    }
}

pub(crate) fn say(answer: &Answer) {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, answer).expect("the bench listens");
    writeln!(out).expect("the bench listens");
    out.flush().expect("the bench listens");
}

async fn run<C: Contender>(contender: &C, job: Job) -> Answer {
    match job.verb {
        Verb::Ready => ready(contender, &job).await,
        Verb::Publish => publish(contender, &job).await,
        Verb::Offer => offer(contender, &job).await,
        Verb::Consume | Verb::Receive => {
            let work = Work::new(&job);
            contender
                .consume(job.streams, job.group, work.clone())
                .await;
            work.answer()
        }
        Verb::Hold => hold(contender, job).await,
        Verb::Decode | Verb::Encode => Answer {
            error: Some("not a codec".into()),
            ..Answer::default()
        },
    }
}

async fn ready<C: Contender>(contender: &C, job: &Job) -> Answer {
    let publisher = contender.publisher(&job.streams).await;
    let sample = &samples(job.payload, job.keys)[0];
    publisher.publish(&job.streams[0], sample).await;
    Answer {
        events: 1,
        memory: memory(),
        ..Answer::default()
    }
}

async fn publish<C: Contender>(contender: &C, job: &Job) -> Answer {
    let publisher = contender.publisher(&job.streams).await;
    let samples = Arc::new(samples(job.payload, job.keys));
    let streams = Arc::new(job.streams.clone());
    let callers = job.callers.max(1);
    // Each caller has its share; without a bound, all the time there is.
    let share = match job.events {
        0 => usize::MAX,
        events => events / callers,
    };
    let began = Moment::now();
    let deadline = Instant::now() + Duration::from_secs_f64(job.seconds);
    let caller = |caller: usize| {
        let (publisher, samples, streams) = (publisher.clone(), samples.clone(), streams.clone());
        tokio::spawn(async move {
            let mut published = 0;
            while published < share && Instant::now() < deadline {
                let n = caller + published * callers;
                let stream = &streams[n % streams.len()];
                publisher.publish(stream, &samples[n % samples.len()]).await;
                published += 1;
            }
            published
        })
    };
    let callers: Vec<_> = (0..callers).map(caller).collect();
    let mut published = 0;
    for caller in callers {
        published += caller.await.expect("no caller panics");
    }
    Moment::now().since(&began, published, job.allocations)
}

async fn offer<C: Contender>(contender: &C, job: &Job) -> Answer {
    let publisher = contender.publisher(&job.streams).await;
    let samples = samples(job.payload, job.keys);
    let streams = Arc::new(job.streams.clone());
    let until_begin = Duration::from_nanos(job.begin.saturating_sub(monotonic()));
    let begin = Instant::now() + until_begin;
    let began = Moment::now();
    let mut publishing = Vec::with_capacity(job.events);
    for n in 0..job.events {
        let due = begin + Duration::from_secs_f64(n as f64 / job.rate);
        let sample = samples[n % samples.len()].numbered(n);
        if Instant::now() < due {
            sleep_until(due).await;
        }
        let (publisher, streams) = (publisher.clone(), streams.clone());
        publishing.push(tokio::spawn(async move {
            publisher
                .publish(&streams[n % streams.len()], &sample)
                .await;
        }));
    }
    for published in publishing {
        published.await.expect("no panic");
    }
    Moment::now().since(&began, job.events, job.allocations)
}

/// Until the memory has not grown for half a second.
async fn hold<C: Contender>(contender: &C, job: Job) -> Answer {
    let work = Work::new(&job);
    let before = memory();
    let watching = async {
        let (mut last, mut quiet) = (0, 0);
        while quiet < 10 {
            sleep(Duration::from_millis(50)).await;
            let now = memory();
            quiet = if now > last { 0 } else { quiet + 1 };
            last = last.max(now);
        }
        last
    };
    // What holds does not end: it is dropped.
    let memory = tokio::select! {
        () = contender.consume(job.streams, job.group, work.clone()) => memory(),
        memory = watching => memory,
    };
    Answer {
        events: job.events,
        memory: memory.saturating_sub(before),
        ..Answer::default()
    }
}
