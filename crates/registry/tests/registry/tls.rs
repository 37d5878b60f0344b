//! A real registry behind TLS, that lets in whom it knows: what a site puts in front of one.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tidings_conformance::servers::Certificates;
use tidings_registry::{Registry, RegistryConfig};
use tidings_transport::{Error, ErrorKind, Part, SchemaRegistry, Topic};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// `key:secret` in base 64, and a token.
const LET_IN: [&str; 2] = ["basic a2v5onnly3jlda==", "bearer a.token-of.ours"];

fn acceptor(certificates: &Certificates) -> TlsAcceptor {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let read = |file| {
        CertificateDer::pem_file_iter(file)
            .unwrap()
            .map(Result::unwrap)
    };
    let mut authorities = RootCertStore::empty();
    authorities.add_parsable_certificates(read(&certificates.ca));
    let clients = WebPkiClientVerifier::builder(Arc::new(authorities))
        .build()
        .unwrap();
    let key = PrivateKeyDer::from_pem_file(&certificates.server_key).unwrap();
    let config = ServerConfig::builder()
        .with_client_cert_verifier(clients)
        .with_single_cert(read(&certificates.server_cert).collect(), key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

/// Listens before the registry at `port`; its address.
async fn guard(certificates: &Certificates, port: u16) -> String {
    let acceptor = acceptor(certificates);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}/apis/ccompat/v7",
        listener.local_addr().unwrap().port()
    );
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Whom it does not trust it has told so.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut head = Vec::new();
                while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                    if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let asked = String::from_utf8_lossy(&head).to_ascii_lowercase();
                if !LET_IN
                    .iter()
                    .any(|who| asked.contains(&format!("authorization: {who}\r\n")))
                {
                    let no = b"HTTP/1.1 401 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                    let _ = stream.write_all(no).await;
                    let _ = stream.shutdown().await;
                    return;
                }
                let mut registry = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                registry.write_all(&head).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut registry).await;
            });
        }
    });
    url
}

async fn register(config: RegistryConfig) -> Result<u32, Error> {
    let registry = Registry::new(config)?;
    let topic = Topic::new("guarded").unwrap();
    let id = registry
        .register(&topic, Part::Key, "string", r#""string""#)
        .await?;
    assert_eq!(registry.schema(id).await?.as_deref(), Some(r#""string""#));
    Ok(id)
}

#[tokio::test]
async fn certificates_users_and_tokens_are_shown_and_asked_for() {
    let Some(server) = super::real::server().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::generate(folder.path()).unwrap();
    let url = guard(&certificates, server.port()).await;
    let config = |change: &dyn Fn(&mut RegistryConfig)| {
        let mut config = RegistryConfig::new([url.clone()]);
        config.ca_file = Some(certificates.ca.clone());
        config.cert_file = Some(certificates.client_cert.clone());
        config.key_file = Some(certificates.client_key.clone());
        config.user = Some("key".into());
        config.password = Some("secret".into());
        change(&mut config);
        config
    };
    let id = register(config(&|_| ())).await.unwrap();
    let by_token = config(&|config| {
        (config.user, config.password) = (None, None);
        config.token = Some("a.token-of.ours".into());
    });
    assert!(!format!("{by_token:?}").contains("token-of"));
    assert_eq!(register(by_token).await.unwrap(), id);

    type Change = fn(&mut RegistryConfig);
    let refused: [(Change, &str); 4] = [
        (
            |config| config.password = Some("hunter2".into()),
            "registry_user",
        ),
        (
            |config| (config.user, config.password) = (None, None),
            "registry_token",
        ),
        (
            |config| (config.cert_file, config.key_file) = (None, None),
            "registry_cert_file",
        ),
        (|config| config.ca_file = None, "registry_ca_file"),
    ];
    for (change, says) in refused {
        let error = register(config(&change)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{says}: {error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
