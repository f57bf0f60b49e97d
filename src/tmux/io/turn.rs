//! One at a time on a tmux server.
//!
//! tmux up to 3.6a crashes when a control client is half there: it is marked as one before it can be told anything, and is told all
//! the same when meanwhile another client leaves, a session comes or goes, or it ends itself. Whoever lets control clients come or
//! go, or makes or closes panes, therefore takes the server's turn, in whatever process it is and for whatever canvas.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant, SystemTime},
};

use rustix::fs::OFlags;

use super::{Server, Socket, client::ATTACH_TIMEOUT};

/// How long a turn is waited for.
#[derive(Clone, Copy)]
struct Patience {
    /// For whoever has the turn to say that it goes on. Only a process that was stopped, or that hangs in its turn, says nothing for so
    /// long, and going on without it is mostly well.
    still: Duration,
    /// However many are before us, and however long they take: one takes some 50 ms, on a loaded machine ten times that, and one
    /// whose tmux does not answer gives up after some seconds.
    whole: Duration,
    /// After a wait for one that is stuck nobody in this process waits again for so long.
    rest: Duration,
}

const PATIENCE: Patience = Patience { still: Duration::from_secs(2), whole: Duration::from_secs(10), rest: Duration::from_secs(5) };
/// How often in [`Patience::still`] whoever has the turn says that it goes on.
const BEATS: u32 = 4;
/// How long it says so. The longest that a turn waits is for a client to be attached; whoever is at it for longer hangs.
const WORK_MAX: Duration = ATTACH_TIMEOUT.saturating_add(Duration::from_secs(5));
/// Where this process waited for one that is stuck last, and when.
static VAIN: Mutex<Option<(PathBuf, Instant)>> = Mutex::new(None);

/// The turn on a server, until it is dropped or its process dies. Taking it again meanwhile waits in vain, so whoever needs it while
/// it is held is given it.
#[derive(Debug)]
pub struct Turn {
    /// `None`: where nothing can be locked, all go on as if alone.
    _lock: Option<Lock>,
}

/// A file that is locked, and told to be by its time for as long as work may take.
#[derive(Debug)]
struct Lock {
    _file: Arc<File>,
    /// Its thread ends with this.
    _beats: Option<mpsc::Sender<()>>,
}

impl Server {
    /// Takes the turn on this server, after all who wait for it already. Blocks.
    pub fn turn(&self) -> Turn {
        self.turn_within(PATIENCE)
    }

    fn turn_within(&self, patience: Patience) -> Turn {
        let path = Turn::file(self.socket());
        let lock = open(self.socket(), &path).and_then(|file| locked(file, &path, patience));
        let lock = lock.map(|file| Lock::new(file, patience.still / BEATS, WORK_MAX));
        Turn { _lock: lock.inspect_err(|error| tracing::warn!(%error, "no turn on tmux")).ok() }
    }
}

impl Turn {
    /// The file that is locked: beside the socket, as tmux's own lock is, so that whoever reaches the server finds it.
    pub fn file(socket: &Socket) -> PathBuf {
        let mut path = socket.path().into_os_string();
        path.push(".og");
        path.into()
    }
}

impl Lock {
    /// Says by the time of the file that a turn has begun, and then that it goes on, but not for longer than `at_most`.
    fn new(file: File, every: Duration, at_most: Duration) -> Lock {
        let file = Arc::new(file);
        let _ = file.set_modified(SystemTime::now());
        let (held, let_go) = mpsc::channel::<()>();
        let (own, since) = (Arc::downgrade(&file), Instant::now());
        let beat = move || {
            while since.elapsed() < at_most
                && let (Err(mpsc::RecvTimeoutError::Timeout), Some(file)) = (let_go.recv_timeout(every), own.upgrade())
            {
                let _ = file.set_modified(SystemTime::now());
            }
        };
        let beats = thread::Builder::new().name("turn".into()).spawn(beat);
        Lock { _file: file, _beats: beats.is_ok().then_some(held) }
    }
}

fn open(socket: &Socket, path: &Path) -> io::Result<File> {
    if let (false, Some(folder)) = (matches!(socket, Socket::Path(_)), path.parent()) {
        // As tmux makes it, where no server ever ran.
        let _ = DirBuilder::new().mode(0o700).create(folder);
    }
    // Neither a link nor a pipe that nobody reads is waited for or followed.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    File::options().create(true).append(true).mode(0o600).custom_flags(flags.bits().cast_signed()).open(path)
}

fn vain() -> MutexGuard<'static, Option<(PathBuf, Instant)>> {
    VAIN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn locked(file: File, path: &Path, patience: Patience) -> io::Result<File> {
    let in_vain = || vain().as_ref().is_some_and(|(at, since)| at == path && since.elapsed() < patience.rest);
    let file = match file.try_lock() {
        Ok(()) => file,
        Err(TryLockError::Error(error)) => return Err(error),
        Err(TryLockError::WouldBlock) if in_vain() => return Err(io::ErrorKind::TimedOut.into()),
        Err(TryLockError::WouldBlock) => awaited(file, path, patience)?,
    };
    vain().take_if(|(at, _)| at == path);
    Ok(file)
}

