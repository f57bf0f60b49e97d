//! One process a canvas: watches its panes and its run, answers agents and og's own panes.
//!
//! One loop owns the [`state`]: everything that happens comes in as an event, everything to be done goes out as
//! an effect, and only `io` touches tmux, sockets, files and the clock.
//! Never here: a parent of the training, a byte of its data path, keys that the spec does not allow. Killing the
//! controller loses nothing: it starts again from the canvas folder.

pub mod arrange;
pub mod io;
mod log;
mod pane;
mod state;
mod view;
mod wait;
