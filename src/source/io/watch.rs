//! Hears when files change, and when any file of a folder comes, goes or grows.
//!
//! The parent folders are watched, not the files, so that a file may come, go and be replaced. An event is only a hint that a look
//! is worth it: the consumer reads at every wake. Folders on network filesystems, where no event comes, are looked at once a
//! second.

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::ModifyKind};
use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// What a watch leaves to others.
#[derive(Clone, Copy)]
struct Pace {
    /// From an event to its wake.
    back: Duration,
    /// Rest between two wakes: a file grows a thousand times a second.
    rest: Duration,
    /// How long the thread that takes events from the system rests at one. A log that is written in pieces of 4 KiB brings
    /// thousands a second, each look of each reader brings more, and equal ones become one while nobody takes them.
    nap: Duration,
    /// Events, one right behind the other, that are taken without a nap.
    burst: u32,
}

const AT_ONCE: Pace = Pace { back: Duration::ZERO, rest: Duration::from_millis(10), nap: Duration::from_millis(10), burst: 16 };
const STANDING_BACK: Pace =
    Pace { back: Duration::from_millis(5), rest: Duration::from_millis(40), nap: Duration::from_millis(20), burst: 0 };

/// How soon the thread rests again: what waits in the queue is taken within a fraction of it.
const NAP_AFTER: Duration = Duration::from_micros(250);

/// Events that are further apart are no burst.
const BURST_GAP: Duration = Duration::from_millis(5);

/// How often a file of this machine is looked at when the system has no watcher left: a look costs microseconds.
const POLL_LOCAL: Duration = Duration::from_millis(200);

/// How often a file is looked at where no event can be had.
const POLL: Duration = Duration::from_secs(1);

/// Why files cannot be watched at all.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No thread could be started.
    #[error("cannot start the file watcher")]
    Thread(#[from] std::io::Error),
}

/// Calls back when one of its files may have changed.
pub struct Watch {
    bell: SyncSender<()>,
    shared: Arc<Shared>,
}

impl Watch {
    /// Watches nothing yet. `wake` runs on a thread of the watch, at once and then at most every 10 ms;
    /// a change behind a wake always brings another.
    pub fn new(wake: impl Fn() + Send + 'static) -> Result<Watch, WatchError> {
        Watch::paced(wake, AT_ONCE)
    }

    /// The same for who only shows what changed: it wakes 5 ms later, and then at most every 40 ms. Whoever wrote to the file, or
    /// waits for what stands in it, is not done yet and needs the cores: an agent waits for the answer to a key, which a log
    /// echoes too.
    pub fn standing_back(wake: impl Fn() + Send + 'static) -> Result<Watch, WatchError> {
        Watch::paced(wake, STANDING_BACK)
    }

    fn paced(wake: impl Fn() + Send + 'static, pace: Pace) -> Result<Watch, WatchError> {
        let (bell, rings) = sync_channel::<()>(1);
        let ears = Arc::new(Mutex::new(Ears::default()));
        let (heard, rope) = (Arc::clone(&ears), bell.clone());
        let (mut rested, mut last, mut burst) = (Instant::now(), Instant::now(), 0_u32);
        let watcher = notify::recommended_watcher(move |event| {
            let is_worth = lock(&heard).hear(event);
            burst = if last.elapsed() > BURST_GAP { 1 } else { burst.saturating_add(1) };
            let naps = burst > pace.burst && rested.elapsed() > NAP_AFTER;
            if naps {
                thread::sleep(pace.back);
            }
            if is_worth {
                ring(&rope);
            }
            if naps {
                thread::sleep(pace.nap - pace.back);
                rested = Instant::now();
            }
            last = Instant::now();
        });
        let watcher = watcher.inspect_err(|error| tracing::warn!(%error, "no file events: looking at the files instead")).ok();
        let hands = Hands { watcher, folders: HashSet::new(), wholes: HashSet::new(), targets: HashMap::new() };
        let shared = Arc::new(Shared { ears, hands: Mutex::new(hands) });
        let weak = Arc::downgrade(&shared);
        thread::Builder::new().name("og-watch".into()).spawn(move || run(&weak, &rings, pace.rest, wake))?;
        Ok(Watch { bell, shared })
    }

