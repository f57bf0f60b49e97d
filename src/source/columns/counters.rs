//! Columns whose names may be those of counters, of settings or of metrics (`steps`, `it`): whether one counts is told by its numbers.

/// A column counts when it rose by the same twice in a row, or so many times.
const RISES_MIN: u32 = 8;

/// What the columns of a source held so far.
#[derive(Default)]
pub(super) struct Counters(Vec<Counter>);

struct Counter {
    place: usize,
    last: i64,
    /// How often it rose in a row, and by how much at last.
    rises: u32,
    gap: i64,
    /// How often it rose in all.
    rises_in_all: u32,
    /// The epoch of its row: what it counts within one epoch says more than what it has at the ends of several.
    epoch: Option<f64>,
    fell: bool,
}

impl Counters {
    /// Takes the number of such a column in a row of `epoch`. Whether it counts by now.
    pub(super) fn counts(&mut self, place: usize, number: i64, epoch: Option<f64>) -> bool {
        let Some(counter) = self.0.iter_mut().find(|counter| counter.place == place) else {
            self.0.push(Counter { place, last: number, rises: 0, gap: 0, rises_in_all: 0, epoch, fell: false });
            return false;
        };
        let (last, before) = (std::mem::replace(&mut counter.last, number), std::mem::replace(&mut counter.epoch, epoch));
        counter.fell |= number < last;
        if counter.fell || number == last {
            return false;
        }
        counter.rises_in_all = counter.rises_in_all.saturating_add(1);
        if before != epoch {
            (counter.rises, counter.gap) = (0, 0);
            return false;
        }
        let gap = number.saturating_sub(last);
        let is_even = std::mem::replace(&mut counter.gap, gap) == gap;
        counter.rises += 1;
        is_even || counter.rises >= RISES_MIN
    }

    /// Whether such a column had a number.
    pub(super) fn has(&self, place: usize) -> bool {
        self.0.iter().any(|counter| counter.place == place)
    }

    /// Whether rows that were passed over may have told that a column counts, where this is its number in one of those behind them.
    pub(super) fn is_open(&self, place: usize, number: i64) -> bool {
        let counter = self.0.iter().find(|counter| counter.place == place);
        counter.is_none_or(|counter| !counter.fell && (number != counter.last || counter.rises > 0))
    }

    /// Whether a column that was taken for a counter may still turn out to be none.
    pub(super) fn may_fall_early(&self, place: usize) -> bool {
        self.0.iter().find(|counter| counter.place == place).is_none_or(|counter| counter.rises_in_all < RISES_MIN)
    }

    /// Takes the number of a column that was taken for a counter. Whether it falls within an epoch before it rose for long: where it does
    /// so later, its run starts again.
    pub(super) fn fell_early(&mut self, place: usize, number: i64, epoch: Option<f64>) -> bool {
        let before =
            self.0.iter().find(|counter| counter.place == place).map(|counter| (counter.last, counter.epoch, counter.rises_in_all));
        self.counts(place, number, epoch);
        before.is_some_and(|(last, before, rises)| number < last && before == epoch && rises < RISES_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_counts_when_it_rises_evenly_or_for_long() {
        let first = |numbers: &[i64]| {
            let mut counters = Counters::default();
            numbers.iter().position(|number| counters.counts(0, *number, None))
        };
        assert_eq!(first(&[0, 10, 20]), Some(2));
        assert_eq!(first(&[1, 100, 200, 300]), Some(3));
        assert_eq!(first(&[10, 10, 20, 20, 30]), Some(4), "a row of the training and one of a check");
        assert_eq!(first(&[1, 3, 4, 8, 9, 20, 22, 23, 30]), Some(8));
        assert_eq!(first(&[32; 20]), None, "a setting");
        assert_eq!(first(&[200, 180, 190, 200, 210, 220]), None, "a metric");
    }

    #[test]
    fn what_stands_at_the_ends_of_epochs_does_not_count() {
        let mut counters = Counters::default();
        assert!((1..20).all(|epoch| !counters.counts(0, epoch * 100, Some(epoch as f64))));
        assert_eq!([2000, 2100, 2200].map(|number| counters.counts(0, number, Some(20.0))), [false, false, true]);
    }
}
