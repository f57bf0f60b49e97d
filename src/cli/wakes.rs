//! Waits for files to change.

use super::fail::Fail;
use crate::source::Watch;
use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, sync_channel},
    time::Duration,
};

/// How long nothing may happen before a look all the same: a run goes silent, a training dies without a word.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Wakes when the files of a run change.
pub struct Wakes {
    watch: Watch,
    wake: Receiver<()>,
}

impl Wakes {
    /// Watches these files and folders, which may not exist yet.
    pub fn of(paths: impl IntoIterator<Item = PathBuf>) -> Result<Wakes, Fail> {
        let (bell, wake) = sync_channel(1);
        let ring = move || {
            let _full = bell.try_send(());
        };
        let watch = Watch::new(ring).map_err(|error| Fail::of("watch", &error, None))?;
        let mut wakes = Wakes { watch, wake };
        wakes.add(paths);
        Ok(wakes)
    }

    /// Watches more of them.
    pub fn add(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        paths.into_iter().for_each(|path| self.watch.add(&path));
    }

    /// Waits until a look is worth it, at the latest after `again`.
    pub fn wait(&mut self, again: Option<Duration>) {
        let _idle = self.wake.recv_timeout(again.unwrap_or(LOOK_EVERY).min(LOOK_EVERY));
    }
}