fn awaited(file: File, path: &Path, patience: Patience) -> io::Result<File> {
    // A thread waits: the kernel wakes it in its turn, and it may wait for ever.
    let (say, heard) = mpsc::channel();
    let wait = move || {
        let lock = loop {
            match file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                locked => break locked.map(|()| file),
            }
        };
        // Where nobody waits any more the lock is dropped.
        let _ = say.send(lock);
    };
    thread::Builder::new().name("turn".into()).spawn(wait)?;
    let told = || fs::metadata(path).and_then(|file| file.modified()).ok();
    let (since, mut last) = (Instant::now(), told());
    loop {
        if let Ok(lock) = heard.recv_timeout(patience.still) {
            return lock;
        }
        let before = std::mem::replace(&mut last, told());
        let is_stuck = last == before;
        if is_stuck {
            *vain() = Some((path.to_owned(), Instant::now()));
        }
        if is_stuck || since.elapsed() >= patience.whole {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_turn_is_one_process_s_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::new(Socket::Path(dir.path().join("s")));
        let is_held = AtomicBool::new(false);
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for _ in 0..25 {
                        let turn = server.turn();
                        assert!(!is_held.swap(true, Ordering::SeqCst));
                        thread::yield_now();
                        is_held.store(false, Ordering::SeqCst);
                        drop(turn);
                    }
                });
            }
        });
    }

    #[test]
    fn where_nothing_can_be_locked_all_go_on() {
        let server = Server::new(Socket::Path("/nonexistent/folder/s".into()));
        let _both = (server.turn(), server.turn());
    }

    const SHORT: Patience = Patience { still: Duration::from_millis(100), whole: Duration::from_secs(60), rest: Duration::from_secs(60) };

    /// A server, and its turn as a process has it that was stopped.
    fn stopped(dir: &Path) -> (Server, File) {
        let server = Server::new(Socket::Path(dir.join("s")));
        let file = open(server.socket(), &Turn::file(server.socket())).unwrap();
        file.lock().unwrap();
        (server, file)
    }

    #[test]
    fn whoever_is_stopped_in_its_turn_is_waited_for_once() {
        let dir = tempfile::tempdir().unwrap();
        let (server, turn) = stopped(dir.path());
        let took = |patience| {
            let since = Instant::now();
            assert!(server.turn_within(patience)._lock.is_none());
            since.elapsed()
        };
        assert!(took(SHORT) >= SHORT.still);
        // Whoever waited again would wait for long.
        let long = Patience { still: SHORT.whole, ..SHORT };
        assert!(took(long) < SHORT.whole);
        drop(turn);
        assert!(server.turn_within(SHORT)._lock.is_some());
        assert!(vain().as_ref().is_none_or(|(at, _)| *at != Turn::file(server.socket())), "it goes on");
    }

    #[test]
    fn whoever_takes_its_time_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::new(Socket::Path(dir.path().join("s")));
        // Far more often than need be, so that no busy machine is too late.
        let turn = Lock::new(stopped(dir.path()).1, SHORT.still / 100, SHORT.whole);
        thread::scope(|threads| {
            let next = threads.spawn(|| server.turn_within(SHORT)._lock.is_some());
            thread::sleep(3 * SHORT.still);
            drop(turn);
            assert!(next.join().unwrap());
        });
    }

    #[test]
    fn whoever_hangs_in_its_turn_is_waited_for_once() {
        let dir = tempfile::tempdir().unwrap();
        let (server, file) = stopped(dir.path());
        let _turn = Lock::new(file, SHORT.still / 100, SHORT.still);
        let since = Instant::now();
        assert!(server.turn_within(SHORT)._lock.is_none());
        assert!(since.elapsed() < SHORT.whole);
        assert!(vain().as_ref().is_some_and(|(at, _)| *at == Turn::file(server.socket())));
    }

    #[test]
    fn where_turns_go_on_without_us_the_next_is_waited_for_again() {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::new(Socket::Path(dir.path().join("s")));
        let _turn = Lock::new(stopped(dir.path()).1, SHORT.still / 100, SHORT.whole);
        assert!(server.turn_within(Patience { whole: SHORT.still, ..SHORT })._lock.is_none());
        assert!(vain().as_ref().is_none_or(|(at, _)| *at != Turn::file(server.socket())));
    }

    #[test]
    fn a_pipe_in_the_place_of_the_lock_holds_nobody_up() {
        let dir = tempfile::tempdir().unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("s.og"), rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        assert!(Server::new(Socket::Path(dir.path().join("s"))).turn()._lock.is_none());
    }

    #[test]
    fn a_link_in_the_place_of_the_lock_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), dir.path().join("s.og")).unwrap();
        let _turn = Server::new(Socket::Path(dir.path().join("s"))).turn();
        assert!(!dir.path().join("elsewhere").exists());
    }
}
