//! The run and the training: what its files say, how it ends, whether its log grows.

use super::{Effect, Purpose, State, World};
use crate::{
    controller::{log::Found, pane::Why},
    ipc::wire::Response,
    model::{Exit, WallTime},
    store::RunPicture,
    tmux::{self, Death, PaneInfo, command},
};
use std::time::Duration;

/// After the training ended, its last lines may still be on their way to the files; conditions on metrics
/// are given up only after this.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(250);
/// What is complained about as the log.
const LOG: &str = "stdout.log";
/// Less room than this is none: what is written at once must fit.
const ROOM_BYTES_MIN: u64 = 64 << 10;
/// tmux reaps a pane's process a moment after the kernel does; it is asked again so often and so long.
const EXIT_ASK_EVERY: Duration = Duration::from_millis(10);
const EXIT_ASKS_QUICK: u32 = 100;
const EXIT_ASK_SLOWLY: Duration = Duration::from_millis(500);

impl State {
    pub(super) fn on_run(&mut self, world: &World<'_>) {
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

    pub(super) fn on_log(&mut self, bytes: u64, room: Option<u64>, world: &World<'_>, effects: &mut Vec<Effect>) {
        match self.log.looked(bytes, world.now) {
            Some(Found::Stuck) => {
                let why = match room {
                    Some(room) if room < ROOM_BYTES_MIN => "the disk is full: what the training prints is lost until there is room",
                    _ => "it does not grow though the training prints: is its logger (tmux's pipe-pane) gone?",
                };
                tracing::warn!(why, "the log does not grow");
                self.complain(LOG, why.to_owned());
            }
            Some(Found::Grows(after)) => {
                tracing::info!(secs = after.as_secs(), "the log grows again");
                self.resolve(LOG);
                effects.push(Effect::Note(format!("stdout.log has a hole: it could not grow for {} s", after.as_secs())));
            }
            None => {}
        }
    }

    pub(super) fn ask_exit(&mut self, world: &World<'_>, effects: &mut Vec<Effect>) {
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

    pub(super) fn on_exit_answer(&mut self, lines: &[Vec<u8>], world: &World<'_>, effects: &mut Vec<Effect>) {
        let Some((asks, _)) = self.exit_asks else { return };
        // Before 3.3 tmux did not keep by which signal a program ended: it is asked no longer than it may be late.
        let mute = self.fragile && asks > EXIT_ASKS_QUICK;
        match tmux::parse_panes(lines).first() {
            Some(PaneInfo { dead: Some(death), id, .. }) if death.is_known() || mute => {
                let (exit, id) = (exit(death), *id);
                if let Some(pane) = self.panes.get_mut(&id) {
                    pane.dead = Some(exit);
                }
                let reason = (!death.is_known()).then(|| "tmux before 3.3 does not tell signals".to_owned());
                self.training_ended(exit, reason, world, effects);
                self.capture(id, Why::Seed, effects);
            }
            Some(_) => {}
            None => self.list(effects),
        }
    }

    pub(super) fn training_ended(&mut self, exit: Exit, reason: Option<String>, world: &World<'_>, effects: &mut Vec<Effect>) {
        self.exit_asks = None;
        self.training_lives = false;
        if self.panes.is_empty() {
            self.list(effects);
        }
        if world.run.is_some_and(|run| run.exit.is_none()) {
            let at = exact(exit.at, self.gone_unix, world.run.and_then(RunPicture::started_at));
            self.unrecorded = true;
            effects.push(Effect::RecordExit(Exit { at, ..exit }, reason));
        }
        self.last_words = Some(world.now + LAST_WORDS);
        self.changed(world);
    }
}

pub(super) fn exit(death: &Death) -> Exit {
    // With a signal, the status is an artefact of how tmux keeps both.
    let code = death.status.filter(|_| death.signal.is_none());
    Exit { code, signal: death.signal, at: death.time_unix_s.and_then(|secs| WallTime::new(secs as f64)), verdict: None }
}

/// When the training ended: tmux tells whole seconds, the kernel told us at once, and no run ends before it starts.
pub(super) fn exact(told: Option<WallTime>, seen_unix: Option<f64>, started: Option<WallTime>) -> Option<WallTime> {
    /// Farther apart, we were not there when it happened.
    const NEAR_SECS: f64 = 3.0;
    let seen = seen_unix.filter(|seen| told.is_none_or(|told| (seen - told.secs()).abs() < NEAR_SECS));
    let at = seen.or(told.map(WallTime::secs))?;
    WallTime::new(started.map_or(at, |started| at.max(started.secs())))
}
