//! A service that is held to a catalog: `cargo run --example catalog -- examples/events`

use serde_json::json;
use tidings::{Catalog, Emitter, Role};

const RENAMED: &str = "org.example.catalog.course.renamed.v2";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or("examples/events".into());
    let catalog = Catalog::from_folder(&folder)?;
    let bus = tidings::open("memory:").await?.with_catalog(catalog);
    let producer = bus
        .producer()
        .emitter(Emitter::new("example", "catalog", Role::Web)?)
        .build()?;

    // Topic, key and versions are those of the definition, and the version before goes along.
    let course = json!({"course": {"id": "c-1", "name": "Algebra"}});
    let renamed = producer.event(RENAMED).data_value(&course);
    for receipt in producer.publish(renamed).await? {
        println!("{} is in {}", receipt.event_type, receipt.topic);
    }

    // What the definition does not describe does not leave.
    let nameless = producer
        .event(RENAMED)
        .data_json(r#"{"course": {"id": "c-1"}}"#);
    if let Err(refused) = producer.publish(nameless).await {
        println!("refused: {refused}");
    }
    Ok(())
}
