//! The controller's state and its one door: an event comes in, effects go out. Pure; time is an argument.

mod asks;
mod layout;
mod panes;
mod run;
mod screens;

pub use panes::home;

use super::{
    log::LogWatch,
    pane::{Flow, Pane, Why},
    view,
    wait::Wait,
};
use crate::{
    canvas::{CanvasState, Spec},
    ipc::{
        codec,
        io::{FromPeer, PeerId},
        wire::{Health, Reply, Response, Shown},
    },
    model::{Exit, RunState},
    store::RunPicture,
    tmux::{
        Command, PaneId, SessionId, Version,
        control::{Event as Notice, Reply as Answer},
    },
};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// What an agent did is shown a moment later: the redraw of the status must not compete with the answer to the agent's keys.
const TELL_LATER: Duration = Duration::from_millis(20);
/// How long the graph pane may take to draw what it was told to. A frame takes milliseconds; a pane that still reads a
/// large run, or shares its core with the training, takes longer.
const SET_MAX: Duration = Duration::from_secs(5);

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// A pane wrote bytes.
    Output(PaneId, Vec<u8>),
    /// Output of a pane was dropped on our side.
    Lost(PaneId),
    /// tmux noted something.
    Notice(Notice),
    /// A line that we sent was answered, one answer a command; the first that failed is the last.
    Replied(Purpose, Vec<Answer>),
    /// The control client is gone, and the panes with it.
    TmuxGone(String),
    /// The control client is another one, attached to this session: whatever the one before was asked, it does not answer
    /// any more.
    Attached(SessionId),
    /// A peer on the socket.
    Peer(FromPeer),
    /// The run's files grew, and the picture is up to date.
    RunGrew,
    /// The kernel says that the training process is gone.
    TrainGone,
    /// The spec file changed.
    Spec(Result<Spec, String>),
    /// The training's log has so many bytes, and there is room for so many more, if that is known.
    Log(u64, Option<u64>),
    /// It is written down how the training ended.
    Recorded,
    /// A timer of [`State::due`] went off.
    Tick,
}

/// Something is to be done.
#[derive(Debug)]
pub enum Effect {
    /// Send commands to tmux as one line; the answer comes back with the purpose.
    Tmux(Vec<Command>, Purpose),
    /// Keep a new `canvas.json`.
    SaveSpec(Box<Spec>),
    /// Keep a new `state.json`.
    SaveState(Box<CanvasState>),
    /// Write down how the training ended.
    RecordExit(Exit, Option<String>),
    /// Look how long the training's log is.
    LookAtLog,
    /// Keep a remark with the run.
    Note(String),
    /// Open a pane of this role beside another one.
    Open(PaneId, String),
    /// Put a new pane of this role in the place of a dead one.
    Replace(PaneId, String),
    /// Close a pane.
    Close(PaneId),
    /// Tell when this process ends.
    WatchTraining(u32),
    /// Attach to the session in which the panes stand now: tmux tells a client of no other.
    Follow,
    /// End the loop.
    Stop(String),
}

/// What a command was sent for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The panes of the server.
    List,
    /// A pane's screen.
    Capture(PaneId, Why),
    /// Keys for a peer's call.
    Send(PeerId, u64),
    /// How the training ended.
    AskExit,
    /// The layout of the canvas's window.
    AskLayout,
    /// Nobody waits for the answer; a failure is logged with these words.
    Tell(&'static str),
}

/// What the outside looks like at an event.
pub struct World<'a> {
    /// The loop's clock.
    pub now: Instant,
    /// Seconds since the Unix epoch.
    pub unix: f64,
    /// The run as read so far.
    pub run: Option<&'a RunPicture>,
    /// Whether its history is still being read.
    pub loading: bool,
}

struct Peer {
    tell: mpsc::Sender<Vec<u8>>,
    events: BTreeSet<String>,
    role: Option<String>,
}

struct Pending {
    peer: PeerId,
    id: u64,
    wait: Wait,
}

struct Asked {
    peer: PeerId,
    id: u64,
    pane: PaneId,
    entry_seq: u64,
    started: Instant,
    waiting: bool,
}

