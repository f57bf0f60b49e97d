//! The last rows of a run of Trackio, for a glance at where it stands.

use super::{
    RunSelector, foreign, is_of,
    tables::{Key, Schema, find, has_time_index, imported, keep, select, stored},
};
use crate::source::{
    Record,
    io::{
        Sink, SourceError,
        inbox::Inbox,
        sqlite::{Db, Room, text},
    },
    trackio::{Logged, Rows, Stored, canonical, project_of},
};
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Row};
use std::{fs, path::Path};

/// Rows that are looked at from the end of a run on: some seconds of logging, in which most keys come.
const LAST_ROWS: usize = 64;

/// Rows behind the last one that an index names which are looked through for a later one.
const BEHIND_MAX: i64 = 10_000;

/// Hands the records of the last rows of a run to `sink`, found by index, however many rows it has. False: they are not all
/// of its rows. Without an index by time, the rows of the highest steps are taken, and nothing where that may be wrong.
pub(in crate::source::io) fn trackio_end(db: &Path, run: &RunSelector, sink: &mut Sink) -> Result<bool, SourceError> {
    let project = project_of(db).ok_or_else(|| foreign(db))?;
    let exists = fs::metadata(db).is_ok_and(|m| m.len() > 0);
    let mut found = None;
    if exists {
        found = Db::new(db).read_now(|connection| last_rows(connection, run))?.ok_or_else(|| foreign(db))?;
    }
    let mut rows = Rows::new(TimeZone::system());
    let key = found.as_ref().map(|end| end.key.clone());
    if let Some(key) = &key {
        sink(Ok(Record::Info("project", project.clone().into())));
        sink(Ok(Record::Info("name", key.name.clone().into())));
        key.id.iter().for_each(|id| sink(Ok(Record::Info("run_id", id.clone().into()))));
    }
    let is_whole = found.as_ref().is_none_or(|end| end.is_whole);
    found.into_iter().flat_map(|end| end.rows).for_each(|row| rows.read(&row, sink));
    let mut inbox = Inbox::beside(db);
    loop {
        let mut mail = inbox.read()?;
        mail.lines.retain(|line| canonical(&line.project) == project && is_of(run, key.as_ref(), line));
        if exists && !mail.lines.is_empty() {
            let imported = Db::new(db).read_now(|connection| imported(connection, &mail.lines))?;
            keep(&mut mail.lines, imported);
        }
        mail.lines.sort_by(|a, b| a.time.cmp(&b.time));
        mail.lines.iter().for_each(|line| rows.read(&line.what, sink));
        if !mail.more {
            return Ok(is_whole);
        }
    }
}

/// The end of a run in a database.
struct RunEnd {
    key: Key,
    rows: Vec<Stored>,
    is_whole: bool,
}

/// `None`: the database is not Trackio's. `Some(None)`: it has no such run.
fn last_rows(connection: &Connection, run: &RunSelector) -> rusqlite::Result<Option<Option<RunEnd>>> {
    let snapshot = connection.unchecked_transaction()?;
    let connection = &*snapshot;
    let Some(schema) = Schema::of(connection)? else { return Ok(None) };
    let Some(key) = end_key(connection, &schema, run)? else { return Ok(Some(None)) };
    let Some(column) = schema.run_column("metrics") else { return Ok(None) };
    let by_time = has_time_index(connection)?;
    let order = if by_time { "timestamp" } else { "step" };
    let sql = format!("SELECT rowid FROM metrics WHERE {column} = ?1 ORDER BY {order} DESC, rowid DESC LIMIT {}", LAST_ROWS + 1);
    let ids = connection.prepare(&sql)?.query_map([key.value(column)], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    let mut is_whole = ids.len() <= LAST_ROWS;
    let (first, last) = (ids.iter().copied().min().unwrap_or(0), ids.iter().copied().max().unwrap_or(0));
    let fields = select(&schema, "metrics", column);
    let (mut rows, mut room) = (vec![], Room::of_bytes());
    if by_time || is_whole {
        let mut one = connection.prepare(&fields)?;
        let mut ids = ids;
        ids.sort_unstable();
        // Backwards, so that what there is no room for is the oldest.
        for id in ids.into_iter().rev().take(LAST_ROWS) {
            rows.extend(one.query_row((id - 1, id, key.value(column)), |row| last_row(row, &mut room)).optional()?);
            if room.is_full() {
                is_whole = false;
                break;
            }
        }
        rows.reverse();
    } else {
        // A run that was resumed has later rows at lower steps: they stand behind.
        let top: i64 = connection.query_row("SELECT max(rowid) FROM metrics", [], |row| row.get(0))?;
        if top - last <= BEHIND_MAX {
            let mut behind = connection.prepare(&fields)?;
            let from = first.max(last - BEHIND_MAX) - 1;
            rows = behind.query_map((from, top, key.value(column)), |row| last_row(row, &mut room))?.collect::<rusqlite::Result<_>>()?;
        }
    }
    // A row without a step stands behind the highest so far, which may not be among these.
    if !is_whole && rows.iter().any(|row| matches!(row, Stored::Metrics(Logged { step: None, .. }))) {
        rows.clear();
    }
    Ok(Some(Some(RunEnd { key, rows, is_whole })))
}

fn last_row(row: &Row, room: &mut Room) -> rusqlite::Result<Stored> {
    room.bytes_used += u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
    stored("metrics", row).map(|(.., stored)| stored)
}

/// The run that is meant; without a list of all runs where it has an id.
fn end_key(connection: &Connection, schema: &Schema, run: &RunSelector) -> rusqlite::Result<Option<Key>> {
    let RunSelector::Id(id) = run else { return find(connection, schema, run) };
    let Some(column) = schema.run_column("metrics") else { return Ok(None) };
    let name = connection.query_row(&format!("SELECT run_name FROM metrics WHERE {column} = ?1 LIMIT 1"), [id], |row| text(row, 0));
    match name.optional()? {
        Some(name) => Ok(Some(Key { id: (column == "run_id").then(|| id.clone()), name })),
        None => find(connection, schema, run),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rows_are_all_read_however_long_that_takes() {
        let connection = Connection::open_in_memory().unwrap();
        // A value that takes milliseconds each time.
        let slow = "iif(length(hex(zeroblob(2000000))), '{\"v\": 1}', '')";
        let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)";
        let view = format!(
            "CREATE VIEW metrics AS {rows} SELECT i AS rowid, 'r' AS run_name, '2031-01-01' AS timestamp, i AS step, {slow} AS metrics FROM n"
        );
        connection.execute_batch(&view).unwrap();
        let end = last_rows(&connection, &RunSelector::Name("r".into())).unwrap().unwrap().unwrap();
        assert_eq!((end.rows.len(), end.is_whole), (40, true));
    }
}
