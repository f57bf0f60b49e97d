//! Reads the lines: decides what each of them is, and gives out its row.

mod bars;
mod blocks;
mod give;
mod settings;
mod trace;
mod validation;

use super::{
    bar::{bar, rich},
    boxed::Boxed,
    clean,
    dict::{Dict, OpenDict},
    draft::{Draft, Kind, Redraws},
    facts::{Count, Facts, Pairs},
    late::{Late, Line},
    loops::Place,
    prefix::{Stripped, joined, strip},
    scan::{DIGIT, DIRTY, FRAME, LETTER, NAMED, RULE, Segment},
    shape::{Known, Shapes},
    steps::{Head, Steps, is_known},
    table::Table,
    token,
    words::{Counter, is_best, is_of_validation, is_report, is_speed, is_training, may_be_row, validation},
};
use crate::{
    model::LineRule,
    source::{Record, Row, Taker, keys::Keys},
};
use settings::{Unsure, is_taken_up, is_titled, setting};
use std::collections::VecDeque;
use trace::Trace;
use validation::averages;

/// Makes rows of lines.
#[derive(Default)]
pub(super) struct Reader {
    /// What a person said about lines.
    rules: Vec<LineRule>,
    ready: VecDeque<Record>,
    keys: Keys,
    /// The row that was made last.
    row: Row,
    steps: Steps,
    /// The newest redraw of the open line.
    held: Option<Draft>,
    redraws: Redraws,
    /// The rows of the validation that goes on, as one.
    validation: Option<Draft>,
    draft: Draft,
    facts: Facts,
    dict: Dict,
    open: OpenDict,
    table: Table,
    boxed: Boxed,
    late: Late,
    /// The line before was a ruler.
    is_ruled: bool,
    trace: Trace,
    /// The name at the end of a bar's line, whose value was wrapped into the next.
    cut_name: String,
    /// Keys that rows of whole epochs had, by number.
    of_epochs: Vec<bool>,
    /// The values below a bar that has not begun are of no epoch.
    is_idle: bool,
    shapes: Shapes,
    /// Rows under a head that is doubtful yet: a few, see [`Steps::takes`].
    put_off: Vec<Draft>,
    /// Rows that may as well be settings, each of other names.
    unsure: VecDeque<Unsure>,
    /// The text at hand overwrites what stood in its line; nothing in that line overwrites it; and it stands below another bar, to
    /// whose line the cursor goes back.
    is_redraw: bool,
    is_line: bool,
    is_nested: bool,
    /// A dict that waits for the bar behind it, and the epoch that is its step where there is none.
    waiting: Option<(Draft, Option<Count>)>,
    /// The line in the draft has a shape that may be learned: lengths of its rank tag and whole prefix.
    learnable: Option<(usize, usize)>,
    scratch: Vec<u8>,
}

/// Texts among the values of a row that counts at most the size of a batch; more of them are in configs.
const TEXTS_MAX: u32 = 4;

/// What tqdm writes behind a bar below another.
const UP: &[u8] = b"\x1b[A";

impl Reader {
    pub(super) fn set_rules(&mut self, rules: Vec<LineRule>) {
        self.rules = rules;
    }

    /// The same reader at the start of a source, which may have been read before.
    pub(super) fn renew(&mut self) {
        let (rules, steps) = (std::mem::take(&mut self.rules), self.steps.renew());
        *self = Reader { rules, steps, ..Reader::default() };
    }

    /// Whether rows were given out that stand elsewhere.
    pub(super) fn is_mistaken(&self) -> bool {
        self.steps.dicts.is_mistaken()
    }

    /// Whether nothing of the lines before is open, and no rule of a person's is asked first: lines without a letter say
    /// nothing then.
    pub(super) fn is_between_lines(&self) -> bool {
        let is_open = self.is_inside() || self.late.is_open() || self.redraws.is_live() || self.waiting.is_some();
        self.rules.is_empty() && self.held.is_none() && !is_open && self.cut_name.is_empty()
    }

