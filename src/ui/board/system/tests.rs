//! The System tab on a machine that was looked at, and on samples that real trackers wrote.

use crate::store::{RunPicture, RunReader};
use crate::ui::{
    board::{Board, Tab},
    host::{Disk, Gpu, Host, Machine, Process},
    pane::{Effect, Event, Pane, Scene},
    tests::{START, UNICODE, graph, text},
};
use ratatui::{buffer::Buffer, layout::Rect};
use serde_json::Value;
use std::{path::Path, time::Duration};

const SIZES: [(u16, u16); 5] = [(200, 50), (120, 40), (80, 24), (50, 16), (20, 5)];

/// A machine with so many cores and GPUs, two minutes of it.
pub fn machine(cores: usize, gpus: usize) -> Machine {
    let mut machine = Machine::default();
    for n in 0..60 {
        let wave = |phase: f64| ((f64::from(n) / 7.0 + phase).sin() + 1.0) / 2.0;
        let process = |pid: u32, command: &str, cpu: f64| Process {
            pid,
            command: command.into(),
            cpu: (n > 0).then_some(cpu),
            memory: u64::from(pid % 100 + 1) << 26,
            threads: Some(pid as usize % 40),
            gpu_memory: (gpus > 0 && pid > 4101).then_some(u64::from(pid % 100) << 32),
        };
        let gpu = |i: usize| Gpu {
            name: "NVIDIA H100 80GB HBM3".into(),
            busy: Some(0.9 + wave(i as f64) / 10.0),
            memory: Some((71 << 30, 80 << 30)),
            celsius: Some(61.0 + i as f64),
            watts: Some(500.0 + 100.0 * wave(i as f64)),
            watts_max: Some(700.0),
        };
        machine.take(Host {
            at: START + 2.0 * f64::from(n),
            cpu: (n > 0).then(|| wave(0.0)),
            cores: if n > 0 { (0..cores).map(|core| wave(core as f64)).collect() } else { vec![] },
            load: Some([1.2, 0.9, 0.72]),
            memory: Some(((9 << 30) + (u64::try_from(n).unwrap() << 26), 23 << 30)),
            swap: Some((1 << 29, 2 << 30)),
            disk: Some(Disk { free: 31 << 30, all: 500 << 30, mount: "/data".into() }),
            disk_rates: (n > 0).then(|| (wave(1.0) * 3e8, 1.5e6)),
            network: (n > 0).then(|| (1.2e6 * wave(2.0), 3.4e4)),
            gpus: (0..gpus).map(gpu).collect(),
            processes: vec![
                process(4100, "/bin/bash run.sh", 0.0),
                process(4101, "tee train.log", 0.01),
                process(4107, "python3 train.py --lr 3e-4 --config configs/größe.yaml", 0.98),
                process(4111, "python3 train.py --lr 3e-4 (loader 0)", 0.42),
            ],
        });
    }
    machine
}

fn tab(scene: Scene<'_>, size: (u16, u16)) -> Board {
    let mut board = graph(UNICODE, scene.run, size);
    press(&mut board, scene, "5");
    board
}

fn press(board: &mut Board, scene: Scene<'_>, keys: &str) {
    for key in keys.chars() {
        let code = crossterm::event::KeyCode::Char(key);
        board.update(Event::Key(crossterm::event::KeyEvent::new(code, crossterm::event::KeyModifiers::NONE)), scene, Duration::ZERO);
    }
}

fn drawn(board: &Board, scene: Scene<'_>, size: (u16, u16)) -> String {
    let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    board.draw(scene, buf.area, &mut buf);
    text(&buf)
}

fn detail(board: &Board, scene: Scene<'_>, size: (u16, u16)) -> Value {
    board.shown(scene, Rect::new(0, 0, size.0, size.1)).graph.unwrap().detail
}

fn recorded(path: &str) -> RunReader {
    let mut path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path);
    let folder = tempfile::tempdir().unwrap();
    if path.extension().is_some_and(|end| end == "sql") {
        let db = folder.path().join("stats.db");
        rusqlite::Connection::open(&db).unwrap().execute_batch(&std::fs::read_to_string(path).unwrap()).unwrap();
        path = db;
    }
    let mut reader = RunReader::open(&path).unwrap();
    while reader.poll(RunReader::LOAD).more {}
    reader
}

#[test]
fn a_machine_that_is_looked_at_looks_like_this() {
    let (run, small, large) = (RunPicture::default(), machine(2, 0), machine(64, 8));
    for (name, machine) in [("small", &small), ("large", &large)] {
        let scene = Scene { host: Some(machine), is_here: true, ..Scene::of(&run) };
        for size in SIZES {
            insta::assert_snapshot!(format!("now_{name}_{}x{}", size.0, size.1), drawn(&tab(scene, size), scene, size));
        }
    }
}

