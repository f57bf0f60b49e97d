//! The queries of the tviz reader. What its rows mean is in `source::tviz`.

use super::{
    Sink, Source, SourceError,
    sqlite::{Db, Look, REFRESH, Room, VALUE_BYTES_MAX, columns, int, text, walk},
};
use crate::model::{Step, WallTime};
use crate::source::{
    Budget, Loss, Progress,
    stamps::Stamps,
    tviz::{Cell, Cells, Rows},
};
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Row, types::ValueRef};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Steps that are read between two looks at the clock.
const STEPS_MAX: usize = 512;

/// A run in a list of runs.
#[derive(Clone, PartialEq, Debug)]
pub struct TvizRunInfo {
    /// Its id, 8 hexadecimal digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `text` or `vision`.
    pub modality: String,
    /// When it started.
    pub started: Option<WallTime>,
    /// When it was closed; a run that died was never.
    pub ended: Option<WallTime>,
    /// Its last step.
    pub last_step: Option<Step>,
    /// Number of its steps.
    pub steps: u64,
}

/// The runs of a tviz database, the oldest first.
pub fn tviz_runs(db: &Path) -> Result<Vec<TvizRunInfo>, SourceError> {
    Db::new(db).read_now(list)?.ok_or_else(|| foreign(db))
}

pub(super) fn foreign(db: &Path) -> SourceError {
    SourceError::Foreign { path: db.into(), tracker: "tviz" }
}

/// The columns that the tables have: the first versions had fewer.
pub(super) struct Schema {
    runs: Vec<String>,
    steps: Vec<String>,
    pub(super) rollouts: Vec<String>,
    pub(super) trajectories: Vec<String>,
}

impl Schema {
    /// `None`: this is not tviz's.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Option<Schema>> {
        let of = |table| columns(connection, table);
        let schema = Schema { runs: of("runs")?, steps: of("steps")?, rollouts: of("rollouts")?, trajectories: of("trajectories")? };
        let has = |columns: &[String], needed: &[&str]| needed.iter().all(|name| columns.iter().any(|column| column == name));
        Ok((has(&schema.runs, &["id", "name"]) && has(&schema.steps, &["run_id", "step"])).then_some(schema))
    }
}

fn list(connection: &Connection) -> rusqlite::Result<Option<Vec<TvizRunInfo>>> {
    let Some(schema) = Schema::of(connection)? else { return Ok(None) };
    let mut stamps = Stamps::new(TimeZone::UTC);
    let mut size = connection.prepare("SELECT count(*), max(step) FROM steps WHERE run_id = ?1")?;
    let mut select = connection.prepare(&format!("SELECT rowid, 0, {} FROM runs ORDER BY rowid", names(&schema.runs)))?;
    let mut rows = select.query([])?;
    let mut runs = vec![];
    while let Some(row) = rows.next()? {
        let column = |name: &str| match schema.runs.iter().position(|column| column == name) {
            Some(at) => text(row, at + 2),
            None => Ok(String::new()),
        };
        let id = column("id")?;
        let (steps, last_step): (i64, _) = size.query_row([&id], |row| Ok((row.get(0)?, int(row, 1)?)))?;
        runs.push(TvizRunInfo {
            name: column("name")?,
            modality: column("modality")?,
            started: stamps.read(&column("started_at")?),
            ended: stamps.read(&column("ended_at")?),
            last_step: last_step.map(Step),
            steps: steps.max(0).unsigned_abs(),
            id,
        });
    }
    Ok(Some(runs))
}

/// One run of a tviz database.
pub struct TvizRun {
    run: String,
    db: Db,
    rows: Rows,
    place: Place,
}

/// How far a run was read.
#[derive(Clone, Default)]
struct Place {
    /// The last step, and the highest row number of the steps up to there.
    step: Option<i64>,
    step_row_max: i64,
    rollout: i64,
}

/// What one short read of the database came to.
enum Scan {
    /// Something before the last step was written anew.
    Restart,
    /// It is not tviz's.
    Foreign,
    Rows {
        run: Option<Cells>,
        steps: Vec<Cells>,
        rollouts: Vec<(Cells, Vec<Cells>)>,
        losses: Vec<Loss>,
        place: Place,
        bytes: u64,
        end: bool,
    },
}

impl TvizRun {
    /// Stands at the start of the run with this id.
    pub fn open(db: &Path, run: &str) -> Result<TvizRun, SourceError> {
        if !tviz_runs(db)?.iter().any(|info| info.id == run) {
            return Err(SourceError::NoRun { path: db.into(), run: run.to_owned() });
        }
        Ok(TvizRun { run: run.to_owned(), db: Db::new(db), rows: Rows::new(), place: Place::default() })
    }

