//! Rows of a tviz database (RL training, 0.2.1 and 0.2.2 and their forerunners) as records; the queries are in `source::io`.
//!
//! A step has columns (`reward_mean`, `kl_divergence`, ...) and `extras`, a JSON object with Python's bare `NaN`. NaN in a column was
//! stored as NULL; a `numpy.float32` is a blob of 4 bytes, little-endian, and a `numpy.float16` one of 2. A rollout is one prompt at one
//! step, a trajectory one answer to it: they come as [`Media`] of kind `rollout` and `trajectory`, described by the columns of their tables; [`Rollout::from_about`]
//! and [`Trajectory::from_about`] read that back.

use super::{
    Loss, Media, Record, Row,
    json::{lenient, non_finite},
    keys::Keys,
    stamps::Stamps,
    tfevents::half,
    trackio::numbers,
};
use crate::model::{Exit, Step, WallTime, num};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
};

/// Columns of `steps` that are no metrics.
const NO_METRICS: &[&str] = &["id", "run_id", "step", "extras", "created_at"];

/// Columns that hold JSON.
const JSON: &[&str] = &["prompt_tokens", "output_tokens", "logprobs", "step_rewards"];

/// The databases that tviz may write, as far as they exist, the one that it would use first: `$TVIZ_DB_PATH`, `~/.tviz/tviz.db`,
/// and `./data/tviz.db` of its first versions.
pub fn tviz_databases(env: impl Fn(&str) -> Option<PathBuf>, exists: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let set = env("TVIZ_DB_PATH").filter(|path| !path.as_os_str().is_empty());
    let home = env("HOME").map(|home| home.join(".tviz/tviz.db"));
    [set, home, Some("data/tviz.db".into())].into_iter().flatten().filter(|path| exists(path)).collect()
}

/// One prompt and what it scored.
#[derive(Clone, PartialEq, Debug)]
pub struct Rollout {
    /// Its number, to which the trajectories refer.
    pub id: i64,
    /// Index among the rollouts of the step.
    pub group: i64,
    /// The prompt.
    pub prompt_text: Option<String>,
    /// The prompt as tokens; empty when it was not logged.
    pub prompt_tokens: Vec<i64>,
    /// The picture that the prompt shows.
    pub image_path: Option<String>,
    /// Latitude and longitude that are right, in degrees.
    pub truth: Option<(f64, f64)>,
    /// The city that is right.
    pub city: Option<String>,
    /// The country that is right.
    pub country: Option<String>,
    /// Mean of the rewards.
    pub mean_reward: Option<f64>,
    /// Highest of the rewards.
    pub best_reward: Option<f64>,
}

impl Rollout {
    /// Reads the description of a media object of kind `rollout`.
    pub fn from_about(about: &Value) -> Option<Rollout> {
        Some(Rollout {
            id: about.get("id")?.as_i64()?,
            group: about.get("group_idx").and_then(Value::as_i64).unwrap_or(0),
            prompt_text: text(about, "prompt_text"),
            prompt_tokens: ints(about, "prompt_tokens"),
            image_path: text(about, "image_path"),
            truth: place(about, "gt_lat", "gt_lon"),
            city: text(about, "city"),
            country: text(about, "country"),
            mean_reward: float(about, "mean_reward"),
            best_reward: float(about, "best_reward"),
        })
    }
}

/// One answer to a rollout's prompt.
#[derive(Clone, PartialEq, Debug)]
pub struct Trajectory {
    /// [`Rollout::id`] of its rollout.
    pub rollout: i64,
    /// Index among the trajectories of the rollout.
    pub index: i64,
    /// What it scored.
    pub reward: Option<f64>,
    /// The answer.
    pub output_text: Option<String>,
    /// The answer as tokens; empty when they were not logged.
    pub output_tokens: Vec<i64>,
    /// Logarithm of the probability of each token; minus infinity and NaN occur.
    pub logprobs: Vec<f64>,
    /// Latitude and longitude that it guessed, in degrees.
    pub guess: Option<(f64, f64)>,
    /// How far the guess is off.
    pub distance_km: Option<f64>,
    /// Reward of each turn.
    pub step_rewards: Vec<f64>,
}

