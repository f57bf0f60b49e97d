//! What a canvas should be: `canvas.json`, and the presets that come with og.

use crate::model::{LineRule, ReadOptions, near};
use serde_json::{Map, Value, json};
use std::{path::PathBuf, time::Duration};

/// Presets by name, as they stand in `canvases/`.
const PRESETS: &[(&str, &str)] = &[
    ("default", include_str!("../../canvases/default.json")),
    ("monitor", include_str!("../../canvases/monitor.json")),
    ("review", include_str!("../../canvases/review.json")),
];
/// Keys that a spec may have.
const KEYS: &[&str] =
    &["v", "title", "panes", "layout", "graphs", "derived", "agent", "refreshInterval", "runDir", "regex", "stepKey", "leetArgs"];
/// Roles that a pane may have.
const ROLES: &[&str] = &["train", "graph", "status"];
/// Arrangements that a spec may name.
const LAYOUTS: &[&str] = &["auto"];
/// Below, looking costs more than an eye gains; above, the canvas looks dead.
const REFRESH_MS: std::ops::RangeInclusive<u64> = 16..=60_000;

/// A checked spec. What og does not know in it is kept and written back.
#[derive(Clone, PartialEq, Debug)]
pub struct Spec {
    /// Version of the file.
    pub v: u64,
    /// Title, shown in the status.
    pub title: String,
    /// The panes in order.
    pub panes: Vec<PaneSpec>,
    /// How they are arranged: `auto`.
    pub layout: String,
    /// Metric keys or globs to draw; empty is all.
    pub graphs: Vec<String>,
    /// Metrics made of others, by name: expressions such as `val/loss - train/loss`.
    pub derived: Vec<(String, String)>,
    /// What the agent may do.
    pub agent: Agent,
    /// Rest between two looks at a database, in milliseconds. Files are read as soon as they grow.
    pub refresh_interval_ms: u64,
    /// The run to show when none is given otherwise.
    pub run_dir: Option<PathBuf>,
    /// How the run's output and tables are read, where the usual rules do not fit: `regex`, `stepKey`.
    pub read: ReadOptions,
    /// Arguments for `leet`, where a canvas runs it.
    pub leet_args: Vec<String>,
    raw: Map<String, Value>,
}

/// One pane of a spec.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaneSpec {
    /// `train`, `graph` or `status`; each at most once.
    pub role: String,
}

/// What the agent may do on a canvas.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Agent {
    /// Roles that it may send keys to.
    pub may_send: Vec<String>,
}

/// One thing that is wrong in a spec.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where: a JSON pointer, e.g. `/panes/0/role`.
    pub pointer: String,
    /// What.
    pub message: String,
    /// The values that may stand there, if they can be listed.
    pub allowed: Vec<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pointer = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, "{pointer}: {}", self.message)?;
        match self.allowed.is_empty() {
            true => Ok(()),
            false => write!(f, " (allowed: {})", self.allowed.join(", ")),
        }
    }
}

/// A spec that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// It is not JSON.
    #[error("not JSON at line {line}, column {column}")]
    Syntax {
        /// 1-based.
        line: usize,
        /// 1-based.
        column: usize,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// It is JSON, but says things that cannot be: all of them.
    #[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("; "))]
    Problems(Vec<Problem>),
    /// No preset has this name.
    #[error("no preset is called `{0}`")]
    UnknownPreset(String),
}

impl SpecError {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            SpecError::Syntax { .. } => Some("give an object, e.g. '{\"title\":\"night run\",\"refreshInterval\":500}'".into()),
            SpecError::Problems(_) => None,
            SpecError::UnknownPreset(_) => Some(format!("presets: {}", Spec::preset_names().collect::<Vec<_>>().join(", "))),
        }
    }
}