    /// Whether a table, a box, a dict or a validation may go on.
    fn is_inside(&self) -> bool {
        let is_evaluating = self.validation.is_some() || self.steps.loops.is_evaluating();
        is_evaluating || self.trace != Trace::None || self.table.is_open() || self.boxed.offset.is_some() || self.open.is_open()
    }

    /// Whether lines wait for the count of their block.
    pub(super) fn is_waiting(&self) -> bool {
        self.late.waits()
    }

    /// Takes one redraw of a line.
    pub(super) fn take(&mut self, bytes: &[u8], segment: &Segment) {
        let Segment { line, classes, is_line, after_rule, is_redraw } = segment;
        self.is_ruled = after_rule.unwrap_or(self.is_ruled);
        if classes & (LETTER | DIRTY) == 0 && self.is_between_lines() {
            self.is_ruled = classes & RULE != 0;
            return;
        }
        self.is_redraw = *is_redraw;
        self.is_nested = classes & DIRTY != 0 && bytes.ends_with(UP);
        if classes & DIRTY == 0 {
            self.is_line = *is_line;
            self.draw(bytes, *classes, line.offset, *is_line && self.is_final());
        } else {
            let mut scratch = std::mem::take(&mut self.scratch);
            self.is_line = false;
            let up = clean::draws(bytes, &mut scratch, &mut |text| self.draw(text, *classes, line.offset, false));
            self.redraws.up(up);
            self.is_line = *is_line;
            self.draw(&scratch, *classes, line.offset, *is_line && self.is_final());
            self.scratch = scratch;
        }
        self.is_ruled = classes & (LETTER | DIRTY) == 0 && classes & RULE != 0;
        if *is_line {
            self.steps.line();
            if !self.redraws.is_above() {
                self.release();
            }
            self.redraws.down();
        }
    }

    /// Takes a line that [`Reader::known`] read. The row, if there is one to give; what comes before it goes to `taker`.
    #[inline]
    pub(super) fn take_known(&mut self, known: &Known, offset: u64, taker: &mut dyn Taker) -> Option<&Row> {
        self.is_ruled = false;
        let is_row = self.make_known(known, offset);
        self.steps.line();
        self.flush(taker);
        is_row.then_some(&self.row)
    }

    /// Learns no shapes from now on.
    #[cfg(test)]
    pub(super) fn forget_shapes(&mut self) {
        self.shapes.is_off = true;
    }

    /// Gives out something beside the rows.
    pub(super) fn say(&mut self, record: Record) {
        self.ready.push_back(record);
    }

    /// Whether nothing overwrites a line that ends now.
    fn is_final(&self) -> bool {
        self.held.is_none() && !self.redraws.is_live()
    }

    /// One state of a line. `is_final`: nothing overwrites it.
    fn draw(&mut self, line: &[u8], classes: u8, offset: u64, is_final: bool) {
        let text = line.trim_ascii();
        if !text.is_empty() && !self.is_nested {
            self.settle_waiting(std::str::from_utf8(text).ok());
        }
        if self.late.is_open() {
            if !is_final || !self.late.go_on(Line { text: &String::from_utf8_lossy(line), classes, offset }) {
                self.end_late();
            } else if self.late.waits() {
                return;
            }
        }
        if text.is_empty() || text.len() > token::LINE_BYTES_MAX {
            if self.is_redraw && !line.is_empty() && text.is_empty() {
                self.steps.wipe_bar();
            }
            return;
        }
        if !self.rules.is_empty() && self.draw_by_rules(&String::from_utf8_lossy(line), classes, offset, is_final) {
            return;
        }
        let is_plain = is_final && !self.is_inside() && self.cut_name.is_empty();
        if is_plain && let Some(known) = self.known(text, text.len()) {
            if self.make_known(&known, offset) {
                self.ready.push_back(Record::Row(self.row.clone()));
            }
            return;
        }
        let line = &*String::from_utf8_lossy(line);
        self.draw_line(line, classes, offset, is_final, true);
    }

