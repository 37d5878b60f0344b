//! The contract alone, without the runtime that stands on it.

use std::sync::Arc;
use std::time::Instant;

use tidings_transport::{Outcome, Settlement, Subscription, Transport};

use crate::contest::rate;

/// Events a second from the end of the first read on (what came with it does not count), by `read`
/// at a time. Like the bare loops, it settles a batch while it starts the next.
pub async fn read_start_settle(
    transport: &Arc<dyn Transport>,
    subscription: Subscription,
    events: usize,
    read: usize,
) -> f64 {
    let transport = Arc::clone(transport);
    // A task, as in a service: what blocks on a runtime is woken across threads.
    let consuming = tokio::spawn(async move {
        let subscriber = transport.subscribe(subscription).await;
        let subscriber = subscriber.expect("it subscribes");
        let (mut seen, mut began) = (0, None);
        let mut done: Vec<Settlement> = Vec::new();
        while seen < events || !done.is_empty() {
            let next = async {
                if seen == events {
                    return Vec::new();
                }
                let batch = subscriber.next(read).await.expect("the server answers");
                let came = batch.deliveries.len();
                if came > 0 {
                    began.get_or_insert_with(|| (came, Instant::now()));
                }
                for started in subscriber.start(&batch.deliveries).await {
                    started.expect("it is ours");
                }
                batch.deliveries
            };
            let (deliveries, settled) = tokio::join!(next, subscriber.settle(&done));
            for settled in settled {
                settled.expect("it is ours");
            }
            seen += deliveries.len();
            let acked = deliveries.into_iter().map(|delivery| Settlement {
                delivery,
                outcome: Outcome::Ack,
            });
            done = acked.collect();
        }
        let (first, began) = began.expect("it began");
        let figure = rate(seen - first, began.elapsed());
        subscriber.close().await.expect("it leaves");
        figure
    });
    consuming.await.expect("it does not panic")
}
