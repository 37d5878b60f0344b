//! The suite that every transport of Tidings passes.
//!
//! The contract is the pair of traits in `tidings-transport`; each of its numbered guarantees is
//! one or several [`Case`]s here. A transport runs them all from its `tests/conformance.rs`:
//!
//! ```no_run
//! use std::sync::Arc;
//! use tidings_conformance::{Harness, conformance_tests};
//! use tidings_transport::Transport;
//! # async fn connect(port: u16) -> Arc<dyn Transport> { unreachable!() }
//!
//! /// A server of this test's own, stopped on drop.
//! struct MyServer {
//!     port: u16,
//! }
//!
//! #[async_trait::async_trait]
//! impl Harness for MyServer {
//!     async fn open(&self) -> Arc<dyn Transport> {
//!         connect(self.port).await
//!     }
//! }
//!
//! async fn start() -> MyServer {
//!     MyServer { port: 6379 }
//! }
//!
//! conformance_tests!(start);
//! # fn main() {}
//! ```
//!
//! The macro makes one `#[test]` of each case, each with a harness and a runtime of its own and
//! a deadline. What a log declares ([`Capabilities`](tidings_transport::Capabilities)) and what
//! its harness can inflict ([`Faults`]) decides which cases run; one that cannot run says so on
//! standard error, by name and with the reason.

mod case;
mod cases;
mod faults;
mod harness;
mod run;
mod scene;
pub mod servers;
mod table;

pub use case::{Case, Clock, Need, NotApplicable};
pub use faults::{
    Crash, Cut, CutAt, DeadLetterRefusal, Fault, Faults, Foreign, Freeze, GroupLoss, Removal,
    TopicRefusal, Wipe,
};
pub use harness::Harness;
pub use run::{cases, run, run_all, run_test};
