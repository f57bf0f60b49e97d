//! The outside of a controller: its process, its one loop, and how others start, reach and end it.

mod life;

pub use life::{ControllerError, connect, is_started_for, mark, program, program_pane, restart, stop};

use super::state::{Effect, Event, Purpose, State, World, home};
use crate::{
    canvas::{self, CanvasState},
    ipc,
    model::{Exit, ReadOptions, WallTime},
    source::{Kind, Watch},
    store::{Event as RunEvent, EventKind, RunReader, Store, StoreError, TimesWriter, Written},
    tmux::{Client, FromTmux, PaneId, Place, Server, SessionId, Ticket, Toward},
};
use anyhow::Context;
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    process::{Pid, PidfdFlags},
};
use std::{
    collections::HashMap,
    fs::{self, File},
    io::Read,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Notify, mpsc},
};

/// Messages of peers that may wait for the loop.
const HEARD_MAX: usize = 1024;
/// Rest between two looks at the run's files: a flood of lines must not keep the loop from its peers.
const POLL_REST: Duration = Duration::from_millis(25);
/// While a run writes, a look at its files is followed by a rest so many times as long: it needs the core more than we do.
/// What is left is read without rest as soon as it stops.
const REST_SHARE: u32 = 48;
/// A run whose files changed so lately still writes.
const WRITES: Duration = Duration::from_millis(100);
/// A new controller answers nobody until it has seen its panes, but no longer than this.
const BLIND_MAX: Duration = Duration::from_millis(500);
/// How long a training may take to end after its tmux ended, for its end to be written down.
const HANGUP_MAX: Duration = Duration::from_secs(10);
/// How often in a row the control client is put back at once. One that lives shorter than [`REATTACH_REST`] is being
/// fought, and rests as long.
const REATTACHED_MAX: u32 = 5;
const REATTACH_REST: Duration = Duration::from_secs(1);
/// A session may close while it is attached to.
const ATTACH_TRIES_MAX: u32 = 5;
/// Clients that are sent away together leave within some milliseconds; see [`Client::end`] for why they are waited for.
const SENT_AWAY_REST: Duration = Duration::from_millis(50);
/// A person who moves a window to and fro is followed no more often than this.
const FOLLOW_REST: Duration = Duration::from_millis(100);
/// How often what must be written down is tried again, where the disk is full.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// The name of that file, for people.
const EVENTS: &str = "events.jsonl";
/// How long the end of a training that another canvas watches may take to be written down.
const WORD_MAX: Duration = Duration::from_secs(2);
/// When it is looked what a training has open, and has made, after its start: each rest is twice the one before, up to the
/// last. A look takes a millisecond or two, and most trackers open their logs within seconds of the start; after one that took
/// longer, the rest grows until it is so many times as long. The last look is when it has ended.
const LOGS_FIRST: Duration = Duration::from_millis(250);
const LOGS_REST_MAX: Duration = Duration::from_secs(5);
const LOGS_REST_SHARE: u32 = 1000;
/// A log above this is begun anew at the next start.
const LOG_BYTES_MAX: u64 = 4 << 20;

/// `og __controller DIR`: runs the controller of a canvas until its panes are gone or it is asked to end. Says one line on
/// stdout when it listens (see [`connect`]).
pub fn run(dir: &Path) -> anyhow::Result<()> {
    // Fails only when we lead a process group already, as when a person starts it by hand.
    let _ = rustix::process::setsid();
    let Some(lock) = life::lock(dir)? else {
        life::announce("busy");
        return Ok(());
    };
    // A disk that is full keeps nobody from looking: only a later `restart` of a controller that hangs needs this.
    let _ = life::sign(&lock);
    start_log(dir)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(serve(dir));
    if let Err(error) = &ended {
        tracing::error!(error = format!("{error:#}"), "the controller ends");
        life::announce(&format!("error {error:#}"));
    }
    ended
}

