//! Dicts in dicts, whose entries are named by the keys on the way to them.

use serde_json::{Map, Value};

/// Sets the entry at `parts`. `gone` is told what stood there before, or where one of the dicts on the way is now.
pub(super) fn set(mut dict: &mut Map<String, Value>, parts: &[String], value: Value, gone: &mut dyn FnMut(&[String], Value)) {
    let Some((last, outer)) = parts.split_last() else { return };
    for (depth, part) in outer.iter().enumerate() {
        let inner = dict.entry(part.as_str()).or_insert_with(|| Map::new().into());
        if !inner.is_object() {
            gone(&parts[..=depth], std::mem::replace(inner, Map::new().into()));
        }
        dict = inner.as_object_mut().expect("it was made one");
    }
    if let Some(before) = dict.insert(last.clone(), value) {
        gone(parts, before);
    }
}

/// Takes the entry at `parts` out.
pub(super) fn remove(mut dict: &mut Map<String, Value>, parts: &[String]) -> Option<Value> {
    let (last, outer) = parts.split_last()?;
    for part in outer {
        dict = dict.get_mut(part)?.as_object_mut()?;
    }
    dict.shift_remove(last)
}
