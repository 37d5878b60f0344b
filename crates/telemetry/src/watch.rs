//! Asks the log how groups stand.

use std::sync::Arc;
use std::time::Duration;

use tidings_transport::{Error, ErrorKind, GroupInfo, Result, Topic, TopicInfo, Transport};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, info, warn};

use crate::Metrics;

/// How often the log is asked. Between two answers a lag in seconds is older by up to this.
pub const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Asks the log every `every` how the groups of these topics stand, and how
/// large the topics are, for ever; drop the future to
/// end it. A topic that does not exist yet has no groups.
pub async fn watch(
    metrics: Metrics,
    transport: Arc<dyn Transport>,
    topics: Vec<Topic>,
    every: Duration,
) {
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut up = true;
    loop {
        tick.tick().await;
        match ask(&*transport, &topics).await {
            Ok(found) => {
                metrics.groups().set(&found.groups);
                for info in &found.topics {
                    metrics.topics().set(info);
                }
                if !std::mem::replace(&mut up, true) {
                    info!("the log tells of its groups again");
                }
            }
            Err(error) => {
                metrics.groups().unknown();
                if std::mem::replace(&mut up, false) {
                    warn!(%error, "the log does not tell of its groups; their metrics are absent \
                        until it does");
                } else {
                    debug!(%error, "the log does not tell of its groups");
                }
            }
        }
    }
}

/// What the log told.
#[derive(Default)]
struct Found {
    groups: Vec<(Topic, Vec<GroupInfo>)>,
    topics: Vec<TopicInfo>,
}

async fn ask(transport: &dyn Transport, topics: &[Topic]) -> Result<Found> {
    // Also where there is no topic to ask about, the metric must say whether the log is there.
    if topics.is_empty() {
        transport.ping().await?;
    }
    let mut found = Found::default();
    for topic in topics {
        let told = async {
            let groups = transport.groups(topic).await?;
            Ok::<_, Error>((groups, transport.topic(topic).await?))
        };
        match told.await {
            Ok((groups, info)) => {
                found.groups.push((topic.clone(), groups));
                found.topics.push(info);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
