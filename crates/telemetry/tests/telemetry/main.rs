//! What is told, held against what the documentation and the dashboard say.

mod dashboard;
mod documentation;
mod exposition;
