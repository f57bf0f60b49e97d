//! Standard input and named pipes: bytes that come once and lie nowhere.
//!
//! When they come is no time of their rows: nobody can tell a training that prints from `cat old.log`, and the same bytes in a file
//! have none.

use super::{Budget, Progress, Sink, Source, SourceError};
use crate::source::{Decoder, Kind, again::Readings};
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

/// Bytes from the start that are held, in case that they say something else once more has come ([`Decoder::is_mistaken`]).
const HELD_BYTES_MAX: u64 = 2 * READ_BYTES as u64;

/// The least that a look waits for bytes, so that whoever looks again at once does not spin.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// The most that a look waits for bytes, however large its budget.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// How long a named pipe without a writer is read, since that may start along with us: then it is said.
const WRITER_WAIT: Duration = Duration::from_secs(1);

/// Rest between two looks for a writer, who stirs nothing that could be watched.
const WRITER_REST: Duration = Duration::from_millis(200);

/// Reads a pipe through a decoder, until its writers have closed it. A look waits for bytes as long as its budget allows
/// and not longer, and says that there is more until the end has come. What is not read yet waits in the pipe.
pub(super) struct Pipe {
    path: PathBuf,
    decoder: Box<dyn Decoder>,
    readings: Readings,
    from: Option<From>,
    offset: u64,
    /// All that was read, while it is not much.
    held: Vec<u8>,
    /// What is held is read once more.
    again: bool,
}

enum From {
    /// Blocks when it is read without bytes being there.
    Stdin,
    /// A named pipe, which never blocks; since when it is without a writer, before one was seen.
    Fifo(OwnedFd, Option<Instant>),
}

impl Pipe {
    /// The standard input of this process.
    pub(super) fn stdin(decoder: Box<dyn Decoder>) -> Pipe {
        Pipe::of("-".into(), decoder, From::Stdin)
    }

