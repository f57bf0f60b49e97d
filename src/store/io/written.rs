//! What a training writes beside its console: logs of wandb and TensorBoard, runs of tviz, tables and JSON lines of metrics.
//!
//! What it holds open is surely its own ([`opened_by`]). What it opens for a moment only is found where such files usually
//! lie, and is its own if it was made, or written anew, since the training began, and nobody else can have been the writer. So is
//! what was added to a table that had rested before: a table that grew just before is most likely somebody else's, who goes on.
//!
//! What og itself exports, into the run's folder or beside it, is never the training's: it would be its own echo.

use super::{glance::life, opened};
use crate::{
    model::WallTime,
    source::{self, Kind, Record},
    store::{
        RunFolder,
        checkpoint::{checkpoint_of, step_of},
    },
};
use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::{self, File, Metadata},
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Folders right in the training's folder that are looked into whether anything in them changed or not: a file that grows
/// does not change its folder. Source: the defaults of PyTorch, Lightning, Keras' and Hydra's guides, Transformers, wandb.
const USUAL: &[&str] = &[
    "checkpoints",
    "csv_logs",
    "data",
    "experiments",
    "lightning_logs",
    "log",
    "logs",
    "metrics",
    "output",
    "outputs",
    "results",
    "runs",
    "tb",
    "tb_logs",
    "tensorboard",
    "tmp_trainer",
    "trainer_output",
    "wandb",
];

/// Names of tables that count although no column of theirs is a step: those of Stable-Baselines3, Lightning, Keras' guide.
const TABLES: &[&str] = &["history", "log", "metrics", "monitor", "progress", "train", "training", "training_log"];

/// Folders that hold no metrics but may hold a hundred thousand files.
const BARREN: &[&str] = &["node_modules", "__pycache__", "site-packages", "artifacts", "media"];

/// Depth below the training's folder: `outputs/2026-11-20/12-00-00/lightning_logs/version_0`.
const DEPTH_MAX: usize = 6;

/// Most folders and files of one look, and how long it may take: more are not the logs of one training. The newest are first.
const FOLDERS_MAX: usize = 1024;
const FILES_MAX: usize = 1 << 16;
const TIME_MAX: Duration = Duration::from_millis(100);

/// Bytes by which a file that was there before is known again.
const HEAD_BYTES: u64 = 4 << 10;

/// Most tables that are remembered from before; and most runs that are looked at for whether they ran beside this one.
const REMEMBERED_MAX: usize = 512;
const RUNS_MAX: usize = 64;

/// A table that nobody wrote to for so long before the training began is not one that another program is busy with: an epoch
/// takes less.
const RESTED: Duration = Duration::from_secs(600);

/// Seconds after which a checkpoint that was not written to is whole.
const SETTLED: f64 = 1.0;

/// tviz notes whole seconds.
const TVIZ_SLACK: f64 = 1.0;

/// Seconds between a training's word for when a row was and the making of the file that it is the first of.
const EXPORT_SLACK: f64 = 1.0;

/// Seconds from which on a number is a time of day, and not one since the training began: in 2001.
const UNIX_MIN: f64 = 1e9;

/// Files of the run folder that are og's own.
const OWN: &[&str] = &["metrics.jsonl", "events.jsonl"];

/// Finds what one training writes.
pub struct Written {
    folder: PathBuf,
    cwd: PathBuf,
    since: WallTime,
    /// Tables that were there before; `None`: nobody looked in time.
    before: Option<HashMap<PathBuf, Old>>,
    /// Variables of the training that say where tviz writes.
    places: BTreeMap<&'static str, PathBuf>,
    /// Checkpoints that were told, and when they were written.
    saved: HashMap<PathBuf, WallTime>,
}

/// What one look found.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Seen {
    /// Logs that are the training's and were not known; what it holds open comes first.
    pub logs: Vec<Log>,
    /// Checkpoints that were written since the look before, oldest first.
    pub saved: Vec<Saved>,
}

/// A log that a training writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    /// The file or folder, or `DATABASE#ID`.
    pub path: PathBuf,
    /// Byte at which what it wrote begins: what stands before was there already.
    pub from: u64,
}

