//! The files of one run, what `run.json` says, and how people name a run.

use super::names::{short, words};
use crate::model::{RunId, Step, WallTime, near, num};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Version of `run.json` that this og writes. Fields that it does not know are kept.
const VERSION: u32 = 1;

/// Where the files of a run are. Values only; nothing says that they exist.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The run folder at `path`.
    pub fn at(path: impl Into<PathBuf>) -> RunFolder {
        RunFolder { path: path.into() }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The id, which is the folder's name.
    pub fn id(&self) -> RunId {
        RunId(self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
    }

    /// What the run is: [`RunInfo`].
    pub fn run_json(&self) -> PathBuf {
        self.path.join("run.json")
    }

    /// Raw bytes of the training's terminal.
    pub fn stdout_log(&self) -> PathBuf {
        self.path.join("stdout.log")
    }

    /// When those bytes came: [`super::TimesIndex`].
    pub fn stdout_times(&self) -> PathBuf {
        self.path.join("stdout.times")
    }

    /// Rows that the training logged with og.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// What happened: [`super::Event`].
    pub fn events(&self) -> PathBuf {
        self.path.join("events.jsonl")
    }

    /// Samples of host and GPUs.
    pub fn system(&self) -> PathBuf {
        self.path.join("system.jsonl")
    }
}

/// What somebody asks for when a run begins.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct NewRun {
    /// What to call it; the words of its id when nobody says.
    pub name: Option<String>,
    /// The project it belongs to.
    pub project: Option<String>,
    /// The group within the project.
    pub group: Option<String>,
    /// Tags; a tag without a value has the empty text.
    pub tags: BTreeMap<String, String>,
    /// A remark.
    pub note: Option<String>,
    /// Hyperparameters known at the start.
    pub config: BTreeMap<String, Value>,
    /// The training command, word by word.
    pub command: Vec<String>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// Steps it means to take.
    pub total_steps: Option<i64>,
    /// The canvas it is shown in.
    pub canvas: Option<String>,
    /// What an agent was asked for, when one started it.
    pub prompt: Option<String>,
    /// The run it goes on from.
    pub parent: Option<Parent>,
}

/// What `run.json` says.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunInfo {
    /// Version of the file.
    pub v: u32,
    /// The run's id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The project it belongs to.
    pub project: Option<String>,
    /// The group within the project.
    pub group: Option<String>,
    /// Tags; a tag without a value has the empty text.
    pub tags: BTreeMap<String, String>,
    /// Remarks.
    pub notes: String,
    /// Hyperparameters known at the start.
    pub config: BTreeMap<String, Value>,
    /// The training command, word by word.
    pub command: Vec<String>,
    /// Where it runs.
    #[serde(serialize_with = "as_text")]
    pub cwd: PathBuf,
    /// The machine it runs on.
    pub host: Option<String>,
    /// The training process, once there is one.
    pub pid: Option<u32>,
    /// When it was started, in Unix seconds.
    #[serde(with = "secs")]
    pub started_at: Option<WallTime>,
    /// The canvas it is shown in.
    pub canvas: Option<String>,
    /// The run it goes on from.
    pub parent: Option<Parent>,
    /// The code it runs.
    pub git: Option<Git>,
    /// Steps it means to take.
    pub total_steps: Option<i64>,
    /// What an agent was asked for, when one started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Fields of other versions, kept as they stand.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The run that another one goes on from.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Parent {
    /// Its id.
    pub run: String,
    /// The weights taken over.
    pub checkpoint: Option<String>,
    /// The step they were saved at.
    pub step: Option<i64>,
}

/// The commit that a run's folder stood at.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Git {
    /// The commit.
    pub sha: String,
    /// Whether tracked files differed from it.
    pub dirty: bool,
}

impl RunInfo {
    /// What `run.json` says of a run that begins now.
    pub fn of(new: NewRun, id: &RunId, now: WallTime, host: Option<String>, git: Option<Git>) -> RunInfo {
        let name = new.name.unwrap_or_else(|| words(&id.0).unwrap_or(&id.0).to_owned());
        RunInfo {
            v: VERSION,
            id: id.0.clone(),
            name,
            project: new.project,
            group: new.group,
            tags: new.tags,
            notes: new.note.unwrap_or_default(),
            config: new.config,
            command: new.command,
            cwd: new.cwd,
            host,
            pid: None,
            started_at: Some(now),
            canvas: new.canvas,
            parent: new.parent,
            git,
            total_steps: new.total_steps,
            prompt: new.prompt,
            rest: Map::new(),
        }
    }

    /// The short id that people type.
    pub fn short_id(&self) -> &str {
        short(&self.id)
    }
}

/// Writes a path as text. A name that is no UTF-8 has no JSON of its own: it is written as it is shown.
pub(super) fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    path.to_string_lossy().serialize(serializer)
}

