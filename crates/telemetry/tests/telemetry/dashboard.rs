//! The dashboard asks for what there is, and Grafana can read it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidings_telemetry::Metrics;
use tidings_telemetry::metrics::Kind;

const DASHBOARD: &str = include_str!("../../../../docs/grafana/tidings.json");

/// The names of metrics that stand in a query.
pub(super) fn names(query: &str) -> BTreeSet<String> {
    query
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("tidings_"))
        .map(str::to_owned)
        .collect()
}

/// The series that a scrape can have, each with its labels.
fn series() -> BTreeMap<String, &'static [&'static str]> {
    let metrics = Metrics::new();
    let mut all = BTreeMap::new();
    for metric in metrics.descriptions() {
        match metric.kind {
            Kind::Histogram => {
                for suffix in ["bucket", "sum", "count"] {
                    all.insert(format!("{}_{suffix}", metric.name), metric.labels);
                }
            }
            _ => drop(all.insert(metric.name.clone(), metric.labels)),
        }
    }
    all
}

pub(super) fn all_exist(asked: &BTreeSet<String>) {
    let series = series();
    for name in asked {
        let known: Vec<_> = series.keys().collect();
        assert!(series.contains_key(name), "{name} is not among {known:?}");
    }
}

fn dashboard() -> Value {
    serde_json::from_str(DASHBOARD).unwrap()
}

/// Panels, also those inside rows.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let mut all = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        all.push(panel);
        all.extend(panel["panels"].as_array().into_iter().flatten());
    }
    all
}

#[test]
fn its_queries_use_only_what_there_is() {
    let dashboard = dashboard();
    let mut asked = BTreeSet::new();
    for panel in panels(&dashboard) {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap();
            let names = names(query);
            assert!(!names.is_empty(), "{query}");
            asked.extend(names);
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        asked.extend(names(&variable["query"].to_string()));
    }
    all_exist(&asked);
    // Whatever can be told is worth a place, but for what only says how sure a number is.
    let bases: BTreeSet<String> = Metrics::new()
        .descriptions()
        .iter()
        .map(|metric| metric.name.clone())
        .filter(|name| {
            !asked
                .iter()
                .any(|a| a == name || a.starts_with(&format!("{name}_")))
        })
        .collect();
    assert_eq!(bases, BTreeSet::new(), "metrics that no panel shows");
}

#[test]
fn grafana_can_load_it() {
    let dashboard = dashboard();
    assert!(dashboard["title"].as_str().is_some_and(|t| !t.is_empty()));
    assert!(dashboard["uid"].as_str().is_some_and(|uid| uid.len() <= 40));
    assert!(dashboard["schemaVersion"].as_u64().is_some_and(|v| v >= 36));
    // An id belongs to one installation: an import refuses or overwrites with one.
    assert_eq!(dashboard["id"], Value::Null);
    let inputs = dashboard["__inputs"].as_array().unwrap();
    assert_eq!(inputs[0]["pluginId"], "prometheus");
    let source = format!("${{{}}}", inputs[0]["name"].as_str().unwrap());
    let mut ids = BTreeSet::new();
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id");
        let place = &panel["gridPos"];
        let at = |name: &str| place[name].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24 && at("h") > 0, "{title}: {place}");
        if panel["type"] != "row" {
            assert_eq!(panel["datasource"]["uid"], source.as_str(), "{title}");
            assert!(
                !panel["description"].as_str().unwrap().is_empty(),
                "{title}"
            );
            for target in panel["targets"].as_array().unwrap() {
                assert!(target["refId"].is_string(), "{title}");
            }
        }
    }
}
