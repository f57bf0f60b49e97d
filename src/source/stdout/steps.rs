//! Which step a line is about: its own counter, the heads above it, the bars around it.

use super::{
    dicts::Dicts,
    facts::{Count, Pairs},
    loops::{Beside, Loops, Place},
    turn::Turn,
    words::{Counter, is_report, is_speed, is_vague_counter},
};
use crate::{model::Step, source::metrics::is_metric};

/// Lines that a block may have under its head. Blocks in the wild have up to some thirty.
const BLOCK_LINES_MAX: u32 = 40;

/// Lines with values under a head that may as well be a setting, until one of them must be a metric: rows begin with a few
/// others, such as a time or a rate, and settings are many.
const WAITS_MAX: u32 = 3;

/// Lines into which the values beside a bar may be wrapped.
const WRAPPED_LINES_MAX: u32 = 12;

/// What the lines so far mean for the step of the next.
#[derive(Default)]
pub(super) struct Steps {
    /// The step that a line without one belongs to.
    carried: Option<i64>,
    /// The row at which that step began.
    since: u64,
    /// The total of the head that counts.
    of: Option<i64>,
    /// The epoch that a line of its own announced.
    epoch: Option<Count>,
    block: Block,
    doubtful: Option<Doubtful>,
    /// The name of a head that had a metric under it, and whether one of epochs had.
    trusted: String,
    trusts_epochs: bool,
    /// The count of the last head, until it has values.
    head: Option<Count>,
    /// The last line that was a setting.
    setting: Option<u64>,
    /// The group of the names in the last row without a head or a step, `test` of `test.acc`, and its line.
    group: String,
    grouped: u64,
    /// Some row had a counter finer than the epoch; and the epoch that the last row summed up, with the row at which its last step began.
    fine: bool,
    summed_up: Option<(i64, u64)>,
    /// The loops that count.
    pub(super) loops: Loops,
    /// How a bar without a label goes on, and how many of them came to their end.
    bars: Turn,
    bars_done: i64,
    /// The last one was wiped from its line: it is over, however far it was drawn.
    is_bar_wiped: bool,
    /// What is known of dicts.
    pub(super) dicts: Dicts,
    /// The last bar inside an epoch: epoch, its count, and the line it stood in.
    progress: Option<(i64, Count, u64)>,
    total: Option<i64>,
    line: u64,
    landing: Option<Landing>,
}

/// A line that is only counters.
pub(super) struct Head {
    pub(super) step: Option<(Counter, Count)>,
    pub(super) epoch: Option<Count>,
    /// The name of the step.
    pub(super) name: String,
    /// The number of the last row above it.
    pub(super) row: u64,
}

/// A head that may as well be a setting, such as `batch: 16`.
struct Doubtful {
    head: Head,
    /// Lines with values left in which a metric may tell.
    waits: u32,
    /// The last line that can be under it.
    last: u64,
}

/// Lines under a head.
#[derive(Default)]
struct Block {
    /// Lines left of it.
    left: u32,
    /// The name of its counter, when that is one of steps.
    name: String,
    /// It had values.
    has_values: bool,
    /// It is the values of a bar, wrapped into lines.
    is_wrapped: bool,
}

/// What is not known behind a jump.
#[derive(Default)]
struct Landing {
    /// Epochs were announced: counters that start over with each of them, and bars in them, count from nobody knows where.
    has_epochs: bool,
    /// What has no step has none whatever was passed over: no row before had one, or it is of a step of its own.
    is_stepless: bool,
    /// The first step seen, of which lines may be missing.
    first: Option<i64>,
    /// Another step was seen.
    passed: bool,
}

impl Landing {
    /// Whether a row of `step` is to be trusted, and its step too.
    fn trusts(&mut self, step: Option<i64>) -> bool {
        let Some(step) = step else { return self.is_stepless };
        self.is_stepless = false;
        self.passed |= self.first.is_some_and(|first| first != step);
        self.first = self.first.or(Some(step));
        self.passed
    }
}

impl Steps {
    /// The step of a line that has a counter of its own.
    #[inline]
    pub(super) fn count(&mut self, step: Option<(Counter, Count)>, epoch: Option<Count>) -> Option<Count> {
        self.block.left = 0;
        if step.is_some() || epoch.is_some() {
            self.doubtful = None;
        }
        match (step, epoch) {
            (Some((kind, count)), epoch) => {
                self.fine = true;
                self.loops.hear(count, epoch);
                Some(self.counted(kind, count, epoch.or(self.epoch)))
            }
            (None, Some(epoch)) => {
                self.end_epoch(epoch);
                Some(epoch)
            }
            (None, None) => None,
        }
    }

