//! Console output: finds the metrics in what a training prints, whatever its style, without configuration.
//!
//! The rules, none of them for one program:
//! - What is on the screen counts: colours go, carriage returns and backspaces redraw, and of the redraws of
//!   one step the last wins.
//! - A line with a counter (`step 10`, `[3]`, `Epoch 2/5`, `iter:`) is a row; its named numbers are the values.
//!   `i/N` gives the total. A counter that starts over with each epoch goes on counting.
//! - A line without a counter belongs to the step before it, when it holds nothing but named numbers and is
//!   surely about a metric, or stands in a block under a line that is only a counter.
//! - Bars, dicts, JSON, boxes, and tables under a header give rows in the same way.
//! - Everything else (sentences, configs, paths, versions, clocks, tools' own tables) gives nothing.
//!
//! A row has no time here: its offset says where its line starts.

mod bar;
mod clean;
mod dict;
mod facts;
mod prefix;
mod scan;
mod shape;
mod table;
mod token;
mod words;

pub(super) use clean::plain;

use super::{ConsoleLine, Decoder, LineRef, Loss, Record, Row, Taker, keys::Keys, lines::Lines, shown::Shown};
use crate::model::{LineRule, Step};
use bar::{Bar, bar};
use dict::Dict;
use facts::{Count, Facts, Pairs};
use prefix::Stripped;
use scan::{DIGIT, DIRTY, FRAME, LETTER, NAMED, Scan, Segment};
use shape::{Known, Shapes};
use std::collections::VecDeque;
use table::{Box2, Table};
use words::{Counter, is_metric, may_be_row, validation};

/// Lines that a block may have under its head. Blocks in the wild have up to some thirty.
const BLOCK_LINES_MAX: u32 = 40;

/// Finds metrics in console output.
#[derive(Default)]
pub struct Stdout {
    lines: Lines,
    scan: Scan,
    console: Option<Shown>,
    reader: Reader,
    /// What was read and not yet asked for.
    queue: Queue,
}

impl Stdout {
    /// A decoder that stands at the start of a log.
    pub fn new() -> Stdout {
        Stdout::default()
    }

    /// Also yields a [`Record::Console`] for every finished line, as it looked at last.
    pub fn with_console() -> Stdout {
        Stdout { console: Some(Shown::default()), ..Stdout::default() }
    }

    /// The same, with rules for lines that come before its own.
    pub fn rules(mut self, rules: Vec<LineRule>) -> Stdout {
        self.reader.rules = rules;
        self
    }

    /// Reads on by a piece of output and hands out what it says. False: no whole one is there.
    fn step(&mut self, taker: &mut dyn Taker) -> Result<bool, Loss> {
        self.reader.flush(taker);
        if self.take_known(taker) {
            return Ok(true);
        }
        let pass = self.console.is_none() && self.reader.is_between_lines();
        let segment = self.scan.next(&mut self.lines, pass)?;
        segment.iter().for_each(|segment| self.take(segment));
        self.reader.flush(taker);
        Ok(segment.is_some())
    }

    /// Takes the next line if it has the shape of one before it, as nearly all lines of a long log have. It is then read once,
    /// and its classes are not needed: such a line is plain and has letters.
    fn take_known(&mut self, taker: &mut dyn Taker) -> bool {
        if !self.reader.is_between_lines() || self.lines.is_dropping() {
            return false;
        }
        let Some((length, next)) = self.lines.peek_whole() else { return false };
        let open = self.lines.open();
        let text = &open[..length];
        if !text.is_ascii() {
            return false;
        }
        let Some(known) = self.reader.known(open, length).filter(|known| known.is_plain) else { return false };
        if let Some(console) = &mut self.console {
            let offset = Some(self.lines.peek().offset);
            console.draw_plain(text, true, &mut |text| taker.line(LineRef { text, offset, time: None }));
        }
        if self.reader.make_known(&known, self.lines.peek().offset) {
            self.reader.flush(taker);
            taker.row(&self.reader.row);
        }
        self.reader.context.line += 1;
        self.lines.skip(next);
        self.scan = Scan::default();
        true
    }

