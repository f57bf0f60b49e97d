//! The help: every key of the table; and the menu that leads to it.

use crate::text;
use crate::ui::{
    keymap::{Action, Keymap},
    theme::Theme,
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// The help, scrolled so far.
#[derive(Clone, Debug, Default)]
pub struct Help {
    scroll: usize,
}

impl Help {
    /// As an agent reads it.
    pub fn name(&self) -> &'static str {
        "help"
    }

    /// What a key makes of it; `None`: it is closed.
    pub fn act(&self, action: Option<Action>, keymap: &Keymap) -> Option<Help> {
        let last = lines(keymap).len();
        let scroll = match action {
            Some(Action::Help | Action::Back | Action::Open) => return None,
            Some(Action::Down | Action::PageDown) => (self.scroll + 1).min(last),
            Some(Action::Up | Action::PageUp) => self.scroll.saturating_sub(1),
            _ => self.scroll,
        };
        Some(Help { scroll })
    }

    /// Draws it.
    pub fn draw(&self, keymap: &Keymap, theme: &Theme, body: Rect, buf: &mut Buffer) {
        let lines = lines(keymap);
        let keys_width = lines.iter().map(|(keys, _)| text::width(keys)).max().unwrap_or(0) as u16;
        let rows = usize::from(body.height);
        // Never scrolled beyond the last page.
        let skip = self.scroll.min(lines.len().saturating_sub(rows));
        for (y, (keys, does)) in (body.y..body.bottom()).zip(lines.iter().skip(skip)) {
            let room = usize::from(body.width);
            if keys.is_empty() {
                buf.set_stringn(body.x, y, text::cut(does, room), room, theme.title());
                continue;
            }
            let x = buf.set_stringn(body.x, y, text::cut(keys, room), room, theme.accent()).0;
            let x = x.max((body.x + keys_width + 2).min(body.right() / 2).max(x + 1));
            let room = usize::from(body.right().saturating_sub(x));
            if room > 0 {
                buf.set_stringn(x, y, text::cut(does, room), room, Style::new());
            }
        }
        if lines.len() > rows && body.height > 1 {
            let word = format!(" {}-{} of {} (up/down) ", skip + 1, (skip + rows).min(lines.len()), lines.len());
            if text::width(&word) < usize::from(body.width) {
                buf.set_stringn(body.right() - text::width(&word) as u16, body.bottom() - 1, &word, word.len(), theme.quiet());
            }
        }
    }
}

/// The help, line by line: keys and what they do. Empty keys: a heading.
fn lines(keymap: &Keymap) -> Vec<(String, &'static str)> {
    let mut lines = vec![];
    let mut scope = None;
    for row in keymap.rows() {
        if scope != Some(row.scope) {
            scope = Some(row.scope);
            lines.push((String::new(), row.scope.title()));
        }
        lines.push((row.keys.join(" "), row.does));
    }
    lines
}
