//! Keeps the picture of one run up to date.

mod ear;
mod feed;
mod relay;

use super::{
    opened::is_left,
    trackers::{Tracker, Trackers},
};
use crate::{
    model::{MetricKey, ReadOptions, WallTime},
    source::{self, Budget, Decoder, Kind, OpenError, Opened, Record, RunRef, Source, Tail, Taker},
    store::{
        Beside, Event, EventKind, Remark, Remarks, RunFolder, RunPicture, SourceRank, Store, StoreError, TimesIndex, foreign,
        lines::OwnLines,
    },
};
use ear::{Clock, Ear, LINE_SLACK};
use feed::Feed;
use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    io::ErrorKind,
    mem::discriminant,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// What one look at a run's files came to.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Polled {
    /// Something in the picture changed.
    pub changed: bool,
    /// The budget ended before the files did: poll again soon.
    pub more: bool,
    /// Poll again after so long, whether a file changes or not: a database that may have changed was looked at just
    /// before.
    pub again: Option<Duration>,
    /// [`RunReader::paths`] has others now.
    pub paths_changed: bool,
    /// The keys whose series changed, came or went.
    pub keys_changed: Vec<MetricKey>,
}

/// Most bytes whose records are held until the source has said what it is.
const FIRST_BYTES_MAX: u64 = 64 << 10;

/// Numbers of trackers from here on are of those that keep all digits.
const EXACT: u16 = 1 << 15;

/// Whether a tracker of this kind keeps all digits. TensorBoard's files hold single floats: of two trackers that log one key the other
/// one is shown, whichever was opened first.
pub(super) fn keeps_digits(kind: Kind) -> bool {
    kind != Kind::TfEvents
}

/// Follows the files of one run. It only reads, and never locks.
pub struct RunReader {
    folder: RunFolder,
    picture: RunPicture,
    /// What `run.json` looked like when it was last read.
    info_seen: Option<Look>,
    events: Tail,
    times_tail: Tail,
    times: TimesIndex,
    sources: Vec<Feed>,
    /// What the training logs elsewhere.
    trackers: Trackers,
    /// The paths that were last told.
    told: Vec<PathBuf>,
    /// Bytes of stdout that were there before anybody watched: without an entry in `stdout.times`, nobody knows when they came.
    stdout_old: u64,
    /// What the run is, when it is not og's own.
    foreign: Option<Kind>,
    /// What is remarked on such a run, and where.
    beside: Option<(Beside, Remarks)>,
    /// Which run of its path it is, where that holds several.
    run: Option<RunRef>,
    finished: bool,
    /// The column that a person named as the step.
    step_key: Option<String>,
    /// The rest that a person wants between two looks at a database; `None`: the source's own.
    refresh: Option<Duration>,
}

/// What tells two states of a file apart: inode, length, time of change.
type Look = (u64, u64, i64, i64);

impl RunReader {
    /// What a poll may take while a run is watched: a flood of output must not starve the screen.
    pub const LIVE: Budget = Budget { bytes_max: 1 << 20, time_max: Duration::from_millis(5) };

    /// What a poll may take while a run is first loaded: everything, in steps that leave room for a frame.
    pub const LOAD: Budget = Budget { bytes_max: u64::MAX, time_max: Duration::from_millis(20) };

    /// Opens the run at `path`: a run folder of og's, else whatever [`source::open`] knows, also `PATH#RUN`. Reads
    /// `run.json` only; the rest comes with [`RunReader::poll`].
    pub fn open(path: &Path) -> Result<RunReader, StoreError> {
        RunReader::open_with(path, &ReadOptions::default())
    }

    /// The same, where a person said how it is to be read.
    pub fn open_with(path: &Path, read: &ReadOptions) -> Result<RunReader, StoreError> {
        let folder = RunFolder::at(path);
        if source::is_og_folder(path) {
            return RunReader::own(folder, read);
        }
        let opened = source::open_with(path, read).map_err(|error| match error {
            OpenError::NoRun { .. } | OpenError::Dangling { .. } => StoreError::NotARun { path: path.to_owned() },
            OpenError::Open { source, .. } if source.kind() == ErrorKind::NotFound => StoreError::NotARun { path: path.to_owned() },
            other => StoreError::Foreign(other),
        })?;
        RunReader::of(path, opened, read)
    }

