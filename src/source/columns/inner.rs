//! Steps in the objects of a row (`{"event": "train", "data": {"step": 10, "loss": 0.5}}`).
//!
//! Such a step is that of the row where the object around it holds what the row says, or says how far the training is, and where no row
//! has a step of its own that is as fine: an `epoch` in front of an object is the one that the step in it is of. A step of an optimizer, of
//! the best checkpoint or of a check is a value.

use super::{Role, names::EPOCH, step_place};

/// What such objects are called.
const AROUND: &[&str] = &[
    "attributes",
    "body",
    "context",
    "counters",
    "data",
    "event",
    "extra",
    "fields",
    "info",
    "log",
    "logs",
    "message",
    "meta",
    "metadata",
    "metrics",
    "payload",
    "progress",
    "record",
    "result",
    "results",
    "row",
    "scalars",
    "state",
    "stats",
    "train",
    "trainer",
    "trainer_state",
    "training",
    "values",
];

/// What the rows of a source have of such steps.
#[derive(Default)]
pub(super) struct Inner {
    /// Those of this row: the place of the name, the cell and the number.
    row: Vec<(usize, usize, f64)>,
    /// The best name of a step that a row had of its own, by its place, and that of those that were used.
    own: Option<usize>,
    used: Option<usize>,
}

/// What a column of this name is: maybe such a step.
pub(super) fn role(name: &str) -> Role {
    let Some((around, bare)) = name.rsplit_once('.') else { return Role::Value };
    let is_around = |part: &str| AROUND.iter().any(|known| known.eq_ignore_ascii_case(part));
    step_place(bare).filter(|_| around.split('.').all(is_around)).map_or(Role::Value, Role::Inner)
}

impl Inner {
    pub(super) fn begin(&mut self) {
        self.row.clear();
    }

    /// Takes the number of such a column.
    pub(super) fn put(&mut self, place: usize, at: usize, number: f64) {
        self.row.push((place, at, number));
    }

    /// The row has a step of its own, at this place. Whether rows before it stand at one that counts no more, and so wrong.
    pub(super) fn refute(&mut self, own: usize) -> bool {
        self.own = Some(self.own.map_or(own, |known| known.min(own)));
        self.used.take_if(|used| own < EPOCH || own <= *used).is_some()
    }

    /// The steps of the row, where rows have none of their own, or only epochs around them.
    pub(super) fn steps(&mut self) -> Vec<(usize, usize, f64)> {
        if self.row.is_empty() {
            return vec![];
        }
        let own = self.own.map_or(usize::MAX, |own| if own < EPOCH { 0 } else { own });
        self.row.retain(|(place, ..)| *place < own);
        self.used = self.row.iter().map(|(place, ..)| *place).chain(self.used).min();
        std::mem::take(&mut self.row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_that_hold_a_row_may_hold_its_step() {
        let is_step = |name: &str| matches!(role(name), Role::Inner(_));
        assert!(["data.step", "train.global_step", "progress.epoch", "payload.metrics.iteration", "Info.Episode"].into_iter().all(is_step));
        for name in
            ["step", "optimizer.step", "best.epoch", "val.step", "eval.data.step", "data.steps", "data.loss", "data.last.step", ".step"]
        {
            assert!(!is_step(name), "{name}");
        }
    }
}
