//! Files: reads what is new in them and hears when they grow. Nothing here locks or writes.

mod logdir;
mod open;
mod tail;
mod watch;

pub use logdir::{event_files, runs_under};
pub use open::{OpenError, Opened, open};
pub use tail::{Budget, Progress, Tail};
pub use watch::{Watch, WatchError};
