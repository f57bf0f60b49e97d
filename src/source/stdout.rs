//! Console output: finds the metrics in what a training prints, whatever its style, without configuration.
//!
//! The rules, none of them for one program:
//! - What is on the screen counts: colours go, carriage returns and backspaces redraw a line, a cursor that goes up
//!   redraws several, and of the redraws of one step the last wins.
//! - A line with a counter (`step 10`, `[3]`, `Epoch 2/5`, `iter:`) is a row; its named numbers are the values.
//!   `i/N` gives the total. A counter that starts over with each epoch goes on counting, and so does one without epochs that came
//!   to its end; one that goes back in the middle was taken up again.
//! - A line without a counter belongs to the step before it, when it holds nothing but named numbers and is
//!   surely about a metric or about what is reported beside them (times, rates, memory), or stands in a block under a line
//!   that is only a counter. So does a line that says only its epoch, behind finer steps of that epoch. `batch: 16` may as well
//!   be a setting: it is a counter if a metric is among the first lines under it.
//! - A line that announces a validation (`Testing`) says of what the loop below it is, whose count is no restart. So does the length of
//!   a loop that once was inside of another, which then went on or started over.
//! - A validation that says how far it is comes to what its last line says, or to the sum below it.
//! - Lines `name: value` with a counter below their metrics are a block of that count, once another block of the kind says another.
//! - Bars, dicts of one line or several, JSON, boxes, and tables under a header give rows in the same way.
//! - Everything else (sentences, configs, paths, versions, clocks, tools' own tables) gives nothing.
//!
//! A row has no time here: its offset says where its line starts.

mod bar;
mod boxed;
mod clean;
mod dict;
mod dicts;
mod draft;
mod facts;
mod late;
mod loops;
mod prefix;
mod reader;
mod scan;
mod shape;
mod steps;
mod table;
mod token;
mod turn;
mod walk;
mod words;

pub(super) use clean::plain;

use super::{ConsoleLine, Decoder, LineRef, Loss, Record, Taker, lines::Lines, shown::Shown};
use crate::model::LineRule;
use reader::Reader;
use scan::{Scan, Segment};
use std::collections::VecDeque;

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
        self.reader.set_rules(rules);
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
        if let Some(row) = self.reader.take_known(&known, self.lines.peek().offset, taker) {
            taker.row(row);
        }
        self.lines.skip(next);
        self.scan = Scan::default();
        true
    }

    fn take(&mut self, segment: &Segment) {
        let bytes = self.lines.get(segment.line.range.clone());
        if let Some(console) = &mut self.console {
            let reader = &mut self.reader;
            let offset = Some(segment.line.offset);
            let mut say = |line: &str| reader.say(Record::Console(ConsoleLine { text: line.to_owned(), offset, time: None }));
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
        if !self.lines.is_dropping() && !self.reader.is_waiting() && self.lines.open().trim_ascii_end().ends_with(b"]") {
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
        let mut reader = std::mem::take(&mut self.reader);
        reader.renew();
        *self = Stdout { reader, ..if self.console.is_some() { Stdout::with_console() } else { Stdout::new() } };
    }

    fn is_mistaken(&self) -> bool {
        self.reader.is_mistaken()
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

#[cfg(test)]
mod tests;
