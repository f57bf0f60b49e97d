//! What peers ask, and the answers.

use super::{Asked, Effect, Peer, Purpose, SET_MAX, Setting, State, TELL_LATER, World, error, panes::LEFT_LOOK, say};
use crate::{
    controller::{
        pane::{Pane, Why},
        view,
        wait::{self, Check, Wait},
    },
    ipc::{
        io::{FromPeer, PeerId},
        wire::{
            self, Call, Dimensions, Format, HighlightView, Outcome, PaneView, Reply, Request, Response, RowView, RunInfoView, Shown,
            SystemView, Until, ViewState,
        },
    },
    term::{
        Highlight, Region, RegionError,
        keys::{self, Input},
    },
    tmux::{
        PaneId,
        command::{self, Send},
    },
};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, time::Duration};

/// Waits that may be under way at once: an agent has a few, more is a loop gone wrong.
const WAITS_MAX: usize = 256;
/// Peers at once.
const PEERS_MAX: usize = 128;
/// Keys in one call; more is text, and text has its own way.
const KEYS_MAX: usize = 10_000;
/// Escape for og's own panes, as no other key can begin (kitty's keyboard protocol).
const ESCAPE: &str = "\x1b[27u";

impl State {
    pub(super) fn on_peer(&mut self, from: FromPeer, world: &World<'_>, effects: &mut Vec<Effect>) {
        match from {
            FromPeer::Came(_, _) if self.peers.len() >= PEERS_MAX => tracing::warn!("too many peers"),
            FromPeer::Came(id, tell) => {
                let peer = Peer { tell, events: BTreeSet::new(), role: None };
                let response = Response::Ready { v: wire::VERSION, scenario: self.canvas.scenario.clone() };
                say(&peer, &Reply { id: 0, response });
                self.peers.insert(id, peer);
            }
            FromPeer::Left(id) => {
                let role = self.peers.remove(&id).and_then(|peer| peer.role);
                if role.is_some() {
                    // One of og's own programs is gone; tmux sees it a moment later.
                    self.left = Some((0, world.now + LEFT_LOOK));
                    self.list(effects);
                }
                self.waits.retain(|pending| pending.peer != id);
                self.sends.retain(|asked| asked.peer != id);
                self.settings.retain(|setting| setting.peer != id);
            }
            FromPeer::Garbled(peer, id, why) => {
                self.reply(
                    peer,
                    id,
                    error(
                        "bad_message",
                        format!("this is no message: {why}"),
                        Some("one JSON object a line: {\"id\":1,\"type\":\"ping\"}"),
                    ),
                );
            }
            FromPeer::Asked(id, call) => self.on_call(id, call, world, effects),
        }
    }

