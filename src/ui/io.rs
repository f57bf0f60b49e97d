//! The loop of a pane: keys, files and the controller come in through one channel, frames and reports go out.
//! While nothing happens, nothing runs.

mod catalog;
mod link;
mod runs;
mod screen;

use super::{
    board::Board,
    facts::Facts,
    keymap::Keymap,
    pane::{Effect, Event, Link, Pane, Scene, Wants},
    status::Status,
    theme::Theme,
};
use crate::canvas::{
    CanvasState, Spec,
    io::{self as canvas_io, CanvasError},
};
use crate::ipc::{
    io::socket_path,
    wire::{Response, Shown},
};
use crate::model::{Exit, RunState};
use crate::source::io::Watch;
use crate::store::{RunFolder, RunPicture, RunReader, StoreError, Whereabouts};
pub use catalog::Catalog;
use link::{Bell, Heard, Reporter};
use runs::{Runs, Told};
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
/// Rest between two reports to the controller, unless a key or a refresh asks for one: every frame is reported, or what is
/// said to be visible would lag behind what is.
const REPORT: Duration = FRAME;
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
    run_in_canvas(Board::new(theme(), utc_offset(), Keymap::default()), "graph", canvas_dir, state)
}

/// How far og's panes stand back behind the training and tmux where there are not enough cores for all.
const NICE: i32 = 10;

/// Runs the status pane of the canvas in `canvas_dir` until it is quit.
pub fn status(canvas_dir: &Path) -> Result<(), UiError> {
    let state = canvas_io::read(canvas_dir)?;
    run_in_canvas(Status::new(theme(), utc_offset(), state.name.clone()), "status", canvas_dir, state)
}

/// Runs the board on one run in this terminal, without a canvas, until it is quit. `graphs`: names of the metrics to draw, as
/// in a spec; none: all.
pub fn view(reader: RunReader, graphs: Vec<String>) -> Result<(), UiError> {
    let sources = |watch| Sources::of_run(reader, watch);
    let mut pane = Board::new(theme(), utc_offset(), Keymap::default());
    pane.view_alone(graphs);
    run(pane, None, sources)
}

/// What wakes the loop.
pub(super) enum Woken {
    Terminal(crossterm::event::Event),
    TerminalGone,
    Resized,
    Files,
    Runs(Box<Told>),
    Controller(Heard),
    Signal,
}

fn run_in_canvas<P: Pane>(pane: P, role: &'static str, canvas_dir: &Path, state: CanvasState) -> Result<(), UiError> {
    // It fails only where we stand back already.
    let _ = rustix::process::nice(NICE);
    // Without a safe folder for it there is no socket, and nothing will ever stand at the empty path.
    let socket = socket_path(&state.id).unwrap_or_default();
    let sources = |watch| Sources::of_canvas(canvas_dir, &socket, state, watch);
    run(pane, Some((socket.clone(), role)), sources)
}