    /// A row says only `epoch`. True: it sums up the steps before it and belongs to the last of them.
    ///
    /// A second epoch without a step since the last one tells that steps are logged less often than epochs, or are of something else: then
    /// epochs count by themselves, all of them, but for a row that `repeats` a name of the steps.
    pub(super) fn sum_up(&mut self, epoch: Count, repeats: bool) -> bool {
        if !self.is_within_epoch() {
            return false;
        }
        if self.summed_up.is_some_and(|(at, since)| at != epoch.at && since == self.since) {
            self.part_epochs();
        }
        if self.loops.are_epochs_apart() && !repeats {
            return false;
        }
        self.summed_up = Some((epoch.at, self.since));
        self.end_epoch(epoch);
        true
    }

    fn end_epoch(&mut self, epoch: Count) {
        self.loops.turn.sum_up(epoch.at);
        if let Some(landing) = &mut self.landing {
            landing.has_epochs = true;
        }
    }

    /// Lines that say only their epoch sum up no steps.
    fn part_epochs(&mut self) {
        if !self.loops.are_epochs_apart() {
            self.loops.part_epochs(!self.dicts.is_mistaken());
            self.dicts.learn();
        }
    }

    /// Of what a line with a counter is. `is_head`: it says nothing else.
    pub(super) fn place(&mut self, step: Option<(Counter, Count)>, epoch: Option<Count>, is_head: bool) -> Place {
        let at = |epoch: Count| epoch.at;
        let beside = Beside { epoch: epoch.map(at), head: self.epoch.map(at), carried: self.carried };
        self.loops.place(step, beside, is_head)
    }

    /// Whether a line of its own announced the epoch.
    pub(super) fn has_epoch(&self) -> bool {
        self.epoch.is_some()
    }

    /// Whether a line with these counters is of a loop over something else that nothing announced.
    #[inline]
    pub(super) fn is_aside(&self, step: Option<(Counter, Count)>, epoch: Option<Count>) -> bool {
        step.is_some_and(|step| self.loops.is_aside(step, epoch.is_some(), self.epoch.is_some()))
    }

    /// The step of the whole run at `count` of a loop.
    #[inline(always)]
    fn step(&mut self, count: Count, epoch: Option<i64>) -> Count {
        if self.loops.is_change(count) {
            self.change(count, epoch);
        }
        self.loops.step(count, epoch)
    }

    /// A loop of another length goes on.
    #[cold]
    fn change(&mut self, count: Count, epoch: Option<i64>) {
        let is_bare = self.head.is_some() && self.head == self.loops.turn.last;
        if let Some(inner) = self.loops.change(count, epoch, is_bare) {
            self.loops.learn(inner, !self.dicts.is_mistaken());
            self.dicts.learn();
        }
    }

    /// What [`Steps::count`] would say, of a line that may not count.
    pub(super) fn would_count(&self, step: Option<(Counter, Count)>, epoch: Option<Count>) -> Option<Count> {
        let of = epoch.or(self.epoch).map(|epoch| epoch.at);
        match step {
            Some((Counter::Batch | Counter::Step, count)) => Some(self.loops.turn.clone().step(count, of)),
            step => step.map(|(_, count)| count).or(epoch),
        }
    }

    #[inline]
    fn counted(&mut self, kind: Counter, count: Count, epoch: Option<Count>) -> Count {
        match kind {
            Counter::Global | Counter::Epoch => count,
            Counter::Batch | Counter::Step => {
                let step = self.step(count, epoch.map(|epoch| epoch.at));
                // A count that starts over does so in each of the epochs.
                let all = count.of.zip(epoch.and_then(|epoch| epoch.of)).filter(|_| step.at > count.at);
                let whole = all.map(|(of, epochs)| of.saturating_mul(epochs));
                Count { of: step.of.max(whole), ..step }
            }
        }
    }

    /// A line that is only counters opens a block. With `may_be_setting`, what stands under it tells whether it does.
    pub(super) fn head(&mut self, head: Head, may_be_setting: bool) {
        if head.epoch.is_some() {
            self.loops.go_on();
        }
        let is_trusted = if head.step.is_some() { head.name == self.trusted } else { self.trusts_epochs };
        if !may_be_setting || is_trusted || self.has_block() {
            return self.open(head);
        }
        let is_among_settings = self.setting.is_some_and(|line| line + 1 == self.line);
        let waits = if is_among_settings || is_vague_counter(&head.name) { 1 } else { WAITS_MAX };
        if head.step.is_none() {
            self.epoch = head.epoch;
        }
        self.doubtful = Some(Doubtful { head, waits, last: self.line + u64::from(BLOCK_LINES_MAX) });
    }