    fn restart(&mut self) -> Progress {
        (self.rows, self.place) = (Rows::new(), Place::default());
        self.db.unsettle();
        Progress { more: true, restarted: true, bytes: 0 }
    }
}

impl Source for TvizRun {
    fn poll(&mut self, budget: Budget, sink: &mut Sink) -> Result<Progress, SourceError> {
        let start = Instant::now();
        let mut progress = Progress::default();
        match self.db.look()? {
            Look::Same => return Ok(progress),
            Look::Gone => return Err(SourceError::Gone { path: self.db.path().into() }),
            Look::Changed => {}
            Look::Replaced => return Ok(self.restart()),
        }
        let mut first = true;
        loop {
            let (run, place) = (&self.run, &self.place);
            let time_max = budget.time_max.saturating_sub(start.elapsed());
            match self.db.read(time_max, |connection| scan(connection, run, place, first, time_max))? {
                None => return Ok(Progress { more: true, ..progress }),
                Some(Scan::Foreign) => return Err(foreign(self.db.path())),
                Some(Scan::Restart) => return Ok(self.restart()),
                Some(Scan::Rows { run, steps, rollouts, losses, place, bytes, end }) => {
                    run.iter().for_each(|row| self.rows.run(row, sink));
                    steps.iter().for_each(|row| self.rows.step(row, sink));
                    rollouts.iter().for_each(|(row, trajectories)| self.rows.rollout(row, trajectories, sink));
                    losses.into_iter().for_each(|loss| sink(Err(loss)));
                    self.place = place;
                    progress.bytes += bytes;
                    if end {
                        self.db.settle();
                        return Ok(progress);
                    }
                }
            }
            if progress.bytes >= budget.bytes_max || start.elapsed() >= budget.time_max {
                return Ok(Progress { more: true, ..progress });
            }
            first = false;
        }
    }

    fn path(&self) -> &Path {
        self.db.path()
    }

    fn refresh(&self) -> Duration {
        REFRESH
    }

    fn is_stirring(&self) -> bool {
        self.db.is_stirring()
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.db.paths()
    }
}

/// Reads on behind `place`, as far as one short read goes. `is_first`: it is the first read of a poll.
fn scan(connection: &Connection, run: &str, place: &Place, is_first: bool, time_max: Duration) -> rusqlite::Result<Scan> {
    // One state of all tables.
    let snapshot = connection.unchecked_transaction()?;
    let connection = &*snapshot;
    let Some(schema) = Schema::of(connection)? else { return Ok(Scan::Foreign) };
    let mut place = place.clone();
    let (mut losses, mut room) = (vec![], Room::new(time_max));
    if let (Some(last), true) = (place.step, is_first) {
        // A step that is logged again gets a new row number, and its old row is gone.
        let again = "SELECT min(step) FROM steps WHERE rowid > ?1 AND +run_id = ?2 AND +step <= ?3";
        let again: Option<i64> = connection.query_row(again, (place.step_row_max, run, last), |row| row.get(0))?;
        let top: Option<i64> = connection.query_row("SELECT max(rowid) FROM steps", [], |row| row.get(0))?;
        match again {
            Some(step) if step < last => return Ok(Scan::Restart),
            _ if top < Some(place.step_row_max) => return Ok(Scan::Restart),
            Some(_) => place.step = last.checked_sub(1),
            None => {}
        }
    }
    let sql = format!("SELECT rowid, {}, {} FROM runs WHERE id = ?1", size(&schema.runs), capped(&schema.runs));
    let run_row = connection.query_row(&sql, [run], |row| cells(("runs", &schema.runs), row, &mut room, &mut losses)).optional()?.flatten();

    let sql = format!(
        "SELECT rowid, {}, {}, step FROM steps WHERE run_id = ?1 AND step > ?2 ORDER BY step LIMIT {STEPS_MAX}",
        size(&schema.steps),
        capped(&schema.steps)
    );
    let (mut steps, mut select, mut end) = (vec![], connection.prepare(&sql)?, false);
    while !end {
        let mut found = 0;
        let mut rows = select.query((run, place.step.unwrap_or(i64::MIN)))?;
        while let Some(row) = rows.next()? {
            found += 1;
            place.step = int(row, schema.steps.len() + 2)?.or(place.step);
            place.step_row_max = place.step_row_max.max(row.get(0)?);
            steps.extend(cells(("steps", &schema.steps), row, &mut room, &mut losses)?);
        }
        end = found < STEPS_MAX;
        if room.is_full() {
            break;
        }
    }
    let mut rollouts = vec![];
    if end && !schema.rollouts.is_empty() {
        let from = |table| move |columns: &[String]| format!("SELECT rowid, {}, {} FROM {table}", size(columns), capped(columns));
        let sql = from("rollouts")(&schema.rollouts) + " WHERE rowid > ?1 AND rowid <= ?2 AND +run_id = ?3 ORDER BY rowid";
        let mut answers = match schema.trajectories.is_empty() {
            true => None,
            false => Some(connection.prepare(&(from("trajectories")(&schema.trajectories) + " WHERE rollout_id = ?1 ORDER BY rowid"))?),
        };
        (place.rollout, end) = walk(connection, ("rollouts", &sql, run), place.rollout, &mut room, |row, room| {
            let mut trajectories = vec![];
            if let Some(answers) = &mut answers {
                let mut rows = answers.query([row.get::<_, i64>(0)?])?;
                while let Some(row) = rows.next()? {
                    trajectories.extend(cells(("trajectories", &schema.trajectories), row, room, &mut losses)?);
                }
            }
            let rollout = cells(("rollouts", &schema.rollouts), row, room, &mut losses)?;
            rollouts.extend(rollout.map(|rollout| (rollout, trajectories)));
            Ok(())
        })?;
    }
    Ok(Scan::Rows { run: run_row, steps, rollouts, losses, place, bytes: room.bytes_used, end })
}