/// A `setView` that the graph pane has not drawn yet.
struct Setting {
    peer: PeerId,
    id: u64,
    number: u64,
    patch: Map<String, Value>,
    due: Instant,
}

impl Setting {
    /// The event that tells it to the graph pane.
    fn told(&self) -> Reply {
        Reply { id: 0, response: Response::SetView { number: self.number, patch: self.patch.clone() } }
    }
}

/// All that a controller knows.
pub struct State {
    canvas: CanvasState,
    spec: Spec,
    secret: String,
    fragile: bool,
    /// What the control client is attached to.
    session: SessionId,
    panes: BTreeMap<PaneId, Pane>,
    foreign: BTreeSet<PaneId>,
    /// Dead panes that others stand in for; a list that was on its way may still name them.
    replaced: BTreeSet<PaneId>,
    revivals: BTreeMap<String, u32>,
    /// Roles whose panes were asked for and not listed since.
    opening: BTreeSet<String>,
    peers: BTreeMap<PeerId, Peer>,
    waits: Vec<Pending>,
    sends: Vec<Asked>,
    settings: Vec<Setting>,
    /// Number of the last `setView`. It begins at the milliseconds of the start: a pane still tells the last one of a controller
    /// before us, and that must be no answer to one of ours.
    set: u64,
    shown: BTreeMap<String, Shown>,
    health: Health,
    health_due: Option<Instant>,
    errors: BTreeMap<&'static str, String>,
    revision: u64,
    changed_unix: Option<f64>,
    refreshes: u64,
    listing: bool,
    list_again: bool,
    found_once: bool,
    layout: layout::Watch,
    training_lives: bool,
    left: Option<(u32, Instant)>,
    exit_asks: Option<(u32, Instant)>,
    /// When the kernel said that the training is gone, in seconds since the epoch.
    gone_unix: Option<f64>,
    run_over: bool,
    last_words: Option<Instant>,
    /// How the training ended is still to be written down.
    unrecorded: bool,
    run_state: Option<RunState>,
    log: LogWatch,
}

impl State {
    /// A controller that knows its canvas, is attached to a session, and knows nothing of its panes yet.
    /// `secret` names tmux buffers, so that no program in a pane can forge a capture.
    pub fn new(canvas: CanvasState, spec: Spec, session: SessionId, tmux: &Version, pid: u32, secret: String, unix: f64) -> State {
        let health = Health {
            controller_pid: pid,
            started_at: view::iso(unix),
            tmux: tmux.to_string(),
            may_send: spec.agent.may_send.clone(),
            ..Health::default()
        };
        let canvas = CanvasState { controller_pid: Some(pid), ..canvas };
        State {
            canvas,
            spec,
            secret,
            fragile: !tmux.survives_a_dying_pane(),
            session,
            panes: BTreeMap::new(),
            foreign: BTreeSet::new(),
            replaced: BTreeSet::new(),
            revivals: BTreeMap::new(),
            opening: BTreeSet::new(),
            peers: BTreeMap::new(),
            waits: vec![],
            sends: vec![],
            settings: vec![],
            set: (unix * 1000.0) as u64,
            shown: BTreeMap::new(),
            health,
            health_due: None,
            errors: BTreeMap::new(),
            revision: 0,
            changed_unix: None,
            refreshes: 0,
            listing: false,
            list_again: false,
            found_once: false,
            layout: layout::Watch::default(),
            training_lives: false,
            left: None,
            exit_asks: None,
            gone_unix: None,
            run_over: false,
            last_words: None,
            unrecorded: false,
            run_state: None,
            log: LogWatch::default(),
        }
    }

    /// The canvas as it is now.
    pub fn canvas(&self) -> &CanvasState {
        &self.canvas
    }

    /// Whether every pane has been found and seen once, so that what is answered is true.
    pub fn knows_its_panes(&self) -> bool {
        self.found_once && self.panes.values().all(|pane| pane.seeded)
    }

