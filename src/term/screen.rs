//! The screen of one pane: frames out of a stream of bytes.
//!
//! What is read here (text, cursor, hash, ...) is always the last whole frame, never one half drawn. A
//! frame ends at the end of a synchronized update, or by quiet: see [`PaneScreen::due`].

use super::{
    Seed,
    emulator::{Cursor, Emulator, Modes, Style, Vt100, guarded},
    filter::{Filter, Filtered, Op},
    row::{Hash, Row},
    seed,
};
use crate::text;
use std::time::{Duration, Instant};

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
    saved: Option<(Cursor, Style)>,
    /// Tab stops, if they are not one every eight columns.
    tabs: Option<Vec<bool>>,
    /// When the synchronized update at hand began.
    sync: Option<Instant>,
    /// When the first and the last byte came that no frame holds yet.
    unframed: Option<(Instant, Instant)>,
    /// When the last byte came.
    heard: Option<Instant>,
    lost: bool,
    /// The title from before the emulator was replaced.
    title: Option<String>,
    frame: Frame,
    seq: u64,
    /// The seq of the last change that was handed out.
    told: u64,
    last_change: Option<f64>,
}

/// A whole frame, taken out of the emulator.
#[derive(Default)]
pub(super) struct Frame {
    pub cols: u16,
    pub rows: Vec<Row>,
    pub cursor: Cursor,
    pub modes: Modes,
    pub hash: u64,
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
        let rows_blank = vec![Row::default(); rows.into()];
        let mut frame = Frame { cols, rows: rows_blank, cursor: emulator.cursor(), modes: emulator.modes(), hash: 0 };
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
            title: None,
            frame,
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
        if guarded(|| self.paint(seed, pen)).is_none() {
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
        if self.lost || guarded(|| self.emulator.resize(bounded(cols), bounded(rows))).is_none() {
            return self.give_up();
        }
        match self.heard {
            Some(heard) => self.unframed = self.unframed.or(Some((heard, heard))),
            None => self.cut(),
        }
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
        let (first, last) = self.unframed?;
        match self.sync {
            Some(since) if self.mid_frame() => Some(since + SYNC_MAX),
            _ => Some((last + QUIET).min(first + FRAME_MAX)),
        }
    }

