//! Both panes drawn from a made-up run: how they look, and that they never lie or break.

use super::{
    board::{self, Board},
    config::Settings,
    facts::{Facts, Order, SeriesMap},
    host::{Gpu, Host, Machine},
    keymap::Keymap,
    pane::{Effect, Event, Link, Overlaid, Pane, Scene},
    status::Status,
    theme::{Depth, Frame, Glyphs, Scheme, Theme},
};
use crate::canvas::Message;
use crate::ipc::wire::{GraphView, Health};
use crate::model::{Exit, MetricKey, Point, RunState, Seat, Series, Step, WallTime, num};
use crate::source::{Alert, Record};
use crate::store::{EventKind, Remark, RunPicture, SourceRank};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect};
use serde_json::Value;
use std::time::Duration;

pub(in crate::ui) const START: f64 = 1_795_161_553.0;

/// A run that looks like one: a loss that falls with noise, a spike and a NaN, a warm-up and decay, rare evaluations.
fn run(steps: i64) -> RunPicture {
    let mut series = SeriesMap::new();
    let mut seed = 7u64;
    let mut noise = || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as f64 / f64::from(1u32 << 31) - 0.5
    };
    for step in 0..steps {
        let x = step as f64;
        let loss = 1.8 + 7.2 * (-x / 250.0).exp() + noise() * 0.3 + if step == 700 { 3.0 } else { 0.0 };
        let grad = if (400..430).contains(&step) { f64::NAN } else { 0.4 + noise().abs() + 2.0 * (-x / 100.0).exp() };
        let lr = 3e-4 * (x / 100.0).min(1.0) * (1.0 + (x / 1600.0).cos()) / 2.0;
        let mut values = vec![("train/loss", loss), ("grad/norm", grad), ("lr", lr), ("tokens", 9_007_199_254_000_000.0 + x * 4096.0)];
        if step % 100 == 99 {
            values.push(("val/loss", loss + 0.2));
            values.push(("val/acc", 1.0 - loss / 10.0));
        }
        for (key, value) in values {
            let point = Point { step: Step(step), time: WallTime::new(START + x * 0.31), value };
            series.get_or_insert(&MetricKey::from(key), &mut Seat::default(), Series::new).push(point);
        }
    }
    picture(series)
}

/// A run with these curves and nothing else.
pub(super) fn picture(series: SeriesMap) -> RunPicture {
    let mut run = RunPicture::default();
    run.series = series;
    run
}

fn facts(run: &RunPicture) -> Facts {
    let mut facts = Facts {
        name: "calm-otter".into(),
        state: Some(RunState::Running),
        total_steps: Some(5000),
        started_at: Some(START - 4.0),
        source: "metrics.jsonl + stdout".into(),
        command: "python train.py --lr 3e-4".into(),
        losses: 1,
        lag_ms_max: 50,
        ..Facts::default()
    };
    facts.pace(&run.series, &mut Order::default());
    facts
}

pub(in crate::ui) fn graph(theme: Theme, run: &RunPicture, size: (u16, u16)) -> Board {
    let mut graph = Board::new(theme, 3600.0, Keymap::default());
    graph.update(Event::Resized(size.0, size.1), scene(run), Duration::ZERO);
    graph.update(Event::Data(Box::new(facts(run))), scene(run), Duration::ZERO);
    graph
}

fn status(theme: Theme, run: &RunPicture) -> Status {
    let mut status = Status::new(theme, 3600.0, "night".into());
    status.update(Event::Data(Box::new(facts(run))), scene(run), Duration::ZERO);
    status.update(Event::Controller(Link::Up(Default::default())), scene(run), Duration::ZERO);
    status
}

pub(in crate::ui) const UNICODE: Theme = Theme::new(true, true);
const ASCII: Theme = Theme::new(false, false);

fn buffer(pane: &dyn Pane, run: &RunPicture, size: (u16, u16)) -> Buffer {
    buffer_of(pane, scene(run), size)
}

fn buffer_of(pane: &dyn Pane, scene: Scene<'_>, size: (u16, u16)) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    pane.draw(scene, buf.area, &mut buf);
    buf
}

pub(super) fn scene(run: &RunPicture) -> Scene<'_> {
    Scene::of(run)
}

