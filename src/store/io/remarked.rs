//! All that is remarked on runs of other trackers in some stores, kept up to date cheaply.

use crate::store::{Remarks, Store};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
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
    files: BTreeMap<PathBuf, Seen>,
    /// The file about each run.
    about: HashMap<PathBuf, PathBuf>,
}

/// A file of remarks.
struct Seen {
    look: Look,
    /// `None`: it cannot be read, and says nothing until it changes.
    remarks: Option<Remarks>,
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
        let mut before = std::mem::take(&mut self.files);
        let mut changed = HashSet::new();
        let folders = self.stores.iter().filter_map(|store| fs::read_dir(store.all_beside()).ok()).flatten().flatten();
        for file in folders.take(RUNS_MAX).map(|entry| entry.path().join(Remarks::FILE)) {
            let Some(look) = look(&file) else { continue };
            let seen = match before.remove(&file) {
                Some(seen) if seen.look == look => seen,
                old => {
                    let remarks = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice::<Remarks>(&bytes).ok());
                    let old = old.and_then(|seen| seen.remarks);
                    changed.extend([&old, &remarks].into_iter().flatten().map(|remarks| remarks.of.clone()));
                    Seen { look, remarks }
                }
            };
            self.files.insert(file, seen);
        }
        changed.extend(before.into_values().filter_map(|gone| Some(gone.remarks?.of)));
        if !changed.is_empty() {
            let about = |(file, seen): (&PathBuf, &Seen)| Some((seen.remarks.as_ref()?.of.clone(), file.clone()));
            self.about = self.files.iter().filter_map(about).collect();
        }
        changed
    }

    /// Whether nothing is remarked on any run.
    pub fn is_empty(&self) -> bool {
        self.about.is_empty()
    }

    /// What is remarked on the run that this opens.
    pub fn on(&self, of: &Path) -> Option<&Remarks> {
        self.files.get(self.about.get(of)?)?.remarks.as_ref()
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
        let file = store.beside(&run).remarks();
        let whole = fs::read(&file).unwrap();
        let replace = |bytes: &[u8]| {
            fs::write(file.with_extension("new"), bytes).unwrap();
            fs::rename(file.with_extension("new"), &file).unwrap();
        };
        replace(&whole[..whole.len() / 2]);
        assert_eq!((remarked.look().len(), remarked.on(&run), remarked.is_empty()), (1, None, true), "damaged, it says nothing");
        assert!(remarked.look().is_empty());
        replace(&whole);
        assert_eq!((remarked.look().len(), remarked.on(&run).is_some()), (1, true));
        replace(b"");
        fs::remove_dir_all(store.all_beside()).unwrap();
        assert_eq!((remarked.look().len(), remarked.on(&run)), (1, None));
    }
}
