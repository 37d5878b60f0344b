//! What every Rust contender of the bench is made of: a process that reads [jobs](Job) as JSON
//! lines, does them, and answers each with [figures](Answer). Contenders in other languages read and
//! write the same lines.
//!
//! A process of its own for each tells its CPU time, its memory, its start-up and its size apart from
//! everybody else's; and what is not measured, such as the timetable of an open loop, is the same
//! code for all.

mod allocations;
mod answer;
mod bus;
mod clock;
mod codec;
mod job;
mod sample;
mod work;

pub use allocations::CountingAllocator;
pub use answer::Answer;
pub use bus::{Contender, Publisher, serve};
pub use clock::monotonic;
pub use codec::{Codec, serve_codec};
pub use job::{Cost, Job, Keys, Payload, Verb};
pub use sample::{Recorded, Sample, samples};
pub use work::Work;
