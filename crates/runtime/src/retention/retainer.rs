//! Who trims.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tidings_telemetry::Telemetry;
use tidings_transport::{
    Body, Capability, ErrorKind, Result, Retention, Topic, TopicInfo, Transport, Trimmed,
};
use tokio::time::sleep;
use tracing::{debug, info, warn};

use super::policy::RetentionPolicy;
use crate::Namespace;

/// How often topics are trimmed unless told otherwise, give or take a quarter.
pub const RETAIN_EVERY: Duration = Duration::from_secs(10 * 60);

/// Trims the topics of a deployment by its policy.
///
/// Any number of processes may run one each: trimming goes by position, so that two who trim the
/// same remove it once, and each waits for a time of its own between two rounds.
#[derive(Clone)]
pub struct Retainer {
    transport: Arc<dyn Transport>,
    namespace: Namespace,
    policy: RetentionPolicy,
    telemetry: Telemetry,
    every: Duration,
}

impl Retainer {
    /// Trims by this policy the topics of one prefix, or of a log without.
    pub fn new(
        transport: Arc<dyn Transport>,
        namespace: Namespace,
        policy: RetentionPolicy,
    ) -> Self {
        Self {
            transport,
            namespace,
            policy,
            telemetry: Telemetry::default(),
            every: RETAIN_EVERY,
        }
    }

    /// Sets the time between two rounds, which varies by a quarter. Default: [`RETAIN_EVERY`].
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// Sets where sizes and removals are counted.
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// The topics that the policy speaks of, each with its rule. Not among them are topics of
    /// other prefixes, and streams of other programs that share the server.
    ///
    /// # Errors
    /// Those of the log.
    pub async fn topics(&self) -> Result<Vec<(TopicInfo, Retention)>> {
        let mut found = Vec::new();
        for info in self.transport.topics().await? {
            let name = self.namespace.name_of(&info.topic);
            if let Some(rule) = name.and_then(|name| self.policy.of(name))
                && self.is_ours(&info.topic).await?
            {
                found.push((info, rule.clone()));
            }
        }
        Ok(found)
    }

    /// Whether the newest record of a topic is one of events: a server may hold streams of
    /// programs that know nothing of us.
    ///
    /// # Errors
    /// Those of the log.
    pub async fn is_ours(&self, topic: &Topic) -> Result<bool> {
        let capabilities = self.transport.capabilities();
        if !(capabilities.has(Capability::Fields) && capabilities.has(Capability::Replay)) {
            return Ok(true);
        }
        let newest = match self.transport.read_back(topic, None, 1).await {
            Err(error) if is_elsewhere(error.kind()) => return Ok(false),
            newest => newest?,
        };
        Ok(newest.first().is_none_or(|stored| match &stored.body {
            Body::Document(_) => true,
            Body::Fields(fields) => ["type", "event_data"]
                .iter()
                .all(|needed| fields.iter().any(|field| *field.name == **needed)),
        }))
    }

    /// One round: trims each topic that the policy speaks of, and says what went.
    ///
    /// # Errors
    /// Those of the log. What was trimmed before stays trimmed.
    pub async fn round(&self) -> Result<Vec<(TopicInfo, Trimmed)>> {
        let mut done = Vec::new();
        for (mut info, rule) in self.topics().await? {
            let trimmed = match self.transport.trim(&info.topic, &rule).await {
                Err(error) if is_elsewhere(error.kind()) => continue,
                trimmed => trimmed?,
            };
            if trimmed.removed > 0 {
                info!(topic = %info.topic, removed = trimmed.removed, spared = trimmed.spared,
                    "trimmed by the rules of retention");
                info = self.transport.topic(&info.topic).await?;
            }
            if let Some(metrics) = self.telemetry.metrics() {
                let topics = metrics.topics();
                topics.set(&info);
                topics.trimmed(&info.topic, trimmed.removed, trimmed.spared);
            }
            done.push((info, trimmed));
        }
        Ok(done)
    }

    /// Rounds for ever; drop the future to end it. A log that is away is waited for.
    pub async fn run(self) {
        let mut told = false;
        loop {
            // Who was started with others need not trim with them.
            let factor = rand::rng().random_range(0.75..=1.25);
            sleep(self.every.mul_f64(factor)).await;
            match self.round().await {
                Ok(_) => told = false,
                Err(error) if std::mem::replace(&mut told, true) => {
                    debug!(%error, "cannot trim by the rules of retention");
                }
                Err(error) => {
                    warn!(%error, "cannot trim by the rules of retention; trying again");
                }
            }
        }
    }
}

impl fmt::Debug for Retainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retainer")
            .field("policy", &self.policy)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

/// Gone since it was listed, or of somebody else on a server that is shared.
fn is_elsewhere(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::Denied)
}
