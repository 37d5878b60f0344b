//! `tidings catalog` as a person and a script run it.

mod diff;
mod lint;
mod look_up;
mod site;
mod write;
