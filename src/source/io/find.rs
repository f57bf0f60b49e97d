//! Which runs a path holds: a file, a run folder, a database, or a folder with any of these below it.

mod described;
mod files;
mod look;
mod owners;

pub(super) use described::wandb_file;
pub use described::{is_og_folder, is_wandb_folder};

use super::{OpenError, SourceError, event_files, open, probe::read_at, trackio_projects, trackio_runs, tviz_runs};
use crate::{
    model::{WallTime, near},
    source::{
        Kind,
        trackio::{canonical, trackio_folders},
        tviz::tviz_databases,
    },
};
use described::{changed, described, name_of, of_mlflow, of_og};
use files::{Candidates, Files};
use std::{
    cmp::Ordering,
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs::{self, FileType},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

/// Most folders that one search looks into; more is a home folder or a whole disk, not a folder of runs.
const FOLDERS_MAX: usize = 1 << 16;

/// Folders that hold no runs but may hold a hundred thousand files.
const BARREN: &[&str] = &["node_modules", "__pycache__", "site-packages"];

/// Folders of Trackio beside its databases.
const OF_TRACKIO: &[&str] = &["inbox", "media", "artifacts", "traces"];

/// What makes a folder that of an environment of Python's.
const OF_PYTHON: &[&str] = &["pyvenv.cfg", "conda-meta"];

/// One run that a path holds: what it is called, and how it is found again.
#[derive(Clone, PartialEq, Debug)]
pub struct RunRef {
    /// What it is kept in.
    pub kind: Kind,
    /// What tells it from the others of the path: an id, or its place below the path.
    pub id: String,
    /// What people call it; others may be called the same.
    pub name: String,
    /// The project it belongs to.
    pub project: Option<String>,
    /// When it started, where that can be had without reading it.
    pub started: Option<WallTime>,
    /// When it last changed.
    pub changed: Option<WallTime>,
    /// Its file or folder, or the database that it is in.
    pub path: PathBuf,
    /// Files of the same training that are no runs of their own: what it printed, and copies of what it logged.
    pub beside: Vec<PathBuf>,
}

/// What a search passed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Passed {
    /// Consoles in which no metric is to be seen.
    pub silent: usize,
    /// Folders and files that may not be read.
    pub refused: usize,
    /// There are more folders or files than are looked at.
    pub is_cut: bool,
}

impl RunRef {
    /// A run that is one file, or one folder, of which only the name is known.
    fn plain(kind: Kind, path: &Path, id: String) -> RunRef {
        let (name, changed) = (id.clone(), changed(path));
        RunRef { kind, name, id, project: None, started: None, changed, path: path.to_owned(), beside: vec![] }
    }

    /// The path that opens this very run, also when newer ones have come: `PATH`, or `DATABASE#ID`.
    pub fn address(&self) -> PathBuf {
        match self.kind {
            Kind::Trackio | Kind::Tviz => joined(&self.path, &self.id),
            _ => self.path.clone(),
        }
    }

    /// When it was new, as far as anybody knows.
    fn time(&self) -> f64 {
        self.started.or(self.changed).map_or(f64::NEG_INFINITY, WallTime::secs)
    }
}

/// The runs that `path` holds, newest first, files behind what trackers keep; never none. Where a folder of event files has others
/// below it, its own run stands before all: an address ([`RunRef::address`]) opens this very run.
///
/// `path` is a file, a folder, a database, `-` for the standard input, or the name of a Trackio project; behind a `#` may stand
/// which of its runs is meant: an id, a name, or the start of an id; several where several are called so. Nothing is read but names
/// and times, and of files near others their ends: which are runs and which lie beside one ([`RunRef::beside`]).
pub fn runs(path: &Path) -> Result<Vec<RunRef>, OpenError> {
    search(path).map(|(runs, _)| runs)
}

/// The same, and what was passed over.
pub fn search(path: &Path) -> Result<(Vec<RunRef>, Passed), OpenError> {
    search_to(path, usize::MAX)
}

/// The same, of a folder as far as so many levels below it.
pub fn search_to(path: &Path, levels: usize) -> Result<(Vec<RunRef>, Passed), OpenError> {
    let (path, asked) = locate(path)?;
    let (mut runs, passed) = held(&path, levels)?;
    let is_own = |run: &RunRef| run.address() == path;
    let is_file = |run: &RunRef| matches!(run.kind, Kind::Jsonl | Kind::Csv | Kind::Json | Kind::Log);
    let newer = |a: &RunRef, b: &RunRef| b.time().partial_cmp(&a.time()).unwrap_or(Ordering::Equal);
    runs.sort_by(|a, b| {
        is_own(b).cmp(&is_own(a)).then_with(|| is_file(a).cmp(&is_file(b))).then_with(|| newer(a, b)).then_with(|| b.id.cmp(&a.id))
    });
    let runs = match asked {
        Some(asked) => choose(&path, runs, &asked)?,
        None if runs.is_empty() => return Err(OpenError::NoRun { path }),
        None => runs,
    };
    Ok((runs, passed))
}

