//! `tidings catalog` as a person and a script run it.

mod browser;
mod diff;
mod docs;
mod export;
mod lint;
mod look_up;
mod node;
mod site;
mod write;