    fn take(&mut self, segment: &Segment) {
        let bytes = self.lines.get(segment.line.range.clone());
        if let Some(console) = &mut self.console {
            let ready = &mut self.reader.ready;
            let offset = Some(segment.line.offset);
            let mut say = |line: &str| ready.push_back(Record::Console(ConsoleLine { text: line.to_owned(), offset, time: None }));
            console.draw_line(bytes, segment.is_line, &mut say);
        }
        self.reader.take(bytes, segment);
    }
}

impl Decoder for Stdout {
    fn push(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
    }

    fn next(&mut self) -> Result<Option<Record>, Loss> {
        loop {
            if let Some(record) = self.queue.0.pop_front() {
                return Ok(Some(record));
            }
            let mut queue = std::mem::take(&mut self.queue);
            let more = self.step(&mut queue);
            self.queue = queue;
            if !more? && self.queue.0.is_empty() {
                return Ok(None);
            }
        }
    }

    fn glimpse(&mut self) {
        // A bar is whole when its bracket is closed; other text may still be cut anywhere.
        if !self.lines.is_dropping() && self.lines.open().trim_ascii_end().ends_with(b"]") {
            let segment = self.scan.peek(&self.lines);
            self.reader.take(self.lines.get(segment.line.range.clone()), &segment);
        }
        self.reader.show_held();
    }

    fn finish(&mut self) {
        if let Ok(Some(segment)) = self.scan.rest(&mut self.lines) {
            self.take(&segment);
        }
        self.reader.end();
    }

    fn jump(&mut self) -> bool {
        (self.lines, self.scan, self.console) = (Lines::default(), Scan::default(), None);
        self.reader.jump();
        true
    }

    fn drain(&mut self, taker: &mut dyn Taker) {
        loop {
            match self.step(taker) {
                Ok(true) => {}
                Ok(false) => return,
                Err(loss) => taker.take(Err(loss)),
            }
        }
    }

    fn reset(&mut self) {
        let rules = std::mem::take(&mut self.reader.rules);
        *self = if self.console.is_some() { Stdout::with_console() } else { Stdout::new() }.rules(rules);
    }
}

/// Records that wait to be asked for.
#[derive(Default)]
struct Queue(VecDeque<Record>);

impl Taker for Queue {
    fn take(&mut self, record: Result<Record, Loss>) {
        self.0.extend(record);
    }
}

/// A row that was read but not yet given out.
#[derive(Default)]
struct Draft {
    /// `None`: the row belongs to the step before it.
    step: Option<i64>,
    total: Option<i64>,
    rank: u32,
    offset: u64,
    pairs: Pairs,
}

/// What the lines so far mean for the next.
#[derive(Default)]
struct Context {
    /// The step that a line without one belongs to.
    carried: Option<i64>,
    /// The row at which that step began.
    since: u64,
    /// The epoch that a line of its own announced.
    epoch: Option<Count>,
    /// Lines left of the block under the last line that was only a counter.
    block: u32,
    /// Some row had a counter finer than the epoch.
    fine: bool,
    /// How a counter that starts over with each epoch goes on.
    turn: Turn,
    /// The unlabelled bar, for dicts printed beside it.
    bar: Option<Count>,
    /// The last bar inside an epoch: epoch, its count, and the line it stood in.
    progress: Option<(i64, Count, u64)>,
    total: Option<i64>,
    line: u64,
    landing: Option<Landing>,
}

/// What is not known behind a jump.
#[derive(Default)]
struct Landing {
    /// Epochs were announced: counters that start over with each of them, and bars in them, count from nobody knows where.
    has_epochs: bool,
    /// The first step seen, of which lines may be missing.
    first: Option<i64>,
    /// Another step was seen.
    passed: bool,
}

impl Landing {
    /// Whether a row of `step` is to be trusted, and its step too.
    fn trusts(&mut self, step: Option<i64>) -> bool {
        let Some(step) = step else { return false };
        self.passed |= self.first.is_some_and(|first| first != step);
        self.first = self.first.or(Some(step));
        self.passed
    }
}

