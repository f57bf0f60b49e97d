//! The tab on made-up runs: how it looks, and that what it tells is what it draws.

use crate::model::{MetricKey, RunState, WallTime};
use crate::query::runs::{Origin, RunRead, RunRow};
use crate::store::RunPicture;
use crate::ui::{
    board::Board,
    keymap::Keymap,
    pane::{Effect, Event, Listing, Overlay, Pane, Scene},
    tests::{START, UNICODE, click, wheel},
    theme::{Glyphs, Theme},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Rect};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

const ASCII: Theme = Theme::new(false, false);

/// Runs of two projects, over some days; some resumed, some diverged.
pub(in crate::ui) fn rows(count: usize) -> Vec<RunRow> {
    let row = |n: usize| {
        let lr = [1e-3, 3e-4, 1e-4][n % 3];
        let course: Vec<f64> =
            (0..32).map(|i| 2.0 + 7.0 * (-(i as f64) * lr * 200.0).exp() + ((i * 7 + n * 3) % 5) as f64 * 0.05).collect();
        let loss = course[31];
        let best = course.iter().copied().fold(f64::INFINITY, f64::min);
        let key = || MetricKey::from("val/loss");
        let state = [RunState::Running, RunState::Finished, RunState::Finished, RunState::Failed, RunState::Lost][n % 5];
        let started = START - 5000.0 * n as f64;
        RunRow {
            path: format!("runs/{n}").into(),
            id: format!("20261120-0759{n:02}-calm-otter-{n:04x}"),
            name: ["calm-otter", "bright-sun", "模型-七", "a-run-with-a-rather-long-name-of-its-own"][n % 4].to_owned() + &format!("-{n}"),
            project: Some(if n % 4 == 3 { "vision" } else { "lm" }.into()),
            kind: "og run",
            own: true,
            state: Some(state),
            step: Some(1000 + 37 * n as i64),
            total_steps: n.is_multiple_of(2).then_some(2000),
            started: Some(started),
            changed: Some(started + 3000.0),
            tags: [("dataset".to_owned(), ["c4", "pile"][n % 2].to_owned())].into(),
            notes: if n.is_multiple_of(3) { "a note".into() } else { String::new() },
            config: [("optim.lr".to_owned(), json!(lr)), ("seed".to_owned(), json!(n)), ("layers".to_owned(), json!(12))].into(),
            last: [
                (key(), if n == 4 { f64::NAN } else { loss }),
                (MetricKey::from("lr"), lr),
                (MetricKey::from("val/acc"), 1.0 - loss / 10.0),
            ]
            .into(),
            read: (n != 5).then(|| RunRead {
                best: [(key(), best), (MetricKey::from("val/acc"), 1.0 - best / 10.0)].into(),
                course: [(key(), course)].into(),
                checkpoints: if n == 6 {
                    vec![("ckpt/step500.pt".into(), Some(500)), ("ckpt/step1000.pt".into(), Some(1000))]
                } else {
                    vec![]
                },
                ..RunRead::default()
            }),
            origin: match n {
                2 => Some(Origin { run: "20261120-075906-calm-otter-0006".into(), checkpoint: None, step: Some(500) }),
                1 => Some(Origin { run: "20261120-075902-calm-otter-0002".into(), checkpoint: None, step: None }),
                3 => Some(Origin { run: "somewhere-else".into(), checkpoint: None, step: None }),
                _ => None,
            },
            ..RunRow::default()
        }
    };
    (0..count).map(row).collect()
}

fn own() -> RunPicture {
    let mut run = RunPicture::default();
    run.info.id = "20261120-075900-calm-otter-0000".into();
    run.info.started_at = WallTime::new(START);
    run
}

/// A board that shows the runs.
struct Shown {
    board: Board,
    run: RunPicture,
    rows: Vec<RunRow>,
    size: (u16, u16),
}

impl Shown {
    fn new(rows: Vec<RunRow>, size: (u16, u16), theme: Theme) -> Shown {
        let mut shown = Shown { board: Board::new(theme, 3600.0, Keymap::default()), run: own(), rows, size };
        shown.tell(Event::Resized(size.0, size.1));
        shown.press("2");
        let listing = Listing { at: START + 60.0, places: vec!["/home/me/.og".into()], ..Listing::default() };
        shown.tell(Event::Runs(listing));
        shown
    }

