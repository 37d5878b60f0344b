//! Long at half of what is possible: does anything grow?
//!
//! First the most that this machine carries from publish to handler, for some seconds; then half of it, in
//! an open loop, with a consumer and the retention that a site runs. Each few seconds the memory of this
//! process and of the server, the open files, and how late handlers begin are looked at. What is flat is a
//! rule, not an impression: [`crate::looks::Verdict`].

use std::fs;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser;
use tidings::{Bus, Group, Key, Message, Producer, Retention, RetentionPolicy, Start};
use tidings_conformance::servers::{AppendOnly, RedisOptions, RedisServer};
use tidings_contender::{Keys, Payload, Sample, samples};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, sleep, sleep_until};

use crate::looks::{Look, Record, Verdict, plot};
use crate::results::folder;
use crate::say;

const TOPIC: &str = "soak";
/// How many callers find out what is possible.
const CALLERS: usize = 64;
/// How long the last events may take to be handled.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the topic keeps: reached within seconds, so that the server grows no more soon.
const KEPT: u64 = 200_000;

/// Publish and consume for long at half of what is possible
#[derive(Debug, Parser)]
pub struct Soak {
    /// For so many minutes
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Events a second; by default half of what a short trial comes to
    #[arg(long)]
    rate: Option<f64>,
}

impl Soak {
    /// Does it, keeps and draws what was seen, and says whether it was flat.
    pub fn run(self) -> ExitCode {
        let looks = (self.minutes * 60.0 / self.every().as_secs_f64()) as usize;
        if looks < 20 {
            say("a soak of less than two minutes shows nothing: --minutes 2");
            return ExitCode::from(64);
        }
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let record = runtime.block_on(self.soak());
        let text = serde_json::to_string_pretty(&record).expect("it is JSON");
        fs::create_dir_all(folder()).expect("docs may be written");
        fs::write(folder().join("soak.json"), text).expect("docs/performance may be written");
        fs::write(folder().join("soak.svg"), plot(&record))
            .expect("docs/performance may be written");
        for verdict in &record.verdicts {
            let sign = if verdict.flat { "flat" } else { "NOT FLAT" };
            say(&format!(
                "{:<22} {:>9.2} then {:>9.2}, at most {:>9.2}: {sign}",
                verdict.what, verdict.first, verdict.last, verdict.allowed
            ));
        }
        match record.verdicts.iter().all(|verdict| verdict.flat) {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }

    /// At most 240 looks, none shorter than five seconds.
    fn every(&self) -> Duration {
        Duration::from_secs_f64((self.minutes * 60.0 / 240.0).max(5.0))
    }

    async fn soak(&self) -> Record {
        let options = RedisOptions {
            append_only: AppendOnly::Off,
            ..RedisOptions::default()
        };
        let server = RedisServer::start(options).await;
        let server = server.expect("redis-server starts");
        let bus = tidings::open(&server.url()).await.expect("it connects");
        let most = match self.rate {
            Some(_) => None,
            None => Some(possible(&bus).await),
        };
        let rate = self
            .rate
            .or(most.map(|most| most / 2.0))
            .expect("one of both");
        say(&format!(
            "{rate:.0} events a second for {} minutes",
            self.minutes
        ));
        let retainer = retainer(&bus);
        let (looks, missing) = self.steady(&server, &bus, rate).await;
        retainer.abort();
        Record {
            when: jiff::Timestamp::now()
                .strftime("%Y-%m-%d %H:%M UTC")
                .to_string(),
            most,
            rate,
            minutes: self.minutes,
            verdicts: Verdict::all(&looks, missing),
            looks,
        }
    }

    /// An open loop at a rate, looked at from time to time.
    /// How many events were not handled comes with the looks.
    async fn steady(&self, server: &RedisServer, bus: &Bus, rate: f64) -> (Vec<Look>, usize) {
        let begin = Instant::now() + Duration::from_secs(1);
        let heard = Arc::new(Heard::new(begin, rate));
        let consuming = Consuming::start(bus, "steady", heard.clone());
        let end = begin + Duration::from_secs_f64(self.minutes * 60.0);
        let offering = tokio::spawn(offer(producer(bus), begin, end, rate));
        let mut connection = redis::Client::open(server.url())
            .expect("the URL is good")
            .get_multiplexed_async_connection()
            .await
            .expect("it connects");
        let mut looks = Vec::new();
        let mut every = interval(self.every());
        every.tick().await;
        while Instant::now() + self.every() < end {
            every.tick().await;
            let (p50, p99, handled) = heard.since_last();
            looks.push(Look {
                minutes: begin.elapsed().as_secs_f64() / 60.0,
                memory: own_memory(),
                server_memory: memory_of(&mut connection).await,
                files: open_files(),
                p50,
                p99,
                handled,
            });
        }
        let offered = offering.await.expect("no panic");
        let patience = Instant::now() + PATIENCE;
        while heard.in_all.load(Relaxed) < offered && Instant::now() < patience {
            sleep(Duration::from_millis(100)).await;
        }
        consuming.stop().await;
        let missing = offered.saturating_sub(heard.in_all.load(Relaxed));
        (looks, missing)
    }
}

/// What handlers heard since somebody looked.
struct Heard {
    begin: Instant,
    rate: f64,
    handled: AtomicUsize,
    in_all: AtomicUsize,
    waits: Mutex<Vec<f32>>,
}

impl Heard {
    fn new(begin: Instant, rate: f64) -> Self {
        Self {
            begin,
            rate,
            handled: AtomicUsize::new(0),
            in_all: AtomicUsize::new(0),
            // As much as a look may take, from the start: what grows later is something else.
            waits: Mutex::new(Vec::with_capacity(1 << 20)),
        }
    }

