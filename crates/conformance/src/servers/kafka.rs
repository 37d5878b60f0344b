//! A real Apache Kafka of one node, from the published jars.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rand::RngExt;
use rand::distr::Alphanumeric;
use tempfile::TempDir;

use super::kafka_acls::{self, AclOperation, AclResource};
use super::process::{DEADLINE, Process, free_port, run};
use super::{Certificates, Proxy};

/// The id of each cluster: 16 bytes in base64.
const CLUSTER: &str = "dGlkaW5ncy10ZXN0cy0xMg";

/// What a broker is started with.
#[derive(Debug, Clone, Default)]
pub struct KafkaOptions {
    /// Clients talk TLS, and the server is `localhost` and `127.0.0.1`.
    pub certificates: Option<Certificates>,
    /// Clients must show a certificate of the same authority.
    pub client_certificates: bool,
    /// Clients must log in: by this user and password (PLAIN, SCRAM), or with any token.
    pub user: Option<(String, String)>,
    /// A proxy stands before it, for all connections of clients.
    pub proxied: bool,
    /// Users but this one may do nothing that was not [allowed](KafkaServer::allow).
    pub authorizer: bool,
    /// More lines of `server.properties`.
    pub properties: Vec<(String, String)>,
}

/// Broker and controller in one process (KRaft), with a heap of 256 MB, stopped on drop. Topics
/// are made by clients that ask for them, never by a look at them.
#[derive(Debug)]
pub struct KafkaServer {
    // Before the folder: it stops before its files go.
    process: Option<Process>,
    dir: TempDir,
    port: u16,
    internal: u16,
    controller: u16,
    jars: PathBuf,
    options: KafkaOptions,
    proxy: Option<Proxy>,
    /// The number of this node, and the controllers of its cluster.
    node: usize,
    voters: String,
    /// How many nodes the cluster has.
    nodes: usize,
}

