//! Files: reads what is new in them and hears when they grow. Nothing here locks or writes.
//!
//! Whatever a run is kept in, it is read through one door: a [`Source`]. A file is one ([`Tail`]: a decoder fed by its
//! bytes), and so is a run in a database ([`TrackioRun`], [`TvizRun`]: rows behind a cursor).

mod events;
mod find;
mod inbox;
mod logdir;
mod mlflow;
mod open;
mod probe;
mod pipe;
mod rollouts;
mod sqlite;
mod tail;
mod trackio;
mod tviz;
mod watch;

pub use find::{Passed, RunRef, is_og_folder, is_wandb_folder, runs, search, search_to};
pub use logdir::{event_files, runs_under};
pub use open::{OpenError, Opened, open, open_from, open_ref, open_with};
pub use probe::{Reach, SETTLED_AFTER, SILENT_MAX, probe};
pub use rollouts::{RolloutStore, open_rollouts};
pub use tail::{Tail, Writes};
pub use trackio::{RunSelector, TrackioRun, TrackioRunInfo, trackio_projects, trackio_runs};
pub use tviz::{TvizRun, TvizRunInfo, tviz_runs};
pub use watch::{Watch, WatchError};

use super::{Kind, Loss, Record, Taker};
use rusqlite::ErrorCode;
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How much one look at a source may take.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Stop after this many bytes (rounded up to one read of 64 KiB).
    pub bytes_max: u64,
    /// Stop after this much time.
    pub time_max: Duration,
}

impl Budget {
    /// No limit: read all there is.
    pub const ALL: Budget = Budget { bytes_max: u64::MAX, time_max: Duration::MAX };
}

/// What one look at a source came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Bytes read.
    pub bytes: u64,
    /// The budget ended before the source did, or a writer holds it just now: call again.
    pub more: bool,
    /// What was read before is not there any more: the file shrank or another took its place, or rows were written
    /// anew. Drop what came before, then call again to read from the start.
    pub restarted: bool,
}

/// Takes what a source yields.
pub type Sink<'a> = dyn FnMut(Result<Record, Loss>) + 'a;

/// Something that yields the records of a run as it grows: from the start, and then only what is new.
pub trait Source: Send {
    /// Hands what is new to `sink`. What does not exist yet has nothing new. After an error the source stands where it
    /// stood; the next call tries again.
    ///
    /// The offset of a [`Loss`] is in bytes; in a database it is the number of a row.
    fn poll(&mut self, budget: Budget, sink: &mut Sink) -> Result<Progress, SourceError>;

    /// The same, for who has no need of rows and lines of its own.
    fn poll_to(&mut self, budget: Budget, taker: &mut dyn Taker) -> Result<Progress, SourceError> {
        self.poll(budget, &mut |record| taker.take(record))
    }

    /// Says that nothing more will come, so that what stands at the end without its newline counts. Sources may go on
    /// growing afterwards.
    fn finish(&mut self, _sink: &mut Sink) {}

    /// The file that people know the source by.
    fn path(&self) -> &Path;

    /// The files whose change makes a poll worth it; a folder stands for all that comes and goes in it. They may not
    /// exist, and others may be named after a poll.
    fn paths(&self) -> Vec<PathBuf> {
        vec![self.path().to_owned()]
    }

    /// What it is, where its bytes told it after it was opened.
    fn kind(&self) -> Option<Kind> {
        None
    }

    /// Bytes read so far, for what is a stream of bytes.
    fn offset(&self) -> u64 {
        0
    }

    /// The least time between two polls that find nothing left over. A poll of a file costs a few microseconds; one of a
    /// database opens it, and its writer may have to wait.
    fn refresh(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether something written before the last poll may show only at another one, though no file changes until then.
    fn is_stirring(&self) -> bool {
        false
    }

    /// Whether nothing more can come: a pipe that its writers have closed.
    fn is_over(&self) -> bool {
        false
    }
}

/// Why a source cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file that was read is not there any more.
    #[error("{} is gone; what was read of it stays, and reading goes on when it is back", path.display())]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// A named pipe whose other side nobody has opened.
    #[error("nobody writes to {} yet", path.display())]
    NoWriter {
        /// The pipe.
        path: PathBuf,
    },
    /// SQLite cannot read the database.
    #[error("cannot read database {}", path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A writer has held the database for a second.
    #[error("database {} is being written by another program", path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// The tables of the tracker are not there.
    #[error("{} is not a database of {tracker}", path.display())]
    Foreign {
        /// The database.
        path: PathBuf,
        /// `Trackio` or `tviz`.
        tracker: &'static str,
    },
    /// No such run.
    #[error("{} has no run {run}", path.display())]
    NoRun {
        /// The database.
        path: PathBuf,
        /// What was asked for.
        run: String,
    },
}

impl SourceError {
    /// Whether it is the bytes of a database that are wrong, and nothing about its path.
    pub(super) fn is_damage(&self) -> bool {
        let SourceError::Sqlite { source, .. } = self else { return false };
        matches!(source.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
    }
}
