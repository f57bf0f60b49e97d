//! Files: reads what is new in them and hears when they grow. Nothing here locks or writes.

mod tail;
mod watch;

pub use tail::{Budget, Progress, Tail};
pub use watch::{Watch, WatchError};
