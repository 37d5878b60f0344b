//! The envelope as its users see it: what goes in comes out, and what is no event is refused.

#[path = "../../../../fuzz/src/envelope.rs"]
mod fuzz_bodies;

mod arbitrary;
mod fuzz;
mod hostile;
mod profile;
mod round_trip;
mod specification;
