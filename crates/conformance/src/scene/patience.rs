//! Waiting, for what will come and for what must not.

use std::time::Duration;

use tidings_transport::{Batch, Record, Result, Subscriber, Transport};
use tokio::time::Instant;

/// How long a step may take that a healthy log does at once. Generous: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long nothing must come for a case to believe that nothing will.
pub(crate) const QUIET: Duration = Duration::from_millis(300);

/// Waits for this long, on the clock that the case runs on.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Asks again and again until the answer is yes.
pub(crate) async fn until(what: &str, mut question: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !question().await {
        assert!(
            since.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        pass(PAUSE).await;
    }
}

/// Between two questions to a log that is not there.
const PAUSE: Duration = Duration::from_millis(25);

/// Does it again until it succeeds. Only temporary errors may come meanwhile.
pub(crate) async fn patiently<T>(what: &str, mut call: impl AsyncFnMut() -> Result<T>) -> T {
    let since = Instant::now();
    loop {
        let left = PATIENCE.saturating_sub(since.elapsed());
        match tokio::time::timeout(left, call()).await {
            Ok(Ok(value)) => return value,
            Ok(Err(e)) => {
                assert!(e.is_temporary(), "{what}: {:?}: {e}", e.kind());
                assert!(!left.is_zero(), "{what}: not within {PATIENCE:?}: {e}");
            }
            Err(_) => panic!("{what}: not within {PATIENCE:?}"),
        }
        pass(PAUSE).await;
    }
}

/// The next batch, over temporary errors.
pub(crate) async fn next_patiently(consumer: &dyn Subscriber) -> Batch {
    let since = Instant::now();
    loop {
        let left = PATIENCE.saturating_sub(since.elapsed());
        match tokio::time::timeout(left, consumer.next(10)).await {
            Ok(Ok(batch)) => return batch,
            Ok(Err(e)) => assert!(e.is_temporary(), "next: {:?}: {e}", e.kind()),
            Err(_) => panic!("next: nothing within {PATIENCE:?}"),
        }
        pass(PAUSE).await;
    }
}

/// Publishes one record, again and again until the log has taken it.
pub(crate) async fn publish_patiently(log: &dyn Transport, record: &Record) {
    patiently("publish", async || {
        log.publish(std::slice::from_ref(record)).await.remove(0)
    })
    .await;
}

/// Expects a temporary error before the patience is over.
pub(crate) async fn expect_temporary<T>(what: &str, call: impl Future<Output = Result<T>>) {
    match tokio::time::timeout(PATIENCE, call).await {
        Err(_) => panic!("{what}: no answer within {PATIENCE:?}"),
        Ok(Ok(_)) => panic!("{what}: succeeded on a log that is not there"),
        Ok(Err(e)) => assert!(e.is_temporary(), "{what}: {:?}: {e}", e.kind()),
    }
}
