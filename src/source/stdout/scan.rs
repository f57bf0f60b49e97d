//! Finds the lines of a log that may hold a metric. Most lines of a large log do not, so this decides the
//! speed: one table look-up a byte.

use crate::source::{
    Loss,
    lines::{Line, Lines},
};

/// A digit.
pub(super) const DIGIT: u8 = 1;
/// A letter, or a brace.
pub(super) const LETTER: u8 = 2;
/// `:` or `=`.
pub(super) const NAMED: u8 = 4;
/// Escape, backspace or a byte beyond ASCII: the text has to be cleaned first.
pub(super) const DIRTY: u8 = 8;
/// `|`, `{`, or a tab.
pub(super) const FRAME: u8 = 16;
/// `-` or `=`, which rulers are made of.
pub(super) const RULE: u8 = 32;
const END: u8 = 128;

const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        class[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'z' | b'A'..=b'Z' => LETTER,
            b':' => NAMED,
            b'=' => NAMED | RULE,
            b'-' => RULE,
            b'|' | b'\t' => FRAME,
            // A dict over several lines may begin with a brace alone.
            b'{' => FRAME | LETTER,
            b'\n' | b'\r' => END,
            // What a terminal does not show stands in no text: an escape, a hole that a crash left in the file.
            0..0x20 | 0x7f.. => DIRTY,
            _ => 0,
        };
        byte += 1;
    }
    class
};

/// A line, or one state of a line that is redrawn.
pub(super) struct Segment {
    pub(super) line: Line,
    /// The classes of its bytes.
    pub(super) classes: u8,
    /// It ends in a newline; else the next segment overwrites it.
    pub(super) is_line: bool,
    /// The line before it was passed over: whether it was a ruler.
    pub(super) after_rule: Option<bool>,
    /// It overwrites what stood in its line.
    pub(super) is_redraw: bool,
}

/// Where the search stands inside a segment.
#[derive(Default)]
pub(super) struct Scan {
    classes: u8,
    /// The line before was passed over: whether it was a ruler.
    after_rule: Option<bool>,
    /// What comes next overwrites what stands in its line.
    redraws: bool,
}

impl Scan {
    /// The next segment. With `pass`, lines that hold no letter are passed over.
    pub(super) fn next(&mut self, lines: &mut Lines, pass: bool) -> Result<Option<Segment>, Loss> {
        // The END bit is in the classes of every line, so this keeps them all unless some may be passed over.
        let must = if pass && !lines.is_dropping() { LETTER | DIRTY } else { u8::MAX };
        let bytes = lines.open();
        let (mut start, mut at, mut classes) = (0, lines.searched(), self.classes);
        while let Some(&byte) = bytes.get(at) {
            let class = CLASS[byte as usize];
            classes |= class;
            if class != END {
                at += 1;
                continue;
            }
            let (end, next) = match (byte, bytes.get(at + 1)) {
                (b'\n', _) => (at, at + 1),
                (_, Some(b'\n')) => (at, at + 2),
                (_, Some(_)) => (at, at + 1),
                // A newline may follow, and then this is no redraw.
                (_, None) => break,
            };
            let is_line = bytes[next - 1] == b'\n';
            if classes & must == 0 {
                (self.after_rule, self.redraws) = (Some(classes & RULE != 0), !is_line);
                (start, at, classes) = (next, next, 0);
                continue;
            }
            self.classes = 0;
            let after_rule = std::mem::take(&mut self.after_rule);
            let is_redraw = std::mem::replace(&mut self.redraws, !is_line);
            lines.skip(start);
            let line = lines.cut(end - start, next - start)?;
            return Ok(line.map(|line| Segment { line, classes: classes & !END, is_line, after_rule, is_redraw }));
        }
        self.classes = classes & !END;
        let searched = at - start;
        lines.skip(start);
        lines.keep_searching(searched);
        Ok(None)
    }

    /// What stands behind the last newline, taken as a line.
    pub(super) fn rest(&mut self, lines: &mut Lines) -> Result<Option<Segment>, Loss> {
        let classes = classes(lines.open());
        self.classes = 0;
        let after_rule = std::mem::take(&mut self.after_rule);
        let is_redraw = std::mem::take(&mut self.redraws);
        lines.rest().map(|line| line.map(|line| Segment { line, classes, is_line: true, after_rule, is_redraw }))
    }

    /// What stands behind the last newline, not taken: the newest redraw.
    pub(super) fn peek(&self, lines: &Lines) -> Segment {
        let (line, classes) = (lines.peek(), classes(lines.open()));
        Segment { line, classes, is_line: false, after_rule: self.after_rule, is_redraw: self.redraws }
    }
}

fn classes(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |classes, byte| classes | CLASS[*byte as usize]) & !END
}
