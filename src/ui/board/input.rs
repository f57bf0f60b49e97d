//! A text that is being typed at the foot of the board.

use crate::text;
use crate::ui::{
    edit::{History, Line},
    keymap::{self, Action},
    theme::Theme,
};
use crossterm::event::KeyEvent;
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

/// A key, and what the table says of it.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// What it does.
    pub action: Option<Action>,
    /// The key.
    pub key: KeyEvent,
}

/// What the text is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// It filters or searches the tab.
    Query,
    /// It names a view to be saved.
    SaveView,
    /// It is said in the canvas.
    Message,
    /// It is the notes of the run.
    Notes,
    /// It is the tags of the run.
    Tags,
}

impl Purpose {
    /// How many there are.
    pub const COUNT: usize = 5;
}

/// A line, and the text to go back to.
#[derive(Clone, Debug)]
pub struct Input {
    line: Line,
    before: (String, bool),
    purpose: Purpose,
    regex: bool,
}

/// What a key did to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Typed {
    /// The text is kept.
    Kept,
    /// The text from before is back.
    Cancelled,
    /// The text or its caret changed.
    Edited,
    /// The text goes to the clipboard.
    Copied(String),
    /// The text of the clipboard is wanted.
    Paste,
    /// Nothing.
    Nothing,
}

impl Input {
    /// An input for a filter or a search, which stands at `text` and may be a regular expression.
    pub fn query(text: &str, regex: bool) -> Input {
        Input { line: Line::new(text), before: (text.to_owned(), regex), purpose: Purpose::Query, regex }
    }

    /// An empty input for something else.
    pub fn new(purpose: Purpose) -> Input {
        Input::starting(purpose, "")
    }

    /// An input for something else that stands at `text`.
    pub fn starting(purpose: Purpose, text: &str) -> Input {
        let is_long = matches!(purpose, Purpose::Message | Purpose::Notes | Purpose::Tags);
        let mut line = if is_long { Line::message() } else { Line::default() };
        line.replace(text);
        Input { line, before: Default::default(), purpose, regex: false }
    }

    /// What the text is for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The text.
    pub fn text(&self) -> String {
        self.line.text()
    }

    /// The text it started with, and whether that was a regular expression.
    pub fn before(&self) -> (&str, bool) {
        (&self.before.0, self.before.1)
    }

    /// Whether the text is a regular expression.
    pub fn is_regex(&self) -> bool {
        self.regex
    }

    /// Takes a key.
    pub fn take(&mut self, key: Key, history: &mut History) -> Typed {
        match key.action {
            Some(Action::Keep) => {
                history.keep(&self.text());
                return Typed::Kept;
            }
            Some(Action::Cancel) => {
                history.leave();
                return Typed::Cancelled;
            }
            Some(Action::Copy) => return Typed::Copied(self.text()),
            Some(Action::Paste) => return Typed::Paste,
            Some(Action::SwitchRegex) if self.purpose == Purpose::Query => self.regex = !self.regex,
            Some(action @ (Action::Older | Action::Newer)) => {
                let line = if action == Action::Older { history.older(&self.text()) } else { history.newer() };
                match line {
                    Some(line) => self.line.replace(&line),
                    None => return Typed::Nothing,
                }
            }
            Some(action) => self.line.edit(action),
            None => match keymap::typed(key.key) {
                Some(c) => self.line.insert(c),
                None => return Typed::Nothing,
            },
        }
        Typed::Edited
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        text.chars().for_each(|c| self.line.insert(c));
    }

    /// Draws it into a row; behind it as many notes as have room, the first of them cut where it has none.
    pub fn draw(&self, (notes, style): (Vec<String>, Style), theme: &Theme, row: Rect, buf: &mut Buffer) {
        for x in row.x..row.right() {
            buf[(x, row.y)].reset();
        }
        let sign = match self.purpose {
            Purpose::Query if self.regex => "re/",
            Purpose::Query => "/",
            Purpose::SaveView => "save view as: ",
            Purpose::Message => "say: ",
            Purpose::Notes => "notes: ",
            Purpose::Tags => "tags: ",
        };
        let sign = if row.width < 24 { &sign[..1] } else { sign };
        let x = buf.set_stringn(row.x, row.y, sign, usize::from(row.width), theme.accent()).0;
        let mut x = draw_line(&self.line, theme, Rect { x, width: row.right().saturating_sub(x), ..row }, buf) + 2;
        for (n, note) in notes.iter().enumerate() {
            let room = usize::from(row.right().saturating_sub(x));
            if room == 0 || n > 0 && text::width(note) > room {
                break;
            }
            x = buf.set_stringn(x, row.y, theme.plain(text::cut(note, room)), room, style).0 + 2;
        }
    }
}

/// Draws a line with its caret, which is always in sight: where there is no room, what stands before it is cut. Where it
/// ends.
pub fn draw_line(line: &Line, theme: &Theme, row: Rect, buf: &mut Buffer) -> u16 {
    let (before, after) = line.parts();
    let left = |x: u16| usize::from(row.right().saturating_sub(x));
    let mut rest = after.chars();
    let at_caret = rest.next().map_or_else(|| " ".to_owned(), String::from);
    let room = usize::from(row.width).saturating_sub(text::width(&at_caret).max(1));
    let before = text::cut_start(&before, room).into_owned();
    let x = buf.set_stringn(row.x, row.y, theme.plain(before.into()), room, theme.accent()).0;
    let x = buf.set_stringn(x, row.y, theme.plain(at_caret.into()), left(x), Style::new().add_modifier(Modifier::REVERSED)).0;
    buf.set_stringn(x, row.y, theme.plain(rest.as_str().into()), left(x), theme.accent()).0
}
