//! Writes to run folders: whole lines at the end of a file, or a whole file at once.

use crate::{
    model::WallTime,
    store::{Beside, Event, Remark, Remarks, RunFolder, RunInfo, StoreError},
};
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    path::Path,
    process,
    sync::atomic::{AtomicU64, Ordering},
};

impl RunFolder {
    /// Reads `run.json`.
    pub fn info(&self) -> Result<RunInfo, StoreError> {
        let path = self.run_json();
        let bytes = fs::read(&path).map_err(|source| match source.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => StoreError::NotARun { path: self.path().to_owned() },
            _ => StoreError::of("read", &path, source),
        })?;
        serde_json::from_slice(&bytes).map_err(|source| StoreError::Damaged { path, source })
    }

    /// Writes `run.json`, whole or not at all.
    pub fn write_info(&self, info: &RunInfo) -> Result<(), StoreError> {
        let path = self.run_json();
        let mut text = serde_json::to_string_pretty(info).map_err(|source| StoreError::Damaged { path: path.clone(), source })?;
        text.push('\n');
        replace(&path, text.as_bytes()).map_err(|source| StoreError::of("write", path, source))
    }

    /// Changes `run.json`; returns what it says then. Two that change it at once take turns, where the filesystem has locks.
    pub fn update_run_json(&self, change: impl FnOnce(&mut RunInfo)) -> Result<RunInfo, StoreError> {
        // Without locks (some network filesystems) the last writer wins, which is still a whole file.
        let turn = File::open(self.path()).and_then(|folder| folder.lock().map(|()| folder));
        let mut info = self.info()?;
        change(&mut info);
        self.write_info(&info)?;
        drop(turn);
        Ok(info)
    }

    /// Keeps what somebody remarks on the run: in `run.json`, and in `events.jsonl` when that was.
    pub fn remark(&self, remark: &Remark, author: &str, now: WallTime) -> Result<(), StoreError> {
        let mut event = None;
        self.update_run_json(|info| {
            event = remark.event(info, author, now);
            remark.put(info);
        })?;
        event.map_or(Ok(()), |event| self.append_event(&event))
    }

    /// Adds `event` to `events.jsonl`.
    pub fn append_event(&self, event: &Event) -> Result<(), StoreError> {
        self.append(&self.events(), &event.to_line())
    }

    /// Adds `line`, which ends with a newline, to the file at `path` (one of this folder's) with one write.
    pub fn append(&self, path: &Path, line: &str) -> Result<(), StoreError> {
        append_line(path, line).map_err(|source| StoreError::of("write", path, source))
    }
}

impl Beside {
    /// Reads the remarks; those that are not there yet say nothing.
    pub fn read(&self) -> Result<Remarks, StoreError> {
        let path = self.remarks();
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Remarks { v: 1, of: self.of.clone(), ..Remarks::default() }),
            Err(source) => Err(StoreError::of("read", path, source)),
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| StoreError::Damaged { path, source }),
        }
    }

    /// Keeps what somebody remarks on the run, of which `info` is known so far.
    pub fn remark(&self, remark: &Remark, info: &RunInfo, author: &str, now: WallTime) -> Result<(), StoreError> {
        let failed = |path: &Path, source| StoreError::of("write", path, source);
        fs::create_dir_all(&self.folder).map_err(|source| StoreError::of("make", &self.folder, source))?;
        let turn = File::open(&self.folder).and_then(|folder| folder.lock().map(|()| folder));
        let mut remarks = self.read()?;
        remarks.take(remark);
        let path = self.remarks();
        let mut text = serde_json::to_string_pretty(&remarks).map_err(|source| StoreError::Damaged { path: path.clone(), source })?;
        text.push('\n');
        replace(&path, text.as_bytes()).map_err(|source| failed(&path, source))?;
        drop(turn);
        let event = remark.event(info, author, now).map(|event| event.to_line());
        event.map_or(Ok(()), |line| append_line(&self.events(), &line).map_err(|source| failed(&self.events(), source)))
    }
}

/// Appends with one write(2), so that lines of several writers do not mix. A torn line that a crashed writer left is
/// ended first, so that it does not swallow this one.
fn append_line(path: &Path, line: &str) -> io::Result<()> {
    let mut file = File::options().read(true).append(true).create(true).open(path)?;
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let ended = last == [b'\n'];
    let line = if ended { line.to_owned() } else { format!("\n{line}") };
    match file.write(line.as_bytes())? {
        length if length == line.len() => Ok(()),
        // The disk took a part: it is full, and asking again says so.
        length => file.write_all(&line.as_bytes()[length..]),
    }
}

/// Puts `bytes` in place of the file at `path`: a reader finds the old file or the new one, also after a power cut.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.{}.{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let written = File::create_new(&new).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    });
    if written.is_err() {
        // The first error is the one that tells.
        let _ = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::EventKind;
    use std::thread;

    fn note(text: &str) -> Event {
        Event { t: WallTime::new(1.0).unwrap(), author: "human".into(), kind: EventKind::Note { text: text.into(), step: None } }
    }

    #[test]
    fn lines_of_many_writers_stay_whole_and_a_torn_one_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(dir.path());
        fs::write(folder.events(), "{\"t\":1,\"ki").unwrap();
        thread::scope(|scope| {
            for writer in 0..4 {
                let folder = &folder;
                scope.spawn(move || (0..50).for_each(|i| folder.append_event(&note(&format!("{writer} {i}"))).unwrap()));
            }
        });
        let text = fs::read_to_string(folder.events()).unwrap();
        assert_eq!(text.lines().filter_map(Event::from_line).count(), 200);
        assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), 201);
    }

    #[test]
    fn changes_of_run_json_take_turns_and_leave_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(dir.path());
        folder.write_info(&RunInfo::default()).unwrap();
        thread::scope(|scope| {
            for writer in 0..4 {
                let folder = &folder;
                scope.spawn(move || {
                    (0..10).for_each(|i| drop(folder.update_run_json(|run| run.notes += &format!("{writer}{i}\n")).unwrap()))
                });
            }
        });
        assert_eq!(folder.info().unwrap().notes.lines().count(), 40);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn errors_say_what_and_hint() {
        let dir = tempfile::tempdir().unwrap();
        let missing = RunFolder::at(dir.path().join("missing"));
        assert!(matches!(missing.info(), Err(StoreError::NotARun { .. })));
        assert!(matches!(missing.append_event(&note("")), Err(StoreError::Io { .. })));
        fs::write(dir.path().join("run.json"), "{").unwrap();
        assert!(matches!(RunFolder::at(dir.path()).info(), Err(StoreError::Damaged { .. })));
        let full = StoreError::of("write", "/x/run.json", ErrorKind::StorageFull.into());
        assert_eq!(full.to_string(), "cannot write /x/run.json: the disk is full");
        assert!(full.hint().contains("OG_DIR"));
        #[cfg(target_os = "linux")]
        assert!(matches!(RunFolder::at("/dev").append(Path::new("/dev/full"), "x\n"), Err(StoreError::Full { .. })));
    }
}
