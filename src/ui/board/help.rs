//! The help: every key of the table, and what the signs of the tab in front mean.

use super::scroll::Scroll;
use crate::model::RunState;
use crate::text;
use crate::ui::{
    keymap::{Action, Binding, Keymap, Scope},
    theme::{MarkKind, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// Cells of a column of keys and words; a wide screen has several.
const COLUMN_COLS: u16 = 62;
/// Cells of the keys in it, the same for all lines, so that nothing moves sideways while it is scrolled; a row of keys that is longer
/// moves only its own words.
const KEY_COLS: u16 = 15;
/// Cells between two columns.
const GAP: u16 = 2;

/// What the filter of the runs knows.
const RUN_FILTER: [(&str, &str); 4] = [
    ("otter lm*", "these words in the name, the project, the tags"),
    ("!foo a OR b", "not this one; one of these"),
    ("config.lr>=3e-4", "so are val/loss<2 best:acc>0.9 step>100 duration>2h"),
    ("state:failed", "so are tags:x notes:x has:notes since:2d"),
];

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
    pub fn scrolled(&self, keymap: &Keymap, theme: &Theme, body: Rect) -> usize {
        let lines = lines(keymap, self.scope, theme).len();
        self.scroll.top(lines, rows(lines, body) * columns(lines, body))
    }

    /// What a key makes of it; `None`: it is closed.
    pub fn act(&self, action: Option<Action>, keymap: &Keymap, theme: &Theme, body: Rect) -> Option<Help> {
        let lines = lines(keymap, self.scope, theme).len();
        let seen = rows(lines, body) * columns(lines, body);
        if matches!(action, Some(Action::Help | Action::Back | Action::Open | Action::Quit)) {
            return None;
        }
        let scroll = action.and_then(|action| self.scroll.act(action, lines, seen, false));
        Some(Help { scroll: scroll.unwrap_or(self.scroll), ..*self })
    }

    /// Draws it.
    pub fn draw(&self, keymap: &Keymap, theme: &Theme, body: Rect, buf: &mut Buffer) {
        let lines = lines(keymap, self.scope, theme);
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
            let word = format!(" {}-{} of {} (up/down, esc) ", skip + 1, (skip + rows * columns).min(lines.len()), lines.len());
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
fn lines(keymap: &Keymap, first: Scope, theme: &Theme) -> Vec<(String, &'static str)> {
    let (front, others): (Vec<_>, Vec<_>) = keymap.rows().iter().partition(|row| row.scope == first);
    let headed = |rows: Vec<&Binding>| -> Vec<(String, &'static str)> {
        let of_scope = |rows: &[&Binding]| {
            let heading = (String::new(), rows[0].scope.title());
            std::iter::once(heading).chain(rows.iter().map(|row| (row.keys.join(" "), row.does))).collect::<Vec<_>>()
        };
        rows.chunk_by(|a, b| a.scope == b.scope).flat_map(of_scope).collect()
    };
    [headed(front), legend(first, theme), headed(others)].concat()
}

/// The signs of a tab, and what else is seen or typed there that no key tells.
fn legend(tab: Scope, theme: &Theme) -> Vec<(String, &'static str)> {
    let states =
        [Some(RunState::Running), Some(RunState::Finished), Some(RunState::Failed), Some(RunState::Stopped), Some(RunState::Lost), None];
    let marks = [MarkKind::Alert, MarkKind::Note, MarkKind::Checkpoint, MarkKind::Restart].map(|kind| theme.mark(kind).0);
    let (heading, rows) = match tab {
        Scope::Graphs => (
            "signs",
            vec![
                (marks.join(" "), "alert, note, checkpoint, restart"),
                (theme.gap().to_owned(), "a value that is no number"),
                ("~0.9 ema(0.9)".into(), "how much the thick curve is smoothed; thin: as logged"),
            ],
        ),
        Scope::Runs => (
            "signs, and words for the filter",
            [
                (states.map(|state| theme.state_sign(state)).join(" "), "running, finished, failed, stopped, lost, not told"),
                (format!("* {}", theme.mark(MarkKind::Note).0), "kept on top, has notes"),
            ]
            .into_iter()
            .chain(RUN_FILTER.map(|(words, means)| (words.to_owned(), means)))
            .collect(),
        ),
        Scope::Logs => ("signs", vec![("E W".into(), "the line speaks of an error, of a warning")]),
        _ => return vec![],
    };
    [vec![(String::new(), heading)], rows].concat()
}
