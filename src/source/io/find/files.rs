//! Which of the files near runs are runs of their own, and which belong to another.
//!
//! - A table whose rows say steps is a run. Of several in a folder that begin with the same values one is.
//! - What a training printed, and the documents that it leaves (`trainer_state.json`, a history), are no run of their own where a
//!   tracker's run or such a table lies in their folder or below it, nearer to no other such file; they lie beside that run.
//!   A console beside a table or above a run is of one that is called so, or went on when it was last written.
//! - Neither are documents below the folder from which a tracker's run was started, nor a console that names such a run.
//! - What lies in the folder of a checkpoint is an older state of what its training left beside it; the newest counts.
//! - A console in which no metric is to be seen is a run only while it is new.
//! - A table whose rows say no steps is a run where no other run lies in its folder, above or below it, and it is surely no data; and where
//!   there is nothing else.

use super::{
    Passed, RunRef,
    described::{changed, described},
    look::{self, Look, are_of_one, is_console, is_telling},
    owners::Owners,
    place,
};
use crate::{model::WallTime, source::Kind};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Files of one ending in one folder that are looked into before one of them is a run: more are data.
const FRUITLESS_MAX: usize = 1000;

/// The same in all folders.
const FRUITLESS_ALL_MAX: usize = 20_000;

/// Tables of one folder that are compared with each other.
const COMPARED_MAX: usize = 64;

/// How long a console may say nothing of a metric and still be that of a training that begins.
const BEGINS_WITHIN: Duration = Duration::from_secs(600);

/// Folders beside a program in which trackers keep its runs.
const OF_TRACKERS: &[&str] = &["wandb", "runs", "lightning_logs", "tb_logs", "logs"];

/// Files in one folder that may be runs by their names.
pub(super) struct Candidates {
    pub(super) folder: PathBuf,
    pub(super) names: Vec<OsString>,
    /// The folder is a run itself: what lies beside its files is of that run.
    pub(super) is_run: bool,
}

/// Runs and what lies beside them.
pub(super) struct Files<'a> {
    root: &'a Path,
    runs: Vec<RunRef>,
    /// Runs that own what lies beside them, by the folders that they lie in.
    owners: Vec<(PathBuf, usize)>,
    /// Tables that are called logs.
    logs: Vec<File>,
    documents: Vec<File>,
    consoles: Vec<(File, look::Console)>,
    /// Tables without steps, and whether they are surely of a training, and consoles without a metric: runs where nothing better is.
    loose: Vec<(Kind, PathBuf, bool)>,
    silent: Vec<File>,
    passed: Passed,
    fruitless: usize,
}

/// A file that may be of another run.
struct File {
    kind: Kind,
    path: PathBuf,
    /// The folder that it is of: not that of a checkpoint.
    home: PathBuf,
    changed: Option<WallTime>,
}

impl File {
    fn new(kind: Kind, path: PathBuf) -> File {
        let folder = path.parent().unwrap_or(Path::new(""));
        let home = if checkpoint(folder).is_some() { folder.parent().unwrap_or(folder) } else { folder };
        File { kind, home: home.to_owned(), changed: changed(&path), path }
    }

    fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    /// How new its state is; that beside the checkpoints is the last.
    fn state(&self) -> u64 {
        self.path.parent().and_then(checkpoint).unwrap_or(u64::MAX)
    }
}

