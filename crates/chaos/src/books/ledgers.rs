//! What consumers noted of the log's confirmations.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use crate::words::Result;

/// Deliveries that stand in the ledgers more than once.
pub fn confirmed_twice(folder: &Path) -> Result<Vec<String>> {
    let (mut seen, mut twice) = (HashSet::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_none_or(|extension| extension != "ledger")
        {
            continue;
        }
        for line in fs::read_to_string(path)?.lines() {
            if !seen.insert(line.to_owned()) {
                twice.push(line.to_owned());
            }
        }
    }
    Ok(twice)
}
