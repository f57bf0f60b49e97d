//! Reads the head and the end of a file, and nothing between: where a run stands, whatever its size.
//!
//! The head goes through the decoder of the format as always, which then jumps ([`Decoder::jump`]) to a place near the end;
//! when no row is found from there on, or where it stands is open, to one four times as far before it, and so on up to a bound. What a
//! probe says is what a full read says; what it cannot know it leaves out.

use super::{
    OpenError, RunRef, RunSelector, Sink, SourceError, event_files, find::wandb_file, mlflow::mlflow_end, open::decoder_of,
    trackio::trackio_end, tviz::tviz_end,
};
use crate::model::{ReadOptions, RunState, WallTime};
use crate::source::{Decoder, Kind, Probe, Stdout, again::Readings, probe::Gather, sniff, wide::Wide};
use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    path::Path,
    time::{Duration, SystemTime},
};

/// Silence after which a `.wandb` log without an exit belongs to a run that crashed: its client writes every few seconds.
/// Source: wandb's own rule (leet, LocalApi).
pub const SILENT_MAX: Duration = Duration::from_secs(600);

/// Silence after which the last line of a file counts as whole: programs write a line at once, or the rest of it with the
/// next step.
pub const SETTLED_AFTER: Duration = Duration::from_secs(60);

/// Block of a `.wandb` log; a reader may start at any of them.
const BLOCK_BYTES: u64 = 32 << 10;

/// How much of the start is read: the run's name and config, what tags hold, the style of a console.
const HEAD_BYTES: u64 = BLOCK_BYTES;

/// The same of rows: what their columns are stands in the first of them.
const ROWS_HEAD_BYTES: u64 = 4 << 10;

/// The same of a `.wandb` log whose run is not yet told there: the record of a run holds its whole config and its notes.
const RUN_HEAD_BYTES_MAX: u64 = 1 << 20;

/// Lines of rows that are read at least, where they are long: the first few say what a column is.
const HEAD_LINES: usize = 24;

/// The same in bytes.
const ROWS_HEAD_BYTES_MAX: u64 = 64 << 10;

/// The first look at the end.
const WINDOW_BYTES: u64 = 16 << 10;

/// The same of rows: a row is mostly shorter than a line of a screen.
const ROWS_WINDOW_BYTES: u64 = 4 << 10;

/// Each further look goes so many times as far back.
const WINDOW_GROWTH: u64 = 4;

/// How far back a row is looked for at all: a few milliseconds of reading.
const WINDOW_BYTES_MAX: u64 = 4 << 20;

/// How far back keys that are logged now and then are looked for, where their values are wanted.
const KEYS_BYTES_MAX: u64 = 1 << 20;

/// Largest document that is read whole, since it says nothing before its end.
const DOCUMENT_BYTES_MAX: u64 = 8 << 20;

/// Files of one run that are looked into, newest first.
const FILES_MAX: usize = 8;

/// How far a probe goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Until a row is found: for lists.
    Row,
    /// Until all keys that the head of the file names are found, or a mebibyte is read.
    Keys,
}

/// Probes a run that [`super::runs`] has found. `is_over`: it is known that nobody writes there any more, so that a last line
/// without its newline counts.
pub fn probe(run: &RunRef, read: &ReadOptions, reach: Reach, is_over: bool) -> Result<Probe, OpenError> {
    let (path, kind) = (run.path.as_path(), run.kind);
    let failed = |source| OpenError::Open { path: path.to_owned(), source };
    let how = How { read, reach, is_over, may_be_any: kind != Kind::OgRun, sizes: None };
    let probe = match kind {
        Kind::OgRun => {
            let file = |name: &str, kind| match stream(&path.join(name), kind, how) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                probe => probe.map(Some).map_err(failed),
            };
            own(file("metrics.jsonl", Kind::Jsonl)?, file("stdout.log", Kind::Log)?)
        }
        Kind::WandbRun => {
            let log = wandb_file(path).ok_or_else(|| OpenError::NoRun { path: path.to_owned() })?;
            stream(&log, Kind::Wandb, how).map_err(failed)?
        }
        Kind::TfEvents if path.is_dir() => events(path, how).map_err(failed)?,
        Kind::Trackio => rows(kind, |sink| trackio_end(path, &RunSelector::Id(run.id.clone()), sink))?,
        Kind::Tviz => rows(kind, |sink| tviz_end(path, &run.id, sink))?,
        Kind::Mlflow => rows(kind, |sink| mlflow_end(path, sink))?,
        _ => {
            let metadata = fs::metadata(path).map_err(failed)?;
            if !metadata.is_file() {
                return Err(failed(io::Error::new(ErrorKind::InvalidInput, "a pipe says nothing before it is read")));
            }
            stream(path, kind, how).map_err(failed)?
        }
    };
    Ok(Probe { kind, changed: probe.changed.or(run.changed), started: probe.started.or(run.started), ..probe })
}

