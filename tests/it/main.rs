//! The only integration binary: one module a door.

// Helpers of tests are tests too, which `allow-unwrap-in-tests` does not see outside of `#[test]`.
#![allow(clippy::unwrap_used)]

mod example;
mod layers;
mod sql;
