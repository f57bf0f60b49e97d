//! The terminal: raw mode and alternate screen, whole frames, and everything put back on every way out.

use crossterm::{
    cursor::{Hide, Show},
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute, queue,
    style::ResetColor,
    terminal::{
        BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle,
        disable_raw_mode, enable_raw_mode,
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

/// The terminal while it is ours.
pub struct Screen {
    front: Buffer,
    back: Buffer,
    /// The terminal may show anything: write every cell.
    unknown: bool,
    title: String,
}

impl Screen {
    /// Takes the terminal. It is given back by [`Screen`]'s drop, by a panic, or by [`restore`].
    pub fn enter() -> io::Result<Screen> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                restore();
                before(info);
            }));
        });
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, Hide, EnableBracketedPaste)?;
        let (width, height) = crossterm::terminal::size()?;
        let empty = Buffer::empty(Rect::new(0, 0, width, height));
        Ok(Screen { front: empty.clone(), back: empty, unknown: true, title: String::new() })
    }

    /// The size drawn to.
    pub fn area(&self) -> Rect {
        self.back.area
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

    /// Draws a frame and writes what differs from the last one as one synchronized update; nothing when nothing does.
    pub fn draw(&mut self, title: &str, frame: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        self.back.reset();
        frame(&mut self.back);
        if self.unknown {
            self.front.reset();
        }
        let changes = self.front.diff(&self.back);
        if changes.is_empty() && !self.unknown && title == self.title {
            return Ok(());
        }
        let mut bytes = Vec::new();
        queue!(bytes, BeginSynchronizedUpdate)?;
        if self.unknown {
            queue!(bytes, ResetColor, Clear(ClearType::All))?;
        }
        if title != self.title {
            title.clone_into(&mut self.title);
            queue!(bytes, SetTitle(title.chars().filter(|c| !c.is_control()).collect::<String>()))?;
        }
        if !changes.is_empty() {
            CrosstermBackend::new(&mut bytes).draw(changes.into_iter())?;
        }
        queue!(bytes, EndSynchronizedUpdate)?;
        let mut out = io::stdout().lock();
        out.write_all(&bytes)?;
        out.flush()?;
        self.unknown = false;
        std::mem::swap(&mut self.front, &mut self.back);
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, once. A terminal that is gone cannot be given back, and nobody is there to see an error.
pub fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), EndSynchronizedUpdate, DisableBracketedPaste, ResetColor, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}
