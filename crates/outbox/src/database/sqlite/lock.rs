//! Who is active: by a lease row with an epoch.

use async_trait::async_trait;

use super::lease::{NAME, extend, now_millis, too_late_millis, until_millis};
use super::session::Sqlite;
use crate::Result;
use crate::database::fault::fault;
use crate::database::lock::Lock;

#[async_trait]
impl Lock for Sqlite {
    async fn check_direct(&mut self) -> Result<()> {
        Ok(())
    }

    async fn take(&mut self) -> Result<bool> {
        let epoch: Option<i64> = sqlx::query_scalar(
            "INSERT INTO tidings_outbox_lease (name, holder, epoch, until_millis)
             VALUES (?1, ?2, 1, ?3)
             ON CONFLICT (name) DO UPDATE
             SET holder = ?2, epoch = epoch + 1, until_millis = ?3
             WHERE until_millis < ?4 OR until_millis > ?5
             RETURNING epoch",
        )
        .bind(NAME)
        .bind(&self.holder)
        .bind(until_millis())
        .bind(now_millis())
        .bind(too_late_millis())
        .fetch_optional(&mut self.connection)
        .await
        .map_err(fault("take the lease"))?;
        if let Some(epoch) = epoch {
            self.epoch = epoch;
        }
        Ok(epoch.is_some())
    }

    async fn is_taken(&mut self) -> Result<bool> {
        let until: Option<i64> =
            sqlx::query_scalar("SELECT until_millis FROM tidings_outbox_lease WHERE name = ?")
                .bind(NAME)
                .fetch_optional(&mut self.connection)
                .await
                .map_err(fault("look for the lease"))?;
        Ok(until.is_some_and(|until| (now_millis()..=too_late_millis()).contains(&until)))
    }

    async fn keep(&mut self) -> Result<()> {
        extend(&mut self.connection, &self.holder, self.epoch).await
    }

    async fn give_back(&mut self) -> Result<()> {
        let query = sqlx::query(
            "UPDATE tidings_outbox_lease SET until_millis = 0
             WHERE name = ? AND holder = ? AND epoch = ?",
        );
        let holder = self.holder.clone();
        let query = query.bind(NAME).bind(holder).bind(self.epoch);
        self.execute("give the lease back", query).await.map(drop)
    }
}