    /// The reader of a run that was opened already.
    pub fn of(path: &Path, opened: Opened, read: &ReadOptions) -> Result<RunReader, StoreError> {
        match (opened.kind, &opened.run) {
            (Kind::OgRun, run) => RunReader::own(RunFolder::at(run.as_ref().map_or(path, |run| &run.path)), read),
            _ => Ok(RunReader { step_key: read.step_key.clone(), ..RunReader::foreign(path, opened) }),
        }
    }

    fn own(folder: RunFolder, read: &ReadOptions) -> Result<RunReader, StoreError> {
        let info_seen = look(&folder.run_json());
        let info = match folder.info() {
            // The metrics beside it are as good as ever.
            Err(error @ (StoreError::Damaged { .. } | StoreError::NotARun { .. })) => {
                tracing::warn!(%error, "going on without");
                foreign::info(folder.path(), None, &BTreeMap::new())
            }
            info => info?,
        };
        let tail = |path: PathBuf, decoder: Box<dyn Decoder>| Tail::new(path, decoder);
        let decoder = |kind: Kind| kind.decoder_with(read).expect("lines of text are a stream");
        let mut reader = RunReader {
            picture: RunPicture::new(info),
            info_seen,
            events: tail(folder.events(), Box::<OwnLines>::default()),
            times_tail: tail(folder.stdout_times(), Box::<OwnLines>::default()),
            times: TimesIndex::new(),
            sources: vec![
                Feed::new(SourceRank::Own, Box::new(tail(folder.metrics(), decoder(Kind::Jsonl)))),
                Feed::new(SourceRank::Stdout, Box::new(tail(folder.stdout_log(), decoder(Kind::Log)))),
            ],
            trackers: Trackers::default(),
            told: vec![],
            stdout_old: fs::metadata(folder.stdout_log()).map_or(0, |file| file.len()),
            foreign: None,
            beside: None,
            run: None,
            folder,
            finished: false,
            step_key: read.step_key.clone(),
            refresh: None,
        };
        reader.told = reader.paths();
        reader.picture.align_steps();
        Ok(reader)
    }

    fn foreign(path: &Path, opened: Opened) -> RunReader {
        let nothing = || Tail::new(path.join("nothing"), Box::new(OwnLines::default()));
        let mut reader = RunReader {
            picture: RunPicture::new(foreign::info(path, opened.run.as_ref(), &BTreeMap::new())),
            info_seen: None,
            events: nothing(),
            times_tail: nothing(),
            times: TimesIndex::new(),
            sources: vec![],
            trackers: Trackers::default(),
            told: vec![],
            stdout_old: u64::MAX,
            foreign: Some(opened.kind),
            beside: None,
            run: opened.run,
            folder: RunFolder::at(path),
            finished: false,
            step_key: None,
            refresh: None,
        };
        if !matches!(opened.kind, Kind::Wandb | Kind::WandbRun) {
            reader.picture.mute();
        }
        for source in opened.sources {
            match opened.kind {
                Kind::Log => reader.sources.push(Feed::new(SourceRank::Stdout, source)),
                kind => drop(reader.add(SourceRank::Tracker, kind, source)),
            }
        }
        reader.told = reader.paths();
        reader
    }

    /// The path that opens this very run: its folder or file, or `DATABASE#ID`.
    pub fn address(&self) -> PathBuf {
        self.run.as_ref().map_or_else(|| self.folder.path().to_owned(), RunRef::address)
    }

    /// Keeps what is remarked on the run in `store`, when the run is of another tracker; og's own have it in their folder.
    pub fn remark_in(&mut self, store: &Store) {
        if self.foreign.is_none() {
            return;
        }
        let beside = store.beside(&self.address());
        self.events = Tail::new(beside.events(), Box::new(OwnLines::default()));
        self.info_seen = None;
        self.beside = Some((beside, Remarks::default()));
    }