#[derive(Default)]
struct Turn {
    epoch: Option<i64>,
    last: Option<Count>,
    base: i64,
}

impl Turn {
    /// The step of the whole run at `count` of `epoch`.
    fn step(&mut self, count: Count, epoch: Option<i64>) -> Count {
        let (before, last) = (self.epoch, self.last);
        match (before, epoch, last) {
            (Some(before), Some(now), Some(last)) if now > before && count.at <= last.at => {
                let length = last.of.unwrap_or(last.at.saturating_add(i64::from(count.at == 0)));
                self.base = self.base.saturating_add(length.saturating_mul(if last.of.is_some() { now - before } else { 1 }));
            }
            (Some(before), Some(now), _) if now < before => self.base = 0,
            _ => {}
        }
        (self.epoch, self.last) = (epoch.or(before), Some(count));
        Count { at: self.base.saturating_add(count.at), of: count.of.map(|of| self.base.saturating_add(of)) }
    }
}

#[derive(Default)]
struct Reader {
    /// What a person said about lines.
    rules: Vec<LineRule>,
    ready: VecDeque<Record>,
    keys: Keys,
    /// The row that was made last.
    row: Row,
    context: Context,
    /// The newest redraw of the open line.
    held: Option<Draft>,
    draft: Draft,
    facts: Facts,
    dict: Dict,
    table: Table,
    framed: Box2,
    shapes: Shapes,
    /// The line in the draft has a shape that may be learned: lengths of its rank tag and whole prefix.
    learnable: Option<(usize, usize)>,
    scratch: Vec<u8>,
}

impl Reader {
    /// Whether nothing of the lines before is open, and no rule of a person's is asked first: lines without a letter say
    /// nothing then.
    fn is_between_lines(&self) -> bool {
        self.rules.is_empty() && self.held.is_none() && !self.table.is_open() && self.framed.offset.is_none()
    }

    fn take(&mut self, bytes: &[u8], segment: &Segment) {
        let Segment { line, classes, is_line } = segment;
        if classes & (LETTER | DIRTY) == 0 && self.is_between_lines() {
            return;
        }
        if classes & DIRTY == 0 {
            self.draw(bytes, *classes, line.offset, *is_line && self.held.is_none());
        } else {
            let mut scratch = std::mem::take(&mut self.scratch);
            clean::draws(bytes, &mut scratch, &mut |text| self.draw(text, *classes, line.offset, false));
            self.draw(&scratch, *classes, line.offset, *is_line && self.held.is_none());
            self.scratch = scratch;
        }
        if *is_line {
            self.context.line += 1;
            self.release();
        }
    }

    /// One state of a line. `is_final`: nothing overwrites it.
    fn draw(&mut self, text: &[u8], classes: u8, offset: u64, is_final: bool) {
        let text = text.trim_ascii();
        if text.is_empty() || text.len() > token::LINE_BYTES_MAX {
            return;
        }
        if !self.rules.is_empty() && self.draw_by_rules(&String::from_utf8_lossy(text), classes, offset, is_final) {
            return;
        }
        let is_plain = is_final && !self.table.is_open() && self.framed.offset.is_none();
        if is_plain && let Some(known) = self.known(text, text.len()) {
            if self.make_known(&known, offset) {
                self.ready.push_back(Record::Row(self.row.clone()));
            }
            return;
        }
        let text = &*String::from_utf8_lossy(text);
        self.draft.pairs.clear();
        self.learnable = None;
        if !self.read(text, classes, offset) {
            return;
        }
        self.draft.offset = offset;
        if self.hand_on(is_final)
            && let Some(prefix) = self.learnable.filter(|_| is_plain)
        {
            self.shapes.learn(text, prefix, self.draft.rank, &self.facts, &self.draft.pairs, &self.keys);
        }
    }

