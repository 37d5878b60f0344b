//! What entries tell.

use tidings::Reading;
use tidings_transport::{Error, Finding, Result, Severity, TopicInfo};

use crate::bus::Bus;
use crate::output::number;

/// Reads the newest entries as a consumer would.
pub async fn unreadable(bus: &Bus, info: &TopicInfo, sample: usize) -> Result<Option<Finding>> {
    let decoder = bus.decoder();
    let (mut bad, mut example) = (0_u64, None);
    let newest = bus.transport().read_back(&info.topic, None, sample).await?;
    let read = newest.len() as u64;
    for stored in newest.into_iter().rev() {
        match decoder.resolve(&stored.body).await {
            Ok(Reading::Undecodable(reason)) => {
                bad += 1;
                example.get_or_insert((stored.position, reason));
            }
            Ok(_) => {}
            // Whoever keeps the schemas is away, or was not named: no reason to see nothing else.
            Err(error) => return Ok(Some(no_schema(info, &error))),
        }
    }
    Ok(example.map(|(position, reason)| Finding {
        severity: Severity::Warning,
        code: "unreadable-entries",
        what: format!(
            "{} of the newest {} entries of {} cannot be read, first at {position}: {reason}",
            number(bad),
            number(read),
            info.topic
        ),
        remedy: "consumers keep them as dead letters; mend the producer, or add the definition \
                 of the type with --catalog"
            .into(),
    }))
}

fn no_schema(info: &TopicInfo, error: &Error) -> Finding {
    Finding {
        severity: Severity::Error,
        code: "schemas-out-of-reach",
        what: format!(
            "{} has entries whose schema cannot be had: {error}",
            info.topic
        ),
        remedy: "consumers wait there, or stop; see to it that who keeps the schemas answers, and \
                 is named in the bus's URL"
            .into(),
    }
}
