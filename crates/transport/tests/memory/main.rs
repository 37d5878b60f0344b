//! The log in memory against the comments of the contract, on a paused clock.

mod dead_letters;
mod groups;
mod help;
mod leases;
mod losses;
mod simulation;
