//! OEP-41 as a rule pack: for the lint, and at publish time.
//!
//! Every rule has a stable code and stands in a file of its own, whose header says what it does,
//! why, and how it looks; [`Rule::docs`] is that header. Reading is liberal, so these rules judge
//! events that are valid CloudEvents already; what is not, is reported under
//! `OEP41-cloudevents`, `OEP41-specversion` and `OEP41-size` by [`Violation::from`].
//!
//! # Example
//! ```
//! use tidings_event::{Event, profile};
//!
//! let event = Event::builder("courseCreated").source("/openedx/lms/web").build()?;
//! let length = event.to_json().len();
//! let violations = profile::check(&event, length);
//! assert!(violations.iter().any(|v| v.code == "OEP41-type-grammar"));
//! # Ok::<(), tidings_event::Invalid>(())
//! ```

mod check;
mod mode;
mod rule;
mod rules;
mod type_name;
mod violation;

pub use check::{check, check_blocking};
pub use mode::{Mode, UnknownMode};
pub use rule::{Rule, Severity};
pub use rules::{is_past_tense, rule, rules};
pub use type_name::follows_grammar;
pub use violation::Violation;

/// Bytes that the encoded structured document of an event may have.
pub const MAX_DOCUMENT: usize = 65_536;
