//! Tables as pandas' `DataFrame.to_json` writes them, in each of its orientations that names columns and is no plain list of rows.
//!
//! - by columns: `{"step": {"0": 0, "1": 10}, "loss": {"0": 2.1, "1": 2.0}}`; people write rows by epoch as it does by index
//! - by index: `{"0": {"step": 0, "loss": 2.1}, "1": {...}}`
//! - split: `{"columns": ["step", "loss"], "index": [0, 1], "data": [[0, 2.1], [10, 2.0]]}`
//! - as a table: `{"schema": {...}, "data": [{"index": 0, "step": 0, "loss": 2.1}, ...]}`, of which the index says nothing
//!
//! Of numbers by class or by rank nobody wants a curve, and they look the same: a table has steps that rise, or a loss.
//!
//! Source: `pandas/io/json/_json.py` of pandas 3.0, and what it writes.

use super::document::{CELLS_MAX, Columns};
use crate::model::num;
use crate::source::{
    columns::{is_step, whole},
    json::{Cursor, lenient},
    metrics::is_loss,
};
use serde_json::{Map, Value};

/// The columns of such a table.
pub(super) fn frame(text: &str) -> Option<Columns> {
    // Most objects begin with a number or a text, which settles it.
    let mut first = None;
    let _ = Cursor::new(text).object(|cursor, key| {
        first = Some((key.into_owned(), cursor.peek()?));
        None
    });
    let (name, value) = first?;
    let may_be = matches!(value, b'{') || matches!((name.as_str(), value), ("columns" | "index" | "data", b'['));
    if !may_be || memchr::memchr_iter(b',', text.as_bytes()).count() > CELLS_MAX {
        return None;
    }
    let Some(Value::Object(object)) = lenient(text) else { return None };
    let columns = split(&object).or_else(|| table(&object)).or_else(|| by_index(&object)).or_else(|| by_columns(&object))?;
    let cells = columns.len() * columns.first().map_or(0, |(_, items)| items.len());
    (cells <= CELLS_MAX).then_some(columns)
}

fn split(object: &Map<String, Value>) -> Option<Columns> {
    let (Value::Array(names), Value::Array(rows)) = (object.get("columns")?, object.get("data")?) else { return None };
    let index = object.get("index").and_then(Value::as_array);
    if object.keys().any(|key| !matches!(key.as_str(), "columns" | "index" | "data"))
        || index.is_some_and(|index| index.len() != rows.len())
    {
        return None;
    }
    let names = names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()?;
    let mut columns: Columns = names.into_iter().map(|name| (name, vec![])).collect();
    for row in rows {
        let row = row.as_array().filter(|row| row.len() == columns.len())?;
        columns.iter_mut().zip(row).for_each(|((_, items), value)| items.push(value.clone()));
    }
    let index = index.and_then(|index| index.iter().map(|step| num::from_json(step).and_then(whole)).collect::<Option<Vec<_>>>());
    with_index(&mut columns, index);
    (!rows.is_empty()).then_some(columns)
}

fn table(object: &Map<String, Value>) -> Option<Columns> {
    let index = object.get("schema")?.get("primaryKey")?.as_array()?;
    if index.len() != 1 || index[0] != "index" {
        return None;
    }
    let rows = object.get("data")?.as_array()?.iter().map(Value::as_object).collect::<Option<Vec<_>>>()?;
    of_rows(&rows).map(|mut columns| {
        columns.retain(|(name, _)| name != "index");
        columns
    })
}

fn by_index(object: &Map<String, Value>) -> Option<Columns> {
    let rows = object.iter().map(|(key, row)| Some((key.parse::<i64>().ok()?, row.as_object()?))).collect::<Option<Vec<_>>>();
    let mut rows = rows.filter(|rows| rows.len() > 1)?;
    rows.sort_unstable_by_key(|(index, _)| *index);
    let (index, rows): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let mut columns = of_rows(&rows)?;
    let is_table = is_told(&columns);
    with_index(&mut columns, Some(index));
    is_table.then_some(columns)
}

fn by_columns(object: &Map<String, Value>) -> Option<Columns> {
    let (mut columns, mut index) = (vec![], None);
    for (name, cells) in object {
        let cells = cells.as_object().filter(|cells| cells.len() > 1)?;
        let mut cells = cells.iter().map(|(key, value)| Some((key.parse::<i64>().ok()?, value))).collect::<Option<Vec<_>>>()?;
        cells.sort_unstable_by_key(|(index, _)| *index);
        let (keys, items): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
        if *index.get_or_insert_with(|| keys.clone()) != keys || items.iter().any(|item| item.is_object() || item.is_array()) {
            return None;
        }
        columns.push((name.clone(), items.into_iter().cloned().collect()));
    }
    let is_table = is_told(&columns);
    with_index(&mut columns, index);
    is_table.then_some(columns)
}