impl Trajectory {
    /// Reads the description of a media object of kind `trajectory`.
    pub fn from_about(about: &Value) -> Option<Trajectory> {
        Some(Trajectory {
            rollout: about.get("rollout_id")?.as_i64()?,
            index: about.get("trajectory_idx").and_then(Value::as_i64).unwrap_or(0),
            reward: float(about, "reward"),
            output_text: text(about, "output_text"),
            output_tokens: ints(about, "output_tokens"),
            logprobs: floats(about, "logprobs"),
            guess: place(about, "pred_lat", "pred_lon"),
            distance_km: float(about, "distance_km"),
            step_rewards: floats(about, "step_rewards"),
        })
    }
}

fn text(about: &Value, name: &str) -> Option<String> {
    about.get(name)?.as_str().map(str::to_owned)
}

fn float(about: &Value, name: &str) -> Option<f64> {
    num::from_json(about.get(name)?)
}

fn place(about: &Value, lat: &str, lon: &str) -> Option<(f64, f64)> {
    float(about, lat).zip(float(about, lon))
}

fn ints(about: &Value, name: &str) -> Vec<i64> {
    about.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64).collect()
}

fn floats(about: &Value, name: &str) -> Vec<f64> {
    about.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(num::from_json).collect()
}

/// A value as SQLite stores it.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Cell {
    /// The number that it stands for: a blob of 2 bytes is a `numpy.float16`, one of 4 a `numpy.float32`, one of 8 a `numpy.int64` (a
    /// `numpy.float64` is a Python float and no blob).
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Cell::Null => None,
            Cell::Int(value) => Some(*value as f64),
            Cell::Real(value) => Some(*value),
            Cell::Text(text) => non_finite(text).or_else(|| text.parse().ok()),
            Cell::Blob(bytes) => match *bytes.as_slice() {
                [a, b] => Some(half(u16::from_le_bytes([a, b]))),
                [a, b, c, d] => Some(f32::from_le_bytes([a, b, c, d]).into()),
                [a, b, c, d, e, f, g, h] => Some(i64::from_le_bytes([a, b, c, d, e, f, g, h]) as f64),
                _ => None,
            },
        }
    }

    /// As JSON; `is_json` says that a text is JSON itself. A text that should be and is not stays a text.
    fn json(&self, is_json: bool) -> Value {
        match self {
            Cell::Null => Value::Null,
            Cell::Int(value) => (*value).into(),
            Cell::Text(text) => is_json.then(|| lenient(text)).flatten().unwrap_or_else(|| text.as_str().into()),
            Cell::Real(_) | Cell::Blob(_) => self.number().map_or(Value::Null, num::to_json),
        }
    }
}

/// A row of one of the tables: the columns that it has, by name.
pub(super) type Cells = Vec<(String, Cell)>;

fn cell<'a>(row: &'a Cells, name: &str) -> &'a Cell {
    row.iter().find(|(column, _)| column == name).map_or(&Cell::Null, |(_, cell)| cell)
}

/// Turns the rows of one run into records.
pub(super) struct Rows {
    keys: Keys,
    stamps: Stamps,
    /// What was told about the run, by field; config entries by `config.` and their name.
    told: HashMap<String, Value>,
    ready: VecDeque<Record>,
}

impl Rows {
    pub(super) fn new() -> Rows {
        Rows { keys: Keys::default(), stamps: Stamps::new(TimeZone::UTC), told: HashMap::new(), ready: VecDeque::new() }
    }

