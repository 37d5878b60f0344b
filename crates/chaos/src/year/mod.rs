//! A year of a site's traffic in minutes, on a log with retention: what it occupies must stay flat,
//! and nobody may lose anything.
//!
//! Each day brings events of courses, as in the demo, and each topic keeps three days of them. Two
//! services listen all the time; a third comes once a week, so that retention has to spare what it
//! has not read; a fourth is given up early in the year, and retention has to let go
//! of it. Two retainers run, as in two processes.

mod log;
mod member;
mod sample;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tidings::{
    Bus, Count, Emitter, Group, Producer, Retention, RetentionPolicy, Role, Route, Start, Topic,
};
use tokio::time::sleep_until;

use crate::args::YearArgs;
use crate::report::{to_stderr, to_stdout};
use crate::words::Result;
use log::Log;
use member::{Books, Member};
use sample::{Flatness, Sample};

/// Types of events, each with its topic.
const KINDS: [(&str, &str); 3] = [
    ("org.example.catalog.course.updated.v1", "course-updates"),
    (
        "org.example.catalog.course.published.v1",
        "course-publications",
    ),
    ("org.example.catalog.course.archived.v1", "course-archive"),
];
const COURSES: u64 = 600;
/// How many days a topic keeps.
const KEPT: u32 = 3;
const WEEK: u32 = 7;
const ALWAYS: [&str; 2] = ["discovery", "mail"];
const WEEKLY: &str = "reports";
const GIVEN_UP: &str = "old-search";

/// Runs the year; whether it stayed flat and lost nothing.
pub async fn run(args: &YearArgs) -> Result<bool> {
    let day = Duration::from_millis(args.day_ms.into());
    let log = Log::start(args.log).await?;
    let bus = tidings::open(&log.url()).await?;
    let mut kept = Retention::default();
    kept.max_age = Some(day * KEPT);
    // Some times what the weekly service is away, for a machine may be slow; and over well before
    // the second half, for the service that is given up.
    kept.group_ttl = day * (args.days / 4).max(2 * WEEK);
    let policy = RetentionPolicy::default().rule("*", kept)?;
    let retaining = [0, 1].map(|_| tokio::spawn(bus.retainer(policy.clone()).every(day).run()));
    let producer = producer(&bus)?;
    for topic in topics() {
        for group in [WEEKLY, GIVEN_UP] {
            let (topic, group) = (Topic::new(topic)?, Group::new(group)?);
            bus.transport()
                .create_group(&topic, &group, &Start::Latest)
                .await?;
        }
    }
    let books = Arc::new(Books::default());
    let always = ALWAYS.map(|group| Member::start(&bus, group, &books));
    let mut given_up = Some(Member::start(&bus, GIVEN_UP, &books));

    let began = Instant::now();
    let (mut samples, mut published) = (Vec::new(), 0);
    for today in 1..=args.days {
        let end = tokio::time::Instant::now() + day;
        events_of_a_day(&producer, args.events, published).await?;
        published += u64::from(args.events);
        if today == args.days / 8
            && let Some(member) = given_up.take()
        {
            member.leave().await?;
        }
        if today % WEEK == 0 {
            // It comes, hears what the week brought, and goes.
            let weekly = Member::start(&bus, WEEKLY, &books);
            books.heard_all(WEEKLY, published).await?;
            weekly.leave().await?;
            let sample = Sample::take(&log, &bus, today).await?;
            to_stderr(&sample.to_string());
            samples.push(sample);
        }
        sleep_until(end).await;
    }
    let weekly = Member::start(&bus, WEEKLY, &books);
    for group in ALWAYS.into_iter().chain([WEEKLY]) {
        books.heard_all(group, published).await?;
    }
    let mut lost = 0;
    for group in ALWAYS.into_iter().chain([WEEKLY]) {
        lost += lost_to(&bus, group).await?;
    }
    let let_go = lost_to(&bus, GIVEN_UP).await?;
    for member in always.into_iter().chain([weekly]) {
        member.leave().await?;
    }
    for task in retaining {
        task.abort();
    }
    let flatness = Flatness::of(&samples);
    let good = flatness.is_flat() && lost == 0 && books.gaps() == 0 && let_go > 0;
    to_stderr(&flatness.to_string());
    let report = json!({
        "log": args.log.to_string(),
        "days": args.days,
        "published": published,
        "repeated": books.repeated(),
        "gaps": books.gaps(),
        "lost": lost,
        "lost_to_the_group_given_up": let_go,
        "kept": samples.last().map(|sample| sample.events),
        "measures": flatness.as_json(),
        "good": good,
        "seconds": began.elapsed().as_secs(),
    });
    to_stdout(&report.to_string());
    Ok(good)
}

/// Publishes the events of a day, the next numbers.
async fn events_of_a_day(producer: &Producer, events: u32, from: u64) -> Result<()> {
    let event = |n: u64| {
        let kind = KINDS[(n % KINDS.len() as u64) as usize].0;
        let course = n % COURSES;
        let data = json!({ "n": n, "course": {
            "key": format!("course-v1:edX+Demo{course}+2026"),
            "title": format!("Introduction to the demonstration of courses, part {course}"),
            "organization": "edX", "effort": course % 12 + 1, "archived": false,
            "version": n / COURSES + 1,
        }});
        producer.event(kind).data_json(data.to_string())
    };
    let drafts = (from..from + u64::from(events)).map(event);
    for receipts in producer.publish_all(drafts.collect::<Vec<_>>()).await {
        receipts?;
    }
    Ok(())
}

fn producer(bus: &Bus) -> Result<Producer> {
    let mut builder = bus
        .producer()
        .emitter(Emitter::new("example", "catalog", Role::Worker)?);
    for (kind, topic) in KINDS {
        builder = builder.route(kind, Route::to(topic).key_path("course.key")?);
    }
    Ok(builder.build()?)
}

/// How many events a group lost, by the books of the log.
async fn lost_to(bus: &Bus, group: &str) -> Result<u64> {
    let group = Group::new(group)?;
    let mut lost = 0;
    for topic in topics() {
        let groups = bus.transport().groups(&Topic::new(topic)?).await?;
        let info = groups.into_iter().find(|info| info.group == group);
        lost += match info.ok_or("the group has vanished")?.lost {
            Count::Exactly(n) | Count::AtLeast(n) => n,
            // Of this many or more it is at least one.
            Count::Unknown => 1,
        };
    }
    Ok(lost)
}

fn topics() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(_, topic)| *topic)
}
