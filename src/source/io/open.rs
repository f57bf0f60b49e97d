//! Opens whatever a path holds.

use super::{
    RunRef, RunSelector, Source, SourceError, Tail, TrackioRun, TvizRun, Writes,
    events::EventFiles,
    find::{runs, wandb_file},
    mlflow::{MlflowRun, metric_name},
    pipe::Pipe,
};
use crate::{
    model::ReadOptions,
    source::{
        Decoder, Kind, Record,
        detect::{self, formats, shown},
        mlflow::MlflowMetric,
        sniff,
        wide::{self, Wide},
    },
};
use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

/// Bytes that are looked at to tell the kind of a file; the first line of most JSON logs is within.
const HEAD_BYTES: usize = 8 << 10;

/// The sources of one run.
pub struct Opened {
    /// What the run is kept in.
    pub kind: Kind,
    /// The sources, the best of a metric first.
    pub sources: Vec<Box<dyn Source>>,
    /// Which run this is, where the path may hold several: the one asked for, else the newest.
    pub run: Option<RunRef>,
}

/// Why a path cannot be read as a run.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It does not exist, or may not be read.
    #[error("cannot open {}", path.display())]
    Open {
        /// The path as given, or the file in it that failed.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A link to nothing.
    #[error("{} is a link to {}, which is not there", path.display(), to.display())]
    Dangling {
        /// The link.
        path: PathBuf,
        /// What it says.
        to: PathBuf,
    },
    /// A folder or database without a run in it.
    #[error("{} holds no run", path.display())]
    NoRun {
        /// The folder or database.
        path: PathBuf,
    },
    /// No run of the path is called so.
    #[error("{} has no run {run}", path.display())]
    NoSuchRun {
        /// Where it was looked for.
        path: PathBuf,
        /// What was asked for.
        run: String,
        /// Runs that may have been meant.
        near: Vec<String>,
    },
    /// A file that is no stream of records.
    #[error("{} is in no format that og reads: it starts with {}", path.display(), shown(head))]
    Format {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        head: Vec<u8>,
    },
    /// A database of some other program.
    #[error("{} is a database of neither Trackio nor tviz", path.display())]
    Database {
        /// The database.
        path: PathBuf,
    },
    /// A source of it cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl OpenError {
    /// Runs that are named as those that may have been meant.
    pub(super) const NEAR_MAX: usize = 5;

    /// First bytes that are kept to be shown.
    pub(super) const HEAD_MAX: usize = 16;

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            OpenError::Open { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "you may not read it; its owner can let you: chmod +r".into()
            }
            OpenError::Source(error) if error.is_damage() => {
                "it is damaged, or no database; what SQLite can save of it: sqlite3 DATABASE .recover | sqlite3 SAVED".into()
            }
            OpenError::Source(SourceError::NoWriter { .. }) => "start the program that writes to it, or wait for it: --follow".into(),
            OpenError::Open { .. } | OpenError::Dangling { .. } | OpenError::Source(_) => "check the path and its permissions".into(),
            OpenError::NoSuchRun { near, .. } if near.is_empty() => "look at its runs: og inspect PATH".into(),
            OpenError::NoSuchRun { near, .. } => format!("runs there: {}", near.join(", ")),
            OpenError::Format { head, .. } => match detect::guess(head) {
                Some(guess) => format!("this looks like {guess}; og reads {}", formats()),
                None => format!("og reads {}", formats()),
            },
            OpenError::NoRun { .. } | OpenError::Database { .. } => format!("og reads {}", formats()),
        }
    }
}

/// Opens the run at `path`: a run folder of og, wandb or TensorBoard, a database, any log, `-` for the standard input, or
/// the run of them that is named behind a `#` ([`runs`]). Where it holds several, the first: mostly the newest.
pub fn open(path: &Path) -> Result<Opened, OpenError> {
    open_with(path, &ReadOptions::default())
}

/// The same, where a person said how it is to be read.
pub fn open_with(path: &Path, read: &ReadOptions) -> Result<Opened, OpenError> {
    let first = runs(path)?.into_iter().next().ok_or_else(|| OpenError::NoRun { path: path.to_owned() })?;
    let opened = open_ref(&first, read)?;
    let is_whole = first.address() == path;
    Ok(Opened { run: (!is_whole).then_some(first), ..opened })
}

