//! Which runs some places hold, and how their files look, asked as cheaply as can be.

use super::folders::{Folder, Folders};
use crate::{
    source::{self, Kind, RunRef, trackio_projects},
    store::RunFolder,
};
use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Files of one run that are looked at for a change.
const FILES_MAX: usize = 64;
/// Folders below a place that are looked into.
const FOLDERS_MAX: usize = 1000;
/// Levels below a place on which tables and logs are looked for: `outputs/DAY/TIME/NUMBER`.
const LEVELS: usize = 4;
/// A search for these stands for so long, and so many times as long as it took.
const STANDS: Duration = Duration::from_secs(10);
const STANDS_TIMES: u32 = 20;

/// A run at some place.
pub(super) struct Found {
    /// What opens it: its folder or file, or `DATABASE#ID`.
    pub(super) path: PathBuf,
    pub(super) look: Look,
    /// Where it is one of many in a database.
    pub(super) run: Option<RunRef>,
}

/// What tells two states of a run's files apart.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Look {
    pub(super) hash: u64,
    pub(super) bytes: u64,
}

/// What was found before.
#[derive(Default)]
pub(super) struct Search {
    /// The runs of databases, as of when they looked so.
    databases: HashMap<PathBuf, (Look, Vec<RunRef>)>,
    /// All runs below a place, until when that stands.
    below: HashMap<PathBuf, (Instant, Vec<RunRef>)>,
    folders: Folders,
}

impl Search {
    /// The databases that were found.
    pub(super) fn databases(&self) -> impl Iterator<Item = &Path> {
        self.databases.keys().map(PathBuf::as_path)
    }

    /// All places were searched: what stood in none of them is forgotten.
    pub(super) fn end(&mut self) {
        self.folders.forget_others();
    }

    /// The runs of a place, newest first as far as their names tell.
    pub(super) fn runs_of(&mut self, place: &Path) -> Result<Vec<Found>, String> {
        if RunFolder::at(place).run_json().is_file() {
            return Ok(vec![self.run(place.to_owned())]);
        }
        if !place.is_dir() {
            return match is_database(place) || !place.exists() {
                true => self.runs_in(place),
                false => Ok(vec![self.run(place.to_owned())]),
            };
        }
        let own = place.join("runs");
        if place.file_name().is_some_and(|name| name == ".og") || place.join("canvas").is_dir() || has_own_runs(&own) {
            let Ok(runs) = self.folders.get(&own) else { return Ok(vec![]) };
            return Ok(runs.below(&own).map(|run| self.run(run)).collect());
        }
        let here = self.folders.get(place).map_err(|error| error.to_string())?;
        if here.is_wandb {
            return Ok(vec![self.run(place.to_owned())]);
        }
        let is_named = |name: &OsStr| ["run-", "offline-run-"].iter().any(|start| name.to_string_lossy().starts_with(start));
        let of_wandb: Vec<Found> = here
            .own(place)
            .filter(|(name, _)| is_named(name))
            .filter_map(|(_, path)| {
                let folder = self.folders.get(&path).ok().filter(|folder| folder.is_wandb)?;
                Some(Found { look: look_into(&path, &folder), path, run: None })
            })
            .collect();
        if !of_wandb.is_empty() {
            return Ok(of_wandb);
        }
        // A project of Trackio may have an inbox and no database yet.
        let near: Vec<PathBuf> = here.below(place).collect();
        let projects = if near.iter().any(|path| path.ends_with("inbox")) { trackio_projects(place).unwrap_or_default() } else { vec![] };
        let databases: HashSet<PathBuf> =
            here.files.iter().map(|name| place.join(name)).filter(|path| is_database(path)).chain(projects).collect();
        // A database of another program is none of ours.
        let mut found: Vec<Found> = databases.iter().filter_map(|path| self.runs_in(path).ok()).flatten().collect();
        // One more level below, as in `logs/EXPERIMENT/RUN`; deeper lie the folders of somebody's home.
        let near: Vec<PathBuf> = near.into_iter().take(FOLDERS_MAX).collect();
        let mut all = vec![place.to_owned()];
        all.extend(near.iter().cloned());
        for folder in &near {
            let Ok(below) = self.folders.get(folder) else { continue };
            all.extend(below.below(folder).take(FOLDERS_MAX));
        }
        for path in all {
            let Ok(folder) = self.folders.get(&path) else { continue };
            if folder.has_events {
                found.push(Found { look: look_into(&path, &folder), path, run: None });
            }
        }
        let known: HashSet<PathBuf> = found.iter().map(|found| found.path.clone()).collect();
        for run in self.below(place).into_iter().filter(|run| run.path.exists()) {
            let is_file = matches!(run.kind, Kind::Jsonl | Kind::Csv | Kind::Json | Kind::Log);
            match run.kind {
                Kind::Trackio | Kind::Tviz => {}
                _ if known.contains(&run.path) => {}
                // Files of many runs are called the same: their places tell them apart.
                _ if is_file => found.push(Found { path: run.path.clone(), look: look_at(&run.path), run: Some(run) }),
                _ => found.push(self.run(run.path)),
            }
        }
        Ok(found)
    }