fn start_log(dir: &Path) -> anyhow::Result<()> {
    let path = dir.join("controller.log");
    let large = fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_BYTES_MAX);
    let file = File::options().create(true).append(true).open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    if large {
        file.set_len(0)?;
    }
    let filter = tracing_subscriber::EnvFilter::try_from_env("OG_LOG").unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // A second start in one process (tests) keeps the first log.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Arc::new(file)).with_ansi(false).try_init();
    Ok(())
}

/// Opens the run of the canvas in `dir`; what is remarked on one of another tracker lies in the store around that.
fn open(dir: &Path, run: &Path, read: &ReadOptions) -> Result<RunReader, StoreError> {
    let mut reader = RunReader::open_with(run, read)?;
    dir.ancestors().nth(2).iter().for_each(|root| reader.remark_in(&Store::at(root.to_path_buf())));
    Ok(reader)
}

async fn serve(dir: &Path) -> anyhow::Result<()> {
    let canvas = canvas::io::read(dir)?;
    let spec = canvas::io::read_spec(dir)?;
    let server = Server::new(canvas.tmux.parse()?);
    let version = server.check_floor()?;
    let mut reader = canvas.run.as_deref().map(|run| open(dir, run, &spec.read)).transpose()?;
    let (client, session) = match attach(&server, &canvas).await {
        Ok(attached) => attached,
        Err(error) => {
            note_a_lost_training(&canvas, reader.as_mut());
            return Err(error);
        }
    };
    let (say, heard) = mpsc::channel(HEARD_MAX);
    let socket = ipc::io::socket_path(&canvas.id)?;
    ipc::io::serve(&socket, say).with_context(|| format!("cannot listen on {}", socket.display()))?;
    // Commands find the canvas by this; whoever emptied the folder of sockets took it along.
    canvas::io::announce(&ipc::io::runtime_dir()?, &canvas.id, dir)?;
    let grew = Arc::new(Notify::new());
    let bell = Arc::clone(&grew);
    let mut watch = Watch::new(move || bell.notify_one())?;
    watch.add(&dir.join(canvas::io::SPEC));
    if let Some(reader) = &reader {
        reader.paths().iter().for_each(|path| watch.add(path));
    }
    tracing::info!(canvas = canvas.name, %version, "the controller runs");
    if let Some(reader) = &mut reader {
        reader.set_refresh(spec.refresh_interval());
    }
    let read = spec.read.clone();
    // The training begins when we have said that we listen.
    let written = reader.as_ref().filter(|reader| reader.kind() == Kind::OgRun).and_then(|reader| {
        let run = reader.picture();
        Some(Written::before(reader.folder().path(), &run.info.cwd, run.info.started_at?))
    });
    let state = State::new(canvas, spec, session, &version, std::process::id(), secret()?, unix_now());
    let mut controller = Controller {
        dir: dir.to_owned(),
        server,
        attached_at: Instant::now(),
        reattached: 0,
        follow: None,
        away: None,
        lost_due: None,
        unrecorded: None,
        unsaved: false,
        write_due: None,
        spec_text: fs::read_to_string(dir.join(canvas::io::SPEC)).ok(),
        state,
        client,
        reader,
        read,
        watch,
        tickets: HashMap::new(),
        ended: Arc::default(),
        times: TimesWriter::new(),
        poll_due: None,
        rested: None,
        grew: None,
        caught_up: false,
        stop: None,
        logs_due: Some(Instant::now() + LOGS_FIRST),
        logs_rest: LOGS_FIRST,
        written,
    };
    let reason = controller.run(heard, grew).await?;
    controller.write_again();
    if let Some((exit, _)) = &controller.unrecorded {
        tracing::error!(?exit, "nobody wrote down how the training ended");
    }
    tracing::info!(reason, "the controller ends");
    let _ = fs::remove_file(&socket);
    Ok(())
}