/// Opens a run that [`runs`] has found.
pub fn open_ref(run: &RunRef, read: &ReadOptions) -> Result<Opened, OpenError> {
    let path = run.path.as_path();
    let sources: Vec<Box<dyn Source>> = match run.kind {
        Kind::OgRun => {
            // Both may come later; what the program logged on purpose goes before what it printed.
            let metrics = Tail::new(path.join("metrics.jsonl"), Kind::Jsonl.decoder_with(read).expect("JSON lines are a stream"));
            let stdout = Tail::new(path.join("stdout.log"), Kind::Log.decoder_with(read).expect("a log is a stream"));
            vec![Box::new(metrics), Box::new(stdout)]
        }
        Kind::Trackio => vec![Box::new(TrackioRun::open(path, RunSelector::Id(run.id.clone()))?)],
        Kind::Tviz => vec![Box::new(TvizRun::open(path, &run.id)?)],
        Kind::WandbRun => match wandb_file(path) {
            Some(log) => vec![file(Kind::Wandb, &log, read)?],
            None => return Err(OpenError::NoRun { path: path.to_owned() }),
        },
        Kind::Mlflow => vec![Box::new(MlflowRun::new(path.to_owned()))],
        Kind::TfEvents if path.is_dir() => vec![Box::new(EventFiles::new(path.to_owned()))],
        kind => vec![file(kind, path, read)?],
    };
    Ok(Opened { kind: run.kind, sources, run: Some(run.clone()) })
}

/// The same, of a table or of JSON lines of which only what stands from byte `from` on is wanted; zero means all of anything.
pub fn open_from(run: &RunRef, from: u64) -> Result<Opened, OpenError> {
    let read = ReadOptions::default();
    if from == 0 || !matches!(run.kind, Kind::Csv | Kind::Jsonl) {
        return open_ref(run, &read);
    }
    let path = run.path.as_path();
    let mut head = head(path).map_err(|source| OpenError::Open { path: path.to_owned(), source })?;
    // Where its lines end is not known from here.
    if wide::text(&head).is_some() {
        return open_ref(run, &read);
    }
    head.truncate(usize::try_from(from).unwrap_or(usize::MAX));
    let mut decoder = run.kind.decoder_with(&read).expect("tables and lines are streams");
    // What the columns are called, and the comments before. A first line that is a row already would tell its keys to nobody.
    if run.kind == Kind::Csv {
        let is_names = |line: &[u8]| !line.starts_with(b"#") && !line.trim_ascii().is_empty();
        for line in head.split_inclusive(|byte| *byte == b'\n') {
            decoder.push(line);
            if is_names(line) {
                break;
            }
        }
    }
    let is_head = loop {
        match decoder.next() {
            Ok(None) => break true,
            Ok(Some(Record::Info(..) | Record::Config(..))) => {}
            _ => break false,
        }
    };
    if !is_head || !decoder.jump() {
        decoder.reset();
    }
    let source = Tail::new(path.to_owned(), decoder).written(writes(run.kind)).behind(head, from);
    Ok(Opened { kind: run.kind, sources: vec![Box::new(source)], run: Some(run.clone()) })
}

fn writes(kind: Kind) -> Writes {
    match kind {
        Kind::Csv => Writes::Heads,
        Kind::Json => Writes::Whole,
        _ => Writes::Appends,
    }
}

/// A source that is one file, or a pipe.
fn file(kind: Kind, path: &Path, read: &ReadOptions) -> Result<Box<dyn Source>, OpenError> {
    let failed = |source| OpenError::Open { path: path.to_owned(), source };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if path.as_os_str() == "-" {
        return Ok(Box::new(Pipe::stdin(sniff::decoder(&name, read))));
    }
    if fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        return Ok(Box::new(Pipe::fifo(path, sniff::decoder(&name, read)).map_err(failed)?));
    }
    let head = head(path).map_err(failed)?;
    let decoder = match kind {
        // Too little of it is there to tell.
        Kind::Log | Kind::Jsonl | Kind::Json if sniff::is_open(&name, &head) => Some(sniff::decoder(&name, read)),
        kind => decoder_of(kind, path, read, &head),
    };
    let decoder =
        decoder.ok_or_else(|| OpenError::Format { path: path.to_owned(), head: head[..head.len().min(OpenError::HEAD_MAX)].to_vec() })?;
    Ok(Box::new(Tail::new(path.to_owned(), decoder).written(writes(kind))))
}

