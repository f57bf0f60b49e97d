//! Opens what a person means by a path or by the name of a run.

use super::{
    args::{ReadArgs, StoreArgs},
    choose::{HOW_FILTERS_ARE_WRITTEN, is_filter, unknown},
    fail::Fail,
    out,
};
use crate::{
    canvas::io as canvases,
    model::{LineRule, ReadOptions},
    query,
    source::{self, Kind, OpenError, RunRef},
    store::{RunFolder, RunReader, Store, StoreError, Unknown, Whereabouts},
};
use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// What a path or a name leads to.
pub enum Found {
    /// A run.
    One(Box<RunReader>),
    /// A database, a store or a folder with several.
    Several(Vec<RunRef>),
}

/// What is asked for.
pub struct Asked<'a> {
    /// A path; or an id, a short id or a name in the store.
    pub run: &'a OsStr,
    /// One of several that are there.
    pub name: Option<&'a str>,
    /// Where names are looked up.
    pub store: &'a StoreArgs,
    /// How it is to be read.
    pub read: &'a ReadOptions,
}

/// The names and expressions of `--graphs`.
pub fn graphs(list: &str) -> Result<Vec<String>, Fail> {
    let names = query::parse_key_list(list);
    for name in names.iter().filter(|name| query::Derived::is_meant_by(name)) {
        let expression = name.split_once(" = ").map_or(name.as_str(), |(_, expression)| expression);
        query::Derived::parse(expression).map_err(|error| Fail::usage(format!("--graphs: {error}")).hint(error.hint()))?;
    }
    Ok(names)
}

/// The run that is asked for, or the several.
pub fn find(asked: &Asked) -> Result<Found, Fail> {
    let runs = runs(asked)?;
    match runs.as_slice() {
        [only] => Ok(Found::One(Box::new(open(only, asked.read, asked.store)?))),
        _ => Ok(Found::Several(runs)),
    }
}

/// The runs that are asked for, as [`source::runs`] orders them; at least one. A path comes first, then the store. Of several that are
/// called as asked for, the newest.
pub fn runs(asked: &Asked) -> Result<Vec<RunRef>, Fail> {
    let mut path = PathBuf::from(asked.run);
    if !is_there(&path)
        && let Some(folder) = in_store(asked)?
    {
        path = folder;
    }
    if let Some(name) = asked.name {
        path = address(&path, name);
    }
    let mut runs = source::runs(&path).map_err(|error| fail(error, asked))?;
    let is_named = path.as_os_str().as_bytes().contains(&b'#') && !is_there(&path);
    if is_named {
        note_first(path.as_os_str(), &runs, "--run ID");
        runs.truncate(1);
    }
    Ok(runs)
}

/// The run that is asked for. Of several, one has to be named.
pub fn one(asked: &Asked) -> Result<RunReader, Fail> {
    match find(asked)? {
        Found::One(reader) => Ok(*reader),
        Found::Several(runs) => Err(which(asked.run, &runs)),
    }
}

/// Opens one of several runs, with what the store has of remarks on it. Where the command line says nothing, a run of og's is read
/// as its canvas says.
pub fn open(run: &RunRef, read: &ReadOptions, store: &StoreArgs) -> Result<RunReader, Fail> {
    let of_canvas = if *read == ReadOptions::default() { of_canvas(run) } else { None };
    let read = of_canvas.as_ref().unwrap_or(read);
    let opened = source::open_ref(run, read).map_err(StoreError::Foreign)?;
    let mut reader = RunReader::of(&run.address(), opened, read)?;
    Store::find(&Whereabouts::of_process(store.store.clone())?).iter().for_each(|store| reader.remark_in(store));
    Ok(reader)
}

/// The run that is asked for; of several, the first.
pub fn newest(asked: &Asked) -> Result<RunReader, Fail> {
    let runs = runs(asked)?;
    let Some(first) = runs.first() else { return Err(which(asked.run, &runs)) };
    note_first(asked.run, &runs, "--run NAME");
    open(first, asked.read, asked.store)
}

