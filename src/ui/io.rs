//! The loop of a pane: keys, files and the controller come in through one channel, frames and reports go out.
//! While nothing happens, nothing runs.

mod link;
mod screen;

use super::{
    facts::{Facts, SeriesMap},
    graph::Graph,
    keymap,
    pane::{Effect, Event, Link, Pane},
    status::Status,
    theme::Theme,
};
use crate::canvas::{
    CanvasState, Spec,
    io::{self as canvas_io, CanvasError},
};
use crate::ipc::{io::socket_path, wire::Response};
use crate::model::{Exit, ReadOptions, RunState};
use crate::source::io::Watch;
use crate::store::{RunReader, StoreError};
use link::{Bell, Heard};
use screen::Screen;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use std::{
    fs,
    io::{self, IsTerminal},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// Rest between two looks at the files, and between two frames, while data pours in.
const FRAME: Duration = Duration::from_millis(50);
/// While a run writes, a look at its files is followed by a rest so many times as long: it needs the core more than we do.
const REST_SHARE: u32 = 48;
/// A run whose files changed so lately still writes.
const WRITES: Duration = Duration::from_millis(100);
/// How often files are looked at where the system gives no events at all.
const BLIND: Duration = Duration::from_secs(1);
/// Events that may wait. Keys typed faster than this are held back in the terminal.
const INBOX_MAX: usize = 256;

/// Why a pane could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum UiError {
    /// There is nothing to draw on.
    #[error("a pane needs a terminal")]
    NoTerminal,
    /// The terminal refused.
    #[error("cannot {doing} the terminal")]
    Terminal {
        /// The verb.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The folder is not that of a canvas.
    #[error(transparent)]
    Canvas(#[from] CanvasError),
}

impl UiError {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            UiError::NoTerminal => Some("og starts its panes itself: `og run COMMAND`, `og canvas spawn review --run RUN`".into()),
            UiError::Canvas(error) => error.hint(),
            UiError::Terminal { .. } | UiError::Thread(_) => None,
        }
    }
}

/// Runs the graph pane of the canvas in `canvas_dir` until it is quit.
pub fn graph(canvas_dir: &Path) -> Result<(), UiError> {
    let state = canvas_io::read(canvas_dir)?;
    run(Graph::new(theme(), utc_offset()), "graph", canvas_dir, state)
}

/// How far og's panes stand back behind the training and tmux where there are not enough cores for all.
const NICE: i32 = 10;

/// Runs the status pane of the canvas in `canvas_dir` until it is quit.
pub fn status(canvas_dir: &Path) -> Result<(), UiError> {
    let state = canvas_io::read(canvas_dir)?;
    run(Status::new(theme(), utc_offset(), state.name.clone()), "status", canvas_dir, state)
}

/// What wakes the loop.
pub(super) enum Woken {
    Terminal(crossterm::event::Event),
    TerminalGone,
    Resized,
    Files,
    Controller(Heard),
    Signal,
}

fn run<P: Pane>(pane: P, role: &'static str, canvas_dir: &Path, state: CanvasState) -> Result<(), UiError> {
    // It fails only where we stand back already.
    let _ = rustix::process::nice(NICE);
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(UiError::NoTerminal);
    }
    let (tell, inbox) = sync_channel(INBOX_MAX);
    listen_to_signals(tell.clone())?;
    let screen = Screen::enter().map_err(|source| UiError::Terminal { doing: "take", source })?;
    listen_to_terminal(tell.clone()).map_err(UiError::Thread)?;
    // Without a safe folder for it there is no socket, and nothing will ever stand at the empty path.
    let socket = socket_path(&state.id).unwrap_or_default();
    let bell = link::follow(socket.clone(), role, tell.clone()).map_err(UiError::Thread)?;
    let stirred = Arc::new(AtomicBool::new(false));
    let mut sources = Sources::new(canvas_dir, socket, watch(tell, Arc::clone(&stirred)));
    sources.open(state);
    Loop {
        pane,
        screen,
        sources,
        stirred,
        bell,
        link: Link::Unknown,
        start: Instant::now(),
        due: Due { poll: Some(Duration::ZERO), draw: Some(Duration::ZERO) },
        rested_at: None,
        drawn_at: None,
        stirred_at: None,
    }
    .run(&inbox)
}