    fn tell(&mut self, event: Event) {
        let scene = Scene { runs: &self.rows, ..Scene::of(&self.run) };
        self.board.update(event, scene, Duration::ZERO);
    }

    fn key(&mut self, code: KeyCode) {
        self.tell(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            self.key(match key {
                "enter" => KeyCode::Enter,
                "esc" => KeyCode::Esc,
                "down" => KeyCode::Down,
                "left" => KeyCode::Left,
                "right" => KeyCode::Right,
                "end" => KeyCode::End,
                "home" => KeyCode::Home,
                "space" => KeyCode::Char(' '),
                c => KeyCode::Char(c.chars().next().unwrap()),
            });
        }
    }

    fn filter(&mut self, text: &str) {
        self.press("/");
        self.tell(Event::Paste(text.into()));
        self.press("enter");
    }

    fn drawn(&self) -> String {
        let scene = Scene { runs: &self.rows, ..Scene::of(&self.run) };
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        terminal.draw(|frame| self.board.draw(scene, frame.area(), frame.buffer_mut())).unwrap();
        let buf = terminal.backend().buffer();
        // The cell behind a wide character is empty.
        let row = |y: u16| {
            let mut line = String::new();
            let mut x = 0;
            while x < self.size.0 {
                let symbol = buf[(x, y)].symbol();
                line += symbol;
                x += (crate::text::width(symbol) as u16).max(1);
            }
            line.trim_end().to_owned()
        };
        (0..self.size.1).map(row).collect::<Vec<_>>().join("\n")
    }

    fn detail(&self) -> Value {
        let scene = Scene { runs: &self.rows, ..Scene::of(&self.run) };
        self.board.shown(scene, Rect::new(0, 0, self.size.0, self.size.1)).graph.unwrap().detail
    }

    fn names(&self) -> Vec<String> {
        let visible = self.detail()["visible"].as_array().cloned().unwrap_or_default();
        visible.iter().filter_map(|line| line["name"].as_str().map(str::to_owned)).collect()
    }

    fn wants(&self) -> Vec<Overlay> {
        self.board.wants().overlaid
    }
}

#[test]
fn the_runs_look_like_this() {
    for (width, height) in [(200, 50), (120, 40), (80, 24), (50, 16), (20, 5)] {
        let mut shown = Shown::new(rows(12), (width, height), UNICODE);
        shown.press("space space");
        insta::assert_snapshot!(format!("runs_{width}x{height}"), shown.drawn());
    }
    let mut shown = Shown::new(rows(12), (80, 24), ASCII);
    shown.press("space p");
    insta::assert_snapshot!("runs_ascii_80x24", shown.drawn());
}

#[test]
fn the_other_views_look_like_this() {
    for (width, height) in [(200, 50), (80, 24), (50, 16), (20, 5)] {
        let look = |keys: &str, name: &str| {
            let mut shown = Shown::new(rows(12), (width, height), UNICODE);
            shown.press(keys);
            insta::assert_snapshot!(format!("runs_{name}_{width}x{height}"), shown.drawn());
        };
        look("g", "grouped");
        look("r", "recent");
        look("t down", "lineage");
        look("space p down space c", "compare");
        look("down enter", "one");
    }
    let mut shown = Shown::new(rows(12), (80, 24), ASCII);
    shown.press("t");
    insta::assert_snapshot!("runs_lineage_ascii_80x24", shown.drawn());
}

#[test]
fn a_filter_that_makes_no_sense_from_the_start_says_so_where_the_runs_would_be() {
    let mut shown = Shown::new(rows(12), (80, 24), UNICODE);
    shown.filter("nowhere lr:x");
    shown.press("/");
    (0..4).for_each(|_| shown.key(KeyCode::Backspace));
    assert!(shown.drawn().contains("no run fits"));
    shown.tell(Event::Paste("lr:x".into()));
    let text = shown.drawn();
    assert!(text.lines().nth(2).unwrap().starts_with("column ") && !text.contains("no run fits"), "{text}");
}

#[test]
fn a_hyperparameter_that_differs_has_room_on_a_usual_screen() {
    let shown = Shown::new(rows(12), (80, 24), UNICODE);
    let titles = shown.drawn().lines().nth(2).unwrap().to_owned();
    assert!(titles.split_whitespace().any(|title| title == "lr"), "{titles}");
}

