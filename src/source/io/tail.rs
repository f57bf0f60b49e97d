//! One growing file.

use super::{Budget, Progress, Sink, Source, SourceError};
use crate::source::{Decoder, Kind, Loss, Taker, Whole, again::Readings};
use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    time::Instant,
};

/// Bytes per read: large enough that the call costs nothing, small enough to stay in the cache and to be decoded within the
/// time of a budget, which is looked at between reads: 64 KiB of console take some 3 ms.
const READ_BYTES: usize = 64 << 10;

/// Bytes of the start of a file that are compared to see whether it was written anew: more than any head line of a table.
const HEAD_BYTES: usize = 16 << 10;

/// Why a file is read anew that lost what was read of it.
const SHRANK: &str = "the file shrank";

/// How a file's writer works.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Writes {
    /// It only ever appends.
    #[default]
    Appends,
    /// It appends, and when it learns of a new column it writes the file anew in place, with another first line.
    Heads,
    /// It writes the file anew whenever there is news.
    Whole,
}

/// Reads a growing file through a decoder, from the start and then only what is new.
pub struct Tail {
    path: PathBuf,
    decoder: Box<dyn Decoder>,
    readings: Readings,
    file: Option<Open>,
    offset: u64,
    buffer: Vec<u8>,
    /// It was there and is not any more.
    is_gone: bool,
    writes: Writes,
    /// The start of what was read, where a change of it matters.
    head: Vec<u8>,
}

struct Open {
    file: File,
    id: (u64, u64),
    /// How it stood when its start was last compared, or when it was last read to its end.
    seen: Option<(u64, i64, i64)>,
}

impl Tail {
    /// Stands at the start of the file at `path`, which may not exist yet.
    pub fn new(path: PathBuf, decoder: Box<dyn Decoder>) -> Tail {
        Tail {
            path,
            decoder,
            readings: Readings::default(),
            file: None,
            offset: 0,
            buffer: Vec::new(),
            is_gone: false,
            writes: Writes::Appends,
            head: Vec::new(),
        }
    }

    /// The same, of a file that is written in this way.
    pub fn written(self, writes: Writes) -> Tail {
        Tail { writes, ..self }
    }

    /// The same, from `offset` on: what stands before it is passed over.
    pub fn from(self, offset: u64) -> Tail {
        Tail { offset, ..self }
    }

    /// The same, where the bytes before `offset` begin with `head`: a file that begins otherwise was written anew, and is read from
    /// its start.
    pub(super) fn behind(self, head: Vec<u8>, offset: u64) -> Tail {
        Tail { head, ..self.from(offset) }
    }

    /// The file that is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads what is new and hands the records and losses to `sink`.
    ///
    /// A file that does not exist (yet, or any more) has nothing new. Other errors leave the tail where
    /// it stands; the next call tries again.
    pub fn read(&mut self, budget: Budget, sink: &mut Sink) -> io::Result<Progress> {
        self.read_to(budget, &mut Whole(sink))
    }

