//! The loop of a pane: keys, files and the controller come in through one channel, frames go out.
//! While nothing happens, nothing runs.

mod catalog;
mod clipboard;
mod files;
mod host;
mod link;
#[cfg(test)]
pub(super) mod recorded;
mod rollouts;
mod runs;
mod screen;

use super::{
    board::Board,
    config::{Config, ConfigError, Settings},
    facts::{Facts, Order},
    host::Host,
    keymap::{Keymap, Rejoin},
    pane::{Effect, Event, Link, Pane, Scene, Wants},
    status::Status,
    theme::{Depth, Frame, Glyphs, Scheme, Theme},
};
use crate::canvas::{
    CanvasState, Spec,
    io::{self as canvas_io, CanvasError, ChatTail},
};
use crate::ipc::{io::socket_path, wire::Response};
use crate::model::{Exit, ReadOptions, RunState};
use crate::source::Kind;
use crate::source::io::Watch;
use crate::store::{Remark, RunFolder, RunPicture, RunReader, Store, StoreError, Whereabouts};
pub use catalog::Catalog;
use host::{Ask, Sampler};
use link::{Bell, Heard};
#[cfg(test)]
pub(super) use rollouts::Desk;
use rollouts::Rollouts;
use runs::{Runs, Told};
use screen::Screen;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use std::{
    fs::{self, File},
    io::{self, IsTerminal},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Rest between two looks at the files, and between two frames, while data pours in.
const FRAME: Duration = Duration::from_millis(50);
/// While a run writes, a look at its files is followed by a rest so many times as long: it needs the core more than we do.
const REST_SHARE: u32 = 48;
/// A run whose files changed so lately still writes.
const WRITES: Duration = Duration::from_millis(100);
/// What a picture waits for the list of runs.
const PICTURE_WAIT_MAX: Duration = Duration::from_secs(5);
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
            UiError::NoTerminal => Some(
                "without one: `og view RUN --shot -` prints the graphs, `og inspect RUN` the numbers; `og canvas spawn` opens a canvas"
                    .into(),
            ),
            UiError::Canvas(error) => error.hint(),
            UiError::Terminal { .. } | UiError::Thread(_) => None,
        }
    }
}

/// What the command line says of how things look; it wins over the environment, and that over the config file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Looks {
    /// No colours.
    pub no_colour: bool,
    /// Only ASCII.
    pub ascii: bool,
    /// The colours.
    pub scheme: Option<Scheme>,
    /// What stands around a tab.
    pub frame: Option<Frame>,
}

/// The keys as this person has them, and what is wrong with the file that says so.
pub fn keys() -> (Keymap, Option<String>) {
    let Person { keymap, problem, .. } = Person::of_process(Looks::default());
    (keymap, problem)
}

/// What is known of the person at this terminal.
struct Person {
    theme: Theme,
    settings: Settings,
    keymap: Keymap,
    /// What is wrong with the config file.
    problem: Option<String>,
}

impl Person {
    fn of_process(looks: Looks) -> Person {
        let read = files::config_path().map(|path| (files::read_config(&path), path));
        let (Config { settings, keymap, faults }, path) = match read {
            None => Default::default(),
            Some((Ok(config), path)) => (config, path),
            Some((Err(error), path)) => (Config { faults: vec![error], ..Config::default() }, path),
        };
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let problem = (!faults.is_empty()).then(|| format!("{}:{}", path.display(), faults.join("; ")));
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let depth = match Depth::detect(&var) {
            // A person who set it in the environment means this terminal; one who set it in the file, every one.
            Depth::None => Depth::None,
            _ if looks.no_colour => Depth::None,
            detected => settings.colours.unwrap_or(detected),
        };
        let glyphs = match Glyphs::detect(&var) {
            _ if looks.ascii => Glyphs::Ascii,
            Glyphs::Ascii => Glyphs::Ascii,
            detected => settings.glyphs.unwrap_or(detected),
        };
        let scheme = looks.scheme.or(settings.theme).unwrap_or_else(|| Scheme::detect(&var));
        let settings = Settings { ui: looks.frame.or(settings.ui), ..settings };
        Person { theme: Theme { scheme, depth, glyphs }, settings, keymap, problem }
    }

