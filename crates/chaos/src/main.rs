//! The proof: writers, relays and consumers as real processes over real servers; a seeded schedule
//! kills, stops and cuts them; then the books are balanced.
//!
//! * `scenario`: which database and which log. `stage`: the servers, and the proxies before them.
//! * `plan`: what goes wrong when, from a seed. `faults`: how it is done.
//! * `roles`: the processes. They are this program, started again.
//! * `books`: what was committed, what took effect, what the log holds, and whether that agrees.
//! * `planted`: bugs on purpose, each of which must turn the books red. `moment`: where they harm.
//! * `year`: a year of traffic in minutes, on a log with retention; nothing goes wrong there.
//!
//! Exit code 0 says that the books balance, 1 that they do not, 2 that the run itself failed.

mod args;
mod books;
mod database;
mod faults;
mod moment;
mod plan;
mod planted;
mod process;
mod random;
mod report;
mod roles;
mod run;
mod scenario;
mod stage;
mod words;
mod year;

use clap::Parser;

use args::{Args, Command};

#[tokio::main]
async fn main() {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let result = match args.command {
        Command::Run(args) => run::run(&args).await,
        Command::Year(args) => year::run(&args).await,
        Command::Role(args) => roles::play(&args).await.map(|()| true),
    };
    let code = match result {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(error) => {
            report::to_stderr(&format!("error: {error}"));
            2
        }
    };
    // Not a return from main: a thread that still waits for standard input must not hold it up.
    std::process::exit(code);
}