#[test]
fn what_a_tracker_sampled_looks_like_this() {
    for (name, path) in [("wandb", "wandb/stats.wandb"), ("trackio", "trackio/stats/stats.sql")] {
        let run = recorded(path);
        let scene = Scene::of(run.picture());
        for size in SIZES {
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), drawn(&tab(scene, size), scene, size));
        }
        let told = detail(&tab(scene, (200, 50)), scene, (200, 50));
        assert_eq!((told["source"].as_str(), told["machine"].is_null()), (Some("samples"), true));
    }
}

#[test]
fn the_machine_is_watched_only_while_it_is_shown() {
    let (run, machine) = (recorded("wandb/stats.wandb"), machine(2, 0));
    let scene = Scene { host: Some(&machine), is_here: true, ..Scene::of(run.picture()) };
    let mut board = graph(UNICODE, run.picture(), (80, 24));
    assert_eq!((board.wants().host, board.update(Event::Sampled, scene, Duration::ZERO)), (false, vec![]));
    press(&mut board, scene, "5");
    assert_eq!((board.wants().host, board.update(Event::Sampled, scene, Duration::ZERO)), (true, vec![Effect::DrawSoon]));
    for (key, watched) in [("p", false), ("p", true), ("t", false), ("t", true), ("h", false), ("h", true), ("1", false)] {
        press(&mut board, scene, key);
        assert_eq!(board.wants().host, watched, "{key}");
    }
    assert_eq!(board.tab, Tab::Graphs);
}

#[test]
fn what_there_is_not_is_not_shown_instead_and_the_machine_is_watched_on() {
    let (run, machine) = (RunPicture::default(), machine(2, 0));
    let scene = Scene { host: Some(&machine), is_here: true, ..Scene::of(&run) };
    let mut board = tab(scene, (80, 24));
    for _ in 0..2 {
        press(&mut board, scene, "t");
        assert!(board.wants().host && drawn(&board, scene, (80, 24)).contains("the run has not sampled its machine"));
    }
    board.update(Event::Set { number: 1, view: [("source".to_owned(), "samples".into())].into_iter().collect() }, scene, Duration::ZERO);
    let refused = board.shown(scene, Rect::new(0, 0, 80, 24)).refused;
    assert!(board.wants().host && refused[0].starts_with("source: the run has not sampled"), "{refused:?}");
    // The other way round.
    let run = recorded("wandb/stats.wandb");
    let scene = Scene::of(run.picture());
    let mut board = tab(scene, (80, 24));
    press(&mut board, scene, "t");
    assert!(drawn(&board, scene, (80, 24)).contains("the run is not on this machine"), "{}", drawn(&board, scene, (80, 24)));
}

#[test]
fn an_agent_reads_the_numbers_that_are_drawn() {
    let (run, machine) = (RunPicture::default(), machine(64, 8));
    let size = (200, 50);
    let scene = Scene { host: Some(&machine), is_here: true, ..Scene::of(&run) };
    let mut board = tab(scene, size);
    let told = detail(&board, scene, size);
    let number = |path: &str| told.pointer(path).and_then(Value::as_f64);
    assert_eq!(
        (told["source"].as_str(), number("/machine/gpus/7/celsius"), number("/processes/count")),
        (Some("now"), Some(68.0), Some(4.0))
    );
    assert_eq!((number("/processes/rows/0/pid"), number("/machine/disk/free")), (Some(4107.0), Some((31u64 << 30) as f64)));
    press(&mut board, scene, "oo");
    assert_eq!(detail(&board, scene, size)["processes"]["sort"], "threads");
    let view = [("sort".to_owned(), Value::from("-pid")), ("filter".to_owned(), "python".into())].into_iter().collect();
    board.update(Event::Set { number: 1, view }, scene, Duration::ZERO);
    assert_eq!(board.shown(scene, Rect::new(0, 0, size.0, size.1)).refused, Vec::<String>::new());
    let listed = detail(&board, scene, size)["processes"]["rows"].clone();
    assert_eq!(listed.as_array().unwrap().iter().map(|row| row["pid"].as_u64().unwrap()).collect::<Vec<_>>(), [4111, 4107]);
    let screen = drawn(&board, scene, size);
    assert!(screen.contains("2 listed") && !screen.contains("tee train.log"), "{screen}");
}

#[test]
fn who_knows_nothing_says_why() {
    let size = (80, 24);
    let mut run = RunPicture::default();
    let says = |run: &RunPicture, is_here| {
        let scene = Scene { is_here, ..Scene::of(run) };
        drawn(&tab(scene, size), scene, size)
    };
    assert!(says(&run, true).contains("looking at the machine..."));
    run.info.host = Some("node-17".into());
    assert!(says(&run, false).contains("no process of the run is known on this machine (node-17 is its host)"), "{}", says(&run, false));
    let machine = machine(2, 0);
    let scene = Scene { host: Some(&machine), ..Scene::of(&run) };
    assert!(
        drawn(&tab(scene, size), scene, size).contains("last seen 09:01:11"),
        "the training has ended: {}",
        drawn(&tab(scene, size), scene, size)
    );
}
