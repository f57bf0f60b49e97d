//! What the two panes have in common: events in, effects out, one drawing.

use super::facts::{Facts, SeriesMap};
use crate::ipc::wire::{Health, Shown};
use crate::model::Exit;
use crossterm::event::KeyEvent;
use ratatui::{buffer::Buffer, layout::Rect};
use std::time::Duration;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A key went down.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The pane has this size now.
    Resized(u16, u16),
    /// The run was read on.
    Data {
        /// What is said of it.
        facts: Box<Facts>,
        /// Its points.
        series: &'a SeriesMap,
    },
    /// The spec says which metrics to draw (none: all) and how the canvas is called.
    Spec {
        /// Names of keys, as in a spec.
        graphs: Vec<String>,
        /// Title of the canvas.
        title: String,
    },
    /// The controller answers, or does not.
    Controller(Link),
    /// The controller saw the training end, or start again.
    RunEnded(Option<Exit>),
    /// The controller wants everything drawn again; the number is reported back.
    Redraw(u64),
    /// The [`Pane::deadline`] has come.
    Deadline,
}

/// How the controller is, as far as the pane knows.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Link {
    /// Nothing is known yet.
    #[default]
    Unknown,
    /// It answers, and said this of the canvas.
    Up(Health),
    /// It does not answer; we try again.
    Down,
}

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Draw at once: a person waits.
    Draw,
    /// Draw at the next turn.
    DrawSoon,
    /// Draw at once, every cell.
    DrawAll,
    /// Leave.
    Quit,
}

/// A pane. `now` is the time since the pane started.
pub trait Pane {
    /// Takes an event in.
    fn update(&mut self, event: Event<'_>, now: Duration) -> Vec<Effect>;
    /// Draws; only reads.
    fn draw(&self, series: &SeriesMap, area: Rect, buf: &mut Buffer);
    /// What [`Pane::draw`] shows on an area of this size.
    fn shown(&self, series: &SeriesMap, area: Rect) -> Shown;
    /// Title of the terminal.
    fn title(&self) -> String;
    /// When to send [`Event::Deadline`]; `None`: never.
    fn deadline(&self) -> Option<Duration>;
}
