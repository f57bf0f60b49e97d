//! Output, frames, captures, waits: how the state keeps screens true.

use super::{Effect, Pending, Purpose, State, World};
use crate::{
    controller::{
        pane::{Flow, Pane, Why},
        view,
        wait::{Sight, Verdict, Wait},
    },
    ipc::{
        io::PeerId,
        wire::{Outcome, Response, RowView, Shown},
    },
    query::Condition,
    term::Fed,
    tmux::{
        PaneId, capture, command,
        control::{Event as Notice, Reply as Answer},
    },
};
use regex::Regex;
use std::time::Instant;

impl State {
    pub(super) fn on_output(&mut self, id: PaneId, bytes: &[u8], world: &World<'_>, effects: &mut Vec<Effect>) {
        let wanted = self.waits.iter().any(|pending| pending.wait.pane == id && pending.wait.wants_frames());
        let Some(pane) = self.panes.get_mut(&id) else { return };
        if pane.role == "train" {
            self.log.printed(world.now);
        }
        if pane.flow != Flow::Following {
            return;
        }
        if pane.floods(bytes, world.now) {
            return self.start_sampling(id, world, effects);
        }
        let fed = pane.screen.feed(bytes, world.now);
        // Before the first seed nothing but notes is taken from it.
        if !pane.seeded {
            return self.take_note(id, world);
        }
        pane.plan_audit(world.now);
        if fed == Fed::Lost {
            tracing::warn!(pane = %id, "the emulator panicked; taking the screen from tmux");
            self.shown.remove(&pane.role);
            return self.capture(id, Why::Seed, effects);
        }
        let whole = !pane.screen.mid_frame();
        self.take_note(id, world);
        if wanted && whole {
            self.end_frame(id, world);
            self.look_at_waits(world);
        }
    }

    pub(super) fn on_lost(&mut self, id: PaneId, world: &World<'_>, effects: &mut Vec<Effect>) {
        if self.panes.get(&id).is_some_and(|pane| pane.flow == Flow::Following) {
            self.start_sampling(id, world, effects);
        }
    }

    /// From the first on this pane is never followed.
    pub(super) fn only_sample(&mut self, id: PaneId, world: &World<'_>, effects: &mut Vec<Effect>) {
        if let Some(pane) = self.panes.get_mut(&id) {
            pane.only_sampled = true;
            self.start_sampling(id, world, effects);
        }
    }

    fn start_sampling(&mut self, id: PaneId, world: &World<'_>, effects: &mut Vec<Effect>) {
        let Some(pane) = self.panes.get_mut(&id) else { return };
        pane.sample(world.now);
        // Its notes do not come any more.
        self.shown.remove(&pane.role);
        effects.push(Effect::Tmux(vec![command::pause_pane(id)], Purpose::Tell("pause a flooded pane")));
        self.tell_sampling();
    }

    /// One of og's own programs says with a frame what it shows.
    fn take_note(&mut self, id: PaneId, world: &World<'_>) {
        let Some(pane) = self.panes.get_mut(&id) else { return };
        let Some(note) = pane.screen.take_note().filter(|_| pane.role != "train") else { return };
        match serde_json::from_slice::<Shown>(&note) {
            Ok(shown) if shown.role == pane.role => self.on_shown(shown, world),
            Ok(_) => {}
            Err(error) => tracing::warn!(pane = %id, %error, "a pane says what it shows in words that mean nothing"),
        }
    }

    fn tell_sampling(&mut self) {
        let sampling = self.panes.values().any(|pane| pane.flow != Flow::Following);
        if sampling != self.health.sampling {
            self.health.sampling = sampling;
            self.push_health();
        }
    }

    pub(super) fn on_notice(&mut self, notice: Notice, world: &World<'_>, effects: &mut Vec<Effect>) {
        match notice {
            // Our own pause answers itself; tmux's says that we fell behind: go on from what is there now.
            Notice::Paused(id) => {
                if self.panes.get(&id).is_some_and(|pane| pane.flow == Flow::Following) {
                    effects.push(Effect::Tmux(vec![command::continue_pane(id)], Purpose::Tell("go on after a pause")));
                    self.capture(id, Why::Seed, effects);
                }
            }
            Notice::LayoutChange { window, layout, flags, .. } => {
                self.layout.changed(window, &layout, &flags, world.now);
                self.list(effects);
            }
            Notice::Continued(_) | Notice::Other(_) => {}
            _ => self.list(effects),
        }
    }

