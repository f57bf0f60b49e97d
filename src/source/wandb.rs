//! Reads the `.wandb` transaction log that the wandb client writes (0.16 to 0.31, online or offline).
//!
//! History rows become rows: `_step` is the step, `_timestamp` the time, other names with a leading `_` and
//! media are left out, dicts are flattened with `.`. The summary is written again with every row, so it is
//! given out when asked for ([`Decoder::glimpse`], [`Decoder::finish`]) and at the exit. Info names:
//! `run_id entity project group job_type name notes tags sweep_id host start_time resumed wandb_version os
//! python program args git_commit git_remote root executable username email cpu_count gpu gpu_count cuda starting_step
//! forked branch_point metric`.
//! Field numbers: `wandb/proto/wandb_internal.proto` of 0.31.0 (MIT), read 2026-11.

mod blocks;
mod proto;

use super::{
    Alert, Decoder, KeyId, Loss, Record, Row,
    json::{Cursor, Token, lenient, non_finite},
    keys::{KEYS_MAX, Keys},
    shown::Shown,
};
use crate::model::{Exit, Step, WallTime, num};
use blocks::Blocks;
use proto::{Value, fields};
use serde_json::json;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Decodes `.wandb` files.
#[derive(Default)]
pub struct Wandb {
    blocks: Blocks,
    reader: Reader,
}

impl Wandb {
    /// A decoder that stands at the start of a file.
    pub fn new() -> Wandb {
        Wandb::default()
    }
}

impl Decoder for Wandb {
    fn push(&mut self, bytes: &[u8]) {
        self.blocks.push(bytes);
    }

    fn next(&mut self) -> Result<Option<Record>, Loss> {
        loop {
            if let Some(record) = self.reader.ready.pop_front() {
                return Ok(Some(record));
            }
            if let Some(loss) = self.reader.overflow.take() {
                return Err(loss);
            }
            let Some(payload) = self.blocks.next()? else { return Ok(None) };
            let bytes = self.blocks.get(&payload);
            let loss = || Loss { offset: payload.offset, bytes: bytes.len() as u64, reason: "record is not a message".into() };
            self.reader.record(bytes, payload.offset).ok_or_else(loss)?;
        }
    }

    fn glimpse(&mut self) {
        self.reader.give_summary();
    }

    fn finish(&mut self) {
        self.reader.give_summary();
    }

    fn reset(&mut self) {
        *self = Wandb::new();
    }

    fn jump(&mut self) -> bool {
        self.blocks.jump()
    }
}

#[derive(Default)]
struct Reader {
    ready: VecDeque<Record>,
    keys: Keys,
    /// What of the summary changed since it was last given out: the name and its JSON.
    summary: HashMap<String, String>,
    stdout: Shown,
    stderr: Shown,
    start: Option<f64>,
    /// Time of the last row.
    time: Option<WallTime>,
    overflow: Option<Loss>,
    overflowed: bool,
    path: String,
}

impl Reader {
    /// One record. `None`: it is damaged in a way that its checksum did not show.
    fn record(&mut self, bytes: &[u8], offset: u64) -> Option<()> {
        let mut all = fields(bytes);
        for (number, value) in all.by_ref() {
            let body = value.bytes();
            match number {
                2 => self.history(body, offset)?,
                3 => self.summary(body)?,
                5 => self.config(body)?,
                7 => self.stats(body)?,
                10 => self.alert(body),
                12 => self.metric(body),
                13 => self.output(body),
                17 => self.run(body)?,
                18 => self.exit(body),
                21 => self.header(body),
                26 => self.environment(body),
                _ => {}
            }
        }
        all.is_whole().then_some(())
    }

    fn history(&mut self, body: &[u8], offset: u64) -> Option<()> {
        let (mut step, mut time) = (None, None);
        self.keys.begin();
        let mut all = fields(body);
        for (number, value) in all.by_ref() {
            match number {
                1 => {
                    let item = Item::read(value.bytes(), &mut self.path)?;
                    match self.path.as_str() {
                        "_step" => step = step.or(item.number().map(|step| step as i64)),
                        "_timestamp" => time = item.number().and_then(WallTime::new),
                        name if name.starts_with('_') => {}
                        // Nearly all rows hold no media, so this is looked for only where a name allows it.
                        _ if item.nested && is_media(body, value.bytes()) => {}
                        _ => put(&mut self.keys, &mut self.path, item.value),
                    }
                }
                2 => step = Some(fields(value.bytes()).find(|(number, _)| *number == 1).map_or(0, |(_, value)| value.int())),
                _ => {}
            }
        }
        self.time = time.or(self.time);
        if self.keys.overflowed() && !self.overflowed {
            self.overflowed = true;
            let reason = format!("more than {KEYS_MAX} metric keys, the rest is not read");
            self.overflow = Some(Loss { offset, bytes: body.len() as u64, reason });
        }
        if !self.keys.is_empty() {
            let values: Vec<(KeyId, f64)> = self.keys.take(&mut self.ready);
            self.ready.push_back(Record::Row(Row { step: step.map(Step), time, offset: Some(offset), values, ..Row::default() }));
        }
        all.is_whole().then_some(())
    }

