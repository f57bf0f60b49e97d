//! The summary as the client keeps it: dicts in dicts, in which what is set last stands.

use crate::source::Record;
use serde_json::{Map, Value};
use std::collections::VecDeque;

/// What stands in the summary, and so what falls out of it when an entry is set anew.
#[derive(Default)]
pub(super) struct Summary(Map<String, Value>);

impl Summary {
    /// Sets the entry whose name has these parts. Gives out its leaves, and those that stood in its place.
    pub(super) fn set(&mut self, parts: &[String], value: Value, out: &mut VecDeque<Record>) {
        let (mut dict, mut path) = (&mut self.0, String::new());
        let (last, outer) = parts.split_last().map_or(("", &[][..]), |(last, outer)| (last.as_str(), outer));
        for part in outer {
            path.push_str(part);
            let inner = dict.entry(part.as_str()).or_insert_with(|| Map::new().into());
            if !inner.is_object() {
                out.push_back(Record::SummaryRemoved(path.clone()));
                *inner = Map::new().into();
            }
            dict = inner.as_object_mut().expect("it was made one");
            path.push('.');
        }
        path.push_str(last);
        let is_dict = value.is_object();
        let before = dict.insert(last.to_owned(), value.clone());
        if let Some(before) = before.filter(|before| is_dict || before.is_object()) {
            leaves(path.clone(), before, &mut |name, _| out.push_back(Record::SummaryRemoved(name)));
        }
        leaves(path, value, &mut |name, value| out.push_back(Record::Summary(name, value)));
    }

    /// Takes the entry out, and all that is in it.
    pub(super) fn remove(&mut self, parts: &[String], out: &mut VecDeque<Record>) {
        let mut place = Some(&mut self.0);
        let (last, outer) = parts.split_last().map_or(("", &[][..]), |(last, outer)| (last.as_str(), outer));
        for part in outer {
            place = place.and_then(|dict| dict.get_mut(part)?.as_object_mut());
        }
        // It may be known by its rows alone.
        let before = place.and_then(|dict| dict.shift_remove(last)).unwrap_or_default();
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
