//! The run of a canvas as its controller follows it: read while it grows, and told what only og can know of it.

use super::unix_now;
use crate::{
    model::{Exit, ReadOptions, WallTime},
    source::{Kind, Watch},
    store::{Event, EventKind, RunPicture, RunReader, Store, StoreError, TimesWriter, Written},
};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Rest between two looks at the run's files: a flood of lines must not keep the loop from its peers.
const POLL_REST: Duration = Duration::from_millis(25);
/// While a run writes, a look at its files is followed by a rest so many times as long: it needs the core more than we do.
/// What is left is read without rest as soon as it stops.
const REST_SHARE: u32 = 48;
/// A run whose files changed so lately still writes.
const WRITES: Duration = Duration::from_millis(100);
/// When it is looked what a training has open, and has made, after its start: each rest is twice the one before, up to the
/// last. A look takes a millisecond or two, and most trackers open their logs within seconds of the start; after one that took
/// longer, the rest grows until it is so many times as long. The last look is when it has ended.
const LOGS_FIRST: Duration = Duration::from_millis(250);
const LOGS_REST_MAX: Duration = Duration::from_secs(5);
const LOGS_REST_SHARE: u32 = 1000;

pub(super) struct Run {
    reader: RunReader,
    /// How the spec says that it is to be read.
    read: ReadOptions,
    times: TimesWriter,
    /// When its files are to be looked at.
    pub(super) due: Option<Instant>,
    /// When they may be looked at again.
    rested: Option<Instant>,
    /// When they were last heard to change.
    grew: Option<Instant>,
    caught_up: bool,
    /// When to look which trackers' logs the training has open, and how long to rest then.
    pub(super) logs_due: Option<Instant>,
    logs_rest: Duration,
    /// What finds them; `None`: the run is not og's own.
    written: Option<Written>,
}

impl Run {
    /// Opens the run of the canvas in `dir`.
    pub(super) fn open(dir: &Path, path: &Path, read: &ReadOptions) -> Result<Run, StoreError> {
        let reader = open(dir, path, read)?;
        // The training begins when we have said that we listen.
        let info = &reader.picture().info;
        let written =
            info.started_at.filter(|_| reader.kind() == Kind::OgRun).map(|start| Written::before(reader.folder().path(), &info.cwd, start));
        Ok(Run {
            reader,
            read: read.clone(),
            times: TimesWriter::new(),
            due: None,
            rested: None,
            grew: None,
            caught_up: false,
            logs_due: Some(Instant::now() + LOGS_FIRST),
            logs_rest: LOGS_FIRST,
            written,
        })
    }

    /// What is known of it.
    pub(super) fn picture(&self) -> &RunPicture {
        self.reader.picture()
    }

    /// Whether what was there before us is not all read yet.
    pub(super) fn is_loading(&self) -> bool {
        !self.caught_up
    }

    /// How often stores that cannot tell of a change are asked.
    pub(super) fn set_refresh(&mut self, rest: Duration) {
        self.reader.set_refresh(rest);
    }

    /// Hears of every change of its files from now on.
    pub(super) fn watch(&self, watch: &mut Watch) {
        self.reader.paths().iter().for_each(|path| watch.add(path));
    }

    /// Its files were heard to change.
    pub(super) fn grew(&mut self) {
        let now = Instant::now();
        self.grew = Some(now);
        self.due = self.due.or(Some(self.rested.map_or(now, |at| at.max(now))));
    }

    /// Reads what is new; whether anything was.
    pub(super) fn poll(&mut self, watch: &mut Watch) -> bool {
        // What was there before us is read as fast as it goes, with room for peers in between.
        let loading = self.is_loading();
        let start = Instant::now();
        let polled = self.reader.poll(if loading { RunReader::LOAD } else { RunReader::LIVE });
        let now = Instant::now();
        let rested = now + ((now - start) * REST_SHARE).max(POLL_REST);
        self.rested = Some(rested);
        self.due = if polled.more {
            let writes = self.grew.is_some_and(|at| now < at + WRITES);
            Some(if writes && !loading { rested } else { now })
        } else {
            polled.again.map(|again| now + again)
        };
        if polled.paths_changed {
            self.watch(watch);
        }
        self.caught_up |= !polled.more;
        polled.changed
    }

    /// Reads it from its start where `read` says another way to read it.
    pub(super) fn read_anew(&mut self, dir: &Path, path: &Path, read: &ReadOptions) -> Result<(), StoreError> {
        if *read == self.read {
            return Ok(());
        }
        self.read = read.clone();
        self.reader = open(dir, path, read)?;
        (self.caught_up, self.due) = (false, Some(Instant::now()));
        Ok(())
    }

