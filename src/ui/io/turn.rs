//! The loop: whatever woke it is told to the pane, then what is due is done. A frame goes before a file, so that no key waits for
//! a disk.

use super::{
    UiError,
    clipboard::Clipboard,
    effects::told,
    link::{Bell, Heard},
    screen::{self, Screen},
    sources::Sources,
    wake::{Signals, Woken},
};
use crate::canvas::Spec;
use crate::ipc::wire::Response;
use crate::model::{Exit, RunState};
use crate::ui::pane::{Event, Link, Pane, Scene};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Rest between two looks at the files, and between two frames, while data pours in.
pub(super) const FRAME: Duration = Duration::from_millis(50);
/// While a run writes, a look at its files is followed by a rest so many times as long: it needs the core more than we do.
const REST_SHARE: u32 = 48;
/// A run whose files changed so lately still writes.
const WRITES: Duration = Duration::from_millis(100);
/// How often files are looked at where the system gives no events at all.
const BLIND: Duration = Duration::from_secs(1);

/// When things are to be done, by the loop's clock.
#[derive(Default)]
pub(super) struct Due {
    pub(super) poll: Option<Duration>,
    pub(super) draw: Option<Duration>,
    /// A change of size that is still to be looked at.
    resize: Option<Duration>,
    /// The next look at the machine, while somebody watches it.
    pub(super) sample: Option<Duration>,
}

/// What connects a loop with those who wake it.
pub(super) struct Wires {
    /// Wakes it.
    pub(super) wake: SyncSender<Woken>,
    /// Signals that came.
    pub(super) signals: Arc<Signals>,
    /// It was told of files and has not looked yet.
    pub(super) stirred: Arc<AtomicBool>,
    /// Calls the controller's attention; `None`: there is none.
    pub(super) bell: Option<Bell>,
}

pub(super) struct Loop<P> {
    pub(super) wake: SyncSender<Woken>,
    signals: Arc<Signals>,
    stirred: Arc<AtomicBool>,
    bell: Option<Bell>,
    pub(super) pane: P,
    pub(super) screen: Screen,
    pub(super) sources: Sources,
    link: Link,
    pub(super) clipboard: Clipboard,
    /// Files that are being written.
    pub(super) exports: Vec<JoinHandle<()>>,
    start: Instant,
    pub(super) due: Due,
    /// When the files may be looked at again.
    rested_at: Option<Duration>,
    pub(super) drawn_at: Option<Duration>,
    resized_at: Option<Duration>,
    stirred_at: Option<Duration>,
}

/// Whether to go on.
#[derive(PartialEq, Eq)]
pub(super) enum Go {
    On,
    Out,
}

impl<P: Pane> Loop<P> {
    pub(super) fn new(pane: P, screen: Screen, sources: Sources, Wires { wake, signals, stirred, bell }: Wires) -> Loop<P> {
        Loop {
            wake,
            signals,
            stirred,
            bell,
            pane,
            screen,
            sources,
            link: Link::Unknown,
            clipboard: Clipboard::default(),
            exports: vec![],
            start: Instant::now(),
            due: Due { poll: Some(Duration::ZERO), draw: Some(Duration::ZERO), ..Due::default() },
            rested_at: None,
            drawn_at: None,
            resized_at: None,
            stirred_at: None,
        }
    }

    /// Goes on until the pane is quit.
    pub(super) fn run(mut self, inbox: Receiver<Woken>) -> Result<(), UiError> {
        let done = self.turn(&inbox);
        // Nobody reads it any more; a thread that tells is not held up.
        drop(inbox);
        screen::restore();
        // What a person asked for is written to its end.
        self.exports.into_iter().for_each(|thread| _ = thread.join());
        self.clipboard.settle();
        done
    }