impl<'a> Files<'a> {
    /// Knows the runs of trackers below `root`.
    pub(super) fn new(root: &'a Path, runs: Vec<RunRef>) -> Files<'a> {
        let owners = runs.iter().enumerate().filter_map(|(at, run)| Some((folder(run)?, at))).collect();
        let (logs, documents, consoles, loose, silent, passed) = Default::default();
        Files { root, runs, owners, logs, documents, consoles, loose, silent, passed, fruitless: 0 }
    }

    /// Takes what the candidates are. `refuse` hears of what may not be read.
    pub(super) fn take(&mut self, mut candidates: Vec<Candidates>, mut refuse: impl FnMut(&Path, io::Error)) {
        let known = self.names();
        // Data lie in folders of many files; they are looked into last.
        candidates.sort_by_key(|candidates| candidates.names.len());
        for Candidates { folder, mut names, is_run } in candidates {
            names.sort_unstable();
            let mut tables = vec![];
            let mut fruitless: HashMap<String, usize> = HashMap::new();
            for name in names {
                let ending = Path::new(&name).extension().unwrap_or_default().to_string_lossy().to_lowercase();
                let count = fruitless.entry(ending).or_default();
                self.passed.is_cut |= self.fruitless >= FRUITLESS_ALL_MAX;
                if *count >= FRUITLESS_MAX || self.passed.is_cut {
                    continue;
                }
                let path = folder.join(&name);
                let is_fruit = match look::look(&path, &known) {
                    Ok(Look::Console(console)) => self.take_console(path, console),
                    // What is called a log goes before documents, and behind what is called a table.
                    Ok(Look::Table(Kind::Log, _)) => push(&mut self.logs, File::new(Kind::Log, path)),
                    Ok(Look::Table(kind, rows)) if !is_run => push(&mut tables, (kind, path, rows)),
                    Ok(Look::Document) if !is_run => push(&mut self.documents, File::new(Kind::Json, path)),
                    Ok(Look::Loose(kind, is_sure)) if !is_run => !push(&mut self.loose, (kind, path, is_sure)),
                    Ok(_) => false,
                    Err(error) => {
                        refuse(&path, error);
                        continue;
                    }
                };
                *count = if is_fruit { 0 } else { *count + 1 };
                self.fruitless += usize::from(!is_fruit);
            }
            self.take_tables(&folder, tables);
        }
    }

    /// The runs that there are, and what was passed over.
    pub(super) fn finish(mut self) -> (Vec<RunRef>, Passed) {
        let (logs, documents) = (std::mem::take(&mut self.logs), std::mem::take(&mut self.documents));
        self.settle(logs);
        self.settle(documents);
        self.settle_consoles();
        self.settle_loose();
        if self.runs.is_empty() {
            for file in std::mem::take(&mut self.silent) {
                self.push(Kind::Log, &file.path);
            }
        }
        self.passed.silent = self.silent.len();
        (self.runs, self.passed)
    }

    fn push(&mut self, kind: Kind, path: &Path) -> usize {
        self.runs.push(described(kind, path, place(self.root, path)));
        self.runs.len() - 1
    }

    /// What tells the runs of trackers in a text.
    fn names(&self) -> HashMap<String, usize> {
        let mut names = HashMap::new();
        for (at, run) in self.runs.iter().enumerate() {
            let folder = run.path.file_name().map(|name| name.to_string_lossy().into_owned());
            for name in folder.filter(|_| matches!(run.kind, Kind::WandbRun | Kind::TfEvents)).into_iter().chain([run.id.clone()]) {
                if is_telling(&name) {
                    names.insert(name, at);
                }
            }
        }
        names
    }

    /// Whether it may be that of a training.
    fn take_console(&mut self, path: PathBuf, console: look::Console) -> bool {
        let file = File::new(Kind::Log, path);
        let is_new = || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            is_console(file.name()) && file.changed.is_some_and(|at| now.as_secs_f64() - at.secs() < BEGINS_WITHIN.as_secs_f64())
        };
        if console.has_metric || console.names.is_some() || is_new() {
            push(&mut self.consoles, (file, console))
        } else {
            is_console(file.name()) && !push(&mut self.silent, file)
        }
    }

    /// The tables of one folder, of those that are of one training one.
    fn take_tables(&mut self, folder: &Path, mut tables: Vec<(Kind, PathBuf, Vec<look::FirstRow>)>) {
        // What has all columns goes before what repeats some. What programs name by themselves is short; a copy of it has a time or a
        // number in its name.
        let columns = |rows: &[look::FirstRow]| rows.iter().flat_map(|(_, values)| values.keys()).collect::<HashSet<_>>().len();
        tables.sort_by_cached_key(|(_, path, rows)| (Reverse(columns(rows)), path.as_os_str().len()));
        let mut kept: Vec<(usize, Vec<look::FirstRow>)> = vec![];
        for (kind, path, rows) in tables {
            match kept.iter().take(COMPARED_MAX).find(|(_, first)| are_of_one(first, &rows)) {
                Some((run, _)) => self.runs[*run].beside.push(path),
                None => {
                    let run = self.push(kind, &path);
                    self.owners.push((folder.to_owned(), run));
                    kept.push((run, rows));
                }
            }
        }
    }

    /// Documents that no other run owns are runs; of several states of one training, the newest.
    fn settle(&mut self, documents: Vec<File>) {
        let mut newest: BTreeMap<(PathBuf, OsString), File> = BTreeMap::new();
        for file in documents {
            let of = (file.home.clone(), file.name().to_owned());
            if newest.get(&of).is_none_or(|known| known.state() < file.state()) {
                newest.insert(of, file);
            }
        }
        let documents: Vec<File> = newest.into_values().collect();
        let owned = self.owned(documents.iter().map(|file| file.home.as_path()));
        let mut started: HashMap<PathBuf, Vec<usize>> = HashMap::new();
        for (run, folder) in self.runs.iter().enumerate().filter_map(|(at, run)| Some((at, started_in(run, self.root)?))) {
            started.entry(folder).or_default().push(run);
        }
        let started: HashMap<PathBuf, Owners> = started.into_iter().map(|(folder, runs)| self.owners_of(folder, &runs)).collect();
        for file in documents {
            let owners = owned.get(&file.home).or_else(|| file.home.ancestors().find_map(|folder| started.get(folder)));
            match owners.and_then(|owners| owners.of_document(file.name(), file.changed)) {
                Some(run) => self.runs[run].beside.push(file.path),
                None => {
                    let run = self.push(file.kind, &file.path);
                    self.owners.push((file.home, run));
                }
            }
        }
    }

