//! What in the server's settings endangers the guarantees.

use jiff::Timestamp;
use redis::{Value, cmd};
use tidings_transport::{Finding, Result, Severity};

use crate::error::Failure;
use crate::transport::{Redis, fact};
use crate::value;

/// Clocks that differ by less do no harm that a person would notice.
const MAX_SKEW_MS: i64 = 5_000;

impl Redis {
    pub(crate) async fn findings(&self) -> Result<Vec<Finding>> {
        self.look().await.map_err(|f| f.reading("diagnose"))
    }

    async fn look(&self) -> Result<Vec<Finding>, Failure> {
        let mut found = Vec::new();
        for section in ["server", "persistence", "replication", "memory"] {
            match self.info(section).await? {
                Some(info) => facts(&info, &mut found),
                None => found.push(refused(&format!("INFO {section}"))),
            }
        }
        let mut settings = Vec::new();
        for name in ["appendonly", "appendfsync", "save"] {
            settings.push(self.setting(name).await?);
        }
        match settings.as_slice() {
            [Some(appendonly), Some(fsync), Some(save)] => {
                found.extend(durability(appendonly, fsync, save));
            }
            _ => found.push(refused("CONFIG GET")),
        }
        if self.has_replicas().await?
            && let Some(needed) = self.setting("min-replicas-to-write").await?
        {
            found.extend(unreplicated(&needed));
        }
        found.extend(self.clock().await?);
        Ok(found)
    }

    async fn has_replicas(&self) -> Result<bool, Failure> {
        let info = self.info("replication").await?.unwrap_or_default();
        let replicas = fact(&info, "connected_slaves");
        Ok(fact(&info, "role") == Some("master") && replicas.is_some_and(|n| n != "0"))
    }

