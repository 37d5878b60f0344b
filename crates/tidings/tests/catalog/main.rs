//! Producer and consumer held to a catalog.

mod consuming;
mod majors;
mod outbox;
mod publishing;
mod site;
