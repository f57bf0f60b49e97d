//! The tables of a database of Trackio, in every version of it: which there are, which runs they have, and what their rows hold.

use super::{RunSelector, TrackioRunInfo};
use crate::{
    model::Step,
    source::{
        io::sqlite::{VALUE_BYTES_MAX, bytes, columns, int, text},
        stamps::Stamps,
        trackio::{Logged, Posted, Stored, StoredAlert, StoredTrace},
    },
};
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::{HashMap, HashSet};

/// Unsent rows are counted up to here, which takes some milliseconds.
const UNSENT_MAX: i64 = 10_000;

/// What a database can tell: the columns of the tables that are read.
pub(in crate::source::io) struct Schema(HashMap<&'static str, Vec<String>>);

/// The tables that are read, in this order.
pub(super) const TABLES: [&str; 5] = ["configs", "metrics", "system_metrics", "alerts", "traces"];

impl Schema {
    /// `None`: this is not Trackio's.
    pub(in crate::source::io) fn of(connection: &Connection) -> rusqlite::Result<Option<Schema>> {
        let tables = TABLES.iter().map(|table| Ok((*table, columns(connection, table)?)));
        let schema = Schema(tables.collect::<rusqlite::Result<_>>()?);
        let needed = ["run_name", "timestamp", "step", "metrics"];
        Ok(needed.iter().all(|column| schema.has("metrics", column)).then_some(schema))
    }

    pub(super) fn has(&self, table: &str, column: &str) -> bool {
        self.0.get(table).is_some_and(|columns| columns.iter().any(|known| known == column))
    }

    /// The column of `table` that tells runs apart. `None`: there is no such table.
    pub(in crate::source::io) fn run_column(&self, table: &str) -> Option<&'static str> {
        ["run_id", "run_name"].into_iter().find(|column| self.has(table, column))
    }

    /// The column, or what stands for it where it is missing.
    pub(super) fn or<'a>(&self, table: &str, column: &'a str, otherwise: &'a str) -> &'a str {
        if self.has(table, column) { column } else { otherwise }
    }
}

/// A run as the database tells it from others.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    pub(super) name: String,
}

impl Key {
    pub(super) fn value(&self, column: &str) -> &str {
        match &self.id {
            Some(id) if column == "run_id" => id,
            _ => &self.name,
        }
    }
}

/// The runs of all tables with the time of their first row.
pub(super) fn keys(connection: &Connection, schema: &Schema) -> rusqlite::Result<Vec<(Key, String)>> {
    let mut found: Vec<(Key, String)> = vec![];
    let mut seen = HashSet::new();
    for (table, time) in [("metrics", "timestamp"), ("configs", "created_at"), ("system_metrics", "timestamp"), ("alerts", "timestamp")] {
        let Some(column) = schema.run_column(table) else { continue };
        let order = if table == "metrics" { "step" } else { time };
        // One look into the index for each run, however many rows it has.
        let mut next = connection.prepare(&format!("SELECT min({column}) FROM {table} WHERE {column} > ?1"))?;
        let mut first =
            connection.prepare(&format!("SELECT run_name, {time} FROM {table} WHERE {column} = ?1 ORDER BY {order} LIMIT 1"))?;
        let mut last = String::new();
        while let Some(run) = next.query_row([&last], |row| row.get::<_, Option<String>>(0))? {
            if seen.insert(run.clone()) {
                let (name, time) = first.query_row([&run], |row| Ok((text(row, 0)?, text(row, 1)?)))?;
                let id = (column == "run_id").then(|| run.clone());
                found.push((Key { id, name }, time));
            }
            last = run;
        }
    }
    Ok(found)
}

pub(super) fn list(connection: &Connection, project: &str) -> rusqlite::Result<Option<Vec<TrackioRunInfo>>> {
    let Some(schema) = Schema::of(connection)? else { return Ok(None) };
    let mut stamps = Stamps::new(TimeZone::system());
    let column = schema.run_column("metrics").unwrap_or("run_name");
    let last_time = match has_time_index(connection)? {
        false => format!("SELECT timestamp FROM metrics WHERE {column} = ?1 ORDER BY step DESC LIMIT 1"),
        true => format!("SELECT max(timestamp) FROM metrics WHERE {column} = ?1"),
    };
    let mut last_time = connection.prepare(&last_time)?;
    let mut size = connection.prepare(&format!("SELECT count(*), max(step) FROM metrics WHERE {column} = ?1"))?;
    let mut runs = vec![];
    for (key, first) in keys(connection, &schema)? {
        let run = key.value(column);
        let last_time = last_time.query_row([run], |row| text(row, 0)).optional()?;
        let (rows, last_step): (i64, _) = size.query_row([run], |row| Ok((row.get(0)?, int(row, 1)?)))?;
        runs.push(TrackioRunInfo {
            project: project.to_owned(),
            first_time: stamps.read(&first),
            last_time: last_time.and_then(|time| stamps.read(&time)),
            last_step: last_step.map(Step),
            rows: rows.max(0).unsigned_abs(),
            unsent: unsent(connection, &schema, &key)?,
            run_id: key.id,
            name: key.name,
        });
    }
    Ok(Some(runs))
}

pub(super) fn unsent(connection: &Connection, schema: &Schema, key: &Key) -> rusqlite::Result<u64> {
    let (Some(column), true) = (schema.run_column("metrics"), schema.has("metrics", "space_id")) else { return Ok(0) };
    // The plus keeps SQLite from walking the run: there is an index of the unsent rows.
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM metrics WHERE space_id IS NOT NULL AND +{column} = ?1 LIMIT {UNSENT_MAX})");
    connection.query_row(&sql, [key.value(column)], |row| row.get(0)).map(|count: i64| count.max(0).unsigned_abs())
}

