//! Blocks whose count stands below their metrics, as in the results that RLlib prints: `loss: 0.5`, and further down
//! `training_iteration: 3`.
//!
//! Such a block looks as a config does. It counts once another with the same first name and the same counter says another count and
//! other metrics.

use super::{
    facts::{Count, Pairs},
    prefix::{Stripped, strip},
    table::{Cell, cell},
    token::Token,
    words::{Counter, counter, is_no_metric, is_vague_counter},
};
use crate::source::metrics::is_metric;
use std::collections::HashSet;

/// Longest block that is kept: lines and bytes. Results may list hundreds of episodes.
const LINES_MAX: usize = 2048;
const BYTES_MAX: usize = 64 << 10;

/// Most words of a name; more is a sentence.
const NAME_WORDS_MAX: usize = 3;

/// Longest name, in bytes, and deepest group: a name stands behind those of its groups.
const NAME_BYTES_MAX: usize = 96;
const DEPTH_MAX: usize = 16;

/// The lines that may be such a block, and what was learned of those before.
#[derive(Default)]
pub(super) struct Late {
    open: Option<Open>,
    first: Option<First>,
    /// A block of those that count.
    known: Option<Block>,
}

/// The block that was read last and may be a config, its lines if they wait, and the number of the last row above it.
struct First {
    block: Block,
    lines: Vec<Line<String>>,
    row: u64,
}

impl First {
    /// Its lines, to be read one by one. Behind other rows it is not clear what step they are of.
    fn give_up(self, row: u64) -> Vec<Line<String>> {
        if self.row == row { self.lines } else { vec![] }
    }
}

/// A line as it came.
#[derive(Clone, Copy)]
pub(super) struct Line<Text> {
    pub(super) text: Text,
    pub(super) classes: u8,
    pub(super) offset: u64,
}

/// A block that counts late.
#[derive(Clone)]
pub(super) struct Block {
    pub(super) pairs: Pairs,
    pub(super) kind: Counter,
    pub(super) count: Count,
    pub(super) offset: u64,
    /// The names of its first line and of its counter.
    first: String,
    counter: String,
    /// The values that surely measure.
    metrics: Vec<f64>,
}

impl Block {
    fn is_like(&self, other: &Block) -> bool {
        self.first == other.first && self.counter == other.counter
    }

    /// Whether a block that is like it shows that both count: settings of another length measure nothing new.
    fn is_told_by(&self, next: &Block) -> bool {
        self.count != next.count && self.metrics != next.metrics
    }
}

/// What is to be done about lines that ended.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) blocks: Vec<Block>,
    /// They are no block, and to be read one by one.
    pub(super) lines: Vec<Line<String>>,
}

impl Late {
    /// Whether lines were taken that may go on.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether the lines that were taken wait for what follows them, and are to be read then.
    pub(super) fn waits(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.waits)
    }

    /// Takes a line that may begin a block. One with a metric waits only if it is like a block that counted: such a line mostly stands
    /// for itself. `under_head`: the line may be the first under a count.
    pub(super) fn begin(&mut self, stripped: &Stripped, line: Line<&str>, under_head: bool) {
        let Some(entry) = Entry::of(stripped.wide).filter(|entry| !entry.value.is_empty()) else { return };
        let mut blocks = self.first.iter().map(|first| &first.block).chain(&self.known);
        let is_like = blocks.any(|block| block.first == entry.name);
        if !is_like && under_head {
            return;
        }
        let waits = is_like || !is_metric(entry.name);
        let first = entry.name.to_owned();
        let mut open = Open { is_like, waits, first, outer: entry.indent, offset: line.offset, ..Open::default() };
        if open.take(&entry) {
            open.keep(line);
            self.open = Some(open);
        }
    }

    /// Takes a line that goes on with the block. False: it does not.
    pub(super) fn go_on(&mut self, line: Line<&str>) -> bool {
        let Some(open) = &mut self.open else { return false };
        let stripped = if open.has_room() { strip(line.text) } else { None };
        let goes_on = stripped.and_then(|stripped| Entry::of(stripped.wide)).is_some_and(|entry| open.take(&entry));
        if goes_on {
            open.keep(line);
        }
        goes_on
    }

    /// The lines ended, behind the row of this number.
    pub(super) fn end(&mut self, row: u64) -> Ended {
        let Some((block, lines)) = self.open.take().map(Open::close) else { return Ended::default() };
        let Some(block) = block else { return Ended { lines, ..Ended::default() } };
        if self.known.as_ref().is_some_and(|known| known.is_like(&block)) {
            return Ended { blocks: vec![block], ..Ended::default() };
        }
        match self.first.take() {
            Some(first) if first.block.is_like(&block) && first.block.is_told_by(&block) => {
                self.known = Some(block.clone());
                Ended { blocks: vec![first.block, block], ..Ended::default() }
            }
            first => {
                // The same again says no more.
                let other = first.filter(|first| !first.block.is_like(&block));
                self.first = Some(First { block, lines, row });
                Ended { lines: other.map(|first| first.give_up(row)).unwrap_or_default(), ..Ended::default() }
            }
        }
    }

    /// No more lines are there for now: a block that is like none before waits no longer. Its lines.
    pub(super) fn pause(&mut self) -> Vec<Line<String>> {
        let Some(open) = self.open.as_mut().filter(|open| !open.is_like) else { return vec![] };
        open.waits = false;
        std::mem::take(&mut open.lines)
    }

    /// The lines of the block that waited for another of its kind in vain.
    pub(super) fn give_up(&mut self, row: u64) -> Vec<Line<String>> {
        self.first.take().map(|first| first.give_up(row)).unwrap_or_default()
    }

    /// Forgets the lines so far, but not how such blocks are to be read.
    pub(super) fn jump(&mut self) {
        *self = Late { known: self.known.take(), ..Late::default() };
    }
}

