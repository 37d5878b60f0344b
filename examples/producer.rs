//! A service that says what it did: `cargo run --example producer -- sqlite:bus.db`

use serde_json::json;
use tidings::{Emitter, Role, Route};

const CREATED: &str = "org.openedx.catalog.course.created.v1";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or("sqlite:bus.db".into());
    let bus = tidings::open(&url).await?;
    let producer = bus
        .producer()
        .emitter(Emitter::new("openedx", "discovery", Role::Web)?)
        .route(CREATED, Route::to("courses").key_path("course_key")?)
        .build()?;
    for title in ["Algebra", "Botany", "Chemistry"] {
        let course = json!({"course_key": format!("edX+{title}"), "title": title});
        let event = producer.event(CREATED).data_value(&course);
        for receipt in producer.publish(event).await? {
            println!("{} is in {}", receipt.id, receipt.topic);
        }
    }
    Ok(())
}
