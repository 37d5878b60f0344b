//! No statement walks through all events: a file of ten gigabytes is as fast as a small one.

use std::path::Path;

use crate::config::SqliteConfig;
use crate::schema;

/// What stands between the quotes of SQL statements in a source file; those that are put together from
/// parts are left out.
fn statements(source: &str) -> Vec<String> {
    const FIRST: [&str; 5] = ["SELECT ", "DELETE ", "UPDATE ", "INSERT ", "WITH "];
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let quoted = code.split('"').skip(1).step_by(2);
    let is_statement = |text: &&str| FIRST.iter().any(|first| text.starts_with(first));
    let whole = quoted
        .filter(is_statement)
        .filter(|text| !text.contains('{'));
    whole.map(|text| text.replace("\\\n", "")).collect()
}

#[test]
fn no_statement_walks_through_all_events() {
    let folder = tempfile::tempdir().unwrap();
    let db = schema::open_writer(&SqliteConfig::new(folder.path().join("a.db"))).unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut looked_at = 0;
    for entry in std::fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        // The check for damage reads everything, and is meant to.
        let left_out = path.ends_with("upkeep.rs") || path.ends_with("plans.rs");
        if left_out || path.extension().is_none_or(|e| e != "rs") {
            continue;
        }
        for sql in statements(&std::fs::read_to_string(&path).unwrap()) {
            let Ok(mut explain) = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")) else {
                panic!("{}: is no statement: {sql}", path.display());
            };
            looked_at += 1;
            let steps = explain.raw_query().mapped(|row| row.get::<_, String>(3));
            for step in steps.map(Result::unwrap) {
                let walks = [
                    "SCAN events",
                    "SCAN e",
                    "SCAN deliveries",
                    "SCAN dead_letters",
                ];
                let whole =
                    |table: &&str| step == **table || step.starts_with(&format!("{table} "));
                assert!(
                    !walks.iter().any(whole),
                    "{}: {step}: {sql}",
                    path.display()
                );
            }
        }
    }
    assert!(looked_at > 60, "only {looked_at} statements were found");
}
