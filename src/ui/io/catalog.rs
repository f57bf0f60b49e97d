//! All runs of some places, as rows, kept up to date cheaply.
//!
//! A run is first seen at a glance, which reads the ends of its files; then, when nothing else waits, it is read once, so that
//! its best values, its config and its course are known. A run whose files look as they did is not opened again.

mod folders;
mod row;
mod search;

use self::{
    row::{fill, row},
    search::{Found, Look, Search},
};
use crate::{
    model::{ReadOptions, RunState},
    query::runs::RunRow,
    source::{Budget, Reach, RunRef, trackio_folders, tviz_databases},
    store::{Remarked, RunReader, Store, Whereabouts, glance, glance_at, settled},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Largest run that is read whole for a list: a second of reading. Of a larger one the head is read, which has its config.
const READ_BYTES_MAX: u64 = 64 << 20;
const HEAD: Budget = Budget { bytes_max: 1 << 20, time_max: Duration::from_millis(100) };
/// A run that is still written is read again once it has grown by so much of itself, so that all those reads together cost
/// as much as a few.
const GROWN: u64 = 8;
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
    /// What is remarked here on runs of other trackers; it stands over what these say.
    remarked: Remarked,
    /// Whether the training process with this number lives.
    is_alive: fn(u32) -> bool,
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
            remarked: Remarked::default(),
            is_alive,
        }
    }

    /// Knows also what is remarked in these stores on runs of other trackers.
    pub fn with_remarks(self, stores: Vec<Store>) -> Catalog {
        Catalog { remarked: Remarked::new(stores), ..self }
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
            let place = settled(&place);
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
        // A place may lie in another.
        let mut paths = HashSet::new();
        found.retain(|found| paths.insert(found.path.clone()));
        found.truncate(RUNS_MAX);
        let here: HashSet<&PathBuf> = found.iter().map(|found| &found.path).collect();
        let gone: Vec<PathBuf> = self.known.keys().filter(|path| !here.contains(path)).cloned().collect();
        gone.iter().for_each(|path| drop((self.known.remove(path), self.problems.remove(path))));
        let remarked = self.remarked.look();
        let is_remarked = |known: &Known| known.row.as_ref().is_some_and(|row| remarked.contains(&row.path));
        let mut rows: Vec<RunRow> = self.known.values().filter(|known| is_remarked(known)).filter_map(|known| known.row.clone()).collect();
        self.unseen.clear();
        for Found { path, look, run } in found {
            let known = self.known.entry(path.clone()).or_default();
            known.run = run;
            if known.look.hash != look.hash || known.row.is_none() && !self.problems.contains_key(&path) {
                known.look = look;
                self.unseen.push_back(path);
            } else if let Some(row) = &mut known.row
                && row.state == Some(RunState::Running)
                && known.pid.is_some_and(|pid| !(self.is_alive)(pid))
            {
                // Nothing is written when a process is killed.
                row.state = Some(RunState::Lost);
                rows.push(row.clone());
            }
        }
        rows.iter_mut().for_each(|row| self.remark(row));
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
            if let Some(mut row) = row {
                self.remark(&mut row);
                rows.insert(row.path.clone(), row);
            }
            if start.elapsed() >= time {
                break;
            }
        }
        Looked { rows: rows.into_values().collect(), gone: vec![] }
    }

    /// The rows of all runs, once each has been seen and those been read that `read` wants to know more of: for those who can wait.
    pub fn all(&mut self, read: impl Fn(&RunRow) -> bool) -> Vec<RunRow> {
        self.find();
        while let Some(path) = self.unseen.pop_front() {
            self.see(&path);
        }
        for path in std::mem::take(&mut self.unread) {
            let mut row = self.known.get(&path).and_then(|known| known.row.clone());
            row.iter_mut().for_each(|row| self.remark(row));
            match row.is_some_and(|row| read(&row)) {
                true => drop(self.read(&path)),
                false => self.unread.push_back(path),
            }
        }
        let mut rows: Vec<RunRow> = self.known.values().filter_map(|known| known.row.clone()).collect();
        rows.iter_mut().for_each(|row| self.remark(row));
        rows
    }

    /// Puts what is remarked here over what the run's tracker says.
    fn remark(&self, row: &mut RunRow) {
        if let Some(remarks) = self.remarked.on(&row.path) {
            remarks.notes.iter().for_each(|notes| row.notes.clone_from(notes));
            remarks.tags.iter().for_each(|tags| row.tags.clone_from(tags));
        }
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
        let remarks = self.remarked.paths().take(WATCHED_MAX);
        let all: HashSet<PathBuf> = roots.chain(folders).chain(remarks).chain(live).filter(|path| path.exists()).collect();
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
            reader.settle(false);
        } else {
            reader.poll(HEAD);
        }
        fill(row, reader.picture(), is_whole);
        Some(row.clone())
    }
}

/// Unix seconds now.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests;
