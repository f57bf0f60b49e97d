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
mod dicts;
mod item;
mod names;
mod summary;
mod unread;

use super::{
    Alert, ConsoleLine, Decoder, Loss, Media, Record, Row,
    json::{Cursor, Token},
    keys::{Keys, TooMuch},
    proto::{Wire, fields},
    shown::Shown,
};
use crate::model::{Exit, RunState, Step, WallTime, num};
use blocks::Blocks;
use item::{Item, Value, read_json};
use names::{Name, Names, Role};
use serde_json::{Map, json};
use std::collections::{BTreeSet, VecDeque};
use summary::Summary;
use unread::Unread;

/// Longest field of a media object that is handed on; of a longer one only the size is told.
const FIELD_BYTES_MAX: usize = 16 << 10;

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
            if let Some(loss) = self.reader.lost.pop_front() {
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
        self.reader.give_open_lines();
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
    names: Names,
    row: Gathered,
    config: Map<String, serde_json::Value>,
    summary: Summary,
    unread: Unread,
    /// Entries of summaries that were read.
    summed: u64,
    stdout: Shown,
    stderr: Shown,
    start: Option<f64>,
    /// Time of the last row.
    time: Option<WallTime>,
    /// What could not be read of the last record.
    lost: VecDeque<Loss>,
}

