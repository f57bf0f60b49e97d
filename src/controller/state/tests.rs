//! The controller without tmux: events in, effects and replies out.

use super::{
    panes::LEFT_LOOKS_MAX,
    run::{LAST_WORDS, exact},
    *,
};
use crate::{
    controller::pane::Why,
    ipc::wire::{Call, Format, Request, Until},
    model::WallTime,
};

/// A controller with a train, a graph and a status pane, its peers' mailboxes, and a clock that the test moves.
struct Stage {
    state: State,
    now: Instant,
    unix: f64,
    mail: BTreeMap<u64, mpsc::Receiver<Vec<u8>>>,
}

impl Stage {
    fn new() -> Stage {
        Stage::started(1e9)
    }

    /// Of a controller that starts at this Unix time.
    fn started(unix: f64) -> Stage {
        let canvas = CanvasState { id: "c1".into(), name: "lm".into(), window: "@1".into(), ..CanvasState::default() };
        let spec = Spec::preset("default").unwrap();
        let mut state = State::new(canvas, spec, SessionId(0), &Version::parse("tmux 3.3a").unwrap(), 42, "og-secret".into(), unix);
        state.start();
        let mut stage = Stage { state, now: Instant::now(), unix, mail: BTreeMap::new() };
        let lines = [("train", 1, ""), ("graph", 2, ""), ("status", 3, "")];
        stage.list(&lines);
        for pane in [1, 2, 3] {
            stage.captured(pane, "");
        }
        // Enough looked for programs that ended before the start.
        stage.state.left = None;
        stage
    }

    fn on(&mut self, event: Event) -> Vec<Effect> {
        let world = World { now: self.now, unix: self.unix, run: None, loading: false };
        self.state.on(event, &world)
    }

    fn pass(&mut self, time: Duration) -> Vec<Effect> {
        self.now += time;
        self.unix += time.as_secs_f64();
        self.on(Event::Tick)
    }

    /// tmux lists these panes: role, number, and how it died (`7` a status, `s9` a signal).
    fn list(&mut self, panes: &[(&str, u32, &str)]) -> Vec<Effect> {
        let line = |(role, pane, death): &(&str, u32, &str)| {
            let (dead, status, signal) = match death.strip_prefix('s') {
                _ if death.is_empty() => ("0", "", ""),
                Some(signal) => ("1", "", signal),
                None => ("1", *death, ""),
            };
            format!("%{pane}\t@1\t$0\t100{pane}\t40\t10\t0\t0\t200\t50\t1\t{dead}\t{status}\t{signal}\t1000000007\t0\t1\t1\t0\tog-lm\tc1\t{role}\ttitle").into_bytes()
        };
        self.on(Event::Replied(Purpose::List, vec![Answer { number: 1, ok: true, lines: panes.iter().map(line).collect() }]))
    }

    /// tmux answers a capture of a pane that shows `text` in its first row.
    fn captured(&mut self, pane: u32, text: &str) {
        let seed = crate::term::Seed {
            cols: 40,
            rows: 10,
            cursor_visible: true,
            wrap: true,
            scroll_region: (0, 9),
            lines: vec![text.as_bytes().to_vec()],
            ..Default::default()
        };
        let now = self.now;
        let pane = self.state.panes.get_mut(&PaneId(pane)).unwrap();
        pane.screen.seed(&seed, now);
        pane.screen.settle(0.0);
        pane.seeded = true;
        pane.capturing = false;
    }

    fn connect(&mut self, peer: u64) {
        let (say, mail) = mpsc::channel(64);
        self.mail.insert(peer, mail);
        self.on(Event::Peer(FromPeer::Came(PeerId(peer), say)));
        self.answers(peer);
    }

    fn ask(&mut self, peer: u64, request: Request) -> Vec<Effect> {
        self.on(Event::Peer(FromPeer::Asked(PeerId(peer), Call { id: 7, request })))
    }

