//! The help: every key of the table; and the menu that leads to it.

use super::scroll::Scroll;
use crate::text;
use crate::ui::{
    keymap::{Action, Keymap, Scope},
    theme::Theme,
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// Cells of a column of keys and words; a wide screen has several.
const COLUMN_COLS: u16 = 62;
/// Cells of the keys in it, the same for all lines, so that nothing moves sideways while it is scrolled; a row of keys that is longer
/// moves only its own words.
const KEY_COLS: u16 = 15;
/// Cells between two columns.
const GAP: u16 = 2;

/// The help, scrolled so far. The keys of the tab in front come first.
#[derive(Clone, Debug)]
pub struct Help {
    scroll: Scroll,
    scope: Scope,
}

impl Help {
    /// The help for somebody who looks at a tab.
    pub fn new(scope: Scope) -> Help {
        Help { scroll: Scroll::From(0), scope }
    }

    /// As an agent reads it.
    pub fn name(&self) -> &'static str {
        "help"
    }

    /// Lines that it is scrolled by, on a body of this size.
    pub fn scrolled(&self, keymap: &Keymap, body: Rect) -> usize {
        let lines = lines(keymap, self.scope).len();
        self.scroll.top(lines, rows(lines, body) * columns(lines, body))
    }

    /// What a key makes of it; `None`: it is closed.
    pub fn act(&self, action: Option<Action>, keymap: &Keymap, body: Rect) -> Option<Help> {
        let lines = lines(keymap, self.scope).len();
        let seen = rows(lines, body) * columns(lines, body);
        if matches!(action, Some(Action::Help | Action::Back | Action::Open | Action::Quit)) {
            return None;
        }
        let scroll = action.and_then(|action| self.scroll.act(action, lines, seen, false));
        Some(Help { scroll: scroll.unwrap_or(self.scroll), ..*self })
    }

    /// Draws it.
    pub fn draw(&self, keymap: &Keymap, theme: &Theme, body: Rect, buf: &mut Buffer) {
        let lines = lines(keymap, self.scope);
        let rows = rows(lines.len(), body);
        if body.is_empty() {
            return;
        }
        let columns = columns(lines.len(), body);
        let width = body.width / columns as u16;
        let skip = self.scroll.top(lines.len(), rows * columns);
        for (column, part) in (0u16..).zip(lines[skip..].chunks(rows).take(columns)) {
            // Nothing touches what stands right of it.
            let gap = if columns > 1 { GAP } else { 0 };
            draw_lines(part, theme, Rect { x: body.x + column * width, width: width - gap, ..body }, buf);
        }
        if lines.len() > rows * columns && body.height > 1 {
            let word = format!(" {}-{} of {} (up/down) ", skip + 1, (skip + rows * columns).min(lines.len()), lines.len());
            if text::width(&word) < usize::from(body.width) {
                buf.set_stringn(body.right() - text::width(&word) as u16, body.bottom() - 1, &word, word.len(), theme.quiet());
            }
        }
    }
}

/// Rows for lines: all, or all but the one that says which are in sight.
fn rows(lines: usize, body: Rect) -> usize {
    let rows = usize::from(body.height);
    if lines <= rows * columns(lines, body) || rows < 2 { rows } else { rows - 1 }
}

/// Columns that so many lines take.
fn columns(lines: usize, body: Rect) -> usize {
    lines.div_ceil(usize::from(body.height).max(1)).clamp(1, usize::from(body.width / COLUMN_COLS).max(1))
}

fn draw_lines(lines: &[(String, &str)], theme: &Theme, area: Rect, buf: &mut Buffer) {
    let room = usize::from(area.width);
    for (y, (keys, does)) in (area.y..area.bottom()).zip(lines) {
        if keys.is_empty() {
            buf.set_stringn(area.x, y, text::cut(does, room), room, theme.title());
            continue;
        }
        let x = buf.set_stringn(area.x, y, theme.plain(text::cut(keys, room)), room, theme.accent()).0;
        let x = (x + 1).max(area.x + KEY_COLS.min(area.width / 4) + 1);
        let room = usize::from(area.right().saturating_sub(x));
        if room > 0 {
            buf.set_stringn(x, y, theme.plain(text::cut(does, room)), room, Style::new());
        }
    }
}

/// The help, line by line: keys and what they do. Empty keys: a heading.
fn lines(keymap: &Keymap, first: Scope) -> Vec<(String, &'static str)> {
    let mut lines = vec![];
    let mut scope = None;
    let (front, others): (Vec<_>, Vec<_>) = keymap.rows().iter().partition(|row| row.scope == first);
    for row in front.into_iter().chain(others) {
        if scope != Some(row.scope) {
            scope = Some(row.scope);
            lines.push((String::new(), row.scope.title()));
        }
        lines.push((row.keys.join(" "), row.does));
    }
    lines
}
