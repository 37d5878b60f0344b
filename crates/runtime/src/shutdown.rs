//! When to stop.

/// Completes when the process is asked to end: SIGTERM or SIGINT (Ctrl-C) on Unix, Ctrl-C
/// elsewhere. Hand it to `Consumer::run`.
///
/// # Panics
/// If the operating system refuses the signal handler, or outside a tokio runtime with I/O.
pub async fn shutdown_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).expect("a SIGTERM handler");
        let mut interrupt = signal(SignalKind::interrupt()).expect("a SIGINT handler");
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.expect("a Ctrl-C handler");
}