    fn read_to(&mut self, budget: Budget, taker: &mut dyn Taker) -> io::Result<Progress> {
        if self.readings.is_again(&*self.decoder) {
            return Ok(self.start_over());
        }
        if let Some(change) = self.replaced()? {
            let before = self.offset;
            // Where that is how the writer works, it is no news.
            let is_news = match self.writes {
                Writes::Appends => true,
                Writes::Heads => change == SHRANK && self.has_first_line(),
                Writes::Whole => false,
            };
            self.readings = Readings::default();
            let progress = self.start_over();
            if is_news {
                let reason = format!("{change} after {before} bytes were read: reading starts over");
                taker.take(Err(Loss { offset: 0, bytes: 0, reason }));
            }
            return Ok(progress);
        }
        let Some(open) = &mut self.file else {
            return Ok(Progress::default());
        };
        let start = Instant::now();
        let mut progress = Progress::default();
        self.buffer.resize(READ_BYTES, 0);
        loop {
            let length = match open.file.read(&mut self.buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if length == 0 {
                break;
            }
            // Where reading began further on, the start is known already.
            if self.writes == Writes::Heads && self.offset == self.head.len() as u64 {
                let room = HEAD_BYTES - self.head.len();
                self.head.extend_from_slice(&self.buffer[..length.min(room)]);
            }
            progress.bytes += length as u64;
            self.offset += length as u64;
            self.decoder.push(&self.buffer[..length]);
            self.decoder.drain(taker);
            if self.readings.is_again(&*self.decoder) {
                return Ok(self.start_over());
            }
            if progress.bytes >= budget.bytes_max || start.elapsed() >= budget.time_max {
                progress.more = open.file.metadata()?.len() > self.offset;
                break;
            }
        }
        if !progress.more {
            if progress.bytes > 0 {
                self.decoder.glimpse();
                self.decoder.drain(taker);
                if self.readings.is_again(&*self.decoder) {
                    return Ok(self.start_over());
                }
            }
            if self.writes == Writes::Whole && progress.bytes > 0 {
                open.seen = open.file.metadata().ok().map(|file| (file.len(), file.mtime(), file.mtime_nsec()));
            }
            // Hundreds of idle tails should not hold a buffer each.
            self.buffer = Vec::new();
        }
        Ok(progress)
    }

    /// Whether the file still begins with the line that was read first, as far as that is there.
    fn has_first_line(&self) -> bool {
        let (Some(open), Some(line)) = (&self.file, self.head.split_inclusive(|byte| *byte == b'\n').next()) else { return false };
        let mut first = vec![0; line.len()];
        open.file.read_at(&mut first, 0).is_ok_and(|length| length > 0 && line.starts_with(&first[..length]))
    }

    /// Begins again at the start of the file.
    fn start_over(&mut self) -> Progress {
        (self.file, self.head, self.offset) = (None, Vec::new(), 0);
        self.decoder.reset();
        Progress { more: true, restarted: true, ..Progress::default() }
    }

    /// Says that the file will not grow any more, so that a last line without a newline counts. Growing
    /// files may go on afterwards.
    ///
    /// What that tells may make what was read before wrong: then the next read starts over.
    pub fn finish(&mut self, sink: &mut Sink) {
        self.decoder.finish();
        self.decoder.drain(&mut Whole(sink));
    }

    /// Opens the file when that is still to do. `Some`: the open file is no longer what was read, and why.
    fn replaced(&mut self) -> io::Result<Option<&'static str>> {
        let at_path = match fs::metadata(&self.path) {
            Ok(metadata) => Some(metadata),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
            Err(error) => return Err(error),
        };
        self.is_gone = self.file.is_some() && at_path.is_none();
        // Deleted: what is open may still be read to its end.
        let Some(metadata) = at_path else { return Ok(None) };
        match &mut self.file {
            None => {
                // A pipe would block until somebody writes to it.
                if !metadata.is_file() {
                    return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
                }
                let mut file = File::open(&self.path)?;
                if self.offset > 0 {
                    file.seek(SeekFrom::Start(self.offset))?;
                }
                self.file = Some(Open { id: id(&file.metadata()?), file, seen: None });
                Ok(None)
            }
            Some(open) if open.id != id(&metadata) => Ok(Some("another file took its place")),
            // One that is being written anew is empty for a moment: its first line is to tell.
            Some(_) if metadata.len() == 0 && self.writes == Writes::Heads => Ok(None),
            Some(_) if metadata.len() < self.offset => Ok(Some(SHRANK)),
            Some(open) => {
                let stamp = Some((metadata.len(), metadata.mtime(), metadata.mtime_nsec()));
                let is_new = match self.writes {
                    Writes::Appends => false,
                    // A document that something follows turned out to be lines, which are appended.
                    Writes::Whole if self.decoder.kind().is_some_and(|kind| kind != Kind::Json) => false,
                    // What grew while it was read for the first time is read to its end first.
                    Writes::Whole => open.seen.is_some_and(|seen| Some(seen) != stamp),
                    Writes::Heads if open.seen == stamp => false,
                    Writes::Heads => {
                        open.seen = stamp;
                        let mut head = vec![0; self.head.len()];
                        open.file.read_exact_at(&mut head, 0).is_err() || head != self.head
                    }
                };
                Ok(is_new.then_some("the file was written anew"))
            }
        }
    }
}

impl Source for Tail {
    fn poll(&mut self, budget: Budget, sink: &mut Sink) -> Result<Progress, SourceError> {
        self.poll_to(budget, &mut Whole(sink))
    }

    fn poll_to(&mut self, budget: Budget, taker: &mut dyn Taker) -> Result<Progress, SourceError> {
        let progress = self.read_to(budget, taker).map_err(|source| SourceError::Io { path: self.path.clone(), source })?;
        if progress == Progress::default() && self.is_gone {
            return Err(SourceError::Gone { path: self.path.clone() });
        }
        Ok(progress)
    }

    fn finish(&mut self, sink: &mut Sink) {
        Tail::finish(self, sink);
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
}

fn id(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Step,
        source::{Csv, Jsonl, Record, RowOptions},
    };
    use std::io::Write;
    use std::time::Duration;

