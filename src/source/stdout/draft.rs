//! Rows that may still change: a line or several lines that are redrawn.

use super::facts::Pairs;
use std::collections::VecDeque;

/// Most lines that are taken to be redrawn at once: a terminal has about that many.
const LINES_MAX: usize = 64;

/// Most names in a row that is put together from many lines: a box, or redraws. The widest rows of loggers have some two
/// hundred, and a screen shows no more than this.
pub(super) const PAIRS_MAX: usize = 512;

/// Lines by which what is redrawn may grow, so that the cursor comes down further than it went up.
const GROWTH_MAX: u32 = 3;

/// What a row is.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub(super) enum Kind {
    #[default]
    Row,
    /// Its only counter was an epoch, by which it counts.
    Epoch,
    /// It says an epoch and comes behind the steps of it, to which it belongs.
    Sum,
    /// It is of a validation that says how far it is.
    Part,
    /// The same of a loop over something else, whose names are those of the training.
    Aside,
}

/// A row that was read but not yet given out.
#[derive(Default)]
pub(super) struct Draft {
    /// `None`: the row belongs to the step before it.
    pub(super) step: Option<i64>,
    pub(super) total: Option<i64>,
    pub(super) rank: u32,
    pub(super) offset: u64,
    pub(super) kind: Kind,
    pub(super) pairs: Pairs,
}

impl Draft {
    /// Whether it has as many names as a row may have.
    pub(super) fn is_full(&self) -> bool {
        self.pairs.len() >= PAIRS_MAX
    }

    /// Takes the values of a newer redraw; names that it does not repeat stay.
    pub(super) fn update(&mut self, newer: Draft) {
        let older = std::mem::replace(self, newer);
        (self.step, self.total) = (self.step.or(older.step), self.total.or(older.total));
        for (name, value) in older.pairs.iter() {
            if !self.pairs.iter().any(|(known, _)| known == name) {
                self.pairs.push(&[name], value);
            }
        }
    }
}

/// Lines that are drawn again and again, as Rich does for its bars and tables: the cursor goes up and comes down.
#[derive(Default)]
pub(super) struct Redraws {
    /// Lines that the cursor still has to come down.
    below: usize,
    /// Lines more that count as redrawn.
    growth: u32,
    /// Rows that were given out of these lines.
    given: VecDeque<(Option<i64>, Pairs)>,
}

impl Redraws {
    /// Whether lines are being redrawn.
    pub(super) fn is_live(&self) -> bool {
        self.growth > 0
    }

    /// The cursor went up.
    pub(super) fn up(&mut self, lines: u32) {
        if lines > 0 {
            self.growth = GROWTH_MAX;
            self.below = self.below.saturating_add(lines as usize).min(LINES_MAX);
        }
    }

    /// Whether the line that ends now may be drawn again, together with the line below it.
    pub(super) fn is_above(&self) -> bool {
        self.below > 0
    }

    /// A line ended.
    pub(super) fn down(&mut self) {
        if self.below > 0 {
            self.below -= 1;
        } else if self.growth > 0 {
            self.growth -= 1;
            if self.growth == 0 {
                self.given = VecDeque::new();
            }
        }
    }

    /// Whether the row stands there already as it is; else it is remembered.
    pub(super) fn repeats(&mut self, row: &Draft) -> bool {
        if !self.is_live() {
            return false;
        }
        if self.given.iter().any(|(step, pairs)| *step == row.step && *pairs == row.pairs) {
            return true;
        }
        if row.step.is_some() {
            self.given.retain(|(step, _)| *step != row.step);
        }
        if self.given.len() == LINES_MAX {
            self.given.pop_front();
        }
        self.given.push_back((row.step, row.pairs.clone()));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(step: Option<i64>, values: &[(&str, f64)]) -> Draft {
        let mut draft = Draft { step, ..Draft::default() };
        values.iter().for_each(|(name, value)| draft.pairs.push(&[name], *value));
        draft
    }

    #[test]
    fn a_redraw_takes_the_newer_values_and_keeps_the_rest() {
        let mut held = draft(Some(3), &[("loss", 2.0), ("lr", 0.5)]);
        held.update(draft(None, &[("loss", 1.0)]));
        assert_eq!((held.step, held.pairs.iter().collect::<Vec<_>>()), (Some(3), vec![("loss", 1.0), ("lr", 0.5)]));
    }

    #[test]
    fn what_stands_there_already_is_not_given_again() {
        let mut redraws = Redraws::default();
        assert!(!redraws.repeats(&draft(Some(1), &[("loss", 2.0)])), "nothing is redrawn");
        redraws.up(2);
        let mut again = |step, value| redraws.repeats(&draft(Some(step), &[("loss", value)]));
        assert_eq!(
            [again(1, 2.0), again(1, 2.0), again(2, 1.0), again(1, 2.0), again(2, 0.5), again(2, 0.5)],
            [false, true, false, true, false, true]
        );
        for (above, live) in [(true, true), (true, true), (false, true), (false, true), (false, true), (false, false)] {
            assert_eq!((redraws.is_above(), redraws.is_live()), (above, live));
            redraws.down();
        }
        assert!(!redraws.repeats(&draft(Some(1), &[("loss", 2.0)])));
    }
}
