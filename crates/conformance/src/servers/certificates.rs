//! Throw-away TLS certificates, made with the `openssl` program.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A certificate authority of one test, and what it signed: `localhost` and `127.0.0.1` for the
/// server, `tidings` for the client.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// The authority's certificate, PEM.
    pub ca: PathBuf,
    /// The server's certificate, PEM.
    pub server_cert: PathBuf,
    /// The server's private key, PEM.
    pub server_key: PathBuf,
    /// The client's certificate, PEM.
    pub client_cert: PathBuf,
    /// The client's private key, PEM.
    pub client_key: PathBuf,
}

impl Certificates {
    /// Makes a fresh set in `folder`.
    ///
    /// # Errors
    /// When `openssl` is missing or fails.
    pub fn generate(folder: &Path) -> io::Result<Self> {
        let file = |name: &str| folder.join(name);
        let ca_key = file("ca.key");
        let made = Self {
            ca: file("ca.crt"),
            server_cert: file("server.crt"),
            server_key: file("server.key"),
            client_cert: file("client.crt"),
            client_key: file("client.key"),
        };
        openssl(
            folder,
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=tidings-test-ca \
             -addext basicConstraints=critical,CA:TRUE -keyout {} -out {}",
                ca_key.display(),
                made.ca.display()
            ),
        )?;
        for (name, cert, key) in [
            ("localhost", &made.server_cert, &made.server_key),
            ("tidings", &made.client_cert, &made.client_key),
        ] {
            let (request, extensions) = (file("request.csr"), file("extensions.cnf"));
            std::fs::write(
                &extensions,
                "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
            )?;
            openssl(
                folder,
                &format!(
                    "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {} -out {}",
                    key.display(),
                    request.display()
                ),
            )?;
            openssl(
                folder,
                &format!(
                    "x509 -req -in {} -CA {} -CAkey {} -CAcreateserial -days 2 -extfile {} -out {}",
                    request.display(),
                    made.ca.display(),
                    ca_key.display(),
                    extensions.display(),
                    cert.display()
                ),
            )?;
        }
        Ok(made)
    }
}

/// Runs `openssl` with arguments that hold no white space of their own.
fn openssl(folder: &Path, arguments: &str) -> io::Result<()> {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "openssl {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::{RedisOptions, RedisServer};

    #[tokio::test]
    async fn a_server_starts_with_them() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let made = Certificates::generate(folder.path())?;
        let server = RedisServer::start(RedisOptions {
            tls: Some(made),
            ..RedisOptions::default()
        })
        .await?;
        assert!(server.url().starts_with("rediss://127.0.0.1:"));
        Ok(())
    }
}
