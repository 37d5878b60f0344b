//! One connection of the monitoring.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tracing::debug;

use super::answer::Answers;

/// How long a client may take to send the head of a request, the wait for the next one included.
const HEAD_PATIENCE: Duration = Duration::from_secs(60);
/// What a head may have, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Answers the requests of a connection until it ends.
pub(super) async fn serve(stream: TcpStream, answers: Arc<Answers>) {
    let service = service_fn(|request| {
        let answers = answers.clone();
        async move { Ok::<_, Infallible>(answers.answer(&request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        debug!(%error, "a connection for metrics ended");
    }
}
