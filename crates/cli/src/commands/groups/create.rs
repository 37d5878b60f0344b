//! `tidings groups create`

use serde_json::json;
use tidings_transport::Group;

use crate::args::CreateArgs;
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Output;

/// Makes a group where it is missing.
pub async fn run(args: CreateArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let bus = Bus::open(&args.bus).await?;
    let group = Group::new(&args.group)?;
    for name in &args.topic {
        let topic = bus.topic(name)?;
        let opened = bus
            .transport()
            .create_group(&topic, &group, &args.from)
            .await?;
        if output.is_json() {
            output.json(&json!({
                "topic": topic.as_str(),
                "group": group.as_str(),
                "created": !opened.existed,
                "position": opened.position.as_str(),
            }))?;
        } else if opened.existed {
            output.text(&format!(
                "group {group} of {topic} exists and stays at {}",
                opened.position
            ))?;
        } else {
            output.text(&format!(
                "group {group} of {topic} begins after {}",
                opened.position
            ))?;
        }
    }
    Ok(Exit::Ok)
}
