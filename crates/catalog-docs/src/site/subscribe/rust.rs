//! What the site shows of Rust. The examples compile it; the site puts type and topic into it.

use tidings::{HandlerError, Message};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bus = tidings::open(&std::env::var("TIDINGS_BUS")?).await?;
    let consumer = bus.consumer("GROUP").topic("TOPIC").handler(on_event);
    consumer.run(tidings::shutdown_signal()).await?;
    Ok(())
}

async fn on_event(message: Message) -> Result<(), HandlerError> {
    if message.event().event_type() == "TYPE" {
        let data: serde_json::Value = message.json()?;
        println!("{data}");
    }
    Ok(())
}
