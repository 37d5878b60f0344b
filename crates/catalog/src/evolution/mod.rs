//! What a change of a definition does to those who read its events.
//!
//! *Backward* compatible means that who knows the new schema reads what was written by the old;
//! *forward*, that who knows the old one reads what is written by the new. OEP-41 asks for both
//! within a major version, and that nothing which was promised goes away: see [`Mode`].
//!
//! A writer writes what its schema declares and nothing else. Under that rule a new optional
//! field in an open JSON object is compatible both ways, as in Avro; without it no field could
//! ever be added, since an open object may hold a field of that name and another type already.
//!
//! A schema is called compatible when that is proven, and incompatible when there is an event
//! that breaks. In between is [`Verdict::Undecided`].

mod avro;
mod catalogs;
mod change;
mod compare;
mod consumers;
mod differ;
mod json;
mod mode;
mod outcome;
mod personal;
mod promises;

pub use catalogs::{ChangeReport, diff};
pub use change::{Change, ChangeKind, Severity};
pub use compare::{Comparison, compare};
pub use mode::{Mode, UnknownMode};
pub use outcome::{Break, Outcome, Verdict};
