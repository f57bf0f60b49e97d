//! All that is remarked on runs of other trackers in some stores, kept up to date cheaply.

use crate::store::{Remarks, Store};
use std::{
    collections::{HashMap, HashSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Most runs whose remarks are known: somebody wrote each of them.
const RUNS_MAX: usize = 10_000;

/// What is remarked in some stores, as it was read last.
#[derive(Default)]
pub struct Remarked {
    stores: Vec<Store>,
    /// How each file looked, and the run that it is about.
    files: HashMap<PathBuf, (Look, PathBuf)>,
    said: HashMap<PathBuf, Remarks>,
}

/// What tells two states of a file apart: it is replaced whole.
type Look = (u64, i64, i64);

impl Remarked {
    /// What is remarked in these stores; nothing is read yet.
    pub fn new(stores: Vec<Store>) -> Remarked {
        Remarked { stores, ..Remarked::default() }
    }

    /// Reads what changed. The runs of which something else is said now, by what opens them.
    pub fn look(&mut self) -> HashSet<PathBuf> {
        let mut files = HashMap::new();
        let mut changed = HashSet::new();
        let folders = self.stores.iter().filter_map(|store| fs::read_dir(store.all_beside()).ok()).flatten().flatten();
        for file in folders.take(RUNS_MAX).map(|entry| entry.path().join(Remarks::FILE)) {
            let Some(look) = look(&file) else { continue };
            let known = self.files.remove(&file);
            let (look, of) = match known {
                Some((before, of)) if before == look => (look, of),
                _ => {
                    // One that cannot be read says nothing until it changes.
                    let Some(remarks) = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice::<Remarks>(&bytes).ok()) else {
                        continue;
                    };
                    let of = remarks.of.clone();
                    changed.insert(of.clone());
                    self.said.insert(of.clone(), remarks);
                    (look, of)
                }
            };
            files.insert(file, (look, of));
        }
        for (_, of) in std::mem::replace(&mut self.files, files).into_values() {
            if self.files.values().all(|(_, other)| *other != of) && self.said.remove(&of).is_some() {
                changed.insert(of);
            }
        }
        changed
    }

    /// Whether nothing is remarked on any run.
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// What is remarked on the run that this opens.
    pub fn on(&self, of: &Path) -> Option<&Remarks> {
        self.said.get(of)
    }

    /// The folders whose change makes another look worth it.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let roots = self.stores.iter().flat_map(|store| [store.root().to_owned(), store.all_beside()]);
        roots.chain(self.files.keys().filter_map(|file| file.parent()).map(Path::to_owned))
    }
}

fn look(path: &Path) -> Option<Look> {
    fs::metadata(path).ok().map(|file| (file.ino(), file.mtime(), file.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::WallTime,
        store::{Remark, RunInfo, Whereabouts},
    };

    #[test]
    fn what_is_remarked_is_known_until_it_is_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::find_or_make(&Whereabouts { cwd: dir.path().to_owned(), ..Whereabouts::default() }).unwrap();
        let mut remarked = Remarked::new(vec![store.clone()]);
        assert!(remarked.look().is_empty());
        let run = dir.path().canonicalize().unwrap().join("tviz.db#a1");
        let remark = |remark: &Remark| {
            store.beside(&run).remark(remark, &RunInfo::default(), "human", WallTime::new(1.0).unwrap()).unwrap();
        };
        remark(&Remark::notes("good"));
        assert_eq!(remarked.look(), HashSet::from([run.clone()]));
        assert_eq!(remarked.on(&run).unwrap().notes.as_deref(), Some("good"));
        assert!(remarked.look().is_empty(), "nothing changed");
        remark(&Remark::tags("night"));
        fs::create_dir(store.all_beside().join("of-nothing")).unwrap();
        assert_eq!((remarked.look().len(), remarked.on(&run).unwrap().tags.as_ref().map(|tags| tags.len())), (1, Some(1)));
        fs::remove_dir_all(store.all_beside()).unwrap();
        assert_eq!((remarked.look().len(), remarked.on(&run)), (1, None));
    }
}