/// The event files of a folder, as far as they say anything, newest first. One that changed since a newer one began is of another writer.
fn events(folder: &Path, how: How<'_>) -> io::Result<Probe> {
    let files = event_files(folder)?;
    let mut found = Probe::new(Kind::TfEvents);
    for (at, file) in files.iter().rev().enumerate() {
        let changed = || fs::metadata(file).ok()?.modified().ok().and_then(wall_time);
        let is_beside = || found.started.is_some_and(|started| changed() > Some(started));
        let is_enough = how.reach == Reach::Row && !found.last.is_empty() && !is_beside();
        if is_enough || at >= FILES_MAX {
            return Ok(Probe { is_whole: false, ..found });
        }
        let older = stream(file, Kind::TfEvents, how)?;
        found = if at == 0 { older } else { found.go_on_from(older) };
    }
    Ok(found)
}

/// The last rows of a run in a database.
fn rows(kind: Kind, read: impl FnOnce(&mut Sink) -> Result<bool, SourceError>) -> Result<Probe, OpenError> {
    // What is handed over is the end already, or all there is: that is said behind it.
    let (mut end, mut whole) = (Gather::default(), Gather::default());
    end.jump();
    let is_whole = read(&mut |record| {
        whole.take(record.clone());
        end.take(record);
    })?;
    let end = end.finish(kind);
    Ok(if is_whole { Probe { started: end.started, ..whole.finish(kind) } } else { end })
}

/// A run of ours: what it logged on purpose counts before what it printed.
fn own(metrics: Option<Probe>, stdout: Option<Probe>) -> Probe {
    let kind = Kind::OgRun;
    match (metrics, stdout) {
        (Some(metrics), Some(stdout)) if !metrics.last.is_empty() || !metrics.is_whole => Probe {
            kind,
            // The console's count stands where the metrics have none of their own.
            // So is that of whoever says how many there will be, where it is ahead.
            step: metrics
                .step
                .filter(|_| metrics.says_steps)
                .max(stdout.step.filter(|_| metrics.total_steps.is_none() && stdout.total_steps.is_some())),
            total_steps: metrics.total_steps.or(stdout.total_steps),
            changed: if stdout.changed > metrics.changed { stdout.changed } else { metrics.changed },
            bytes: metrics.bytes + stdout.bytes,
            // The console may show more keys; but a key of the metrics may be among them, logged long ago.
            is_whole: false,
            ..metrics
        },
        (Some(alone), None) | (_, Some(alone)) => Probe { kind, ..alone },
        (None, None) => Probe::new(kind),
    }
}

/// How a file is probed.
#[derive(Clone, Copy)]
struct How<'a> {
    read: &'a ReadOptions,
    reach: Reach,
    is_over: bool,
    /// A log with little in it may be of any kind; our own may not.
    may_be_any: bool,
    /// `None`: the usual ones.
    sizes: Option<Sizes>,
}

/// How much is read; tests read less, so that small files are large.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    head: u64,
    head_max: u64,
    window: u64,
    window_max: u64,
    keys_max: u64,
}

