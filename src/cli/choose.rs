//! Which runs somebody means: by name, by path, or by what is known of them.

use super::{args::StoreArgs, fail::Fail};
use crate::{
    canvas::io::is_process,
    query::runs::{Now, RunQuery, RunRow, sort},
    source,
    store::{Store, Whereabouts},
    ui::{Catalog, env_path},
};
use std::path::Path;

/// Whether a word is meant as a filter: no run is called so by anybody who has to type it.
pub fn is_filter(word: &str) -> bool {
    word.contains([' ', ':', '=', '<', '>', '~', '!', '*', '('])
}

/// The runs that one can choose from.
pub struct Choice {
    rows: Vec<RunRow>,
    store: StoreArgs,
    now: Now,
}

impl Choice {
    /// All runs that are known from here, each read once.
    pub fn new(store: &StoreArgs) -> Result<Choice, Fail> {
        let places = Catalog::places(&Whereabouts::of_process(store.store.clone())?, env_path);
        let zoned = jiff::Zoned::now();
        let now = Now { secs: zoned.timestamp().as_millisecond() as f64 / 1e3, utc_offset: f64::from(zoned.offset().seconds()) };
        let mut rows = Catalog::new(places, is_process).all(true);
        rows.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Choice { rows, store: store.clone(), now })
    }

    /// When they were looked at.
    pub fn now(&self) -> Now {
        self.now
    }

    /// The runs that fit a filter, as it sorts them; without `sort:` the newest first.
    pub fn fitting(&self, filter: &str) -> Result<Vec<&RunRow>, Fail> {
        let query = RunQuery::parse(filter)
            .map_err(|error| Fail { exit: super::fail::EXIT_USAGE, ..Fail::of("bad_filter", &error, Some(error.hint().into())) })?;
        let mut fitting: Vec<usize> = (0..self.rows.len()).filter(|row| query.fits(&self.rows[*row], self.now)).collect();
        sort(&self.rows, &mut fitting, query.sort.as_ref(), self.now.secs);
        Ok(fitting.into_iter().map(|row| &self.rows[row]).collect())
    }

    /// The runs that a word of the command line means: one by its path, its id, short id or name; else those that fit it as a
    /// filter.
    pub fn meant(&mut self, word: &str) -> Result<Vec<RunRow>, Fail> {
        let path = Path::new(word);
        let is_of_database = || word.contains('#') && source::runs(path).is_ok();
        if path.exists() || is_of_database() {
            let rows = Catalog::new(vec![path.to_owned()], is_process).all(true);
            return if rows.is_empty() { Err(Fail::new("not_found", format!("{word} holds no run"))) } else { Ok(rows) };
        }
        if is_filter(word) {
            return Ok(self.fitting(word)?.into_iter().cloned().collect());
        }
        if let Some(named) = self
            .rows
            .iter()
            .filter(|row| row.id == word || row.name == word)
            .max_by(|a, b| a.time().partial_cmp(&b.time()).unwrap_or(std::cmp::Ordering::Equal))
        {
            return Ok(vec![named.clone()]);
        }
        let Some(store) = Store::find(&Whereabouts::of_process(self.store.store.clone())?) else {
            return Err(Fail::new("not_found", format!("no run is called `{word}`")).hint("`og run train.py` starts one"));
        };
        let folder = store.find_run(word)?;
        Ok(Catalog::new(vec![folder.path().to_owned()], is_process).all(true))
    }
}
