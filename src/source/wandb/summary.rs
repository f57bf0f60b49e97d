//! The summary as the client keeps it: dicts in dicts, in which what is set last stands.

use super::dicts;
use crate::source::Record;
use serde_json::{Map, Value};
use std::collections::VecDeque;

/// What stands in the summary, and so what falls out of it when an entry is set anew.
#[derive(Default)]
pub(super) struct Summary(Map<String, Value>);

impl Summary {
    /// Sets the entry whose name has these parts. Gives out its leaves, and those that stood in its place.
    pub(super) fn set(&mut self, parts: &[String], value: Value, out: &mut VecDeque<Record>) {
        let is_dict = value.is_object();
        dicts::set(&mut self.0, parts, value.clone(), &mut |at, before| {
            if is_dict || before.is_object() || at.len() < parts.len() {
                leaves(at.join("."), before, &mut |name, _| out.push_back(Record::SummaryRemoved(name)));
            }
        });
        leaves(parts.join("."), value, &mut |name, value| out.push_back(Record::Summary(name, value)));
    }

    /// Takes the entry out, and all that is in it.
    pub(super) fn remove(&mut self, parts: &[String], out: &mut VecDeque<Record>) {
        // It may be known by its rows alone.
        let before = dicts::remove(&mut self.0, parts).unwrap_or_default();
        leaves(parts.join("."), before, &mut |name, _| out.push_back(Record::SummaryRemoved(name)));
    }
}

/// Gives out every leaf of a value under its name joined with `.`; an empty dict is a leaf.
fn leaves(name: String, value: Value, out: &mut dyn FnMut(String, Value)) {
    match value {
        Value::Object(map) if !map.is_empty() => map.into_iter().for_each(|(key, value)| leaves(format!("{name}.{key}"), value, out)),
        value => out(name, value),
    }
}
