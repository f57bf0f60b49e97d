//! What the names and the first bytes of a run tell of it.

use super::{super::mlflow, RunRef, event_files};
use crate::{
    model::WallTime,
    source::{Decoder, Kind, Record, Wandb, detect::is_wandb_run},
};
use jiff::{civil::DateTime, tz::TimeZone};
use serde_json::Value;
use std::{
    fs::{self, File},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// Largest `run.json` that is read for a name.
const RUN_JSON_BYTES_MAX: u64 = 1 << 20;

/// Bytes of a `.wandb` file that are read for a name: it stands in its second record.
const WANDB_BYTES_MAX: u64 = 32 << 10;

/// What is written into a run folder of ours as the run goes on.
const OF_OG: [&str; 3] = ["metrics.jsonl", "stdout.log", "events.jsonl"];

/// A run with what its names and first bytes tell of it.
pub(super) fn described(kind: Kind, path: &Path, id: String) -> RunRef {
    let run = RunRef::plain(kind, path, id);
    match kind {
        Kind::WandbRun | Kind::Wandb => of_wandb(run),
        Kind::TfEvents => of_events(run),
        _ => run,
    }
}

/// A run of ours in `folder`, if it is one.
pub(super) fn of_og(folder: &Path) -> Option<RunRef> {
    let run = RunRef::plain(Kind::OgRun, folder, name_of(folder));
    let info = og_info(folder)?;
    let text = |name: &str| info[name].as_str().map(str::to_owned);
    let written = OF_OG.iter().filter_map(|file| changed(&run.path.join(file)));
    Some(RunRef {
        name: text("name").unwrap_or(run.name),
        project: text("project"),
        started: info["started_at"].as_f64().and_then(WallTime::new),
        changed: written.max_by(|a, b| a.secs().total_cmp(&b.secs())).or(run.changed),
        ..run
    })
}

/// A run of MLflow in `folder`, if it is one.
pub(super) fn of_mlflow(folder: &Path) -> Option<RunRef> {
    let meta = mlflow::meta(folder)?;
    let run = RunRef::plain(Kind::Mlflow, folder, meta.id);
    let ended = meta.exit.and_then(|exit| exit.at);
    Some(RunRef {
        name: meta.name.unwrap_or(run.name),
        project: mlflow::experiment(folder),
        started: meta.started,
        changed: ended.or_else(|| changed(&folder.join("metrics"))).or(run.changed),
        ..run
    })
}

/// What the `run.json` of ours in a folder says; nothing, if it is torn, may not be read, or is lost from a folder of a store. `None`:
/// there is none, or it is of another program, such as Sacred: ours says its version.
fn og_info(folder: &Path) -> Option<Value> {
    let mut json = vec![];
    let read = File::open(folder.join("run.json")).and_then(|file| file.take(RUN_JSON_BYTES_MAX).read_to_end(&mut json));
    if read.is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)) {
        return is_in_store(folder).then_some(Value::Null);
    }
    let info: Value = serde_json::from_slice(&json).unwrap_or_default();
    let is_foreign = info.as_object().is_some_and(|fields| !fields.is_empty() && !fields.contains_key("v"));
    (!is_foreign).then_some(info)
}

/// Whether a folder is `.og/runs/ID` and has something of a run in it.
fn is_in_store(folder: &Path) -> bool {
    let is_place = folder.parent().is_some_and(|runs| runs.ends_with(".og/runs"));
    is_place && OF_OG.iter().any(|file| folder.join(file).exists())
}

/// Whether a folder is that of one run of ours.
pub fn is_og_folder(folder: &Path) -> bool {
    og_info(folder).is_some()
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
pub(in crate::source::io) fn wandb_file(folder: &Path) -> Option<PathBuf> {
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
pub(super) fn name_of(path: &Path) -> String {
    let real = path.file_name().is_none().then(|| path.canonicalize().ok()).flatten();
    let name = real.as_deref().unwrap_or(path).file_name();
    name.map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned())
}

pub(super) fn changed(path: &Path) -> Option<WallTime> {
    let modified = fs::metadata(path).ok()?.modified().ok()?;
    WallTime::new(modified.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}
