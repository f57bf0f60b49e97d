//! What the board tells of itself can be set: every name of it is state that brings it back, or says what the run is.

use super::{anything::messages, *};
use crate::source::ConsoleLine;
use serde_json::{Map, json};

/// What is no state of the board: of the run, of what follows from the other names, or while somebody types.
const FACTS: [&str; 12] =
    ["below", "filterError", "typing", "filtering", "keys", "runs", "toast", "detail", "kept", "visible", "rows", "waitsForDigitOf"];

/// The same in single tabs.
fn is_fact(tab: &str, name: &str) -> bool {
    let own: &[&str] = match tab {
        "graphs" => &["happened", "charts", "runsLegend", "definitions", "derived", "missing"],
        "run" => &["notes", "tags"],
        "logs" => &["lines", "troubles", "matches"],
        "system" => &["isHere", "gauges", "charts", "machine", "processes", "grid"],
        "chat" => &["messages", "last"],
        _ => &[],
    };
    FACTS.contains(&name) || own.contains(&name)
}

/// All names that are state, with their values, in the order in which they are told.
fn state(graph: &GraphView) -> Map<String, Value> {
    let told = serde_json::to_value(graph).unwrap();
    let says = |value: &Value| ![json!(null), json!(""), json!(0.0), json!([0, 0]), json!(false)].contains(value);
    // What all tabs have, where this one says something there.
    // The line of the footer about sources is none of them.
    let common = told
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, value)| says(value) || graph.tab == "graphs" || *name == "filter")
        .filter(|(name, _)| *name != "source");
    let detail = graph.detail.as_object().into_iter().flatten().filter(|(name, _)| *name != "rows" || graph.tab == "graphs");
    // Where a name stands twice, what the person chose is the last: `smoothing` as a weight, and as the word.
    let kept = graph.detail["kept"].as_object().into_iter().flatten();
    let is_state = |(name, _): &(&String, &Value)| !is_fact(&graph.tab, name);
    let all = common.filter(is_state).chain(detail.filter(is_state)).chain(kept);
    let name = |name: &str| if name == "xaxis" { "xAxis".to_owned() } else { name.to_owned() };
    all.map(|(key, value)| (name(key), value.clone())).collect()
}

/// A run with something in every tab.
fn full_run() -> RunPicture {
    let mut run = eventful();
    for n in 0..60 {
        let alert = Alert { title: format!("alert {n}"), text: "look".into(), level: "warn", step: Some(Step(n)), time: None };
        run.apply(SourceRank::Own, Ok(Record::Alert(alert)), None);
        let text = format!("step {n} of sixty, and a line that is rather long so that it needs two rows on a small screen");
        run.apply(SourceRank::Stdout, Ok(Record::Console(ConsoleLine { text, offset: Some(n as u64), time: None })), None);
    }
    run
}

#[test]
fn every_name_that_is_told_can_be_set_back_and_gives_the_same_picture() {
    let run = full_run();
    let (messages, machine) = (messages(), board::machine(8, 2));
    let scene = Scene { chat: Some(&messages), host: Some(&machine), is_here: true, ..scene(&run) };
    for size in [(120, 40), (60, 16)] {
        for keys in [
            "right right enter",
            "pgdn right , < z z [",
            "z z z f } } K right { J",
            "c 1 r 2 pgdn pgdn",
            "x x + + y L b g",
            "S t n right X",
            "/ l o s s enter p z",
            "} right } / l r enter",
            "3 down down down",
            "3 end",
            "3 / l r enter",
            "4 up up up up up up up up w",
            "4 home down down",
            "4 / s t e p enter n n",
            "5 o o n down down p",
            "5 t",
            "6 down down down down",
            "6 end up",
            "8 up up up up",
            "8 end",
            "8 home",
            "8 p",
        ] {
            let fresh = || {
                let mut board = Board::new(UNICODE, 3600.0, Keymap::default());
                board.update(Event::Resized(size.0, size.1), scene, Duration::ZERO);
                board.update(Event::Data(Box::new(facts(&run))), scene, Duration::ZERO);
                board
            };
            let told = |board: &Board| board.shown(scene, Rect::new(0, 0, size.0, size.1));
            let (mut pressed, mut set) = (fresh(), fresh());
            keys.split(' ').for_each(|key| _ = pressed.update(Event::Key(key_of(key)), scene, Duration::ZERO));
            let graph = told(&pressed).graph.unwrap();
            // `og set cursor=null` is a word.
            let word = |(name, value): (String, Value)| (name, if value.is_null() && size.0 < 80 { json!("null") } else { value });
            set.update(Event::Set { number: 1, view: state(&graph).into_iter().map(word).collect() }, scene, Duration::ZERO);
            let again = told(&set);
            assert_eq!(again.refused, [""; 0], "{keys}: {:?}", state(&graph));
            let again = again.graph.unwrap();
            assert_eq!(state(&again), state(&graph), "{keys} at {size:?}");
            assert_eq!(again, graph, "{keys} at {size:?}");
            assert_eq!(drawn_in(&set, scene, size), drawn_in(&pressed, scene, size), "{keys} at {size:?}");
        }
    }
}

