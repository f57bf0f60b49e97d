//! The last lines that a run printed.

use super::SourceRank;
use crate::{
    model::{Step, WallTime},
    source::{LineRef, Row},
};
use std::collections::VecDeque;

/// Lines of console kept. More than any pane shows; `stdout.log` has them all.
pub(super) const CONSOLE_LINES_MAX: usize = 5000;

/// Bytes of console kept, so that a program that prints base64 does not fill the memory.
pub(super) const CONSOLE_BYTES_MAX: usize = 4 << 20;

/// Longest console line kept whole. Wider than any screen.
const CONSOLE_LINE_BYTES_MAX: usize = 16 << 10;

/// A line that was printed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Printed {
    /// The line, without its newline.
    pub text: String,
    /// When it was printed, as far as anybody noted.
    pub time: Option<WallTime>,
    /// The step that was read off it.
    pub step: Option<Step>,
    offset: Option<u64>,
}

/// The last lines of the console.
///
/// A tracker may keep a copy of what the program prints; a run shows one copy, that of the console itself where there is one.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Console {
    lines: VecDeque<Printed>,
    bytes: usize,
    dropped: u64,
    source: Option<SourceRank>,
}

impl Console {
    /// The lines kept, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.lines.iter().map(|line| line.text.as_str())
    }

    /// The same with what is known of them.
    pub fn printed(&self) -> impl DoubleEndedIterator<Item = &Printed> + ExactSizeIterator {
        self.lines.iter()
    }

    /// The line with this number, counted from the first that was printed; `None`: it is not kept.
    pub fn line(&self, number: usize) -> Option<&Printed> {
        self.lines.get(number.checked_sub(usize::try_from(self.dropped).ok()?)?)
    }

    /// Number of older lines that are not kept.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Number of lines that were printed, kept or not.
    pub fn count(&self) -> u64 {
        self.dropped + self.lines.len() as u64
    }

    /// Whose lines these are.
    pub fn source(&self) -> Option<SourceRank> {
        self.source
    }

    /// Bytes of the lines kept.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes a line, unless a source that is closer to the console gives lines.
    pub(super) fn push(&mut self, source: SourceRank, line: LineRef<'_>) {
        match self.source {
            Some(closer) if closer < source => return,
            Some(same) if same == source => {}
            // The copies of a tracker give way.
            _ => *self = Console { source: Some(source), ..Console::default() },
        }
        let text = &line.text[..line.text.floor_char_boundary(CONSOLE_LINE_BYTES_MAX)];
        self.bytes += text.len();
        let mut place = String::new();
        while self.lines.len() >= CONSOLE_LINES_MAX || self.bytes > CONSOLE_BYTES_MAX {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.text.len();
            self.dropped += 1;
            // In a flood, a line takes the place of one of its size.
            if oldest.text.capacity() / 4 <= text.len() {
                place = oldest.text;
            }
        }
        place.clear();
        place.push_str(text);
        self.lines.push_back(Printed { text: place, time: line.time, step: None, offset: line.offset });
    }

    /// Hears of a row that was read off the console: off the last line, as a rule.
    pub(super) fn stepped(&mut self, source: SourceRank, row: &Row) {
        if let (Some(step), Some(line)) = (row.step, self.lines.back_mut().filter(|_| self.source == Some(source)))
            && row.offset.is_some()
            && line.offset == row.offset
        {
            line.step = Some(step);
        }
    }

    pub(super) fn forget(&mut self, source: SourceRank) {
        if self.source == Some(source) {
            *self = Console::default();
        }
    }
}
