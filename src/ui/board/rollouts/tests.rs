//! The tab on recorded runs: how it looks, and that what it tells is what it draws.

use crate::model::Step;
use crate::source::{Media, Record};
use crate::store::{RunPicture, RunReader, SourceRank};
use crate::ui::{
    board::Board,
    io::Desk,
    keymap::Keymap,
    pane::{Event, Pane, RolloutNews, Scene},
    tests::{UNICODE, click, wheel},
    theme::Theme,
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

const ASCII: Theme = Theme::new(false, false);
const SIZES: [(u16, u16); 5] = [(200, 50), (120, 40), (80, 24), (50, 16), (20, 5)];

/// A database that the real client wrote.
struct Recorded {
    _dir: tempfile::TempDir,
    db: PathBuf,
}

impl Recorded {
    fn new() -> Recorded {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("tviz.db");
        let sql = include_str!("../../../../fixtures/tviz/v0.2.2/rollouts.sql");
        rusqlite::Connection::open(&db).unwrap().execute_batch(sql).unwrap();
        Recorded { _dir: dir, db }
    }

    fn run(&self, id: &str) -> PathBuf {
        let mut path = self.db.clone().into_os_string();
        path.push(format!("#{id}"));
        path.into()
    }
}

/// A board that shows the answers of a run, and what reads them for it.
struct Shown {
    board: Board,
    run: RunPicture,
    desk: Desk,
    size: (u16, u16),
    theme: Theme,
}

impl Shown {
    fn new(recorded: &Recorded, id: &str, theme: Theme, size: (u16, u16)) -> Shown {
        let desk = Desk::open(&[recorded.run(id)]);
        let mut shown = Shown { board: Board::new(theme, 0.0, Keymap::default()), run: RunPicture::default(), desk, size, theme };
        shown.tell(Event::Resized(size.0, size.1));
        shown.press("7");
        shown
    }

    fn tell(&mut self, event: Event) {
        self.board.update(event, Scene::of(&self.run), Duration::ZERO);
        self.read();
    }

    /// Reads whatever is wanted, as the thread does.
    fn read(&mut self) {
        while let Some(want) = self.board.wants().rollouts {
            let news = self.desk.serve(want);
            if news == RolloutNews::default() {
                return;
            }
            self.board.update(Event::Rollouts(Box::new(news)), Scene::of(&self.run), Duration::ZERO);
        }
    }

    fn key(&mut self, code: KeyCode) {
        self.tell(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            self.key(match key {
                "enter" => KeyCode::Enter,
                "esc" => KeyCode::Esc,
                "up" => KeyCode::Up,
                "down" => KeyCode::Down,
                "left" => KeyCode::Left,
                "right" => KeyCode::Right,
                "home" => KeyCode::Home,
                "pgdn" => KeyCode::PageDown,
                c => KeyCode::Char(c.chars().next().unwrap()),
            });
        }
    }

    fn set(&mut self, view: Value) -> Vec<String> {
        self.tell(Event::Set { number: 1, view: view.as_object().cloned().unwrap() });
        self.board.shown(Scene::of(&self.run), self.area()).refused
    }

    fn area(&self) -> Rect {
        Rect::new(0, 0, self.size.0, self.size.1)
    }

    fn buffer(&self) -> Buffer {
        let mut buf = Buffer::empty(self.area());
        self.board.draw(Scene::of(&self.run), buf.area, &mut buf);
        buf
    }

    fn drawn(&self) -> String {
        let buf = self.buffer();
        // The cell behind a wide character is empty.
        let row = |y: u16| {
            let (mut line, mut x) = (String::new(), 0);
            while x < self.size.0 {
                line += buf[(x, y)].symbol();
                x += (crate::text::width(buf[(x, y)].symbol()) as u16).max(1);
            }
            line.trim_end().to_owned()
        };
        (0..self.size.1).map(row).collect::<Vec<_>>().join("\n")
    }

    fn detail(&self) -> Value {
        self.board.shown(Scene::of(&self.run), self.area()).graph.unwrap().detail
    }

    /// What is told of the list, the step and the token stands on the screen.
    fn agrees(&self) -> Result<(), TestCaseError> {
        let graph = self.board.shown(Scene::of(&self.run), self.area()).graph.unwrap();
        let (detail, text) = (graph.detail, self.drawn());
        if graph.tab != "rollouts" || detail.is_null() || self.size.0 < 40 {
            return Ok(());
        }
        let plain = |text: String| self.theme.plain(text.into()).into_owned();
        for row in detail["visible"].as_array().cloned().unwrap_or_default() {
            let word = match row["trajectory"].as_i64() {
                Some(one) => {
                    let reward = row["reward"].as_f64().map_or("-".to_owned(), |reward| crate::text::number(reward, 4));
                    format!("#{one:<3}{reward:>7} ")
                }
                None => format!("group {} ", row["group"]),
            };
            prop_assert!(text.contains(&word), "{word} is not in\n{text}");
        }
        if self.size.1 >= 8 && detail["steps"] != 0 {
            let step = format!("step {} ", detail["step"]);
            prop_assert!(text.contains(&step), "{step} is not in\n{text}");
            if let Some(number) = detail["token"]["number"].as_u64() {
                let token = plain(format!("token {number} of {}", detail["text"]["tokens"]));
                prop_assert!(text.contains(&token), "{token} is not in\n{text}");
            }
        }
        Ok(())
    }
}

#[test]
fn the_answers_look_like_this() {
    let recorded = Recorded::new();
    for size in SIZES {
        let mut shown = Shown::new(&recorded, "txt00002", UNICODE, size);
        shown.press("left down down >");
        insta::assert_snapshot!(format!("rollouts_{}x{}", size.0, size.1), shown.drawn());
        let mut shown = Shown::new(&recorded, "vis00002", UNICODE, size);
        shown.press("n down");
        insta::assert_snapshot!(format!("rollouts_map_{}x{}", size.0, size.1), shown.drawn());
    }
    let mut shown = Shown::new(&recorded, "txt00002", ASCII, (80, 24));
    shown.press("n n o >");
    insta::assert_snapshot!("rollouts_ascii_80x24", shown.drawn());
    shown.press("enter");
    insta::assert_snapshot!("rollouts_alone_80x24", shown.drawn());
}

#[test]
fn keys_go_through_steps_groups_answers_and_tokens() {
    let recorded = Recorded::new();
    let mut shown = Shown::new(&recorded, "txt00002", UNICODE, (120, 40));
    let at = |shown: &Shown| {
        let detail = shown.detail();
        (detail["step"].as_i64().unwrap(), detail["group"]["index"].as_i64().unwrap(), detail["trajectory"]["index"].as_i64().unwrap())
    };
    assert_eq!((at(&shown), shown.detail()["follows"].as_bool()), ((15, 0, 0), Some(true)));
    shown.press("left left n down down");
    assert_eq!((at(&shown), shown.detail()["follows"].as_bool()), ((5, 1, 2), Some(false)));
    shown.press("right");
    assert_eq!(at(&shown), (10, 1, 2), "the same place in another step");
    shown.press("b");
    assert_eq!((at(&shown), shown.detail()["trajectory"]["best"].as_bool()), ((10, 1, 0), Some(true)));
    shown.press("w");
    assert_eq!((at(&shown), shown.detail()["trajectory"]["worst"].as_bool()), ((10, 1, 3), Some(true)));
    shown.press(">");
    assert_eq!((&shown.detail()["token"]["logprob"], &shown.detail()["token"]["probability"]), (&json!("-Infinity"), &json!(0.0)));
    assert!(shown.drawn().contains("logprob -inf  0%"), "{}", shown.drawn());
    shown.press("o N");
    assert_eq!((at(&shown), shown.detail()["sort"].as_str()), ((10, 0, 0), Some("best")));
    shown.press("o down");
    assert_eq!(shown.detail()["visible"][1]["trajectory"], 3, "the worst first");
    shown.press("f");
    assert_eq!(at(&shown).0, 15);
    shown.press("[");
    assert_eq!((at(&shown).0, shown.detail()["stepNumber"].as_u64()), (0, Some(1)));
}

#[test]
fn the_mouse_moves_the_slider_chooses_an_answer_and_scrolls_its_text() {
    let recorded = Recorded::new();
    let mut shown = Shown::new(&recorded, "txt00002", UNICODE, (80, 24));
    let place = |shown: &Shown, word: &str| {
        let text = shown.drawn();
        let (y, line) = text.lines().enumerate().skip(2).find(|(_, line)| line.contains(word)).unwrap();
        (crate::text::width(&line[..line.find(word).unwrap()]) as u16, y as u16)
    };
    let knob = place(&shown, "●");
    shown.tell(click((8, knob.1)));
    assert_eq!((shown.detail()["step"].as_i64(), place(&shown, "●").0), (Some(0), 8));
    shown.tell(click((knob.0 / 2, knob.1)));
    assert_eq!(shown.detail()["step"], 5);
    shown.tell(click(knob));
    assert_eq!((shown.detail()["step"].as_i64(), shown.detail()["follows"].as_bool()), (Some(15), Some(true)));
    shown.tell(click(place(&shown, "#2 ")));
    assert_eq!(shown.detail()["trajectory"]["index"], 2);
    shown.tell(wheel(true, place(&shown, "#2 ")));
    assert_eq!(shown.detail()["trajectory"]["index"], 3);
    shown.press("enter");
    shown.tell(Event::Resized(40, 12));
    shown.size = (40, 12);
    let before = shown.drawn();
    shown.tell(wheel(true, (10, 6)));
    assert!(shown.detail()["trajectory"]["index"] == 3 && shown.drawn() != before, "{before}");
    shown.tell(wheel(false, (10, 6)));
    assert_eq!(shown.drawn(), before);
}

#[test]
fn unlikely_tokens_differ_by_more_than_their_colour() {
    use ratatui::style::Modifier;
    let recorded = Recorded::new();
    let mut shown = Shown::new(&recorded, "txt00002", ASCII, (120, 40));
    shown.press("home left left left n w");
    let underlined = |shown: &Shown| {
        let buf = shown.buffer();
        buf.content.iter().filter(|cell| cell.modifier.contains(Modifier::UNDERLINED)).count()
    };
    assert!(underlined(&shown) > 0);
    shown.press("t");
    assert_eq!(underlined(&shown), 0);
}

#[test]
fn a_filter_finds_prompts_and_a_client_sets_what_is_looked_at() {
    let recorded = Recorded::new();
    let mut shown = Shown::new(&recorded, "txt00002", UNICODE, (120, 40));
    shown.press("/ r o b e enter");
    let visible = shown.detail()["visible"].as_array().unwrap().len();
    assert_eq!((visible, shown.detail()["group"]["index"].as_i64()), (5, Some(1)));
    assert_eq!(shown.set(json!({"filter": "", "step": 4, "group": 2, "trajectory": 1, "sort": "best", "token": 3})), Vec::<String>::new());
    let detail = shown.detail();
    assert_eq!((&detail["step"], &detail["group"]["index"], &detail["trajectory"]["index"]), (&json!(5), &json!(2), &json!(1)));
    assert!(shown.set(json!({"sort": "random", "trajectory": 77}))[0].contains("logged, best or worst"));
    for paused in [false, true] {
        assert_eq!(shown.set(json!({"paused": paused})), [""; 0]);
        assert_eq!(shown.detail()["follows"], !paused);
    }
}

#[test]
fn what_keys_choose_can_be_set_as_it_is_told() {
    const STATE: [&str; 8] = ["step", "follows", "group", "trajectory", "token", "line", "sort", "tint"];
    let recorded = Recorded::new();
    for keys in ["down down", "left down .", "[ n w t", "o down > >", "left f b"] {
        let [mut pressed, mut set] = [(); 2].map(|()| Shown::new(&recorded, "txt00002", UNICODE, (120, 40)));
        pressed.press(keys);
        let told = |shown: &Shown| -> Value { STATE.iter().map(|name| ((*name).to_owned(), shown.detail()[name].clone())).collect() };
        assert_eq!(set.set(told(&pressed)), [""; 0], "{keys}");
        assert_eq!((told(&set), set.drawn()), (told(&pressed), pressed.drawn()), "{keys}");
    }
}

#[test]
fn what_is_asked_for_before_anything_was_read_is_found_when_it_is() {
    let recorded = Recorded::new();
    let mut shown = Shown::new(&recorded, "txt00002", UNICODE, (120, 40));
    shown.board = Board::new(UNICODE, 0.0, Keymap::default());
    shown.desk = Desk::open(&[recorded.run("txt00002")]);
    shown.tell(Event::Resized(120, 40));
    assert_eq!(shown.set(json!({"tab": "rollouts", "step": 9, "group": 1, "trajectory": 3})), Vec::<String>::new());
    let detail = shown.detail();
    assert_eq!((&detail["step"], &detail["group"]["index"], &detail["trajectory"]["index"]), (&json!(10), &json!(1), &json!(3)));
    // Keys that come faster than a database is read.
    let key = |c| Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
    shown.board.update(Event::Key(KeyEvent::new(KeyCode::Left, KeyModifiers::NONE)), Scene::of(&shown.run), Duration::ZERO);
    shown.board.update(key('>'), Scene::of(&shown.run), Duration::ZERO);
    shown.read();
    assert_eq!((&shown.detail()["step"], &shown.detail()["token"]["number"]), (&json!(5), &json!(1)));
}

#[test]
fn rollouts_that_come_later_are_followed() {
    let recorded = Recorded::new();
    let mut shown = Shown::new(&recorded, "txt00002", UNICODE, (120, 40));
    let sql = "INSERT INTO rollouts (run_id, step, group_idx, prompt_text) VALUES ('txt00002', 20, 0, 'And now?');
        INSERT INTO trajectories (rollout_id, trajectory_idx, reward, output_text) SELECT max(id), 0, 0.5, 'Now.' FROM rollouts";
    rusqlite::Connection::open(&recorded.db).unwrap().execute_batch(sql).unwrap();
    let media = Media { key: "rollouts".into(), step: Some(Step(20)), time: None, kind: "rollout".into(), about: json!({}) };
    shown.run.apply(SourceRank::Tracker(0), Ok(Record::Media(Box::new(media))), None);
    shown.tell(Event::Data(Box::default()));
    assert_eq!((&shown.detail()["step"], shown.detail()["text"]["answer"].as_str()), (&json!(20), Some("Now.")));
}

#[test]
fn a_run_without_rollouts_says_what_would_be_here() {
    let run = |kind: &str| {
        let path = format!("{}/fixtures/{kind}", env!("CARGO_MANIFEST_DIR"));
        let mut reader = RunReader::open(path.as_ref()).unwrap();
        while reader.poll(RunReader::LOAD).more {}
        reader
    };
    let reader = run("wandb/media.wandb");
    for size in SIZES {
        let mut board = Board::new(UNICODE, 0.0, Keymap::default());
        let area = Rect::new(0, 0, size.0, size.1);
        let scene = Scene::of(reader.picture());
        board.update(Event::Resized(size.0, size.1), scene, Duration::ZERO);
        board.update(Event::Key(KeyEvent::new(KeyCode::Char('7'), KeyModifiers::NONE)), scene, Duration::ZERO);
        let none = RolloutNews { none: true, ..RolloutNews::default() };
        board.update(Event::Rollouts(Box::new(none)), scene, Duration::ZERO);
        let mut buf = Buffer::empty(area);
        board.draw(scene, area, &mut buf);
        let row = |y: u16| (0..size.0).map(|x| buf[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        insta::assert_snapshot!(format!("rollouts_none_{}x{}", size.0, size.1), (0..size.1).map(row).collect::<Vec<_>>().join("\n"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_pressed_what_is_told_is_drawn(
        id in prop::sample::select(vec!["txt00002", "vis00002"]), ascii in any::<bool>(),
        moves in prop::collection::vec(prop_oneof![
            6 => prop::sample::select(vec!["left", "right", "up", "down", "n", "N", "b", "w", "o", "t", "enter", "esc", ",", ".", "<", ">", "pgdn", "f", "[", "]", "p", "home", "/", "a", "7"]).prop_map(Ok),
            1 => (1u16..210, 1u16..60).prop_map(Err),
        ], 0..30),
    ) {
        let recorded = Recorded::new();
        let mut shown = Shown::new(&recorded, id, if ascii { ASCII } else { UNICODE }, (80, 24));
        for step in moves {
            match step {
                Ok(key) => shown.press(key),
                Err(size) => {
                    shown.size = size;
                    shown.tell(Event::Resized(size.0, size.1));
                }
            }
            shown.agrees()?;
        }
    }
}
