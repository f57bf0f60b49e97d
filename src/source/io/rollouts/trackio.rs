//! The rollouts of Trackio: traces, and tables with prompts and answers among the metrics.

use super::{RolloutStore, STEPS_MAX, TRAJECTORIES_MAX};
use crate::source::{
    Body, RolloutGroup, SourceError,
    io::{
        sqlite::{Db, Room, VALUE_BYTES_MAX, bytes, int, walk},
        trackio::{Schema, foreign},
    },
    json::lenient,
    rollouts::{Told, grouped, table_row, trace},
};
use rusqlite::Connection;
use serde_json::Value;
use std::{collections::BTreeSet, path::Path, time::Duration};

/// What the answers of one step may take; of more, the first are shown. A table comes whole or not at all.
const STEP_BYTES_MAX: usize = 16 << 20;

/// The rollouts of one run of a Trackio project. The metrics are walked through once for their tables, and from then on only
/// what is new in them.
pub(super) struct TrackioRollouts {
    db: Db,
    run: String,
    /// Number of the last row of metrics that was looked at.
    walked: i64,
    /// Steps and row numbers of tables.
    tables: BTreeSet<(i64, i64)>,
    /// The step that was listed last, and its answers by id.
    listed: Option<(i64, Vec<Told>)>,
}

impl TrackioRollouts {
    pub(super) fn new(db: &Path, run: &str) -> TrackioRollouts {
        TrackioRollouts { db: Db::new(db), run: run.to_owned(), walked: 0, tables: BTreeSet::new(), listed: None }
    }

    /// Looks for tables in what is new of the metrics, in reads so short that no writer waits.
    fn walk(&mut self) -> Result<(), SourceError> {
        loop {
            let (run, from) = (&self.run, self.walked);
            let read = |connection: &Connection| {
                let Some(schema) = Schema::of(connection)? else { return Ok(None) };
                let top: Option<i64> = connection.query_row("SELECT max(rowid) FROM metrics", [], |row| row.get(0))?;
                // Rows went away: whoever took them may have put others in their place.
                let from = if top.unwrap_or(0) < from { 0 } else { from };
                let column = schema.run_column("metrics").unwrap_or("run_name");
                let sql = format!(
                    "SELECT rowid, step FROM metrics WHERE rowid > ?1 AND rowid <= ?2 AND +{column} = ?3 AND instr(metrics, 'trackio.table') ORDER BY rowid"
                );
                let (mut found, mut room) = (vec![], Room::new(Duration::MAX));
                let (at, end) = walk(connection, ("metrics", &sql, run), from, &mut room, |row, _| {
                    found.push((int(row, 1)?.unwrap_or(0), row.get(0)?));
                    Ok(())
                })?;
                Ok(Some((from, at, end, found)))
            };
            let Some((from, at, end, found)) = self.db.read_now(read)? else { return Err(foreign(self.db.path())) };
            if from < self.walked {
                self.tables.clear();
            }
            self.walked = at;
            self.tables.extend(found);
            while self.tables.len() > STEPS_MAX {
                self.tables.pop_first();
            }
            if end {
                return Ok(());
            }
        }
    }