    fn answers(&mut self, peer: u64) -> Vec<Response> {
        let mail = self.mail.get_mut(&peer).unwrap();
        std::iter::from_fn(|| mail.try_recv().ok()).map(|line| codec::decode::<Reply>(&line).unwrap().response).collect()
    }

    #[track_caller]
    fn outcome(&mut self, peer: u64) -> String {
        match self.answers(peer).pop() {
            Some(Response::Outcome(outcome)) => outcome.outcome,
            other => panic!("no outcome: {other:?}"),
        }
    }

    #[track_caller]
    fn refusal(&mut self, peer: u64) -> (String, String) {
        match self.answers(peer).pop() {
            Some(Response::Error { code, message, hint }) => (code, format!("{message} | {}", hint.unwrap_or_default())),
            other => panic!("no refusal: {other:?}"),
        }
    }
}

fn keys(keys: &[&str]) -> Request {
    Request::SendKeys {
        pane: None,
        keys: keys.iter().map(|key| key.to_string()).collect(),
        text: None,
        paste: None,
        expect_seq: None,
        wait: None,
        timeout_ms: None,
    }
}

fn tmux_lines(effects: &[Effect]) -> Vec<String> {
    let text = |effect: &Effect| match effect {
        Effect::Tmux(commands, _) => Some(commands.iter().map(Command::text).collect::<Vec<_>>().join(" ; ")),
        _ => None,
    };
    effects.iter().filter_map(text).collect()
}