    /// Puts the values of a line of a known shape into the row: the first `length` bytes of `open`.
    fn known(&mut self, open: &[u8], length: usize) -> Option<Known> {
        // A carriage return is no space to pass over: what stands behind it is a line of its own.
        let spaces = |byte: &&u8| **byte == b' ';
        let indent = open[..length].iter().take_while(spaces).count();
        let length = length - indent - open[indent..length].iter().rev().take_while(spaces).count();
        if length > token::LINE_BYTES_MAX { None } else { self.shapes.read(&open[indent..], length, &mut self.keys) }
    }

    /// Makes `row` of what [`Reader::known`] gathered. False: it is not to be given.
    fn make_known(&mut self, known: &Known, offset: u64) -> bool {
        self.draft.rank = known.rank;
        self.count(known.step, known.epoch);
        let Draft { step, total, rank, .. } = self.draft;
        if let Some(step) = step {
            self.begin_step(step, self.keys.row());
        }
        self.make_row(step, total, rank, offset)
    }

    /// Hands out what is ready.
    fn flush(&mut self, taker: &mut dyn Taker) {
        if self.ready.is_empty() {
            return;
        }
        self.ready.drain(..).for_each(|record| taker.take(Ok(record)));
    }

    /// One state of a line as a person's rules read it: their values are all it says. False: no rule fits.
    fn draw_by_rules(&mut self, text: &str, classes: u8, offset: u64, is_final: bool) -> bool {
        let mut pairs = Pairs::default();
        let found = self.rules.iter().filter_map(|rule| rule.read(text, &mut |name, value| pairs.push(&[name], value)));
        let Some(step) = found.reduce(Option::or) else { return false };
        self.draft.pairs.clear();
        if step.is_some() {
            (self.draft.step, self.draft.total, self.draft.rank) = (step, None, 0);
        } else if !self.read(text, classes, offset) {
            self.draft.step = None;
        }
        (self.draft.pairs, self.draft.offset) = (pairs, offset);
        self.hand_on(is_final);
        true
    }

    /// Gives out the draft, or holds it until its line is whole. True: it was given out, and still stands in `draft`.
    fn hand_on(&mut self, is_final: bool) -> bool {
        let draft = std::mem::take(&mut self.draft);
        match &mut self.held {
            _ if is_final => {
                self.draft = self.emit(draft);
                return true;
            }
            Some(held) if held.step == draft.step => held.update(draft),
            _ => {
                self.release();
                self.held = Some(draft);
            }
        }
        false
    }

    /// Gives out the row of the finished line.
    fn release(&mut self) {
        if let Some(held) = self.held.take() {
            self.draft = self.emit(held);
        }
    }

    /// Gives out the row of the open line, which stays open.
    fn show_held(&mut self) {
        if let Some(held) = self.held.take() {
            if held.step.is_some() {
                self.held = Some(self.emit(held));
            } else {
                self.held = Some(held);
            }
        }
    }

    fn end(&mut self) {
        self.release();
        self.close_box();
    }

    /// Forgets the lines so far, but not how such lines are to be read.
    fn jump(&mut self) {
        let Context { fine, bar, total, line, epoch, turn, .. } = std::mem::take(&mut self.context);
        let landing = Landing { has_epochs: epoch.is_some() || turn.epoch.is_some(), ..Landing::default() };
        self.context = Context { fine, bar, total, line, landing: Some(landing), ..Context::default() };
        (self.held, self.draft, self.learnable) = (None, Draft::default(), None);
        (self.table, self.framed) = (Table::default(), Box2::default());
    }

    /// Puts a row out; returns it for its memory.
    fn emit(&mut self, draft: Draft) -> Draft {
        if let Some(step) = draft.step {
            self.begin_step(step, self.keys.row() + 1);
        }
        self.keys.begin();
        for (name, value) in draft.pairs.iter() {
            // A second number of the same name without a step of its own is of something else: a last
            // evaluation, another split.
            let again = draft.step.is_none() && self.context.carried.is_some() && self.keys.is_given_since(name, self.context.since);
            if !again {
                self.keys.put(name, value);
            }
        }
        self.give(draft.step, draft.total, draft.rank, draft.offset);
        draft
    }