    /// All answers of a step.
    fn read(&mut self, step: i64) -> Result<Vec<Told>, SourceError> {
        let (run, tables) = (&self.run, &self.tables);
        let rows: Vec<i64> = tables.range((step, i64::MIN)..=(step, i64::MAX)).map(|(_, row)| *row).collect();
        let told = self.db.read_now(|connection| {
            let Some(schema) = Schema::of(connection)? else { return Ok(None) };
            let (mut told, mut used) = (vec![], 0);
            if let Some(column) = schema.run_column("traces") {
                let sql = format!(
                    "SELECT key, messages, metadata FROM traces WHERE {column} = ?1 AND step = ?2 AND octet_length(messages) <= {VALUE_BYTES_MAX}
                     AND ifnull(octet_length(metadata), 0) <= {VALUE_BYTES_MAX} ORDER BY rowid LIMIT {TRAJECTORIES_MAX}"
                );
                let mut select = connection.prepare(&sql)?;
                let mut found = select.query((run, step))?;
                while let Some(row) = found.next()?
                    && used < STEP_BYTES_MAX
                {
                    let (messages, metadata) = (bytes(row, 1)?, bytes(row, 2)?);
                    used += messages.len() + metadata.len();
                    told.extend(trace(&String::from_utf8_lossy(bytes(row, 0)?), messages, metadata));
                }
            }
            let sql = format!("SELECT metrics FROM metrics WHERE rowid = ?1 AND octet_length(metrics) <= {VALUE_BYTES_MAX}");
            let mut select = connection.prepare(&sql)?;
            for row in &rows {
                let mut found = select.query([row])?;
                while let Some(row) = found.next()?
                    && used < STEP_BYTES_MAX
                {
                    used += bytes(row, 0)?.len();
                    told.extend(tables_of(bytes(row, 0)?));
                }
            }
            told.truncate(TRAJECTORIES_MAX);
            Ok(Some(told))
        })?;
        told.ok_or_else(|| foreign(self.db.path()))
    }

    fn listed(&mut self, step: i64, anew: bool) -> Result<&[Told], SourceError> {
        if anew || self.listed.as_ref().is_none_or(|(listed, _)| *listed != step) {
            self.listed = Some((step, self.read(step)?));
        }
        Ok(self.listed.as_ref().map_or(&[], |(_, told)| told))
    }
}

impl RolloutStore for TrackioRollouts {
    fn steps(&mut self) -> Result<Vec<i64>, SourceError> {
        self.walk()?;
        let run = &self.run;
        let traced = self.db.read_now(|connection| {
            let Some(column) = Schema::of(connection)?.and_then(|schema| schema.run_column("traces")) else { return Ok(vec![]) };
            let sql = format!("SELECT DISTINCT step FROM traces WHERE {column} = ?1 ORDER BY step DESC LIMIT {STEPS_MAX}");
            let mut select = connection.prepare(&sql)?;
            let rows = select.query_map([run], |row| int(row, 0))?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect::<Vec<i64>>())
        })?;
        // A table of anything else, such as the layers of a model, is no rollout.
        let mut steps: BTreeSet<i64> = traced.into_iter().collect();
        let tabled: BTreeSet<i64> = self.tables.iter().map(|(step, _)| *step).filter(|step| !steps.contains(step)).collect();
        /// Tables that are read to tell what they hold; a run logs tables of one kind.
        const LOOKED_MAX: usize = 3;
        let is_told = |store: &mut TrackioRollouts, step| store.read(step).map(|told| !told.is_empty());
        let mut tells = false;
        for step in tabled.iter().rev().take(LOOKED_MAX) {
            tells |= is_told(self, *step)?;
        }
        if tells {
            steps.extend(tabled);
        }
        Ok(steps.into_iter().collect())
    }

    fn groups(&mut self, step: i64) -> Result<Vec<RolloutGroup>, SourceError> {
        self.listed(step, true).map(grouped)
    }

    fn trajectory(&mut self, step: i64, id: i64) -> Result<Option<Body>, SourceError> {
        let told = self.listed(step, false)?;
        let found = usize::try_from(id).ok().and_then(|at| told.get(at));
        Ok(found.map(|told| Body { id, ..told.body.clone() }))
    }
}

/// The rows of all tables in a row of metrics that tell of answers.
fn tables_of(metrics: &[u8]) -> Vec<Told> {
    let Some(Value::Object(metrics)) = std::str::from_utf8(metrics).ok().and_then(lenient) else { return vec![] };
    let is_table =
        |value: &Value| value.get("_type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("trackio.table"));
    let mut told = vec![];
    for (key, table) in metrics.iter().filter(|(_, value)| is_table(value)) {
        let rows = table.get("_value").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
        told.extend(rows.filter_map(|row| table_row(key, row)));
    }
    told
}
