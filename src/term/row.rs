//! One row of a frame, read from what draws it.

use super::{
    emulator::{Color, Style},
    filter::STAND_INS,
};
use crate::text;
use memchr::memchr;
use std::{iter::repeat_n, ops::Range};

/// A row of a frame.
#[derive(Clone, Default, Debug)]
pub(super) struct Row {
    /// Up to the last cell that is not blank or has a look.
    pub text: String,
    /// Columns that the text takes.
    pub cells: u16,
    /// Stretches that do not look plain, from the left.
    pub runs: Vec<Run>,
    /// Hash of what makes a change: the characters and the looks that mark something.
    pub hash: u64,
    /// The screen's seq when the hash changed last.
    pub seq: u64,
    /// What the emulator gave.
    pub drawn: String,
}

/// Neighbouring cells of one look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Run {
    /// Columns.
    pub cells: Range<u16>,
    pub style: Style,
}

impl Row {
    /// Reads what [`Emulator::rows`](super::Emulator::rows) gave for a row of `cols` cells.
    pub fn read(drawn: String, cols: u16) -> Row {
        let mut row = Row::default();
        let mut style = Style::default();
        let mut x = 0;
        let mut rest = drawn.as_str();
        while !rest.is_empty() {
            let Some(sequence) = rest.strip_prefix("\x1b[") else {
                let (text, more) = rest.split_at(memchr(0x1b, rest.as_bytes()).unwrap_or(rest.len()));
                row.write(x, text, style);
                (x, rest) = (row.cells, more);
                continue;
            };
            let Some(end) = sequence.bytes().position(|b| b.is_ascii_alphabetic()) else { break };
            let (body, last) = (&sequence[..end], sequence.as_bytes()[end]);
            let count = || body.parse().unwrap_or(1);
            match last {
                b'm' => style.apply(body),
                b'C' => x = cols.min(x.saturating_add(count())),
                b'X' => row.fill(x, cols.min(x.saturating_add(count())), style),
                b'K' => row.fill(x, cols, style),
                _ => {}
            }
            rest = &sequence[end + 1..];
        }
        row.cut_blank_end();
        row.hash = row.digest();
        row.drawn = drawn;
        row
    }

    /// The text without spaces at its end.
    pub fn trimmed(&self) -> &str {
        self.text.trim_end_matches(' ')
    }

    /// The character in the last of `cols` cells, the column where it begins, and its look.
    pub fn at_edge(&self, cols: u16) -> (u16, &str, Style) {
        let last = cols.saturating_sub(1);
        let base = self.text.char_indices().rev().find(|(_, c)| text::char_width(*c) > 0);
        match (base, self.runs.last()) {
            (Some((at, c)), run) if self.cells >= cols => {
                let style = run.filter(|run| run.cells.end >= cols).map(|run| run.style).unwrap_or_default();
                (cols.saturating_sub(text::char_width(c) as u16), &self.text[at..], style)
            }
            _ => (last, " ", Style::default()),
        }
    }

    fn write(&mut self, x: u16, text: &str, style: Style) {
        self.pad(x);
        let from = self.cells;
        // The stand-ins have three bytes that begin with 0xef, which few texts have.
        match memchr(0xef, text.as_bytes()) {
            None => self.text.push_str(text),
            Some(_) => self.text.extend(text.chars().map(original)),
        }
        let cells: usize = if text.is_ascii() { text.len() } else { text.chars().map(text::char_width).sum() };
        self.cells = self.cells.saturating_add(cells as u16);
        self.mark(from, style);
    }

    fn fill(&mut self, x: u16, to: u16, style: Style) {
        self.pad(x);
        let from = self.cells;
        self.pad(to);
        self.mark(from, style);
    }

    fn pad(&mut self, to: u16) {
        let blank = to.saturating_sub(self.cells);
        self.text.extend(repeat_n(' ', blank.into()));
        self.cells += blank;
    }

    fn mark(&mut self, from: u16, style: Style) {
        let to = self.cells;
        match self.runs.last_mut() {
            _ if style == Style::default() || from == to => {}
            Some(run) if run.cells.end == from && run.style == style => run.cells.end = to,
            _ => self.runs.push(Run { cells: from..to, style }),
        }
    }

