//! A case, and what it needs.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tidings_transport::{Capability, Transport};

use crate::scene::Scene;
use crate::{Fault, Harness};

/// The future of a running case. It stays on its thread; what it spawns may move.
pub(crate) type Running = Pin<Box<dyn Future<Output = ()>>>;

/// One test of the contract.
pub struct Case {
    /// `{chapter}::{what holds}`.
    pub name: &'static str,
    /// The number of the guarantee; 0 for what the contract says beside the ten.
    pub guarantee: u8,
    /// Without any of these it is not applicable.
    pub needs: &'static [Need],
    pub(crate) body: fn(Scene) -> Running,
}

/// What a case needs of a log or of its harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// The log declares this.
    Has(Capability),
    /// The log does not declare this.
    Lacks(Capability),
    /// The harness can inflict this.
    Suffers(Fault),
    /// The log keeps schemas.
    Schemas,
}

/// Why a case did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotApplicable(pub Need);

impl fmt::Display for NotApplicable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Need::Has(c) => write!(f, "the log does not declare {c:?}"),
            Need::Lacks(c) => write!(f, "the log declares {c:?}"),
            Need::Suffers(fault) => write!(f, "the harness offers no {fault}"),
            Need::Schemas => f.write_str("the log keeps no schemas"),
        }
    }
}

/// The clock that a case runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Real time, on several threads.
    Real,
    /// Tokio's paused clock, on one thread: waiting costs nothing. Only for logs that live in
    /// this process and ask tokio for the time.
    Paused,
}

impl Case {
    /// The first need that is not met.
    pub(crate) fn missing(&self, log: &dyn Transport, harness: &dyn Harness) -> Option<Need> {
        self.needs.iter().copied().find(|need| match *need {
            Need::Has(c) => !log.capabilities().has(c),
            Need::Lacks(c) => log.capabilities().has(c),
            Need::Suffers(fault) => !harness.faults().offers(fault),
            Need::Schemas => log.schema_store().is_none(),
        })
    }
}
