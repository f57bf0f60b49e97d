//! Which panes there are: found, followed, kept, started again, opened and closed.

use super::{Effect, Purpose, State, World, run::exit};
use crate::{
    controller::pane::{Pane, Why},
    ipc::wire::Response,
    tmux::{self, Command, PaneId, PaneInfo, SessionId, WindowId, command},
};
use std::{collections::BTreeSet, time::Duration};

/// When one of og's own programs left, tmux is looked at so soon, then after twice the time, and so many times.
pub(super) const LEFT_LOOK: Duration = Duration::from_millis(10);
pub(super) const LEFT_LOOKS_MAX: u32 = 7;
/// Times that the pane of a role is started again: more means that its program cannot run here.
const REVIVALS_MAX: u32 = 5;

impl State {
    /// Asks for the panes; one question at a time, and once more when something happened meanwhile.
    pub(super) fn list(&mut self, effects: &mut Vec<Effect>) {
        self.list_again = self.listing;
        if !self.listing {
            self.listing = true;
            effects.push(Effect::Tmux(vec![tmux::list_panes_command()], Purpose::List));
        }
    }

    pub(super) fn on_list(&mut self, lines: &[Vec<u8>], world: &World<'_>, effects: &mut Vec<Effect>) {
        self.listing = false;
        let listed = tmux::parse_panes(lines);
        let is_ours = |pane: &&PaneInfo| pane.canvas.as_deref() == Some(self.canvas.id.as_str()) && !self.replaced.contains(&pane.id);
        let ours: Vec<&PaneInfo> = listed.iter().filter(is_ours).collect();
        if let Some(home) = home(&listed, &self.canvas.id, Some(self.session)) {
            if home.session != self.session {
                effects.push(Effect::Follow);
            }
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
        if ours.is_empty() && (!self.canvas.keep || self.canvas.closed) && !self.training_lives {
            effects.push(Effect::Stop(if self.found_once { "its last pane is gone".into() } else { "none of its panes is there".into() }));
        }
        if !self.found_once && !ours.is_empty() {
            self.found_once = true;
            // Programs may have ended while nobody looked.
            self.left = Some((0, world.now + LEFT_LOOK));
        }
        match std::mem::take(&mut self.list_again) {
            true => self.list(effects),
            // What was asked for before this list is in it, or failed.
            false => self.opening.clear(),
        }
        self.look_at_waits(world);
    }

    /// Other panes of the session are none of our business: tmux is asked not to send their output.
    fn pause_foreign(&mut self, listed: &[PaneInfo], effects: &mut Vec<Effect>) {
        let theirs: BTreeSet<PaneId> = listed
            .iter()
            .filter(|pane| pane.session == self.session && pane.canvas.as_deref() != Some(self.canvas.id.as_str()))
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
        // Above whatever a controller before us, or a pane that this one stands in for, came to: milliseconds pass faster than
        // frames, and an exact number in JSON has room for 285,000 years of them.
        let seq = (world.unix * 1000.0) as u64;
        let pane = self
            .panes
            .entry(info.id)
            .or_insert_with(|| Pane::new(info.id, role, info.window, info.pid.unwrap_or_default(), (info.cols, info.rows), seq));
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
            pane.unsure = true;
        }
        let training = pane.role == "train";
        if !training && death.is_some() && !self.canvas.closed && self.revive(info.id, effects) {
            return;
        }
        if fresh && self.found_once {
            self.layout.look_again(world.now);
        }
        if fresh || resized || died {
            self.capture(info.id, Why::Seed, effects);
        }
        if fresh && !training {
            // What it has drawn so far was not seen.
            self.push("refresh", Response::Redraw { number: self.refreshes });
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
    pub(super) fn look_for_the_dead(&mut self, world: &World<'_>, effects: &mut Vec<Effect>) {
        let Some((looks, _)) = self.left else { return };
        self.left = (looks + 1 < LEFT_LOOKS_MAX).then(|| (looks + 1, world.now + LEFT_LOOK * (2 << looks)));
        effects.push(Effect::Tmux(vec![command::reap()], Purpose::Tell("look for programs that ended")));
        self.list(effects);
    }

    fn open_what_is_missing(&mut self, effects: &mut Vec<Effect>) {
        let by_role = |role: &str| self.panes.values().find(|pane| pane.role == role);
        let Some(beside) = by_role("train").or_else(|| self.panes.values().next()).map(|pane| pane.id) else { return };
        let is_missing = |role: &&str| *role != "train" && by_role(role).is_none() && !self.opening.contains(*role);
        let missing: Vec<String> = self.spec.roles().into_iter().filter(is_missing).map(str::to_owned).collect();
        self.opening.extend(missing.iter().cloned());
        effects.extend(missing.into_iter().map(|role| Effect::Open(beside, role)));
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
        self.opening.insert(role.clone());
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

    /// Opens a canvas that was closed, and panes of the spec that are not there: a person closed them and wants them back.
    pub(super) fn reopen(&mut self, effects: &mut Vec<Effect>) {
        if std::mem::take(&mut self.canvas.closed) {
            effects.push(Effect::SaveState(Box::new(self.canvas.clone())));
        }
        self.open_what_is_missing(effects);
    }

    /// The training of a canvas that was closed has ended, and all that it printed is written: its pane closes, as any other
    /// does when its program ends.
    pub(super) fn close_the_closed(&self, effects: &mut Vec<Effect>) {
        // While it is not written down how it ended, the pane is what tells it.
        let close = self.canvas.closed && !self.unrecorded;
        let train = self.panes.values().filter(|pane| close && pane.role == "train" && pane.dead.is_some());
        effects.extend(train.map(|pane| Effect::Close(pane.id)));
    }
}

/// The pane of a canvas in whose session its controller belongs: the training's, else the first. A window that is linked
/// into several sessions is listed with each; the one that the controller is `in_session` already goes first.
pub fn home<'a>(listed: &'a [PaneInfo], canvas: &str, in_session: Option<SessionId>) -> Option<&'a PaneInfo> {
    let ours = listed.iter().filter(|pane| pane.canvas.as_deref() == Some(canvas));
    ours.min_by_key(|pane| (pane.role.as_deref() != Some("train"), Some(pane.session) != in_session))
}
