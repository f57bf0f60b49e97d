//! What a decoder has read and not yet handed out.

use super::{Loss, Record, Row, columns::Facts, keys::Keys, newest::Newest};
use std::collections::VecDeque;

/// Records in order, and a loss that is told behind them.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) records: VecDeque<Record>,
    loss: Option<Loss>,
    /// Takes the rows of a source in which they stand newest first.
    newest: Option<Newest>,
}

impl Outbox {
    /// The outbox of a source of which this is known: its rows stand newest first, or do not.
    pub(super) fn of(facts: &Facts) -> Outbox {
        Outbox { newest: facts.is_newest_first.then(|| Newest::of(facts.goes_on)), ..Outbox::default() }
    }

    /// Sets free the rows that wait for what comes behind them.
    pub(super) fn give_newest(&mut self) {
        if let Some(newest) = &mut self.newest {
            newest.give(&mut self.records);
        }
    }

    /// The same, as far as no more is known to come.
    pub(super) fn glimpse_newest(&mut self) {
        if let Some(newest) = &mut self.newest {
            newest.glimpse(&mut self.records);
        }
    }

    /// See [`Newest::goes_on`].
    pub(super) fn goes_on(&self) -> Option<usize> {
        self.newest.as_ref().and_then(Newest::goes_on)
    }

    /// Holds the rows among the records from `at` on, where they stand newest first.
    pub(super) fn hold_newest(&mut self, at: usize) {
        let Some(newest) = &mut self.newest else { return };
        for record in self.records.split_off(at) {
            match record {
                Record::Row(row) => newest.push(row, &mut self.records),
                record => self.records.push_back(record),
            }
        }
    }

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
            let row = Row { values, ..row };
            match &mut self.newest {
                Some(newest) => newest.push(row, &mut self.records),
                None => self.records.push_back(Record::Row(row)),
            }
        }
    }

    /// Tells of keys that were turned away.
    pub(super) fn check(&mut self, keys: &mut Keys, loss: impl FnOnce(&str) -> Loss) {
        if let Some(why) = keys.overflowed() {
            self.loss = Some(loss(&why));
        }
    }
}