    /// Writes down how long the log of our own training is now, so that its lines have a time. `None`: that says nothing new.
    pub(super) fn note_times(&mut self) -> Option<Result<(), StoreError>> {
        let folder = self.reader.folder();
        let log = fs::metadata(folder.stdout_log()).ok()?;
        let line = self.times.note(log.len(), WallTime::new(unix_now())?)?;
        Some(folder.append(&folder.stdout_times(), &line))
    }

    /// Bytes of its log, and of room on its disk where that can be told.
    pub(super) fn log(&self) -> (u64, Option<u64>) {
        let folder = self.reader.folder();
        let room = rustix::fs::statvfs(folder.path()).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        (fs::metadata(folder.stdout_log()).map_or(0, |log| log.len()), room)
    }

    /// Writes down which logs the training writes: they belong to its run, and later nobody could tell. `None`: its process is not
    /// known yet.
    pub(super) fn look_for_logs(&mut self) -> Option<Result<(), StoreError>> {
        let start = Instant::now();
        let found = self.picture().pid().map(|pid| self.note_logs(Some(pid)));
        self.logs_rest = (self.logs_rest * 2).min(LOGS_REST_MAX.max(start.elapsed() * LOGS_REST_SHARE));
        self.logs_due = Some(Instant::now() + self.logs_rest);
        found
    }

    /// Writes down which logs the training, process `pid`, is seen to write, and its checkpoints; without a `pid` it has ended.
    fn note_logs(&mut self, pid: Option<u32>) -> Result<(), StoreError> {
        let Some(written) = &mut self.written else { return Ok(()) };
        let seen = written.look(pid, |path| self.reader.has_tracker(path));
        for (path, from) in seen.logs.iter().filter_map(|log| Some((log.path.to_str()?, log.from))) {
            self.append(None, EventKind::Source { path: path.to_owned(), from })?;
        }
        let run = self.reader.picture();
        for saved in seen.saved {
            let path = saved.path.strip_prefix(&run.info.cwd).unwrap_or(&saved.path).display().to_string();
            // A controller before this one may have told of it.
            let is_told = run.events.iter().any(|event| {
                event.t.secs() + 0.01 >= saved.at.secs() && matches!(&event.kind, EventKind::Checkpoint { path: told, .. } if *told == path)
            });
            if !is_told {
                self.append(Some(saved.at), EventKind::Checkpoint { path, step: saved.step })?;
            }
        }
        Ok(())
    }

    /// Writes down how the training ended and what it left; why nobody saw it, where nobody did.
    pub(super) fn record(&mut self, exit: Exit, reason: Option<&str>) -> Result<(), StoreError> {
        self.note_logs(None)?;
        self.record_exit(exit, reason)?;
        self.due = Some(Instant::now());
        Ok(())
    }

    /// The end of the training in the run's own events; why nobody saw it as a note beside it.
    fn record_exit(&self, exit: Exit, reason: Option<&str>) -> Result<(), StoreError> {
        self.append(exit.at, EventKind::Exit(exit))?;
        reason.map_or(Ok(()), |reason| {
            self.append(exit.at, EventKind::Note { text: format!("nobody saw how the training ended: {reason}"), step: None })
        })
    }

    /// Adds a note of og's.
    pub(super) fn note(&self, text: String) -> Result<(), StoreError> {
        self.append(None, EventKind::Note { text, step: None })
    }

    /// Adds an event of og's at a time, or now.
    fn append(&self, at: Option<WallTime>, kind: EventKind) -> Result<(), StoreError> {
        let Some(t) = at.or_else(|| WallTime::new(unix_now())) else { return Ok(()) };
        self.reader.folder().append_event(&Event { t, author: "og".into(), kind })
    }

    /// Nothing more is to come: where its files do not say how it ended, nobody knows.
    pub(super) fn lose(&mut self) {
        self.read_to_the_end();
        self.reader.mark_lost();
    }

    /// The training has ended and nobody saw it: writes that down, unless its files say more.
    pub(super) fn record_lost(&mut self, reason: &str) -> Result<(), StoreError> {
        self.read_to_the_end();
        match self.picture().exit {
            Some(_) => Ok(()),
            None => self.record_exit(Exit { at: WallTime::new(unix_now()), ..Exit::default() }, Some(reason)),
        }
    }

    fn read_to_the_end(&mut self) {
        while self.reader.poll(RunReader::LOAD).more {}
    }
}

/// What is remarked on a run of another tracker lies in the store around the canvas in `dir`.
fn open(dir: &Path, path: &Path, read: &ReadOptions) -> Result<RunReader, StoreError> {
    let mut reader = RunReader::open_with(path, read)?;
    dir.ancestors().nth(2).iter().for_each(|root| reader.remark_in(&Store::at(root.to_path_buf())));
    Ok(reader)
}
