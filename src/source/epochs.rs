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

/// Turns counters that start over with each epoch into steps that rise. One that never falls back stays as it is, and so does
/// one that falls back within its epoch or with it: that is a restart.
///
/// A counter that starts over stands as far behind the last one as that stood behind the one before it.
///
/// A counter may go on into an epoch because it is one of the whole run, or because the epoch before it was logged only up to there.
/// One of the whole run falls back under a higher epoch only where an epoch that was broken off is taken for a whole one: the run
/// goes on from a checkpoint in that epoch, so not below where it began. What falls below that starts over after all.
#[derive(Default)]
pub(super) struct Epochs {
    /// The last row that counted.
    pub(super) count: Option<Counted>,
    /// Between two counters.
    gap: i64,
    starts: Starts,
    /// Epochs are told by fractions, and so the counter is one of the whole run.
    has_fractions: bool,
    /// The counter started over with an epoch.
    starts_over: bool,
    /// It fell back when the epoch rose.
    fell: bool,
    /// It rose when the epoch fell: an equal one is no new start, and where it falls back, the run does.
    counts_through: bool,
    /// It went on when the epoch rose: as above, until it falls back below the whole epoch before.
    went_on: bool,
    /// The epoch rose, and the counter with it.
    rose_along: bool,
    /// Where it first counted.
    first: Option<(f64, i64)>,
    behind: Option<Behind>,
}

/// Rows were passed over. What is known of those before them.
#[derive(Clone, Copy)]
struct Behind {
    /// The last row that counted.
    last: Option<Counted>,
    /// There were none.
    is_blind: bool,
    /// More of the rows that were passed over may tell where those behind them stand.
    is_open: bool,
}

/// What a counter counts, by its name.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Counts {
    /// The batches of an epoch.
    Epoch,
    /// Those of an epoch or of the whole run.
    Either,
    /// Those of the whole run: told again under the next epoch it is no new one. Where it falls back, it starts over all the same.
    Run,
    /// Those of the whole run or of a loop around it, which stands for the epoch: the same, but few rows of each will do.
    Outer,
}

/// A row that counted.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    /// The epoch as it was told.
    at: f64,
    epoch: i64,
    counter: i64,
    /// The first counter of its epoch.
    first: i64,
    /// The largest step so far.
    highest: i64,
}

impl Epochs {
    /// Another counter is read.
    pub(super) fn renew(&mut self) {
        *self = Epochs { behind: self.behind, ..Epochs::default() };
    }

    /// Rows were passed over; `is_blind`: and none were read before.
    pub(super) fn jump(&mut self, is_blind: bool) {
        self.behind = Some(Behind { last: self.count.take(), is_blind, is_open: false });
    }

    /// Whether rows were passed over.
    pub(super) fn jumped(&self) -> bool {
        self.behind.is_some()
    }

    /// Whether more of the rows that were passed over may tell where those behind them stand.
    pub(super) fn is_open(&self) -> bool {
        self.behind.is_some_and(|behind| behind.is_open)
    }

    /// Whether a row has counted.
    pub(super) fn has_counted(&self) -> bool {
        self.count.or(self.behind.and_then(|behind| behind.last)).is_some()
    }

