//! A canvas: its spec (what it should be), its state (what was made of it), and the plan that turns a size
//! into places for panes.
//! Never here: tmux commands, sockets, drawing.

mod chat;
mod choose;
pub mod io;
mod plan;
mod spec;

pub use chat::Message;
pub use choose::{ChooseError, Here, choose};
pub use plan::{Arrangement, Place, plan};
pub use spec::{Agent, PaneSpec, Problem, Spec, SpecError};

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a canvas was made of: `state.json` in its folder, replaced atomically.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CanvasState {
    /// Version of this file.
    pub v: u32,
    /// Stable id: short, safe in a file name; names the socket `<id>.sock`.
    pub id: String,
    /// Name, unique among the canvases of a store.
    pub name: String,
    /// Preset it was made from.
    pub scenario: String,
    /// Run folder or foreign run that it shows.
    pub run: Option<PathBuf>,
    /// Run id, when the run is og's own.
    pub run_id: Option<String>,
    /// The tmux socket as `tmux` takes it: empty for the default server, `-L name`, `-S path`.
    pub tmux: String,
    /// Session that the canvas lives in.
    pub session: String,
    /// Window id (`@1`) of the canvas.
    pub window: String,
    /// The panes made.
    pub panes: Vec<PaneState>,
    /// The last layout string that og applied; another one at the same size means a person moved a border.
    pub layout: String,
    /// A person moved a border: leave the layout alone.
    pub manual: bool,
    /// Keep the controller when all panes are gone, for as long as their session is there.
    pub keep: bool,
    /// A person closed it; its controller waits for the end of the training.
    pub closed: bool,
    /// When it was made, ISO 8601.
    pub created_at: String,
    /// Process id of the controller that runs it, if one said so; while it is being made, of its maker.
    pub controller_pid: Option<u32>,
}

/// One pane that og made.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PaneState {
    /// `train`, `graph`, `status`.
    pub role: String,
    /// tmux's id, e.g. `%3`.
    pub pane: String,
    /// Process of the pane when it was made.
    pub pid: u32,
}
