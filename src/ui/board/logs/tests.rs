//! The tab on a made-up console: signs, the line in focus, and the way to the charts and back.

use crate::model::{MetricKey, Point, Seat, Series, Step, WallTime};
use crate::source::{ConsoleLine, KeyId, Record, Row};
use crate::store::{RunPicture, SourceRank};
use crate::ui::{
    board::Board,
    keymap::Keymap,
    pane::{Event, Pane, Scene},
    tests::{START, UNICODE, click, graph, press, wheel},
};
use ratatui::{buffer::Buffer, layout::Rect};
use serde_json::{Value, json};
use std::time::Duration;

/// A run that prints a step a second; `timed`: somebody noted when.
fn run(timed: bool) -> RunPicture {
    let mut run = RunPicture::default();
    let mut offset = 0;
    let mut print = |run: &mut RunPicture, text: String, at: f64, step: Option<i64>| {
        let time = WallTime::new(START + at).filter(|_| timed);
        run.apply(SourceRank::Stdout, Ok(Record::Console(ConsoleLine { text, offset: Some(offset), time })), None);
        if let Some(step) = step {
            let row = Row { step: Some(Step(step)), offset: Some(offset), values: vec![(KeyId(0), 1.0 / step as f64)], ..Row::default() };
            run.apply(SourceRank::Stdout, Ok(Record::Row(row)), time);
        }
        offset += 1;
    };
    run.apply(SourceRank::Stdout, Ok(Record::Key(KeyId(0), MetricKey::from("loss"))), None);
    print(&mut run, "[INFO|trainer.py:12] loading 模型 🚀".into(), 0.0, None);
    for step in 1..=40 {
        print(&mut run, format!("step {step} loss {:.3}", 1.0 / step as f64), step as f64, Some(step));
        match step {
            10 => print(&mut run, "t.py:3: UserWarning: the learning rate is odd".into(), 10.5, None),
            20 => {
                for line in ["Traceback (most recent call last):", "  File \"t.py\", line 9, in step", "ValueError: a batch is empty"] {
                    print(&mut run, line.into(), 20.5, None);
                }
                print(
                    &mut run,
                    "DEBUG going on without it, and with words that make this line so long that it does not fit".into(),
                    20.6,
                    None,
                );
            }
            _ => {}
        }
    }
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

fn detail(board: &Board, run: &RunPicture) -> Value {
    board.shown(Scene::of(run), Rect::new(0, 0, 80, 24)).graph.unwrap().detail
}

fn tab(board: &Board, run: &RunPicture) -> String {
    board.shown(Scene::of(run), Rect::new(0, 0, 80, 24)).graph.unwrap().tab
}

#[test]
fn the_logs_look_like_this() {
    let run = run(true);
    for size in [(200, 50), (80, 24), (50, 16), (20, 5)] {
        let mut board = Board::new(UNICODE, 0.0, Keymap::default());
        board.update(Event::Resized(size.0, size.1), Scene::of(&run), Duration::ZERO);
        press(&mut board, &run, "4 w ! !");
        insta::assert_snapshot!(format!("logs_{}x{}", size.0, size.1), drawn(&board, &run, size));
    }
}

#[test]
fn a_line_leads_to_the_charts_and_the_crosshair_back_to_it() {
    for timed in [true, false] {
        let run = run(timed);
        let mut board = graph(UNICODE, &run, (80, 24));
        press(&mut board, &run, "4 / V a l u e enter");
        assert_eq!(detail(&board, &run)["focus"]["text"], "ValueError: a batch is empty");
        press(&mut board, &run, "g");
        assert_eq!(tab(&board, &run), "graphs");
        let x = detail(&board, &run)["cursor"]["x"].clone();
        // Without times it is the step of the line before; with them, the first point behind it.
        assert_eq!(x, json!(if timed { 21.0 } else { 20.0 }), "{timed}");
        press(&mut board, &run, ", , , l");
        assert_eq!(
            (tab(&board, &run).as_str(), &detail(&board, &run)["focus"]["text"]),
            ("logs", &json!(format!("step {} loss {}", if timed { 18 } else { 17 }, if timed { "0.056" } else { "0.059" })))
        );
    }
}

#[test]
fn without_a_crosshair_the_newest_line_is_shown_and_lines_without_a_time_say_so() {
    let run = run(true);
    let mut board = graph(UNICODE, &run, (80, 24));
    press(&mut board, &run, "l");
    assert_eq!((tab(&board, &run), &detail(&board, &run)["follows"]), ("logs".into(), &json!(true)));
    assert!(drawn(&board, &run, (80, 24)).contains("there was no crosshair"));
    let mut silent = RunPicture::default();
    silent.apply(SourceRank::Stdout, Ok(Record::Console("hello".into())), None);
    silent.series.get_or_insert(&MetricKey::from("loss"), &mut Seat::default(), Series::new).push(Point {
        step: Step(1),
        time: None,
        value: 1.0,
    });
    let mut board = graph(UNICODE, &silent, (80, 24));
    press(&mut board, &silent, "4 enter");
    assert_eq!(tab(&board, &silent), "logs");
    assert!(drawn(&board, &silent, (80, 24)).contains("nobody noted when this line was printed"));
}

#[test]
fn the_search_starts_anew_at_its_ends_and_says_which_match_it_is_at() {
    let run = run(true);
    let mut board = graph(UNICODE, &run, (120, 24));
    press(&mut board, &run, "4 / s t e p space 1 enter");
    let mut at = |keys: &str| {
        press(&mut board, &run, keys);
        let text = drawn(&board, &run, (120, 24));
        let found = text.lines().last().unwrap().split("match ").nth(1).map(|rest| rest.split("  n").next().unwrap().to_owned());
        (detail(&board, &run)["focus"]["line"].as_u64().unwrap(), found.unwrap())
    };
    let (newest, of) = at("home N");
    let all = of.rsplit(' ').next().unwrap().to_owned();
    assert_eq!(of, format!("{all} of {all}"), "the last one comes before the first line");
    let (first, of) = at("n");
    assert!(first < newest);
    assert_eq!(of, format!("1 of {all}"));
    assert_eq!(at("N"), (newest, format!("{all} of {all}")));
}

#[test]
fn troubles_are_found_one_after_the_other_and_the_focus_stays_on_its_line() {
    let mut run = run(true);
    let mut board = graph(UNICODE, &run, (80, 24));
    press(&mut board, &run, "4 !");
    assert_eq!(detail(&board, &run)["focus"]["line"], 12);
    press(&mut board, &run, "!");
    assert_eq!(detail(&board, &run)["focus"]["text"], "Traceback (most recent call last):");
    press(&mut board, &run, "!");
    assert_eq!(detail(&board, &run)["focus"]["line"], 12, "a traceback is one trouble, and from the last it starts anew");
    (0..100).for_each(|n| run.apply(SourceRank::Stdout, Ok(Record::Console(format!("line {n}").into())), None));
    assert_eq!(detail(&board, &run)["focus"]["line"], 12);
    let troubles = detail(&board, &run)["troubles"].clone();
    assert!(troubles.as_array().unwrap().contains(&json!({"line": 12, "level": "warning"})), "{troubles}");
    press(&mut board, &run, "p");
    assert_eq!(detail(&board, &run)["follows"], true);
}

#[test]
fn a_trouble_in_the_first_line_of_all_is_found() {
    let mut run = RunPicture::default();
    ["WARNING: no GPU", "step 1"].into_iter().for_each(|line| run.apply(SourceRank::Stdout, Ok(Record::Console(line.into())), None));
    let mut board = graph(UNICODE, &run, (80, 24));
    for keys in ["4 !", "!"] {
        press(&mut board, &run, keys);
        assert_eq!(detail(&board, &run)["focus"]["line"], 1);
    }
}

#[test]
fn the_wheel_scrolls_and_a_click_puts_the_focus_onto_a_line() {
    let run = run(true);
    for keys in ["4", "4 w"] {
        let mut board = graph(UNICODE, &run, (80, 24));
        press(&mut board, &run, keys);
        let mut line = |event: Event| {
            board.update(event, Scene::of(&run), Duration::ZERO);
            let detail = detail(&board, &run);
            (detail["top"].as_u64().unwrap() + 1, detail["focus"]["line"].as_u64(), detail["follows"].as_bool().unwrap())
        };
        let (end, ..) = line(click((200, 200)));
        let (top, focus, _) = line(wheel(false, (20, 10)));
        assert_eq!(top, end - 3, "{keys}");
        assert!(focus.unwrap() < 46, "{keys}: the focus stays in sight");
        assert_eq!(line(wheel(true, (20, 10))), (end, None, true), "{keys}: at the end it follows");
        line(wheel(false, (20, 10)));
        assert_eq!(line(click((20, 4))), (end - 3, Some(end - 1), false), "{keys}");
        for _ in 0..30 {
            line(wheel(false, (20, 10)));
        }
        assert_eq!(line(wheel(false, (20, 10))).0, 1, "{keys}");
    }
}

#[test]
fn a_line_that_is_cut_says_so() {
    let run = run(true);
    let mut board = graph(UNICODE, &run, (60, 50));
    press(&mut board, &run, "4");
    let long = |board: &Board| drawn(board, &run, (60, 50)).lines().find(|line| line.contains("DEBUG")).unwrap().to_owned();
    assert!(long(&board).ends_with('…') && crate::text::width(&long(&board)) == 60, "{}", long(&board));
    press(&mut board, &run, "w");
    assert!(!long(&board).contains('…'), "{}", long(&board));
}

#[test]
fn a_line_is_put_on_top_by_its_number_or_refused_in_words() {
    let run = run(true);
    for keys in ["4", "4 w"] {
        let mut board = graph(UNICODE, &run, (80, 24));
        press(&mut board, &run, keys);
        let mut set = |view: Value| {
            let view = view.as_object().unwrap().clone();
            board.update(Event::Set { number: 1, view }, Scene::of(&run), Duration::ZERO);
            let refused = board.shown(Scene::of(&run), Rect::new(0, 0, 80, 24)).refused;
            let told = detail(&board, &run);
            ((told["top"].clone(), told["line"].clone(), told["follows"] == true), refused)
        };
        let ((end, ..), _) = set(json!({"top": 3, "follows": true}));
        assert_eq!(set(json!({"top": end})).0, (end.clone(), Value::Null, true), "{keys}: it is there already");
        let ((top, line, follows), refused) = set(json!({"top": 3}));
        assert!((top, follows, refused) == (json!(3), false, vec![]) && line.as_u64() <= Some(24), "{keys}: {line}");
        assert_eq!(set(json!({"top": 5, "follows": false})).0.0, 5);
        assert_eq!(set(json!({"line": 20, "top": 7})).0, (json!(7), json!(20), false), "{keys}: the focus stays in sight");
        let before = set(json!({"line": 20})).0;
        let (after, refused) = set(json!({"top": 40}));
        assert_eq!((after, refused), (before, vec![format!("top: at most {end} lines can be above what is in sight, not 40")]), "{keys}");
        assert_eq!(set(json!({"line": 99})).1, ["line: the lines 1 to 46 are kept: there is no 99 among them"]);
    }
}
