//! Redis as sites run it: behind sentinels, behind a password, and trimmed by others.

mod failover;
mod listener;
mod losses;
mod scale;
mod secured;
mod trims;
