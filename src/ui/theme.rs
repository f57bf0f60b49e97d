//! Colours and signs: cyan and lime on whatever background the terminal has.

use super::raster::Dots;
use crate::model::RunState;
use ratatui::{
    style::{Color, Modifier, Style},
    symbols::border,
};

/// How things look on this terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Theme {
    colour: bool,
    unicode: bool,
}

impl Theme {
    /// Without `colour` only bold, dim and reverse are used; without `unicode` only ASCII.
    pub const fn new(colour: bool, unicode: bool) -> Theme {
        Theme { colour, unicode }
    }

    /// What curves are made of.
    pub fn dots(&self) -> Dots {
        if self.unicode { Dots::Braille } else { Dots::Ascii }
    }

    fn fg(&self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// Names and titles.
    pub fn title(&self) -> Style {
        self.fg(Color::Cyan)
    }

    /// What is in focus, what is typed.
    pub fn accent(&self) -> Style {
        self.fg(Color::LightGreen).add_modifier(Modifier::BOLD)
    }

    /// The one of several that is chosen.
    pub fn chosen(&self) -> Style {
        self.title().add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    /// Values.
    pub fn value(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Borders, axes, hints.
    pub fn faint(&self) -> Style {
        if self.colour { Style::new().fg(Color::DarkGray) } else { Style::new().add_modifier(Modifier::DIM) }
    }

    /// Text that matters less.
    pub fn quiet(&self) -> Style {
        self.fg(Color::Gray)
    }

    /// Something is wrong.
    pub fn bad(&self) -> Style {
        self.fg(Color::LightRed).add_modifier(Modifier::BOLD)
    }

    /// Something is odd.
    pub fn warn(&self) -> Style {
        self.fg(Color::Yellow)
    }

    /// A curve.
    pub fn curve(&self) -> Style {
        self.fg(Color::LightCyan)
    }

    /// The curve of the chart in focus.
    pub fn curve_focused(&self) -> Style {
        self.fg(Color::LightGreen)
    }

    /// How many runs can be told apart by colour and sign.
    pub const RUNS: usize = 8;

    /// One of several runs that are drawn together, by number; more than [`Theme::RUNS`] begin anew.
    pub fn run(&self, number: usize) -> Style {
        const COLOURS: [Color; Theme::RUNS] = [
            Color::LightMagenta,
            Color::LightYellow,
            Color::LightBlue,
            Color::LightRed,
            Color::Green,
            Color::Magenta,
            Color::Blue,
            Color::Yellow,
        ];
        self.fg(COLOURS[number % COLOURS.len()])
    }

    /// The sign of that run, for eyes and terminals without colour.
    pub fn run_sign(&self, number: usize) -> &'static str {
        const SHAPES: [&str; Theme::RUNS] = ["◆", "▲", "■", "★", "▼", "◇", "△", "□"];
        const LETTERS: [&str; Theme::RUNS] = ["a", "b", "c", "d", "e", "f", "g", "h"];
        if self.unicode { SHAPES[number % SHAPES.len()] } else { LETTERS[number % LETTERS.len()] }
    }

    /// Raw points behind a smoothed curve.
    pub fn curve_raw(&self) -> Style {
        self.faint()
    }

    /// The state of a run.
    pub fn state(&self, state: Option<RunState>) -> Style {
        let colour = match state {
            Some(RunState::Running) => Color::LightGreen,
            Some(RunState::Finished) => Color::LightCyan,
            Some(RunState::Failed | RunState::Crashed) => Color::LightRed,
            Some(RunState::Stopped | RunState::Lost) => Color::Yellow,
            None => Color::DarkGray,
        };
        self.fg(colour).add_modifier(Modifier::BOLD)
    }

    /// A sign for the state of a run.
    pub fn state_sign(&self, state: Option<RunState>) -> &'static str {
        match (state, self.unicode) {
            (Some(RunState::Running), true) => "●",
            (Some(RunState::Finished), true) => "✓",
            (Some(RunState::Failed | RunState::Crashed), true) => "✗",
            (Some(RunState::Stopped), true) => "■",
            (Some(RunState::Lost), true) => "?",
            (None, true) => "○",
            (Some(RunState::Running), false) => "*",
            (Some(RunState::Finished), false) => "+",
            (Some(RunState::Failed | RunState::Crashed), false) => "x",
            (Some(RunState::Stopped), false) => "#",
            (Some(RunState::Lost), false) => "?",
            (None, false) => "-",
        }
    }

    /// Between the parts of a line.
    pub fn separator(&self) -> &'static str {
        if self.unicode { " │ " } else { " | " }
    }

