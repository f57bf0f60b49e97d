//! All runs of some places, as rows, kept up to date cheaply.
//!
//! A run is first seen at a glance, which reads the ends of its files; then, when nothing else waits, it is read once, so that
//! its best values, its config and its course are known. A run whose files look as they did is not opened again.

mod folders;
mod search;

use crate::{
    model::{MetricKey, ReadOptions, Step, XAxis},
    query::{
        self, Goal,
        runs::{COURSE_MAX, Origin, RunRead, RunRow},
    },
    source::{Budget, Reach, RunRef, trackio_folders, tviz_databases},
    store::{EventKind, RunGlance, RunPicture, RunReader, Store, Whereabouts, glance, glance_at},
};
use search::Search;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Largest run that is read whole for a list: a second of reading. Of a larger one the head is read, which has its config.
const READ_BYTES_MAX: u64 = 64 << 20;
const HEAD: Budget = Budget { bytes_max: 1 << 20, time_max: Duration::from_millis(100) };
/// A run that is still written is read again once it has grown by so much of itself, so that all those reads together cost
/// as much as a few.
const GROWN: u64 = 8;
/// Metrics of one run whose course is kept.
const COURSES_MAX: usize = 12;
/// Hyperparameters of one run that are kept.
const CONFIG_MAX: usize = 1000;
/// Longest text of one hyperparameter that is kept.
const VALUE_BYTES_MAX: usize = 4096;
/// Folders in which trackers keep their runs, beside the program that trains.
const BESIDE: &[&str] = &["wandb", "runs", "lightning_logs", "tb_logs", "logs"];
/// Most runs that are listed.
const RUNS_MAX: usize = 20_000;
/// Most runs whose folders are watched; the others are looked at whenever one of these changes.
const WATCHED_MAX: usize = 256;

/// The runs of some places.
pub struct Catalog {
    places: Vec<PathBuf>,
    search: Search,
    known: HashMap<PathBuf, Known>,
    /// To be seen at a glance, then to be read; newest first.
    unseen: VecDeque<PathBuf>,
    unread: VecDeque<PathBuf>,
    problems: BTreeMap<PathBuf, String>,
    /// Whether the training process with this number lives.
    is_alive: fn(u32) -> bool,
}

/// A run at some place.
struct Found {
    /// What opens it: its folder or file, or `DATABASE#ID`.
    path: PathBuf,
    look: Look,
    /// Where it is one of many in a database.
    run: Option<RunRef>,
}

/// A run that was found.
#[derive(Default)]
struct Known {
    look: Look,
    run: Option<RunRef>,
    row: Option<RunRow>,
    pid: Option<u32>,
    /// Bytes of its files when it was read.
    read_at: Option<u64>,
}

/// What tells two states of a run's files apart.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Look {
    hash: u64,
    bytes: u64,
}

/// What a look came to.
#[derive(Default)]
pub struct Looked {
    /// Runs that are new or changed.
    pub rows: Vec<RunRow>,
    /// Runs that are gone.
    pub gone: Vec<PathBuf>,
}

impl Catalog {
    /// Knows nothing yet. A place is a store, the folder or the database of a tracker, a folder with event files below it, or
    /// one run.
    pub fn new(places: Vec<PathBuf>, is_alive: fn(u32) -> bool) -> Catalog {
        Catalog {
            places,
            search: Search::default(),
            known: HashMap::new(),
            unseen: VecDeque::new(),
            unread: VecDeque::new(),
            problems: BTreeMap::new(),
            is_alive,
        }
    }

