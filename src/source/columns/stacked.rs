//! Tables in which several runs stand together, told apart by a column such as `seed` or `fold`.
//!
//! A column of that name may as well be a metric (`rank`) or say nothing. It tells runs apart where the steps of each of its values rise
//! and those of all rows do not: they start over where its value changes, or each step comes again for each value.

/// Most runs in one table.
const RUNS_MAX: usize = 64;

/// The value of such a column in a row.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Label {
    Number(i64),
    Text(String),
}

/// What a column of that name held so far.
#[derive(Default)]
pub(super) struct Stacked {
    runs: Vec<Run>,
    /// The run of the last row, and its step.
    last: Option<(usize, i64)>,
    /// The first step of all.
    first: i64,
    /// How often the steps of the last run rose.
    rises: u32,
    /// Runs stand behind each other, not beside each other.
    are_behind: bool,
    is_refuted: bool,
}

struct Run {
    label: Label,
    /// Its last step.
    last: i64,
}

impl Stacked {
    /// Takes the value of a row at `step`. Whether the column is known by now to tell runs apart.
    pub(super) fn tells(&mut self, label: &Label, step: i64) -> bool {
        if self.is_refuted {
            return false;
        }
        let known = match self.last {
            Some((at, _)) if *label == self.runs[at].label => Some(at),
            _ => self.runs.iter().position(|run| *label == run.label),
        };
        let (before, is_first_round) = (self.last, self.runs.iter().all(|run| run.last == self.first));
        let at = known.unwrap_or(self.runs.len());
        self.last = Some((at, step));
        let Some((run, last)) = before else {
            self.first = step;
            self.runs.push(Run { label: label.clone(), last: step });
            return false;
        };
        let (rose, has_all) = (step > last, self.runs.iter().all(|run| run.last == last));
        match known {
            None => {
                // A run that goes on from a checkpoint does not start over.
                let starts_over = step < last && step <= self.first && self.rises > 0;
                let is_beside = step == last && is_first_round;
                self.is_refuted = !(starts_over || is_beside) || self.runs.len() >= RUNS_MAX;
                if !self.is_refuted {
                    self.runs.push(Run { label: label.clone(), last: step });
                }
                self.are_behind |= starts_over;
                starts_over && !self.is_refuted
            }
            Some(at) => {
                let of_run = std::mem::replace(&mut self.runs[at].last, step);
                self.rises = if at == run { self.rises.saturating_add(u32::from(rose)) } else { 0 };
                // Each step comes for all runs, if for more than one; of those behind each other, none goes on.
                let goes_on = if self.are_behind { at != run } else { rose && self.runs.len() > 1 && !has_all };
                self.is_refuted = step < of_run || goes_on;
                let is_round = step > self.first && self.runs.iter().all(|run| run.last == step);
                !self.is_refuted && self.runs.len() > 1 && is_round
            }
        }
    }

    /// Whether rows that were passed over may have told that the column tells runs apart, where one behind them has this value.
    pub(super) fn is_open(&self, label: &Label) -> bool {
        !self.is_refuted && (self.runs.len() != 1 || self.runs[0].label != *label)
    }

    /// How many runs there are so far.
    pub(super) fn count(&self) -> usize {
        self.runs.len()
    }

    /// It holds what is no label.
    pub(super) fn refute(&mut self) {
        self.is_refuted = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In which row the column is known to tell runs apart.
    fn told(rows: &[(i64, i64)]) -> Option<usize> {
        let mut stacked = Stacked::default();
        rows.iter().position(|(label, step)| stacked.tells(&Label::Number(*label), *step))
    }

    #[test]
    fn steps_that_start_over_with_each_value_are_of_several_runs() {
        assert_eq!(told(&[(1, 0), (1, 10), (1, 20), (2, 0), (2, 10)]), Some(3));
        assert_eq!(told(&[(7, 10), (7, 20), (8, 10)]), Some(2));
        assert_eq!(told(&[(1, 0), (1, 0), (1, 10), (1, 10), (2, 0)]), Some(4), "a row of the training and one of a check");
    }

    #[test]
    fn steps_that_come_for_each_value_are_of_several_runs() {
        assert_eq!(told(&[(0, 1), (1, 1), (0, 2), (1, 2)]), Some(3));
        assert_eq!(told(&[(0, 1), (1, 1), (2, 1), (2, 2), (0, 2), (1, 2)]), Some(5));
    }

    #[test]
    fn runs_behind_each_other_are_told_one_by_one() {
        let mut stacked = Stacked::default();
        let rows = [(1, 0), (1, 10), (2, 0), (2, 5), (3, 0), (3, 5), (1, 20), (4, 0)];
        let told = rows.map(|(label, step)| stacked.tells(&Label::Number(label), step));
        assert_eq!(told, [false, false, true, false, true, false, false, false]);
        assert_eq!(stacked.count(), 3);
    }

    #[test]
    fn a_metric_or_a_resume_tells_no_runs() {
        for rows in [
            &[(1, 0), (2, 10), (3, 20), (1, 0), (2, 10)][..],
            // The rank of a row of the training and of that of a check.
            &[(3, 1), (5, 1), (3, 2), (4, 2), (3, 3), (5, 3)],
            // A restart of one run, and one that goes on as another.
            &[(1, 0), (1, 10), (1, 20), (1, 0), (1, 10)],
            &[(1, 0), (1, 10), (1, 20), (2, 10), (2, 20)],
            &[(42, 0), (42, 10)],
        ] {
            assert_eq!(told(rows), None, "{rows:?}");
        }
    }
}
