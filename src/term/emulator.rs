//! The terminal emulator as we need it, and vt100 in that shape.
//!
//! The emulator is a guest: it gets bytes from anyone and has panicked before, so every call that
//! changes it goes through [`guarded`].

use std::{
    cell::Cell as Flag,
    num::NonZeroU16,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// What a screen needs of an emulator: bytes in, cells out.
pub trait Emulator {
    /// An empty screen. Sizes below 2x2 are the caller's to avoid.
    fn new(cols: u16, rows: u16) -> Self;
    /// Takes the next bytes of the stream; half a sequence is fine.
    fn feed(&mut self, bytes: &[u8]);
    /// Changes the size; what stands on the screen need not be laid out anew.
    fn resize(&mut self, cols: u16, rows: u16);
    /// Where the cursor is. A column equal to the width is a pending wrap.
    fn cursor(&self) -> Cursor;
    /// The modes in force.
    fn modes(&self) -> Modes;
    /// The rows from the top, each as what draws it on a blank row: text, SGR, CUF over blank cells, and
    /// ECH and EL for blank cells that have a look. Reading vt100 cell by cell takes twice as long.
    fn rows(&self) -> impl Iterator<Item = String>;
    /// How the next character would look.
    fn pen(&self) -> Style;
    /// The title that the program gave itself.
    fn title(&self) -> Option<&str>;
}

/// Where the cursor is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Cursor {
    /// Column, 0-based. Equal to the width while a wrap is pending.
    pub x: u16,
    /// Row, 0-based.
    pub y: u16,
    /// Whether it is shown.
    pub visible: bool,
}

/// Modes of the terminal that say what a program expects.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Modes {
    /// The alternate screen is on: a full-screen program.
    pub alternate: bool,
    /// Application cursor keys.
    pub cursor_keys: bool,
    /// Application keypad.
    pub keypad: bool,
    /// The program asked for brackets around pasted text.
    pub bracketed_paste: bool,
    /// The program asked for mouse events.
    pub mouse: bool,
}

/// A colour as the program named it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Color {
    /// The terminal's own.
    #[default]
    Default,
    /// From the palette of 256.
    Index(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How a cell looks, as far as the emulator knows it (no blink, hidden, strike-through).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Style {
    /// Foreground.
    pub fg: Color,
    /// Background.
    pub bg: Color,
    /// Bold.
    pub bold: bool,
    /// Dim.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined, in any way.
    pub underline: bool,
    /// Foreground and background swapped.
    pub inverse: bool,
}

thread_local! {
    static QUIET: Flag<bool> = const { Flag::new(false) };
}

/// Whether this thread is inside the emulator, whose panics are caught and made up for.
/// A panic hook asks this and stays silent then; the binary sets the hook.
pub fn quietly() -> bool {
    QUIET.get()
}

/// Runs `work` on the emulator; `None` if it panicked. Then the emulator must be replaced.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    let before = QUIET.replace(true);
    // Whatever a panic leaves half-done is in the emulator, and that is thrown away.
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    QUIET.set(before);
    done
}

/// The vt100 crate as [`Emulator`].
pub struct Vt100(vt100::Parser<Title>);

/// Longest title kept, in bytes. Nobody reads more, and a program can send any amount.
const TITLE_BYTES_MAX: usize = 256;

#[derive(Default)]
struct Title(Option<String>);

impl vt100::Callbacks for Title {
    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        let title = &title[..title.len().min(TITLE_BYTES_MAX)];
        let text: String = String::from_utf8_lossy(title).chars().filter(|c| !c.is_control()).collect();
        self.0 = Some(text.trim_end_matches('\u{fffd}').into());
    }
}

impl Emulator for Vt100 {
    fn new(cols: u16, rows: u16) -> Vt100 {
        // History is tmux's to keep.
        const SCROLLBACK_ROWS: usize = 0;
        Vt100(vt100::Parser::new_with_callbacks(some(rows), some(cols), SCROLLBACK_ROWS, Title::default()))
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.0.process(bytes);
    }

    fn resize(&mut self, cols: u16, rows: u16) {
        self.0.set_size(some(rows), some(cols));
    }

    fn cursor(&self) -> Cursor {
        let screen = self.0.screen();
        let (y, x) = screen.cursor_position();
        Cursor { x, y, visible: !screen.hide_cursor() }
    }

    fn modes(&self) -> Modes {
        let screen = self.0.screen();
        Modes {
            alternate: screen.alternate_screen(),
            cursor_keys: screen.application_cursor(),
            keypad: screen.application_keypad(),
            bracketed_paste: screen.bracketed_paste(),
            mouse: screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None,
        }
    }

    fn rows(&self) -> impl Iterator<Item = String> {
        // A width beyond the screen's keeps vt100 from drawing a wrapped row as the tail of the one above.
        self.0.screen().rows_formatted(0, u16::MAX)
    }

    fn pen(&self) -> Style {
        let screen = self.0.screen();
        Style {
            fg: color(screen.fgcolor()),
            bg: color(screen.bgcolor()),
            bold: screen.bold(),
            dim: screen.dim(),
            italic: screen.italic(),
            underline: screen.underline(),
            inverse: screen.inverse(),
        }
    }

    fn title(&self) -> Option<&str> {
        self.0.callbacks().0.as_deref()
    }
}

fn some(size: u16) -> NonZeroU16 {
    NonZeroU16::new(size).unwrap_or(NonZeroU16::MIN)
}

fn color(color: vt100::Color) -> Color {
    match color {
        vt100::Color::Default => Color::Default,
        vt100::Color::Idx(index) => Color::Index(index),
        vt100::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_panic_of_the_guest_is_quiet() {
        assert!(!quietly());
        assert_eq!(guarded(quietly), Some(true));
        assert_eq!(guarded(|| std::panic::panic_any("guest")), None::<()>);
        assert!(!quietly());
    }

    #[test]
    fn a_title_has_a_bound() {
        let mut guest = Vt100::new(10, 2);
        guest.feed(format!("\x1b]2;{}\x07", "é".repeat(400)).as_bytes());
        assert_eq!(guest.title().map(str::len), Some(TITLE_BYTES_MAX));
    }
}
