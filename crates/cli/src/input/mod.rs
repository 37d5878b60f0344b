//! Event documents from files and standard input, one after another, in bounded memory.

mod place;
mod problem;
mod reader;
mod source;
mod splitter;

pub use place::Place;
pub use problem::Problem;
pub use reader::{Feed, feed};
pub use source::Source;
pub use splitter::{Item, MAX_DOCUMENT, Unreadable};