/// What was found of a history row before its end, where it shows which of it is media.
#[derive(Default)]
struct Gathered {
    step: Option<i64>,
    time: Option<WallTime>,
    /// Numbers by the number of their name.
    numbers: Vec<(usize, f64)>,
    /// Values that are no plain number, as JSON.
    others: Vec<(usize, String)>,
    /// The dicts that are media objects.
    media: Vec<u32>,
    /// More names than are told apart.
    overflowed: bool,
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
        all.whole().ok()
    }

    fn history(&mut self, body: &[u8], offset: u64) -> Option<()> {
        self.row.clear();
        let mut all = fields(body);
        let mut step = None;
        for (number, value) in all.by_ref() {
            match number {
                1 => self.row.take(Item::read(value.bytes())?, &mut self.names),
                2 => step = Some(fields(value.bytes()).find(|(number, _)| *number == 1).map_or(0, |(_, value)| value.int())),
                _ => {}
            }
        }
        all.whole().ok()?;
        self.row.step = step.or(self.row.step);
        self.time = self.row.time.or(self.time);
        self.give_row(body, offset);
        Some(())
    }

    fn give_row(&mut self, body: &[u8], offset: u64) {
        let Gathered { step, time, numbers, others, media, overflowed } = &self.row;
        let (step, time) = (step.map(Step), *time);
        self.keys.begin();
        for (at, number) in numbers {
            let name = self.names.get_mut(*at);
            if media.is_empty() || !name.dicts.iter().any(|dict| media.contains(dict)) {
                name.put(*number, &mut self.keys);
            }
        }
        let mut objects = vec![];
        for (at, text) in others {
            let name = self.names.get_mut(*at);
            if media.is_empty() || !name.dicts.iter().any(|dict| media.contains(dict)) {
                let media = text.contains("\"_type\"").then_some(&mut objects);
                if put_json(&mut self.keys, &mut name.path.clone(), &mut Cursor::new(text), media).is_none() {
                    let reason = format!("the value of {} is no JSON", name.path);
                    self.lost.push_back(Loss { offset, bytes: text.len() as u64, reason });
                }
            }
        }
        if *overflowed {
            self.keys.turn_away(TooMuch::Keys);
        }
        if let Some(reason) = self.keys.overflowed() {
            self.lost.push_back(Loss { offset, bytes: body.len() as u64, reason });
        }
        if !self.keys.is_empty() {
            let values = self.keys.take(&mut self.ready);
            self.ready.push_back(Record::Row(Row { step, time, offset: Some(offset), values, ..Row::default() }));
        }
        let media = media.clone();
        objects.extend(media.iter().filter_map(|dict| self.object(*dict, body)));
        self.ready.extend(objects.into_iter().filter_map(|(key, object)| {
            described(object).map(|(kind, about)| Record::Media(Box::new(Media { key, step, time, kind, about })))
        }));
    }

    /// The name and the fields of the media object that is dict number `dict` of the row in `body`.
    fn object(&mut self, dict: u32, body: &[u8]) -> Option<(String, serde_json::Value)> {
        let (mut key, mut object) = (None, serde_json::Map::new());
        for item in fields(body).filter(|(number, _)| *number == 1).filter_map(|(_, item)| Item::read(item.bytes())) {
            let name = self.names.number(item.name).map(|at| self.names.get_mut(at));
            let Some(depth) = name.and_then(|name| name.dicts.iter().position(|other| *other == dict)) else { continue };
            let parts: Vec<_> = Item::parts(item.name).collect();
            let (outer, inner) = parts.split_at_checked(depth + 1)?;
            key.get_or_insert_with(|| outer.join("."));
            object.insert(inner.join("."), item.json().unwrap_or_default());
        }
        Some((key?, object.into()))
    }

    fn summary(&mut self, body: &[u8]) -> Option<()> {
        match unread::Names::of(body) {
            Some(names) => self.unread.put_off(names, body).map_or(Some(()), |before| self.read_summary(&before)),
            None => {
                self.read_unread();
                self.read_summary(body)
            }
        }
    }

    fn read_unread(&mut self) {
        while let Some(body) = self.unread.take() {
            self.read_summary(&body);
        }
    }

    fn read_summary(&mut self, body: &[u8]) -> Option<()> {
        let mut all = fields(body);
        for (number, value) in all.by_ref() {
            let item = Item::read(value.bytes())?;
            let Some(name) = self.names.number(item.name).map(|at| self.names.get_mut(at)) else { continue };
            match number {
                1 => item.write_json(name.summary.get_or_insert_default()),
                2 => name.summary = None,
                _ => continue,
            }
            self.summed += 1;
            name.news = (!name.path.starts_with('_')).then_some(self.summed);
        }
        all.whole().ok()
    }

    fn give_summary(&mut self) {
        self.read_unread();
        for (parts, text) in self.names.take_news() {
            match text.map(read_json) {
                Some(None) => {}
                Some(Some(value)) => self.summary.set(&parts, value, &mut self.ready),
                None => self.summary.remove(&parts, &mut self.ready),
            }
        }
    }

    fn give_open_lines(&mut self) {
        for stream in [&mut self.stdout, &mut self.stderr] {
            stream.finish(&mut |line| self.ready.push_back(Record::Console(line.to_owned().into())));
        }
    }

    fn config(&mut self, body: &[u8]) -> Option<()> {
        let mut touched = BTreeSet::new();
        let read = self.patch_config(body, &mut touched);
        self.ready.extend(touched.into_iter().map(|name| match self.config.get(&name) {
            Some(value) => Record::Config(name, value.clone()),
            None => Record::ConfigRemoved(name),
        }));
        read
    }

    /// Makes the changes in `body`; `touched` gets the entries that are others now, each of which may be a dict.
    fn patch_config(&mut self, body: &[u8], touched: &mut BTreeSet<String>) -> Option<()> {
        let mut all = fields(body);
        for (number, value) in all.by_ref() {
            let item = Item::read(value.bytes())?;
            let parts: Vec<_> = Item::parts(item.name).map(|part| part.into_owned()).collect();
            let Some(first) = parts.first().filter(|first| *first != "_wandb" && !first.starts_with("_wandb.")) else { continue };
            match number {
                1 => {
                    let Some(value) = item.json() else { continue };
                    dicts::set(&mut self.config, &parts, value, &mut |_, _| {});
                }
                2 => drop(dicts::remove(&mut self.config, &parts)),
                _ => continue,
            }
            touched.insert(first.clone());
        }
        all.whole().ok()
    }

    fn stats(&mut self, body: &[u8]) -> Option<()> {
        let (mut time, mut samples) = (None, vec![]);
        let mut all = fields(body);
        for (number, value) in all.by_ref() {
            match number {
                2 => time = timestamp(value.bytes()).and_then(WallTime::new),
                3 => {
                    let item = Item::read(value.bytes())?;
                    samples.extend(item.number().map(|number| (item.path(), number)));
                }
                _ => {}
            }
        }
        if !samples.is_empty() {
            self.ready.push_back(Record::System(time, samples));
        }
        all.whole().ok()
    }

    fn output(&mut self, body: &[u8]) {
        let (mut is_stdout, mut text, mut time) = (false, "", None);
        for (number, value) in fields(body) {
            match number {
                1 => is_stdout = value.int() == 1,
                2 => time = timestamp(value.bytes()).and_then(WallTime::new),
                3 => text = value.text(),
                _ => {}
            }
        }
        let stream = if is_stdout { &mut self.stdout } else { &mut self.stderr };
        let mut say = |line: &str| self.ready.push_back(Record::Console(ConsoleLine { text: line.to_owned(), offset: None, time }));
        stream.push(text.as_bytes(), &mut say);
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
        all.whole().ok()
    }

    fn exit(&mut self, body: &[u8]) {
        self.give_summary();
        self.give_open_lines();
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
        // wandb knows no others: a run that ended without its client has the code 254, one that was stopped failed.
        let state = match code {
            0 => RunState::Finished,
            254 => RunState::Crashed,
            _ => RunState::Failed,
        };
        self.ready.push_back(Record::Exit(Exit { code: Some(code), signal: None, at, verdict: Some(state) }));
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
        let text = |wanted| find(wanted).map(Wire::text);
        let goal = find(8).and_then(|goal| ["minimize", "maximize"].get((goal.int() - 1) as usize).copied());
        let options = find(6).map_or(&[][..], Wire::bytes);
        let hidden = fields(options).any(|(number, value)| number == 2 && value.int() != 0);
        let set = fields(find(7).map_or(&[][..], Wire::bytes)).filter(|(_, value)| value.int() != 0);
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
                (2, Wire::Fixed64(bits)) => at = f64::from_bits(bits),
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

impl Gathered {
    fn clear(&mut self) {
        (self.step, self.time, self.overflowed) = (None, None, false);
        self.numbers.clear();
        self.others.clear();
        self.media.clear();
    }

    /// Takes an item of the row.
    #[inline]
    fn take(&mut self, item: Item, names: &mut Names) {
        let Some(at) = names.number(item.name) else {
            self.overflowed = true;
            return;
        };
        match names.get_mut(at).role {
            Role::Value => match item.number() {
                Some(number) => self.numbers.push((at, number)),
                None => {
                    // A dict. Text is none, also where it says `"NaN"`: a float that is none is written bare.
                    if let Value::Json(text @ [b'{', ..]) = item.value {
                        self.others.extend(std::str::from_utf8(text).ok().map(|text| (at, text.to_owned())));
                    }
                }
            },
            Role::Step => self.step = self.step.or(item.number().map(|step| step as i64)),
            Role::Time => self.time = item.number().and_then(WallTime::new),
            Role::Type(dict) => self.media.push(dict),
            Role::Hidden => {}
        }
    }
}

impl Name {
    /// Puts a number under this name into the row.
    #[inline]
    fn put(&mut self, number: f64, keys: &mut Keys) {
        match self.key {
            Some(key) => keys.put_id(key, number),
            None => {
                keys.put(&self.path, number);
                self.key = keys.known(&self.path);
            }
        }
    }
}

/// Puts the numbers of a value into the row, under `path`, and the media objects in it into `media`, if there may be any.
fn put_json(
    keys: &mut Keys,
    path: &mut String,
    cursor: &mut Cursor,
    mut media: Option<&mut Vec<(String, serde_json::Value)>>,
) -> Option<()> {
    match cursor.token()? {
        Token::Number(number) => keys.put(path, number),
        Token::Text(_) | Token::Other => {}
        // A dict with a `_type` is media: an image, a histogram, a table.
        Token::Object if media.is_some() && cursor.has("_type") => media?.push((path.clone(), cursor.value()?)),
        Token::Object => cursor.object(|cursor, key| {
            let back = path.len();
            path.push('.');
            path.push_str(&key);
            let read = put_json(keys, path, cursor, media.as_deref_mut());
            path.truncate(back);
            read
        })?,
    }
    Some(())
}

/// The kind and the description of a media object: its fields, the large ones by their size.
fn described(object: serde_json::Value) -> Option<(String, serde_json::Value)> {
    let serde_json::Value::Object(mut object) = object else { return None };
    let kind = object.remove("_type")?;
    let kind = kind.as_str()?;
    let kind = kind.strip_suffix("-file").unwrap_or(kind).to_owned();
    for value in object.values_mut() {
        let bytes = match &value {
            serde_json::Value::String(text) => text.len(),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => value.to_string().len(),
            _ => 0,
        };
        if bytes > FIELD_BYTES_MAX {
            *value = json!({ "bytes": bytes });
        }
    }
    Some((kind, object.into()))
}

/// `google.protobuf.Timestamp` as Unix seconds.
fn timestamp(bytes: &[u8]) -> Option<f64> {
    let part = |wanted| fields(bytes).find(|(number, _)| *number == wanted).map_or(0, |(_, value)| value.int());
    (!bytes.is_empty()).then(|| part(1) as f64 + part(2) as f64 * 1e-9)
}

#[cfg(test)]
pub(super) mod tests;