/// The decoder of a file that begins with `head`.
pub(super) fn decoder_of(kind: Kind, path: &Path, read: &ReadOptions, head: &[u8]) -> Option<Box<dyn Decoder>> {
    match kind {
        // Its name says which metric it is.
        Kind::MlflowMetric => Some(Box::new(MlflowMetric::new(&metric_name(path)))),
        kind => kind.decoder_with(read).map(|decoder| Wide::of(decoder, head)),
    }
}

/// What a file is, and its first bytes.
pub(super) fn kind_of(path: &Path) -> io::Result<(Kind, Vec<u8>)> {
    let head = head(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok((Kind::of_file(&name, &head), head))
}

fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = vec![];
    File::open(path)?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Budget, Record};
    use std::io::Write;

    fn steps(opened: &mut Opened) -> usize {
        let mut rows = 0;
        for source in &mut opened.sources {
            source.poll(Budget::ALL, &mut |record| rows += usize::from(matches!(record, Ok(Record::Row(_))))).unwrap();
        }
        rows
    }

    #[test]
    fn whoever_may_not_read_a_file_is_told_so() {
        let error = |kind: io::ErrorKind| OpenError::Open { path: "a".into(), source: kind.into() };
        assert!(error(io::ErrorKind::PermissionDenied).hint().contains("chmod"));
        assert!(!error(io::ErrorKind::NotFound).hint().contains("chmod"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.jsonl");
        fs::write(&path, "{}").unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
        // Root may read everything.
        if File::open(&path).is_err() {
            for path in [path.as_path(), dir.path()] {
                assert!(matches!(open(path), Err(OpenError::Open { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied));
            }
        }
    }

    #[test]
    fn a_log_that_is_opened_when_only_its_settings_stand_there_is_read_as_a_log() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("train.log");
        let settings = "{\"lr\": 0.1, \"batch_size\": 32}\n";
        fs::write(&path, settings).unwrap();
        let mut opened = open(&path).unwrap();
        assert_eq!((steps(&mut opened), opened.sources[0].kind()), (1, Some(Kind::Jsonl)));
        fs::write(&path, format!("{settings}step 1 loss 2.0\nstep 2 loss 1.5\n")).unwrap();
        assert!(opened.sources[0].poll(Budget::ALL, &mut |_| {}).unwrap().restarted);
        assert_eq!((steps(&mut opened), opened.sources[0].kind()), (2, Some(Kind::Log)));
    }

    #[test]
    fn it_does_not_matter_when_a_file_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let line = |at: i64| format!("{{\"name\":\"a\",\"score\":{at},\"results\":[{{\"iter\":0,\"score\":2}}]}}\n");
        let document = "{\n \"lr\": 0.1,\n \"l\": [{\"step\": 1, \"loss\": 3}]\n}\n";
        for (name, start, more) in [
            ("x.log", line(1), line(2) + &line(3)),
            ("x.json", line(1), line(2) + &line(3)),
            ("y.json", "{\"score\": 1}\n".into(), "{\"score\": 2}\n{\"m\": {\"score\": 3}}\n".into()),
            ("x.log", document.into(), "step 1 loss 2.0\nstep 2 loss 1.5\n".into()),
        ] {
            let whole = start.clone() + &more;
            let at = |file: &str| dir.path().join(file).join(name);
            fs::create_dir_all(dir.path().join("whole")).unwrap();
            fs::create_dir_all(dir.path().join("grows")).unwrap();
            fs::write(at("whole"), &whole).unwrap();
            let mut opened = open(&at("whole")).unwrap();
            let want = (steps(&mut opened), opened.sources[0].kind().unwrap_or(opened.kind));
            for split in [start.len() / 2, start.len(), start.len() + 3, whole.len() - 2] {
                fs::write(at("grows"), &whole[..split]).unwrap();
                let mut opened = open(&at("grows")).unwrap();
                let mut rows = steps(&mut opened);
                File::options().append(true).open(at("grows")).unwrap().write_all(&whole.as_bytes()[split..]).unwrap();
                loop {
                    let mut found = 0;
                    let mut poll = |source: &mut Box<dyn Source>| {
                        source.poll(Budget::ALL, &mut |record| found += usize::from(matches!(record, Ok(Record::Row(_))))).unwrap()
                    };
                    let progress = poll(&mut opened.sources[0]);
                    rows = if progress.restarted { 0 } else { rows + found };
                    if progress == Default::default() {
                        break;
                    }
                }
                assert_eq!((rows, opened.sources[0].kind().unwrap_or(opened.kind)), want, "{name} at {split}");
                // Lines are appended: of what more comes nothing else is read again.
                File::options().append(true).open(at("grows")).unwrap().write_all(b"\n").unwrap();
                let progress = opened.sources[0].poll(Budget::ALL, &mut |_| {}).unwrap();
                assert_eq!((progress.bytes, progress.restarted), (1, false), "{name} at {split}");
            }
        }
    }

    #[test]
    fn epochs_of_a_document_that_are_told_by_fractions_are_values_from_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.json");
        let row = |epoch: &str| format!("{{\"epoch\": {epoch}, \"loss\": 2}}");
        let rows = |opened: &mut Opened| {
            let mut rows = vec![];
            loop {
                let mut sink =
                    |record| rows.extend(if let Ok(Record::Row(row)) = record { Some((row.step, row.values.len())) } else { None });
                let progress = opened.sources[0].poll(Budget::ALL, &mut sink).unwrap();
                if progress.restarted {
                    rows.clear();
                } else if progress == Default::default() {
                    return rows;
                }
            }
        };
        fs::write(&path, format!("[{}, {}]", row("0.0"), row("0.5"))).unwrap();
        let mut opened = open(&path).unwrap();
        assert_eq!(rows(&mut opened), [(None, 2); 2]);
        fs::write(&path, format!("[{}, {}, {}]", row("0.0"), row("0.5"), row("1.0"))).unwrap();
        assert_eq!(rows(&mut opened), [(None, 2); 3]);
        // Its end comes later.
        fs::write(&path, format!("[{}", row("0.0"))).unwrap();
        let mut opened = open(&path).unwrap();
        assert_eq!(rows(&mut opened), [(Some(crate::model::Step(0)), 1)]);
        File::options().append(true).open(&path).unwrap().write_all(format!(", {}]", row("0.5")).as_bytes()).unwrap();
        assert_eq!(rows(&mut opened), [(None, 2); 2]);
    }

    #[test]
    fn every_kind_of_run_is_opened_by_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for folder in ["og", "wandb/offline-run-1-x", "empty"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        let wandb = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/wandb/failed.wandb");
        fs::copy(wandb, at("wandb/offline-run-1-x/run-x.wandb")).unwrap();
        std::os::unix::fs::symlink("offline-run-1-x", at("wandb/latest-run")).unwrap();
        fs::write(at("og/run.json"), "{}").unwrap();
        fs::write(at("og/metrics.jsonl"), "{\"s\":1,\"m\":{\"loss\":2}}\n").unwrap();
        fs::write(at("og/stdout.log"), "step 1 loss 2\nstep 2 loss 1\n").unwrap();
        // A link to nothing is no log of wandb.
        fs::create_dir(at("gone")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("gone/run-x.wandb")).unwrap();
        fs::write(at("train.txt"), "step 1 loss 2\n").unwrap();
        fs::write(at("model.bin"), [0; 9]).unwrap();
        for (name, kind, rows) in [
            ("og", Kind::OgRun, 3),
            ("og/metrics.jsonl", Kind::Jsonl, 1),
            ("og/stdout.log", Kind::Log, 2),
            ("wandb", Kind::WandbRun, 40),
            ("wandb/latest-run", Kind::WandbRun, 40),
            ("wandb/latest-run/run-x.wandb", Kind::Wandb, 40),
            ("train.txt", Kind::Log, 1),
        ] {
            let mut opened = open(&at(name)).unwrap();
            assert_eq!((opened.kind, steps(&mut opened)), (kind, rows), "{name}");
        }
        for folder in ["empty", "gone"] {
            assert!(matches!(open(&at(folder)), Err(OpenError::NoRun { .. })), "{folder}");
        }
        assert!(matches!(open(&at("model.bin")), Err(OpenError::Format { .. })));
        assert!(matches!(open(&at("missing")), Err(OpenError::Open { .. })));
    }
}
