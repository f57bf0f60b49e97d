//! A TensorBoard run: the event files of one folder, read as one source; so are the files of other trackers that have several.

use super::{Budget, Progress, Sink, Source, SourceError, Tail, event_files, sqlite::FileStamp};
use crate::{
    model::MetricKey,
    source::{Decoder, KeyId, Record, TfEvents},
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::{Instant, SystemTime},
};

/// Reads the event files of a folder in order of name, and those that come later.
///
/// A restarted program begins a new file, so a key may stand in several: it has one number here.
pub(super) struct EventFiles {
    folder: PathBuf,
    list: ListFiles,
    make: MakeDecoder,
    /// Files lie in folders below it.
    is_deep: bool,
    /// How the folder stood when it was last listed, once that is sure to be all.
    listed: Option<FileStamp>,
    known: HashSet<PathBuf>,
    parts: Vec<Part>,
    keys: HashMap<MetricKey, KeyId>,
}

/// The files of a folder, in the order in which they are read.
type ListFiles = fn(&Path) -> io::Result<Vec<PathBuf>>;

/// The decoder of a file of a folder.
type MakeDecoder = fn(&Path, &Path) -> Box<dyn Decoder>;

/// One file, and the numbers of its keys here.
struct Part {
    tail: Tail,
    ids: HashMap<KeyId, KeyId>,
}

impl EventFiles {
    pub(super) fn new(folder: PathBuf) -> EventFiles {
        EventFiles { is_deep: false, ..EventFiles::of(folder, event_files, |_, _| Box::new(TfEvents::new())) }
    }

    /// Other files of a folder, and those in folders below it.
    pub(super) fn of(folder: PathBuf, list: ListFiles, make: MakeDecoder) -> EventFiles {
        EventFiles { folder, list, make, is_deep: true, listed: None, known: HashSet::new(), parts: vec![], keys: HashMap::new() }
    }

    /// Finds the files that came since the last look.
    fn list(&mut self) -> Result<(), SourceError> {
        let stamp = FileStamp::of(&self.folder)?;
        if stamp.is_some() && stamp == self.listed {
            return Ok(());
        }
        let files = match (self.list)(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return if self.parts.is_empty() { Ok(()) } else { Err(SourceError::Gone { path: self.folder.clone() }) };
            }
            files => files.map_err(|source| SourceError::Io { path: self.folder.clone(), source })?,
        };
        for file in files {
            if self.known.insert(file.clone()) {
                let decoder = (self.make)(&self.folder, &file);
                self.parts.push(Part { tail: Tail::new(file, decoder), ids: HashMap::new() });
            }
        }
        // Of what lies deeper the folder says nothing.
        self.listed = stamp.filter(|stamp| stamp.is_settled(SystemTime::now()) && !self.is_deep);
        Ok(())
    }

    fn restart(&mut self) {
        (self.listed, self.parts) = (None, vec![]);
        self.known.clear();
        self.keys.clear();
    }
}

/// Hands on a record of one file with the numbers that hold for all.
fn translate(keys: &mut HashMap<MetricKey, KeyId>, ids: &mut HashMap<KeyId, KeyId>, record: Record, sink: &mut Sink) {
    match record {
        Record::Key(id, key) => {
            let next = KeyId(u32::try_from(keys.len()).unwrap_or(u32::MAX));
            let common = *keys.entry(key.clone()).or_insert_with(|| {
                sink(Ok(Record::Key(next, key)));
                next
            });
            ids.insert(id, common);
        }
        Record::Row(mut row) => {
            row.values.iter_mut().for_each(|(id, _)| *id = ids.get(id).copied().unwrap_or(*id));
            sink(Ok(Record::Row(row)));
        }
        other => sink(Ok(other)),
    }
}

