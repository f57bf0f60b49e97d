//! Reads the answers of a run for whoever looks at them: a thread that opens the database of its tracker when something else is
//! looked at, and sleeps otherwise.

use super::{chain, wake::Woken};
use crate::{
    source::{self, Kind, RolloutStore, RunRef, SourceError},
    store::RunReader,
    ui::pane::{Event, Pane, RolloutNews, RolloutWant, Scene},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
    time::Duration,
};

/// Wants that wait for the thread; only the last of them counts.
const WANTS_MAX: usize = 8;

/// The answers of the run that is shown.
#[derive(Default)]
pub struct Rollouts {
    /// Where the answers lie, `None`: nowhere that is known so far; and the thread that reads them.
    of: Option<(Option<PathBuf>, Option<SyncSender<RolloutWant>>)>,
    wanted: Option<RolloutWant>,
    /// Rises when they lie elsewhere: what was found before is not shown any more.
    number: u64,
}

/// What the thread found, and for which of the runs that were looked at.
pub struct Found {
    number: u64,
    news: RolloutNews,
}

impl Rollouts {
    /// Has read what is wanted of the run that `reader` reads; what was found comes as [`Woken::Rollouts`].
    pub fn want(&mut self, want: Option<RolloutWant>, reader: Option<&RunReader>, tell: &SyncSender<Woken>) {
        let (Some(want), Some(reader)) = (want, reader) else { return };
        let path = kept_in(reader);
        if self.of.as_ref().is_none_or(|(of, _)| *of != path) {
            self.number += 1;
            self.wanted = None;
            let thread = path.clone().and_then(|path| start(path, self.number, tell.clone()).ok());
            if thread.is_none() {
                // The loop reads its inbox after this, and it is never full of our own words.
                let none = RolloutNews { none: true, ..RolloutNews::default() };
                let _ = tell.try_send(Woken::Rollouts(Box::new(Found { number: self.number, news: none })));
            }
            self.of = Some((path, thread));
        }
        if self.wanted == Some(want) {
            return;
        }
        let Some((_, Some(thread))) = &self.of else { return };
        match thread.try_send(want) {
            // What does not fit now is wanted again with the next event.
            Err(TrySendError::Full(_)) => self.wanted = None,
            _ => self.wanted = Some(want),
        }
    }

    /// Takes what was found; `None`: it is of a run that is not shown any more.
    pub fn take(&mut self, found: Found) -> Option<RolloutNews> {
        (found.number == self.number).then_some(found.news)
    }
}

/// Whether a tracker keeps answers that og reads.
fn keeps(kind: Kind) -> bool {
    matches!(kind, Kind::Tviz | Kind::Trackio)
}

/// The run of a tracker in which the answers lie: the run itself, or the first that its training logs to and that has them.
fn kept_in(reader: &RunReader) -> Option<PathBuf> {
    let logs = || reader.logs().iter().filter(|log| keeps(log.kind)).map(RunRef::address);
    keeps(reader.kind()).then(|| reader.address()).or_else(|| logs().next())
}

fn start(path: PathBuf, number: u64, tell: SyncSender<Woken>) -> io::Result<SyncSender<RolloutWant>> {
    let (asks, inbox) = sync_channel(WANTS_MAX);
    let serve = move || {
        let mut desk = Desk::open(&path);
        while let Some(want) = newest(&inbox) {
            let news = desk.serve(want);
            if news != RolloutNews::default() && tell.send(Woken::Rollouts(Box::new(Found { number, news }))).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("og-rollouts".into()).spawn(serve)?;
    Ok(asks)
}

/// The last of the wants that wait; `None`: nobody wants anything any more.
fn newest(inbox: &Receiver<RolloutWant>) -> Option<RolloutWant> {
    let first = inbox.recv().ok()?;
    Some(inbox.try_iter().last().unwrap_or(first))
}

/// A store, and what was read of it last.
#[derive(Default)]
pub struct Desk {
    store: Option<Box<dyn RolloutStore>>,
    problem: Option<String>,
    steps: Vec<i64>,
    count: Option<u64>,
    listed: Option<i64>,
    body: Option<(i64, i64)>,
}

impl Desk {
    /// Opens the store of the run at `path`, as far as there is one.
    pub fn open(path: &Path) -> Desk {
        let (store, problem) = match source::runs(path) {
            Ok(runs) => (runs.first().and_then(source::open_rollouts), None),
            Err(error) => (None, Some(chain(&error))),
        };
        Desk { store, problem, ..Desk::default() }
    }

    /// Reads what is wanted and was not read before.
    pub fn serve(&mut self, want: RolloutWant) -> RolloutNews {
        let mut news = RolloutNews { none: self.store.is_none(), problem: self.problem.clone(), ..RolloutNews::default() };
        if let Err(error) = self.read(want, &mut news) {
            // The next want tries again.
            (self.count, self.listed, self.body) = (None, None, None);
            news.problem = Some(chain(&error));
        }
        news
    }

    fn read(&mut self, want: RolloutWant, news: &mut RolloutNews) -> Result<(), SourceError> {
        let Some(store) = &mut self.store else { return Ok(()) };
        let is_stale = self.count != Some(want.count);
        if is_stale {
            self.steps = store.steps()?;
            news.steps = Some(self.steps.clone());
        }
        let step = want.step.filter(|step| self.steps.binary_search(step).is_ok()).or(self.steps.last().copied());
        if let Some(step) = step.filter(|step| is_stale || self.listed != Some(*step)) {
            news.groups = Some((step, store.groups(step)?));
        }
        (self.count, self.listed) = (Some(want.count), step);
        if let Some((step, id)) = want.body.filter(|_| self.body != want.body) {
            news.body = Some(store.trajectory(step, id)?);
        }
        self.body = want.body;
        Ok(())
    }
}

/// Reads at once what `pane` wants of the answers of a run, until it wants nothing else.
pub fn read_now(pane: &mut dyn Pane, reader: Option<&RunReader>, scene: Scene<'_>) {
    /// Steps and groups first, then the answer in focus, and one round to see that nothing else is wanted.
    const ROUNDS: usize = 4;
    let Some(path) = reader.filter(|_| pane.wants().rollouts.is_some()).map(kept_in) else { return };
    let mut desk = path.as_deref().map_or_else(Desk::default, Desk::open);
    for _ in 0..ROUNDS {
        let Some(want) = pane.wants().rollouts else { return };
        let news = desk.serve(want);
        pane.update(Event::Rollouts(Box::new(news)), scene, Duration::ZERO);
    }
}
