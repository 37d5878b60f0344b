//! Short programs that use Tidings; run them from this folder of the repository:
//!
//! ```text
//! cargo run --example consumer -- sqlite:bus.db
//! cargo run --example producer -- sqlite:bus.db
//! ```