struct Controller {
    dir: PathBuf,
    server: Server,
    attached_at: Instant,
    reattached: u32,
    /// The panes stand in another session than the client is attached to: when it goes after them.
    follow: Option<Instant>,
    /// The client is gone, for this reason, and not yet replaced.
    away: Option<String>,
    /// The training runs in no pane of ours: when it counts as lost, unless its end is written down before.
    lost_due: Option<Instant>,
    /// How the training ended, where that could not be written down.
    unrecorded: Option<(Exit, Option<String>)>,
    /// `state.json` is not up to date.
    unsaved: bool,
    /// When what could not be written is tried again.
    write_due: Option<Instant>,
    spec_text: Option<String>,
    state: State,
    client: Client,
    reader: Option<RunReader>,
    /// How the spec says that the run is to be read.
    read: ReadOptions,
    watch: Watch,
    tickets: HashMap<Ticket, Purpose>,
    ended: Arc<Notify>,
    times: TimesWriter,
    poll_due: Option<Instant>,
    /// When the files may be looked at again.
    rested: Option<Instant>,
    /// When the run's files were last heard to change.
    grew: Option<Instant>,
    caught_up: bool,
    stop: Option<String>,
    /// When to look which trackers' logs the training has open, and how long to rest then.
    logs_due: Option<Instant>,
    logs_rest: Duration,
    /// What finds them; `None`: the run is not og's own.
    written: Option<Written>,
}

