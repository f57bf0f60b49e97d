//! The screen of one pane: frames out of a stream of bytes.
//!
//! What is read here (text, cursor, hash, ...) is always the last whole frame, never one half drawn. A
//! frame ends at the end of a synchronized update, or by quiet: see [`PaneScreen::due`].

use super::{
    Seed,
    emulator::{Cell, Color, Cursor, Emulator, Modes, Style, Vt100, guarded},
    filter::{Filter, Filtered, Op},
    seed,
};
use crate::text;
use std::{
    ops::Range,
    time::{Duration, Instant},
};

/// Quiet after the last byte that ends a frame. Long enough for a program that draws in several
/// writes, short enough not to be felt.
pub const QUIET: Duration = Duration::from_millis(15);

/// Longest time that output without a pause can hold a frame open.
pub const FRAME_MAX: Duration = Duration::from_millis(100);

/// Longest synchronized update that is believed in; after that the program has died or forgot to end
/// it. Terminals use between 0.15 and 1 s.
pub const SYNC_MAX: Duration = Duration::from_secs(1);

/// Bytes of a feed that are worked on at once, so that the filter's buffer stays small.
const BLOCK_BYTES: usize = 1 << 16;

/// What became of the bytes of a feed.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fed {
    /// They are on the screen.
    Ok,
    /// The emulator broke and was replaced. Nothing counts until [`PaneScreen::seed`] is called with what
    /// tmux has; the last frame stays readable.
    Lost,
}

/// A frame that differs from the one before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The screen's seq now.
    pub seq: u64,
    /// Rows whose content differs, from the top. Empty if only the cursor moved.
    pub rows: Vec<u16>,
}

/// The screen of one pane.
///
/// The caller feeds what the pane prints, and calls [`settle`](PaneScreen::settle) when
/// [`due`](PaneScreen::due) has come.
pub struct PaneScreen<E: Emulator = Vt100> {
    emulator: E,
    filter: Filter,
    filtered: Filtered,
    /// Size as tmux has it; the emulator's is never below 2x2.
    cols: u16,
    rows: u16,
    /// Cursor and pen of the main screen, for when the alternate ends.
    saved: Option<(Cursor, String)>,
    /// Tab stops, if they are not one every eight columns.
    tabs: Option<Vec<bool>>,
    /// When the synchronized update at hand began.
    sync: Option<Instant>,
    /// When the first and the last byte came that no frame holds yet.
    unframed: Option<(Instant, Instant)>,
    heard: Option<Instant>,
    lost: bool,
    frame: Frame,
    scratch: Row,
    seq: u64,
    /// The seq of the last change that was handed out.
    told: u64,
    last_change: Option<f64>,
}

/// A whole frame, taken out of the emulator.
#[derive(Default)]
pub(super) struct Frame {
    pub rows: Vec<Row>,
    pub cursor: Cursor,
    pub modes: Modes,
    pub hash: u64,
}

/// A row of a frame.
#[derive(Clone, Default)]
pub(super) struct Row {
    /// Up to the last cell that was written or has a look.
    pub text: String,
    /// Columns that the text takes.
    pub cells: u16,
    /// Stretches that do not look plain, from the left.
    pub runs: Vec<Run>,
    hash: u64,
    /// The screen's seq when the content changed last.
    seq: u64,
}

/// Neighbouring cells of one look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Run {
    /// Columns.
    pub cells: Range<u16>,
    /// Where their text stands in the row's.
    pub bytes: Range<usize>,
    pub style: Style,
}

impl PaneScreen {
    /// An empty screen.
    pub fn new(cols: u16, rows: u16) -> PaneScreen {
        PaneScreen::with_emulator(cols, rows)
    }
}

impl<E: Emulator> PaneScreen<E> {
    /// An empty screen on an emulator of the caller's choice.
    pub fn with_emulator(cols: u16, rows: u16) -> PaneScreen<E> {
        let emulator: E = fresh(cols, rows);
        let mut frame =
            Frame { rows: vec![Row::default(); usize::from(rows)], cursor: emulator.cursor(), modes: emulator.modes(), hash: 0 };
        frame.hash = frame.digest();
        PaneScreen {
            emulator,
            filter: Filter::default(),
            filtered: Filtered::default(),
            cols,
            rows,
            saved: None,
            tabs: None,
            sync: None,
            unframed: None,
            heard: None,
            lost: false,
            frame,
            scratch: Row::default(),
            seq: 0,
            told: 0,
            last_change: None,
        }
    }

