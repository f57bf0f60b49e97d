//! Rows of tables, dicts and boxes.

use super::Reader;
use crate::source::stdout::{
    bar::bar,
    draft::{Draft, Kind},
    facts::Count,
    late::{Block, Ended, Line},
    prefix::Stripped,
    steps::is_known,
    words::{Counter, is_title},
};

impl Reader {
    /// The row of a table that was just read.
    pub(super) fn read_row(&mut self) -> bool {
        std::mem::swap(&mut self.draft.pairs, &mut self.table.pairs);
        // What does not count as an evaluation did is what that came to, or of the training.
        self.steps.loops.end_evaluation();
        if self.table.step.is_some() || self.table.epoch.is_some() {
            self.count(self.table.step, self.table.epoch);
        }
        true
    }

    /// The dict over several lines that was just closed.
    pub(super) fn read_open(&mut self) -> bool {
        let (text, at) = self.open.take();
        let is_bare = text[at..].starts_with("{ ");
        // A dict that opens on a line of its own is a config, unless it counts.
        let is_row = self.dict.read(&text[at..]) && (!is_bare || self.dict.step.is_some());
        is_row && self.read_dict(&Stripped::bare(&text), at, true)
    }

    /// The dict that was just read, whose brace stands at `at`. `may_wait`: it is no part of the line of a bar.
    pub(super) fn read_dict(&mut self, stripped: &Stripped, at: usize, may_wait: bool) -> bool {
        let front = &stripped.text[..at];
        self.facts.read(front, stripped.prefix, stripped.rank);
        // `args: {'lr': 0.1}`, and `Trial 3 finished with value: 0.5 and parameters: {'lr': 0.1}`
        if is_title(front) {
            if self.facts.pairs.len() == 0 {
                return false;
            }
            let is_row = self.read_line(&Stripped { text: front, ..*stripped }, front.len());
            self.learnable = None;
            return is_row;
        }
        let outer = self.facts.step.or(self.facts.epoch.map(|epoch| (Counter::Epoch, epoch)));
        let inner = self.steps.dicts.counter(&self.dict.pairs, self.dict.step);
        // A counter in the text before the dict is the program's own word; a finer one in the dict wins.
        let step = match (outer, inner) {
            (Some(outer), Some(inner)) => Some(if inner.0 > outer.0 { inner } else { outer }),
            (outer, inner) => outer.or(inner),
        };
        let is_config = outer.is_none() && self.dict.is_config();
        let is_known = is_known(&self.dict.pairs);
        if is_config || self.dict.pairs.len() == 0 || !(is_known || step.is_some_and(|(kind, _)| kind != Counter::Epoch)) {
            return false;
        }
        self.steps.loops.hear_dict(step.is_some());
        // `valid: {'loss': 0.5}`
        self.dict.pairs.set_prefix(self.facts.prefix);
        std::mem::swap(&mut self.draft.pairs, &mut self.dict.pairs);
        self.draft.rank = stripped.rank.unwrap_or(0);
        if step.is_some() && self.may_be_settings((step, None)) {
            return false;
        }
        // `epoch 3: {'loss': 0.5}`
        if let (Some((Counter::Epoch, epoch)), None) = (outer, inner)
            && self.sums_up(epoch)
        {
            self.draft.kind = Kind::Sum;
            return true;
        }
        let epoch = match step {
            Some((Counter::Epoch, epoch)) => Some(epoch),
            None => None,
            Some(_) => {
                self.count(step, None);
                return true;
            }
        };
        // What is written over a bar has that bar drawn again behind it.
        if may_wait && self.is_redraw && self.is_line && self.steps.dicts.may_be_beside(&self.draft.pairs) {
            self.waiting = Some((std::mem::take(&mut self.draft), epoch));
            return false;
        }
        self.place_dict(epoch, None, self.redraws.is_live() || !self.is_line);
        true
    }

    /// Sets the step of the draft, a dict that has none of its own but maybe `epoch`. `behind`: the bar drawn again behind it.
    /// `is_again`: it may be one that was there already.
    fn place_dict(&mut self, epoch: Option<Count>, behind: Option<Count>, is_again: bool) {
        if let Some(count) = self.steps.place_dict(&self.draft.pairs, epoch, behind, is_again) {
            (self.draft.step, self.draft.total) = (Some(count.at), count.of);
        }
    }

    /// Puts the dict that waits for the bar behind it into the draft. `text`: what came, if anything did.
    pub(super) fn place_waiting(&mut self, text: Option<&str>) -> bool {
        let Some((draft, epoch)) = self.waiting.take() else { return false };
        self.draft = draft;
        let bar = text.filter(|_| self.is_redraw).and_then(bar);
        // A logger may write on behind the bar.
        let bar = bar.filter(|bar| bar.label.is_empty() && bar.postfix.is_empty());
        self.place_dict(epoch, bar.and_then(|bar| bar.count), self.redraws.is_live());
        true
    }

    /// A row of a box was read, which is no row of its own.
    pub(super) fn go_on_boxed(&mut self) -> bool {
        if self.boxed.is_full() {
            self.close_box();
        }
        false
    }

    /// Gives out the box that just ended.
    pub(super) fn close_box(&mut self) {
        let Some(offset) = self.boxed.offset else { return };
        if self.boxed.is_known() || self.steps.has_block() {
            self.release();
            self.steps.loops.end_evaluation();
            let mut draft = std::mem::take(&mut self.draft);
            std::mem::swap(&mut draft.pairs, &mut self.boxed.pairs);
            let count = self.boxed.count();
            (draft.step, draft.total) = (count.map(|count| count.at), count.and_then(|count| count.of));
            (draft.rank, draft.offset) = (0, offset);
            self.draft = self.emit(draft);
            self.draft.pairs.clear();
        }
        (self.draft.step, self.draft.total, self.draft.rank) = (None, None, 0);
        self.boxed.clear();
    }

    /// Gives out the lines that waited for the count of their block.
    pub(super) fn end_late(&mut self) {
        let Ended { blocks, lines } = self.late.end(self.keys.row());
        self.draw_again(lines);
        for Block { pairs, kind, count, offset, .. } in blocks {
            self.draft = Draft { pairs, offset, ..Draft::default() };
            match kind {
                Counter::Epoch => self.count(None, Some(count)),
                _ => self.count(Some((kind, count)), None),
            }
            let draft = std::mem::take(&mut self.draft);
            self.release();
            self.draft = self.emit(draft);
        }
    }

    /// Reads lines, the last that came, one by one.
    pub(super) fn draw_again(&mut self, lines: Vec<Line<String>>) {
        self.steps.back(lines.len() as u64);
        (self.is_redraw, self.is_line) = (false, true);
        for Line { text, classes, offset } in lines {
            self.draw_line(&text, classes, offset, true, false);
            self.steps.line();
        }
    }
}
