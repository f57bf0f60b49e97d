//! The controller's state and its one door: an event comes in, effects go out. Pure; time is an argument.

mod asks;
mod layout;
mod screens;

use super::{
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
    model::{Exit, RunState, WallTime},
    store::RunPicture,
    tmux::{
        self, Command, Death, PaneId, PaneInfo, SessionId, Version, WindowId, command,
        control::{Event as Notice, Reply as Answer},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// After the training ended, its last lines may still be on their way to the files; conditions on metrics
/// are given up only after this.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// tmux reaps a pane's process a moment after the kernel does; it is asked again so often and so long.
const EXIT_ASK_EVERY: Duration = Duration::from_millis(10);
const EXIT_ASKS_QUICK: u32 = 100;
const EXIT_ASK_SLOWLY: Duration = Duration::from_millis(500);
/// When one of og's own programs left, tmux is looked at so soon, then after twice the time, and so many times.
const LEFT_LOOK: Duration = Duration::from_millis(10);
const LEFT_LOOKS_MAX: u32 = 7;
/// What an agent did is shown a moment later: the redraw of the status must not compete with the answer to the agent's keys.
const TELL_LATER: Duration = Duration::from_millis(20);
/// Times that the pane of a role is started again: more means that its program cannot run here.
const REVIVALS_MAX: u32 = 5;
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
    /// The control client is another one: whatever the one before was asked, it does not answer any more.
    Attached,
    /// A peer on the socket.
    Peer(FromPeer),
    /// The run's files grew, and the picture is up to date.
    RunGrew,
    /// The kernel says that the training process is gone.
    TrainGone,
    /// The spec file changed.
    Spec(Result<Spec, String>),
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
    /// Open a pane of this role beside another one.
    Open(PaneId, String),
    /// Put a new pane of this role in the place of a dead one.
    Replace(PaneId, String),
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
    due: Instant,
}

/// All that a controller knows.
pub struct State {
    canvas: CanvasState,
    spec: Spec,
    secret: String,
    fragile: bool,
    session: Option<SessionId>,
    panes: BTreeMap<PaneId, Pane>,
    foreign: BTreeSet<PaneId>,
    /// Dead panes that others stand in for; a list that was on its way may still name them.
    replaced: BTreeSet<PaneId>,
    revivals: BTreeMap<String, u32>,
    peers: BTreeMap<PeerId, Peer>,
    waits: Vec<Pending>,
    sends: Vec<Asked>,
    settings: Vec<Setting>,
    /// Number of the last `setView`.
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
    run_state: Option<RunState>,
}

impl State {
    /// A controller that knows its canvas and nothing of its panes yet.
    /// `secret` names tmux buffers, so that no program in a pane can forge a capture.
    pub fn new(canvas: CanvasState, spec: Spec, tmux: &Version, pid: u32, secret: String, unix: f64) -> State {
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
            session: None,
            panes: BTreeMap::new(),
            foreign: BTreeSet::new(),
            replaced: BTreeSet::new(),
            revivals: BTreeMap::new(),
            peers: BTreeMap::new(),
            waits: vec![],
            sends: vec![],
            settings: vec![],
            set: 0,
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
            run_state: None,
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
        self.errors.insert(about, words);
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
            Event::Attached => self.on_attached(&mut effects),
            Event::Peer(from) => self.on_peer(from, world, &mut effects),
            Event::RunGrew => self.on_run(world),
            Event::TrainGone => {
                self.gone_unix = Some(world.unix);
                self.exit_asks = Some((0, world.now));
                self.ask_exit(world, &mut effects);
            }
            Event::Spec(spec) => self.on_spec(spec),
            Event::Tick => self.on_tick(world, &mut effects),
        }
        effects
    }

    /// When [`Event::Tick`] is wanted.
    pub fn due(&self, world: &World<'_>) -> Option<Instant> {
        let panes = self.panes.values().filter_map(Pane::due);
        let waits = self.waits.iter().filter_map(|pending| self.sight(&pending.wait, world, |sight| pending.wait.due(sight)));
        let others =
            [self.layout.due(), self.exit_asks.map(|(_, due)| due), self.left.map(|(_, due)| due), self.last_words, self.health_due];
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
        }
        if self.health_due.is_some_and(|due| world.now >= due) {
            self.push_health();
        }
        self.give_up_settings(world);
        self.look_at_waits(world);
    }

    fn on_run(&mut self, world: &World<'_>) {
        self.changed(world);
        self.tell_run_state(world);
        self.look_at_waits(world);
    }

    fn tell_run_state(&mut self, world: &World<'_>) {
        let Some(run) = world.run else { return };
        let state = run.state();
        if self.run_state == Some(state) {
            return;
        }
        self.run_state = Some(state);
        if state.is_over() && !self.has_live_training() && !self.run_over && self.last_words.is_none() {
            self.last_words = Some(world.now + LAST_WORDS);
        }
        let exit = run.exit.unwrap_or_default();
        self.push("runState", Response::RunState { state: state.as_str().into(), exit_code: exit.code, signal: exit.signal });
    }

    fn has_live_training(&self) -> bool {
        self.panes.values().any(|pane| pane.role == "train" && pane.dead.is_none())
    }

    fn on_spec(&mut self, spec: Result<Spec, String>) {
        match spec {
            Ok(spec) => {
                self.errors.remove("spec");
                self.health.may_send = spec.agent.may_send.clone();
                self.push("config", Response::Config { config: serde_json::from_str(&spec.to_json()).unwrap_or_default() });
                self.spec = spec;
                self.push_health();
            }
            Err(error) => {
                self.errors.insert("spec", error);
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
    fn on_attached(&mut self, effects: &mut Vec<Effect>) {
        let lost =
            error("tmux", "the connection to tmux broke while keys were sent", Some("look before you send them again: `og viewstate`"));
        for asked in std::mem::take(&mut self.sends) {
            self.waits.retain(|pending| (pending.peer, pending.id) != (asked.peer, asked.id));
            self.reply(asked.peer, asked.id, lost.clone());
        }
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

    /// Asks for the panes; one question at a time, and once more when something happened meanwhile.
    fn list(&mut self, effects: &mut Vec<Effect>) {
        self.list_again = self.listing;
        if !self.listing {
            self.listing = true;
            effects.push(Effect::Tmux(vec![tmux::list_panes_command()], Purpose::List));
        }
    }

    fn on_list(&mut self, lines: &[Vec<u8>], world: &World<'_>, effects: &mut Vec<Effect>) {
        self.listing = false;
        let listed = tmux::parse_panes(lines);
        let is_ours = |pane: &&PaneInfo| pane.canvas.as_deref() == Some(self.canvas.id.as_str()) && !self.replaced.contains(&pane.id);
        let ours: Vec<&PaneInfo> = listed.iter().filter(is_ours).collect();
        if let Some(home) = home(&listed, &self.canvas.id) {
            if self.session.is_some_and(|session| session != home.session) {
                effects.push(Effect::Follow);
            }
            self.session = Some(home.session);
            if self.canvas.session != home.session_name {
                // A person renamed it, or moved the window: this is where the canvas is found from now on.
                self.canvas.session = home.session_name.clone();
                effects.push(Effect::SaveState(Box::new(self.canvas.clone())));
            }
        }
        self.pause_foreign(&listed, effects);
        self.panes.retain(|id, _| ours.iter().any(|info| info.id == *id));
        for info in &ours {
            self.meet(info, world, effects);
        }
        self.keep_panes(effects);
        if let Some(window) = self.layout.saw(&listed, &self.canvas) {
            let ask = Command::new("display-message").arg("-p").target(window).arg("#{window_layout}");
            effects.push(Effect::Tmux(vec![ask], Purpose::AskLayout));
        }
        self.changed(world);
        // A training whose pane was closed still has to end, and its end to be written down.
        if ours.is_empty() && !self.canvas.keep && !self.training_lives {
            effects.push(Effect::Stop(if self.found_once { "its last pane is gone".into() } else { "none of its panes is there".into() }));
        }
        if !self.found_once && !ours.is_empty() {
            self.found_once = true;
            // Programs may have ended while nobody looked.
            self.left = Some((0, world.now + LEFT_LOOK));
        }
        if std::mem::take(&mut self.list_again) {
            self.list(effects);
        }
        self.look_at_waits(world);
    }

    /// Other panes of the session are none of our business: tmux is asked not to send their output.
    fn pause_foreign(&mut self, listed: &[PaneInfo], effects: &mut Vec<Effect>) {
        let theirs: BTreeSet<PaneId> = listed
            .iter()
            .filter(|pane| Some(pane.session) == self.session && pane.canvas.as_deref() != Some(self.canvas.id.as_str()))
            .map(|pane| pane.id)
            .collect();
        for pane in theirs.difference(&self.foreign) {
            effects.push(Effect::Tmux(vec![command::pause_pane(*pane)], Purpose::Tell("pause a pane that is not ours")));
        }
        self.foreign = theirs;
    }

    /// Takes note of one of our panes, new or known.
    fn meet(&mut self, info: &PaneInfo, world: &World<'_>, effects: &mut Vec<Effect>) {
        let role = info.role.clone().unwrap_or_default();
        let fresh = !self.panes.contains_key(&info.id);
        let pane = self
            .panes
            .entry(info.id)
            .or_insert_with(|| Pane::new(info.id, role, info.window, info.pid.unwrap_or_default(), info.cols, info.rows));
        pane.window = info.window;
        pane.title = info.title.clone();
        pane.in_mode = info.in_mode;
        let death = info.dead.as_ref().filter(|death| death.is_known()).map(exit);
        let died = pane.dead.is_none() && death.is_some();
        pane.dead = death.or(pane.dead);
        let resized = pane.screen.size() != (info.cols, info.rows);
        if resized {
            // Whatever becomes of it, the seed that follows replaces it.
            let _ = pane.screen.resize(info.cols, info.rows);
        }
        let training = pane.role == "train";
        if !training && death.is_some() && self.revive(info.id, effects) {
            return;
        }
        if fresh && self.found_once {
            self.layout.look_again(world.now);
        }
        if fresh || resized || died {
            self.capture(info.id, Why::Seed, effects);
        }
        if training && fresh && self.fragile {
            self.only_sample(info.id, world, effects);
        }
        if let Some(pid) = info.pid.filter(|_| training && fresh && death.is_none()) {
            self.training_lives = true;
            effects.push(Effect::WatchTraining(pid));
        }
        if training && died {
            self.training_ended(death.unwrap_or_default(), None, world, effects);
        }
    }

    /// A program of ours left. tmux may need a moment to see that its pane is dead, and may have missed it.
    fn look_for_the_dead(&mut self, world: &World<'_>, effects: &mut Vec<Effect>) {
        let Some((looks, _)) = self.left else { return };
        self.left = (looks + 1 < LEFT_LOOKS_MAX).then(|| (looks + 1, world.now + LEFT_LOOK * (2 << looks)));
        effects.push(Effect::Tmux(vec![command::reap()], Purpose::Tell("look for programs that ended")));
        self.list(effects);
    }

    /// Opens the panes of the spec that are not there: a person closed them and wants them back.
    fn open_what_is_missing(&mut self, effects: &mut Vec<Effect>) {
        let by_role = |role: &str| self.panes.values().find(|pane| pane.role == role);
        let Some(beside) = by_role("train").or_else(|| self.panes.values().next()).map(|pane| pane.id) else { return };
        let missing = self.spec.roles().into_iter().filter(|role| *role != "train" && by_role(role).is_none());
        effects.extend(missing.map(|role| Effect::Open(beside, role.to_owned())));
    }

    /// One of og's own programs was killed (a person who quits it closes its pane): it starts again where it stood.
    /// Whether it does.
    fn revive(&mut self, id: PaneId, effects: &mut Vec<Effect>) -> bool {
        let Some(role) = self.panes.get(&id).map(|pane| pane.role.clone()) else { return false };
        let revivals = self.revivals.entry(role.clone()).or_default();
        if *revivals >= REVIVALS_MAX {
            return false;
        }
        *revivals += 1;
        tracing::info!(pane = %id, role, "starting a killed pane again");
        self.panes.remove(&id);
        self.replaced.insert(id);
        effects.push(Effect::Replace(id, role));
        self.list(effects);
        true
    }

    fn keep_panes(&mut self, effects: &mut Vec<Effect>) {
        let panes: Vec<_> = self
            .panes
            .values()
            .map(|pane| crate::canvas::PaneState { role: pane.role.clone(), pane: pane.id.to_string(), pid: pane.pid })
            .collect();
        let window = self.window().map_or(self.canvas.window.clone(), |window| window.to_string());
        let sorted = |mut panes: Vec<crate::canvas::PaneState>| {
            panes.sort_by(|a, b| a.pane.cmp(&b.pane));
            panes
        };
        if sorted(panes.clone()) != sorted(self.canvas.panes.clone()) || window != self.canvas.window {
            self.canvas.panes = panes;
            self.canvas.window = window;
            effects.push(Effect::SaveState(Box::new(self.canvas.clone())));
        }
    }

    /// The window of the canvas: the training's, else the status pane's, else any.
    fn window(&self) -> Option<WindowId> {
        let of = |role: &str| self.panes.values().find(|pane| pane.role == role).map(|pane| pane.window);
        of("train").or_else(|| of("status")).or_else(|| self.panes.values().next().map(|pane| pane.window))
    }

    fn ask_exit(&mut self, world: &World<'_>, effects: &mut Vec<Effect>) {
        let Some((asks, due)) = &mut self.exit_asks else { return };
        *asks += 1;
        *due = world.now + if *asks <= EXIT_ASKS_QUICK { EXIT_ASK_EVERY } else { EXIT_ASK_SLOWLY };
        match self.panes.values().find(|pane| pane.role == "train").map(|pane| pane.id) {
            Some(pane) => {
                // tmux sees the end by itself, but for the times when it does not.
                let nudge = (*asks > 2).then(command::reap);
                effects.push(Effect::Tmux(nudge.into_iter().chain([tmux::ask_pane_command(pane)]).collect(), Purpose::AskExit));
            }
            None => self.training_ended(
                Exit { at: WallTime::new(world.unix), ..Exit::default() },
                Some("its pane is gone".into()),
                world,
                effects,
            ),
        }
    }

    fn on_exit_answer(&mut self, lines: &[Vec<u8>], world: &World<'_>, effects: &mut Vec<Effect>) {
        if self.exit_asks.is_none() {
            return;
        }
        match tmux::parse_panes(lines).first() {
            Some(PaneInfo { dead: Some(death), id, .. }) if death.is_known() => {
                let (exit, id) = (exit(death), *id);
                if let Some(pane) = self.panes.get_mut(&id) {
                    pane.dead = Some(exit);
                }
                self.training_ended(exit, None, world, effects);
                self.capture(id, Why::Seed, effects);
            }
            Some(_) => {}
            None => self.list(effects),
        }
    }

    fn training_ended(&mut self, exit: Exit, reason: Option<String>, world: &World<'_>, effects: &mut Vec<Effect>) {
        self.exit_asks = None;
        self.training_lives = false;
        if self.panes.is_empty() {
            self.list(effects);
        }
        if world.run.is_some_and(|run| run.exit.is_none()) {
            let at = exact(exit.at, self.gone_unix, world.run.and_then(RunPicture::started_at));
            effects.push(Effect::RecordExit(Exit { at, ..exit }, reason));
        }
        self.last_words = Some(world.now + LAST_WORDS);
        self.changed(world);
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

/// The pane of a canvas in whose session its controller belongs: the training's, else the first.
pub fn home<'a>(listed: &'a [PaneInfo], canvas: &str) -> Option<&'a PaneInfo> {
    let mut ours = listed.iter().filter(|pane| pane.canvas.as_deref() == Some(canvas));
    let first = ours.clone().next();
    ours.find(|pane| pane.role.as_deref() == Some("train")).or(first)
}

fn exit(death: &Death) -> Exit {
    // With a signal, the status is an artefact of how tmux keeps both.
    let code = death.status.filter(|_| death.signal.is_none());
    Exit { code, signal: death.signal, at: death.time_unix_s.and_then(|secs| WallTime::new(secs as f64)) }
}

/// When the training ended: tmux tells whole seconds, the kernel told us at once, and no run ends before it starts.
fn exact(told: Option<WallTime>, seen_unix: Option<f64>, started: Option<WallTime>) -> Option<WallTime> {
    /// Farther apart, we were not there when it happened.
    const NEAR_SECS: f64 = 3.0;
    let seen = seen_unix.filter(|seen| told.is_none_or(|told| (seen - told.secs()).abs() < NEAR_SECS));
    let at = seen.or(told.map(WallTime::secs))?;
    WallTime::new(started.map_or(at, |started| at.max(started.secs())))
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
