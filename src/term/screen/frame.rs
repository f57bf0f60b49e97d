//! A frame: what can be read of a screen.

use crate::term::{
    emulator::{Cursor, Modes},
    row::{Hash, Row},
};

/// A whole frame, taken out of the emulator.
#[derive(Default)]
pub(in crate::term) struct Frame {
    pub cols: u16,
    pub rows: Vec<Row>,
    pub cursor: Cursor,
    pub modes: Modes,
    pub hash: u64,
}

impl Frame {
    pub(super) fn digest(&self) -> u64 {
        let mut hash = Hash::default();
        self.rows.iter().for_each(|row| hash.add(row.hash));
        let Cursor { x, y, visible } = self.cursor;
        hash.add(u64::from(x) | u64::from(y) << 16 | u64::from(visible) << 32 | u64::from(self.modes.alternate) << 33);
        hash.0
    }
}
