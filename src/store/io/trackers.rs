//! The trackers that a run of ours opened: heard of on its console or in its events, and followed as soon as they can be.

use crate::{
    model::WallTime,
    source::{self, Kind, OpenError, RunRef, Source},
    store::announced::{Announced, Announcements},
};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Most trackers that one run has. A program that prints such lines without end is no training.
const TRACKERS_MAX: usize = 64;

/// Rest between two tries to open what is not there yet: a tracker writes its first row a second after it said where.
const TRY_REST: Duration = Duration::from_secs(1);

/// How far the clocks of a tracker and of og may be apart.
const CLOCK_SLACK: f64 = 2.0;

/// What is known of the trackers of a run.
#[derive(Default)]
pub(super) struct Trackers {
    listens: Announcements,
    /// All that was ever named.
    named: HashSet<(PathBuf, Option<String>)>,
    /// Not open yet.
    wanted: Vec<Announced>,
    /// Open, by the path of the source and the run in it.
    open: HashSet<(PathBuf, Option<String>)>,
    /// The runs that are open, as they were found.
    runs: Vec<RunRef>,
    tried_at: Option<Instant>,
}

impl Trackers {
    /// Hears a line of the console.
    pub(super) fn hear(&mut self, line: &str, cwd: &Path) {
        if let Some(announced) = self.listens.hear(line, cwd) {
            self.want(announced);
        }
    }

    /// Takes a path that the training was seen to write to, from byte `from` on.
    pub(super) fn saw(&mut self, path: PathBuf, from: u64) {
        self.want(Announced { path, run: None, from });
    }

    fn want(&mut self, announced: Announced) {
        if self.named.len() < TRACKERS_MAX && self.named.insert((announced.path.clone(), announced.run.clone())) {
            self.wanted.push(announced);
            self.tried_at = None;
        }
    }

    /// The runs of trackers that are followed, in the order in which they were found.
    pub(super) fn runs(&self) -> &[RunRef] {
        &self.runs
    }

    /// Whether the log at `path` was named already.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.named.iter().chain(&self.open).any(|(known, _)| known == path)
    }

    /// Files whose change makes another try worth it.
    pub(super) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.wanted.iter().flat_map(|wanted| {
            let db =
                |end: &str| wanted.path.with_file_name(format!("{}{end}", wanted.path.file_name().unwrap_or_default().to_string_lossy()));
            if wanted.run.is_some() { vec![db(".db"), db(".db-wal")] } else { vec![wanted.path.clone()] }
        })
    }

    /// The runs named so far that are there, each once.
    pub(super) fn found(&self, since: Option<WallTime>) -> Vec<RunRef> {
        let mut found: Vec<RunRef> = vec![];
        for run in self.wanted.iter().filter_map(|wanted| find(wanted, since).ok()) {
            let is_known = |known: &RunRef| known.id == run.id && known.path.canonicalize().ok() == run.path.canonicalize().ok();
            if !found.iter().any(is_known) {
                found.push(run);
            }
        }
        found
    }

    /// Opens what can be opened now, of a run that began at `since`. Also says when another try is worth it, although
    /// nothing changes.
    pub(super) fn open(&mut self, since: Option<WallTime>) -> (Vec<Tracker>, Option<Duration>) {
        let rest = self.tried_at.map_or(Duration::ZERO, |at| TRY_REST.saturating_sub(at.elapsed()));
        if self.wanted.is_empty() || !rest.is_zero() {
            return (vec![], (!self.wanted.is_empty()).then_some(rest));
        }
        self.tried_at = Some(Instant::now());
        let mut opened = vec![];
        for wanted in std::mem::take(&mut self.wanted) {
            match find(&wanted, since).and_then(|run| Ok((source::open_from(&run, wanted.from)?, run))) {
                Ok((found, run)) => {
                    let sources = found.sources.into_iter().filter(|source| {
                        let real = source.path().canonicalize().unwrap_or_else(|_| source.path().to_owned());
                        let in_database = matches!(run.kind, Kind::Trackio | Kind::Tviz).then(|| run.id.clone());
                        self.open.insert((real, in_database))
                    });
                    let before = opened.len();
                    opened.extend(sources.map(|source| Tracker { kind: run.kind, names: names(&run), source }));
                    if opened.len() > before {
                        self.runs.push(run);
                    }
                }
                // It comes later, or never.
                Err(OpenError::Open { .. } | OpenError::Dangling { .. } | OpenError::NoRun { .. } | OpenError::NoSuchRun { .. }) => {
                    self.wanted.push(wanted)
                }
                Err(error) => tracing::debug!(%error, path = %wanted.path.display(), "no tracker's log"),
            }
        }
        (opened, None)
    }
}

/// A source that was named and is open.
pub(super) struct Tracker {
    pub(super) kind: Kind,
    pub(super) source: Box<dyn Source>,
    /// What tells it from others of its kind in the same run, best first.
    pub(super) names: Vec<String>,
}

fn names(run: &RunRef) -> Vec<String> {
    let name = |path: Option<&Path>| Some(path?.file_name()?.to_string_lossy().into_owned());
    let stem = run.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let (folder, above) = (run.path.parent(), run.path.parent().and_then(Path::parent));
    match run.kind {
        Kind::TfEvents if run.path.is_dir() => [name(Some(&run.path)), name(folder)],
        Kind::TfEvents => [name(folder), name(above)],
        Kind::Csv | Kind::Jsonl => [stem, name(folder)],
        _ => return vec![],
    }
    .into_iter()
    .flatten()
    .collect()
}

/// The run that was announced. Of several that are called so, it is the first that began with the training; of one that
/// was resumed, the newest.
fn find(wanted: &Announced, since: Option<WallTime>) -> Result<RunRef, OpenError> {
    let nothing = || OpenError::NoRun { path: wanted.path.clone() };
    let is_events = wanted.run.is_none() && wanted.path.is_dir() && source::event_files(&wanted.path).is_ok_and(|files| !files.is_empty());
    if is_events {
        // Below it may be anything: it is not searched.
        let path = wanted.path.clone();
        return Ok(RunRef {
            kind: Kind::TfEvents,
            id: String::new(),
            name: String::new(),
            project: None,
            started: None,
            changed: None,
            path,
            beside: vec![],
        });
    }
    let runs = source::runs(&wanted.path)?;
    let Some(name) = &wanted.run else {
        let is_one =
            |run: &&RunRef| matches!(run.kind, Kind::WandbRun | Kind::Wandb | Kind::TfEvents | Kind::Tviz | Kind::Csv | Kind::Jsonl);
        return runs.iter().find(|run| run.address() == wanted.path).filter(is_one).cloned().ok_or_else(nothing);
    };
    let named = || runs.iter().filter(|run| run.name == *name);
    let began = |run: &&RunRef| run.started.zip(since).is_some_and(|(started, since)| started.secs() >= since.secs() - CLOCK_SLACK);
    named().rfind(began).or_else(|| named().next()).cloned().ok_or_else(nothing)
}
