//! What groups tell.

use std::time::Duration;

use tidings_transport::{Count, Finding, GroupInfo, Severity, Topic};

use crate::output::{age, count, counted, number};

/// What is behind for longer, without anybody working on it, is worth a warning.
const STUCK: Duration = Duration::from_secs(15 * 60);

/// What is the matter with a group. `called` is what commands call its topic; `cause` says how the last
/// of its losses came about. `scheme` is that of the bus's URL.
pub fn findings(
    scheme: &str,
    topic: &Topic,
    called: &str,
    group: &GroupInfo,
    cause: Option<&str>,
) -> Vec<Finding> {
    let name = &group.group;
    let mut findings = Vec::new();
    let mut find = |severity, code, what: String, remedy: &str| {
        findings.push(Finding {
            severity,
            code,
            what,
            remedy: remedy.into(),
        });
    };
    let named = format!("--topic {called} --group {name}");
    let behind = group.lag.events != Count::Exactly(0);
    if group.pending > 0 && group.consumers.is_empty() {
        find(
            Severity::Warning,
            "pending-without-owner",
            format!(
                "consumers of group {name} that are gone hold {} of {topic}",
                counted(Count::Exactly(group.pending), "event")
            ),
            "start a consumer of the group: it takes them over when their lease ends",
        );
    }
    if behind && group.consumers.is_empty() {
        find(
            Severity::Warning,
            "group-without-consumer",
            format!(
                "group {name} of {topic} is {} behind, the oldest from {} ago, and has no consumer",
                counted(group.lag.events, "event"),
                age(group.lag.age)
            ),
            &format!(
                "start its consumer; after `group-ttl` (7 days) without one, trimming passes it by; \
                 if nobody will ever serve it, `tidings groups remove {named}`"
            ),
        );
    } else if behind && group.lag.age > STUCK {
        find(
            Severity::Warning,
            "group-behind",
            format!(
                "group {name} of {topic} has an unsettled event from {} ago ({} behind, {} in \
                 hand)",
                age(group.lag.age),
                count(group.lag.events),
                number(group.pending)
            ),
            "look at the logs of its consumer; a slow handler needs more --concurrency",
        );
    }
    if group.dead_letters > 0 {
        find(
            Severity::Warning,
            "dead-letters",
            format!(
                "group {name} of {topic} has {}",
                counted(Count::Exactly(group.dead_letters), "dead letter")
            ),
            "`tidings dlq list` shows why; mend the handler, then `tidings dlq retry`, or `release` for \
             parked keys",
        );
    }
    if group.lost != Count::Exactly(0) {
        find(
            Severity::Error,
            "gap",
            format!(
                "group {name} of {topic} lost {}{}",
                counted(group.lost, "event"),
                cause.map_or(String::new(), |cause| format!(": {cause}"))
            ),
            &format!(
                "fill the gap from the owner of the data, then `tidings groups acknowledge {named}`; \
                 if others took them, find who{}; if retention did, let it keep more, or start \
                 consumers sooner",
                takers(scheme)
            ),
        );
    }
    findings
}

/// What takes events of a log of this kind beside our own trimming.
fn takers(scheme: &str) -> &'static str {
    match scheme {
        "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" => {
            " (MAXLEN of older producers, maxmemory-policy)"
        }
        "kafka" | "kafka+ssl" => {
            " (retention.ms and retention.bytes of the topic, else log.retention.ms and \
             log.retention.bytes of the brokers; kafka-delete-records.sh)"
        }
        _ => "",
    }
}
