//! `og runs`: the runs of the store, or of any path, and where each stands. No file is read to its end, unless a filter asks for what only
//! its whole says.

use super::{
    args::{RunsArgs, StoreArgs},
    choose::{Choice, HOW_FILTERS_ARE_WRITTEN, is_filter, unknown},
    fail::Fail,
    out,
};
use crate::{
    canvas::io::is_process,
    model::{MetricKey, ReadOptions, RunState, WallTime, num},
    query,
    source::{self, Kind, LastPoint, Passed, Reach, RunRef},
    store::{Remarked, RunFolder, RunGlance, Store, StoreError, Whereabouts, glance, glance_at, settled},
    text,
};
use serde_json::{Value, json};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

/// Cells of a run's name and of its main metric with its value; longer ones are cut.
const NAME_CELLS: usize = 36;
const VALUE_CELLS: usize = 26;

/// Threads that look at runs: a look is mostly reading from memory, and more threads than this gain nothing.
const THREADS_MAX: usize = 4;

/// `og runs [PATH]`.
pub fn runs(args: &RunsArgs) -> Result<u8, Fail> {
    let Listed { places, known, passed } = match &args.path {
        Some(path) => below(path, &args.store)?,
        None => Listed { places: own(&args.store)?, ..Listed::default() },
    };
    let count = places.len();
    let limit = args.limit.unwrap_or(usize::MAX);
    let remarked = remarked(&args.store)?;
    // Which runs of trackers are of og's own is known when those were looked at.
    let is_mixed = places.iter().any(Place::is_own) && !places.iter().all(Place::is_own);
    let looked = look_at(&places[..if is_mixed { count } else { count.min(limit) }], &remarked);
    let mut listed = each_once(&places, &looked);
    let all = if is_mixed { listed.len() } else { count };
    listed.truncate(limit);
    let now = now();
    let notes = notes(&places, passed);
    if args.output.json {
        out::json(&listed.iter().map(|(place, look)| as_json(place, look, now)).collect::<Vec<_>>())?;
        notes.into_iter().for_each(out::note);
        return Ok(0);
    }
    if count == 0 {
        match &args.path {
            Some(filter) if known > 0 => out::note(format!("no run fits `{}`; {known} are known", filter.display())),
            _ => out::note("there is no run; `og run train.py` starts one"),
        }
        return Ok(0);
    }
    let head = ["run", "id", "kind", "state", "step", "metric", "started", "took"].map(str::to_owned);
    let called: Vec<String> =
        listed.iter().map(|(place, look)| look.as_ref().map_or_else(|_| place.name(), |run| run.info.name.clone())).collect();
    let rows =
        names(called.iter().map(String::as_str)).into_iter().zip(&listed).map(|(name, (_, look))| as_row(name, look, now).map(clean));
    let rows = std::iter::once(head).chain(rows);
    table(&rows.collect::<Vec<_>>())?;
    notes.into_iter().for_each(out::note);
    if listed.len() < all {
        out::note(format!("{} more; --limit {all} shows them all", all - listed.len()));
    }
    Ok(0)
}

/// Runs, and of how many they were chosen.
#[derive(Default)]
struct Listed {
    places: Vec<Place>,
    known: usize,
    passed: Passed,
}

/// What is not listed, and why.
fn notes(places: &[Place], passed: Passed) -> Vec<String> {
    let beside: HashSet<&Path> = places.iter().flat_map(Place::beside).map(PathBuf::as_path).collect();
    let are_consoles =
        beside.iter().all(|path| path.extension().is_some_and(|end| ["log", "out", "txt"].iter().any(|known| end == *known)));
    let what = counted(beside.len(), if are_consoles { "console log" } else { "file" });
    let beside = match beside.len() {
        0 => None,
        1 => Some(format!("{what} beside these runs is not listed: og view PATH opens it")),
        _ => Some(format!("{what} beside these runs are not listed: og view PATH opens one")),
    };
    let silent = (passed.silent > 0).then(|| format!("{} without a metric: not listed", counted(passed.silent, "log")));
    let refused = (passed.refused > 0).then(|| format!("{} below may not be read", counted(passed.refused, "path")));
    let cut = passed.is_cut.then(|| "there is more below than is looked at; name a folder further down".to_owned());
    [beside, silent, refused, cut].into_iter().flatten().collect()
}

/// `1 path`, `2 paths`
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A run before it was looked at.
enum Place {
    /// A run of the store.
    Own(RunFolder),
    /// One of the runs that a path holds.
    Found(RunRef),
}

/// What is remarked in the store on runs of other trackers.
fn remarked(store: &StoreArgs) -> Result<Remarked, Fail> {
    let mut remarked = Remarked::new(Store::find(&Whereabouts::of_process(store.store.clone())?).into_iter().collect());
    remarked.look();
    Ok(remarked)
}

