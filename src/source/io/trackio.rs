//! The queries of the Trackio reader. What its rows mean is in `source::trackio`.

use super::{
    Sink, Source, SourceError,
    inbox::Inbox,
    sqlite::{Db, Look, REFRESH, Room, VALUE_BYTES_MAX, bytes, columns, int, text, walk},
};
use crate::model::{Step, WallTime};
use crate::source::{
    Budget, Progress, Record,
    stamps::Stamps,
    trackio::{Logged, Posted, Rows, Stored, StoredAlert, StoredTrace, canonical, log_number, project_of},
};
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Row};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Unsent rows are counted up to here, which takes some milliseconds.
const UNSENT_MAX: i64 = 10_000;

/// Which run of a project.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RunSelector {
    /// The run with this id. Projects from before Trackio 0.24 have none; there it is the name.
    Id(String),
    /// The newest run with this name: two runs may share one.
    Name(String),
}

/// A run in a list of runs.
#[derive(Clone, PartialEq, Debug)]
pub struct TrackioRunInfo {
    /// The project, as it is called on disk.
    pub project: String,
    /// `None`: the project is from before Trackio 0.24.
    pub run_id: Option<String>,
    /// Its name, which other runs may have, too.
    pub name: String,
    /// When its first row was logged.
    pub first_time: Option<WallTime>,
    /// When its last row was logged.
    pub last_time: Option<WallTime>,
    /// Its highest step.
    pub last_step: Option<Step>,
    /// Number of metrics rows.
    pub rows: u64,
    /// Number of those that a remote should have and has not got, at most 10,000, and of those that lie in the inbox.
    pub unsent: u64,
}

/// The databases of the projects in a folder of Trackio, sorted. That of a project that only has an inbox does not exist.
pub fn trackio_projects(dir: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let failed = |source: io::Error| SourceError::Io { path: dir.into(), source };
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_db = path.extension().is_some_and(|extension| extension == "db");
        if is_db && project_of(&path).is_some() && path.is_file() {
            found.insert(path);
        }
    }
    let mut inbox = Inbox::beside(&dir.join("any.db"));
    loop {
        let mail = inbox.read()?;
        found.extend(mail.lines.iter().map(|line| dir.join(canonical(&line.project) + ".db")));
        if !mail.more {
            return Ok(found.into_iter().collect());
        }
    }
}

/// The runs of the project with this database (which need not exist when the project has an inbox), the oldest first.
pub fn trackio_runs(db: &Path) -> Result<Vec<TrackioRunInfo>, SourceError> {
    let project = project_of(db).ok_or_else(|| foreign(db))?;
    let mut runs = vec![];
    let exists = fs::metadata(db).is_ok_and(|m| m.len() > 0);
    if exists {
        let Some(found) = Db::new(db).read_now(|connection| list(connection, &project))? else { return Err(foreign(db)) };
        runs = found;
    }
    let (mut inbox, mut stamps) = (Inbox::beside(db), Stamps::new(TimeZone::system()));
    loop {
        let mut mail = inbox.read()?;
        mail.lines.retain(|line| canonical(&line.project) == project);
        if exists && !mail.lines.is_empty() {
            let imported = Db::new(db).read_now(|connection| imported(connection, &mail.lines))?;
            keep(&mut mail.lines, imported);
        }
        for line in &mail.lines {
            let known = runs.iter().position(|run| run.run_id.as_deref().unwrap_or(&run.name) == line.run_key());
            let at = known.unwrap_or_else(|| {
                runs.push(TrackioRunInfo {
                    project: project.clone(),
                    run_id: Some(line.run_key().to_owned()),
                    name: line.run.clone(),
                    first_time: None,
                    last_time: None,
                    last_step: None,
                    rows: 0,
                    unsent: 0,
                });
                runs.len() - 1
            });
            let (run, time) = (&mut runs[at], stamps.read(&line.time));
            run.first_time = earlier(run.first_time, time);
            run.last_time = later(run.last_time, time);
            if let Stored::Metrics(_) = line.what {
                run.rows += 1;
                run.unsent += 1;
                run.last_step = run.last_step.max(line.step.map(Step));
            }
        }
        if !mail.more {
            break;
        }
    }
    if !exists && runs.is_empty() {
        return Err(SourceError::Io { path: db.into(), source: io::ErrorKind::NotFound.into() });
    }
    runs.sort_by(|a, b| a.first_time.partial_cmp(&b.first_time).unwrap_or(std::cmp::Ordering::Equal));
    Ok(runs)
}

