//! What can be asked of a run: its fields, by name.

use super::RunRow;
use crate::{
    model::{MetricKey, near, num},
    query::condition::has_suffix,
};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// A field of a run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Field {
    /// What it is called.
    Name,
    /// Its id.
    Id,
    /// The project it belongs to.
    Project,
    /// The group within the project.
    Group,
    /// What it is kept in.
    Kind,
    /// How it stands.
    State,
    /// The machine it runs on.
    Host,
    /// Remarks.
    Notes,
    /// Its tags.
    Tags,
    /// The run it goes on from.
    Parent,
    /// Its last step.
    Step,
    /// How long it ran.
    Duration,
    /// When it started.
    Started,
    /// The value of a tag.
    Tag(String),
    /// A hyperparameter.
    Config(String),
    /// The last value of a metric.
    Last(String),
    /// The best value of a metric.
    Best(String),
}

/// The fields that have a name of their own.
const NAMED: &[(&str, Field)] = &[
    ("name", Field::Name),
    ("id", Field::Id),
    ("project", Field::Project),
    ("group", Field::Group),
    ("kind", Field::Kind),
    ("state", Field::State),
    ("host", Field::Host),
    ("notes", Field::Notes),
    ("tags", Field::Tags),
    ("parent", Field::Parent),
    ("step", Field::Step),
    ("duration", Field::Duration),
    ("started", Field::Started),
];

/// What a name of a field of many begins with.
type Prefix = (&'static str, fn(String) -> Field);
const PREFIXES: &[Prefix] = &[("config", Field::Config), ("tag", Field::Tag), ("last", Field::Last), ("best", Field::Best)];

impl Field {
    /// The field that `text` names: `name`, `step`, ...; `tag:dataset` or `tag.dataset`, `config:lr`, `last:loss`, `best:loss`;
    /// else the metric of that name.
    pub fn parse(text: &str) -> Field {
        Field::known(text).unwrap_or_else(|| Field::Last(text.to_owned()))
    }

    /// The same, where it is no bare name of a metric.
    pub fn known(text: &str) -> Option<Field> {
        let named = NAMED.iter().find(|(name, _)| *name == text).map(|(_, field)| field.clone());
        named.or_else(|| {
            PREFIXES.iter().find_map(|(prefix, make)| {
                let rest = text.strip_prefix(prefix)?;
                rest.strip_prefix([':', '.']).filter(|rest| !rest.is_empty()).map(|rest| make(rest.to_owned()))
            })
        })
    }

    /// Names of fields that look like `word`.
    pub fn near(word: &str) -> Vec<&'static str> {
        near(word, NAMED.iter().map(|(name, _)| *name).chain(["has", "since", "before", "by", "sort", "config.", "tag"]))
    }

    /// What the run has there. `now`: Unix seconds.
    pub fn of<'a>(&self, row: &'a RunRow, now: f64) -> Option<Cell<'a>> {
        let text = |text: &'a str| (!text.is_empty()).then_some(Cell::Text(Cow::Borrowed(text)));
        let number = |value: Option<f64>| value.map(Cell::Number);
        match self {
            Field::Name => text(&row.name),
            Field::Id => text(&row.id),
            Field::Project => row.project.as_deref().and_then(text),
            Field::Group => row.group.as_deref().and_then(text),
            Field::Kind => text(row.kind),
            Field::State => row.state.and_then(|state| text(state.as_str())),
            Field::Host => row.host.as_deref().and_then(text),
            Field::Notes => text(&row.notes),
            Field::Tags => (!row.tags.is_empty()).then(|| Cell::Text(Cow::Owned(row.tags_text()))),
            Field::Parent => row.origin.as_ref().and_then(|origin| text(&origin.run)),
            Field::Step => number(row.step.map(|step| step as f64)),
            Field::Duration => number(row.seconds(now)),
            Field::Started => number(row.time()),
            Field::Tag(name) => row.tags.get(name).map(|value| Cell::Text(Cow::Borrowed(value))),
            Field::Config(name) => row.config_of(name).map(Cell::of),
            Field::Last(key) => number(row.last_of(key)),
            Field::Best(key) => number(row.best_of(key)),
        }
    }

    /// Whether a full read of the run would say the same there.
    pub fn is_settled(&self, row: &RunRow) -> bool {
        row.read.is_some()
            || match self {
                Field::Name | Field::Id | Field::Kind | Field::State => true,
                Field::Notes | Field::Tags | Field::Tag(_) => row.own,
                Field::Project | Field::Group | Field::Host => row.own || self.of(row, 0.0).is_some(),
                // A glance says what a full read says, or nothing.
                Field::Step => row.step.is_some(),
                Field::Duration | Field::Started => row.started.is_some(),
                Field::Parent => row.origin.is_some(),
                Field::Last(key) => row.last.contains_key(key.as_str()),
                // What the run itself says later counts.
                Field::Config(_) | Field::Best(_) => false,
            }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Tag(name) => write!(f, "tag:{name}"),
            Field::Config(name) => write!(f, "config:{name}"),
            Field::Best(key) => write!(f, "best:{key}"),
            Field::Last(key) if Field::known(key).is_some() => write!(f, "last:{key}"),
            Field::Last(key) => f.write_str(key),
            named => f.write_str(NAMED.iter().find(|(_, field)| field == named).map_or("", |(name, _)| name)),
        }
    }
}