    /// Whether what is remarked on the run has a place.
    pub fn can_remark(&self) -> bool {
        self.foreign.is_none() || self.beside.is_some()
    }

    /// The folder beside a run of another tracker in which remarks on it lie.
    pub fn remarked_in(&self) -> Option<&Path> {
        self.beside.as_ref().map(|(beside, _)| beside.folder())
    }

    /// Keeps a remark on the run. It is shown with the next poll, as a remark of anybody else.
    pub fn remark(&self, remark: &Remark, author: &str) -> Result<(), StoreError> {
        // A clock before 1970 tells nothing.
        let now = now().or(WallTime::new(0.0)).expect("zero is a time");
        match &self.beside {
            Some((beside, _)) => beside.remark(remark, &self.picture.info, author, now),
            None => self.folder.remark(remark, author, now),
        }
    }

    /// Rests so long between two looks at a database that goes on changing. Files are read as soon as they grow, whatever is
    /// said here.
    pub fn set_refresh(&mut self, rest: Duration) {
        self.refresh = Some(rest);
    }

    /// Also follows what a tracker or the training itself writes. Returns the rank under which its records count.
    fn add(&mut self, rank: fn(u16) -> SourceRank, kind: Kind, source: Box<dyn Source>) -> SourceRank {
        let kin = self.sources.iter().filter(|feed| discriminant(&feed.rank) == discriminant(&rank(0))).count();
        let at = self.sources.iter().position(|feed| feed.rank < rank(0)).unwrap_or(self.sources.len());
        let from = if keeps_digits(kind) { EXACT } else { 0 };
        let rank = rank(from | u16::try_from(kin).unwrap_or(u16::MAX).min(EXACT - 1));
        // Best first, so that a flooding console is read with what the others leave of the budget; and in the order in which
        // they came, so that keys are told apart the same way each time.
        self.sources.insert(at, Feed::new(rank, source));
        self.picture.set_kind(rank, kind);
        rank
    }

    /// Reads what is new in all files, as far as `budget` goes.
    pub fn poll(&mut self, budget: Budget) -> Polled {
        let start = Instant::now();
        let mut polled = Polled::default();
        if self.foreign.is_none() {
            polled.changed = self.poll_info();
            self.poll_events(&mut polled);
            self.poll_times();
        } else if self.beside.is_some() {
            polled.changed = self.poll_remarks();
            self.poll_events(&mut polled);
        }
        let mut bytes_left = budget.bytes_max;
        let mut is_quiet = true;
        for at in 0..self.sources.len() {
            let rest = self.sources[at].rest(self.refresh);
            if !rest.is_zero() {
                polled.again = Some(polled.again.map_or(rest, |again| again.min(rest)));
                continue;
            }
            // Every source gets at least one read, so that none starves another for good.
            let left = Budget { bytes_max: bytes_left, time_max: budget.time_max.saturating_sub(start.elapsed()) };
            let bytes = self.poll_source(at, left, &mut polled);
            if self.sources[at].source.is_stirring() {
                let rest = self.sources[at].rest(self.refresh);
                polled.again = Some(polled.again.map_or(rest, |again| again.min(rest)));
            }
            bytes_left = bytes_left.saturating_sub(bytes);
            is_quiet &= bytes == 0;
        }
        self.open_trackers(&mut polled);
        if self.picture.state().is_over() && !self.finished && !polled.more {
            // The exit may be heard of before the last bytes are written: they get one more look.
            match is_quiet {
                true => self.finish(&mut polled),
                false => polled.more = true,
            }
        }
        if self.foreign.is_some() && polled.changed {
            self.set_foreign_info();
        }
        self.crash_what_is_silent(&mut polled);
        let paths = self.paths();
        polled.paths_changed = paths != self.told;
        self.told = paths;
        self.picture.drop_echoes();
        polled.keys_changed = self.picture.take_changed();
        polled.changed |= !polled.keys_changed.is_empty();
        polled
    }

    /// The run as read so far.
    pub fn picture(&self) -> &RunPicture {
        &self.picture
    }