impl Controller {
    async fn run(&mut self, mut heard: mpsc::Receiver<ipc::io::FromPeer>, grew: Arc<Notify>) -> anyhow::Result<String> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        self.poll();
        let first = self.state.start();
        self.perform(first);
        let mut blind_until = Some(Instant::now() + BLIND_MAX);
        let ended = Arc::clone(&self.ended);
        while self.stop.is_none() {
            let due = self.state.due(&self.world());
            let event = tokio::select! {
                from = self.client.next(), if self.away.is_none() => match from {
                    Some(FromTmux::Gone { reason }) => {
                        self.sent_away(reason);
                        None
                    }
                    Some(from) => self.event_of(from),
                    None => Some(Event::TmuxGone("tmux is gone".into())),
                },
                Some(from) = heard.recv(), if blind_until.is_none() => Some(Event::Peer(from)),
                () = until(blind_until) => None,
                () = grew.notified() => {
                    self.grew = Some(Instant::now());
                    self.read_spec();
                    let now = Instant::now();
                    self.poll_due = self.poll_due.or(Some(self.rested.map_or(now, |at| at.max(now))));
                    None
                }
                () = until(self.poll_due) => {
                    self.poll().then_some(Event::RunGrew)
                }
                () = until(due) => Some(Event::Tick),
                () = until(self.logs_due) => {
                    self.look_for_logs();
                    None
                }
                () = ended.notified() => match self.state.has_training_to_end() {
                    true => Some(Event::TrainGone),
                    false => {
                        self.lost_due = Some(Instant::now() + WORD_MAX);
                        None
                    }
                },
                () = until(self.write_due) => {
                    self.write_again();
                    None
                }
                () = until(self.follow) => Some(self.follow().await),
                () = until(self.lost_due) => {
                    self.lost_due = None;
                    self.lose();
                    Some(Event::RunGrew)
                }
                _ = terminate.recv() => Some(Event::TmuxGone("it was told to end by a signal".into())),
                _ = interrupt.recv() => Some(Event::TmuxGone("it was interrupted".into())),
            };
            if let Some(event) = event {
                self.feed(event);
                // Answers go out before anything else is looked at.
                tokio::task::yield_now().await;
            }
            if blind_until.is_some_and(|until| self.state.knows_its_panes() || Instant::now() >= until) {
                blind_until = None;
                self.watch_from_afar();
                life::announce("ready");
            }
        }
        Ok(self.stop.take().unwrap_or_default())
    }

    fn world(&self) -> World<'_> {
        World {
            now: Instant::now(),
            unix: unix_now(),
            run: self.reader.as_ref().map(RunReader::picture),
            loading: self.reader.is_some() && !self.caught_up,
        }
    }

    fn feed(&mut self, event: Event) {
        let world = World {
            now: Instant::now(),
            unix: unix_now(),
            run: self.reader.as_ref().map(RunReader::picture),
            loading: self.reader.is_some() && !self.caught_up,
        };
        let effects = self.state.on(event, &world);
        self.perform(effects);
    }

    fn event_of(&mut self, from: FromTmux) -> Option<Event> {
        Some(match from {
            FromTmux::Output { pane, bytes } => Event::Output(pane, bytes),
            FromTmux::Lost(pane) => Event::Lost(pane),
            FromTmux::Reply { ticket, replies } => Event::Replied(self.tickets.remove(&ticket)?, replies),
            FromTmux::Event(notice) => Event::Notice(notice),
            FromTmux::Gone { reason } => Event::TmuxGone(reason),
        })
    }

    /// The control client is gone. Where only it was sent away (`tmux attach -d` does that to all others, and a session that
    /// loses its last window is closed), the panes are still there, and are looked for. Others may have been sent away
    /// with it and are still on their way out.
    fn sent_away(&mut self, reason: String) {
        self.reattached = if self.attached_at.elapsed() < REATTACH_REST { self.reattached + 1 } else { 0 };
        let rest = if self.reattached < REATTACHED_MAX { SENT_AWAY_REST } else { REATTACH_REST };
        self.away = Some(reason);
        self.follow = Some(Instant::now() + rest);
    }

    /// Attaches to the session in which the panes stand now.
    async fn follow(&mut self) -> Event {
        let reason = self.away.take().unwrap_or_else(|| "its panes moved to another session".into());
        self.follow = None;
        self.client.end();
        match attach(&self.server, self.state.canvas()).await {
            Ok((client, session)) => {
                tracing::info!(reason, "attached again");
                self.attached_at = Instant::now();
                self.client = client;
                self.tickets.clear();
                Event::Attached(session)
            }
            Err(_) => {
                note_a_lost_training(self.state.canvas(), self.reader.as_mut());
                Event::TmuxGone(reason)
            }
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Err(error) = self.perform_one(effect) {
                tracing::warn!(error = format!("{error:#}"), "an effect failed");
                self.state.complain("og", format!("{error:#}"));
            }
        }
    }

    fn perform_one(&mut self, effect: Effect) -> anyhow::Result<()> {
        match effect {
            // All that matters is asked again as soon as there is a client.
            Effect::Tmux(..) if self.away.is_some() => {}
            Effect::Tmux(commands, purpose) => {
                let ticket = self.client.command(&commands)?;
                self.tickets.insert(ticket, purpose);
            }
            Effect::SaveState(canvas) => self.save(&canvas),
            Effect::SaveSpec(spec) => {
                self.spec_text = Some(spec.to_json());
                let written = canvas::io::write_spec(&self.dir, &spec);
                self.wrote(canvas::io::SPEC, written);
            }
            Effect::RecordExit(exit, reason) => {
                self.unrecorded = Some((exit, reason));
                self.record();
            }
            Effect::LookAtLog => {
                if let Some(folder) = self.reader.as_ref().map(RunReader::folder) {
                    let bytes = fs::metadata(folder.stdout_log()).map_or(0, |log| log.len());
                    let room = rustix::fs::statvfs(folder.path()).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
                    self.feed(Event::Log(bytes, room));
                }
            }
            Effect::Note(words) => {
                if let (Some(reader), Some(t)) = (&self.reader, WallTime::new(unix_now())) {
                    let note = RunEvent { t, author: "og".into(), kind: EventKind::Note { text: words, step: None } };
                    let written = reader.folder().append_event(&note);
                    self.wrote(EVENTS, written);
                }
            }
            Effect::Open(beside, role) => self.open(beside, &role)?,
            Effect::Replace(dead, role) => self.replace(dead, &role)?,
            Effect::WatchTraining(pid) => self.watch_training(pid),
            Effect::Follow => {
                self.follow.get_or_insert(Instant::now().max(self.attached_at + FOLLOW_REST));
            }
            Effect::Stop(reason) => self.stop = Some(reason),
        }
        Ok(())
    }

    fn save(&mut self, canvas: &CanvasState) {
        let written = canvas::io::write(&self.dir, canvas);
        self.unsaved = written.is_err();
        if self.unsaved {
            self.write_due = Some(Instant::now() + WRITE_EVERY);
        }
        self.wrote(canvas::io::STATE, written);
    }

    /// Writes what could not be written.
    fn write_again(&mut self) {
        self.write_due = None;
        if self.unsaved {
            self.save(&self.state.canvas().clone());
        }
        self.record();
    }

    /// Writes down how the training ended; where that cannot be, it is tried again.
    fn record(&mut self) {
        let (Some((exit, reason)), Some(reader)) = (&self.unrecorded, &self.reader) else { return };
        let found = note_logs(reader, self.written.as_mut(), None);
        let recorded = found.and_then(|()| record_exit(reader, *exit, reason.as_deref()));
        if recorded.is_ok() {
            self.unrecorded = None;
            self.poll_due = Some(Instant::now());
            self.feed(Event::Recorded);
        } else {
            self.write_due = Some(Instant::now() + WRITE_EVERY);
        }
        self.wrote(EVENTS, recorded);
    }

    /// People see that a file could not be written for as long as that is so.
    fn wrote<E: std::error::Error + Send + Sync + 'static>(&mut self, file: &'static str, written: Result<(), E>) {
        match written {
            Ok(()) => self.state.resolve(file),
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::from(error));
                tracing::warn!(file, error, "cannot write");
                self.state.complain(file, error);
            }
        }
    }

    /// Reads what is new of the run; whether anything was.
    fn poll(&mut self) -> bool {
        self.poll_due = None;
        let Some(reader) = &mut self.reader else { return false };
        // What was there before us is read as fast as it goes, with room for peers in between.
        let loading = !self.caught_up;
        let start = Instant::now();
        let polled = reader.poll(if loading { RunReader::LOAD } else { RunReader::LIVE });
        let now = Instant::now();
        let rested = now + ((now - start) * REST_SHARE).max(POLL_REST);
        self.rested = Some(rested);
        if polled.more {
            let writes = self.grew.is_some_and(|at| now < at + WRITES);
            self.poll_due = Some(if writes && !loading { rested } else { now });
        } else {
            self.poll_due = polled.again.map(|again| now + again);
        }
        if polled.paths_changed {
            reader.paths().iter().for_each(|path| self.watch.add(path));
        }
        self.caught_up |= !polled.more;
        self.note_times();
        polled.changed
    }

    /// Writes down which logs the training writes: they belong to its run, and later nobody could tell.
    fn look_for_logs(&mut self) {
        self.logs_due = None;
        let Some(reader) = &self.reader else { return };
        let run = reader.picture();
        if run.state().is_over() || self.state.knows_its_panes() && !self.state.has_training() {
            return;
        }
        let start = Instant::now();
        if let Some(pid) = run.pid() {
            let found = note_logs(reader, self.written.as_mut(), Some(pid));
            self.wrote(EVENTS, found);
        }
        self.logs_rest = (self.logs_rest * 2).min(LOGS_REST_MAX.max(start.elapsed() * LOGS_REST_SHARE));
        self.logs_due = Some(Instant::now() + self.logs_rest);
    }

    /// Writes down how long the log of our own training is now, so that its lines have a time.
    fn note_times(&mut self) {
        let (Some(reader), Some(now)) = (&self.reader, WallTime::new(unix_now())) else { return };
        if !self.state.has_training() {
            return;
        }
        let folder = reader.folder();
        let Ok(log) = fs::metadata(folder.stdout_log()) else { return };
        if let Some(line) = self.times.note(log.len(), now) {
            let written = folder.append(&folder.stdout_times(), &line);
            self.wrote("stdout.times", written);
        }
    }

    /// The person or the agent may have edited the spec with any editor.
    fn read_spec(&mut self) {
        let text = fs::read_to_string(self.dir.join(canvas::io::SPEC)).ok();
        if text == self.spec_text {
            return;
        }
        self.spec_text = text;
        let spec = canvas::io::read_spec(&self.dir).map_err(|error| format!("{:#}", anyhow::Error::from(error)));
        if let Ok(spec) = &spec {
            self.read_anew(&spec.read);
            if let Some(reader) = &mut self.reader {
                reader.set_refresh(spec.refresh_interval());
            }
        }
        self.feed(Event::Spec(spec));
    }

    /// Reads the run from its start when the spec says another way to read it.
    fn read_anew(&mut self, read: &ReadOptions) {
        if *read == self.read {
            return;
        }
        self.read = read.clone();
        let Ok(canvas) = canvas::io::read(&self.dir) else { return };
        match canvas.run.as_deref().map(|run| open(&self.dir, run, read)).transpose() {
            Ok(reader) => (self.reader, self.caught_up, self.poll_due) = (reader, false, Some(Instant::now())),
            Err(error) => self.state.complain("run", error.to_string()),
        }
    }

    /// A training of this machine that runs in no pane of ours: its process tells that it ended, its files how.
    fn watch_from_afar(&mut self) {
        if self.state.has_training_to_end() {
            return;
        }
        let here = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let picture = self.reader.as_ref().map(RunReader::picture);
        let pid = picture.filter(|run| run.info.host.as_deref() == Some(here.as_str())).and_then(|run| run.pid());
        if let Some(pid) = pid {
            self.watch_training(pid);
        }
    }

    /// The training is gone; where its files do not say how it ended, nobody knows.
    fn lose(&mut self) {
        if let Some(reader) = &mut self.reader {
            while reader.poll(RunReader::LOAD).more {}
            reader.mark_lost();
        }
    }

    /// Starts one of og's own programs in a new pane beside another, or in a window of its own where that has no room.
    fn open(&self, beside: PaneId, role: &str) -> anyhow::Result<()> {
        let canvas = self.state.canvas();
        let (place, program) =
            (Place { target: beside, toward: Toward::Below, size: None, full: false }, program_pane(role, &self.dir, &canvas.id)?);
        let pane = match self.server.split(place, &program) {
            Ok(pane) => pane,
            Err(_) => self.server.new_window(&canvas.session, Some(&format!("{} {role}", canvas.name)), &program)?,
        };
        Ok(mark(&self.server, pane, &canvas.id, role)?)
    }

    /// Starts one of og's own programs in a new pane where a dead one stood. Not `respawn-pane`: tmux counts output of the
    /// dead program that it had read and not yet dropped against the new one's, and 3.3a crashes at the first byte.
    fn replace(&self, dead: PaneId, role: &str) -> anyhow::Result<()> {
        let place = Place { target: dead, toward: Toward::Left, size: None, full: false };
        let id = &self.state.canvas().id;
        let pane = self.server.split(place, &program_pane(role, &self.dir, id)?)?;
        mark(&self.server, pane, id, role)?;
        Ok(self.server.kill_pane(dead)?)
    }

    /// A thread of its own waits for the end of the training: the kernel wakes it, nothing polls.
    fn watch_training(&mut self, pid: u32) {
        let Some(fd) = open_process(pid) else {
            // It is gone already: ask tmux how.
            return self.ended.notify_one();
        };
        let ended = Arc::clone(&self.ended);
        let wait = move || {
            let mut fds = [PollFd::new(&fd, PollFlags::IN)];
            while rustix::event::poll(&mut fds, None) == Err(rustix::io::Errno::INTR) {}
            ended.notify_one();
        };
        if let Err(error) = std::thread::Builder::new().name("training".into()).spawn(wait) {
            self.state.complain("training", format!("cannot watch the training process: {error}"));
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// tmux is gone and took its panes along. A training whose end nobody saw is written down as lost, once it has ended: it
/// was told to hang up, and may take its time.
fn note_a_lost_training(canvas: &CanvasState, reader: Option<&mut RunReader>) {
    let Some(reader) = reader else { return };
    let Some(training) = canvas.panes.iter().find(|pane| pane.role == "train") else { return };
    let at_most = Timespec { tv_sec: HANGUP_MAX.as_secs() as i64, tv_nsec: 0 };
    // A process that has ended keeps its id until its parent looked.
    let ends = |process: OwnedFd| rustix::event::poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&at_most)).is_ok_and(|n| n > 0);
    let ended = open_process(training.pid).is_none_or(ends);
    while reader.poll(RunReader::LOAD).more {}
    if ended && reader.picture().exit.is_none() {
        let exit = Exit { at: WallTime::new(unix_now()), ..Exit::default() };
        if let Err(error) = record_exit(reader, exit, Some("tmux ended")) {
            tracing::warn!(%error, "cannot write down that the training was lost");
        }
    }
}