impl Spec {
    /// Names of the presets.
    pub fn preset_names() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }

    /// The preset of a name.
    pub fn preset(name: &str) -> Result<Spec, SpecError> {
        let (_, text) = PRESETS.iter().find(|(known, _)| *known == name).ok_or_else(|| SpecError::UnknownPreset(name.to_string()))?;
        Spec::parse(text)
    }

    /// Reads a spec. Fields that are missing have their defaults, fields that are unknown are kept.
    pub fn parse(text: &str) -> Result<Spec, SpecError> {
        Spec::check(parse_object(text)?)
    }

    /// The spec with the keys of `config` (a JSON object as text) in place of its own.
    pub fn merged(&self, config: &str) -> Result<Spec, SpecError> {
        self.with(parse_object(config)?)
    }

    /// The spec with these keys in place of its own. Unlike in a file, which another og may have written, a key that is
    /// unknown is a mistake here: whoever gives it means something by it.
    pub fn with(&self, keys: Map<String, Value>) -> Result<Spec, SpecError> {
        let unknown: Vec<Problem> = keys.keys().filter(|key| !KEYS.contains(&key.as_str())).map(|key| unknown_key(key)).collect();
        let mut raw = self.raw.clone();
        raw.extend(keys);
        match (Spec::check(raw), unknown.is_empty()) {
            (checked, true) => checked,
            (Err(SpecError::Problems(others)), false) => Err(SpecError::Problems([unknown, others].concat())),
            (_, false) => Err(SpecError::Problems(unknown)),
        }
    }

    /// The keys that say how a run is read, for [`Spec::with`].
    pub fn reading(read: &ReadOptions) -> Map<String, Value> {
        let mut keys = Map::new();
        if !read.rules.is_empty() {
            keys.insert("regex".into(), read.rules.iter().map(LineRule::as_str).collect::<Vec<_>>().into());
        }
        keys.extend(read.step_key.iter().map(|key| ("stepKey".to_owned(), key.as_str().into())));
        keys
    }

    /// The rest between two looks at a database.
    pub fn refresh_interval(&self) -> Duration {
        Duration::from_millis(self.refresh_interval_ms)
    }

    /// The roles in order.
    pub fn roles(&self) -> Vec<&str> {
        self.panes.iter().map(|pane| pane.role.as_str()).collect()
    }

    /// The spec as a file.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.raw).unwrap_or_default();
        text.push('\n');
        text
    }

    fn check(raw: Map<String, Value>) -> Result<Spec, SpecError> {
        let mut check = Check { raw: &raw, problems: vec![] };
        let v = check.number("v", 1, 1..=u64::MAX);
        let title = check.string("title", "");
        let layout = check.string("layout", "auto");
        check.one_of("/layout", &layout, LAYOUTS);
        let graphs = check.strings("graphs");
        let derived = check.words("derived");
        let leet_args = check.strings("leetArgs");
        let refresh_interval_ms = check.number("refreshInterval", 250, REFRESH_MS);
        let run_dir = match raw.get("runDir") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if !path.is_empty() => Some(PathBuf::from(path)),
            Some(other) => check.fail("/runDir", format!("a path is expected, not {other}"), &[]),
        };
        let read = check.read();
        let panes = check.panes();
        let agent = check.agent();
        if check.problems.is_empty() {
            Ok(Spec { v, title, panes, layout, graphs, derived, agent, refresh_interval_ms, run_dir, read, leet_args, raw })
        } else {
            Err(SpecError::Problems(check.problems))
        }
    }
}

fn unknown_key(key: &str) -> Problem {
    // A key of one letter is in every other word.
    let meant = near(key, KEYS.iter().copied().filter(|known| known.len() > 1));
    let message = match meant.as_slice() {
        [] => "there is no such key".to_owned(),
        meant => format!("there is no such key; did you mean {}?", meant.join(", ")),
    };
    let allowed = if meant.is_empty() { KEYS.iter().map(|key| key.to_string()).collect() } else { vec![] };
    Problem { pointer: format!("/{key}"), message, allowed }
}

fn parse_object(text: &str) -> Result<Map<String, Value>, SpecError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(SpecError::Problems(vec![Problem {
            pointer: String::new(),
            message: format!("an object is expected, not {}", kind(&other)),
            allowed: vec![],
        }])),
        Err(source) => Err(SpecError::Syntax { line: source.line(), column: source.column(), source }),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Reads fields and gathers what is wrong, so that everything is told at once.
