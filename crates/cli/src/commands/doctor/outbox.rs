//! What endangers the events of an outbox.

use std::time::Duration;

use tidings::outbox::{ErrorKind, Examination, SCHEMA_VERSION};
use tidings_transport::{Count, Finding, Severity};

use crate::database::Site;
use crate::failure::Result;
use crate::output::{age, counted, number};

/// A row that waits for longer is one that nobody relays, or that the log does not take.
const STUCK: Duration = Duration::from_secs(60);

/// Looks at the outbox of a database.
pub async fn of_outbox(site: &Site) -> Result<Vec<Finding>> {
    let shown = site.shown();
    match site.database.examine().await {
        Ok(examined) => Ok(judge(&shown, &examined)),
        Err(error) if error.kind() == ErrorKind::NotMigrated => Ok(vec![Finding {
            severity: Severity::Error,
            code: "outbox-not-migrated",
            what: format!("the tables of the outbox of {shown} are missing or not ours: {error}"),
            remedy: "run `tidings outbox migrate`; if a table has other columns, `tidings outbox \
                     schema` prints what they must be"
                .into(),
        }]),
        Err(error) => Err(site.failure(error)),
    }
}

fn judge(shown: &str, examined: &Examination) -> Vec<Finding> {
    let status = &examined.status;
    let mut findings = Vec::new();
    let mut find = |severity, code, what: String, remedy: &str| {
        findings.push(Finding {
            severity,
            code,
            what,
            remedy: remedy.into(),
        });
    };
    let depth = match status.depth_exact {
        true => counted(Count::Exactly(status.depth), "row"),
        false => format!("at most {} rows", number(status.depth)),
    };
    let oldest = status.oldest.unwrap_or_default();
    let waiting = match status.depth {
        0 => "nothing waits".to_owned(),
        1 => format!("1 row waits, for {}", age(oldest)),
        _ => format!("{depth} wait, the oldest for {}", age(oldest)),
    };
    find(
        Severity::Info,
        "outbox",
        format!("outbox of {shown}: {waiting}"),
        "",
    );
    if !examined.relay_active {
        let severity = match status.depth > 0 && oldest > STUCK {
            true => Severity::Error,
            false => Severity::Warning,
        };
        find(
            severity,
            "outbox-without-relay",
            format!("no relay is active on {shown}: what commits there reaches nobody ({waiting})"),
            "start `tidings relay`, as a service that is started again; several may run",
        );
    } else if status.depth > 0 && oldest > STUCK {
        find(
            Severity::Warning,
            "outbox-behind",
            format!("the relay of {shown} is behind: {waiting}"),
            "look at the log of the relay: is the bus away or full? `--metrics` shows its rate",
        );
    }
    if status.refused > 0 {
        let held = match status.held {
            0 => String::new(),
            held => format!(
                ", with {} held behind",
                counted(Count::Exactly(held), "row")
            ),
        };
        find(
            Severity::Warning,
            "outbox-refused",
            format!(
                "the bus refused {} of {shown}{held}",
                counted(Count::Exactly(status.refused), "row")
            ),
            "`tidings outbox refused` shows the reasons; retry them after mending those, or \
             discard them",
        );
    }
    match examined.version {
        Some(version) if version > SCHEMA_VERSION => find(
            Severity::Error,
            "outbox-newer-tables",
            format!(
                "the tables of {shown} are of version {version}, and this program knows \
                 {SCHEMA_VERSION}"
            ),
            "use the version of Tidings that made them, or a later one",
        ),
        Some(version) if version < SCHEMA_VERSION => find(
            Severity::Error,
            "outbox-older-tables",
            format!(
                "the tables of {shown} are of version {version}, and this program needs \
                 {SCHEMA_VERSION}"
            ),
            "run `tidings outbox migrate`",
        ),
        _ => {}
    }
    findings
}
