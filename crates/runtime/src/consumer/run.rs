//! A consumer, from joining its group to leaving it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tidings_telemetry::Pulse;
use tidings_transport::{Error as TransportError, Group, Subscriber, Subscription};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::builder::ConsumerBuilder;
use super::fetch::fetch;
use super::hand::Engine;
use super::heartbeat::heartbeat;
use super::observation::Observation;
use super::outage::Outage;
use super::parked;
use super::settle::settle;
use super::start::start;
use super::work::work;
use super::{ConsumeError, Handler, OnFailure, Summary};
use crate::Counters;
use crate::wire::Decoder;

/// Leaving the group is a courtesy to the others: the lease ends anyway.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// No call to the log takes this long: each has a timeout of its own. A loop that is longer at one
/// is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// A consumer that is set up. One process may run several.
#[must_use = "a consumer does nothing until it runs"]
pub struct Consumer<H> {
    pub(super) setup: ConsumerBuilder,
    pub(super) handler: Arc<H>,
    pub(super) counters: Arc<Counters>,
}

impl<H: Handler> Consumer<H> {
    /// The running counts; keep a clone to read while it runs.
    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Joins the group and handles messages until `shutdown` completes (or what
    /// [`max_events`](ConsumerBuilder::max_events) or [`until_idle`](ConsumerBuilder::until_idle)
    /// asked for is done). Then it drains: no new handler starts, those that run may finish
    /// within the drain deadline and are settled, and the rest is given back.
    ///
    /// While the log is away it tries again, with backoff, for ever or until
    /// [`give_up_after`](ConsumerBuilder::give_up_after).
    ///
    /// Dropping the future is like dying: what was in hand comes to another after the lease.
    ///
    /// # Errors
    /// When it cannot do its work: a wrong setting, a refusal of the log that waiting will not
    /// mend, an outage that lasted too long, or a failed message under
    /// [`OnFailure::Stop`](super::OnFailure::Stop). A program should exit non-zero.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<Summary, ConsumeError> {
        let mut shutdown = std::pin::pin!(shutdown);
        let subscription = self.setup.subscription()?;
        let group = subscription.group.clone();
        let health = self.setup.telemetry.health();
        let mut joining = health.expect("it has not joined its group, or is leaving it");
        let subscriber = tokio::select! {
            joined = self.setup.join(subscription) => joined?,
            () = &mut shutdown => return Ok(self.summary(0)),
        };
        joining.joined();
        let engine = Arc::new(Engine::new(
            group.clone(),
            self.setup.transport.clone(),
            subscriber.clone(),
            self.setup.settings.clone(),
            self.counters.clone(),
            Observation::new(&self.setup.telemetry, group),
        ));
        let mut tasks = JoinSet::new();
        let workers = engine.settings.concurrency + engine.settings.calls_ahead;
        for _ in 0..workers {
            tasks.spawn(work(engine.clone(), self.handler.clone()));
        }
        let beats = health.pulse("heartbeat", engine.settings.lease + STUCK_AFTER);
        tasks.spawn(heartbeat(engine.clone(), beats));
        let setup = &self.setup;
        let decoder = Decoder::new(setup.transport.clone(), setup.definitions.clone())
            .unknown_schema(setup.unknown_schema);
        let mut drive = JoinSet::new();
        let pulses = ["start", "settle"].map(|name| health.pulse(name, STUCK_AFTER));
        drive.spawn(drive_log(engine.clone(), decoder, pulses));

        let ended = tokio::select! {
            ended = drive.join_next() => ended,
            () = &mut shutdown => {
                info!(group = %engine.group, "asked to stop; draining");
                engine.stopping.cancel();
                None
            }
            () = engine.stopping.cancelled() => None,
        };
        joining.leaving();
        let ended = match ended {
            Some(ended) => Some(ended),
            None => timeout(engine.settings.drain, drive.join_next())
                .await
                .ok()
                .flatten(),
        };
        let abandoned = engine.hand().unfinished();
        if abandoned > 0 {
            warn!(group = %engine.group, abandoned, "not finished in time; these come again");
        }
        drive.shutdown().await;
        tasks.shutdown().await;
        leave(&engine.group, &*subscriber).await;
        match (engine.take_failure(), ended) {
            (Some(error), _) => Err(error),
            (None, Some(ended)) => flatten(ended).map(|()| self.summary(abandoned)),
            (None, None) => Ok(self.summary(abandoned)),
        }
    }