/// Weights that a training saved.
#[derive(Clone, PartialEq, Debug)]
pub struct Saved {
    /// The file, or the folder.
    pub path: PathBuf,
    /// The step that its name says.
    pub step: Option<i64>,
    /// When it was written.
    pub at: WallTime,
}

/// A file, and what it looks like.
type Lying = (PathBuf, Metadata);

/// A table as it was before the training began.
struct Old {
    bytes: u64,
    head: Vec<u8>,
    /// Nobody had written to it for a while, and its last line was whole.
    has_rested: bool,
}

impl Written {
    /// Remembers what lies in `cwd` before the training begins, whose run lies in `folder` and was made at `since`.
    pub fn before(folder: &Path, cwd: &Path, since: WallTime) -> Written {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let places = ["TVIZ_DB_PATH", "HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?.into()))).collect();
        let mut written = Written { folder: real(folder), cwd: real(cwd), since, before: None, places, saved: HashMap::new() };
        let (found, is_all) = written.walk();
        let tables: Vec<_> = found.into_iter().filter(|(path, _)| what(path) == Some(What::Table)).collect();
        let is_in_time = !tables.iter().any(|(_, file)| written.is_since(file.modified()) && !written.is_since(file.created()));
        if is_all && is_in_time && tables.len() <= REMEMBERED_MAX {
            let old = |(path, file): (PathBuf, Metadata)| {
                let head = head_of(&path)?;
                let age = file.modified().ok()?.elapsed().unwrap_or_default();
                let has_rested = age > RESTED && ends_a_line(&path, file.len());
                Some((path, Old { bytes: file.len(), head, has_rested }))
            };
            written.before = Some(tables.into_iter().filter_map(old).collect());
        }
        written
    }

    /// Looks what the training, process `pid`, has written by now; without a `pid` it has ended. `known` logs are not looked into again.
    pub fn look(&mut self, pid: Option<u32>, known: impl Fn(&Path) -> bool) -> Seen {
        let open = pid.map(|pid| self.open_in(pid)).unwrap_or_default();
        let mut logs: Vec<Log> = open.into_iter().filter(|path| !known(path)).map(|path| Log { path, from: 0 }).collect();
        let (files, _) = self.walk();
        let company = OnceCell::new();
        let has_company = || *company.get_or_init(|| self.has_company());
        let made = self.made(pid, &files, &has_company, |path| logs.iter().any(|open| open.path == path) || known(path));
        let saved = self.saved(pid.is_none(), &files, &has_company);
        logs.extend(made);
        self.saved.extend(saved.iter().map(|saved| (saved.path.clone(), saved.at)));
        Seen { logs, saved }
    }

    /// What the training, process `pid`, holds open for writing.
    fn open_in(&mut self, pid: u32) -> Vec<PathBuf> {
        for (name, path) in opened::environment(pid, &["TVIZ_DB_PATH", "HOME"]) {
            self.places.insert(name, path);
        }
        let open = opened::opened_by(pid).into_iter().filter(|path| !OWN.iter().any(|own| self.folder.join(own) == *path));
        self.named(open.collect()).into_iter().map(|(_, path)| path).collect()
    }

    /// Which of `files` were made or written anew since the training began.
    fn made(&self, pid: Option<u32>, files: &[Lying], has_company: &dyn Fn() -> bool, known: impl Fn(&Path) -> bool) -> Vec<Log> {
        let starts: HashMap<&Path, u64> = files.iter().filter_map(|(path, file)| Some((path.as_path(), self.start(path, file)?))).collect();
        let mut new: Vec<PathBuf> =
            starts.keys().map(|path| path.to_path_buf()).filter(|path| !known(path) && !path.parent().is_some_and(&known)).collect();
        new.extend(self.tviz_databases());
        let mut named = self.named(new);
        named.retain(|(what, path)| !(known(path) || *what == What::Table && self.is_export(path)));
        // Whose a file is cannot be told where others write to the same folders at the same time.
        if !named.is_empty() {
            let foreign = opened::held_by_others(pid);
            named.retain(|(_, path)| !foreign.contains(path) && !foreign.iter().any(|held| held.parent() == Some(path)));
        }
        if !named.is_empty() && has_company() {
            named.retain(|(what, _)| *what == What::Database);
        }
        let log = |(_, path): (What, PathBuf)| Log { from: starts.get(path.as_path()).copied().unwrap_or(0), path };
        named.into_iter().map(log).collect()
    }

    /// Checkpoints among `files` that were written since they were last told. `is_over`: the training has ended, so none is
    /// still being written.
    fn saved(&self, is_over: bool, files: &[Lying], has_company: &dyn Fn() -> bool) -> Vec<Saved> {
        let mut newest: BTreeMap<PathBuf, f64> = BTreeMap::new();
        for (file, metadata) in files {
            let time =
                metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0.0, |time| time.as_secs_f64());
            if let Some(checkpoint) = checkpoint_of(file).filter(|_| time >= self.since.secs()) {
                let known = newest.entry(checkpoint).or_insert(time);
                *known = known.max(time);
            }
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64());
        newest.retain(|path, at| (is_over || now - *at >= SETTLED) && self.saved.get(path).is_none_or(|told| told.secs() < *at));
        if !newest.is_empty() && has_company() {
            newest.retain(|path, _| path.starts_with(&self.folder));
        }
        let told = newest.into_iter().filter_map(|(path, at)| Some(Saved { step: step_of(&path), at: WallTime::new(at)?, path }));
        let mut told: Vec<Saved> = told.collect();
        told.sort_by(|a, b| a.at.secs().total_cmp(&b.at.secs()));
        told
    }