#[test]
fn keys_go_to_the_graph_pane_unless_told_otherwise() {
    let mut stage = Stage::new();
    stage.connect(1);
    let effects = stage.ask(1, keys(&["Tab", "q"]));
    assert_eq!(tmux_lines(&effects), [r#"send-keys "-t" "%2" "--" "Tab" ; send-keys "-t" "%2" "-l" "--" "q""#]);
    stage.on(Event::Replied(Purpose::Send(PeerId(1), 7), vec![Answer { number: 2, ok: true, lines: vec![] }]));
    assert_eq!(stage.outcome(1), "sent");
}

#[test]
fn keys_for_a_graph_pane_that_is_gone_go_nowhere() {
    let mut stage = Stage::new();
    let allowed = Spec::preset("default").unwrap().merged(r#"{"agent":{"may_send":["graph","train","status"]}}"#).unwrap();
    stage.on(Event::Spec(Ok(allowed)));
    stage.list(&[("train", 1, ""), ("status", 3, "")]);
    stage.connect(1);
    assert!(tmux_lines(&stage.ask(1, keys(&["q"]))).is_empty());
    let (code, words) = stage.refusal(1);
    assert!(code == "unknown_pane" && words.contains("train (%1)"), "{code} {words}");
}

#[test]
fn the_end_of_the_training_ends_a_wait_on_the_graphs_too() {
    let mut stage = Stage::new();
    stage.connect(1);
    let until = vec![Until::Text("never".into()), Until::Exit];
    let wait =
        |pane: Option<&str>| Request::WaitFor { pane: pane.map(str::to_owned), until: until.clone(), stop: None, timeout_ms: Some(100) };
    stage.ask(1, wait(None));
    stage.connect(2);
    stage.ask(2, wait(Some("graph")));
    stage.list(&[("train", 1, "7"), ("graph", 2, ""), ("status", 3, "")]);
    assert_eq!(stage.outcome(1), "exited");
    assert!(stage.answers(2).is_empty(), "the graph pane itself lives");
    stage.ask(1, wait(None));
    assert_eq!(stage.outcome(1), "matched_at_entry");
    stage.pass(Duration::from_millis(100));
    assert_eq!(stage.outcome(2), "deadline");
}

#[test]
fn an_unknown_key_sends_nothing_and_names_its_neighbours() {
    let mut stage = Stage::new();
    stage.connect(1);
    assert!(stage.ask(1, keys(&["Tab", "Entr"])).is_empty());
    let (code, words) = stage.refusal(1);
    assert_eq!(code, "unknown_key");
    assert!(words.contains("Entr") && words.contains("Enter") && words.contains("nothing was sent"), "{words}");
}

#[test]
fn keys_to_the_training_need_the_canvas_to_allow_them() {
    let mut stage = Stage::new();
    stage.connect(1);
    let to_train = |keys: Request| match keys {
        Request::SendKeys { keys, .. } => {
            Request::SendKeys { pane: Some("train".into()), keys, text: None, paste: None, expect_seq: None, wait: None, timeout_ms: None }
        }
        other => other,
    };
    assert!(stage.ask(1, to_train(keys(&["C-c"]))).is_empty());
    assert_eq!(stage.refusal(1).0, "not_allowed");
    let allowed = Spec::preset("default").unwrap().merged(r#"{"agent":{"may_send":["graph","train"]}}"#).unwrap();
    stage.on(Event::Spec(Ok(allowed.clone())));
    assert_eq!(tmux_lines(&stage.ask(1, to_train(keys(&["C-c"])))), [r#"send-keys "-t" "%1" "--" "C-c""#]);
    // A slip in what may have been meant to forbid it allows nothing.
    stage.on(Event::Spec(Err("line 3: expected `,`".into())));
    assert!(stage.ask(1, to_train(keys(&["C-c"]))).is_empty());
    let (code, words) = stage.refusal(1);
    assert!(code == "not_allowed" && words.contains("line 3: expected `,`"), "{words}");
    assert_eq!(stage.ask(1, keys(&["Tab"])).len(), 1, "og's own panes still listen");
    stage.on(Event::Spec(Ok(allowed)));
    assert_eq!(stage.ask(1, to_train(keys(&["C-c"]))).len(), 1);
}

#[test]
fn escape_stays_a_key_of_its_own_whatever_is_sent_behind_it() {
    let mut stage = Stage::new();
    stage.connect(1);
    let sent = tmux_lines(&stage.ask(1, keys(&["Escape", "b"])));
    assert_eq!(sent, [r#"send-keys "-t" "%2" "-H" 1b 5b 32 37 75 ; send-keys "-t" "%2" "-l" "--" "b""#]);
}

#[test]
fn what_an_agent_may_do_is_not_for_the_agent_to_say() {
    let mut stage = Stage::new();
    stage.connect(1);
    let effects = stage.ask(1, Request::Update { config: serde_json::json!({"title": "x", "agent": {"may_send": ["train"]}}) });
    assert!(effects.is_empty());
    assert_eq!(stage.refusal(1).0, "not_allowed");
    assert_eq!(stage.state.spec.agent.may_send, ["graph", "status"]);
    let effects = stage.ask(1, Request::Update { config: serde_json::json!({"title": "x"}) });
    assert!(matches!(&effects[..], [Effect::SaveSpec(spec)] if spec.title == "x"), "{effects:?}");
}

#[test]
fn a_spec_that_a_person_is_editing_is_not_written_over() {
    let mut stage = Stage::new();
    stage.connect(1);
    stage.on(Event::Spec(Err("line 3: `}` is missing".into())));
    let effects = stage.ask(1, Request::Update { config: serde_json::json!({"title": "x"}) });
    assert!(effects.is_empty(), "{effects:?}");
    assert_eq!(stage.refusal(1).0, "bad_spec");
}

#[test]
fn an_action_on_a_screen_that_has_changed_is_refused() {
    let mut stage = Stage::new();
    stage.connect(1);
    let seq = stage.state.panes[&PaneId(2)].screen.seq();
    let with = |seq| Request::SendKeys {
        pane: None,
        keys: vec!["Tab".into()],
        text: None,
        paste: None,
        expect_seq: Some(seq),
        wait: None,
        timeout_ms: None,
    };
    assert!(stage.ask(1, with(seq + 1)).is_empty());
    assert_eq!(stage.refusal(1).0, "stale");
    assert_eq!(stage.ask(1, with(seq)).len(), 1);
}

#[test]
fn who_knows_a_screen_of_the_controller_before_gets_the_whole_screen() {
    let mut before = Stage::started(1e9);
    before.on(Event::Output(PaneId(2), b"\x1b[5;1Hold".to_vec()));
    before.pass(Duration::from_millis(100));
    let known = before.state.panes[&PaneId(2)].screen.seq();
    let mut stage = Stage::started(1e9 + 3.0);
    stage.connect(1);
    let since = |since| Request::GetViewState {
        pane: Some("graph".into()),
        since: Some(since),
        format: Format::Screen,
        region: None,
        lines_max: None,
    };
    for past in [0, 2, known] {
        stage.ask(1, since(past));
        let Some(Response::Screen { pane }) = stage.answers(1).pop() else { panic!("no screen") };
        assert_eq!(pane.changed_rows.unwrap().len(), 10, "the row that said `old` says so no more");
        assert!(pane.seq > known && pane.seq < 1 << 53);
    }
    // A program that was started again stands on another screen too.
    let seq = stage.state.panes[&PaneId(2)].screen.seq();
    stage.pass(Duration::from_secs(1));
    stage.list(&[("train", 1, ""), ("graph", 2, "s9"), ("status", 3, "")]);
    stage.list(&[("train", 1, ""), ("graph", 4, ""), ("status", 3, "")]);
    assert!(stage.state.panes[&PaneId(4)].screen.seq() > seq);
}

#[test]
fn a_key_and_the_change_it_makes_are_one_call() {
    let mut stage = Stage::new();
    stage.connect(1);
    let request = Request::SendKeys {
        pane: None,
        keys: vec!["x".into()],
        text: None,
        paste: None,
        expect_seq: None,
        wait: Some(Until::Change),
        timeout_ms: Some(500),
    };
    stage.ask(1, request.clone());
    stage.on(Event::Output(PaneId(2), b"x".to_vec()));
    assert_eq!(stage.outcome(1), "changed", "without waiting for the frame to grow quiet");
    stage.ask(1, request);
    stage.pass(Duration::from_millis(499));
    assert!(stage.answers(1).is_empty());
    stage.pass(Duration::from_millis(1));
    assert_eq!(stage.outcome(1), "deadline");
}

#[test]
fn what_an_agent_did_is_told_after_its_keys_had_their_way() {
    let mut stage = Stage::new();
    stage.connect(1);
    stage.connect(2);
    stage.ask(2, Request::Subscribe { events: vec!["health".into()], role: Some("status".into()) });
    stage.answers(2);
    stage.ask(1, keys(&["Tab"]));
    assert!(stage.answers(2).is_empty());
    stage.pass(TELL_LATER);
    let told = stage.answers(2);
    assert!(
        matches!(&told[..], [Response::Health(health)] if health.agent_last.as_ref().is_some_and(|(what, _)| what.contains("Tab"))),
        "{told:?}"
    );
}

#[test]
fn a_synchronized_update_is_never_seen_torn() {
    let mut stage = Stage::new();
    stage.connect(1);
    stage.ask(1, Request::WaitFor { pane: None, until: vec![Until::Change], stop: None, timeout_ms: None });
    stage.on(Event::Output(PaneId(2), b"\x1b[?2026hhalf".to_vec()));
    assert!(stage.answers(1).is_empty());
    stage.on(Event::Output(PaneId(2), b" whole\x1b[?2026l".to_vec()));
    assert_eq!(stage.outcome(1), "changed");
}

#[test]
fn a_flood_is_sampled_until_it_stands_still() {
    let mut stage = Stage::new();
    let mut lines = vec![];
    for _ in 0..3 {
        lines.extend(tmux_lines(&stage.on(Event::Output(PaneId(1), vec![b'x'; 400 << 10]))));
    }
    assert_eq!(lines, [r#"refresh-client "-A" "%1:pause""#]);
    assert!(stage.state.health.sampling);
    let sample = stage.pass(Duration::from_millis(500));
    assert!(matches!(&sample[..], [Effect::Tmux(_, Purpose::Capture(PaneId(1), Why::Sample))]), "{sample:?}");
}

#[test]
fn the_end_of_the_training_is_written_down_once_tmux_knows_it() {
    let mut stage = Stage::new();
    let asked = stage.on(Event::TrainGone);
    assert!(matches!(&asked[..], [Effect::Tmux(_, Purpose::AskExit)]));
    let again = stage.pass(Duration::from_millis(10));
    assert!(matches!(&again[..], [Effect::Tmux(_, Purpose::AskExit)]), "tmux needs a moment: {again:?}");
    stage.list(&[("train", 1, "s9"), ("graph", 2, ""), ("status", 3, "")]);
    let dead = stage.state.panes[&PaneId(1)].dead.unwrap();
    assert_eq!((dead.code, dead.signal), (None, Some(9)));
    stage.connect(1);
    stage.ask(1, Request::WaitFor { pane: None, until: vec![Until::Exit], stop: None, timeout_ms: None });
    assert_eq!(stage.outcome(1), "matched_at_entry");
}

#[test]
fn a_killed_pane_of_ours_starts_again_and_a_closed_one_does_not() {
    let mut stage = Stage::new();
    let effects = stage.list(&[("train", 1, ""), ("graph", 2, "s9"), ("status", 3, "")]);
    let replaced = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Replace(..))).count();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Replace(PaneId(2), role) if role == "graph")), "{effects:?}");
    // A list that was on its way names the dead pane once more.
    assert_eq!(replaced(&stage.list(&[("train", 1, ""), ("graph", 2, "s9"), ("status", 3, "")])), 0);
    assert_eq!(replaced(&stage.list(&[("train", 1, ""), ("graph", 4, ""), ("status", 3, "")])), 0);
    let effects = stage.list(&[("train", 1, ""), ("status", 3, "")]);
    assert_eq!(replaced(&effects), 0, "a person closed it");
}

#[test]
fn a_program_of_ours_that_left_is_looked_for_until_tmux_must_have_seen_it() {
    let mut stage = Stage::new();
    stage.connect(1);
    stage.ask(1, Request::Subscribe { events: vec![], role: Some("graph".into()) });
    let lists = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Tmux(_, Purpose::List))).count();
    assert_eq!(lists(&stage.on(Event::Peer(FromPeer::Left(PeerId(1))))), 1);
    let all = [("train", 1, ""), ("graph", 2, ""), ("status", 3, "")];
    for _ in 0..LEFT_LOOKS_MAX {
        stage.list(&all);
        let effects = stage.pass(Duration::from_secs(1));
        assert_eq!(lists(&effects), 1);
        assert!(tmux_lines(&effects).contains(&r#"run-shell "-b" ":""#.to_string()), "{effects:?}");
    }
    stage.list(&all);
    assert_eq!(lists(&stage.pass(Duration::from_secs(1))), 0);
}

#[test]
fn a_client_that_was_sent_away_costs_no_wait_and_asks_everything_again() {
    let mut stage = Stage::new();
    stage.connect(1);
    stage.ask(1, Request::WaitFor { pane: None, until: vec![Until::Change], stop: None, timeout_ms: None });
    stage.connect(2);
    stage.ask(2, keys(&["Tab"]));
    let effects = stage.on(Event::Attached(SessionId(0)));
    let asked = |purpose: &Purpose| effects.iter().filter(|effect| matches!(effect, Effect::Tmux(_, p) if p == purpose)).count();
    assert_eq!(asked(&Purpose::List), 1, "{effects:?}");
    for pane in [1, 2, 3] {
        assert_eq!(asked(&Purpose::Capture(PaneId(pane), Why::Seed)), 1, "{effects:?}");
    }
    assert_eq!(stage.refusal(2).0, "tmux", "nobody knows whether the key arrived");
    assert!(stage.answers(1).is_empty(), "the wait goes on");
    stage.on(Event::Output(PaneId(2), b"x".to_vec()));
    assert_eq!(stage.outcome(1), "changed");
}

#[test]
fn the_controller_follows_its_panes_into_another_session() {
    let mut stage = Stage::new();
    let line = |session: &str, name: &str| {
        format!("%1\t@1\t{session}\t1001\t40\t10\t0\t0\t200\t50\t1\t0\t\t\t\t0\t1\t1\t0\t{name}\tc1\ttrain\ttitle").into_bytes()
    };
    let mut list = |lines: &[Vec<u8>]| stage.on(Event::Replied(Purpose::List, vec![Answer { number: 1, ok: true, lines: lines.to_vec() }]));
    let follows = |effects: &[Effect]| effects.iter().any(|effect| matches!(effect, Effect::Follow));
    let saved = |effects: &[Effect]| {
        let name = |effect: &Effect| match effect {
            Effect::SaveState(canvas) => Some(canvas.session.clone()),
            _ => None,
        };
        effects.iter().find_map(name)
    };
    let renamed = list(&[line("$0", "new name")]);
    assert!(!follows(&renamed));
    assert_eq!(saved(&renamed).as_deref(), Some("new name"));
    let linked = list(&[line("$7", "work"), line("$0", "new name")]);
    assert!(!follows(&linked) && saved(&linked).is_none(), "it is here too");
    let moved = list(&[line("$7", "work")]);
    assert!(follows(&moved));
    assert_eq!(saved(&moved).as_deref(), Some("work"));
    assert!(follows(&list(&[line("$7", "work")])), "until it is there");
    stage.on(Event::Attached(SessionId(7)));
    let there = stage.on(Event::Replied(Purpose::List, vec![Answer { number: 1, ok: true, lines: vec![line("$7", "work")] }]));
    assert!(!follows(&there));
}

#[test]
fn the_controller_ends_with_its_last_pane_unless_told_to_stay() {
    let mut stage = Stage::new();
    assert!(!stage.list(&[]).iter().any(|effect| matches!(effect, Effect::Stop(_))), "the training still has to end");
    stage.on(Event::TrainGone);
    assert!(stage.list(&[]).iter().any(|effect| matches!(effect, Effect::Stop(_))));
    let mut stage = Stage::new();
    stage.state.canvas.keep = true;
    stage.on(Event::TrainGone);
    assert!(!stage.list(&[]).iter().any(|effect| matches!(effect, Effect::Stop(_))));
    stage.connect(1);
    stage.ask(1, Request::Refresh);
    assert_eq!(stage.refusal(1).0, "no_pane", "nothing can be opened, and that is said");
}

#[test]
fn unknown_requests_and_panes_are_answered() {
    let mut stage = Stage::new();
    stage.connect(1);
    stage.ask(1, Request::Unknown);
    assert_eq!(stage.refusal(1).0, "unknown_type");
    let view =
        |pane: &str| Request::GetViewState { pane: Some(pane.into()), since: None, format: Format::Screen, region: None, lines_max: None };
    stage.ask(1, view("nvitop"));
    let (code, words) = stage.refusal(1);
    assert!(code == "unknown_pane" && words.contains("graph (%2)"), "{words}");
    assert!(!words.contains("og refresh"), "{words}");
    stage.state.panes.remove(&PaneId(2));
    stage.ask(1, keys(&["Tab"]));
    let (_, words) = stage.refusal(1);
    assert!(words.contains("train (%1), status (%3)") && words.contains("og refresh"), "{words}");
    stage.ask(1, view("%3"));
    assert!(matches!(stage.answers(1).pop(), Some(Response::Screen { pane }) if pane.role == "status"));
}

#[test]
fn an_end_is_timed_by_who_saw_it_and_never_before_the_start() {
    let at = |secs: f64| WallTime::new(secs);
    assert_eq!(exact(at(100.0), Some(100.7), at(90.0)), at(100.7));
    assert_eq!(exact(at(100.0), Some(900.0), at(90.0)), at(100.0), "seen only long after");
    assert_eq!(exact(at(100.0), None, at(100.4)), at(100.4));
    assert_eq!(exact(None, Some(5.0), None), at(5.0));
    assert_eq!(exact(None, None, None), None);
}

#[test]
fn a_pane_that_a_person_closed_comes_back_when_asked_for() {
    let mut stage = Stage::new();
    stage.connect(1);
    stage.list(&[("train", 1, ""), ("status", 3, "")]);
    let opened =
        |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Open(PaneId(1), role) if role == "graph")).count();
    assert_eq!(opened(&stage.ask(1, Request::Refresh)), 1);
    stage.list(&[("train", 1, ""), ("graph", 9, ""), ("status", 3, "")]);
    assert_eq!(opened(&stage.ask(1, Request::Refresh)), 0);
}

#[test]
fn a_closed_canvas_waits_for_its_training_and_closes_its_pane() {
    let mut stage = Stage::new();
    stage.connect(1);
    stage.state.canvas.closed = true;
    stage.state.canvas.keep = true;
    let alone = [("train", 1, "")];
    assert!(!stage.list(&alone).iter().any(|effect| matches!(effect, Effect::Stop(_) | Effect::Open(..))));
    stage.list(&[("train", 1, "7"), ("graph", 9, "s9")]);
    stage.state.unrecorded = true;
    assert!(stage.state.panes.contains_key(&PaneId(9)), "what was killed does not come back");
    let closes = |effects: Vec<Effect>| effects.iter().any(|effect| matches!(effect, Effect::Close(PaneId(1))));
    assert!(!closes(stage.pass(LAST_WORDS / 2)));
    assert!(!closes(stage.pass(LAST_WORDS)), "nobody wrote down how it ended");
    assert!(closes(stage.on(Event::Recorded)));
    assert!(stage.list(&[]).iter().any(|effect| matches!(effect, Effect::Stop(_))), "though it was to be kept");
}

#[test]
fn a_closed_canvas_is_opened_again_and_no_pane_twice() {
    let mut stage = Stage::new();
    stage.connect(1);
    stage.state.canvas.closed = true;
    stage.list(&[("train", 1, "")]);
    let opened = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Open(..))).count();
    let effects = stage.ask(1, Request::Refresh);
    assert_eq!(opened(&effects), 2);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::SaveState(canvas) if !canvas.closed)));
    assert_eq!(opened(&stage.ask(1, Request::Refresh)), 0, "they are on their way");
    stage.list(&[("train", 1, "")]);
    stage.list(&[("train", 1, "")]);
    assert_eq!(opened(&stage.ask(1, Request::Refresh)), 2, "they never came");
}

