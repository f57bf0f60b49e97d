//! Opens what a person means by a path or by the name of a run.

use super::{args::StoreArgs, fail::Fail};
use crate::{
    canvas::io as canvases,
    store::{RunReader, Store, StoreError, Whereabouts},
};
use std::path::{Path, PathBuf};

/// What a path or a name leads to.
pub enum Found {
    /// A run.
    One(Box<RunReader>),
    /// A store, a database or a folder of several.
    Several(Vec<Held>),
}

/// One run of several.
pub struct Held {
    /// What it is called.
    pub name: String,
    path: PathBuf,
}

impl Held {
    /// Opens it.
    pub fn open(&self) -> Result<RunReader, Fail> {
        Ok(RunReader::open(&self.path)?)
    }
}

/// The runs that `asked` means: a path first, then an id, a short id or a name in the store. `name` picks one of several.
pub fn find(asked: &str, name: Option<&str>, store: &StoreArgs) -> Result<Found, Fail> {
    let path = Path::new(asked);
    let _ = name;
    if path.exists() {
        return Ok(Found::One(Box::new(RunReader::open(path)?)));
    }
    let known = Store::find(&Whereabouts::of_process(store.store.clone())?);
    match known.map(|store| store.find_run(asked)) {
        Some(Ok(folder)) => Ok(Found::One(Box::new(RunReader::open(folder.path())?))),
        Some(Err(error @ StoreError::Unknown(_))) => Err(error.into()),
        _ => Err(Fail::new("not_found", format!("there is no {asked}, and no run of that name"))
            .hint("give a file, a folder, or a run of the store (its id, short id or name)")),
    }
}

/// Several runs where one is needed.
pub fn which(asked: &str, runs: &[Held]) -> Fail {
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).take(5).collect();
    let more = if runs.len() > names.len() { ", ..." } else { "" };
    Fail::new("several_runs", format!("{asked} holds {} runs", runs.len())).hint(format!("name one with --run: {}{more}", names.join(", ")))
}

/// A run of og's whose training is gone without an exit is lost; nobody but the process table knows.
pub fn mark_lost(reader: &mut RunReader) {
    if reader.picture().pid().is_some_and(|pid| !canvases::is_process(pid)) {
        reader.mark_lost();
    }
}