#[test]
fn nothing_to_show_says_why() {
    let mut shown = Shown::new(vec![], (80, 24), UNICODE);
    assert!(shown.drawn().contains("no runs in /home/me/.og"));
    shown.tell(Event::Runs(Listing { left: 2000, ..Listing::default() }));
    assert!(shown.drawn().contains("looking at 2000 runs..."));
    let mut shown = Shown::new(rows(3), (80, 24), UNICODE);
    shown.filter("nobody");
    assert!(shown.drawn().contains("no run fits `nobody`"));
    shown.press("esc");
    assert_eq!(shown.names().len(), 3);
}

#[test]
fn who_shows_the_runs_is_answered_when_they_were_looked_at() {
    let mut shown = Shown::new(rows(3), (80, 24), UNICODE);
    let asked = |number| {
        let view = json!({"tab": "runs", "nonsense": 1}).as_object().cloned().unwrap();
        Event::Set { number, view }
    };
    let set = |shown: &Shown| {
        let scene = Scene { runs: &shown.rows, ..Scene::of(&shown.run) };
        let told = shown.board.shown(scene, Rect::new(0, 0, 80, 24));
        (told.set, told.refused.len())
    };
    shown.tell(asked(1));
    assert_eq!(set(&shown), (1, 1), "they were looked at");
    shown.tell(Event::Runs(Listing { left: 3, at: START, ..Listing::default() }));
    shown.tell(asked(2));
    assert_eq!((set(&shown), &shown.detail()["looking"]), ((1, 1), &json!(true)));
    shown.tell(Event::Runs(Listing { at: START + 1.0, ..Listing::default() }));
    assert_eq!(set(&shown).0, 2);
    // But nobody waits for a store of years.
    shown.tell(Event::Runs(Listing { left: 3, at: START, ..Listing::default() }));
    shown.tell(asked(3));
    let scene = Scene { runs: &shown.rows, ..Scene::of(&shown.run) };
    let until = shown.board.deadline().unwrap();
    assert_eq!(shown.board.update(Event::Deadline, scene, until), [Effect::DrawSoon]);
    assert_eq!((set(&shown).0, shown.board.deadline()), (3, None));
}

#[test]
fn of_two_files_of_one_name_the_one_in_front_is_marked() {
    let mut shown = Shown::new(rows(3), (100, 24), UNICODE);
    let marked = |shown: &Shown, own: Option<&Path>| -> Vec<bool> {
        let scene = Scene { runs: &shown.rows, own, ..Scene::of(&shown.run) };
        shown.rows.iter().map(|row| super::table::is_own(row, scene)).collect()
    };
    assert_eq!(marked(&shown, None), [true, false, false], "one of og's is known by its id");
    for (row, path) in shown.rows.iter_mut().zip(["/a/metrics.csv", "/b/metrics.csv", "/a/old.csv"]) {
        (row.own, row.id, row.path) = (false, "metrics.csv".into(), path.into());
    }
    shown.run.info.id = "metrics.csv".into();
    assert_eq!(marked(&shown, Some(Path::new("/b/metrics.csv"))), [false, true, false]);
}