    /// What the run is kept in. Of a stream it may be known only when some of it was read.
    pub fn kind(&self) -> Kind {
        let told = || self.sources.iter().find_map(|feed| feed.source.kind());
        self.foreign.map_or(Kind::OgRun, |kind| told().unwrap_or(kind))
    }

    /// Whether nothing more can come: it was read from pipes that their writers have closed.
    pub fn is_over(&self) -> bool {
        !self.sources.is_empty() && self.sources.iter().all(|feed| feed.source.is_over())
    }

    /// The sources and the files by which people know them, best first.
    pub fn sources(&self) -> impl Iterator<Item = (SourceRank, &Path)> {
        self.sources.iter().map(|feed| (feed.rank, feed.source.path()))
    }

    /// From the next poll on, compares the values of keys that two sources log: [`RunPicture::twins`].
    pub fn compare_sources(&mut self) {
        self.picture.compare_sources();
    }

    /// Takes what stands at the ends of files that nobody has written to for a while: nobody waits for the rest of a last line. A
    /// file that grows just now may be torn in the middle of a number. `is_last`: nobody looks again, so that a file which nobody
    /// has open for writing counts as one that nobody writes to.
    pub fn settle(&mut self, is_last: bool) -> Polled {
        let mut polled = Polled::default();
        let age = |path: &Path| fs::metadata(path).ok()?.modified().ok()?.elapsed().ok();
        let is_old = |path: &Path| age(path).is_some_and(|age| age > source::SETTLED_AFTER);
        let mut files = self.sources.iter().map(|feed| feed.source.path()).filter(|path| path.exists()).peekable();
        if !self.finished && files.peek().is_some() && files.all(|path| is_old(path) || is_last && is_left(path)) {
            self.finish(&mut polled);
        }
        self.picture.drop_echoes();
        polled.keys_changed = self.picture.take_changed();
        polled
    }

    /// What the run is kept in, when it is not og's own.
    pub fn foreign_kind(&self) -> Option<Kind> {
        self.foreign
    }

    /// Which run of its path it is, where that holds several.
    pub fn run(&self) -> Option<&RunRef> {
        self.run.as_ref()
    }

    /// The run's folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Says that the training process is gone: without an exit in the events the run is lost.
    pub fn mark_lost(&mut self) {
        self.picture.mark_lost();
    }

    /// The files and folders to watch. Some may not exist yet.
    pub fn paths(&self) -> Vec<PathBuf> {
        let sources = self.sources.iter().flat_map(|feed| feed.source.paths());
        let own = self.foreign.is_none().then(|| [self.folder.run_json(), self.folder.events()]);
        let beside = self.beside.iter().flat_map(|(beside, _)| [beside.remarks(), beside.events()]);
        own.into_iter().flatten().chain(beside).chain(sources).chain(self.trackers.paths()).collect()
    }

    /// The runs of trackers that its training logs to and that are followed, in the order in which they were found.
    pub fn logs(&self) -> &[RunRef] {
        self.trackers.runs()
    }

    /// Whether the tracker's log at `path` is known to be the run's.
    pub fn has_tracker(&self, path: &Path) -> bool {
        self.trackers.has(path)
    }

    fn open_trackers(&mut self, polled: &mut Polled) {
        let (trackers, again) = self.trackers.open(self.picture.started_at());
        for Tracker { kind, source, names } in trackers {
            let rank: fn(u16) -> SourceRank = if matches!(kind, Kind::Csv | Kind::Jsonl) { SourceRank::Table } else { SourceRank::Tracker };
            let rank = self.add(rank, kind, source);
            if !names.is_empty() {
                self.picture.set_names(rank, names);
            }
            polled.more = true;
        }
        if let Some(again) = again
            && !self.picture.state().is_over()
        {
            polled.again = Some(polled.again.map_or(again, |other| other.min(again)));
        }
    }