    /// The step of a row with this counter; one without an epoch is of the last one. `None`: nobody can tell.
    pub(super) fn step(&mut self, epoch: Option<f64>, counter: i64, counts: Counts) -> Option<i64> {
        self.has_fractions |= epoch.is_some_and(|epoch| epoch.fract() != 0.0);
        if let Some(behind) = self.behind {
            return self.step_behind(behind, epoch, counter, counts);
        }
        let at = epoch.or(self.count.map(|last| last.at)).unwrap_or_default();
        let Some(epoch) = epoch.map(|epoch| epoch.floor() as i64).or(self.count.map(|last| last.epoch)) else { return Some(counter) };
        if self.count.is_some_and(|last| epoch < last.epoch && counter > last.counter) && counts != Counts::Epoch && !self.fell {
            // The epochs are those of one update.
            (self.counts_through, self.starts_over, self.starts) = (true, false, Starts::default());
        }
        let mut base = self.starts.of(epoch);
        let mut now = Counted { at, epoch, counter, first: counter, highest: counter.saturating_add(base) };
        self.first = self.first.or(Some((at, counter)));
        if let Some(last) = self.count {
            let is_behind = epoch > last.epoch;
            // A row an epoch, always at its end: there the counter is the same each time. In the middle of an epoch it may be that a
            // counter of the whole run is told twice, at the end of an epoch and at the start of the next.
            let is_single = last.first == last.counter && !self.has_fractions && !self.counts_through && !self.went_on;
            let is_told_anew = counts == Counts::Epoch || self.starts_over || is_single;
            let is_again = counter == last.counter && !matches!(counts, Counts::Run | Counts::Outer) && is_told_anew;
            let rose = last.first < last.counter;
            // One of the whole run that starts over all the same came some way, and is back about where it began.
            let middle = last.first.saturating_add(last.counter.saturating_sub(last.first) / 2);
            let is_back = match counts {
                Counts::Epoch | Counts::Either => true,
                Counts::Run => rose && counter < middle,
                Counts::Outer => rose && (counter < middle || counter <= last.first),
            };
            let may_fall = !self.counts_through && (!self.went_on || counter < last.first);
            let falls = counter < last.counter && is_back && (counts == Counts::Epoch || may_fall);
            self.rose_along |= is_behind && counter > last.counter;
            self.went_on |= is_behind && rose && counter > last.counter && !self.starts_over;
            // It never rose: each row is the end of its epoch, also of those that have more or fewer batches after a resume.
            let is_end = self.gap == 0 && is_single && self.starts_over;
            if is_behind && (falls || is_again || is_end) {
                let gap = if self.gap == 0 && (is_again || is_end) { counter } else { self.gap };
                now.highest = last.highest.saturating_add(gap.max(1));
                base = now.highest.saturating_sub(counter);
                self.starts.begin(epoch, base);
                (self.starts_over, self.went_on) = (true, false);
                self.fell |= falls;
            } else {
                // With the epoch, the run fell back: what came behind it counts anew.
                if epoch >= last.epoch {
                    if counter > last.counter {
                        self.gap = counter.saturating_sub(last.counter);
                    }
                    now.highest = now.highest.max(last.highest);
                }
                if epoch == last.epoch {
                    now.first = last.first;
                }
            }
        }
        self.count = Some(now);
        Some(counter.saturating_add(base))
    }

    /// The same behind rows that were passed over: a counter of the whole run stands where it says. It is one if it rises with the epoch.
    fn step_behind(&mut self, behind: Behind, epoch: Option<f64>, counter: i64, counts: Counts) -> Option<i64> {
        let before = self.count;
        let Some(at) = epoch.or(before.map(|last| last.at)) else { return behind.last.is_none().then_some(counter) };
        let epoch = at.floor() as i64;
        self.count = Some(Counted { at, epoch, counter, first: counter, highest: counter });
        if let Some(before) = before.filter(|before| epoch > before.epoch) {
            self.starts_over |= counter < before.counter && !self.counts_through;
            self.rose_along |= counter > before.counter;
        }
        let is_told = |(last, first): (Counted, (f64, i64))| match () {
            () if epoch == last.epoch => true,
            () if self.has_fractions && first.0 < last.at => is_of_run(first, (last.at, last.counter), (at, counter)),
            () => self.rose_along && came_on(first, last, (epoch, counter)),
        };
        let is_known = behind.is_blind || self.counts_through || behind.last.zip(self.first).is_some_and(is_told);
        let may_be = counts != Counts::Epoch && !self.starts_over;
        self.behind = Some(Behind { is_open: may_be && !is_known, ..behind });
        (may_be && is_known).then_some(counter)
    }
}

/// Whether a counter came as far as one of the whole run does, or half as far, by what it did in the epochs before some were passed over.
fn came_on((from, first): (f64, i64), last: Counted, (epoch, counter): (i64, i64)) -> bool {
    let rate = (last.counter as f64 - first as f64) / (last.at - from + 1.0).max(1.0);
    epoch > last.epoch && counter as f64 >= last.counter as f64 + rate / 2.0 * (epoch as f64 - last.epoch as f64 - 1.0)
}