/// A line of a block: `name: value`, `name:` above others that are indented, or an entry of a list, without a name.
struct Entry<'a> {
    indent: usize,
    name: &'a str,
    value: &'a str,
}

impl<'a> Entry<'a> {
    /// Reads a line without its prefix.
    fn of(line: &'a str) -> Option<Entry<'a>> {
        let indent = line.len() - line.trim_ascii_start().len();
        let text = line.trim_ascii();
        if let Some(item) = text.strip_prefix("- ") {
            return (!item.contains(' ')).then_some(Entry { indent, name: "", value: "" });
        }
        let (name, value) = text.split_at_checked(text.find([':', '='])?)?;
        // `key: value`, but not `pkg:name`.
        let value = value.strip_prefix('=').or(value.strip_prefix(':').filter(|rest| rest.is_empty() || rest.starts_with(' ')))?;
        let (name, value) = (name.trim_ascii_end(), value.trim_ascii());
        let is_word = |word: &str| word.starts_with(|c: char| c.is_alphabetic() || c == '_') && !word.contains([',', '|', '{', '[']);
        let is_short = name.len() <= NAME_BYTES_MAX && name.split(' ').count() <= NAME_WORDS_MAX;
        let is_name = is_short && name.split(' ').all(is_word);
        // Several words are a text, or another row.
        let is_value =
            !value.contains(' ') || value.starts_with(['\'', '"']) || value.split(' ').all(is_word) && !value.contains([':', '=']);
        (is_name && is_value).then_some(Entry { indent, name, value })
    }
}

/// A block that may go on.
#[derive(Default)]
struct Open {
    /// Its lines, if they wait, and how many there were.
    lines: Vec<Line<String>>,
    length: usize,
    bytes: usize,
    waits: bool,
    /// It begins as one before that counted.
    is_like: bool,
    offset: u64,
    /// Its first name, and how far that is indented.
    first: String,
    outer: usize,
    /// The groups that are open: how far they are indented, and how long the path was above them.
    groups: Vec<(usize, usize)>,
    path: String,
    names: HashSet<String>,
    scratch: Vec<Token>,
    pairs: Pairs,
    metrics: Vec<f64>,
    step: Option<(Counter, Count, String)>,
    /// What followed shows that it is no such block.
    is_other: bool,
}

impl Open {
    /// Takes a line. False: it does not stand in the block, or the block does not count below its metrics.
    fn take(&mut self, entry: &Entry) -> bool {
        let Entry { indent, name, value } = *entry;
        if name.is_empty() || indent < self.outer {
            return name.is_empty();
        }
        while let Some((_, above)) = self.groups.pop_if(|(group, _)| *group >= indent) {
            self.path.truncate(above);
        }
        // Of blocks that follow each other at once it is not clear whether the counts stand above or below.
        self.is_other |= !self.names.insert([&self.path, name].concat());
        if value.is_empty() {
            self.groups.push((indent, self.path.len()));
            self.path.extend([name, "/"]);
            return self.groups.len() <= DEPTH_MAX && !self.is_other;
        }
        let counts = counter(name).filter(|_| indent == self.outer);
        match (counts, cell(value, &mut self.scratch)) {
            (Some(_), _) if self.metrics.is_empty() => self.is_other = true,
            // The size of a batch, the length of a training.
            (Some(kind), _) if kind == Counter::Batch || is_vague_counter(name) => {}
            (Some(kind), Cell::Number(_, Some(count))) if self.step.as_ref().is_none_or(|(known, ..)| kind > *known) => {
                self.step = Some((kind, count, name.to_owned()));
            }
            (None, Cell::Number(value, _)) if !is_no_metric(name) => {
                if is_metric(name) {
                    self.metrics.push(value);
                    self.is_other |= self.step.is_some();
                }
                self.pairs.push(&[&self.path, name], value);
            }
            _ => {}
        }
        !self.is_other
    }

