//! Runs as rows of a table: which of them fit a filter, how they are ordered and grouped, what differs between them.
//!
//! Everything here is a function of [`RunRow`]s, which somebody else finds and reads.

mod compare;
mod field;
mod filter;
mod lineage;
mod table;

pub use compare::{Comparison, Difference, MetricCell, MetricLine, Verdict, compare};
pub use field::{Cell, Field};
pub use filter::{Moment, Now, Operand, Pattern, RunFilter, RunQuery, RunQueryError, Sort};
pub use lineage::{Branch, Node, lineage};
pub use table::{Group, Stats, colour, differing, groups, main_keys, sort};

use super::keys::Goal;
use crate::model::{Exit, MetricKey, RunState};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

/// A run, as far as a list of runs knows it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RunRow {
    /// What opens it; no two rows have the same.
    pub path: PathBuf,
    /// Its id; a run that was resumed may stand in several rows with one id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The project it belongs to.
    pub project: Option<String>,
    /// The group within the project.
    pub group: Option<String>,
    /// What it is kept in, in words.
    pub kind: &'static str,
    /// It is one of og's own, which says what it is called and what is remarked on it in a file of its own.
    pub own: bool,
    /// How it stands; `None`: its files do not tell.
    pub state: Option<RunState>,
    /// How it ended.
    pub exit: Option<Exit>,
    /// Its last step.
    pub step: Option<i64>,
    /// Steps it means to take.
    pub total_steps: Option<i64>,
    /// When it started, in Unix seconds.
    pub started: Option<f64>,
    /// When something last happened to it, in Unix seconds: its end, else its last change.
    pub changed: Option<f64>,
    /// Its tags; a tag without a value has the empty text.
    pub tags: BTreeMap<String, String>,
    /// Remarks.
    pub notes: String,
    /// The machine it runs on.
    pub host: Option<String>,
    /// Its hyperparameters, nested ones under names with dots.
    pub config: BTreeMap<String, Value>,
    /// The last value of each key, as far as it is known.
    pub last: BTreeMap<MetricKey, f64>,
    /// What a full read of it said; `None`: it was not read, or is too large for that.
    pub read: Option<RunRead>,
    /// The run it goes on from.
    pub origin: Option<Origin>,
    /// Paths of the runs of trackers that it logs to, which are this run as well.
    pub trackers: Vec<PathBuf>,
}

/// The paths of rows that are another row as well: what a run of og's logs to a tracker.
pub fn doubled(rows: &[RunRow]) -> HashSet<&Path> {
    rows.iter().flat_map(|row| row.trackers.iter().map(PathBuf::as_path)).collect()
}

/// What only a full read of a run says.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RunRead {
    /// The good ends of keys that the run itself names.
    pub goals: BTreeMap<MetricKey, Goal>,
    /// The best value of each key whose good end is known.
    pub best: BTreeMap<MetricKey, f64>,
    /// The course of each key in at most [`COURSE_MAX`] values, evenly spaced over its steps.
    pub course: BTreeMap<MetricKey, Vec<f64>>,
    /// Weights that were saved: where, and at which step.
    pub checkpoints: Vec<(String, Option<i64>)>,
}

/// Values in the course of a key.
pub const COURSE_MAX: usize = 32;

/// Where a run goes on from.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Origin {
    /// Id of the other run.
    pub run: String,
    /// The weights taken over.
    pub checkpoint: Option<String>,
    /// The step they were saved at.
    pub step: Option<i64>,
}

impl RunRow {
    /// How long it ran, or has been running by `now`, in seconds.
    pub fn seconds(&self, now: f64) -> Option<f64> {
        let end = if self.state == Some(RunState::Running) { Some(now) } else { self.changed };
        Some((end? - self.started?).max(0.0))
    }

    /// When it was new, in Unix seconds.
    pub fn time(&self) -> Option<f64> {
        self.started.or(self.changed)
    }

    /// The best value of `key`, of those that a full read and the last look saw.
    pub fn best(&self, key: &str) -> Option<f64> {
        self.read.as_ref()?.best.get(key).copied()
    }
}
