//! Where the store is, and which runs it has.

use super::git::git;
use crate::model::{RunId, WallTime};
use crate::store::{Beside, Known, NewRun, RunFolder, RunInfo, StoreError, lookup, run_id};
use std::{
    env,
    ffi::OsStr,
    fs,
    io::{self, ErrorKind},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Name of the store's folder.
const FOLDER: &str = ".og";

/// Tries to find a free id. Two ids share their words, digits and second only if chance is broken.
const TRIES: u64 = 64;

/// What says where the store is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Whereabouts {
    /// Said on the command line; wins.
    pub explicit: Option<PathBuf>,
    /// The environment variable `OG_DIR`; comes second.
    pub og_dir: Option<PathBuf>,
    /// Where to start looking upwards.
    pub cwd: PathBuf,
}

impl Whereabouts {
    /// What the environment of this process says.
    pub fn of_process(explicit: Option<PathBuf>) -> Result<Whereabouts, StoreError> {
        let cwd = env::current_dir().map_err(|source| StoreError::Cwd { source })?;
        Ok(Whereabouts { explicit, og_dir: env::var_os("OG_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from), cwd })
    }

    fn named(&self) -> Option<PathBuf> {
        self.explicit.as_ref().or(self.og_dir.as_ref()).map(|named| self.cwd.join(named))
    }
}

/// The folder that has all runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The store that `at` leads to: the named folder, else the nearest `.og` at or above the current folder. `None`: there
    /// is none yet. Nothing is made.
    pub fn find(at: &Whereabouts) -> Option<Store> {
        let is_store = |root: &PathBuf| root.is_dir();
        let root = match at.named() {
            Some(named) => Some(named).filter(is_store),
            None => at.cwd.ancestors().map(|folder| folder.join(FOLDER)).find(is_store),
        };
        root.map(|root| Store { root })
    }

    /// The store that `at` leads to, made when there is none: the named folder, else `.og` in the current folder. A new
    /// `.og` holds a `.gitignore`, so that runs do not show up as changes of the code.
    pub fn find_or_make(at: &Whereabouts) -> Result<Store, StoreError> {
        let Store { root } = Store::meant(at);
        if root.is_dir() {
            return Ok(Store { root });
        }
        if !at.cwd.is_dir() {
            return Err(StoreError::Cwd { source: ErrorKind::NotFound.into() });
        }
        fs::create_dir_all(&root).map_err(|source| StoreError::of("make", &root, source))?;
        let ignore = root.join(".gitignore");
        match fs::File::create_new(&ignore).and_then(|mut file| io::Write::write_all(&mut file, b"*\n")) {
            Err(source) if source.kind() != ErrorKind::AlreadyExists => Err(StoreError::of("write", ignore, source)),
            _ => Ok(Store { root }),
        }
    }

    /// The store that [`Store::find_or_make`] leads to, whether it is there or not.
    pub fn meant(at: &Whereabouts) -> Store {
        Store::find(at).unwrap_or_else(|| Store { root: at.named().unwrap_or_else(|| at.cwd.join(FOLDER)) })
    }

    /// The store in this folder, which may not be there.
    pub fn at(root: PathBuf) -> Store {
        Store { root }
    }

    /// Where the remarks on the run of another tracker at `of` are kept; `of` as [`crate::source::RunRef::address`] gives it,
    /// whichever way leads there.
    pub fn beside(&self, of: &Path) -> Beside {
        Beside::new(&self.all_beside(), &settled(of))
    }

    /// The folder of all such remarks, which may not be there.
    pub fn all_beside(&self) -> PathBuf {
        self.root.join("beside")
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of canvas `name`, which may not exist.
    pub fn canvas_folder(&self, name: &str) -> PathBuf {
        self.root.join("canvas").join(name)
    }

    /// Makes the folder of a new run with its `run.json`. `random` picks the words of the id; an id that is taken leads to
    /// the next one, a short id that is taken to a longer one.
    pub fn create_run(&self, new: NewRun, now: WallTime, random: u64) -> Result<(RunFolder, RunInfo), StoreError> {
        let runs = self.root.join("runs");
        fs::create_dir_all(&runs).map_err(|source| StoreError::of("make", &runs, source))?;
        let taken = self.runs()?;
        let folder = make_folder(&runs, &taken, now, random)?;
        let git = git(&new.cwd);
        let info = RunInfo::of(new, &folder.id(), now, host(), git);
        if let Err(error) = folder.write_info(&info) {
            // Ours and empty; the error of the write is the one that tells.
            let _ = fs::remove_dir(folder.path());
            return Err(error);
        }
        Ok((folder, info))
    }

    /// The ids of all runs, newest first. O(runs), without opening any.
    pub fn runs(&self) -> Result<Vec<RunId>, StoreError> {
        let runs = self.root.join("runs");
        let entries = match fs::read_dir(&runs) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(vec![]),
            entries => entries.map_err(|source| StoreError::of("read", &runs, source))?,
        };
        let mut ids = vec![];
        for entry in entries {
            let entry = entry.map_err(|source| StoreError::of("read", &runs, source))?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink()) {
                ids.push(RunId(entry.file_name().to_string_lossy().into_owned()));
            }
        }
        ids.sort_by(|a, b| b.cmp(a));
        Ok(ids)
    }

    /// The folder of run `id`.
    pub fn run(&self, id: &RunId) -> RunFolder {
        RunFolder::at(self.root.join("runs").join(&id.0))
    }

    /// The run that `query` means: a path to a run folder (or to a file in it), else an id, a short id, a name (the newest
    /// of several) or the start of an id. Names cost one read a run, and only when no id fits.
    pub fn find_run(&self, query: &str) -> Result<RunFolder, StoreError> {
        let path = Path::new(query);
        let is_path = path.components().count() > 1 || path.is_absolute();
        if is_path {
            let folder = path.ancestors().take(2).map(RunFolder::at).find(|folder| folder.run_json().is_file());
            return folder.ok_or_else(|| StoreError::NotARun { path: path.to_owned() });
        }
        let mut known: Vec<Known> = self.runs()?.into_iter().map(|id| Known { id, name: String::new() }).collect();
        let by_id = lookup(query, &known);
        if let Ok(run) = &by_id
            && (run.id.0 == query || run.id.0.ends_with(&format!("-{query}")))
        {
            return Ok(self.run(&run.id));
        }
        for run in &mut known {
            run.name = self.run(&run.id).info().map(|info| info.name).unwrap_or_default();
        }
        let run = lookup(query, &known)?;
        Ok(self.run(&run.id))
    }
}

fn make_folder(runs: &Path, taken: &[RunId], now: WallTime, random: u64) -> Result<RunFolder, StoreError> {
    /// Digits of a short id that are never all taken: 2^32 runs.
    const DIGITS_MAX: usize = 8;
    let mut last = io::Error::from(ErrorKind::AlreadyExists);
    for attempt in 0..TRIES {
        let random = random.wrapping_add(attempt);
        let is_free = |id: &RunId| {
            let digits = id.0.rsplit('-').next().unwrap_or_default();
            !taken.iter().any(|other| other.0.rsplit('-').next() == Some(digits))
        };
        let Some(id) = (4..=DIGITS_MAX).map(|digits| run_id(now, random, digits)).find(is_free) else { continue };
        let path = runs.join(&id.0);
        match fs::create_dir(&path) {
            Ok(()) => return Ok(RunFolder::at(path)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
            Err(source) => return Err(StoreError::of("make", path, source)),
        }
    }
    Err(StoreError::of("make", runs, last))
}

fn host() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Some(name).filter(|name| !name.is_empty())
}

/// The one path of many that lead to a file or folder, so that a run is known as one.
pub fn settled(path: &Path) -> PathBuf {
    // A run of a database stands behind the name of its file, which leads nowhere by itself; its id may have any characters.
    let in_database = || {
        let bytes = path.as_os_str().as_bytes();
        memchr::memrchr_iter(b'#', bytes).find_map(|at| {
            let mut place = fs::canonicalize(OsStr::from_bytes(&bytes[..at])).ok()?.into_os_string();
            place.push(OsStr::from_bytes(&bytes[at..]));
            Some(place.into())
        })
    };
    fs::canonicalize(path).ok().or_else(in_database).or_else(|| std::path::absolute(path).ok()).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Unknown;
    use std::{os::unix::fs::PermissionsExt, process::Command};

    fn now() -> WallTime {
        WallTime::new(1_795_161_553.25).unwrap()
    }

    fn at(cwd: &Path) -> Whereabouts {
        Whereabouts { cwd: cwd.to_owned(), ..Whereabouts::default() }
    }

    #[test]
    fn the_store_is_found_like_git() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a").join("b");
        fs::create_dir_all(&deep).unwrap();
        assert_eq!(Store::find(&at(dir.path())), None);
        let store = Store::find_or_make(&at(dir.path())).unwrap();
        assert_eq!(store.root(), dir.path().join(".og"));
        assert_eq!(fs::read_to_string(store.root().join(".gitignore")).unwrap(), "*\n");
        assert_eq!(Store::find_or_make(&at(&deep)).unwrap(), store);
        let named = Whereabouts { og_dir: Some("other".into()), ..at(&deep) };
        assert_eq!(Store::find(&named), None);
        assert_eq!(Store::find_or_make(&named).unwrap().root(), deep.join("other"));
        let explicit = Whereabouts { explicit: Some(dir.path().join("x")), ..named };
        assert_eq!(Store::find_or_make(&explicit).unwrap().root(), dir.path().join("x"));
        let gone = tempfile::tempdir().unwrap().path().to_owned();
        assert!(matches!(Store::find_or_make(&at(&gone)), Err(StoreError::Cwd { .. })));
    }

