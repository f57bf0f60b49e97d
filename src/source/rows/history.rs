//! Histories with something beside: lists by epoch of losses of the training and of its checks, which may be of other lengths, and numbers
//! and settings among them (`{"train_loss": [...], "val_loss": [...], "best_epoch": 3}`).
//!
//! Numbers by class look the same, so such a history has lists of a loss, or of metrics of the training and of a check. What stands at a
//! step, or measures what was measured by itself, is a row with lists in it; an epoch may say how long the lists are.

use super::document::{CELLS_MAX, Columns};
use crate::model::num;
use crate::source::{
    columns::{CHECKS, EPOCH, is_step, may_be_step, step_place, whole},
    json::{Cursor, lenient},
    keys::NAME_BYTES_MAX,
    metrics::{is_clear_metric, is_metric},
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Least rows: settings are pairs.
const ROWS_MIN: usize = 3;

/// Words of a metric that sums up others of its kind.
const SUMMED: &[&str] = &["best", "final", "last", "min", "max", "test"];

/// Words of metrics that are measured again and again.
const MEASURED: &[&str] = &["loss", "losses", "perplexity", "train", "val", "valid", "validation"];

/// The columns of such a history, those that are shorter filled up with nulls.
pub(super) fn history(text: &str) -> Option<Columns> {
    if !may_be(text) || memchr::memchr_iter(b',', text.as_bytes()).count() > CELLS_MAX {
        return None;
    }
    let Some(Value::Object(object)) = lenient(text) else { return None };
    let (mut columns, mut epochs) = (vec![], vec![]);
    gather("", &object, &mut columns, &mut epochs)?;
    let is_series = |(name, items): &(String, Vec<Value>)| is_metric(name) && items.len() > 1;
    let rows = columns.iter().filter(|column| is_series(column)).map(|(_, items)| items.len()).max().filter(|rows| *rows >= ROWS_MIN)?;
    // The last one, or how many there were.
    if epochs.iter().any(|epoch| [rows, rows - 1].iter().all(|rows| *epoch != *rows as f64)) {
        return None;
    }
    if let Some(placed) = place(&columns, rows) {
        columns = placed;
    }
    let rows = columns.iter().map(|(_, items)| items.len()).max().unwrap_or(rows).max(rows);
    // Where the rows have steps, shorter lists stand at others.
    let has_steps = columns.iter().any(|(name, items)| may_be_step(name) && items.len() == rows);
    columns.retain(|column| column.1.len() == rows || !has_steps && is_series(column));
    columns.iter_mut().for_each(|(_, items)| items.resize(rows, Value::Null));
    let is_told = columns.iter().any(|(name, _)| is_metric(name) && has_word(name, MEASURED));
    (is_told && columns.len() * rows <= CELLS_MAX).then_some(columns)
}

/// The columns where those of a check say their own steps (`val_steps` beside a shorter `val_loss`), all over one column of steps: that of the
/// `rows` of the training, or their numbers.
fn place(columns: &Columns, rows: usize) -> Option<Columns> {
    let steps = |items: &[Value]| items.iter().map(|item| num::from_json(item).and_then(whole)).collect::<Option<Vec<i64>>>();
    let of_check = |length: usize| columns.iter().find(|(name, items)| items.len() == length && is_step_of_check(name));
    let own = columns.iter().find(|(name, items)| items.len() == rows && may_be_step(name));
    let own = own.map_or_else(|| Some((0..).take(rows).collect()), |(_, items)| steps(items))?;
    let at = |length: usize| if length == rows { Some(own.clone()) } else { steps(&of_check(length)?.1) };
    let mut all: BTreeSet<i64> = own.iter().copied().collect();
    let mut placed = vec![];
    for (name, items) in columns.iter().filter(|(name, _)| !may_be_step(name) && !is_step_of_check(name)) {
        let Some(at) = at(items.len()) else { continue };
        all.extend(&at);
        placed.push((name, at.into_iter().zip(items).collect::<BTreeMap<_, _>>()));
    }
    let is_rising = own.windows(2).all(|pair| pair[0] < pair[1]);
    if !is_rising || placed.iter().all(|(_, items)| items.len() == rows) {
        return None;
    }
    let mut out = vec![("step".to_owned(), all.iter().map(|step| Value::from(*step)).collect())];
    for (name, items) in placed {
        out.push((name.clone(), all.iter().map(|step| items.get(step).map_or(Value::Null, |item| (*item).clone())).collect()));
    }
    Some(out)
}

/// `val_steps`, `eval.epoch`.
fn is_step_of_check(name: &str) -> bool {
    let (of, steps) = name.rsplit_once(['_', '.', '/', '-']).unwrap_or_default();
    may_be_step(steps) && has_word(of, CHECKS)
}

fn is_epoch(name: &str) -> bool {
    step_place(name) == Some(EPOCH)
}

fn has_word(name: &str, words: &[&str]) -> bool {
    name.split(['_', '-', '.', '/', ' ']).any(|word| words.iter().any(|one| word.eq_ignore_ascii_case(one)))
}

/// Whether it has a list of a metric, and no step in front: this settles it for most rows.
fn may_be(text: &str) -> bool {
    fn look(cursor: &mut Cursor, is_found: &mut bool) -> Option<()> {
        cursor.object(|cursor, key| match cursor.peek()? {
            b'{' => look(cursor, is_found),
            first => {
                *is_found |= first == b'[' && is_metric(&key);
                if !*is_found && first != b'[' && is_step(&key) && !is_epoch(&key) { None } else { cursor.skip() }
            }
        })
    }
    let mut is_found = false;
    look(&mut Cursor::new(text), &mut is_found).is_some() && is_found
}

/// Puts the lists of numbers into `out`, under joined names, and numbers of an epoch beside them into `epochs`. `None`: this is no history.
fn gather(path: &str, object: &Map<String, Value>, out: &mut Columns, epochs: &mut Vec<f64>) -> Option<()> {
    for (key, value) in object {
        let name = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            _ if name.len() > NAME_BYTES_MAX => {}
            Value::Object(inner) => gather(&name, inner, out, epochs)?,
            Value::Array(items) if items.iter().any(Value::is_object) => return None,
            // A number that is none comes as text.
            Value::Array(items) if items.iter().all(|item| num::from_json(item).is_some() || item.is_null()) => {
                out.push((name, items.clone()));
            }
            Value::Number(epoch) if is_epoch(key) => epochs.extend(epoch.as_f64()),
            Value::Number(_) if is_step(key) || is_clear_metric(key) && !has_word(key, SUMMED) => return None,
            _ => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_series_whatever_stands_beside() {
        let of = |text: &str| {
            let columns = history(text)?;
            let lengths = columns.iter().map(|(name, items)| (name.clone(), items.iter().filter(|item| !item.is_null()).count()));
            Some(lengths.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", "))
        };
        for (text, want) in [
            (r#"{"train_loss": [3, 2, 1], "val_loss": [3, 2], "best_epoch": 1, "best_val_loss": 2}"#, "train_loss 3, val_loss 2"),
            (r#"{"model": "a", "history": {"loss": [3, 2, 1], "lr": [1, 1, 1]}, "params": {"epochs": 3}}"#, "history.loss 3, history.lr 3"),
            (r#"{"args": {"lr": 0.1, "betas": [0.9, 0.99]}, "train_losses": [3, 2, 1], "layers": [["a"]]}"#, "train_losses 3"),
            (r#"{"time": 9, "step": [0, 9, 18], "loss": [3, 2, 1], "val_loss": [3, 2]}"#, "step 3, loss 3"),
            (r#"{"loss": [3, 2, 1], "val_loss": [3, 2], "val_steps": [1, 5]}"#, "step 4, loss 3, val_loss 2"),
            (
                r#"{"steps": [0, 9, 18], "train": {"loss": [3, 2, 1]}, "eval": {"step": [9, 18], "loss": [3, 2]}}"#,
                "step 3, train.loss 3, eval.loss 2",
            ),
            (r#"{"epoch": 3, "train_loss": [3, 2, 1], "val_loss": [3, 2, 1]}"#, "train_loss 3, val_loss 3"),
            (r#"{"epoch": 2, "best_acc": 0.5, "loss": [3, 2, 1], "lr": 0.1}"#, "loss 3"),
            // Of steps that fall nobody knows which is which.
            (r#"{"steps": [0, 9, 3], "loss": [3, 2, 1], "val_loss": [3, 2], "val_steps": [1, 5]}"#, "steps 3, loss 3"),
        ] {
            assert_eq!(of(text).as_deref(), Some(want), "{text}");
        }
        for text in [
            // A row with lists in it, numbers by class, settings, a list of rows.
            r#"{"step": 5, "loss": 0.5, "losses": [3, 2, 1]}"#,
            r#"{"epoch": 5, "losses": [3, 2, 1]}"#,
            r#"{"loss": 0.5, "losses": [3, 2, 1]}"#,
            r#"{"task": "a", "f1": [0.9, 0.8, 0.7]}"#,
            r#"{"name": "a", "loss_weights": [1, 2, 3]}"#,
            r#"{"loss": [3, 2, 1], "log": [{"step": 1, "loss": 2}]}"#,
            r#"{"loss": [3, 2]}"#,
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
