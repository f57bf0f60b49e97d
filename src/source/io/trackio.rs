//! The queries of the Trackio reader. What its rows mean is in `source::trackio`.

mod end;
mod tables;

pub(super) use end::trackio_end;
pub(super) use tables::Schema;

use super::{
    Sink, Source, SourceError,
    inbox::Inbox,
    sqlite::{Db, Look, REFRESH, Room, int, text, walk},
};
use crate::model::{Step, WallTime};
use crate::source::{
    Budget, Progress, Record,
    stamps::Stamps,
    trackio::{Posted, Rows, Stored, canonical, log_number, project_of},
};
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Row};
use std::{
    collections::{BTreeSet, HashSet},
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tables::{Key, TABLES, find, imported, keep, list, select, stored, unsent};

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
    fn read_inbox(&mut self, has_db: bool, time_max: Duration, sink: &mut Sink) -> Result<Progress, SourceError> {
        let mail = self.inbox.read()?;
        mail.losses.into_iter().for_each(|loss| sink(Err(loss)));
        let wanted = |line: &Posted| canonical(&line.project) == self.project && is_of(&self.run, self.place.key.as_ref(), line);
        self.mail.extend(mail.lines.into_iter().filter(wanted));
        if has_db && !self.mail.is_empty() {
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
        let look = self.db.look()?;
        let is_gone = matches!(look, Look::Gone);
        let mut changed = match look {
            Look::Same | Look::Gone => false,
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
        let inbox = self.read_inbox(self.db.is_there() && !is_gone, budget.time_max.saturating_sub(start.elapsed()), sink)?;
        self.tell_unsent(sink);
        if is_gone && inbox.bytes == 0 && !inbox.more {
            return Err(SourceError::Gone { path: self.db.path().into() });
        }
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
