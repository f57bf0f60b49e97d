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
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant, SystemTime},
};

use rustix::fs::OFlags;

use super::{Server, Socket};

/// How long a turn is waited for while no other one begins. One takes some 50 ms, on a loaded machine ten times that; only a process
/// that was stopped keeps it longer, and going on without it is mostly well.
const TURN_MAX: Duration = Duration::from_secs(2);
/// How long it is waited for however many are before us.
const TURNS_MAX: Duration = Duration::from_secs(10);
/// For how long after a wait in vain nobody in this process waits again.
const VAIN_REST: Duration = Duration::from_secs(5);
/// Where this process waited in vain last, and when.
static VAIN: Mutex<Option<(PathBuf, Instant)>> = Mutex::new(None);

/// The turn on a server, until it is dropped or its process dies. Taking it again meanwhile waits in vain, so whoever needs it while
/// it is held is given it.
#[derive(Debug)]
pub struct Turn {
    /// Locked; `None`: where nothing can be locked, all go on as if alone.
    _lock: Option<File>,
}

impl Server {
    /// Takes the turn on this server, after all who wait for it already. Blocks.
    pub fn turn(&self) -> Turn {
        let path = Turn::file(self.socket());
        let lock = open(self.socket(), &path).and_then(|file| locked(file, &path));
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

fn open(socket: &Socket, path: &Path) -> io::Result<File> {
    if let (false, Some(folder)) = (matches!(socket, Socket::Path(_)), path.parent()) {
        // As tmux makes it, where no server ever ran.
        let _ = DirBuilder::new().mode(0o700).create(folder);
    }
    // Neither a link nor a pipe that nobody reads is waited for or followed.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    File::options().create(true).append(true).mode(0o600).custom_flags(flags.bits().cast_signed()).open(path)
}

/// The file, locked and marked as such for those who wait behind us.
fn locked(file: File, path: &Path) -> io::Result<File> {
    let vain = || VAIN.lock().unwrap_or_else(PoisonError::into_inner);
    let file = match file.try_lock() {
        Ok(()) => file,
        Err(TryLockError::Error(error)) => return Err(error),
        Err(TryLockError::WouldBlock) if vain().as_ref().is_some_and(|(at, since)| at == path && since.elapsed() < VAIN_REST) => {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Err(TryLockError::WouldBlock) => awaited(file, path).inspect_err(|_| *vain() = Some((path.to_owned(), Instant::now())))?,
    };
    let _ = file.set_modified(SystemTime::now());
    Ok(file)
}

fn awaited(file: File, path: &Path) -> io::Result<File> {
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
    let begun = || fs::metadata(path).and_then(|file| file.modified()).ok();
    let (since, mut last) = (Instant::now(), begun());
    loop {
        match heard.recv_timeout(TURN_MAX) {
            Ok(lock) => return lock,
            Err(_) => {
                let before = std::mem::replace(&mut last, begun());
                if last == before || since.elapsed() >= TURNS_MAX {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
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

    #[test]
    fn whoever_is_stopped_in_its_turn_is_waited_for_once() {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::new(Socket::Path(dir.path().join("s")));
        let turn = server.turn();
        let since = Instant::now();
        assert!(server.turn()._lock.is_none());
        assert!(server.turn()._lock.is_none());
        assert!(since.elapsed() >= TURN_MAX && since.elapsed() < 2 * TURN_MAX);
        drop(turn);
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
