//! A text that is being typed at the foot of the board.

use super::page::Found;
use crate::text;
use crate::ui::{
    edit::Line,
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

/// A line, the text to go back to, and the sign before it.
#[derive(Clone, Debug)]
pub struct Input {
    line: Line,
    before: String,
    sign: &'static str,
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
    /// Nothing.
    Nothing,
}

impl Input {
    /// An input that starts with `text`.
    pub fn new(text: &str, sign: &'static str) -> Input {
        Input { line: Line::new(text), before: text.to_owned(), sign, regex: false }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.line.text()
    }

    /// The text it started with.
    pub fn before(&self) -> &str {
        &self.before
    }

    /// Whether the text is a regular expression.
    pub fn is_regex(&self) -> bool {
        self.regex
    }

    /// Takes a key.
    pub fn take(&mut self, key: Key) -> Typed {
        match key.action {
            Some(Action::Keep) => return Typed::Kept,
            Some(Action::Cancel) => return Typed::Cancelled,
            Some(Action::Copy) => return Typed::Copied(self.text()),
            Some(Action::SwitchRegex) => self.regex = !self.regex,
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

    /// Draws it into a row; behind it what the text finds.
    pub fn draw(&self, found: &Found, theme: &Theme, row: Rect, buf: &mut Buffer) {
        for x in row.x..row.right() {
            buf[(x, row.y)].reset();
        }
        let (before, after) = self.line.parts();
        let room = usize::from(row.width);
        // The caret is always in sight: what stands before it is cut at its start.
        let before = text::cut_start(&before, room.saturating_sub(2)).into_owned();
        let right = row.right();
        let left = |x: u16| usize::from(right.saturating_sub(x));
        let sign = if self.regex { "re/" } else { self.sign };
        let x = buf.set_stringn(row.x, row.y, sign, room, theme.accent()).0;
        let x = buf.set_stringn(x, row.y, theme.plain(before.into()), left(x), theme.accent()).0;
        let mut rest = after.chars();
        let at_caret = rest.next().map_or_else(|| " ".to_owned(), String::from);
        let x = buf.set_stringn(x, row.y, at_caret, left(x), Style::new().add_modifier(Modifier::REVERSED)).0;
        let x = buf.set_stringn(x, row.y, rest.as_str(), left(x), theme.accent()).0;
        let (note, style) = match found {
            Found::Wrong(error) => (format!("  {error}"), theme.bad()),
            Found::Some(some, all) => (format!("  {some} of {all}   enter keep  esc cancel"), theme.quiet()),
        };
        buf.set_stringn(x, row.y, note, left(x), style);
    }
}