    /// Whether the training runs in a pane of this canvas, alive or dead.
    pub fn has_training(&self) -> bool {
        self.panes.values().any(|pane| pane.role == "train")
    }

    /// Whether the end of the training is this controller's to write down.
    pub fn has_training_to_end(&self) -> bool {
        self.training_lives || self.exit_asks.is_some() || self.has_training()
    }

    /// Something went wrong that people should see until it is over.
    pub fn complain(&mut self, about: &'static str, words: String) {
        if self.errors.insert(about, words.clone()) != Some(words) {
            self.tell_problems();
        }
    }

    /// It is over.
    pub fn resolve(&mut self, about: &'static str) {
        if self.errors.remove(about).is_some() {
            self.tell_problems();
        }
    }

    fn tell_problems(&mut self) {
        self.health.problems = self.problems();
        self.push_health();
    }

    fn problems(&self) -> Vec<String> {
        self.errors.iter().map(|(what, error)| format!("{what}: {error}")).collect()
    }

    /// What to do first.
    pub fn start(&mut self) -> Vec<Effect> {
        let mut effects = vec![Effect::SaveState(Box::new(self.canvas.clone()))];
        self.list(&mut effects);
        effects
    }

    /// Takes one event.
    pub fn on(&mut self, event: Event, world: &World<'_>) -> Vec<Effect> {
        let mut effects = vec![];
        match event {
            Event::Output(pane, bytes) => self.on_output(pane, &bytes, world, &mut effects),
            Event::Lost(pane) => self.on_lost(pane, world, &mut effects),
            Event::Notice(notice) => self.on_notice(notice, world, &mut effects),
            Event::Replied(purpose, answer) => self.on_reply(purpose, answer, world, &mut effects),
            Event::TmuxGone(reason) => effects.push(Effect::Stop(reason)),
            Event::Attached(session) => self.on_attached(session, &mut effects),
            Event::Peer(from) => self.on_peer(from, world, &mut effects),
            Event::RunGrew => self.on_run(world),
            Event::TrainGone => {
                self.gone_unix = Some(world.unix);
                self.exit_asks = Some((0, world.now));
                self.ask_exit(world, &mut effects);
            }
            Event::Spec(spec) => self.on_spec(spec),
            Event::Log(bytes, room) => self.on_log(bytes, room, world, &mut effects),
            Event::Recorded => {
                self.unrecorded = false;
                if self.last_words.is_none() {
                    self.close_the_closed(&mut effects);
                }
            }
            Event::Tick => self.on_tick(world, &mut effects),
        }
        effects
    }

    /// When [`Event::Tick`] is wanted.
    pub fn due(&self, world: &World<'_>) -> Option<Instant> {
        let panes = self.panes.values().filter_map(Pane::due);
        let waits = self.waits.iter().filter_map(|pending| self.sight(&pending.wait, world, |sight| pending.wait.due(sight)));
        let others = [
            self.layout.due(),
            self.exit_asks.map(|(_, due)| due),
            self.left.map(|(_, due)| due),
            self.last_words,
            self.health_due,
            self.log.due(),
        ];
        let settings = self.settings.iter().map(|setting| setting.due);
        panes.chain(waits).chain(settings).chain(others.into_iter().flatten()).min()
    }

    fn on_tick(&mut self, world: &World<'_>, effects: &mut Vec<Effect>) {
        self.end_frames(world);
        self.capture_what_is_due(world, effects);
        self.arrange_if_due(world, effects);
        if self.exit_asks.is_some_and(|(_, due)| world.now >= due) {
            self.ask_exit(world, effects);
        }
        if self.left.is_some_and(|(_, due)| world.now >= due) {
            self.look_for_the_dead(world, effects);
        }
        if self.last_words.is_some_and(|due| world.now >= due) {
            self.last_words = None;
            self.run_over = true;
            self.close_the_closed(effects);
        }
        if self.log.is_due(world.now) {
            effects.push(Effect::LookAtLog);
        }
        if self.health_due.is_some_and(|due| world.now >= due) {
            self.push_health();
        }
        self.give_up_settings(world);
        self.look_at_waits(world);
    }

