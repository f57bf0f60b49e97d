//! Files: reads what is new in them and hears when they grow. Nothing here locks or writes.

mod open;
mod tail;
mod watch;

pub use open::{OpenError, Opened, open};
pub use tail::{Budget, Progress, Tail};
pub use watch::{Watch, WatchError};