    fn has_room(&self) -> bool {
        self.length < LINES_MAX && self.bytes < BYTES_MAX
    }

    fn keep(&mut self, line: Line<&str>) {
        self.bytes += line.text.len();
        self.length += 1;
        if self.waits {
            let Line { text, classes, offset } = line;
            self.lines.push(Line { text: text.to_owned(), classes, offset });
        }
    }

    /// The block, if it counts, and its lines if they wait.
    fn close(self) -> (Option<Block>, Vec<Line<String>>) {
        let Open { lines, offset, first, pairs, metrics, step, .. } = self;
        let step = step.filter(|_| !self.is_other);
        (step.map(|(kind, count, counter)| Block { pairs, kind, count, offset, first, counter, metrics }), lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the lines say: what is given out of them, as `<count> pairs`, and the lines that are read one by one.
    fn show(log: &str) -> String {
        let (mut late, mut out) = (Late::default(), vec![]);
        let mut say = |Ended { blocks, lines }: Ended| {
            let pairs = |block: &Block| block.pairs.iter().map(|(name, value)| format!(" {name}={value}")).collect::<String>();
            out.extend(blocks.iter().map(|block| format!("<{}>{}", block.count.at, pairs(block))));
            out.extend(lines.iter().map(|line| line.text.trim().to_owned()));
        };
        for line in log.lines() {
            let line = Line { text: line, classes: 0, offset: 0 };
            if !late.go_on(line) {
                say(late.end(0));
                strip(line.text).iter().for_each(|stripped| late.begin(stripped, line, false));
            }
        }
        say(late.end(0));
        say(Ended { lines: late.give_up(0), ..Ended::default() });
        out.join(", ")
    }

    #[test]
    fn a_block_belongs_to_the_count_below_its_metrics_once_another_counts_on() {
        let result = |loss: &str, at: u32| {
            format!(
                "Result:\n  done: false\n  info:\n    a:\n      kl: 0.5\n    b:\n      kl: 0.25\n  all:\n  - 1.5\n  - 2.5\n  loss: {loss}\n  pid: 12\n  training_iteration: {at}\n  z: 1\n"
            )
        };
        let (one, two) = ("info/a/kl=0.5 info/b/kl=0.25 loss=2.5 z=1", "info/a/kl=0.5 info/b/kl=0.25 loss=1.5 z=1");
        assert_eq!(show(&(result("2.5", 1) + "\nText.\n" + &result("1.5", 2))), format!("<1> {one}, <2> {two}"));
        assert_eq!(show("lr: 0.5\nloss: 2\nstep: 1\n\nlr: 0.5\nloss: 1\nstep: 2\n"), "<1> lr=0.5 loss=2, <2> lr=0.5 loss=1");
        assert_eq!(show("loss: 2\nstep: 1\n\nloss: 1\nstep: 2\n"), "<1> loss=2, <2> loss=1", "the first is read line by line too");
    }

    #[test]
    fn configs_and_blocks_under_their_count_are_read_line_by_line() {
        for log in [
            "lr: 0.5\nloss: mse\nepoch: 100\nseed: 1",
            "lr: 0.5\nloss: 2\nstep: 1\n\nlr: 0.25\nloss: 1\nstep: 1",
            "lr: 0.5\nstep: 1\nloss: 2\n\nlr: 0.5\nstep: 2\nloss: 2",
            "time: 1\nloss: 2\nstep: 1\nacc: 2\ntime: 1\nloss: 2\nstep: 2\nacc: 1\ntime: 1",
            "lr: 0.5\nloss: 2\nstep: 1\nlr: 0.5\nloss: 2\nstep: 2\nlr: 0.5",
            "lr: 0.5\nloss: 2\nstep: 1\nacc: 2\n\nlr: 0.5\nloss: 2\nstep: 2\nacc: 1",
            "lr: 0.5\ntarget_loss: 2\nepoch: 100\n\nlr: 0.25\ntarget_loss: 2\nepoch: 200",
            "lr: 0.5\nloss: 2\nbatch: 16\n\nlr: 0.5\nloss: 2\nbatch: 32",
        ] {
            assert!(!show(log).contains('<'), "{log}: {}", show(log));
        }
        assert_eq!(show("seed: 1\nacc: 2\nepoch: 100"), "seed: 1, acc: 2, epoch: 100", "in vain");
    }

    proptest! {
        #[test]
        fn any_lines_are_taken_without_panic(log in r"( {0,4}(step|loss|a|b é|- 1|:|epoch)(:| = |: )?(0|1.5|x y|'a b')?\n){0,20}") {
            show(&log);
        }
    }
}
