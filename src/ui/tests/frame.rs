//! What stands around and above a tab: help, menu, texts that are typed, views, what another client sets.

use super::*;

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
fn a_page_of_the_help_goes_on_with_the_last_line_of_the_page_before() {
    let series = run(10);
    let mut pane = graph(UNICODE, &series, (80, 24));
    let scroll = |pane: &Board| detail(pane, &series, (80, 24))["scroll"].as_u64().unwrap();
    press(&mut pane, &series, "h pgdn");
    // Header, tabs and footer leave 21 rows; one of them says which lines are in sight.
    assert_eq!(scroll(&pane), 19);
    press(&mut pane, &series, "end");
    let last = scroll(&pane);
    press(&mut pane, &series, "pgdn up");
    assert_eq!(scroll(&pane), last - 1, "the last page is the end");
    press(&mut pane, &series, "home pgup");
    assert_eq!(scroll(&pane), 0);
}

#[test]
fn the_foot_says_that_y_is_zoomed_and_where_enter_leads() {
    let series = run(300);
    let mut pane = graph(UNICODE, &series, (160, 24));
    let foot = |pane: &Board| drawn(pane, &series, (160, 24)).lines().last().unwrap().to_owned();
    assert!(foot(&pane).contains("enter zoom") && !foot(&pane).contains("y zoomed"), "{}", foot(&pane));
    press(&mut pane, &series, "enter }");
    assert!(foot(&pane).contains("enter all") && foot(&pane).contains("y zoomed"), "{}", foot(&pane));
    press(&mut pane, &series, "0 2");
    let runs = foot(&pane);
    for hint in ["space select", "enter look", "c compare", "g group"] {
        assert!(runs.contains(hint), "{runs}");
    }
}

#[test]
fn the_tab_in_front_is_named_at_any_width_and_a_click_finds_every_tab() {
    let series = run(10);
    let names = ["Graphs", "Runs", "Run", "Logs", "Sys", "Al", "Roll", "Chat"];
    for (width, named) in [(81, 8), (79, 8), (73, 8), (72, 8), (66, 8), (63, 1), (40, 1), (33, 1)] {
        for tab in 1..=8u16 {
            let mut pane = graph(UNICODE, &series, (width, 24));
            let row = |pane: &Board| drawn(pane, &series, (width, 24)).lines().nth(1).unwrap().to_owned();
            let at = row(&pane).find(&tab.to_string()).unwrap() as u16;
            mouse(&mut pane, &series, MouseEventKind::Down(MouseButton::Left), (at, 1), KeyModifiers::NONE);
            let row = row(&pane);
            assert!(row.contains(&format!("{tab} {}", names[usize::from(tab) - 1])), "{width}: {row}");
            assert_eq!(row.split_whitespace().filter(|word| word.parse::<u8>().is_err()).count(), named, "{width}: {row}");
        }
    }
    let mut pane = graph(UNICODE, &series, (24, 24));
    press(&mut pane, &series, "7");
    assert_eq!(drawn(&pane, &series, (24, 24)).lines().nth(1), Some(" 7 Rollouts"));
}

#[test]
fn the_mouse_goes_through_what_is_open_above_a_tab_and_chooses() {
    let series = run(10);
    let mut pane = graph(UNICODE, &series, (80, 24));
    let tab = |pane: &Board| pane.shown(scene(&series), Rect::new(0, 0, 80, 24)).graph.unwrap().tab;
    let place = |pane: &Board, word: &str| {
        let text = drawn(pane, &series, (80, 24));
        let (y, line) = text.lines().enumerate().find(|(_, line)| line.contains(word)).unwrap();
        (crate::text::width(&line[..line.find(word).unwrap()]) as u16, y as u16)
    };
    let tell = |pane: &mut Board, event: Event| pane.update(event, scene(&series), Duration::ZERO);
    press(&mut pane, &series, "m");
    let help = place(&pane, "Help");
    assert_eq!(tell(&mut pane, click((1, 20))), [], "nothing stands there");
    tell(&mut pane, wheel(true, help));
    assert_eq!(detail(&pane, &series, (80, 24))["row"], 2);
    tell(&mut pane, click(help));
    assert_eq!(tab(&pane), "help");
    tell(&mut pane, wheel(true, help));
    assert_eq!(detail(&pane, &series, (80, 24))["scroll"], 3);
    tell(&mut pane, wheel(false, help));
    assert_eq!(detail(&pane, &series, (80, 24))["scroll"], 0);
    press(&mut pane, &series, "esc : r u n");
    let runs = place(&pane, "all runs");
    tell(&mut pane, wheel(true, runs));
    assert_ne!(detail(&pane, &series, (80, 24))["chosen"], detail(&pane, &series, (80, 24))["visible"][0]);
    tell(&mut pane, click(runs));
    assert_eq!(tab(&pane), "runs");
    press(&mut pane, &series, "h");
    tell(&mut pane, click((32, 1)));
    assert_eq!(tab(&pane), "logs", "a tab is there also while the help is open");
    press(&mut pane, &series, "/");
    assert_eq!(tell(&mut pane, click((3, 1))), [], "what is typed is not lost by a click");
}