/// Wall times as Unix seconds.
mod secs {
    use super::{Value, WallTime, num};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(time: &Option<WallTime>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(WallTime::secs).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WallTime>, D::Error> {
        Ok(num::from_json(&Value::deserialize(deserializer)?).and_then(WallTime::new))
    }
}

/// A line for `metrics.jsonl`, with its newline. NaN and infinities become words.
pub fn metrics_line(step: Step, time: WallTime, values: &[(&str, f64)]) -> String {
    let values: Map<String, Value> = values.iter().map(|(key, value)| ((*key).to_owned(), num::to_json(*value))).collect();
    format!("{}\n", json!({"s": step.0, "t": num::to_json(time.secs()), "m": values}))
}

/// A run of the store, as far as naming it goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    /// Its id.
    pub id: RunId,
    /// What it is called.
    pub name: String,
}

/// Why a text names no run.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unknown {
    /// Nothing fits.
    #[error("no run is called `{query}`")]
    None {
        /// What was asked for.
        query: String,
        /// Ids and names that look like it.
        near: Vec<String>,
    },
    /// Several ids start with it.
    #[error("`{query}` may mean {} runs", ids.len())]
    Several {
        /// What was asked for.
        query: String,
        /// The ids, newest first.
        ids: Vec<RunId>,
    },
}

impl Unknown {
    /// What to do about it.
    pub fn hint(&self) -> String {
        /// Enough to choose from on one line or two.
        const SHOWN: usize = 5;
        match self {
            Unknown::None { near, .. } if near.is_empty() => "the runs of this store are the folders in `.og/runs`".to_owned(),
            Unknown::None { near, .. } => format!("did you mean {}?", near.join(", ")),
            Unknown::Several { ids, .. } => {
                let shown: Vec<&str> = ids.iter().take(SHOWN).map(|id| id.0.as_str()).collect();
                format!("write more of it: {}{}", shown.join(", "), if ids.len() > SHOWN { ", ..." } else { "" })
            }
        }
    }
}

/// The run that `query` means among `runs` (newest first): its id; its short id; its name, the newest of several; the
/// only one whose id, or the words in it, start with `query`.
pub fn lookup<'a>(query: &str, runs: &'a [Known]) -> Result<&'a Known, Unknown> {
    let query = query.trim();
    let exact: [&dyn Fn(&Known) -> bool; 3] = [&|run| run.id.0 == query, &|run| short(&run.id.0) == query, &|run| run.name == query];
    if let Some(found) = exact.iter().find_map(|is| runs.iter().find(|run| is(run))) {
        return Ok(found);
    }
    let starts = |run: &&Known| {
        run.id.0.starts_with(query) || short(&run.id.0).starts_with(query) || words(&run.id.0).is_some_and(|w| w.starts_with(query))
    };
    let found: Vec<&Known> = if query.is_empty() { vec![] } else { runs.iter().filter(starts).collect() };
    match found[..] {
        [only] => Ok(only),
        [] => {
            let candidates = runs.iter().flat_map(|run| [run.name.as_str(), short(&run.id.0), run.id.0.as_str()]);
            Err(Unknown::None { query: query.to_owned(), near: near(query, candidates).into_iter().map(str::to_owned).collect() })
        }
        _ => Err(Unknown::Several { query: query.to_owned(), ids: found.iter().map(|run| run.id.clone()).collect() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs() -> Vec<Known> {
        let known = |id: &str, name: &str| Known { id: RunId(id.into()), name: name.into() };
        vec![
            known("20261120-080000-calm-otter-beef", "baseline"),
            known("20261119-080000-brave-otter-cafe", "baseline"),
            known("20261119-070000-brave-owl-caf1", "lr-sweep"),
        ]
    }

    #[test]
    fn a_run_has_many_names() {
        let runs = runs();
        let find = |query: &str| lookup(query, &runs).map(|run| short(&run.id.0));
        assert_eq!(find("20261119-080000-brave-otter-cafe"), Ok("cafe"));
        assert_eq!(find("caf1"), Ok("caf1"));
        assert_eq!(find("baseline"), Ok("beef"));
        assert_eq!(find("calm"), Ok("beef"));
        assert_eq!(find("be"), Ok("beef"));
        assert_eq!(find("20261120"), Ok("beef"));
        let several = find("caf").unwrap_err();
        assert_eq!(several.hint(), "write more of it: 20261119-080000-brave-otter-cafe, 20261119-070000-brave-owl-caf1");
        let none = find("basline").unwrap_err();
        assert_eq!((none.to_string(), none.hint()), ("no run is called `basline`".into(), "did you mean baseline?".into()));
        assert!(matches!(find(""), Err(Unknown::None { .. })));
    }

    #[test]
    fn fields_of_other_versions_survive() {
        let text = r#"{"v":2,"id":"a","name":"b","started_at":1.5,"colour":"red","parent":{"run":"x"},"git":null}"#;
        let info: RunInfo = serde_json::from_str(text).unwrap();
        assert_eq!((info.started_at, info.rest["colour"].as_str()), (WallTime::new(1.5), Some("red")));
        let again: RunInfo = serde_json::from_str(&serde_json::to_string(&info).unwrap()).unwrap();
        assert_eq!(again, info);
    }

    #[test]
    fn a_metrics_line_is_valid_json_whatever_the_values() {
        let line = metrics_line(Step(3), WallTime::new(2.5).unwrap(), &[("loss", f64::NAN), ("lr", 0.1)]);
        assert_eq!(line, "{\"s\":3,\"t\":2.5,\"m\":{\"loss\":\"NaN\",\"lr\":0.1}}\n");
    }
}
