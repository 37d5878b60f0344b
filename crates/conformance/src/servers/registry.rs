//! A real schema registry: Apicurio's, from the published jars.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::process::{DEADLINE, Process, free_port};

/// A registry that keeps its schemas in memory, with a heap of 256 MB, stopped on drop.
#[derive(Debug)]
pub struct RegistryServer {
    // Before the folder: it stops before its files go.
    process: Option<Process>,
    dir: TempDir,
    port: u16,
    jars: PathBuf,
}

impl RegistryServer {
    /// Where `scripts/registry.sh` puts it: `$TIDINGS_REGISTRY`, else `registry` in the target
    /// folder. `None` where it has not been fetched.
    pub fn jars() -> Option<PathBuf> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target")),
            PathBuf::from,
        );
        let named = std::env::var_os("TIDINGS_REGISTRY");
        let folder = named.map_or(target.join("registry"), PathBuf::from);
        // Written last, so a fetch that was interrupted is not taken for a whole one.
        folder.join("fetched.txt").is_file().then_some(folder)
    }

    /// Starts one on a free port, and waits until it answers.
    ///
    /// # Errors
    /// When the jars or Java are missing, or it does not come up.
    pub async fn start() -> io::Result<Self> {
        let missing = "the schema registry is not there: run scripts/registry.sh";
        let jars = Self::jars().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, missing))?;
        let mut server = Self {
            process: None,
            dir: tempfile::tempdir()?,
            port: free_port()?,
            jars,
        };
        server.restart().await?;
        Ok(server)
    }

    /// The address of Confluent's API.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `kill -9`. Its schemas go with it.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Starts it anew, empty, and waits until it answers.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.kill();
        let mut command = Command::new("java");
        command
            // Quick to start, and few threads.
            .args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .arg(format!("-Dquarkus.http.port={}", self.port))
            .arg("-Dquarkus.http.host=127.0.0.1")
            .arg("-jar")
            .arg(self.jars.join("runner.jar"))
            .current_dir(self.dir.path());
        let log = self.dir.path().join("server.log");
        let process = Process::start(command, self.dir.path(), &log)?;
        let process = self.process.insert(process);
        let end = Instant::now() + DEADLINE;
        while !answers(self.port).await {
            if process.has_ended()? || Instant::now() > end {
                let said = fs::read_to_string(&log).unwrap_or_default();
                return Err(io::Error::other(format!(
                    "the schema registry does not come up: {said}"
                )));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

async fn answers(port: u16) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let request = "GET /apis/ccompat/v7/subjects HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        Ok::<_, io::Error>(status.ends_with(b" 200"))
    };
    matches!(timeout(Duration::from_secs(5), ask).await, Ok(Ok(true)))
}