    fn row(step: i64) -> String {
        format!("{{\"s\":{step},\"m\":{{\"loss\":1.5}}}}\n")
    }

    fn append(path: &Path, text: &str) {
        let mut file = File::options().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn look(tail: &mut Tail, budget: Budget) -> (Vec<i64>, Progress) {
        let mut steps = vec![];
        let progress = tail.read(budget, &mut |record| {
            if let Ok(Record::Row(row)) = record {
                steps.push(row.step.unwrap().0);
            }
        });
        (steps, progress.unwrap())
    }

    #[test]
    fn what_the_last_line_without_a_newline_tells_may_make_all_before_it_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        append(&path, "epoch,loss\n0,1\n0,3\n0.5,2");
        let mut tail = Tail::new(path, Box::new(Csv::new(RowOptions::default())));
        let rows = |tail: &mut Tail| {
            let mut values = vec![];
            let mut sink =
                |record| values.extend(if let Ok(Record::Row(row)) = record { Some((row.step, row.values.len())) } else { None });
            let progress = tail.read(Budget::ALL, &mut sink).unwrap();
            tail.finish(&mut sink);
            (values, progress.restarted)
        };
        assert_eq!(rows(&mut tail).0[..2], [(Some(Step(0)), 1); 2]);
        assert!(rows(&mut tail).1);
        assert_eq!(rows(&mut tail), (vec![(None, 2); 3], false));
        assert!(!rows(&mut tail).1);
    }

