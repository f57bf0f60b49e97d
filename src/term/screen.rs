//! The screen of one pane: frames out of a stream of bytes.
//!
//! What is read here (text, cursor, hash, ...) is always the last whole frame, never one half drawn. A
//! frame ends at the end of a synchronized update, or by quiet: see [`PaneScreen::due`].

mod frame;
mod ops;
mod seeding;

pub(super) use frame::Frame;

use super::{
    Seed,
    emulator::{Cursor, Emulator, Modes, Style, Vt100, guarded},
    filter::{Filter, Filtered, Op},
    row::Row,
};
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
    /// Size as tmux has it; the emulator's is [`bounded`].
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
    /// The last note of the frame that is being drawn, and that of the last whole frame until somebody takes it.
    note: Option<Vec<u8>>,
    noted: Option<Vec<u8>>,
    frame: Frame,
    seq: u64,
    /// The seq of the last change that was handed out.
    told: u64,
    last_change: Option<f64>,
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
            note: None,
            noted: None,
            frame,
            seq: 0,
            told: 0,
            last_change: None,
        }
    }

    /// The same, whose [`seq`](PaneScreen::seq) rises from this number on. Whoever saw a screen before this one knows a lower
    /// one, so that every row of this one is new to them.
    pub fn counting_from(mut self, seq: u64) -> PaneScreen<E> {
        (self.seq, self.told) = (seq, seq);
        self.frame.rows.iter_mut().for_each(|row| row.seq = seq);
        self
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

    /// Changes the size. tmux lays long rows out anew and the emulator does not, so seed it afterwards.
    pub fn resize(&mut self, cols: u16, rows: u16) -> Fed {
        if (cols, rows) == (self.cols, self.rows) {
            return if self.lost { Fed::Lost } else { Fed::Ok };
        }
        (self.cols, self.rows) = (cols, rows);
        self.tabs = None;
        let (cols, rows) = bounded(cols, rows);
        if self.lost || guarded(|| self.emulator.resize(cols, rows)).is_none() {
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

    /// Rises by one with each frame that differs from the one before.
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

    /// Rows whose content changed after `seq`, with their text. A row remembers only its last change, so any
    /// `seq` of the past can be asked for. One that has not come yet is of another screen: then every row is new.
    pub fn changed_since(&self, seq: u64) -> Vec<(u16, String)> {
        (0..)
            .zip(&self.frame.rows)
            .filter(|(_, row)| row.seq > seq || seq > self.seq)
            .map(|(y, row)| (y, row.trimmed().to_owned()))
            .collect()
    }

    /// What the program said of the frame that can be read here, if it did and nobody has taken it yet. See [`super::note`].
    pub fn take_note(&mut self) -> Option<Vec<u8>> {
        self.noted.take()
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
            match op {
                Op::Note(number) => self.note = filtered.notes.get_mut(*number).map(std::mem::take),
                op => self.apply(*op),
            }
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
        self.noted = self.note.take().or(self.noted.take());
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
        (self.note, self.noted) = (None, None);
        self.start_over(self.cols, self.rows);
        self.lost = true;
        Fed::Lost
    }
}

/// tmux panes go down to 1x1. A second row would not scroll where the only one does; a wide character needs a second column.
const COLS_MIN: u16 = 2;
const ROWS_MIN: u16 = 1;

/// tmux allows 10000x10000, which would take vt100 3 GB; nothing shows more than this.
const SIZE_MAX: u16 = 2000;

/// The size of an emulator for a pane of this size.
fn bounded(cols: u16, rows: u16) -> (u16, u16) {
    (cols.clamp(COLS_MIN, SIZE_MAX), rows.clamp(ROWS_MIN, SIZE_MAX))
}

fn fresh<E: Emulator>(cols: u16, rows: u16) -> E {
    let (cols, rows) = bounded(cols, rows);
    E::new(cols, rows)
}

#[cfg(test)]
mod tests;