pub(in crate::ui) fn text(buf: &Buffer) -> String {
    let row = |y: u16| (0..buf.area.width).map(|x| buf[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..buf.area.height).map(row).collect::<Vec<_>>().join("\n")
}

fn drawn_in(pane: &dyn Pane, scene: Scene<'_>, size: (u16, u16)) -> String {
    text(&buffer_of(pane, scene, size))
}

fn drawn(pane: &dyn Pane, run: &RunPicture, size: (u16, u16)) -> String {
    text(&buffer(pane, run, size))
}

pub(super) fn press(pane: &mut dyn Pane, run: &RunPicture, keys: &str) {
    for key in keys.split(' ') {
        pane.update(Event::Key(key_of(key)), scene(run), Duration::ZERO);
    }
}

/// A key by its name in the key table.
pub(super) fn key_of(name: &str) -> KeyEvent {
    let (modifiers, name) = match name.split_once('+') {
        Some(("ctrl", name)) => (KeyModifiers::CONTROL, name),
        Some(("shift", name)) => (KeyModifiers::SHIFT, name),
        _ => (KeyModifiers::NONE, name),
    };
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "tab" => KeyCode::Tab,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "pgdn" => KeyCode::PageDown,
        "pgup" => KeyCode::PageUp,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "space" => KeyCode::Char(' '),
        c => KeyCode::Char(c.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}

#[test]
fn the_graph_pane_looks_like_this() {
    let series = run(1200);
    for size in [(120, 40), (80, 24), (50, 16), (40, 10), (20, 5)] {
        insta::assert_snapshot!(format!("graph_{}x{}", size.0, size.1), drawn(&graph(UNICODE, &series, size), &series, size));
    }
    insta::assert_snapshot!("graph_ascii_80x24", drawn(&graph(ASCII, &series, (80, 24)), &series, (80, 24)));
}

#[test]
fn the_status_pane_looks_like_this() {
    let series = run(1200);
    for size in [(120, 8), (120, 6), (120, 5), (80, 5), (80, 4), (80, 3), (50, 2), (120, 1), (40, 1)] {
        insta::assert_snapshot!(format!("status_{}x{}", size.0, size.1), drawn(&status(UNICODE, &series), &series, size));
    }
}

#[test]
fn one_chart_fills_the_pane_and_the_axis_switches() {
    let series = run(1200);
    let mut pane = graph(UNICODE, &series, (80, 24));
    press(&mut pane, &series, "right enter x x +");
    insta::assert_snapshot!("graph_zoom_80x24", drawn(&pane, &series, (80, 24)));
    let shown = pane.shown(scene(&series), Rect::new(0, 0, 80, 24));
    assert_eq!(shown.visible_metrics.len(), 1);
    let graph = shown.graph.unwrap();
    assert!(graph.full_screen);
    assert_eq!((graph.x_axis.as_str(), graph.focused.as_deref(), graph.smoothing), ("wall", Some("val/acc"), 0.5));
}

#[test]
fn the_help_comes_from_the_key_table() {
    let series = run(10);
    let mut pane = graph(UNICODE, &series, (80, 34));
    press(&mut pane, &series, "h");
    insta::assert_snapshot!("graph_help_80x34", drawn(&pane, &series, (80, 34)));
    assert!(pane.shown(scene(&series), Rect::new(0, 0, 80, 34)).visible_metrics.is_empty());
    press(&mut pane, &series, "esc");
    assert!(!drawn(&pane, &series, (80, 34)).contains("quit this pane"));
}

#[test]
fn a_page_of_the_help_goes_on_with_the_last_line_of_the_page_before() {
    let series = run(10);
    let mut pane = graph(UNICODE, &series, (80, 24));
    let scroll = |pane: &Board| detail(pane, &series, (80, 24))["scroll"].as_u64().unwrap();
    press(&mut pane, &series, "h pgdn");
    // Header, tabs and footer leave 21 rows.
    assert_eq!(scroll(&pane), 20);
    press(&mut pane, &series, "end");
    let last = scroll(&pane);
    press(&mut pane, &series, "pgdn up");
    assert_eq!(scroll(&pane), last - 1, "the last page is the end");
    press(&mut pane, &series, "home pgup");
    assert_eq!(scroll(&pane), 0);
}

#[test]
fn the_foot_says_that_y_is_zoomed_and_where_enter_leads() {
    let series = run(300);
    let mut pane = graph(UNICODE, &series, (160, 24));
    let foot = |pane: &Board| drawn(pane, &series, (160, 24)).lines().last().unwrap().to_owned();
    assert!(foot(&pane).contains("enter zoom") && !foot(&pane).contains("y zoomed"), "{}", foot(&pane));
    press(&mut pane, &series, "enter }");
    assert!(foot(&pane).contains("enter all") && foot(&pane).contains("y zoomed"), "{}", foot(&pane));
    press(&mut pane, &series, "0 2");
    let runs = foot(&pane);
    for hint in ["space select", "enter look", "c compare", "g group"] {
        assert!(runs.contains(hint), "{runs}");
    }
}

#[test]
fn the_tab_in_front_is_named_at_any_width_and_a_click_finds_every_tab() {
    let series = run(10);
    let names = ["Graphs", "Runs", "Run", "Logs", "Sys", "Al", "Roll", "Chat"];
    for (width, named) in [(81, 8), (79, 8), (73, 8), (72, 8), (66, 8), (63, 1), (40, 1), (33, 1)] {
        for tab in 1..=8u16 {
            let mut pane = graph(UNICODE, &series, (width, 24));
            let row = |pane: &Board| drawn(pane, &series, (width, 24)).lines().nth(1).unwrap().to_owned();
            let at = row(&pane).find(&tab.to_string()).unwrap() as u16;
            mouse(&mut pane, &series, MouseEventKind::Down(MouseButton::Left), (at, 1), KeyModifiers::NONE);
            let row = row(&pane);
            assert!(row.contains(&format!("{tab} {}", names[usize::from(tab) - 1])), "{width}: {row}");
            assert_eq!(row.split_whitespace().filter(|word| word.parse::<u8>().is_err()).count(), named, "{width}: {row}");
        }
    }
    let mut pane = graph(UNICODE, &series, (24, 24));
    press(&mut pane, &series, "7");
    assert_eq!(drawn(&pane, &series, (24, 24)).lines().nth(1), Some(" 7 Rollouts"));
}

#[test]
fn a_long_path_keeps_the_name_of_its_file() {
    let series = run(10);
    let mut pane = graph(UNICODE, &series, (80, 24));
    let path = format!("wrote /home/{}/screen-20261120-101500.txt, .ans, .svg", "very/long/".repeat(12));
    pane.update(Event::Tell(path), scene(&series), Duration::ZERO);
    let text = drawn(&pane, &series, (80, 24));
    let foot = text.lines().last().unwrap();
    assert!(foot.starts_with("wrote /home/…") && foot.contains("/screen-20261120-101500.txt, .ans, .svg"), "{foot}");
}

#[test]
fn a_filter_is_live_and_can_be_taken_back() {
    let series = run(300);
    let mut pane = graph(UNICODE, &series, (80, 24));
    press(&mut pane, &series, "/ v a l");
    insta::assert_snapshot!("graph_filter_80x24", drawn(&pane, &series, (80, 24)));
    press(&mut pane, &series, "esc");
    assert!(drawn(&pane, &series, (80, 24)).contains("grad/norm"));
    press(&mut pane, &series, "/ q q enter");
    assert!(drawn(&pane, &series, (80, 24)).contains("no metric matches `qq`"));
    press(&mut pane, &series, "/ ctrl+u l o s s enter");
    let shown = pane.shown(scene(&series), Rect::new(0, 0, 80, 24));
    assert_eq!(shown.visible_metrics.iter().map(|m| m.key.as_str()).collect::<Vec<_>>(), ["train/loss", "val/loss"]);
    press(&mut pane, &series, "esc");
    assert_eq!(pane.shown(scene(&series), Rect::new(0, 0, 80, 24)).graph.unwrap().filter, "");
}

#[test]
fn an_empty_run_says_what_it_waits_for() {
    let series = RunPicture::default();
    let size = (80, 24);
    let mut pane = Board::new(UNICODE, 0.0, Keymap::default());
    let facts =
        |state| Box::new(Facts { name: "calm-otter".into(), state: Some(state), watched: "metrics.jsonl".into(), ..Facts::default() });
    pane.update(Event::Data(facts(RunState::Running)), scene(&series), Duration::ZERO);
    let text = drawn(&pane, &series, size);
    assert!(text.contains("waiting for the first metric..."), "{text}");
    assert!(text.contains("log to $OG_METRICS or print `step=1 loss=2.3`"), "{text}");
    let over = Facts { exit: Some(Exit { code: Some(3), signal: None, at: None }), ..*facts(RunState::Failed) };
    pane.update(Event::Data(Box::new(over)), scene(&series), Duration::ZERO);
    let text = drawn(&pane, &series, size);
    assert!(text.contains("the run ended without a metric: failed (exit 3)"), "{text}");
}

#[test]
fn a_new_series_is_announced_until_its_time_or_a_key() {
    let (old, new) = (run(50), run(150));
    let size = (120, 40);
    let mut pane = graph(UNICODE, &old, size);
    let secs = Duration::from_secs;
    pane.update(Event::Data(Box::new(facts(&new))), scene(&new), secs(10));
    assert!(drawn(&pane, &new, size).contains("new series discovered: val/acc and 1 more"));
    assert_eq!(pane.deadline(), Some(secs(15)));
    assert_eq!(pane.update(Event::Deadline, scene(&new), secs(14)), []);
    assert_eq!(pane.update(Event::Deadline, scene(&new), secs(15)), [Effect::DrawSoon]);
    assert!(!drawn(&pane, &new, size).contains("new series"));
    assert_eq!(pane.deadline(), None);
}

#[test]
fn what_is_wrong_is_told_at_every_height() {
    let series = run(50);
    let mut pane = status(UNICODE, &series);
    let health = crate::ipc::wire::Health { problems: vec!["stdout.log: the disk is full".into()], ..Default::default() };
    pane.update(Event::Controller(Link::Up(health)), scene(&series), Duration::ZERO);
    for height in 1..=6 {
        assert!(drawn(&pane, &series, (100, height)).contains("stdout.log: the disk is full"), "{height}");
    }
}

#[test]
fn a_new_series_that_is_hidden_is_no_news() {
    let (old, new) = (run(50), run(150));
    let size = (120, 40);
    let told = |prepare: &dyn Fn(&mut Board)| {
        let mut pane = graph(UNICODE, &old, size);
        prepare(&mut pane);
        pane.update(Event::Data(Box::new(facts(&new))), scene(&new), Duration::ZERO);
        let text = drawn(&pane, &new, size);
        text.lines().find_map(|line| Some(line.split_once("new series discovered: ")?.1.split(' ').next()?.to_owned()))
    };
    let hides = |pane: &mut Board, spec: &str| {
        pane.update(
            Event::Spec { graphs: vec![spec.into()], derived: Default::default(), title: String::new() },
            scene(&old),
            Duration::ZERO,
        );
    };
    assert_eq!(told(&|pane| hides(pane, "train/loss")), None);
    assert_eq!(told(&|pane| hides(pane, "val/loss")).as_deref(), Some("val/loss"));
    assert_eq!(told(&|pane| press(pane, &old, "/ a c c enter")).as_deref(), Some("val/acc"));
    assert_eq!(told(&|pane| press(pane, &old, "/ t r a i n enter")), None);
}

#[test]
fn the_spec_chooses_and_orders_the_charts() {
    let series = run(150);
    let mut pane = graph(UNICODE, &series, (80, 24));
    pane.update(
        Event::Spec { graphs: vec!["lr".into(), "loss".into(), "reward".into()], derived: vec![], title: String::new() },
        scene(&series),
        Duration::ZERO,
    );
    let shown = pane.shown(scene(&series), Rect::new(0, 0, 80, 24));
    assert_eq!(shown.visible_metrics.iter().map(|m| m.key.as_str()).collect::<Vec<_>>(), ["lr", "train/loss", "val/loss"]);
}

#[test]
fn keys_that_mean_nothing_draw_nothing() {
    let series = run(10);
    let mut pane = graph(UNICODE, &series, (80, 24));
    let key = |c| Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
    assert_eq!(pane.update(key('M'), scene(&series), Duration::ZERO), []);
    assert_eq!(pane.update(key('x'), scene(&series), Duration::ZERO), [Effect::Draw]);
    assert_eq!(pane.update(key('q'), scene(&series), Duration::ZERO), [Effect::Quit]);
}

#[test]
fn a_lost_controller_is_told_at_every_height() {
    let series = run(1200);
    let mut pane = status(UNICODE, &series);
    pane.update(Event::Controller(Link::Down), scene(&series), Duration::ZERO);
    for height in 1..=8 {
        assert!(drawn(&pane, &series, (120, height)).contains("controller: reconnecting"), "{height}");
    }
}

#[test]
fn an_end_is_told_with_its_code_and_time() {
    let series = run(1200);
    let mut pane = status(UNICODE, &series);
    pane.update(Event::RunEnded(Some(Exit { code: None, signal: Some(9), at: WallTime::new(START) })), scene(&series), Duration::ZERO);
    let text = drawn(&pane, &series, (120, 1));
    assert!(text.contains("crashed (signal 9)") && text.contains("ended 08:59"), "{text}");
}

fn told(pane: &Board, run: &RunPicture) -> crate::ipc::wire::GraphView {
    pane.shown(scene(run), Rect::new(0, 0, 80, 24)).graph.unwrap()
}

#[test]
fn escape_with_nothing_open_leads_to_options_help_and_out() {
    let run = run(100);
    let mut pane = graph(UNICODE, &run, (80, 24));
    press(&mut pane, &run, "esc");
    assert_eq!(told(&pane, &run).tab, "menu");
    for size in [(200, 50), (80, 24), (50, 16), (20, 5)] {
        insta::assert_snapshot!(format!("menu_{}x{}", size.0, size.1), drawn(&pane, &run, size));
    }
    press(&mut pane, &run, "enter");
    assert_eq!(told(&pane, &run).tab, "options");
    for size in [(200, 50), (80, 24), (50, 16), (20, 5)] {
        insta::assert_snapshot!(format!("options_{}x{}", size.0, size.1), drawn(&pane, &run, size));
    }
    let key = |code| Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
    let kept = pane.update(key(KeyCode::Right), scene(&run), Duration::ZERO);
    assert_eq!(kept, [Effect::Keep { path: vec!["theme".into()], value: Some("light".into()) }, Effect::DrawAll]);
    assert_eq!(told(&pane, &run).theme, "light");
    press(&mut pane, &run, "down down down down");
    let kept = pane.update(key(KeyCode::Right), scene(&run), Duration::ZERO);
    assert_eq!(kept[0], Effect::Keep { path: vec!["smoothing".into()], value: Some(0.5.into()) });
    press(&mut pane, &run, "esc");
    assert_eq!((told(&pane, &run).tab.as_str(), told(&pane, &run).smoothing), ("graphs", 0.5));
    press(&mut pane, &run, "esc down down");
    assert_eq!(pane.update(key(KeyCode::Enter), scene(&run), Duration::ZERO), [Effect::Quit]);
}

#[test]
fn a_filter_is_a_regular_expression_when_that_is_switched_and_lines_come_back() {
    let run = run(300);
    let mut pane = graph(UNICODE, &run, (80, 24));
    press(&mut pane, &run, "/ v l s s enter");
    assert_eq!(pane.shown(scene(&run), Rect::new(0, 0, 80, 24)).visible_metrics.len(), 1, "letters in order find val/loss");
    press(&mut pane, &run, "/ ctrl+u tab ^ v a l enter");
    assert_eq!((told(&pane, &run).filter.as_str(), told(&pane, &run).regex), ("^val", true));
    press(&mut pane, &run, "/");
    assert!(drawn(&pane, &run, (80, 24)).contains("re/^val"), "it is one still when it is opened again");
    press(&mut pane, &run, "up up down");
    assert_eq!(told(&pane, &run).typing.as_deref(), Some("^val"));
    press(&mut pane, &run, "ctrl+u ( esc");
    assert_eq!((told(&pane, &run).filter.as_str(), told(&pane, &run).regex), ("^val", true), "as it was before");
}

#[test]
fn what_is_typed_never_leaves_and_is_pasted_and_copied() {
    let run = run(10);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let mut key = |code, modifiers| pane.update(Event::Key(KeyEvent::new(code, modifiers)), scene(&run), Duration::ZERO);
    let (char, ctrl) = (KeyCode::Char, KeyModifiers::CONTROL);
    key(char('/'), KeyModifiers::NONE);
    assert_eq!(key(char('q'), KeyModifiers::NONE), [Effect::Draw]);
    assert_eq!(key(char('c'), ctrl), [Effect::Copy("q".into())]);
    assert_eq!(key(char('v'), ctrl), [Effect::Paste]);
    assert_eq!(key(char('v'), KeyModifiers::SUPER), [Effect::Paste]);
    pane.update(Event::Paste("a\nb".into()), scene(&run), Duration::ZERO);
    assert_eq!(told(&pane, &run).typing.as_deref(), Some("qa b"));
    // ESC BS and ESC DEL, as the terminal's own reader gives them.
    for (code, modifiers) in [(char('h'), ctrl | KeyModifiers::ALT), (KeyCode::Backspace, KeyModifiers::ALT)] {
        pane.update(Event::Key(KeyEvent::new(code, modifiers)), scene(&run), Duration::ZERO);
    }
    assert_eq!(told(&pane, &run).typing.as_deref(), Some(""));
}

#[test]
fn a_view_is_saved_shown_again_and_removed() {
    let run = run(300);
    let mut pane = graph(UNICODE, &run, (80, 24));
    press(&mut pane, &run, "x + / v a l enter V n i g h t");
    let kept = pane.update(Event::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)), scene(&run), Duration::ZERO);
    let want = serde_json::json!({
        "tab": "graphs", "regex": false, "filter": "val", "xaxis": "relative", "window": "all", "smoothing": "ema(0.5)",
        "fullscreen": "false", "logx": "false", "logy": "false", "marks": "true", "apart": "false", "band": "false", "rows": "0", "cols": "0",
    });
    assert_eq!(kept[0], Effect::Keep { path: vec!["views".into(), "night".into()], value: Some(want) });
    press(&mut pane, &run, "esc x 4 v");
    insta::assert_snapshot!("views_80x24", drawn(&pane, &run, (80, 24)));
    press(&mut pane, &run, "enter");
    let view = told(&pane, &run);
    assert_eq!((view.tab.as_str(), view.filter.as_str(), view.x_axis.as_str(), view.smoothing), ("graphs", "val", "relative", 0.5));
    press(&mut pane, &run, "v");
    let removed = pane.update(Event::Key(KeyEvent::new(KeyCode::Delete, KeyModifiers::NONE)), scene(&run), Duration::ZERO);
    assert_eq!(removed[0], Effect::Keep { path: vec!["views".into(), "night".into()], value: None });
    assert!(drawn(&pane, &run, (80, 24)).contains("none yet"));
}

