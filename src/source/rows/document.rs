//! What a JSON object is: a row, a table by columns, or a document with facts and maybe a list of rows.

use super::{
    frame::frame,
    groups::{groups, has_groups},
    history::history,
    lists::{Found, Lists, Merged, has_rows},
};
use crate::model::num;
use crate::source::{
    columns::{is_step, whole},
    json::{Cursor, lenient},
    keys::NAME_BYTES_MAX,
    metrics::is_metric,
};
use serde_json::Value;

/// Most cells of a table by columns, and most commas: a row takes many times the bytes of its text, and all are handed out at once.
pub(super) const CELLS_MAX: usize = 1 << 20;

/// Least rows of a table that is known by its steps alone.
const STEPS_MIN: usize = 3;

/// What a schedule sets from a step on, most often evenly spaced too.
const SCHEDULED: &[&str] = &["lr", "lrs", "learning_rate", "learning_rates"];

/// What an object holds.
pub(super) enum Shape<'a> {
    /// Values of one moment.
    Row,
    /// The rows of the list that is called so, and facts beside it; `None`: nothing but facts.
    Document(Option<String>),
    /// The rows of lists anywhere in it, and facts beside them.
    Lists(Merged<'a>),
    /// A list of numbers for each column.
    Table(Columns),
    /// The same, with facts beside.
    History(Columns),
}

/// The columns of a table, all of one length.
pub(super) type Columns = Vec<(String, Vec<Value>)>;

/// What an object is; most that have no list in them are rows where they stand on one line or in a list of objects.
pub(super) fn shape(text: &str, is_line: bool, is_in_array: bool) -> Shape<'_> {
    let has_list = text.contains('[');
    if has_list && let Some(columns) = columns(text).or_else(|| groups(text)) {
        return Shape::Table(columns);
    }
    if !is_in_array && let Some(columns) = frame(text) {
        return Shape::Table(columns);
    }
    let found = if has_list && !is_in_array { Lists::of(text).found(text) } else { None };
    if found.is_none()
        && has_list
        && !is_in_array
        && let Some(columns) = history(text)
    {
        return Shape::History(columns);
    }
    match found {
        Some(Found::One(list)) => Shape::Document(Some(list)),
        Some(Found::Together(lists)) => Shape::Lists(lists),
        None if is_line || is_in_array => Shape::Row,
        None => Shape::Document(None),
    }
}

/// Whether a text is the start of a document with rows in it. Settings in front of a log are none.
pub(in crate::source) fn is_document(head: &str) -> bool {
    let (end, text) = (document_end(head), head.trim_ascii_start());
    let behind = end.map_or("", |end| head[end..].trim_ascii_start());
    let has_rows = match end {
        _ if text.starts_with('[') => may_be_document(text) && has_rows("", Cursor::new(text)),
        Some(end) => !matches!(shape(&head[..end], true, false), Shape::Row),
        // One on many lines, or on one that is too long to be a row.
        None => {
            (may_be_document(text) || text.starts_with('{') && !text.contains('\n'))
                && (Lists::of(text).is_any() || has_columns(text) || has_groups(text))
        }
    };
    has_rows && (behind.is_empty() || behind.starts_with(['{', '[']))
}

/// Whether a text begins like an array of objects, or like an object over several lines, as far as it goes.
pub(in crate::source) fn may_be_document(text: &str) -> bool {
    let begins = |text: &str, with: char| text.is_empty() || text.starts_with(with);
    let text = text.trim_ascii_start();
    let object = match text.strip_prefix('[') {
        Some(inside) if inside.trim_ascii().is_empty() => return true,
        Some(inside) => inside.trim_ascii_start().strip_prefix('{'),
        None => text.strip_prefix('{').filter(|inside| begins(inside.trim_start_matches([' ', '\t', '\r']), '\n')),
    };
    object.is_some_and(|inside| begins(inside.trim_ascii_start(), '"'))
}

/// Where the value that a text begins with ends, if it does.
pub(in crate::source) fn document_end(text: &str) -> Option<usize> {
    let mut cursor = Cursor::new(text);
    cursor.skip().map(|()| cursor.at())
}

/// Whether an object has a number of its own that is surely a step or a metric.
pub(super) fn is_row(text: &str) -> bool {
    let mut is_known = false;
    let read = Cursor::new(text).object(|cursor, key| {
        let is_number = matches!(cursor.peek()?, b'0'..=b'9' | b'-' | b'N' | b'I');
        is_known |= is_number && (is_step(&key) || is_metric(&key));
        cursor.skip()
    });
    read.is_some() && is_known
}

/// Whether an object has nothing but lists of numbers, as far as its text goes, one of them surely a metric or of steps.
fn has_columns(text: &str) -> bool {
    let (mut are_lists, mut is_known) = (true, false);
    // Where the text ends early, what was found counts.
    let _ = Cursor::new(text).object(|cursor, key| {
        are_lists &= cursor.peek()? == b'[';
        let mut inside = cursor.clone();
        inside.pass();
        are_lists &= matches!(inside.peek()?, b'0'..=b'9' | b'-' | b'N' | b'I' | b'n');
        is_known |= is_step(&key) || is_metric(&key);
        cursor.skip()
    });
    are_lists && is_known
}

/// The columns of an object of nothing but lists of numbers, all of one length, one of them surely a metric, or with steps as those of
/// a log; dicts in it are flattened.
fn columns(text: &str) -> Option<Columns> {
    fn gather(name: &str, value: Value, out: &mut Columns) -> Option<()> {
        match value {
            _ if name.len() > NAME_BYTES_MAX => Some(()),
            Value::Object(map) => map.into_iter().try_for_each(|(key, value)| match name {
                "" => gather(&key, value, out),
                name => gather(&format!("{name}.{key}"), value, out),
            }),
            // A number that is none comes as text.
            Value::Array(items) if items.iter().all(|item| num::from_json(item).is_some() || item.is_null()) => {
                let is_fit = !items.is_empty() && out.first().is_none_or(|(_, first)| first.len() == items.len());
                out.push((name.to_owned(), items));
                is_fit.then_some(())
            }
            _ => None,
        }
    }
    // Most objects have a number or a text in front, which settles it.
    let mut first = Cursor::new(text);
    let is_list = first.object(|cursor, _| matches!(cursor.peek()?, b'[' | b'{').then(|| cursor.skip())?);
    is_list?;
    // A table of more cells has more commas; what was made of them would take many times their text.
    if memchr::memchr_iter(b',', text.as_bytes()).count() > CELLS_MAX {
        return None;
    }
    let mut out = vec![];
    gather("", lenient(text)?, &mut out)?;
    let cells = out.len() * out.first().map_or(0, |(_, items)| items.len());
    // Settings are lists of one length too, also with a step: schedules of a learning rate.
    let is_told = |(name, _): &(String, _)| !is_step(name) && !SCHEDULED.contains(&name.as_str());
    let is_log = || out.iter().any(|(name, items)| is_step(name) && are_even(items)) && out.iter().any(is_told);
    let is_table = cells <= CELLS_MAX && (out.iter().any(|(name, _)| is_metric(name)) || is_log());
    is_table.then_some(out)
}

/// Whether steps rise by the same number from row to row.
fn are_even(items: &[Value]) -> bool {
    let steps: Option<Vec<i64>> = items.iter().map(|item| num::from_json(item).and_then(whole)).collect();
    steps.is_some_and(|steps| {
        steps.len() >= STEPS_MIN && steps[0] < steps[1] && steps.windows(3).all(|three| three[1] - three[0] == three[2] - three[1])
    })
}
