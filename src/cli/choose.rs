//! Which runs somebody means: by name, by path, or by what is known of them.

use super::{args::StoreArgs, fail::Fail, out};
use crate::{
    canvas::io::is_process,
    model::near,
    query::runs::{Now, RunQuery, RunRow, doubled, sort},
    source::{self, RunRef},
    store::{Store, StoreError, Unknown, Whereabouts, settled},
    ui::{Catalog, env_path},
};
use std::{
    cmp::Ordering,
    path::{Path, PathBuf},
};

/// Whether a word that is no path is meant as a filter: no run is called so by anybody who has to type it.
pub fn is_filter(word: &str) -> bool {
    let is_regex = word.len() > 2 && word.starts_with('/') && word.ends_with('/');
    is_regex || word.contains([' ', ':', '=', '<', '>', '~', '!', '*', '('])
}

fn catalog(at: &Whereabouts, places: Vec<PathBuf>) -> Catalog {
    let places = places.iter().map(|place| settled(place)).collect();
    Catalog::new(places, is_process).with_remarks(Store::find(at).into_iter().collect())
}

/// The runs of some places, each read once, with what is remarked on them here.
fn rows(at: &Whereabouts, places: Vec<PathBuf>) -> Vec<RunRow> {
    catalog(at, places).all(|_| true)
}

/// The runs that one can choose from.
pub struct Choice {
    catalog: Catalog,
    /// By their paths.
    rows: Vec<RunRow>,
    at: Whereabouts,
    now: Now,
}

impl Choice {
    /// All runs that are known from here, each seen at a glance.
    pub fn new(store: &StoreArgs) -> Result<Choice, Fail> {
        let at = Whereabouts::of_process(store.store.clone())?;
        let zoned = jiff::Zoned::now();
        let now = Now { secs: zoned.timestamp().as_millisecond() as f64 / 1e3, utc_offset: f64::from(zoned.offset().seconds()) };
        let mut choice = Choice { catalog: catalog(&at, Catalog::places(&at, env_path)), rows: vec![], at, now };
        choice.look(|_| false);
        Ok(choice)
    }

    /// Looks at all runs, and reads those that `read` wants to know more of.
    fn look(&mut self, read: impl Fn(&RunRow) -> bool) {
        self.rows = self.catalog.all(read);
        self.rows.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// These runs, each read.
    fn read(&mut self, paths: &[PathBuf]) -> Vec<RunRow> {
        self.look(|row| paths.contains(&row.path));
        paths.iter().filter_map(|path| self.rows.iter().find(|row| row.path == *path)).cloned().collect()
    }

    /// When they were looked at.
    pub fn now(&self) -> Now {
        self.now
    }

    /// How many runs are known from here.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// The runs that fit a filter, as it sorts them; without `sort:` the newest first. Those are read that a glance does not
    /// tell enough of.
    pub fn fitting(&mut self, filter: &str) -> Result<Vec<&RunRow>, Fail> {
        let query = RunQuery::parse(filter)
            .map_err(|error| Fail { exit: super::fail::EXIT_USAGE, ..Fail::of("bad_filter", &error, Some(error.hint().into())) })?;
        let now = self.now;
        self.look(|row| !query.is_settled(row, now));
        let doubled = doubled(&self.rows);
        let is_listed = |row: &RunRow| query.fits(row, now) && !doubled.contains(row.path.as_path());
        let mut fitting: Vec<usize> = (0..self.rows.len()).filter(|row| is_listed(&self.rows[*row])).collect();
        sort(&self.rows, &mut fitting, query.sort.as_ref(), now.secs);
        Ok(fitting.into_iter().map(|row| &self.rows[row]).collect())
    }

    /// The runs that a word of the command line means: one by its path, its id, short id or name; else those that fit it as a
    /// filter. Each is read.
    pub fn meant(&mut self, word: &str) -> Result<Vec<RunRow>, Fail> {
        let path = Path::new(word);
        let is_of_database = || word.contains('#') && source::runs(path).is_ok();
        if path.exists() || is_of_database() {
            let mut rows = rows(&self.at, vec![path.to_owned()]);
            if rows.is_empty() {
                // What only a search finds: a folder of logs, or of folders of runs.
                let found = source::runs(path).map_err(StoreError::from)?;
                rows = self::rows(&self.at, found.iter().map(RunRef::address).collect());
            }
            return if rows.is_empty() { Err(Fail::new("not_found", format!("{word} holds no run"))) } else { Ok(rows) };
        }
        if is_filter(word) {
            let fitting: Vec<PathBuf> = self.fitting(word)?.into_iter().map(|row| row.path.clone()).collect();
            return Ok(self.read(&fitting));
        }
        let named: Vec<&RunRow> = self.rows.iter().filter(|row| row.id == word || row.name == word).collect();
        if let Some(newest) = named.iter().max_by(|a, b| a.time().partial_cmp(&b.time()).unwrap_or(Ordering::Equal)) {
            if named.len() > 1 {
                out::note(format!("{} runs are called {word}; this is the newest, {}", named.len(), newest.id));
            }
            let path = newest.path.clone();
            return Ok(self.read(&[path]));
        }
        match Store::find(&self.at).map(|store| store.find_run(word)) {
            Some(Ok(folder)) => Ok(rows(&self.at, vec![folder.path().to_owned()])),
            None | Some(Err(StoreError::Unknown(Unknown::None { .. }) | StoreError::NotARun { .. })) => Err(self.unknown(word)),
            Some(Err(error)) => Err(error.into()),
        }
    }

    /// No run is called so: which may have been meant.
    pub fn unknown(&self, word: &str) -> Fail {
        let near = near(word, self.rows.iter().flat_map(|row| [row.name.as_str(), row.id.as_str()]));
        let hint = match self.rows.len() {
            0 => "none is known from here; `og run train.py` starts one".into(),
            count => format!("{count} are known from here; {HOW_FILTERS_ARE_WRITTEN}"),
        };
        unknown(word, &near, hint)
    }
}

/// For those who looked for a run and meant several.
pub const HOW_FILTERS_ARE_WRITTEN: &str = "a filter is written like `og runs 'state:running since:2d'` or `og runs 'config.lr>=3e-4 !foo'`";

/// Neither a run nor a path is called so. `near`: what may have been meant; else `hint` says what to do.
pub fn unknown(word: &str, near: &[&str], hint: impl Into<String>) -> Fail {
    let hint = if near.is_empty() { hint.into() } else { format!("did you mean {}?", near.join(", ")) };
    // A path is not looked for among the names.
    let message = match word.contains('/') {
        true => format!("there is no {word}"),
        false => format!("no run is called `{word}`, and there is no such path"),
    };
    Fail::new("not_found", message).hint(hint)
}