    fn on_call(&mut self, peer: PeerId, Call { id, request }: Call, world: &World<'_>, effects: &mut Vec<Effect>) {
        let answer = match request {
            Request::Ping => Response::Pong { v: wire::VERSION, pid: self.health.controller_pid },
            Request::GetViewState { pane, since, format, region, lines_max } => {
                self.end_all_frames(world);
                self.view(pane.as_deref(), since, format, region.as_deref(), lines_max, world).unwrap_or_else(|error| error)
            }
            Request::Panes => {
                self.end_all_frames(world);
                Response::Panes { panes: self.pane_views() }
            }
            Request::SendKeys { pane, keys, text, paste, expect_seq, wait, timeout_ms } => {
                let asked = Keys { pane, keys, text, paste, expect_seq, wait, timeout_ms };
                match self.send(peer, id, asked, world, effects) {
                    Ok(()) => return,
                    Err(error) => error,
                }
            }
            Request::WaitFor { pane, until, stop, timeout_ms } => {
                match self.wait_for(pane.as_deref(), &until, stop.as_deref(), timeout_ms, world) {
                    Ok(wait) => return self.begin_wait(peer, id, wait, true, world),
                    Err(error) => error,
                }
            }
            Request::Refresh if self.panes.is_empty() && !self.listing => {
                let run = self.canvas.run_id.clone().or_else(|| self.canvas.run.as_ref().map(|run| run.display().to_string()));
                let hint = format!("look at its run anew: `og canvas spawn review --run {}`", run.unwrap_or_else(|| "RUN".into()));
                error("no_pane", format!("canvas {} has no pane left beside which others can open", self.canvas.name), Some(&hint))
            }
            Request::Refresh => {
                self.refreshes += 1;
                let panes: Vec<PaneId> = self.panes.keys().copied().collect();
                panes.into_iter().for_each(|pane| self.capture(pane, Why::Seed, effects));
                self.reopen(effects);
                self.push("refresh", Response::Redraw { number: self.refreshes });
                self.list(effects);
                Response::Done
            }
            // Whoever is bound by it may not loosen it: a person edits the file.
            Request::Update { config } if config.get("agent").is_some() => error(
                "not_allowed",
                "what an agent may do is not changed by a message",
                Some("a person edits \"agent\" in the canvas's canvas.json"),
            ),
            // What is in use is not what the person wrote, and must not be written over it.
            Request::Update { .. } if self.errors.contains_key("spec") => error(
                "bad_spec",
                format!("canvas.json cannot be used ({}), so nothing is changed in it", self.errors["spec"]),
                Some("a person mends the file first"),
            ),
            Request::Update { config } => match self.spec.with(config.as_object().cloned().unwrap_or_default()) {
                Ok(spec) => {
                    self.on_spec(Ok(spec.clone()));
                    effects.push(Effect::SaveSpec(Box::new(spec)));
                    Response::Done
                }
                Err(why) => error("bad_config", why.to_string(), why.hint().as_deref()),
            },
            Request::SetView { patch } => match self.set_view(peer, id, patch, world) {
                Ok(()) => return,
                Err(error) => error,
            },
            Request::Shown(shown) => {
                self.on_shown(*shown, world);
                Response::Done
            }
            Request::Subscribe { events, role } => {
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.events = events.into_iter().collect();
                    peer.role = role;
                    // It may have been asked for before it was there.
                    let asked = self.settings.iter().filter(|_| peer.events.contains("setView"));
                    asked.for_each(|setting| say(peer, &setting.told()));
                }
                self.reply(peer, id, Response::Done);
                return self.reply(peer, 0, Response::Health(Box::new(self.health.clone())));
            }
            Request::Close => {
                effects.push(Effect::Stop("it was asked to end".into()));
                Response::Done
            }
            Request::Closed => {
                self.canvas.closed = true;
                effects.push(Effect::SaveState(Box::new(self.canvas.clone())));
                Response::Done
            }
            Request::Unknown => error(
                "unknown_type",
                "this controller does not know that request",
                Some("`og canvas restart` starts the controller of the og that is installed now"),
            ),
        };
        self.reply(peer, id, answer);
    }

    /// Tells the graph pane what to show; its next drawing is the answer.
    fn set_view(&mut self, peer: PeerId, id: u64, patch: Map<String, Value>, world: &World<'_>) -> Result<(), Response> {
        const GRAPH: &str = "graph";
        if patch.is_empty() {
            return Err(error("nothing_to_set", "there is nothing to set", Some("name what to set: `og set tab=logs`")));
        }
        if !self.spec.agent.may_send.iter().any(|role| role == GRAPH) {
            let hint = "a person allows it with \"graph\" in \"may_send\" under \"agent\" in the canvas's canvas.json";
            return Err(error("not_allowed", "this canvas does not let its graph pane be set", Some(hint)));
        }
        let listens = |peer: &Peer| peer.role.as_deref() == Some(GRAPH) && peer.events.contains("setView");
        // One that was opened just now listens in a moment.
        if !self.peers.values().any(listens) && !self.panes.values().any(|pane| pane.role == GRAPH && pane.dead.is_none()) {
            let hint = "`og panes` shows which panes are there; `og refresh` opens og's panes that were closed";
            return Err(error("no_graph", "no graph pane listens", Some(hint)));
        }
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let words: Vec<String> = patch.iter().take(4).map(|(name, value)| format!("{name}={}", word(value))).collect();
        self.health.agent_last = Some((format!("set {}", words.join(" ")), view::iso(world.unix)));
        self.health_due.get_or_insert(world.now + TELL_LATER);
        self.set += 1;
        let setting = Setting { peer, id, number: self.set, patch, due: world.now + SET_MAX };
        self.push("setView", setting.told().response);
        self.settings.push(setting);
        Ok(())
    }

    fn answer_settings(&mut self, shown: &Shown) {
        let Some(graph) = &shown.graph else { return };
        for setting in self.settings.extract_if(.., |setting| setting.number <= shown.set).collect::<Vec<_>>() {
            // What was refused belongs to the last one.
            let answer = match shown.refused.as_slice() {
                refused @ [_, ..] if setting.number == shown.set => error(
                    "not_set",
                    refused.join("; "),
                    Some("what else was named is set; `og viewstate --json | jq .graph` shows the names"),
                ),
                _ => Response::Graph { graph: Box::new(graph.clone()), visible_metrics: shown.visible_metrics.clone() },
            };
            self.reply(setting.peer, setting.id, answer);
        }
    }

    pub(super) fn give_up_settings(&mut self, world: &World<'_>) {
        for setting in self.settings.extract_if(.., |setting| setting.due <= world.now).collect::<Vec<_>>() {
            let hint = "look at it: `og viewstate graph --screen`; `og refresh` draws it anew";
            self.reply(setting.peer, setting.id, error("no_answer", "the graph pane does not say that it drew this", Some(hint)));
        }
    }

    pub(super) fn on_shown(&mut self, shown: Shown, world: &World<'_>) {
        self.answer_settings(&shown);
        if self.shown.get(&shown.role) != Some(&shown) {
            self.shown.insert(shown.role.clone(), shown);
            self.changed(world);
        }
    }

    fn end_all_frames(&mut self, world: &World<'_>) {
        let open: Vec<PaneId> =
            self.panes.values().filter(|pane| pane.screen.due().is_some() && !pane.screen.mid_frame()).map(|pane| pane.id).collect();
        for id in open {
            self.end_frame(id, world);
        }
    }

    /// The pane that a name means: a role or an id; the graph pane, else the first, when there is no name.
    fn pane(&self, name: Option<&str>) -> Result<&Pane, Response> {
        let by_role = |role: &str| self.panes.values().find(|pane| pane.role == role);
        let found = match name {
            None => by_role("graph").or_else(|| by_role("train")).or_else(|| self.panes.values().next()),
            Some(name) => by_role(name).or_else(|| self.panes.values().find(|pane| pane.id.to_string() == name)),
        };
        found.ok_or_else(|| {
            let there: Vec<String> = self.sorted_panes().iter().map(|pane| format!("{} ({})", pane.role, pane.id)).collect();
            let name = name.unwrap_or("graph");
            let mut hint = if there.is_empty() { "none is open".into() } else { format!("its panes: {}", there.join(", ")) };
            if name != "train" && self.spec.roles().contains(&name) {
                hint.push_str("; `og refresh` opens og's panes that were closed");
            }
            error("unknown_pane", format!("canvas {} has no pane {name:?}", self.canvas.name), Some(&hint))
        })
    }

    fn sorted_panes(&self) -> Vec<&Pane> {
        let mut panes: Vec<&Pane> = self.panes.values().collect();
        let rank = |role: &str| ["train", "graph", "status"].iter().position(|known| *known == role).unwrap_or(3);
        panes.sort_by_key(|pane| (rank(&pane.role), pane.id));
        panes
    }

    fn pane_views(&self) -> Vec<PaneView> {
        self.sorted_panes().into_iter().map(|pane| self.pane_view(pane)).collect()
    }

    fn pane_view(&self, pane: &Pane) -> PaneView {
        view::pane(pane, self.spec.agent.may_send.contains(&pane.role))
    }

    fn view(
        &self,
        name: Option<&str>,
        since: Option<u64>,
        format: Format,
        region: Option<&str>,
        lines_max: Option<u32>,
        world: &World<'_>,
    ) -> Result<Response, Response> {
        let region: Region = region.unwrap_or_default().parse().map_err(|why: RegionError| error("bad_region", why.to_string(), None))?;
        let shown = match format {
            // The view state is about the graph pane; where that was closed, no other pane stands in for it.
            Format::Structure | Format::Full if name.is_none() => self.panes.values().find(|pane| pane.role == "graph"),
            _ => Some(self.pane(name)?),
        };
        let screen = |pane: &Pane| {
            let mut seen = self.pane_view(pane);
            // tmux writes into the last row of a dead pane that it is dead; the last lines that are wanted are the program's.
            let region = match region {
                Region::Whole if pane.dead.is_some() && lines_max.is_some() => Region::Rows(0, pane.screen.size().1.saturating_sub(2)),
                other => other,
            };
            let snapshot = pane.screen.snapshot(region, lines_max.map(|n| n as usize));
            seen.highlights = snapshot.highlights.iter().map(highlight).collect();
            seen.snapshot = Some(snapshot.text);
            if let Some(seq) = since {
                let changed = pane.screen.changed_in(region, seq);
                let mut rows = changed.as_slice();
                if let Some(wanted) = lines_max {
                    // As of a whole screen: the last ones that say something.
                    while let [above @ .., (_, blank)] = rows
                        && blank.is_empty()
                    {
                        rows = above;
                    }
                    rows = &rows[rows.len().saturating_sub(wanted as usize)..];
                }
                seen.changed_rows_left_out = (changed.len() - rows.len()) as u32;
                seen.changed_rows = Some(rows.iter().map(|(row, text)| RowView { row: *row, text: text.clone() }).collect());
                seen.snapshot = None;
            }
            seen
        };
        if format == Format::Screen {
            let pane = shown.ok_or_else(|| error("no_pane", "this canvas has no pane", Some("`og canvas list` shows what is there")))?;
            return Ok(Response::Screen { pane: Box::new(screen(pane)) });
        }
        let mut data = self.view_state(world);
        if let Some(pane) = shown {
            data.terminal_dimensions = Some(Dimensions { cols: pane.screen.size().0, rows: pane.screen.size().1 });
            if format == Format::Full {
                let seen = screen(pane);
                data.terminal_snapshot = seen.snapshot.clone();
                let own = data.panes.iter_mut().find(|view| view.pane_id == seen.pane_id);
                if let Some(own) = own {
                    *own = PaneView { snapshot: None, ..seen };
                }
            }
        }
        Ok(Response::ViewState { data: Box::new(data) })
    }

    fn view_state(&self, world: &World<'_>) -> ViewState {
        let graph = self.panes.values().find(|pane| pane.role == "graph" && pane.dead.is_none() && !pane.unsure);
        let fits = |size: &Dimensions, pane: &Pane| (size.cols, size.rows) == pane.screen.size();
        let shown =
            self.shown.get("graph").filter(|shown| graph.is_some_and(|pane| shown.size.as_ref().is_none_or(|size| fits(size, pane))));
        let path = self.canvas.run.as_ref().map_or(String::new(), |path| path.display().to_string());
        let derived = shown.and_then(|shown| shown.graph.as_ref()?.detail.get("derived")?.as_object());
        let derived = derived.into_iter().flatten().filter_map(|(name, made)| Some(format!("{name}: {}", made.get("error")?.as_str()?)));
        let problems = world.run.into_iter().flat_map(|run| run.problems.values().cloned());
        ViewState {
            v: 1,
            canvas_id: self.canvas.id.clone(),
            canvas: self.canvas.name.clone(),
            revision: self.revision,
            last_updated: self.changed_unix.map(view::iso),
            scenario: self.canvas.scenario.clone(),
            panes: self.pane_views(),
            run_info: world.run.map(|run| RunInfoView { path: path.clone(), loading: world.loading, ..view::run(run, world.unix) }),
            visible_metrics: shown.map_or(vec![], |shown| shown.visible_metrics.clone()),
            graph: shown.and_then(|shown| shown.graph.clone()),
            system_metrics: self.system(world),
            alerts: world.run.map(view::alerts).unwrap_or_default(),
            spec_revision: 0,
            health: self.health.clone(),
            errors: self.problems().into_iter().chain(problems).chain(derived).collect(),
            ..ViewState::default()
        }
    }

    /// The machine as somebody saw it last: one of our panes, or the run's tracker.
    fn system(&self, world: &World<'_>) -> Option<SystemView> {
        let of_panes = self.shown.values().filter_map(|shown| shown.system.clone());
        of_panes.chain(world.run.and_then(view::system)).max_by(|a, b| a.at.cmp(&b.at))
    }

    fn send(&mut self, peer: PeerId, id: u64, asked: Keys, world: &World<'_>, effects: &mut Vec<Effect>) -> Result<(), Response> {
        let inputs = asked.inputs()?;
        // Never another pane because the graph is gone: keys meant for it must not reach a training.
        let pane = self.pane(Some(asked.pane.as_deref().unwrap_or("graph")))?;
        let (pane_id, role, seq, in_mode) = (pane.id, pane.role.clone(), pane.screen.seq(), pane.in_mode);
        if !self.spec.agent.may_send.contains(&role) {
            let hint = match self.errors.get("spec") {
                Some(why) => format!("canvas.json cannot be used ({why}), and until it is mended the training gets no keys"),
                None => format!(
                    "a person allows it with \"may_send\": [..., \"{role}\"] under \"agent\" in the canvas's canvas.json; keys may go to: {}",
                    self.spec.agent.may_send.join(", ")
                ),
            };
            return Err(error("not_allowed", format!("this canvas does not let keys be sent to its {role} pane"), Some(&hint)));
        }
        if pane.dead.is_some() {
            return Err(error(
                "pane_dead",
                format!("the program in the {role} pane has ended, so keys have nowhere to go"),
                Some("`og viewstate` says how it ended"),
            ));
        }
        if asked.expect_seq.is_some_and(|wanted| wanted != seq) {
            let wanted = asked.expect_seq.unwrap_or_default();
            return Err(error(
                "stale",
                format!("the {role} pane has changed: its seq is {seq}, not {wanted}; nothing was sent"),
                Some(&format!("look again: `og viewstate {role} --since {wanted}`")),
            ));
        }
        let wait = match &asked.wait {
            Some(until) => Some(self.wait_for(Some(&pane_id.to_string()), std::slice::from_ref(until), None, asked.timeout_ms, world)?),
            None => None,
        };
        let sends: Vec<Send<'_>> = inputs
            .iter()
            .map(|input| match input {
                // Together with the key behind it, the byte of an Escape would be that key with Alt.
                Input::Key(name) if name == "Escape" && role != "train" => Send::Text(ESCAPE),
                Input::Key(name) => Send::Key(name),
                Input::Text(text) => Send::Text(text),
                Input::Paste(text) => Send::Paste(text),
            })
            .collect();
        let commands = command::send_keys(pane_id, &sends, in_mode);
        if commands.is_empty() {
            return Err(error("nothing_to_send", "there is nothing to send", Some("give at least one key: `og sendkeys Tab`")));
        }
        effects.push(Effect::Tmux(commands, Purpose::Send(peer, id)));
        self.health.agent_last = Some((format!("sent {} to {role}", asked.words()), view::iso(world.unix)));
        self.health_due.get_or_insert(world.now + TELL_LATER);
        self.sends.push(Asked { peer, id, pane: pane_id, entry_seq: seq, started: world.now, waiting: wait.is_some() });
        if let Some(wait) = wait {
            self.begin_wait(peer, id, wait, true, world);
        }
        Ok(())
    }

    /// tmux took the keys, or said why not.
    pub(super) fn on_sent(&mut self, peer: PeerId, id: u64, failure: Option<String>, world: &World<'_>) {
        let Some(at) = self.sends.iter().position(|asked| asked.peer == peer && asked.id == id) else { return };
        let asked = self.sends.swap_remove(at);
        match failure {
            Some(why) => {
                self.waits.retain(|pending| (pending.peer, pending.id) != (peer, id));
                self.reply(
                    peer,
                    id,
                    error("tmux", format!("tmux did not take the keys: {why}"), Some("`og panes` shows which panes are there")),
                );
            }
            None if asked.waiting => {}
            None => {
                let outcome = Outcome { outcome: "sent".into(), ..self.outcome(asked.pane, asked.entry_seq, asked.started, world) };
                self.reply(peer, id, Response::Outcome(Box::new(outcome)));
            }
        }
    }

    fn wait_for(
        &self,
        name: Option<&str>,
        until: &[Until],
        stop: Option<&str>,
        timeout_ms: Option<u64>,
        world: &World<'_>,
    ) -> Result<Wait, Response> {
        if until.is_empty() {
            return Err(error(
                "bad_condition",
                "there is nothing to wait for",
                Some("conditions: change, settle:MS, text:RE, gone:RE, exit, step>=N, loss<2.5, state=finished"),
            ));
        }
        if self.waits.len() >= WAITS_MAX {
            return Err(error("too_many_waits", format!("{WAITS_MAX} waits are under way already"), Some("let some of them end")));
        }
        let bad = |why: String| {
            error("bad_condition", why, Some("conditions: change, settle:MS, text:RE, gone:RE, exit, step>=N, loss<2.5, state=finished"))
        };
        if timeout_ms.is_some_and(|ms| ms > wire::TIMEOUT_MS_MAX) {
            return Err(bad("a wait may last 7 days at most".into()));
        }
        let training = until.iter().all(|until| matches!(until, Until::Exit | Until::Metric(_)));
        let pane = match name {
            None if training => self.pane(Some("train")).or_else(|_| self.pane(None))?,
            name => self.pane(name)?,
        };
        let checks = until.iter().map(Check::new).collect::<Result<Vec<_>, _>>().map_err(bad)?;
        let stop = stop.map(wait::compile).transpose().map_err(|error| bad(format!("--stop: {error}")))?;
        let mut wait = Wait::new(pane.id, pane.screen.seq(), checks, stop, timeout_ms.map(Duration::from_millis), world.now);
        wait.named = name.is_some();
        Ok(wait)
    }
}