    /// Borders of a chart; the focused one differs in shape, for eyes and readers without colour.
    pub fn border(&self, focused: bool) -> border::Set<'static> {
        const fn ascii(horizontal: &'static str, vertical: &'static str) -> border::Set<'static> {
            border::Set {
                top_left: "+",
                top_right: "+",
                bottom_left: "+",
                bottom_right: "+",
                vertical_left: vertical,
                vertical_right: vertical,
                horizontal_top: horizontal,
                horizontal_bottom: horizontal,
            }
        }
        match (self.unicode, focused) {
            (true, true) => border::THICK,
            (true, false) => border::ROUNDED,
            (false, true) => ascii("=", "#"),
            (false, false) => ascii("-", "|"),
        }
    }

    /// The y axis: plain, and beside a mark.
    pub fn axis(&self) -> (&'static str, &'static str) {
        if self.unicode { ("│", "┤") } else { ("|", "+") }
    }

    /// Under a column that holds a NaN or an infinity.
    pub fn gap(&self) -> &'static str {
        if self.unicode { "╳" } else { "x" }
    }

    /// A progress bar: full, empty.
    pub fn bar(&self) -> (&'static str, &'static str) {
        if self.unicode { ("█", "░") } else { ("#", ".") }
    }

    /// Steps of a curve that is one row high, lowest first.
    pub fn spark(&self) -> [&'static str; 8] {
        if self.unicode { ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] } else { ["_", ".", ",", "-", "~", "=", "+", "*"] }
    }

    /// Lines of a tree: past a level, to a branch, to the last branch, nothing.
    pub fn tree(&self) -> [&'static str; 4] {
        if self.unicode { ["│  ", "├─ ", "└─ ", "   "] } else { ["|  ", "|- ", "`- ", "   "] }
    }

    /// Before the row in focus.
    pub fn cursor(&self) -> &'static str {
        if self.unicode { "▸" } else { ">" }
    }

    /// The direction of an order: upwards, downwards.
    pub fn sorted(&self, down: bool) -> &'static str {
        match (down, self.unicode) {
            (false, true) => "↑",
            (true, true) => "↓",
            (false, false) => "^",
            (true, false) => "v",
        }
    }

    /// What is better than something else.
    pub fn good(&self) -> Style {
        self.fg(Color::LightGreen).add_modifier(Modifier::BOLD)
    }

    /// A sign for a trend: `up`, `down`, `flat`.
    pub fn trend(&self, trend: Option<&str>) -> &'static str {
        match (trend, self.unicode) {
            (Some("up"), true) => "↗",
            (Some("down"), true) => "↘",
            (Some("flat"), true) => "→",
            (Some("up"), false) => "^",
            (Some("down"), false) => "v",
            (Some("flat"), false) => "=",
            _ => " ",
        }
    }

    /// `text` with what ASCII cannot say replaced, when the terminal knows only ASCII.
    pub fn plain<'a>(&self, text: std::borrow::Cow<'a, str>) -> std::borrow::Cow<'a, str> {
        if self.unicode || text.is_ascii() {
            return text;
        }
        text.chars()
            .map(|c| {
                if c == '…' {
                    '~'
                } else if c.is_ascii() {
                    c
                } else {
                    '?'
                }
            })
            .collect::<String>()
            .into()
    }
}