/// A file that becomes readable when the process ends; `None`: it is gone already.
fn open_process(pid: u32) -> Option<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Writes down which logs the training, process `pid`, is seen to write, and its checkpoints; without a `pid` it has ended.
fn note_logs(reader: &RunReader, written: Option<&mut Written>, pid: Option<u32>) -> Result<(), StoreError> {
    let Some(written) = written else { return Ok(()) };
    let seen = written.look(pid, |path| reader.has_tracker(path));
    for (path, from) in seen.logs.iter().filter_map(|log| Some((log.path.to_str()?, log.from))) {
        let Some(t) = WallTime::new(unix_now()) else { break };
        reader.folder().append_event(&RunEvent { t, author: "og".into(), kind: EventKind::Source { path: path.to_owned(), from } })?;
    }
    let cwd = &reader.picture().info.cwd;
    for saved in seen.saved {
        let path = saved.path.strip_prefix(cwd).unwrap_or(&saved.path).display().to_string();
        // A controller before this one may have told of it.
        let is_told = reader.picture().events.iter().any(|event| {
            event.t.secs() + 0.01 >= saved.at.secs() && matches!(&event.kind, EventKind::Checkpoint { path: told, .. } if *told == path)
        });
        if !is_told {
            let kind = EventKind::Checkpoint { path, step: saved.step };
            reader.folder().append_event(&RunEvent { t: saved.at, author: "og".into(), kind })?;
        }
    }
    Ok(())
}

