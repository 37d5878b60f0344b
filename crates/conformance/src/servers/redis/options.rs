//! How to start a server, and the configuration that follows.

use std::path::Path;

use super::super::Certificates;
use super::control::{PASSWORD, USER};

/// How the server keeps its data, which decides what a `kill -9` may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AppendOnly {
    /// Written and synced before each reply: nothing acknowledged is lost.
    #[default]
    Always,
    /// Written before each reply, synced each second: survives `kill -9`, not the loss of power.
    EverySecond,
    /// In memory only: a restart is a restart empty.
    Off,
}

/// How to start a server.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// Durability.
    pub append_only: AppendOnly,
    /// Password of the default user.
    pub password: Option<String>,
    /// Further users, as in `ACL SETUSER`: `"worker on >pw ~* &* +@all -flushall"`.
    pub users: Vec<String>,
    /// Speak TLS on the port; clients may show a certificate, and need not.
    pub tls: Option<Certificates>,
    /// Further lines of `redis.conf`, given last.
    pub config: Vec<String>,
}

impl RedisOptions {
    /// The `redis.conf` of a server that listens on a port and on a socket in its folder.
    pub(super) fn file(&self, folder: &Path, socket: &Path, port: u16) -> String {
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            "protected-mode no".to_owned(),
            "daemonize no".to_owned(),
            format!("dir {}", folder.display()),
            "logfile \"\"".to_owned(),
            format!("unixsocket {}", socket.display()),
            "save \"\"".to_owned(),
            format!("user {USER} on >{PASSWORD} ~* &* +@all"),
        ];
        lines.push(match self.append_only {
            AppendOnly::Always => "appendonly yes\nappendfsync always".to_owned(),
            AppendOnly::EverySecond => "appendonly yes\nappendfsync everysec".to_owned(),
            AppendOnly::Off => "appendonly no".to_owned(),
        });
        match &self.tls {
            None => lines.push(format!("port {}", port)),
            Some(tls) => lines.push(format!(
                "port 0\ntls-port {}\ntls-auth-clients optional\ntls-ca-cert-file {}\n\
                 tls-cert-file {}\ntls-key-file {}",
                port,
                tls.ca.display(),
                tls.server_cert.display(),
                tls.server_key.display()
            )),
        }
        if let Some(password) = &self.password {
            lines.push(format!("requirepass {password}"));
        }
        lines.extend(self.users.iter().map(|user| format!("user {user}")));
        lines.extend(self.config.iter().cloned());
        lines.join("\n") + "\n"
    }
}
