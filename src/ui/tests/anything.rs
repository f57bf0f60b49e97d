//! Whatever is pressed, resized, read or set: nothing breaks, and what is told is what is drawn.

use super::*;

#[derive(Clone, Debug)]
enum Move {
    Mouse(MouseEventKind, u16, u16, KeyModifiers),
    Eventful,
    /// The machine was looked at: so many cores and GPUs; none: it is on another one.
    Sampled(usize, usize),
    /// So many other runs are drawn too, each or as groups.
    Overlaid(usize, bool),
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
        1 => (0usize..12, any::<bool>()).prop_map(|(count, grouped)| Move::Overlaid(count, grouped)),
        8 => (code, modifiers).prop_map(|(code, modifiers)| Move::Key(code, modifiers)),
        1 => (1u16..130, 1u16..45).prop_map(|(w, h)| Move::Size(w, h)),
        1 => (0i64..400).prop_map(Move::Data),
        1 => "\\PC{0,9}".prop_map(Move::Paste),
        1 => prop::collection::vec("loss|lr|none|\\*|val/loss - train/loss|ma\\(loss, 3\\)|a \\+", 0..3).prop_map(Move::Graphs),
        1 => ("tab|filter|regex|focused|top|row|page|grid|yRanges|window|cursor|selected|pinned|baseline|groupBy|metric|beside|fullScreen|x_axis|smoothing|paused|view|theme|ui|glyphs|wrap|line|sort|source|note|tags|step|token|nonsense",
            "2x3|\\[1, 2\\]|100\\.\\.200|\\{\"loss\": \\[0, 1\\]\\}|compare|table|graphs|run|logs|system|samples|now|-pid|alerts|rollouts|chat|help|loss|l\\(|true|false|wall|0\\.9|light|minimal|block|7|")
            .prop_map(|(name, value)| Move::Set(name, value)),
        1 => Just(Move::Said),
        1 => Just(Move::Redraw),
    ];
    prop::collection::vec(one, MOVES)
}

fn stands_in(text: &str, words: &[String; 2]) -> Result<(), TestCaseError> {
    prop_assert!(words.iter().any(|word| text.contains(word.as_str())), "{words:?} is not in\n{text}");
    Ok(())
}

/// Moves of one case, and cases: ten thousand moves in all.
const MOVES: usize = 250;

const CASES: u32 = 40;

/// Every metric reported as shown stands on the screen: the name that the legend has for it (perhaps cut at its start) and its
/// value, in one line; and so do the values at the crosshair.
pub(super) fn agrees(pane: &Board, scene: Scene<'_>, size: (u16, u16)) -> Result<(), TestCaseError> {
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
    let stands = |word: &str| stands_in(&text, &spellings(word));
    for chart in &charts {
        stands(chart["smoothingMark"].as_str().unwrap_or_default())?;
    }
    for word in graph.detail["runsLegend"].as_array().cloned().unwrap_or_default() {
        stands(word.as_str().unwrap())?;
    }
    rows_agree(&graph, &text, size.0)?;
    if graph.tab == "graphs" {
        for word in graph.detail["cursor"]["readout"].as_array().cloned().unwrap_or_default() {
            stands(word.as_str().unwrap())?;
        }
    }
    Ok(())
}

/// A conversation, some of it longer than a row.
pub(super) fn messages() -> Vec<Message> {
    let say = |n: i64| Message {
        at: Some(START + n as f64),
        author: ["human", "agent", "", "somebody-with-a-long-name"][n as usize % 4].into(),
        text: "the loss is flat since step 800; the rate has decayed to 3e-6:\nraise it, or stop here ".repeat(n as usize % 5),
    };
    (0..30).map(say).collect()
}

