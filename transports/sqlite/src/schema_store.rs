//! Schemas of payloads whose wire does not carry them.

use async_trait::async_trait;
use rusqlite::OptionalExtension;
use tidings_transport::{Result, SchemaId, SchemaStore};

use crate::job::Order;
use crate::transport::Sqlite;

#[async_trait]
impl SchemaStore for Sqlite {
    async fn put_schema(&self, id: &SchemaId, schema: &str) -> Result<()> {
        let order = Order {
            operation: "put_schema",
            synced: true,
            rows: 1,
        };
        let (id, schema) = (id.clone(), schema.to_owned());
        let stored = self.inner.writer.run(order, move |work| {
            work.db.execute(
                "INSERT OR IGNORE INTO schemas (schema_id, schema) VALUES (?1, ?2)",
                [id.as_str(), &schema],
            )?;
            Ok(())
        });
        Ok(stored.await?)
    }

    async fn get_schema(&self, id: &SchemaId) -> Result<Option<String>> {
        let id = id.clone();
        let found = self.inner.looker.ask("get_schema", move |db| {
            let mut ask = db.prepare_cached("SELECT schema FROM schemas WHERE schema_id = ?1")?;
            Ok(ask.query_row([id.as_str()], |row| row.get(0)).optional()?)
        });
        Ok(found.await?)
    }
}