    /// The server's clock against ours. What the round trip took is no skew.
    async fn clock(&self) -> Result<Option<Finding>, Failure> {
        let before = Timestamp::now();
        match self.server_time().await {
            Ok(server) => Ok(skew(before, server, Timestamp::now())),
            Err(Failure::Refused { .. }) => Ok(Some(refused("TIME"))),
            Err(failure) => Err(failure),
        }
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, Failure> {
        const WHAT: &str = "a setting";
        match self.link.command(cmd("CONFIG").arg("GET").arg(name)).await {
            Ok(Value::Map(pairs)) => match pairs.into_iter().next() {
                Some((_, value)) => value::text(value, WHAT).map(Some),
                None => Ok(None),
            },
            Ok(_) => Err(Failure::Strange { what: WHAT }),
            Err(Failure::Refused { .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

fn refused(command: &str) -> Finding {
    Finding::new(
        Severity::Info,
        "redis-refuses-to-tell",
        format!("the server refuses {command} to this user, so what it would tell is unknown"),
        format!("allow {command} by an ACL rule, or ask the operator"),
    )
}

/// What the server's information says.
fn facts(info: &str, found: &mut Vec<Finding>) {
    if let Some(version) = fact(info, "redis_version")
        && !is_recent(version)
    {
        found.push(Finding::new(
            Severity::Error,
            "redis-version",
            format!("the server is Redis {version}"),
            "Tidings needs Redis 6.2 or later: update the server",
        ));
    }
    if fact(info, "role") == Some("slave") {
        found.push(Finding::new(
            Severity::Error,
            "redis-replica",
            "the server is a replica, which takes no writes",
            "use the address of the primary",
        ));
    }
    for (name, what) in [
        ("aof_last_write_status", "write its append-only file"),
        ("rdb_last_bgsave_status", "save a snapshot"),
    ] {
        if fact(info, name).is_some_and(|status| status != "ok") {
            found.push(Finding::new(
                Severity::Error,
                "redis-persistence-fails",
                format!("the server could not {what} the last time ({name})"),
                "look at the server's log and its disk",
            ));
        }
    }
    let bytes = |name: &str| fact(info, name).and_then(|m| m.parse::<u64>().ok());
    if let Some(policy) = fact(info, "maxmemory_policy") {
        found.extend(eviction(policy, bytes("maxmemory")));
    }
    if let (Some(used), Some(limit)) = (bytes("used_memory"), bytes("maxmemory")) {
        found.extend(fullness(used, limit));
    }
}

/// What a primary with replicas acknowledges although no replica has it.
fn unreplicated(needed: &str) -> Option<Finding> {
    (needed == "0").then(|| {
        Finding::new(
            Severity::Warning,
            "redis-unreplicated",
            "min-replicas-to-write is 0: a primary that is cut off goes on taking events, and a \
             fail-over loses all of them",
            "set min-replicas-to-write to 1, and min-replicas-max-lag to 10 (seconds)",
        )
    })
}

/// What is left of the server's memory.
fn fullness(used: u64, limit: u64) -> Option<Finding> {
    let percent = used.saturating_mul(100).checked_div(limit)?;
    let severity = match percent {
        100.. => Severity::Error,
        90.. => Severity::Warning,
        _ => return None,
    };
    Some(Finding::new(
        severity,
        "redis-memory",
        format!("{percent} % of maxmemory are used: at 100 % every publish is refused"),
        "trim topics, or give the server more memory",
    ))
}

pub(crate) fn is_recent(version: &str) -> bool {
    let mut parts = version.split('.').map(|p| p.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (6, 2)
}

fn eviction(policy: &str, limit: Option<u64>) -> Option<Finding> {
    if policy == "noeviction" {
        return None;
    }
    // Those named volatile spare keys without an expiry, as streams are, but not leases. By time to
    // live, leases go first: they have the shortest.
    let streams = !policy.starts_with("volatile");
    let (severity, when) = match limit {
        Some(0) => (Severity::Warning, "once a memory limit is set"),
        _ if streams => (Severity::Error, "when memory is short"),
        _ => (Severity::Warning, "when memory is short"),
    };
    let what = if streams {
        "whole topics"
    } else {
        match policy {
            "volatile-ttl" => "leases of consumers, before anything that lives longer,",
            _ => "leases of consumers",
        }
    };
    Some(Finding::new(
        severity,
        "redis-eviction",
        format!("maxmemory-policy is {policy}: {when}, the server removes {what} without a word"),
        "set maxmemory-policy to noeviction, and trim topics",
    ))
}

/// How far the server's time, in milliseconds, lies outside of when it was asked for.
fn skew(before: Timestamp, server: u64, after: Timestamp) -> Option<Finding> {
    let server = i64::try_from(server).unwrap_or(i64::MAX);
    let early = before.as_millisecond().saturating_sub(server);
    let late = server.saturating_sub(after.as_millisecond());
    let (off, word) = match early > late {
        true => (early, "behind"),
        false => (late, "ahead of"),
    };
    (off > MAX_SKEW_MS).then(|| {
        Finding::new(
            Severity::Warning,
            "redis-clock",
            format!(
                "the server's clock is {} s {word} this machine's: positions by time, ages and \
                 retries are off by that",
                off / 1_000
            ),
            "keep both clocks right, by NTP",
        )
    })
}

fn durability(appendonly: &str, fsync: &str, save: &str) -> Option<Finding> {
    let (severity, what) = match (appendonly, fsync) {
        ("yes", "always") => return None,
        ("yes", "everysec") => (
            Severity::Info,
            "appendfsync is everysec: a loss of power costs up to two seconds of events",
        ),
        ("yes", _) => (
            Severity::Warning,
            "appendfsync is no: a loss of power costs what the system had not written yet",
        ),
        _ if save.is_empty() => (
            Severity::Error,
            "the server stores nothing on disk: a restart loses every event and position",
        ),
        _ => (
            Severity::Warning,
            "the server stores snapshots only: a crash loses everything since the last",
        ),
    };
    let remedy = match appendonly {
        "yes" => "set appendfsync to always where that matters",
        _ => "set appendonly to yes, and appendfsync to everysec or always",
    };
    Some(Finding::new(severity, "redis-durability", what, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_judged() {
        assert_eq!(eviction("noeviction", Some(1)), None);
        let severity = |f: Option<Finding>| f.map(|f| f.severity);
        assert_eq!(
            severity(eviction("allkeys-lru", Some(1))),
            Some(Severity::Error)
        );
        assert_eq!(
            severity(eviction("allkeys-lru", Some(0))),
            Some(Severity::Warning)
        );
        assert_eq!(
            severity(eviction("volatile-lru", Some(1))),
            Some(Severity::Warning)
        );
        assert_eq!(unreplicated("1"), None);
        assert_eq!(severity(unreplicated("0")), Some(Severity::Warning));
        assert_eq!(fullness(5, 0), None, "no limit");
        assert_eq!(fullness(89, 100), None);
        assert_eq!(severity(fullness(90, 100)), Some(Severity::Warning));
        assert_eq!(severity(fullness(101, 100)), Some(Severity::Error));
        assert_eq!(durability("yes", "always", ""), None);
        assert_eq!(
            severity(durability("yes", "everysec", "")),
            Some(Severity::Info)
        );
        assert_eq!(
            severity(durability("no", "everysec", "")),
            Some(Severity::Error)
        );
        assert_eq!(
            severity(durability("no", "always", "60 1")),
            Some(Severity::Warning)
        );
    }

    #[test]
    fn a_clock_is_judged_by_what_the_round_trip_does_not_explain() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let said = |server| skew(at(100_000), server, at(130_000)).map(|f| f.what);
        assert_eq!(said(100_000), None);
        assert_eq!(said(95_000), None);
        assert_eq!(said(135_000), None);
        assert!(said(94_000).unwrap().contains("6 s behind"));
        assert!(said(170_500).unwrap().contains("40 s ahead of"));
    }

    #[test]
    fn information_is_judged() {
        let mut found = Vec::new();
        facts(
            "redis_version:5.0.7\r\nrole:slave\r\naof_last_write_status:err\r\n",
            &mut found,
        );
        let codes: Vec<_> = found.iter().map(|f| f.code).collect();
        assert_eq!(
            codes,
            ["redis-version", "redis-replica", "redis-persistence-fails"]
        );
        found.clear();
        facts(
            "redis_version:6.2.0\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n",
            &mut found,
        );
        assert_eq!(found, []);
    }
}