/// Which of the lines the database has as rows.
pub(super) fn imported(connection: &Connection, lines: &[Posted]) -> rusqlite::Result<Vec<bool>> {
    let mut imported = vec![false; lines.len()];
    for (table, id) in [("metrics", "log_id"), ("system_metrics", "log_id"), ("alerts", "alert_id")] {
        if !columns(connection, table)?.iter().any(|column| column == id) {
            continue;
        }
        let mut known = connection.prepare(&format!("SELECT 1 FROM {table} WHERE {id} = ?1"))?;
        for (line, imported) in lines.iter().zip(&mut imported).filter(|(line, _)| table_of(&line.what) == table) {
            if let Some(id) = &line.id {
                *imported = known.exists([id])?;
            }
        }
    }
    Ok(imported)
}

pub(super) fn keep(lines: &mut Vec<Posted>, imported: Vec<bool>) {
    let mut imported = imported.into_iter();
    lines.retain(|_| !imported.next().unwrap_or(false));
}

pub(super) fn table_of(stored: &Stored) -> &'static str {
    match stored {
        Stored::Metrics(_) => "metrics",
        Stored::System(_) => "system_metrics",
        Stored::Alert(_) => "alerts",
        Stored::Config(_) => "configs",
        Stored::Trace(_) => "traces",
        Stored::TooLarge { table, .. } => table,
    }
}

pub(super) fn find(connection: &Connection, schema: &Schema, run: &RunSelector) -> rusqlite::Result<Option<Key>> {
    let found = keys(connection, schema)?.into_iter().filter(|(key, _)| match run {
        RunSelector::Id(id) => key.id.as_ref().unwrap_or(&key.name) == id,
        RunSelector::Name(name) => key.name == *name,
    });
    Ok(found.max_by(|a, b| a.1.cmp(&b.1)).map(|(key, _)| key))
}

/// The query for the rows of a table: number, bytes, then what [`stored`] takes.
pub(super) fn select(schema: &Schema, table: &str, run: &str) -> String {
    let or = |column, otherwise| schema.or(table, column, otherwise);
    let capped = |column| format!("iif(octet_length({column}) > {VALUE_BYTES_MAX}, NULL, {column})");
    let (bytes, fields) = match table {
        "metrics" => {
            let fields =
                format!("timestamp, step, {}, {}, {} IS NOT NULL", capped("metrics"), or("log_id", "NULL"), or("space_id", "NULL"));
            ("octet_length(metrics)", fields)
        }
        "system_metrics" => ("octet_length(metrics)", format!("timestamp, NULL, {}, {}", capped("metrics"), or("log_id", "NULL"))),
        "configs" => ("octet_length(config)", capped("config")),
        "alerts" => {
            let fields = format!("timestamp, step, {}, {}, level, {}", capped("title"), capped("text"), or("alert_id", "NULL"));
            ("octet_length(title) + ifnull(octet_length(text), 0)", fields)
        }
        _ => {
            let fields = format!(
                "timestamp, step, key, id, trace_index, {}, {}, {}, {}",
                capped("messages"),
                capped("metadata"),
                capped(or("spans", "'[]'")),
                or("log_id", "NULL")
            );
            ("octet_length(messages) + octet_length(metadata)", fields)
        }
    };
    format!("SELECT rowid, {bytes}, {fields} FROM {table} WHERE rowid > ?1 AND rowid <= ?2 AND +{run} = ?3 ORDER BY rowid")
}

/// A row: its `log_id`, whether it is unsent, and what it says.
pub(super) fn stored(table: &'static str, row: &Row) -> rusqlite::Result<(Option<String>, bool, Stored)> {
    let (id, size) = (row.get(0)?, row.get::<_, Option<i64>>(1)?.unwrap_or(0));
    let too_large = || Stored::TooLarge { table, id, bytes: size.max(0).unsigned_abs() };
    let log_id = |column| row.get::<_, Option<String>>(column);
    Ok(match table {
        "metrics" | "system_metrics" => {
            let stored = if size > VALUE_BYTES_MAX {
                too_large()
            } else {
                let logged = Logged { id, time: text(row, 2)?, step: int(row, 3)?, json: bytes(row, 4)?.into() };
                if table == "metrics" { Stored::Metrics(logged) } else { Stored::System(logged) }
            };
            (log_id(5)?, table == "metrics" && row.get(6)?, stored)
        }
        "configs" if size > VALUE_BYTES_MAX => (None, false, too_large()),
        "configs" => (None, false, Stored::Config(bytes(row, 2)?.into())),
        "alerts" => {
            let alert =
                StoredAlert { time: text(row, 2)?, step: int(row, 3)?, title: text(row, 4)?, text: text(row, 5)?, level: text(row, 6)? };
            (log_id(7)?, false, Stored::Alert(alert))
        }
        _ => {
            let trace = StoredTrace {
                time: text(row, 2)?,
                step: int(row, 3)?,
                key: text(row, 4)?,
                id: text(row, 5)?,
                index: int(row, 6)?,
                messages: bytes(row, 7)?.into(),
                metadata: bytes(row, 8)?.into(),
                spans: bytes(row, 9)?.into(),
            };
            (log_id(10)?, false, Stored::Trace(trace))
        }
    })
}

pub(super) fn has_time_index(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = 'idx_metrics_run_timestamp'";
    connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|count| count > 0)
}
