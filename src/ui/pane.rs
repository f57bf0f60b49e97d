//! What the panes have in common: events in, effects out, one drawing.

use super::facts::{Facts, SeriesMap};
use crate::ipc::wire::{Health, Shown};
use crate::model::Exit;
use crate::store::RunPicture;
use crossterm::event::KeyEvent;
use ratatui::{buffer::Buffer, layout::Rect};
use std::time::Duration;

/// What is known of the world, read while keys are taken and frames are drawn, and never changed by either.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The run of the canvas.
    pub run: &'a RunPicture,
}

impl<'a> Scene<'a> {
    /// The curves of the run.
    pub fn series(&self) -> &'a SeriesMap {
        &self.run.series
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A key went down.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The pane has this size now.
    Resized(u16, u16),
    /// The run was read on; this is said of it.
    Data(Box<Facts>),
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
    /// There is no canvas, so no controller either.
    None,
    /// It answers, and said this of the canvas.
    Up(Health),
    /// It does not answer; we try again.
    Down,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Draw at once: a person waits.
    Draw,
    /// Draw at the next turn.
    DrawSoon,
    /// Draw at once, every cell.
    DrawAll,
    /// Give this text to the clipboard of the terminal.
    Copy(String),
    /// Leave.
    Quit,
}

/// A pane. `now` is the time since the pane started.
pub trait Pane {
    /// Takes an event in.
    fn update(&mut self, event: Event, scene: Scene<'_>, now: Duration) -> Vec<Effect>;
    /// A key as this pane knows it: Escape and a key right behind it may have come as one.
    fn apart(&self, key: KeyEvent) -> Vec<KeyEvent>;
    /// Draws; only reads.
    fn draw(&self, scene: Scene<'_>, area: Rect, buf: &mut Buffer);
    /// What [`Pane::draw`] shows on an area of this size.
    fn shown(&self, scene: Scene<'_>, area: Rect) -> Shown;
    /// Title of the terminal.
    fn title(&self) -> String;
    /// When to send [`Event::Deadline`]; `None`: never.
    fn deadline(&self) -> Option<Duration>;
}