    fn turn(&mut self, inbox: &Receiver<Woken>) -> Result<(), UiError> {
        let size = self.screen.area();
        self.tell(Event::Resized(size.width, size.height));
        loop {
            if self.heed() == Go::Out || self.work()? == Go::Out {
                return Ok(());
            }
            let woken = match self.next_due() {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => inbox.recv_timeout(at.saturating_sub(self.now())),
            };
            match woken {
                Ok(woken) => {
                    if self.on(woken) == Go::Out {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn next_due(&self) -> Option<Duration> {
        [self.due.poll, self.due.draw, self.due.resize, self.due.sample, self.pane.deadline()].into_iter().flatten().min()
    }

    /// Does what signals ask for.
    fn heed(&mut self) -> Go {
        if self.signals.take_resized() {
            // The first of a storm is followed at once, the others once a frame, the last one always.
            let at = rested(self.resized_at, FRAME, self.now());
            self.due.resize.get_or_insert(at);
        }
        if self.signals.is_ended() { Go::Out } else { Go::On }
    }

    /// Does what is due. A frame comes before reading on, so that a key never waits for a file.
    fn work(&mut self) -> Result<Go, UiError> {
        let now = self.now();
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        if is_due(self.pane.deadline()) && self.tell(Event::Deadline) == Go::Out {
            return Ok(Go::Out);
        }
        if is_due(self.due.resize) && self.resize() == Go::Out {
            return Ok(Go::Out);
        }
        if self.due.draw.is_some_and(|at| at <= self.now()) {
            self.draw()?;
        }
        if is_due(self.due.sample) {
            self.sources.look_at_host(&self.wake);
            self.due.sample = self.sources.watches_host().then(|| self.now() + self.sources.host.rest());
            // Its training is gone, which no file tells.
            if self.due.sample.is_none() && self.tell(Event::Sampled) == Go::Out {
                return Ok(Go::Out);
            }
        }
        if is_due(self.due.poll) {
            self.poll(now);
            // What the first look after a rest finds is drawn in the same turn.
            if self.due.draw.is_some_and(|at| at <= self.now()) {
                self.draw()?;
            }
        }
        Ok(Go::On)
    }

    fn on(&mut self, woken: Woken) -> Go {
        use crossterm::event::Event as Terminal;
        match woken {
            Woken::TerminalGone => Go::Out,
            // It is heeded before anything else is done.
            Woken::Signal => Go::On,
            Woken::Files => {
                self.stirred.store(false, Ordering::SeqCst);
                let now = self.now();
                self.stirred_at = Some(now);
                let at = self.rested_at.map_or(now, |at| at.max(now));
                self.due.poll = Some(self.due.poll.map_or(at, |due| due.min(at)));
                Go::On
            }
            Woken::Terminal(Terminal::Key(key)) => {
                let keys = self.pane.apart(key);
                let out = |go, key| if go == Go::Out { Go::Out } else { self.tell(Event::Key(key)) };
                keys.into_iter().fold(Go::On, out)
            }
            Woken::Terminal(Terminal::Mouse(mouse)) => self.tell(Event::Mouse(mouse)),
            Woken::Terminal(Terminal::Paste(text)) => self.tell(Event::Paste(text)),
            Woken::Host(host) => {
                self.sources.host.take(*host);
                // It may be known only now how busy it is.
                self.due.sample = self.due.sample.map(|at| at.min(self.now() + self.sources.host.rest()));
                self.tell(Event::Sampled)
            }
            Woken::Clipboard(text) => self.tell(Event::Paste(if text.is_empty() { self.clipboard.copied().to_owned() } else { text })),
            Woken::Terminal(_) => Go::On,
            Woken::Wrote(done) => {
                self.exports.retain(|thread| !thread.is_finished());
                self.tell(told(done, "the data"))
            }
            Woken::Runs(told) => {
                self.sources.runs.take(*told);
                self.tell(Event::Runs(self.sources.runs.listing()))
            }
            Woken::Rollouts(found) => match self.sources.rollouts.take(*found) {
                Some(news) => self.tell(Event::Rollouts(Box::new(news))),
                None => Go::On,
            },
            Woken::Controller(heard) => self.hear(heard),
        }
    }

    fn resize(&mut self) -> Go {
        self.due.resize = None;
        self.resized_at = Some(self.now());
        // Also where it has the size that it had: it may have had another in between, and shows anything now.
        match crossterm::terminal::size() {
            Ok((width, height)) => {
                self.screen.resize(width, height);
                self.tell(Event::Resized(width, height))
            }
            Err(_) => Go::On,
        }
    }

    fn hear(&mut self, heard: Heard) -> Go {
        let link = match heard {
            Heard::Up => {
                // It hears with the next frame what it shows, and it did not hear the last one.
                self.screen.forget();
                self.due.draw = Some(self.now());
                Link::Up(Default::default())
            }
            Heard::Down => Link::Down,
            Heard::Said(said) => match *said {
                Response::Health(health) => Link::Up(*health),
                Response::RunState { state, exit_code, signal } => {
                    let over = RunState::from_word(&state).filter(|state| state.is_over());
                    // The files say more of the end, a moment later.
                    self.due.poll = Some(self.now());
                    return self.tell(Event::RunEnded(over.map(|state| Exit { code: exit_code, signal, at: None, verdict: Some(state) })));
                }
                Response::Config { config } => {
                    return match Spec::parse(&config.to_string()) {
                        Ok(spec) => self.tell(Event::Spec { graphs: spec.graphs, derived: spec.derived, title: spec.title }),
                        Err(_) => Go::On,
                    };
                }
                Response::SetView { number, patch } => return self.tell(Event::Set { number, view: patch }),
                Response::Redraw { number } => return self.tell(Event::Redraw(number)),
                _ => return Go::On,
            },
        };
        if link == self.link {
            return Go::On;
        }
        self.link = link.clone();
        self.tell(Event::Controller(link))
    }

    /// Tells the pane, and performs what it answers.
    pub(super) fn tell(&mut self, event: Event) -> Go {
        let now = self.now();
        let effects = self.sources.with_scene(|scene| self.pane.update(event, scene, now));
        self.take(effects, now)
    }

    fn poll(&mut self, now: Duration) {
        let found = self.sources.poll();
        let rested_at = self.now() + ((self.now() - now) * REST_SHARE).max(FRAME);
        self.rested_at = Some(rested_at);
        if let (true, false, Some(bell)) = (found.socket_changed, matches!(self.link, Link::Up(_)), &self.bell) {
            bell.ring();
        }
        self.due.poll = match (found.more, self.sources.watch.is_some()) {
            // What is left is read without rest as soon as the run stops writing.
            (true, _) if !self.sources.loading && self.stirred_at.is_some_and(|at| now < at + WRITES) => Some(rested_at),
            (true, _) => Some(self.now()),
            (false, true) => found.again.map(|again| self.now() + again),
            (false, false) => Some(now + BLIND),
        };
        if found.look {
            self.sources.look_at_host(&self.wake);
        }
        if let Some(spec) = found.spec {
            self.tell(Event::Spec { graphs: spec.graphs, derived: spec.derived, title: spec.title });
        }
        if found.said > 0 {
            self.tell(Event::Said(found.said));
        }
        if let Some(facts) = found.facts {
            let now = self.now();
            let effects = self.sources.with_scene(|scene| self.pane.update(Event::Data(Box::new(facts)), scene, now));
            self.take(effects, now);
        }
        if found.runs {
            self.tell(Event::Runs(self.sources.runs.listing()));
        }
    }

    fn draw(&mut self) -> Result<(), UiError> {
        self.due.draw = None;
        let (pane, screen) = (&self.pane, &mut self.screen);
        let (area, is_read) = (screen.area(), self.bell.is_some());
        // Without a controller nobody reads the note. A structure of ours always has a JSON form.
        let told = |scene: Scene<'_>| serde_json::to_string(&pane.shown(scene, area)).unwrap_or_default();
        self.sources
            .with_scene(|scene| {
                let note = if is_read { told(scene) } else { String::new() };
                screen.draw(&pane.title(), &note, |buf| pane.draw(scene, buf.area, buf))
            })
            .map_err(|source| UiError::Terminal { doing: "write to", source })?;
        self.drawn_at = Some(self.now());
        Ok(())
    }
}

/// The first moment from `now` on that lies `rest` behind `last`.
pub(super) fn rested(last: Option<Duration>, rest: Duration, now: Duration) -> Duration {
    last.map_or(now, |last| now.max(last + rest))
}