/// Heard of before the terminal is first measured, so that no change of size is missed: a pane is often resized just
/// after it was made.
fn listen_to_signals(tell: SyncSender<Woken>) -> Result<(), UiError> {
    let mut signals = signal_hook::iterator::Signals::new([SIGWINCH, SIGTERM, SIGHUP, SIGINT]).map_err(UiError::Thread)?;
    let listen = move || {
        let mut asked_to_end = false;
        for signal in signals.forever() {
            let woken = if signal == SIGWINCH { Woken::Resized } else { Woken::Signal };
            // A second one ends us even when the loop hangs in a write to a dead terminal.
            if tell.send(woken).is_err() || signal != SIGWINCH && std::mem::replace(&mut asked_to_end, true) {
                break;
            }
        }
        screen::restore();
        std::process::exit(EXIT_BY_SIGNAL);
    };
    thread::Builder::new().name("og-signals".into()).spawn(listen).map_err(UiError::Thread)?;
    Ok(())
}

/// What a shell says of a program that SIGTERM ended.
const EXIT_BY_SIGNAL: i32 = 143;

fn listen_to_terminal(tell: SyncSender<Woken>) -> io::Result<()> {
    use crossterm::event::{Event, poll, read};
    let listen = move || {
        let mut rejoin = keymap::Rejoin::default();
        loop {
            let woken = match read() {
                Ok(Event::Key(key)) => {
                    let more = rejoin.asks(key) && poll(Duration::ZERO).unwrap_or(false);
                    rejoin.push(key, more).into_iter().map(|key| Woken::Terminal(Event::Key(key))).collect()
                }
                Ok(event) => vec![Woken::Terminal(event)],
                Err(_) => vec![Woken::TerminalGone],
            };
            for woken in woken {
                let gone = matches!(woken, Woken::TerminalGone);
                if tell.send(woken).is_err() || gone {
                    return;
                }
            }
        }
    };
    thread::Builder::new().name("og-keys".into()).spawn(listen).map(drop)
}

/// One `Files` in the inbox at a time, however often files change.
fn watch(tell: SyncSender<Woken>, stirred: Arc<AtomicBool>) -> Option<Watch> {
    let wake = move || {
        if !stirred.swap(true, Ordering::SeqCst) {
            // The loop that reads the inbox is gone: so is the need.
            let _ = tell.send(Woken::Files);
        }
    };
    Watch::standing_back(wake).inspect_err(|error| tracing::warn!(%error, "files are looked at once a second")).ok()
}

/// When things are to be done, by the loop's clock.
#[derive(Default)]
struct Due {
    poll: Option<Duration>,
    draw: Option<Duration>,
}

struct Loop<P> {
    pane: P,
    screen: Screen,
    sources: Sources,
    stirred: Arc<AtomicBool>,
    bell: Bell,
    link: Link,
    start: Instant,
    due: Due,
    /// When the files may be looked at again.
    rested_at: Option<Duration>,
    drawn_at: Option<Duration>,
    stirred_at: Option<Duration>,
}

/// Whether to go on.
#[derive(PartialEq, Eq)]
enum Go {
    On,
    Out,
}

