//! `og`: a tmux canvas for ML training runs that a person and an agent share.
//!
//! The rooms in reading order. Each `room.rs` is the one door of its room; inside a room everything
//! computes, and only its `io.rs` touches disk, sockets, processes or the clock. `tests/it/layers.rs`
//! checks the arrows between rooms.

pub mod model;
pub mod text;
pub mod source;
pub mod query;
pub mod canvas;
pub mod term;
pub mod tmux;
pub mod ipc;
pub mod store;
pub mod ui;
pub mod controller;
pub mod cli;
