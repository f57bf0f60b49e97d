//! The tab on a made-up run: how it looks, and how its notes and tags are written.

use crate::model::{RunState, WallTime};
use crate::store::{Event as RunEvent, EventKind, Git, Parent, Remark, RunInfo, RunPicture};
use crate::ui::{
    board::Board,
    pane::{Effect, Event, Pane, Scene},
    tests::{START, UNICODE, graph, press},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{buffer::Buffer, layout::Rect};
use serde_json::{Value, json};
use std::time::Duration;

fn run() -> RunPicture {
    let mut run = RunPicture::new(RunInfo {
        id: "20261120-075913-calm-otter-beef".into(),
        name: "calm-otter".into(),
        project: Some("lm".into()),
        tags: [("night".into(), String::new()), ("dataset".into(), "c4".into())].into(),
        notes: "baseline of the week: 損失 falls as in the paper, but the gradients are noisier than those of bright-sun\nnext: warm up for longer".into(),
        config: [("optim".into(), json!({"lr": 3e-4, "betas": [0.9, 0.95]})), ("layers".into(), json!(12))].into(),
        command: ["python", "train.py", "--lr", "3e-4"].map(String::from).to_vec(),
        git: Some(Git { sha: "55438bc0e1".into(), dirty: true }),
        parent: Some(Parent { run: "bold-lynx".into(), checkpoint: Some("ckpt/400".into()), step: Some(400) }),
        ..RunInfo::default()
    });
    let t = WallTime::new(START + 10.0).unwrap();
    run.apply_event(RunEvent { t, author: "human".into(), kind: EventKind::Note { text: "next: warm up for longer".into(), step: None } });
    assert_eq!(run.state(), RunState::Running);
    run
}

fn drawn(board: &Board, run: &RunPicture, size: (u16, u16)) -> String {
    let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    board.draw(Scene::of(run), buf.area, &mut buf);
    let row = |y: u16| {
        let (mut line, mut x) = (String::new(), 0);
        while x < size.0 {
            line += buf[(x, y)].symbol();
            x += (crate::text::width(buf[(x, y)].symbol()) as u16).max(1);
        }
        line.trim_end().to_owned()
    };
    (0..size.1).map(row).collect::<Vec<_>>().join("\n")
}

fn key(board: &mut Board, run: &RunPicture, code: KeyCode) -> Vec<Effect> {
    board.update(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)), Scene::of(run), Duration::ZERO)
}

#[test]
fn the_run_looks_like_this() {
    let run = run();
    for size in [(200, 50), (80, 24), (50, 16), (20, 5)] {
        let mut board = graph(UNICODE, &run, size);
        press(&mut board, &run, "3");
        insta::assert_snapshot!(format!("run_{}x{}", size.0, size.1), drawn(&board, &run, size));
    }
    let mut board = graph(UNICODE, &run, (80, 24));
    press(&mut board, &run, "3 i");
    insta::assert_snapshot!("run_notes_80x24", drawn(&board, &run, (80, 24)));
}

#[test]
fn notes_and_tags_are_written_by_hand_and_by_another_client() {
    let run = run();
    let mut board = graph(UNICODE, &run, (80, 24));
    press(&mut board, &run, "3 i");
    " \\n!".chars().for_each(|c| _ = key(&mut board, &run, KeyCode::Char(c)));
    let notes = format!("{} \n!", run.info.notes);
    let kept = |remark| vec![Effect::Remark { author: "human", remark }, Effect::Draw];
    assert_eq!(key(&mut board, &run, KeyCode::Enter), kept(Remark::notes(notes)));
    press(&mut board, &run, "i ctrl+u");
    assert_eq!(key(&mut board, &run, KeyCode::Enter), kept(Remark::notes(String::new())), "notes may be taken away");
    press(&mut board, &run, "t");
    " x=1".chars().for_each(|c| _ = key(&mut board, &run, KeyCode::Char(c)));
    assert_eq!(key(&mut board, &run, KeyCode::Enter), kept(Remark::tags("dataset=c4 night x=1")));
    press(&mut board, &run, "i");
    assert_eq!(key(&mut board, &run, KeyCode::Esc), [Effect::Draw]);
    let detail = |board: &Board| -> Value { board.shown(Scene::of(&run), Rect::new(0, 0, 80, 24)).graph.unwrap().detail };
    let visible = detail(&board)["visible"].clone();
    assert_eq!(
        (&visible[0], &visible[1], &visible[4]),
        (&json!({"heading": "run"}), &json!({"name": "name", "value": "calm-otter"}), &json!({"name": "project", "value": "lm"}))
    );
    assert!(visible.as_array().unwrap().iter().any(|row| row["note"] == "next: warm up for longer"), "{visible}");
    assert_eq!((&detail(&board)["notes"], &detail(&board)["tags"]), (&json!(run.info.notes), &json!({"dataset": "c4", "night": ""})));
    // From any tab, and together with other names.
    let view = json!({"tab": "graphs", "note": "the agent stopped it", "tags": "bad"}).as_object().cloned().unwrap();
    let mut effects = board.update(Event::Set { number: 1, view }, Scene::of(&run), Duration::ZERO);
    assert_eq!(effects.remove(0), Effect::Draw);
    let by_agent = |remark| Effect::Remark { author: "agent", remark };
    assert_eq!(effects, [by_agent(Remark::notes("the agent stopped it")), by_agent(Remark::tags("bad"))]);
}

#[test]
fn a_long_value_goes_on_in_the_rows_below_and_one_without_end_is_cut() {
    let mut run = run();
    run.info.command = ["python", "train.py"].map(String::from).to_vec();
    (0..12).for_each(|n| run.info.command.extend([format!("--option-{n}"), format!("{n}")]));
    run.config.insert("data".into(), json!("a/path/without/spaces/".repeat(100)));
    let mut board = graph(UNICODE, &run, (60, 50));
    press(&mut board, &run, "3");
    let text = drawn(&board, &run, (60, 50));
    let said: Vec<&str> = text.split_whitespace().collect();
    assert!(said.contains(&"--option-11"), "{text}");
    assert!(text.contains('…'), "{text}");
    let visible = board.shown(Scene::of(&run), Rect::new(0, 0, 60, 50)).graph.unwrap().detail["visible"].clone();
    let more = visible.as_array().unwrap().iter().filter(|row| !row["more"].is_null()).count();
    assert!(more > 8, "{visible}");
}