/// Every row that the Run tab, the chat, the palette and the lists tell of stands in a line of the screen, cut where it has no room:
/// never to nothing, where the screen is so wide that a row has room for the start of each of its words.
fn rows_agree(graph: &GraphView, text: &str, width: u16) -> Result<(), TestCaseError> {
    const ROOMY_COLS_MIN: u16 = 8;
    let word = |row: &Value, name: &str| ASCII.plain(row[name].as_str().unwrap_or_default().into()).into_owned();
    // What ASCII cannot say is drawn as it is, or as what stands for it.
    let plain = text.lines().map(|line| ASCII.plain(line.into()).trim().to_owned());
    let plain: Vec<String> = plain.filter(|line| !line.is_empty()).collect();
    let visible = graph.detail["visible"].as_array().cloned().unwrap_or_default();
    let stands = |row: &Value, is: &dyn Fn(&str) -> bool| {
        prop_assert!(plain.iter().any(|line| is(line)), "{row} is not in\n{text}");
        Ok(())
    };
    let says = |part: &str, whole: &str| !part.is_empty() || whole.trim().is_empty() || width < ROOMY_COLS_MIN;
    let starts = |whole: &str, drawn: &str| {
        let part = drawn.trim_end_matches('~');
        whole.trim().starts_with(part) && says(part, whole)
    };
    let ends = |whole: &str, drawn: &str| {
        let part = drawn.trim_start_matches('~');
        whole.trim().ends_with(part) && says(part, whole)
    };
    for row in visible {
        match graph.tab.as_str() {
            "run" if !row["heading"].is_null() => stands(&row, &|line| starts(&word(&row, "heading"), line))?,
            "run" if row["note"] == "" => {}
            "run" if !row["note"].is_null() => stands(&row, &|line| starts(&word(&row, "note"), line))?,
            "run" if !row["more"].is_null() => stands(&row, &|line| starts(&word(&row, "more"), line))?,
            "run" => {
                let (name, value) = (word(&row, "name"), word(&row, "value"));
                let is = |line: &str| {
                    let halves = line.match_indices(' ').map(|(at, _)| line.split_at(at)).chain([(line, "")]);
                    halves.into_iter().any(|(left, right)| {
                        let left = left.trim();
                        !left.is_empty() && ends(&name, left) && starts(&value, right.trim())
                    })
                };
                stands(&row, &is)?;
            }
            "alerts" if !row["more"].is_null() => stands(&row, &|line| starts(&word(&row, "more"), line))?,
            "alerts" => stands(&row, &|line| word(&row, "level").starts_with(line.split(' ').next().unwrap_or_default()))?,
            "chat" => {
                for said in word(&row, "text").lines().filter(|said| !said.trim().is_empty()) {
                    stands(&row, &|line| line.contains(said.trim()))?;
                }
            }
            "palette" | "menu" | "options" | "views" => {
                // Behind a wide character stands an empty cell.
                let bare = |words: &str| words.replace(' ', "");
                let name = bare(&ASCII.plain(row.as_str().unwrap_or_default().into()));
                stands(&row, &|line| {
                    let line = bare(line.trim_start_matches(['>', ' ']));
                    line.starts_with(&name) || starts(&name, &line)
                })?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn a_row_that_is_told_and_not_drawn_is_found() {
    let agree = |tab: &str, row: Value, text: &str| {
        let graph = GraphView { tab: tab.into(), detail: serde_json::json!({"visible": [row]}), ..GraphView::default() };
        rows_agree(&graph, text, 20).is_ok()
    };
    let fact = || serde_json::json!({"name": "optim.lr", "value": "0.0003"});
    for (text, is_drawn) in [
        (" optim.lr 0.0003", true),
        (" …m.lr     0.0…", true),
        (" optim.lr", false),
        (" optim.lr …", false),
        (" …        0.0003", false),
        ("…", false),
        (" optim.lr 0.1", false),
    ] {
        assert_eq!(agree("run", fact(), text), is_drawn, "{text}");
    }
    assert!(agree("run", serde_json::json!({"name": "optim.lr", "value": ""}), " optim.lr"));
    for (tab, row) in
        [("run", serde_json::json!({"heading": "config"})), ("run", serde_json::json!({"note": "config"})), ("menu", "config".into())]
    {
        assert!(agree(tab, row.clone(), "config") && agree(tab, row.clone(), "conf…"), "{row}");
        assert!(!agree(tab, row.clone(), "…") && !agree(tab, row.clone(), "last values"), "{row}");
    }
    assert!(!agree("menu", "config".into(), "> "));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn whatever_happens_nothing_breaks_and_what_is_reported_is_drawn(moves in moves(), ascii in any::<bool>()) {
        let theme = if ascii { ASCII } else { UNICODE };
        let mut series = RunPicture::default();
        let mut size = (80, 24);
        let (mut graph, mut status) = (Board::new(theme, 0.0, Keymap::default()), Status::new(theme, 0.0, "c".into()));
        let (mut machine, mut others, mut grouped) = (None, 0, false);
        let messages = messages();
        let (other, names) = (run(90), (0..12).map(|n| format!("run-{n}")).collect::<Vec<_>>());
        let mut now = Duration::ZERO;
        for (i, step) in moves.into_iter().enumerate() {
            now += Duration::from_millis(400);
            match step {
                Move::Data(steps) => series = run(steps),
                Move::Eventful => series = eventful(),
                Move::Overlaid(count, by_group) => (others, grouped) = (count, by_group),
                Move::Sampled(cores, gpus) => machine = (cores > 0).then(|| board::machine(cores, gpus)),
                _ => {}
            }
            let group = |n: usize| grouped.then_some(["lr=1e-3", "lr=3e-4"][n % 2]);
            let overlaid: Vec<Overlaid<'_>> = (0..others)
                .map(|n| Overlaid { name: &names[n], colour: n, picture: &other, pinned: n == 3, group: group(n) })
                .collect();
            let (host, is_here, chat) = (machine.as_ref(), machine.is_some(), Some(messages.as_slice()));
            let scene = Scene { overlaid: &overlaid, group: group(1), host, is_here, chat, ..scene(&series) };
            let event = || match &step {
                Move::Key(code, modifiers) => Event::Key(KeyEvent::new(*code, *modifiers)),
                Move::Size(w, h) => Event::Resized(*w, *h),
                Move::Mouse(kind, column, row, modifiers) => {
                    Event::Mouse(MouseEvent { kind: *kind, column: *column, row: *row, modifiers: *modifiers })
                }
                Move::Overlaid(..) => Event::Runs(Listing { at: 1.0, ..Listing::default() }),
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
                let shown = graph.shown(scene, Rect::new(0, 0, size.0, size.1));
                // Who shows the runs, or names one, is answered when they were looked at.
                let looks = |view: GraphView| view.detail["looking"] == true || view.detail.is_null() || view.tab != "runs" && graph.wants().runs;
                let waits = shown.graph.is_some_and(looks);
                prop_assert!(shown.set == i as u64 || waits, "{} {i}", shown.set);
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