    fn summary(&mut self, body: &[u8]) -> Option<()> {
        let mut all = fields(body);
        for (number, value) in all.by_ref() {
            let item = Item::read(value.bytes(), &mut self.path)?;
            if self.path.starts_with('_') {
                continue;
            }
            match number {
                1 => match (self.summary.get_mut(&self.path), item.value) {
                    (Some(slot), ItemValue::Json(text)) => text.clone_into(slot),
                    _ => drop(self.summary.insert(self.path.clone(), item.json())),
                },
                2 => drop(self.summary.remove(&self.path)),
                _ => {}
            }
        }
        all.is_whole().then_some(())
    }

    fn give_summary(&mut self) {
        let changed: BTreeMap<_, _> = std::mem::take(&mut self.summary).into_iter().collect();
        for (name, text) in changed {
            if let Some(value) = lenient(&text) {
                flatten(name, value, &mut |name, value| self.ready.push_back(Record::Summary(name, value)));
            }
        }
    }

    fn config(&mut self, body: &[u8]) -> Option<()> {
        let mut all = fields(body);
        for (number, value) in all.by_ref() {
            let item = Item::read(value.bytes(), &mut self.path)?;
            let is_own = self.path == "_wandb" || self.path.starts_with("_wandb.");
            if number == 1
                && !is_own
                && let Some(value) = lenient(&item.json())
            {
                self.ready.push_back(Record::Config(self.path.clone(), value));
            }
        }
        all.is_whole().then_some(())
    }

    fn stats(&mut self, body: &[u8]) -> Option<()> {
        let (mut time, mut samples) = (None, vec![]);
        let mut all = fields(body);
        for (number, value) in all.by_ref() {
            match number {
                2 => time = timestamp(value.bytes()).and_then(WallTime::new),
                3 => {
                    let item = Item::read(value.bytes(), &mut self.path)?;
                    samples.extend(item.number().map(|number| (self.path.clone(), number)));
                }
                _ => {}
            }
        }
        if !samples.is_empty() {
            self.ready.push_back(Record::System(time, samples));
        }
        all.is_whole().then_some(())
    }

    fn output(&mut self, body: &[u8]) {
        let (mut is_stdout, mut text) = (false, "");
        for (number, value) in fields(body) {
            match number {
                1 => is_stdout = value.int() == 1,
                3 => text = value.text(),
                _ => {}
            }
        }
        let stream = if is_stdout { &mut self.stdout } else { &mut self.stderr };
        stream.push(text.as_bytes(), &mut |line| self.ready.push_back(Record::Console(line)));
    }

    fn run(&mut self, body: &[u8]) -> Option<()> {
        let mut tags = vec![];
        let mut all = fields(body);
        for (number, value) in all.by_ref() {
            let name = match number {
                1 => "run_id",
                2 => "entity",
                3 => "project",
                4 => {
                    self.config(value.bytes())?;
                    continue;
                }
                5 => {
                    self.summary(value.bytes())?;
                    continue;
                }
                6 => "group",
                7 => "job_type",
                8 => "name",
                9 => "notes",
                10 => {
                    tags.push(value.text());
                    continue;
                }
                12 => "sweep_id",
                13 => "host",
                17 => {
                    self.start = timestamp(value.bytes());
                    self.info("start_time", self.start.map_or(json!(null), |start| json!(start)));
                    continue;
                }
                18 => {
                    self.info("resumed", json!(value.int() != 0));
                    continue;
                }
                14 if value.int() != 0 => {
                    self.info("starting_step", json!(value.int()));
                    continue;
                }
                21 => {
                    self.git(value.bytes());
                    continue;
                }
                22 => {
                    self.info("forked", json!(value.int() != 0));
                    continue;
                }
                23 => {
                    self.branch_point(value.bytes());
                    continue;
                }
                _ => continue,
            };
            if !value.text().is_empty() {
                self.info(name, json!(value.text()));
            }
        }
        if !tags.is_empty() {
            self.info("tags", json!(tags));
        }
        all.is_whole().then_some(())
    }