#[test]
fn every_list_is_filtered_by_a_regular_expression_too() {
    let series = eventful();
    for (tab, text, found) in [("3", "^optim", "3 of "), ("6", "nan|inf", "0 of "), ("8", "x|y", "0 of "), ("5", "^cpu", "1 of ")] {
        let mut pane = graph(UNICODE, &series, (120, 40));
        press(&mut pane, &series, &format!("{tab} /"));
        pane.update(Event::Paste(text.into()), scene(&series), Duration::ZERO);
        press(&mut pane, &series, "tab");
        let foot = drawn(&pane, &series, (120, 40)).lines().last().unwrap().to_owned();
        assert!(foot.contains(&format!("re/{text}")) && foot.contains(found), "{tab}: {foot}");
        pane.update(Event::Paste("(".into()), scene(&series), Duration::ZERO);
        let foot = drawn(&pane, &series, (120, 40)).lines().last().unwrap().to_owned();
        assert!(foot.contains("unclosed group"), "{tab}: {foot}");
    }
}

#[test]
fn what_is_said_behind_a_text_is_never_cut_in_a_word() {
    let series = run(10);
    for width in 30..100 {
        let mut pane = graph(UNICODE, &series, (width, 24));
        press(&mut pane, &series, "/ l o s s");
        let foot = drawn(&pane, &series, (width, 24)).lines().last().unwrap().to_owned();
        let (_, notes) = foot.split_once(" of 4").unwrap();
        let whole = ["", "enter keep", "enter keep  esc cancel", "enter keep  esc cancel  tab regex"];
        assert!(whole.contains(&notes.trim()), "{width}: {foot}");
    }
}

#[test]
fn a_long_path_keeps_the_name_of_its_file() {
    let series = run(10);
    let mut pane = graph(UNICODE, &series, (80, 24));
    let path = format!("wrote /home/{}/screen-20261120-101500.txt, .ans, .svg, .png", "very/long/".repeat(12));
    pane.update(Event::Tell(path), scene(&series), Duration::ZERO);
    let text = drawn(&pane, &series, (80, 24));
    let foot = text.lines().last().unwrap();
    assert!(foot.starts_with("wrote /home/…") && foot.contains("/screen-20261120-101500.txt, .ans, .svg, .png"), "{foot}");
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
fn keys_that_mean_nothing_draw_nothing() {
    let series = run(10);
    let mut pane = graph(UNICODE, &series, (80, 24));
    let key = |c| Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
    assert_eq!(pane.update(key('M'), scene(&series), Duration::ZERO), []);
    assert_eq!(pane.update(key('x'), scene(&series), Duration::ZERO), [Effect::Draw]);
    assert_eq!(pane.update(key('q'), scene(&series), Duration::ZERO), [Effect::Quit]);
}

fn told(pane: &Board, run: &RunPicture) -> crate::ipc::wire::GraphView {
    pane.shown(scene(run), Rect::new(0, 0, 80, 24)).graph.unwrap()
}

#[test]
fn the_key_that_quits_a_tab_only_closes_what_is_open_above_it() {
    let run = run(10);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let quit = || Event::Key(KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE));
    for open in ["h", "f2", "v"] {
        press(&mut pane, &run, open);
        assert_eq!(pane.update(quit(), scene(&run), Duration::ZERO), [Effect::Draw], "behind {open}");
    }
    assert_eq!(pane.update(quit(), scene(&run), Duration::ZERO), [Effect::Quit]);
}