    /// A `.wandb` log without an exit that has been silent for long belongs to a run that crashed: its client writes every
    /// few seconds. One that writes again did not. Source: wandb's own rule (leet, LocalApi).
    fn crash_what_is_silent(&mut self, polled: &mut Polled) {
        if !matches!(self.foreign, Some(Kind::Wandb | Kind::WandbRun)) || self.picture.exit.is_some() || polled.more {
            return;
        }
        let age = |feed: &Feed| fs::metadata(feed.source.path()).ok()?.modified().ok()?.elapsed().ok();
        let is_silent = self.sources.iter().filter_map(age).min().is_some_and(|age| age > source::SILENT_MAX);
        polled.changed |= if is_silent { self.picture.mark_crashed() } else { self.picture.revive() };
    }

    fn poll_info(&mut self) -> bool {
        let seen = look(&self.folder.run_json());
        if seen.is_none() || seen == self.info_seen {
            return false;
        }
        // It is replaced whole; a file that cannot be read right now is read at its next change.
        self.info_seen = seen;
        let Ok(info) = self.folder.info() else { return false };
        let changed = info != self.picture.info;
        if changed {
            self.picture.set_info(info);
        }
        changed
    }

    fn poll_remarks(&mut self) -> bool {
        let Some((beside, remarks)) = &mut self.beside else { return false };
        let seen = look(&beside.remarks());
        if seen == self.info_seen {
            return false;
        }
        self.info_seen = seen;
        match beside.read() {
            Ok(read) => *remarks = read,
            // Somebody may be at it: the next change is read again.
            Err(error) => tracing::warn!(%error, "remarks stay as they were"),
        }
        true
    }

    /// What the tracker says of the run, and over that what was remarked here.
    fn set_foreign_info(&mut self) {
        let mut info = foreign::info(self.folder.path(), self.run.as_ref(), &self.picture.remarks);
        if let Some((_, remarks)) = &self.beside {
            remarks.over(&mut info);
        }
        self.picture.set_info(info);
    }

    fn poll_events(&mut self, polled: &mut Polled) {
        let (picture, trackers) = (&mut self.picture, &mut self.trackers);
        // Events are few and decide the state: they are read whole, whatever the budget.
        loop {
            let progress = self.events.read(Budget::ALL, &mut |record| match record {
                Ok(Record::Console(line)) => match Event::from_line(&line.text) {
                    Some(event) => {
                        if let EventKind::Source { path, from } = &event.kind {
                            trackers.saw(path.into(), *from);
                        }
                        picture.apply_event(event);
                        polled.changed = true;
                    }
                    None => tracing::debug!(line.text, "not an event"),
                },
                Ok(_) => {}
                Err(loss) => tracing::debug!(?loss, "events.jsonl"),
            });
            match progress {
                Ok(progress) if progress.restarted => picture.forget_events(),
                Ok(_) => return,
                Err(error) => return tracing::debug!(%error, "cannot read events.jsonl"),
            }
        }
    }

    fn poll_times(&mut self) {
        let times = &mut self.times;
        loop {
            let progress = self.times_tail.read(Budget::ALL, &mut |record| {
                if let Ok(Record::Console(line)) = record {
                    times.line(&line.text);
                }
            });
            match progress {
                Ok(progress) if progress.restarted => *times = TimesIndex::new(),
                Ok(_) => return,
                Err(error) => return tracing::debug!(%error, "cannot read stdout.times"),
            }
        }
    }