    #[test]
    fn a_run_of_a_database_is_one_whichever_way_leads_there() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| fs::canonicalize(dir.path()).unwrap().join(name);
        fs::write(at("t.db"), "").unwrap();
        std::os::unix::fs::symlink("t.db", at("link.db")).unwrap();
        for id in ["a", "dpo/lr1", "x#y"] {
            assert_eq!(settled(&at(&format!("link.db#{id}"))), at(&format!("t.db#{id}")), "{id}");
        }
        assert_eq!(settled(&at("link.db")), at("t.db"));
        assert!(settled(Path::new("no/such.db#a")).is_absolute());
    }

    #[test]
    fn a_new_run_has_its_folder_and_says_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            let out = Command::new("git")
                .current_dir(dir.path())
                .args(["-c", "user.name=a", "-c", "user.email=a@b"])
                .args(args)
                .output()
                .unwrap();
            assert!(out.status.success(), "{out:?}");
        };
        fs::write(dir.path().join("train.py"), "1").unwrap();
        git(&["init", "-q"]);
        git(&["add", "."]);
        git(&["commit", "-qm", "x"]);
        let store = Store::find_or_make(&at(dir.path())).unwrap();
        let new = NewRun {
            cwd: dir.path().to_owned(),
            total_steps: Some(10),
            command: vec!["python".into(), "train.py".into()],
            ..NewRun::default()
        };
        let (folder, info) = store.create_run(new.clone(), now(), 0x0003_0001_dead_beef).unwrap();
        assert_eq!(folder.path(), store.root().join("runs/20261120-075913-amber-badger-beef"));
        assert_eq!((info.name.as_str(), info.short_id(), info.total_steps), ("amber-badger", "beef", Some(10)));
        let commit = info.git.clone().unwrap();
        assert_eq!((commit.sha.len(), commit.dirty), (40, false));
        assert!(info.host.is_some());
        assert_eq!(folder.info().unwrap(), info);
        fs::write(dir.path().join("train.py"), "2").unwrap();
        let (_, second) = store.create_run(NewRun { name: Some("mine".into()), ..new }, now(), 0x0003_0001_dead_beef).unwrap();
        assert_eq!((second.short_id(), second.name.as_str()), ("dbeef", "mine"));
        assert!(second.git.is_some_and(|git| git.dirty));
    }

    #[test]
    fn a_run_is_found_by_id_name_and_path() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::find_or_make(&at(dir.path())).unwrap();
        assert!(matches!(store.find_run("x"), Err(StoreError::Unknown(Unknown::None { .. }))));
        let new = |name: &str| NewRun { name: Some(name.into()), cwd: dir.path().to_owned(), ..NewRun::default() };
        let (one, _) = store.create_run(new("base"), now(), 1).unwrap();
        let (two, _) = store.create_run(new("base"), WallTime::new(now().secs() + 5.0).unwrap(), 2).unwrap();
        assert_eq!(store.runs().unwrap(), [two.id(), one.id()]);
        assert_eq!(store.find_run("base").unwrap(), two);
        assert_eq!(store.find_run("0001").unwrap(), one);
        assert_eq!(store.find_run(&one.id().0).unwrap(), one);
        assert_eq!(store.find_run(one.path().to_str().unwrap()).unwrap().path(), one.path());
        assert_eq!(store.find_run(one.metrics().to_str().unwrap()).unwrap().path(), one.path());
        assert!(matches!(store.find_run("./nothing/here"), Err(StoreError::NotARun { .. })));
        assert!(matches!(store.find_run("2026"), Err(StoreError::Unknown(Unknown::Several { ids, .. })) if ids.len() == 2));
        assert!(matches!(store.find_run("bse"), Err(StoreError::Unknown(Unknown::None { near, .. })) if near == ["base"]));
    }

    #[test]
    fn a_store_that_cannot_be_written_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let locked = dir.path().join("locked");
        fs::create_dir(&locked).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).unwrap();
        // Root may write anywhere; then there is nothing to see.
        if fs::write(locked.join("probe"), "").is_ok() {
            return;
        }
        assert!(matches!(Store::find_or_make(&at(&locked)), Err(StoreError::ReadOnly { .. })));
    }
}
