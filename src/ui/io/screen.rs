//! The terminal: raw mode and alternate screen, whole frames, and everything put back on every way out.

use crate::term;
use crossterm::{
    clipboard::CopyToClipboard,
    cursor::{Hide, Show},
    event::{
        DisableBracketedPaste, EnableBracketedPaste, KeyboardEnhancementFlags, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
    },
    execute, queue,
    style::{Print, ResetColor},
    terminal::{
        BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};
use ratatui::{
    backend::{Backend, CrosstermBackend},
    buffer::Buffer,
    layout::Rect,
};
use std::{
    io::{self, Write},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

/// Whether the terminal is ours and has to be given back.
static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// Buttons, the wheel and moves with a button down, with coordinates of any size. Never moves without a button: they would wake us,
/// and travel over ssh, for nothing. With shift the terminal selects text as ever.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// What og says of itself when it is to blame.
const EXIT_BY_BUG: i32 = 70;

/// The terminal while it is ours.
pub struct Screen {
    front: Buffer,
    back: Buffer,
    /// The terminal may show anything: write every cell.
    unknown: bool,
    title: String,
    note: String,
}

impl Screen {
    /// Takes the terminal. It is given back by [`Screen`]'s drop, by a panic, or by [`restore`].
    pub fn enter() -> io::Result<Screen> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                restore();
                before(info);
                // Whichever thread it was: half a pane is worse than none, and the run does not care.
                std::process::exit(EXIT_BY_BUG);
            }));
        });
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        // Terminals that know how then tell Cmd from Ctrl; the others do not listen.
        let keys = PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES);
        execute!(io::stdout(), EnterAlternateScreen, Hide, EnableBracketedPaste, Print(MOUSE_ON), keys)?;
        let (width, height) = crossterm::terminal::size()?;
        Ok(Screen::blank(width, height))
    }

    fn blank(width: u16, height: u16) -> Screen {
        let empty = Buffer::empty(Rect::new(0, 0, width, height));
        Screen { front: empty.clone(), back: empty, unknown: true, title: String::new(), note: String::new() }
    }

    /// The size drawn to.
    pub fn area(&self) -> Rect {
        self.back.area
    }

    /// What it shows.
    pub fn shown(&self) -> &Buffer {
        &self.front
    }

    /// The terminal has another size now, and shows anything.
    pub fn resize(&mut self, width: u16, height: u16) {
        let area = Rect::new(0, 0, width, height);
        self.front.resize(area);
        self.back.resize(area);
        self.unknown = true;
    }

    /// The next frame is written whole.
    pub fn forget(&mut self) {
        self.unknown = true;
    }

    /// Draws a frame and writes what differs from the last one as one synchronized update; nothing when nothing does. The
    /// note says what the frame shows, for whoever reads the pane's output.
    pub fn draw(&mut self, title: &str, note: &str, frame: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        let bytes = self.compose(title, note, frame)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(&bytes)?;
        out.flush()
    }

    fn compose(&mut self, title: &str, note: &str, frame: impl FnOnce(&mut Buffer)) -> io::Result<Vec<u8>> {
        self.back.reset();
        frame(&mut self.back);
        if self.unknown {
            self.front.reset();
        }
        let changes = self.front.diff(&self.back);
        let mut bytes = Vec::new();
        if changes.is_empty() && !self.unknown && title == self.title && note == self.note {
            return Ok(bytes);
        }
        queue!(bytes, BeginSynchronizedUpdate)?;
        if self.unknown {
            queue!(bytes, ResetColor, Clear(ClearType::All))?;
        }
        if title != self.title {
            title.clone_into(&mut self.title);
            let title: String = title.chars().filter(|c| !c.is_control()).collect();
            queue!(bytes, Print(format_args!("\x1b]2;{title}\x07")))?;
        }
        if !changes.is_empty() {
            CrosstermBackend::new(&mut bytes).draw(changes.into_iter())?;
        }
        if self.unknown && !note.is_empty() || note != self.note {
            note.clone_into(&mut self.note);
            bytes.extend(term::note(note));
        }
        queue!(bytes, EndSynchronizedUpdate)?;
        self.unknown = false;
        std::mem::swap(&mut self.front, &mut self.back);
        Ok(bytes)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives a text to the clipboard of the terminal, through ssh too (OSC 52), between two frames. A terminal that cannot take it does
/// nothing.
pub fn copy(text: &str) {
    let mut bytes = Vec::new();
    let _ = queue!(bytes, CopyToClipboard::to_clipboard_from(text));
    let mut out = io::stdout().lock();
    let _ = out.write_all(&bytes).and_then(|()| out.flush());
}

/// Gives the terminal back, once. A terminal that is gone cannot be given back, and nobody is there to see an error.
pub fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(
            io::stdout(),
            EndSynchronizedUpdate,
            PopKeyboardEnhancementFlags,
            Print(MOUSE_OFF),
            DisableBracketedPaste,
            ResetColor,
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;

    fn composed(screen: &mut Screen, words: &str) -> String {
        String::from_utf8(screen.compose("t", "{}", |buf| _ = buf.set_stringn(0, 0, words, 20, Style::new())).unwrap()).unwrap()
    }

    #[test]
    fn a_frame_is_one_synchronized_update_and_an_equal_one_is_nothing() {
        let mut screen = Screen::blank(20, 2);
        let first = composed(&mut screen, "loss 2.31");
        assert!(first.starts_with("\x1b[?2026h") && first.ends_with("\x1b[?2026l"), "{first:?}");
        assert!(first.contains("\x1b[2J") && first.contains("loss") && first.contains("\x1b]2;t\x07"), "{first:?}");
        assert_eq!(composed(&mut screen, "loss 2.31"), "");
        let changed = composed(&mut screen, "loss 2.30");
        assert!(changed.contains('0') && !changed.contains("loss"), "{changed:?}");
        screen.forget();
        assert!(composed(&mut screen, "loss 2.30").contains("loss"));
    }

    #[test]
    fn a_note_is_written_with_its_frame_and_when_only_it_changes() {
        let mut screen = Screen::blank(20, 2);
        let mut noted = |note: &str| String::from_utf8(screen.compose("t", note, |_| {}).unwrap()).unwrap();
        assert!(noted("{\"a\":1}").ends_with("\x1bPog;{\"a\":1}\x1b\\\x1b[?2026l"));
        assert_eq!(noted("{\"a\":1}"), "");
        assert_eq!(noted("{}"), "\x1b[?2026h\x1bPog;{}\x1b\\\x1b[?2026l");
    }

    #[test]
    fn a_title_cannot_smuggle_escapes() {
        let mut screen = Screen::blank(5, 1);
        let bytes = screen.compose("a\x1b]52;c;x\x07b", "{}", |_| {}).unwrap();
        assert!(String::from_utf8(bytes).unwrap().contains("\x1b]2;a]52;c;xb\x07"));
    }
}
