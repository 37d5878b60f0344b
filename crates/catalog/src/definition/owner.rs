//! Who an event belongs to.

/// The one service that may emit a type, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Owner {
    /// The service that emits it, and no other does.
    pub service: String,
    /// The subdomain that the service belongs to.
    pub subdomain: String,
    /// Who to ask.
    pub team: Option<String>,
}