#[test]
fn escape_with_nothing_open_leads_to_options_help_and_out() {
    let run = run(100);
    let mut pane = graph(UNICODE, &run, (80, 24));
    press(&mut pane, &run, "esc");
    assert_eq!(told(&pane, &run).tab, "menu");
    for size in [(200, 50), (80, 24), (50, 16), (20, 5)] {
        insta::assert_snapshot!(format!("menu_{}x{}", size.0, size.1), drawn(&pane, &run, size));
    }
    press(&mut pane, &run, "enter");
    assert_eq!(told(&pane, &run).tab, "options");
    for size in [(200, 50), (80, 24), (50, 16), (20, 5)] {
        insta::assert_snapshot!(format!("options_{}x{}", size.0, size.1), drawn(&pane, &run, size));
    }
    let key = |code| Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
    let kept = pane.update(key(KeyCode::Right), scene(&run), Duration::ZERO);
    assert_eq!(kept, [Effect::Keep { path: vec!["theme".into()], value: Some("light".into()) }, Effect::DrawAll]);
    assert_eq!(told(&pane, &run).theme, "light");
    press(&mut pane, &run, "down");
    let kept = pane.update(key(KeyCode::Right), scene(&run), Duration::ZERO);
    assert_eq!(kept[0], Effect::Keep { path: vec!["colours".into()], value: Some("none".into()) });
    let kept = pane.update(key(KeyCode::Left), scene(&run), Duration::ZERO);
    assert_eq!(kept[0], Effect::Keep { path: vec!["colours".into()], value: None }, "as the terminal has them again");
    assert!(drawn(&pane, &run, (80, 24)).contains("colours    < auto >"));
    press(&mut pane, &run, "down down down");
    let kept = pane.update(key(KeyCode::Right), scene(&run), Duration::ZERO);
    assert_eq!(kept[0], Effect::Keep { path: vec!["smoothing".into()], value: Some("off".into()) });
    press(&mut pane, &run, "right right right");
    press(&mut pane, &run, "esc");
    assert_eq!((told(&pane, &run).tab.as_str(), told(&pane, &run).smoothing), ("graphs", 0.8));
    press(&mut pane, &run, "esc down down");
    assert_eq!(pane.update(key(KeyCode::Enter), scene(&run), Duration::ZERO), [Effect::Quit]);
}

#[test]
fn a_filter_is_a_regular_expression_when_that_is_switched_and_lines_come_back() {
    let run = run(300);
    let mut pane = graph(UNICODE, &run, (80, 24));
    press(&mut pane, &run, "/ v l s s enter");
    assert_eq!(pane.shown(scene(&run), Rect::new(0, 0, 80, 24)).visible_metrics.len(), 1, "letters in order find val/loss");
    press(&mut pane, &run, "/ ctrl+u tab ^ v a l enter");
    assert_eq!((told(&pane, &run).filter.as_str(), told(&pane, &run).regex), ("^val", true));
    press(&mut pane, &run, "/");
    assert!(drawn(&pane, &run, (80, 24)).contains("re/^val"), "it is one still when it is opened again");
    press(&mut pane, &run, "up up down");
    assert_eq!(told(&pane, &run).typing.as_deref(), Some("^val"));
    press(&mut pane, &run, "ctrl+u ( esc");
    assert_eq!((told(&pane, &run).filter.as_str(), told(&pane, &run).regex), ("^val", true), "as it was before");
}

#[test]
fn what_is_typed_never_leaves_and_is_pasted_and_copied() {
    let run = run(10);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let mut key = |code, modifiers| pane.update(Event::Key(KeyEvent::new(code, modifiers)), scene(&run), Duration::ZERO);
    let (char, ctrl) = (KeyCode::Char, KeyModifiers::CONTROL);
    key(char('/'), KeyModifiers::NONE);
    assert_eq!(key(char('q'), KeyModifiers::NONE), [Effect::Draw]);
    assert_eq!(key(char('c'), ctrl), [Effect::Copy("q".into()), Effect::Draw]);
    assert_eq!(key(char('v'), ctrl), [Effect::Paste]);
    assert_eq!(key(char('v'), KeyModifiers::SUPER), [Effect::Paste]);
    pane.update(Event::Paste("a\nb".into()), scene(&run), Duration::ZERO);
    assert_eq!(told(&pane, &run).typing.as_deref(), Some("qa b"));
    // ESC BS and ESC DEL, as the terminal's own reader gives them.
    for (code, modifiers) in [(char('h'), ctrl | KeyModifiers::ALT), (KeyCode::Backspace, KeyModifiers::ALT)] {
        pane.update(Event::Key(KeyEvent::new(code, modifiers)), scene(&run), Duration::ZERO);
    }
    assert_eq!(told(&pane, &run).typing.as_deref(), Some(""));
}

