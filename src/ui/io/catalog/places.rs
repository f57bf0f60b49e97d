//! Which runs a place has: a store, the folder or the database of a tracker, a folder with event files below it, or one run.

use crate::{
    source::{self, Kind, RunRef, trackio_projects},
    store::RunFolder,
    ui::io::chain,
};
use std::{
    collections::{HashMap, HashSet},
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Folders below a place, and below each of these, that are looked into.
const FOLDERS_MAX: usize = 1000;
/// Files of one run that are looked at for a change.
const FILES_MAX: usize = 64;

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

/// The runs of a place, newest first as far as their names tell.
pub(super) fn runs_of(place: &Path, known: &mut HashMap<PathBuf, (Look, Vec<RunRef>)>) -> Result<Vec<Found>, String> {
    let below = |folder: &Path| -> Result<Vec<PathBuf>, String> {
        let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort_by(|a, b| b.cmp(a));
        Ok(paths)
    };
    let files =
        |paths: Vec<PathBuf>| -> Vec<Found> { paths.into_iter().map(|path| Found { look: look(&path), path, run: None }).collect() };
    if RunFolder::at(place).run_json().is_file() {
        return Ok(files(vec![place.to_owned()]));
    }
    if !place.is_dir() {
        return match is_database(place) || !place.exists() {
            true => runs_in(place, known),
            false => Ok(files(vec![place.to_owned()])),
        };
    }
    let own = place.join("runs");
    if place.file_name().is_some_and(|name| name == ".og") || place.join("canvas").is_dir() || has_own_runs(&own) {
        return if own.is_dir() { Ok(files(below(&own)?.into_iter().filter(|path| path.is_dir()).collect())) } else { Ok(vec![]) };
    }
    if source::is_wandb_folder(place) {
        return Ok(files(vec![place.to_owned()]));
    }
    let names = below(place)?;
    let is_wandb = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        (name.starts_with("run-") || name.starts_with("offline-run-")) && !path.is_symlink() && source::is_wandb_folder(path)
    };
    let of_wandb: Vec<PathBuf> = names.iter().filter(|path| is_wandb(path)).cloned().collect();
    if !of_wandb.is_empty() {
        return Ok(files(of_wandb));
    }
    // A project of Trackio may have an inbox and no database yet.
    let projects = if names.iter().any(|path| path.ends_with("inbox")) { trackio_projects(place).unwrap_or_default() } else { vec![] };
    let databases: HashSet<PathBuf> = names.iter().filter(|path| is_database(path)).cloned().chain(projects).collect();
    // A database of another program is none of ours.
    let in_databases: Vec<Found> = databases.iter().filter_map(|path| runs_in(path, known).ok()).flatten().collect();
    // One more level below, as in `logs/EXPERIMENT/RUN`; deeper lie the folders of somebody's home.
    let has_events = |path: &PathBuf| source::event_files(path).is_ok_and(|files| !files.is_empty());
    let folders = |paths: Vec<PathBuf>| paths.into_iter().filter(|path| path.is_dir()).take(FOLDERS_MAX).collect::<Vec<_>>();
    let near = folders(names);
    let deep = near.iter().flat_map(|folder| folders(below(folder).unwrap_or_default()));
    let all: Vec<PathBuf> = [place.to_owned()].into_iter().chain(near.iter().cloned()).chain(deep).collect();
    Ok(in_databases.into_iter().chain(files(all.into_iter().filter(has_events).collect())).collect())
}

fn is_database(path: &Path) -> bool {
    path.extension().is_some_and(|end| ["db", "sqlite", "sqlite3"].iter().any(|known| end == *known))
}

/// The runs of a database, or the one run of it that a path such as `DATABASE#ID` names.
fn runs_in(path: &Path, known: &mut HashMap<PathBuf, (Look, Vec<RunRef>)>) -> Result<Vec<Found>, String> {
    let now = look(path);
    let is_known = path.exists() && known.get(path).is_some_and(|(then, _)| then.hash == now.hash);
    if !is_known {
        let runs = source::runs(path).map_err(|error| chain(&error))?;
        known.insert(path.to_owned(), (now, runs));
    }
    let runs = known.get(path).map(|(_, runs)| runs.as_slice()).unwrap_or_default();
    let found = |run: &RunRef| {
        let is_one_of_many = matches!(run.kind, Kind::Trackio | Kind::Tviz);
        let look = if is_one_of_many { look_in(run) } else { look(&run.path) };
        Found { path: run.address(), look, run: is_one_of_many.then(|| run.clone()) }
    };
    Ok(runs.iter().map(found).collect())
}

/// How a run of a database looks, as far as a list of its runs says: the others go on beside it.
fn look_in(run: &RunRef) -> Look {
    let mut hasher = DefaultHasher::new();
    (&run.name, run.started.map(|time| time.secs().to_bits()), run.changed.map(|time| time.secs().to_bits())).hash(&mut hasher);
    Look { hash: hasher.finish(), bytes: fs::metadata(&run.path).map_or(0, |file| file.len()) }
}

/// Whether some folder in `runs` is a run of og's.
fn has_own_runs(runs: &Path) -> bool {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    entries.take(FILES_MAX).any(|entry| RunFolder::at(entry.path()).run_json().is_file())
}

/// How the files of the run at `path` look.
fn look(path: &Path) -> Look {
    let mut hasher = DefaultHasher::new();
    let mut bytes = 0;
    let mut take = |name: &std::ffi::OsStr, file: &fs::Metadata| {
        (name, file.ino(), file.len(), file.mtime(), file.mtime_nsec()).hash(&mut hasher);
        bytes += file.len();
    };
    match fs::read_dir(path) {
        Ok(entries) => {
            let mut files: Vec<_> = entries.flatten().take(FILES_MAX).filter_map(|e| Some((e.file_name(), e.metadata().ok()?))).collect();
            files.sort_by(|(a, _), (b, _)| a.cmp(b));
            files.iter().filter(|(_, file)| file.is_file()).for_each(|(name, file)| take(name, file));
        }
        Err(_) => {
            // What is committed to a database may stand beside it for long; rows that wait for it have a folder.
            let beside = [path.to_owned(), PathBuf::from(format!("{}-wal", path.display())), path.with_file_name("inbox")];
            let beside = beside.iter().take(if is_database(path) { 3 } else { 1 });
            beside.filter_map(|path| fs::metadata(path).ok()).for_each(|file| take(std::ffi::OsStr::new(""), &file));
        }
    }
    Look { hash: hasher.finish(), bytes }
}
