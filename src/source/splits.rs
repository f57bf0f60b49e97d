//! Tables with a row for the training and one for each check of it (`split`: `train`, `val`), or with the rows of several runs: what they
//! tell under one name.

use super::{
    columns::is_step,
    keys::{KEYS_MAX, Keys, NAMES_BYTES_MAX},
};
use std::collections::HashMap;

/// Says under which name a row of a split tells a value: under its own where no other split had it first, else with the split in
/// front (`val/loss`). A name keeps to one split for good. Before any row of the training, all names are kept for that.
#[derive(Default)]
pub(super) struct Splits {
    /// What rows have a name for their own.
    owners: HashMap<String, &'static str>,
    owned_bytes: usize,
    has_training: bool,
    /// Rows were passed over, and one behind them has a name that none before them had.
    jumped: bool,
    is_doubtful: bool,
    name: String,
    /// The run of the row, where the table holds several.
    run: Option<String>,
    full_name: String,
}

impl Splits {
    /// The rows from here on are of this run, which stands in front of all their names (`seed_1/loss`).
    pub(super) fn of_run(&mut self, run: Option<String>) {
        self.run = run;
    }

    /// Rows were passed over, behind others or not.
    pub(super) fn jump(&mut self, has_head: bool) {
        self.jumped = has_head;
    }

    /// Whether a name may have been told first by rows that were passed over.
    pub(super) fn are_doubtful(&self) -> bool {
        self.is_doubtful
    }

    /// Adds a value to the row of `keys`, which is of `split`; an empty one is the training.
    pub(super) fn put(&mut self, split: Option<&'static str>, name: &str, value: f64, keys: &mut Keys) {
        let Some(split) = split.filter(|_| !is_step(name)) else { return self.give(name, value, keys) };
        self.has_training |= split.is_empty();
        let owner = self.owners.get(name).copied().unwrap_or_else(|| {
            let owner = if self.has_training { split } else { "" };
            self.is_doubtful |= self.jumped;
            if self.owners.len() < KEYS_MAX && self.owned_bytes + name.len() <= NAMES_BYTES_MAX {
                self.owned_bytes += name.len();
                self.owners.insert(name.to_owned(), owner);
            }
            owner
        });
        if owner == split {
            return self.give(name, value, keys);
        }
        let mut of_split = std::mem::take(&mut self.name);
        of_split.clear();
        of_split.extend([if split.is_empty() { "train" } else { split }, "/", name]);
        self.give(&of_split, value, keys);
        self.name = of_split;
    }

    fn give(&mut self, name: &str, value: f64, keys: &mut Keys) {
        let Some(run) = &self.run else { return keys.put(name, value) };
        self.full_name.clear();
        self.full_name.extend([run, "/", name]);
        keys.put(&self.full_name, value);
    }
}