#[test]
fn a_copy_of_what_is_typed_is_told() {
    let run = run(10);
    let mut pane = graph(UNICODE, &run, (80, 24));
    for open in ["/", ":"] {
        press(&mut pane, &run, &format!("{open} l ctrl+c"));
        assert!(drawn(&pane, &run, (80, 24)).contains("copied"), "behind {open}");
        press(&mut pane, &run, "ctrl+u ctrl+c");
        assert!(drawn(&pane, &run, (80, 24)).contains("nothing to copy"), "behind {open}");
        press(&mut pane, &run, "esc");
    }
}

#[test]
fn a_view_is_saved_shown_again_and_removed() {
    let run = run(300);
    let mut pane = graph(UNICODE, &run, (80, 24));
    press(&mut pane, &run, "x + / v a l enter V n i g h t");
    let kept = pane.update(Event::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)), scene(&run), Duration::ZERO);
    let want = serde_json::json!({
        "tab": "graphs", "regex": false, "filter": "val", "xaxis": "relative", "window": "all", "yranges": "", "smoothing": "ema(0.7)",
        "fullscreen": "false", "logx": "false", "logy": "false", "marks": "true", "apart": "false", "band": "false", "rows": "0", "cols": "0",
    });
    assert_eq!(kept[0], Effect::Keep { path: vec!["views".into(), "night".into()], value: Some(want) });
    press(&mut pane, &run, "esc x 4 v");
    insta::assert_snapshot!("views_80x24", drawn(&pane, &run, (80, 24)));
    press(&mut pane, &run, "enter");
    let view = told(&pane, &run);
    assert_eq!((view.tab.as_str(), view.filter.as_str(), view.x_axis.as_str(), view.smoothing), ("graphs", "val", "relative", 0.7));
    press(&mut pane, &run, "v d esc");
    assert!(drawn(&pane, &run, (80, 24)).contains("> night"), "asked first");
    press(&mut pane, &run, "d");
    let removed = pane.update(Event::Key(KeyEvent::new(KeyCode::Delete, KeyModifiers::NONE)), scene(&run), Duration::ZERO);
    assert_eq!(removed[0], Effect::Keep { path: vec!["views".into(), "night".into()], value: None });
    assert!(drawn(&pane, &run, (80, 24)).contains("none yet"));
}

#[test]
fn what_is_no_regular_expression_is_said_and_holds_nothing_back() {
    let run = run(300);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let shown = |pane: &Board| pane.shown(scene(&run), Rect::new(0, 0, 80, 24)).visible_metrics.len();
    let all = shown(&pane);
    press(&mut pane, &run, "/ tab ^ v a l enter");
    assert!(shown(&pane) < all && drawn(&pane, &run, (80, 24)).contains("re/^val (2 of 6)"));
    press(&mut pane, &run, "/ ctrl+u [ a enter");
    for keys in ["/ esc", "/ ctrl+u l r esc"] {
        press(&mut pane, &run, keys);
        let screen = drawn(&pane, &run, (80, 24));
        assert!(screen.contains("re/[a invalid: unclosed character class"), "{screen}");
        assert_eq!(shown(&pane), all, "{keys}");
    }
    press(&mut pane, &run, "4 / tab ( enter");
    assert!(drawn(&pane, &run, (80, 24)).contains("re/( invalid: unclosed group"));
}

#[test]
fn another_client_sets_what_keys_would_set() {
    let run = run(300);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let mut set = |number, view: serde_json::Value| {
        let view = view.as_object().unwrap().clone();
        assert_eq!(pane.update(Event::Set { number, view }, scene(&run), Duration::ZERO), [Effect::Draw]);
        pane.shown(scene(&run), Rect::new(0, 0, 80, 24))
    };
    let shown =
        set(1, serde_json::json!({"filter": "loss", "smoothing": 0.9, "xAxis": "wall", "full_screen": true, "focused": "val/loss"}));
    let view = shown.graph.unwrap();
    assert_eq!((shown.set, shown.refused), (1, vec![]));
    assert_eq!((view.filter.as_str(), view.smoothing, view.x_axis.as_str()), ("loss", 0.9, "wall"));
    assert_eq!(
        (view.full_screen, view.focused.as_deref(), shown.visible_metrics.len()),
        (true, Some("val/loss"), 2),
        "both curves of the chart that has it"
    );
    let shown = set(2, serde_json::json!({"wrap": true, "tab": "logs"}));
    assert_eq!((shown.graph.unwrap().tab.as_str(), shown.refused), ("logs", vec![]), "the tab comes first");
    let shown = set(3, serde_json::json!({"smoothing": 0.5, "tab": "nowhere"}));
    let want = "tab: there is no tab `nowhere`; there are graphs, runs, run, logs, system, alerts, rollouts, chat";
    assert_eq!((shown.set, shown.refused), (3, vec![want.to_owned(), "the logs tab has no `smoothing` to set".into()]));
    let shown = set(4, serde_json::json!({"tab": "graphs", "smoothing": "much", "regex": "true", "filter": "l("}));
    assert_eq!(shown.refused.len(), 2, "{:?}", shown.refused);
    for (number, view) in [serde_json::json!({"filter": "(l", "regex": false}), serde_json::json!({"regex": true})].into_iter().enumerate()
    {
        let want: &[&str] = if number == 0 { &[] } else { &["filter: unclosed group"] };
        assert_eq!(set(6 + number as u64, view).refused, want);
    }
    assert_eq!(set(5, serde_json::json!({"view": "none"})).refused, ["view: no view is saved as `none`"]);
}

