//! What stands in the folders of runs. A folder that did not change is not listed again: of thousands of runs nearly all rest.

use crate::source;
use std::{
    collections::HashMap,
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Most entries of a folder that are looked at: more is no folder of runs.
const ENTRIES_MAX: usize = 1 << 17;

/// A folder that changed so short a time ago may change again with the same stamp. Source: the coarsest clock of a
/// filesystem in use (FAT's two seconds).
const SETTLED: Duration = Duration::from_secs(2);

/// Folders, as they were when they were last listed.
#[derive(Default)]
pub(super) struct Folders {
    known: HashMap<PathBuf, (Option<Stamp>, Arc<Folder>)>,
    asked: HashMap<PathBuf, (Option<Stamp>, Arc<Folder>)>,
}

/// What tells two lists of names apart: inode and time of change.
type Stamp = (u64, i64, i64);

/// The names in a folder, in order.
pub(super) struct Folder {
    /// Folders, and links to such.
    folders: Vec<(OsString, bool)>,
    /// All else.
    pub(super) files: Vec<OsString>,
    /// It is that of one run of wandb.
    pub(super) is_wandb: bool,
    /// It has event files of TensorBoard.
    pub(super) has_events: bool,
}

impl Folder {
    fn list(path: &Path) -> io::Result<Folder> {
        let (mut folders, mut files) = (vec![], vec![]);
        for entry in fs::read_dir(path)?.flatten().take(ENTRIES_MAX) {
            let Ok(kind) = entry.file_type() else { continue };
            match kind.is_dir() || kind.is_symlink() && entry.path().is_dir() {
                true => folders.push((entry.file_name(), kind.is_symlink())),
                false => files.push(entry.file_name()),
            }
        }
        folders.sort();
        files.sort();
        let has = |word: &str| files.iter().any(|name| name.to_string_lossy().contains(word));
        let is_wandb = has(".wandb") && source::is_wandb_folder(path);
        let has_events = has("tfevents") && source::event_files(path).is_ok_and(|files| !files.is_empty());
        Ok(Folder { folders, files, is_wandb, has_events })
    }

    /// The folders in it, which stands at `path`; the last by name come first.
    pub(super) fn below(&self, path: &Path) -> impl Iterator<Item = PathBuf> {
        self.folders.iter().rev().map(move |(name, _)| path.join(name))
    }

    /// The same, with their names and without links.
    pub(super) fn own(&self, path: &Path) -> impl Iterator<Item = (&OsString, PathBuf)> {
        self.folders.iter().rev().filter(|(_, is_link)| !is_link).map(move |(name, _)| (name, path.join(name)))
    }
}

impl Folders {
    /// A folder as it is now.
    pub(super) fn get(&mut self, path: &Path) -> io::Result<Arc<Folder>> {
        let metadata = fs::metadata(path)?;
        let stamp = (metadata.ino(), metadata.mtime(), metadata.mtime_nsec());
        if let Some((Some(then), folder)) = self.asked.get(path).or_else(|| self.known.get(path))
            && *then == stamp
        {
            let folder = Arc::clone(folder);
            if let Some((path, known)) = self.known.remove_entry(path) {
                self.asked.insert(path, known);
            }
            return Ok(folder);
        }
        let is_settled = metadata.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok()).is_some_and(|age| age > SETTLED);
        let folder = Arc::new(Folder::list(path)?);
        self.asked.insert(path.to_owned(), (is_settled.then_some(stamp), Arc::clone(&folder)));
        Ok(folder)
    }

    /// Forgets the folders that nobody asked for since the last call.
    pub(super) fn forget_others(&mut self) {
        self.known = std::mem::take(&mut self.asked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_rests_is_not_listed_again_and_one_that_changed_is() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("run-a.wandb"), ":W&B").unwrap();
        fs::create_dir(at("files")).unwrap();
        std::os::unix::fs::symlink("files", at("latest")).unwrap();
        let mut folders = Folders::default();
        let age = |secs| {
            let time = SystemTime::now() - Duration::from_secs(secs);
            fs::File::open(dir.path()).unwrap().set_modified(time).unwrap();
        };
        let first = folders.get(dir.path()).unwrap();
        assert!(first.is_wandb && !first.has_events && first.files == ["run-a.wandb"]);
        assert_eq!((first.below(dir.path()).count(), first.own(dir.path()).count()), (2, 1));
        // It changed just before: its stamp is not trusted.
        assert!(!Arc::ptr_eq(&first, &folders.get(dir.path()).unwrap()));
        age(60);
        let old = folders.get(dir.path()).unwrap();
        folders.forget_others();
        assert!(Arc::ptr_eq(&old, &folders.get(dir.path()).unwrap()));
        fs::write(at("events.out.tfevents.1"), "").unwrap();
        age(50);
        assert!(folders.get(dir.path()).unwrap().has_events);
        folders.forget_others();
        folders.forget_others();
        assert!(folders.known.is_empty());
        assert!(folders.get(&at("gone")).is_err());
    }
}