struct Check<'a> {
    raw: &'a Map<String, Value>,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn fail<T: Default>(&mut self, pointer: &str, message: String, allowed: &[&str]) -> T {
        let allowed = allowed.iter().map(|word| word.to_string()).collect();
        self.problems.push(Problem { pointer: pointer.to_string(), message, allowed });
        T::default()
    }

    fn one_of(&mut self, pointer: &str, word: &str, allowed: &[&str]) {
        if !allowed.contains(&word) {
            self.fail::<()>(pointer, format!("`{word}` is unknown"), allowed);
        }
    }

    fn string(&mut self, key: &str, default: &str) -> String {
        match self.raw.get(key) {
            None => default.to_string(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => self.fail(&format!("/{key}"), format!("a string is expected, not {}", kind(other)), &[]),
        }
    }

    fn number(&mut self, key: &str, default: u64, range: std::ops::RangeInclusive<u64>) -> u64 {
        match self.raw.get(key) {
            None => default,
            Some(value) => match value.as_u64().filter(|n| range.contains(n)) {
                Some(n) => n,
                None if *range.end() == u64::MAX => {
                    self.fail(&format!("/{key}"), format!("a whole number from {} is expected, not {value}", range.start()), &[])
                }
                None => {
                    let message = format!("a whole number from {} to {} is expected, not {value}", range.start(), range.end());
                    self.fail(&format!("/{key}"), message, &[])
                }
            },
        }
    }

    fn strings(&mut self, key: &str) -> Vec<String> {
        let Some(value) = self.raw.get(key) else { return vec![] };
        self.strings_in(&format!("/{key}"), value)
    }

    fn strings_in(&mut self, pointer: &str, value: &Value) -> Vec<String> {
        let Value::Array(items) = value else {
            return self.fail(pointer, format!("an array of strings is expected, not {}", kind(value)), &[]);
        };
        let mut strings = vec![];
        for (at, item) in items.iter().enumerate() {
            match item {
                Value::String(text) => strings.push(text.clone()),
                other => self.fail(&format!("{pointer}/{at}"), format!("a string is expected, not {}", kind(other)), &[]),
            }
        }
        strings
    }

    fn read(&mut self) -> ReadOptions {
        let mut rules = vec![];
        for (at, pattern) in self.strings("regex").iter().enumerate() {
            match LineRule::parse(pattern) {
                Ok(rule) => rules.push(rule),
                Err(error) => self.fail(&format!("/regex/{at}"), error.in_a_line(pattern), &[]),
            }
        }
        let step_key = match self.raw.get("stepKey") {
            None | Some(Value::Null) => None,
            Some(Value::String(key)) if !key.is_empty() => Some(key.clone()),
            Some(other) => self.fail("/stepKey", format!("the name of a column is expected, not {other}"), &[]),
        };
        ReadOptions { rules, step_key }
    }

    /// An object of strings.
    fn words(&mut self, key: &str) -> Vec<(String, String)> {
        let mut words = vec![];
        match self.raw.get(key) {
            None => {}
            Some(Value::Object(map)) => {
                for (name, value) in map {
                    match value {
                        Value::String(text) if !name.is_empty() => words.push((name.clone(), text.clone())),
                        other => self.fail(&format!("/{key}/{name}"), format!("a string is expected, not {}", kind(other)), &[]),
                    }
                }
            }
            Some(other) => self.fail(&format!("/{key}"), format!("an object of strings is expected, not {}", kind(other)), &[]),
        }
        words
    }

    fn panes(&mut self) -> Vec<PaneSpec> {
        let fallback = json!([{"role": "train"}, {"role": "graph"}, {"role": "status"}]);
        let value = self.raw.get("panes").unwrap_or(&fallback);
        let Value::Array(items) = value else {
            return self.fail("/panes", format!("an array is expected, not {}", kind(value)), &[]);
        };
        if items.is_empty() {
            return self.fail("/panes", "a canvas without panes shows nothing".into(), &[]);
        }
        let mut panes: Vec<PaneSpec> = vec![];
        for (at, item) in items.iter().enumerate() {
            let pointer = format!("/panes/{at}/role");
            match item.get("role") {
                Some(Value::String(role)) if panes.iter().any(|pane| pane.role == *role) => {
                    self.fail(&pointer, format!("a second pane `{role}`"), &[])
                }
                Some(Value::String(role)) => {
                    self.one_of(&pointer, role, ROLES);
                    panes.push(PaneSpec { role: role.clone() });
                }
                Some(other) => self.fail(&pointer, format!("a string is expected, not {}", kind(other)), ROLES),
                None => self.fail(&pointer, "a pane needs a role".into(), ROLES),
            }
        }
        panes
    }

    fn agent(&mut self) -> Agent {
        let may_send = match self.raw.get("agent") {
            None => return Agent { may_send: vec!["graph".into(), "status".into()] },
            Some(Value::Object(agent)) => match agent.get("may_send") {
                None => vec![],
                Some(value) => self.strings_in("/agent/may_send", value),
            },
            Some(other) => self.fail("/agent", format!("an object is expected, not {}", kind(other)), &[]),
        };
        for (at, role) in may_send.iter().enumerate() {
            self.one_of(&format!("/agent/may_send/{at}"), role, ROLES);
        }
        Agent { may_send }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, want: &str) {
        match Spec::parse(text) {
            Ok(spec) => panic!("accepted: {spec:?}"),
            Err(error) => assert_eq!(error.to_string(), want),
        }
    }

    #[test]
    fn every_preset_is_a_spec() {
        for name in Spec::preset_names() {
            let spec = Spec::preset(name).unwrap();
            assert_eq!(spec.title, name);
            assert!(spec.roles().contains(&"graph"));
            assert_eq!(Spec::parse(&spec.to_json()).unwrap(), spec);
        }
        assert_eq!(Spec::preset("review").unwrap().roles(), ["graph", "status"]);
        assert_eq!(Spec::preset("monitr").unwrap_err().hint().unwrap(), "presets: default, monitor, review");
    }

    #[test]
    fn an_empty_spec_has_every_default() {
        let spec = Spec::parse("{}").unwrap();
        assert_eq!(spec.roles(), ["train", "graph", "status"]);
        assert_eq!((spec.layout.as_str(), spec.refresh_interval_ms), ("auto", 250));
        assert_eq!(spec.agent.may_send, ["graph", "status"]);
    }

    #[test]
    fn a_mistake_is_told_with_its_place_and_what_may_stand_there() {
        refused(r#"{"panes":[{"role":"grph"}]}"#, "/panes/0/role: `grph` is unknown (allowed: train, graph, status)");
        refused(r#"{"panes":[{"role":"graph"},{"role":"graph"}]}"#, "/panes/1/role: a second pane `graph`");
        refused(r#"{"layout":"fancy"}"#, "/layout: `fancy` is unknown (allowed: auto)");
        refused(r#"{"refreshInterval":1}"#, "/refreshInterval: a whole number from 16 to 60000 is expected, not 1");
        refused(r#"{"agent":{"may_send":["all"]}}"#, "/agent/may_send/0: `all` is unknown (allowed: train, graph, status)");
        refused(r#"{"regex":["loss ("]}"#, "/regex/0: `loss (` is no pattern: unclosed group");
        refused(
            r#"{"regex":["(?P<step>1)",2],"stepKey":7}"#,
            "/regex/1: a string is expected, not a number; /regex/0: `(?P<step>1)` names no value beside the step; /stepKey: the name of a column is expected, not 7",
        );
        refused("[]", "/: an object is expected, not an array");
        refused("{\n\"a\":}", "not JSON at line 2, column 5");
        refused(
            r#"{"title":7,"graphs":["loss",1]}"#,
            "/title: a string is expected, not a number; /graphs/1: a string is expected, not a number",
        );
    }

    #[test]
    fn how_a_run_is_read_is_kept_in_the_spec() {
        let read = ReadOptions { rules: vec![LineRule::parse(r"L=(?P<loss>\S+)").unwrap()], step_key: Some("frames".into()) };
        let spec = Spec::preset("monitor").unwrap().with(Spec::reading(&read)).unwrap();
        assert_eq!(Spec::parse(&spec.to_json()).unwrap().read, read);
        assert_eq!(Spec::reading(&ReadOptions::default()), Map::new());
        assert_eq!(Spec::parse("{}").unwrap().read, ReadOptions::default());
    }

    #[test]
    fn config_replaces_keys_and_what_a_file_says_besides_is_kept() {
        let base = Spec::parse(r#"{"title":"a","mine":{"x":1}}"#).unwrap();
        let spec = base.merged(r#"{"title":"b","runDir":"/r","leetArgs":["--x"],"refreshInterval":500}"#).unwrap();
        assert_eq!((spec.title.as_str(), spec.refresh_interval_ms), ("b", 500));
        assert_eq!(spec.run_dir, Some(PathBuf::from("/r")));
        assert_eq!(spec.leet_args, ["--x"]);
        assert!(spec.to_json().contains("\"mine\""));
    }

    #[test]
    fn a_key_that_somebody_gives_is_one_that_there_is() {
        let wrong = |config: &str| Spec::preset("review").unwrap().merged(config).unwrap_err().to_string();
        assert_eq!(wrong(r#"{"refreshIntervall":500}"#), "/refreshIntervall: there is no such key; did you mean refreshInterval?");
        assert_eq!(
            wrong(r#"{"rundir":"/r","title":3}"#),
            "/rundir: there is no such key; did you mean runDir?; /title: a string is expected, not a number"
        );
        assert!(wrong(r#"{"q":1}"#).starts_with("/q: there is no such key (allowed: v, title, panes, layout"));
    }
}
