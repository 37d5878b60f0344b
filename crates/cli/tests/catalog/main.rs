//! `tidings catalog` as a person and a script run it.

mod browser;
mod diff;
mod docs;
mod export;
mod lint;
mod look_up;
mod node;
mod run_time;
mod site;
mod snippets;
mod write;
