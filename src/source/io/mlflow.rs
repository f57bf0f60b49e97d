//! A run of MLflow's file store: `mlruns/EXPERIMENT/RUN/` with its metrics, parameters and tags, each a file, read as one source.

use super::{Budget, Progress, Sink, Source, SourceError, events::EventFiles, probe::read_at};
use crate::source::{
    Decoder, KeyId, Record,
    mlflow::{Meta, MlflowMetric, field},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Largest file of a parameter or a tag, and of what is said of the run.
const TEXT_BYTES_MAX: u64 = 64 << 10;

/// Most files of one run, and most folders that names with a `/` make.
const FILES_MAX: usize = 1 << 14;

/// Bytes at the end of a metric in which its last point is looked for.
const TAIL_BYTES: u64 = 512;

/// What runs keep their metrics in.
const METRICS: &str = "metrics";

/// Reads a run.
pub(super) struct MlflowRun {
    folder: PathBuf,
    metrics: EventFiles,
    /// What was told: of the run, of each parameter, and of all tags.
    meta: Option<Meta>,
    params: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    is_named: bool,
}

impl MlflowRun {
    pub(super) fn new(folder: PathBuf) -> MlflowRun {
        let metrics =
            EventFiles::of(folder.join(METRICS), metric_files, |folder, file| Box::new(MlflowMetric::new(&name_below(folder, file))));
        MlflowRun { folder, metrics, meta: None, params: BTreeMap::new(), tags: BTreeMap::new(), is_named: false }
    }

    /// Tells what is new of parameters, tags and the run itself.
    fn tell(&mut self, sink: &mut Sink) {
        for (name, text) in texts(&self.folder.join("params")) {
            if self.params.get(&name) != Some(&text) {
                sink(Ok(Record::Config(name.clone(), value(&text))));
                self.params.insert(name, text);
            }
        }
        let tags = texts(&self.folder.join("tags"));
        if tags != self.tags {
            let own = tags.iter().filter(|(name, _)| !name.starts_with("mlflow."));
            let words: Vec<Value> =
                own.map(|(name, text)| if text.is_empty() { name.clone() } else { format!("{name}={text}") }.into()).collect();
            if !words.is_empty() {
                sink(Ok(Record::Info("tags", words.into())));
            }
            if let Some(note) = tags.get("mlflow.note.content") {
                sink(Ok(Record::Info("notes", note.clone().into())));
            }
            self.tags = tags;
        }
        let Some(meta) = meta(&self.folder).filter(|meta| self.meta.as_ref() != Some(meta)) else { return };
        if !std::mem::replace(&mut self.is_named, true)
            && let Some(project) = experiment(&self.folder)
        {
            sink(Ok(Record::Info("project", project.into())));
        }
        told(&meta, sink);
        self.meta = Some(meta);
    }
}

fn told(meta: &Meta, sink: &mut Sink) {
    sink(Ok(Record::Info("run_id", meta.id.clone().into())));
    meta.name.iter().for_each(|name| sink(Ok(Record::Info("name", name.clone().into()))));
    meta.started.iter().for_each(|at| sink(Ok(Record::Info("start_time", at.secs().into()))));
    meta.exit.into_iter().for_each(|exit| sink(Ok(Record::Exit(exit))));
}

/// What a run of a folder says of itself. `None`: it is none.
pub(super) fn meta(folder: &Path) -> Option<Meta> {
    Meta::of(&text(&folder.join("meta.yaml"))?)
}

/// The name of the experiment that a run is of.
pub(super) fn experiment(run: &Path) -> Option<String> {
    field(&text(&run.parent()?.join("meta.yaml"))?, "name")
}

/// What a metric is called whose file this is.
pub(super) fn metric_name(file: &Path) -> String {
    let folder = file.ancestors().skip(1).find(|folder| folder.ends_with(METRICS));
    name_below(folder.or_else(|| file.parent()).unwrap_or(Path::new("")), file)
}

/// Hands the last point of each metric of a run to `sink`.
pub(super) fn mlflow_end(folder: &Path, sink: &mut Sink) -> Result<bool, SourceError> {
    meta(folder).iter().for_each(|meta| told(meta, sink));
    let metrics = folder.join(METRICS);
    let failed = |path: &Path, source| SourceError::Io { path: path.to_owned(), source };
    let files = metric_files(&metrics).map_err(|source| failed(&metrics, source))?;
    let mut points = vec![];
    for (at, path) in files.iter().enumerate() {
        let last = last_lines(path).map_err(|source| failed(path, source))?;
        let mut decoder = MlflowMetric::new(&name_below(&metrics, path));
        let (mut key, mut row) = (None, None);
        decoder.push(&last);
        while let Ok(Some(record)) = decoder.next() {
            match record {
                Record::Key(_, name) => key = Some(name),
                Record::Row(last) => row = Some(last),
                _ => {}
            }
        }
        if let (Some(key), Some(mut row)) = (key, row) {
            let id = KeyId(u32::try_from(at).unwrap_or(u32::MAX));
            row.values.iter_mut().for_each(|(of, _)| *of = id);
            sink(Ok(Record::Key(id, key)));
            points.push(row);
        }
    }
    // Each metric counts for itself; the furthest says where the run stands.
    points.sort_by_key(|row| row.step);
    points.into_iter().for_each(|row| sink(Ok(Record::Row(row))));
    Ok(false)
}

fn last_lines(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(TAIL_BYTES);
    let mut bytes = vec![0; TAIL_BYTES as usize];
    let read = read_at(&file, &mut bytes, start)?;
    bytes.truncate(read);
    let begins = if start == 0 { Some(0) } else { memchr::memchr(b'\n', &bytes).map(|at| at + 1) };
    Ok(bytes.split_off(begins.unwrap_or(bytes.len())))
}

/// The files below a folder; those of metrics with a `/` in their names lie deeper.
fn metric_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (vec![], vec![folder.to_owned()]);
    let mut looked_at = 0;
    while let Some(folder) = folders.pop().filter(|_| looked_at < FILES_MAX) {
        for entry in fs::read_dir(&folder)?.flatten() {
            looked_at += 1;
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() && looked_at < FILES_MAX => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    Ok(files)
}

fn name_below(folder: &Path, file: &Path) -> String {
    file.strip_prefix(folder).unwrap_or(file).to_string_lossy().into_owned()
}

/// What the files below a folder say, by their names.
fn texts(folder: &Path) -> BTreeMap<String, String> {
    let files = metric_files(folder).unwrap_or_default();
    files.iter().filter_map(|file| Some((name_below(folder, file), text(file)?))).collect()
}

fn text(path: &Path) -> Option<String> {
    let file = File::open(path).ok()?;
    let mut bytes = vec![0; usize::try_from(file.metadata().ok()?.len().min(TEXT_BYTES_MAX)).ok()?];
    let read = read_at(&file, &mut bytes, 0).ok()?;
    bytes.truncate(read);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A parameter as it was before MLflow made a text of it, as far as that can be told.
fn value(text: &str) -> Value {
    serde_json::from_str::<Value>(text).ok().filter(|value| value.is_number() || value.is_boolean()).unwrap_or_else(|| text.into())
}

impl Source for MlflowRun {
    fn poll(&mut self, budget: Budget, sink: &mut Sink) -> Result<Progress, SourceError> {
        self.tell(sink);
        let progress = self.metrics.poll(budget, sink)?;
        if progress.restarted {
            (self.meta, self.is_named) = (None, false);
            self.params.clear();
            self.tags.clear();
        }
        Ok(progress)
    }

    fn finish(&mut self, sink: &mut Sink) {
        self.metrics.finish(sink);
    }

    fn path(&self) -> &Path {
        &self.folder
    }

    fn paths(&self) -> Vec<PathBuf> {
        [self.folder.clone(), self.folder.join("params"), self.folder.join("tags")].into_iter().chain(self.metrics.paths()).collect()
    }

    fn offset(&self) -> u64 {
        self.metrics.offset()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Reach, RunRef, open_ref, probe, runs};
    use std::io::Write;

    /// Records of a run as they come to a look: keys, points as (key, step), config, and the rest by name.
    fn look(source: &mut dyn Source) -> Vec<String> {
        let (mut told, mut names) = (vec![], vec![]);
        source
            .poll(Budget::ALL, &mut |record| match record.unwrap() {
                Record::Key(_, key) => names.push(key.to_string()),
                Record::Row(row) => {
                    told.push(format!("{} {}", names.get(row.values[0].0.0 as usize).map_or("?", |name| name), row.step.unwrap().0))
                }
                Record::Config(name, value) => told.push(format!("{name}={value}")),
                Record::Info(name, value) => told.push(format!("{name}: {value}")),
                Record::Exit(exit) => told.push(format!("{:?}", exit.state())),
                other => panic!("{other:?}"),
            })
            .unwrap();
        told
    }

    fn recorded() -> Vec<RunRef> {
        let mut found = runs(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/mlflow/mlruns"))).unwrap();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    #[test]
    fn runs_that_mlflow_wrote_are_found_and_read() {
        let found = recorded();
        let told: Vec<_> = found.iter().map(|run| (run.name.as_str(), run.project.as_deref(), run.kind.as_str())).collect();
        assert_eq!(told, [("base", Some("char-lm"), "mlflow"), ("broken", Some("char-lm"), "mlflow")]);
        let mut opened = open_ref(&found[0], &Default::default()).unwrap();
        let told = look(opened.sources[0].as_mut());
        let points = |name: &str| told.iter().filter(|line| line.starts_with(name)).count();
        assert_eq!((points("loss "), points("val/acc "), points("?")), (7, 5, 0));
        for line in
            ["lr=0.001", "layers=4", "name=\"tiny\"", "name: \"base\"", "tags: [\"stage=smoke\"]", "Finished", "loss 60", "val/acc 40"]
        {
            assert!(told.iter().any(|known| known == line), "{line}: {told:?}");
        }
        assert_eq!(look(opened.sources[0].as_mut()), [""; 0], "nothing is new");
        let file = found[0].path.join("metrics/val/acc");
        assert_eq!(metric_name(&file), "val/acc");
        assert_eq!(runs(&file).unwrap()[0].kind.as_str(), "mlflow-metric");
    }

    #[test]
    fn a_list_reads_the_ends_of_metrics() {
        let found = recorded();
        let probe = |run: &RunRef| probe(run, &Default::default(), Reach::Row, true).unwrap();
        let base = probe(&found[0]);
        assert_eq!((base.step.map(|step| step.0), base.last["val/acc"].value, base.last["loss"].value), (Some(60), 0.5, f64::INFINITY));
        assert_eq!(probe(&found[1]).state, Some(crate::model::RunState::Failed));
    }

    #[test]
    fn what_is_logged_later_is_read_when_it_comes() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("r");
        fs::create_dir_all(run.join("metrics")).unwrap();
        fs::write(run.join("meta.yaml"), "run_id: a\nstatus: 1\n").unwrap();
        let mut source = MlflowRun::new(run.clone());
        assert_eq!(look(&mut source), ["run_id: \"a\""]);
        fs::create_dir(run.join("metrics/val")).unwrap();
        fs::write(run.join("metrics/val/acc"), "1700000000000 0.5 1\n").unwrap();
        assert_eq!(look(&mut source), ["val/acc 1"]);
        File::options().append(true).open(run.join("metrics/val/acc")).unwrap().write_all(b"1700000001000 0.75 2\n").unwrap();
        fs::write(run.join("meta.yaml"), "run_id: a\nstatus: 3\nend_time: 1700000002000\n").unwrap();
        assert_eq!(look(&mut source), ["run_id: \"a\"", "Finished", "? 2"]);
    }
}
