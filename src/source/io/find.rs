//! Which runs a path holds: a file, a run folder, a database, or a folder with any of these below it.

use super::{OpenError, SourceError, event_files, open, trackio_projects, trackio_runs, tviz_runs};
use crate::{
    model::{WallTime, near},
    source::{
        Decoder, Kind, Record, Wandb,
        detect::is_wandb_run,
        trackio::{canonical, trackio_folders},
        tviz::tviz_databases,
    },
};
use jiff::{civil::DateTime, tz::TimeZone};
use serde_json::Value;
use std::{
    cmp::Ordering,
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs::{self, File, FileType},
    io::Read,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// Most folders that one search looks into; more is a home folder or a whole disk, not a folder of runs.
const FOLDERS_MAX: usize = 1 << 16;

/// Largest `run.json` that is read for a name.
const RUN_JSON_BYTES_MAX: u64 = 1 << 20;

/// Bytes of a `.wandb` file that are read for a name: it stands in its second record.
const WANDB_BYTES_MAX: u64 = 32 << 10;

/// Folders that hold no runs but may hold a hundred thousand files.
const BARREN: &[&str] = &["node_modules", "__pycache__", "site-packages"];

/// Folders of Trackio beside its databases.
const OF_TRACKIO: &[&str] = &["inbox", "media", "artifacts", "traces"];

/// Names of files that a program writes as it trains.
const STRUCTURED: &[&str] = &["wandb", "jsonl", "ndjson", "csv", "tsv"];

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
}

