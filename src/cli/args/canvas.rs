//! Arguments of `og canvas`.

use super::{OneCanvas, Output, ReadArgs, StoreArgs, canvas_name};
use clap::{Args, Subcommand};
use std::ffi::OsString;

/// `og canvas ...`.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub enum CanvasVerb {
    /// Open a canvas of a preset
    #[command(after_help = SPAWN_EXAMPLES)]
    Spawn(SpawnArgs),
    /// List the canvases of this machine and of the store
    #[command(after_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// Attach this terminal to a canvas; one that was closed is opened again
    #[command(after_help = ATTACH_EXAMPLES)]
    Attach(NamedCanvas),
    /// Close og's panes and controller; a live training stays
    #[command(after_help = CLOSE_EXAMPLES)]
    Close(CloseArgs),
    /// Replace the controller; a canvas that was closed is opened again
    #[command(after_help = RESTART_EXAMPLES)]
    Restart(NamedCanvas),
}

// `og canvas spawn`.
#[derive(Args, Debug)]
pub struct SpawnArgs {
    /// default, monitor or review
    #[arg(default_value = "review")]
    pub preset: String,
    /// The run to show: as for `og view`; PATH#NAME is one of several [default: the latest of the store]
    #[arg(long, value_name = "RUN")]
    pub run: Option<OsString>,
    #[command(flatten)]
    pub options: SpawnOptions,
}

// Options of a canvas without a training.
#[derive(Args, Debug)]
pub struct SpawnOptions {
    /// Keys that replace those of the preset, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub config: Option<String>,
    /// Name of the canvas [default: the name of the run]
    #[arg(long, value_parser = canvas_name)]
    pub name: Option<String>,
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    /// tmux server: a name (tmux -L), or a path with a `/` (tmux -S)
    #[arg(long, value_name = "SOCKET")]
    pub tmux_socket: Option<String>,
    /// Do not attach
    #[arg(long, visible_alias = "no-attach")]
    pub detach: bool,
    /// Keep the controller when all panes are gone, for as long as their tmux session is there
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub output: Output,
}

// `og canvas list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Those that have ended too
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub output: Output,
}

// A canvas named as an argument.
#[derive(Args, Debug)]
pub struct NamedCanvas {
    /// Name or id [default: that of this tmux window, else the only one]
    pub name: Option<String>,
    #[command(flatten)]
    pub which: OneCanvas,
}

// `og canvas close`.
#[derive(Args, Debug)]
pub struct CloseArgs {
    #[command(flatten)]
    pub canvas: NamedCanvas,
    /// End a live training with it: SIGTERM, and SIGKILL after 5 s
    #[arg(long)]
    pub kill_run: bool,
    /// Do not ask
    #[arg(long, short = 'y')]
    pub yes: bool,
}

pub(super) const CANVAS_EXAMPLES: &str = "\
Examples:
  og canvas spawn review --run baseline
  og canvas list
  og canvas close baseline";

pub(super) const SPAWN_EXAMPLES: &str = "\
Examples:
  og canvas spawn                                    the latest run of the store
  og canvas spawn review --run 3f2a --name evening
  og canvas spawn review --run lightning_logs#version_3
  ssh gpu tail -n +1 -f train.log | og canvas spawn review --run -
  og canvas spawn monitor --config '{\"runDir\":\"runs/7\",\"title\":\"night\",\"refreshInterval\":500}'";

pub(super) const LIST_EXAMPLES: &str = "\
Examples:
  og canvas list
  og canvas list --all --json    those that have ended too, for programs

`closed, training goes on`: closed by `og canvas close`, and a controller waits for the end of the
training. `ended, panes remain`: nothing of it runs any more, but tmux still has its panes.
`og canvas restart NAME` opens either again.";

pub(super) const ATTACH_EXAMPLES: &str = "\
Examples:
  og canvas attach             the canvas of this store, if it is the only one
  og canvas attach baseline

Leave it with tmux's own keys (prefix d); nothing ends by that.";

pub(super) const CLOSE_EXAMPLES: &str = "\
Examples:
  og canvas close baseline                     og's panes end; a live training stays in its pane
  og canvas close baseline --kill-run --yes    the training too

While the training goes on a controller stays, which writes down how it ends.";

pub(super) const RESTART_EXAMPLES: &str = "\
Examples:
  og canvas restart             the controller of this window's canvas, or of the only one
  og canvas restart baseline    also after `og canvas close baseline`: its panes come back";
