//! What a running command tells of itself: over HTTP, to a collector of traces, and in its logs.

mod collector;
mod endpoint;
mod gaps;
mod late;
mod logs;
mod site;
mod traces;
