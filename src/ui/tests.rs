//! Both panes drawn from a made-up run: how they look, and that they never lie or break.

mod anything;
mod frame;
mod graphs;
mod recorded;
mod set;
mod status;

use super::{
    board::{self, Board},
    config::Settings,
    facts::{Facts, Order, SeriesMap},
    host::{Gpu, Host, Machine},
    keymap::Keymap,
    pane::{Effect, Event, Link, Listing, Overlaid, Pane, Scene},
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

pub(super) fn drawn(pane: &dyn Pane, run: &RunPicture, size: (u16, u16)) -> String {
    text(&buffer(pane, run, size))
}

pub(super) fn press(pane: &mut dyn Pane, run: &RunPicture, keys: &str) {
    for key in keys.split(' ') {
        pane.update(Event::Key(key_of(key)), scene(run), Duration::ZERO);
    }
}

/// A key by its name in the key table.
pub(super) fn key_of(name: &str) -> KeyEvent {
    let all =
        [("ctrl+", KeyModifiers::CONTROL), ("alt+", KeyModifiers::ALT), ("super+", KeyModifiers::SUPER), ("shift+", KeyModifiers::SHIFT)];
    let (mut modifiers, mut base) = (KeyModifiers::NONE, name);
    for (word, modifier) in all {
        if let Some(rest) = base.strip_prefix(word) {
            (modifiers, base) = (modifiers | modifier, rest);
        }
    }
    let code = match base {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "tab" if modifiers == KeyModifiers::SHIFT => KeyCode::BackTab,
        "tab" => KeyCode::Tab,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "pgdn" => KeyCode::PageDown,
        "pgup" => KeyCode::PageUp,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        "space" => KeyCode::Char(' '),
        f if f.len() > 1 && f.starts_with('f') => KeyCode::F(f[1..].parse().unwrap()),
        c => KeyCode::Char(c.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}

/// What the agent is told of the charts.
fn detail(pane: &Board, run: &RunPicture, size: (u16, u16)) -> serde_json::Value {
    pane.shown(scene(run), Rect::new(0, 0, size.0, size.1)).graph.unwrap().detail
}

fn mouse(pane: &mut Board, run: &RunPicture, kind: MouseEventKind, at: (u16, u16), modifiers: KeyModifiers) -> Vec<Effect> {
    let event = MouseEvent { kind, column: at.0, row: at.1, modifiers };
    pane.update(Event::Mouse(event), scene(run), Duration::ZERO)
}

/// A click with the left button.
pub(super) fn click((column, row): (u16, u16)) -> Event {
    Event::Mouse(MouseEvent { kind: MouseEventKind::Down(MouseButton::Left), column, row, modifiers: KeyModifiers::NONE })
}

/// A notch of the wheel.
pub(super) fn wheel(down: bool, (column, row): (u16, u16)) -> Event {
    let kind = if down { MouseEventKind::ScrollDown } else { MouseEventKind::ScrollUp };
    Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
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