    /// Returns the bytes read.
    fn poll_source(&mut self, at: usize, budget: Budget, polled: &mut Polled) -> u64 {
        let feed = &mut self.sources[at];
        let (times, stdout_old) = (&self.times, self.stdout_old);
        let now = now();
        let cwd = self.picture.info.cwd.clone();
        let trackers = self.foreign.is_none().then_some((&mut self.trackers, &*cwd));
        let clock = Clock { times, stdout_old, now };
        let first = Budget { bytes_max: budget.bytes_max.min(FIRST_BYTES_MAX), ..budget };
        let (first, held) = match may_be_told(self.foreign, feed) {
            true => feed.hold(&mut self.picture, |source, sink| source.poll(first, sink)),
            false => (None, vec![]),
        };
        let rank = feed.rank;
        let mut ear = Ear { picture: &mut self.picture, rank, clock, trackers, heard: 0 };
        held.into_iter().for_each(|record| ear.take(record));
        let polled_now = first.unwrap_or_else(|| match rank {
            SourceRank::Stdout => relay::poll(&mut *feed.source, feed.behind, budget, &mut ear),
            // Two cores read tables and records no sooner: nearly all of it is decoding.
            _ => feed.source.poll_to(budget, &mut ear),
        });
        let heard = ear.heard;
        feed.is_fresh &= heard == 0;
        (feed.polled_at, feed.behind) = (Some(Instant::now()), polled_now.as_ref().is_ok_and(|progress| progress.more));
        let has_found = polled_now.as_ref().is_ok_and(|progress| progress.bytes > 0);
        feed.empty = match has_found {
            true => 0,
            false if feed.source.is_stirring() => feed.empty.saturating_add(1),
            false => feed.empty.max(1),
        };
        let progress = match polled_now {
            Ok(progress) => progress,
            Err(error) => {
                self.note(rank, Some(chain(&error)), polled);
                return 0;
            }
        };
        if progress.restarted {
            feed.is_fresh = true;
            self.picture.forget(rank);
        }
        self.picture.note_bytes(rank, progress.bytes);
        let offset = feed.source.offset();
        polled.changed |= heard > 0 || progress.restarted;
        self.note(rank, self.without_step(rank), polled);
        polled.more |= progress.more;
        self.finished &= progress.bytes == 0;
        if rank == SourceRank::Stdout {
            if progress.restarted {
                self.stdout_old = 0;
            }
            self.times.forget_before(offset.saturating_sub(LINE_SLACK));
        }
        progress.bytes
    }

    /// Keeps what is wrong with a source now.
    fn note(&mut self, rank: SourceRank, problem: Option<String>, polled: &mut Polled) {
        let problems = &mut self.picture.problems;
        polled.changed |= problems.get(&rank) != problem.as_ref();
        match problem {
            Some(problem) => drop(problems.insert(rank, problem)),
            None => drop(problems.remove(&rank)),
        }
    }

    /// That no row of a table has the column that a person named as the step.
    fn without_step(&self, rank: SourceRank) -> Option<String> {
        let key = self.step_key.as_ref()?;
        let is_named = rank == SourceRank::Own || matches!(self.kind(), Kind::Jsonl | Kind::Csv | Kind::Json);
        let problem = || format!("no row has a whole number in `{key}`, which was named as the step: the rows are counted");
        (is_named && self.picture.is_counted(rank)).then(problem)
    }

    /// Takes what stands at the ends of the files without a newline: the run is over and all is read.
    fn finish(&mut self, polled: &mut Polled) {
        self.finished = true;
        let clock = Clock { times: &self.times, stdout_old: self.stdout_old, now: now() };
        for feed in &mut self.sources {
            let (first, held) = match may_be_told(self.foreign, feed) {
                true => feed.hold(&mut self.picture, |source, sink| source.finish(sink)),
                false => (None, vec![]),
            };
            let mut ear = Ear { picture: &mut self.picture, rank: feed.rank, clock, trackers: None, heard: 0 };
            held.into_iter().for_each(|record| ear.take(record));
            if first.is_none() {
                feed.source.finish(&mut |record| ear.take(record));
            }
            feed.is_fresh &= ear.heard == 0;
            polled.changed |= ear.heard > 0;
        }
    }
}

/// Whether the bytes of a source may yet say that it is no log, or none of lines, as which it was opened.
fn may_be_told(opened: Option<Kind>, feed: &Feed) -> bool {
    feed.is_fresh && matches!(opened, Some(Kind::Log | Kind::Jsonl | Kind::Json))
}

fn now() -> Option<WallTime> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|now| WallTime::new(now.as_secs_f64()))
}

/// An error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn look(path: &Path) -> Option<Look> {
    let look = |file: Metadata| (file.ino(), file.len(), file.mtime(), file.mtime_nsec());
    fs::metadata(path).ok().map(look)
}

#[cfg(test)]
mod tests;
