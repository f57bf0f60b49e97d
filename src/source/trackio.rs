//! Rows of a Trackio project (0.2.9 to 0.43.0) as records; the queries are in `source::io`.
//!
//! A metrics row holds a JSON object: numbers, the words `"NaN"`, `"Infinity"` and `"-Infinity"`, dicts (flattened
//! with `.`), and what is no number: texts and `{"_type": "trackio.image", ...}`, which become [`Media`]. Booleans, lists and
//! `null` are left out. Rows of one flush share one timestamp, so differences of time mean something between batches only.
//!
//! Trackio marks no end of a run, and a resumed run just goes on. A new start is seen where a key is logged at a lower step than
//! before: the row and those behind it then count as the next attempt.

use super::{
    Alert, KeyId, Loss, Media, Record, Row,
    json::{Cursor, Token, lenient, non_finite},
    keys::Keys,
    stamps::Stamps,
};
use crate::model::{Step, num};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

/// Longest field of a media object that is handed on; of a longer one only the size is told. A histogram of 512 bins fits, a table
/// of a thousand rows does not: whoever shows it reads it from where it lies.
const FIELD_BYTES_MAX: usize = 16 << 10;

/// Starts of the names of databases that are no projects.
const REGISTRY: &str = "registry-";

/// The folders in which Trackio may keep its projects, as far as they exist, the one that it would use first: `$TRACKIO_DIR`,
/// `$HF_HOME/trackio`, `$XDG_CACHE_HOME/huggingface/trackio`, `~/.cache/huggingface/trackio`, `./trackio`.
pub fn trackio_folders(env: impl Fn(&str) -> Option<PathBuf>, exists: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let of = |name: &str| env(name).filter(|path| !path.as_os_str().is_empty());
    let candidates = [
        of("TRACKIO_DIR"),
        of("HF_HOME").map(|home| home.join("trackio")),
        of("XDG_CACHE_HOME").map(|cache| cache.join("huggingface/trackio")),
        of("HOME").map(|home| home.join(".cache/huggingface/trackio")),
        Some("trackio".into()),
    ];
    let mut found: Vec<PathBuf> = vec![];
    for path in candidates.into_iter().flatten().filter(|path| exists(path)) {
        if !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

/// The name that a project has on disk: letters, digits, `-` and `_` of its name.
pub(super) fn canonical(project: &str) -> String {
    let name: String = project.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect();
    if name.is_empty() { "default".into() } else { name }
}

/// The project whose database has this file name. `None`: it is not a project.
pub(super) fn project_of(db: &Path) -> Option<String> {
    let stem = db.file_stem()?.to_string_lossy();
    let is_db = db.extension().is_none_or(|extension| ["db", "sqlite", "sqlite3"].iter().any(|known| extension == *known));
    (is_db && !stem.starts_with(REGISTRY)).then(|| stem.into_owned())
}

/// A row of one of Trackio's tables, or a line of its inbox, as stored.
pub(super) enum Stored {
    Metrics(Logged),
    System(Logged),
    /// The JSON of a config.
    Config(Vec<u8>),
    Alert(StoredAlert),
    Trace(StoredTrace),
    /// A value so large that it was not read.
    TooLarge {
        table: &'static str,
        id: i64,
        bytes: u64,
    },
}

pub(super) struct Logged {
    /// Number of the row; 0 in the inbox.
    pub(super) id: i64,
    pub(super) time: String,
    /// `None`: the one behind the highest so far.
    pub(super) step: Option<i64>,
    /// A JSON object.
    pub(super) json: Vec<u8>,
}

pub(super) struct StoredAlert {
    pub(super) time: String,
    pub(super) step: Option<i64>,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) level: String,
}

pub(super) struct StoredTrace {
    pub(super) time: String,
    pub(super) step: Option<i64>,
    pub(super) key: String,
    pub(super) id: String,
    pub(super) index: Option<i64>,
    pub(super) messages: Vec<u8>,
    pub(super) metadata: Vec<u8>,
    pub(super) spans: Vec<u8>,
}

/// A whole number that stands for a `log_id` or `alert_id`: ids are 32 hexadecimal digits; others are hashed.
pub(super) fn log_number(id: &str) -> u128 {
    match u128::from_str_radix(id, 16) {
        Ok(number) if id.len() == 32 => number,
        _ => {
            let mut hasher = DefaultHasher::new();
            id.hash(&mut hasher);
            hasher.finish().into()
        }
    }
}

/// A line of a JSONL inbox.
pub(super) struct Posted {
    pub(super) project: String,
    pub(super) run: String,
    pub(super) run_id: Option<String>,
    /// `log_id` or `alert_id`: rows of the database with the same one are this one, imported.
    pub(super) id: Option<String>,
    pub(super) time: String,
    pub(super) step: Option<i64>,
    /// The config, in the first line of a run.
    pub(super) config: Option<Stored>,
    pub(super) what: Stored,
}

impl Posted {
    /// What the run is called in a database that has imported the line.
    pub(super) fn run_key(&self) -> &str {
        self.run_id.as_deref().unwrap_or(&self.run)
    }
}

/// Reads a line of the inbox. `None`: it is not one (Trackio passes over it, too).
pub(super) fn posted(line: &str) -> Option<Posted> {
    let Value::Object(mut line) = lenient(line)? else { return None };
    let mut text = |name: &str| match line.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let (kind, project, run, run_id) = (text("kind")?, text("project")?, text("run")?, text("run_id"));
    let (id, time) = (text("log_id").or_else(|| text("alert_id")), text("timestamp").unwrap_or_default());
    let (title, body, level) = (text("title").unwrap_or_default(), text("text").unwrap_or_default(), text("level").unwrap_or_default());
    let step = line.get("step").and_then(Value::as_i64);
    let config = line.remove("config").filter(Value::is_object).map(|config| Stored::Config(config.to_string().into_bytes()));
    let metrics = line.remove("metrics").filter(Value::is_object).unwrap_or_else(|| json!({}));
    let logged = Logged { id: 0, time: time.clone(), step, json: metrics.to_string().into_bytes() };
    let what = match kind.as_str() {
        "metric" => Stored::Metrics(logged),
        "system_metric" => Stored::System(logged),
        "alert" => Stored::Alert(StoredAlert { time: time.clone(), step, title, text: body, level }),
        _ => return None,
    };
    Some(Posted { project, run, run_id, id, time, step, config, what })
}

/// The records of one line of a JSONL inbox, as if it were the first of its run. Empty: it is no such line.
pub fn trackio_line(line: &[u8]) -> Vec<Result<Record, Loss>> {
    let mut out = vec![];
    if let Some(posted) = std::str::from_utf8(line).ok().and_then(posted) {
        let mut rows = Rows::new(TimeZone::UTC);
        posted.config.iter().chain([&posted.what]).for_each(|stored| rows.read(stored, &mut |record| out.push(record)));
    }
    out
}

/// Turns the rows of one run into records.
pub(super) struct Rows {
    keys: Keys,
    stamps: Stamps,
    config: HashMap<String, Value>,
    attempt: u32,
    /// Last step of each key in this attempt.
    steps: Vec<Option<i64>>,
    step_max: Option<i64>,
    ready: VecDeque<Record>,
}

impl Rows {
    /// `zone`: where the timestamps without an offset were written.
    pub(super) fn new(zone: TimeZone) -> Rows {
        Rows {
            keys: Keys::default(),
            stamps: Stamps::new(zone),
            config: HashMap::new(),
            attempt: 0,
            steps: vec![],
            step_max: None,
            ready: VecDeque::new(),
        }
    }

    /// Hands the records of one row to `sink`. A loss has the number of the row for its offset.
    pub(super) fn read(&mut self, row: &Stored, sink: &mut dyn FnMut(Result<Record, Loss>)) {
        let loss = match row {
            Stored::Metrics(row) => self.metrics(row),
            Stored::System(row) => self.system(row),
            Stored::Config(config) => self.config(config),
            Stored::Alert(alert) => {
                let alert = self.alert(alert);
                self.ready.push_back(Record::Alert(alert));
                None
            }
            Stored::Trace(trace) => {
                let media = self.trace(trace);
                self.ready.push_back(Record::Media(Box::new(media)));
                None
            }
            Stored::TooLarge { table, id, bytes } => {
                Some(Loss { offset: at(*id), bytes: *bytes, reason: format!("row {id} of {table} is too large") })
            }
        };
        self.ready.drain(..).for_each(|record| sink(Ok(record)));
        if let Some(loss) = loss {
            sink(Err(loss));
        }
    }

    fn metrics(&mut self, row: &Logged) -> Option<Loss> {
        let loss = |reason: String| Some(Loss { offset: at(row.id), bytes: row.json.len() as u64, reason });
        let time = self.stamps.read(&row.time);
        let step = row.step.unwrap_or_else(|| self.step_max.map_or(0, |step| step.saturating_add(1)));
        self.step_max = self.step_max.max(Some(step));
        self.keys.begin();
        let mut media = vec![];
        let read = std::str::from_utf8(&row.json).ok().and_then(|text| {
            let mut cursor = Cursor::new(text);
            cursor.object(|cursor, key| value(cursor, &key, &mut self.keys, &mut media))?;
            cursor.is_done().then_some(())
        });
        if read.is_none() {
            return loss(format!("row {} of metrics is not a JSON object", row.id));
        }
        if !self.keys.is_empty() {
            let values = self.keys.take(&mut self.ready);
            let attempt = self.attempt(step, &values);
            self.ready.push_back(Record::Row(Row { step: Some(Step(step)), time, attempt, values, ..Row::default() }));
        }
        self.ready.extend(
            media.into_iter().map(|(key, kind, about)| Record::Media(Box::new(Media { key, step: Some(Step(step)), time, kind, about }))),
        );
        self.keys.overflowed().and_then(loss)
    }

    /// Number of the attempt that a row belongs to.
    fn attempt(&mut self, step: i64, values: &[(KeyId, f64)]) -> u32 {
        let last = |steps: &[Option<i64>], id: KeyId| steps.get(id.0 as usize).copied().flatten();
        if values.iter().any(|(id, _)| last(&self.steps, *id).is_some_and(|last| step < last)) {
            self.attempt = self.attempt.saturating_add(1);
            self.steps.clear();
        }
        for (id, _) in values {
            let at = id.0 as usize;
            if self.steps.len() <= at {
                self.steps.resize(at + 1, None);
            }
            self.steps[at] = Some(step);
        }
        self.attempt
    }

    fn system(&mut self, row: &Logged) -> Option<Loss> {
        let object = std::str::from_utf8(&row.json).ok().and_then(lenient).filter(Value::is_object);
        let Some(object) = object else {
            let reason = format!("row {} of system_metrics is not a JSON object", row.id);
            return Some(Loss { offset: at(row.id), bytes: row.json.len() as u64, reason });
        };
        let mut samples = vec![];
        numbers(&object, &mut String::new(), &mut |name, value| samples.push((name.to_owned(), value)));
        if !samples.is_empty() {
            self.ready.push_back(Record::System(self.stamps.read(&row.time), samples));
        }
        None
    }

    fn config(&mut self, json: &[u8]) -> Option<Loss> {
        let Some(Value::Object(config)) = std::str::from_utf8(json).ok().and_then(lenient) else {
            return Some(Loss { offset: 0, bytes: json.len() as u64, reason: "the config is not a JSON object".into() });
        };
        for (name, value) in config {
            let info = match name.as_str() {
                "_Created" => "created_at",
                "_Username" => "username",
                "_Group" => "group",
                _ => {
                    self.entry(name, value);
                    continue;
                }
            };
            if !value.is_null() && self.config.get(&name) != Some(&value) {
                self.ready.push_back(Record::Info(info, value.clone()));
                self.config.insert(name, value);
            }
        }
        None
    }

    /// Tells a config entry that is new or has changed.
    fn entry(&mut self, name: String, value: Value) {
        if self.config.get(&name) != Some(&value) {
            self.ready.push_back(Record::Config(name.clone(), value.clone()));
            self.config.insert(name, value);
        }
    }

    fn alert(&mut self, alert: &StoredAlert) -> Alert {
        let level = match alert.level.to_ascii_lowercase().as_str() {
            "info" => "info",
            "error" => "error",
            _ => "warn",
        };
        let (title, text, step) = (alert.title.clone(), alert.text.clone(), alert.step.map(Step));
        Alert { title, text, level, step, time: self.stamps.read(&alert.time) }
    }

    fn trace(&mut self, trace: &StoredTrace) -> Media {
        let field = |json: &[u8]| match std::str::from_utf8(json).ok().filter(|text| text.len() <= FIELD_BYTES_MAX).and_then(lenient) {
            Some(value) => value,
            None => json!({ "bytes": json.len() }),
        };
        let about = json!({
            "id": trace.id, "index": trace.index,
            "messages": field(&trace.messages), "metadata": field(&trace.metadata), "spans": field(&trace.spans),
        });
        let (key, step) = (trace.key.clone(), trace.step.map(Step));
        Media { key, step, time: self.stamps.read(&trace.time), kind: "trace".into(), about }
    }
}

fn at(id: i64) -> u64 {
    id.max(0).unsigned_abs()
}

/// Puts one entry of a metrics row where it belongs. The media are key, kind and description.
fn value(cursor: &mut Cursor, key: &str, keys: &mut Keys, media: &mut Vec<(String, String, Value)>) -> Option<()> {
    match cursor.peek()? {
        b'[' => {
            // A list of pictures; any other list is left out.
            let Value::Array(items) = cursor.value()? else { return Some(()) };
            media.extend(items.into_iter().filter_map(typed).map(|(kind, about)| (key.to_owned(), kind, about)));
        }
        b'{' => {
            let value = cursor.value()?;
            if value.get("_type").is_some() {
                media.extend(typed(value).map(|(kind, about)| (key.to_owned(), kind, about)));
            } else {
                numbers(&value, &mut key.to_owned(), &mut |name, value| keys.put(name, value));
            }
        }
        _ => match cursor.token()? {
            Token::Number(number) => keys.put(key, number),
            Token::Text(text) => match non_finite(&text) {
                Some(number) => keys.put(key, number),
                None => media.push((key.to_owned(), "text".into(), json!({ "text": bounded(text.into_owned().into()) }))),
            },
            Token::Object | Token::Other => {}
        },
    }
    Some(())
}

/// The kind and the description of an object with a `_type`: its fields, the path of its file relative to the project's folder.
fn typed(object: Value) -> Option<(String, Value)> {
    let Value::Object(fields) = object else { return None };
    let kind = fields.get("_type")?.as_str()?;
    let kind = kind.strip_prefix("trackio.").unwrap_or(kind).to_ascii_lowercase();
    let mut about = Map::new();
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("_type", _) => {}
            ("file_path", Value::String(path)) => drop(about.insert("path".into(), format!("media/{path}").into())),
            ("_value", value) => {
                if let (Value::Array(rows), "table") = (&value, kind.as_str()) {
                    about.insert("rows".into(), rows.len().into());
                    let columns = rows.first().and_then(Value::as_object).map(|row| row.keys().cloned().collect::<Vec<_>>());
                    about.insert("columns".into(), bounded(columns.unwrap_or_default().into()));
                }
                about.insert("value".into(), bounded(value));
            }
            (_, value) => drop(about.insert(name, bounded(value))),
        }
    }
    Some((kind, about.into()))
}

