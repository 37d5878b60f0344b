//! A key in logs and spans, not in clear.

use std::fmt;

use sha2::{Digest, Sha256};
use tidings_transport::Key;

/// Shows the first 48 bits of a key's SHA-256 in hex: enough to find the events of one key in the
/// logs of all processes, without the key standing there. It is a pseudonym and no secret: whoever
/// can guess the key can check the guess.
///
/// ```
/// # use tidings_telemetry::KeyHash;
/// # use tidings_transport::Key;
/// assert_eq!(KeyHash(&Key::new("course-1")).to_string().len(), 12);
/// ```
///
/// Computed when shown, so a log line that is filtered out costs nothing.
#[derive(Clone, Copy)]
pub struct KeyHash<'a>(pub &'a Key);

impl fmt::Display for KeyHash<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = Sha256::digest(self.0.as_str());
        digest[..6].iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for KeyHash<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