    #[test]
    fn rows_that_come_behind_a_table_that_stands_newest_first_are_read_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        append(&path, "step,loss\n3,1\n2,2\n1,3\n");
        let mut tail = Tail::new(path.clone(), Box::new(Csv::new(RowOptions::default()))).written(Writes::Heads);
        assert!(look(&mut tail, Budget::ALL).1.restarted);
        assert_eq!(look(&mut tail, Budget::ALL).0, [1, 2, 3]);
        append(&path, "4,0.5\n");
        assert_eq!(look(&mut tail, Budget::ALL).0, [4]);
        append(&path, "5,0.5\n6,0.5\n");
        assert_eq!(look(&mut tail, Budget::ALL).0, [5, 6]);
        append(&path, "2,0.5\n");
        assert_eq!(look(&mut tail, Budget::ALL), (vec![2], Progress { bytes: 6, ..Progress::default() }), "a restart");
    }

    #[test]
    fn a_file_may_come_later_and_only_what_is_new_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sub").join("metrics.jsonl");
        let mut tail = Tail::new(path.clone(), Box::new(Jsonl::new()));
        assert_eq!(look(&mut tail, Budget::ALL), (vec![], Progress::default()));
        fs::create_dir(dir.path().join("sub")).unwrap();
        append(&path, &(row(1) + "{\"s\":2,"));
        assert_eq!(look(&mut tail, Budget::ALL).0, [1]);
        append(&path, "\"m\":{\"loss\":2}}\n");
        let (steps, progress) = look(&mut tail, Budget::ALL);
        assert_eq!((steps, progress.bytes), (vec![2], 16));
        assert_eq!(look(&mut tail, Budget::ALL).1, Progress::default());
        assert_eq!(tail.offset(), fs::metadata(&path).unwrap().len());
    }

    #[test]
    fn a_file_that_shrank_or_was_replaced_starts_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.jsonl");
        let mut tail = Tail::new(path.clone(), Box::new(Jsonl::new()));
        append(&path, &(row(1) + &row(2)));
        assert_eq!(look(&mut tail, Budget::ALL).0, [1, 2]);
        fs::write(&path, row(7)).unwrap();
        assert_eq!(look(&mut tail, Budget::ALL), (vec![], Progress { more: true, restarted: true, bytes: 0 }));
        assert_eq!(look(&mut tail, Budget::ALL).0, [7]);
        let other = dir.path().join("other");
        fs::write(&other, row(8) + &row(9)).unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(look(&mut tail, Budget::ALL).1.restarted);
        assert_eq!(look(&mut tail, Budget::ALL).0, [8, 9]);
        fs::remove_file(&path).unwrap();
        assert_eq!(look(&mut tail, Budget::ALL), (vec![], Progress::default()));
    }

    #[test]
    fn a_table_that_is_written_anew_with_another_head_is_read_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        fs::write(&path, "step,loss\n1,2.5\n2,2\n").unwrap();
        let csv = || Box::new(crate::source::Csv::new(Default::default()));
        let mut tail = Tail::new(path.clone(), csv()).written(Writes::Heads);
        assert_eq!(look(&mut tail, Budget::ALL).0, [1, 2]);
        append(&path, "3,1.5\n");
        assert_eq!(look(&mut tail, Budget::ALL).0, [3]);
        // Longer than before, so only its start tells.
        fs::write(&path, "step,loss,lr\n1,2.5,\n2,2,\n3,1.5,\n4,1,0.1\n").unwrap();
        let mut losses = 0;
        let progress = tail.read(Budget::ALL, &mut |record| losses += usize::from(record.is_err())).unwrap();
        assert_eq!((progress.restarted, losses), (true, 0));
        assert_eq!(look(&mut tail, Budget::ALL).0, [1, 2, 3, 4]);
        assert_eq!(look(&mut tail, Budget::ALL), (vec![], Progress::default()));
    }

    #[test]
    fn a_table_that_shrank_says_so_unless_its_columns_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        for (anew, said) in [("step,loss\n7,9\n", 1), ("step,lr\n7,1\n", 0)] {
            fs::write(&path, "step,loss\n1,2.5\n2,2\n").unwrap();
            let mut tail = Tail::new(path.clone(), Box::new(crate::source::Csv::new(Default::default()))).written(Writes::Heads);
            assert_eq!(look(&mut tail, Budget::ALL).0, [1, 2]);
            fs::write(&path, "").unwrap();
            assert_eq!(look(&mut tail, Budget::ALL), (vec![], Progress::default()));
            fs::write(&path, anew).unwrap();
            let mut losses = 0;
            let progress = tail.read(Budget::ALL, &mut |record| losses += usize::from(record.is_err())).unwrap();
            assert_eq!((progress.restarted, losses), (true, said), "{anew}");
            assert_eq!(look(&mut tail, Budget::ALL).0, [7]);
        }
    }

    #[test]
    fn a_document_is_read_anew_at_every_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trainer_state.json");
        let document = |steps: i64| {
            let rows: Vec<String> = (1..=steps).map(|step| format!("{{\"step\": {step}, \"loss\": 1.5}}")).collect();
            format!("{{\"epoch\": 1, \"log_history\": [{}]}}", rows.join(", "))
        };
        fs::write(&path, document(1)).unwrap();
        let mut tail = Tail::new(path.clone(), crate::source::Kind::Json.decoder().unwrap()).written(Writes::Whole);
        assert_eq!(look(&mut tail, Budget::ALL).0, [1]);
        assert_eq!(look(&mut tail, Budget::ALL), (vec![], Progress::default()));
        fs::write(&path, document(3)).unwrap();
        assert!(look(&mut tail, Budget::ALL).1.restarted);
        assert_eq!(look(&mut tail, Budget::ALL).0, [1, 2, 3]);
    }

    #[test]
    fn a_file_that_is_gone_says_so_and_goes_on_when_it_is_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.jsonl");
        append(&path, &row(1));
        let mut tail = Tail::new(path.clone(), Box::new(Jsonl::new()));
        let poll = |tail: &mut Tail| {
            let mut seen = vec![];
            let progress = tail.poll(Budget::ALL, &mut |record| seen.push(record.is_ok()));
            (progress, seen)
        };
        assert_eq!(poll(&mut tail).1, [true, true]);
        fs::remove_file(&path).unwrap();
        assert!(matches!(poll(&mut tail).0, Err(SourceError::Gone { .. })));
        append(&path, &row(2));
        let (progress, seen) = poll(&mut tail);
        assert_eq!((progress.unwrap().restarted, seen), (true, vec![false]));
        assert_eq!(poll(&mut tail).1, [true, true]);
    }

    #[test]
    fn a_look_ends_with_its_budget_and_says_that_there_is_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.jsonl");
        fs::write(&path, (0..30_000).map(row).collect::<String>()).unwrap();
        let mut tail = Tail::new(path, Box::new(Jsonl::new()));
        let (mut steps, mut looks) = (vec![], 0);
        loop {
            let (new, progress) = look(&mut tail, Budget { bytes_max: 1, time_max: Duration::MAX });
            assert!(progress.bytes <= READ_BYTES as u64);
            steps.extend(new);
            looks += 1;
            if !progress.more {
                break;
            }
        }
        assert_eq!(steps, (0..30_000).collect::<Vec<_>>());
        assert!(looks >= 3);
    }

    #[test]
    fn a_folder_is_an_error_and_not_a_hang() {
        let dir = tempfile::tempdir().unwrap();
        let mut tail = Tail::new(dir.path().into(), Box::new(Jsonl::new()));
        assert!(tail.read(Budget::ALL, &mut |_| {}).is_err());
    }
}