impl<P: Pane> Loop<P> {
    fn run(mut self, inbox: &Receiver<Woken>) -> Result<(), UiError> {
        let size = self.screen.area();
        self.tell(Event::Resized(size.width, size.height));
        loop {
            if self.work()? == Go::Out {
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
        [self.due.poll, self.due.draw, self.pane.deadline()].into_iter().flatten().min()
    }

    /// Does what is due. A frame comes before reading on, so that a key never waits for a file.
    fn work(&mut self) -> Result<Go, UiError> {
        let now = self.now();
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        if is_due(self.pane.deadline()) && self.tell(Event::Deadline) == Go::Out {
            return Ok(Go::Out);
        }
        if is_due(self.due.draw) {
            self.draw()?;
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
            Woken::Signal | Woken::TerminalGone => Go::Out,
            Woken::Files => {
                self.stirred.store(false, Ordering::SeqCst);
                let now = self.now();
                self.stirred_at = Some(now);
                let at = self.rested_at.map_or(now, |at| at.max(now));
                self.due.poll = Some(self.due.poll.map_or(at, |due| due.min(at)));
                Go::On
            }
            Woken::Terminal(Terminal::Key(key)) => {
                let out = |go, key| if go == Go::Out { Go::Out } else { self.tell(Event::Key(key)) };
                keymap::apart(key).into_iter().fold(Go::On, out)
            }
            Woken::Terminal(Terminal::Paste(text)) => self.tell(Event::Paste(text)),
            // Also where it has the size that it had: it may have had another in between, and shows anything now.
            Woken::Resized => match crossterm::terminal::size() {
                Ok((width, height)) => {
                    self.screen.resize(width, height);
                    self.tell(Event::Resized(width, height))
                }
                Err(_) => Go::On,
            },
            Woken::Terminal(_) => Go::On,
            Woken::Controller(heard) => self.hear(heard),
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
                    let over = RunState::from_word(&state).is_some_and(RunState::is_over);
                    // The files say more of the end, a moment later.
                    self.due.poll = Some(self.now());
                    return self.tell(Event::RunEnded(over.then_some(Exit { code: exit_code, signal, at: None })));
                }
                Response::Config { config } => {
                    return match Spec::parse(&config.to_string()) {
                        Ok(spec) => self.tell(Event::Spec { graphs: spec.graphs, title: spec.title }),
                        Err(_) => Go::On,
                    };
                }
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

    fn tell(&mut self, event: Event<'_>) -> Go {
        let now = self.now();
        let effects = self.pane.update(event, now);
        self.take(effects, now)
    }

    fn take(&mut self, effects: Vec<Effect>, now: Duration) -> Go {
        for effect in effects {
            match effect {
                Effect::Quit => return Go::Out,
                Effect::Draw => self.due.draw = Some(now),
                Effect::DrawAll => {
                    self.screen.forget();
                    self.due.draw = Some(now);
                }
                Effect::DrawSoon => {
                    let at = rested(self.drawn_at, FRAME, now);
                    self.due.draw = Some(self.due.draw.map_or(at, |due| due.min(at)));
                }
            }
        }
        Go::On
    }

    fn poll(&mut self, now: Duration) {
        let found = self.sources.poll();
        let rested_at = self.now() + ((self.now() - now) * REST_SHARE).max(FRAME);
        self.rested_at = Some(rested_at);
        if found.socket_changed && !matches!(self.link, Link::Up(_)) {
            self.bell.ring();
        }
        self.due.poll = match (found.more, self.sources.watch.is_some()) {
            // What is left is read without rest as soon as the run stops writing.
            (true, _) if !self.sources.loading && self.stirred_at.is_some_and(|at| now < at + WRITES) => Some(rested_at),
            (true, _) => Some(self.now()),
            (false, true) => found.again.map(|again| self.now() + again),
            (false, false) => Some(now + BLIND),
        };
        if let Some(spec) = found.spec {
            self.tell(Event::Spec { graphs: spec.graphs, title: spec.title });
        }
        if let Some(facts) = found.facts {
            let now = self.now();
            let effects = self.pane.update(Event::Data { facts: Box::new(facts), series: self.sources.series() }, now);
            self.take(effects, now);
        }
    }

    fn draw(&mut self) -> Result<(), UiError> {
        self.due.draw = None;
        let (pane, series) = (&self.pane, self.sources.series());
        let shown = pane.shown(series, self.screen.area());
        // A structure of ours always has a JSON form.
        let note = serde_json::to_string(&shown).unwrap_or_default();
        self.screen
            .draw(&pane.title(), &note, |buf| pane.draw(series, buf.area, buf))
            .map_err(|source| UiError::Terminal { doing: "write to", source })?;
        self.drawn_at = Some(self.now());
        Ok(())
    }
}

/// The first moment from `now` on that lies `rest` behind `last`.
fn rested(last: Option<Duration>, rest: Duration, now: Duration) -> Duration {
    last.map_or(now, |last| now.max(last + rest))
}

/// What a look at the files came to.
#[derive(Default)]
struct Found {
    spec: Option<Spec>,
    facts: Option<Facts>,
    more: bool,
    again: Option<Duration>,
    socket_changed: bool,
}

/// The files of a canvas and of its run.
struct Sources {
    canvas_dir: PathBuf,
    watch: Option<Watch>,
    /// The spec, the state, the controller's socket.
    canvas_files: [PathBuf; 3],
    canvas_seen: [Option<Look>; 3],
    run: Option<PathBuf>,
    /// How the canvas says that its run is to be read.
    read: ReadOptions,
    /// The rest that it wants between two looks at a database.
    refresh: Option<Duration>,
    reader: Option<RunReader>,
    /// No look at the run has reached its end yet.
    loading: bool,
    problem: Option<String>,
    empty: SeriesMap,
}

/// What tells two states of a file apart: inode, length, time of change.
type Look = (u64, u64, i64, i64);

impl Sources {
    fn new(canvas_dir: &Path, socket: PathBuf, watch: Option<Watch>) -> Sources {
        let canvas_files = [canvas_dir.join("canvas.json"), canvas_dir.join("state.json"), socket];
        let spec = canvas_io::read_spec(canvas_dir).ok();
        let mut sources = Sources {
            canvas_dir: canvas_dir.to_owned(),
            watch,
            canvas_seen: [None, look(&canvas_files[1]), None],
            canvas_files: canvas_files.clone(),
            run: None,
            refresh: spec.as_ref().map(Spec::refresh_interval),
            read: spec.map(|spec| spec.read).unwrap_or_default(),
            reader: None,
            loading: true,
            problem: None,
            empty: SeriesMap::new(),
        };
        sources.add(canvas_files.into_iter().filter(|path| !path.as_os_str().is_empty()));
        sources
    }

    fn add(&mut self, paths: impl Iterator<Item = PathBuf>) {
        if let Some(watch) = &mut self.watch {
            paths.for_each(|path| watch.add(&path));
        }
    }

    fn series(&self) -> &SeriesMap {
        self.reader.as_ref().map_or(&self.empty, |reader| &reader.picture().series)
    }

    /// Opens the run that the canvas shows now, unless it is open already.
    fn open(&mut self, state: CanvasState) {
        if self.run == state.run && self.reader.is_some() {
            return;
        }
        self.run = state.run;
        self.reader = None;
        self.problem = None;
        self.loading = true;
        let Some(run) = self.run.clone() else { return };
        match RunReader::open_with(&run, &self.read) {
            Ok(mut reader) => {
                self.add(reader.paths().into_iter());
                self.refresh.into_iter().for_each(|rest| reader.set_refresh(rest));
                self.reader = Some(reader);
            }
            // It may still be in the making: the watch tells.
            Err(StoreError::NotARun { .. }) => self.add([run.join("run.json")].into_iter()),
            Err(error) => {
                self.add([run.join("run.json")].into_iter());
                self.problem = Some(chain(&error));
            }
        }
    }

    fn poll(&mut self) -> Found {
        let mut found = self.poll_canvas();
        if self.reader.is_none() {
            self.open(CanvasState { run: self.run.clone(), ..CanvasState::default() });
        }
        let was_loading = self.loading;
        let Some(reader) = &mut self.reader else {
            self.loading = false;
            let name = self.run.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
            found.facts =
                Some(Facts { name: name.unwrap_or_default(), problem: self.problem.clone(), watched: self.watched(), ..Facts::default() });
            return found;
        };
        let polled = reader.poll(if was_loading { RunReader::LOAD } else { RunReader::LIVE });
        self.loading &= polled.more;
        (found.more, found.again) = (polled.more, polled.again);
        let new_paths = if polled.paths_changed { reader.paths() } else { vec![] };
        if polled.changed || was_loading {
            let facts = Facts::of(reader.picture(), polled.more);
            found.facts = Some(Facts { watched: self.watched(), ..facts });
        }
        self.add(new_paths.into_iter());
        found
    }

    fn poll_canvas(&mut self) -> Found {
        let seen = self.canvas_files.each_ref().map(|path| look(path));
        let before = std::mem::replace(&mut self.canvas_seen, seen);
        if before[1] != seen[1]
            && let Ok(state) = canvas_io::read(&self.canvas_dir)
        {
            self.open(state);
        }
        // A spec that cannot be read leaves the last one in force; `og canvas` says what is wrong with it.
        let spec = (before[0] != seen[0]).then(|| canvas_io::read_spec(&self.canvas_dir).ok()).flatten();
        if let Some(spec) = spec.as_ref().filter(|spec| spec.read != self.read) {
            self.read = spec.read.clone();
            self.reader = None;
        }
        if let Some(spec) = &spec {
            self.refresh = Some(spec.refresh_interval());
            self.reader.iter_mut().for_each(|reader| reader.set_refresh(spec.refresh_interval()));
        }
        Found { spec, socket_changed: before[2] != seen[2], ..Found::default() }
    }

    /// The files that may hold metrics, in words.
    fn watched(&self) -> String {
        match (&self.reader, &self.run) {
            (Some(reader), _) if reader.foreign_kind().is_some() => reader.folder().path().display().to_string(),
            (Some(reader), _) => format!("metrics.jsonl and stdout.log in {}", reader.folder().path().display()),
            (None, Some(run)) => run.display().to_string(),
            (None, None) => "this canvas has no run yet".into(),
        }
    }
}

fn look(path: &Path) -> Option<Look> {
    fs::metadata(path).ok().map(|file| (file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The colours and characters that the environment allows: `NO_COLOR`; `OG_ASCII` (`0` says no), else the locale.
fn theme() -> Theme {
    let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let unicode = match var("OG_ASCII").as_deref() {
        Some("0") => true,
        Some(_) => false,
        None => {
            let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(var).unwrap_or_default().to_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        }
    };
    Theme::new(var("NO_COLOR").is_none(), unicode)
}

fn utc_offset() -> f64 {
    f64::from(jiff::Zoned::now().offset().seconds())
}

#[cfg(test)]
mod speed;
