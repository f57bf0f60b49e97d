//! The only integration binary: one module a door.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

// Helpers of tests are tests too, which `allow-unwrap-in-tests` does not see outside of `#[test]`.
#![allow(clippy::unwrap_used)]

mod cli;
mod example;
mod layers;
mod source;
mod support;
mod tb;
mod term;
mod tmux;
