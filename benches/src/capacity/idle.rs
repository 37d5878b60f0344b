//! A consumer to which nothing comes.

use std::time::Duration;

use tidings::Message;
use tokio::time::sleep;

use crate::cost::Cost;
use crate::log::{Log, LogArg};
use crate::say;

pub async fn idle(log: LogArg, topics: usize, seconds: u64) {
    let log = Log::start(log).await;
    let names: Vec<String> = (0..topics).map(|n| format!("topic-{n}")).collect();
    let consumer = log
        .bus
        .consumer("idle")
        .topics(&names)
        .handler(async |_: Message| Ok(()));
    let running = tokio::spawn(consumer.run(std::future::pending()));
    // Joining is not idling.
    sleep(Duration::from_secs(3)).await;
    let (cost, before) = (Cost::begin(), log.cpu());
    sleep(Duration::from_secs(seconds)).await;
    let share = |cpu: f64| cpu / seconds as f64 * 100.0;
    let own = cost.cpu().as_secs_f64();
    let server = match (before, log.cpu()) {
        (Some(before), Some(now)) => format!(
            ", the server {:.2} s ({:.2} %)",
            now - before,
            share(now - before)
        ),
        _ => String::new(),
    };
    say(&format!(
        "a consumer of {topics} topics, idle for {seconds} s: {own:.2} s of processor ({:.2} %){server}{}",
        share(own),
        log.server()
    ));
    assert!(!running.is_finished(), "it ended");
    running.abort();
}
