//! Three sentinels that watch a primary.

use std::ffi::OsString;
use std::io;
use std::process::Command;
use std::time::Instant;

use tempfile::TempDir;

use super::RedisServer;
use super::process::{DEADLINE, Process, free_port, run};

/// The name under which they know the primary.
const PRIMARY: &str = "events";
const COUNT: usize = 3;

/// Three sentinels, of which two must agree; they hold a primary for dead after a second of silence.
#[derive(Debug)]
pub struct Sentinels {
    folder: TempDir,
    ports: Vec<u16>,
    running: Vec<Option<Process>>,
}

impl Sentinels {
    /// Starts them, and waits until each knows the other two and that many replicas.
    ///
    /// # Errors
    /// When `redis-server` is missing, or they do not find each other.
    pub async fn watch(primary: &RedisServer, replicas: usize) -> io::Result<Self> {
        let mut sentinels = Self {
            folder: tempfile::Builder::new()
                .prefix("tidings-sentinels-")
                .tempdir()?,
            ports: Vec::new(),
            running: Vec::new(),
        };
        for i in 0..COUNT {
            let port = free_port()?;
            sentinels.ports.push(port);
            let folder = sentinels.folder.path().join(i.to_string());
            std::fs::create_dir(&folder)?;
            let config = folder.join("sentinel.conf");
            let monitored = primary.port();
            let text = format!(
                "bind 127.0.0.1\nport {port}\ndir {}\n\
                 sentinel monitor {PRIMARY} 127.0.0.1 {monitored} 2\n\
                 sentinel down-after-milliseconds {PRIMARY} 1000\n\
                 sentinel failover-timeout {PRIMARY} 10000\n",
                folder.display()
            );
            std::fs::write(&config, text)?;
            let program = std::env::var_os("TIDINGS_REDIS_SERVER");
            let mut command = Command::new(program.unwrap_or(OsString::from("redis-server")));
            command.arg(&config).arg("--sentinel").current_dir(&folder);
            let process = Process::start(command, &folder, &folder.join("sentinel.log"))?;
            sentinels.running.push(Some(process));
        }
        let end = Instant::now() + DEADLINE;
        for port in &sentinels.ports {
            while !knows(*port, replicas) {
                if Instant::now() > end {
                    return Err(io::Error::other("the sentinels do not find each other"));
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
        Ok(sentinels)
    }

    /// Their ports on 127.0.0.1.
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// `redis+sentinel://…`, without credentials.
    pub fn url(&self) -> String {
        let nodes = self.ports.iter().map(|port| format!("127.0.0.1:{port}"));
        let nodes: Vec<_> = nodes.collect();
        format!("redis+sentinel://{}/{PRIMARY}", nodes.join(","))
    }

    /// `kill -9` for one of them.
    pub fn kill(&mut self, which: usize) {
        self.running[which] = None;
    }
}

/// Whether a sentinel knows the others, and the replicas.
fn knows(port: u16, replicas: usize) -> bool {
    let port = port.to_string();
    let mut ask = Command::new("redis-cli");
    ask.args(["-p", &port, "SENTINEL", "MASTER", PRIMARY]);
    let Ok(answer) = run(&mut ask) else {
        return false;
    };
    let lines: Vec<&str> = answer.lines().collect();
    let says = |name: &str, value: usize| {
        let found = lines.chunks(2).find(|pair| pair[0] == name);
        found.is_some_and(|pair| pair.get(1) == Some(&value.to_string().as_str()))
    };
    says("num-other-sentinels", COUNT - 1) && says("num-slaves", replicas)
}
