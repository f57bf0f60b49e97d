//! The only integration binary: one module a door.

mod layers;
mod source;
