//! What the panes have in common: events in, effects out, one drawing.

use super::config::View;
use super::facts::{Facts, SeriesMap};
use super::host::Machine;
use crate::canvas::Message;
use crate::ipc::wire::{Health, Shown};
use crate::model::{Exit, MetricKey, Series};
use crate::query::RunRow;
use crate::source::{Body, RolloutGroup};
use crate::store::{Remark, RunPicture};
use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::{buffer::Buffer, layout::Rect};
use std::{
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

/// What is known of the world, read while keys are taken and frames are drawn, and never changed by either.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The run of the canvas.
    pub run: &'a RunPicture,
    /// What was said in the canvas; `None`: there is no canvas.
    pub chat: Option<&'a [Message]>,
    /// How the machine is that draws this, when it was looked at.
    pub host: Option<&'a Machine>,
    /// The training runs on this machine, now.
    pub is_here: bool,
    /// The group that it is drawn with, where the runs are grouped and it is one of the selected.
    pub group: Option<&'a str>,
    /// It is the one that the others are compared with.
    pub pinned: bool,
    /// Where the run of the canvas lies: the path that opens this very run.
    pub own: Option<&'a Path>,
    /// All runs that are known, newest first; empty until somebody wants to see them ([`Pane::wants`]).
    pub runs: &'a [RunRow],
    /// The selected runs, the pinned ones first; never the run of the canvas itself.
    pub overlaid: &'a [Overlaid<'a>],
}

/// Most runs that are followed at a time; each keeps its points in memory, and more curves in one chart tell nothing.
pub const OVERLAID_MAX: usize = 32;

/// A run that is drawn over the run of the canvas.
#[derive(Clone, Copy, Debug)]
pub struct Overlaid<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Number of its colour and sign, for `Theme::run` and `Theme::run_sign`; no two runs have the same while there are enough.
    pub colour: usize,
    /// What it came to so far.
    pub picture: &'a RunPicture,
    /// It is the one that the others are compared with.
    pub pinned: bool,
    /// The group that it is drawn with, as mean and band, where the runs are grouped.
    pub group: Option<&'a str>,
}

/// What a pane wants to have read beside the run of the canvas.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wants {
    /// All runs are to be found, and looked at when they change.
    pub runs: bool,
    /// The machine is to be looked at every other second, as long as the training runs on it.
    pub host: bool,
    /// These runs are to be read and followed.
    pub overlaid: Vec<Overlay>,
    /// These answers are to be read; what was found comes as [`Event::Rollouts`].
    pub rollouts: Option<RolloutWant>,
}

/// What is looked at of the answers of the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RolloutWant {
    /// The step; `None`: the newest that has any.
    pub step: Option<i64>,
    /// The one that is read whole: its step and its id.
    pub body: Option<(i64, i64)>,
    /// How many the run told of; with another number there is something new to be found.
    pub count: u64,
}

/// What was found of the answers of the run; what is `None` is as it was.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RolloutNews {
    /// The tracker of the run keeps none that og can read.
    pub none: bool,
    /// The steps that have any, rising.
    pub steps: Option<Vec<i64>>,
    /// The groups of a step.
    pub groups: Option<(i64, Vec<RolloutGroup>)>,
    /// The one that was wanted whole; `None` in it: it is not there any more.
    pub body: Option<Option<Body>>,
    /// Why something cannot be read.
    pub problem: Option<String>,
}

/// A run that a pane wants to have read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Overlay {
    /// What opens it: [`RunRow::path`].
    pub path: PathBuf,
    /// What it is called.
    pub name: String,
    /// As in [`Overlaid`].
    pub colour: usize,
    /// As in [`Overlaid`].
    pub pinned: bool,
    /// As in [`Overlaid`].
    pub group: Option<String>,
}

impl<'a> Scene<'a> {
    /// A run, and nothing else.
    pub fn of(run: &'a RunPicture) -> Scene<'a> {
        Scene { run, chat: None, host: None, is_here: false, group: None, pinned: false, own: None, runs: &[], overlaid: &[] }
    }

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
    /// A button of the mouse, its wheel, or a move with a button down.
    Mouse(MouseEvent),
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
        /// Derived metrics: name and expression.
        derived: Vec<(String, String)>,
        /// Title of the canvas.
        title: String,
    },
    /// The controller answers, or does not.
    Controller(Link),
    /// The controller saw the training end, or start again.
    RunEnded(Option<Exit>),
    /// The controller wants everything drawn again; the number is reported back.
    Redraw(u64),
    /// Somebody else sets names of this pane's state, as `og set` does; the number is reported back.
    Set {
        /// Number of the request.
        number: u64,
        /// Names and values.
        view: View,
    },
    /// So many new messages were said in the canvas.
    Said(usize),
    /// Something that the pane asked for is done, or went wrong: to be told.
    Tell(String),
    /// [`Scene::runs`] or [`Scene::overlaid`] changed.
    Runs(Listing),
    /// The machine was looked at: [`Scene::host`].
    Sampled,
    /// Answers of the run were read.
    Rollouts(Box<RolloutNews>),
    /// The [`Pane::deadline`] has come.
    Deadline,
}

/// How the search for runs stands.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Listing {
    /// Runs whose files are still to be looked at.
    pub left: usize,
    /// Folders that were searched.
    pub places: Vec<String>,
    /// What could not be searched, or not be read, and why.
    pub problems: Vec<String>,
    /// Unix time of the last look.
    pub at: f64,
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
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Draw at once: a person waits.
    Draw,
    /// Draw at the next turn.
    DrawSoon,
    /// Draw at once, every cell.
    DrawAll,
    /// Give this text to the clipboard of the terminal.
    Copy(String),
    /// Ask for the text of the clipboard; it comes as [`Event::Paste`].
    Paste,
    /// Write the screen to files.
    Screenshot {
        /// It is drawn for a bright background.
        bright: bool,
    },
    /// Write series to a file.
    Export(Export),
    /// Add a message of the person to the conversation.
    Say(String),
    /// Keep what is remarked on the run.
    Remark {
        /// Who remarks it: `human`, `agent`.
        author: &'static str,
        /// What it is.
        remark: Remark,
    },
    /// Keep a setting in the config file, or take it away.
    Keep {
        /// Names from the outside in: `["views", "night"]`.
        path: Vec<String>,
        /// `None`: take it away.
        value: Option<serde_json::Value>,
    },
    /// Leave.
    Quit,
}

/// What is to be written to a file.
#[derive(Clone, Debug)]
pub struct Export {
    /// The series as they are now, by the names of their columns, and which of their points are wanted.
    pub series: Vec<(MetricKey, Series, Range<usize>)>,
    /// JSON instead of CSV.
    pub json: bool,
}

impl PartialEq for Export {
    /// Series are told apart by their names and lengths.
    fn eq(&self, other: &Export) -> bool {
        let series = |export: &Export| {
            export.series.iter().map(|(key, series, points)| (key.clone(), series.len(), points.clone())).collect::<Vec<_>>()
        };
        (series(self), self.json) == (series(other), other.json)
    }
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
    /// What is to be read for it.
    fn wants(&self) -> Wants {
        Wants::default()
    }
}