    /// The row numbered `row` is the first of `step`, unless that goes on.
    fn begin_step(&mut self, step: i64, row: u64) {
        if self.context.carried != Some(step) {
            (self.context.carried, self.context.since) = (Some(step), row);
        }
    }

    /// Puts out the row that was gathered in `keys`.
    fn give(&mut self, step: Option<i64>, total: Option<i64>, rank: u32, offset: u64) {
        if self.make_row(step, total, rank, offset) {
            self.ready.push_back(Record::Row(self.row.clone()));
        }
    }

    /// Makes `row` of what was gathered in `keys`. False: it is not to be given.
    fn make_row(&mut self, step: Option<i64>, total: Option<i64>, rank: u32, offset: u64) -> bool {
        if self.keys.is_empty() {
            return false;
        }
        let (mut step, mut total) = (step.or(self.context.carried).map(Step), total);
        if let Some(landing) = &mut self.context.landing {
            landing.has_epochs |= self.context.epoch.is_some() || self.context.turn.epoch.is_some();
            if !landing.trusts(step.map(|step| step.0)) {
                return false;
            }
            (step, total) = if landing.has_epochs { (None, None) } else { (step, total) };
        }
        if let Some(total) = total
            && self.context.total != Some(total)
        {
            self.context.total = Some(total);
            self.ready.push_back(Record::TotalSteps(total));
        }
        self.keys.take_into(&mut self.row.values, &mut self.ready);
        (self.row.step, self.row.rank, self.row.offset) = (step, rank, Some(offset));
        true
    }

    /// Reads one state of a line into the draft. False: it holds no row.
    fn read(&mut self, text: &str, classes: u8, offset: u64) -> bool {
        (self.draft.step, self.draft.total, self.draft.rank) = (None, None, 0);
        let is_boxed = text.len() > 2 && text.starts_with('|') && text.ends_with('|');
        if is_boxed && self.framed.row(text, offset) {
            return false;
        }
        self.close_box();
        if classes & FRAME != 0
            && let Some(bar) = bar(text)
        {
            return self.read_bar(&bar);
        }
        let Some(stripped) = prefix::strip(text) else { return false };
        self.draft.rank = stripped.rank.unwrap_or(0);
        if self.table.is_open() && self.table.row(stripped.text) {
            return self.read_row();
        }
        if is_boxed {
            // `| step 10 | loss 2.1 |`; other frames, such as those of nvidia-smi, count nothing.
            return !self.table.open(text) && self.read_line(&stripped, text.len()) && self.draft.step.is_some();
        }
        if classes & DIGIT == 0 && (classes & NAMED == 0 || !has_not_a_number(stripped.text)) {
            self.table.open(stripped.text);
            return false;
        }
        if classes & (NAMED | FRAME) == 0 && self.context.block == 0 && !may_be_row(stripped.text) {
            return false;
        }
        if classes & FRAME != 0
            && let Some(at) = stripped.text.find('{')
            && self.dict.read(&stripped.text[at..])
        {
            return self.read_dict(&stripped, at);
        }
        self.read_line(&stripped, text.len())
    }