    /// Takes a pane's screen from tmux, one capture at a time.
    pub(super) fn capture(&mut self, id: PaneId, why: Why, effects: &mut Vec<Effect>) {
        let Some(pane) = self.panes.get_mut(&id) else { return };
        if pane.capturing && why != Why::Seed {
            return;
        }
        pane.capturing = true;
        effects.push(Effect::Tmux(capture::commands(id, &self.secret), Purpose::Capture(id, why)));
    }

    pub(super) fn capture_what_is_due(&mut self, world: &World<'_>, effects: &mut Vec<Effect>) {
        let due: Vec<(PaneId, Why)> = self.panes.values_mut().filter_map(|pane| Some((pane.id, pane.capture_due(world.now)?))).collect();
        for (id, why) in due {
            self.capture(id, why, effects);
        }
    }

    pub(super) fn on_capture(&mut self, id: PaneId, why: Why, answers: &[Answer], world: &World<'_>, effects: &mut Vec<Effect>) {
        let Some(pane) = self.panes.get_mut(&id) else { return };
        pane.capturing = false;
        let capture = match capture::parse(answers) {
            Ok(capture) => capture,
            Err(error) => {
                tracing::warn!(pane = %id, %error, "cannot take a screen from tmux");
                return self.list(effects);
            }
        };
        pane.in_mode = capture.in_mode;
        if pane.screen.size() != (capture.seed.cols, capture.seed.rows) {
            let _ = pane.screen.resize(capture.seed.cols, capture.seed.rows);
        }
        match why {
            Why::Audit => {
                let drifted = pane.flow == Flow::Following && pane.screen.differs_from(&capture.seed);
                pane.audited(!drifted);
                if drifted {
                    tracing::info!(pane = %id, role = pane.role, "the emulator differed from tmux's screen");
                    pane.screen.seed(&capture.seed, world.now);
                    self.health.drift += 1;
                }
            }
            Why::Seed | Why::Sample => {
                pane.screen.seed(&capture.seed, world.now);
                (pane.seeded, pane.unsure) = (true, false);
                self.health.resyncs += u64::from(why == Why::Seed);
            }
        }
        // A check may come in the middle of a frame, which is nobody's business yet.
        if self.panes.get(&id).is_some_and(|pane| !pane.screen.mid_frame()) {
            self.end_frame(id, world);
        }
        if why == Why::Sample && self.panes.get_mut(&id).is_some_and(|pane| pane.sampled(world.now)) {
            effects.push(Effect::Tmux(vec![command::continue_pane(id)], Purpose::Tell("follow a pane again")));
            self.capture(id, Why::Seed, effects);
            self.tell_sampling();
            self.push("refresh", Response::Redraw { number: self.refreshes });
        }
        self.look_at_waits(world);
    }

    /// Ends the frames whose time has come.
    pub(super) fn end_frames(&mut self, world: &World<'_>) {
        let due: Vec<PaneId> =
            self.panes.values().filter(|pane| pane.screen.due().is_some_and(|due| world.now >= due)).map(|pane| pane.id).collect();
        for id in due {
            self.end_frame(id, world);
        }
    }

    /// Ends the frame at hand of a pane: what is on its screen now is what an agent is told.
    pub(super) fn end_frame(&mut self, id: PaneId, world: &World<'_>) {
        let Some(pane) = self.panes.get_mut(&id) else { return };
        if pane.screen.settle(world.unix).is_some() {
            pane.changed_at = Some(world.now);
            if pane.role == "train" && pane.flow != Flow::Following {
                self.log.printed(world.now);
            }
            self.changed(world);
        }
        self.take_note(id, world);
    }

