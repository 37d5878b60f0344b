//! An outbox that is held to the catalog, and a relay that forwards what it finds.

use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use tidings::outbox::{Database, Outbox, Relay};

use crate::site::{GOOD_V2, V1, V2, bus, catalog, emitter, read};

#[tokio::test]
async fn both_majors_leave_with_the_commit_and_the_relay_adds_none() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/app.db?mode=rwc", folder.path().display());
    let database = Database::new(&format!("sqlite:{}/app.db", folder.path().display())).unwrap();
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    database.migrate().await.unwrap();
    let outbox = Outbox::builder(std::sync::Arc::new(tidings::NoDefinitions))
        .catalog(catalog())
        .emitter(emitter("catalog"))
        .build()
        .unwrap();

    let mut transaction = connection.begin().await.unwrap();
    let event = outbox.event(V2).data_json(GOOD_V2);
    let enqueued = outbox.enqueue(&mut *transaction, [event]).await.unwrap();
    let refused = outbox.event(V2).data_json("{}");
    let refused = outbox.enqueue(&mut *transaction, [refused]).await;
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("data does not fit its schema: \"course\" is a required property"),
        "{refused}"
    );
    transaction.commit().await.unwrap();
    assert_eq!(enqueued[0].event_type, V2);
    assert_eq!(enqueued[0].earlier[0].event_type, V1);
    assert_eq!(enqueued[0].earlier[0].topics, ["courses", "archive"]);

    let bus = bus().await;
    let relay = Relay::new(database, bus.producer()).poll(Duration::from_millis(20));
    let done = async {
        while read(&bus, "archive").await.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), relay.run(done))
        .await
        .unwrap()
        .unwrap();
    let heard = read(&bus, "courses").await;
    let types: Vec<_> = heard.iter().map(|(_, event)| event.event_type()).collect();
    assert_eq!(types, [V2, V1]);
}