/// The columns of rows; what a row lacks is null.
fn of_rows(rows: &[&Map<String, Value>]) -> Option<Columns> {
    let mut columns: Columns = vec![];
    for (at, row) in rows.iter().enumerate() {
        for (name, value) in *row {
            let known = columns.iter().position(|(known, _)| known == name);
            let column = known.unwrap_or_else(|| {
                columns.push((name.clone(), vec![Value::Null; at]));
                columns.len() - 1
            });
            columns[column].1.push(value.clone());
        }
        columns.iter_mut().for_each(|(_, items)| items.resize(at + 1, Value::Null));
        if columns.len() * rows.len() > CELLS_MAX {
            return None;
        }
    }
    (!columns.is_empty()).then_some(columns)
}

/// Without a column of steps, the index is one.
fn with_index(columns: &mut Columns, index: Option<Vec<i64>>) {
    let index = index.filter(|_| !columns.iter().any(|(name, _)| is_step(name)));
    columns.extend(index.map(|index| ("step".to_owned(), index.into_iter().map(Value::from).collect())));
}

/// Whether a table has steps that rise, or a loss.
fn is_told(columns: &Columns) -> bool {
    let rises = |items: &[Value]| {
        let steps: Option<Vec<i64>> = items.iter().map(|item| num::from_json(item).and_then(whole)).collect();
        steps.is_some_and(|steps| steps.is_sorted() && steps.first() < steps.last())
    };
    columns.iter().any(|(name, items)| is_step(name) && rises(items) || is_loss(name) && items.iter().any(Value::is_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What pandas 3.0 wrote of three rows, in the order of its rows: (step, loss).
    fn rows(text: &str) -> Option<Vec<(i64, f64)>> {
        let columns = frame(text)?;
        let column = |name: &str| columns.iter().find(|(known, _)| known == name).map(|(_, items)| items);
        let (steps, losses) = (column("step")?, column("loss")?);
        assert!(columns.iter().all(|(name, _)| name != "index"));
        steps.iter().zip(losses).map(|(step, loss)| Some((step.as_i64()?, loss.as_f64()?))).collect()
    }

    #[test]
    fn a_table_is_read_in_each_orientation() {
        let want = Some(vec![(0, 2.5), (10, 2.4), (20, 2.25)]);
        for text in [
            r#"{"step":{"0":0,"1":10,"2":20},"loss":{"0":2.5,"1":2.4,"2":2.25}}"#,
            r#"{"0":{"step":0,"loss":2.5},"1":{"step":10,"loss":2.4},"2":{"step":20,"loss":2.25}}"#,
            r#"{"columns":["step","loss"],"index":[0,1,2],"data":[[0,2.5],[10,2.4],[20,2.25]]}"#,
            r#"{"schema":{"fields":[{"name":"index","type":"integer"}],"primaryKey":["index"],"pandas_version":"1.4.0"},"data":[{"index":0,"step":0,"loss":2.5},{"index":1,"step":10,"loss":2.4},{"index":2,"step":20,"loss":2.25}]}"#,
            // The steps are the index.
            r#"{"loss":{"0":2.5,"10":2.4,"20":2.25}}"#,
            r#"{"0":{"loss":2.5},"10":{"loss":2.4},"20":{"loss":2.25}}"#,
            r#"{"columns":["loss"],"index":[0,10,20],"data":[[2.5],[2.4],[2.25]]}"#,
        ] {
            assert_eq!(rows(text), want, "{text}");
        }
    }

    #[test]
    fn numbers_by_class_or_by_rank_are_no_rows() {
        for text in [
            r#"{"precision":{"0":0.9,"1":0.8},"recall":{"0":0.9,"1":0.7}}"#,
            r#"{"0":{"precision":0.9,"support":10},"1":{"precision":0.8,"support":12},"accuracy":0.9}"#,
            r#"{"0":{"precision":0.9,"support":10},"1":{"precision":0.8,"support":12}}"#,
            r#"{"train":{"loss":2.5},"val":{"loss":2.5}}"#,
            r#"{"step":{"0":7},"loss":{"0":1.5}}"#,
            r#"{"columns":["a"],"data":[[1,2]]}"#,
            r#"{"data":[[1,2]]}"#,
            r#"{"config":{"lr":1},"log":[{"step":1,"loss":2}]}"#,
        ] {
            assert_eq!(frame(text), None, "{text}");
        }
    }
}
