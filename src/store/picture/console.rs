//! The last lines that a run printed.

use super::SourceRank;
use std::collections::VecDeque;

/// Lines of console kept. More than any pane shows; `stdout.log` has them all.
pub(super) const CONSOLE_LINES_MAX: usize = 5000;

/// Bytes of console kept, so that a program that prints base64 does not fill the memory.
pub(super) const CONSOLE_BYTES_MAX: usize = 4 << 20;

/// Longest console line kept whole. Wider than any screen.
const CONSOLE_LINE_BYTES_MAX: usize = 16 << 10;

/// The last lines of the console.
///
/// A tracker may keep a copy of what the program prints; a run shows one copy, that of the console itself where there is one.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Console {
    lines: VecDeque<String>,
    bytes: usize,
    dropped: u64,
    source: Option<SourceRank>,
}

impl Console {
    /// The lines kept, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.lines.iter().map(String::as_str)
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
    pub(super) fn push(&mut self, source: SourceRank, line: &str) {
        match self.source {
            Some(closer) if closer < source => return,
            Some(same) if same == source => {}
            // The copies of a tracker give way.
            _ => *self = Console { source: Some(source), ..Console::default() },
        }
        let line = &line[..line.floor_char_boundary(CONSOLE_LINE_BYTES_MAX)];
        self.bytes += line.len();
        let mut place = String::new();
        while self.lines.len() >= CONSOLE_LINES_MAX || self.bytes > CONSOLE_BYTES_MAX {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.len();
            self.dropped += 1;
            // In a flood, a line takes the place of one of its size.
            if oldest.capacity() / 4 <= line.len() {
                place = oldest;
            }
        }
        place.clear();
        place.push_str(line);
        self.lines.push_back(place);
    }

    pub(super) fn forget(&mut self, source: SourceRank) {
        if self.source == Some(source) {
            *self = Console::default();
        }
    }
}
