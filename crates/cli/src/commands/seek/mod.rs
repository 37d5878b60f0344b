//! `tidings seek`

mod plan;
mod report;

use tidings_transport::Group;

use crate::args::SeekArgs;
use crate::bus::Bus;
use crate::consent::Consent;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, to_stderr};
use crate::signals::Shutdown;

use plan::Plan;
use report::Tense;

/// Moves a group, or says what that would do.
pub async fn run(args: SeekArgs, shutdown: Shutdown) -> Result<Exit> {
    let output = Output::new(args.output);
    let change = "seek moves a group";
    let consent = (!args.dry_run).then(|| Consent::find(args.consent, change));
    let consent = consent.transpose()?;
    let bus = Bus::open_to_look(&args.bus).await?;
    let (topic, group) = (bus.topic(&args.topic)?, Group::new(&args.group)?);
    let mut plan = tokio::select! {
        plan = Plan::make(&bus, topic, group, &args.to) => plan?,
        () = shutdown.asked() => return Ok(shutdown.exit()),
    };
    let mut tense = Tense::Would;
    if let Some(consent) = consent {
        if matches!(consent, Consent::Ask) {
            to_stderr(&plan.text(tense));
        }
        consent.obtain("Move it?", &shutdown).await?;
        let seeked = bus.transport().seek(&plan.topic, &plan.group, &args.to);
        let seeked = seeked.await?;
        (plan.before, plan.after) = (seeked.before, Some(seeked.after));
        tense = Tense::Did;
    }
    match output.is_json() {
        true => output.json(&plan.as_json(tense))?,
        false => output.text(&plan.text(tense))?,
    }
    Ok(Exit::Ok)
}
