//! The steps of the training, where a tracker counts something else.
//!
//! Trackers count the times that something was logged. Trainers log beside it how far they are: `train/global_step` (transformers),
//! `trainer/global_step` (Lightning), `global_step`, `iter` (nanoGPT). In a run of several sources this is the step that the others
//! say: such a run is as far as it says, values of other sources are looked for there, and curves are drawn over it.

use super::{RunPicture, SourceRank};
use crate::{
    model::{MetricKey, Series, Step, XAxis},
    source::{KeyId, Kind},
};

/// Rows at one step of the training that are looked through for a value: those of the training, of its evaluations, of its end.
const ROWS_MAX: usize = 16;

/// The metrics by which the rows of a source say the step of the training; most have one.
#[derive(Debug, Default)]
pub(super) struct GlobalStep {
    keys: Vec<(KeyId, MetricKey)>,
    /// The last step that was said.
    last: Option<Step>,
}

impl GlobalStep {
    /// The step that a row of `values` says.
    pub(super) fn read(&mut self, values: &[(KeyId, f64)]) -> Option<Step> {
        let value_of = |key: KeyId| values.iter().find(|(id, _)| *id == key).map(|(_, value)| *value);
        let step = self.keys.iter().find_map(|(key, _)| Step::whole(value_of(*key)?));
        self.last = step.or(self.last);
        step
    }

    /// The metrics.
    pub(super) fn metrics(&self) -> impl Iterator<Item = &MetricKey> {
        self.keys.iter().map(|(_, metric)| metric)
    }

    /// The last step that was said.
    pub(super) fn last(&self) -> Option<Step> {
        self.last
    }
}

/// Whether `key` of a tracker of this kind says the step of the training. Events of TensorBoard have it already.
pub(in crate::store) fn is_global_step(kind: Kind, key: &MetricKey) -> bool {
    kind != Kind::TfEvents && is_step_name(key.as_str())
}

/// Whether a metric of this name says the step of the training.
fn is_step_name(name: &str) -> bool {
    name == "iter" || name.rsplit('/').next() == Some("global_step")
}

impl RunPicture {
    /// Looks from now on for the steps of the training in what trackers log.
    pub fn align_steps(&mut self) {
        self.aligns = true;
    }

    /// Takes note of a key of `source`.
    pub(super) fn hear_global_step(&mut self, source: SourceRank, id: KeyId, key: &MetricKey) {
        let is_one = self.aligns && self.kinds.get(&source).is_some_and(|kind| is_global_step(*kind, key));
        if is_one && matches!(source, SourceRank::Tracker(_)) {
            self.sources.entry(source).or_default().global_step.keys.push((id, key.clone()));
        }
    }

    /// The metric that the run wants along x for `key`, where that is no step.
    pub fn x_of(&self, key: &MetricKey) -> Option<&str> {
        self.said_x(key).filter(|metric| !is_step_name(metric))
    }

    /// The metric whose values are the steps of the training at which `key` was logged, where its source counts something else. Such
    /// a metric says its own.
    pub fn global_step_of(&self, key: &MetricKey) -> Option<&str> {
        let has_points = |metric: &&str| self.series.get(*metric).is_some_and(|series| !series.is_empty());
        let said = self.said_x(key).filter(|metric| is_step_name(metric)).filter(has_points);
        said.or_else(|| self.logged_global_step(*self.owners.get(key)?, key).map(MetricKey::as_str))
    }

    /// Whether [`RunPicture::global_step_of`] may find anything.
    pub fn has_global_steps(&self) -> bool {
        self.tells_global_steps().next().is_some() || self.rules.step_metrics().any(is_step_name)
    }

    /// The sources whose own count is not the step of the training.
    pub fn tells_global_steps(&self) -> impl Iterator<Item = SourceRank> + '_ {
        self.sources.iter().filter(|(_, source)| source.global_step.metrics().next().is_some()).map(|(rank, _)| *rank)
    }

    /// The metric that the run said stands along x for `key`.
    fn said_x(&self, key: &MetricKey) -> Option<&str> {
        let said = self.rules.of(key.as_str()).and_then(|rule| rule.step_metric.as_deref())?;
        // What one tracker said is not of what another or the console says.
        (!self.aligns || self.owners.get(key).is_some_and(|owner| self.owners.get(said) == Some(owner))).then_some(said)
    }

    /// The metric by which the rows of `key` say the step of the training: each of them has it.
    fn logged_global_step(&self, owner: SourceRank, key: &MetricKey) -> Option<&MetricKey> {
        let mut metrics = self.sources.get(&owner)?.global_step.metrics().peekable();
        metrics.peek()?;
        let points = self.series.get(key)?.len();
        let has_all = |metric: &MetricKey| self.series.get(metric).is_some_and(|series| series.len() >= points);
        metrics.find(|metric| self.owners.get(*metric) == Some(&owner) && has_all(metric))
    }

    /// The value of `key` at a step of the training; of several the one that is `alike`, else the newest.
    pub(super) fn value_at(&self, key: &MetricKey, step: Step, alike: impl Fn(f64) -> bool) -> Option<f64> {
        let series = self.series.get(key)?;
        let global_step = self.owners.get(key).and_then(|owner| self.series.get(self.logged_global_step(*owner, key)?));
        value_by(global_step.into_iter(), series, step, alike)
    }
}

/// The value of `series` at a step of the training that `global_steps` of its source say, and where there are none, at that step. Of
/// several, such as those of two evaluations at the end, the one that is `alike`, else the newest.
pub(super) fn value_by<'a>(
    global_steps: impl Iterator<Item = &'a Series>,
    series: &Series,
    step: Step,
    alike: impl Fn(f64) -> bool,
) -> Option<f64> {
    let mut global_steps = global_steps.peekable();
    if global_steps.peek().is_none() {
        return value_at(series, step);
    }
    let mut values = global_steps.flat_map(|steps| rows_at(steps, step).filter_map(|own| value_at(series, own)));
    let newest = values.next()?;
    Some(if alike(newest) { newest } else { values.find(|value| alike(*value)).unwrap_or(newest) })
}

/// The tracker's own steps of the rows that say `step`, the newest first. Where these go back, some may not be found.
fn rows_at(steps: &Series, step: Step) -> impl Iterator<Item = Step> + '_ {
    let next = steps.first_at((step.0 as f64).next_up());
    let rows = (0..next).rev().take(ROWS_MAX).map_while(|row| steps.get(row));
    rows.take_while(move |point| point.value == step.0 as f64).map(|point| point.step)
}

/// The value of a series at `step`.
fn value_at(series: &Series, step: Step) -> Option<f64> {
    series.nearest(XAxis::Step, step.0 as f64).filter(|point| point.step == step).map(|point| point.value)
}