    /// The named pipe at `path`, whether somebody writes to it or not.
    pub(super) fn fifo(path: &Path, decoder: Box<dyn Decoder>) -> io::Result<Pipe> {
        let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Pipe::of(path.to_owned(), decoder, From::Fifo(fd, Some(Instant::now()))))
    }

    fn of(path: PathBuf, decoder: Box<dyn Decoder>, from: From) -> Pipe {
        Pipe { path, decoder, readings: Readings::default(), from: Some(from), offset: 0, held: vec![], again: false }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        match self.offset <= HELD_BYTES_MAX {
            true => self.held.extend_from_slice(bytes),
            false => self.held = vec![],
        }
        self.decoder.push(bytes);
    }

    /// Starts over where what was handed out is wrong, if all of it is still held: the next look hands it out again.
    fn start_over(&mut self) -> bool {
        let is_wrong = self.held.len() as u64 == self.offset && self.readings.is_again(&*self.decoder);
        if is_wrong {
            self.decoder.reset();
            self.decoder.push(&self.held);
            self.again = true;
        }
        is_wrong
    }

    /// Reads once, when there is something within `wait`.
    fn read(&mut self, wait: Duration, buffer: &mut [u8]) -> io::Result<Found> {
        let read = match &mut self.from {
            None => return Ok(Found::End),
            Some(From::Stdin) if !is_ready(io::stdin().as_fd(), wait)? => return Ok(Found::Nothing),
            Some(From::Stdin) => rustix::io::read(io::stdin().as_fd(), buffer),
            Some(From::Fifo(fd, alone)) => {
                is_ready(fd.as_fd(), wait)?;
                match (rustix::io::read(fd.as_fd(), &mut *buffer), *alone) {
                    (Ok(0), Some(since)) => return Ok(if since.elapsed() < WRITER_WAIT { Found::Nothing } else { Found::NoWriter }),
                    (read, _) => {
                        *alone = None;
                        read
                    }
                }
            }
        };
        match read {
            Err(Errno::AGAIN | Errno::INTR) => Ok(Found::Nothing),
            Ok(0) => {
                self.from = None;
                Ok(Found::End)
            }
            Ok(length) => Ok(Found::Bytes(length)),
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
    /// Nobody has opened the other side for a while.
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
        if std::mem::take(&mut self.again) {
            self.drain(sink);
            if self.from.is_none() {
                self.finish(sink);
            }
            // Each reading may teach one thing more.
            if self.start_over() {
                return Ok(Progress { bytes: self.offset, more: true, restarted: true });
            }
        }
        if self.from.is_none() {
            return Ok(progress);
        }
        loop {
            let wait = if progress.bytes > 0 { Duration::ZERO } else { budget.time_max.saturating_sub(start.elapsed()).max(WAIT_MIN) };
            let read = self.read(wait, &mut buffer).map_err(|source| SourceError::Io { path: self.path.clone(), source });
            match read? {
                Found::Bytes(length) => {
                    progress.bytes += length as u64;
                    self.take(&buffer[..length]);
                    self.drain(sink);
                    if self.start_over() {
                        return Ok(Progress { bytes: self.offset, more: true, restarted: true });
                    }
                }
                Found::Nothing => {
                    progress.more = true;
                    break;
                }
                Found::NoWriter => return Err(SourceError::NoWriter { path: self.path.clone() }),
                Found::End => {
                    self.finish(sink);
                    return Ok(match self.start_over() {
                        true => Progress { bytes: self.offset, more: true, restarted: true },
                        false => Progress { more: false, ..progress },
                    });
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
            if self.start_over() {
                return Ok(Progress { bytes: self.offset, more: true, restarted: true });
            }
        }
        Ok(progress)
    }

    fn finish(&mut self, sink: &mut Sink) {
        self.decoder.finish();
        self.drain(sink);
    }

    fn refresh(&self) -> Duration {
        WRITER_REST
    }

    fn is_stirring(&self) -> bool {
        matches!(self.from, Some(From::Fifo(_, Some(_))))
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
        self.from.is_none() && !self.again
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

    /// Step of a row, and how many values it has.
    type Told = (Option<i64>, usize);

    /// A pipe that is written in these pieces, with all rows that have come of it behind each.
    #[track_caller]
    fn check(pieces: &[(&str, &[Told])]) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut pipe = Pipe::fifo(&path, crate::source::sniff::decoder("-", &crate::model::ReadOptions::default())).unwrap();
        let mut writer = Some(File::options().read(true).write(true).open(&path).unwrap());
        let mut rows = vec![];
        let budget = Budget { bytes_max: u64::MAX, time_max: Duration::from_millis(5) };
        let ends = pieces.len() - 1;
        for (at, (piece, want)) in pieces.iter().enumerate() {
            writer.as_mut().unwrap().write_all(piece.as_bytes()).unwrap();
            if at == ends {
                writer = None;
            }
            loop {
                let mut news = vec![];
                let progress = pipe.poll(budget, &mut |record| {
                    if let Ok(Record::Row(row)) = record {
                        news.push((row.step.map(|step| step.0), row.values.len()));
                    }
                });
                let progress = progress.unwrap();
                rows.extend(news);
                if progress.restarted {
                    rows.clear();
                } else if progress.bytes == 0 && (at < ends || pipe.is_over()) {
                    break;
                }
            }
            assert_eq!(rows, *want, "behind {piece:?}");
        }
    }

    #[test]
    fn a_json_line_is_there_before_the_next_and_is_taken_back_where_that_is_none() {
        let first = (Some(1), 1);
        let more: &[(&str, &[_])] = &[("{\"step\": 1, \"a\": 2}\n", &[first]), ("{\"step\": 2, \"a\": 2}\n", &[first, (Some(2), 1)])];
        check(more);
        check(&[("{\"lr\": 1, \"b\": 2}\n", &[(None, 2)]), ("step 1 loss 2\n", &[first])]);
    }

    #[test]
    fn a_document_on_one_line_is_read_when_it_has_come_whole() {
        let rows: &[_] = &[(Some(1), 1), (Some(2), 1)];
        let text = "{\"lr\": 3, \"history\": [{\"step\": 1, \"loss\": 2}, {\"step\": 2, \"loss\": 1}]}\n";
        check(&[(&text[..30], &[]), (&text[30..], rows)]);
    }

    #[test]
    fn epochs_that_turn_out_to_be_told_by_fractions_are_values_from_the_start() {
        let row = |epoch: &str| format!("{{\"epoch\": {epoch}, \"loss\": 2}}\n");
        check(&[(&row("0.0"), &[(Some(0), 1)]), (&row("0.03"), &[(None, 2); 2]), (&row("1.0"), &[(None, 2); 3])]);
    }

    #[test]
    fn a_pipe_never_blocks_and_ends_when_its_writer_closes_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut pipe = Pipe::fifo(&path, Box::new(Stdout::new())).unwrap();
        assert_eq!(look(&mut pipe), (0, true));
        if let Some(From::Fifo(_, alone)) = &mut pipe.from {
            *alone = Instant::now().checked_sub(WRITER_WAIT);
        }
        let budget = Budget { bytes_max: 1, time_max: Duration::ZERO };
        assert!(matches!(pipe.poll(budget, &mut |_| {}), Err(SourceError::NoWriter { .. })));
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