    /// The places where runs are known to be from here: the store, the folders of trackers beside us, and where Trackio and
    /// tviz keep theirs, which `env` may name.
    pub fn places(at: &Whereabouts, env: impl Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
        let store = Store::find(at).map(|store| store.root().to_owned());
        let beside = BESIDE.iter().map(|name| at.cwd.join(name)).filter(|folder| folder.is_dir());
        let trackio = trackio_folders(&env, |path| at.cwd.join(path).is_dir());
        let tviz = tviz_databases(&env, |path| at.cwd.join(path).is_file());
        let mut places: Vec<PathBuf> = vec![];
        for place in store.into_iter().chain(beside).chain(trackio.into_iter().chain(tviz).map(|path| at.cwd.join(path))) {
            let place = settle(&place);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// Where the runs are looked for.
    pub fn searched(&self) -> impl Iterator<Item = &Path> {
        self.places.iter().map(PathBuf::as_path)
    }

    /// What could not be searched, or not be read, and why.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        self.problems.iter().map(|(path, problem)| format!("{}: {problem}", path.display()))
    }

    /// How many runs have not been seen yet, and how many not been read.
    pub fn left(&self) -> (usize, usize) {
        (self.unseen.len(), self.unread.len())
    }

    /// Looks which runs there are now, and which changed; their rows come with [`Catalog::go_on`].
    pub fn find(&mut self) -> Looked {
        let mut found: Vec<Found> = vec![];
        for place in &self.places {
            match self.search.runs_of(place) {
                Ok(runs) => {
                    self.problems.remove(place);
                    found.extend(runs);
                }
                Err(problem) => drop(self.problems.insert(place.clone(), problem)),
            }
        }
        self.search.end();
        found.truncate(RUNS_MAX);
        let here: HashSet<&PathBuf> = found.iter().map(|found| &found.path).collect();
        let gone: Vec<PathBuf> = self.known.keys().filter(|path| !here.contains(path)).cloned().collect();
        gone.iter().for_each(|path| drop((self.known.remove(path), self.problems.remove(path))));
        let mut rows = vec![];
        self.unseen.clear();
        for Found { path, look, run } in found {
            let known = self.known.entry(path.clone()).or_default();
            known.run = run;
            if known.look.hash != look.hash || known.row.is_none() && !self.problems.contains_key(&path) {
                known.look = look;
                self.unseen.push_back(path);
            } else if let Some(row) = &mut known.row
                && row.state == Some(crate::model::RunState::Running)
                && known.pid.is_some_and(|pid| !(self.is_alive)(pid))
            {
                // Nothing is written when a process is killed.
                row.state = Some(crate::model::RunState::Lost);
                rows.push(row.clone());
            }
        }
        Looked { rows, gone }
    }

    /// Sees or reads as many runs as the time allows, at least one.
    pub fn go_on(&mut self, time: Duration) -> Looked {
        let start = Instant::now();
        let mut rows: HashMap<PathBuf, RunRow> = HashMap::new();
        loop {
            let row = match self.unseen.pop_front() {
                Some(path) => self.see(&path),
                None => match self.unread.pop_front() {
                    Some(path) => self.read(&path),
                    None => break,
                },
            };
            if let Some(row) = row {
                rows.insert(row.path.clone(), row);
            }
            if start.elapsed() >= time {
                break;
            }
        }
        Looked { rows: rows.into_values().collect(), gone: vec![] }
    }

    /// The rows of all runs, once each has been seen and, where `read` says so, been read: for those who can wait.
    pub fn all(&mut self, read: bool) -> Vec<RunRow> {
        self.find();
        loop {
            let (unseen, unread) = self.left();
            if unseen + if read { unread } else { 0 } == 0 {
                break;
            }
            self.go_on(Duration::ZERO);
        }
        self.known.values().filter_map(|known| known.row.clone()).collect()
    }

    /// The folders and files whose change makes another [`Catalog::find`] worth it.
    pub fn watched(&self) -> Vec<PathBuf> {
        let mut live: Vec<(&PathBuf, &RunRow)> = self.known.iter().filter_map(|(path, known)| Some((path, known.row.as_ref()?))).collect();
        let age = |row: &RunRow| row.changed.or(row.started).unwrap_or(0.0);
        live.sort_by(|(_, a), (_, b)| {
            let is_over = |row: &RunRow| row.state.is_some_and(|state| state.is_over());
            is_over(a).cmp(&is_over(b)).then(age(b).total_cmp(&age(a)))
        });
        let roots = self.places.iter().flat_map(|place| [place.clone(), place.join("runs")]);
        // What is committed to a database stands in a file beside it.
        let folders = self.search.databases().filter_map(|path| path.parent()).map(Path::to_owned);
        let live = live.into_iter().take(WATCHED_MAX).map(|(path, _)| path.clone());
        let all: HashSet<PathBuf> = roots.chain(folders).chain(live).filter(|path| path.exists()).collect();
        all.into_iter().collect()
    }

    fn see(&mut self, path: &Path) -> Option<RunRow> {
        let is_alive = self.is_alive;
        let known = self.known.get_mut(path)?;
        let look = known.look;
        let glanced = match &known.run {
            Some(run) => glance_at(run, &ReadOptions::default(), Reach::Row),
            None => glance(path, &ReadOptions::default(), Reach::Row),
        };
        let mut seen = match glanced {
            Ok(seen) => seen,
            Err(error) => {
                // It may still be in the making; its next change brings it here again.
                self.problems.insert(path.to_owned(), super::chain(&error));
                return None;
            }
        };
        self.problems.remove(path);
        if seen.pid.is_some_and(|pid| !is_alive(pid)) {
            seen.mark_lost();
        }
        known.pid = seen.pid;
        let row = row(path, seen, known.row.take());
        let is_over = row.state.is_some_and(|state| state.is_over());
        let grown = known.read_at.is_none_or(|read| look.bytes < read || look.bytes - read > read / GROWN);
        if (grown || is_over && known.read_at != Some(look.bytes)) && !self.unread.iter().any(|other| other == path) {
            self.unread.push_back(path.to_owned());
        }
        known.row = Some(row.clone());
        Some(row)
    }

    fn read(&mut self, path: &Path) -> Option<RunRow> {
        let known = self.known.get_mut(path)?;
        let row = known.row.as_mut()?;
        known.read_at = Some(known.look.bytes);
        let mut reader = RunReader::open(path).ok()?;
        let is_whole = known.look.bytes <= READ_BYTES_MAX;
        if is_whole {
            while reader.poll(Budget::ALL).more {}
            reader.settle();
        } else {
            reader.poll(HEAD);
        }
        fill(row, reader.picture(), is_whole);
        Some(row.clone())
    }
}

/// The one path of many that lead to a file or folder, so that a run stands in one row.
pub fn settle(path: &Path) -> PathBuf {
    // A run of a database stands behind the name of its file, which leads nowhere by itself.
    let in_database = || Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?));
    fs::canonicalize(path).ok().or_else(in_database).unwrap_or_else(|| path.to_owned())
}