#[test]
fn a_note_is_about_the_step_at_the_crosshair_where_there_is_one() {
    let run = run(300);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let enter = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
    let about = |pane: &mut Board| match &pane.update(Event::Key(enter), scene(&run), Duration::ZERO)[0] {
        Effect::Remark { remark: Remark::Notes { step, .. }, .. } => *step,
        other => panic!("{other:?}"),
    };
    press(&mut pane, &run, "3 i x");
    assert_eq!(about(&mut pane), None);
    press(&mut pane, &run, "1 , 3 i x");
    let prompt = drawn(&pane, &run, (80, 24));
    let step = about(&mut pane).unwrap();
    assert!(prompt.contains(&format!("marks step {step}")), "{prompt}");
}

#[test]
fn people_and_agents_talk_in_the_chat_tab() {
    let run = run(10);
    let say = |author: &str, text: &str, at| Message { at: Some(START + at), author: author.into(), text: text.into() };
    let messages = [
        say("human", "why is the loss flat since step 800? the run before this one had reached 1.6 by then", 0.0),
        say("agent", "the learning rate has decayed to 3e-6:\nraise `lr_min`, or stop here", 75.0),
        say("human", "損失を見て 👍", 200.0),
    ];
    let scene = Scene { chat: Some(&messages), ..Scene::of(&run) };
    let mut pane = graph(UNICODE, &run, (80, 24));
    let mut key = |code| pane.update(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)), scene, Duration::ZERO);
    key(KeyCode::Char('8'));
    key(KeyCode::Enter);
    "ok, q".chars().for_each(|c| _ = key(KeyCode::Char(c)));
    for size in [(200, 50), (80, 24), (50, 16), (20, 5)] {
        insta::assert_snapshot!(format!("chat_{}x{}", size.0, size.1), text(&buffer_of(&pane, scene, size)));
    }
    let sent = pane.update(Event::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)), scene, Duration::ZERO);
    assert_eq!(sent, [Effect::Say("ok, q".into()), Effect::Draw]);
    let view = pane.shown(scene, Rect::new(0, 0, 80, 24)).graph.unwrap();
    assert_eq!((view.tab.as_str(), &view.detail["messages"], &view.detail["last"]["author"]), ("chat", &3.into(), &"human".into()));
    let said: Vec<_> =
        view.detail["visible"].as_array().unwrap().iter().map(|row| (row["author"].as_str(), row["text"].as_str())).collect();
    assert_eq!((said.len(), said[1]), (3, (Some("agent"), Some("the learning rate has decayed to 3e-6:\nraise `lr_min`, or stop here"))));
    pane.update(Event::Key(KeyEvent::new(KeyCode::Char('m'), KeyModifiers::NONE)), scene, Duration::ZERO);
    let menu = pane.shown(scene, Rect::new(0, 0, 80, 24)).graph.unwrap();
    assert_eq!((menu.tab.as_str(), menu.below.as_deref(), &menu.detail["visible"][1]), ("menu", Some("chat"), &"Help".into()));
    pane.update(Event::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)), scene, Duration::ZERO);
    assert_eq!(pane.shown(scene, Rect::new(0, 0, 80, 24)).graph.unwrap().below, None);
    // On another tab, what an agent says is told at the foot.
    pane.update(Event::Key(KeyEvent::new(KeyCode::Char('1'), KeyModifiers::NONE)), scene, Duration::ZERO);
    pane.update(Event::Said(2), scene, Duration::ZERO);
    assert!(drawn(&pane, &run, (200, 50)).contains("agent: the learning rate"));
}

