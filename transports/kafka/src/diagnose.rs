//! What in the cluster's settings and state endangers the guarantees.

use std::collections::HashMap;
use std::sync::Arc;

use rdkafka::admin::{OwnedResourceSpecifier, ResourceSpecifier};
use rdkafka::consumer::Consumer;
use rdkafka::metadata::MetadataTopic;
use tidings_transport::{Error, ErrorKind, Finding, Result, Severity, Topic};

use crate::client::Client;
use crate::entry::Made;
use crate::error::reading;
use crate::names;
use crate::reader;

/// Groups that stand still for a long weekend must not lose their positions.
const OFFSETS_KEPT_MINUTES: i64 = 7 * 24 * 60;

pub(crate) async fn diagnose(client: &Arc<Client>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let broker = client.blocking("diagnose", |client| {
        let metadata = client.asking.fetch_metadata(None, client.timeout());
        let metadata = metadata.map_err(|e| reading("diagnose", e))?;
        Ok(metadata.brokers().first().map(|broker| broker.id()))
    });
    if let Some(broker) = broker.await? {
        findings.extend(settings(client, broker).await);
    }
    let (groups, refused) = client.blocking("diagnose", groups).await?;
    findings.extend(refused);
    findings.extend(copies(client, &groups));
    findings.extend(groups.iter().filter_map(partitions));
    findings.extend(policies(client, &groups).await);
    Ok(findings)
}

async fn settings(client: &Arc<Client>, broker: i32) -> Vec<Finding> {
    let asked = [ResourceSpecifier::Broker(broker)];
    let told = client
        .admin
        .describe_configs(&asked, &client.options())
        .await;
    let told = told
        .ok()
        .and_then(|mut told| told.pop())
        .and_then(std::result::Result::ok)
        // Of what it may not see the library tells nothing, and no error.
        .filter(|told| !told.entries.is_empty());
    let Some(told) = told else {
        return vec![Finding::new(
            Severity::Info,
            "kafka-settings",
            "the brokers do not tell their settings",
            "let this user do so (kafka-acls.sh --add --allow-principal User:NAME --operation \
             DescribeConfigs --cluster), or check offsets.retention.minutes, min.insync.replicas and \
             unclean.leader.election.enable by hand",
        )];
    };
    let values: HashMap<&str, &str> = told
        .entries
        .iter()
        .filter_map(|entry| Some((entry.name.as_str(), entry.value.as_deref()?)))
        .collect();
    let number = |name: &str| values.get(name).and_then(|v| v.parse::<i64>().ok());
    let mut findings = Vec::new();
    if let Some(minutes) = number("offsets.retention.minutes")
        && minutes < OFFSETS_KEPT_MINUTES
    {
        findings.push(Finding::new(
            Severity::Warning,
            "kafka-offsets-expire",
            format!(
                "offsets.retention.minutes is {minutes}: a group without consumers for so \
                     long loses its position, and hears again everything since it was made"
            ),
            format!("set offsets.retention.minutes to {OFFSETS_KEPT_MINUTES} or more"),
        ));
    }
    let copies = client
        .config
        .replication
        .map(i64::from)
        .or(number("default.replication.factor"));
    match (copies, number("min.insync.replicas")) {
        (Some(1), _) => findings.push(Finding::new(
            Severity::Warning,
            "kafka-replication",
            "topics are made with one copy: what its broker loses is lost",
            "set replication=3 in the URL, or default.replication.factor",
        )),
        (Some(copies), Some(insync)) if insync < 2 => findings.push(Finding::new(
            Severity::Warning,
            "kafka-insync",
            format!(
                "min.insync.replicas is {insync} of {copies}: a publish that returned may \
                 stand on one broker only"
            ),
            "set min.insync.replicas to 2",
        )),
        _ => {}
    }
    if values.get("unclean.leader.election.enable") == Some(&"true") {
        findings.push(Finding::new(
            Severity::Warning,
            "kafka-unclean-election",
            "unclean.leader.election.enable is true: a broker that was behind may take over, and \
             what it had not is gone",
            "set it to false",
        ));
    }
    findings
}

/// A group, and what the cluster says of its topic and its journal.
struct Found {
    made: Made,
    journal: String,
    /// How many partitions its topic has.
    partitions: usize,
    /// The fewest copies of a partition, of its topic and of its journal.
    copies: [usize; 2],
}

