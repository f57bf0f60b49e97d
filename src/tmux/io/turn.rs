//! One at a time on a tmux server.
//!
//! tmux up to 3.6a crashes when a control client is half there: it is marked as one before it can be told anything, and is told all
//! the same when meanwhile another client leaves, a session comes or goes, or it ends itself. Whoever lets control clients come or
//! go, or makes or closes panes, therefore takes the server's turn, in whatever process it is and for whatever canvas.

use std::{
    fs::{DirBuilder, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{Server, Socket};

/// How long a turn is waited for. One takes some 50 ms, on a loaded machine ten times that; only a process that was stopped keeps
/// it longer, and going on without it is mostly well.
const TURN_MAX: Duration = Duration::from_secs(10);

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
        Turn { _lock: open(self.socket()).and_then(locked).inspect_err(|error| tracing::warn!(%error, "no turn on tmux")).ok() }
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

fn open(socket: &Socket) -> io::Result<File> {
    let path = Turn::file(socket);
    if let (false, Some(folder)) = (matches!(socket, Socket::Path(_)), path.parent()) {
        // As tmux makes it, where no server ever ran.
        let _ = DirBuilder::new().mode(0o700).create(folder);
    }
    open_at(&path)
}

fn open_at(path: &Path) -> io::Result<File> {
    let no_link = rustix::fs::OFlags::NOFOLLOW.bits();
    File::options().create(true).append(true).mode(0o600).custom_flags(no_link.cast_signed()).open(path)
}

fn locked(file: File) -> io::Result<File> {
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
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
    heard.recv_timeout(TURN_MAX).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
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
    fn a_link_in_the_place_of_the_lock_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), dir.path().join("s.og")).unwrap();
        let _turn = Server::new(Socket::Path(dir.path().join("s"))).turn();
        assert!(!dir.path().join("elsewhere").exists());
    }
}