impl Sizes {
    fn usual(kind: Kind) -> Sizes {
        let (head, window) = match kind {
            Kind::Jsonl | Kind::Csv => (ROWS_HEAD_BYTES, ROWS_WINDOW_BYTES),
            _ => (HEAD_BYTES, WINDOW_BYTES),
        };
        let head_max = if kind == Kind::Wandb { RUN_HEAD_BYTES_MAX } else { ROWS_HEAD_BYTES_MAX };
        Sizes { head, head_max, window, window_max: WINDOW_BYTES_MAX, keys_max: KEYS_BYTES_MAX }
    }
}

/// Probes a file that a decoder reads.
fn stream(path: &Path, kind: Kind, how: How<'_>) -> io::Result<Probe> {
    let How { read, reach, is_over, may_be_any, sizes } = how;
    let sizes = sizes.unwrap_or_else(|| Sizes::usual(kind));
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let age = metadata.modified().ok().and_then(|changed| SystemTime::now().duration_since(changed).ok());
    let is_older = |than: Duration| age.is_some_and(|age| age > than);
    let mut end =
        End { path, file, kind, read_as: read, is_over: is_over || is_older(SETTLED_AFTER), may_be_any, bytes: metadata.len(), read: 0 };
    let mut head = end.bytes_of(0, end.bytes.min(sizes.head))?;
    let is_short = |head: &[u8]| matches!(kind, Kind::Jsonl | Kind::Csv) && memchr::memchr_iter(b'\n', head).count() < HEAD_LINES;
    while is_short(&head) && (head.len() as u64) < end.bytes.min(sizes.head_max) {
        let more = (head.len() as u64).min(sizes.head_max - head.len() as u64);
        let more = end.bytes_of(head.len() as u64, more)?;
        if more.is_empty() {
            break;
        }
        head.extend(more);
    }
    let mut window = sizes.window;
    let gather = loop {
        let Some(look) = end.look(&head, window)? else { break end.whole(&head)? };
        if kind == Kind::Wandb && !look.is_introduced() && (head.len() as u64) < end.bytes.min(sizes.head_max) {
            let more = (head.len() as u64 * (WINDOW_GROWTH - 1)).min(sizes.head_max - head.len() as u64);
            let more = end.bytes_of(head.len() as u64, more)?;
            head.extend(&more);
            if !more.is_empty() {
                continue;
            }
        }
        let is_told = !look.is_open() && (reach == Reach::Row || look.has_all_keys());
        let is_enough = look.has_row() && (is_told || window >= sizes.keys_max);
        if is_enough || window >= sizes.window_max || look.is_whole() {
            break look;
        }
        window *= WINDOW_GROWTH;
    };
    let mut probe = gather.finish(kind);
    probe.bytes = end.read;
    probe.changed = metadata.modified().ok().and_then(wall_time);
    if kind == Kind::Wandb && probe.state.is_none() {
        probe.state = Some(if is_older(SILENT_MAX) { RunState::Crashed } else { RunState::Running });
    }
    Ok(probe)
}

/// A file, looked at from its end.
struct End<'a> {
    path: &'a Path,
    file: File,
    kind: Kind,
    read_as: &'a ReadOptions,
    is_over: bool,
    may_be_any: bool,
    bytes: u64,
    /// Bytes read so far.
    read: u64,
}

