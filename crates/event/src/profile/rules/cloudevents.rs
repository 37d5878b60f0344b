//! # OEP41-cloudevents
//!
//! ## What it does
//! Checks that the document is UTF-8, is JSON, and is a valid CloudEvents 1.0 event: the required
//! attributes are there, names are lower-case letters and digits and come once, and every value
//! has the type that the specification gives it.
//!
//! ## Why it matters
//! OEP-41 builds on CloudEvents 1.0 and on UTF-8 encoded JSON documents. What is neither cannot
//! be read by any consumer, so readers refuse it whatever the mode of the profile.
//!
//! ## Example
//! ```json
//! {"specversion": "1.0", "id": "1", "type": "org.openedx.catalog.course.created.v1"}
//! ```
//! has no `source`. Add it:
//! ```json
//! {"specversion": "1.0", "id": "b3b3981e-7544-11ea-b663-acde48001122",
//!  "type": "org.openedx.catalog.course.created.v1", "source": "/openedx/discovery/web"}
//! ```

use crate::profile::rule::{Check, Rule, Severity};

pub(in crate::profile) static RULE: Rule = Rule {
    code: "OEP41-cloudevents",
    severity: Severity::Error,
    statement: "must be a CloudEvents 1.0 event as a JSON document in UTF-8",
    file: include_str!("cloudevents.rs"),
    check: Check::Reader,
};