/// The row of a run that was seen at a glance, with what was read of it before.
fn row(path: &Path, seen: RunGlance, before: Option<RunRow>) -> RunRow {
    let newest = seen.newest_time();
    let RunGlance { info, probe, .. } = seen;
    let before = before.unwrap_or_default();
    let mut config = BTreeMap::new();
    info.config.iter().for_each(|(name, value)| flatten(name, value, &mut config));
    // What the run itself says later counts.
    config.extend(before.config);
    let mut last: BTreeMap<MetricKey, f64> = probe.last.into_iter().map(|(key, point)| (key, point.value)).collect();
    for (key, value) in before.last {
        last.entry(key).or_insert(value);
    }
    let mut row = RunRow {
        path: path.to_owned(),
        id: info.id,
        name: info.name,
        project: info.project,
        group: info.group.or(before.group),
        kind: probe.kind.as_str(),
        state: probe.state,
        exit: probe.exit,
        step: probe.step.map(|Step(step)| step).or(before.step),
        total_steps: probe.total_steps.or(before.total_steps),
        started: probe.started.map(|time| time.secs()).or(before.started),
        changed: newest.map(|time| time.secs()),
        tags: if info.tags.is_empty() { before.tags } else { info.tags },
        notes: if info.notes.is_empty() { before.notes } else { info.notes },
        host: info.host.or(before.host),
        config,
        last,
        read: before.read,
        origin: info.parent.map(|parent| Origin { run: parent.run, checkpoint: parent.checkpoint, step: parent.step }).or(before.origin),
    };
    improve(&mut row);
    row
}