impl End<'_> {
    /// Reads the last `window` bytes behind the head, or all there is when that is not much more. `None`: this file must be
    /// read whole.
    fn look(&mut self, head: &[u8], window: u64) -> io::Result<Option<Gather>> {
        let mut start = self.bytes.saturating_sub(window);
        if self.kind == Kind::Wandb {
            start -= start % BLOCK_BYTES;
        }
        let is_near = start <= head.len() as u64;
        let from = if is_near { head.len() as u64 } else { start };
        let tail = self.bytes_of(from, self.bytes.saturating_sub(from))?;
        Ok(self.read_through(self.decoder(head)?.as_mut(), head, &tail, !is_near))
    }

    /// Reads everything, if that is not too much; else only the head.
    fn whole(&mut self, head: &[u8]) -> io::Result<Gather> {
        let mut decoder = self.decoder(head)?;
        if self.bytes > DOCUMENT_BYTES_MAX {
            let mut gather = self.read_through(decoder.as_mut(), head, &[], false).unwrap_or_default();
            gather.jump();
            return Ok(gather);
        }
        let rest = self.bytes_of(head.len() as u64, self.bytes.saturating_sub(head.len() as u64))?;
        Ok(self.read_through(decoder.as_mut(), head, &rest, false).unwrap_or_default())
    }

    /// Reads the head and what follows, or the end, once more for each thing that this teaches. `None`: this must be read whole.
    fn read_through(&self, decoder: &mut dyn Decoder, head: &[u8], tail: &[u8], jumps: bool) -> Option<Gather> {
        let mut readings = Readings::default();
        loop {
            let mut gather = Gather::default();
            feed(decoder, head, &mut gather);
            if !decoder.is_mistaken() {
                if jumps {
                    // A head without a row says nothing of what rows hold.
                    let is_blind = matches!(self.kind, Kind::Jsonl | Kind::Csv) && !gather.has_row();
                    if is_blind || !decoder.jump() {
                        return None;
                    }
                    gather.jump();
                    // A console says its total with its rows, and may say another with each epoch.
                    if self.kind == Kind::Log {
                        gather.forget_total();
                    }
                }
                feed(decoder, if jumps { from_a_line(self.kind, tail) } else { tail }, &mut gather);
                self.end(decoder, &mut gather);
                gather.set_open(decoder.is_open());
                // Of rows, what the end says may hang on those that were passed over.
                if decoder.is_mistaken() && jumps && self.kind != Kind::Log {
                    return None;
                }
            }
            if !readings.is_again(decoder) {
                return Some(gather);
            }
            decoder.reset();
        }
    }

    fn decoder(&self, head: &[u8]) -> io::Result<Box<dyn Decoder>> {
        if self.may_be_any && self.kind == Kind::Log && sniff::is_open("", head) {
            return Ok(sniff::decoder("", self.read_as));
        }
        if self.kind == Kind::Log {
            // Its lines are not asked for.
            return Ok(Wide::of(Box::new(Stdout::new().rules(self.read_as.rules.clone())), head));
        }
        let decoder = decoder_of(self.kind, self.path, self.read_as, head);
        decoder.ok_or_else(|| io::Error::new(ErrorKind::Unsupported, "not a stream of records"))
    }

    /// Takes what stands at the end of the file, as a reader that got there does.
    fn end(&self, decoder: &mut dyn Decoder, gather: &mut Gather) {
        decoder.glimpse();
        feed(decoder, &[], gather);
        if self.is_over {
            decoder.finish();
            feed(decoder, &[], gather);
        }
    }

    /// `length` bytes from `start` on, as far as they are there.
    fn bytes_of(&mut self, start: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let length = read_at(&self.file, &mut bytes, start)?;
        bytes.truncate(length);
        self.read += length as u64;
        Ok(bytes)
    }
}

/// What follows the first line in a source of lines: that line may have begun before. Of a carriage return what follows
/// is a state of its own.
fn from_a_line(kind: Kind, tail: &[u8]) -> &[u8] {
    let begins = match kind {
        Kind::Wandb | Kind::TfEvents => return tail,
        Kind::Log => memchr::memchr2(b'\n', b'\r', tail),
        _ => memchr::memchr(b'\n', tail),
    };
    begins.map_or(&[], |at| &tail[at + 1..])
}

fn feed(decoder: &mut dyn Decoder, bytes: &[u8], gather: &mut Gather) {
    decoder.push(bytes);
    loop {
        match decoder.next() {
            Ok(None) => return,
            Ok(Some(record)) => gather.take(Ok(record)),
            Err(loss) => gather.take(Err(loss)),
        }
    }
}

/// Reads until the buffer is full or the file ends.
pub(super) fn read_at(file: &File, buffer: &mut [u8], start: u64) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read_at(&mut buffer[length..], start + length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn wall_time(time: SystemTime) -> Option<WallTime> {
    WallTime::new(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs_f64())
}

#[cfg(test)]
mod tests;