    /// What is followed where these files are the training's, in the order in which it counts.
    fn named(&self, files: Vec<PathBuf>) -> BTreeSet<(What, PathBuf)> {
        let named = files.into_iter().filter_map(|path| {
            let what = what(&path)?;
            let followed = match what {
                What::Wandb => path,
                What::Events => self.events(path),
                What::Database => self.tviz_run(&path)?,
                What::Table => has_metrics(&path).then_some(path)?,
            };
            Some((what, followed))
        });
        named.collect()
    }

    /// A folder of event files, unless it also holds those of an older run.
    fn events(&self, file: PathBuf) -> PathBuf {
        let Some(folder) = file.parent() else { return file };
        let is_since = |file: &PathBuf| fs::metadata(file).is_ok_and(|file| self.is_since(file.modified()));
        match source::event_files(folder).is_ok_and(|files| files.iter().all(is_since)) {
            true => folder.to_owned(),
            false => file,
        }
    }

    /// Whether a table is one of og's exports: it looks like them, and holds what is older than itself. What a training adds row
    /// by row is younger than its file; of a file that was there before nobody can say that, and it is taken for the training's.
    fn is_export(&self, path: &Path) -> bool {
        let Some(first) = head_of(path).and_then(|head| first_of_export(&head)) else { return false };
        let made = fs::metadata(path).and_then(|file| file.created()).ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let made = made.map(|at| at.as_secs_f64()).filter(|made| *made >= self.since.secs());
        first.is_none_or(|first| made.is_some_and(|made| first < made - EXPORT_SLACK))
    }

    /// The first run that began with the training.
    fn tviz_run(&self, database: &Path) -> Option<PathBuf> {
        let runs = source::tviz_runs(database).ok()?;
        let began = |run: &&source::TvizRunInfo| run.started.is_some_and(|at| at.secs() >= self.since.secs() - TVIZ_SLACK);
        let first = runs.iter().filter(began).min_by(|a, b| {
            a.started.map(WallTime::secs).partial_cmp(&b.started.map(WallTime::secs)).unwrap_or(std::cmp::Ordering::Equal)
        })?;
        Some(format!("{}#{}", database.to_str()?, first.id).into())
    }

    fn tviz_databases(&self) -> Vec<PathBuf> {
        let at = |path: PathBuf| self.cwd.join(path);
        let is_there = |path: &Path| fs::metadata(self.cwd.join(path)).is_ok_and(|file| file.is_file() && self.is_since(file.modified()));
        source::tviz_databases(|name| self.places.get(name).cloned(), is_there).into_iter().map(at).collect()
    }