fn earlier(a: Option<WallTime>, b: Option<WallTime>) -> Option<WallTime> {
    if a.is_none() || b.is_some_and(|b| Some(b) < a) { b.or(a) } else { a }
}

fn later(a: Option<WallTime>, b: Option<WallTime>) -> Option<WallTime> {
    if b > a { b } else { a }
}

pub(super) fn foreign(db: &Path) -> SourceError {
    SourceError::Foreign { path: db.into(), tracker: "Trackio" }
}

/// What a database can tell: the columns of the tables that are read.
pub(super) struct Schema(HashMap<&'static str, Vec<String>>);

/// The tables that are read, in this order.
const TABLES: [&str; 5] = ["configs", "metrics", "system_metrics", "alerts", "traces"];

impl Schema {
    /// `None`: this is not Trackio's.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Option<Schema>> {
        let tables = TABLES.iter().map(|table| Ok((*table, columns(connection, table)?)));
        let schema = Schema(tables.collect::<rusqlite::Result<_>>()?);
        let needed = ["run_name", "timestamp", "step", "metrics"];
        Ok(needed.iter().all(|column| schema.has("metrics", column)).then_some(schema))
    }

    fn has(&self, table: &str, column: &str) -> bool {
        self.0.get(table).is_some_and(|columns| columns.iter().any(|known| known == column))
    }

    /// The column of `table` that tells runs apart. `None`: there is no such table.
    pub(super) fn run_column(&self, table: &str) -> Option<&'static str> {
        ["run_id", "run_name"].into_iter().find(|column| self.has(table, column))
    }

    /// The column, or what stands for it where it is missing.
    fn or<'a>(&self, table: &str, column: &'a str, otherwise: &'a str) -> &'a str {
        if self.has(table, column) { column } else { otherwise }
    }
}

/// A run as the database tells it from others.
#[derive(Clone, PartialEq, Debug)]
struct Key {
    id: Option<String>,
    name: String,
}

impl Key {
    fn value(&self, column: &str) -> &str {
        match &self.id {
            Some(id) if column == "run_id" => id,
            _ => &self.name,
        }
    }
}