    fn board(self) -> Board {
        let mut board = Board::new(self.theme, utc_offset(), self.keymap);
        board.settle(self.settings, self.problem, badge());
        board
    }
}

/// `ssh user@host`, when this terminal is somewhere else.
fn badge() -> Option<String> {
    std::env::var_os("SSH_CONNECTION").filter(|far| !far.is_empty())?;
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let name = rustix::system::uname();
    let host = name.nodename().to_string_lossy();
    Some(user.map_or_else(|| format!("ssh {host}"), |user| format!("ssh {user}@{host}")))
}

/// Runs the graph pane of the canvas in `canvas_dir` until it is quit.
pub fn graph(canvas_dir: &Path) -> Result<(), UiError> {
    let state = canvas_io::read(canvas_dir)?;
    run_in_canvas(Person::of_process(Looks::default()).board(), "graph", canvas_dir, state)
}

/// How far og's panes stand back behind the training and tmux where there are not enough cores for all.
const NICE: i32 = 10;

/// Runs the status pane of the canvas in `canvas_dir` until it is quit.
pub fn status(canvas_dir: &Path) -> Result<(), UiError> {
    let state = canvas_io::read(canvas_dir)?;
    let person = Person::of_process(Looks::default());
    run_in_canvas(Status::new(person.theme, utc_offset(), state.name.clone()).bind(person.keymap), "status", canvas_dir, state)
}

/// Runs the board on one run in this terminal, without a canvas, until it is quit. `graphs`: names of the metrics to draw, as
/// in a spec; none: all.
/// `set`: names and values to be shown at once.
pub fn view(reader: RunReader, graphs: Vec<String>, looks: Looks, set: Vec<(String, String)>) -> Result<(), UiError> {
    let sources = |watch| Sources::of_run(reader, watch);
    let mut pane = Person::of_process(looks).board();
    pane.view_alone(graphs);
    pane.show_first(set.into_iter().map(|(name, value)| (name, value.into())).collect());
    run(pane, None, sources)
}

/// A picture of the board, without a terminal.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Columns and rows.
    pub size: (u16, u16),
    /// Names and values, as `og set` takes them.
    pub set: Vec<(String, String)>,
    /// Its file; the ending says which kind: `.svg`, `.ans` (ANSI colours), anything else is text.
    pub path: PathBuf,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// Something was to be set that cannot be.
    #[error("cannot set {0}")]
    Refused(String),
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Draws the board of a run into a file: what [`view`] would show on a terminal of that size once all is read.
pub fn picture(mut reader: RunReader, graphs: Vec<String>, looks: Looks, picture: &Picture) -> Result<(), PictureError> {
    while reader.poll(RunReader::LOAD).more {}
    let mut sources = Sources::of_run(reader, None);
    let facts = sources.poll().facts.unwrap_or_default();
    let mut person = Person::of_process(looks);
    // A picture has all colours, and no terminal of somebody's to ask.
    person.theme.depth = if looks.no_colour { Depth::None } else { Depth::True };
    person.problem = None;
    let bright = person.theme.scheme == Scheme::Light;
    let mut board = person.board();
    board.view_alone(graphs);
    let view = picture.set.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let area = ratatui::layout::Rect::new(0, 0, picture.size.0, picture.size.1);
    sources.with_scene(|scene| {
        for event in [Event::Resized(area.width, area.height), Event::Data(Box::new(facts)), Event::Set { number: 1, view }] {
            board.update(event, scene, Duration::ZERO);
        }
    });
    if board.wants().runs {
        sources.runs.list_now(PICTURE_WAIT_MAX);
        let listing = sources.runs.listing();
        sources.with_scene(|scene| board.update(Event::Runs(listing), scene, Duration::ZERO));
    }
    let drawn = sources.with_scene(|scene| {
        if let Some(why) = board.shown(scene, area).refused.first() {
            return Err(PictureError::Refused(why.clone()));
        }
        rollouts::read_now(&mut board, sources.reader.as_ref(), scene);
        let mut buf = ratatui::buffer::Buffer::empty(area);
        board.draw(scene, area, &mut buf);
        Ok(buf)
    })?;
    files::draw(&picture.path, &drawn, bright).map_err(|source| PictureError::Write { path: picture.path.clone(), source })
}

