//! Waking the relay when something commits.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::debug;

/// Listens on a connection of its own, since a session that waits for notifications cannot run
/// statements. Without it the relay polls, so whatever happens here is no failure.
pub(crate) fn listen(options: PgConnectOptions, wake: Arc<Notify>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            if let Err(error) = heard(&options, &wake).await {
                debug!(%error, "LISTEN was interrupted; polling until it is back");
            }
            // Something may have been missed.
            wake.notify_one();
            sleep(Duration::from_secs(1)).await;
        }
    })
}

async fn heard(options: &PgConnectOptions, wake: &Notify) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_with(options.clone())
        .await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen("tidings_outbox").await?;
    // What was committed between the relay's last look and LISTEN.
    wake.notify_one();
    while listener.try_recv().await?.is_some() {
        wake.notify_one();
    }
    Ok(())
}
