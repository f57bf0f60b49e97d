//! What the fuzz targets of og share: the checks, and a bound on the memory that a check may take.

pub mod checks;
mod memory;

pub use memory::bounded;
