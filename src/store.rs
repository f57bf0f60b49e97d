//! Our durable run folder, and the live picture of a run.
//! Files are the database: whole lines are appended, `run.json` is replaced at once, and what is not there yet is normal.
//! Never here: a lock that a reader needs, a write to a folder that we did not make, drawing, tmux.
//!
//! A [`RunFolder`] names the files of one run; [`io::Store`] finds and makes such folders. A [`RunPicture`] is what
//! all sources of a run come to; [`io::RunReader`] keeps one up to date.

mod checkpoint;
mod announced;
mod event;
mod folder;
mod foreign;
pub mod io;
mod lines;
mod names;
mod picture;
mod remarks;
mod times;

pub use event::{Event, EventKind};
pub use folder::{Git, Known, NewRun, Parent, RunFolder, RunInfo, Unknown, lookup, metrics_line};
pub use io::{Polled, Remarked, RunGlance, RunReader, Store, Whereabouts, Written, glance, glance_at, settled};
pub use names::run_id;
pub use picture::{Alerts, Console, Given, Losses, MediaShelf, MetricRule, MetricRules, Printed, RunPicture, Samples, SourceRank, Twin};
pub use remarks::{Beside, Remark, Remarks, tags_text};
pub use times::{TimesIndex, TimesWriter};

use std::{io as stdio, path::PathBuf};

/// Why something with the store or a run folder did not work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing may be written there.
    #[error("cannot write {}: no permission", path.display())]
    ReadOnly {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: stdio::Error,
    },
    /// The disk, or a quota on it, is full.
    #[error("cannot write {}: the disk is full", path.display())]
    Full {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: stdio::Error,
    },
    /// The current folder was deleted or cannot be read.
    #[error("the current folder does not exist any more")]
    Cwd {
        /// What the system said.
        source: stdio::Error,
    },
    /// Nothing is there, or a folder without a run in it.
    #[error("{} is no run", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// `run.json` cannot be understood.
    #[error("cannot understand {}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It is no run of another tool either.
    #[error(transparent)]
    Foreign(#[from] crate::source::OpenError),
    /// No run has this id or name, or several have.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// Anything else that the system refused.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// The verb: `read`, `write`, `make`, ...
        doing: &'static str,
        /// What it was to be done to.
        path: PathBuf,
        /// What the system said.
        source: stdio::Error,
    },
}

impl StoreError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            StoreError::ReadOnly { .. } => "set OG_DIR, or pass --store, to a folder that you may write to".to_owned(),
            StoreError::Full { .. } => "free some space, or set OG_DIR to a folder on another disk".to_owned(),
            StoreError::Cwd { .. } => "change to a folder that exists, or set OG_DIR".to_owned(),
            StoreError::NotARun { .. } => "give a run folder (`.og/runs/ID`), an id, or a name; `og view PATH` opens other logs".to_owned(),
            StoreError::Foreign(error) => error.hint(),
            StoreError::Damaged { .. } => "mend or remove the file; the metrics beside it are not touched".to_owned(),
            StoreError::Unknown(unknown) => unknown.hint(),
            StoreError::Io { .. } => "look at the path: is the disk there, and is it yours?".to_owned(),
        }
    }

    /// The error that `source` means when `doing` something that writes to `path`, or reads from it.
    fn of(doing: &'static str, path: impl Into<PathBuf>, source: stdio::Error) -> StoreError {
        use stdio::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let path = path.into();
        match source.kind() {
            StorageFull | QuotaExceeded => StoreError::Full { path, source },
            PermissionDenied | ReadOnlyFilesystem if doing != "read" => StoreError::ReadOnly { path, source },
            _ => StoreError::Io { doing, path, source },
        }
    }
}