    fn is_since(&self, time: std::io::Result<SystemTime>) -> bool {
        time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).is_some_and(|time| time.as_secs_f64() >= self.since.secs())
    }

    /// Where that begins in a file which can have come since the training began.
    fn start(&self, path: &Path, file: &Metadata) -> Option<u64> {
        let what = what(path)?;
        if !self.is_since(file.modified()) {
            return None;
        }
        let old = self.before.as_ref().and_then(|before| before.get(path));
        match (what, old) {
            (What::Database, _) => Some(0),
            _ if self.is_since(file.created()) => Some(0),
            (What::Table, Some(old)) => match file.len() < old.bytes || head_of(path).is_some_and(|head| !head.starts_with(&old.head)) {
                true => Some(0),
                false => (old.has_rested && file.len() > old.bytes).then_some(old.bytes),
            },
            // Where the disk does not keep when a file was made.
            (_, None) => (file.created().is_err() && self.before.is_some()).then_some(0),
            _ => None,
        }
    }

    /// Whether another run of the store was in the same folder at the same time.
    fn has_company(&self) -> bool {
        let mut runs: Vec<PathBuf> =
            self.folder.parent().and_then(|runs| fs::read_dir(runs).ok()).into_iter().flatten().flatten().map(|run| run.path()).collect();
        runs.sort();
        runs.iter().rev().take(RUNS_MAX).filter(|run| **run != self.folder).any(|run| {
            let folder = RunFolder::at(run);
            let is_here = folder.info().is_ok_and(|info| info.cwd.canonicalize().is_ok_and(|cwd| cwd == self.cwd));
            is_here
                && life(&folder).is_ok_and(|life| match (life.exit, life.pid) {
                    (Some(exit), _) => exit.at.is_some_and(|at| at.secs() >= self.since.secs()),
                    (None, pid) => pid.is_some_and(opened::is_there),
                })
        })
    }

    /// The files that may be the training's by their names, and whether these are all.
    fn walk(&self) -> (Vec<Lying>, bool) {
        let start = Instant::now();
        let (mut found, mut folders, mut files) = (vec![], 0, 0);
        let mut open = vec![(self.cwd.clone(), 0), (self.folder.clone(), 1)];
        while let Some((folder, depth)) = open.pop() {
            folders += 1;
            let mut below = vec![];
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                files += 1;
                let Ok(kind) = entry.file_type() else { continue };
                let (path, name) = (entry.path(), entry.file_name());
                let name = name.to_string_lossy();
                if kind.is_dir() && !name.starts_with('.') && !BARREN.contains(&&*name) && depth < DEPTH_MAX {
                    let Ok(metadata) = entry.metadata() else { continue };
                    if depth > 0 || USUAL.contains(&&*name) || self.is_since(metadata.modified()) {
                        below.push((metadata.modified().ok(), path));
                    }
                } else if kind.is_file()
                    && (what(&path).is_some() || checkpoint_of(&path).is_some())
                    && !(folder == self.folder && OWN.contains(&&*name))
                {
                    found.extend(entry.metadata().ok().map(|metadata| (path, metadata)));
                }
            }
            below.sort();
            open.extend(below.into_iter().map(|(_, path)| (path, depth + 1)));
            if folders >= FOLDERS_MAX || files >= FILES_MAX || start.elapsed() > TIME_MAX {
                return (found, open.is_empty());
            }
        }
        (found, true)
    }
}

/// What a file may be by its name, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Wandb,
    Events,
    Database,
    Table,
}

fn what(path: &Path) -> Option<What> {
    let name = path.file_name()?.to_string_lossy();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    Some(match extension {
        "wandb" if name.starts_with("run-") => What::Wandb,
        _ if name.contains("tfevents") => {
            if name.ends_with(".profile-empty") {
                return None;
            }
            What::Events
        }
        "db" | "sqlite" | "sqlite3" => What::Database,
        "csv" | "tsv" | "jsonl" | "ndjson" => What::Table,
        _ => return None,
    })
}