    fn exit(&mut self, body: &[u8]) {
        self.give_summary();
        for stream in [&mut self.stdout, &mut self.stderr] {
            stream.finish(&mut |line| self.ready.push_back(Record::Console(line)));
        }
        // A zero is not written.
        let (mut code, mut runtime) = (0, 0.0);
        for (number, value) in fields(body) {
            match number {
                1 => code = value.int() as i32,
                2 => runtime = value.int() as f64,
                _ => {}
            }
        }
        // The runtime is in whole seconds, and counts from the resume where there was one.
        let ended = self.start.map(|start| start + runtime);
        let seen = self.time.map(WallTime::secs);
        let at = [ended, seen].into_iter().flatten().reduce(f64::max).and_then(WallTime::new);
        self.ready.push_back(Record::Exit(Exit { code: Some(code), signal: None, at }));
    }

    /// An alert has no time of its own; it stands behind the row that raised it.
    fn alert(&mut self, body: &[u8]) {
        let text = |wanted| fields(body).find(|(number, _)| *number == wanted).map_or("", |(_, value)| value.text()).to_owned();
        let level = match text(3).to_ascii_lowercase().as_str() {
            "warn" | "warning" => "warn",
            "error" => "error",
            _ => "info",
        };
        self.ready.push_back(Record::Alert(Alert { title: text(1), text: text(2), level, step: None, time: self.time }));
    }

    fn metric(&mut self, body: &[u8]) {
        /// Fields of `MetricSummary`, from 1 on.
        const SUMMARY: [&str; 8] = ["min", "max", "mean", "best", "last", "none", "copy", "first"];
        let find = |wanted| fields(body).find(|(number, _)| *number == wanted).map(|(_, value)| value);
        let text = |wanted| find(wanted).map(Value::text);
        let goal = find(8).and_then(|goal| ["minimize", "maximize"].get((goal.int() - 1) as usize).copied());
        let options = find(6).map_or(&[][..], Value::bytes);
        let hidden = fields(options).any(|(number, value)| number == 2 && value.int() != 0);
        let set = fields(find(7).map_or(&[][..], Value::bytes)).filter(|(_, value)| value.int() != 0);
        let summary: Vec<&str> = set.filter_map(|(number, _)| SUMMARY.get((number as usize).checked_sub(1)?).copied()).collect();
        self.info(
            "metric",
            json!({"name": text(1), "glob": text(2), "step_metric": text(4), "hidden": hidden, "summary": summary, "goal": goal}),
        );
    }

    fn header(&mut self, body: &[u8]) {
        let version =
            fields(body).find(|(number, _)| *number == 1).and_then(|(_, version)| fields(version.bytes()).find(|(number, _)| *number == 1));
        if let Some((_, producer)) = version {
            self.info("wandb_version", json!(producer.text()));
        }
    }

    fn environment(&mut self, body: &[u8]) {
        let mut args = vec![];
        for (number, value) in fields(body) {
            match number {
                1 => self.info("os", json!(value.text())),
                2 => self.info("python", json!(value.text())),
                5 => args.push(value.text()),
                6 => self.info("program", json!(value.text())),
                9 => self.git(value.bytes()),
                10 => self.info("email", json!(value.text())),
                11 => self.info("root", json!(value.text())),
                12 => self.info("host", json!(value.text())),
                13 => self.info("username", json!(value.text())),
                14 => self.info("executable", json!(value.text())),
                17 => self.info("cpu_count", json!(value.int())),
                18 => self.info("gpu", json!(value.text())),
                19 => self.info("gpu_count", json!(value.int())),
                25 => self.info("cuda", json!(value.text())),
                _ => {}
            }
        }
        if !args.is_empty() {
            self.info("args", json!(args));
        }
    }

    fn git(&mut self, body: &[u8]) {
        for (number, value) in fields(body).filter(|(_, value)| !value.text().is_empty()) {
            self.info(if number == 2 { "git_commit" } else { "git_remote" }, json!(value.text()));
        }
    }

    /// Where a forked run left the other one.
    fn branch_point(&mut self, body: &[u8]) {
        let (mut run, mut at, mut metric) = ("", 0.0, "");
        for (number, value) in fields(body) {
            match (number, value) {
                (1, value) => run = value.text(),
                (2, Value::Fixed64(bits)) => at = f64::from_bits(bits),
                (3, value) => metric = value.text(),
                _ => {}
            }
        }
        if !run.is_empty() {
            self.info("branch_point", json!({"run": run, "metric": metric, "value": num::to_json(at)}));
        }
    }

    fn info(&mut self, name: &'static str, value: serde_json::Value) {
        self.ready.push_back(Record::Info(name, value));
    }
}

/// The value of an item of a history, summary, config or stats record.
#[derive(Clone, Copy)]
enum ItemValue<'a> {
    Json(&'a str),
    Number(f64),
    Int(i64),
    Text(&'a str),
    Bool(bool),
    None,
}

struct Item<'a> {
    value: ItemValue<'a>,
    /// Its name came in parts.
    nested: bool,
}