    /// Opens a block under a head.
    fn open(&mut self, head: Head) {
        let Head { step, epoch, name, row } = head;
        match (step, epoch) {
            (Some((kind, count)), of) => {
                let head = count;
                let count = self.counted(kind, head, of.or(self.epoch));
                self.head = Some(head);
                (self.carried, self.of) = (Some(count.at), count.of);
            }
            (None, Some(count)) => {
                (self.epoch, self.of) = (Some(count), None);
                if !self.fine {
                    (self.carried, self.of) = (Some(count.at), count.of);
                }
            }
            (None, None) => {}
        }
        if step.is_some() {
            name.clone_into(&mut self.trusted)
        } else {
            self.trusts_epochs = true
        }
        self.block = Block { left: BLOCK_LINES_MAX, name, ..Block::default() };
        self.since = row + 1;
        self.doubtful = None;
    }

    /// Whether what comes next tells whether the head above it is one.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful.as_ref().is_some_and(|doubtful| self.line <= doubtful.last)
    }

    /// A line of the form `name: value` was no row.
    pub(super) fn refuse(&mut self) {
        self.setting = Some(self.line);
    }

    /// A row is given out that has a step of its own or none: a head above it that was doubtful counts for the latter.
    pub(super) fn decide(&mut self, has_step: bool) {
        if let Some(doubtful) = self.doubtful.take()
            && !has_step
            && self.line <= doubtful.last
        {
            self.open(doubtful.head);
            self.block.left = 0;
        }
    }

    /// The values of a bar may go on in the next lines.
    pub(super) fn wrap(&mut self) {
        self.block.left = WRAPPED_LINES_MAX;
        self.block.name.clear();
        self.block.is_wrapped = true;
    }

    /// Whether lines may be the values of a bar, wrapped.
    pub(super) fn is_wrapped(&self) -> bool {
        self.block.left > 0 && self.block.is_wrapped
    }

    /// Whether a line that is only the counter `name: 5` stands in a block as one of its values.
    pub(super) fn is_in_block(&self, name: &str) -> bool {
        self.block.left > 0 && self.block.has_values && !self.block.name.is_empty() && self.block.name != name
    }

    /// The block that is open, if any, ends.
    pub(super) fn close(&mut self) {
        self.block.left = 0;
        self.doubtful = None;
        self.loops.turn.pause();
        self.is_bar_wiped = false;
    }

    /// Whether a block is open.
    pub(super) fn has_block(&self) -> bool {
        self.block.left > 0
    }

    /// Whether a line of `pairs`, without a step of its own, is a row all the same.
    pub(super) fn takes(&mut self, pairs: &Pairs) -> bool {
        if let Some(mut doubtful) = self.doubtful.take().filter(|doubtful| self.line <= doubtful.last) {
            if !is_known(pairs) {
                doubtful.waits -= 1;
                self.doubtful = (doubtful.waits > 0).then_some(doubtful);
                return false;
            }
            self.open(doubtful.head);
        }
        if self.block.left > 0 {
            self.block.left -= 1;
            (self.block.has_values, self.head) = (true, None);
            return true;
        }
        let mut names = pairs.iter().map(|(name, _)| name);
        let mut reports = || if pairs.len() > 1 { names.any(is_report) } else { names.all(is_speed) };
        let group = pairs.iter().next().and_then(|(name, _)| name.rsplit_once(['.', '/'])).map_or("", |(group, _)| group);
        let is_of_group = !group.is_empty() && self.group == group && self.grouped + 1 == self.line;
        let takes = is_known(pairs) || is_of_group || self.carried.is_some() && reports();
        if takes {
            group.clone_into(&mut self.group);
            self.grouped = self.line;
        }
        takes
    }

    /// Whether steps finer than epochs are counted, which a row of an epoch may sum up.
    pub(super) fn is_within_epoch(&self) -> bool {
        self.fine && self.carried.is_some()
    }

    /// The step that a line without one belongs to.
    pub(super) fn carried(&self) -> Option<i64> {
        self.carried
    }

    /// Whether `step` is the one that came before.
    pub(super) fn is_at(&self, step: i64) -> bool {
        self.carried == Some(step)
    }

    /// The row at which the step began that a line without one belongs to.
    pub(super) fn since(&self) -> Option<u64> {
        self.carried.map(|_| self.since)
    }

    /// The row numbered `row` is the first of `step`, unless that goes on.
    #[inline]
    pub(super) fn begin(&mut self, step: i64, row: u64) {
        if self.carried != Some(step) {
            (self.carried, self.since, self.of) = (Some(step), row, None);
        }
    }

    /// `24/24 - loss: 0.5`: a bar in letters. Under `Epoch 1/5` it is a state of that epoch. `None`: a second bar in the
    /// same epoch, an evaluation. `is_end`: a bar as long as the one before is the same one, whose epoch ended.
    pub(super) fn progress(&mut self, progress: Count, is_end: bool) -> Option<Count> {
        let count = self.epoch.unwrap_or_else(|| self.step(progress, None));
        let again = match self.progress {
            Some((epoch, last, line)) if self.epoch.is_some() && epoch == count.at && line != self.line => {
                last.of != progress.of || (Some(last.at) == last.of && progress.at <= last.at && !is_end)
            }
            _ => false,
        };
        if again {
            return None;
        }
        self.progress = Some((count.at, progress, self.line));
        Some(count)
    }

    /// The step of a bar without a counter in its label: when one came to its end, the next goes on counting.
    pub(super) fn bar(&mut self, count: Count) -> Count {
        self.fine = true;
        let is_wiped = std::mem::take(&mut self.is_bar_wiped);
        let is_fresh = is_wiped && self.bars.first.is_some_and(|first| count.at <= first);
        let is_over = |last: Count| last.of == Some(last.at) || is_fresh && last.of == count.of;
        if self.bars.last.is_some_and(|last| is_over(last) && count.at < last.at) {
            self.bars_done += 1;
        }
        self.bars.step(count, Some(self.bars_done))
    }

    /// A bar was wiped from its line, as tqdm does with `leave=False`, which it last drew some iterations before the end.
    pub(super) fn wipe_bar(&mut self) {
        self.is_bar_wiped = true;
    }

    /// Where a dict of `pairs` without a step of its own stands: by the bar beside it, see [`Dicts::place`], or by its `epoch`.
    pub(super) fn place_dict(&mut self, pairs: &Pairs, epoch: Option<Count>, behind: Option<Count>, is_again: bool) -> Option<Count> {
        let beside = self.dicts.place(pairs, behind, is_again);
        if beside.is_none() && self.dicts.were_beside(pairs) && !self.has_block() {
            // It is of a step of its own, which nobody knows.
            self.carried = None;
            self.landing.iter_mut().for_each(|landing| landing.is_stepless = true);
        }
        beside.or_else(|| {
            self.dicts.count_epoch();
            self.count(None, Some(epoch?))
        })
    }

    /// The same at the start of a source, which may have been read before.
    pub(super) fn renew(&mut self) -> Steps {
        let Steps { dicts, loops, .. } = std::mem::take(self);
        let again = dicts.is_mistaken();
        Steps { dicts: dicts.renew(), loops: loops.renew(again), ..Steps::default() }
    }

    /// A line ended.
    #[inline]
    pub(super) fn line(&mut self) {
        self.line += 1;
    }

    /// So many lines that ended are to be read again.
    pub(super) fn back(&mut self, lines: u64) {
        self.line -= lines;
    }

    /// The step and the total of a row that is to be given out, `None` if it must not be.
    #[inline]
    pub(super) fn settle(&mut self, step: Option<i64>, total: Option<i64>) -> Option<(Option<Step>, Option<i64>)> {
        let total = if step.is_none() { self.of } else { total };
        let (step, mut total) = (step.or(self.carried).map(Step), total);
        if let Some(landing) = &mut self.landing {
            landing.has_epochs |= self.epoch.is_some() || self.loops.turn.has_epochs();
            if !self.loops.is_known() || !landing.trusts(step.map(|step| step.0)) {
                return None;
            }
            if landing.has_epochs {
                return Some((None, None));
            }
        }
        total = total.filter(|total| self.total != Some(*total));
        self.total = total.or(self.total);
        Some((step, total))
    }

    /// Forgets the lines so far, but not how such lines are to be read. `gave_rows`: some of them were rows.
    pub(super) fn jump(&mut self, gave_rows: bool) {
        let is_stepless = gave_rows && self.carried.is_none();
        let Steps { fine, dicts, line, epoch, loops, trusted, trusts_epochs, .. } = std::mem::take(self);
        let has_epochs = epoch.is_some() || loops.turn.has_epochs();
        let landing = Some(Landing { has_epochs, is_stepless, ..Landing::default() });
        *self = Steps { fine, dicts: dicts.jump(), loops: loops.jump(), line, trusted, trusts_epochs, landing, ..Steps::default() };
    }
}

/// Whether one of the names surely is that of a metric.
pub(super) fn is_known(pairs: &Pairs) -> bool {
    pairs.iter().any(|(name, _)| is_metric(name))
}
