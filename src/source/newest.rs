//! Tables whose rows stand newest first, as web pages export them: stretches in which the steps only fall are turned round.

use super::{Record, Row};
use crate::model::{Step, WallTime};
use std::collections::VecDeque;

/// A stretch falls when its steps fall so often: once is what a restart does.
const FALLS_MIN: usize = 2;

/// Most rows of a stretch: all are held until one that rises comes behind them.
const HELD_MAX: usize = 1 << 19;

/// Says whether the first rows of a source fall.
#[derive(Default)]
pub(super) struct Falls {
    last: Option<(i64, Option<WallTime>)>,
    falls: usize,
    rose: bool,
}

impl Falls {
    /// Takes the step of a row. Whether the rows fall, as is known by now.
    pub(super) fn are_told(&mut self, step: i64, time: Option<WallTime>) -> bool {
        if self.rose {
            return false;
        }
        if let Some((last, before)) = self.last.replace((step, time)) {
            // What is logged later stands behind: a counter that falls with time counts down, or its run starts over.
            self.rose = step > last || time.zip(before).is_some_and(|(time, before)| time > before);
            self.falls += usize::from(step < last);
        }
        !self.rose && self.falls >= FALLS_MIN
    }

    /// Whether rows that were not read yet may tell.
    pub(super) fn is_open(&self) -> bool {
        !self.rose
    }
}

/// Holds the rows of such a source, stretch by stretch.
#[derive(Default)]
pub(super) struct Newest {
    rows: Vec<Row>,
    /// So many of them were given out already.
    given: usize,
    /// The last step among them, and how often they fell.
    last: Option<Step>,
    falls: usize,
    /// Rows so far, of all stretches.
    count: usize,
    /// So many are known to come.
    known: usize,
    /// The rows so far where a stretch that was given out went on: the last of them stand too far behind.
    goes_on: Option<usize>,
}

impl Newest {
    /// Holds the rows of a source in which at least so many are known to come.
    pub(super) fn of(known: usize) -> Newest {
        Newest { known, ..Newest::default() }
    }

    /// Takes a row. One that rises ends the stretch before it.
    pub(super) fn push(&mut self, row: Row, out: &mut VecDeque<Record>) {
        if row.step > self.last && self.last.is_some() || self.rows.len() >= HELD_MAX {
            self.give(out);
            *self = Newest { count: self.count, known: self.known, goes_on: self.goes_on, ..Newest::default() };
        }
        self.falls += usize::from(row.step.is_some() && row.step < self.last);
        self.last = row.step.or(self.last);
        self.rows.push(row);
        self.count += 1;
        if self.given > 0 && self.falls() {
            self.goes_on = Some(self.count);
        }
    }

    /// Says that rows were given out before those that belong in front of them, and how many are known by now: the source is to be read
    /// once more.
    pub(super) fn goes_on(&self) -> Option<usize> {
        self.goes_on
    }

    /// Gives out the stretch as far as it is there, unless more is known to come.
    pub(super) fn glimpse(&mut self, out: &mut VecDeque<Record>) {
        if self.count >= self.known {
            self.give(out);
        }
    }

    /// Whether the stretch falls so far.
    fn falls(&self) -> bool {
        self.falls >= FALLS_MIN
    }

    /// Gives out the stretch as far as it is there, in the order of its steps. Where it goes on afterwards and cannot be read again, all
    /// of it comes once more.
    pub(super) fn give(&mut self, out: &mut VecDeque<Record>) {
        if self.given == self.rows.len() {
            return;
        }
        match self.falls() {
            true => out.extend(self.rows.iter().rev().cloned().map(Record::Row)),
            false => out.extend(self.rows[self.given..].iter().cloned().map(Record::Row)),
        }
        self.given = self.rows.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_only_fall_are_told_and_a_restart_or_a_countdown_is_not() {
        let told = |steps: &[(i64, f64)]| {
            let mut falls = Falls::default();
            steps.iter().position(|(step, time)| falls.are_told(*step, WallTime::new(*time).filter(|_| *time > 0.0)))
        };
        assert_eq!(told(&[(30, 0.0), (20, 0.0), (10, 0.0)]), Some(2));
        assert_eq!(told(&[(30, 0.0), (30, 0.0), (20, 0.0), (20, 0.0), (10, 0.0)]), Some(4));
        assert_eq!(told(&[(30, 9.0), (20, 8.0), (10, 7.0)]), Some(2));
        assert_eq!(told(&[(30, 7.0), (20, 8.0), (10, 9.0)]), None);
        assert_eq!(told(&[(30, 0.0), (20, 0.0), (30, 0.0), (20, 0.0), (10, 0.0)]), None);
    }

    #[test]
    fn a_stretch_that_goes_on_is_to_be_read_again() {
        let (mut newest, mut out) = (Newest::default(), VecDeque::new());
        let mut goes_on_with = |step: i64| {
            newest.push(Row { step: Some(Step(step)), ..Row::default() }, &mut out);
            let goes_on = newest.goes_on();
            newest.give(&mut out);
            goes_on
        };
        assert_eq!([9, 8, 10, 11, 7, 6].map(&mut goes_on_with), [None, None, None, None, None, Some(6)]);
    }

    #[test]
    fn what_is_known_to_come_is_waited_for() {
        let (mut newest, mut out) = (Newest::of(3), VecDeque::new());
        let mut given_with = |step: i64| {
            newest.push(Row { step: Some(Step(step)), ..Row::default() }, &mut out);
            newest.glimpse(&mut out);
            (out.len(), newest.goes_on())
        };
        assert_eq!([9, 8, 7, 6].map(&mut given_with), [(0, None), (0, None), (3, None), (7, Some(4))]);
    }

    #[test]
    fn a_stretch_is_turned_round_and_what_rises_behind_it_is_not() {
        let given = |steps: &[i64], glimpses: &[usize]| {
            let (mut newest, mut out) = (Newest::default(), VecDeque::new());
            for (at, step) in steps.iter().enumerate() {
                if glimpses.contains(&at) {
                    newest.give(&mut out);
                }
                newest.push(Row { step: Some(Step(*step)), ..Row::default() }, &mut out);
            }
            (0..2).for_each(|_| newest.give(&mut out));
            out.into_iter().filter_map(|record| if let Record::Row(row) = record { Some(row.step?.0) } else { None }).collect::<Vec<_>>()
        };
        assert_eq!(given(&[3, 2, 1], &[]), [1, 2, 3]);
        assert_eq!(given(&[3, 2, 2, 1, 4, 5, 3, 4], &[]), [1, 2, 2, 3, 4, 5, 3, 4]);
        assert_eq!(given(&[3, 2, 1, 4, 5], &[3, 4]), [1, 2, 3, 4, 5]);
        assert_eq!(given(&[4, 3, 2, 1], &[2, 3]), [4, 3, 2, 3, 4, 1, 2, 3, 4], "the last ones count");
    }

    #[test]
    fn rows_without_a_step_cost_no_look_back() {
        let (mut newest, mut out) = (Newest::default(), VecDeque::new());
        let steps = [Some(3), Some(2), Some(1)].into_iter().chain(std::iter::repeat_n(None, 200_000)).chain([Some(9), Some(10)]);
        // Looking back over all of them for each one would take minutes.
        steps.for_each(|step| newest.push(Row { step: step.map(Step), ..Row::default() }, &mut out));
        newest.give(&mut out);
        let steps: Vec<_> = out.into_iter().filter_map(|record| if let Record::Row(row) = record { row.step } else { None }).collect();
        assert_eq!(steps, [1, 2, 3, 9, 10].map(Step));
    }
}