    fn summary(&self, abandoned: usize) -> Summary {
        Summary {
            counts: self.counters.snapshot(),
            abandoned,
        }
    }
}

/// Talks to the log: three loops in one task, each with one call in flight.
async fn drive_log(
    engine: Arc<Engine>,
    decoder: Decoder,
    [starts, settles]: [Pulse; 2],
) -> Result<(), ConsumeError> {
    let engine = &*engine;
    if !engine.follows && engine.settings.on_failure == OnFailure::ParkKey {
        let opened = engine.subscriber.opened().iter();
        let topics: Vec<_> = opened.map(|(topic, _)| topic.clone()).collect();
        parked::ask(engine, &topics).await?;
    }
    tokio::try_join!(
        fetch(engine, &decoder),
        start(engine, &starts),
        settle(engine, &settles)
    )
    .map(|_| ())
}

fn flatten(ended: Result<Result<(), ConsumeError>, JoinError>) -> Result<(), ConsumeError> {
    match ended {
        Ok(result) => result,
        // A bug of ours or of a callback: the caller shall see it as what it is.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Ok(()),
    }
}

async fn leave(group: &Group, subscriber: &dyn Subscriber) {
    match timeout(CLOSE_DEADLINE, subscriber.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(%group, %error, "did not leave the group; its lease will end"),
        Err(_) => warn!(%group, "leaving the group took too long; its lease will end"),
    }
}

impl ConsumerBuilder {
    fn subscription(&self) -> Result<Subscription, ConsumeError> {
        self.settings.check()?;
        let invalid = |setting| {
            move |source: TransportError| ConsumeError::Invalid {
                setting,
                rule: source.to_string(),
                source: Some(source),
            }
        };
        let group = Group::new(&self.group).map_err(invalid("group"))?;
        let mut topics = Vec::with_capacity(self.topics.len());
        for name in &self.topics {
            let topic = self.namespace.topic(name).map_err(invalid("topic"))?;
            topics.push((topic, self.start.clone()));
        }
        let Some((first, _)) = topics.first().cloned() else {
            return Err(ConsumeError::Invalid {
                setting: "topics",
                rule: "is empty; name at least one topic".into(),
                source: None,
            });
        };
        let subscription = Subscription::new(group, first)
            .topics(topics)
            .ordering(self.ordering)
            .lease(self.settings.lease)
            .consumer(&self.name);
        subscription.check().map_err(invalid("subscription"))?;
        Ok(subscription)
    }

    /// Subscribes, trying again while the log is away.
    async fn join(&self, subscription: Subscription) -> Result<Arc<dyn Subscriber>, ConsumeError> {
        let mut outage = Outage::new(
            subscription.group.clone(),
            "subscribe",
            &self.settings.patience,
        );
        let subscriber = loop {
            match self.transport.subscribe(subscription.clone()).await {
                Ok(subscriber) => break subscriber,
                Err(error) => sleep(outage.failed(error)?).await,
            }
        };
        outage.over();
        for (topic, opened) in subscriber.opened() {
            let (position, start) = (&opened.position, &self.start);
            match opened.existed {
                false => {
                    info!(%topic, group = %subscription.group, %position, ?start, "made the group");
                }
                // What a service is configured with stays there after its first start.
                true => info!(%topic, group = %subscription.group, %position, "joined the group"),
            }
        }
        if let Some(report) = &self.settings.on_open {
            report(subscriber.opened());
        }
        Ok(subscriber)
    }
}