/// The groups whose journals this user may read, and a word on those that it may not.
fn groups(client: &Client) -> Result<(Vec<Found>, Option<Finding>)> {
    let metadata = client.asking.fetch_metadata(None, client.timeout());
    let metadata = metadata.map_err(|e| reading("diagnose", e))?;
    let topics: HashMap<&str, &MetadataTopic> = metadata
        .topics()
        .iter()
        .map(|topic| (topic.name(), topic))
        .collect();
    let copies = |topic: &MetadataTopic| {
        let each = topic.partitions().iter().map(|p| p.replicas().len());
        each.min().unwrap_or(0)
    };
    let mut found = Vec::new();
    let is_journal = |name: &&&str| names::is_journal(name, |t| topics.contains_key(t));
    let names: Vec<&str> = topics.keys().filter(is_journal).copied().collect();
    let journals = reader::each_journal(client, &names, "diagnose")?;
    let mut refused = Vec::new();
    for (name, journal) in names.iter().zip(journals) {
        let made = match journal {
            Ok(journal) => journal.and_then(|j| j.made),
            Err(e) if e.kind() == ErrorKind::Denied => {
                refused.push(e);
                None
            }
            Err(e) => return Err(e),
        };
        let Some(made) = made else {
            continue;
        };
        let Some(topic) = Topic::new(&made.topic)
            .and_then(|topic| names::physical(&topic, "diagnose"))
            .ok()
            .and_then(|physical| topics.get(physical.as_str()))
        else {
            continue;
        };
        found.push(Found {
            made,
            journal: (*name).to_owned(),
            partitions: topic.partitions().len(),
            copies: [copies(topic), copies(topics[name])],
        });
    }
    found.sort_by(|a, b| (&a.made.topic, &a.made.group).cmp(&(&b.made.topic, &b.made.group)));
    Ok((found, unreadable(&refused)))
}

/// Journals that this user may not read.
fn unreadable(refused: &[Error]) -> Option<Finding> {
    let first = refused.first()?;
    let count = refused.len();
    Some(Finding::new(
        Severity::Info,
        "kafka-journals",
        format!("{count} journals of groups are not looked at, for one: {first}"),
        "let this user read them, or run doctor as one who may",
    ))
}

/// Topics that have one copy in a cluster that could hold more.
fn copies(client: &Client, groups: &[Found]) -> Option<Finding> {
    let mut single: Vec<&str> = Vec::new();
    for group in groups {
        let names = [group.made.topic.as_str(), group.journal.as_str()];
        single.extend(
            names
                .into_iter()
                .zip(group.copies)
                .filter(|(_, n)| *n == 1)
                .map(|(n, _)| n),
        );
    }
    single.dedup();
    let wanted = client.config.replication.is_some_and(|n| n > 1);
    (wanted && !single.is_empty()).then(|| {
        let (count, first) = (single.len(), single[0]);
        Finding::new(
            Severity::Warning,
            "kafka-single-copy",
            format!("{count} topics have one copy, {first} for one: what its broker loses is lost"),
            "reassign their partitions with more replicas (kafka-reassign-partitions.sh)",
        )
    })
}

/// Keys that were in one partition are in another since there are more of them.
fn partitions(found: &Found) -> Option<Finding> {
    let (now, then) = (found.partitions, found.made.start.len());
    (now > then).then(|| {
        let (topic, group) = (&found.made.topic, &found.made.group);
        Finding::new(
            Severity::Warning,
            "kafka-partitions-added",
            format!(
                "topic {topic} has {now} partitions and had {then} when group {group} was made: \
                 events of one key may have been heard out of order around the change"
            ),
            "nothing to do for what is past; stop publishing and drain all groups before \
             partitions are added again",
        )
    })
}

/// Journals must be compacted and nothing else.
async fn policies(client: &Arc<Client>, groups: &[Found]) -> Vec<Finding> {
    let asked: Vec<_> = groups
        .iter()
        .map(|found| ResourceSpecifier::Topic(&found.journal))
        .collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let told = client
        .admin
        .describe_configs(&asked, &client.options())
        .await;
    let mut findings = Vec::new();
    for told in told.unwrap_or_default().into_iter().flatten() {
        let OwnedResourceSpecifier::Topic(name) = &told.specifier else {
            continue;
        };
        let Some(found) = groups.iter().find(|found| found.journal == *name) else {
            continue;
        };
        if told.entries.is_empty() {
            findings.push(Finding::new(
                Severity::Info,
                "kafka-settings",
                format!("the brokers do not tell the settings of {name}"),
                format!(
                    "let this user do so (kafka-acls.sh --add --allow-principal User:NAME \
                     --operation DescribeConfigs --topic {name}), or check by hand that its \
                     cleanup.policy is compact"
                ),
            ));
        }
        let policy = told
            .entries
            .iter()
            .find(|entry| entry.name == "cleanup.policy");
        let Some(policy) = policy.and_then(|entry| entry.value.as_deref()) else {
            continue;
        };
        if policy != "compact" {
            let journal = &found.journal;
            findings.push(Finding::new(
                Severity::Error,
                "kafka-journal-policy",
                format!(
                    "cleanup.policy of {journal} is {policy}: dead letters and parked keys of \
                     group {} are removed by age or size",
                    found.made.group
                ),
                format!("set cleanup.policy of {journal} to compact"),
            ));
        }
    }
    findings
}
