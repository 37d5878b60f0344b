//! What an error of sqlx means.

use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use crate::{Error, ErrorKind};

/// Says to what sqlx returned: `.map_err(fault("look"))`.
pub(crate) fn fault(operation: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |source| {
        let kind = kind_of(&source);
        // What sqlx prints of a database's error is its message; details, which may quote a row,
        // stay out.
        let mut message = match &source {
            sqlx::Error::Database(error) => error.message().to_owned(),
            sqlx::Error::Configuration(_) => "the URL is not understood".to_owned(),
            other => other.to_string(),
        };
        if kind == ErrorKind::Pooler {
            message.push_str(
                "; a pooler in transaction mode does this: name the database server's own address",
            );
        }
        if kind == ErrorKind::NotMigrated {
            message.push_str("; run `tidings outbox migrate`");
        }
        Error::new(kind, operation, message).with_source(source)
    }
}

fn kind_of(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::Database(error) => of_database(&**error),
        sqlx::Error::Configuration(_) => ErrorKind::Invalid,
        sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => ErrorKind::Unavailable,
        // A table of the right name with a column of another type.
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) => ErrorKind::NotMigrated,
        _ => ErrorKind::Failed,
    }
}

fn of_database(error: &dyn DatabaseError) -> ErrorKind {
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        return of_postgres(error.code());
    }
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return of_mysql(error.number());
    }
    match error.try_downcast_ref::<SqliteError>() {
        Some(_) => of_sqlite(error),
        None => ErrorKind::Failed,
    }
}

fn of_postgres(state: &str) -> ErrorKind {
    match state {
        // undefined_table, undefined_column, undefined_function
        "42P01" | "42703" | "42883" => ErrorKind::NotMigrated,
        // Prepared statements of one session that reach several server processes.
        "26000" | "42P05" => ErrorKind::Pooler,
        "42501" => ErrorKind::Denied,
        "3D000" => ErrorKind::NotFound,
        // serialization_failure, deadlock_detected, lock_not_available, idle timeouts
        "40001" | "40P01" | "55P03" | "25P03" | "57014" => ErrorKind::Unavailable,
        _ => match state.get(..2) {
            Some("28") => ErrorKind::Denied,
            // connection, resources, operator intervention, system
            Some("08" | "53" | "57" | "58") => ErrorKind::Unavailable,
            _ => ErrorKind::Failed,
        },
    }
}

fn of_mysql(number: u16) -> ErrorKind {
    match number {
        // no such table, unknown column
        1146 | 1054 => ErrorKind::NotMigrated,
        // access denied to a database, a user, a table, a column
        1044 | 1045 | 1142 | 1143 | 1227 | 1698 => ErrorKind::Denied,
        1049 => ErrorKind::NotFound,
        // too many connections, shutdown, lock wait, deadlock, killed, read only, disk full
        1040 | 1053 | 1077 | 1079 | 1203 | 1205 | 1213 | 1290 | 1317 | 1836 | 1927 | 1021
        | 1114 | 3024 => ErrorKind::Unavailable,
        _ => ErrorKind::Failed,
    }
}

fn of_sqlite(error: &dyn DatabaseError) -> ErrorKind {
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    // The low byte is the primary code.
    match code.map(|code| code & 0xff) {
        // busy, locked, I/O, full, no memory
        Some(5 | 6 | 10 | 13 | 7) => ErrorKind::Unavailable,
        Some(14) => ErrorKind::NotFound,
        Some(3 | 8 | 23) => ErrorKind::Denied,
        Some(1) if error.message().starts_with("no such") => ErrorKind::NotMigrated,
        Some(1) if error.message().contains("has no column") => ErrorKind::NotMigrated,
        _ => ErrorKind::Failed,
    }
}