/// The runs of all tables with the time of their first row.
fn keys(connection: &Connection, schema: &Schema) -> rusqlite::Result<Vec<(Key, String)>> {
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

fn list(connection: &Connection, project: &str) -> rusqlite::Result<Option<Vec<TrackioRunInfo>>> {
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

fn unsent(connection: &Connection, schema: &Schema, key: &Key) -> rusqlite::Result<u64> {
    let (Some(column), true) = (schema.run_column("metrics"), schema.has("metrics", "space_id")) else { return Ok(0) };
    // The plus keeps SQLite from walking the run: there is an index of the unsent rows.
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM metrics WHERE space_id IS NOT NULL AND +{column} = ?1 LIMIT {UNSENT_MAX})");
    connection.query_row(&sql, [key.value(column)], |row| row.get(0)).map(|count: i64| count.max(0).unsigned_abs())
}

/// Which of the lines the database has as rows.
fn imported(connection: &Connection, lines: &[Posted]) -> rusqlite::Result<Vec<bool>> {
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

fn keep(lines: &mut Vec<Posted>, imported: Vec<bool>) {
    let mut imported = imported.into_iter();
    lines.retain(|_| !imported.next().unwrap_or(false));
}

fn table_of(stored: &Stored) -> &'static str {
    match stored {
        Stored::Metrics(_) => "metrics",
        Stored::System(_) => "system_metrics",
        Stored::Alert(_) => "alerts",
        Stored::Config(_) => "configs",
        Stored::Trace(_) => "traces",
        Stored::TooLarge { table, .. } => table,
    }
}

/// One run of a Trackio project: what its database and its inbox say.
pub struct TrackioRun {
    project: String,
    run: RunSelector,
    db: Db,
    inbox: Inbox,
    rows: Rows,
    place: Place,
    /// Ids of the lines that came by the inbox; the rows into which they are imported have the same ones.
    posted: HashSet<u128>,
    /// Lines of the inbox that were read while a writer held the database.
    mail: Vec<Posted>,
    /// Metrics rows of the database that a remote has not got, and ids of those that lie in the inbox only.
    unsent: u64,
    waiting: HashSet<u128>,
    /// How many of both were told last.
    told: (u64, u64),
}

/// How far a run was read.
#[derive(Clone, Default)]
struct Place {
    /// The run, once it was found.
    key: Option<Key>,
    /// Number of the last row looked at, for each of [`TABLES`]; `None` while the run has no row there.
    at: [Option<i64>; TABLES.len()],
    /// The last metrics row of the run: number, time and step. It is still there unless rows were removed or numbered anew.
    last: Option<(i64, String, Option<i64>)>,
    has_unsent: bool,
}

/// What one short read of the database came to.
enum Scan {
    /// What was read before is not there any more.
    Restart,
    /// It is not Trackio's.
    Foreign,
    Rows(Box<Batch>),
}

struct Batch {
    /// Each with its `log_id`.
    rows: Vec<(Option<u128>, Stored)>,
    place: Place,
    bytes: u64,
    /// Whether that was all.
    end: bool,
    unsent: Option<u64>,
}

impl TrackioRun {
    /// Stands at the start of a run. The database need not exist when the project has an inbox.
    pub fn open(db: &Path, run: RunSelector) -> Result<TrackioRun, SourceError> {
        let project = project_of(db).ok_or_else(|| foreign(db))?;
        let runs = trackio_runs(db)?;
        let found = runs.iter().any(|info| match &run {
            RunSelector::Id(id) => info.run_id.as_ref().unwrap_or(&info.name) == id,
            RunSelector::Name(name) => info.name == *name,
        });
        if !found {
            let (RunSelector::Id(run) | RunSelector::Name(run)) = run;
            return Err(SourceError::NoRun { path: db.into(), run });
        }
        let mut cursor = TrackioRun {
            project,
            run,
            db: Db::new(db),
            inbox: Inbox::beside(db),
            rows: Rows::new(TimeZone::system()),
            place: Place::default(),
            posted: HashSet::new(),
            mail: vec![],
            unsent: 0,
            waiting: HashSet::new(),
            told: (0, 0),
        };
        // A name stands for the newest run at this moment; a run that starts later is another one.
        if let RunSelector::Name(name) = &cursor.run
            && let Some(id) = runs.iter().rev().find(|info| info.name == *name).and_then(|info| info.run_id.clone())
        {
            cursor.run = RunSelector::Id(id);
        }
        Ok(cursor)
    }

    fn reset(&mut self) {
        self.inbox = Inbox::beside(self.db.path());
        self.rows = Rows::new(TimeZone::system());
        (self.place, self.posted, self.mail) = (Place::default(), HashSet::new(), vec![]);
        (self.unsent, self.waiting) = (0, HashSet::new());
        self.db.unsettle();
    }

    /// Tells what the run is called, when it is found at last.
    fn introduce(&mut self, key: Key, sink: &mut Sink) {
        sink(Ok(Record::Info("project", self.project.clone().into())));
        sink(Ok(Record::Info("name", key.name.clone().into())));
        if let Some(id) = &key.id {
            sink(Ok(Record::Info("run_id", id.clone().into())));
        }
        self.place.key = Some(key);
    }

    /// Says how many rows a remote has not got, and how many of them lie in the inbox, when that has changed.
    fn tell_unsent(&mut self, sink: &mut Sink) {
        let waiting = self.waiting.len() as u64;
        let now = (self.unsent.saturating_add(waiting), waiting);
        if now != std::mem::replace(&mut self.told, now) {
            sink(Ok(Record::Info("unsent_rows", now.0.into())));
            sink(Ok(Record::Info("inbox_rows", now.1.into())));
        }
    }

    /// Takes what the inbox has and the database has not.
    fn read_inbox(&mut self, time_max: Duration, sink: &mut Sink) -> Result<Progress, SourceError> {
        let mail = self.inbox.read()?;
        mail.losses.into_iter().for_each(|loss| sink(Err(loss)));
        let wanted = |line: &Posted| canonical(&line.project) == self.project && is_of(&self.run, self.place.key.as_ref(), line);
        self.mail.extend(mail.lines.into_iter().filter(wanted));
        if self.db.is_there() && !self.mail.is_empty() {
            match self.db.read(time_max, |connection| imported(connection, &self.mail))? {
                Some(imported) => keep(&mut self.mail, imported),
                None => return Ok(Progress { bytes: mail.bytes, more: true, restarted: false }),
            }
        }
        // Two processes may have logged to one run.
        let mut lines = std::mem::take(&mut self.mail);
        lines.sort_by(|a, b| a.time.cmp(&b.time));
        for line in lines {
            if self.place.key.is_none() {
                self.introduce(Key { id: Some(line.run_key().to_owned()), name: line.run.clone() }, sink);
            }
            let new = line.id.as_deref().is_none_or(|id| self.posted.insert(log_number(id)));
            if let (Stored::Metrics(_), Some(id), true) = (&line.what, &line.id, new) {
                self.waiting.insert(log_number(id));
            }
            if new {
                line.config.iter().for_each(|config| self.rows.read(config, sink));
                self.rows.read(&line.what, sink);
            }
        }
        Ok(Progress { bytes: mail.bytes, more: mail.more, restarted: false })
    }
}

fn is_of(run: &RunSelector, key: Option<&Key>, line: &Posted) -> bool {
    match (key, run) {
        (Some(key), _) => key.id.as_deref().unwrap_or(&key.name) == line.run_key(),
        (None, RunSelector::Id(id)) => line.run_key() == id,
        (None, RunSelector::Name(name)) => line.run == *name,
    }
}

impl Source for TrackioRun {
    fn poll(&mut self, budget: Budget, sink: &mut Sink) -> Result<Progress, SourceError> {
        let start = Instant::now();
        let mut progress = Progress::default();
        let restarted = Progress { more: true, restarted: true, bytes: 0 };
        let mut changed = match self.db.look()? {
            Look::Same => false,
            Look::Changed => true,
            Look::Replaced => {
                self.reset();
                return Ok(restarted);
            }
        };
        while changed {
            let (place, run) = (&self.place, &self.run);
            let time_max = budget.time_max.saturating_sub(start.elapsed());
            let scanned = self.db.read(time_max, |connection| scan(connection, run, place, time_max))?;
            let Batch { rows, place, bytes, end, unsent } = match scanned {
                None => return Ok(Progress { more: true, ..progress }),
                Some(Scan::Foreign) => return Err(foreign(self.db.path())),
                // Nothing of what this poll has handed out is wrong, but more may have come before.
                Some(Scan::Restart) => {
                    self.reset();
                    return Ok(restarted);
                }
                Some(Scan::Rows(batch)) => *batch,
            };
            if let (None, Some(key)) = (&self.place.key, &place.key) {
                self.introduce(key.clone(), sink);
            }
            self.place = place;
            progress.bytes += bytes;
            for (id, row) in rows {
                if let Some(id) = id.filter(|id| self.posted.contains(id)) {
                    self.waiting.remove(&id);
                } else {
                    self.rows.read(&row, sink);
                }
            }
            self.unsent = unsent.unwrap_or(self.unsent);
            if end {
                self.db.settle();
                changed = false;
            } else if progress.bytes >= budget.bytes_max || start.elapsed() >= budget.time_max {
                return Ok(Progress { more: true, ..progress });
            }
        }
        let inbox = self.read_inbox(budget.time_max.saturating_sub(start.elapsed()), sink)?;
        self.tell_unsent(sink);
        Ok(Progress { bytes: progress.bytes + inbox.bytes, more: inbox.more, restarted: false })
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
        let mut paths = self.db.paths();
        paths.extend(self.inbox.paths());
        paths
    }
}

/// Reads on behind `place`, as far as one short read goes.
fn scan(connection: &Connection, run: &RunSelector, place: &Place, time_max: Duration) -> rusqlite::Result<Scan> {
    // One state of all tables.
    let snapshot = connection.unchecked_transaction()?;
    let connection = &*snapshot;
    let Some(schema) = Schema::of(connection)? else { return Ok(Scan::Foreign) };
    let mut place = place.clone();
    let key = match &place.key {
        // A dashboard of Trackio 0.24 or later has given ids to the runs.
        Some(Key { id: None, .. }) if schema.has("metrics", "run_id") => return Ok(Scan::Restart),
        Some(key) => key.clone(),
        None => match find(connection, &schema, run)? {
            Some(key) => key,
            None => return Ok(Scan::Rows(Box::new(Batch { rows: vec![], place, bytes: 0, end: true, unsent: None }))),
        },
    };
    if let Some((id, time, step)) = &place.last
        && let Some(column) = schema.run_column("metrics")
    {
        let sql = format!("SELECT timestamp, step FROM metrics WHERE id = ?1 AND +{column} = ?2");
        let now = connection.query_row(&sql, (id, key.value(column)), |row| Ok((text(row, 0)?, int(row, 1)?))).optional()?;
        if now != Some((time.clone(), *step)) {
            return Ok(Scan::Restart);
        }
    }
    place.key = Some(key.clone());
    let (mut rows, mut room, mut end) = (vec![], Room::new(time_max), true);
    for (table, at) in TABLES.into_iter().zip(&mut place.at) {
        let Some(column) = schema.run_column(table) else { continue };
        if at.is_none() {
            // Rows of other runs that were there first are not even looked at.
            let sql = format!("SELECT min(rowid) FROM {table} WHERE {column} = ?1");
            let first: Option<i64> = connection.query_row(&sql, [key.value(column)], |row| row.get(0))?;
            *at = first.map(|first| first.saturating_sub(1));
        }
        let Some(at) = at else { continue };
        let sql = select(&schema, table, column);
        let each = |row: &Row, room: &mut Room| {
            let (id, has_unsent, stored) = stored(table, row)?;
            if let Stored::Metrics(logged) = &stored {
                place.last = Some((logged.id, logged.time.clone(), logged.step));
                place.has_unsent |= has_unsent;
            }
            room.bytes_used += u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
            rows.push((id.map(|id| log_number(&id)), stored));
            Ok(())
        };
        (*at, end) = walk(connection, (table, &sql, key.value(column)), *at, &mut room, each)?;
        if !end {
            break;
        }
    }
    let unsent = if end && place.has_unsent { Some(unsent(connection, &schema, &key)?) } else { None };
    Ok(Scan::Rows(Box::new(Batch { rows, place, bytes: room.bytes_used, end, unsent })))
}

fn find(connection: &Connection, schema: &Schema, run: &RunSelector) -> rusqlite::Result<Option<Key>> {
    let found = keys(connection, schema)?.into_iter().filter(|(key, _)| match run {
        RunSelector::Id(id) => key.id.as_ref().unwrap_or(&key.name) == id,
        RunSelector::Name(name) => key.name == *name,
    });
    Ok(found.max_by(|a, b| a.1.cmp(&b.1)).map(|(key, _)| key))
}

/// The query for the rows of a table: number, bytes, then what [`stored`] takes.
fn select(schema: &Schema, table: &str, run: &str) -> String {
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
fn stored(table: &'static str, row: &Row) -> rusqlite::Result<(Option<String>, bool, Stored)> {
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

/// Rows that are looked at from the end of a run on: some seconds of logging, in which most keys come.
const LAST_ROWS: usize = 64;

/// Rows behind the last one that an index names which are looked through for a later one.
const BEHIND_MAX: i64 = 10_000;

/// Hands the records of the last rows of a run to `sink`, found by index, however many rows it has. False: they are not all
/// of its rows. Without an index by time, the rows of the highest steps are taken, and nothing where that may be wrong.
pub(super) fn trackio_end(db: &Path, run: &RunSelector, sink: &mut Sink) -> Result<bool, SourceError> {
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
    let (mut rows, mut room) = (vec![], Room::new(Duration::MAX));
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

fn has_time_index(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = 'idx_metrics_run_timestamp'";
    connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|count| count > 0)
}
