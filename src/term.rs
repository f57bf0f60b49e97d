//! What stands on a pane's screen, and which keys can be sent to it.
//! Bytes in, screens out: the emulator is a guest that may panic and is then replaced.
//! Never here: tmux, sockets, a clock.

mod emulator;
mod filter;
pub mod keys;
mod note;
mod row;
mod screen;
mod seed;
mod snapshot;

pub use emulator::{Color, Cursor, Emulator, Modes, Style, Vt100, quietly};
pub use keys::{Input, KeyError};
pub use note::note;
pub use screen::{Change, FRAME_MAX, Fed, PaneScreen, QUIET, SYNC_MAX};
pub use snapshot::{Highlight, Region, RegionError, Snapshot, StyledRun};

/// What tmux says of a pane's screen at one moment: enough to start an emulator from.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Seed {
    /// Columns of the pane, in cells.
    pub cols: u16,
    /// Rows of the pane, in cells.
    pub rows: u16,
    /// Cursor column and row, 0-based. A column equal to `cols` is a pending wrap.
    pub cursor: (u16, u16),
    /// Whether the cursor is shown.
    pub cursor_visible: bool,
    /// Whether the alternate screen is on.
    pub alternate: bool,
    /// Cursor of the main screen while the alternate is on.
    pub alternate_saved: Option<(u16, u16)>,
    /// First and last row of the scroll region, 0-based, inclusive.
    pub scroll_region: (u16, u16),
    /// Insert mode.
    pub insert: bool,
    /// Application keypad.
    pub keypad: bool,
    /// Application cursor keys.
    pub keypad_cursor: bool,
    /// Autowrap.
    pub wrap: bool,
    /// Origin mode.
    pub origin: bool,
    /// Mouse modes that are on, as DEC private numbers (1000, 1002, 1003, 1005, 1006).
    pub mouse: Vec<u16>,
    /// Rows of the visible screen with their SGR sequences, top to bottom.
    pub lines: Vec<Vec<u8>>,
    /// Rows of the main screen while the alternate is on.
    pub main_lines: Option<Vec<Vec<u8>>>,
    /// The start of an escape sequence that has not ended yet.
    pub partial: Vec<u8>,
}
