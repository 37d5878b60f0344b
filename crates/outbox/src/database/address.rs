//! A database URL, taken apart.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::{Error, ErrorKind, Result};

/// Parameters that the drivers know. What is not here is an error, not a setting without effect.
const POSTGRES: [&str; 13] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "statement-cache-capacity",
];
const MYSQL: [&str; 8] = [
    "ssl-mode",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "charset",
    "collation",
    "socket",
    "statement-cache-capacity",
];
const SQLITE: [&str; 1] = ["busy_timeout"];

/// How to reach a database. Holds secrets.
#[derive(Clone)]
pub(crate) enum Address {
    Postgres(PgConnectOptions),
    MySql(MySqlConnectOptions),
    Sqlite(SqliteConnectOptions),
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self> {
        let url = url.trim();
        let (scheme, rest) = url.split_once(':').ok_or_else(|| {
            invalid(
                "it has no scheme; write postgres://HOST/DATABASE, mysql://HOST/DATABASE or \
                     sqlite:PATH",
            )
        })?;
        match scheme.to_ascii_lowercase().as_str() {
            "postgres" | "postgresql" => {
                authority(rest)?;
                known(rest, &POSTGRES)?;
                let parsed = PgConnectOptions::from_str(&format!("postgres:{rest}"));
                parsed.map(Self::Postgres).map_err(not_understood)
            }
            "mysql" | "mariadb" => {
                authority(rest)?;
                known(rest, &MYSQL)?;
                let parsed = MySqlConnectOptions::from_str(&format!("mysql:{rest}"));
                parsed.map(Self::MySql).map_err(not_understood)
            }
            "sqlite" => sqlite(rest),
            _ => Err(invalid(
                "its scheme is not known; known are postgres, mysql, mariadb and sqlite",
            )),
        }
    }
}

fn sqlite(rest: &str) -> Result<Address> {
    known(rest, &SQLITE)?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    // Both `sqlite:PATH` and the form with an empty host, `sqlite:///PATH`, are in use.
    let path = percent_encoding::percent_decode_str(path.strip_prefix("//").unwrap_or(path));
    let path = path
        .decode_utf8()
        .map_err(|_| invalid("its path must be UTF-8 when decoded"))?;
    if path.is_empty() || path == ":memory:" {
        return Err(invalid("it names no file; write sqlite:PATH"));
    }
    let mut timeout = Duration::from_secs(10);
    if let Some(text) = query.strip_prefix("busy_timeout=") {
        let parsed: Option<jiff::SignedDuration> = text.parse().ok();
        let parsed = parsed.and_then(|parsed| Duration::try_from(parsed).ok());
        timeout = parsed.ok_or_else(|| invalid("busy_timeout must be a time, like 500ms or 5s"))?;
    }
    let options = SqliteConnectOptions::new()
        .filename(PathBuf::from(path.as_ref()))
        .create_if_missing(false)
        .busy_timeout(timeout);
    Ok(Address::Sqlite(options))
}

impl Address {
    /// The same, where a file that is missing is made. Its journal mode is for the application to
    /// choose: SQLite's own default suits every version of it.
    pub(crate) fn creating(self) -> Self {
        match self {
            Self::Sqlite(options) => Self::Sqlite(options.create_if_missing(true)),
            server => server,
        }
    }
}

/// The drivers take `postgres:/x` for a URL without a host, and go to this machine. With nothing after
/// the scheme it says what kind of database is meant, which is all that printing the tables needs.
fn authority(rest: &str) -> Result<()> {
    match rest.is_empty() || rest.starts_with("//") {
        true => Ok(()),
        false => Err(invalid(
            "two slashes stand before the host; write SCHEME://USER:PASSWORD@HOST:PORT/DATABASE",
        )),
    }
}

fn known(rest: &str, known: &[&str]) -> Result<()> {
    let Some((_, query)) = rest.rsplit_once('?') else {
        return Ok(());
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        if !known.contains(&name) {
            // A password with a raw `?` would stand here, so the name is shown only if it is one.
            let plain = name.len() <= 40
                && name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b"-_".contains(&b));
            let what = match plain && !rest[rest.len() - query.len()..].contains('@') {
                true => format!("parameter {name:?}"),
                false => "a parameter".to_owned(),
            };
            return Err(invalid(format!(
                "{what} is not known; known are {}",
                known.join(", ")
            )));
        }
    }
    Ok(())
}

fn invalid(rule: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Invalid, "database URL", rule.to_string())
}

/// The driver's own text may quote a part of the URL, and so the password.
fn not_understood(_: sqlx::Error) -> Error {
    invalid(
        "it is not understood; write SCHEME://USER:PASSWORD@HOST:PORT/DATABASE, and encode \
         characters like @, / and ? inside the password as %40, %2F and %3F",
    )
}

#[cfg(test)]
mod tests {
    use super::Address;

    fn message(url: &str) -> String {
        match url.parse::<Address>() {
            Ok(_) => panic!("{url} was taken"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_not_understood_is_named_without_secrets() {
        for (url, says) in [
            ("hunter2", "has no scheme"),
            ("hunter2:x", "known are postgres"),
            ("postgres://app:hunter2@db/x?sslmod=require", "\"sslmod\""),
            ("postgres://app:hun?ter2@db/x", "not"),
            ("postgres://app:hunter2@db:port/x", "%40"),
            ("mysql://app:hunter2@db:port/x", "%40"),
            ("postgres:/hunter2", "two slashes"),
            ("mysql:hunter2@db/x", "two slashes"),
            ("sqlite:", "names no file"),
            ("sqlite:a?busy_timeout=hunter2", "busy_timeout must"),
        ] {
            let text = message(url);
            assert!(text.contains(says), "{url}: {text}");
            assert!(
                !text.contains("hunter2") && !text.contains("ter2"),
                "{text}"
            );
        }
    }

    #[test]
    fn every_form_is_read() {
        for url in [
            "postgres://localhost/x",
            "postgresql://app:pw@db:5433/x?sslmode=verify-full",
            "mysql://app:pw@db/x?ssl-mode=REQUIRED",
            "mariadb://app@db/x",
            "mysql:",
            "sqlite:a.db",
            "sqlite:///var/a%20b.db?busy_timeout=500ms",
        ] {
            assert!(url.parse::<Address>().is_ok(), "{url}");
        }
    }
}
