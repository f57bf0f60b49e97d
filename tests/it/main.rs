//! The only integration binary: one module a door.

mod example;
mod layers;