/// The end of the training in the run's own events; why nobody saw it, where nobody did, as a note beside it.
fn record_exit(reader: &RunReader, exit: Exit, reason: Option<&str>) -> Result<(), StoreError> {
    let Some(t) = exit.at.or(WallTime::new(unix_now())) else { return Ok(()) };
    let event = |kind| RunEvent { t, author: "og".into(), kind };
    reader.folder().append_event(&event(EventKind::Exit(exit)))?;
    match reason {
        Some(reason) => reader
            .folder()
            .append_event(&event(EventKind::Note { text: format!("nobody saw how the training ended: {reason}"), step: None })),
        None => Ok(()),
    }
}

/// Attaches to the session in which the canvas's panes stand now; a person may have renamed or moved it, and may do so
/// between the question and the attach.
async fn attach(server: &Server, canvas: &CanvasState) -> anyhow::Result<(Client, SessionId)> {
    let mut tries = 0;
    loop {
        let panes = server.list_panes(None)?;
        let Some(home) = home(&panes, &canvas.id, None) else { anyhow::bail!("the panes of canvas {} are gone", canvas.name) };
        // The lock is ours, so whoever was the controller before is dead or dying.
        server.end_orphans(&home.session.to_string(), canvas.controller_pid)?;
        tries += 1;
        match Client::attach(server, &home.session.to_string()).await {
            Ok(client) => return Ok((client, home.session)),
            Err(error) if tries >= ATTACH_TRIES_MAX => return Err(error.into()),
            Err(error) => tracing::debug!(%error, "cannot attach; looking again"),
        }
    }
}

/// Sixteen hex digits that nobody can guess.
fn secret() -> anyhow::Result<String> {
    let mut bytes = [0u8; 8];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("cannot read /dev/urandom")?;
    Ok(format!("og-{:016x}", u64::from_ne_bytes(bytes)))
}

fn unix_now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