impl Source for EventFiles {
    fn poll(&mut self, budget: Budget, sink: &mut Sink) -> Result<Progress, SourceError> {
        let start = Instant::now();
        self.list()?;
        let mut progress = Progress::default();
        for Part { tail, ids } in &mut self.parts {
            let left = Budget {
                bytes_max: budget.bytes_max.saturating_sub(progress.bytes),
                time_max: budget.time_max.saturating_sub(start.elapsed()),
            };
            let keys = &mut self.keys;
            let found = tail.poll(left, &mut |record| match record {
                Ok(record) => translate(keys, ids, record, sink),
                Err(loss) => sink(Err(loss)),
            });
            match found {
                Ok(found) if found.restarted => {
                    self.restart();
                    return Ok(Progress { bytes: 0, more: true, restarted: true });
                }
                Ok(found) => (progress.bytes, progress.more) = (progress.bytes + found.bytes, found.more),
                // Old files are tidied away; what they said stays.
                Err(SourceError::Gone { .. }) => {}
                Err(error) => return Err(error),
            }
            // What a later file says may supersede what an earlier one still has to say.
            if progress.more {
                break;
            }
        }
        Ok(progress)
    }

    fn finish(&mut self, sink: &mut Sink) {
        for Part { tail, ids } in &mut self.parts {
            let keys = &mut self.keys;
            tail.finish(&mut |record| match record {
                Ok(record) => translate(keys, ids, record, sink),
                Err(loss) => sink(Err(loss)),
            });
        }
    }

    fn path(&self) -> &Path {
        &self.folder
    }

    fn paths(&self) -> Vec<PathBuf> {
        let deeper = self.known.iter().filter_map(|file| file.parent()).filter(|folder| *folder != self.folder);
        let folders: BTreeSet<&Path> = deeper.chain([self.folder.as_path()]).collect();
        folders.into_iter().map(Path::to_owned).collect()
    }

    fn offset(&self) -> u64 {
        self.parts.iter().map(|part| part.tail.offset()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Steps of each key, as they come, and whether it started over.
    fn look(source: &mut EventFiles, budget: Budget) -> (HashMap<String, Vec<i64>>, bool) {
        let (mut names, mut steps, mut restarted) = (HashMap::new(), HashMap::<String, Vec<i64>>::new(), false);
        loop {
            let progress = source.poll(budget, &mut |record| match record {
                Ok(Record::Key(id, key)) => assert_eq!(names.insert(id, key.to_string()), None),
                Ok(Record::Row(row)) => {
                    for (id, _) in row.values {
                        let name = names.get(&id).cloned().unwrap_or_else(|| format!("{id:?}"));
                        steps.entry(name).or_default().push(row.step.unwrap().0);
                    }
                }
                _ => {}
            });
            let progress = progress.unwrap();
            if progress.restarted {
                (names, steps, restarted) = (HashMap::new(), HashMap::new(), true);
            }
            if !progress.more {
                return (steps, restarted);
            }
        }
    }

    #[test]
    fn files_of_a_folder_are_one_source_and_new_ones_are_found() {
        let fixture = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tfevents/restart"));
        let [first, second] = [1_700_000_000, 1_700_000_001].map(|at| format!("events.out.tfevents.{at}.fixture"));
        let dir = tempfile::tempdir().unwrap();
        fs::copy(fixture.join(&first), dir.path().join(&first)).unwrap();
        let mut source = EventFiles::new(dir.path().to_owned());
        let budget = Budget { bytes_max: 1, time_max: std::time::Duration::ZERO };
        let (before, _) = look(&mut source, budget);
        let (key, steps) = before.iter().next().unwrap();
        fs::copy(fixture.join(&second), dir.path().join(&second)).unwrap();
        let (after, restarted) = look(&mut source, budget);
        // The key keeps its number, so it is not named again.
        assert_eq!((after.keys().next().unwrap().as_str(), restarted), ("KeyId(0)", false), "{key}");
        let back = after.values().next().unwrap();
        assert!(back[0] < *steps.last().unwrap(), "{steps:?} {back:?}");
        assert_eq!(look(&mut source, budget).0.len(), 0);
        assert!(source.offset() > 0);
        fs::write(dir.path().join(&second), "").unwrap();
        let (all, restarted) = look(&mut source, budget);
        assert!(restarted);
        assert_eq!(all.get(key), Some(steps));
    }
}