    /// Consoles that no other run owns are runs; those without a metric are none.
    fn settle_consoles(&mut self) {
        let (consoles, silent) = (std::mem::take(&mut self.consoles), std::mem::take(&mut self.silent));
        let homes = || consoles.iter().map(|(file, _)| file.home.as_path());
        let owned = self.owned(homes());
        let mut counts: HashMap<PathBuf, usize> = HashMap::new();
        homes().for_each(|home| *counts.entry(home.to_owned()).or_default() += 1);
        let of_silent = self.owned(silent.iter().map(|file| file.home.as_path()));
        for (file, console) in consoles {
            let owner = || owned.get(&file.home)?.of_console(file.name(), file.changed, counts[&file.home]);
            match console.names.or_else(owner) {
                Some(run) => self.runs[run].beside.push(file.path),
                None => drop(self.push(Kind::Log, &file.path)),
            }
        }
        for file in silent {
            match of_silent.get(&file.home).and_then(|owners| owners.of_console(file.name(), file.changed, 1)) {
                Some(run) => self.runs[run].beside.push(file.path),
                None => self.silent.push(file),
            }
        }
    }

    /// Tables without steps are runs where nothing else is, and those that are surely of a training where it is nowhere near.
    fn settle_loose(&mut self) {
        let homes: BTreeSet<PathBuf> = self.runs.iter().map(home).collect();
        let is_near = |path: &Path| {
            let folder = path.parent().unwrap_or(Path::new(""));
            let is_above = || folder.ancestors().take_while(|above| above.starts_with(self.root)).any(|above| homes.contains(above));
            is_above() || homes.range(folder.to_owned()..).next().is_some_and(|home| home.starts_with(folder))
        };
        let mut loose = std::mem::take(&mut self.loose);
        loose.retain(|(_, path, is_sure)| homes.is_empty() || *is_sure && !is_near(path));
        if loose.len() < FRUITLESS_MAX {
            for (kind, path, _) in loose {
                self.push(kind, &path);
            }
        }
    }

    /// The runs that own what lies in some of these folders: each owns that in the nearest of them at or above it.
    fn owned<'b>(&self, folders: impl Iterator<Item = &'b Path>) -> HashMap<PathBuf, Owners> {
        let folders: HashSet<&Path> = folders.collect();
        let mut owned: HashMap<PathBuf, Vec<usize>> = HashMap::new();
        for (from, run) in &self.owners {
            let within = from.ancestors().take_while(|folder| folder.starts_with(self.root));
            if let Some(nearest) = within.into_iter().find(|folder| folders.contains(folder)) {
                owned.entry(nearest.to_owned()).or_default().push(*run);
            }
        }
        owned.into_iter().map(|(folder, runs)| self.owners_of(folder, &runs)).collect()
    }

    fn owners_of(&self, folder: PathBuf, runs: &[usize]) -> (PathBuf, Owners) {
        let owners = Owners::new(&folder, &self.runs, runs);
        (folder, owners)
    }
}

fn push<T>(all: &mut Vec<T>, one: T) -> bool {
    all.push(one);
    true
}

/// The folder whose consoles and documents are of a run. `None`: a run of ours has its own.
fn folder(run: &RunRef) -> Option<PathBuf> {
    let above = || run.path.parent().map(Path::to_owned);
    match run.kind {
        Kind::OgRun => None,
        // Beside the folders of its runs wandb keeps logs of its own.
        Kind::WandbRun => {
            above().and_then(|folder| if folder.ends_with("wandb") { folder.parent().map(Path::to_owned) } else { Some(folder) })
        }
        Kind::TfEvents if run.path.is_dir() => Some(run.path.clone()),
        _ => above(),
    }
}

/// The folder that a run is, or lies in.
fn home(run: &RunRef) -> PathBuf {
    match run.path.parent() {
        Some(folder) if !run.path.is_dir() => folder.to_owned(),
        _ => run.path.clone(),
    }
}

/// The folder in which the program of a tracker's run was started, where its place says so.
fn started_in(run: &RunRef, root: &Path) -> Option<PathBuf> {
    if !matches!(run.kind, Kind::WandbRun | Kind::Wandb | Kind::TfEvents) {
        return None;
    }
    let within = run.path.ancestors().take_while(|folder| folder.starts_with(root) && *folder != root);
    let of_tracker = within.into_iter().find(|folder| OF_TRACKERS.iter().any(|known| folder.ends_with(known)))?;
    of_tracker.parent().map(Path::to_owned)
}

/// The number of a checkpoint whose folder this is.
fn checkpoint(folder: &Path) -> Option<u64> {
    /// What such folders are called, in front of their number.
    const CALLED: &[&str] = &["checkpoint", "ckpt", "global_step", "step", "epoch", "iter"];
    let name = folder.file_name()?.to_str()?;
    let word = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let is_one = CALLED.contains(&word.trim_end_matches(['-', '_']));
    name[word.len()..].parse().ok().filter(|_| is_one)
}