    /// One state of a line. `is_new`: it may still begin a block.
    fn draw_line(&mut self, line: &str, classes: u8, offset: u64, is_final: bool, is_new: bool) {
        let mut rest = line;
        while is_final && let Some(at) = joined(rest.trim_ascii_start()) {
            let (first, behind) = rest.trim_ascii_start().split_at(at);
            self.draw_whole(first, classes, offset, true, false);
            rest = behind;
        }
        self.draw_whole(rest, classes, offset, is_final, is_new && rest.len() == line.len());
    }

    /// The same of what one process wrote.
    fn draw_whole(&mut self, line: &str, classes: u8, offset: u64, is_final: bool, is_new: bool) {
        let is_plain = is_final && !self.is_inside() && self.cut_name.is_empty();
        self.draft.pairs.clear();
        self.learnable = None;
        if self.read(line, classes, offset, is_final && is_new)
            && self.hand_on(is_final)
            && let Some(prefix) = self.learnable.filter(|_| is_plain)
        {
            self.shapes.learn(line.trim_ascii(), prefix, self.draft.rank, &self.facts, &self.draft.pairs, &self.keys);
        }
    }

    /// Puts the values of a line of a known shape into the row: the first `length` bytes of `open`.
    pub(super) fn known(&mut self, open: &[u8], length: usize) -> Option<Known> {
        // A carriage return is no space to pass over: what stands behind it is a line of its own.
        let spaces = |byte: &&u8| **byte == b' ';
        let indent = open[..length].iter().take_while(spaces).count();
        let length = length - indent - open[indent..length].iter().rev().take_while(spaces).count();
        if length > token::LINE_BYTES_MAX {
            return None;
        }
        // What a row of an epoch means hangs on the rows in it.
        let steps = self.steps.loops.may_be_aside().then_some(&self.steps);
        self.shapes.read(&open[indent..], length, self.steps.is_within_epoch(), steps, &mut self.keys)
    }

    /// Makes `row` of what [`Reader::known`] gathered. False: it is not to be given.
    fn make_known(&mut self, known: &Known, offset: u64) -> bool {
        let count = self.steps.count(known.step, known.epoch);
        if let Some(count) = count {
            self.steps.begin(count.at, self.keys.row());
        }
        let is_row = self.make_row(count.map(|count| count.at), count.and_then(|count| count.of), known.rank, offset);
        if known.step.is_none() {
            self.keep_of_epochs();
        }
        is_row
    }

    /// Makes `row` of what was gathered in `keys`. False: it is not to be given.
    fn make_row(&mut self, step: Option<i64>, total: Option<i64>, rank: u32, offset: u64) -> bool {
        if self.keys.is_empty() {
            return false;
        }
        let Some((step, total)) = self.steps.settle(step, total) else { return false };
        if let Some(total) = total {
            self.ready.push_back(Record::TotalSteps(total));
        }
        self.keys.take_into(&mut self.row.values, &mut self.ready);
        (self.row.step, self.row.rank, self.row.offset) = (step, rank, Some(offset));
        true
    }

    /// Remembers that the keys of the row come with whole epochs.
    fn keep_of_epochs(&mut self) {
        for (id, _) in &self.row.values {
            let id = id.0 as usize;
            if self.of_epochs.len() <= id {
                self.of_epochs.resize(id + 1, false);
            }
            self.of_epochs[id] = true;
        }
    }

    /// Hands out what is ready.
    pub(super) fn flush(&mut self, taker: &mut dyn Taker) {
        if self.ready.is_empty() {
            return;
        }
        self.ready.drain(..).for_each(|record| taker.take(Ok(record)));
    }

    /// One state of a line as a person's rules read it: their values are all it says. False: no rule fits.
    fn draw_by_rules(&mut self, line: &str, classes: u8, offset: u64, is_final: bool) -> bool {
        let text = line.trim_ascii();
        let mut pairs = Pairs::default();
        let found = self.rules.iter().filter_map(|rule| rule.read(text, &mut |name, value| pairs.push(&[name], value)));
        let Some(step) = found.reduce(Option::or) else { return false };
        self.draft.pairs.clear();
        if step.is_some() {
            (self.draft.step, self.draft.total, self.draft.rank) = (step, None, 0);
        } else if !self.read(line, classes, offset, false) && !self.place_waiting(None) {
            self.draft.step = None;
        }
        (self.draft.pairs, self.draft.offset) = (pairs, offset);
        self.hand_on(is_final);
        true
    }