    fn on_spec(&mut self, spec: Result<Spec, String>) {
        match spec {
            Ok(spec) => {
                self.resolve("spec");
                self.health.may_send = spec.agent.may_send.clone();
                self.push("config", Response::Config { config: serde_json::from_str(&spec.to_json()).unwrap_or_default() });
                self.spec = spec;
                self.push_health();
            }
            Err(error) => {
                // It may have been meant to forbid what was allowed before.
                self.spec.agent.may_send.retain(|role| role != "train");
                self.health.may_send = self.spec.agent.may_send.clone();
                self.complain("spec", error);
            }
        }
    }

    fn on_reply(&mut self, purpose: Purpose, answers: Vec<Answer>, world: &World<'_>, effects: &mut Vec<Effect>) {
        let failure = answers.iter().find(|answer| !answer.ok).map(Answer::words);
        match (purpose, failure) {
            (Purpose::List, None) => self.on_list(&lines(&answers), world, effects),
            (Purpose::List, Some(error)) => {
                self.listing = false;
                tracing::warn!(error, "cannot list the panes");
            }
            (Purpose::Capture(pane, why), _) => self.on_capture(pane, why, &answers, world, effects),
            (Purpose::Send(peer, id), failure) => self.on_sent(peer, id, failure, world),
            (Purpose::AskExit, _) => self.on_exit_answer(&lines(&answers), world, effects),
            (Purpose::AskLayout, _) => self.layout.told(&lines(&answers), world.now),
            (Purpose::Tell(what), Some(error)) => tracing::warn!(what, error, "tmux refused"),
            (Purpose::Tell(_), None) => {}
        }
    }

    /// What was asked of the client before is asked again, but for keys: nobody knows whether they arrived.
    fn on_attached(&mut self, session: SessionId, effects: &mut Vec<Effect>) {
        let lost =
            error("tmux", "the connection to tmux broke while keys were sent", Some("look before you send them again: `og viewstate`"));
        for asked in std::mem::take(&mut self.sends) {
            self.waits.retain(|pending| (pending.peer, pending.id) != (asked.peer, asked.id));
            self.reply(asked.peer, asked.id, lost.clone());
        }
        self.session = session;
        self.foreign.clear();
        self.layout = layout::Watch::default();
        (self.listing, self.list_again) = (false, false);
        for pane in self.panes.values_mut() {
            pane.flow = Flow::Following;
        }
        let panes: Vec<PaneId> = self.panes.keys().copied().collect();
        panes.into_iter().for_each(|pane| self.capture(pane, Why::Seed, effects));
        self.list(effects);
    }

    /// Something that a view state says has changed.
    fn changed(&mut self, world: &World<'_>) {
        self.revision += 1;
        self.changed_unix = Some(world.unix);
    }

    fn reply(&self, peer: PeerId, id: u64, response: Response) {
        if let Some(peer) = self.peers.get(&peer) {
            say(peer, &Reply { id, response });
        }
    }

    fn push(&self, event: &str, response: Response) {
        let reply = Reply { id: 0, response };
        for peer in self.peers.values().filter(|peer| peer.events.contains(event)) {
            say(peer, &reply);
        }
    }

    fn push_health(&mut self) {
        self.health_due = None;
        self.push("health", Response::Health(Box::new(self.health.clone())));
    }
}

/// A peer whose queue is full is stuck; what it misses it asks for again when it wakes.
fn say(peer: &Peer, reply: &Reply) {
    if peer.tell.try_send(codec::encode(reply)).is_err() {
        tracing::debug!(role = ?peer.role, "a peer does not read");
    }
}

fn lines(answers: &[Answer]) -> Vec<Vec<u8>> {
    answers.iter().filter(|answer| answer.ok).flat_map(|answer| answer.lines.clone()).collect()
}

fn error(code: &str, message: impl Into<String>, hint: Option<&str>) -> Response {
    Response::Error { code: code.into(), message: message.into(), hint: hint.map(str::to_owned) }
}

#[cfg(test)]
mod tests;
