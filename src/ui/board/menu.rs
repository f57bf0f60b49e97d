//! The menu, the options and the saved views: short lists of which one is chosen.

use super::set;
use crate::text;
use crate::ui::{
    config::View,
    keymap::Action,
    theme::{Depth, Frame, Glyphs, Scheme, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use serde_json::{Value, json};
use std::{collections::BTreeMap, ops::Range};

/// As it is found by itself.
pub const AUTO: &str = "auto";

/// What the option of smoothing steps through.
const SMOOTHING: &[&str] = &[AUTO, "off", "ema(0.5)", "ema(0.7)", "ema(0.8)", "ema(0.9)", "ema(0.95)", "ema(0.98)"];

/// A list that is open above the tabs, and its chosen row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum List {
    /// Options, help, quit.
    Menu(usize),
    /// How things look.
    Options(usize),
    /// The saved views.
    Views(usize),
    /// The same, when the chosen one is about to be removed.
    Removing(usize),
}

/// How things look now.
#[derive(Clone, PartialEq, Debug)]
pub struct Looks {
    /// Colours and characters.
    pub theme: Theme,
    /// How many colours the person wants; `None`: as many as the terminal is found to have.
    pub colours: Option<Depth>,
    /// What stands around a tab.
    pub ui: Frame,
    /// Of the charts, as `og set` takes it.
    pub smoothing: String,
}

/// What a key made of a list.
#[derive(Clone, PartialEq, Debug)]
pub enum Chose {
    /// It stays open.
    Stay(List),
    /// It is closed.
    Close,
    /// An entry of the menu.
    Entry(Action),
    /// An option changed: its name in the config file, and its value as it is written there.
    Option(List, &'static str, String),
    /// A view of this name is to be shown.
    View(String),
    /// It is to be removed.
    Remove(List, String),
}

const ENTRIES: [(&str, Action); 3] = [("Options", Action::Options), ("Help", Action::Help), ("Quit", Action::Quit)];
const OPTIONS: [&str; 5] = ["theme", "colours", "glyphs", "ui", "smoothing"];

impl List {
    /// As an agent reads it.
    pub fn name(self) -> &'static str {
        match self {
            List::Menu(_) => "menu",
            List::Options(_) => "options",
            List::Views(_) | List::Removing(_) => "views",
        }
    }

    /// The chosen row, 0-based.
    pub fn row(self) -> usize {
        match self {
            List::Menu(row) | List::Options(row) | List::Views(row) | List::Removing(row) => row,
        }
    }

    fn at(self, row: usize) -> List {
        match self {
            List::Menu(_) => List::Menu(row),
            List::Options(_) => List::Options(row),
            List::Views(_) | List::Removing(_) => List::Views(row),
        }
    }

    /// The same with the row chosen that stands at `y` of the screen; `None`: none stands there.
    pub fn clicked(self, y: u16, looks: &Looks, views: &BTreeMap<String, View>, body: Rect) -> Option<List> {
        let rows = self.rows(looks, views, body.width).len();
        let above = lines_above(rows, body);
        let down = usize::from(y).checked_sub(usize::from(first_line(rows, body)) + above)?;
        self.in_sight(rows, above, body).nth(down).map(|row| self.at(row))
    }

    /// What a key makes of it.
    pub fn act(self, action: Option<Action>, looks: &Looks, views: &BTreeMap<String, View>) -> Chose {
        let rows = match self {
            List::Menu(_) => ENTRIES.len(),
            List::Options(_) => OPTIONS.len(),
            List::Views(_) | List::Removing(_) => views.len(),
        };
        let row = self.row().min(rows.saturating_sub(1));
        let to = |row: usize| Chose::Stay(self.at(row));
        let turn = |by: isize| {
            let (name, value) = looks.turned(OPTIONS[row], by);
            Chose::Option(self.at(row), name, value)
        };
        match (action, self) {
            (Some(action), List::Removing(_)) => match views.keys().nth(row) {
                Some(name) if action == Action::Remove => Chose::Remove(List::Views(row.min(rows.saturating_sub(2))), name.clone()),
                _ => to(row),
            },
            (Some(Action::Back | Action::Menu), _) | (Some(Action::Quit), List::Options(_) | List::Views(_)) => Chose::Close,
            (Some(Action::Up), _) => to(row.saturating_sub(1)),
            (Some(Action::Down), _) => to((row + 1).min(rows.saturating_sub(1))),
            (Some(Action::First | Action::PageUp), _) => to(0),
            (Some(Action::Last | Action::PageDown), _) => to(rows.saturating_sub(1)),
            (Some(Action::Open), List::Menu(_)) => Chose::Entry(ENTRIES[row].1),
            (Some(action @ (Action::Options | Action::Help | Action::Quit | Action::Views | Action::Tab(_))), _) => Chose::Entry(action),
            (Some(Action::Left), List::Options(_)) => turn(-1),
            (Some(Action::Right | Action::Open), List::Options(_)) => turn(1),
            (Some(Action::Open), List::Views(_)) => views.keys().nth(row).map_or(Chose::Close, |name| Chose::View(name.clone())),
            (Some(Action::Remove), List::Views(_)) if rows > 0 => Chose::Stay(List::Removing(row)),
            _ => to(row),
        }
    }

    fn rows(self, looks: &Looks, views: &BTreeMap<String, View>, width: u16) -> Vec<String> {
        match self {
            List::Menu(_) => ENTRIES.iter().map(|(word, _)| (*word).to_owned()).collect(),
            List::Options(_) => OPTIONS.iter().map(|name| looks.line(name, width)).collect(),
            List::Views(_) | List::Removing(_) => views.iter().map(|(name, view)| view_line(name, view)).collect(),
        }
    }

    /// The rows that have room below `above` lines, by their places.
    fn in_sight(self, rows: usize, above: usize, body: Rect) -> Range<usize> {
        let room = usize::from(body.height).saturating_sub(above);
        let first = (self.row() + 1).saturating_sub(room.max(1)).min(rows);
        first..rows.min(first + room)
    }

    /// What [`List::draw`] shows: the number of the chosen row, and the rows in sight.
    pub fn tell(self, looks: &Looks, views: &BTreeMap<String, View>, body: Rect) -> Value {
        let rows = self.rows(looks, views, body.width);
        let in_sight = self.in_sight(rows.len(), lines_above(rows.len(), body), body);
        json!({"row": self.row() + 1, "rows": rows.len(), "visible": rows[in_sight], "removing": matches!(self, List::Removing(_))})
    }

    /// Draws it over the whole body.
    pub fn draw(self, looks: &Looks, views: &BTreeMap<String, View>, body: Rect, buf: &mut Buffer) {
        let theme = &looks.theme;
        let rows = self.rows(looks, views, body.width);
        let (title, hint) = match self {
            List::Menu(_) => ("og", "up down  enter  esc back"),
            List::Options(_) => ("options", "left right change  esc back  (kept in config.json)"),
            List::Views(_) => ("saved views", "enter show  d remove  esc back"),
            List::Removing(_) => ("remove this view?", "d again removes it  esc keeps it"),
        };
        let none = (rows.is_empty()).then_some("none yet: V saves the view that is shown");
        let width = rows.iter().map(|row| text::width(row)).chain([text::width(title), none.map_or(0, text::width)]).max().unwrap_or(0);
        let width = (width + 4).min(usize::from(body.width)) as u16;
        let x = body.x + (body.width - width) / 2;
        let room = usize::from(width);
        // Title, a blank row, the rows, a blank row, the hint: blank rows and the frame of words give way first.
        let spare = spare(rows.len(), body);
        let y = first_line(rows.len(), body);
        let above = lines_above(rows.len(), body);
        let mut lines = vec![(title.to_owned(), theme.title()), (String::new(), Style::new())];
        lines.truncate(above);
        let chosen = self.row().min(rows.len().saturating_sub(1));
        for i in self.in_sight(rows.len(), above, body) {
            let style = if i == chosen { theme.chosen() } else { Style::new() };
            let sign = if i == chosen { ">" } else { " " };
            lines.push((text::fit(&format!("{sign} {}", rows[i]), room), style));
        }
        lines.extend(none.map(|words| (words.to_owned(), theme.quiet())));
        if spare >= 3 {
            lines.extend([(String::new(), Style::new()), (hint.to_owned(), theme.faint())]);
        }
        for (y, (line, style)) in (y..body.bottom()).zip(&lines) {
            // A hint may be wider than the list.
            let x = if text::width(line) > room { body.x + (body.width.saturating_sub(text::width(line) as u16)) / 2 } else { x };
            let room = usize::from(body.right() - x);
            buf.set_stringn(x, y, theme.plain(text::cut(line, room)), room, *style);
        }
    }
}

/// Rows of the body that a list of so many leaves.
fn spare(rows: usize, body: Rect) -> usize {
    usize::from(body.height).saturating_sub(rows.max(1))
}

/// The row of the screen where it begins.
fn first_line(rows: usize, body: Rect) -> u16 {
    body.y + (spare(rows, body).saturating_sub(4) / 2) as u16
}

/// The title and a blank row stand above a list where there is room.
fn lines_above(rows: usize, body: Rect) -> usize {
    let spare = spare(rows, body);
    usize::from(spare >= 1) + usize::from(spare >= 4)
}

/// A view in one row: its name, its tab, and what else it sets than that tab has anyway.
fn view_line(name: &str, view: &View) -> String {
    let word = |(name, value): (&String, &serde_json::Value)| match (name.as_str(), set::as_text(value)) {
        ("tab", tab) => tab,
        (name, value) => format!("{name}={value}"),
    };
    let words: Vec<String> = view.iter().filter(|(name, value)| !set::is_as_it_comes(view, name, value)).map(word).collect();
    format!("{}  {}", text::fit(name, text::width(name).max(12)), words.join(" "))
}

impl Looks {
    fn word(&self, name: &str) -> &str {
        match name {
            "theme" => self.theme.scheme.word(),
            "colours" => self.colours.map_or(AUTO, Depth::word),
            "glyphs" => self.theme.glyphs.word(),
            "ui" => self.ui.word(),
            _ => &self.smoothing,
        }
    }

    fn line(&self, name: &str, width: u16) -> String {
        /// Name, value and the signs around it.
        const COLS_MIN: u16 = 32;
        if width < COLS_MIN { format!("{name} {}", self.word(name)) } else { format!("{name:<10} < {} >", self.word(name)) }
    }

    /// An option and its next value.
    fn turned(&self, name: &'static str, by: isize) -> (&'static str, String) {
        fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<&'static str> {
            all.iter().map(|value| word(*value)).collect()
        }
        let all = match name {
            "theme" => words(Scheme::ALL, Scheme::word),
            "colours" => [&[AUTO], &words(Depth::ALL, Depth::word)[..]].concat(),
            "glyphs" => words(Glyphs::ALL, Glyphs::word),
            "ui" => words(Frame::ALL, Frame::word),
            _ => SMOOTHING.to_vec(),
        };
        let at = all.iter().position(|word| *word == self.word(name)).unwrap_or(0) as isize + by;
        (name, all[at.rem_euclid(all.len() as isize) as usize].to_owned())
    }
}