impl Place {
    fn is_own(&self) -> bool {
        matches!(self, Place::Own(_) | Place::Found(RunRef { kind: Kind::OgRun, .. }))
    }

    fn path(&self) -> PathBuf {
        match self {
            Place::Own(folder) => folder.path().to_owned(),
            Place::Found(run) => run.address(),
        }
    }

    fn look(&self, remarked: &Remarked) -> Result<RunGlance, StoreError> {
        let read = ReadOptions::default();
        let mut seen = match self {
            Place::Own(folder) => glance(folder.path(), &read, Reach::Row),
            Place::Found(run) => glance_at(run, &read, Reach::Row),
        }?;
        // Only the machine that a training runs on knows whether it lives.
        let is_here = seen.info.host.as_deref().is_none_or(|host| rustix::system::uname().nodename().to_bytes() == host.as_bytes());
        if is_here && seen.pid.is_some_and(|pid| !is_process(pid)) {
            seen.mark_lost();
        }
        if matches!(self, Place::Found(_)) && !remarked.is_empty() {
            remarked.on(&settled(&self.path())).iter().for_each(|remarks| remarks.over(&mut seen.info));
        }
        Ok(seen)
    }

    /// Files of it that are not listed.
    fn beside(&self) -> &[PathBuf] {
        match self {
            Place::Own(_) => &[],
            Place::Found(run) => &run.beside,
        }
    }

    /// What it is called when it cannot be looked at.
    fn name(&self) -> String {
        match self {
            Place::Own(folder) => folder.id().0,
            Place::Found(run) => run.name.clone(),
        }
    }
}

/// The runs of the store, newest first.
fn own(store: &StoreArgs) -> Result<Vec<Place>, Fail> {
    let Some(store) = Store::find(&Whereabouts::of_process(store.store.clone())?) else { return Ok(vec![]) };
    Ok(store.runs()?.iter().map(|id| Place::Own(store.run(id))).collect())
}

/// The runs that fit a filter, in its order, and how many are known. A word that is no path either is one as well: what fits has it
/// in its name.
fn fitting(filter: &str, store: &StoreArgs) -> Result<Listed, Fail> {
    let mut known = Choice::new(store)?;
    if !is_filter(filter) && known.fitting(filter)?.is_empty() {
        return Err(known.unknown(filter));
    }
    let mut places = vec![];
    for row in known.fitting(filter)? {
        match RunFolder::at(&row.path) {
            own if own.run_json().is_file() => places.push(Place::Own(own)),
            // It may have gone since it was found.
            _ => places.extend(source::runs(&row.path).into_iter().flatten().next().map(Place::Found)),
        }
    }
    Ok(Listed { places, known: known.count(), ..Listed::default() })
}

/// The runs that a path holds, newest first; else the run of the store that is called so; else those that fit it as a
/// filter, and of how many.
fn below(path: &Path, store_args: &StoreArgs) -> Result<Listed, Fail> {
    match source::search(path) {
        Ok((found, passed)) => Ok(Listed { places: found.into_iter().map(Place::Found).collect(), passed, known: 0 }),
        Err(error) => {
            let known = Store::find(&Whereabouts::of_process(store_args.store.clone())?);
            let named = known.and_then(|store| store.find_run(path.to_str()?).ok());
            // What is there and cannot be read is no filter.
            let is_there = path.symlink_metadata().is_ok();
            let is_filter = |word: &&str| is_filter(word) || !word.contains('/') && !is_there;
            match (named, path.to_str().filter(is_filter)) {
                (Some(folder), _) => Ok(Listed { places: vec![Place::Own(folder)], ..Listed::default() }),
                (None, Some(filter)) => fitting(filter, store_args),
                (None, None) if !is_there => Err(unknown(
                    &path.to_string_lossy(),
                    &[],
                    format!("give a path, the name of a run, or a filter; {HOW_FILTERS_ARE_WRITTEN}"),
                )),
                (None, None) => Err(StoreError::from(error).into()),
            }
        }
    }
}

type Look = Result<RunGlance, StoreError>;

/// The runs and what was seen of them, without those that another one logs to a tracker.
fn each_once<'a>(places: &'a [Place], looked: &'a [Look]) -> Vec<(&'a Place, &'a Look)> {
    let doubled: HashSet<&Path> = looked.iter().flatten().flat_map(|run| &run.trackers).map(PathBuf::as_path).collect();
    let is_once = |place: &Place| doubled.is_empty() || !doubled.contains(settled(&place.path()).as_path());
    places.iter().zip(looked).filter(|(place, _)| is_once(place)).collect()
}

/// Looks at all of them, a few at a time.
fn look_at(places: &[Place], remarked: &Remarked) -> Vec<Look> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX).min(places.len());
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(places.len())));
    let work = || {
        while let Some((at, place)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, places.get(at)?))) {
            let look = place.look(remarked);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, look));
        }
    };
    thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, look)| look).collect()
}

