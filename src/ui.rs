//! The panes that og draws itself: the graph pane and the status pane.
//!
//! A pane is a state, an `update` that takes events and answers with effects, and a `draw` that only reads. The two
//! read the run's files themselves, so they live on when the controller dies.
//! Never here: writes to a run folder, tmux, a clock outside `io`, a timer while nothing happens.

pub mod io;
pub mod keymap;

mod board;
mod chart;
mod config;
mod edit;
mod facts;
mod grid;
mod host;
mod pane;
mod raster;
mod shot;
mod status;
mod strip;
mod theme;
mod ticks;

pub use io::{Catalog, Looks, Picture, PictureError, UiError, env_path, graph, keys, picture, status, view};
pub use theme::{Frame, Scheme};

#[cfg(test)]
mod tests;
