//! Where the panes meet the world. Keys, files and the controller come in through one channel, frames go out; while nothing
//! happens, nothing runs.
//!
//! Who listens is in `wake`, the loop in `turn`, what a pane wants done in `effects`, and all that is read in `sources`: `canvas` (the
//! folder of the canvas), `host` (the machine), `runs` and `catalog` (the other runs), `rollouts` (what the model answered). `link`
//! is the line to the controller, `screen` the terminal, `person` what is known of who sits there.

mod canvas;
mod catalog;
mod clipboard;
mod effects;
mod files;
mod host;
mod link;
mod person;
mod picture;
#[cfg(test)]
pub(super) mod recorded;
mod rollouts;
mod runs;
mod screen;
mod sources;
#[cfg(test)]
mod speed;
mod turn;
mod wake;

pub use catalog::Catalog;
pub use person::{Looks, keys};
pub use picture::{Picture, PictureError, picture};
#[cfg(test)]
pub(super) use rollouts::Desk;

use super::{pane::Pane, status::Status};
use crate::canvas::{
    CanvasState,
    io::{self as canvas_io, CanvasError},
};
use crate::ipc::io::socket_path;
use crate::source::io::Watch;
use crate::store::RunReader;
use person::{Person, utc_offset};
use screen::Screen;
use sources::Sources;
use std::{
    fs::File,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool, mpsc::sync_channel},
};
use turn::{Loop, Wires};
use wake::{listen_to_signals, listen_to_terminal, watch};

/// Events that may wait. Keys typed faster than this are held back in the terminal.
const INBOX_MAX: usize = 256;

/// Why a pane could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum UiError {
    /// There is nothing to draw on.
    #[error("a pane needs a terminal")]
    NoTerminal,
    /// The terminal refused.
    #[error("cannot {doing} the terminal")]
    Terminal {
        /// The verb.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The folder is not that of a canvas.
    #[error(transparent)]
    Canvas(#[from] CanvasError),
}

impl UiError {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            UiError::NoTerminal => Some(
                "without one: `og view RUN --shot -` prints the graphs, `og inspect RUN` the numbers; `og canvas spawn` opens a canvas"
                    .into(),
            ),
            UiError::Canvas(error) => error.hint(),
            UiError::Terminal { .. } | UiError::Thread(_) => None,
        }
    }
}

/// Runs the graph pane of the canvas in `canvas_dir` until it is quit.
pub fn graph(canvas_dir: &Path) -> Result<(), UiError> {
    let state = canvas_io::read(canvas_dir)?;
    run_in_canvas(Person::of_process(Looks::default()).board(), "graph", canvas_dir, state)
}

/// How far og's panes stand back behind the training and tmux where there are not enough cores for all.
const NICE: i32 = 10;

/// Runs the status pane of the canvas in `canvas_dir` until it is quit.
pub fn status(canvas_dir: &Path) -> Result<(), UiError> {
    let state = canvas_io::read(canvas_dir)?;
    let person = Person::of_process(Looks::default());
    run_in_canvas(Status::new(person.theme, utc_offset(), state.name.clone()).bind(person.keymap), "status", canvas_dir, state)
}

/// Runs the board on one run in this terminal, without a canvas, until it is quit. `graphs`: names of the metrics to draw, as
/// in a spec; none: all.
/// `set`: names and values to be shown at once. `place`: the folder whose runs are listed, where one was asked for.
pub fn view(reader: RunReader, place: Option<&Path>, graphs: Vec<String>, looks: Looks, set: Vec<(String, String)>) -> Result<(), UiError> {
    let sources = |watch| Sources::of_run(reader, place, watch);
    let mut pane = Person::of_process(looks).board();
    pane.view_alone(graphs);
    pane.show_first(set.into_iter().map(|(name, value)| (name, value.into())).collect());
    run(pane, None, sources)
}

fn run_in_canvas<P: Pane>(pane: P, role: &'static str, canvas_dir: &Path, state: CanvasState) -> Result<(), UiError> {
    // It fails only where we stand back already.
    let _ = rustix::process::nice(NICE);
    // Without a safe folder for it there is no socket, and nothing will ever stand at the empty path.
    let socket = socket_path(&state.id).unwrap_or_default();
    let sources = |watch| {
        let mut sources = Sources::of_canvas(canvas_dir, &socket, state, watch);
        sources.looks_at_host = role == "status";
        sources
    };
    run(pane, Some((socket.clone(), role)), sources)
}

/// `link`: the socket of the controller, and as what to speak to it.
fn run<P: Pane>(pane: P, link: Option<(PathBuf, &'static str)>, sources: impl FnOnce(Option<Watch>) -> Sources) -> Result<(), UiError> {
    // The keyboard is that of the terminal where standard input is something else.
    let has_keyboard = io::stdin().is_terminal() || File::open("/dev/tty").is_ok();
    if !(has_keyboard && io::stdout().is_terminal()) {
        return Err(UiError::NoTerminal);
    }
    let (tell, inbox) = sync_channel(INBOX_MAX);
    let signals = listen_to_signals(tell.clone())?;
    let screen = Screen::enter().map_err(|source| UiError::Terminal { doing: "take", source })?;
    listen_to_terminal(tell.clone()).map_err(UiError::Thread)?;
    let follow = |(socket, role)| link::follow(socket, role, tell.clone());
    let bell = link.map(follow).transpose().map_err(UiError::Thread)?;
    let stirred = Arc::new(AtomicBool::new(false));
    let sources = sources(watch(tell.clone(), Arc::clone(&stirred)));
    Loop::new(pane, screen, sources, Wires { wake: tell, signals, stirred, bell }).run(inbox)
}

/// What a variable of the environment names.
pub fn env_path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

/// An error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