fn bounded(value: Value) -> Value {
    let bytes = match &value {
        Value::Null | Value::Bool(_) | Value::Number(_) => return value,
        Value::String(text) => text.len(),
        Value::Array(_) | Value::Object(_) => value.to_string().len(),
    };
    if bytes <= FIELD_BYTES_MAX { value } else { json!({ "bytes": bytes }) }
}

/// Calls `put` for every number in `value`, dicts flattened with `.` behind `path`.
pub(super) fn numbers(value: &Value, path: &mut String, put: &mut dyn FnMut(&str, f64)) {
    let Value::Object(fields) = value else {
        return num::from_json(value).into_iter().for_each(|number| put(path, number));
    };
    for (name, value) in fields {
        let back = path.len();
        if back > 0 {
            path.push('.');
        }
        path.push_str(name);
        numbers(value, path, put);
        path.truncate(back);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn logged(step: Option<i64>, json: &str) -> Stored {
        Stored::Metrics(Logged { id: 7, time: "2026-11-20T08:00:13+00:00".into(), step, json: json.into() })
    }

    /// The records of some rows as text; losses as `row number: bytes`.
    fn read(rows: &[Stored]) -> (Vec<Record>, Vec<String>) {
        let (mut decoder, mut records, mut losses) = (Rows::new(TimeZone::UTC), vec![], vec![]);
        for row in rows {
            decoder.read(row, &mut |record| match record {
                Ok(record) => records.push(record),
                Err(loss) => losses.push(format!("{}: {}", loss.offset, loss.bytes)),
            });
        }
        (records, losses)
    }

    fn rows(records: &[Record]) -> Vec<(i64, u32, usize)> {
        let row = |record: &Record| match record {
            Record::Row(row) => Some((row.step.unwrap().0, row.attempt, row.values.len())),
            _ => None,
        };
        records.iter().filter_map(row).collect()
    }

    #[test]
    fn a_key_that_goes_back_starts_an_attempt_and_one_that_is_late_does_not() {
        let (train, eval) = (r#"{"loss":1}"#, r#"{"eval":1}"#);
        let steps = [(1, train), (2, train), (3, train), (1, eval), (4, train), (2, eval), (3, train), (3, eval), (4, eval)];
        let (records, losses) = read(&steps.map(|(step, json)| logged(Some(step), json)));
        let attempts: Vec<_> = rows(&records).iter().map(|(step, attempt, _)| (*step, *attempt)).collect();
        assert_eq!(attempts, [(1, 0), (2, 0), (3, 0), (1, 0), (4, 0), (2, 0), (3, 1), (3, 1), (4, 1)]);
        assert_eq!(losses, [""; 0]);
    }

    #[test]
    fn a_row_without_a_step_stands_behind_the_highest() {
        let (records, _) = read(&[logged(None, r#"{"a":1}"#), logged(Some(5), r#"{"b":1}"#), logged(None, r#"{"a":1,"a":2}"#)]);
        assert_eq!(rows(&records), [(0, 0, 1), (5, 0, 1), (6, 0, 1)]);
    }

    #[test]
    fn a_row_that_is_no_object_is_a_loss_and_leaves_no_value_behind() {
        let bad = ["", "[1]", "{\"a\":1", "{\"a\":1} x", "nul", "{\"a\":{\"b\":1}"];
        let mut all: Vec<_> = bad.iter().map(|json| logged(Some(1), json)).collect();
        all.push(logged(Some(2), r#"{"c":1}"#));
        let (records, losses) = read(&all);
        assert_eq!(losses, bad.map(|json| format!("7: {}", json.len())));
        assert_eq!(rows(&records), [(2, 0, 1)]);
    }

    #[test]
    fn a_large_field_is_told_by_its_size() {
        let table =
            json!({"t": {"_type": "trackio.table", "_value": vec![json!({"col": "x".repeat(100)}); 1000]}, "s": "y".repeat(20_000)});
        let (records, _) = read(&[logged(Some(1), &table.to_string())]);
        let about = |key: &str| {
            records
                .iter()
                .find_map(|r| {
                    if let Record::Media(m) = r
                        && m.key == key
                    {
                        Some(&m.about)
                    } else {
                        None
                    }
                })
                .unwrap()
        };
        assert_eq!(*about("t"), json!({"rows": 1000, "columns": ["col"], "value": {"bytes": 111_001}}));
        assert_eq!(*about("s"), json!({"text": {"bytes": 20_000}}));
    }

    #[test]
    fn a_list_of_pictures_is_several_media_and_a_list_of_numbers_none() {
        let image = |name: &str| json!({"_type": "trackio.image", "file_path": name, "caption": null});
        let (records, _) = read(&[logged(Some(1), &json!({"i": [image("p/r/1/a.png"), image("p/r/1/b.png")], "l": [1, 2]}).to_string())]);
        let paths: Vec<_> = records.iter().map(|r| if let Record::Media(m) = r { m.about["path"].clone() } else { Value::Null }).collect();
        assert_eq!(paths, ["media/p/r/1/a.png", "media/p/r/1/b.png"]);
    }

    #[test]
    fn only_what_changes_in_a_config_is_told_again() {
        let config = |json: &str| Stored::Config(json.into());
        let (records, losses) = read(&[
            config(r#"{"lr":1,"m":{"a":{},"b":[1]},"_Created":"x","_Group":null}"#),
            config(r#"{"lr":2,"m":{"a":{},"b":[1]},"_Created":"y"}"#),
            config("[]"),
        ]);
        let of = |name: &str, value| Record::Config(name.into(), value);
        let want = [
            of("lr", json!(1)),
            of("m", json!({"a": {}, "b": [1]})),
            Record::Info("created_at", json!("x")),
            of("lr", json!(2)),
            Record::Info("created_at", json!("y")),
        ];
        assert_eq!((records, losses), (want.to_vec(), vec!["0: 2".to_owned()]));
    }

    #[test]
    fn the_name_on_disk_is_that_of_trackio() {
        assert_eq!(canonical("my.model v2-ü_"), "mymodelv2-ü_");
        assert_eq!(canonical("../ "), "default");
        assert_eq!(project_of(Path::new("/a/my.v2.db")).as_deref(), Some("my.v2"));
        assert_eq!(project_of(Path::new("/a/registry-x.db")), None);
        assert_eq!(project_of(Path::new("/a/x.db-wal")), None);
    }

    #[test]
    fn folders_are_looked_for_where_trackio_looks() {
        let env = |name: &str| match name {
            "HF_HOME" => Some("/hf".into()),
            "HOME" => Some("/home/me".into()),
            "TRACKIO_DIR" => Some("".into()),
            _ => None,
        };
        let here = |path: &Path| path != Path::new("/nowhere");
        let found = trackio_folders(env, here);
        assert_eq!(found, ["/hf/trackio", "/home/me/.cache/huggingface/trackio", "trackio"].map(PathBuf::from));
        let set = |name: &str| (name == "TRACKIO_DIR").then(|| "trackio".into());
        assert_eq!(trackio_folders(set, here), [PathBuf::from("trackio")]);
        assert!(trackio_folders(set, |_| false).is_empty());
    }

    #[test]
    fn a_line_of_the_inbox_names_its_run_and_its_row() {
        let line = r#"{"v":1,"kind":"metric","project":"p.q","run":"r","run_id":null,"metrics":{"a":"NaN"},"step":null,"timestamp":"t","config":{"lr":1},"log_id":"ff"}"#;
        let read = posted(line).unwrap();
        assert_eq!((read.run_key(), read.id.as_deref(), read.step, read.config.is_some()), ("r", Some("ff"), None, true));
        for bad in ["", "[]", "{}", r#"{"kind":"other","project":"p","run":"r"}"#, r#"{"kind":"metric","project":1,"run":"r"}"#] {
            assert!(posted(bad).is_none(), "{bad}");
        }
        assert_eq!(log_number("0000000000000000000000000000000f"), 15);
        assert_ne!(log_number("f"), log_number("e"));
    }

    proptest! {
        #[test]
        fn no_row_panics_and_each_is_read_or_lost(text in r#"[\[\]{}",:\\u0-9a-eNIn_type.\- é]{0,60}"#, bytes in proptest::collection::vec(any::<u8>(), 0..40), step in any::<Option<i64>>()) {
            for json in [text.clone().into_bytes(), bytes, format!("{{\"a\":{text}}}").into_bytes(), format!("{{\"_type\":\"{text}\",\"a\":1}}").into_bytes()] {
                let whole = std::str::from_utf8(&json).ok().and_then(lenient).is_some_and(|value| value.is_object());
                let row = || Logged { id: 1, time: text.clone(), step, json: json.clone() };
                for stored in [Stored::Metrics(row()), Stored::System(row()), Stored::Config(json.clone())] {
                    prop_assert_eq!(read(&[stored]).1.is_empty(), whole);
                }
            }
            let _line = posted(&text);
        }

        #[test]
        fn every_number_of_a_row_arrives(values in proptest::collection::btree_map("[a-z/_]{1,8}", any::<f64>(), 1..12)) {
            let object: Map<String, Value> = values.iter().map(|(key, value)| (key.clone(), num::to_json(*value))).collect();
            let text = Value::Object(object.clone()).to_string();
            let (records, losses) = read(&[logged(Some(1), &text), logged(Some(2), &json!({"in": object}).to_string())]);
            prop_assert_eq!(losses.len(), 0);
            let names: HashMap<_, _> = records.iter().filter_map(|r| if let Record::Key(id, key) = r { Some((*id, key.to_string())) } else { None }).collect();
            let mut got = records.iter().filter_map(|r| if let Record::Row(row) = r { Some(row) } else { None });
            for prefix in ["", "in."] {
                let row: HashMap<_, _> = got.next().unwrap().values.iter().map(|(id, value)| (names[id].clone(), value.to_bits())).collect();
                let nan = f64::NAN.to_bits();
                let want: HashMap<_, _> = values.iter().map(|(key, v)| (format!("{prefix}{key}"), if v.is_nan() { nan } else { v.to_bits() })).collect();
                prop_assert_eq!(row, want);
            }
        }
    }
}
