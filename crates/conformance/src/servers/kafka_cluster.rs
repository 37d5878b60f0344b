//! Several brokers that are one cluster.

use std::io;

use futures_util::future::try_join_all;

use super::kafka::{KafkaOptions, KafkaServer};

/// Brokers and controllers in one process each (KRaft), stopped on drop. Everything has as many
/// copies as there are nodes, at most three, of which a majority must be in sync.
#[derive(Debug)]
pub struct KafkaCluster {
    nodes: Vec<KafkaServer>,
}

impl KafkaCluster {
    /// Starts so many on free ports, and waits until all take connections.
    ///
    /// # Errors
    /// When the jars or Java are missing, or a node does not come up.
    pub async fn start(nodes: usize) -> io::Result<Self> {
        let prepared = (0..nodes).map(|_| KafkaServer::prepare(KafkaOptions::default()));
        let mut nodes = prepared.collect::<io::Result<Vec<_>>>()?;
        KafkaServer::unite(&mut nodes)?;
        // None comes up before there is a majority of them.
        try_join_all(nodes.iter_mut().map(KafkaServer::restart)).await?;
        Ok(Self { nodes })
    }

    /// All of them, as `127.0.0.1:PORT`.
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(KafkaServer::address).collect()
    }

    /// One of them.
    pub fn node(&mut self, at: usize) -> &mut KafkaServer {
        &mut self.nodes[at]
    }
}
