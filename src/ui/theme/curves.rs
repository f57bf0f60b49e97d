//! How charts look: samples of curves, marks, the cursor, heat.

use super::Theme;
use crate::ui::{board::Level, raster::Dots};
use ratatui::style::{Modifier, Style};

/// A token that is less probable than this is unlikely.
pub const UNLIKELY: f64 = 0.1;
/// One that is less probable than this was no sure choice.
const UNSURE: f64 = 0.5;

/// What happened at a moment of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MarkKind {
    /// Weights were saved.
    Checkpoint,
    /// Somebody remarked something, or changed something.
    Note,
    /// The training started again.
    Restart,
    /// Somebody was asked to look.
    Alert,
}

impl MarkKind {
    /// As an agent reads it.
    pub fn word(self) -> &'static str {
        match self {
            MarkKind::Checkpoint => "checkpoint",
            MarkKind::Note => "note",
            MarkKind::Restart => "restart",
            MarkKind::Alert => "alert",
        }
    }
}

impl Theme {
    fn rich(&self) -> bool {
        self.dots() != Dots::Ascii
    }

    /// The `n`-th curve of a chart's own run. Beside other runs, which have the colours, they differ by pattern only.
    pub fn own(&self, n: usize, focused: bool, beside_runs: bool) -> Style {
        match (n, focused) {
            (n, _) if n > 0 && !beside_runs => self.run(n - 1),
            (_, true) => self.curve_focused(),
            (_, false) => self.curve(),
        }
    }

    /// A sample of a curve of this pattern.
    pub fn sample(&self, pattern: usize) -> &'static str {
        let samples = if self.rich() { ["━", "╍", "┉", "╺"] } else { ["-", "=", ".", "~"] };
        samples[pattern % samples.len()]
    }

    /// The sign of a mark, and how it looks.
    pub fn mark(&self, kind: MarkKind) -> (&'static str, Style) {
        let (sign, plain, style) = match kind {
            MarkKind::Alert => ("!", "!", self.bad()),
            MarkKind::Restart => ("↻", "R", self.warn()),
            MarkKind::Note => ("✎", "n", self.title()),
            MarkKind::Checkpoint => ("◉", "c", self.quiet()),
        };
        (if self.rich() { sign } else { plain }, style)
    }

    /// The line below a mark.
    pub fn mark_line(&self) -> &'static str {
        if self.rich() { "┊" } else { ":" }
    }

    /// The crosshair: its line, and how it looks.
    pub fn crosshair(&self) -> (&'static str, Style) {
        (if self.rich() { "│" } else { "|" }, self.value())
    }

    /// The field of a plot that is marked by the crosshair though a curve stands there.
    pub fn cursor_on_curve(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A token of this probability: unlikely ones are marked by more than their colour.
    pub fn likelihood(&self, probability: Option<f64>) -> Style {
        match probability {
            Some(unlikely) if unlikely < UNLIKELY => self.bad().add_modifier(Modifier::UNDERLINED),
            Some(unsure) if unsure < UNSURE => self.warn().add_modifier(Modifier::ITALIC),
            _ => Style::new(),
        }
    }

    /// The right place on a map, the guess that is in focus, and the other guesses.
    pub fn places(&self) -> [(&'static str, Style); 3] {
        let [truth, guess, other] = if self.rich() { ["✚", "◉", "○"] } else { ["+", "@", "o"] };
        [(truth, self.accent()), (guess, self.title().add_modifier(Modifier::BOLD)), (other, self.quiet())]
    }

    /// A line that speaks of a trouble, or of none: a sign, and how it looks.
    pub fn level(&self, level: Option<Level>) -> (&'static str, Style) {
        match level {
            Some(Level::Error) => ("E", self.bad().remove_modifier(Modifier::BOLD)),
            Some(Level::Warning) => ("W", self.warn()),
            Some(Level::Info) => ("I", Style::new()),
            Some(Level::Debug) => ("D", self.faint()),
            None => (" ", Style::new()),
        }
    }

    /// A slider: its line, and what slides on it.
    pub fn slider(&self) -> [&'static str; 2] {
        if self.rich() { ["─", "●"] } else { ["-", "O"] }
    }

    /// The best of a group, and the worst.
    pub fn extremes(&self) -> [(&'static str, Style); 2] {
        let [best, worst] = if self.rich() { ["▲", "▼"] } else { ["^", "v"] };
        [(best, self.good()), (worst, self.bad())]
    }

    /// A cell of a heat strip, `heat` from 0 to 1. It differs in shape as well as in weight.
    pub fn heat(&self, heat: f64) -> (&'static str, Style) {
        const BLOCKS: [&str; 5] = ["·", "░", "▒", "▓", "█"];
        const PLAIN: [&str; 9] = [".", ":", "-", "=", "+", "*", "#", "%", "@"];
        let shades: &[&str] = if self.rich() { &BLOCKS } else { &PLAIN };
        let level = ((heat.clamp(0.0, 1.0) * shades.len() as f64) as usize).min(shades.len() - 1);
        (shades[level], if heat > 0.8 { self.curve_focused() } else { self.curve() })
    }
}