    /// Hands on the dict that waits for the bar behind it, now that `text` came or nothing will.
    fn settle_waiting(&mut self, text: Option<&str>) {
        if self.place_waiting(text) {
            self.hand_on(self.is_final());
        }
    }

    /// No more lines come.
    pub(super) fn end(&mut self) {
        self.settle_waiting(None);
        self.end_late();
        let lines = self.late.give_up(self.keys.row());
        self.draw_again(lines);
        self.release();
        self.close_box();
        self.end_validation();
    }

    /// Forgets the lines so far, but not how such lines are to be read.
    pub(super) fn jump(&mut self) {
        self.steps.jump(self.keys.row() > 0);
        (self.held, self.draft, self.learnable, self.is_ruled) = (None, Draft::default(), None, false);
        self.cut_name.clear();
        self.put_off.clear();
        self.unsure.clear();
        self.late.jump();
        (self.is_idle, self.trace, self.waiting, self.validation) = (false, Trace::None, None, None);
        (self.table, self.boxed, self.redraws, self.open) = (Table::default(), Boxed::default(), Redraws::default(), OpenDict::default());
    }

    /// Whether the draft, which says only `epoch`, sums up rows of finer steps.
    fn sums_up(&mut self, epoch: Count) -> bool {
        let is_finer = |name| self.keys.known(name).is_some_and(|id| self.of_epochs.get(id.0 as usize) != Some(&true));
        let repeats = self.steps.is_within_epoch() && self.draft.pairs.iter().any(|(name, _)| is_finer(name));
        self.steps.sum_up(epoch, repeats)
    }

