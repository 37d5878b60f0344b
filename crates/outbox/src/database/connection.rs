//! An open connection or transaction of the caller's.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{MySql, MySqlConnection, PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};

use super::row::NewRow;
use super::{mysql, postgres, sqlite};
use crate::Result;

/// An open sqlx transaction or connection: [`PgConnection`], [`MySqlConnection`],
/// [`SqliteConnection`], or a [`Transaction`] of theirs. Not to be implemented elsewhere.
#[async_trait]
pub trait Connection: private::Sealed + Send {
    #[doc(hidden)]
    async fn insert(&mut self, rows: &[NewRow]) -> Result<()>;

    #[doc(hidden)]
    async fn record(&mut self, group: &str, events: &[(String, String)]) -> Result<Vec<bool>>;

    #[doc(hidden)]
    async fn prune(&mut self, group: Option<&str>, age: Duration) -> Result<u64>;
}

mod private {
    pub trait Sealed {}
}

macro_rules! connection {
    ($database:ident, $connection:ident, $module:ident) => {
        impl private::Sealed for $connection {}
        impl private::Sealed for Transaction<'_, $database> {}

        #[async_trait]
        impl Connection for $connection {
            async fn insert(&mut self, rows: &[NewRow]) -> Result<()> {
                $module::insert(self, rows).await
            }

            async fn record(
                &mut self,
                group: &str,
                events: &[(String, String)],
            ) -> Result<Vec<bool>> {
                $module::record(self, group, events).await
            }

            async fn prune(&mut self, group: Option<&str>, age: Duration) -> Result<u64> {
                $module::prune(self, group, age).await
            }
        }

        #[async_trait]
        impl Connection for Transaction<'_, $database> {
            async fn insert(&mut self, rows: &[NewRow]) -> Result<()> {
                $module::insert(self, rows).await
            }

            async fn record(
                &mut self,
                group: &str,
                events: &[(String, String)],
            ) -> Result<Vec<bool>> {
                $module::record(self, group, events).await
            }

            async fn prune(&mut self, group: Option<&str>, age: Duration) -> Result<u64> {
                $module::prune(self, group, age).await
            }
        }
    };
}

connection!(Postgres, PgConnection, postgres);
connection!(MySql, MySqlConnection, mysql);
connection!(Sqlite, SqliteConnection, sqlite);
