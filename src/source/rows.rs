//! Rows in JSON of any shape: one object a line, arrays of objects, and the documents that trainers leave.
//!
//! - An object on one line is a row ([`Flat`]): step and time are found by name ([`RowOptions`]), nested names are joined
//!   with `.`, numbers may be texts. So is every object in a top-level array, however it is printed.
//! - An object over several lines is a document. Hugging Face's `trainer_state.json` gives the rows of its
//!   `log_history`, its settings as config and its results as summary; any other (`all_results.json`) is summary. Where several stand
//!   behind each other, each with a step or surely a metric, they are rows: what `json.dump(row, file, indent=2)` leaves.
//! - So is one that has a list of rows in it, on however many lines: objects of which each has a step or surely a metric. What
//!   stands beside under `config` or `args` is config. Of several such lists: [`lists`].
//! - An object of nothing but lists of numbers, all of one length, is a table by columns where one is surely a metric or has steps that
//!   rise evenly: what `json.dump(history.history)` makes of Keras' history, and pandas with `orient="list"`.
//! - Other tables of pandas: [`frame`]; lists with something beside: [`history`]; lists with steps of their own: [`groups`].
//! - An array of arrays of a wall time, a step and a value is a metric called `value`: what TensorBoard lets people download.
//!
//! Source: `TrainerState` in `transformers/trainer_callback.py`, read 2026-11.

mod document;
mod frame;
mod groups;
mod history;
mod lists;
mod objects;

use super::{
    Decoder, Loss, Record, Row,
    columns::{Fact, RowOptions},
    flat::Flat,
    json::{self, Cursor},
    keys::{Keys, NAME_BYTES_MAX},
    lines::LINE_BYTES_MAX,
    outbox::Outbox,
};
use document::{Columns, Shape, is_row, shape};
pub(super) use document::{document_end, is_document, may_be_document};
use lists::STATE;
use objects::{Object, Objects};
use serde_json::Value;
use std::collections::VecDeque;

/// Most rows of a document: each takes many times the bytes of a short object, and all are handed out at once.
const ROWS_MAX: usize = 1 << 19;

/// What the settings of a training are called in a document.
const SETTINGS: &[&str] = &["config", "args", "params", "hparams", "hyperparameters"];

/// Entries of a trainer's state that are results; the others are settings.
const RESULTS: &[&str] =
    &["best_metric", "best_model_checkpoint", "best_global_step", "epoch", "global_step", "total_flos", "num_input_tokens_seen"];

/// Decodes rows of JSON objects.
#[derive(Default)]
pub struct Rows {
    objects: Objects,
    flat: Flat,
    keys: Keys,
    ready: Outbox,
    /// A document came that may be a row: where there are several, they are.
    has_document: bool,
}

impl Rows {
    /// A decoder that stands at the start of a source.
    pub fn new(options: RowOptions) -> Rows {
        Rows { flat: Flat::new(options), ..Rows::default() }
    }

    fn read(&mut self, object: &Object) -> Result<(), Loss> {
        let loss = |reason: &str| Loss { offset: object.offset, bytes: object.range.len() as u64, reason: reason.into() };
        let bytes = &self.objects.bytes[object.range.clone()];
        let point = if bytes.starts_with(b"{") { None } else { objects::point(bytes) };
        let mended;
        let text = match (&point, std::str::from_utf8(bytes)) {
            (Some(point), _) => point,
            (None, Ok(text)) => text,
            (None, Err(_)) => {
                mended = json::mended(bytes).ok_or_else(|| loss("an object is not UTF-8"))?;
                &mended
            }
        };
        let mut cursor = Cursor::new(text);
        let ready = self.ready.records.len();
        let (offset, flat, keys, out) = (object.offset, &mut self.flat, &mut self.keys, &mut self.ready.records);
        let mut is_cut = false;
        let read = match shape(text, object.is_line, object.is_in_array) {
            Shape::Document(None) if flat.facts().are_rows && is_row(text) => row(&mut cursor, offset, flat, keys, out),
            Shape::Row if object.range.len() > LINE_BYTES_MAX => return Err(loss("a line is too long")),
            Shape::Row => row(&mut cursor, offset, flat, keys, out),
            Shape::Document(list) => {
                if list.is_none() && is_row(text) && std::mem::replace(&mut self.has_document, true) {
                    flat.learn(Fact::Documents);
                }
                let read = document(&mut cursor, list.as_deref(), offset, flat, keys, out);
                is_cut = read == Some(true);
                read.map(drop)
            }
            Shape::Lists(lists) => {
                is_cut = lists.len() > ROWS_MAX;
                let read = lists.rows().take(ROWS_MAX).try_for_each(|text| row(&mut Cursor::new(&text), offset, flat, keys, out));
                read.and_then(|()| document(&mut cursor, None, offset, flat, keys, out)).map(drop)
            }
            Shape::Table(columns) => {
                transposed(&columns, offset, flat, keys, out);
                cursor.skip()
            }
            Shape::History(columns) => {
                transposed(&columns, offset, flat, keys, out);
                document(&mut cursor, None, offset, flat, keys, out).map(drop)
            }
        };
        if read.filter(|()| cursor.is_done()).is_none() {
            // Its rows are lost, but the keys that they announced keep their numbers.
            let lost = self.ready.records.split_off(ready);
            self.ready.records.extend(lost.into_iter().filter(|record| matches!(record, Record::Key(..))));
            return Err(loss("an object is not JSON"));
        }
        if is_cut {
            self.ready.lose(|| Some(loss("a document has too many rows, the last are not read")));
        }
        self.ready.hold_newest(ready);
        if let Some(rows) = self.ready.goes_on() {
            self.flat.learn(Fact::GoesOn(rows));
        }
        self.ready.check(&mut self.keys, loss);
        Ok(())
    }
}