#[test]
fn the_screen_and_its_data_are_written_and_copied() {
    let run = run(1200);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let mut key = |c, modifiers| pane.update(Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers)), scene(&run), Duration::ZERO);
    assert_eq!(key('s', KeyModifiers::NONE), [Effect::Screenshot { bright: false }]);
    let [Effect::Export(export)] = &key('e', KeyModifiers::NONE)[..] else { panic!("it is exported") };
    let names: Vec<&str> = export.series.iter().map(|(key, ..)| key.as_str()).collect();
    assert_eq!((names[0], names.len(), export.series[0].2.clone(), export.json), ("train/loss", 6, 0..1200, false));
    let [Effect::Copy(copied), Effect::Draw] = &key('y', KeyModifiers::CONTROL)[..] else { panic!("it is copied") };
    assert!(copied.starts_with("train/loss\t1.7") && copied.lines().count() == 6, "{copied}");
    pane.update(Event::Tell("wrote screen.txt".into()), scene(&run), Duration::ZERO);
    assert!(drawn(&pane, &run, (80, 24)).contains("wrote screen.txt"));
    press(&mut pane, &run, "4 e");
    assert!(drawn(&pane, &run, (80, 24)).contains("no metric is shown here"));
}

#[test]
fn a_little_frame_leaves_the_room_to_the_charts() {
    let run = run(1200);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let settings = Settings { ui: Some(Frame::Minimal), smoothing: Some(0.9.into()), ..Settings::default() };
    pane.settle(settings, Some("config.json:3:1: something".into()), Some("ssh me@far".into()), UNICODE.depth);
    assert!(drawn(&pane, &run, (80, 24)).starts_with("config.json:3:1: something"));
    press(&mut pane, &run, "z");
    insta::assert_snapshot!("minimal_80x24", drawn(&pane, &run, (80, 24)));
    assert_eq!((told(&pane, &run).smoothing, told(&pane, &run).ui.as_str()), (0.9, "minimal"));
    pane.settle(Settings::default(), None, Some("ssh me@far".into()), UNICODE.depth);
    assert!(drawn(&pane, &run, (120, 24)).lines().next().unwrap().ends_with("│ ssh me@far"));
    assert_eq!(pane.shown(scene(&run), Rect::new(0, 0, 120, 24)).graph.unwrap().badge.as_deref(), Some("ssh me@far"));
}

#[test]
fn every_theme_draws_the_same_characters() {
    let run = run(300);
    let plain = drawn(&graph(UNICODE, &run, (80, 24)), &run, (80, 24));
    for scheme in Scheme::ALL {
        for depth in Depth::ALL {
            let theme = Theme { scheme: *scheme, depth: *depth, glyphs: Glyphs::Braille };
            assert_eq!(drawn(&graph(theme, &run, (80, 24)), &run, (80, 24)), plain);
        }
    }
    let blocks = Theme { glyphs: Glyphs::Block, ..UNICODE };
    insta::assert_snapshot!("graph_blocks_80x24", drawn(&graph(blocks, &run, (80, 24)), &run, (80, 24)));
}

#[test]
fn a_long_name_leaves_room_for_state_and_step() {
    let mut run = run(100);
    run.info.name = "a-sweep-over-learning-rates-with-a-name-that-never-ends-17".into();
    for width in [50, 67, 80] {
        let mut pane = graph(UNICODE, &run, (width, 24));
        let facts = Facts::of(&run, false, &mut Order::default());
        pane.update(Event::Data(Box::new(facts)), scene(&run), Duration::ZERO);
        let header = drawn(&pane, &run, (width, 24));
        let header = header.lines().next().unwrap();
        assert!(header.starts_with("a-sw") && header.contains("-17 │") && header.contains("99"), "{header}");
    }
}

#[test]
fn of_many_sources_the_footer_tells_the_first() {
    let run = run(100);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let facts = Facts { source: "metrics.jsonl + wandb + tfevents + csv + stdout".into(), ..facts(&run) };
    pane.update(Event::Data(Box::new(facts)), scene(&run), Duration::ZERO);
    let footer = drawn(&pane, &run, (80, 24)).lines().last().unwrap().to_owned();
    assert!(footer.contains("source: metrics.jsonl + wandb") && footer.contains("help"), "{footer}");
    let told = pane.shown(scene(&run), Rect::new(0, 0, 80, 24)).graph.unwrap().source;
    assert!(told.starts_with("metrics.jsonl + wandb + tfevents + csv + stdout"), "{told}");
}
