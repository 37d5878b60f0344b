//! Whether definitions are good ones.
//!
//! Every rule stands in a file of its own, whose header says what it does, why, and how it
//! looks. Which level a rule has, and what it takes as given, is set by [`LintSettings`]; a
//! definition may except itself from a rule, with a reason.
//!
//! # Example
//! ```
//! use tidings_catalog::{Catalog, lint};
//!
//! let catalog = Catalog::from_texts([(
//!     "a.yaml",
//!     "type: org.example.a.course.create.v1\n\
//!      owner: {service: a, subdomain: a}\n\
//!      schema: {type: object}\n",
//! )])?;
//! let report = lint::lint(&catalog, &lint::LintSettings::default());
//! assert!(report.findings.iter().any(|finding| finding.rule == "past-tense"));
//! # Ok::<(), tidings_catalog::Error>(())
//! ```

mod finding;
mod page;
mod rule;
mod rules;
mod run;
mod settings;
mod subject;

pub use finding::{Allowed, Finding, LintReport};
pub use page::page;
pub use rule::{Level, LintRule, Setting, UnknownLevel};
pub use rules::{rule, rules};
pub use run::lint;
pub use settings::{InvalidSetting, LintSettings};
