//! What the filter found in the stream and the emulator cannot do by itself.

use super::PaneScreen;
use crate::{
    term::{
        emulator::{Cursor, Emulator, Style},
        filter::Op,
        seed,
    },
    text,
};

impl<E: Emulator> PaneScreen<E> {
    /// Does what the filter found and the emulator cannot do by itself.
    pub(super) fn apply(&mut self, op: Op) {
        let cursor = self.emulator.cursor();
        match op {
            Op::Begin => self.sync = self.sync.or(self.heard),
            Op::End => self.sync = None,
            Op::Alternate { on, cursor: keep } => self.alternate_screen(on, keep),
            Op::Put { c, insert, wrap } => self.put(c, insert, wrap),
            Op::SetTab | Op::ClearTab => {
                let cols = self.cols;
                let tabs = self.tabs.get_or_insert_with(|| default_tabs(cols));
                if let Some(tab) = tabs.get_mut(usize::from(cursor.x)) {
                    *tab = op == Op::SetTab;
                }
            }
            Op::ClearTabs => self.tabs = Some(vec![false; usize::from(self.cols)]),
            Op::Tab(n) => self.tab(n, cursor),
            Op::Repeat(n) => {
                let n = n.min(self.cols.saturating_sub(cursor.x));
                if n > 0 {
                    self.say(&format!("\x1b[{n}b"));
                }
            }
            Op::Align => {
                let pen = self.emulator.pen();
                self.say("\x1b[m\x1b[r");
                for y in 0..self.rows {
                    self.goto(0, y);
                    self.say(&"E".repeat(usize::from(self.cols)));
                }
                self.goto(0, 0);
                self.say(&pen.sequence());
            }
            Op::Erase { last, n } => {
                let pen = self.emulator.pen();
                let plain = Style { bg: pen.bg, ..Style::default() };
                let dress = |style: Style| if plain == pen { String::new() } else { style.sequence() };
                self.say(&format!("{}\x1b[{n}{}{}", dress(plain), char::from(last), dress(pen)));
            }
            Op::Reset => (self.tabs, self.sync) = (None, None),
            // Taken where the notes are.
            Op::Note(_) => {}
        }
    }

    /// As tmux does it: entering clears and leaves the cursor where it is, leaving restores the
    /// cursor that any earlier `1049 h` saved.
    fn alternate_screen(&mut self, on: bool, keep: bool) {
        let cursor = self.emulator.cursor();
        let pen = self.emulator.pen();
        match (on, self.emulator.modes().alternate) {
            (true, true) => return,
            (true, false) => {
                if keep {
                    self.saved = Some((cursor, pen));
                }
                self.say("\x1b[?47h\x1b[?6l\x1b[r\x1b[m\x1b[2J");
            }
            (false, _) => self.say("\x1b[?47l"),
        }
        let (cursor, pen) = match self.saved {
            Some(saved) if keep && !on => saved,
            _ => (cursor, pen),
        };
        self.goto(cursor.x.min(self.cols.saturating_sub(1)), cursor.y);
        self.say(&pen.sequence());
    }

    /// Types one character where insert mode or the lack of autowrap matters.
    fn put(&mut self, c: char, insert: bool, wrap: bool) {
        let cells = text::char_width(c) as u16;
        let x = self.emulator.cursor().x;
        let sticks_out = cells > 0 && x.saturating_add(cells) > self.cols;
        if sticks_out && wrap {
            self.say("\r\n");
        } else if sticks_out {
            let last = self.cols.saturating_sub(1);
            if cells > 1 {
                return;
            }
            self.say(&format!("\x1b[{}G", u32::from(last) + 1));
        }
        if insert && cells > 0 {
            self.say(&format!("\x1b[{cells}@"));
        }
        self.say(c.encode_utf8(&mut [0; 4]));
        if !wrap && self.emulator.cursor().x >= self.cols {
            self.say(&format!("\x1b[{}G", self.cols));
        }
    }

    fn tab(&mut self, n: i16, from: Cursor) {
        let last = self.cols.saturating_sub(1);
        let tabs = self.tabs.clone().unwrap_or_else(|| default_tabs(self.cols));
        let mut x = from.x.min(last);
        for _ in 0..n.unsigned_abs().min(self.cols) {
            let stop = if n > 0 {
                (x + 1..last).find(|x| tabs[usize::from(*x)]).unwrap_or(last)
            } else {
                (0..x).rev().find(|x| tabs[usize::from(*x)]).unwrap_or(0)
            };
            x = stop.min(last);
        }
        if from.x < last || n < 0 {
            self.say(&format!("\x1b[{}G", u32::from(x) + 1));
        }
    }

    pub(super) fn goto(&mut self, x: u16, y: u16) {
        let mut bytes = vec![];
        seed::goto(x, y, &mut bytes);
        self.emulator.feed(&bytes);
    }

    pub(super) fn say(&mut self, text: &str) {
        self.emulator.feed(text.as_bytes());
    }
}

fn default_tabs(cols: u16) -> Vec<bool> {
    (0..cols).map(|x| x > 0 && x % 8 == 0).collect()
}
