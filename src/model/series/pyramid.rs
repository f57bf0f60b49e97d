//! What stretches of points come to, kept so that any of them is told without looking at its points.

use super::{super::packed::grow_by_an_eighth, columns::Columns};
use std::ops::Range;

/// What a stretch of values comes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fold {
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) first: f64,
    pub(super) last: f64,
    sum: f64,
    /// Finite values. A run of more than four thousand million points of one key has no mean that anybody waits for.
    count: u32,
    pub(super) gap: bool,
}

impl Fold {
    pub(super) const EMPTY: Fold =
        Fold { min: f64::INFINITY, max: f64::NEG_INFINITY, first: f64::NAN, last: f64::NAN, sum: 0.0, count: 0, gap: false };

    pub(super) fn of(value: f64) -> Fold {
        match value.is_finite() {
            true => Fold { min: value, max: value, first: value, last: value, sum: value, count: 1, gap: false },
            false => Fold { gap: true, ..Fold::EMPTY },
        }
    }

    /// Of values one behind the other.
    fn of_all(values: &[f64]) -> Fold {
        // As they nearly always are; then no comparison has to mind NaN.
        if let ([first, .., last], true) = (values, values.iter().all(|value| value.is_finite())) {
            let min = values.iter().fold(f64::INFINITY, |min, value| if *value < min { *value } else { min });
            let max = values.iter().fold(f64::NEG_INFINITY, |max, value| if *value > max { *value } else { max });
            let sum = values.iter().fold(0.0, |sum, value| sum + value);
            return Fold { min, max, first: *first, last: *last, sum, count: values.len() as u32, gap: false };
        }
        values.iter().fold(Fold::EMPTY, |fold, value| fold.then(Fold::of(*value)))
    }

    pub(super) fn then(self, next: Fold) -> Fold {
        Fold {
            min: self.min.min(next.min),
            max: self.max.max(next.max),
            first: if self.first.is_nan() { next.first } else { self.first },
            last: if next.last.is_nan() { self.last } else { next.last },
            sum: self.sum + next.sum,
            count: self.count.saturating_add(next.count),
            gap: self.gap | next.gap,
        }
    }

    /// Values too large to be summed up have the middle of their range.
    pub(super) fn mean(&self) -> f64 {
        let mean = self.sum / f64::from(self.count);
        match (self.count, mean.is_finite()) {
            (0, _) => f64::NAN,
            // Rounding must not carry it out of the range.
            (_, true) => mean.max(self.min).min(self.max),
            (_, false) => self.min / 2.0 + self.max / 2.0,
        }
    }

    pub(super) fn range(&self) -> Option<(f64, f64)> {
        (self.min <= self.max).then_some((self.min, self.max))
    }
}

/// Points under one node of the lowest level, and nodes under one node of each further level.
pub(super) const FAN_OUT: usize = 16;

/// Folds of 16, 256, 4096, ... points. Only whole nodes are stored, so a truncation only cuts levels short.
#[derive(Clone, Debug, Default)]
pub(super) struct Pyramid {
    levels: Vec<Vec<Fold>>,
}

impl Pyramid {
    /// Adds the nodes that the last point of `points` completed.
    #[inline]
    pub(super) fn grow(&mut self, points: &Columns) {
        let mut len = points.len();
        if !len.is_multiple_of(FAN_OUT) {
            return;
        }
        let mut values = [0.0; FAN_OUT];
        values.iter_mut().zip(points.values.aligned_tail(FAN_OUT)).for_each(|(value, bits)| *value = f64::from_bits(*bits));
        let mut node = Fold::of_all(&values);
        for depth in 0.. {
            if depth == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let level = &mut self.levels[depth];
            grow_by_an_eighth(level);
            level.push(node);
            len = level.len();
            if !len.is_multiple_of(FAN_OUT) {
                return;
            }
            node = level[len - FAN_OUT..].iter().copied().fold(Fold::EMPTY, Fold::then);
        }
    }

    pub(super) fn truncate(&mut self, mut len: usize) {
        for level in &mut self.levels {
            len /= FAN_OUT;
            level.truncate(len);
        }
    }

    /// The fold of the points in `range`: O(log) of its length.
    pub(super) fn fold(&self, points: &Columns, range: Range<usize>) -> Fold {
        let mut fold = Fold::EMPTY;
        let mut at = range.start;
        while at < range.end {
            let (mut span, mut part) = (1, None);
            for level in &self.levels {
                let wider = span * FAN_OUT;
                if !at.is_multiple_of(wider) || wider > range.end - at {
                    break;
                }
                (span, part) = (wider, level.get(at / wider));
            }
            fold = fold.then(part.copied().unwrap_or_else(|| Fold::of(points.value(at))));
            at += span;
        }
        fold
    }

    /// The mean of the finite points in `range`; NaN: there are none.
    pub(super) fn mean(&self, points: &Columns, range: Range<usize>) -> f64 {
        // So few are added up sooner than their nodes are found.
        if range.len() < 4 * FAN_OUT {
            let known = range.clone().map(|i| points.value(i)).filter(|value| value.is_finite());
            let (sum, count) = known.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
            if sum.is_finite() {
                return sum / f64::from(count);
            }
        }
        self.fold(points, range).mean()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.levels.iter().map(|level| level.capacity() * size_of::<Fold>()).sum()
    }
}