#[test]
fn another_client_sets_what_keys_would_set() {
    let run = run(300);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let mut set = |number, view: serde_json::Value| {
        let view = view.as_object().unwrap().clone();
        assert_eq!(pane.update(Event::Set { number, view }, scene(&run), Duration::ZERO), [Effect::Draw]);
        pane.shown(scene(&run), Rect::new(0, 0, 80, 24))
    };
    let shown =
        set(1, serde_json::json!({"filter": "loss", "smoothing": 0.9, "xAxis": "wall", "full_screen": true, "focused": "val/loss"}));
    let view = shown.graph.unwrap();
    assert_eq!((shown.set, shown.refused), (1, vec![]));
    assert_eq!((view.filter.as_str(), view.smoothing, view.x_axis.as_str()), ("loss", 0.9, "wall"));
    assert_eq!(
        (view.full_screen, view.focused.as_deref(), shown.visible_metrics.len()),
        (true, Some("train/loss"), 2),
        "both curves of the chart that has it"
    );
    let shown = set(2, serde_json::json!({"wrap": true, "tab": "logs"}));
    assert_eq!((shown.graph.unwrap().tab.as_str(), shown.refused), ("logs", vec![]), "the tab comes first");
    let shown = set(3, serde_json::json!({"smoothing": 0.5, "tab": "nowhere"}));
    let want = "tab: there is no tab `nowhere`; there are graphs, runs, run, logs, system, alerts, rollouts, chat";
    assert_eq!((shown.set, shown.refused), (3, vec![want.to_owned(), "the logs tab has no `smoothing` to set".into()]));
    let shown = set(4, serde_json::json!({"tab": "graphs", "smoothing": "much", "regex": "true", "filter": "l("}));
    assert_eq!(shown.refused.len(), 2, "{:?}", shown.refused);
    assert_eq!(set(5, serde_json::json!({"view": "none"})).refused, ["view: no view is saved as `none`"]);
}