/// A last value may be better than the best one that was read.
fn improve(row: &mut RunRow) {
    let Some(read) = &mut row.read else { return };
    for (key, best) in &mut read.best {
        let goal = read.goals.get(key).copied().or_else(|| query::known_goal(key.as_str()));
        if let (Some(goal), Some(last)) = (goal, row.last.get(key)) {
            *best = if goal == Goal::Min { best.min(*last) } else { best.max(*last) };
        }
    }
}

/// Puts what a full read says into the row; of a run that was not read whole, what its head says.
fn fill(row: &mut RunRow, picture: &RunPicture, is_whole: bool) {
    picture.config.iter().for_each(|(name, value)| flatten(name, value, &mut row.config));
    let info = &picture.info;
    row.project = row.project.take().or_else(|| info.project.clone());
    row.group = row.group.take().or_else(|| info.group.clone());
    row.host = row.host.take().or_else(|| info.host.clone());
    row.tags.extend(info.tags.clone());
    if row.notes.is_empty() {
        row.notes.clone_from(&info.notes);
    }
    let mut read = RunRead::default();
    for event in &picture.events {
        match &event.kind {
            EventKind::Checkpoint { path, step } => read.checkpoints.push((path.clone(), *step)),
            EventKind::Note(text) => row.notes.clone_from(text),
            EventKind::Tag(tags) => {
                for (name, value) in tags {
                    match value {
                        Some(value) => drop(row.tags.insert(name.clone(), value.clone())),
                        None => drop(row.tags.remove(name)),
                    }
                }
            }
            _ => {}
        }
    }
    let forked = picture.remarks.get("branch_point").and_then(Value::as_object);
    row.origin = row.origin.take().or_else(|| {
        let forked = forked?;
        let step = forked.get("value").and_then(Value::as_f64).map(|step| step as i64);
        Some(Origin { run: forked.get("run")?.as_str()?.to_owned(), checkpoint: None, step })
    });
    if !is_whole {
        return;
    }
    row.last = picture.series.iter().filter_map(|(key, series)| Some((key.clone(), series.last()?.value))).collect();
    row.step = picture.step().map(|Step(step)| step).or(row.step);
    row.started = row.started.or(picture.started_at().map(|time| time.secs()));
    for key in picture.series.keys() {
        match picture.rules.of(key.as_str()).and_then(|rule| rule.goal.as_deref()) {
            Some("minimize") => drop(read.goals.insert(key.clone(), Goal::Min)),
            Some("maximize") => drop(read.goals.insert(key.clone(), Goal::Max)),
            _ => {}
        }
    }
    let best = |(key, series): (&MetricKey, &crate::model::Series)| {
        let point = match read.goals.get(key).copied().or_else(|| query::known_goal(key.as_str()))? {
            Goal::Min => series.min_point(),
            Goal::Max => series.max_point(),
        };
        Some((key.clone(), point?.value))
    };
    read.best = picture.series.iter().filter_map(best).collect();
    let keys: Vec<MetricKey> = picture.series.keys().cloned().collect();
    let course = |key: MetricKey| {
        let series = picture.series.get(&key)?;
        let (from, to) = series.extent(XAxis::Step)?;
        // A point at the very end belongs to the last column.
        let columns = series.columns(XAxis::Step, from, to + (to - from).max(1.0) * 1e-9, COURSE_MAX);
        let values: Vec<f64> = columns.into_iter().map(|column| column.last).filter(|value| value.is_finite()).collect();
        Some((key, values))
    };
    read.course = query::rank_keys(&keys).into_iter().take(COURSES_MAX).filter_map(course).collect();
    row.read = Some(read);
}

/// Nested entries under names with dots.
fn flatten(name: &str, value: &Value, out: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => map.iter().for_each(|(key, value)| flatten(&format!("{name}.{key}"), value, out)),
        Value::String(text) if text.len() > VALUE_BYTES_MAX => {}
        _ if out.len() >= CONFIG_MAX && !out.contains_key(name) => {}
        _ => drop(out.insert(name.to_owned(), value.clone())),
    }
}

/// Unix seconds now.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests;
