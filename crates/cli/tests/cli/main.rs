//! The command as a person and a script run it: output, errors, exit codes, what it leaves behind.

mod consume;
mod demo;
mod dlq;
mod doctor;
mod ends;
mod exec;
mod file;
mod groups;
mod help;
mod kafka;
#[cfg(feature = "kafka")]
mod kafka_users;
mod kills;
mod leases;
mod looking;
mod publish;
mod read_only;
mod refusals;
mod relay;
mod seek;
mod settings;
mod shell;
mod site;
mod tour;
mod traps;
mod trim;
