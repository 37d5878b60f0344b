//! What the relay asks again and again costs the same however large the table is: it reads an
//! index, and in its order. The plans are those of the databases themselves, over a large table in
//! front of which thousands of rows stand aside.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _, SqliteConnection};
use tidings_conformance::servers::{MariadbServer, PostgresServer};

use super::{Database, mysql, postgres, sqlite};

const ASIDE: usize = 5_000;
const READY: usize = 200_000;

#[tokio::test(flavor = "multi_thread")]
async fn of_postgres() {
    let server = PostgresServer::start(&["fsync=off"]).await.unwrap();
    let database = Database::new(&server.url("postgres")).unwrap();
    database.migrate().await.unwrap();
    let sql = |text: &str| server.sql("postgres", text).unwrap();
    sql(&format!(
        "INSERT INTO tidings_outbox (id, topic, event_key, event, refused_at, reason)
         SELECT 'a', 't', 'k', repeat('x', 300),
                CASE WHEN n <= {ASIDE} THEN now() END, CASE WHEN n <= {ASIDE} THEN 'no' END
         FROM generate_series(1, {ASIDE} + {READY}) n"
    ));
    // Before the statistics are there and after; planned for the values and for any.
    for analyze in ["", "ANALYZE tidings_outbox;"] {
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let explain = |statement: &str, types: &str, values: &str| {
                sql(&format!(
                    "{analyze} SET plan_cache_mode = {mode}; {};
                     PREPARE asked ({types}) AS {statement}; EXPLAIN EXECUTE asked ({values})",
                    postgres::PLANNING
                ))
            };
            let plan = explain(postgres::READY, "bigint, bigint", "0, 1000");
            assert!(plan.contains("Index Scan using tidings_outbox_"), "{plan}");
            assert!(!plan.contains("Sort"), "{plan}");
            let plan = explain(postgres::FINISH, "bigint[]", "'{7000,7001,7002}'");
            assert!(!plan.contains("Seq Scan"), "{plan}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_mariadb() {
    let server = MariadbServer::start(&["--innodb-flush-log-at-trx-commit=0"])
        .await
        .unwrap();
    let database = Database::new(&server.create_database("app").unwrap()).unwrap();
    database.migrate().await.unwrap();
    let sql = |text: &str| server.sql("app", text).unwrap();
    sql(&format!(
        "INSERT INTO tidings_outbox (id, topic, event_key, event, refused_at, reason)
         SELECT 'a', 't', 'k', repeat('x', 300),
                IF(seq <= {ASIDE}, now(), NULL), IF(seq <= {ASIDE}, 'no', NULL)
         FROM seq_1_to_{}",
        ASIDE + READY
    ));
    for analyze in ["", "ANALYZE TABLE tidings_outbox;"] {
        let explain = |statement: &str, values: &str| {
            let statement = statement.replace('\n', " ");
            let said = sql(&format!(
                "{analyze} EXPLAIN {}",
                statement.replacen('?', values, 1).replacen('?', "1000", 1)
            ));
            // What ANALYZE says comes before.
            said.lines().last().unwrap_or_default().to_owned()
        };
        let plan = explain(mysql::READY, "0");
        assert!(plan.contains("tidings_outbox_ready"), "{plan}");
        assert!(!plan.contains("filesort"), "{plan}");
        let numbers: Vec<String> = (7_000..8_000).map(|n| n.to_string()).collect();
        let plan = explain(mysql::FINISH, &format!("'[{}]'", numbers.join(",")));
        assert!(plan.contains("eq_ref"), "{plan}");
    }
}

#[tokio::test]
async fn of_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/app.db", folder.path().display());
    Database::new(&url).unwrap().migrate().await.unwrap();
    let mut file = SqliteConnection::connect(&url).await.unwrap();
    let fill = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {})
         INSERT INTO tidings_outbox (id, topic, event_key, event, refused_at, reason)
         SELECT 'a', 't', 'k', printf('%0300d', n),
                iif(n <= {ASIDE}, '2026-01-01', NULL), iif(n <= {ASIDE}, 'no', NULL) FROM n",
        ASIDE + READY
    );
    file.execute(AssertSqlSafe(fill)).await.unwrap();
    for analyze in [false, true] {
        if analyze {
            file.execute("ANALYZE").await.unwrap();
        }
        let mut explain = async |statement: &str| {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let steps = sqlx::query(explain).fetch_all(&mut file).await.unwrap();
            let steps = steps.iter().map(|step| step.get::<String, _>("detail"));
            steps.collect::<Vec<_>>().join("; ")
        };
        let plan = explain(sqlite::READY).await;
        assert!(plan.contains("SEARCH"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        let plan = explain(sqlite::FINISH).await;
        assert!(plan.contains("SEARCH tidings_outbox USING"), "{plan}");
    }
}