    /// Reads one state of a line into the draft. False: it holds no row. `may_begin`: it may begin a block that counts late.
    fn read(&mut self, line: &str, classes: u8, offset: u64, may_begin: bool) -> bool {
        let text = line.trim_ascii();
        (self.draft.step, self.draft.total, self.draft.rank, self.draft.offset) = (None, None, 0, offset);
        self.draft.kind = Kind::Row;
        if self.open.is_open() {
            if let Some(from) = self.open.push(text) {
                self.draft.offset = from;
                return self.read_open();
            }
            if self.open.is_open() {
                return false;
            }
        }
        let cut_name = std::mem::take(&mut self.cut_name);
        if !cut_name.is_empty() && text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let text = format!("{cut_name} {}", self.cut(text));
            return self.read_line(&Stripped::bare(&text), text.len());
        }
        if line.starts_with(' ') && text.ends_with(':') && self.steps.is_wrapped() {
            let text = self.cut(text);
            return self.read_line(&Stripped::bare(text), text.len());
        }
        let is_framed = text.len() > 2 && text.starts_with('|') && text.ends_with('|');
        if is_framed && self.boxed.framed(text, offset) {
            return self.go_on_boxed();
        }
        let stripped = strip(line);
        let is_ruled = self.is_ruled || self.boxed.is_ruled();
        if is_ruled && stripped.as_ref().is_some_and(|line| self.boxed.ruled(line.text, offset)) {
            return self.go_on_boxed();
        }
        self.close_box();
        self.draft.offset = offset;
        if let Some(bar) = bar(text) {
            let is_row = self.read_bar(line, &bar);
            return self.read_tail(&bar, is_row);
        }
        if classes & DIRTY != 0
            && let Some(bar) = rich(text)
        {
            return self.read_rich(line, &bar);
        }
        let Some(stripped) = stripped else { return false };
        self.draft.rank = stripped.rank.unwrap_or(0);
        if self.table.is_open() && self.table.row(stripped.wide) {
            return self.read_row();
        }
        if may_begin && classes & NAMED != 0 && !self.late.is_open() && !self.steps.has_block() {
            self.late.begin(&stripped, Line { text: line, classes, offset }, self.steps.is_doubtful());
            if self.late.waits() {
                return false;
            }
        }
        if is_framed {
            // `| step 10 | loss 2.1 |`; other frames, such as those of nvidia-smi, count nothing.
            return !self.table.open(text)
                && self.read_line(&stripped, text.len())
                && (self.draft.step.is_some() || self.draft.kind == Kind::Sum);
        }
        let brace = if classes & FRAME != 0 { stripped.text.find('{') } else { None };
        if let Some(at) = brace {
            if self.dict.read(&stripped.text[at..]) {
                return self.read_dict(&stripped, at, true);
            }
            if self.open.begin(stripped.text, at, offset) {
                return false;
            }
        }
        if self.trace.go_on(stripped.wide) {
            return false;
        }
        // What is told behind a crash is of no step.
        if stripped.text == "Traceback (most recent call last):" {
            self.break_off();
            self.trace = Trace::Behind;
            return false;
        }
        if classes & DIGIT == 0 && (classes & NAMED == 0 || !has_not_a_number(stripped.text)) {
            self.hear_announced(stripped.text);
            self.table.open(stripped.wide);
            return false;
        }
        if self.steps.loops.is_evaluating() {
            self.hear_end(stripped.text);
        }
        if classes & (NAMED | FRAME) == 0 && !self.steps.has_block() && !may_be_row(stripped.text) {
            return false;
        }
        self.read_line(&stripped, text.len())
    }

    /// Named numbers in a line of text, of this length with its prefix.
    fn read_line(&mut self, stripped: &Stripped, length: usize) -> bool {
        self.facts.read(stripped.text, stripped.prefix, stripped.rank);
        let place = self.place(stripped);
        let facts = &mut self.facts;
        // `|- iter  200000`: a branch of a tree, as configs are drawn.
        let is_branch = stripped.text.starts_with("|- ");
        if is_branch && !is_known(&facts.pairs) {
            return false;
        }
        if facts.is_header() {
            let (from, to, closed) = facts.step_name.unwrap_or_default();
            let name = stripped.text.get(from as usize..to as usize).unwrap_or("");
            // `Gradients overflow on iteration 5` tells what happened there.
            let is_event = name.rsplit_once(" on ").is_some_and(|(what, _)| {
                what.contains(' ') && !what.split(' ').any(|word| is_training(word) || validation(word).is_some())
            });
            match facts.step {
                Some(_) if is_event => return false,
                // It says how far an evaluation is.
                Some(_) if place != Place::Training => return false,
                Some((_, count)) if closed && self.steps.is_in_block(name) => facts.pairs.push(&[name], count.at as f64),
                step => {
                    let epoch = facts.epoch;
                    self.put_off.clear();
                    self.end_validation();
                    let head = Head { step, epoch, name: name.to_owned(), row: self.keys.row() };
                    let is_number = |value: &str| value.bytes().all(|b| b.is_ascii_digit());
                    self.steps.head(head, setting(stripped.text).is_some_and(|(_, value)| is_number(value)));
                    return false;
                }
            }
            (facts.step, facts.epoch) = (None, None);
        }
        let is_one = || setting(stripped.text).is_some_and(|(name, _)| !name.contains(' '));
        if facts.pairs.len() == 0 {
            if is_one() {
                self.steps.refuse();
            }
            self.table.open(stripped.wide);
            return false;
        }
        let is_validation = !facts.prefix.is_empty();
        let is_aside = place == Place::Aside;
        let is_bare = !is_validation && !is_aside;
        let mut step = facts.step.filter(|(kind, count)| is_bare || *kind == Counter::Global || count.of.is_none());
        let dropped = step.is_none() && facts.step.is_some() && self.steps.is_within_epoch();
        if dropped && let Some(text) = averages(stripped.text) {
            facts.read(&text, stripped.prefix, stripped.rank);
        }
        self.draft.rank = facts.rank.unwrap_or(0);
        std::mem::swap(&mut self.draft.pairs, &mut facts.pairs);
        let mut epoch = facts.epoch.filter(|_| !dropped);
        // Under the head of an evaluation there is no count.
        let is_part = dropped || is_aside || matches!(place, Place::Part(_)) && facts.step.is_none();
        if is_part && self.steps.carried().is_some() {
            self.draft.kind = if is_aside { Kind::Aside } else { Kind::Part };
        }
        let (is_whole, progress) = (step == facts.step && epoch == facts.epoch && facts.rank == stripped.rank, facts.progress);
        // `Best val acc: 0.5 (epoch 2)`: known by now, of an epoch that is past.
        let counted = step.map(|(_, count)| count).or(epoch);
        if counted.is_some_and(|count| self.steps.carried().is_some_and(|at| count.at < at))
            && self.draft.pairs.iter().all(|(name, _)| is_best(name))
        {
            (step, epoch) = (None, None);
        }
        if is_aside && !is_known(&self.draft.pairs) && self.draft.pairs.iter().all(|(name, _)| is_report(name) || is_speed(name)) {
            return false;
        }
        // `task=detect, batch=16, mode=train`: a config; of many settings some have the names of metrics.
        let is_counted = step.is_some_and(|(kind, count)| kind != Counter::Batch || count.of.is_some()) || epoch.is_some();
        if self.facts.texts > 1 && !is_known(&self.draft.pairs) || self.facts.texts > TEXTS_MAX && !is_counted {
            return false;
        }
        let is_told = || is_titled(stripped.text) || is_taken_up(stripped.text);
        if (step.is_some() || epoch.is_some()) && (is_told() || self.may_be_settings((step, epoch))) {
            return false;
        }
        if let (None, Some(epoch)) = (step, epoch)
            && self.sums_up(epoch)
        {
            self.draft.kind = Kind::Sum;
            return true;
        }
        if step.is_some() || epoch.is_some() {
            if step.is_none() {
                self.draft.kind = Kind::Epoch;
            }
            let is_plain = is_whole && !self.facts.is_odd && !stripped.text.contains('{');
            self.learnable = is_plain.then_some((stripped.tag, length - stripped.text.len()));
            self.count(step, epoch);
            return true;
        }
        if let Some(progress) = progress.filter(|_| !is_aside) {
            return self.in_progress(progress, is_validation);
        }
        if self.is_idle {
            return false;
        }
        // Ranks report on themselves: memory, devices, versions.
        let was_doubtful = self.steps.is_doubtful();
        let may_be_row = self.facts.rank.is_none() && self.facts.junk == 0;
        let is_row = may_be_row && (self.steps.takes(&self.draft.pairs) || is_aside);
        match (was_doubtful, is_row) {
            (true, true) => self.catch_up(),
            (true, false) if may_be_row && self.steps.is_doubtful() => {
                self.put_off.push(Draft { offset: self.draft.offset, pairs: self.draft.pairs.clone(), ..Draft::default() });
            }
            _ => {}
        }
        if !is_row && is_one() {
            self.steps.refuse();
        }
        is_row || may_be_row && self.is_rate_again()
    }

    /// Sets the step of the draft, which has a counter of its own.
    fn count(&mut self, step: Option<(Counter, Count)>, epoch: Option<Count>) {
        self.is_idle = false;
        if let Some(count) = self.steps.count(step, epoch) {
            (self.draft.step, self.draft.total) = (Some(count.at), count.of);
        }
    }

    /// `24/24 - loss: 0.5`: a bar in letters.
    fn in_progress(&mut self, progress: Count, is_validation: bool) -> bool {
        // `24/24 - loss: 0.5` again, now with `val_loss: 0.75`, is no evaluation but the end of the epoch.
        let mut names = self.draft.pairs.iter().map(|(name, _)| is_of_validation(name));
        let is_end = names.any(|is_validated| is_validated);
        let Some(count) = (if is_validation { None } else { self.steps.progress(progress, is_end) }) else {
            return is_known(&self.draft.pairs);
        };
        (self.draft.step, self.draft.total) = (Some(count.at), count.of);
        true
    }
}

/// Whether a line without digits may still have a value.
fn has_not_a_number(text: &str) -> bool {
    text.as_bytes().windows(3).any(|word| word.eq_ignore_ascii_case(b"nan") || word.eq_ignore_ascii_case(b"inf"))
}