fn names(columns: &[String]) -> String {
    columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

/// The columns, without values that are too large.
fn capped(columns: &[String]) -> String {
    let capped = |column| format!("iif(octet_length({column}) > {VALUE_BYTES_MAX}, NULL, {column})");
    columns.iter().map(|column| capped(quoted(column))).collect::<Vec<_>>().join(", ")
}

/// The bytes of the largest value.
fn size(columns: &[String]) -> String {
    let sizes: Vec<_> = columns.iter().map(|column| format!("ifnull(octet_length({}), 0)", quoted(column))).collect();
    format!("max(0, {})", sizes.join(", "))
}

pub(super) fn quoted(column: &str) -> String {
    format!("\"{}\"", column.replace('"', "\"\""))
}

/// The cells of a row; they follow its number and the size of its largest value. `None`: that is too large.
fn cells((table, columns): (&str, &[String]), row: &Row, room: &mut Room, losses: &mut Vec<Loss>) -> rusqlite::Result<Option<Cells>> {
    let (id, size): (i64, i64) = (row.get(0)?, row.get(1)?);
    if size > VALUE_BYTES_MAX {
        let reason = format!("row {id} of {table} is too large");
        losses.push(Loss { offset: id.max(0).unsigned_abs(), bytes: size.unsigned_abs(), reason });
        return Ok(None);
    }
    let mut cells = vec![];
    for (at, name) in columns.iter().enumerate() {
        let cell = value(row.get_ref(at + 2)?);
        let bytes = match &cell {
            Cell::Null => 0,
            Cell::Int(_) | Cell::Real(_) => 8,
            Cell::Text(text) => text.len(),
            Cell::Blob(blob) => blob.len(),
        };
        room.bytes_used += bytes as u64;
        cells.push((name.clone(), cell));
    }
    Ok(Some(cells))
}

/// A value as it is stored.
pub(super) fn value(value: ValueRef) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Real(value) => Cell::Real(value),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(blob) => Cell::Blob(blob.into()),
    }
}

/// Steps that are looked at from the end of a run on.
const LAST_STEPS: i64 = 64;

/// Hands the records of the last steps of a run to `sink`, found by index. False: they are not all of its steps.
pub(super) fn tviz_end(db: &Path, run: &str, sink: &mut Sink) -> Result<bool, SourceError> {
    let read = |connection: &Connection| {
        let near = "SELECT step FROM steps WHERE run_id = ?1 ORDER BY step DESC LIMIT 1 OFFSET ?2";
        let from: Option<Option<i64>> = connection.query_row(near, (run, LAST_STEPS), |row| int(row, 0)).optional()?;
        // Rollouts and what they hold are not asked for.
        let place = Place { step: from.flatten(), rollout: i64::MAX, ..Place::default() };
        scan(connection, run, &place, false, Duration::MAX).map(|scan| (scan, from.is_none()))
    };
    let (scan, is_whole) = Db::new(db).read_now(read)?;
    let Scan::Rows { run, steps, end, .. } = scan else { return Err(foreign(db)) };
    let mut rows = Rows::new();
    run.iter().for_each(|row| rows.run(row, sink));
    // Steps so large that one read does not get to the last say nothing.
    steps.iter().filter(|_| end).for_each(|row| rows.step(row, sink));
    Ok(is_whole && end)
}
