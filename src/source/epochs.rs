//! Where epochs begin, for counters that start over with each of them.

use std::collections::BTreeMap;

/// Epochs whose starts are remembered, for a run that goes back to one of them.
const EPOCHS_MAX: usize = 1 << 16;

/// What is added to a counter, since the epoch that began with it.
#[derive(Clone, Default)]
pub(super) struct Starts(BTreeMap<i64, i64>);

impl Starts {
    /// What is added to a counter in `epoch`.
    pub(super) fn of(&self, epoch: i64) -> i64 {
        self.0.range(..=epoch).next_back().map_or(0, |(_, start)| *start)
    }

    /// `epoch` began at `start`. The epochs behind it, of a branch that was given up, are counted anew.
    pub(super) fn begin(&mut self, epoch: i64, start: i64) {
        self.0.split_off(&epoch);
        if self.0.len() == EPOCHS_MAX {
            self.0.pop_first();
        }
        self.0.insert(epoch, start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_found_again_where_it_began() {
        let mut starts = Starts::default();
        (1..4).for_each(|epoch| starts.begin(epoch, epoch * 100));
        assert_eq!([0, 1, 2, 3, 9].map(|epoch| starts.of(epoch)), [0, 100, 200, 300, 300]);
        starts.begin(2, 150);
        assert_eq!([1, 2, 3].map(|epoch| starts.of(epoch)), [100, 150, 150], "what came behind it is given up");
    }

    #[test]
    fn of_very_many_epochs_the_last_are_remembered() {
        let mut starts = Starts::default();
        let last = EPOCHS_MAX as i64 + 5;
        (0..=last).for_each(|epoch| starts.begin(epoch, epoch * 10));
        assert_eq!((starts.of(last), starts.of(last - 1), starts.0.len()), (last * 10, last * 10 - 10, EPOCHS_MAX));
    }
}
