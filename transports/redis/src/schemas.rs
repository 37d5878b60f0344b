//! Schemas beside the log.

use async_trait::async_trait;
use redis::cmd;
use tidings_transport::{Result, SchemaId, SchemaStore};

use crate::names;
use crate::transport::Redis;
use crate::value;

#[async_trait]
impl SchemaStore for Redis {
    async fn put_schema(&self, id: &SchemaId, schema: &str) -> Result<()> {
        // Not over one that is there: the identity says that they are equal.
        let mut set = cmd("SET");
        set.arg(names::schema(id)).arg(schema).arg("NX");
        // Repeating it does no harm, so silence is no unknown outcome.
        self.link
            .command(&set)
            .await
            .map_err(|f| f.reading("put_schema"))?;
        Ok(())
    }

    async fn get_schema(&self, id: &SchemaId) -> Result<Option<String>> {
        let schema = self.link.command(cmd("GET").arg(names::schema(id))).await;
        schema
            .and_then(|s| value::optional(s, "a schema"))
            .map_err(|f| f.reading("get_schema"))
    }
}
