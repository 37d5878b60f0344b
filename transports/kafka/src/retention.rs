//! Trimming, which spares what groups still need.

use std::sync::Arc;

use rdkafka::{Offset, TopicPartitionList};
use tidings_transport::{Group, Result, Retention, Topic, Trimmed};

use crate::acl::Acl;
use crate::client::Client;
use crate::error::{reading, writing};
use crate::{describe, groups, reader, start};

/// Removes old records. A length is that of all partitions together: each gives up its share.
pub(crate) async fn trim(
    client: &Arc<Client>,
    topic: &Topic,
    retention: &Retention,
) -> Result<Trimmed> {
    // What one has removed, the next does not count once more.
    let _turn = client.trimming.lock().await;
    let (wanted, rules) = (topic.clone(), retention.clone());
    let plan = move |client: &Client| plan(client, &wanted, &rules);
    let Plan {
        name,
        marks,
        targets,
        spared,
        needed_by,
    } = client.blocking("trim", plan).await?;
    let mut list = TopicPartitionList::new();
    let mut removed = 0;
    for (partition, (target, (low, _))) in (0..).zip(targets.iter().zip(&marks)) {
        if target > low {
            removed += u64::try_from(target - low).unwrap_or(0);
            let added = list.add_partition_offset(&name, partition, Offset::Offset(*target));
            added.map_err(|e| reading("trim", e))?;
        }
    }
    if removed > 0 && !retention.dry_run {
        let done = client.admin.delete_records(&list, &client.options()).await;
        let acl = Acl::to("Delete").topic(&name);
        let failed = |e| acl.of(writing("trim", e));
        for element in done.map_err(failed)?.elements() {
            element.error().map_err(failed)?;
        }
    }
    Ok(Trimmed {
        removed,
        spared,
        needed_by,
    })
}

/// What is to be removed of a topic.
struct Plan {
    /// On Kafka.
    name: String,
    /// The offsets of the oldest record and behind the newest one, for each partition.
    marks: Vec<(i64, i64)>,
    /// The first offset of each partition that stays.
    targets: Vec<i64>,
    spared: u64,
    needed_by: Vec<Group>,
}

fn plan(client: &Client, topic: &Topic, rules: &Retention) -> Result<Plan> {
    let (name, marks) = reader::topic(client, topic, "trim")?;
    let mut wished: Vec<i64> = marks.iter().map(|(low, _)| *low).collect();
    if let Some(age) = rules.max_age {
        let age = jiff::SignedDuration::try_from(age).unwrap_or(jiff::SignedDuration::MAX);
        if let Ok(since) = jiff::Timestamp::now().checked_sub(age) {
            let since = tidings_transport::Start::Time(since);
            wished = start::resolve(client, &name, &marks, &since, "trim")?;
        }
    }
    if let Some(max_len) = rules.max_len {
        raise(&mut wished, &shares(&marks, max_len));
    }
    let hard = rules.hard_max_len.map(|hard| shares(&marks, hard));
    if let Some(hard) = &hard {
        raise(&mut wished, hard);
    }
    for (wish, (low, high)) in wished.iter_mut().zip(&marks) {
        *wish = (*wish).clamp(*low, *high);
    }
    let mut targets = wished.clone();
    let mut needed_by = Vec::new();
    let ttl = i64::try_from(rules.group_ttl.as_millis()).unwrap_or(i64::MAX);
    let since = jiff::Timestamp::now().as_millisecond().saturating_sub(ttl);
    for (group, journal) in describe::all(client, topic, "trim")? {
        if let Some(needs) = groups::needs(client, (&name, &marks), &group, &journal, since)? {
            if needs.iter().zip(&wished).any(|(need, wish)| need < wish) {
                needed_by.push(group);
            }
            for (target, need) in targets.iter_mut().zip(needs) {
                *target = (*target).min(need);
            }
        }
    }
    needed_by.sort();
    if let Some(hard) = &hard {
        raise(&mut targets, hard);
    }
    let mut spared = 0;
    for ((target, wish), (low, _)) in targets.iter_mut().zip(&wished).zip(&marks) {
        *target = (*target).max(*low);
        spared += u64::try_from(wish - *target).unwrap_or(0);
    }
    Ok(Plan {
        name,
        marks,
        targets,
        spared,
        needed_by,
    })
}

fn raise(targets: &mut [i64], to: &[i64]) {
    for (target, to) in targets.iter_mut().zip(to) {
        *target = (*target).max(*to);
    }
}

/// From where on each partition is kept so that all of them together keep so many.
fn shares(marks: &[(i64, i64)], keep: u64) -> Vec<i64> {
    let total: i64 = marks.iter().map(|(low, high)| high - low).sum();
    let keep = i64::try_from(keep).unwrap_or(i64::MAX).min(total);
    let share = |(low, high): &(i64, i64)| {
        let total = i128::from(total.max(1));
        let kept = (i128::from(keep) * i128::from(high - low) + total - 1) / total;
        high - i64::try_from(kept).unwrap_or(0)
    };
    marks.iter().map(share).collect()
}