    /// Watches the file at `path`; it and its folders may not exist yet. Where a folder stands there now, all that
    /// happens right in it counts. One wake follows, so nothing is missed between a first look and the watch;
    /// a path that is watched already changes nothing.
    pub fn add(&mut self, path: &Path) {
        let target = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut hands = lock(&self.shared.hands);
        let new_whole = target.is_dir() && hands.wholes.insert(target.clone());
        let new_target = !hands.targets.contains_key(&target);
        if new_target {
            hands.targets.insert(target, How::Poll(None));
        }
        if new_target || new_whole {
            hands.settle(&self.shared.ears);
            drop(hands);
            ring(&self.bell);
        }
    }
}

/// The two locks are never held together by the callback, and `ears` is never held while the watcher is
/// called: the watcher waits for its callback.
struct Shared {
    ears: Arc<Mutex<Ears>>,
    hands: Mutex<Hands>,
}

/// What the callback knows.
#[derive(Default)]
struct Ears {
    /// Folder -> the names in it that matter.
    names: HashMap<PathBuf, HashSet<OsString>>,
    /// Folders in which every name matters.
    wholes: HashSet<PathBuf>,
    /// Folders that were removed or moved away: their watch is gone even if they are back.
    gone: HashSet<PathBuf>,
}

impl Ears {
    /// Whether the event is worth a look.
    fn hear(&mut self, event: notify::Result<Event>) -> bool {
        let Ok(event) = event else { return true };
        // Our own reads come back as access events.
        if matches!(event.kind, EventKind::Access(_)) {
            return false;
        }
        if event.need_rescan() {
            return true;
        }
        let mut worth = false;
        for path in &event.paths {
            let is_folder = self.names.contains_key(path) || self.wholes.contains(path);
            if is_folder && matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))) {
                self.gone.insert(path.clone());
                worth = true;
            }
            let name = path.parent().zip(path.file_name());
            worth |= name.is_some_and(|(folder, name)| {
                self.wholes.contains(folder) || self.names.get(folder).is_some_and(|names| names.contains(name))
            });
        }
        worth
    }
}

/// What the thread and [`Watch::add`] work with.
struct Hands {
    /// `None`: the system gives no more of them (their number is limited), so everything is looked at.
    watcher: Option<RecommendedWatcher>,
    /// Folders that the watcher watches.
    folders: HashSet<PathBuf>,
    /// Targets that are folders.
    wholes: HashSet<PathBuf>,
    targets: HashMap<PathBuf, How>,
}

enum How {
    /// Events come. When the parent does not exist yet, they are those of the nearest folder that does.
    Events { is_parent: bool },
    /// By looking: what the last look saw.
    Poll(Look),
}

/// What tells two states of a file apart: device, inode, length, time of change. `None`: it is not there.
type Look = Option<(u64, u64, u64, i64, i64)>;

impl Hands {
    /// Whether some target waits for a folder, or lost one.
    fn is_unsettled(&self, ears: &Mutex<Ears>) -> bool {
        !lock(ears).gone.is_empty() || self.targets.values().any(|how| matches!(how, How::Events { is_parent: false }))
    }

    /// Finds the nearest existing folder of every target and watches it, until none moved meanwhile.
    fn settle(&mut self, ears: &Mutex<Ears>) {
        // A folder that comes and goes all the time rings again anyway.
        const ROUNDS: usize = 8;
        for _ in 0..ROUNDS {
            self.settle_once(ears);
            let moved = |(target, how): (&PathBuf, &How)| match how {
                How::Events { is_parent: false } => nearest(target).is_none_or(|near| !self.folders.contains(&near.folder)),
                _ => false,
            };
            if !self.targets.iter().any(moved) {
                break;
            }
        }
    }

    fn settle_once(&mut self, ears: &Mutex<Ears>) {
        for folder in std::mem::take(&mut lock(ears).gone) {
            self.folders.remove(&folder);
            // It fails when the folder is gone, and then the watch is gone with it.
            self.unwatch(&folder);
        }
        let mut names: HashMap<PathBuf, HashSet<OsString>> = HashMap::new();
        let near: Vec<_> = self.targets.keys().map(|target| (target.clone(), nearest(target))).collect();
        // Names first: an event that comes as soon as the watch stands must find them.
        for near in near.iter().filter_map(|(_, near)| near.as_ref()) {
            names.entry(near.folder.clone()).or_default().insert(near.name.clone());
        }
        let wholes: HashSet<PathBuf> = self.wholes.iter().filter_map(|folder| fs::canonicalize(folder).ok()).collect();
        {
            let mut ears = lock(ears);
            (ears.names, ears.wholes) = (names.clone(), wholes.clone());
        }
        for folder in &wholes {
            // Where no events can be had, the folder is a file like any other: its time of change tells.
            self.watch(folder);
        }
        for (target, near) in near {
            let how = match near {
                Some(near) if self.watch(&near.folder) => How::Events { is_parent: near.is_parent },
                _ => How::Poll(look(&target)),
            };
            self.targets.insert(target, how);
        }
        let stale: Vec<_> =
            self.folders.iter().filter(|folder| !names.contains_key(*folder) && !wholes.contains(*folder)).cloned().collect();
        for folder in stale {
            self.folders.remove(&folder);
            self.unwatch(&folder);
        }
    }