/// What is told after this was set from outside, and what of it was refused.
fn set(board: &mut Board, scene: Scene<'_>, view: Value) -> (GraphView, Vec<String>) {
    let view = view.as_object().unwrap().clone();
    board.update(Event::Set { number: 1, view }, scene, Duration::ZERO);
    let shown = board.shown(scene, Rect::new(0, 0, 120, 40));
    (shown.graph.unwrap(), shown.refused)
}

#[test]
fn what_is_no_filter_is_refused_and_changes_nothing() {
    let run = full_run();
    let scene = scene(&run);
    for tab in board::Tab::ALL.iter().copied() {
        let mut board = graph(UNICODE, &run, (120, 40));
        let (before, refused) = set(&mut board, scene, json!({"tab": tab.name(), "filter": "lr"}));
        assert_eq!(refused, [""; 0]);
        let (after, refused) = set(&mut board, scene, json!({"filter": "[", "regex": true}));
        if tab != board::Tab::Runs {
            assert!(refused.len() == 1 && refused[0].starts_with("filter: "), "{tab:?}: {refused:?}");
            assert_eq!(after, before, "{tab:?}");
        }
        let (after, refused) = set(&mut board, scene, json!({"filter": "[", "regex": false}));
        assert_eq!((after.filter.as_str(), refused.is_empty()), ("[", true), "{tab:?}");
        assert!(tab == board::Tab::Runs || set(&mut board, scene, json!({"regex": true})).1.len() == 1, "{tab:?}");
    }
}

#[test]
fn the_metric_that_is_named_is_in_focus_also_where_it_shares_a_chart() {
    let run = run(300);
    let mut board = graph(UNICODE, &run, (120, 40));
    for key in ["val/loss", "train/loss", "lr"] {
        let (told, refused) = set(&mut board, scene(&run), json!({"focused": key}));
        assert_eq!((told.focused.as_deref(), refused), (Some(key), vec![]));
    }
}

#[test]
fn what_the_processes_are_sorted_by_is_told_also_where_none_are_listed() {
    let run = picture(SeriesMap::new());
    let mut board = graph(UNICODE, &run, (120, 40));
    for (sort, told_as) in [("-cpu", "-cpu"), ("MEM", "memory"), ("-gpu mem", "-gpu"), ("thr", "threads")] {
        let (told, refused) = set(&mut board, scene(&run), json!({"tab": "system", "sort": sort}));
        assert_eq!((&told.detail["sort"], refused), (&json!(told_as), vec![]), "{sort}");
    }
}

#[test]
fn a_weight_that_is_none_is_refused() {
    let run = run(300);
    let mut board = graph(UNICODE, &run, (120, 40));
    let (told, refused) = set(&mut board, scene(&run), json!({"smoothing": 1.5}));
    assert!(refused.len() == 1 && refused[0].contains("below 1"), "{refused:?}");
    assert_eq!(told.detail["smoothing"], "auto");
}