/// A `sendKeys` call.
struct Keys {
    pane: Option<String>,
    keys: Vec<String>,
    text: Option<String>,
    paste: Option<String>,
    expect_seq: Option<u64>,
    wait: Option<Until>,
    timeout_ms: Option<u64>,
}

impl Keys {
    /// All keys, checked before any is sent.
    fn inputs(&self) -> Result<Vec<Input>, Response> {
        if self.keys.len() > KEYS_MAX {
            return Err(error(
                "too_many_keys",
                format!("{} keys in one call; at most {KEYS_MAX}", self.keys.len()),
                Some("send text with `og type` or `og paste -`"),
            ));
        }
        let mut inputs = keys::parse(&self.keys).map_err(|why| error("unknown_key", why.to_string(), Some(why.hint())))?;
        inputs.extend(self.text.clone().map(Input::Text));
        inputs.extend(self.paste.clone().map(Input::Paste));
        Ok(inputs)
    }

    /// What was sent, for people: names of keys, and of text only how long it is.
    fn words(&self) -> String {
        let shown: Vec<&str> = self.keys.iter().take(8).map(|key| if key.starts_with('"') { "text" } else { key.as_str() }).collect();
        let mut words = shown.join(" ");
        if self.keys.len() > 8 {
            words.push_str(" ...");
        }
        for (what, text) in [("typed", &self.text), ("pasted", &self.paste)] {
            if let Some(text) = text {
                words.push_str(&format!("{}{what} text ({} characters)", if words.is_empty() { "" } else { ", " }, text.chars().count()));
            }
        }
        words
    }
}

fn highlight(span: &Highlight) -> HighlightView {
    let kind = if span.inverse { "inverse" } else { "bold" };
    HighlightView { row: span.row, from: span.from, to: span.to, kind: kind.into(), text: span.text.clone() }
}