#[test]
fn the_run_that_is_looked_at_is_the_first_and_the_others_are_reached() {
    let mut shown = Shown::new(rows(12), (80, 24), UNICODE);
    let beside = |shown: &Shown| shown.detail()["visible"][0]["runs"].clone();
    let differs = |shown: &Shown| {
        let told = shown.detail()["visible"].as_array().cloned().unwrap();
        told.iter().filter_map(|line| line["entry"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    shown.press("a c");
    assert_eq!(beside(&shown), json!(["calm-otter-0", "a-run-with-a-rather-long-name-of-its-own-11", "模型-七-10"]));
    assert!(shown.drawn().contains("1, 2-3 of 12 runs, left/right"), "{}", shown.drawn());
    assert!(differs(&shown).contains(&"project".to_owned()));
    shown.press("right");
    assert_eq!(beside(&shown), json!(["calm-otter-0", "模型-七-10", "bright-sun-9"]));
    assert!(!differs(&shown).contains(&"project".to_owned()), "it is the same in all that are in sight");
    shown.press(&["right"; 20].join(" "));
    assert_eq!(beside(&shown), json!(["calm-otter-0", "模型-七-2", "bright-sun-1"]));
    shown.press("c down down enter c");
    assert_eq!(beside(&shown)[0], "模型-七-2", "looked at, then compared");
    shown.press("c");
    assert_eq!(shown.detail()["focused"], shown.rows[2].id.as_str(), "the table is as it was");
    shown.press("p end c");
    assert_eq!(beside(&shown)[0], "模型-七-2", "what is pinned comes first");
    shown.press("c g home enter");
    assert_eq!(shown.detail()["visible"][0]["compared"], 9, "those of the group in focus: {}", shown.detail()["visible"][0]);
    shown.press("enter r down");
    let focused = shown.detail()["focused"].clone();
    shown.press("r");
    assert_eq!(shown.detail()["focused"], focused, "the table follows");
}

#[test]
fn a_filter_is_live_and_a_wrong_one_says_where() {
    let mut shown = Shown::new(rows(12), (100, 24), UNICODE);
    shown.filter("state:failed OR config.lr<2e-4");
    assert_eq!(shown.names().len(), 5);
    shown.press("/");
    shown.tell(Event::Paste(" stat:x".into()));
    let text = shown.drawn();
    assert!(text.contains("column 32: runs have no field `stat`"), "{text}");
    // What was chosen stays until the text makes sense again.
    assert_eq!(shown.names().len(), 5);
    shown.press("enter");
    assert!(shown.detail()["wrong"].as_str().unwrap().contains("column 32"));
    shown.press("esc");
    assert_eq!(shown.names().len(), 12);
}

#[test]
fn selected_runs_are_wanted_with_colours_of_their_own() {
    let mut shown = Shown::new(rows(12), (100, 24), UNICODE);
    assert!(shown.board.wants().runs && shown.wants().is_empty());
    shown.press("space space space");
    let colours: std::collections::BTreeSet<usize> = shown.wants().iter().map(|overlay| overlay.colour).collect();
    assert_eq!((shown.wants().len(), colours.len()), (3, 3));
    let before = shown.wants();
    shown.press("p");
    let pinned = &shown.wants()[0];
    assert!(pinned.pinned && pinned.path.ends_with("runs/3"));
    // A colour that was given stays.
    assert!(before.iter().all(|old| shown.wants().contains(old)));
    shown.press("g");
    assert_eq!(shown.detail()["groupBy"], "project");
    assert!(shown.wants().iter().all(|overlay| overlay.group.as_deref().is_some_and(|group| group.starts_with("project = "))));
    shown.press("x");
    assert!(shown.wants().is_empty());
    shown.press("a");
    assert_eq!(shown.detail()["selected"].as_array().map(Vec::len), Some(12));
    shown.press("1");
    assert!(!shown.board.wants().runs && shown.wants().len() == 12);
}

#[test]
fn sorting_goes_through_the_columns_and_back() {
    let mut shown = Shown::new(rows(12), (120, 40), UNICODE);
    shown.filter("sort:-step");
    assert!(shown.names()[0].ends_with("-11"));
    shown.press("esc o");
    assert_eq!(shown.detail()["sort"], "name");
    assert!(shown.names()[0].starts_with("a-run"));
    shown.press("O");
    assert_eq!(shown.detail()["sort"], "-name");
    shown.press("o o");
    assert_eq!(shown.detail()["sort"], "-step");
    // The metric that is shown can be another one.
    shown.press("m");
    assert_eq!(shown.detail()["metric"], "val/acc");
    shown.press("M M");
    assert_eq!(shown.detail()["metric"], "lr");
}

#[test]
fn the_focus_stays_on_its_run_when_rows_come() {
    let mut shown = Shown::new(rows(6), (120, 40), UNICODE);
    shown.press("down down");
    let focused = shown.detail()["focused"].clone();
    shown.rows = rows(12);
    shown.tell(Event::Runs(Listing { at: START + 61.0, ..Listing::default() }));
    assert_eq!(shown.detail()["focused"], focused);
    shown.press("o");
    assert_eq!(shown.detail()["focused"], focused);
}

#[test]
fn a_comparison_judges_by_the_goal_of_the_metric() {
    let mut shown = Shown::new(rows(12), (160, 40), UNICODE);
    shown.filter("/-(1|2)$/");
    shown.press("a down c");
    let text = shown.drawn();
    assert!(text.contains("config: what differs (1 the same)") && text.contains("better"), "{text}");
    assert_eq!(shown.detail()["view"], "compare");
    shown.press("esc");
    assert_eq!(shown.detail()["view"], "table");
}

/// Two thousand runs: what a key costs. The bound holds in a release build; a debug build only shows that it ends.
#[test]
fn two_thousand_runs_stay_usable() {
    let mut shown = Shown::new(rows(2000), (200, 50), UNICODE);
    let mut buf = Buffer::empty(Rect::new(0, 0, 200, 50));
    let mut times = vec![];
    for n in 0..200 {
        let start = std::time::Instant::now();
        let keys =
            ["down", "space", "o", "O", "g", "m", "end", "p", "x", "down", "a", "down", "c", "c", "t", "down", "r", "down", "r", "x"];
        shown.press(keys[n % keys.len()]);
        let scene = Scene { runs: &shown.rows, ..Scene::of(&shown.run) };
        buf.reset();
        shown.board.draw(scene, buf.area, &mut buf);
        shown.detail();
        times.push((start.elapsed(), keys[n % keys.len()]));
    }
    times.sort();
    println!("2,000 runs: key to frame p50 {:?} p95 {:?}; slowest {:?}", times[100], times[190], &times[185..]);
    let times: Vec<Duration> = times.into_iter().map(|(time, _)| time).collect();
    assert!(cfg!(debug_assertions) || times[190] < Duration::from_millis(16), "{:?}", times[190]);
}

/// A text as it is drawn.
fn plain(text: &str, ascii: bool) -> String {
    if ascii { ASCII.plain(text.into()).into_owned() } else { text.into() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_pressed_the_rows_that_are_told_are_drawn(
        steps in prop::collection::vec(prop_oneof![
            8 => prop::sample::select(vec!["space", "a", "x", "p", "enter", "c", "r", "t", "o", "O", "g", "m", "M", "down", "end", "left", "right", "esc", "/", "1", "2", "(", "!"])
                .prop_map(|key| (key.to_owned(), 0, (0, 0))),
            1 => (0usize..40).prop_map(|count| (String::new(), count, (0, 0))),
            1 => (1u16..140, 1u16..45).prop_map(|size| (String::new(), 0, size)),
        ], 0..40),
        ascii in any::<bool>(),
    ) {
        let mut shown = Shown::new(rows(9), (80, 24), if ascii { ASCII } else { UNICODE });
        for (key, count, size) in steps {
            match (key.as_str(), size) {
                ("", (0, _)) => {
                    shown.rows = rows(count);
                    shown.tell(Event::Runs(Listing { at: START + 60.0, ..Listing::default() }));
                }
                ("", size) => {
                    shown.size = size;
                    shown.tell(Event::Resized(size.0, size.1));
                }
                (key, _) => shown.press(key),
            }
            let text = shown.drawn();
            // The options may have been opened, and the signs chosen.
            let ascii = shown.board.shared.theme.glyphs == Glyphs::Ascii;
            if shown.size.0 < 24 || shown.size.1 < 4 {
                continue;
            }
            // What a comparison tells stands there, value by value in its line.
            for line in shown.detail()["visible"].as_array().cloned().unwrap_or_default() {
                let values: Vec<String> =
                    line["values"].as_array().into_iter().flatten().map(|value| plain(value.as_str().unwrap(), ascii)).collect();
                let values: Vec<&str> = values.iter().map(|value| value.trim_end()).collect();
                prop_assert!(text.lines().any(|line| values.iter().all(|value| line.contains(value))), "{values:?} is not in\n{text}");
            }
            // A row that is cut may end before the name does.
            let at_start = matches!(shown.detail()["view"].as_str(), Some("table" | "recent"));
            for name in shown.names().into_iter().filter(|_| at_start) {
                // A name that is cut keeps its end, which has the number of the run.
                let end: String = name.chars().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect();
                let end = if ascii { end.replace(|c: char| !c.is_ascii(), "?") } else { end };
                prop_assert!(text.contains(&end), "{name} is not in\n{text}");
            }
        }
    }
}

#[test]
fn the_mouse_chooses_runs_scrolls_and_sorts() {
    let mut shown = Shown::new(rows(60), (120, 24), UNICODE);
    let focused = |shown: &Shown| shown.detail()["focused"].clone();
    shown.tell(click((20, 6)));
    assert_eq!(focused(&shown), shown.rows[3].id.as_str());
    shown.tell(wheel(true, (20, 6)));
    shown.tell(wheel(true, (20, 6)));
    assert_eq!((shown.detail()["top"].as_u64(), focused(&shown)), (Some(6), json!(shown.rows[6].id)), "in sight it stays");
    shown.tell(click((20, 3)));
    assert_eq!((shown.detail()["top"].as_u64(), focused(&shown)), (Some(6), json!(shown.rows[6].id)));
    (0..30).for_each(|_| shown.tell(wheel(true, (20, 6))));
    assert_eq!(shown.detail()["top"], 60 - 20);
    let title = |shown: &Shown, word: &str| {
        let text = shown.drawn();
        let line = text.lines().nth(2).unwrap();
        (crate::text::width(&line[..line.find(word).unwrap()]) as u16 + 1, 2)
    };
    shown.tell(click(title(&shown, "step")));
    assert_eq!(shown.detail()["sort"], "-step");
    shown.tell(click(title(&shown, "step")));
    assert_eq!(shown.detail()["sort"], "step");
    shown.tell(click(title(&shown, "run")));
    assert_eq!(shown.detail()["sort"], "name");
    shown.press("r");
    shown.tell(click((20, 5)));
    assert_eq!(shown.detail()["focused"], shown.detail()["focused"]);
    assert!(shown.drawn().lines().nth(4).unwrap().contains('▸'), "{}", shown.drawn());
    shown.tell(click((20, 40)));
}

/// The names that say how the runs are shown, as they are told.
const SHOWN: [&str; 14] =
    ["view", "beside", "aside", "focused", "line", "top", "sort", "groupBy", "metric", "selected", "pinned", "baseline", "drawn", "filter"];

impl Shown {
    fn set(&mut self, patch: Value) -> Vec<String> {
        let Value::Object(view) = patch else { panic!("{patch} is no object") };
        let scene = Scene { runs: &self.rows, ..Scene::of(&self.run) };
        self.board.update(Event::Set { number: 1, view }, scene, Duration::ZERO);
        self.board.shown(scene, Rect::new(0, 0, self.size.0, self.size.1)).refused
    }

    /// What the tab tells of how the runs are shown.
    fn told(&self) -> Value {
        let scene = Scene { runs: &self.rows, ..Scene::of(&self.run) };
        let graph = self.board.shown(scene, Rect::new(0, 0, self.size.0, self.size.1)).graph.unwrap();
        let value = |name: &&str| if *name == "filter" { json!(graph.filter) } else { graph.detail[name].clone() };
        Value::Object(SHOWN.iter().map(|name| ((*name).to_owned(), value(name))).collect())
    }
}

#[test]
fn what_keys_make_of_the_runs_can_be_set_as_it_is_told() {
    for keys in [
        "space space down p down p",
        "s down down",
        "S g down down space",
        "s s S m down",
        "r down down space",
        "t down down down",
        "space p down space c",
        "space space space space space c right",
        "down down enter",
        "end",
        "a p g g",
    ] {
        let mut pressed = Shown::new(rows(12), (60, 12), UNICODE);
        pressed.press(keys);
        let mut set = Shown::new(rows(12), (60, 12), UNICODE);
        assert_eq!(set.set(pressed.told()), [""; 0], "{keys}");
        assert_eq!(set.told(), pressed.told(), "{keys}");
        assert_eq!(set.drawn(), pressed.drawn(), "{keys}");
        // Set where it stands already, it changes nothing.
        assert_eq!((pressed.set(set.told()), pressed.told()), (vec![], set.told()), "{keys}");
    }
}

#[test]
fn runs_are_set_by_id_by_name_or_by_line_and_what_there_is_not_is_refused_with_what_there_is() {
    let mut shown = Shown::new(rows(12), (120, 24), UNICODE);
    assert_eq!(shown.set(json!({"focused": "bright-sun-1", "selected": "calm-otter-0, bright-sun-1"})), [""; 0]);
    assert_eq!((&shown.detail()["focused"], shown.detail()["selected"].as_array().map(Vec::len)), (&json!(shown.rows[1].id), Some(2)));
    shown.set(json!({"focused": "3", "sort": "-seed", "metric": "acc", "baseline": shown.rows[4].id}));
    let told = shown.detail();
    assert_eq!((&told["line"], &told["metric"], &told["pinned"]), (&json!(3), &json!("val/acc"), &json!([shown.rows[4].id])));
    assert_eq!(told["baseline"], shown.rows[4].name);
    assert_eq!(shown.set(json!({"baseline": null, "selected": [], "sort": "", "groupBy": "project"})), [""; 0]);
    let told = shown.detail();
    assert_eq!((&told["selected"], &told["sort"], &told["groupBy"]), (&json!([]), &Value::Null, &json!("project")));
    // Those beside each other are those that the same set selects.
    let mut beside = Shown::new(rows(12), (120, 24), UNICODE);
    assert_eq!(beside.set(json!({"view": "compare", "selected": "calm-otter-0, bright-sun-1"})), [""; 0]);
    let told = beside.detail();
    assert_eq!((&told["view"], told["beside"].as_array().map(Vec::len)), (&json!("compare"), Some(2)), "{told}");
    for (name, wrong, hint) in [
        ("focused", "nobody", "there are "),
        ("focused", "900", "there are 14 lines"),
        ("selected", "calm-otter-0,nobody", "there is no run `nobody`"),
        ("sort", "nothing", "there are name"),
        ("groupBy", "nothing", "there are project"),
        ("metric", "nothing", "the runs have val/loss"),
        ("view", "nothing", "table, recent, lineage, compare"),
        ("aside", "1", "view=compare"),
        ("line", "0", "from 1 on"),
        ("top", "x", "number"),
    ] {
        let refused = shown.set(json!({name: wrong}));
        assert!(refused.len() == 1 && refused[0].contains(hint), "{name}={wrong}: {refused:?}");
    }
}

#[test]
fn what_is_set_before_the_runs_were_looked_at_is_set_then_and_answered_then() {
    let mut shown = Shown::new(rows(12), (120, 24), UNICODE);
    shown.board = Board::new(UNICODE, 3600.0, Keymap::default());
    shown.tell(Event::Resized(120, 24));
    let known = std::mem::take(&mut shown.rows);
    let answered = |shown: &Shown| {
        let scene = Scene { runs: &shown.rows, ..Scene::of(&shown.run) };
        let told = shown.board.shown(scene, Rect::new(0, 0, 120, 24));
        (told.set, told.refused)
    };
    shown.set(json!({"tab": "runs", "focused": "模型-七-2", "sort": "nothing"}));
    assert_eq!(answered(&shown).0, 0);
    assert!(shown.board.again.is_some());
    // What a person does meanwhile is not undone.
    let mut pressed = Shown { board: Board::new(UNICODE, 3600.0, Keymap::default()), run: own(), rows: vec![], size: (120, 24) };
    pressed.tell(Event::Resized(120, 24));
    pressed.set(json!({"tab": "runs", "filter": "otter", "sort": "nothing"}));
    pressed.press("down");
    assert!(pressed.board.again.is_none());
    shown.rows = known;
    shown.tell(Event::Runs(Listing { at: START, ..Listing::default() }));
    let (set, refused) = answered(&shown);
    assert!(set == 1 && refused.len() == 1 && refused[0].starts_with("sort: "), "{refused:?}");
    assert_eq!(shown.detail()["focused"], shown.rows[2].id);
}

#[test]
fn a_baseline_is_set_from_any_tab_though_nobody_looked_at_the_runs() {
    let mut shown = Shown::new(rows(12), (120, 24), UNICODE);
    shown.board = Board::new(UNICODE, 3600.0, Keymap::default());
    shown.tell(Event::Resized(120, 24));
    let listed = || Event::Runs(Listing { at: START, ..Listing::default() });
    let answered = |shown: &Shown| {
        let told = shown.board.shown(Scene { runs: &shown.rows, ..Scene::of(&shown.run) }, Rect::new(0, 0, 120, 24));
        (told.set, told.graph.unwrap().tab, told.refused)
    };
    let mut known = std::mem::take(&mut shown.rows);
    // The second one began after the list was taken.
    for (number, name, count) in [(1, "bright-sun-1", 11), (1, &known[11].id.clone(), 12)] {
        let before = shown.wants();
        shown.set(json!({"baseline": name}));
        assert!(shown.board.wants().runs && shown.wants() == before, "{name}: it looks");
        shown.rows = known[..count].to_vec();
        shown.tell(listed());
        assert_eq!((answered(&shown), shown.board.wants().runs), ((number, "graphs".to_owned(), vec![]), false), "{name}");
        assert!(shown.wants().iter().any(|run| run.pinned && (run.name == name || run.path == known[11].path)), "{name}");
    }
    // What there is not is refused as soon as they were looked at.
    shown.rows = std::mem::take(&mut known);
    shown.set(json!({"baseline": "nobody"}));
    shown.tell(listed());
    assert!(answered(&shown).2[0].contains("there is no run `nobody`"), "{:?}", answered(&shown));
    assert!(!shown.board.wants().runs);
}
