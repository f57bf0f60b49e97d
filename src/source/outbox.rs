//! What a decoder has read and not yet handed out.

use super::{Loss, Record, Row, keys::Keys};
use std::collections::VecDeque;

/// Records in order, and a loss that is told behind them.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) records: VecDeque<Record>,
    loss: Option<Loss>,
}

impl Outbox {
    /// What is handed out next.
    pub(super) fn next(&mut self) -> Option<Result<Record, Loss>> {
        self.records.pop_front().map(Ok).or_else(|| self.loss.take().map(Err))
    }

    /// Tells a loss, unless another one waits already.
    pub(super) fn lose(&mut self, loss: impl FnOnce() -> Option<Loss>) {
        self.loss = self.loss.take().or_else(loss);
    }

    /// Ends a row: its values are those gathered in `keys`.
    pub(super) fn row(&mut self, keys: &mut Keys, row: Row, loss: impl FnOnce(&str) -> Loss) {
        self.check(keys, loss);
        if !keys.is_empty() {
            let values = keys.take(&mut self.records);
            self.records.push_back(Record::Row(Row { values, ..row }));
        }
    }

    /// Tells of keys that were turned away.
    pub(super) fn check(&mut self, keys: &mut Keys, loss: impl FnOnce(&str) -> Loss) {
        if let Some(why) = keys.overflowed() {
            self.loss = Some(loss(&why));
        }
    }
}
