//! Tables with a row for the training and one for each check of it (`split`: `train`, `val`): what both tell under one name.

use super::{
    columns::is_step,
    keys::{KEYS_MAX, Keys},
};
use std::collections::HashMap;

/// Says under which name a row of a check tells a value: under its own, unless that is one of other rows too (`val/loss`).
#[derive(Default)]
pub(super) struct Splits {
    /// What rows a name was first seen in.
    owners: HashMap<String, &'static str>,
    has_training: bool,
    name: String,
}

impl Splits {
    /// Adds a value to the row of `keys`, which is of `split`; an empty one is the training.
    pub(super) fn put(&mut self, split: Option<&'static str>, name: &str, value: f64, keys: &mut Keys) {
        let Some(split) = split.filter(|_| !is_step(name)) else { return keys.put(name, value) };
        self.has_training |= split.is_empty();
        let owner = self.owners.get(name).copied();
        let is_own = split.is_empty() || owner.map_or(self.has_training, |owner| owner == split);
        if is_own && owner != Some(split) && self.owners.len() < KEYS_MAX {
            self.owners.insert(name.to_owned(), split);
        }
        if is_own {
            return keys.put(name, value);
        }
        self.name.clear();
        self.name.extend([split, "/", name]);
        keys.put(&self.name, value);
    }
}
