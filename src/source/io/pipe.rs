//! Standard input and named pipes: bytes that come once and lie nowhere.

use super::{Budget, Progress, Sink, Source, SourceError};
use crate::source::{Decoder, Kind};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags},
    io::Errno,
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Bytes per read: as many as a pipe holds.
const READ_BYTES: usize = 64 << 10;

/// The least that a look waits for bytes, so that whoever looks again at once does not spin.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// The most that a look waits for bytes, however large its budget.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// Reads a pipe through a decoder, until its writers have closed it. A look waits for bytes as long as its budget allows
/// and not longer, and says that there is more until the end has come. What is not read yet waits in the pipe.
pub(super) struct Pipe {
    path: PathBuf,
    decoder: Box<dyn Decoder>,
    from: Option<From>,
    offset: u64,
}

enum From {
    /// Blocks when it is read without bytes being there.
    Stdin,
    /// A named pipe, which never blocks; whether a writer was seen.
    Fifo(OwnedFd, bool),
}

impl Pipe {
    /// The standard input of this process.
    pub(super) fn stdin(decoder: Box<dyn Decoder>) -> Pipe {
        Pipe { path: "-".into(), decoder, from: Some(From::Stdin), offset: 0 }
    }

    /// The named pipe at `path`, whether somebody writes to it or not.
    pub(super) fn fifo(path: &Path, decoder: Box<dyn Decoder>) -> io::Result<Pipe> {
        let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Pipe { path: path.to_owned(), decoder, from: Some(From::Fifo(fd, false)), offset: 0 })
    }

    /// Reads once, when there is something within `wait`.
    fn read(&mut self, wait: Duration, buffer: &mut [u8]) -> io::Result<Found> {
        let (read, had_writer) = match &mut self.from {
            None => return Ok(Found::End),
            Some(From::Stdin) if !is_ready(io::stdin().as_fd(), wait)? => return Ok(Found::Nothing),
            Some(From::Stdin) => (rustix::io::read(io::stdin().as_fd(), buffer), &mut true),
            Some(From::Fifo(fd, had_writer)) => {
                is_ready(fd.as_fd(), wait)?;
                (rustix::io::read(fd.as_fd(), buffer), had_writer)
            }
        };
        match read {
            Err(Errno::AGAIN | Errno::INTR) => {
                *had_writer = true;
                Ok(Found::Nothing)
            }
            Ok(0) if !*had_writer => Ok(Found::NoWriter),
            Ok(0) => {
                self.from = None;
                Ok(Found::End)
            }
            Ok(length) => {
                *had_writer = true;
                Ok(Found::Bytes(length))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn drain(&mut self, sink: &mut Sink) {
        loop {
            match self.decoder.next() {
                Ok(Some(record)) => sink(Ok(record)),
                Ok(None) => break,
                Err(loss) => sink(Err(loss)),
            }
        }
    }
}

/// What one read came to.
enum Found {
    Bytes(usize),
    Nothing,
    /// Nobody has opened the other side yet.
    NoWriter,
    End,
}

fn is_ready(fd: BorrowedFd, wait: Duration) -> io::Result<bool> {
    let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.min(WAIT_MAX).subsec_nanos()) };
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    match poll(&mut fds, Some(&timeout)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Source for Pipe {
    fn poll(&mut self, budget: Budget, sink: &mut Sink) -> Result<Progress, SourceError> {
        let start = Instant::now();
        let (mut progress, mut buffer) = (Progress::default(), vec![0; READ_BYTES]);
        if self.from.is_none() {
            return Ok(progress);
        }
        loop {
            let wait = if progress.bytes > 0 { Duration::ZERO } else { budget.time_max.saturating_sub(start.elapsed()).max(WAIT_MIN) };
            let read = self.read(wait, &mut buffer).map_err(|source| SourceError::Io { path: self.path.clone(), source });
            match read? {
                Found::Bytes(length) => {
                    progress.bytes += length as u64;
                    self.offset += length as u64;
                    self.decoder.push(&buffer[..length]);
                    self.drain(sink);
                }
                Found::Nothing => {
                    progress.more = true;
                    break;
                }
                Found::NoWriter => break,
                Found::End => {
                    self.decoder.finish();
                    self.drain(sink);
                    return Ok(progress);
                }
            }
            if progress.bytes >= budget.bytes_max || start.elapsed() >= budget.time_max {
                progress.more = true;
                break;
            }
        }
        if progress.bytes > 0 {
            self.decoder.glimpse();
            self.drain(sink);
        }
        Ok(progress)
    }

    fn finish(&mut self, sink: &mut Sink) {
        self.decoder.finish();
        self.drain(sink);
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn offset(&self) -> u64 {
        self.offset
    }

    fn kind(&self) -> Option<Kind> {
        self.decoder.kind()
    }

    fn is_over(&self) -> bool {
        self.from.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Record, Stdout};
    use std::{fs::File, io::Write};

    fn look(pipe: &mut Pipe) -> (usize, bool) {
        let mut rows = 0;
        let budget = Budget { bytes_max: u64::MAX, time_max: Duration::from_millis(5) };
        let progress = pipe.poll(budget, &mut |record| rows += usize::from(matches!(record, Ok(Record::Row(_)))));
        (rows, progress.unwrap().more)
    }

    #[test]
    fn a_pipe_never_blocks_and_ends_when_its_writer_closes_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut pipe = Pipe::fifo(&path, Box::new(Stdout::new())).unwrap();
        assert_eq!(look(&mut pipe), (0, false));
        let mut writer = File::options().write(true).open(&path).unwrap();
        assert_eq!(look(&mut pipe), (0, true));
        writer.write_all(b"step 1 loss 2.5\nstep 2 loss").unwrap();
        assert_eq!(look(&mut pipe), (1, true));
        writer.write_all(b" 2.5").unwrap();
        drop(writer);
        let (mut rows, mut more) = (0, true);
        while more {
            let (found, still) = look(&mut pipe);
            (rows, more) = (rows + found, still);
        }
        assert!(rows >= 1);
        assert_eq!(look(&mut pipe), (0, false));
    }
}
