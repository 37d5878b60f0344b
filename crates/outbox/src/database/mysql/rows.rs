//! What a row of a result says.

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use crate::Result;
use crate::database::fault::fault;
use crate::database::row::{RefusedRow, Row};

pub(super) fn ready_row(row: &MySqlRow) -> Result<Row> {
    let get = fault("look");
    let document: String = row.try_get(3).map_err(&get)?;
    Ok(Row {
        seq: row.try_get(0).map_err(&get)?,
        topic: row.try_get(1).map_err(&get)?,
        key: row.try_get(2).map_err(&get)?,
        document: document.into(),
    })
}

pub(super) fn refused_row(row: &MySqlRow) -> Result<RefusedRow> {
    let get = fault("list");
    let refused_at: Option<String> = row.try_get(5).map_err(&get)?;
    Ok(RefusedRow {
        seq: row.try_get(0).map_err(&get)?,
        id: row.try_get(1).map_err(&get)?,
        topic: row.try_get(2).map_err(&get)?,
        key: row.try_get(3).map_err(&get)?,
        reason: row.try_get(4).map_err(&get)?,
        refused_at: refused_at.and_then(|text| text.parse().ok()),
        holds: 0,
    })
}