#[test]
fn people_see_that_the_log_does_not_grow_and_that_it_goes_on() {
    let mut stage = Stage::new();
    stage.connect(1);
    stage.ask(1, Request::Subscribe { events: vec!["health".into()], role: None });
    stage.answers(1);
    let looks = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::LookAtLog)).count();
    let problems = |stage: &mut Stage| match stage.answers(1).pop() {
        Some(Response::Health(health)) => health.problems,
        other => panic!("{other:?}"),
    };
    stage.on(Event::Output(PaneId(1), b"step 1".to_vec()));
    for _ in 0..2 {
        assert_eq!(looks(&stage.pass(Duration::from_secs(2))), 1);
        stage.on(Event::Log(0, Some(0)));
    }
    let told = problems(&mut stage);
    assert!(told[0].starts_with("stdout.log: the disk is full"), "{told:?}");
    assert_eq!(looks(&stage.pass(Duration::from_secs(2))), 1);
    let effects = stage.on(Event::Log(100, Some(1 << 30)));
    assert!(matches!(&effects[..], [Effect::Note(words)] if words.contains("a hole")), "{effects:?}");
    assert!(problems(&mut stage).is_empty());
    assert_eq!(looks(&stage.pass(Duration::from_secs(60))), 0, "nothing is printed, nothing is looked at");
}