/// `PATH#RUN`
pub(super) fn joined(path: &Path, run: &str) -> PathBuf {
    let mut address = OsString::from(path);
    address.push("#");
    address.push(run);
    address.into()
}

/// What a path means: the file or folder, and the run in it that is asked for.
fn locate(path: &Path) -> Result<(PathBuf, Option<String>), OpenError> {
    if path.as_os_str() == "-" {
        return Ok((path.to_owned(), None));
    }
    let missing = match fs::symlink_metadata(path) {
        Ok(_) => return Ok((path.to_owned(), None)),
        Err(error) => error,
    };
    let bytes = path.as_os_str().as_bytes();
    let marks = memchr::memrchr_iter(b'#', bytes).filter(|at| *at > 0);
    let parts = marks.map(|at| (&bytes[..at], Some(&bytes[at + 1..]))).chain([(bytes, None)]);
    for (place, run) in parts {
        let place = PathBuf::from(OsString::from_vec(place.to_vec()));
        let found = if fs::symlink_metadata(&place).is_ok() { Some(place) } else { project(&place) };
        if let Some(found) = found {
            return Ok((found, run.map(|run| String::from_utf8_lossy(run).into_owned())));
        }
    }
    Err(OpenError::Open { path: path.to_owned(), source: missing })
}

/// The database that is meant: that of a Trackio project by its path without the ending, or by its name alone; tviz's own by `tviz`.
fn project(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy();
    let has_inbox = path.with_file_name("inbox").is_dir();
    for file in [format!("{name}.db"), canonical(&name) + ".db"] {
        let beside = path.with_file_name(file);
        if beside.is_file() || has_inbox && database(&beside).is_ok() {
            return Some(beside);
        }
    }
    if has_inbox && has_extension(path.as_os_str(), &["db"]) {
        return Some(path.to_owned());
    }
    if path.components().count() != 1 {
        return None;
    }
    let env = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let file = canonical(&name) + ".db";
    let in_trackio = trackio_folders(env, Path::is_dir).into_iter().find_map(|folder| {
        let db = folder.join(&file);
        // A project may have an inbox only.
        let there = db.is_file() || trackio_projects(&folder).is_ok_and(|projects| projects.contains(&db));
        there.then_some(db)
    });
    let tviz = || if name == "tviz" { tviz_databases(env, Path::is_file).into_iter().next() } else { None };
    in_trackio.or_else(tviz)
}

/// Those of `runs` that are asked for, in their order; mostly one.
fn choose(path: &Path, mut runs: Vec<RunRef>, asked: &str) -> Result<Vec<RunRef>, OpenError> {
    let short = format!("-{asked}");
    // The folder tells apart what wandb resumed under one id.
    let fits: [&dyn Fn(&RunRef) -> bool; 5] = [
        &|run| run.id == asked,
        &|run| run.name == asked,
        &|run| run.path != path && run.path.file_name().is_some_and(|name| name == asked),
        &|run| run.id.ends_with(&short),
        &|run| run.id.starts_with(asked),
    ];
    if let Some(fits) = fits.iter().find(|fits| runs.iter().any(fits)) {
        runs.retain(fits);
        return Ok(runs);
    }
    let words = || runs.iter().flat_map(|run| [run.name.as_str(), run.id.as_str()]);
    let mut near: Vec<String> = near(asked, words()).into_iter().map(str::to_owned).collect();
    if near.is_empty() {
        near = runs.iter().take(OpenError::NEAR_MAX).map(|run| run.name.clone()).collect();
    }
    near.dedup();
    Err(OpenError::NoSuchRun { path: path.to_owned(), run: asked.to_owned(), near })
}

