//! Opens whatever a path holds.

use super::{Source, Tail, event_files};
use crate::source::{
    Jsonl, Stdout,
    detect::{Kind, is_wandb_run},
};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Bytes that are looked at to tell the kind of a file; the first line of most JSON logs is within.
const HEAD_BYTES: usize = 8 << 10;

/// The sources of one run.
pub struct Opened {
    /// What the path holds.
    pub kind: Kind,
    /// What it is kept in, the best source of a metric first.
    pub sources: Vec<Box<dyn Source>>,
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
    /// A folder without a run in it.
    #[error("{} holds no run", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// A file that is no stream of records.
    #[error("{} is not a log that can be followed ({kind:?})", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: Kind,
    },
}

impl OpenError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            OpenError::Open { .. } => "check the path and its permissions",
            OpenError::NoRun { .. } => {
                "give a run folder of og, wandb or TensorBoard, or a .wandb, .jsonl, .json, .csv, tfevents or log file"
            }
            OpenError::Kind { .. } => "give a .wandb, .jsonl, .json, .csv, tfevents or log file",
        }
    }
}

/// Opens the run at `path`: a run folder of og, a run folder of wandb (also `latest-run`, and the `wandb`
/// folder that holds it), or a single `.wandb`, JSONL or log file.
pub fn open(path: &Path) -> Result<Opened, OpenError> {
    let failed = |source| OpenError::Open { path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.is_dir() { folder(path) } else { file(path) }
}

fn folder(path: &Path) -> Result<Opened, OpenError> {
    let names = names(path).map_err(|source| OpenError::Open { path: path.to_owned(), source })?;
    match Kind::of_folder(names.iter().map(String::as_str)) {
        Some(Kind::OgRun) => {
            // Both may come later; what the program logged on purpose goes before what it printed.
            let metrics = Tail::new(path.join("metrics.jsonl"), Box::new(Jsonl::new()));
            let stdout = Tail::new(path.join("stdout.log"), Box::new(Stdout::new()));
            Ok(Opened { kind: Kind::OgRun, sources: vec![Box::new(metrics), Box::new(stdout)] })
        }
        Some(Kind::TfEvents) => {
            let files = event_files(path).map_err(|source| OpenError::Open { path: path.to_owned(), source })?;
            let tail = |path| Some(Box::new(Tail::new(path, Kind::TfEvents.decoder()?)) as Box<dyn Source>);
            Ok(Opened { kind: Kind::TfEvents, sources: files.into_iter().filter_map(tail).collect() })
        }
        Some(kind) => {
            let run = names.iter().find(|name| is_wandb_run(name)).map(|name| path.join(name));
            let opened = run.as_deref().map(file).transpose()?;
            opened.map(|opened| Opened { kind, ..opened }).ok_or_else(|| OpenError::NoRun { path: path.to_owned() })
        }
        None if names.iter().any(|name| name == "latest-run") => folder(&path.join("latest-run")),
        None => Err(OpenError::NoRun { path: path.to_owned() }),
    }
}

fn file(path: &Path) -> Result<Opened, OpenError> {
    let head = head(path).map_err(|source| OpenError::Open { path: path.to_owned(), source })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let kind = Kind::of_file(&name, &head);
    let decoder = kind.decoder().ok_or_else(|| OpenError::Kind { path: path.to_owned(), kind })?;
    Ok(Opened { kind, sources: vec![Box::new(Tail::new(path.to_owned(), decoder))] })
}

fn names(path: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
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

    fn steps(opened: &mut Opened) -> usize {
        let mut rows = 0;
        for source in &mut opened.sources {
            source.poll(Budget::ALL, &mut |record| rows += usize::from(matches!(record, Ok(Record::Row(_))))).unwrap();
        }
        rows
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
        assert!(matches!(open(&at("empty")), Err(OpenError::NoRun { .. })));
        assert!(matches!(open(&at("model.bin")), Err(OpenError::Kind { kind: Kind::Binary, .. })));
        assert!(matches!(open(&at("missing")), Err(OpenError::Open { .. })));
    }
}