#[test]
fn a_tmux_that_does_not_tell_signals_is_not_asked_for_ever() {
    let mut stage = Stage::new();
    let answer = |stage: &mut Stage| {
        let line = b"%1\t@1\t$0\t1001\t40\t10\t0\t0\t200\t50\t1\t1\t\t\t1000000007\t0\t1\t1\t0\tog-lm\tc1\ttrain\ttitle".to_vec();
        stage.on(Event::Replied(Purpose::AskExit, vec![Answer { number: 1, ok: true, lines: vec![line] }]));
    };
    for (fragile, asks) in [(false, true), (true, false)] {
        stage.state.fragile = fragile;
        stage.on(Event::TrainGone);
        for _ in 0..200 {
            answer(&mut stage);
            stage.pass(Duration::from_millis(500));
        }
        assert_eq!(stage.state.exit_asks.is_some(), asks, "{fragile}");
    }
}

#[test]
fn the_last_set_of_an_earlier_controller_is_no_answer_to_one_of_a_later() {
    let number_of_a_set = |stage: &mut Stage| {
        stage.connect(1);
        stage.ask(1, Request::Subscribe { events: vec!["setView".into()], role: Some("graph".into()) });
        stage.ask(1, Request::SetView { patch: serde_json::json!({"filter": "loss"}).as_object().unwrap().clone() });
        let told = stage.answers(1);
        told.iter()
            .filter_map(|answer| if let Response::SetView { number, .. } = answer { Some(*number) } else { None })
            .next_back()
            .unwrap()
    };
    let (mut first, mut second) = (Stage::started(1e9), Stage::started(1e9 + 2.0));
    number_of_a_set(&mut first);
    let before = number_of_a_set(&mut first);
    let after = number_of_a_set(&mut second);
    assert!(before < after, "{before} {after}");
}

