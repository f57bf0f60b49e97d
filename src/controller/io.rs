//! The outside of a controller: its process, its one loop, and how others start, reach and end it.

mod life;
mod run;

pub use life::{ControllerError, connect, is_started_for, mark, program, program_pane, restart, stop};

use super::state::{Effect, Event, Purpose, State, World, home};
use crate::{
    canvas::{self, CanvasState},
    ipc::{
        self,
        io::FromPeer,
        wire::{Call, Request},
    },
    model::Exit,
    source::Watch,
    tmux::{Client, FromTmux, PaneId, Place, Server, SessionId, Ticket, Toward},
};
use anyhow::Context;
use run::Run;
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

async fn serve(dir: &Path) -> anyhow::Result<()> {
    let canvas = canvas::io::read(dir)?;
    let spec = canvas::io::read_spec(dir)?;
    let server = Server::new(canvas.tmux.parse()?);
    let version = server.check_floor()?;
    let mut run = canvas.run.as_deref().map(|run| Run::open(dir, run, &spec.read)).transpose()?;
    let (client, session) = match attach(&server, &canvas).await {
        Ok(attached) => attached,
        Err(error) => {
            note_a_lost_training(&canvas, run.as_mut());
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
    if let Some(run) = &mut run {
        run.watch(&mut watch);
        run.set_refresh(spec.refresh_interval());
    }
    tracing::info!(canvas = canvas.name, %version, "the controller runs");
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
        run,
        watch,
        tickets: HashMap::new(),
        ended: Arc::default(),
        stop: None,
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
    run: Option<Run>,
    watch: Watch,
    tickets: HashMap<Ticket, Purpose>,
    ended: Arc<Notify>,
    stop: Option<String>,
}

impl Controller {
    async fn run(&mut self, mut heard: mpsc::Receiver<FromPeer>, grew: Arc<Notify>) -> anyhow::Result<String> {
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
                    self.read_spec();
                    self.run.iter_mut().for_each(Run::grew);
                    None
                }
                () = until(self.run.as_ref().and_then(|run| run.due)) => {
                    self.poll().then_some(Event::RunGrew)
                }
                () = until(due) => Some(Event::Tick),
                () = until(self.run.as_ref().and_then(|run| run.logs_due)) => {
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
                    self.run.iter_mut().for_each(Run::lose);
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
        world(self.run.as_ref())
    }

    fn feed(&mut self, event: Event) {
        // An edit that was saved a moment ago is not written over.
        if matches!(&event, Event::Peer(FromPeer::Asked(_, Call { request: Request::Update { .. }, .. }))) {
            self.read_spec();
        }
        let effects = self.state.on(event, &world(self.run.as_ref()));
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
                note_a_lost_training(self.state.canvas(), self.run.as_mut());
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
                if let Some((bytes, room)) = self.run.as_ref().map(Run::log) {
                    self.feed(Event::Log(bytes, room));
                }
            }
            Effect::Note(words) => {
                if let Some(noted) = self.run.as_ref().map(|run| run.note(words)) {
                    self.wrote(EVENTS, noted);
                }
            }
            Effect::Open(beside, role) => self.open(beside, &role)?,
            Effect::Replace(dead, role) => self.replace(dead, &role)?,
            Effect::Close(pane) => self.server.close_panes(&self.server.turn(), &[pane]),
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
        let (Some((exit, reason)), Some(run)) = (&self.unrecorded, &mut self.run) else { return };
        let recorded = run.record(*exit, reason.as_deref());
        if recorded.is_ok() {
            self.unrecorded = None;
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
        let Some(run) = &mut self.run else { return false };
        let changed = run.poll(&mut self.watch);
        if self.state.has_training()
            && let Some(noted) = run.note_times()
        {
            self.wrote("stdout.times", noted);
        }
        changed
    }

    /// Writes down which logs the training writes, as long as it runs.
    fn look_for_logs(&mut self) {
        let Some(run) = &mut self.run else { return };
        run.logs_due = None;
        if run.picture().state().is_over() || self.state.knows_its_panes() && !self.state.has_training() {
            return;
        }
        if let Some(found) = run.look_for_logs() {
            self.wrote(EVENTS, found);
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
        if let (Ok(spec), Some(run), Some(path)) = (&spec, &mut self.run, &self.state.canvas().run) {
            if let Err(error) = run.read_anew(&self.dir, path, &spec.read) {
                self.state.complain("run", error.to_string());
            }
            run.set_refresh(spec.refresh_interval());
        }
        self.feed(Event::Spec(spec));
    }

    /// A training of this machine that runs in no pane of ours: its process tells that it ended, its files how.
    fn watch_from_afar(&mut self) {
        if self.state.has_training_to_end() {
            return;
        }
        let here = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let picture = self.run.as_ref().map(Run::picture);
        let pid = picture.filter(|run| run.info.host.as_deref() == Some(here.as_str())).and_then(|run| run.pid());
        if let Some(pid) = pid {
            self.watch_training(pid);
        }
    }

    /// Starts one of og's own programs in a new pane beside another, or in a window of its own where that has no room.
    fn open(&self, beside: PaneId, role: &str) -> anyhow::Result<()> {
        let canvas = self.state.canvas();
        let _turn = self.server.turn();
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
        let _turn = self.server.turn();
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
fn note_a_lost_training(canvas: &CanvasState, run: Option<&mut Run>) {
    let Some(run) = run else { return };
    let Some(training) = canvas.panes.iter().find(|pane| pane.role == "train") else { return };
    let at_most = Timespec { tv_sec: HANGUP_MAX.as_secs() as i64, tv_nsec: 0 };
    // A process that has ended keeps its id until its parent looked.
    let ends = |process: OwnedFd| rustix::event::poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&at_most)).is_ok_and(|n| n > 0);
    if open_process(training.pid).is_none_or(ends)
        && let Err(error) = run.record_lost("tmux ended")
    {
        tracing::warn!(%error, "cannot write down that the training was lost");
    }
}

/// A file that becomes readable when the process ends; `None`: it is gone already.
fn open_process(pid: u32) -> Option<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Attaches to the session in which the canvas's panes stand now; a person may have renamed or moved it, and may do so
/// between the question and the attach.
async fn attach(server: &Server, canvas: &CanvasState) -> anyhow::Result<(Client, SessionId)> {
    let mut tries = 0;
    loop {
        let panes = server.list_panes(None)?;
        let Some(home) = home(&panes, &canvas.id, None) else { anyhow::bail!("the panes of canvas {} are gone", canvas.name) };
        // The lock is ours, so whoever was the controller before is dead or dying.
        let turn = server.turn();
        server.end_orphans(&turn, &home.session.to_string(), canvas.controller_pid)?;
        tries += 1;
        match Client::attach_in(&turn, server, &home.session.to_string()).await {
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

fn world(run: Option<&Run>) -> World<'_> {
    World { now: Instant::now(), unix: unix_now(), run: run.map(Run::picture), loading: run.is_some_and(Run::is_loading) }
}

fn unix_now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
