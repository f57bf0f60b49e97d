//! The only integration binary: one module a door.
// Helpers of tests are tests too, which `allow-unwrap-in-tests` does not see outside of `#[test]`.
#![allow(clippy::unwrap_used)]

mod agent;
mod canvas;
mod cli;
mod compare;
mod damage;
mod example;
mod full;
mod fuzz;
mod home;
mod inspect;
mod kill;
mod layers;
mod layout;
mod lists;
mod live;
mod open;
mod panes;
mod remarks;
mod rollouts;
mod run;
mod runs;
mod shown;
mod source;
mod sql;
mod support;
mod tb;
mod term;
mod tmux;
mod view;
mod written;
