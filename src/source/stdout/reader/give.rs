//! Gives out the rows that were read.

use super::Reader;
use crate::source::{
    Record,
    stdout::draft::{Draft, Kind},
};

impl Reader {
    /// Gives out the draft, or holds it until its line is whole. True: it was given out, and still stands in `draft`.
    pub(super) fn hand_on(&mut self, is_final: bool) -> bool {
        let draft = std::mem::take(&mut self.draft);
        match &mut self.held {
            _ if is_final => {
                self.draft = self.emit(draft);
                return true;
            }
            // Lines under a bar that is redrawn with them go on with it.
            Some(held) if !held.is_full() && (held.step == draft.step || (draft.step.is_none() && self.redraws.is_live())) => {
                held.update(draft);
            }
            _ => {
                self.release();
                self.held = Some(draft);
            }
        }
        false
    }

    /// Gives out the row of the finished line.
    pub(super) fn release(&mut self) {
        if let Some(held) = self.held.take() {
            self.draft = self.emit(held);
        }
    }

    /// Gives out the row of the open line, which stays open.
    pub(in crate::source::stdout) fn show_held(&mut self) {
        let lines = self.late.pause();
        self.draw_again(lines);
        self.show_validation();
        if let Some(held) = self.held.take() {
            if held.step.is_some() {
                self.held = Some(self.emit(held));
            } else {
                self.held = Some(held);
            }
        }
    }

    /// Puts a row out; returns it for its memory.
    pub(super) fn emit(&mut self, draft: Draft) -> Draft {
        match self.go_on_validation(draft) {
            Some(draft) => self.emit_whole(draft),
            None => Draft::default(),
        }
    }

    pub(super) fn emit_whole(&mut self, draft: Draft) -> Draft {
        if self.redraws.repeats(&draft) {
            return draft;
        }
        self.steps.decide(draft.step.is_some());
        if let Some(step) = draft.step {
            self.steps.begin(step, self.keys.row() + 1);
        }
        self.keys.begin();
        for (name, value) in draft.pairs.iter() {
            // A second number of the same name without a step of its own is of something else: a last
            // evaluation, another split.
            if draft.step.is_some() || !self.is_given(name) {
                self.keys.put(name, value);
            }
        }
        if self.make_row(draft.step, draft.total, draft.rank, draft.offset) {
            self.ready.push_back(Record::Row(self.row.clone()));
        }
        if draft.kind == Kind::Epoch {
            self.keep_of_epochs();
        }
        draft
    }
}
