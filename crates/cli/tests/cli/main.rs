//! The command as a person and a script run it: output, errors, exit codes, what it leaves behind.

mod consume;
mod demo;
mod dlq;
mod kills;
mod looking;
mod publish;
mod relay;
mod seek;
mod settings;
mod site;
mod tour;
