//! Several processes on one file: killed, slowed, waiting; and files that are not what they
//! should be.

mod child;
mod clock;
mod files;
mod frozen;
mod full;
mod kills;
mod turns;
mod upkeep;
mod waiting;