/// Whether a file of this name is one that a training writes its metrics to.
pub(super) fn may_be_log(path: &Path) -> bool {
    what(path).is_some()
}

/// Whether a table says steps and numbers, or numbers under a name that tables of metrics have.
fn has_metrics(path: &Path) -> bool {
    let Some(head) = head_of(path) else { return false };
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let stem = name.split('.').rfind(|part| !["csv", "tsv", "jsonl", "ndjson"].contains(part)).unwrap_or_default();
    let kind = Kind::of_file(&name, &head);
    let Some(mut decoder) = matches!(kind, Kind::Csv | Kind::Jsonl).then(|| kind.decoder()).flatten() else { return false };
    decoder.push(&head);
    let (mut rows, mut told) = (0, 0);
    while let Ok(record) = decoder.next() {
        match record {
            Some(Record::Row(row)) if !row.values.is_empty() => (rows, told) = (rows + 1, told + usize::from(row.step.is_some())),
            Some(_) => {}
            None => break,
        }
    }
    told > 0 || rows > 0 && TABLES.contains(&stem)
}

/// The first time in a table that looks like an export of og's; `Some(None)`: it has none. Such a table says `step,time,KEY,...`, and
/// every time as Unix seconds with three digits behind the point, or not at all.
fn first_of_export(head: &[u8]) -> Option<Option<f64>> {
    let text = String::from_utf8_lossy(head);
    // A last line without its end may be cut.
    let mut lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    lines.next().filter(|names| names.starts_with("step,time,"))?;
    let mut times = vec![];
    for line in lines {
        let (step, rest) = line.split_once(',')?;
        let (time, _) = rest.split_once(',')?;
        step.parse::<i64>().ok()?;
        if !time.is_empty() {
            let is_precise = time.split_once('.').is_some_and(|(_, digits)| digits.len() == 3);
            times.push(time.parse().ok().filter(|secs| is_precise && *secs >= UNIX_MIN)?);
        }
    }
    Some(times.into_iter().reduce(f64::min))
}

/// Whether the last of the first `bytes` bytes of a file is a newline.
fn ends_a_line(path: &Path, bytes: u64) -> bool {
    let mut last = [0];
    bytes > 0 && File::open(path).and_then(|file| file.read_exact_at(&mut last, bytes - 1)).is_ok() && last == *b"\n"
}

fn head_of(path: &Path) -> Option<Vec<u8>> {
    let mut head = vec![];
    File::open(path).ok()?.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_no_table_of_the_training_and_what_looks_like_one_is() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("run");
        fs::create_dir(&folder).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let mut written = Written::before(&folder, dir.path(), WallTime::new(now - 60.0).unwrap());
        let table = |path: PathBuf, rows: &str| fs::write(path, format!("step,time,train/loss\n{rows}")).unwrap();
        let row = |step: i64, time: f64| format!("{step},{time:.3},0.5\n");
        table(folder.join("data-20261120-233500.csv"), &(row(1, now - 50.0) + &row(2, now)));
        table(dir.path().join("x.csv"), &(row(1, now - 50.0) + "2,,0.25\n"));
        table(dir.path().join("timeless.csv"), "1,,0.5\n");
        assert_eq!(written.look(None, |_| false), Seen::default());
        // Those of a training: as it goes, since it began, to the second, in its own words.
        table(dir.path().join("live.csv"), &(row(1, now) + &row(2, now + 1.0)));
        table(dir.path().join("since.csv"), &(row(1, 0.25) + &row(2, 9.5)));
        table(folder.join("whole.csv"), &format!("1,{:.0},0.5\n", now - 50.0));
        fs::write(folder.join("epochs.csv"), "epoch,loss\n1,2\n").unwrap();
        let named = written.look(None, |_| false).logs;
        let mut named: Vec<_> = named.iter().map(|log| log.path.file_name().unwrap()).collect();
        named.sort();
        assert_eq!(named, ["epochs.csv", "live.csv", "since.csv", "whole.csv"]);
    }
}
