//! Finds TensorBoard's event files.

use crate::source::detect::is_event_file;
use std::{
    collections::HashSet,
    fs::{self, DirEntry},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Most folders that one search looks at; more is a home folder or a whole disk, not a folder of logs.
const FOLDERS_MAX: usize = 1 << 18;

/// The event files that lie right in `folder`, in order of name, which is the order in which they were begun.
///
/// A run is one such folder; each file goes through a decoder of its own.
pub fn event_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.flatten().filter(is_named_as_event_file).map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

/// The folders at and below `logdir` that hold event files, in order of path: each is a run.
///
/// Links to folders are followed, each folder once. Folders below that cannot be read are passed over.
pub fn runs_under(logdir: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut open, mut seen, mut runs) = (vec![logdir.to_owned()], HashSet::new(), vec![]);
    while let Some(folder) = open.pop() {
        let is_root = seen.is_empty();
        let entries = match fs::metadata(&folder).and_then(|metadata| Ok((metadata, fs::read_dir(&folder)?))) {
            Ok((metadata, entries)) if seen.insert((metadata.dev(), metadata.ino())) => entries,
            Err(error) if is_root => return Err(error),
            _ => continue,
        };
        if seen.len() >= FOLDERS_MAX {
            break;
        }
        let mut has_events = false;
        for entry in entries.flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                Ok(kind) if kind.is_symlink() && entry.path().is_dir() => open.push(entry.path()),
                Ok(_) => has_events |= is_named_as_event_file(&entry) && entry.path().is_file(),
                Err(_) => {}
            }
        }
        if has_events {
            runs.push(folder);
        }
    }
    runs.sort();
    Ok(runs)
}

/// As TensorBoard tells them; the profiler leaves empty files of such names behind.
fn is_named_as_event_file(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    is_event_file(&name) && !name.ends_with(".profile-empty")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    #[test]
    fn every_folder_with_event_files_is_a_run_and_links_do_not_loop() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("logs");
        for file in ["b/events.out.tfevents.2.h", "b/events.out.tfevents.1.h", "b/deep/er/events.out.tfevents.1.h", "c/metrics.csv"] {
            touch(&root.join(file));
        }
        touch(&root.join("p/events.out.tfevents.3.h.profile-empty"));
        fs::create_dir_all(root.join("d/events.out.tfevents.1.folder")).unwrap();
        let elsewhere = dir.path().join("elsewhere");
        touch(&elsewhere.join("events.out.tfevents.9.h"));
        symlink(&elsewhere, root.join("a")).unwrap();
        symlink(&root, root.join("b/loop")).unwrap();
        symlink(root.join("nowhere"), root.join("dangling")).unwrap();
        let runs: Vec<_> = runs_under(&root).unwrap().iter().map(|run| run.strip_prefix(&root).unwrap().display().to_string()).collect();
        assert_eq!(runs, ["a", "b", "b/deep/er"]);
        let files = event_files(&root.join("b")).unwrap();
        assert_eq!(files, [root.join("b/events.out.tfevents.1.h"), root.join("b/events.out.tfevents.2.h")]);
        assert_eq!(runs_under(&elsewhere).unwrap(), [elsewhere]);
        assert!(runs_under(&root.join("nowhere")).is_err());
    }
}