#[test]
fn three_rows_of_status_say_why_a_run_failed_and_what_was_alerted() {
    let mut run = run(100);
    let nan = Point { step: Step(100), time: WallTime::new(START + 100.0), value: f64::NAN };
    run.series.get_mut(&MetricKey::from("train/loss")).unwrap().push(nan);
    let alert = Alert { title: "loss is NaN".into(), text: String::new(), level: "warn", step: None, time: None };
    run.apply(SourceRank::Own, Ok(Record::Alert(alert)), None);
    let said = "RuntimeError: failed at step 60, as the tests of this program ask it to do now and then";
    for line in ["Traceback (most recent call last):", said, "  "] {
        run.apply(SourceRank::Stdout, Ok(Record::Console(line.into())), None);
    }
    let shown = |run: &RunPicture, size| {
        let mut pane = status(UNICODE, run);
        let facts = Facts::of(run, false, &mut Order::default());
        pane.update(Event::Data(Box::new(facts)), scene(run), Duration::ZERO);
        drawn(&pane, run, size)
    };
    let runs = shown(&run, (80, 3));
    assert!(runs.contains("1 alert: loss is NaN │ train/loss NaN") && !runs.contains("RuntimeError"), "{runs}");
    assert!(!runs.contains("NaN →") && !runs.contains("NaN ↘"), "{runs}");
    run.apply_event(crate::store::Event {
        t: WallTime::new(START + 101.0).unwrap(),
        author: "og".into(),
        kind: EventKind::Exit(Exit { code: Some(1), signal: None, at: WallTime::new(START + 101.0) }),
    });
    for size in [(80, 3), (50, 3), (200, 1)] {
        let failed = shown(&run, size);
        assert!(failed.contains("RuntimeError: failed"), "{failed}");
    }
}

#[test]
fn of_many_sources_the_footer_tells_the_first() {
    let run = run(100);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let facts = Facts { source: "metrics.jsonl + wandb + tfevents + csv + stdout".into(), ..facts(&run) };
    pane.update(Event::Data(Box::new(facts)), scene(&run), Duration::ZERO);
    let footer = drawn(&pane, &run, (80, 24)).lines().last().unwrap().to_owned();
    assert!(footer.contains("source: metrics.jsonl + wandb") && footer.contains("help"), "{footer}");
    let told = pane.shown(scene(&run), Rect::new(0, 0, 80, 24)).graph.unwrap().source;
    assert!(told.starts_with("metrics.jsonl + wandb + tfevents + csv + stdout"), "{told}");
}

#[test]
fn a_long_name_leaves_room_for_state_and_step() {
    let mut run = run(100);
    run.info.name = "a-sweep-over-learning-rates-with-a-name-that-never-ends-17".into();
    for width in [50, 67, 80] {
        let mut pane = graph(UNICODE, &run, (width, 24));
        let facts = Facts::of(&run, false, &mut Order::default());
        pane.update(Event::Data(Box::new(facts)), scene(&run), Duration::ZERO);
        let header = drawn(&pane, &run, (width, 24));
        let header = header.lines().next().unwrap();
        assert!(header.starts_with("a-sw") && header.contains("-17 │") && header.contains("99"), "{header}");
    }
}

#[test]
fn a_note_is_about_the_step_at_the_crosshair_where_there_is_one() {
    let run = run(300);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let enter = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
    let about = |pane: &mut Board| match &pane.update(Event::Key(enter), scene(&run), Duration::ZERO)[0] {
        Effect::Remark { remark: Remark::Notes { step, .. }, .. } => *step,
        other => panic!("{other:?}"),
    };
    press(&mut pane, &run, "3 i x");
    assert_eq!(about(&mut pane), None);
    press(&mut pane, &run, "1 , 3 i x");
    let prompt = drawn(&pane, &run, (80, 24));
    let step = about(&mut pane).unwrap();
    assert!(prompt.contains(&format!("marks step {step}")), "{prompt}");
}

#[test]
fn people_and_agents_talk_in_the_chat_tab() {
    let run = run(10);
    let say = |author: &str, text: &str, at| Message { at: Some(START + at), author: author.into(), text: text.into() };
    let messages = [
        say("human", "why is the loss flat since step 800? the run before this one had reached 1.6 by then", 0.0),
        say("agent", "the learning rate has decayed to 3e-6:\nraise `lr_min`, or stop here", 75.0),
        say("human", "損失を見て 👍", 200.0),
    ];
    let scene = Scene { chat: Some(&messages), ..Scene::of(&run) };
    let mut pane = graph(UNICODE, &run, (80, 24));
    let mut key = |code| pane.update(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)), scene, Duration::ZERO);
    key(KeyCode::Char('8'));
    key(KeyCode::Enter);
    "ok, q".chars().for_each(|c| _ = key(KeyCode::Char(c)));
    for size in [(200, 50), (80, 24), (50, 16), (20, 5)] {
        insta::assert_snapshot!(format!("chat_{}x{}", size.0, size.1), text(&buffer_of(&pane, scene, size)));
    }
    let sent = pane.update(Event::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)), scene, Duration::ZERO);
    assert_eq!(sent, [Effect::Say("ok, q".into()), Effect::Draw]);
    let view = pane.shown(scene, Rect::new(0, 0, 80, 24)).graph.unwrap();
    assert_eq!((view.tab.as_str(), &view.detail["messages"], &view.detail["last"]["author"]), ("chat", &3.into(), &"human".into()));
    let said: Vec<_> =
        view.detail["visible"].as_array().unwrap().iter().map(|row| (row["author"].as_str(), row["text"].as_str())).collect();
    assert_eq!((said.len(), said[1]), (3, (Some("agent"), Some("the learning rate has decayed to 3e-6:\nraise `lr_min`, or stop here"))));
    pane.update(Event::Key(KeyEvent::new(KeyCode::Char('m'), KeyModifiers::NONE)), scene, Duration::ZERO);
    let menu = pane.shown(scene, Rect::new(0, 0, 80, 24)).graph.unwrap();
    assert_eq!((menu.tab.as_str(), menu.below.as_deref(), &menu.detail["visible"][1]), ("menu", Some("chat"), &"Help".into()));
    pane.update(Event::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)), scene, Duration::ZERO);
    assert_eq!(pane.shown(scene, Rect::new(0, 0, 80, 24)).graph.unwrap().below, None);
    // On another tab, what an agent says is told at the foot.
    pane.update(Event::Key(KeyEvent::new(KeyCode::Char('1'), KeyModifiers::NONE)), scene, Duration::ZERO);
    pane.update(Event::Said(2), scene, Duration::ZERO);
    assert!(drawn(&pane, &run, (200, 50)).contains("agent: the learning rate"));
}