    /// The runs below a folder, tables and logs among them, as of a moment ago.
    fn below(&mut self, place: &Path) -> Vec<RunRef> {
        if let Some((until, runs)) = self.below.get(place)
            && Instant::now() < *until
        {
            return runs.clone();
        }
        let start = Instant::now();
        // Nothing there, or nothing that may be read, is told by the look at the folder itself.
        let runs = source::search_to(place, LEVELS).map(|(runs, _)| runs).unwrap_or_default();
        let until = Instant::now() + (start.elapsed() * STANDS_TIMES).max(STANDS);
        self.below.insert(place.to_owned(), (until, runs.clone()));
        runs
    }

    /// A run that is a file or a folder.
    fn run(&mut self, path: PathBuf) -> Found {
        let look = match self.folders.get(&path) {
            Ok(folder) => look_into(&path, &folder),
            Err(_) => look_at(&path),
        };
        Found { look, path, run: None }
    }

    /// The runs of a database, or the one run of it that a path such as `DATABASE#ID` names.
    fn runs_in(&mut self, path: &Path) -> Result<Vec<Found>, String> {
        let now = look_at(path);
        let is_known = path.exists() && self.databases.get(path).is_some_and(|(then, _)| then.hash == now.hash);
        if !is_known {
            let runs = source::runs(path).map_err(|error| crate::ui::io::chain(&error))?;
            self.databases.insert(path.to_owned(), (now, runs));
        }
        let runs: Vec<RunRef> = self.databases.get(path).map(|(_, runs)| runs.clone()).unwrap_or_default();
        let found = |run: RunRef| match run.kind {
            Kind::Trackio | Kind::Tviz => Found { path: run.address(), look: look_in(&run), run: Some(run) },
            _ => self.run(run.path),
        };
        Ok(runs.into_iter().map(found).collect())
    }
}

fn is_database(path: &Path) -> bool {
    path.extension().is_some_and(|end| ["db", "sqlite", "sqlite3"].iter().any(|known| end == *known))
}

/// Whether some folder in `runs` is a run of og's.
fn has_own_runs(runs: &Path) -> bool {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    entries.take(FILES_MAX).any(|entry| RunFolder::at(entry.path()).run_json().is_file())
}

/// How a run of a database looks, as far as a list of its runs says: the others go on beside it.
fn look_in(run: &RunRef) -> Look {
    let mut hasher = DefaultHasher::new();
    (&run.name, run.started.map(|time| time.secs().to_bits()), run.changed.map(|time| time.secs().to_bits())).hash(&mut hasher);
    Look { hash: hasher.finish(), bytes: fs::metadata(&run.path).map_or(0, |file| file.len()) }
}

/// How the files in a folder look.
fn look_into(path: &Path, folder: &Folder) -> Look {
    let files = folder.files.iter().take(FILES_MAX);
    look_of(files.filter_map(|name| Some((name.as_os_str(), fs::symlink_metadata(path.join(name)).ok().filter(fs::Metadata::is_file)?))))
}

/// How a file looks. What is committed to a database may stand beside it for long; rows that wait for it have a folder.
fn look_at(path: &Path) -> Look {
    let beside = [path.to_owned(), PathBuf::from(format!("{}-wal", path.display())), path.with_file_name("inbox")];
    let beside = beside.iter().take(if is_database(path) { 3 } else { 1 });
    look_of(beside.filter_map(|path| Some((OsStr::new(""), fs::metadata(path).ok()?))))
}

fn look_of<'a>(files: impl Iterator<Item = (&'a OsStr, fs::Metadata)>) -> Look {
    let (mut hasher, mut bytes) = (DefaultHasher::new(), 0);
    for (name, file) in files {
        (name, file.ino(), file.len(), file.mtime(), file.mtime_nsec()).hash(&mut hasher);
        bytes += file.len();
    }
    Look { hash: hasher.finish(), bytes }
}
