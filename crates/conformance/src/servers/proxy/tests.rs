//! The proxy itself, before a server that sends back what it gets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Proxy;
use crate::CutAt;

/// A server that sends back what it gets.
async fn echo() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    Ok(address)
}

async fn connect(proxy: &Proxy) -> io::Result<TcpStream> {
    TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await
}

#[tokio::test]
async fn cuts_in_the_middle() -> io::Result<()> {
    let proxy = Proxy::start(echo().await?)?;
    let mut client = connect(&proxy).await?;
    client.write_all(b"hello").await?;
    let mut got = [0; 5];
    client.read_exact(&mut got).await?;
    assert_eq!(&got, b"hello");
    proxy.cut_replies_after(3);
    client.write_all(b"world").await?;
    let mut rest = Vec::new();
    // The end may come as an orderly close or as a reset.
    let _ = client.read_to_end(&mut rest).await;
    assert!(rest.len() <= 3 && b"world".starts_with(&rest), "{rest:?}");
    assert!(!proxy.cut_is_armed());
    let mut client = connect(&proxy).await?;
    client.write_all(b"again").await?;
    client.read_exact(&mut got).await?;
    assert_eq!(&got, b"again");
    assert_eq!(proxy.accepted_connections(), 2);
    Ok(())
}

#[tokio::test]
async fn cuts_only_the_connection_of_the_next_request() -> io::Result<()> {
    let proxy = Proxy::start(echo().await?)?;
    for at in [CutAt::Request, CutAt::Answer] {
        let mut other = connect(&proxy).await?;
        let mut cut = connect(&proxy).await?;
        let mut got = [0; 5];
        for client in [&mut other, &mut cut] {
            client.write_all(b"hello").await?;
            client.read_exact(&mut got).await?;
        }
        proxy.cut_next(at);
        cut.write_all(b"world").await?;
        let mut rest = Vec::new();
        // The end may come as an orderly close or as a reset.
        let _ = cut.read_to_end(&mut rest).await;
        assert_eq!(rest, b"", "{at:?}");
        assert!(!proxy.cut_is_armed());
        other.write_all(b"again").await?;
        other.read_exact(&mut got).await?;
        assert_eq!(&got, b"again");
    }
    Ok(())
}

#[tokio::test]
async fn refuses_and_stalls() -> io::Result<()> {
    let proxy = Proxy::start(echo().await?)?;
    proxy.refuse().await;
    assert!(connect(&proxy).await.is_err());
    proxy.accept().await;
    let mut client = connect(&proxy).await?;
    proxy.stall();
    client.write_all(b"x").await?;
    let wait = std::time::Duration::from_millis(100);
    let mut got = [0; 1];
    assert!(
        tokio::time::timeout(wait, client.read_exact(&mut got))
            .await
            .is_err()
    );
    proxy.resume();
    client.read_exact(&mut got).await?;
    assert_eq!(&got, b"x");
    Ok(())
}