    /// Takes what the pane printed.
    ///
    /// Ends of synchronized updates inside `bytes` end a frame there. If that is a new one, `seq` has
    /// risen on return and [`due`](PaneScreen::due) is at once. Of several in one feed only the last is looked at.
    pub fn feed(&mut self, bytes: &[u8], now: Instant) -> Fed {
        if self.lost {
            return Fed::Lost;
        }
        self.heard = Some(now);
        for block in bytes.chunks(BLOCK_BYTES) {
            if guarded(|| self.feed_block(block)).is_none() {
                return self.give_up();
            }
        }
        Fed::Ok
    }

    /// Replaces the content by what tmux has. A frame ends here, unless a synchronized update is under way.
    pub fn seed(&mut self, seed: &Seed, now: Instant) {
        let sync = self.sync.filter(|_| !self.lost && self.mid_frame());
        // tmux does not tell the pen; ours is right unless bytes were lost.
        let pen = guarded(|| self.emulator.pen()).unwrap_or_default();
        self.start_over(seed.cols, seed.rows);
        self.heard = Some(now);
        if guarded(|| self.paint(seed, &pen)).is_none() {
            let _ = self.give_up();
        } else if sync.is_some() {
            (self.sync, self.unframed) = (sync, Some((now, now)));
        } else {
            self.cut();
        }
    }

    /// Changes the size. tmux lays long rows out anew and the emulator does not, so seed it afterwards.
    pub fn resize(&mut self, cols: u16, rows: u16) -> Fed {
        if (cols, rows) == (self.cols, self.rows) {
            return if self.lost { Fed::Lost } else { Fed::Ok };
        }
        (self.cols, self.rows) = (cols, rows);
        self.tabs = None;
        if self.lost || guarded(|| self.emulator.resize(cols.max(SIZE_MIN), rows.max(SIZE_MIN))).is_none() {
            return self.give_up();
        }
        self.unframed = self.unframed.or(self.heard.map(|at| (at, at)));
        Fed::Ok
    }

    /// Whether the last byte stands inside a synchronized update, so that a frame cut now would be torn.
    /// An update that lasts longer than [`SYNC_MAX`] does not count.
    pub fn mid_frame(&self) -> bool {
        match (self.sync, self.heard) {
            (Some(since), Some(heard)) => heard.duration_since(since) <= SYNC_MAX,
            _ => false,
        }
    }

    /// When to call [`settle`](PaneScreen::settle): [`QUIET`] after the last byte, at latest [`FRAME_MAX`] after the first that no
    /// frame holds; inside a synchronized update when [`SYNC_MAX`] is over; at once when a frame ended
    /// in a feed. `None`: nothing is waiting.
    pub fn due(&self) -> Option<Instant> {
        if self.lost {
            return None;
        }
        if self.seq > self.told {
            return self.heard;
        }
        match self.sync {
            Some(since) if self.mid_frame() => Some(since + SYNC_MAX),
            _ => self.unframed.map(|(first, last)| (last + QUIET).min(first + FRAME_MAX)),
        }
    }

    /// Ends the frame at hand now, and hands out what changed since the last call, if anything did.
    ///
    /// When a frame ended in a feed and the next is being drawn in a synchronized update, that one is
    /// left alone. `at` is the time in unix seconds.
    pub fn settle(&mut self, at: f64) -> Option<Change> {
        let ended_in_feed = self.seq > self.told;
        if !(self.lost || ended_in_feed && self.mid_frame()) {
            self.sync = None;
            if self.unframed.take().is_some() {
                self.cut();
            }
        }
        if self.seq == self.told {
            return None;
        }
        let rows = (0..).zip(&self.frame.rows).filter(|(_, row)| row.seq > self.told).map(|(y, _)| y).collect();
        self.told = self.seq;
        self.last_change = Some(at);
        Some(Change { seq: self.seq, rows })
    }

    /// Count of frames that differed from the one before.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Hash of what [`seq`](PaneScreen::seq) counts: characters, cursor, and the looks that mark something (background,
    /// bold, underline, inverse). Equal screens have equal hashes, in any process of the same og.
    pub fn hash(&self) -> u64 {
        self.frame.hash
    }

    /// When the last change was handed out, in unix seconds.
    pub fn last_change(&self) -> Option<f64> {
        self.last_change
    }

    /// All rows from the top, without spaces at their ends.
    pub fn rows(&self) -> Vec<String> {
        self.frame.rows.iter().map(|row| row.trimmed().to_owned()).collect()
    }

    /// The rows joined by newlines, without spaces at their ends and without blank rows at the bottom.
    pub fn text(&self) -> String {
        let mut out = String::with_capacity(self.frame.rows.iter().map(|row| row.text.len() + 1).sum());
        let blank = self.frame.rows.iter().rev().take_while(|row| row.trimmed().is_empty()).count();
        for (y, row) in self.frame.rows[..self.frame.rows.len() - blank].iter().enumerate() {
            out.push_str(if y == 0 { "" } else { "\n" });
            out.push_str(row.trimmed());
        }
        out
    }