#[test]
fn the_screen_and_its_data_are_written_and_copied() {
    let run = run(1200);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let mut key = |c, modifiers| pane.update(Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers)), scene(&run), Duration::ZERO);
    assert_eq!(key('s', KeyModifiers::NONE), [Effect::Screenshot { bright: false }]);
    let [Effect::Export(export)] = &key('e', KeyModifiers::NONE)[..] else { panic!("it is exported") };
    assert_eq!((export.keys[0].as_str(), export.keys.len(), export.window, export.json), ("train/loss", 6, Some((0.0, 1199.0)), false));
    let [Effect::Copy(copied), Effect::Draw] = &key('y', KeyModifiers::CONTROL)[..] else { panic!("it is copied") };
    assert!(copied.starts_with("train/loss\t1.7") && copied.lines().count() == 6, "{copied}");
    pane.update(Event::Tell("wrote screen.txt".into()), scene(&run), Duration::ZERO);
    assert!(drawn(&pane, &run, (80, 24)).contains("wrote screen.txt"));
    press(&mut pane, &run, "4 e");
    assert!(drawn(&pane, &run, (80, 24)).contains("no metric is shown here"));
}

#[test]
fn a_little_frame_leaves_the_room_to_the_charts() {
    let run = run(1200);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let settings = Settings { ui: Some(Frame::Minimal), smoothing: Some(0.9.into()), ..Settings::default() };
    pane.settle(settings, Some("config.json:3:1: something".into()), Some("ssh me@far".into()));
    assert!(drawn(&pane, &run, (80, 24)).starts_with("config.json:3:1: something"));
    press(&mut pane, &run, "z");
    insta::assert_snapshot!("minimal_80x24", drawn(&pane, &run, (80, 24)));
    assert_eq!((told(&pane, &run).smoothing, told(&pane, &run).ui.as_str()), (0.9, "minimal"));
    pane.settle(Settings::default(), None, Some("ssh me@far".into()));
    assert!(drawn(&pane, &run, (120, 24)).lines().next().unwrap().ends_with("│ ssh me@far"));
}

#[test]
fn every_theme_draws_the_same_characters() {
    let run = run(300);
    let plain = drawn(&graph(UNICODE, &run, (80, 24)), &run, (80, 24));
    for scheme in Scheme::ALL {
        for depth in Depth::ALL {
            let theme = Theme { scheme: *scheme, depth: *depth, glyphs: Glyphs::Braille };
            assert_eq!(drawn(&graph(theme, &run, (80, 24)), &run, (80, 24)), plain);
        }
    }
    let blocks = Theme { glyphs: Glyphs::Block, ..UNICODE };
    insta::assert_snapshot!("graph_blocks_80x24", drawn(&graph(blocks, &run, (80, 24)), &run, (80, 24)));
}

#[test]
fn the_status_tells_of_alerts_checkpoints_the_machine_and_the_agent() {
    let run = run(1200);
    let mut pane = status(UNICODE, &run);
    let last = START + 1199.0 * 0.31;
    let facts = Facts { checkpoint: Some((Some(1000), last - 62.0)), alerts: (2, "loss is NaN".into()), ..facts(&run) };
    let health = Health {
        agent_last: Some(("sent Tab to graph".into(), "2026-11-20T08:05:00Z".into())),
        may_send: vec!["graph".into()],
        ..Health::default()
    };
    let host = Host {
        cpu: Some(0.5),
        memory: Some((12 << 30, 64 << 30)),
        gpus: vec![Gpu { busy: Some(0.97), ..Gpu::default() }],
        ..Host::default()
    };
    let mut machine = Machine::default();
    machine.take(host);
    let scene = Scene { host: Some(&machine), ..Scene::of(&run) };
    pane.update(Event::Data(Box::new(facts)), scene, Duration::ZERO);
    pane.update(Event::Controller(Link::Up(health)), scene, Duration::ZERO);
    for size in [(200, 8), (120, 6), (120, 4), (80, 4)] {
        insta::assert_snapshot!(format!("status_full_{}x{}", size.0, size.1), text(&buffer_of(&pane, scene, size)));
    }
}

/// What the agent is told of the charts.
fn detail(pane: &Board, run: &RunPicture, size: (u16, u16)) -> serde_json::Value {
    pane.shown(scene(run), Rect::new(0, 0, size.0, size.1)).graph.unwrap().detail
}

fn window(pane: &Board, run: &RunPicture) -> (f64, f64, String) {
    let window = detail(pane, run, (80, 24))["window"].clone();
    (window["from"].as_f64().unwrap(), window["to"].as_f64().unwrap(), window["follows"].as_str().unwrap().to_owned())
}

#[test]
fn keys_zoom_and_pan_and_what_reaches_to_the_end_follows_the_run() {
    let (run_now, run_later) = (run(1001), run(1101));
    let mut pane = graph(UNICODE, &run_now, (80, 24));
    assert_eq!(window(&pane, &run_now), (0.0, 1000.0, "all".into()));
    press(&mut pane, &run_now, "z");
    assert_eq!(window(&pane, &run_now), (300.0, 1000.0, "newest".into()));
    pane.update(Event::Data(Box::new(facts(&run_later))), scene(&run_later), Duration::ZERO);
    assert_eq!(window(&pane, &run_later), (400.0, 1100.0, "newest".into()));
    press(&mut pane, &run_later, "shift+left");
    assert_eq!(window(&pane, &run_later), (260.0, 960.0, "fixed".into()));
    press(&mut pane, &run_later, "ctrl+up ctrl+up");
    let y = detail(&pane, &run_later, (80, 24))["yRanges"]["train/loss"].clone();
    assert!(y[1].as_f64().unwrap() - y[0].as_f64().unwrap() > 0.0, "{y}");
    insta::assert_snapshot!("graph_zoomed_80x24", drawn(&pane, &run_later, (80, 24)));
    press(&mut pane, &run_later, "Y f");
    assert_eq!(window(&pane, &run_later), (400.0, 1100.0, "newest".into()));
    press(&mut pane, &run_later, "0");
    assert_eq!(window(&pane, &run_later), (0.0, 1100.0, "all".into()));
}

#[test]
fn a_pause_holds_the_picture_still() {
    let (now, later) = (run(500), run(900));
    let mut pane = graph(UNICODE, &now, (80, 24));
    press(&mut pane, &now, "p");
    pane.update(Event::Data(Box::new(facts(&later))), scene(&later), Duration::ZERO);
    assert_eq!(window(&pane, &later).1, 499.0);
    press(&mut pane, &later, "p");
    assert_eq!(window(&pane, &later).1, 899.0);
}