    fn cut_blank_end(&mut self) {
        let blank = (self.text.len() - self.trimmed().len()) as u16;
        let looks_end = self.runs.last().map_or(0, |run| run.cells.end);
        let blank = blank.min(self.cells.saturating_sub(looks_end));
        self.cells -= blank;
        self.text.truncate(self.text.len() - usize::from(blank));
    }

    fn digest(&self) -> u64 {
        let text = self.trimmed();
        let mut marks = self.runs.iter().map(|run| (run.cells.clone(), run.style.mark())).filter(|(_, mark)| *mark != 0).peekable();
        if text.is_empty() && marks.peek().is_none() {
            return Row::default().hash;
        }
        let mut hash = Hash::default();
        hash.text(text);
        while let Some((mut cells, mark)) = marks.next() {
            while let Some((next, _)) = marks.next_if(|(next, other)| next.start == cells.end && *other == mark) {
                cells.end = next.end;
            }
            hash.add(u64::from(cells.start) | u64::from(cells.end) << 16 | mark << 32);
        }
        hash.0
    }
}

impl Style {
    /// What of the look marks something, as a number: 0 is nothing. Colours of characters do not
    /// count, else a spinner that glows would never settle.
    fn mark(self) -> u64 {
        let bg = match self.bg {
            Color::Default => 0,
            Color::Index(index) => 1 << 8 | u64::from(index),
            Color::Rgb(r, g, b) => 1 << 24 | u64::from(r) << 16 | u64::from(g) << 8 | u64::from(b),
        };
        bg << 3 | u64::from(self.inverse) << 2 | u64::from(self.underline) << 1 | u64::from(self.bold)
    }

    /// The SGR sequence that sets this look.
    pub(super) fn sequence(self) -> String {
        let mut out = String::from("\x1b[0");
        for (on, code) in [(self.bold, ";1"), (self.dim, ";2"), (self.italic, ";3"), (self.underline, ";4"), (self.inverse, ";7")] {
            out += if on { code } else { "" };
        }
        for (color, code) in [(self.fg, 38), (self.bg, 48)] {
            out += &match color {
                Color::Default => String::new(),
                Color::Index(index) => format!(";{code};5;{index}"),
                Color::Rgb(r, g, b) => format!(";{code};2;{r};{g};{b}"),
            };
        }
        out + "m"
    }

    /// Changes the look by the parameters of an SGR sequence.
    fn apply(&mut self, body: &str) {
        let mut codes = body.split(';').map(|code| code.parse::<u8>().unwrap_or(0));
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Style::default(),
                1 => (self.bold, self.dim) = (true, false),
                2 => (self.bold, self.dim) = (false, true),
                3 => self.italic = true,
                4 => self.underline = true,
                7 => self.inverse = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.inverse = false,
                30..38 => self.fg = Color::Index(code - 30),
                40..48 => self.bg = Color::Index(code - 40),
                90..98 => self.fg = Color::Index(code - 82),
                100..108 => self.bg = Color::Index(code - 92),
                39 => self.fg = Color::Default,
                49 => self.bg = Color::Default,
                38 | 48 => {
                    let mut next = || codes.next().unwrap_or(0);
                    let color = if next() == 5 { Color::Index(next()) } else { Color::Rgb(next(), next(), next()) };
                    *(if code == 38 { &mut self.fg } else { &mut self.bg }) = color;
                }
                _ => {}
            }
        }
    }
}

/// Turns one of the filter's stand-ins back into what the program wrote.
fn original(c: char) -> char {
    STAND_INS.iter().find(|(_, stand_in)| *stand_in == c).map_or(c, |(real, _)| *real)
}

/// A 64-bit hash that is the same in every process, eight bytes at a step.
pub(super) struct Hash(pub u64);

impl Default for Hash {
    fn default() -> Hash {
        Hash(0x6f67_2073_6372_6e31)
    }
}

impl Hash {
    pub fn add(&mut self, word: u64) {
        // The multiplier of Knuth's MMIX generator; the fold brings the high bits down again.
        let mixed = u128::from(self.0 ^ word) * 6_364_136_223_846_793_005;
        self.0 = (mixed >> 64) as u64 ^ (mixed as u64).rotate_left(17) ^ word.rotate_left(32);
    }

    fn text(&mut self, text: &str) {
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
        self.add(text.len() as u64);
    }
}