    /// Where the cursor is.
    pub fn cursor(&self) -> Cursor {
        self.frame.cursor
    }

    /// The modes in force.
    pub fn modes(&self) -> Modes {
        self.frame.modes
    }

    /// Whether the alternate screen is on.
    pub fn alternate(&self) -> bool {
        self.frame.modes.alternate
    }

    /// Columns and rows, as tmux has them.
    pub fn size(&self) -> (u16, u16) {
        (self.cols, self.rows)
    }

    /// The title that the program gave itself.
    pub fn title(&self) -> Option<&str> {
        self.emulator.title()
    }

    /// The audit: whether tmux's screen, taken at this very point of the stream, has other text, another
    /// cursor or another size than ours. Then ours is to be seeded anew.
    pub fn differs_from(&self, seed: &Seed) -> bool {
        // An emulator that was seeded with it cannot do better than this; so what vt100 cannot show at
        // all (a cell with more than some five marks) does not count as drift again and again.
        let mut other = PaneScreen::<E>::with_emulator(seed.cols, seed.rows);
        if self.lost || guarded(|| other.paint(seed, "")).is_none() {
            return self.lost;
        }
        let (mut ours, mut theirs) = (Row::default(), Row::default());
        let mut same_text = |y| {
            ours.read(&self.emulator, y, self.cols);
            theirs.read(&other.emulator, y, self.cols);
            ours.trimmed() == theirs.trimmed()
        };
        (self.cols, self.rows) != (seed.cols, seed.rows)
            || self.emulator.cursor() != other.emulator.cursor()
            || self.emulator.modes().alternate != other.emulator.modes().alternate
            || !(0..self.rows).all(&mut same_text)
    }

    /// Rows whose content changed after `seq`, with their text. A row remembers only its last change, so any
    /// `seq` of the past can be asked for.
    pub fn changed_since(&self, seq: u64) -> Vec<(u16, String)> {
        (0..).zip(&self.frame.rows).filter(|(_, row)| row.seq > seq).map(|(y, row)| (y, row.trimmed().to_owned())).collect()
    }

    pub(super) fn frame(&self) -> &Frame {
        &self.frame
    }

    fn feed_block(&mut self, block: &[u8]) {
        let mut filtered = std::mem::take(&mut self.filtered);
        filtered.clear();
        self.filter.push(block, &mut filtered);
        let last_end = self.last_frame_end(&filtered.ops);
        let mut at = 0;
        for (i, (offset, op)) in filtered.ops.iter().enumerate() {
            self.emulator.feed(&filtered.bytes[at..*offset]);
            at = *offset;
            self.apply(*op);
            if last_end == Some(i) {
                self.cut();
            }
        }
        self.emulator.feed(&filtered.bytes[at..]);
        let framed = last_end.is_some_and(|i| i + 1 == filtered.ops.len()) && at == filtered.bytes.len();
        if !framed {
            self.unframed = self.heard.map(|now| (self.unframed.map_or(now, |(first, _)| first), now));
        }
        self.filtered = filtered;
    }

    /// Which of the operations is the last before which a whole frame stands on the screen: the end of a
    /// synchronized update, or the beginning of one if anything was drawn before it.
    fn last_frame_end(&self, ops: &[(usize, Op)]) -> Option<usize> {
        let mut in_sync = self.sync.is_some();
        let mut last = None;
        for (i, (_, op)) in ops.iter().enumerate() {
            match op {
                Op::Begin if !in_sync => (in_sync, last) = (true, Some(i)),
                Op::End => (in_sync, last) = (false, Some(i)),
                _ => {}
            }
        }
        last
    }