/// Tells which of several runs this is, and how another is named.
pub fn note_first(asked: &OsStr, runs: &[RunRef], another: &str) {
    if let [first, second, ..] = runs {
        if runs.iter().all(|run| run.name == first.name) {
            let [this, other] = [first, second].map(|run| run.address().display().to_string());
            return out::note(format!("{} runs are called {}; this is the newest, {this} (another: {other})", runs.len(), first.name));
        }
        let why = if first.address() == Path::new(asked) { "that of the folder itself" } else { "the newest" };
        out::note(format!("{} holds {} runs; this is {}, {why} (another: {another})", asked.display(), runs.len(), first.name));
    }
}

/// Several runs where one is needed.
pub fn which(asked: &OsStr, runs: &[RunRef]) -> Fail {
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).take(5).collect();
    let more = if runs.len() > names.len() { ", ..." } else { "" };
    Fail::new("several_runs", format!("{} holds {} runs", asked.display(), runs.len()))
        .hint(format!("name one with --run: {}{more}", names.join(", ")))
}

/// What the command line says about reading.
pub fn read_options(args: &ReadArgs) -> Result<ReadOptions, Fail> {
    let rules = args
        .regex
        .iter()
        .map(|pattern| LineRule::parse(pattern).map_err(|error| Fail::usage(error.to_string()).about("--regex").hint(error.hint())));
    Ok(ReadOptions { rules: rules.collect::<Result<_, _>>()?, step_key: args.step_key.clone() })
}

/// A run of og's whose training is gone without an exit is lost; nobody but the process table knows.
pub fn mark_lost(reader: &mut RunReader) {
    if reader.picture().pid().is_some_and(|pid| !canvases::is_process(pid)) {
        reader.mark_lost();
    }
}

/// What the canvas in which a run was started says about reading it.
fn of_canvas(run: &RunRef) -> Option<ReadOptions> {
    let info = RunFolder::at(&run.path).info().ok().filter(|_| run.kind == Kind::OgRun)?;
    let dir = run.path.parent()?.parent()?.join("canvas").join(info.canvas?);
    let state = canvases::read(&dir).ok()?;
    // The name may be that of another canvas by now.
    (state.run_id.as_ref() == Some(&info.id)).then(|| canvases::read_spec(&dir).ok().map(|spec| spec.read))?
}

/// `PATH#RUN`
fn address(path: &Path, run: &str) -> PathBuf {
    let mut address = OsString::from(path);
    address.push("#");
    address.push(run);
    address.into()
}

/// Whether a path leads to something, also one with `#RUN` behind it.
fn is_there(path: &Path) -> bool {
    path.as_os_str() == "-" || path.symlink_metadata().is_ok()
}

/// The folder of the run that the store has by this id or name. `None`: it has none, or there is no store.
fn in_store(asked: &Asked) -> Result<Option<PathBuf>, Fail> {
    let Some(store) = Store::find(&Whereabouts::of_process(asked.store.store.clone())?) else { return Ok(None) };
    let Some(name) = asked.run.to_str() else { return Ok(None) };
    match store.find_run(name) {
        Ok(folder) => Ok(Some(folder.path().to_owned())),
        // Which of several is for the person to say; what is unknown here may be known elsewhere.
        Err(error @ StoreError::Unknown(Unknown::Several { .. })) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// Runs of the store whose ids or names look like what was asked for.
fn near(asked: &Asked) -> Vec<String> {
    let store = Whereabouts::of_process(asked.store.store.clone()).ok().and_then(|at| Store::find(&at));
    match store.zip(asked.run.to_str()).map(|(store, name)| store.find_run(name)) {
        Some(Err(StoreError::Unknown(Unknown::None { near, .. }))) => near,
        _ => vec![],
    }
}

fn fail(error: OpenError, asked: &Asked) -> Fail {
    match &error {
        OpenError::Open { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            let word = asked.run.to_string_lossy();
            let hint = match is_filter(&word) {
                true => format!("here one run is named, by its path, id or name; {HOW_FILTERS_ARE_WRITTEN}"),
                false => {
                    "give a file, a folder, a database, or a run of the store (its id, short id or name): `og runs` lists these".into()
                }
            };
            unknown(&word, &near(asked).iter().map(String::as_str).collect::<Vec<_>>(), hint)
        }
        _ => StoreError::Foreign(error).into(),
    }
}