/// The metric by which a run is known, a loss where there is one, and its last value.
fn main_metric(run: &RunGlance) -> Option<(MetricKey, LastPoint)> {
    let keys: Vec<MetricKey> = run.probe.last.keys().cloned().collect();
    let first = query::rank_keys(&keys).into_iter().next()?;
    let last = *run.probe.last.get(&first)?;
    Some((first, last))
}

/// Seconds from the start to the end, or to now while it runs.
fn took(run: &RunGlance, now: f64) -> Option<f64> {
    let start = run.probe.started?.secs();
    let end = match run.probe.state {
        Some(RunState::Running) => now,
        _ => run.newest_time()?.secs(),
    };
    Some((end - start).max(0.0))
}

fn as_row(name: String, look: &Look, now: f64) -> [String; 8] {
    let run = match look {
        Ok(run) => run,
        Err(error) => {
            return [
                name,
                String::new(),
                String::new(),
                "unreadable".into(),
                error.to_string(),
                String::new(),
                String::new(),
                String::new(),
            ];
        }
    };
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    let step = match (run.probe.step, run.probe.total_steps) {
        (Some(step), Some(total)) => Some(format!("{}/{total}", step.0)),
        (step, _) => step.map(|step| step.0.to_string()),
    };
    let metric = main_metric(run).map(|(key, last)| {
        let value = text::number(last.value, 4);
        format!("{} {value}", text::cut_start(key.as_str(), VALUE_CELLS - 1 - value.len().min(VALUE_CELLS / 2)))
    });
    let id = if run.probe.kind == Kind::OgRun { run.info.short_id() } else { run.info.id.as_str() };
    [
        name,
        text::cut(if id == run.info.name { "" } else { id }, NAME_CELLS).into_owned(),
        run.probe.kind.as_str().into(),
        or_dash(run.probe.state.map(|state| state.as_str().into())),
        or_dash(step),
        or_dash(metric),
        or_dash(run.probe.started.map(|started| format!("{} ago", text::duration((now - started.secs()).max(0.0))))),
        or_dash(took(run, now).map(text::duration)),
    ]
}

/// What runs are called, cut; of those that are called by their places both ends tell them from others. Where they do not, the
/// whole name does.
fn names<'a>(runs: impl Iterator<Item = &'a str>) -> Vec<String> {
    let cut = |name: &'a str| if name.contains('/') { text::cut_middle(name, NAME_CELLS) } else { text::cut(name, NAME_CELLS) };
    let names: Vec<(&str, Cow<str>)> = runs.map(|name| (name, cut(name))).collect();
    let mut called: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (name, cut) in &names {
        called.entry(cut).or_default().insert(name);
    }
    names.iter().map(|(name, cut)| if called[&**cut].len() > 1 { name } else { &**cut }.to_owned()).collect()
}

/// Names and keys may hold anything.
fn clean(cell: String) -> String {
    text::one_line(&cell).into_owned()
}

/// Prints rows with their columns below each other. The last cells of a row that are empty need no column.
fn table(rows: &[[String; 8]]) -> Result<(), Fail> {
    let is_cut = |row: &[String; 8]| row[5..].iter().all(String::is_empty);
    let widths: [usize; 8] =
        std::array::from_fn(|at| rows.iter().filter(|row| at < 4 || !is_cut(row)).map(|row| text::width(&row[at])).max().unwrap_or(0));
    let mut all = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| if is_cut(row) { cell.clone() } else { text::fit(cell, width) }).collect();
        all.push_str(cells.join("  ").trim_end());
        all.push('\n');
    }
    out::text(&all)
}

fn as_json(place: &Place, look: &Look, now: f64) -> Value {
    let path = place.path();
    let run = match look {
        Ok(run) => run,
        Err(error) => return json!({"name": place.name(), "path": path.to_string_lossy(), "error": error.to_string()}),
    };
    let (info, probe) = (&run.info, &run.probe);
    let exit = probe.exit.unwrap_or_default();
    let secs = |time: Option<WallTime>| time.map(WallTime::secs);
    let metric = main_metric(run)
        .map(|(key, last)| json!({"key": key.as_str(), "value": num::to_json(last.value), "step": last.step.map(|step| step.0)}));
    json!({
        "id": info.id, "name": info.name, "project": info.project, "group": info.group, "tags": info.tags, "notes": info.notes,
        "kind": probe.kind.as_str(), "path": path.to_string_lossy(), "state": probe.state.map(RunState::as_str),
        "exitCode": exit.code, "signal": exit.signal, "step": probe.step.map(|step| step.0), "totalSteps": probe.total_steps,
        "metric": metric, "startedAt": secs(probe.started), "changedAt": secs(probe.changed), "endedAt": secs(exit.at),
        "durationSeconds": took(run, now),
        "trackers": run.trackers.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
        "beside": place.beside().iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
    })
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64())
}