    /// Does what the filter found and the emulator cannot do by itself.
    fn apply(&mut self, op: Op) {
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
                self.say(&pen);
            }
            Op::Reset => (self.saved, self.tabs, self.sync) = (None, None, None),
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
                    self.saved = Some((cursor, pen.clone()));
                }
                self.say("\x1b[?47h\x1b[?6l\x1b[r\x1b[m\x1b[2J");
            }
            (false, _) => self.say("\x1b[?47l"),
        }
        let (cursor, pen) = match &self.saved {
            Some(saved) if keep && !on => saved.clone(),
            _ => (cursor, pen),
        };
        self.goto(cursor.x.min(self.cols.saturating_sub(1)), cursor.y);
        self.say(&pen);
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

    fn goto(&mut self, x: u16, y: u16) {
        let mut bytes = vec![];
        seed::goto(x, y, &mut bytes);
        self.emulator.feed(&bytes);
    }

    fn say(&mut self, text: &str) {
        self.emulator.feed(text.as_bytes());
    }

    /// Brings an empty screen to what tmux has.
    fn paint(&mut self, seed: &Seed, pen: &str) {
        self.feed_block(&seed::before(seed));
        if seed.cursor.0 >= seed.cols {
            self.press_against_edge(seed.cursor.1);
        }
        self.say(pen);
        self.feed_block(&seed::after(seed));
    }

    /// Writes the last cell of a row anew, which is the only way to a pending wrap.
    fn press_against_edge(&mut self, y: u16) {
        let cells = self.emulator.row(y).scan(0, |x, cell| {
            let from = *x;
            *x += cell.cells;
            Some((from, cell))
        });
        let Some((x, cell)) = cells.last() else { return };
        let text = if cell.text.is_empty() { " " } else { &cell.text };
        let bytes = format!("{}{text}", cell.style.sequence());
        self.goto(x, y);
        self.feed_block(bytes.as_bytes());
    }

    /// Compares the emulator with the last frame and takes over what differs.
    fn cut(&mut self) {
        self.unframed = None;
        let seq = self.seq + 1;
        self.frame.rows.resize_with(usize::from(self.rows), || Row { seq, ..Row::default() });
        for (y, row) in (0..).zip(&mut self.frame.rows) {
            self.scratch.read(&self.emulator, y, self.cols);
            if row.text != self.scratch.text || row.runs != self.scratch.runs {
                self.scratch.hash = self.scratch.digest();
                self.scratch.seq = if row.hash == self.scratch.hash { row.seq } else { seq };
                std::mem::swap(row, &mut self.scratch);
            }
        }
        self.frame.cursor = self.emulator.cursor();
        self.frame.modes = self.emulator.modes();
        let hash = self.frame.digest();
        if hash != self.frame.hash {
            self.frame.hash = hash;
            self.seq = seq;
        }
    }

    /// Goes on with an empty emulator, but keeps the last frame.
    fn start_over(&mut self, cols: u16, rows: u16) {
        (self.cols, self.rows) = (cols, rows);
        self.emulator = fresh(cols, rows);
        self.filter = Filter::default();
        (self.saved, self.tabs, self.sync, self.unframed) = (None, None, None, None);
        self.lost = false;
    }

    fn give_up(&mut self) -> Fed {
        self.start_over(self.cols, self.rows);
        self.lost = true;
        Fed::Lost
    }
}

/// vt100 is sound from 2x2 up; tmux panes go down to 1x1.
const SIZE_MIN: u16 = 2;

fn fresh<E: Emulator>(cols: u16, rows: u16) -> E {
    E::new(cols.max(SIZE_MIN), rows.max(SIZE_MIN))
}

fn default_tabs(cols: u16) -> Vec<bool> {
    (0..cols).map(|x| x > 0 && x % 8 == 0).collect()
}

impl Frame {
    fn digest(&self) -> u64 {
        let mut hash = Hash::default();
        self.rows.iter().for_each(|row| hash.add(row.hash));
        let Cursor { x, y, visible } = self.cursor;
        hash.add(u64::from(x) | u64::from(y) << 16 | u64::from(visible) << 32 | u64::from(self.modes.alternate) << 33);
        hash.0
    }
}

impl Row {
    /// The text without spaces at its end.
    pub fn trimmed(&self) -> &str {
        self.text.trim_end_matches(' ')
    }

    /// Reads row `y` of an emulator into this one.
    fn read<E: Emulator>(&mut self, emulator: &E, y: u16, cols: u16) {
        let Row { text, runs, cells: width, .. } = self;
        text.clear();
        runs.clear();
        *width = 0;
        let mut x = 0;
        let mut end = 0;
        for Cell { text: c, cells, style } in emulator.row(y) {
            if x >= cols {
                break;
            }
            let from = text.len();
            match c.is_empty() {
                true => text.extend(std::iter::repeat_n(' ', usize::from(cells))),
                false => text.push_str(&c),
            }
            let to = x + cells;
            let plain = style == Style::default();
            match runs.last_mut() {
                _ if plain => {}
                Some(run) if run.cells.end == x && run.style == style => (run.cells.end, run.bytes.end) = (to, text.len()),
                _ => runs.push(Run { cells: x..to, bytes: from..text.len(), style }),
            }
            if !plain || text[from..].bytes().any(|b| b != b' ') {
                (end, *width) = (text.len(), to);
            }
            x = to;
        }
        text.truncate(end);
    }

    /// Hash of what makes a change: the characters and the looks that mark something.
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
    fn sequence(self) -> String {
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
}

/// A 64-bit hash that is the same in every process, eight bytes at a step.
struct Hash(u64);

impl Default for Hash {
    fn default() -> Hash {
        Hash(0x6f67_2073_6372_6e31)
    }
}

impl Hash {
    fn add(&mut self, word: u64) {
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
