//! What a console prints again: `loss 2.3` beside the `train/loss` that a tracker logs, or one table in two formats.
//!
//! When the values of such a pair agree and never differ, the series of the console, or of the later table, goes. They are compared
//! once both sources are there, whichever was read first.

use super::{
    RunPicture, SourceRank,
    merge::{is_same, loose_form},
};
use crate::model::{MetricKey, Point, Series, Step};
use std::mem::take;

/// Values that must agree before a series counts as an echo.
const LOOKS_MIN: u8 = 3;

/// The same where nothing but the end of its name says that a console prints another's metric, and the values are all alike: a metric
/// that has not moved yet is as any other that has not, until the run is over.
const ALIKE_MIN: u8 = 16;

/// How a key was compared with those that it may repeat.
#[derive(Debug, Default)]
pub(super) struct Echo {
    /// Keys of other sources that it may be an echo of; those of a console as of the number of keys heard.
    pub(super) of: Vec<MetricKey>,
    looked_at: Option<u64>,
    /// Points that were passed, how many of them were compared, and different values among these; the last one.
    passed: usize,
    looks: u8,
    values: u8,
    last: Option<f64>,
    /// The key whose value was the same last; and it is none, since another value was not.
    same: Option<MetricKey>,
    differs: bool,
}

impl Echo {
    /// Takes note of a value that agreed.
    fn agree(&mut self, value: f64) {
        self.looks += 1;
        self.values += u8::from(self.last != Some(value));
        self.last = Some(value);
    }

    fn is_one(&self, is_sure: bool) -> bool {
        self.values >= LOOKS_MIN || self.looks >= if is_sure { LOOKS_MIN } else { ALIKE_MIN }
    }
}

impl RunPicture {
    /// Drops the series that only repeat what a better source has.
    pub(in crate::store) fn drop_echoes(&mut self) {
        if self.sources.len() < 2 {
            return;
        }
        self.settle_twins();
        let ranks: Vec<SourceRank> =
            self.sources.keys().copied().filter(|rank| matches!(rank, SourceRank::Stdout | SourceRank::Table(_))).collect();
        for rank in ranks {
            let Some(source) = self.sources.get_mut(&rank) else { continue };
            let mut slots = take(&mut source.slots);
            for slot in slots.iter_mut().flatten().filter(|slot| slot.shown && !slot.echo.differs) {
                if let Some(of) = self.echo_of(rank, &slot.key, &mut slot.echo) {
                    self.compare_echo((rank, &slot.key), &of);
                    self.disown(&slot.key);
                    self.changed.push(slot.key.clone());
                    (slot.shown, slot.instead) = (false, Some(of));
                }
            }
            if let Some(source) = self.sources.get_mut(&rank) {
                source.slots = slots;
            }
        }
    }

    /// A name on a console may read as that of one metric and be the end of another's: `train_loss`, the mean of a run of transformers, is
    /// `train/train_loss` of its trackers and not `train/loss`. Where its only value is that of the other, so is it.
    fn settle_twins(&mut self) {
        let Some(mut twins) = self.twins.take() else { return };
        for twin in twins.of_console().filter(|twin| (twin.equal, twin.different) == (0, 1) && twin.key != twin.hidden_key) {
            let Some((step, _, value)) = twin.first else { continue };
            let alike = |logged| is_same(SourceRank::Stdout, logged, value);
            let tail = format!("/{}", loose_form(&twin.hidden_key));
            let longer = self.owners.iter().filter(|(key, owner)| **owner != SourceRank::Stdout && loose_form(key).ends_with(&tail));
            if let Some((key, owner)) = longer.into_iter().find(|(key, _)| self.value_at(key, step, alike).is_some_and(alike)) {
                (twin.key, twin.shown, twin.equal, twin.different, twin.first) = (key.clone(), *owner, 1, 0, None);
            }
        }
        self.twins = Some(twins);
    }

    /// The key that `key` of the source is an echo of, as far as both go.
    fn echo_of(&self, rank: SourceRank, key: &MetricKey, echo: &mut Echo) -> Option<MetricKey> {
        let is_console = rank == SourceRank::Stdout;
        if is_console && echo.looked_at != Some(self.keys_heard) {
            let tail = format!("/{}", loose_form(key));
            let longer = self.owners.iter().filter(|(key, owner)| **owner != SourceRank::Stdout && loose_form(key).ends_with(&tail));
            echo.of = longer.map(|(key, _)| key.clone()).collect();
            echo.looked_at = Some(self.keys_heard);
        }
        let is_over = self.state().is_over();
        let last = echo.of.iter().filter_map(|key| self.last_step_of(key)).max()?;
        let series = self.series.get(key)?;
        while let Some(Point { step, value, .. }) = series.get(echo.passed).filter(|point| is_over || point.step <= last) {
            echo.passed += 1;
            let alike = |logged| is_same(rank, logged, value);
            let mut logged = echo.of.iter().filter_map(|key| Some((key, self.value_at(key, step, alike)?))).peekable();
            if logged.peek().is_none() {
                continue;
            }
            let same = logged.find(|(_, logged)| alike(*logged)).map(|(key, _)| key.clone());
            echo.differs = same.is_none();
            echo.same = same;
            if echo.differs {
                return None;
            }
            echo.agree(value);
            if echo.is_one(!is_console) {
                break;
            }
        }
        // `train_runtime` 59.12, said once when the run ends: more came of neither.
        let is_all = || usize::from(echo.looks) == series.len() && echo.last.is_some_and(|value| value.fract() != 0.0);
        echo.same.clone().filter(|_| echo.is_one(is_over || !is_console) || is_over && is_all())
    }

    /// The last step of the training at which `key` was logged.
    fn last_step_of(&self, key: &MetricKey) -> Option<Step> {
        let said = self.global_step_of(key).and_then(|metric| self.series.get(metric)).and_then(Series::latest);
        said.and_then(|point| Step::whole(point.value)).or_else(|| Some(self.series.get(key)?.latest()?.step))
    }

    /// Tells who asks how well the points of an echo agree.
    fn compare_echo(&mut self, echo: (SourceRank, &MetricKey), of: &MetricKey) {
        let (Some(owner), Some(series)) = (self.owners.get(of), self.series.get(echo.1)) else { return };
        let Some(mut twins) = self.twins.take() else { return };
        for point in series.points(0..series.len()) {
            let alike = |shown| is_same(echo.0, shown, point.value);
            twins.of((*owner, of), echo).compare(point.step, point.value, self.value_at(of, point.step, alike));
        }
        self.twins = Some(twins);
    }
}
