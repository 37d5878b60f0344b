//! Where pages stand.

use crate::name::file_name;

pub(super) fn event(event_type: &str) -> String {
    format!("events/{}.html", file_name(event_type))
}

pub(super) fn schema(event_type: &str, ending: &str) -> String {
    format!("schemas/{}.{ending}", file_name(event_type))
}

pub(super) fn subdomain(name: &str) -> String {
    format!("subdomains/{}.html", file_name(name))
}

pub(super) fn service(name: &str) -> String {
    format!("services/{}.html", file_name(name))
}