impl RunRef {
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

/// The runs that `path` holds, newest first, tables and JSON lines behind those of trackers; never none. Where a folder of event
/// files has others below it, its own run stands before all: an address ([`RunRef::address`]) opens this very run.
///
/// `path` is a file, a folder, a database, `-` for the standard input, or the name of a Trackio project; behind a `#` may stand
/// which of its runs is meant: an id, a name, or the start of an id; several where several are called so. Nothing is read but names
/// and times.
pub fn runs(path: &Path) -> Result<Vec<RunRef>, OpenError> {
    let (path, asked) = locate(path)?;
    let mut runs = held(&path)?;
    let is_own = |run: &RunRef| run.address() == path;
    let is_table = |run: &RunRef| matches!(run.kind, Kind::Jsonl | Kind::Csv | Kind::Json);
    let newer = |a: &RunRef, b: &RunRef| b.time().partial_cmp(&a.time()).unwrap_or(Ordering::Equal);
    runs.sort_by(|a, b| {
        is_own(b).cmp(&is_own(a)).then_with(|| is_table(a).cmp(&is_table(b))).then_with(|| newer(a, b)).then_with(|| b.id.cmp(&a.id))
    });
    match asked {
        Some(asked) => choose(&path, runs, &asked),
        None if runs.is_empty() => Err(OpenError::NoRun { path }),
        None => Ok(runs),
    }
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
fn held(path: &Path) -> Result<Vec<RunRef>, OpenError> {
    if path.as_os_str() == "-" {
        return Ok(vec![plain(Kind::Log, path, "stdin".into())]);
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
            return database(path).map_err(|_| failed(error));
        }
        metadata => metadata.map_err(failed)?,
    };
    if metadata.is_dir() {
        return below(path);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if metadata.file_type().is_fifo() {
        return Ok(vec![plain(Kind::Log, path, name)]);
    }
    if !metadata.is_file() {
        return Err(failed(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is neither a file nor a folder nor a pipe")));
    }
    match open::kind_of(path).map_err(failed)? {
        (Kind::Sqlite, _) => database(path),
        (Kind::Binary, mut head) => {
            head.truncate(OpenError::HEAD_MAX);
            Err(OpenError::Format { path: path.to_owned(), head })
        }
        (kind, _) => Ok(vec![described(kind, path, name)]),
    }
}

/// A run that is one file, or one folder, of which only the name is known.
fn plain(kind: Kind, path: &Path, id: String) -> RunRef {
    RunRef { kind, name: id.clone(), id, project: None, started: None, changed: changed(path), path: path.to_owned() }
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
    };
    Ok(runs.into_iter().map(run).collect())
}

/// The runs in a folder and below it. Each is found once, however many links lead to it; what cannot be read below is passed over
/// where another can.
fn below(root: &Path) -> Result<Vec<RunRef>, OpenError> {
    let mut found = Found { root, runs: vec![], files: vec![], refused: None };
    let mut seen = HashSet::new();
    // What is a folder itself comes before what is only a link to one: `latest-run` is not what a run is called.
    let (mut folders, mut links) = (vec![root.to_owned()], vec![]);
    while let Some(folder) = folders.pop().or_else(|| links.pop()) {
        let is_root = seen.is_empty();
        let listed = fs::metadata(&folder).and_then(|metadata| Ok(((metadata.dev(), metadata.ino()), Entries::of(&folder)?)));
        let (id, entries) = match listed {
            Err(source) if is_root => return Err(OpenError::Open { path: folder, source }),
            Err(source) => {
                found.refuse(&folder, source);
                continue;
            }
            Ok(listed) => listed,
        };
        if !seen.insert(id) || seen.len() > FOLDERS_MAX {
            continue;
        }
        // What people remarked on a run of another tracker is no run.
        if entries.has("remarks.json") && folder.parent().and_then(Path::file_name).is_some_and(|name| name == "beside") {
            continue;
        }
        let Below::Except(barren) = found.take(&folder, &entries) else { continue };
        let is_store = entries.has("runs") && (entries.has("canvas") || folder.file_name().is_some_and(|name| name == ".og"));
        for (name, kind) in entries.0 {
            let word = name.to_string_lossy();
            let hidden = word.starts_with('.') && ![".og", ".tviz"].contains(&&*word);
            if hidden || BARREN.contains(&&*word) || barren.contains(&&*word) || is_store && word != "runs" {
                continue;
            }
            let path = folder.join(&name);
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_symlink() && path.is_dir() {
                links.push(path);
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
    /// Files that may be runs where nothing better is.
    files: Vec<PathBuf>,
    /// The first of what may not be read.
    refused: Option<OpenError>,
}

impl Found<'_> {
    /// Takes what is right in `folder`.
    fn take(&mut self, folder: &Path, entries: &Entries) -> Below {
        let names: Vec<_> = entries.0.iter().filter(|(_, kind)| !kind.is_dir()).map(|(name, _)| name.to_string_lossy()).collect();
        let is_run = match Kind::of_folder(names.iter().map(|name| &**name)) {
            Some(Kind::WandbRun) if !is_wandb_folder(folder) => false,
            // A run folder has a name of its own; an event folder is known by its place.
            Some(kind @ (Kind::OgRun | Kind::WandbRun)) => {
                self.runs.push(described(kind, folder, name_of(folder)));
                return Below::Nothing;
            }
            Some(kind) => {
                self.runs.push(described(kind, folder, self.place(folder)));
                true
            }
            None => false,
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
        // What lies beside the event files of a run is of that run.
        if !is_run {
            let may_be_run =
                |name: &&OsString| has_extension(name, STRUCTURED) || has_extension(name, &["log"]) || *name == "trainer_state.json";
            self.files.extend(files().filter(may_be_run).map(|name| folder.join(name)));
        }
        Below::Except(barren)
    }

    /// Where a run lies, seen from the root.
    fn place(&self, path: &Path) -> String {
        let below = path.strip_prefix(self.root).unwrap_or(path);
        if below.as_os_str().is_empty() { name_of(self.root) } else { below.to_string_lossy().into_owned() }
    }

    /// Trackers' runs, and the files that programs write as they train: any where there is no tracker, else those that are surely
    /// runs. Where there are none of both, logs.
    fn all(mut self) -> Result<Vec<RunRef>, OpenError> {
        let (logs, structured): (Vec<PathBuf>, Vec<PathBuf>) =
            std::mem::take(&mut self.files).into_iter().partition(|path| has_extension(path.as_os_str(), &["log"]));
        let are_alone = self.runs.is_empty();
        self.take_files(&structured, are_alone);
        if self.runs.is_empty() {
            self.take_files(&logs, true);
        }
        match self.refused.filter(|_| self.runs.is_empty()) {
            Some(refused) => Err(refused),
            None => Ok(self.runs),
        }
    }

    fn refuse(&mut self, path: &Path, source: std::io::Error) {
        if self.refused.is_none() && source.kind() == std::io::ErrorKind::PermissionDenied {
            self.refused = Some(OpenError::Open { path: path.to_owned(), source });
        }
    }

    fn take_files(&mut self, files: &[PathBuf], are_alone: bool) {
        for path in files {
            let (kind, head) = match open::kind_of(path) {
                Ok(known) => known,
                Err(source) => {
                    self.refuse(path, source);
                    continue;
                }
            };
            let Some(mut decoder) = kind.decoder() else { continue };
            if are_alone || is_surely_run(kind, &mut *decoder, &head) {
                self.runs.push(described(kind, path, self.place(path)));
            }
        }
    }
}

/// Whether a file that lies near the runs of a tracker is a run too: its first rows say a step. Others may be what a training
/// reads, or a copy of what its tracker keeps.
fn is_surely_run(kind: Kind, decoder: &mut dyn Decoder, head: &[u8]) -> bool {
    match kind {
        Kind::Wandb => true,
        Kind::Jsonl | Kind::Csv => {
            decoder.push(head);
            loop {
                match decoder.next() {
                    Ok(Some(Record::Row(row))) if row.step.is_some() => return true,
                    Ok(None) => return false,
                    _ => {}
                }
            }
        }
        _ => false,
    }
}

/// A run with what its names and first bytes tell of it.
fn described(kind: Kind, path: &Path, id: String) -> RunRef {
    let run = plain(kind, path, id);
    match kind {
        Kind::OgRun => of_og(run),
        Kind::WandbRun | Kind::Wandb => of_wandb(run),
        Kind::TfEvents => of_events(run),
        _ => run,
    }
}

fn of_og(run: RunRef) -> RunRef {
    let mut json = vec![];
    let read = File::open(run.path.join("run.json")).and_then(|file| file.take(RUN_JSON_BYTES_MAX).read_to_end(&mut json));
    let info: Value = read.ok().and_then(|_| serde_json::from_slice(&json).ok()).unwrap_or_default();
    let text = |name: &str| info[name].as_str().map(str::to_owned);
    let written = ["metrics.jsonl", "stdout.log", "events.jsonl"].iter().filter_map(|file| changed(&run.path.join(file)));
    RunRef {
        name: text("name").unwrap_or(run.name),
        project: text("project"),
        started: info["started_at"].as_f64().and_then(WallTime::new),
        changed: written.max_by(|a, b| a.secs().total_cmp(&b.secs())).or(run.changed),
        ..run
    }
}

fn of_wandb(run: RunRef) -> RunRef {
    let file = match run.kind {
        Kind::WandbRun => wandb_file(&run.path).unwrap_or_else(|| run.path.clone()),
        _ => run.path.clone(),
    };
    let (mut id, mut name, mut project) = (None, None, None);
    let mut head = vec![];
    let _part = File::open(&file).and_then(|file| file.take(WANDB_BYTES_MAX).read_to_end(&mut head));
    let mut decoder = Wandb::new();
    decoder.push(&head);
    while let Ok(Some(record)) = decoder.next() {
        match record {
            Record::Info("run_id", value) => id = value.as_str().map(str::to_owned),
            Record::Info("name", value) => name = value.as_str().map(str::to_owned),
            Record::Info("project", value) => project = value.as_str().map(str::to_owned),
            // The run comes before all that happens in it.
            Record::Row(_) => break,
            _ => {}
        }
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| stem.strip_prefix("run-").unwrap_or(&stem).to_owned());
    let folder = run.path.canonicalize().unwrap_or_default();
    let folder = if run.kind == Kind::WandbRun { Some(folder.as_path()) } else { folder.parent() };
    RunRef {
        name: name.filter(|name| !name.is_empty()).unwrap_or_else(|| id.clone()),
        project,
        started: folder.and_then(Path::file_name).and_then(|folder| wandb_time(&folder.to_string_lossy())),
        changed: changed(&file),
        id,
        ..run
    }
}

/// The one log in a run folder of wandb. Of several, each is a run by itself.
pub(super) fn wandb_file(folder: &Path) -> Option<PathBuf> {
    let named = fs::read_dir(folder).ok()?.flatten().filter(|entry| is_wandb_run(&entry.file_name().to_string_lossy()));
    // What its head holds does not matter: a damaged log is read as far as it goes.
    let mut logs = named.map(|entry| entry.path()).filter(|path| path.is_file());
    let log = logs.next()?;
    logs.next().is_none().then_some(log)
}

/// Whether a folder is that of one run of wandb.
pub fn is_wandb_folder(folder: &Path) -> bool {
    wandb_file(folder).is_some()
}

/// When `offline-run-20261120_075913-x1` was made, by the clock of this machine.
fn wandb_time(folder: &str) -> Option<WallTime> {
    let stamp = folder.split("run-").nth(1)?.get(..15)?;
    let time = DateTime::strptime("%Y%m%d_%H%M%S", stamp).ok()?;
    WallTime::new(TimeZone::system().to_timestamp(time).ok()?.as_second() as f64)
}

fn of_events(run: RunRef) -> RunRef {
    let files = match run.path.is_dir() {
        true => event_files(&run.path).unwrap_or_default(),
        false => vec![run.path.clone()],
    };
    // events.out.tfevents.1700000000.host.1.0
    let begun = |file: &PathBuf| {
        let name = file.file_name()?.to_string_lossy().into_owned();
        name.split("tfevents.").nth(1)?.split('.').next()?.parse::<u32>().ok()
    };
    RunRef {
        started: files.iter().find_map(begun).and_then(|secs| WallTime::new(f64::from(secs))),
        changed: files.iter().filter_map(|file| changed(file)).max_by(|a, b| a.secs().total_cmp(&b.secs())),
        ..run
    }
}

/// The last name of a path, also of `.` and `..`.
fn name_of(path: &Path) -> String {
    let real = path.file_name().is_none().then(|| path.canonicalize().ok()).flatten();
    let name = real.as_deref().unwrap_or(path).file_name();
    name.map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned())
}

fn has_extension(name: &OsStr, known: &[&str]) -> bool {
    Path::new(name).extension().is_some_and(|extension| known.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

fn changed(path: &Path) -> Option<WallTime> {
    let modified = fs::metadata(path).ok()?.modified().ok()?;
    WallTime::new(modified.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}