/// `link`: the socket of the controller, and as what to speak to it.
fn run<P: Pane>(pane: P, link: Option<(PathBuf, &'static str)>, sources: impl FnOnce(Option<Watch>) -> Sources) -> Result<(), UiError> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(UiError::NoTerminal);
    }
    let (tell, inbox) = sync_channel(INBOX_MAX);
    listen_to_signals(tell.clone())?;
    let screen = Screen::enter().map_err(|source| UiError::Terminal { doing: "take", source })?;
    listen_to_terminal(tell.clone()).map_err(UiError::Thread)?;
    let follow = |(socket, role)| link::follow(socket, role, tell.clone());
    let bell = link.map(follow).transpose().map_err(UiError::Thread)?;
    let stirred = Arc::new(AtomicBool::new(false));
    let sources = sources(watch(tell.clone(), Arc::clone(&stirred)));
    Loop {
        tell,
        pane,
        screen,
        sources,
        stirred,
        bell,
        reporter: None,
        link: Link::Unknown,
        reported: None,
        start: Instant::now(),
        due: Due { poll: Some(Duration::ZERO), draw: Some(Duration::ZERO), report: None },
        rested_at: None,
        drawn_at: None,
        reported_at: None,
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
    let listen = move || {
        loop {
            let woken = crossterm::event::read().map_or(Woken::TerminalGone, Woken::Terminal);
            let gone = matches!(woken, Woken::TerminalGone);
            if tell.send(woken).is_err() || gone {
                return;
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
    Watch::new(wake).inspect_err(|error| tracing::warn!(%error, "files are looked at once a second")).ok()
}

/// When things are to be done, by the loop's clock.
#[derive(Default)]
struct Due {
    poll: Option<Duration>,
    draw: Option<Duration>,
    report: Option<Duration>,
}

struct Loop<P> {
    /// Leads back into the inbox of the loop, for those who work for it.
    tell: SyncSender<Woken>,
    pane: P,
    screen: Screen,
    sources: Sources,
    stirred: Arc<AtomicBool>,
    /// Calls the controller's attention; `None`: there is none.
    bell: Option<Bell>,
    reporter: Option<Reporter>,
    link: Link,
    reported: Option<Shown>,
    start: Instant,
    due: Due,
    /// When the files may be looked at again.
    rested_at: Option<Duration>,
    drawn_at: Option<Duration>,
    reported_at: Option<Duration>,
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
        [self.due.poll, self.due.draw, self.due.report, self.pane.deadline()].into_iter().flatten().min()
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
        if is_due(self.due.report) {
            self.report();
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
                let keys = self.pane.apart(key);
                let out = |go, key| if go == Go::Out { Go::Out } else { self.tell(Event::Key(key)) };
                keys.into_iter().fold(Go::On, out)
            }
            Woken::Terminal(Terminal::Paste(text)) => self.tell(Event::Paste(text)),
            Woken::Resized => match crossterm::terminal::size() {
                Ok((width, height)) if (width, height) != (self.screen.area().width, self.screen.area().height) => {
                    self.screen.resize(width, height);
                    self.tell(Event::Resized(width, height))
                }
                _ => Go::On,
            },
            Woken::Terminal(_) => Go::On,
            Woken::Runs(told) => {
                self.sources.runs.take(*told);
                self.tell(Event::Runs(self.sources.runs.listing()))
            }
            Woken::Controller(heard) => self.hear(heard),
        }
    }

    fn hear(&mut self, heard: Heard) -> Go {
        let link = match heard {
            Heard::Up(reporter) => {
                self.reporter = Some(reporter);
                self.reported = None;
                self.due.report = Some(self.now());
                Link::Up(Default::default())
            }
            Heard::Down => {
                self.reporter = None;
                Link::Down
            }
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

    fn tell(&mut self, event: Event) -> Go {
        let now = self.now();
        let effects = self.sources.with_scene(|scene| self.pane.update(event, scene, now));
        self.take(effects, now)
    }

    fn take(&mut self, effects: Vec<Effect>, now: Duration) -> Go {
        if self.sources.want(self.pane.wants(), &self.tell) {
            self.due.poll = Some(now);
        }
        for effect in effects {
            match effect {
                Effect::Quit => return Go::Out,
                Effect::Copy(text) => self.screen.copy(&text),
                Effect::Draw => (self.due.draw, self.due.report) = (Some(now), Some(now)),
                Effect::DrawAll => {
                    self.screen.forget();
                    (self.due.draw, self.due.report) = (Some(now), Some(now));
                }
                Effect::DrawSoon => {
                    let at = rested(self.drawn_at, FRAME, now);
                    self.due.draw = Some(self.due.draw.map_or(at, |due| due.min(at)));
                    let at = at.max(rested(self.reported_at, REPORT, now));
                    self.due.report = Some(self.due.report.map_or(at, |due| due.min(at)));
                }
            }
        }
        Go::On
    }

    fn poll(&mut self, now: Duration) {
        let found = self.sources.poll();
        let rested_at = self.now() + ((self.now() - now) * REST_SHARE).max(FRAME);
        self.rested_at = Some(rested_at);
        if let (true, None, Some(bell)) = (found.socket_changed, &self.reporter, &self.bell) {
            bell.ring();
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
        self.sources
            .with_scene(|scene| screen.draw(&pane.title(), |buf| pane.draw(scene, buf.area, buf)))
            .map_err(|source| UiError::Terminal { doing: "write to", source })?;
        self.drawn_at = Some(self.now());
        Ok(())
    }

    /// Tells the controller what is drawn, when that differs from what it knows.
    fn report(&mut self) {
        self.due.report = None;
        let Some(reporter) = &self.reporter else { return };
        let now = self.start.elapsed();
        // What is reported is what was drawn: a frame that is still to come brings its own report.
        if self.due.draw.is_some() {
            self.due.report = self.due.draw;
            return;
        }
        let shown = self.sources.with_scene(|scene| self.pane.shown(scene, self.screen.area()));
        if self.reported.as_ref() == Some(&shown) {
            return;
        }
        if reporter.report(&shown) {
            self.reported = Some(shown);
            self.reported_at = Some(now);
        } else {
            self.due.report = Some(now + REPORT);
        }
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
    /// The runs beside the run of the canvas changed.
    runs: bool,
}

/// The files of a run, and of its canvas where it has one.
struct Sources {
    canvas: Option<CanvasFiles>,
    watch: Option<Watch>,
    run: Option<PathBuf>,
    reader: Option<RunReader>,
    /// No look at the run has reached its end yet.
    loading: bool,
    problem: Option<String>,
    /// What is shown of a run that cannot be read.
    empty: RunPicture,
    /// The runs beside it.
    runs: Runs,
}

/// The files of a canvas, and how they looked last.
struct CanvasFiles {
    dir: PathBuf,
    /// The spec, the state, the controller's socket.
    paths: [PathBuf; 3],
    seen: [Option<Look>; 3],
}

/// What tells two states of a file apart: inode, length, time of change.
type Look = (u64, u64, i64, i64);

impl Sources {
    fn of_canvas(dir: &Path, socket: &Path, state: CanvasState, watch: Option<Watch>) -> Sources {
        let paths = [dir.join("canvas.json"), dir.join("state.json"), socket.to_owned()];
        let canvas = CanvasFiles { dir: dir.to_owned(), seen: [None, look(&paths[1]), None], paths: paths.clone() };
        let mut sources = Sources::new(Some(canvas), watch);
        // The store lies around `canvas/NAME`.
        dir.ancestors().nth(2).into_iter().for_each(|store| sources.runs.add_place(store.to_owned()));
        sources.add(paths.into_iter().filter(|path| !path.as_os_str().is_empty()));
        sources.open(state);
        sources
    }

    fn of_run(reader: RunReader, watch: Option<Watch>) -> Sources {
        let mut sources = Sources::new(None, watch);
        let path = catalog::settle(reader.folder().path());
        sources.runs.add_place(place_of(&path));
        sources.run = Some(path);
        sources.add(reader.paths().into_iter());
        sources.reader = Some(reader);
        sources
    }

    fn new(canvas: Option<CanvasFiles>, watch: Option<Watch>) -> Sources {
        Sources {
            canvas,
            watch,
            run: None,
            reader: None,
            loading: true,
            problem: None,
            empty: RunPicture::default(),
            runs: Runs::new(Whereabouts::of_process(None).map(|at| Catalog::places(&at)).unwrap_or_default()),
        }
    }

    fn add(&mut self, paths: impl Iterator<Item = PathBuf>) {
        if let Some(watch) = &mut self.watch {
            paths.for_each(|path| watch.add(&path));
        }
    }

    /// Shows everything there is to `look`.
    fn with_scene<T>(&self, look: impl FnOnce(Scene<'_>) -> T) -> T {
        let own = self.run.as_deref();
        look(Scene {
            run: self.reader.as_ref().map_or(&self.empty, RunReader::picture),
            group: self.runs.group_of(own),
            runs: self.runs.rows(),
            overlaid: &self.runs.overlaid(own),
        })
    }

    /// Reads what a pane wants to have read; whether other runs are to be read now.
    fn want(&mut self, wants: Wants, tell: &SyncSender<Woken>) -> bool {
        self.runs.show(wants.runs, tell);
        self.runs.follow(wants.overlaid, self.run.as_deref())
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
        match RunReader::open(&run) {
            Ok(reader) => {
                self.add(reader.paths().into_iter());
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
        let mut found = self.poll_run();
        let others = self.runs.poll();
        self.add(others.paths.into_iter());
        found.runs = others.changed;
        found.more |= others.more;
        found.again = [found.again, others.again].into_iter().flatten().min();
        found
    }

    fn poll_run(&mut self) -> Found {
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
        let Some(canvas) = &mut self.canvas else { return Found::default() };
        let seen = canvas.paths.each_ref().map(|path| look(path));
        let before = std::mem::replace(&mut canvas.seen, seen);
        // A spec that cannot be read leaves the last one in force; `og canvas` says what is wrong with it.
        let spec = (before[0] != seen[0]).then(|| canvas_io::read_spec(&canvas.dir).ok()).flatten();
        let state = (before[1] != seen[1]).then(|| canvas_io::read(&canvas.dir).ok()).flatten();
        if let Some(state) = state {
            self.open(state);
        }
        Found { spec, socket_changed: before[2] != seen[2], ..Found::default() }
    }

    /// The files that may hold metrics, in words.
    fn watched(&self) -> String {
        match (&self.reader, &self.run) {
            (Some(reader), _) => format!("metrics.jsonl and stdout.log in {}", reader.folder().path().display()),
            (None, Some(run)) => run.display().to_string(),
            (None, None) => "this canvas has no run yet".into(),
        }
    }
}

/// The place in which the runs beside the one at `path` are: its store, or the folder around its folder. Beside a file lies
/// anything.
fn place_of(path: &Path) -> PathBuf {
    let around = |levels| path.ancestors().nth(levels).unwrap_or(path).to_owned();
    match path {
        _ if path.is_file() => path.to_owned(),
        _ if RunFolder::at(path).run_json().is_file() && around(1).ends_with("runs") => around(2),
        _ => around(1),
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