#[test]
fn the_crosshair_has_the_values_of_all_curves() {
    let run = run(1200);
    let mut pane = graph(UNICODE, &run, (120, 40));
    press(&mut pane, &run, "< , <");
    insta::assert_snapshot!("graph_crosshair_120x40", drawn(&pane, &run, (120, 40)));
    let cursor = detail(&pane, &run, (120, 40))["cursor"].clone();
    let readout: Vec<&str> = cursor["readout"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!((readout.len(), &readout[1][..6], &readout[2][..4]), (3, "train ", "val "));
    press(&mut pane, &run, "esc");
    assert!(detail(&pane, &run, (120, 40))["cursor"].is_null());
}

#[test]
fn a_crosshair_moves_no_chart() {
    let run = run(1200);
    for size in [(120, 40), (80, 24), (50, 16)] {
        let mut pane = graph(UNICODE, &run, size);
        let shown = |pane: &Board| pane.shown(scene(&run), Rect::new(0, 0, size.0, size.1));
        let places = |pane: &Board| {
            let graph = shown(pane).graph.unwrap();
            let keys: Vec<String> = shown(pane).visible_metrics.into_iter().map(|metric| metric.key).collect();
            (keys, graph.page, graph.grid)
        };
        let before = places(&pane);
        press(&mut pane, &run, ",");
        assert_eq!(places(&pane), before);
        let told = detail(&pane, &run, size)["cursor"]["readout"][0].as_str().unwrap().to_owned();
        assert!(drawn(&pane, &run, size).contains(&told), "{told}");
        // What is said for a moment, or typed, goes before it, and moves no chart either.
        pane.update(Event::Tell("wrote screen.txt".into()), scene(&run), Duration::ZERO);
        assert_eq!(places(&pane), before);
        assert!(drawn(&pane, &run, size).lines().last().unwrap().starts_with("wrote screen.txt"));
        press(&mut pane, &run, "esc");
        assert_eq!(places(&pane), before);
    }
}

fn mouse(pane: &mut Board, run: &RunPicture, kind: MouseEventKind, at: (u16, u16), modifiers: KeyModifiers) -> Vec<Effect> {
    let event = MouseEvent { kind, column: at.0, row: at.1, modifiers };
    pane.update(Event::Mouse(event), scene(run), Duration::ZERO)
}

#[test]
fn the_mouse_focuses_points_zooms_pans_and_turns_tabs() {
    use MouseEventKind::{Down, Drag, ScrollDown, ScrollUp};
    let run = run(1001);
    let mut pane = graph(UNICODE, &run, (120, 40));
    let none = KeyModifiers::NONE;
    mouse(&mut pane, &run, Down(MouseButton::Left), (60, 10), none);
    let shown = pane.shown(scene(&run), Rect::new(0, 0, 120, 40)).graph.unwrap();
    assert_eq!(shown.focused.as_deref(), Some("val/acc"));
    let at = shown.detail["cursor"]["x"].as_f64().unwrap();
    assert!((350.0..650.0).contains(&at), "{at}");
    assert_eq!(mouse(&mut pane, &run, Drag(MouseButton::Left), (60, 10), none), [], "it stands there already");
    mouse(&mut pane, &run, ScrollUp, (60, 10), none);
    let (from, to, follows) = window(&pane, &run);
    assert!(from > 0.0 && to < 1000.0 && follows == "fixed", "{from} {to} {follows}");
    mouse(&mut pane, &run, Down(MouseButton::Right), (60, 10), none);
    mouse(&mut pane, &run, Drag(MouseButton::Right), (65, 10), none);
    assert!(window(&pane, &run).0 < from);
    mouse(&mut pane, &run, ScrollUp, (60, 10), KeyModifiers::ALT);
    assert!(detail(&pane, &run, (120, 40))["yRanges"]["val/acc"].is_array());
    for _ in 0..9 {
        mouse(&mut pane, &run, ScrollDown, (60, 10), none);
    }
    assert_eq!(window(&pane, &run), (0.0, 1000.0, "all".into()));
    mouse(&mut pane, &run, Down(MouseButton::Left), (31, 1), none);
    assert_eq!(pane.shown(scene(&run), Rect::new(0, 0, 120, 40)).graph.unwrap().tab, "logs");
}

#[test]
fn a_digit_behind_r_or_c_sets_the_grid() {
    let run = run(1200);
    let mut pane = graph(UNICODE, &run, (120, 40));
    let grid = |pane: &Board| pane.shown(scene(&run), Rect::new(0, 0, 120, 40)).graph.unwrap().grid;
    press(&mut pane, &run, "c");
    assert!(drawn(&pane, &run, (120, 40)).contains("columns: 1-9, 0 fits"));
    press(&mut pane, &run, "1 r 2");
    assert_eq!(grid(&pane), (2, 1));
    press(&mut pane, &run, "c 0 r 0");
    assert_eq!(grid(&pane), (2, 3));
    press(&mut pane, &run, "r esc 3");
    assert_eq!(pane.shown(scene(&run), Rect::new(0, 0, 120, 40)).graph.unwrap().tab, "run");
}

/// A run that was resumed, with an alert, checkpoints, an epoch to draw over, and a family of numbers.
fn eventful() -> RunPicture {
    let mut run = RunPicture::default();
    run.info.notes =
        "the rate was halved by hand at step 300,\n\nsee also the run of yesterday: its loss was noisier and its gradients larger".into();
    run.config = [(
        "optim".to_owned(),
        serde_json::json!({"lr": 3e-4, "betas": [0.9, 0.95], "name": "a name that is as long as a row of most screens, and then some"}),
    )]
    .into();
    run.apply(SourceRank::Own, Ok(Record::Info("metric", serde_json::json!({"glob": "val/*", "step_metric": "epoch"}))), None);
    for (step, again) in (0..300).map(|step| (step, 0.0)).chain((200..600).map(|step| (step, 100.0))) {
        let x = step as f64;
        let mut values = vec![("train/loss", 9.0 * (-x / 150.0).exp() + again / 1000.0), ("epoch", x / 100.0)];
        if step % 20 == 0 {
            values.push(("val/acc", 1.0 - (-x / 200.0).exp()));
        }
        let names: Vec<String> = (0..8).map(|n| format!("gpu.{n}.util")).collect();
        values.extend(names.iter().enumerate().map(|(n, name)| (name.as_str(), (x / 60.0 + n as f64).sin() * 50.0 + 50.0)));
        let sampled = [("cpu", 31.0), ("memory_percent", 12.0 + again), ("gpu.0.gpu", x % 100.0), ("network.sent", x * 1e6)];
        run.system.take(SourceRank::Tracker(0), WallTime::new(START + x + again), sampled.map(|(name, value)| (name.to_owned(), value)));
        for (key, value) in values {
            let point = Point { step: Step(step), time: WallTime::new(START + x + again), value };
            run.series.get_or_insert(&MetricKey::from(key), &mut Seat::default(), Series::new).push(point);
        }
    }
    let event = |secs: f64, kind| crate::store::Event { t: WallTime::new(START + secs).unwrap(), author: "human".into(), kind };
    run.apply_event(event(100.0, EventKind::Note { text: "lr halved by hand".into(), step: None }));
    run.apply_event(event(500.0, EventKind::Checkpoint { path: "ckpt/400".into(), step: Some(400) }));
    run
}

#[test]
fn what_happened_is_marked_and_what_was_replaced_stays_visible() {
    let run = eventful();
    let mut pane = graph(UNICODE, &run, (120, 40));
    insta::assert_snapshot!("graph_eventful_120x40", drawn(&pane, &run, (120, 40)));
    let charts = detail(&pane, &run, (120, 40))["charts"].clone();
    assert_eq!((charts[0]["marks"].as_u64(), charts[1]["x"].as_str()), (Some(3), Some("epoch")), "{charts}");
    let heat = charts.as_array().unwrap().iter().find(|chart| chart["heat"] == 8).unwrap();
    let last = run.series.get("gpu.3.util").unwrap().last().unwrap().value;
    assert_eq!((heat["last"].as_object().unwrap().len(), heat["last"]["gpu.3.util"].as_f64(), &heat["untold"]), (8, Some(last), &0.into()));
    press(&mut pane, &run, "g t");
    let text = drawn(&pane, &run, (120, 40));
    assert!(!text.contains('↻') && text.contains("gpu.3.util"), "{text}");
}

#[test]
fn any_metric_may_stand_along_x() {
    let run = eventful();
    let mut pane = graph(UNICODE, &run, (80, 24));
    press(&mut pane, &run, "/ e p o c h enter X esc");
    let shown = pane.shown(scene(&run), Rect::new(0, 0, 80, 24)).graph.unwrap();
    assert_eq!(shown.x_axis, "epoch");
    assert_eq!(window(&pane, &run), (0.0, 5.99, "all".into()));
    press(&mut pane, &run, "z");
    insta::assert_snapshot!("graph_over_epoch_80x24", drawn(&pane, &run, (80, 24)));
    press(&mut pane, &run, "X");
    assert_eq!(pane.shown(scene(&run), Rect::new(0, 0, 80, 24)).graph.unwrap().x_axis, "step");
}

#[test]
fn derived_metrics_come_from_the_spec_and_from_expressions_in_it() {
    let run = run(1200);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let spec = |graphs: &[&str], derived: &[(&str, &str)]| Event::Spec {
        graphs: graphs.iter().map(ToString::to_string).collect(),
        derived: derived.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect(),
        title: String::new(),
    };
    let keys = |pane: &Board| {
        pane.shown(scene(&run), Rect::new(0, 0, 80, 24)).visible_metrics.iter().map(|m| (m.key.clone(), m.data_points)).collect::<Vec<_>>()
    };
    pane.update(spec(&["gap", "ma(train/loss, 15)", "lr"], &[("gap", "val/loss - train/loss")]), scene(&run), Duration::ZERO);
    assert_eq!(keys(&pane), [("gap".into(), 12), ("ma(train/loss, 15)".into(), 1200), ("lr".into(), 1200)]);
    insta::assert_snapshot!("graph_derived_80x24", drawn(&pane, &run, (80, 24)));
    pane.update(spec(&[], &[("gap", "val/loss - ")]), scene(&run), Duration::ZERO);
    assert!(drawn(&pane, &run, (80, 24)).contains("gap: cannot read `val/loss - `"));
}

#[test]
fn other_runs_lie_over_the_own_one_and_groups_become_bands() {
    let (own, one, other) = (run(1200), run(900), run(1100));
    let overlaid = |group| {
        let run = |name, colour, picture, pinned| Overlaid { name, colour, picture, pinned, group };
        [run("bold-lynx", 1, &one, true), run("wise-heron", 2, &other, false)]
    };
    let size = (120, 40);
    let mut pane = graph(UNICODE, &own, size);
    for (name, group) in [("graph_runs_120x40", None), ("graph_band_120x40", Some("lr=3e-4"))] {
        let overlaid = overlaid(group);
        let scene = Scene { overlaid: &overlaid, group, ..Scene::of(&own) };
        pane.update(Event::Data(Box::new(facts(&own))), scene, Duration::ZERO);
        pane.update(Event::Key(KeyEvent::new(KeyCode::Char(','), KeyModifiers::NONE)), scene, Duration::ZERO);
        let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
        pane.draw(scene, buf.area, &mut buf);
        insta::assert_snapshot!(name, text(&buf));
        let graph = pane.shown(scene, buf.area).graph.unwrap();
        assert_eq!(graph.runs, ["calm-otter", "bold-lynx", "wise-heron"]);
        assert_eq!(graph.detail["baseline"], "bold-lynx");
    }
}

#[derive(Clone, Debug)]
enum Move {
    Mouse(MouseEventKind, u16, u16, KeyModifiers),
    Eventful,
    /// The machine was looked at: so many cores and GPUs; none: it is on another one.
    Sampled(usize, usize),
    Key(KeyCode, KeyModifiers),
    Size(u16, u16),
    Data(i64),
    Paste(String),
    Graphs(Vec<String>),
    Set(String, String),
    Said,
    Redraw,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let code = prop_oneof![
        8 => "[ -~]".prop_map(|c| KeyCode::Char(c.chars().next().unwrap())),
        1 => Just(KeyCode::Enter), 1 => Just(KeyCode::Esc), 1 => Just(KeyCode::Tab), 1 => Just(KeyCode::BackTab),
        1 => Just(KeyCode::Left), 1 => Just(KeyCode::Right), 1 => Just(KeyCode::Up), 1 => Just(KeyCode::Down),
        1 => Just(KeyCode::PageUp), 1 => Just(KeyCode::PageDown), 1 => Just(KeyCode::Home), 1 => Just(KeyCode::End),
        1 => Just(KeyCode::Backspace), 2 => Just(KeyCode::Char('/')), 1 => Just(KeyCode::Char('h')), 1 => Just(KeyCode::F(2)), 1 => Just(KeyCode::Char(':')),
        1 => Just(KeyCode::Char('V')), 1 => Just(KeyCode::Char('8')), 2 => Just(KeyCode::Char('5')), 1 => Just(KeyCode::Delete),
    ];
    let modifiers = prop_oneof![6 => Just(KeyModifiers::NONE), 1 => Just(KeyModifiers::CONTROL), 1 => Just(KeyModifiers::SHIFT)];
    let button = prop::sample::select(vec![MouseButton::Left, MouseButton::Right]);
    let kind = prop_oneof![
        button.clone().prop_map(MouseEventKind::Down),
        button.prop_map(MouseEventKind::Drag),
        Just(MouseEventKind::ScrollUp),
        Just(MouseEventKind::ScrollDown),
        Just(MouseEventKind::ScrollLeft),
    ];
    let held = prop_oneof![3 => Just(KeyModifiers::NONE), 1 => Just(KeyModifiers::ALT)];
    let one = prop_oneof![
        3 => (kind, 0u16..130, 0u16..45, held).prop_map(|(kind, x, y, held)| Move::Mouse(kind, x, y, held)),
        1 => Just(Move::Eventful),
        1 => (0usize..70, 0usize..9).prop_map(|(cores, gpus)| Move::Sampled(cores, gpus)),
        8 => (code, modifiers).prop_map(|(code, modifiers)| Move::Key(code, modifiers)),
        1 => (1u16..130, 1u16..45).prop_map(|(w, h)| Move::Size(w, h)),
        1 => (0i64..400).prop_map(Move::Data),
        1 => "\\PC{0,9}".prop_map(Move::Paste),
        1 => prop::collection::vec("loss|lr|none|\\*|val/loss - train/loss|ma\\(loss, 3\\)|a \\+", 0..3).prop_map(Move::Graphs),
        1 => ("tab|filter|regex|focused|fullScreen|x_axis|smoothing|paused|view|theme|ui|glyphs|wrap|line|sort|source|note|tags|step|token|nonsense",
            "graphs|run|logs|system|samples|now|-pid|alerts|rollouts|chat|help|loss|l\\(|true|false|wall|0\\.9|light|minimal|block|7|")
            .prop_map(|(name, value)| Move::Set(name, value)),
        1 => Just(Move::Said),
        1 => Just(Move::Redraw),
    ];
    prop::collection::vec(one, MOVES)
}

/// Moves of one case, and cases: ten thousand moves in all.
const MOVES: usize = 250;
const CASES: u32 = 40;

/// Every metric reported as shown stands on the screen: the name that the legend has for it (perhaps cut at its start) and its
/// value, in one line; and so do the values at the crosshair.
fn agrees(pane: &Board, scene: Scene<'_>, size: (u16, u16)) -> Result<(), TestCaseError> {
    let text = drawn_in(pane, scene, size);
    let shown = pane.shown(scene, Rect::new(0, 0, size.0, size.1));
    let graph = shown.graph.unwrap();
    let charts = graph.detail["charts"].as_array().cloned().unwrap_or_default();
    let names: Vec<(String, String)> = charts
        .iter()
        .flat_map(|chart| chart["legend"].as_array().cloned().unwrap_or_default())
        .map(|entry| (entry["key"].as_str().unwrap().to_owned(), entry["name"].as_str().unwrap().to_owned()))
        .collect();
    // With whatever characters it is drawn now.
    let spellings = |word: &str| [word.to_owned(), ASCII.plain(word.into()).into_owned()];
    for metric in shown.visible_metrics {
        let value = crate::text::number(num::from_json(&metric.latest_value).unwrap(), 4);
        let names = spellings(&names.iter().find(|(key, _)| *key == metric.key).unwrap().1);
        prop_assert!(
            text.lines().any(|line| names.iter().any(|name| line.contains(name)) && line.contains(&value)),
            "{} {names:?} {value} is not in\n{text}",
            metric.key
        );
    }
    if graph.tab == "system" {
        let listed = |path: &str| graph.detail.pointer(path).and_then(|rows| rows.as_array()).cloned().unwrap_or_default();
        let stand_in_a_line = |words: [String; 2]| {
            let is_in = |line: &str, word: &str| spellings(word).iter().any(|word| line.contains(word));
            prop_assert!(text.lines().any(|line| words.iter().all(|word| is_in(line, word))), "{words:?} is not in\n{text}");
            Ok(())
        };
        let word = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        for gauge in listed("/gauges") {
            stand_in_a_line([word(&gauge["name"]), word(&gauge["percent"])])?;
        }
        for entry in listed("/charts").iter().flat_map(|chart| chart["legend"].as_array().cloned().unwrap_or_default()) {
            stand_in_a_line([word(&entry["name"]), word(&entry["value"])])?;
        }
        for process in listed("/processes/rows") {
            stand_in_a_line([word(&process["pid"]), String::new()])?;
        }
    }
    rows_agree(&graph, &text)?;
    if graph.tab == "graphs" {
        for word in graph.detail["cursor"]["readout"].as_array().cloned().unwrap_or_default() {
            let words = spellings(word.as_str().unwrap());
            prop_assert!(words.iter().any(|word| text.contains(word)), "{words:?} is not in\n{text}");
        }
    }
    Ok(())
}

/// A conversation, some of it longer than a row.
fn messages() -> Vec<Message> {
    let say = |n: i64| Message {
        at: Some(START + n as f64),
        author: ["human", "agent", "", "somebody-with-a-long-name"][n as usize % 4].into(),
        text: "the loss is flat since step 800; the rate has decayed to 3e-6:\nraise it, or stop here ".repeat(n as usize % 5),
    };
    (0..30).map(say).collect()
}

/// Every row that the Run tab, the chat, the palette and the lists tell of stands in a line of the screen, cut where it has no room.
fn rows_agree(graph: &GraphView, text: &str) -> Result<(), TestCaseError> {
    let word = |row: &Value, name: &str| ASCII.plain(row[name].as_str().unwrap_or_default().into()).into_owned();
    // What ASCII cannot say is drawn as it is, or as what stands for it.
    let plain = text.lines().map(|line| ASCII.plain(line.into()).trim().to_owned());
    let plain: Vec<String> = plain.filter(|line| !line.is_empty()).collect();
    let visible = graph.detail["visible"].as_array().cloned().unwrap_or_default();
    let stands = |row: &Value, is: &dyn Fn(&str) -> bool| {
        prop_assert!(plain.iter().any(|line| is(line)), "{row} is not in\n{text}");
        Ok(())
    };
    let cut = |line: &str| line.trim_end_matches('~').to_owned();
    for row in visible {
        match graph.tab.as_str() {
            "run" if !row["heading"].is_null() => stands(&row, &|line| word(&row, "heading").starts_with(&cut(line)))?,
            "run" if row["note"] == "" => {}
            "run" if !row["note"].is_null() => stands(&row, &|line| word(&row, "note").trim().starts_with(&cut(line)))?,
            "run" => {
                let (name, value) = (word(&row, "name"), word(&row, "value"));
                let is = |line: &str| {
                    let halves = line.match_indices(' ').map(|(at, _)| line.split_at(at)).chain([(line, "")]);
                    halves.into_iter().any(|(left, right)| {
                        let left = left.trim();
                        !left.is_empty()
                            && name.trim().ends_with(left.trim_start_matches('~'))
                            && value.trim().starts_with(&cut(right.trim()))
                    })
                };
                stands(&row, &is)?;
            }
            "chat" => {
                for said in word(&row, "text").lines().filter(|said| !said.trim().is_empty()) {
                    stands(&row, &|line| line.contains(said.trim()))?;
                }
            }
            "palette" | "menu" | "options" | "views" => {
                let name = ASCII.plain(row.as_str().unwrap_or_default().into()).into_owned();
                stands(&row, &|line| {
                    let line = line.trim_start_matches(['>', ' ']);
                    line.starts_with(name.trim()) || name.starts_with(&cut(line.trim_end()))
                })?;
            }
            _ => {}
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn whatever_happens_nothing_breaks_and_what_is_reported_is_drawn(moves in moves(), ascii in any::<bool>()) {
        let theme = if ascii { ASCII } else { UNICODE };
        let mut series = RunPicture::default();
        let mut size = (80, 24);
        let (mut graph, mut status) = (Board::new(theme, 0.0, Keymap::default()), Status::new(theme, 0.0, "c".into()));
        let mut machine = None;
        let messages = messages();
        let mut now = Duration::ZERO;
        for (i, step) in moves.into_iter().enumerate() {
            now += Duration::from_millis(400);
            match step {
                Move::Data(steps) => series = run(steps),
                Move::Eventful => series = eventful(),
                Move::Sampled(cores, gpus) => machine = (cores > 0).then(|| board::machine(cores, gpus)),
                _ => {}
            }
            let scene = Scene { host: machine.as_ref(), is_here: machine.is_some(), chat: Some(&messages), ..scene(&series) };
            let event = || match &step {
                Move::Key(code, modifiers) => Event::Key(KeyEvent::new(*code, *modifiers)),
                Move::Size(w, h) => Event::Resized(*w, *h),
                Move::Mouse(kind, column, row, modifiers) => {
                    Event::Mouse(MouseEvent { kind: *kind, column: *column, row: *row, modifiers: *modifiers })
                }
                Move::Data(_) | Move::Eventful => Event::Data(Box::new(facts(&series))),
                Move::Paste(text) => Event::Paste(text.clone()),
                Move::Graphs(graphs) => Event::Spec { graphs: graphs.clone(), derived: vec![], title: "t".into() },
                Move::Set(name, value) => {
                    Event::Set { number: i as u64, view: [(name.clone(), value.as_str().into())].into_iter().collect() }
                }
                Move::Sampled(..) => Event::Sampled,
                Move::Said => Event::Said(1),
                Move::Redraw => Event::Redraw(i as u64),
            };
            graph.update(event(), scene, now);
            status.update(event(), scene, now);
            if let Move::Set(..) = step {
                prop_assert_eq!(graph.shown(scene, Rect::new(0, 0, size.0, size.1)).set, i as u64);
            }
            if let Move::Size(w, h) = step {
                size = (w, h);
            }
            graph.update(Event::Deadline, scene, now);
            agrees(&graph, scene, size)?;
            drawn_in(&status, scene, size);
        }
    }

    #[test]
    fn any_size_is_drawn(width in 1u16..210, height in 1u16..60) {
        let series = run(300);
        agrees(&graph(UNICODE, &series, (width, height)), scene(&series), (width, height))?;
        let text = drawn(&graph(UNICODE, &series, (width, height)), &series, (width, height));
        prop_assert!(!text.trim().is_empty());
        prop_assert!(!drawn(&status(UNICODE, &series), &series, (width, height)).trim().is_empty());
    }

    #[test]
    fn any_values_are_drawn(values in prop::collection::vec(any::<f64>(), 0..30), key in "\\PC{1,40}", width in 1u16..60, height in 1u16..20) {
        let mut one = Series::new();
        for (i, value) in values.into_iter().enumerate() {
            one.push(Point { step: Step(i as i64 * 1_000_000_007), time: None, value });
        }
        let series = picture([(MetricKey::from(key.as_str()), one)].into());
        let mut pane = graph(UNICODE, &series, (width, height));
        drawn(&pane, &series, (width, height));
        press(&mut pane, &series, "x enter + x");
        drawn(&pane, &series, (width, height));
        drawn(&status(UNICODE, &series), &series, (width, height));
    }
}
