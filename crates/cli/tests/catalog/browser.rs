//! The site in Chromium.

use crate::docs::everything;
use crate::node::{installed, nothing_wrong, program};
use crate::site::Site;

#[test]
fn pages_work_and_everybody_can_read_them() {
    let site = everything();
    let arguments = ["docs", "--openedx", "--since", "older", "--out", "site"];
    site.catalog(&arguments).ok();
    looked_at(&site);
}

#[test]
fn pages_without_consumers_and_changes_too() {
    let site = Site::new(&[]);
    site.write("tidings.toml", "");
    site.catalog(&["docs", "--out", "site"]).ok();
    looked_at(&site);
}

fn looked_at(site: &Site) {
    let folder = site.path().join("site");
    // Pictures of what the test sees, for a person to look at.
    let shots = std::env::var("TIDINGS_SITE_SHOTS").unwrap_or_default();
    let chromium = match installed() {
        true => program("chromium"),
        false => return,
    };
    let mut arguments = vec![folder.to_str().unwrap(), chromium.to_str().unwrap()];
    if !shots.is_empty() {
        arguments.push(&shots);
    }
    if let Some(said) = nothing_wrong("browser.mjs", &arguments) {
        assert!(said.contains("pages looked at"), "{said}");
    }
}
