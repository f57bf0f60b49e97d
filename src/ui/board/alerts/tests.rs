//! Alerts with few and with many words, on wide and on narrow screens.

use crate::{
    model::{Step, WallTime},
    source::{Alert, Record},
    store::{RunPicture, SourceRank},
    ui::{
        pane::{Pane, Scene},
        tests::{START, UNICODE, drawn, graph, press},
    },
};
use ratatui::layout::Rect;

fn run(steps: bool) -> RunPicture {
    let mut run = RunPicture::default();
    let long = "loss=9 at step 7: the gradients of the last ten steps were clipped, and the rate has not decayed yet\n\tlook at lr";
    for (n, (level, title, text)) in
        [("info", "Hello", "short"), ("error", "Loss spike", long), ("warn", "A title that is longer than a narrow screen is wide", "")]
            .into_iter()
            .enumerate()
    {
        let (title, text) = (title.into(), text.into());
        let alert = Alert { title, text, level, step: steps.then_some(Step(7)), time: WallTime::new(START + n as f64) };
        run.apply(SourceRank::Own, Ok(Record::Alert(alert)), None);
    }
    run
}

#[test]
fn all_words_of_an_alert_can_be_read() {
    for (steps, size) in [(true, (80, 12)), (false, (80, 12)), (true, (50, 16)), (true, (20, 12)), (false, (3, 4))] {
        let run = run(steps);
        let mut board = graph(UNICODE, &run, size);
        press(&mut board, &run, "6");
        insta::assert_snapshot!(format!("alerts_{}x{}_{steps}", size.0, size.1), drawn(&board, &run, size));
    }
}

#[test]
fn what_is_left_of_an_alert_that_begins_above_is_told() {
    let run = run(true);
    let mut board = graph(UNICODE, &run, (50, 6));
    press(&mut board, &run, "6 down down down");
    let detail = board.shown(Scene::of(&run), Rect::new(0, 0, 50, 6)).graph.unwrap().detail;
    assert_eq!((detail["rows"].as_u64(), detail["top"].as_u64()), (Some(8), Some(3)), "{detail}");
    assert!(detail["visible"][0]["more"].as_str().unwrap().contains("loss=9"), "{detail}");
    assert_eq!(detail["visible"].as_array().map(Vec::len), Some(5), "{detail}");
    press(&mut board, &run, "/ w a r n enter");
    assert!(drawn(&board, &run, (50, 6)).contains("A title") && !drawn(&board, &run, (50, 6)).contains("Hello"));
}
