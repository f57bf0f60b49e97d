//! Starting from what tmux has, and checking against it.

use super::{PaneScreen, Seed};
use crate::term::{
    emulator::{Emulator, Style, guarded},
    row::Row,
    seed,
};
use std::time::Instant;

impl<E: Emulator> PaneScreen<E> {
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
}