    /// Begins a wait, or answers it at once when it holds already.
    pub(super) fn begin_wait(&mut self, peer: PeerId, id: u64, wait: Wait, at_entry: bool, world: &World<'_>) {
        if let Some(Some(verdict)) = self.sight(&wait, world, |sight| wait.look(sight, world.now, at_entry)) {
            return self.finish_wait(&Pending { peer, id, wait }, &verdict, world);
        }
        self.waits.push(Pending { peer, id, wait });
    }

    pub(super) fn look_at_waits(&mut self, world: &World<'_>) {
        if self.waits.is_empty() {
            return;
        }
        let waits = std::mem::take(&mut self.waits);
        for pending in waits {
            match self.sight(&pending.wait, world, |sight| pending.wait.look(sight, world.now, false)) {
                Some(Some(verdict)) => self.finish_wait(&pending, &verdict, world),
                Some(None) => self.waits.push(pending),
                // Its program ended with it.
                None => self.finish_wait(&pending, &pending.wait.closed(), world),
            }
        }
    }

    fn finish_wait(&self, pending: &Pending, verdict: &Verdict, world: &World<'_>) {
        let outcome = self.outcome(pending.wait.pane, pending.wait.entry_seq, pending.wait.started, world);
        let outcome = Outcome {
            outcome: verdict.outcome.into(),
            condition: verdict.condition.clone(),
            evidence: verdict.evidence.clone(),
            note: world.run.filter(|_| verdict.condition.is_none()).and_then(|run| view::unknown(pending.wait.metrics(), run)),
            effective_timeout: pending.wait.timeout.as_millis() as u64,
            ..outcome
        };
        self.reply(pending.peer, pending.id, Response::Outcome(Box::new(outcome)));
    }

    /// The part of an outcome that every call has: the pane and the run as they are now.
    pub(super) fn outcome(&self, id: PaneId, entry_seq: u64, started: Instant, world: &World<'_>) -> Outcome {
        let exit = world.run.and_then(|run| run.exit);
        let pane = self.panes.get(&id);
        Outcome {
            pane: pane.map_or(id.to_string(), |pane| pane.role.clone()),
            seq: pane.map_or(0, |pane| pane.screen.seq()),
            hash: pane.map_or(String::new(), |pane| view::hash(pane.screen.hash())),
            changed_rows: pane
                .map_or(vec![], |pane| pane.screen.changed_since(entry_seq).into_iter().map(|(row, text)| RowView { row, text }).collect()),
            step: world.run.and_then(|run| run.step()).map(|step| step.0),
            state: world.run.and_then(|run| run.known_state()).map(|state| state.as_str().into()),
            exit_code: exit.and_then(|exit| exit.code),
            signal: exit.and_then(|exit| exit.signal),
            elapsed_ms: world.now.duration_since(started).as_secs_f64() * 1e3,
            ..Outcome::default()
        }
    }

    /// Shows a wait what it looks at; `None` when its pane is gone.
    pub(super) fn sight<T>(&self, wait: &Wait, world: &World<'_>, look: impl FnOnce(&Sight<'_>) -> T) -> Option<T> {
        let pane = self.panes.get(&wait.pane)?;
        let over = self.run_over || (world.run.is_some_and(|run| run.state().is_over()) && self.last_words.is_none());
        // The training has ended once the run says so too: whoever waited for it is told how.
        let run_ended = world.run.is_none_or(|run| run.state().is_over());
        let ended_of = |pane: &Pane| pane.dead.is_some() && (pane.role != "train" || run_ended);
        let training = self.panes.values().find(|pane| pane.role == "train");
        let ended = ended_of(pane);
        let exited = match training {
            _ if wait.named => ended,
            Some(training) => ended_of(training),
            None => world.run.is_some() && run_ended,
        };
        let metric = |condition: &Condition| world.run.and_then(|run| view::evaluate(condition, run));
        let find = |pattern: &Regex| pane.screen.rows().into_iter().find(|row| pattern.is_match(row));
        Some(look(&Sight {
            find: &find,
            seq: pane.screen.seq(),
            changed_at: pane.changed_at,
            ended,
            exited,
            run_over: over,
            metric: &metric,
        }))
    }
}
