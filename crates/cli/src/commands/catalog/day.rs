//! Today.

use std::env;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// What reproducible builds set, in seconds since 1970, so that today's output can be made again.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// The day in UTC, as an RFC 3339 time begins.
pub fn today() -> Result<Date> {
    let now = match env::var(EPOCH) {
        Ok(text) => {
            let seconds = text.parse().ok();
            let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
            time.ok_or_else(|| {
                Failure::new(Exit::Config, format!("{EPOCH} is {text:?}"))
                    .remedy("it is a number of seconds since 1970, or it is not set")
            })?
        }
        Err(_) => Timestamp::now(),
    };
    let now = now.to_string();
    let day = now.split('T').next().unwrap_or_default();
    day.parse()
        .map_err(|e: jiff::Error| Failure::new(Exit::Failed, "the clock shows no day").source(e))
}
