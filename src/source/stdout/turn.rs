//! How a counter goes on that starts over with each epoch.

use super::facts::Count;
use crate::source::epochs::Starts;

/// The gap behind a loop that was broken off.
const BROKEN: i64 = i64::MIN;

/// A counter that may start over.
#[derive(Clone, Default)]
pub(super) struct Turn {
    pub(super) epoch: Option<i64>,
    /// The first count of all, and the last.
    pub(super) first: Option<i64>,
    pub(super) last: Option<Count>,
    /// How far the last count went on from the one before it, or [`BROKEN`].
    gap: i64,
    /// The lengths of the loops that came to their end, where nothing says which epoch it is.
    laps: i64,
    /// An epoch that a row of its own summed up, behind the last count.
    summed_up: Option<i64>,
    /// The count went on behind such a row: it does not start over.
    goes_on: bool,
    starts: Starts,
}

impl Turn {
    /// A row sums up `epoch`: when the count then starts over, it is that of the next one.
    pub(super) fn sum_up(&mut self, epoch: i64) {
        if self.last.is_some() {
            self.epoch = self.epoch.or(Some(epoch));
            self.summed_up = Some(epoch);
        }
    }

    /// The loop may be taken up elsewhere.
    pub(super) fn pause(&mut self) {
        self.gap = self.gap.min(0);
    }

    /// The loop was broken off: what starts over next is the run.
    pub(super) fn break_off(&mut self) {
        self.gap = BROKEN;
    }

    /// Whether it counts from the start of some loop, and not from that of the run.
    pub(super) fn has_epochs(&self) -> bool {
        self.epoch.is_some() || self.laps > 0
    }

    /// Whether `count` of `epoch` is no further than the last, and no epoch began since.
    pub(super) fn goes_back(&self, count: Count, epoch: Option<i64>) -> bool {
        let is_same_epoch = epoch.map_or(self.summed_up.is_none(), |epoch| self.epoch.is_some_and(|known| epoch <= known));
        is_same_epoch && self.last.is_some_and(|last| count.at <= last.at)
    }

    /// Whether the last count was the last of its loop.
    pub(super) fn is_over(&self) -> bool {
        let Some(Count { at, of: Some(length) }) = self.last else { return false };
        // What would have come next is no part of the loop; its length itself is none of one that counts from 0.
        let gap = self.gap.max(0);
        let (next, is_from_0) = (at.saturating_add(gap), self.first == Some(0) && at > gap);
        at == length || next > length || is_from_0 && next == length
    }

    /// The step of the whole run at `count` of `epoch`. Inlined as its callers are: a count that goes through memory costs every row
    /// a store that is read back in another width, 7 % of reading a log.
    #[inline(always)]
    pub(super) fn step(&mut self, count: Count, epoch: Option<i64>) -> Count {
        let summed_up = self.summed_up.take().filter(|_| epoch.is_none());
        self.goes_on |= summed_up.is_some() && self.first.is_some_and(|first| count.at > first);
        let next = summed_up.filter(|_| !self.goes_on);
        let epoch = epoch.or(next.map(|epoch| epoch.saturating_add(1)));
        self.first = self.first.or(Some(count.at));
        if let Some(last) = self.last {
            if count.at <= last.at {
                self.fall(count, last, epoch);
            }
            self.gap = count.at.saturating_sub(last.at);
        }
        (self.epoch, self.last) = (epoch.or(self.epoch), Some(count));
        let start = self.epoch.map_or(0, |epoch| self.starts.of(epoch)).saturating_add(self.laps);
        Count { at: start.saturating_add(count.at), of: count.of.map(|of| start.saturating_add(of)) }
    }

    /// The count is no further than the `last`: it started over with an epoch, or with the next loop of the same length, or the
    /// run went back.
    #[cold]
    fn fall(&mut self, count: Count, last: Count, epoch: Option<i64>) {
        match (self.epoch, epoch) {
            (Some(before), Some(now)) if now > before => {
                let length = last.of.unwrap_or(last.at.saturating_add(i64::from(count.at == 0)));
                let epochs = if last.of.is_some() { now.saturating_sub(before) } else { 1 };
                self.starts.begin(now, self.starts.of(before).saturating_add(length.saturating_mul(epochs)));
            }
            (None, None) => {
                // A run that goes on from a checkpoint goes on in the middle.
                let is_start = count.at <= self.gap || self.first.is_some_and(|first| count.at <= first);
                if let Some(length) = count.of.filter(|_| count.of == last.of && count.at < last.at)
                    && self.is_over()
                    && self.gap != BROKEN
                    && is_start
                {
                    self.laps = self.laps.saturating_add(length);
                }
            }
            _ => {}
        }
    }
}
