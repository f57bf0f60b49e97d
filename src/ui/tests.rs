//! Both panes drawn from a made-up run: how they look, and that they never lie or break.

use super::{
    board::Board,
    facts::{Facts, SeriesMap},
    keymap::Keymap,
    pane::{Effect, Event, Link, Pane, Scene},
    status::Status,
    theme::Theme,
};
use crate::model::{Exit, MetricKey, Point, RunState, Series, Step, WallTime, num};
use crate::store::RunPicture;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Rect};
use std::time::Duration;

pub(super) const START: f64 = 1_795_161_553.0;

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
            series.entry(MetricKey::from(key)).or_default().push(point);
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
        ..Facts::default()
    };
    facts.pace(&run.series);
    facts
}

pub(super) fn graph(theme: Theme, run: &RunPicture, size: (u16, u16)) -> Board {
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

pub(super) const UNICODE: Theme = Theme::new(true, true);
const ASCII: Theme = Theme::new(false, false);

fn buffer(pane: &dyn Pane, run: &RunPicture, size: (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| pane.draw(scene(run), frame.area(), frame.buffer_mut())).unwrap();
    terminal.backend().buffer().clone()
}

pub(super) fn scene(run: &RunPicture) -> Scene<'_> {
    Scene::of(run)
}

fn text(buf: &Buffer) -> String {
    let row = |y: u16| (0..buf.area.width).map(|x| buf[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..buf.area.height).map(row).collect::<Vec<_>>().join("\n")
}

fn drawn(pane: &dyn Pane, run: &RunPicture, size: (u16, u16)) -> String {
    text(&buffer(pane, run, size))
}

pub(super) fn press(pane: &mut dyn Pane, run: &RunPicture, keys: &str) {
    for key in keys.split(' ') {
        let (code, modifiers) = match key {
            "enter" => (KeyCode::Enter, KeyModifiers::NONE),
            "esc" => (KeyCode::Esc, KeyModifiers::NONE),
            "right" => (KeyCode::Right, KeyModifiers::NONE),
            "tab" => (KeyCode::Tab, KeyModifiers::NONE),
            "down" => (KeyCode::Down, KeyModifiers::NONE),
            "pgdn" => (KeyCode::PageDown, KeyModifiers::NONE),
            "ctrl+u" => (KeyCode::Char('u'), KeyModifiers::CONTROL),
            c => (KeyCode::Char(c.chars().next().unwrap()), KeyModifiers::NONE),
        };
        pane.update(Event::Key(KeyEvent::new(code, modifiers)), scene(run), Duration::ZERO);
    }
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
    for size in [(120, 6), (80, 5), (80, 3), (50, 2), (120, 1), (40, 1)] {
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
    assert!(drawn(&pane, &new, size).contains("new series: val/acc and 1 more"));
    assert_eq!(pane.deadline(), Some(secs(15)));
    assert_eq!(pane.update(Event::Deadline, scene(&new), secs(14)), []);
    assert_eq!(pane.update(Event::Deadline, scene(&new), secs(15)), [Effect::DrawSoon]);
    assert!(!drawn(&pane, &new, size).contains("new series"));
    assert_eq!(pane.deadline(), None);
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

#[derive(Clone, Debug)]
enum Move {
    Key(KeyCode, KeyModifiers),
    Size(u16, u16),
    Data(i64),
    Paste(String),
    Graphs(Vec<String>),
    Redraw,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let code = prop_oneof![
        8 => "[ -~]".prop_map(|c| KeyCode::Char(c.chars().next().unwrap())),
        1 => Just(KeyCode::Enter), 1 => Just(KeyCode::Esc), 1 => Just(KeyCode::Tab), 1 => Just(KeyCode::BackTab),
        1 => Just(KeyCode::Left), 1 => Just(KeyCode::Right), 1 => Just(KeyCode::Up), 1 => Just(KeyCode::Down),
        1 => Just(KeyCode::PageUp), 1 => Just(KeyCode::PageDown), 1 => Just(KeyCode::Home), 1 => Just(KeyCode::End),
        1 => Just(KeyCode::Backspace), 2 => Just(KeyCode::Char('/')), 1 => Just(KeyCode::Char('h')),
    ];
    let modifiers = prop_oneof![6 => Just(KeyModifiers::NONE), 1 => Just(KeyModifiers::CONTROL), 1 => Just(KeyModifiers::SHIFT)];
    let one = prop_oneof![
        8 => (code, modifiers).prop_map(|(code, modifiers)| Move::Key(code, modifiers)),
        1 => (1u16..130, 1u16..45).prop_map(|(w, h)| Move::Size(w, h)),
        1 => (0i64..400).prop_map(Move::Data),
        1 => "\\PC{0,9}".prop_map(Move::Paste),
        1 => prop::collection::vec("loss|lr|none|\\*", 0..3).prop_map(Move::Graphs),
        1 => Just(Move::Redraw),
    ];
    prop::collection::vec(one, 0..40)
}

/// Every metric reported as shown stands on the screen: the name that the legend has for it (perhaps cut at its start) and its
/// value, in one line; and so do the values at the crosshair.
fn agrees(pane: &Board, run: &RunPicture, size: (u16, u16), theme: Theme) -> Result<(), TestCaseError> {
    let text = drawn(pane, run, size);
    let shown = pane.shown(scene(run), Rect::new(0, 0, size.0, size.1));
    let graph = shown.graph.unwrap();
    let charts = graph.detail["charts"].as_array().cloned().unwrap_or_default();
    let names: Vec<(String, String)> = charts
        .iter()
        .flat_map(|chart| chart["legend"].as_array().cloned().unwrap_or_default())
        .map(|entry| (entry["key"].as_str().unwrap().to_owned(), entry["name"].as_str().unwrap().to_owned()))
        .collect();
    let plain = |text: &str| theme.plain(text.to_owned().into()).into_owned();
    for metric in shown.visible_metrics {
        let value = crate::text::number(num::from_json(&metric.latest_value).unwrap(), 4);
        let name = plain(&names.iter().find(|(key, _)| *key == metric.key).unwrap().1);
        prop_assert!(
            text.lines().any(|line| line.contains(&name) && line.contains(&value)),
            "{} {name} {value} is not in\n{text}",
            metric.key
        );
    }
    if graph.tab == "graphs" {
        for word in graph.detail["cursor"]["readout"].as_array().cloned().unwrap_or_default() {
            let word = plain(word.as_str().unwrap());
            prop_assert!(text.contains(&word), "{word} is not in\n{text}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_happens_nothing_breaks_and_what_is_reported_is_drawn(moves in moves(), ascii in any::<bool>()) {
        let theme = if ascii { ASCII } else { UNICODE };
        let mut series = RunPicture::default();
        let mut size = (80, 24);
        let (mut graph, mut status) = (Board::new(theme, 0.0, Keymap::default()), Status::new(theme, 0.0, "c".into()));
        let mut now = Duration::ZERO;
        for (i, step) in moves.into_iter().enumerate() {
            now += Duration::from_millis(400);
            if let Move::Data(steps) = step {
                series = run(steps);
            }
            let event = || match &step {
                Move::Key(code, modifiers) => Event::Key(KeyEvent::new(*code, *modifiers)),
                Move::Size(w, h) => Event::Resized(*w, *h),
                Move::Data(_) => Event::Data(Box::new(facts(&series))),
                Move::Paste(text) => Event::Paste(text.clone()),
                Move::Graphs(graphs) => Event::Spec { graphs: graphs.clone(), derived: vec![], title: "t".into() },
                Move::Redraw => Event::Redraw(i as u64),
            };
            graph.update(event(), scene(&series), now);
            status.update(event(), scene(&series), now);
            if let Move::Size(w, h) = step {
                size = (w, h);
            }
            graph.update(Event::Deadline, scene(&series), now);
            agrees(&graph, &series, size, theme)?;
            drawn(&status, &series, size);
        }
    }

    #[test]
    fn any_size_is_drawn(width in 1u16..210, height in 1u16..60) {
        let series = run(300);
        agrees(&graph(UNICODE, &series, (width, height)), &series, (width, height), UNICODE)?;
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
