//! Trackio's inbox: where it logs when SQLite is not safe (network filesystems), `inbox/<writer>/NNNNNNNN.jsonl`.
//!
//! A file appears whole and never changes. A dashboard, if one runs, imports the files into the database and deletes them.

use super::{SourceError, sqlite::FileStamp};
use crate::source::{
    Loss,
    trackio::{Posted, posted},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Largest file that is read. One holds what was logged in half a second.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// What one look at the inbox takes in at most; behind that it says that there is more.
const LOOK_BYTES_MAX: u64 = 16 << 20;

/// What is new in an inbox.
#[derive(Default)]
pub(super) struct Mail {
    pub(super) lines: Vec<Posted>,
    pub(super) losses: Vec<Loss>,
    pub(super) bytes: u64,
    pub(super) more: bool,
}

/// The inbox beside a project.
pub(super) struct Inbox {
    dir: PathBuf,
    stamp: Option<FileStamp>,
    writers: BTreeMap<PathBuf, Writer>,
}

/// The files of one process.
#[derive(Default)]
struct Writer {
    stamp: Option<FileStamp>,
    /// Lowest number that was not read.
    next: u64,
    /// Numbers read above it.
    done: BTreeSet<u64>,
}

impl Inbox {
    /// The inbox in the folder of the database `db`.
    pub(super) fn beside(db: &Path) -> Inbox {
        Inbox { dir: db.with_file_name("inbox"), stamp: None, writers: BTreeMap::new() }
    }

    /// The files that are expected next.
    pub(super) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.writers.iter().map(|(dir, writer)| file(dir, writer.next)).chain([self.dir.clone()])
    }

    /// Reads the files that were not read before, those of the writer that began first first.
    pub(super) fn read(&mut self) -> Result<Mail, SourceError> {
        let now = SystemTime::now();
        let Some(stamp) = FileStamp::of(&self.dir)? else { return Ok(Mail::default()) };
        if self.stamp.as_ref() != Some(&stamp) {
            let dirs = list(&self.dir)?;
            self.writers.retain(|dir, _| dirs.contains(dir));
            for dir in dirs {
                self.writers.entry(dir).or_default();
            }
            self.stamp = stamp.is_settled(now).then_some(stamp);
        }
        let mut files = vec![];
        for (dir, writer) in &mut self.writers {
            files.extend(writer.look(dir, now)?);
        }
        files.sort();
        let mut mail = Mail::default();
        for (_, dir, number) in files {
            if mail.bytes >= LOOK_BYTES_MAX {
                mail.more = true;
                break;
            }
            self.writers.entry(dir.clone()).or_default().take(number);
            mail.take(&file(&dir, number))?;
        }
        if mail.more {
            // The files that were left are found by looking again.
            self.writers.values_mut().for_each(|writer| writer.stamp = None);
        }
        Ok(mail)
    }
}

/// A new file: when it was written, its folder, its number.
type New = (SystemTime, PathBuf, u64);

impl Writer {
    fn look(&mut self, dir: &Path, now: SystemTime) -> Result<Vec<New>, SourceError> {
        let Some(stamp) = FileStamp::of(dir)? else { return Ok(vec![]) };
        if self.stamp.as_ref() == Some(&stamp) {
            return Ok(vec![]);
        }
        self.stamp = stamp.is_settled(now).then_some(stamp);
        let new = |number: u64| Some((fs::metadata(file(dir, number)).ok()?.modified().ok()?, dir.to_owned(), number));
        // Mostly there is just one more file. The folder is listed only when that is not so: it may hold a hundred thousand.
        let mut found: Vec<New> = (self.next..).filter(|number| !self.done.contains(number)).map_while(new).collect();
        if found.is_empty() {
            let numbers = list(dir)?.into_iter().filter_map(|path| number(&path));
            found = numbers.filter(|number| *number >= self.next && !self.done.contains(number)).filter_map(new).collect();
        }
        Ok(found)
    }

    fn take(&mut self, number: u64) {
        self.done.insert(number);
        while self.done.remove(&self.next) {
            self.next += 1;
        }
    }
}

impl Mail {
    fn take(&mut self, path: &Path) -> Result<(), SourceError> {
        let failed = |source| SourceError::Io { path: path.into(), source };
        let bytes = match fs::metadata(path).and_then(|m| if m.len() > FILE_BYTES_MAX { Ok(Err(m.len())) } else { fs::read(path).map(Ok) })
        {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(bytes)) => {
                self.losses.push(Loss { offset: 0, bytes, reason: format!("{} is too large", path.display()) });
                return Ok(());
            }
            // Imported and deleted: it comes by the database.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let mut offset = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match std::str::from_utf8(line).ok().map(str::trim) {
                Some("") => {}
                text => match text.and_then(posted) {
                    Some(posted) => self.lines.push(posted),
                    None => {
                        let reason = format!("a line of {} is not an inbox record", path.display());
                        self.losses.push(Loss { offset, bytes: line.len() as u64, reason });
                    }
                },
            }
            offset += line.len() as u64;
        }
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

fn file(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:08}.jsonl"))
}

fn number(path: &Path) -> Option<u64> {
    (path.extension()? == "jsonl").then(|| path.file_stem()?.to_str()?.parse().ok()).flatten()
}

/// The paths in a folder; empty when it is gone.
fn list(dir: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let failed = |source| SourceError::Io { path: dir.into(), source };
    match fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(vec![]),
        Err(error) => Err(failed(error)),
    }
}