impl<'a> Item<'a> {
    /// Reads an item; its name, joined with `.`, goes to `path`.
    fn read(bytes: &'a [u8], path: &mut String) -> Option<Item<'a>> {
        path.clear();
        let mut item = Item { value: ItemValue::None, nested: false };
        let mut all = fields(bytes);
        let mut parts = 0;
        for (number, value) in all.by_ref() {
            match number {
                1 if parts == 0 => path.push_str(value.text()),
                2 => {
                    if parts == 0 {
                        path.clear();
                    } else {
                        path.push('.');
                    }
                    path.push_str(value.text());
                    parts += 1;
                }
                4 => item.value = ItemValue::Bool(value.int() != 0),
                // sint64: the sign is the lowest bit.
                5 => item.value = ItemValue::Int(value.int().cast_unsigned().wrapping_shr(1).cast_signed() ^ -(value.int() & 1)),
                6 => {
                    if let Value::Fixed64(bits) = value {
                        item.value = ItemValue::Number(f64::from_bits(bits));
                    }
                }
                7 => item.value = ItemValue::Text(value.text()),
                8 | 16 => item.value = ItemValue::Json(value.text()),
                _ => {}
            }
        }
        item.nested = parts > 1;
        all.is_whole().then_some(item)
    }

    fn number(&self) -> Option<f64> {
        match self.value {
            ItemValue::Number(number) => Some(number),
            ItemValue::Int(int) => Some(int as f64),
            ItemValue::Json(text) => match Cursor::new(text).token()? {
                Token::Number(number) => Some(number),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value as JSON text.
    fn json(&self) -> String {
        match self.value {
            ItemValue::Json(text) => text.to_owned(),
            ItemValue::Number(number) if number.is_finite() => json!(number).to_string(),
            ItemValue::Number(number) => json!(number.to_string()).to_string(),
            ItemValue::Int(int) => int.to_string(),
            ItemValue::Text(text) => json!(text).to_string(),
            ItemValue::Bool(is) => is.to_string(),
            ItemValue::None => "null".to_owned(),
        }
    }
}

/// Puts the numbers of a value into the row, under `path`.
fn put(keys: &mut Keys, path: &mut String, value: ItemValue) {
    match value {
        ItemValue::Number(number) => keys.put(path, number),
        ItemValue::Int(int) => keys.put(path, int as f64),
        ItemValue::Json(text) => {
            // A dict with a `_type` is media: an image, a histogram, a table.
            if !(text.starts_with('{') && text.contains("\"_type\"")) {
                put_json(keys, path, &mut Cursor::new(text));
            }
        }
        ItemValue::Text(_) | ItemValue::Bool(_) | ItemValue::None => {}
    }
}

fn put_json(keys: &mut Keys, path: &mut String, cursor: &mut Cursor) -> Option<()> {
    match cursor.token()? {
        Token::Number(number) => keys.put(path, number),
        Token::Text(text) => {
            if let Some(number) = non_finite(&text) {
                keys.put(path, number);
            }
        }
        Token::Other => {}
        Token::Object => cursor.object(|cursor, key| {
            let back = path.len();
            path.push('.');
            path.push_str(&key);
            let read = put_json(keys, path, cursor);
            path.truncate(back);
            read
        })?,
    }
    Some(())
}

/// Whether the item stands beside a `_type` under the same name: `img.width` beside `img._type`.
fn is_media(row: &[u8], item: &[u8]) -> bool {
    fn names(item: &[u8]) -> impl Iterator<Item = &[u8]> {
        fields(item).filter(|(number, _)| *number == 2).map(|(_, value)| value.bytes())
    }
    let Some(depth) = names(item).count().checked_sub(1) else { return false };
    let is_type = |other: &[u8]| names(other).nth(depth) == Some(b"_type") && names(other).take(depth).eq(names(item).take(depth));
    fields(row).any(|(number, value)| number == 1 && is_type(value.bytes()))
}

/// Gives out every leaf of a value under its name joined with `.`; an empty dict is a leaf.
fn flatten(name: String, value: serde_json::Value, out: &mut dyn FnMut(String, serde_json::Value)) {
    match value {
        serde_json::Value::Object(map) if !map.is_empty() => {
            map.into_iter().for_each(|(key, value)| flatten(format!("{name}.{key}"), value, out))
        }
        value => out(name, value),
    }
}

/// `google.protobuf.Timestamp` as Unix seconds.
fn timestamp(bytes: &[u8]) -> Option<f64> {
    let part = |wanted| fields(bytes).find(|(number, _)| *number == wanted).map_or(0, |(_, value)| value.int());
    (!bytes.is_empty()).then(|| part(1) as f64 + part(2) as f64 * 1e-9)
}

#[cfg(test)]
pub(super) mod tests;
