//! The nouns of og: runs, steps, metric keys, series.
//! Values only: everything here is made, compared and asked without the outside world.
//! Never here: files, formats, drawing, or a clock.

mod map;
mod near;
pub mod num;
mod packed;
mod read;
mod run;
mod series;

pub use map::{Seat, SeriesMap};
pub use near::near;
pub use read::{LineRule, ReadOptions, RuleError};
pub use run::{Exit, RunId, RunState};
pub use series::{Column, Point, Series, XAxis};

use std::{fmt, sync::Arc};

/// Optimizer step of a run. May go back when a run resumes from an older checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Step(pub i64);

impl Step {
    /// The step that a number is: a whole one that a double holds exactly.
    pub fn whole(number: f64) -> Option<Step> {
        const EXACT: f64 = (1_u64 << 53) as f64;
        (number.fract() == 0.0 && number.abs() < EXACT).then_some(Step(number as i64))
    }
}

/// Seconds since the Unix epoch, finite by construction.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct WallTime(f64);

impl WallTime {
    /// `None` when `secs` is NaN or infinite.
    pub fn new(secs: f64) -> Option<WallTime> {
        secs.is_finite().then_some(WallTime(secs))
    }

    /// Seconds since the Unix epoch.
    pub fn secs(self) -> f64 {
        self.0
    }
}

/// Name of a metric as the training logged it, e.g. `train/loss`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MetricKey(Arc<str>);

impl MetricKey {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for MetricKey {
    fn from(name: &str) -> Self {
        MetricKey(name.into())
    }
}

impl std::borrow::Borrow<str> for MetricKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MetricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
