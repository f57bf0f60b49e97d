//! The only integration binary: one module a door.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod layers;
mod support;
mod tmux;