    /// The row of `runs`: what is new in it. An end is only there when `close()` was called, so it is a good one.
    pub(super) fn run(&mut self, row: &Cells, sink: &mut dyn FnMut(Result<Record, Loss>)) {
        let names = [
            ("id", "run_id"),
            ("name", "name"),
            ("type", "type"),
            ("modality", "modality"),
            ("started_at", "started_at"),
            ("ended_at", "ended_at"),
        ];
        for (column, name) in names {
            let value = cell(row, column).json(false);
            if value.is_null() || !self.is_news(name, &value) {
                continue;
            }
            if name == "ended_at" {
                let at = value.as_str().and_then(|text| self.stamps.read(text));
                self.ready.push_back(Record::Exit(Exit { code: Some(0), at, ..Exit::default() }));
            } else {
                self.ready.push_back(Record::Info(name, value));
            }
        }
        let mut loss = None;
        if let Cell::Text(text) = cell(row, "config") {
            match lenient(text) {
                Some(Value::Object(config)) => {
                    for (name, value) in config {
                        if self.is_news(&format!("config.{name}"), &value) {
                            self.ready.push_back(Record::Config(name, value));
                        }
                    }
                }
                _ => loss = Some(Loss { offset: 0, bytes: text.len() as u64, reason: "the config is not a JSON object".into() }),
            }
        }
        self.flush(loss, sink);
    }

    fn is_news(&mut self, name: &str, value: &Value) -> bool {
        self.told.insert(name.to_owned(), value.clone()).as_ref() != Some(value)
    }

    /// A row of `steps`.
    pub(super) fn step(&mut self, row: &Cells, sink: &mut dyn FnMut(Result<Record, Loss>)) {
        let id = id_of(row);
        let (step, time) = self.when(row);
        let mut loss = None;
        self.keys.begin();
        for (name, cell) in row.iter().filter(|(name, _)| !NO_METRICS.contains(&name.as_str())) {
            cell.number().into_iter().for_each(|number| self.keys.put(name, number));
        }
        if let Cell::Text(text) = cell(row, "extras") {
            match lenient(text).filter(Value::is_object) {
                Some(extras) => numbers(&extras, &mut String::new(), &mut |name, value| self.keys.put(name, value)),
                None => {
                    let reason = format!("the extras of row {id} of steps are not a JSON object");
                    loss = Some(Loss { offset: id, bytes: text.len() as u64, reason });
                }
            }
        }
        if !self.keys.is_empty() {
            let values = self.keys.take(&mut self.ready);
            self.ready.push_back(Record::Row(Row { step, time, values, ..Row::default() }));
        }
        if let Some(reason) = self.keys.overflowed() {
            loss = Some(Loss { offset: id, bytes: 0, reason });
        }
        self.flush(loss, sink);
    }

    /// A row of `rollouts` and those of its trajectories.
    pub(super) fn rollout(&mut self, row: &Cells, trajectories: &[Cells], sink: &mut dyn FnMut(Result<Record, Loss>)) {
        let (step, time) = self.when(row);
        let media = |key: &str, kind: &str, row| {
            Record::Media(Box::new(Media { key: key.into(), step, time, kind: kind.into(), about: about(row) }))
        };
        self.ready.push_back(media("rollouts", "rollout", row));
        self.ready.extend(trajectories.iter().map(|row| media("trajectories", "trajectory", row)));
        self.flush(None, sink);
    }

    fn when(&mut self, row: &Cells) -> (Option<Step>, Option<WallTime>) {
        let step = cell(row, "step").number().map(|step| Step(step as i64));
        match cell(row, "created_at") {
            Cell::Text(text) => (step, self.stamps.read(text)),
            _ => (step, None),
        }
    }

    fn flush(&mut self, loss: Option<Loss>, sink: &mut dyn FnMut(Result<Record, Loss>)) {
        self.ready.drain(..).for_each(|record| sink(Ok(record)));
        if let Some(loss) = loss {
            sink(Err(loss));
        }
    }
}

fn id_of(row: &Cells) -> u64 {
    cell(row, "id").number().map_or(0, |id| id as u64)
}

