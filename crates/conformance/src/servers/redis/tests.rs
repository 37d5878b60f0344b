//! The server itself: killed, frozen, emptied.

use std::io::{self, BufReader};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::control::request;
use super::{AppendOnly, DEADLINE, RedisOptions, RedisServer};

#[tokio::test]
async fn keeps_data_over_a_kill_and_loses_it_when_asked() -> io::Result<()> {
    let mut server = RedisServer::start(RedisOptions::default()).await?;
    server.command(&["SET", "a", "1"])?;
    server.kill();
    assert!(server.command(&["PING"]).is_err());
    server.restart().await?;
    assert_eq!(server.command(&["GET", "a"])?, "1");
    server.stop().await?;
    server.restart().await?;
    assert_eq!(server.command(&["GET", "a"])?, "1");
    server.restart_empty().await?;
    assert_eq!(server.command(&["GET", "a"])?, "(nil)");
    assert_eq!(
        server.command(&["CONFIG", "GET", "appendfsync"])?,
        "appendfsync\nalways"
    );
    Ok(())
}

#[tokio::test]
async fn a_frozen_server_answers_after_the_thaw() -> io::Result<()> {
    let server = RedisServer::start(RedisOptions {
        append_only: AppendOnly::Off,
        ..RedisOptions::default()
    })
    .await?;
    server.freeze()?;
    let socket = server.socket();
    let mut stream = BufReader::new(UnixStream::connect(socket)?);
    stream
        .get_ref()
        .set_read_timeout(Some(Duration::from_millis(100)))?;
    assert!(request(&mut stream, &["PING"]).is_err());
    server.thaw()?;
    assert_eq!(server.command(&["PING"])?, "PONG");
    Ok(())
}

#[tokio::test]
async fn dies_with_the_process_that_started_it() -> io::Result<()> {
    let mut server = RedisServer::start(RedisOptions::default()).await?;
    let running = server.running.as_mut().ok_or(io::ErrorKind::NotConnected)?;
    // The end of the pipe is what the death of this process looks like to the watchdog.
    running.abandon();
    let end = Instant::now() + DEADLINE;
    while !running.has_ended()? {
        assert!(
            Instant::now() < end,
            "the server outlives its watchdog's pipe"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
