//! A session advisory lock.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::session::{LOCK, PLANNING, Postgres, backend};
use crate::database::fault::fault;
use crate::database::lock::Lock;
use crate::{Error, ErrorKind, Result};

/// Held by the active relay while it sleeps, and shared by transactions that found it awake: see
/// `schema.sql`. A commit that notifies makes all others wait that notify too.
const SLEEP: i64 = LOCK + 2;

/// Whether the lock `$1` is held in this database, by a session as said.
macro_rules! held {
    ($by:literal) => {
        concat!(
            "EXISTS (
                 SELECT 1 FROM pg_locks
                 WHERE locktype = 'advisory' AND granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                   AND classid::bigint = ($1::bigint >> 32)
                   AND objid::bigint = ($1::bigint & 4294967295) AND objsubid = 1 ",
            $by,
            ")"
        )
    };
}

impl Postgres {
    /// While other sessions are inside transactions, each has a server process for itself. A
    /// direct session has one for itself anyway; a pooled one that is idle lends its own to one
    /// of them, or is moved. Several, since a pooler may have a few idle ones to give away first.
    async fn is_direct(&mut self) -> Result<bool> {
        const OTHERS: usize = 4;
        let mut others = Vec::with_capacity(OTHERS);
        let mut shared = false;
        while !shared && others.len() < OTHERS {
            let mut other = PgConnection::connect_with(&self.options)
                .await
                .map_err(fault("connect"))?;
            sqlx::raw_sql("BEGIN")
                .execute(&mut other)
                .await
                .map_err(fault("connect"))?;
            shared = backend(&mut other).await? == self.backend;
            others.push(other);
        }
        let moved = backend(&mut self.connection).await? != self.backend;
        for other in others {
            // Only a courtesy to the server, which rolls back by itself.
            let _ = other.close().await;
        }
        Ok(!shared && !moved)
    }
}

fn pooled() -> Error {
    Error::new(
        ErrorKind::Pooler,
        "relay",
        "between the relay and PostgreSQL stands a pooler (PgBouncer or another in transaction or \
         statement mode): it hands each statement to another server process, so the lock that \
         keeps one relay active does not hold, and LISTEN hears nothing. Name the database \
         server's own address in the URL; services may go on using the pooler",
    )
}

#[async_trait]
impl Lock for Postgres {
    async fn check_direct(&mut self) -> Result<()> {
        match self.is_direct().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(pooled()),
            // A statement that was prepared in another server process.
            Err(error) if error.kind() == ErrorKind::Pooler => Err(pooled()),
            Err(error) => Err(error),
        }
    }

    async fn take(&mut self) -> Result<bool> {
        // A relay whose host is gone gives its lock back when the server notices: after about
        // fifteen seconds instead of two hours. Its deletes need not wait for the disk: one that
        // is lost with the server's memory means an event twice, never one less.
        sqlx::raw_sql(AssertSqlSafe(format!(
            "SET tcp_keepalives_idle = 6; SET tcp_keepalives_interval = 3;
             SET tcp_keepalives_count = 3; SET synchronous_commit = off;
             SET statement_timeout = '60s'; {PLANNING}"
        )))
        .execute(&mut self.connection)
        .await
        .map_err(fault("take the lock"))?;
        let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut self.connection)
            .await
            .map_err(fault("take the lock"))?;
        Ok(taken)
    }

    async fn is_taken(&mut self) -> Result<bool> {
        sqlx::query_scalar(concat!("SELECT ", held!("")))
            .bind(LOCK)
            .fetch_one(&mut self.connection)
            .await
            .map_err(fault("look for the lock"))
    }

    async fn keep(&mut self) -> Result<()> {
        let (backend, held): (i32, bool) = sqlx::query_as(concat!(
            "SELECT pg_backend_pid(), ",
            held!("AND pid = pg_backend_pid()")
        ))
        .bind(LOCK)
        .fetch_one(&mut self.connection)
        .await
        .map_err(fault("keep the lock"))?;
        if backend != self.backend {
            return Err(pooled());
        }
        match held {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Superseded,
                "keep the lock",
                "the advisory lock of this session is gone",
            )),
        }
    }

    async fn fall_asleep(&mut self) -> Result<bool> {
        sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(SLEEP)
            .fetch_one(&mut self.connection)
            .await
            .map_err(fault("fall asleep"))
    }

    async fn wake_up(&mut self) -> Result<()> {
        let query = sqlx::query("SELECT pg_advisory_unlock($1)").bind(SLEEP);
        self.execute("wake up", query).await.map(drop)
    }

    async fn give_back(&mut self) -> Result<()> {
        let query = sqlx::query("SELECT pg_advisory_unlock_all()");
        self.execute("give the lock back", query).await.map(drop)
    }
}