    /// False: no events can be had of this folder.
    fn watch(&mut self, folder: &Path) -> bool {
        if self.folders.contains(folder) {
            return true;
        }
        let watcher = self.watcher.as_mut().filter(|_| !is_remote(folder));
        let watched = watcher.is_some_and(|watcher| watcher.watch(folder, RecursiveMode::NonRecursive).is_ok());
        if watched {
            self.folders.insert(folder.to_owned());
        }
        watched
    }

    fn unwatch(&mut self, folder: &Path) {
        if let Some(watcher) = &mut self.watcher {
            let _ = watcher.unwatch(folder);
        }
    }

    /// How often to look, if some file must be looked at.
    fn polls(&self) -> Option<Duration> {
        let polls = self.targets.values().any(|how| matches!(how, How::Poll(_)));
        polls.then_some(if self.watcher.is_some() { POLL } else { POLL_LOCAL })
    }

    /// Looks at the files without events. True when one changed.
    fn poll(&mut self) -> bool {
        let mut changed = false;
        for (target, how) in &mut self.targets {
            if let How::Poll(last) = how {
                let now = look(target);
                changed |= std::mem::replace(last, now) != now;
            }
        }
        changed
    }
}

fn run(shared: &Weak<Shared>, rings: &Receiver<()>, rest: Duration, wake: impl Fn()) {
    loop {
        let Some(polls) = shared.upgrade().map(|shared| lock(&shared.hands).polls()) else { return };
        let rung = match polls {
            Some(every) => rings.recv_timeout(every),
            None => rings.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let Some(shared) = shared.upgrade() else { return };
        let changed = {
            let mut hands = lock(&shared.hands);
            match rung {
                Ok(()) => {
                    if hands.is_unsettled(&shared.ears) {
                        hands.settle(&shared.ears);
                    }
                    true
                }
                Err(RecvTimeoutError::Timeout) => hands.poll(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        };
        drop(shared);
        if changed {
            wake();
            thread::sleep(rest);
        }
    }
}

struct Near {
    folder: PathBuf,
    /// The entry of `folder` that leads to the target.
    name: OsString,
    is_parent: bool,
}

/// The nearest existing folder above `target`, with links resolved: events carry real paths.
fn nearest(target: &Path) -> Option<Near> {
    let real = fs::canonicalize(target);
    let target = real.as_deref().unwrap_or(target);
    let mut below = target;
    for folder in target.ancestors().skip(1) {
        if folder.is_dir() {
            let name = below.file_name()?.to_owned();
            return Some(Near { folder: fs::canonicalize(folder).ok()?, name, is_parent: below == target });
        }
        below = folder;
    }
    None
}

fn look(path: &Path) -> Look {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
}

fn ring(bell: &SyncSender<()>) {
    // Full: a wake is on its way already. Disconnected: the watch is being dropped.
    let _ = bell.try_send(());
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether another machine may write to this folder without our kernel knowing. Numbers from statfs(2) and
/// the filesystems' own headers.
#[cfg(target_os = "linux")]
fn is_remote(folder: &Path) -> bool {
    const REMOTE: &[u32] = &[
        0x6969,      // NFS
        0x517B,      // SMB
        0xFE53_4D42, // SMB2
        0xFF53_4D42, // CIFS
        0x6573_5546, // FUSE: sshfs, gcsfuse, s3fs, WekaFS, virtiofs
        0x0BD0_0BD0, // Lustre
        0x4750_4653, // GPFS
        0x5346_414F, // AFS
        0x00C3_6400, // Ceph
        0x1983_0326, // BeeGFS
        0x0102_1997, // 9p: WSL, containers
        0xAAD7_AAEA, // PanFS
        0x786F_4256, // VirtualBox shared folder
        0xBACB_ACBC, // VMware shared folder
    ];
    rustix::fs::statfs(folder).is_ok_and(|stat| REMOTE.contains(&(stat.f_type as u32)))
}

#[cfg(not(target_os = "linux"))]
fn is_remote(_folder: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Write, sync::mpsc};

    /// Long enough for a loaded machine; a passing test never waits for it.
    const DEADLINE: Duration = Duration::from_secs(20);

    fn watched() -> (Watch, mpsc::Receiver<()>) {
        let (tell, told) = mpsc::channel();
        (Watch::new(move || tell.send(()).unwrap_or(())).unwrap(), told)
    }

    /// Waits until a wake comes behind which `is_so` holds.
    #[track_caller]
    fn wakes_until(told: &mpsc::Receiver<()>, is_so: impl Fn() -> bool) {
        while {
            told.recv_timeout(DEADLINE).expect("a wake");
            !is_so()
        } {}
    }

    fn settled(watch: &Watch) -> bool {
        lock(&watch.shared.hands).targets.values().all(|how| matches!(how, How::Events { is_parent: true }))
    }

    #[test]
    fn a_file_that_grows_comes_or_is_replaced_wakes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stdout.log");
        let (mut watch, told) = watched();
        watch.add(&path);
        told.recv_timeout(DEADLINE).expect("the wake of add");
        fs::write(&path, "a").unwrap();
        told.recv_timeout(DEADLINE).expect("a wake for the new file");
        let other = dir.path().join("other");
        fs::write(&other, "b").unwrap();
        fs::rename(other, &path).unwrap();
        told.recv_timeout(DEADLINE).expect("a wake for the replaced file");
        fs::File::options().append(true).open(&path).unwrap().write_all(b"c").unwrap();
        told.recv_timeout(DEADLINE).expect("a wake for the grown file");
    }

    #[test]
    fn whatever_happens_in_a_folder_wakes() {
        let dir = tempfile::tempdir().unwrap();
        let inbox = dir.path().join("inbox");
        let (mut watch, told) = watched();
        watch.add(&inbox);
        told.recv_timeout(DEADLINE).expect("the wake of add");
        fs::create_dir(&inbox).unwrap();
        told.recv_timeout(DEADLINE).expect("a wake for the new folder");
        watch.add(&inbox);
        watch.add(&inbox);
        told.recv_timeout(DEADLINE).expect("the wake of the second add");
        fs::write(inbox.join("0001.jsonl"), "x").unwrap();
        told.recv_timeout(DEADLINE).expect("a wake for a new file in it");
    }

    #[test]
    fn folders_may_come_later_go_and_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("runs").join("a");
        let path = folder.join("metrics.jsonl");
        let (mut watch, told) = watched();
        watch.add(&path);
        for _ in 0..2 {
            fs::create_dir_all(&folder).unwrap();
            wakes_until(&told, || settled(&watch));
            fs::write(&path, "x").unwrap();
            wakes_until(&told, || path.exists());
            fs::remove_dir_all(dir.path().join("runs")).unwrap();
            wakes_until(&told, || !settled(&watch));
        }
    }

    #[test]
    fn other_files_and_our_own_reads_are_not_heard() {
        let mut ears = Ears::default();
        ears.names.insert("/a".into(), HashSet::from(["f".into()]));
        let event = |kind, path: &str| Ok(Event::new(kind).add_path(path.into()));
        use notify::event::{AccessKind, CreateKind, DataChange, RemoveKind};
        assert!(ears.hear(event(EventKind::Modify(ModifyKind::Data(DataChange::Any)), "/a/f")));
        assert!(ears.hear(event(EventKind::Create(CreateKind::File), "/a/f")));
        assert!(!ears.hear(event(EventKind::Access(AccessKind::Read), "/a/f")));
        assert!(!ears.hear(event(EventKind::Create(CreateKind::File), "/a/g")));
        assert!(ears.gone.is_empty());
        assert!(ears.hear(event(EventKind::Remove(RemoveKind::Folder), "/a")));
        assert!(ears.gone.contains(Path::new("/a")));
    }

    #[test]
    fn a_folder_without_events_is_polled() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let (watch, _told) = watched();
        let mut hands = lock(&watch.shared.hands);
        hands.targets.insert(path.clone(), How::Poll(look(&path)));
        assert!(!hands.poll());
        fs::write(&path, "x").unwrap();
        assert!(hands.poll());
        assert!(!hands.poll());
    }

    #[test]
    fn a_dropped_watch_ends_its_thread() {
        let (tell, told) = mpsc::channel::<()>();
        let watch = Watch::new(move || tell.send(()).unwrap_or(())).unwrap();
        drop(watch);
        assert_eq!(told.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected));
    }
}
