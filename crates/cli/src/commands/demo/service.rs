//! The process of one service.

use std::io::Read;

use super::{discovery, lms};
use crate::args::{DemoServiceArgs, ServiceArg};
use crate::exit::Exit;
use crate::failure::Result;
use crate::signals::Shutdown;

/// Runs a service until it is asked to end, or whoever started it is gone.
pub async fn run(args: DemoServiceArgs, shutdown: Shutdown) -> Result<Exit> {
    end_with_input(shutdown.clone());
    match args.service {
        ServiceArg::Discovery => discovery::run(&args, &shutdown).await?,
        ServiceArg::Lms => lms::run(&args, &shutdown).await?,
    }
    Ok(Exit::Ok)
}

/// Standard input is a pipe that the parent holds open until the service is to end: it also ends
/// with the parent, however that ended. A thread, since reading cannot be given up, and a runtime would wait for it.
fn end_with_input(shutdown: Shutdown) {
    std::thread::spawn(move || {
        let mut byte = [0];
        while matches!(std::io::stdin().lock().read(&mut byte), Ok(n) if n > 0) {}
        shutdown.ask();
    });
}
