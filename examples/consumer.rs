//! A service that hears of it: `cargo run --example consumer -- sqlite:bus.db`

use serde_json::Value;
use tidings::{HandlerError, Message, Start};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or("sqlite:bus.db".into());
    let bus = tidings::open(&url).await?;
    let consumer = bus
        .consumer("lms")
        .topic("courses")
        .from(Start::Earliest)
        .handler(on_course);
    let summary = consumer.run(tidings::shutdown_signal()).await?;
    println!("{} handled", summary.counts.delivered);
    Ok(())
}

async fn on_course(message: Message) -> Result<(), HandlerError> {
    let course: Value = message.json()?;
    println!("{}: course {}", message.event().id(), course["title"]);
    Ok(())
}
