//! The command palette: everything that a key does, by name.

use super::input::{Key, draw_line};
use crate::text;
use crate::ui::{
    edit::Line,
    keymap::{self, Action, Binding, Keymap, Scope},
    pane::Effect,
    theme::Theme,
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use serde_json::{Value, json};

/// Cells of a command with its keys; with fewer it has one key, and none with even fewer.
const WIDTH: usize = 70;
const NARROW: usize = 40;

/// What is typed, and which of the commands that fit it is chosen.
#[derive(Clone, Debug)]
pub struct Palette {
    line: Line,
    chosen: usize,
    /// The tab in front: only its own commands are offered.
    scope: Scope,
}

/// What a key did to it.
#[derive(Clone, PartialEq, Debug)]
pub enum Chosen {
    /// Do this.
    Action(Action),
    /// It is closed.
    Nothing,
    /// It stays open, and its text goes to the clipboard.
    Copied(String),
    /// It stays open.
    NotYet(Vec<Effect>),
}

impl Palette {
    /// A palette with the commands of a tab.
    pub fn new(scope: Scope) -> Palette {
        Palette { line: Line::default(), chosen: 0, scope }
    }

    /// What is typed.
    pub fn text(&self) -> String {
        self.line.text()
    }

    /// What [`Palette::draw`] shows: the command that enter would do, and those in sight.
    pub fn tell(&self, keymap: &Keymap, body: Rect) -> Value {
        let rows = self.fitting(keymap);
        let visible: Vec<&str> = self.in_sight(&rows, body).map(|(_, row)| row.name).collect();
        json!({"chosen": rows.get(self.chosen).map(|row| row.name), "commands": rows.len(), "visible": visible})
    }

    /// The commands that have a row, each with its place among all.
    fn in_sight<'a>(&self, rows: &'a [&Binding], body: Rect) -> impl Iterator<Item = (usize, &'a Binding)> {
        let height = usize::from(body.height.saturating_sub(1));
        rows.iter().copied().enumerate().skip((self.chosen + 1).saturating_sub(height)).take(height)
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        text.chars().for_each(|c| self.line.insert(c));
        self.chosen = 0;
    }

    /// Chooses the next command, or the one before.
    pub fn turn(&mut self, down: bool, keymap: &Keymap) {
        let last = self.fitting(keymap).len().saturating_sub(1);
        self.chosen = if down { (self.chosen + 1).min(last) } else { self.chosen.saturating_sub(1) };
    }

    /// The command that stands at `y` of the screen.
    pub fn clicked(&self, y: u16, keymap: &Keymap, body: Rect) -> Option<Action> {
        let down = usize::from(y.checked_sub(body.y + 1)?);
        self.in_sight(&self.fitting(keymap), body).nth(down).map(|(_, row)| row.action)
    }

    /// Takes a key.
    pub fn take(&mut self, key: Key, keymap: &Keymap) -> Chosen {
        match key.action {
            Some(Action::Keep) => {
                return self.fitting(keymap).get(self.chosen).map_or(Chosen::Nothing, |row| Chosen::Action(row.action));
            }
            Some(Action::Cancel) => return Chosen::Nothing,
            Some(Action::Copy) => return Chosen::Copied(self.text()),
            Some(Action::Paste) => return Chosen::NotYet(vec![Effect::Paste]),
            Some(action @ (Action::Older | Action::Newer)) => self.turn(action == Action::Newer, keymap),
            Some(action) => self.line.edit(action),
            None => match keymap::typed(key.key) {
                Some(c) => {
                    self.line.insert(c);
                    self.chosen = 0;
                }
                None => return Chosen::NotYet(vec![]),
            },
        }
        self.chosen = self.chosen.min(self.fitting(keymap).len().saturating_sub(1));
        Chosen::NotYet(vec![Effect::Draw])
    }

    fn fitting<'a>(&self, keymap: &'a Keymap) -> Vec<&'a Binding> {
        let words = self.line.text().to_lowercase();
        let fits = |row: &&Binding| {
            let (name, does) = (row.name.to_lowercase(), row.does.to_lowercase());
            words.split_whitespace().all(|word| name.contains(word) || does.contains(word))
        };
        let offered = |row: &&Binding| row.scope == Scope::Board || row.scope == self.scope;
        let mut found: Vec<&Binding> =
            keymap.rows().iter().filter(offered).filter(|row| row.action != Action::Palette).filter(fits).collect();
        // What begins so is more likely meant than what has it in its words; what the tab in front can do, than what all can.
        found.sort_by_key(|row| (!row.name.starts_with(words.trim()), row.scope == Scope::Board));
        found
    }

    /// Draws it over the whole body.
    pub fn draw(&self, keymap: &Keymap, theme: &Theme, body: Rect, buf: &mut Buffer) {
        if body.is_empty() {
            return;
        }
        let room = usize::from(body.width);
        let x = buf.set_stringn(body.x, body.y, ":", room, theme.accent()).0;
        let left = |x: u16| usize::from(body.right().saturating_sub(x));
        draw_line(&self.line, theme, Rect { x, width: left(x) as u16, height: 1, ..body }, buf);
        let rows = self.fitting(keymap);
        for (y, (i, row)) in (body.y + 1..body.bottom()).zip(self.in_sight(&rows, body)) {
            let width = room.min(WIDTH);
            // All keys where there is room, else the first one, else none.
            let keys = match room {
                WIDTH.. => format!("  {} ", row.keys.join(" ")),
                NARROW.. => format!("  {} ", row.keys.first().map_or("", String::as_str)),
                _ => String::new(),
            };
            let words = width.saturating_sub(text::width(&keys));
            let line = text::cut(&format!(" {:<16} {}", row.name, row.does), words).into_owned();
            let style = if i == self.chosen { theme.chosen() } else { Style::new() };
            buf.set_stringn(body.x, y, theme.plain(text::fit(&line, words).into()), words, style);
            let at = body.x + words as u16;
            buf.set_stringn(at, y, keys, left(at), style.patch(theme.quiet()));
        }
        if rows.is_empty() && body.height > 1 {
            buf.set_stringn(body.x, body.y + 1, "no command is called so", room, theme.warn());
        }
    }
}
