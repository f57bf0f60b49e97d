//! Files: reads what is new in them and hears when they grow. Nothing here locks or writes.

mod logdir;
mod tail;
mod watch;

pub use logdir::{event_files, runs_under};
pub use tail::{Budget, Progress, Tail};
pub use watch::{Watch, WatchError};
