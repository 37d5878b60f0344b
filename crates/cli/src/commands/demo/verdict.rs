//! Whether all went well, from the databases and nothing else.

use std::collections::HashSet;

use rusqlite::Connection;

use super::course::digest;
use super::happening::Verdict;
use super::plan::Service;
use super::stage::Stage;
use crate::failure::Result;

/// How many missing ids are named.
const NAMED: usize = 5;

/// The kills that there were.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kills {
    pub count: u32,
    /// Deliveries in hand, where somebody looked.
    pub in_hand: Option<u64>,
}

/// Compares what was said with what took effect.
pub async fn reach(stage: &Stage, kills: Kills, in_step: Option<f64>) -> Result<Verdict> {
    let group = stage.group().await?;
    let (said, applied) = (stage.said()?, stage.applied()?);
    let confirmed = "SELECT id FROM changes WHERE published = 1 ORDER BY number";
    let confirmed = stage.look(Service::Discovery, |c| ids(c, confirmed))?;
    let effective = stage.look(Service::Lms, |c| ids(c, "SELECT id FROM inbox"))?;
    let effective: HashSet<String> = effective.into_iter().collect();
    let missing: Vec<String> = confirmed
        .into_iter()
        .filter(|id| !effective.contains(id))
        .collect();
    let discovery = stage.look(Service::Discovery, digest)?;
    let lms = stage.look(Service::Lms, digest)?;
    Ok(Verdict {
        ok: discovery == lms
            && missing.is_empty()
            && group.dead_letters == 0
            && said.published == said.changes,
        discovery,
        lms,
        changes: said.changes,
        published: said.published,
        applied: applied.events,
        retried: applied.retried,
        again: applied.again,
        missing: missing.len() as u64,
        missing_ids: missing.into_iter().take(NAMED).collect(),
        dead_letters: group.dead_letters,
        left: stage.left().map(ToString::to_string),
        kills: kills.count,
        in_hand: kills.in_hand,
        in_step,
    })
}

fn ids(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    let ids = statement.query_map([], |row| row.get(0))?;
    ids.collect()
}
