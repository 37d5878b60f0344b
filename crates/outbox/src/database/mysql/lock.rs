//! A named lock.

use async_trait::async_trait;
use sqlx::{Connection as _, MySqlConnection};

use super::session::MySql;
use crate::database::fault::fault;
use crate::database::lock::Lock;
use crate::{Error, ErrorKind, Result};

impl MySql {
    async fn id(&mut self) -> Result<u64> {
        sqlx::query_scalar("SELECT CONNECTION_ID()")
            .fetch_one(&mut self.connection)
            .await
            .map_err(fault("connect"))
    }
}

fn pooled() -> Error {
    Error::new(
        ErrorKind::Pooler,
        "relay",
        "between the relay and the database stands a proxy that hands statements of one session \
         to several connections (ProxySQL, MaxScale), so the lock that keeps one relay active \
         does not hold. Name the database server's own address in the URL; services may go on \
         using the proxy",
    )
}

#[async_trait]
impl Lock for MySql {
    async fn check_direct(&mut self) -> Result<()> {
        // While the other session is inside a transaction, it has a connection for itself.
        let mut other = MySqlConnection::connect_with(&self.options)
            .await
            .map_err(fault("connect"))?;
        let mut work = other.begin().await.map_err(fault("connect"))?;
        let theirs: u64 = sqlx::query_scalar("SELECT CONNECTION_ID()")
            .fetch_one(&mut *work)
            .await
            .map_err(fault("connect"))?;
        let shared = theirs == self.id || self.id().await? != self.id;
        work.rollback().await.map_err(fault("connect"))?;
        // Only a courtesy to the server.
        let _ = other.close().await;
        if shared { Err(pooled()) } else { Ok(()) }
    }

    async fn take(&mut self) -> Result<bool> {
        // A relay whose host is gone gives its lock back when the server has not heard of it for
        // so many seconds; one that is alive speaks every second or two.
        let query = sqlx::query("SET SESSION wait_timeout = 60");
        self.execute("take the lock", query).await?;
        let taken: Option<i64> = sqlx::query_scalar("SELECT CAST(GET_LOCK(?, 0) AS SIGNED)")
            .bind(&self.lock)
            .fetch_one(&mut self.connection)
            .await
            .map_err(fault("take the lock"))?;
        Ok(taken == Some(1))
    }

    async fn is_taken(&mut self) -> Result<bool> {
        let holder: Option<u64> = sqlx::query_scalar("SELECT CAST(IS_USED_LOCK(?) AS UNSIGNED)")
            .bind(&self.lock)
            .fetch_one(&mut self.connection)
            .await
            .map_err(fault("look for the lock"))?;
        Ok(holder.is_some())
    }

    async fn keep(&mut self) -> Result<()> {
        let (id, holder): (u64, Option<u64>) =
            sqlx::query_as("SELECT CONNECTION_ID(), CAST(IS_USED_LOCK(?) AS UNSIGNED)")
                .bind(&self.lock)
                .fetch_one(&mut self.connection)
                .await
                .map_err(fault("keep the lock"))?;
        if id != self.id {
            return Err(pooled());
        }
        match holder == Some(id) {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Superseded,
                "keep the lock",
                "the named lock of this session is gone",
            )),
        }
    }

    async fn give_back(&mut self) -> Result<()> {
        let done = sqlx::query("DO RELEASE_LOCK(?)")
            .bind(&self.lock)
            .execute(&mut self.connection);
        done.await.map(drop).map_err(fault("give the lock back"))
    }
}