    fn handled(&self, message: &Message) {
        self.handled.fetch_add(1, Relaxed);
        self.in_all.fetch_add(1, Relaxed);
        let id = message.event().id();
        let number = id
            .get(id.len() - 12..)
            .and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let due =
            self.begin + Duration::from_secs_f64(number.unwrap_or_default() as f64 / self.rate);
        let wait = due.elapsed().as_secs_f32() * 1e3;
        let mut waits = self.waits.lock().expect("no panic");
        if waits.len() < waits.capacity() {
            waits.push(wait);
        }
    }

    fn since_last(&self) -> (f64, f64, usize) {
        let mut waits = self.waits.lock().expect("no panic");
        waits.sort_unstable_by(f32::total_cmp);
        let at = |part: f64| {
            let place = (waits.len().saturating_sub(1) as f64 * part) as usize;
            waits.get(place).map_or(f64::NAN, |wait| f64::from(*wait))
        };
        let found = (at(0.5), at(0.99), self.handled.swap(0, Relaxed));
        waits.clear();
        found
    }
}

fn producer(bus: &Bus) -> Producer {
    bus.producer().build().expect("a good producer")
}

/// A consumer at work.
struct Consuming {
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Consuming {
    fn start(bus: &Bus, group: &str, heard: Arc<Heard>) -> Self {
        let consumer = bus
            .consumer(group)
            .topic(TOPIC)
            .from(Start::Latest)
            .concurrency(64)
            .handler(move |message: Message| {
                let heard = heard.clone();
                async move {
                    heard.handled(&message);
                    Ok(())
                }
            });
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            consumer.run(stopped).await.expect("it consumes");
        });
        Self { stop, running }
    }

    /// It leaves its group, as a service does.
    async fn stop(self) {
        drop(self.stop);
        self.running.await.expect("no panic");
    }
}

/// The most, from publish to handler, for ten seconds.
async fn possible(bus: &Bus) -> f64 {
    let heard = Arc::new(Heard::new(Instant::now(), 1.0));
    let consuming = Consuming::start(bus, "trial", heard.clone());
    let samples = Arc::new(samples(Payload::Median, Keys::Uniform));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (producer, samples) = (producer(bus), samples.clone());
            tokio::spawn(async move {
                for sample in samples.iter().cycle().skip(caller) {
                    publish(&producer, sample).await;
                }
            })
        })
        .collect();
    // The first seconds are joining.
    sleep(Duration::from_secs(3)).await;
    heard.handled.store(0, Relaxed);
    let began = Instant::now();
    sleep(Duration::from_secs(10)).await;
    let most = heard.handled.load(Relaxed) as f64 / began.elapsed().as_secs_f64();
    for caller in callers {
        caller.abort();
    }
    consuming.stop().await;
    // It would hold the log back.
    let (topic, group) = (bus.topic(TOPIC), Group::new("trial"));
    let (topic, group) = (topic.expect("a good name"), group.expect("a good name"));
    let removed = bus.transport().remove_group(&topic, &group).await;
    removed.expect("the group is removed");
    most
}

/// At a rate, waiting for nobody, but with a bound on what may be on its way.
/// How many there were.
async fn offer(producer: Producer, begin: Instant, end: Instant, rate: f64) -> usize {
    let samples = samples(Payload::Median, Keys::Uniform);
    let on_its_way = Arc::new(tokio::sync::Semaphore::new(20_000));
    let mut n = 0;
    loop {
        let due = begin + Duration::from_secs_f64(n as f64 / rate);
        if due >= end {
            return n;
        }
        if Instant::now() < due {
            sleep_until(due).await;
        }
        let sample = samples[n % samples.len()].numbered(n);
        let producer = producer.clone();
        let permit = on_its_way
            .clone()
            .acquire_owned()
            .await
            .expect("it is open");
        tokio::spawn(async move {
            publish(&producer, &sample).await;
            drop(permit);
        });
        n += 1;
    }
}

async fn publish(producer: &Producer, sample: &Sample) {
    let key = Some(Key::new(&sample.key));
    let published = producer.publish_document(TOPIC, key, sample.document.clone());
    published.await.expect("it is published");
}

fn retainer(bus: &Bus) -> JoinHandle<()> {
    let mut retention = Retention::default();
    retention.max_len = Some(KEPT);
    // Room for a consumer that is behind.
    retention.hard_max_len = Some(10 * KEPT);
    let policy = RetentionPolicy::default()
        .rule("*", retention)
        .expect("a good rule");
    let retainer = bus.retainer(policy).every(Duration::from_secs(5));
    tokio::spawn(retainer.run())
}

fn own_memory() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

fn open_files() -> f64 {
    fs::read_dir("/proc/self/fd").map_or(f64::NAN, |files| files.count() as f64)
}

async fn memory_of(connection: &mut redis::aio::MultiplexedConnection) -> f64 {
    let info = redis::cmd("INFO")
        .arg("memory")
        .query_async::<String>(connection)
        .await;
    let info = info.unwrap_or_default();
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    let bytes = line.and_then(|line| line.trim().parse::<f64>().ok());
    bytes.unwrap_or(f64::NAN) / f64::from(1 << 20)
}