    /// Named numbers in a line of text, of this length with its prefix.
    fn read_line(&mut self, stripped: &Stripped, length: usize) -> bool {
        self.facts.read(stripped.text, stripped.prefix, stripped.rank);
        let facts = &mut self.facts;
        if facts.is_header() {
            let Context { turn, carried, epoch, fine, block, .. } = &mut self.context;
            match (facts.step, facts.epoch) {
                (Some((kind, count)), of) => *carried = Some(counted(turn, kind, count, of.or(*epoch)).at),
                (None, Some(count)) => {
                    *epoch = Some(count);
                    if !*fine {
                        *carried = Some(count.at);
                    }
                }
                (None, None) => {}
            }
            *block = BLOCK_LINES_MAX;
            self.context.since = self.keys.row() + 1;
            return false;
        }
        if facts.pairs.len() == 0 {
            self.table.open(stripped.text);
            return false;
        }
        self.draft.rank = facts.rank.unwrap_or(0);
        std::mem::swap(&mut self.draft.pairs, &mut facts.pairs);
        let is_validation = !facts.prefix.is_empty();
        let step = facts.step.filter(|(kind, count)| !is_validation || *kind == Counter::Global || count.of.is_none());
        let dropped = step.is_none() && facts.step.is_some() && self.context.carried.is_some();
        let epoch = facts.epoch.filter(|_| !dropped);
        if step.is_some() || epoch.is_some() {
            let facts = &self.facts;
            let is_whole = step == facts.step && epoch == facts.epoch && facts.rank == stripped.rank && !stripped.text.contains('{');
            self.learnable = is_whole.then_some((stripped.tag, length - stripped.text.len()));
            self.count(step, epoch);
            return true;
        }
        if let Some(progress) = facts.progress {
            return self.in_progress(progress, is_validation);
        }
        self.belongs_to_step_before()
    }

    /// A line without a step of its own: whether it is a row all the same.
    fn belongs_to_step_before(&mut self) -> bool {
        let (pairs, facts, context) = (&self.draft.pairs, &self.facts, &mut self.context);
        // Ranks report on themselves: memory, devices, versions.
        if facts.rank.is_some() || facts.junk > 0 {
            return false;
        }
        if context.block > 0 {
            context.block -= 1;
            return true;
        }
        pairs.iter().any(|(name, _)| is_metric(name)) || (context.carried.is_some() && pairs.len() > 1)
    }

    /// Sets the step of the draft, which has a counter of its own.
    fn count(&mut self, step: Option<(Counter, Count)>, epoch: Option<Count>) {
        let context = &mut self.context;
        context.block = 0;
        let count = match (step, epoch) {
            (Some((kind, count)), epoch) => {
                context.fine = true;
                counted(&mut context.turn, kind, count, epoch.or(context.epoch))
            }
            (None, Some(epoch)) => epoch,
            (None, None) => return,
        };
        (self.draft.step, self.draft.total) = (Some(count.at), count.of);
    }

    /// `24/24 - loss: 0.5`: a bar in letters. Under `Epoch 1/5` it is a state of that epoch.
    fn in_progress(&mut self, progress: Count, is_validation: bool) -> bool {
        let context = &mut self.context;
        let count = context.epoch.unwrap_or(progress);
        let again = match context.progress {
            // The bar runs a second time in the same epoch: an evaluation.
            Some((epoch, last, line)) if context.epoch.is_some() && epoch == count.at && line != context.line => {
                last.of != progress.of || (Some(last.at) == last.of && progress.at <= last.at)
            }
            _ => false,
        };
        if again || is_validation {
            return self.draft.pairs.iter().any(|(name, _)| is_metric(name));
        }
        context.progress = Some((count.at, progress, context.line));
        (self.draft.step, self.draft.total) = (Some(count.at), count.of);
        true
    }

    fn read_bar(&mut self, bar: &Bar) -> bool {
        if self.table.is_open() && self.table.row(bar.label) {
            return self.read_row();
        }
        let tag = bar.label.split([' ', '_', ':']).find_map(validation);
        if bar.postfix.is_empty() {
            if let (true, Some(count)) = (bar.label.is_empty(), bar.count)
                && self.context.bar.is_none_or(|known| known.of <= count.of)
            {
                self.context.bar = Some(count);
            }
            if bar.tail.starts_with('{') && self.dict.read(bar.tail) {
                return self.read_dict(&Stripped { text: bar.tail, rank: None, prefix: "", tag: 0 }, 0);
            }
        }
        if bar.postfix.is_empty() && self.table.open(bar.label) {
            return false;
        }
        self.facts.read(bar.label, tag.unwrap_or(""), None);
        std::mem::swap(&mut self.draft.pairs, &mut self.facts.pairs);
        let (step, epoch) = (self.facts.step, self.facts.epoch);
        self.facts.read(bar.postfix, tag.unwrap_or(""), None);
        self.facts.pairs.iter().for_each(|(name, value)| self.draft.pairs.push(&[name], value));
        if self.draft.pairs.len() == 0 {
            return false;
        }
        if tag.is_some() {
            return self.draft.pairs.iter().any(|(name, _)| is_metric(name));
        }
        match (step.or(self.facts.step), epoch.or(self.facts.epoch), bar.count) {
            (None, None, Some(count)) => {
                let known = self.draft.pairs.iter().any(|(name, _)| is_metric(name));
                (self.draft.step, self.draft.total) = (Some(count.at), count.of);
                self.context.fine |= known;
                known
            }
            (None, None, None) => false,
            // Of a bar over the batches of an epoch, the epoch is what lasts.
            (step, epoch, _) => {
                self.count(if epoch.is_some() { None } else { step }, epoch);
                true
            }
        }
    }