/// The columns that say something, by name.
fn about(row: &Cells) -> Value {
    let fields = row.iter().filter(|(name, cell)| *cell != Cell::Null && !matches!(name.as_str(), "run_id" | "step" | "created_at"));
    fields.map(|(name, cell)| (name.clone(), cell.json(JSON.contains(&name.as_str())))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(row: Cells) -> (Vec<Record>, usize) {
        let (mut rows, mut records, mut losses) = (Rows::new(), vec![], 0);
        let mut sink = |record: Result<Record, Loss>| match record {
            Ok(record) => records.push(record),
            Err(_) => losses += 1,
        };
        rows.run(&row, &mut sink);
        rows.step(&row, &mut sink);
        rows.rollout(&row, std::slice::from_ref(&row), &mut sink);
        (records, losses)
    }

    fn cells(cells: &[(&str, Cell)]) -> Cells {
        cells.iter().map(|(name, cell)| ((*name).to_owned(), cell.clone())).collect()
    }

    #[test]
    fn numpy_numbers_are_blobs() {
        assert_eq!(Cell::Blob(vec![0x66, 0x2e]).number(), Some(0.0999755859375));
        assert_eq!(Cell::Blob(0.5_f32.to_le_bytes().into()).number(), Some(0.5));
        assert_eq!(Cell::Blob((-7_i64).to_le_bytes().into()).number(), Some(-7.0));
        assert_eq!(Cell::Blob(vec![1, 2, 3]).number(), None);
        assert_eq!(Cell::Text("1e-3".into()).number(), Some(0.001));
        assert_eq!(Cell::Text("soon".into()).number(), None);
        assert_eq!(Cell::Blob(f32::INFINITY.to_le_bytes().into()).json(false), json!("Infinity"));
    }

    #[test]
    fn damaged_extras_cost_themselves() {
        let row =
            cells(&[("id", Cell::Int(4)), ("step", Cell::Int(9)), ("loss", Cell::Real(1.5)), ("extras", Cell::Text("{\"a\": 1".into()))]);
        let (records, losses) = read(row);
        let row = records.iter().find_map(|record| if let Record::Row(row) = record { Some(row) } else { None });
        assert_eq!((losses, row.unwrap().step, row.unwrap().values.len()), (1, Some(Step(9)), 1));
    }

    #[test]
    fn databases_are_looked_for_where_tviz_writes() {
        let env = |name: &str| (name == "HOME").then(|| "/home/me".into());
        assert_eq!(tviz_databases(env, |_| true), ["/home/me/.tviz/tviz.db", "data/tviz.db"].map(PathBuf::from));
        assert!(tviz_databases(|_| None, |_| false).is_empty());
    }

    proptest! {
        #[test]
        fn no_row_panics(
            row in proptest::collection::vec((
                prop_oneof![Just("id"), Just("step"), Just("loss"), Just("extras"), Just("config"), Just("logprobs"), Just("created_at"), Just("ended_at")],
                prop_oneof![
                    Just(Cell::Null),
                    any::<i64>().prop_map(Cell::Int),
                    any::<f64>().prop_map(Cell::Real),
                    r#"[\[\]{}",:0-9a-eNInT.\- é]{0,30}"#.prop_map(Cell::Text),
                    proptest::collection::vec(any::<u8>(), 0..10).prop_map(Cell::Blob),
                ],
            ), 0..8),
        ) {
            for record in read(cells(&row)).0 {
                if let Record::Media(media) = record {
                    let _typed = (Rollout::from_about(&media.about), Trajectory::from_about(&media.about));
                }
            }
        }

        #[test]
        fn a_trajectory_survives_its_description(reward in any::<f64>(), logprobs in proptest::collection::vec(any::<f64>(), 0..5), tokens in proptest::collection::vec(any::<i64>(), 0..5), text in ".*") {
            let numbers = |values: &[f64]| values.iter().map(|v| num::to_json(*v)).collect::<Vec<_>>();
            let row = cells(&[
                ("rollout_id", Cell::Int(3)), ("trajectory_idx", Cell::Int(1)), ("reward", Cell::Real(reward)),
                ("output_text", Cell::Text(text.clone())), ("output_tokens", Cell::Text(json!(tokens).to_string())),
                ("logprobs", Cell::Text(json!(numbers(&logprobs)).to_string())),
            ]);
            let read = Trajectory::from_about(&about(&row)).unwrap();
            prop_assert_eq!((read.rollout, read.index, read.output_text, read.output_tokens), (3, 1, Some(text), tokens));
            let bits = |values: &[f64]| values.iter().map(|v| if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() }).collect::<Vec<_>>();
            prop_assert_eq!(bits(&read.logprobs), bits(&logprobs));
            prop_assert_eq!(bits(&[read.reward.unwrap()]), bits(&[reward]));
        }
    }
}
