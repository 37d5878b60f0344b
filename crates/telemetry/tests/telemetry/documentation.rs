//! The table in the guide is the table in the code.

use tidings_telemetry::Metrics;

const GUIDE: &str = include_str!("../../../../docs/guides/watching-it.md");

fn table() -> Vec<String> {
    let metrics = Metrics::new();
    let lines = metrics.descriptions().iter().map(|metric| {
        let labels: Vec<String> = metric.labels.iter().map(|l| format!("`{l}`")).collect();
        let (name, kind) = (&metric.name, metric.kind.as_str());
        format!(
            "| `{name}` | {kind} | {} | {} |",
            labels.join(", "),
            metric.help
        )
    });
    lines.collect()
}

#[test]
fn the_guide_lists_every_metric_and_no_other() {
    let listed: Vec<&str> = GUIDE
        .lines()
        .filter(|line| line.starts_with("| `tidings_"))
        .collect();
    let table = table();
    assert!(table.len() > 20);
    assert_eq!(
        listed,
        table,
        "docs/guides/watching-it.md: replace its table with\n{}\n",
        table.join("\n")
    );
}

#[test]
fn the_alarms_of_the_guide_ask_for_what_there_is() {
    let alarms = GUIDE.split("## What to alarm on").nth(1).unwrap();
    let alarms = alarms.split("\n## ").next().unwrap();
    let asked = super::dashboard::names(alarms);
    assert!(asked.len() > 5, "{asked:?}");
    super::dashboard::all_exist(&asked);
}