    fn read_row(&mut self) -> bool {
        std::mem::swap(&mut self.draft.pairs, &mut self.table.pairs);
        match self.table.step {
            Some((Counter::Epoch, epoch)) => self.count(None, Some(epoch)),
            Some(step) => self.count(Some(step), None),
            None => {}
        }
        true
    }

    fn read_dict(&mut self, stripped: &Stripped, at: usize) -> bool {
        let known = self.dict.pairs.iter().any(|(name, _)| is_metric(name));
        self.facts.read(&stripped.text[..at], stripped.prefix, stripped.rank);
        let outer = self.facts.step.or(self.facts.epoch.map(|epoch| (Counter::Epoch, epoch)));
        let inner = self.dict.step;
        // A counter in the text before the dict is the program's own word; a finer one in the dict wins.
        let step = match (outer, inner) {
            (Some(outer), Some(inner)) => Some(if inner.0 > outer.0 { inner } else { outer }),
            (outer, inner) => outer.or(inner),
        };
        if self.dict.pairs.len() == 0 || !(known || step.is_some_and(|(kind, _)| kind != Counter::Epoch)) {
            return false;
        }
        std::mem::swap(&mut self.draft.pairs, &mut self.dict.pairs);
        self.draft.rank = stripped.rank.unwrap_or(0);
        match (step, self.context.bar) {
            (Some((Counter::Epoch, _)) | None, Some(bar)) => (self.draft.step, self.draft.total) = (Some(bar.at), bar.of),
            (Some((Counter::Epoch, epoch)), None) => self.count(None, Some(epoch)),
            (step, _) => self.count(step, None),
        }
        true
    }

    /// Gives out the box that just ended.
    fn close_box(&mut self) {
        let Some(offset) = self.framed.offset else { return };
        let known = self.framed.pairs.iter().any(|(name, _)| is_metric(name));
        if self.framed.step.is_some() || known {
            self.release();
            let mut draft = std::mem::take(&mut self.draft);
            std::mem::swap(&mut draft.pairs, &mut self.framed.pairs);
            let count = self.framed.step.map(|(_, count)| count);
            (draft.step, draft.total) = (count.map(|count| count.at), count.and_then(|count| count.of));
            draft.offset = offset;
            self.draft = self.emit(draft);
        }
        self.framed.clear();
    }
}

impl Draft {
    /// Takes the values of a newer redraw; names that it does not repeat stay.
    fn update(&mut self, newer: Draft) {
        let older = std::mem::replace(self, newer);
        for (name, value) in older.pairs.iter() {
            if !self.pairs.iter().any(|(known, _)| known == name) {
                self.pairs.push(&[name], value);
            }
        }
    }
}

fn counted(turn: &mut Turn, kind: Counter, count: Count, epoch: Option<Count>) -> Count {
    match kind {
        Counter::Global | Counter::Epoch => count,
        Counter::Step => turn.step(count, epoch.map(|epoch| epoch.at)),
    }
}

/// Whether a line without digits may still have a value.
fn has_not_a_number(text: &str) -> bool {
    text.as_bytes().windows(3).any(|word| word.eq_ignore_ascii_case(b"nan") || word.eq_ignore_ascii_case(b"inf"))
}

#[cfg(test)]
mod tests;
