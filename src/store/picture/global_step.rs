//! The steps of the training, where a tracker counts something else.

use crate::{
    model::{MetricKey, Step},
    source::{KeyId, Kind},
};

/// The metric by which a tracker's rows say the step of the training.
///
/// Trackers count the times that something was logged. Trainers log beside it how far they are: `train/global_step` (transformers),
/// `trainer/global_step` (Lightning), `global_step`, `iter` (nanoGPT). In a run of several sources this is the step that the others
/// say, too.
#[derive(Debug)]
pub(super) struct GlobalStep {
    key: KeyId,
    at: Option<Step>,
}

impl GlobalStep {
    /// What `key` of a source of this kind is, if it is one.
    pub(super) fn of(kind: Kind, key: KeyId, name: &MetricKey) -> Option<GlobalStep> {
        is_global_step(kind, name).then_some(GlobalStep { key, at: None })
    }

    /// The step that a row of `values` says. `None`: none, as far as the row goes.
    pub(super) fn read(&mut self, values: &[(KeyId, f64)]) -> Option<Step> {
        let (_, value) = values.iter().find(|(key, _)| *key == self.key)?;
        self.at = Step::whole(*value);
        self.at
    }

    /// The last step that was said.
    pub(super) fn at(&self) -> Option<Step> {
        self.at
    }
}

/// Whether `key` of a tracker of this kind says the step of the training. Events of TensorBoard have it already.
pub(in crate::store) fn is_global_step(kind: Kind, key: &MetricKey) -> bool {
    kind != Kind::TfEvents && says_step(key.as_str())
}

/// Whether a metric of this name is the step of the training.
pub(super) fn says_step(name: &str) -> bool {
    name == "iter" || name.rsplit('/').next() == Some("global_step")
}