/// What wakes the loop.
pub(super) enum Woken {
    Terminal(crossterm::event::Event),
    TerminalGone,
    Resized,
    Files,
    Runs(Box<Told>),
    Rollouts(Box<rollouts::Found>),
    Controller(Heard),
    /// The machine was looked at.
    Host(Box<Host>),
    /// What the clipboard holds.
    Clipboard(String),
    /// What an export wrote, or why it could not.
    Wrote(Result<String, String>),
    Signal,
}

fn run_in_canvas<P: Pane>(pane: P, role: &'static str, canvas_dir: &Path, state: CanvasState) -> Result<(), UiError> {
    // It fails only where we stand back already.
    let _ = rustix::process::nice(NICE);
    // Without a safe folder for it there is no socket, and nothing will ever stand at the empty path.
    let socket = socket_path(&state.id).unwrap_or_default();
    let sources = |watch| Sources { looks_at_host: role == "status", ..Sources::of_canvas(canvas_dir, &socket, state, watch) };
    run(pane, Some((socket.clone(), role)), sources)
}

/// `link`: the socket of the controller, and as what to speak to it.
fn run<P: Pane>(pane: P, link: Option<(PathBuf, &'static str)>, sources: impl FnOnce(Option<Watch>) -> Sources) -> Result<(), UiError> {
    // The keyboard is that of the terminal where standard input is something else.
    let has_keyboard = io::stdin().is_terminal() || File::open("/dev/tty").is_ok();
    if !(has_keyboard && io::stdout().is_terminal()) {
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
        wake: tell,
        copied: String::new(),
        exports: vec![],
        resized_at: None,
        pane,
        screen,
        sources,
        stirred,
        bell,
        link: Link::Unknown,
        start: Instant::now(),
        due: Due { poll: Some(Duration::ZERO), draw: Some(Duration::ZERO), ..Due::default() },
        rested_at: None,
        drawn_at: None,
        stirred_at: None,
    }
    .run(inbox)
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
        let mut rejoin = Rejoin::default();
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
    /// A change of size that is still to be looked at.
    resize: Option<Duration>,
    /// The next look at the machine, while somebody watches it.
    sample: Option<Duration>,
}

struct Loop<P> {
    wake: SyncSender<Woken>,
    /// What was copied here last: what a paste means where no clipboard can be asked.
    copied: String,
    /// Files that are being written.
    exports: Vec<JoinHandle<()>>,
    resized_at: Option<Duration>,
    pane: P,
    screen: Screen,
    sources: Sources,
    stirred: Arc<AtomicBool>,
    /// Calls the controller's attention; `None`: there is none.
    bell: Option<Bell>,
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
    fn run(mut self, inbox: Receiver<Woken>) -> Result<(), UiError> {
        let done = self.turn(&inbox);
        // Nobody reads it any more; a thread that tells is not held up.
        drop(inbox);
        screen::restore();
        // What a person asked for is written to its end.
        self.exports.into_iter().for_each(|thread| _ = thread.join());
        done
    }

    fn turn(&mut self, inbox: &Receiver<Woken>) -> Result<(), UiError> {
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
        [self.due.poll, self.due.draw, self.due.resize, self.due.sample, self.pane.deadline()].into_iter().flatten().min()
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
            Woken::Terminal(Terminal::Mouse(mouse)) => self.tell(Event::Mouse(mouse)),
            Woken::Terminal(Terminal::Paste(text)) => self.tell(Event::Paste(text)),
            Woken::Resized => {
                // The first of a storm is followed at once, the others once a frame, the last one always.
                let at = rested(self.resized_at, FRAME, self.now());
                self.due.resize.get_or_insert(at);
                Go::On
            }
            Woken::Host(host) => {
                self.sources.host.take(*host);
                // It may be known only now how busy it is.
                self.due.sample = self.due.sample.map(|at| at.min(self.now() + self.sources.host.rest()));
                self.tell(Event::Sampled)
            }
            Woken::Clipboard(text) => self.tell(Event::Paste(if text.is_empty() { self.copied.clone() } else { text })),
            Woken::Terminal(_) => Go::On,
            Woken::Wrote(done) => {
                self.exports.retain(|thread| !thread.is_finished());
                self.told(done, "the data")
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
                    let over = RunState::from_word(&state).is_some_and(RunState::is_over);
                    // The files say more of the end, a moment later.
                    self.due.poll = Some(self.now());
                    return self.tell(Event::RunEnded(over.then_some(Exit { code: exit_code, signal, at: None })));
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

    fn tell(&mut self, event: Event) -> Go {
        let now = self.now();
        let effects = self.sources.with_scene(|scene| self.pane.update(event, scene, now));
        self.take(effects, now)
    }

    fn take(&mut self, effects: Vec<Effect>, now: Duration) -> Go {
        if self.sources.want(self.pane.wants(), &self.wake) {
            self.due.poll = Some(now);
        }
        self.due.sample = match self.sources.watches_host() {
            true => self.due.sample.or(Some(now)),
            false => None,
        };
        for effect in effects {
            match effect {
                Effect::Quit => return Go::Out,
                Effect::Copy(text) => {
                    self.screen.copy(&text);
                    self.copied = text;
                }
                // Programs that know the clipboard may take their time; keys go on meanwhile.
                Effect::Paste if clipboard::ask(self.wake.clone()) => {}
                Effect::Paste => {
                    let text = self.copied.clone();
                    if self.tell(Event::Paste(text)) == Go::Out {
                        return Go::Out;
                    }
                }
                Effect::Screenshot { bright } => {
                    let done = files::screenshot(self.screen.shown(), bright, &self.sources.out_dir());
                    if self.told(done, "the screen") == Go::Out {
                        return Go::Out;
                    }
                }
                Effect::Export(export) => {
                    let (run, folder) = (self.sources.run_picture(), self.sources.out_dir());
                    let begun = files::export(export, run, folder, self.wake.clone()).map(|thread| self.exports.push(thread));
                    let said = begun.map_or_else(|error| format!("cannot write the data: {error}"), |()| "writing the data...".into());
                    if self.tell(Event::Tell(said)) == Go::Out {
                        return Go::Out;
                    }
                }
                Effect::Keep { path, value } => {
                    let path: Vec<&str> = path.iter().map(String::as_str).collect();
                    if let Err(why) = files::keep(&path, value)
                        && self.tell(Event::Tell(why)) == Go::Out
                    {
                        return Go::Out;
                    }
                }
                Effect::Say(text) => {
                    let said = self.sources.say(&text);
                    // What was written is read back: the file is what was said.
                    self.due.poll = Some(self.now());
                    if let Err(why) = said
                        && self.tell(Event::Tell(why)) == Go::Out
                    {
                        return Go::Out;
                    }
                }
                Effect::Remark { author, remark } => {
                    let kept = self.sources.remark(&remark, author);
                    // What was written is read back, as if somebody else had written it.
                    self.due.poll = Some(self.now());
                    if self.tell(Event::Tell(kept.unwrap_or_else(|why| format!("not kept: {why}")))) == Go::Out {
                        return Go::Out;
                    }
                }
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

    /// Tells where something was written, or why it was not.
    fn told(&mut self, done: Result<String, String>, what: &str) -> Go {
        self.tell(Event::Tell(done.map_or_else(|why| format!("cannot write {what}: {why}"), |place| format!("wrote {place}"))))
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
    /// The machine is to be looked at.
    look: bool,
    /// New messages of the conversation.
    said: usize,
    /// The runs beside the run of the canvas changed.
    runs: bool,
}

/// The files of a run, and of its canvas where it has one.
struct Sources {
    canvas: Option<CanvasFiles>,
    watch: Option<Watch>,
    run: Option<PathBuf>,
    /// How the canvas says that its run is to be read.
    read: ReadOptions,
    /// The rest that it wants between two looks at a database.
    refresh: Option<Duration>,
    reader: Option<RunReader>,
    /// No look at the run has reached its end yet.
    loading: bool,
    problem: Option<String>,
    /// Of the run's keys.
    order: Order,
    /// What is shown of a run that cannot be read.
    empty: RunPicture,
    chat: Option<ChatTail>,
    host: Sampler,
    /// Every change of the run is to be followed by a look at the machine.
    looks_at_host: bool,
    /// Somebody watches the machine.
    host_wanted: bool,
    /// The training runs on this machine.
    is_here: bool,
    /// The runs beside it.
    runs: Runs,
    /// The answers of the run.
    rollouts: Rollouts,
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
        let chat = ChatTail::new(dir);
        // The store lies around `canvas/NAME`.
        dir.ancestors().nth(2).into_iter().for_each(|store| sources.runs.add_place(store.to_owned()));
        sources.add(paths.into_iter().chain([chat.path().to_owned()]).filter(|path| !path.as_os_str().is_empty()));
        sources.chat = Some(chat);
        sources.open(state);
        sources
    }

    fn of_run(mut reader: RunReader, watch: Option<Watch>) -> Sources {
        let mut sources = Sources::new(None, watch);
        sources.store().iter().for_each(|store| reader.remark_in(store));
        let path = catalog::settle(&reader.address());
        sources.runs.add_place(place_of(&path));
        sources.run = Some(path);
        sources.add(reader.paths().into_iter());
        sources.reader = Some(reader);
        sources
    }

    fn new(canvas: Option<CanvasFiles>, watch: Option<Watch>) -> Sources {
        let spec = canvas.as_ref().and_then(|canvas| canvas_io::read_spec(&canvas.dir).ok());
        let host = Sampler::default();
        Sources {
            canvas,
            watch,
            run: None,
            refresh: spec.as_ref().map(Spec::refresh_interval),
            read: spec.map(|spec| spec.read).unwrap_or_default(),
            reader: None,
            loading: true,
            problem: None,
            order: Order::default(),
            empty: RunPicture::default(),
            chat: None,
            host,
            looks_at_host: false,
            host_wanted: false,
            is_here: false,
            rollouts: Rollouts::default(),
            runs: Runs::new(Whereabouts::of_process(None).map(|at| Catalog::places(&at, env_path)).unwrap_or_default()),
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
            run: self.run_picture(),
            chat: self.chat.as_ref().map(ChatTail::messages),
            host: self.host.machine(),
            is_here: self.is_here,
            group: self.runs.group_of(own),
            runs: self.runs.rows(),
            overlaid: &self.runs.overlaid(own),
        })
    }

    fn run_picture(&self) -> &RunPicture {
        self.reader.as_ref().map_or(&self.empty, RunReader::picture)
    }

    /// Where a file about this run goes: into its folder when that is og's own, else to where we are.
    fn out_dir(&self) -> PathBuf {
        let own = self.reader.as_ref().filter(|reader| reader.kind() == Kind::OgRun && reader.folder().run_json().exists());
        own.map_or_else(|| PathBuf::from("."), |reader| reader.folder().path().to_owned())
    }

    /// Adds a message of the person to the conversation of the canvas.
    fn say(&self, text: &str) -> Result<(), String> {
        let canvas = self.canvas.as_ref().ok_or("there is no canvas here, so nobody to talk to")?;
        canvas_io::say(&canvas.dir, "human", text, &files::now_iso()).map_err(|error| chain(&error))
    }

    /// Keeps a remark on the run: in its own folder, or beside it in og's store. What was done, in words.
    fn remark(&mut self, remark: &Remark, author: &str) -> Result<String, String> {
        let words = |error: StoreError| chain(&error);
        let reader = self.reader.as_mut().ok_or("there is no run yet")?;
        if !reader.can_remark() {
            // The first remark on a run of another tracker makes the store, as a first run would.
            let store = Store::find_or_make(&Whereabouts::of_process(None).map_err(words)?).map_err(words)?;
            reader.remark_in(&store);
        }
        reader.remark(remark, author).map_err(words)?;
        let paths = reader.paths();
        self.add(paths.into_iter());
        let what = if matches!(remark, Remark::Notes(_)) { "notes" } else { "tags" };
        Ok(match self.reader.as_ref().and_then(RunReader::remarked_in) {
            Some(folder) => format!("kept the {what} in {}", folder.display()),
            None => format!("kept the {what}"),
        })
    }

    /// The store in which remarks on runs of other trackers lie, as far as there is one.
    fn store(&self) -> Option<Store> {
        let of_canvas = self.canvas.as_ref().and_then(|canvas| canvas.dir.ancestors().nth(2)).map(|root| Store::at(root.to_owned()));
        of_canvas.or_else(|| Store::find(&Whereabouts::of_process(None).ok()?))
    }

    /// Reads what a pane wants to have read; whether other runs are to be read now.
    fn want(&mut self, wants: Wants, tell: &SyncSender<Woken>) -> bool {
        self.host_wanted = wants.host;
        self.runs.show(wants.runs, tell);
        self.rollouts.want(wants.rollouts, self.reader.as_ref(), tell);
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
        match RunReader::open_with(&run, &self.read) {
            Ok(mut reader) => {
                self.store().iter().for_each(|store| reader.remark_in(store));
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
        found.said = self.chat.as_mut().map_or(0, ChatTail::poll);
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
        let mut polled = reader.poll(if was_loading { RunReader::LOAD } else { RunReader::LIVE });
        // Where there is a controller, it tells.
        if self.canvas.is_none()
            && !polled.more
            && !reader.picture().state().is_over()
            && reader.picture().pid().is_some_and(|pid| !canvas_io::is_process(pid))
        {
            reader.mark_lost();
            polled.changed = true;
        }
        self.loading &= polled.more;
        self.is_here = is_here(reader.picture());
        (found.more, found.again) = (polled.more, polled.again);
        let new_paths = if polled.paths_changed { reader.paths() } else { vec![] };
        if polled.changed || was_loading {
            let facts = Facts::of(reader.picture(), polled.more, &mut self.order).read_from(reader.foreign_kind());
            // A run that writes is what makes us look at the machine: idle, nobody asks it anything.
            found.look = self.looks_at_host && self.is_here;
            found.facts = Some(Facts { watched: self.watched(), lag_ms_max: FRAME.as_millis() as u64, ..facts });
        }
        self.add(new_paths.into_iter());
        found
    }

    /// Whether a look at the machine is to follow the one before, without end.
    fn watches_host(&self) -> bool {
        self.host_wanted && self.is_here
    }

    /// Looks at the machine; what was seen comes as [`Woken::Host`].
    fn look_at_host(&mut self, tell: &SyncSender<Woken>) {
        self.is_here = self.reader.as_ref().is_some_and(|reader| is_here(reader.picture()));
        let (Some(reader), true) = (&self.reader, self.is_here) else { return };
        let run = if self.host_wanted { reader.picture().pid() } else { None };
        self.host.ask(Ask { run, folder: reader.folder().path().to_owned() }, tell);
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

/// The place in which the runs beside the one at `path` are: its store, or the folder around its folder. Beside a file lies
/// anything.
fn place_of(path: &Path) -> PathBuf {
    let around = |levels| path.ancestors().nth(levels).unwrap_or(path).to_owned();
    let database = path.to_str().and_then(|path| path.rsplit_once('#')).map(|(database, _)| Path::new(database));
    match path {
        _ if database.is_some_and(Path::is_file) => database.unwrap_or(path).to_owned(),
        _ if path.is_file() => path.to_owned(),
        _ if RunFolder::at(path).run_json().is_file() && around(1).ends_with("runs") => around(2),
        _ => around(1),
    }
}

/// Whether the training of a run runs on this machine, now.
fn is_here(run: &RunPicture) -> bool {
    let name = rustix::system::uname();
    let here = run.info.host.as_deref().is_none_or(|host| name.nodename().to_bytes() == host.as_bytes());
    here && !run.state().is_over() && run.pid().is_some_and(canvas_io::is_process)
}

fn look(path: &Path) -> Option<Look> {
    fs::metadata(path).ok().map(|file| (file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What a variable of the environment names.
pub fn env_path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

fn utc_offset() -> f64 {
    f64::from(jiff::Zoned::now().offset().seconds())
}

#[cfg(test)]
mod speed;
