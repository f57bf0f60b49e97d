//! The steps of the training, where a tracker counts something else.

use crate::{
    model::Step,
    source::{KeyId, Kind},
};

/// The metric by which a tracker's rows say the step of the training.
///
/// Trackers count the times that something was logged. Trainers log beside it how far they are, under one name that ends alike:
/// `train/global_step` (transformers), `trainer/global_step` (Lightning), `global_step`. In a run of several sources this is the step
/// that the others say, too.
#[derive(Debug)]
pub(super) struct Clock {
    key: KeyId,
    at: Option<Step>,
}

impl Clock {
    /// The clock that `key` of a source of this kind is, if any. Events of TensorBoard have the step of the training already.
    pub(super) fn of(kind: Option<Kind>, key: KeyId, name: &str) -> Option<Clock> {
        (says_step(name) && kind != Some(Kind::TfEvents)).then_some(Clock { key, at: None })
    }

    /// The step that a row of `values` says. `None`: none, as far as the row goes.
    pub(super) fn read(&mut self, values: &[(KeyId, f64)]) -> Option<Step> {
        const EXACT: f64 = (1_u64 << 53) as f64;
        let (_, value) = values.iter().find(|(key, _)| *key == self.key)?;
        let is_whole = value.fract() == 0.0 && value.abs() < EXACT;
        self.at = if is_whole { Some(Step(*value as i64)) } else { None };
        self.at
    }

    /// The last step that was said.
    pub(super) fn at(&self) -> Option<Step> {
        self.at
    }
}

/// Whether a metric of this name is the step of the training.
pub(super) fn says_step(name: &str) -> bool {
    name.rsplit('/').next() == Some("global_step")
}
