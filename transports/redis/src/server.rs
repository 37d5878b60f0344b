//! Where the server is.

use std::fmt;
use std::sync::Arc;

use redis::sentinel::SentinelClient;
use redis::{Client, RedisError};
use tokio::sync::Mutex;

/// A server at one address, or the primary that sentinels name at the time.
#[derive(Clone)]
pub(crate) enum Server {
    /// Always there.
    Fixed(Box<Client>),
    /// Where the sentinels say; asked anew for each connection.
    Watched(Arc<Mutex<SentinelClient>>),
}

impl Server {
    pub(crate) fn watched(sentinels: SentinelClient) -> Self {
        Self::Watched(Arc::new(Mutex::new(sentinels)))
    }

    /// The server as it is now. Of a primary it is made sure that it holds itself for one.
    pub(crate) async fn find(&self) -> Result<Client, RedisError> {
        match self {
            Self::Fixed(client) => Ok(Client::clone(client)),
            // Boxed: it is large, seldom, and inside of every call.
            Self::Watched(sentinels) => {
                Box::pin(async { sentinels.lock().await.async_get_client().await }).await
            }
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Both hold credentials.
        f.write_str(match self {
            Self::Fixed(_) => "Fixed",
            Self::Watched(_) => "Watched",
        })
    }
}
