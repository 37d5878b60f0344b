//! What entries tell.

use tidings::Reading;
use tidings_transport::{Finding, Severity, TopicInfo};

use crate::bus::Bus;
use crate::failure::Result;
use crate::output::number;

/// Reads the newest entries as a consumer would.
pub async fn unreadable(bus: &Bus, info: &TopicInfo, sample: usize) -> Result<Option<Finding>> {
    let decoder = bus.decoder();
    let (mut bad, mut example) = (0_u64, None);
    let newest = bus.transport().read_back(&info.topic, None, sample).await?;
    let read = newest.len() as u64;
    for stored in newest.into_iter().rev() {
        if let Reading::Undecodable(reason) = decoder.resolve(&stored.body).await? {
            bad += 1;
            example.get_or_insert((stored.position, reason));
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