#[test]
fn what_the_graph_pane_is_told_to_show_is_answered_by_its_drawing() {
    use crate::ipc::wire::{GraphView, Shown};
    let mut stage = Stage::new();
    let set = |filter: &str| Request::SetView { patch: serde_json::json!({"filter": filter}).as_object().unwrap().clone() };
    let shown = |set: u64, refused: &[&str]| {
        let graph = GraphView { filter: "loss".into(), ..GraphView::default() };
        let refused = refused.iter().map(ToString::to_string).collect();
        let shown = Shown { role: "graph".into(), graph: Some(graph), set, refused, ..Shown::default() };
        let note = crate::term::note(&serde_json::to_string(&shown).unwrap());
        Event::Output(PaneId(2), [b"\x1b[?2026h".as_slice(), &note, b"\x1b[?2026l"].concat())
    };
    stage.connect(1);
    stage.ask(1, set("loss"));
    assert!(stage.answers(1).is_empty(), "the pane was opened just now");
    stage.connect(2);
    stage.ask(2, Request::Subscribe { events: vec!["setView".into()], role: Some("graph".into()) });
    assert!(stage.answers(1).is_empty(), "the answer is the drawing");
    let mut told = stage.answers(2);
    told.retain(|answer| !matches!(answer, Response::Done | Response::Health(_)));
    let [Response::SetView { number, patch }] = &told[..] else { panic!("{told:?}") };
    let number = *number;
    assert_eq!(patch["filter"], "loss");
    for before in [0, number - 1] {
        stage.on(shown(before, &[]));
        assert!(stage.answers(1).is_empty(), "that was drawn before");
    }
    stage.on(shown(number, &[]));
    assert!(matches!(&stage.answers(1)[..], [Response::Graph { graph, .. }] if graph.filter == "loss"));

    stage.ask(1, set("l("));
    stage.on(shown(number + 1, &["filter: unclosed group"]));
    assert_eq!(stage.refusal(1).0, "not_set");
    stage.ask(1, set("late"));
    stage.pass(SET_MAX);
    assert_eq!(stage.refusal(1).0, "no_answer");
    stage.state.spec.agent.may_send.retain(|role| role != "graph");
    stage.ask(1, set("loss"));
    assert_eq!(stage.refusal(1).0, "not_allowed");
    stage.ask(1, Request::SetView { patch: Default::default() });
    assert_eq!(stage.refusal(1).0, "nothing_to_set");
    stage.state.spec.agent.may_send.push("graph".into());
    stage.state.peers.remove(&PeerId(2));
    stage.state.panes.remove(&PaneId(2));
    stage.ask(1, set("loss"));
    assert_eq!(stage.refusal(1).0, "no_graph", "there is no such pane");
}