/// What stands in a field.
#[derive(Clone, PartialEq, Debug)]
pub enum Cell<'a> {
    /// A number, perhaps NaN.
    Number(f64),
    /// Anything else.
    Text(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// What a hyperparameter is: a number also where it was logged as text, as argument parsers do.
    pub fn of(value: &'a Value) -> Cell<'a> {
        match value {
            Value::String(text) => text.parse().map_or(Cell::Text(Cow::Borrowed(text)), Cell::Number),
            other => num::from_json(other).map_or_else(|| Cell::Text(Cow::Owned(other.to_string())), Cell::Number),
        }
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Cell::Number(value) => Some(*value),
            Cell::Text(_) => None,
        }
    }

    /// As a person reads it.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Cell::Number(value) => Cow::Owned(value.to_string()),
            Cell::Text(text) => Cow::Borrowed(text),
        }
    }
}

/// The value of the key that is called so; else, as in [`crate::query::resolve`], of the only one that ends so, or of the only
/// such one of training. Two thousand runs are asked at each key, so that nobody looks for similar names here.
fn meant(key: &str, values: &BTreeMap<MetricKey, f64>) -> Option<f64> {
    if let Some(value) = values.get(key) {
        return Some(*value);
    }
    let found = || values.iter().filter(|(name, _)| has_suffix(name.as_str(), key));
    let only =
        |mut all: Box<dyn Iterator<Item = (&MetricKey, &f64)> + '_>| all.next().filter(|_| all.next().is_none()).map(|(_, value)| *value);
    let is_training = |name: &str| name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("train"));
    only(Box::new(found())).or_else(|| only(Box::new(found().filter(|(name, _)| is_training(name.as_str())))))
}

impl RunRow {
    /// The tags as a person writes them: `dataset=c4 night`.
    pub fn tags_text(&self) -> String {
        let word = |(name, value): (&String, &String)| if value.is_empty() { name.clone() } else { format!("{name}={value}") };
        self.tags.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    /// The hyperparameter `name`: of that name, else the only one that ends so (`lr` for `optim.lr`).
    pub fn config_of(&self, name: &str) -> Option<&Value> {
        self.config.get(name).or_else(|| {
            let ends = |full: &str| full.strip_suffix(name).is_some_and(|head| head.ends_with(['.', '/']));
            let mut found = self.config.iter().filter(|(full, _)| ends(full));
            found.next().filter(|_| found.next().is_none()).map(|(_, value)| value)
        })
    }

    /// The last value of the metric that `key` means.
    pub fn last_of(&self, key: &str) -> Option<f64> {
        meant(key, &self.last)
    }

    /// The best value of the metric that `key` means.
    pub fn best_of(&self, key: &str) -> Option<f64> {
        meant(key, &self.read.as_ref()?.best)
    }

    /// The course of a key.
    pub fn course(&self, key: &MetricKey) -> &[f64] {
        self.read.as_ref().and_then(|read| read.course.get(key)).map_or(&[], Vec::as_slice)
    }
}
