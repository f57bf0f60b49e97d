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
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    thread,
    time::Duration,
};

/// Wants that wait for the thread; only the last of them counts.
const WANTS_MAX: usize = 8;
/// What cannot be read is tried again after a rest: the first time soon, for most databases are only busy.
const RETRY: Duration = Duration::from_secs(2);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// The answers of the run that is shown.
#[derive(Default)]
pub struct Rollouts {
    /// Where answers may lie, none: nowhere that is known so far; and the thread that reads them.
    of: Option<(Vec<PathBuf>, Option<SyncSender<RolloutWant>>)>,
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
        let paths = kept_in(reader);
        if self.of.as_ref().is_none_or(|(of, _)| *of != paths) {
            self.number += 1;
            self.wanted = None;
            let thread = if paths.is_empty() { None } else { start(paths.clone(), self.number, tell.clone()).ok() };
            if thread.is_none() {
                // The loop reads its inbox after this, and it is never full of our own words.
                let none = RolloutNews { none: true, ..RolloutNews::default() };
                let _ = tell.try_send(Woken::Rollouts(Box::new(Found { number: self.number, news: none })));
            }
            self.of = Some((paths, thread));
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

/// The runs of trackers in which the answers may lie, in the order in which they are looked at: the run itself, then those that its
/// training logs to.
fn kept_in(reader: &RunReader) -> Vec<PathBuf> {
    let own = keeps(reader.kind()).then(|| reader.address());
    own.into_iter().chain(reader.logs().iter().filter(|log| keeps(log.kind)).map(RunRef::address)).collect()
}

fn start(paths: Vec<PathBuf>, number: u64, tell: SyncSender<Woken>) -> io::Result<SyncSender<RolloutWant>> {
    let (asks, inbox) = sync_channel(WANTS_MAX);
    let tell = move |news| tell.send(Woken::Rollouts(Box::new(Found { number, news }))).is_ok();
    thread::Builder::new().name("og-rollouts".into()).spawn(move || work(|| Desk::open(&paths), &inbox, RETRY, tell))?;
    Ok(asks)
}

/// Reads the last of the wants that wait, and again after a rest what could not be read, until nobody wants anything any more or
/// `tell` says that nobody listens.
fn work(open: impl Fn() -> Desk, inbox: &Receiver<RolloutWant>, retry: Duration, mut tell: impl FnMut(RolloutNews) -> bool) {
    let mut desk = open();
    let Ok(mut want) = inbox.recv() else { return };
    let (mut rest, mut told) = (retry, None);
    loop {
        want = inbox.try_iter().last().unwrap_or(want);
        let news = desk.serve(want);
        let problem = news.problem.clone();
        // What is wrong still is no news.
        if news != RolloutNews::default() && (told.is_none() || told != problem) && !tell(news) {
            return;
        }
        let next = match problem {
            Some(_) => inbox.recv_timeout(rest),
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(next) => (want, rest, told) = (next, retry, None),
            Err(RecvTimeoutError::Timeout) => {
                (rest, told) = ((rest * 2).min(RETRY_MAX), problem);
                if desk.problem.is_some() {
                    desk = open();
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The stores of a run, and what was read last.
#[derive(Default)]
pub struct Desk {
    /// The first is read. One that has answers comes to the front and stays there while it has any.
    stores: Vec<Box<dyn RolloutStore>>,
    /// Why one cannot be opened.
    problem: Option<String>,
    steps: Vec<i64>,
    count: Option<u64>,
    listed: Option<i64>,
    body: Option<(i64, i64)>,
}

impl Desk {
    /// Opens the stores of the runs at `paths`, as far as there are any.
    pub fn open(paths: &[PathBuf]) -> Desk {
        let mut desk = Desk::default();
        for path in paths {
            match source::runs(path) {
                Ok(runs) => desk.stores.extend(runs.first().and_then(source::open_rollouts)),
                Err(error) => desk.problem = desk.problem.or_else(|| Some(chain(&error))),
            }
        }
        desk
    }

    /// Reads what is wanted and was not read before.
    pub fn serve(&mut self, want: RolloutWant) -> RolloutNews {
        let mut news = RolloutNews { none: self.stores.is_empty(), ..RolloutNews::default() };
        match self.read(want, &mut news) {
            Ok(()) if self.steps.is_empty() => news.problem = self.problem.clone(),
            Ok(()) => {}
            Err(error) => {
                // The next look tries again.
                (self.count, self.listed, self.body) = (None, None, None);
                news.problem = Some(chain(&error));
            }
        }
        news
    }

    /// The steps of the first store that has any. One that cannot be read hides no other.
    fn find_steps(&mut self) -> Result<Vec<i64>, SourceError> {
        let mut problem = None;
        for at in 0..self.stores.len() {
            match self.stores[at].steps() {
                Ok(steps) if steps.is_empty() => {}
                Ok(steps) => {
                    if at > 0 {
                        self.stores[..=at].rotate_right(1);
                        // Another store has other answers by the same ids.
                        self.body = None;
                    }
                    return Ok(steps);
                }
                // What was read of it stands: it is only busy, as a rule.
                Err(error) if at == 0 && !self.steps.is_empty() => return Err(error),
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        problem.map_or(Ok(vec![]), Err)
    }

    fn read(&mut self, want: RolloutWant, news: &mut RolloutNews) -> Result<(), SourceError> {
        let is_stale = self.count != Some(want.count);
        if is_stale && !self.stores.is_empty() {
            self.steps = self.find_steps()?;
            news.steps = Some(self.steps.clone());
        }
        let Some(store) = self.stores.first_mut() else { return Ok(()) };
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
    let Some(paths) = reader.filter(|_| pane.wants().rollouts.is_some()).map(kept_in) else { return };
    let mut desk = Desk::open(&paths);
    for _ in 0..ROUNDS {
        let Some(want) = pane.wants().rollouts else { return };
        let news = desk.serve(want);
        pane.update(Event::Rollouts(Box::new(news)), scene, Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Body, RolloutGroup};

    /// A store that has these steps, or is being written. A group is called after its store.
    struct Fake(&'static str, Option<Vec<i64>>);

    impl RolloutStore for Fake {
        fn steps(&mut self) -> Result<Vec<i64>, SourceError> {
            self.1.clone().ok_or_else(|| SourceError::Busy { path: self.0.into() })
        }

        fn groups(&mut self, _step: i64) -> Result<Vec<RolloutGroup>, SourceError> {
            Ok(vec![RolloutGroup { title: self.0.into(), ..RolloutGroup::default() }])
        }

        fn trajectory(&mut self, _step: i64, id: i64) -> Result<Option<Body>, SourceError> {
            Ok(Some(Body { id, prompt: self.0.into(), ..Body::default() }))
        }
    }

    fn desk(stores: impl IntoIterator<Item = Fake>) -> Desk {
        let stores = stores.into_iter().map(|store| Box::new(store) as Box<dyn RolloutStore>).collect();
        Desk { stores, ..Desk::default() }
    }

    /// The steps that were found, and the store of their groups.
    fn found(news: RolloutNews) -> (Option<Vec<i64>>, Option<String>) {
        (news.steps, news.groups.map(|(_, groups)| groups[0].title.clone()))
    }

    fn want(count: u64) -> RolloutWant {
        RolloutWant { count, ..RolloutWant::default() }
    }

    #[test]
    fn the_first_tracker_that_has_answers_is_read_and_stays() {
        let mut desk = desk([Fake("scalars", Some(vec![])), Fake("answers", Some(vec![]))]);
        assert_eq!(desk.serve(want(0)), RolloutNews { steps: Some(vec![]), ..RolloutNews::default() });
        desk.stores[1] = Box::new(Fake("answers", Some(vec![1, 2])));
        assert_eq!(desk.serve(want(0)), RolloutNews::default(), "nobody told of an answer");
        assert_eq!(found(desk.serve(want(1))), (Some(vec![1, 2]), Some("answers".into())));
        // What others have from now on does not take the place of what is looked at.
        desk.stores[1] = Box::new(Fake("scalars", Some(vec![5])));
        assert_eq!(found(desk.serve(want(2))), (Some(vec![1, 2]), Some("answers".into())));
        let body = RolloutWant { body: Some((2, 7)), ..want(2) };
        assert_eq!(desk.serve(body).body.unwrap().unwrap().prompt, "answers");
        // It was emptied: the answer of the same id is another one.
        desk.stores[0] = Box::new(Fake("answers", Some(vec![])));
        let news = desk.serve(RolloutWant { count: 3, ..body });
        assert_eq!(news.body.clone().unwrap().unwrap().prompt, "scalars");
        assert_eq!(found(news), (Some(vec![5]), Some("scalars".into())));
    }

    #[test]
    fn a_tracker_that_cannot_be_read_hides_no_other() {
        let mut both = desk([Fake("busy", None), Fake("answers", Some(vec![1]))]);
        both.problem = Some("a third one is gone".into());
        let news = both.serve(want(0));
        assert_eq!((news.problem.as_ref(), news.none), (None, false));
        assert_eq!(found(news), (Some(vec![1]), Some("answers".into())));
        // Busy for a moment, it keeps its place.
        both.stores[0] = Box::new(Fake("answers", None));
        both.stores[1] = Box::new(Fake("busy", Some(vec![3])));
        let news = both.serve(want(1));
        assert_eq!((news.problem.is_some(), found(news)), (true, (None, None)));
        both.stores[0] = Box::new(Fake("answers", Some(vec![1, 2])));
        assert_eq!(found(both.serve(want(1))), (Some(vec![1, 2]), Some("answers".into())));
        // Nobody has any, so it is told what is wrong.
        let news = desk([Fake("busy", None), Fake("scalars", Some(vec![]))]).serve(want(0));
        assert!(news.problem.unwrap().contains("busy"));
        let mut gone = desk([Fake("scalars", Some(vec![]))]);
        gone.problem = Some("gone".into());
        assert_eq!(gone.serve(want(0)).problem.as_deref(), Some("gone"));
        assert!(Desk::open(&[]).serve(want(0)).none);
    }

    /// A store that is busy so many times.
    struct Busy(usize);

    impl RolloutStore for Busy {
        fn steps(&mut self) -> Result<Vec<i64>, SourceError> {
            let is_busy = self.0 > 0;
            self.0 = self.0.saturating_sub(1);
            if is_busy { Err(SourceError::Busy { path: "t.db".into() }) } else { Ok(vec![1]) }
        }

        fn groups(&mut self, _step: i64) -> Result<Vec<RolloutGroup>, SourceError> {
            Ok(vec![])
        }

        fn trajectory(&mut self, _step: i64, _id: i64) -> Result<Option<Body>, SourceError> {
            Ok(None)
        }
    }

    #[test]
    fn what_was_busy_is_read_again_though_nobody_wants_anything_else() {
        let opened = std::cell::Cell::new(0);
        let cannot_open = || {
            opened.set(opened.get() + 1);
            let problem = (opened.get() < 4).then(|| "busy".to_owned());
            Desk { stores: if problem.is_none() { vec![Box::new(Busy(0))] } else { vec![] }, problem, ..Desk::default() }
        };
        let cannot_read = || Desk { stores: vec![Box::new(Busy(3))], ..Desk::default() };
        for open in [&cannot_open as &dyn Fn() -> Desk, &cannot_read] {
            let (asks, inbox) = sync_channel(WANTS_MAX);
            asks.send(want(0)).unwrap();
            let mut told = vec![];
            work(open, &inbox, Duration::from_millis(1), |news| {
                told.push((news.problem.is_some(), news.none, news.steps.clone().unwrap_or_default()));
                news.problem.is_some()
            });
            assert_eq!((told.len(), &told[1], told[0].0), (2, &(false, false, vec![1]), true), "{told:?}");
        }
    }
}