impl KafkaServer {
    /// Where `scripts/kafka.sh` puts the jars: `$TIDINGS_KAFKA`, else `kafka` in the target folder.
    /// `None` where they have not been fetched.
    pub fn jars() -> Option<PathBuf> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target")),
            PathBuf::from,
        );
        let folder = std::env::var_os("TIDINGS_KAFKA").map_or(target.join("kafka"), PathBuf::from);
        // The list is written last, so a fetch that was interrupted is not taken for a whole one.
        folder.join("fetched.xml").is_file().then_some(folder)
    }

    /// Starts one on a free port, and waits until it takes connections.
    ///
    /// # Errors
    /// When the jars or Java are missing, or the server does not come up.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(KafkaOptions::default()).await
    }

    /// As [`start`](Self::start), with options.
    ///
    /// # Errors
    /// The same.
    pub async fn start_with(options: KafkaOptions) -> io::Result<Self> {
        let mut server = Self::prepare(options)?;
        server.configure()?;
        server.restart().await?;
        Ok(server)
    }

    /// One that is alone until it is told of others, with its ports.
    pub(super) fn prepare(options: KafkaOptions) -> io::Result<Self> {
        let missing = "the jars of Kafka are not there: run scripts/kafka.sh";
        let jars = Self::jars().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, missing))?;
        let (port, controller) = (free_port()?, free_port()?);
        let proxy = match options.proxied {
            true => Some(Proxy::start((Ipv4Addr::LOCALHOST, port).into())?),
            false => None,
        };
        Ok(Self {
            process: None,
            dir: tempfile::tempdir()?,
            port,
            internal: free_port()?,
            controller,
            jars,
            options,
            proxy,
            node: 1,
            voters: format!("1@127.0.0.1:{controller}"),
            nodes: 1,
        })
    }

    /// Makes these one cluster.
    pub(super) fn unite(servers: &mut [Self]) -> io::Result<()> {
        let each = servers.iter().enumerate();
        let voters: Vec<_> = each
            .map(|(at, server)| format!("{}@127.0.0.1:{}", at + 1, server.controller))
            .collect();
        let nodes = servers.len();
        for (at, server) in servers.iter_mut().enumerate() {
            server.node = at + 1;
            server.voters = voters.join(",");
            server.nodes = nodes;
            server.configure()?;
        }
        Ok(())
    }

    /// `127.0.0.1:PORT`, of the proxy if there is one.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.advertised())
    }

    fn advertised(&self) -> u16 {
        self.proxy.as_ref().map_or(self.port, Proxy::port)
    }

    /// The proxy before it, if it was asked for.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Starts it again with what its storage kept, and waits until it takes connections.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.kill();
        let mut command = self.java("kafka.Kafka");
        command.arg(self.dir.path().join("server.properties"));
        let log = self.dir.path().join("server.log");
        let process = self
            .process
            .insert(Process::start(command, self.dir.path(), &log)?);
        let end = Instant::now() + DEADLINE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if process.has_ended()? || Instant::now() > end {
                let said = fs::read_to_string(&log).unwrap_or_default();
                return Err(io::Error::other(format!("Kafka does not come up: {said}")));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Kills it, throws away what it stored, starts it at the same address, and waits until it takes
    /// connections.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart_empty(&mut self) -> io::Result<()> {
        self.kill();
        fs::remove_dir_all(self.data())?;
        self.configure()?;
        self.restart().await
    }

    /// Lets a user do something. What one may write or read, one may see.
    ///
    /// # Errors
    /// When the broker does not answer, or has no authorizer.
    pub fn allow(
        &self,
        user: &str,
        on: (AclResource, &str),
        operation: AclOperation,
    ) -> io::Result<()> {
        kafka_acls::allow(self.internal, user, on, operation)
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Lets it stand still, or go on.
    ///
    /// # Errors
    /// When it is not there.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let gone = || io::Error::other("the server does not run");
        self.process.as_ref().ok_or_else(gone)?.signal(signal)
    }

    fn configure(&self) -> io::Result<()> {
        let (port, internal, controller) = (self.port, self.internal, self.controller);
        let advertised = self.advertised();
        let (node, voters, copies) = (self.node, &self.voters, self.nodes.min(3));
        let insync = copies.div_ceil(2);
        let (tls, login) = (
            self.options.certificates.is_some(),
            self.options.user.is_some(),
        );
        let protocol = match (tls, login) {
            (false, false) => "PLAINTEXT",
            (false, true) => "SASL_PLAINTEXT",
            (true, false) => "SSL",
            (true, true) => "SASL_SSL",
        };
        let mut properties = format!(
            "process.roles=broker,controller\n\
             node.id={node}\n\
             controller.quorum.voters={voters}\n\
             listeners=CLIENT://127.0.0.1:{port},INTERNAL://127.0.0.1:{internal},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=CLIENT://127.0.0.1:{advertised},INTERNAL://127.0.0.1:{internal}\n\
             controller.listener.names=CONTROLLER\n\
             inter.broker.listener.name=INTERNAL\n\
             listener.security.protocol.map=CLIENT:{protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
             log.dirs={}\n\
             num.partitions=1\n\
             auto.create.topics.enable=false\n\
             default.replication.factor={copies}\n\
             min.insync.replicas={insync}\n\
             offsets.topic.replication.factor={copies}\n\
             offsets.topic.num.partitions=1\n\
             transaction.state.log.replication.factor={copies}\n\
             transaction.state.log.min.isr=1\n\
             share.coordinator.state.topic.replication.factor={copies}\n\
             share.coordinator.state.topic.min.isr=1\n\
             group.initial.rebalance.delay.ms=0\n\
             group.min.session.timeout.ms=500\n\
             broker.session.timeout.ms=3000\n\
             broker.heartbeat.interval.ms=500\n\
             log.cleaner.dedupe.buffer.size=2097152\n\
             message.max.bytes=4194304\n\
             num.network.threads=2\n\
             num.io.threads=2\n",
            self.data().display()
        );
        if self.options.authorizer {
            // Other listeners than that of clients ask nobody for a name.
            let user = self.options.user.as_ref().map(|(user, _)| user.as_str());
            let user = user.unwrap_or_default();
            properties.push_str(&format!(
                "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
                 super.users=User:ANONYMOUS;User:{user}\n"
            ));
        }
        for (name, value) in self
            .listener()?
            .into_iter()
            .chain(self.options.properties.clone())
        {
            // A line goes on behind a backslash.
            let value = value.replace('\\', "\\\\").replace('\n', "\\n");
            properties.push_str(&format!("{name}={value}\n"));
        }
        let file = self.dir.path().join("server.properties");
        fs::write(&file, properties)?;
        self.format(&file)
    }

    /// Prepares the storage. What users there are stands in it; without any, one copy serves all
    /// servers of this process, since the tool that makes it takes as long as a server to start.
    fn format(&self, properties: &Path) -> io::Result<()> {
        static BOOTSTRAP: Mutex<Option<Vec<u8>>> = Mutex::new(None);
        let mut bootstrap = BOOTSTRAP.lock().unwrap_or_else(PoisonError::into_inner);
        let file = self.data().join("bootstrap.checkpoint");
        if let (Some(bytes), None) = (&*bootstrap, &self.options.user) {
            fs::create_dir_all(self.data())?;
            fs::write(file, bytes)?;
            let node = self.node;
            // An id of 16 bytes in base64: the last character has but two bits of them.
            let directory = rand::rng().sample_iter(Alphanumeric).take(21);
            let directory: String = directory.map(char::from).chain(['A']).collect();
            let meta = format!(
                "version=1\ncluster.id={CLUSTER}\nnode.id={node}\ndirectory.id={directory}\n"
            );
            return fs::write(self.data().join("meta.properties"), meta);
        }
        let mut format = self.java("kafka.tools.StorageTool");
        format.args(["format", "-t", CLUSTER, "-c"]).arg(properties);
        let users = self.options.user.iter().flat_map(|(user, password)| {
            ["SCRAM-SHA-256", "SCRAM-SHA-512"]
                .map(|mechanism| format!("{mechanism}=[name={user},password={password}]"))
        });
        for user in users {
            format.arg("--add-scram").arg(user);
        }
        run(&mut format)?;
        if self.options.user.is_none() {
            *bootstrap = Some(fs::read(file)?);
        }
        Ok(())
    }

    /// How clients are let in.
    fn listener(&self) -> io::Result<Vec<(String, String)>> {
        let mut lines = Vec::new();
        let mut set =
            |name: &str, value: String| lines.push((format!("listener.name.client.{name}"), value));
        if let Some(certificates) = &self.options.certificates {
            set("ssl.keystore.type", "PEM".into());
            set(
                "ssl.keystore.certificate.chain",
                fs::read_to_string(&certificates.server_cert)?,
            );
            set(
                "ssl.keystore.key",
                fs::read_to_string(&certificates.server_key)?,
            );
            set("ssl.truststore.type", "PEM".into());
            set(
                "ssl.truststore.certificates",
                fs::read_to_string(&certificates.ca)?,
            );
            let wanted = if self.options.client_certificates {
                "required"
            } else {
                "none"
            };
            set("ssl.client.auth", wanted.into());
        }
        if let Some((user, password)) = &self.options.user {
            let security = "org.apache.kafka.common.security";
            let scram = format!("{security}.scram.ScramLoginModule required;");
            set(
                "sasl.enabled.mechanisms",
                "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER".into(),
            );
            set("scram-sha-256.sasl.jaas.config", scram.clone());
            set("scram-sha-512.sasl.jaas.config", scram);
            set(
                "plain.sasl.jaas.config",
                format!("{security}.plain.PlainLoginModule required user_{user}=\"{password}\";"),
            );
            set(
                "oauthbearer.sasl.jaas.config",
                format!(
                    "{security}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"x\";"
                ),
            );
        }
        Ok(lines)
    }

    fn java(&self, class: &str) -> Command {
        let mut command = Command::new("java");
        // The classes as they stand in memory, which halves the start.
        let classes = self.jars.join("classes.jsa");
        if classes.is_file() {
            let mut archive = OsString::from("-XX:SharedArchiveFile=");
            archive.push(classes);
            command.arg(archive).arg("-Xlog:disable");
        }
        command
            // Quick to start, small, and few threads.
            .args([
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
            ])
            .arg(self.jars.join("*"))
            .arg(class)
            .current_dir(self.dir.path());
        command
    }
}
