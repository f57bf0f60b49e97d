//! Files: reads what is new in them and hears when they grow. Nothing here locks or writes.

mod inbox;
mod logdir;
mod open;
mod probe;
mod sqlite;
mod tail;
mod trackio;
mod tviz;
mod watch;

pub use logdir::{event_files, runs_under};
pub use open::{OpenError, Opened, open};
pub use probe::{Reach, SILENT_MAX, probe};
pub use sqlite::{Cursor, CursorError};
pub use tail::{Budget, Progress, Tail};
pub use trackio::{RunSelector, TrackioRun, TrackioRunInfo, trackio_projects, trackio_runs};
pub use tviz::{TvizRun, TvizRunInfo, tviz_runs};
pub use watch::{Watch, WatchError};