    /// Ends the frame at hand now, and hands out what changed since the last call, if anything did.
    ///
    /// When a frame ended in a feed and the next is being drawn in a synchronized update, that one is
    /// left alone. `at` is the time in unix seconds.
    pub fn settle(&mut self, at: f64) -> Option<Change> {
        let ended_in_feed = self.seq > self.told;
        let next_under_way = ended_in_feed && self.mid_frame();
        if self.unframed.is_some() && !next_under_way {
            self.sync = None;
            self.cut();
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
        self.emulator.title().or(self.title.as_deref())
    }

    /// The audit: whether tmux's screen, taken at this very point of the stream, has other text, another
    /// cursor or another size than ours. Then ours is to be seeded anew.
    pub fn differs_from(&self, seed: &Seed) -> bool {
        // An emulator that was seeded with it cannot do better than this; so what vt100 cannot show at
        // all (a cell with more than some five marks) does not count as drift again and again.
        let mut other = PaneScreen::<E>::with_emulator(seed.cols, seed.rows);
        if self.lost || guarded(|| other.paint(seed, Style::default())).is_none() {
            return self.lost;
        }
        let (a, b) = (&self.emulator, &other.emulator);
        let same_text = |(ours, theirs)| Row::read(ours, self.cols).trimmed() == Row::read(theirs, self.cols).trimmed();
        (self.cols, self.rows) != (seed.cols, seed.rows)
            || a.cursor() != b.cursor()
            || a.modes().alternate != b.modes().alternate
            || guarded(|| !a.rows().zip(b.rows()).take(self.rows.into()).all(same_text)).unwrap_or(true)
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
                Op::Reset => in_sync = false,
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
                self.say(&pen.sequence());
            }
            Op::Erase { last, n } => {
                let pen = self.emulator.pen();
                let plain = Style { bg: pen.bg, ..Style::default() };
                let dress = |style: Style| if plain == pen { String::new() } else { style.sequence() };
                self.say(&format!("{}\x1b[{n}{}{}", dress(plain), char::from(last), dress(pen)));
            }
            Op::Reset => (self.tabs, self.sync) = (None, None),
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

    fn goto(&mut self, x: u16, y: u16) {
        let mut bytes = vec![];
        seed::goto(x, y, &mut bytes);
        self.emulator.feed(&bytes);
    }

    fn say(&mut self, text: &str) {
        self.emulator.feed(text.as_bytes());
    }

    /// Brings an empty screen to what tmux has.
    fn paint(&mut self, seed: &Seed, pen: Style) {
        self.feed_block(&seed::before(seed));
        if seed.cursor.0 >= seed.cols {
            self.press_against_edge(seed.cursor.1);
        }
        self.say(&pen.sequence());
        self.feed_block(&seed::after(seed));
    }

    /// Writes the last cell of a row anew, which is the only way to a pending wrap.
    fn press_against_edge(&mut self, y: u16) {
        let row = self.emulator.rows().nth(y.into()).map(|drawn| Row::read(drawn, self.cols)).unwrap_or_default();
        let (x, text, style) = row.at_edge(self.cols);
        let bytes = format!("{}{text}", style.sequence());
        self.goto(x, y);
        self.feed_block(bytes.as_bytes());
    }

    /// Compares the emulator with the last frame and takes over what differs.
    fn cut(&mut self) {
        self.unframed = None;
        let Some(drawn) = guarded(|| self.emulator.rows().collect::<Vec<_>>()) else {
            let _ = self.give_up();
            return;
        };
        let seq = self.seq + 1;
        self.frame.rows.resize_with(usize::from(self.rows), || Row { seq, ..Row::default() });
        // Drawn for another width, the same bytes can mean another row.
        let width_changed = std::mem::replace(&mut self.frame.cols, self.cols) != self.cols;
        for (row, drawn) in self.frame.rows.iter_mut().zip(drawn) {
            if width_changed || row.drawn != drawn {
                let fresh = Row::read(drawn, self.cols);
                *row = Row { seq: if row.hash == fresh.hash { row.seq } else { seq }, ..fresh };
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
        self.title = self.title().map(str::to_owned);
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

/// tmux allows 10000x10000, which would take vt100 3 GB; nothing shows more than this.
const SIZE_MAX: u16 = 2000;

fn bounded(size: u16) -> u16 {
    size.clamp(SIZE_MIN, SIZE_MAX)
}

fn fresh<E: Emulator>(cols: u16, rows: u16) -> E {
    E::new(bounded(cols), bounded(rows))
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

#[cfg(test)]
mod tests {
    use super::{super::filter::tests::wild, *};
    use crate::term::{Color, Region};
    use proptest::prelude::*;

    /// Milliseconds after some start.
    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    fn fed(bytes: &[u8]) -> PaneScreen {
        let mut screen = PaneScreen::new(20, 5);
        assert_eq!(screen.feed(bytes, Instant::now()), Fed::Ok);
        screen.settle(0.0);
        screen
    }

    #[test]
    fn a_frame_ends_by_quiet_or_when_it_lasts_too_long() {
        let t = Instant::now();
        let mut screen = PaneScreen::new(20, 5);
        assert_eq!(screen.due(), None);
        assert_eq!(screen.feed(b"a", t), Fed::Ok);
        assert_eq!(screen.due(), Some(at(t, 15)));
        assert_eq!(screen.text(), "", "the frame has not ended");
        for ms in (10..=90).step_by(10) {
            assert_eq!(screen.feed(b"b", at(t, ms)), Fed::Ok);
        }
        assert_eq!(screen.due(), Some(at(t, 100)));
        assert_eq!(screen.settle(5.0), Some(Change { seq: 1, rows: vec![0] }));
        assert_eq!((screen.text().as_str(), screen.last_change(), screen.due()), ("abbbbbbbbb", Some(5.0), None));
    }

    #[test]
    fn seq_rises_only_when_something_differs() {
        let mut screen = fed(b"ab\r\ncd");
        let (seq, hash) = (screen.seq(), screen.hash());
        for same in ["\x1b[1;1Hab\x1b[2;3H", "\x1b[m\x1b[?2026h\x1b[?2026l", "\x1b[31m\x07\x1b]2;title\x07", "\x1b[2;1H\x1b[34mcd"] {
            assert_eq!(screen.feed(same.as_bytes(), Instant::now()), Fed::Ok);
            assert_eq!((screen.settle(9.0), screen.seq(), screen.hash()), (None, seq, hash), "{same:?}");
        }
        for (other, rows) in [("\x1b[H", vec![]), ("\x1b[7mab", vec![0]), ("\x1b[m\r\ncde", vec![1]), ("\x1b[?25l", vec![])] {
            let seq = screen.seq() + 1;
            assert_eq!(screen.feed(other.as_bytes(), Instant::now()), Fed::Ok);
            assert_eq!(screen.settle(9.0), Some(Change { seq, rows }), "{other:?}");
        }
    }

    #[test]
    fn a_colour_alone_is_no_change_but_is_shown() {
        let mut screen = fed(b"ab");
        assert_eq!(screen.feed(b"\x1b[1;1H\x1b[31mab", Instant::now()), Fed::Ok);
        assert_eq!(screen.settle(9.0), None);
        let runs = screen.snapshot(Region::Whole, None).runs;
        assert_eq!(runs.first().map(|run| run.style.fg), Some(Color::Index(1)));
    }

    #[test]
    fn a_synchronized_update_is_one_frame_however_it_comes() {
        let t = Instant::now();
        let mut screen = PaneScreen::new(20, 5);
        assert_eq!(screen.feed(b"\x1b[?2026hone\r\n", t), Fed::Ok);
        assert!(screen.mid_frame());
        assert_eq!(screen.due(), Some(t + SYNC_MAX));
        assert_eq!(screen.feed(b"two\x1b[?2026l\x1b[?2026h\x1b[2Jthr", at(t, 5)), Fed::Ok);
        assert_eq!((screen.text().as_str(), screen.seq()), ("one\ntwo", 1), "the end inside the feed ended a frame");
        assert_eq!(screen.due(), Some(at(t, 5)), "there is something to hand out at once");
        assert_eq!(screen.settle(1.0), Some(Change { seq: 1, rows: vec![0, 1] }));
        assert_eq!((screen.text().as_str(), screen.mid_frame()), ("one\ntwo", true), "the next is not cut in half");
        assert_eq!(screen.feed(b"ee\x1b[?2026l", at(t, 9)), Fed::Ok);
        assert_eq!(screen.settle(2.0), Some(Change { seq: 2, rows: vec![0, 1] }));
        assert_eq!((screen.text().as_str(), screen.due()), ("\n   three", None));
    }

    #[test]
    fn of_many_frames_in_one_feed_the_last_whole_one_stands() {
        let mut screen = PaneScreen::new(20, 5);
        let bytes: String = (0..50).map(|i| format!("\x1b[?2026h\x1b[Hframe {i}\x1b[?2026l")).collect();
        assert_eq!(screen.feed(format!("{bytes}\x1b[?2026h\x1b[2Jtorn").as_bytes(), Instant::now()), Fed::Ok);
        assert_eq!((screen.text().as_str(), screen.seq()), ("frame 49", 1));
    }

    #[test]
    fn a_synchronized_update_without_end_is_given_up() {
        let t = Instant::now();
        let mut screen = PaneScreen::new(20, 5);
        assert_eq!(screen.feed(b"\x1b[?2026hx", t), Fed::Ok);
        assert_eq!(screen.settle(1.0), Some(Change { seq: 1, rows: vec![0] }), "the caller waited until it was due");
        assert!(!screen.mid_frame());
        assert_eq!(screen.feed(b"\x1b[?2026h", t), Fed::Ok);
        assert_eq!(screen.feed(b"y", at(t, 1500)), Fed::Ok);
        assert!(!screen.mid_frame());
        assert_eq!(screen.due(), Some(at(t, 1515)));
    }

    #[test]
    fn rows_remember_when_they_changed() {
        let mut screen = fed(b"a\r\nb\r\nc");
        assert_eq!(screen.feed(b"\x1b[2;1HB", Instant::now()), Fed::Ok);
        screen.settle(2.0);
        assert_eq!(screen.changed_since(1), [(1, "B".to_owned())]);
        assert_eq!(screen.changed_since(2), []);
        assert_eq!(screen.changed_since(0).len(), 3);
        assert_eq!(screen.rows(), ["a", "B", "c", "", ""]);
        assert_eq!(screen.text(), "a\nB\nc");
    }

    #[test]
    fn equal_screens_have_equal_hashes() {
        let (a, b) = (fed(b"x\x1b[5Cy  \x1b[1;3H"), fed(b"x     y\x1b[1;3H"));
        assert_eq!(a.hash(), b.hash());
        assert_ne!(a.hash(), fed(b"x     y\x1b[1;4H").hash());
        assert_ne!(a.hash(), fed(b"x    y \x1b[1;3H").hash());
    }

    fn seed(lines: &[&str]) -> Seed {
        let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        Seed { cols: 20, rows: 5, cursor: (1, 1), cursor_visible: true, wrap: true, scroll_region: (0, 4), lines, ..Seed::default() }
    }

    #[test]
    fn the_audit_finds_drift_and_a_seed_cures_it() {
        let t = Instant::now();
        let mut screen = fed(b"loss 2\r\nb");
        assert!(!screen.differs_from(&seed(&["loss 2", "b"])));
        for drifted in [
            seed(&["loss 3", "b"]),
            seed(&[" loss 2", "b"]),
            Seed { cursor: (2, 1), ..seed(&["loss 2", "b"]) },
            Seed { rows: 6, ..seed(&["loss 2", "b"]) },
            Seed { alternate: true, ..seed(&["loss 2", "b"]) },
        ] {
            assert!(screen.differs_from(&drifted), "{drifted:?}");
            screen.seed(&drifted, t);
            assert!(!screen.differs_from(&drifted), "{drifted:?}");
            screen.seed(&seed(&["loss 2", "b"]), t);
        }
        assert_eq!(screen.text(), "loss 2\nb");
    }

    #[test]
    fn a_seed_leaves_the_title() {
        let mut screen = fed(b"\x1b]2;train\x07");
        screen.seed(&seed(&["x"]), Instant::now());
        assert_eq!(screen.title(), Some("train"));
    }

    #[test]
    fn a_new_size_shows_with_the_next_frame() {
        let mut screen = PaneScreen::new(20, 5);
        assert_eq!(screen.resize(30, 3), Fed::Ok);
        assert_eq!((screen.rows().len(), screen.size()), (3, (30, 3)));
        assert_eq!(screen.feed(b"0123456789012345678901234\x1b[7m\x1b[K", Instant::now()), Fed::Ok);
        assert_eq!(screen.resize(10, 2), Fed::Ok);
        assert!(screen.settle(0.0).is_some());
        assert_eq!(screen.rows(), ["0123456789", ""]);
        assert_eq!(screen.resize(u16::MAX, u16::MAX), Fed::Ok);
        assert_eq!(screen.resize(1, 1), Fed::Ok);
        assert_eq!(screen.snapshot(Region::Whole, None).size, (1, 1));
    }

    #[test]
    fn a_seed_restores_what_cannot_be_seen() {
        let t = Instant::now();
        let mut screen = PaneScreen::new(20, 5);
        screen.seed(&Seed { cursor: (20, 1), ..seed(&["", "\x1b[1m------------------漢"]) }, t);
        assert_eq!((screen.cursor().x, screen.rows()[1].as_str()), (20, "------------------漢"));
        assert_eq!(screen.feed(b"x", t), Fed::Ok);
        screen.settle(0.0);
        assert_eq!(screen.rows()[2], "x", "a pending wrap wraps");

        let main = Some(vec![b"main".to_vec()]);
        let seed = Seed {
            alternate: true,
            alternate_saved: Some((4, 0)),
            main_lines: main,
            insert: true,
            scroll_region: (1, 2),
            ..seed(&["alt", "12"])
        };
        screen.seed(&seed, t);
        assert!(screen.alternate());
        assert_eq!(screen.feed(b"i\x1b[4l\x1b[3;1H\nz", t), Fed::Ok);
        screen.settle(0.0);
        assert_eq!(screen.text(), "alt\n\nz", "insert mode and the scroll region are in force");
        assert_eq!(screen.feed(b"\x1b[?1049l!", t), Fed::Ok);
        screen.settle(0.0);
        assert_eq!(screen.text(), "main!");
    }

    #[test]
    fn a_seed_inside_a_synchronized_update_waits_for_its_end() {
        let t = Instant::now();
        let mut screen = fed(b"whole");
        assert_eq!(screen.feed(b"\x1b[?2026h\x1b[H\x1b[2J", t), Fed::Ok);
        screen.seed(&seed(&["", "h"]), t);
        assert_eq!((screen.text().as_str(), screen.mid_frame()), ("whole", true));
        assert_eq!(screen.feed(b"alf\x1b[?2026l", t), Fed::Ok);
        assert_eq!(screen.text(), "\nhalf");
    }

    /// Panics on `!`, as guests do.
    struct Bomb(Vt100);

    impl Emulator for Bomb {
        fn new(cols: u16, rows: u16) -> Bomb {
            Bomb(Vt100::new(cols, rows))
        }
        fn feed(&mut self, bytes: &[u8]) {
            if bytes.contains(&b'!') {
                std::panic::resume_unwind(Box::new("guest"));
            }
            self.0.feed(bytes);
        }
        fn resize(&mut self, cols: u16, rows: u16) {
            self.0.resize(cols, rows);
        }
        fn cursor(&self) -> Cursor {
            self.0.cursor()
        }
        fn modes(&self) -> Modes {
            self.0.modes()
        }
        fn rows(&self) -> impl Iterator<Item = String> {
            self.0.rows()
        }
        fn pen(&self) -> Style {
            self.0.pen()
        }
        fn title(&self) -> Option<&str> {
            self.0.title()
        }
    }

    #[test]
    fn a_broken_emulator_is_replaced_and_waits_for_a_seed() {
        let t = Instant::now();
        let mut screen = PaneScreen::<Bomb>::with_emulator(20, 5);
        assert_eq!(screen.feed(b"before", t), Fed::Ok);
        screen.settle(0.0);
        assert_eq!(screen.feed(b"bang!", t), Fed::Lost);
        assert_eq!(screen.feed(b"x", t), Fed::Lost, "bytes without the ones before them make no screen");
        assert_eq!((screen.text().as_str(), screen.due(), screen.settle(1.0)), ("before", None, None));
        assert!(screen.differs_from(&seed(&["before"])));
        screen.seed(&seed(&["bang", "x"]), t);
        assert_eq!(screen.text(), "bang\nx");
        assert_eq!(screen.feed(b"y", t), Fed::Ok);
        screen.seed(&seed(&["!"]), t);
        assert_eq!(screen.feed(b"y", t), Fed::Lost, "a seed can break it too");
    }

    #[derive(Clone, Debug)]
    enum Deed {
        Feed(Vec<u8>),
        Resize(u16, u16),
        Settle,
    }

    fn deed() -> impl Strategy<Value = Deed> {
        prop_oneof![6 => wild().prop_map(Deed::Feed), 2 => (1u16..30, 1u16..12).prop_map(|(c, r)| Deed::Resize(c, r)), 2 => Just(Deed::Settle)]
    }

    proptest! {
        #[test]
        fn no_bytes_and_no_size_break_the_screen(cols in 1u16..30, rows in 1u16..12, deeds in proptest::collection::vec(deed(), 1..12)) {
            let mut screen = PaneScreen::new(cols, rows);
            let now = Instant::now();
            for deed in deeds {
                match deed {
                    Deed::Feed(bytes) => prop_assert_eq!(screen.feed(&bytes, now), Fed::Ok),
                    Deed::Resize(cols, rows) => prop_assert_eq!(screen.resize(cols, rows), Fed::Ok),
                    Deed::Settle => drop(screen.settle(0.0)),
                }
                screen.snapshot(Region::Right, Some(3));
                screen.text();
            }
        }

        #[test]
        fn where_a_stream_is_cut_does_not_show_on_the_screen(bytes in wild(), size in 1usize..9) {
            let whole = fed(&bytes);
            let mut pieces = PaneScreen::new(20, 5);
            for piece in bytes.chunks(size) {
                prop_assert_eq!(pieces.feed(piece, Instant::now()), Fed::Ok);
            }
            let (mut whole, mut pieces) = (whole, pieces);
            while whole.settle(0.0).is_some() || pieces.settle(0.0).is_some() {}
            prop_assert_eq!(whole.rows(), pieces.rows());
            prop_assert_eq!(whole.hash(), pieces.hash());
        }

        #[test]
        fn a_seed_of_any_kind_is_taken(
            bytes in wild(),
            cursor in (0u16..40, 0u16..10),
            region in (0u16..10, 0u16..10),
            flags in any::<[bool; 6]>(),
        ) {
            let [alternate, insert, wrap, origin, visible, saved] = flags;
            let lines: Vec<Vec<u8>> = bytes.chunks(12).map(<[u8]>::to_vec).collect();
            let seed = Seed {
                cursor, alternate, insert, wrap, origin,
                cursor_visible: visible,
                alternate_saved: saved.then_some(cursor),
                scroll_region: region,
                main_lines: saved.then(|| lines.clone()),
                lines,
                partial: bytes.clone(),
                ..seed(&[])
            };
            let mut screen = PaneScreen::new(7, 3);
            screen.seed(&seed, Instant::now());
            prop_assert_eq!(screen.feed(b"x", Instant::now()), Fed::Ok);
            prop_assert!(screen.size() == (20, 5));
        }
    }
}