/// Whether a counter, by how far it comes in a part of an epoch, is nearer to one of the whole run than to one that starts over.
fn is_of_run((from, first): (f64, i64), (to, last): (f64, i64), (at, counter): (f64, i64)) -> bool {
    let rate = (last as f64 - first as f64) / (to - from);
    let middle = first as f64 + rate * ((at + at.fract()) / 2.0 - from);
    to > from && last > first && at >= to && counter as f64 > middle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_as(counts: Counts, rows: &[(f64, i64)], want: &[i64]) {
        let mut epochs = Epochs::default();
        let steps: Vec<_> = rows.iter().filter_map(|(epoch, counter)| epochs.step(Some(*epoch), *counter, counts)).collect();
        assert_eq!(steps, want);
    }

    #[track_caller]
    fn check(rows: &[(f64, i64)], want: &[i64]) {
        check_as(Counts::Either, rows, want);
    }

    #[test]
    fn a_counter_of_the_whole_run_starts_over_only_where_it_falls_back() {
        check_as(Counts::Run, &[(0.0, 8), (1.0, 8), (2.0, 8), (0.0, 16), (1.0, 16)], &[8, 8, 8, 16, 16]);
        check_as(Counts::Run, &[(0.0, 0), (0.0, 10), (0.0, 20), (1.0, 0), (1.0, 10), (2.0, 0)], &[0, 10, 20, 30, 40, 50]);
        // A check at the end of an epoch is told for the next one.
        check_as(Counts::Run, &[(0.0, 0), (0.0, 10), (1.0, 9), (1.0, 20), (2.0, 19)], &[0, 10, 9, 20, 19]);
        check_as(Counts::Run, &[(0.0, 8), (1.0, 8), (0.0, 16), (1.0, 16), (2.0, 8), (0.0, 16)], &[8, 8, 16, 16, 8, 16]);
    }

    #[test]
    fn a_counter_starts_over_with_the_loop_around_it_where_it_came_some_way() {
        let rows = [(0.0, 0), (0.0, 1), (1.0, 0), (1.0, 1), (1.0, 2), (2.0, 0), (2.0, 1)];
        check_as(Counts::Outer, &rows, &[0, 1, 2, 3, 4, 5, 6]);
        // The lengths of episodes, a restart of all, and one that an episode more does not hide.
        check_as(Counts::Outer, &[(0.0, 20), (1.0, 27), (2.0, 27), (3.0, 25)], &[20, 27, 27, 25]);
        check_as(Counts::Outer, &[(0.0, 0), (0.0, 1), (1.0, 2), (1.0, 3), (0.0, 0), (0.0, 1)], &[0, 1, 2, 3, 0, 1]);
        check_as(Counts::Outer, &[(0.0, 50), (0.0, 100), (1.0, 150), (1.0, 200), (2.0, 180)], &[50, 100, 150, 200, 180]);
    }

    #[test]
    fn a_run_that_goes_on_from_an_epoch_that_was_whole_stands_where_it_says() {
        for counts in [Counts::Run, Counts::Either] {
            let rows = [(0.0, 50), (0.0, 100), (1.0, 150), (1.0, 200), (1.0, 230), (2.0, 210), (2.0, 250)];
            check_as(counts, &rows, &[50, 100, 150, 200, 230, 210, 250]);
        }
    }

    #[test]
    fn a_counter_that_went_on_into_an_epoch_starts_over_where_it_falls_below_it() {
        // Logged by time, and the first epoch was slow.
        let rows = [(0, 4), (0, 18), (1, 22), (1, 41), (1, 58), (2, 14), (2, 33), (2, 52), (3, 15), (3, 34)];
        let rows = rows.map(|(epoch, counter)| (f64::from(epoch), counter));
        for counts in [Counts::Run, Counts::Either] {
            check_as(counts, &rows, &[4, 18, 22, 41, 58, 75, 94, 113, 132, 151]);
        }
        // Where the epochs are those of one update, they say nothing of a counter that falls back.
        check(&[(1.0, 300), (0.0, 400), (0.0, 500), (6.0, 350), (6.0, 450)], &[300, 400, 500, 350, 450]);
    }

    #[test]
    fn a_counter_that_falls_back_when_the_epoch_rises_goes_on() {
        check(&[(0.0, 0), (0.0, 10), (0.0, 20), (1.0, 0), (1.0, 10), (2.0, 0)], &[0, 10, 20, 30, 40, 50]);
        check(&[(0.0, 99), (1.0, 199), (1.0, 199), (2.0, 299)], &[99, 199, 199, 299]);
        check(&[(0.0, 50), (0.0, 100), (1.0, 100), (1.0, 150)], &[50, 100, 100, 150]);
        check(&[(1.0, 100), (2.0, 100), (3.0, 100)], &[100, 200, 300]);
        check(&[(0.99, 100), (1.0, 100), (1.5, 150)], &[100, 100, 150]);
    }

    #[test]
    fn a_resume_with_larger_or_smaller_batches_goes_on() {
        for counts in [Counts::Epoch, Counts::Either] {
            // Told at the ends of epochs alone.
            check_as(counts, &[(1.0, 100), (2.0, 100), (3.0, 50), (4.0, 50)], &[100, 200, 250, 300]);
            check_as(counts, &[(1.0, 100), (2.0, 100), (3.0, 200), (4.0, 200), (5.0, 200)], &[100, 200, 400, 600, 800]);
            check_as(counts, &[(1.0, 50), (1.0, 100), (2.0, 50), (2.0, 100), (3.0, 25), (3.0, 50)], &[50, 100, 150, 200, 250, 275]);
        }
        // A counter of the whole run, with the epochs of its updates, the last of them of other sizes.
        for counts in [Counts::Either, Counts::Run] {
            let update = |counter| [0.0, 1.0, 2.0].map(|epoch| (epoch, counter));
            let rows = [2048, 4096, 6144, 7168, 8192, 12288].map(update).concat();
            let mut epochs = Epochs::default();
            let steps: Vec<_> = rows.iter().map(|(epoch, counter)| epochs.step(Some(*epoch), *counter, counts)).collect();
            assert_eq!(steps[3..], rows[3..].iter().map(|(_, counter)| Some(*counter)).collect::<Vec<_>>());
            check_as(counts, &[(0.0, 50), (0.0, 100), (1.0, 200), (1.0, 225), (2.0, 250)], &[50, 100, 200, 225, 250]);
        }
    }

    #[test]
    fn epochs_that_are_told_again_under_each_counter_do_not_count() {
        let update = |counter| [0.0, 1.0, 2.0].map(|epoch| (epoch, counter));
        check(&[update(5), update(6), update(7)].concat(), &[5, 10, 15, 6, 6, 6, 7, 7, 7]);
    }

    #[test]
    fn a_counter_that_falls_back_in_its_epoch_or_with_it_is_a_restart() {
        check(&[(0.0, 100), (1.0, 200), (1.0, 150), (1.0, 200)], &[100, 200, 150, 200]);
        check(&[(1.0, 50), (1.0, 100), (2.0, 50), (2.0, 100), (1.0, 50), (1.0, 100), (2.0, 50)], &[50, 100, 150, 200, 50, 100, 150]);
        let rows = [(1.0, 90), (1.0, 100), (2.0, 10), (1.0, 60), (1.0, 70), (1.0, 80), (1.0, 90), (1.0, 100), (2.0, 10)];
        check(&rows, &[90, 100, 110, 60, 70, 80, 90, 100, 110]);
    }

    #[test]
    fn behind_rows_that_were_passed_over_only_a_counter_of_the_whole_run_is_told() {
        #[track_caller]
        fn check_behind(head: &[(f64, i64)], tail: &[(f64, i64, Option<i64>)]) {
            for counts in [Counts::Either, Counts::Run] {
                let mut epochs = Epochs::default();
                head.iter().for_each(|(epoch, counter)| _ = epochs.step(Some(*epoch), *counter, counts));
                epochs.jump(head.is_empty());
                let told: Vec<_> = tail.iter().map(|(epoch, counter, _)| epochs.step(Some(*epoch), *counter, counts)).collect();
                assert_eq!(told, tail.iter().map(|(.., want)| *want).collect::<Vec<_>>(), "{head:?} {tail:?}");
                assert_eq!(epochs.is_open(), told.last() == Some(&None) && !epochs.starts_over);
            }
        }
        // The head saw a part of one epoch.
        let part = [(0.0, 0), (0.0, 50), (0.0, 100)];
        check_behind(&part, &[(0.0, 5000, Some(5000))]);
        check_behind(&part, &[(9.0, 499, None)]);
        check_behind(&part, &[(8.0, 4400, None), (8.0, 4450, None), (9.0, 4500, Some(4500)), (9.0, 4550, Some(4550))]);
        check_behind(&part, &[(8.0, 499, None), (9.0, 0, None), (9.0, 50, None)]);
        // And it saw the counter go on into the next.
        let through = [(0.0, 0), (0.0, 50), (1.0, 100), (1.0, 150)];
        check_behind(&through, &[(9.0, 900, Some(900))]);
        check_behind(&through, &[(90.0, 900, None)]);
        check_behind(&[(1.0, 100), (2.0, 200)], &[(300.0, 30_000, Some(30_000))]);
        check_behind(&[(1.0, 100), (2.0, 100)], &[(300.0, 100, None)]);
        // A part of an epoch says how long it is.
        let rate = [(0.0, 0), (0.01, 10), (0.02, 20)];
        check_behind(&rate, &[(2.7, 2700, Some(2700))]);
        check_behind(&rate, &[(2.7, 700, None)]);
        // Nobody read a head.
        check_behind(&[], &[(2.0, 700, Some(700)), (3.0, 10, None)]);
    }

    #[test]
    fn what_a_counter_does_with_the_next_loop_around_it_is_to_be_seen() {
        for (head, want) in [(&[(0.0, 1), (0.0, 9)][..], None), (&[(0.0, 1), (1.0, 9)], Some(500)), (&[(5.0, 1), (5.0, 9)], Some(500))] {
            let mut epochs = Epochs::default();
            for (outer, counter) in head {
                epochs.step(Some(*outer), *counter, Counts::Outer);
            }
            epochs.jump(false);
            assert_eq!(epochs.step(Some(5.0), 500, Counts::Outer), want, "{head:?}");
        }
    }

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
