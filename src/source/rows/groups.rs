//! Metrics of which each has its own lists of steps, times and values, as Sacred's `metrics.json` has them:
//! `{"loss": {"steps": [0, 10], "timestamps": ["2026-11-21T12:00:00", ...], "values": [2.5, 2.25]}, ...}`.
//!
//! Source: `sacred/observers/file_storage.py` (`log_metrics`) of Sacred 0.8.

use super::document::{CELLS_MAX, Columns};
use crate::model::num;
use crate::source::{
    columns::{is_time, may_be_step, whole},
    json::{Cursor, Token, lenient},
};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeMap};

/// What the list of the values of a metric is called.
const VALUES: &[&str] = &["values", "value"];

/// Columns of all metrics over one column of steps, and one of times where they say any.
pub(super) fn groups(text: &str) -> Option<Columns> {
    if !has_groups(text) || memchr::memchr_iter(b',', text.as_bytes()).count() > CELLS_MAX {
        return None;
    }
    let Some(Value::Object(object)) = lenient(text) else { return None };
    let (mut times, mut metrics) = (BTreeMap::new(), vec![]);
    for (name, group) in &object {
        let group = Group::of(group.as_object()?)?;
        times.extend(group.steps.iter().copied().zip(group.times.unwrap_or_default()));
        metrics.push((name, group.steps.into_iter().zip(group.values).collect::<BTreeMap<_, _>>()));
    }
    let mut steps: Vec<i64> = metrics.iter().flat_map(|(_, points)| points.keys().copied()).collect();
    steps.sort_unstable();
    steps.dedup();
    if steps.is_empty() || steps.len() * (metrics.len() + 2) > CELLS_MAX {
        return None;
    }
    let column = |at: &dyn Fn(i64) -> Value| steps.iter().map(|step| at(*step)).collect::<Vec<_>>();
    let mut out = vec![("step".to_owned(), column(&Value::from))];
    if !times.is_empty() {
        out.push(("timestamp".to_owned(), column(&|step| times.get(&step).map_or(Value::Null, |time| (*time).clone()))));
    }
    for (name, points) in metrics {
        out.push((name.clone(), column(&|step| points.get(&step).map_or(Value::Null, |value| (*value).clone()))));
    }
    Some(out)
}

/// Whether an object begins with such a metric, as far as its text goes.
pub(super) fn has_groups(text: &str) -> bool {
    let (mut is_first, mut has_steps, mut has_other) = (true, false, false);
    // Where the text ends early, what was found counts.
    let _ = Cursor::new(text).object(|cursor, _| {
        if !std::mem::take(&mut is_first) || cursor.peek()? != b'{' {
            return None;
        }
        let _ = cursor.object(|cursor, key| {
            let is_list = cursor.peek()? == b'[';
            has_steps |= is_list && may_be_step(&key);
            has_other |= !is_list || !(may_be_step(&key) || VALUES.contains(&&*key) || singular(&key).is_some());
            cursor.skip()
        });
        None
    });
    has_steps && !has_other
}

/// The lists of one metric, all of one length.
struct Group<'a> {
    steps: Vec<i64>,
    values: &'a [Value],
    times: Option<&'a [Value]>,
}

impl<'a> Group<'a> {
    fn of(object: &'a Map<String, Value>) -> Option<Group<'a>> {
        let (mut steps, mut values, mut times) = (None, None, None);
        for (name, list) in object {
            let list = list.as_array()?.as_slice();
            match name.as_str() {
                name if may_be_step(name) => {
                    steps = Some(list.iter().map(|step| num::from_json(step).and_then(whole)).collect::<Option<Vec<_>>>()?)
                }
                name if VALUES.contains(&name) => values = Some(list),
                name if list.iter().all(|time| is_time_of(name, time)) => times = Some(list),
                _ => return None,
            }
        }
        let (steps, values) = (steps?, values?);
        let are_numbers = values.iter().all(|value| num::from_json(value).is_some() || value.is_null());
        let is_even = values.len() == steps.len() && times.is_none_or(|times| times.len() == steps.len());
        (are_numbers && is_even).then_some(Group { steps, values, times })
    }
}

fn is_time_of(name: &str, time: &Value) -> bool {
    let token = match time {
        Value::String(text) => Token::Text(Cow::Borrowed(text)),
        time => time.as_f64().map_or(Token::Other, Token::Number),
    };
    singular(name).is_some_and(|name| is_time(name, &token))
}

/// `timestamps` are each a `timestamp`.
fn singular(name: &str) -> Option<&str> {
    name.strip_suffix('s')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_with_steps_of_their_own_stand_at_them() {
        let text = r#"{"acc": {"steps": [10], "timestamps": ["2026-11-21T12:00:01.5"], "values": [0.5]},
            "loss": {"steps": [0, 10], "timestamps": ["2026-11-21T12:00:00", "2026-11-21T12:00:01"], "values": [2.5, NaN]}}"#;
        let rows = serde_json::json!([
            ["step", [0, 10]],
            ["timestamp", ["2026-11-21T12:00:00", "2026-11-21T12:00:01"]],
            ["acc", [null, 0.5]],
            ["loss", [2.5, "NaN"]]
        ]);
        assert_eq!(serde_json::to_value(groups(text)).ok(), Some(rows));
        assert!((1..text.len()).filter(|end| has_groups(&text[..*end])).count() > text.len() / 2, "the start of it tells it");
        for other in [
            r#"{"loss": {"steps": [0, 10], "values": [2.5]}}"#,
            r#"{"loss": {"steps": [0, 10], "values": ["a", "b"]}}"#,
            r#"{"lr": {"steps": [0, 10], "gamma": 0.1}}"#,
            r#"{"args": {"lr": 1}, "loss": {"steps": [0], "values": [1]}}"#,
        ] {
            assert_eq!(groups(other), None, "{other}");
        }
    }
}