impl Decoder for Rows {
    fn push(&mut self, bytes: &[u8]) {
        self.objects.push(bytes);
    }

    fn next(&mut self) -> Result<Option<Record>, Loss> {
        loop {
            if let Some(ready) = self.ready.next() {
                return ready.map(Some);
            }
            match self.objects.next()? {
                Some(object) => self.read(&object)?,
                None => return Ok(None),
            }
        }
    }

    fn glimpse(&mut self) {
        self.ready.glimpse_newest();
    }

    fn finish(&mut self) {
        let loss = self.objects.finish();
        self.ready.lose(|| loss);
        self.ready.give_newest();
    }

    fn is_mistaken(&self) -> bool {
        self.flat.is_mistaken()
    }

    fn reset(&mut self) {
        let mut flat = std::mem::take(&mut self.flat);
        flat.renew();
        *self = Rows { ready: Outbox::of(flat.facts()), flat, ..Rows::default() };
    }
}

/// Reads the object at the cursor as a row.
fn row(cursor: &mut Cursor, offset: u64, flat: &mut Flat, keys: &mut Keys, out: &mut VecDeque<Record>) -> Option<()> {
    keys.begin();
    let place = flat.read(cursor, keys)?;
    if !keys.is_empty() {
        let values = keys.take(out);
        out.push_back(Record::Row(Row { step: place.step, time: place.time, offset: Some(offset), values, ..Row::default() }));
    }
    Some(())
}

/// Reads the object at the cursor as a document, the rows of which are in `list`. Whether there were more than are read.
fn document(
    cursor: &mut Cursor,
    list: Option<&str>,
    offset: u64,
    flat: &mut Flat,
    keys: &mut Keys,
    out: &mut VecDeque<Record>,
) -> Option<bool> {
    let is_state = list == Some(STATE);
    let (mut facts, mut settings, mut rows) = (vec![], vec![], 0);
    cursor.object(|cursor, key| match (&*key, cursor.peek()?) {
        (name, b'[') if Some(name) == list => cursor.array(|cursor| match cursor.peek()? {
            b'{' => {
                rows += 1;
                if rows > ROWS_MAX { cursor.skip() } else { row(cursor, offset, flat, keys, out) }
            }
            _ => cursor.skip(),
        }),
        (name, b'{') if SETTINGS.contains(&name) => cursor.object(|cursor, key| entries(cursor, key.into_owned(), &mut settings)),
        // What callbacks keep to go on from a checkpoint.
        ("stateful_callbacks", _) => cursor.skip(),
        _ => entries(cursor, key.into_owned(), &mut facts),
    })?;
    out.extend(settings.into_iter().map(|(name, value)| Record::Config(name, value)));
    for (name, value) in facts {
        let is_result = !is_state || RESULTS.contains(&name.as_str());
        if let Some(steps) = value.as_i64().filter(|steps| is_state && name == "max_steps" && *steps > 0) {
            out.push_back(Record::TotalSteps(steps));
        }
        out.push_back(if is_result { Record::Summary(name, value) } else { Record::Config(name, value) });
    }
    Some(rows > ROWS_MAX)
}

/// Puts what the value at the cursor says into `out`, under joined names. Lists and nulls say nothing here, and a list is not
/// held: it may be as long as the document.
fn entries(cursor: &mut Cursor, name: String, out: &mut Vec<(String, Value)>) -> Option<()> {
    match cursor.peek()? {
        _ if name.len() > NAME_BYTES_MAX => cursor.skip(),
        b'{' => cursor.object(|cursor, key| entries(cursor, format!("{name}.{key}"), out)),
        b'[' => cursor.skip(),
        _ => {
            let value = cursor.value()?;
            out.extend((!value.is_null()).then_some((name, value)));
            Some(())
        }
    }
}

/// Gives out the rows of a table by columns.
fn transposed(columns: &Columns, offset: u64, flat: &mut Flat, keys: &mut Keys, out: &mut VecDeque<Record>) {
    for at in 0..columns.first().map_or(0, |(_, items)| items.len()) {
        let cells = columns.iter().map(|(name, items)| (name.clone(), items[at].clone()));
        let text = Value::Object(cells.collect()).to_string();
        row(&mut Cursor::new(&text), offset, flat, keys, out).expect("it was written just now");
    }
}

#[cfg(test)]
mod tests;