/// The runs in a file or folder, in any order.
fn held(path: &Path, levels: usize) -> Result<(Vec<RunRef>, Passed), OpenError> {
    let alone = |run: RunRef| Ok((vec![run], Passed::default()));
    let all = |runs: Result<Vec<RunRef>, OpenError>| Ok((runs?, Passed::default()));
    if path.as_os_str() == "-" {
        return alone(RunRef::plain(Kind::Log, path, "stdin".into()));
    }
    let failed = |source| OpenError::Open { path: path.to_owned(), source };
    let metadata = match fs::metadata(path) {
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound
                && let Ok(to) = fs::read_link(path) =>
        {
            return Err(OpenError::Dangling { path: path.to_owned(), to });
        }
        // The inbox of a project whose database is still to come.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && has_extension(path.as_os_str(), &["db"]) => {
            return all(database(path).map_err(|_| failed(error)));
        }
        metadata => metadata.map_err(failed)?,
    };
    if metadata.is_dir() {
        return below(path, levels);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if metadata.file_type().is_fifo() {
        return alone(RunRef::plain(Kind::Log, path, name));
    }
    if !metadata.is_file() {
        return Err(failed(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is neither a file nor a folder nor a pipe")));
    }
    match open::kind_of(path).map_err(failed)? {
        (Kind::Sqlite, _) => all(database(path)),
        (Kind::Binary, mut head) => {
            head.truncate(OpenError::HEAD_MAX);
            Err(OpenError::Format { path: path.to_owned(), head })
        }
        (kind, _) => alone(described(kind, path, name)),
    }
}

/// The runs of a database.
fn database(path: &Path) -> Result<Vec<RunRef>, OpenError> {
    let of_trackio = match trackio_runs(path) {
        Err(SourceError::Foreign { .. }) => None,
        // A new database that has nothing in it yet.
        Err(SourceError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound && path.exists() => Some(vec![]),
        runs => Some(runs?),
    };
    if let Some(runs) = of_trackio {
        let run = |run: super::TrackioRunInfo| RunRef {
            kind: Kind::Trackio,
            id: run.run_id.unwrap_or_else(|| run.name.clone()),
            name: run.name,
            project: Some(run.project),
            started: run.first_time,
            changed: run.last_time.or(run.first_time),
            path: path.to_owned(),
            beside: vec![],
        };
        return Ok(runs.into_iter().map(run).collect());
    }
    let runs = match tviz_runs(path) {
        Err(SourceError::Foreign { .. }) => return Err(OpenError::Database { path: path.to_owned() }),
        runs => runs?,
    };
    let written = changed(path);
    let run = |run: super::TvizRunInfo| RunRef {
        kind: Kind::Tviz,
        id: run.id,
        name: run.name,
        project: None,
        started: run.started,
        changed: run.ended.or(written),
        path: path.to_owned(),
        beside: vec![],
    };
    Ok(runs.into_iter().map(run).collect())
}

/// The runs in a folder and below it. Each is found once, however many links lead to it; what cannot be read below is passed over
/// where another can.
fn below(root: &Path, levels: usize) -> Result<(Vec<RunRef>, Passed), OpenError> {
    let mut found = Found { root, runs: vec![], candidates: vec![], refused: None, passed: Passed::default() };
    let mut seen = HashSet::new();
    // What is a folder itself comes before what is only a link to one: `latest-run` is not what a run is called.
    let (mut folders, mut links) = (vec![(root.to_owned(), levels)], vec![]);
    while let Some((folder, left)) = folders.pop().or_else(|| links.pop()) {
        let is_root = seen.is_empty();
        if seen.len() >= FOLDERS_MAX {
            found.passed.is_cut = true;
            break;
        }
        let listed = fs::metadata(&folder).and_then(|metadata| Ok(((metadata.dev(), metadata.ino()), Entries::of(&folder)?)));
        let (id, entries) = match listed {
            Err(source) if is_root => return Err(OpenError::Open { path: folder, source }),
            Err(source) => {
                found.refuse(&folder, source);
                continue;
            }
            Ok(listed) => listed,
        };
        if !seen.insert(id) || !is_root && OF_PYTHON.iter().any(|name| entries.has(name)) {
            continue;
        }
        // What people remarked on a run of another tracker is no run.
        if entries.has("remarks.json") && folder.parent().and_then(Path::file_name).is_some_and(|name| name == "beside") {
            continue;
        }
        let Below::Except(barren) = found.take(&folder, &entries) else { continue };
        let Some(left) = left.checked_sub(1) else { continue };
        let is_store = entries.has("runs") && (entries.has("canvas") || folder.file_name().is_some_and(|name| name == ".og"));
        for (name, kind) in entries.0 {
            let word = name.to_string_lossy();
            let hidden = word.starts_with('.') && ![".og", ".tviz"].contains(&&*word);
            if hidden || BARREN.contains(&&*word) || barren.contains(&&*word) || is_store && word != "runs" {
                continue;
            }
            let path = folder.join(&name);
            if kind.is_dir() {
                folders.push((path, left));
            } else if kind.is_symlink() && path.is_dir() {
                links.push((path, left));
            }
        }
    }
    found.all()
}

/// The names in a folder.
struct Entries(Vec<(OsString, FileType)>);

impl Entries {
    fn of(folder: &Path) -> std::io::Result<Entries> {
        let entries = fs::read_dir(folder)?.flatten();
        Ok(Entries(entries.filter_map(|entry| Some((entry.file_name(), entry.file_type().ok()?))).collect()))
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
}

/// Whether other runs may be below a folder.
enum Below {
    Nothing,
    /// In all folders but these.
    Except(&'static [&'static str]),
}

/// What a search has found.
struct Found<'a> {
    root: &'a Path,
    runs: Vec<RunRef>,
    /// Files that may be runs.
    candidates: Vec<Candidates>,
    /// The first of what may not be read.
    refused: Option<OpenError>,
    passed: Passed,
}

impl Found<'_> {
    /// Takes what is right in `folder`.
    fn take(&mut self, folder: &Path, entries: &Entries) -> Below {
        if entries.has("meta.yaml")
            && entries.has("metrics")
            && let Some(run) = of_mlflow(folder)
        {
            self.runs.push(run);
            return Below::Nothing;
        }
        let names: Vec<_> = entries.0.iter().filter(|(_, kind)| !kind.is_dir()).map(|(name, _)| name.to_string_lossy()).collect();
        let is_run = match Kind::of_folder(names.iter().map(|name| &**name)) {
            Some(Kind::WandbRun) if !is_wandb_folder(folder) => false,
            Some(Kind::OgRun) | None => match of_og(folder) {
                Some(run) => {
                    self.runs.push(run);
                    return Below::Nothing;
                }
                None => false,
            },
            // A run folder has a name of its own; an event folder is known by its place.
            Some(Kind::WandbRun) => {
                self.runs.push(described(Kind::WandbRun, folder, name_of(folder)));
                return Below::Nothing;
            }
            Some(kind) => {
                self.runs.push(described(kind, folder, place(self.root, folder)));
                true
            }
        };
        let files = || entries.0.iter().filter(|(_, kind)| kind.is_file() || kind.is_symlink()).map(|(name, _)| name);
        let mut databases: Vec<PathBuf> =
            files().filter(|name| has_extension(name, &["db", "sqlite", "sqlite3"])).map(|name| folder.join(name)).collect();
        if entries.has("inbox") {
            databases.extend(trackio_projects(folder).unwrap_or_default());
        }
        databases.sort();
        databases.dedup();
        let barren = if databases.is_empty() { &[] } else { OF_TRACKIO };
        for path in databases {
            self.runs.extend(database(&path).unwrap_or_default());
        }
        // Beside the folders of its runs wandb keeps what it prints about itself.
        let is_of_wandb = entries.0.iter().any(|(name, kind)| kind.is_dir() && is_named_by_wandb(name));
        let may_be_run = |name: &&OsString| {
            let is_own = is_of_wandb && name.as_bytes().starts_with(b"debug");
            look::may_be_run(name) && !is_own
        };
        let names: Vec<OsString> = files().filter(may_be_run).cloned().collect();
        if !names.is_empty() {
            self.candidates.push(Candidates { folder: folder.to_owned(), names, is_run });
        }
        Below::Except(barren)
    }

    /// The runs of trackers, and the files that are runs.
    fn all(mut self) -> Result<(Vec<RunRef>, Passed), OpenError> {
        let (runs, candidates) = (std::mem::take(&mut self.runs), std::mem::take(&mut self.candidates));
        let mut files = Files::new(self.root, runs);
        files.take(candidates, |path, source| self.refuse(path, source));
        let (runs, passed) = files.finish();
        let passed = Passed { refused: self.passed.refused, is_cut: self.passed.is_cut || passed.is_cut, ..passed };
        match self.refused.filter(|_| runs.is_empty()) {
            Some(refused) => Err(refused),
            None => Ok((runs, passed)),
        }
    }

    fn refuse(&mut self, path: &Path, source: std::io::Error) {
        if source.kind() == std::io::ErrorKind::PermissionDenied {
            self.passed.refused += 1;
            self.refused.get_or_insert_with(|| OpenError::Open { path: path.to_owned(), source });
        }
    }
}

/// Where a run lies, seen from the root of a search.
fn place(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    if below.as_os_str().is_empty() { name_of(root) } else { below.to_string_lossy().into_owned() }
}

/// `run-20261120_075913-x1`, `offline-run-20261120_075913-x1`
fn is_named_by_wandb(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.strip_prefix(b"offline-").unwrap_or(name).strip_prefix(b"run-").is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit))
}

fn has_extension(name: &OsStr, known: &[&str]) -> bool {
    Path::new(name).extension().is_some_and(|extension| known.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}
