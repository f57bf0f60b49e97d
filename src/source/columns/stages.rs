//! Stages of a training that are told by a text (`phase`: `pretrain`, `finetune`), where what counts starts over with each. They stand for
//! the turns of a loop around it, in the order in which they came.

/// Most stages of one training; of more, each row is one.
const STAGES_MAX: usize = 64;

/// The stages of a source.
#[derive(Default)]
pub(super) struct Stages {
    known: Vec<String>,
    /// That of the last row of the training.
    now: Option<usize>,
    /// The first step of it, and the last.
    steps: Option<(i64, i64)>,
    /// The row is the first of another stage than the row before it.
    changed: bool,
    /// Rows were passed over, and one behind them is of a stage that was not met before.
    is_unknown: bool,
    jumped: bool,
}

impl Stages {
    /// Starts a row.
    pub(super) fn begin(&mut self) {
        self.changed = false;
    }

    /// The row is of the training, in this stage.
    pub(super) fn take(&mut self, stage: &str) {
        if self.now.is_some_and(|now| self.known[now] == stage) {
            return;
        }
        self.changed = self.now.is_some();
        let known = self.known.iter().position(|known| known == stage);
        self.is_unknown |= self.jumped && known.is_none();
        if known.is_none() && self.known.len() < STAGES_MAX {
            self.known.push(stage.to_owned());
        }
        self.now = known.or(Some(self.known.len() - 1));
    }

    /// Takes the step of a row as its column says it. Whether it starts over with a stage.
    pub(super) fn starts_over(&mut self, step: i64) -> bool {
        let first = self.steps.filter(|_| !self.changed).map_or(step, |(first, _)| first);
        let before = self.steps.replace((first, step));
        self.changed && before.is_some_and(|(first, last)| step <= first && step < last)
    }

    /// The number of the stage that the training is in.
    pub(super) fn number(&self) -> Option<i64> {
        self.now.map(|now| now as i64)
    }

    /// Rows were passed over.
    pub(super) fn jump(&mut self) {
        (self.jumped, self.now, self.steps) = (true, None, None);
    }

    /// Whether a stage may have begun in them.
    pub(super) fn is_unknown(&self) -> bool {
        self.is_unknown
    }

    /// Whether the stage at the end is still to be found.
    pub(super) fn is_open(&self) -> bool {
        self.jumped && self.now.is_none() && !self.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_starts_over_where_it_is_back_at_the_start_of_the_one_before() {
        let mut stages = Stages::default();
        let mut row = |stage: &str, step| {
            stages.begin();
            stages.take(stage);
            (stages.starts_over(step), stages.number())
        };
        let rows = [("a", 1), ("a", 2), ("b", 2), ("b", 3), ("c", 1), ("a", 9)];
        let told = rows.map(|(stage, step)| row(stage, step));
        assert_eq!(told.map(|(starts_over, _)| starts_over), [false, false, false, false, true, false]);
        assert_eq!(told.map(|(_, number)| number), [0, 0, 1, 1, 2, 0].map(Some));
    }
}
