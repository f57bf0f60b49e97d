//! The charts: how they look, and what keys, the mouse and the spec make of them.

use super::*;

#[test]
fn the_graph_pane_looks_like_this() {
    let series = run(1200);
    for size in [(120, 40), (80, 24), (50, 16), (40, 10), (20, 5)] {
        insta::assert_snapshot!(format!("graph_{}x{}", size.0, size.1), drawn(&graph(UNICODE, &series, size), &series, size));
    }
    insta::assert_snapshot!("graph_ascii_80x24", drawn(&graph(ASCII, &series, (80, 24)), &series, (80, 24)));
}

#[test]
fn one_chart_fills_the_pane_and_the_axis_switches() {
    let series = run(1200);
    let mut pane = graph(UNICODE, &series, (80, 24));
    press(&mut pane, &series, "right enter x x +");
    insta::assert_snapshot!("graph_zoom_80x24", drawn(&pane, &series, (80, 24)));
    let shown = pane.shown(scene(&series), Rect::new(0, 0, 80, 24));
    assert_eq!(shown.visible_metrics.len(), 1);
    let graph = shown.graph.unwrap();
    assert!(graph.full_screen);
    assert_eq!((graph.x_axis.as_str(), graph.focused.as_deref(), graph.smoothing), ("wall", Some("val/acc"), 0.5));
}

#[test]
fn an_average_is_chosen_anew_for_another_run() {
    let curve = |value: &dyn Fn(i64) -> f64| {
        let mut series = Series::new();
        (0..600).for_each(|step| series.push(Point { step: Step(step), time: None, value: value(step) }));
        picture([(MetricKey::from("loss"), series)].into())
    };
    let (noisy, clean) = (curve(&|step| (step * 7919 % 101) as f64), curve(&|step| step as f64));
    let mut pane = graph(UNICODE, &noisy, (80, 24));
    let mut smoothing = |run: &RunPicture| {
        pane.update(Event::Data(Box::new(facts(run))), scene(run), Duration::ZERO);
        pane.shown(scene(run), Rect::new(0, 0, 80, 24)).graph.unwrap().smoothing
    };
    assert!(smoothing(&noisy) > 0.0);
    assert_eq!(smoothing(&clean), 0.0);
    assert!(smoothing(&noisy) > 0.0);
}

#[test]
fn an_empty_run_says_what_it_waits_for() {
    let series = RunPicture::default();
    let size = (80, 24);
    let mut pane = Board::new(UNICODE, 0.0, Keymap::default());
    let facts =
        |state| Box::new(Facts { name: "calm-otter".into(), state: Some(state), watched: "metrics.jsonl".into(), ..Facts::default() });
    pane.update(Event::Data(facts(RunState::Running)), scene(&series), Duration::ZERO);
    let text = drawn(&pane, &series, size);
    assert!(text.contains("waiting for the first metric..."), "{text}");
    assert!(text.contains("log to $OG_METRICS or print `step=1 loss=2.3`"), "{text}");
    let last_words = "FileNotFoundError: no such file: /data/c4/shard-00017.bin, and nothing else was looked for in /data".into();
    let over = Facts { exit: Some(Exit { code: Some(3), ..Exit::default() }), last_words, ..*facts(RunState::Failed) };
    pane.update(Event::Data(Box::new(over)), scene(&series), Duration::ZERO);
    let text = drawn(&pane, &series, size);
    assert!(text.contains("the run ended without a metric: failed (exit 3)"), "{text}");
    assert!(text.contains("FileNotFoundError: no such file") && text.contains("looked for in /data"), "why is said, in whole: {text}");
}

#[test]
fn a_new_series_is_announced_until_its_time_or_a_key() {
    let (old, new) = (run(50), run(150));
    let size = (120, 40);
    let mut pane = graph(UNICODE, &old, size);
    let secs = Duration::from_secs;
    pane.update(Event::Data(Box::new(facts(&new))), scene(&new), secs(10));
    assert!(drawn(&pane, &new, size).contains("new series discovered: val/acc and 1 more"));
    assert_eq!(pane.deadline(), Some(secs(15)));
    assert_eq!(pane.update(Event::Deadline, scene(&new), secs(14)), []);
    assert_eq!(pane.update(Event::Deadline, scene(&new), secs(15)), [Effect::DrawSoon]);
    assert!(!drawn(&pane, &new, size).contains("new series"));
    assert_eq!(pane.deadline(), None);
}

#[test]
fn a_new_series_that_is_hidden_is_no_news() {
    let (old, new) = (run(50), run(150));
    let size = (120, 40);
    let told = |prepare: &dyn Fn(&mut Board)| {
        let mut pane = graph(UNICODE, &old, size);
        prepare(&mut pane);
        pane.update(Event::Data(Box::new(facts(&new))), scene(&new), Duration::ZERO);
        let text = drawn(&pane, &new, size);
        text.lines().find_map(|line| Some(line.split_once("new series discovered: ")?.1.split(' ').next()?.to_owned()))
    };
    let hides = |pane: &mut Board, spec: &str| {
        pane.update(
            Event::Spec { graphs: vec![spec.into()], derived: Default::default(), title: String::new() },
            scene(&old),
            Duration::ZERO,
        );
    };
    assert_eq!(told(&|pane| hides(pane, "train/loss")), None);
    assert_eq!(told(&|pane| hides(pane, "val/loss")).as_deref(), Some("val/loss"));
    assert_eq!(told(&|pane| press(pane, &old, "/ a c c enter")).as_deref(), Some("val/acc"));
    assert_eq!(told(&|pane| press(pane, &old, "/ t r a i n enter")), None);
}

#[test]
fn the_spec_chooses_and_orders_the_charts() {
    let series = run(150);
    let mut pane = graph(UNICODE, &series, (80, 24));
    pane.update(
        Event::Spec { graphs: vec!["lr".into(), "loss".into(), "reward".into()], derived: vec![], title: String::new() },
        scene(&series),
        Duration::ZERO,
    );
    let shown = pane.shown(scene(&series), Rect::new(0, 0, 80, 24));
    assert_eq!(shown.visible_metrics.iter().map(|m| m.key.as_str()).collect::<Vec<_>>(), ["lr", "train/loss", "val/loss"]);
}

fn window(pane: &Board, run: &RunPicture) -> (f64, f64, String) {
    let window = detail(pane, run, (80, 24))["window"].clone();
    (window["from"].as_f64().unwrap(), window["to"].as_f64().unwrap(), window["follows"].as_str().unwrap().to_owned())
}

#[test]
fn keys_zoom_and_pan_and_what_reaches_to_the_end_follows_the_run() {
    let (run_now, run_later) = (run(1001), run(1101));
    let mut pane = graph(UNICODE, &run_now, (80, 24));
    assert_eq!(window(&pane, &run_now), (0.0, 1000.0, "all".into()));
    press(&mut pane, &run_now, "z");
    assert_eq!(window(&pane, &run_now), (300.0, 1000.0, "newest".into()));
    pane.update(Event::Data(Box::new(facts(&run_later))), scene(&run_later), Duration::ZERO);
    assert_eq!(window(&pane, &run_later), (400.0, 1100.0, "newest".into()));
    press(&mut pane, &run_later, "shift+left");
    assert_eq!(window(&pane, &run_later), (260.0, 960.0, "fixed".into()));
    press(&mut pane, &run_later, "ctrl+up ctrl+up");
    let y = detail(&pane, &run_later, (80, 24))["yRanges"]["train/loss"].clone();
    assert!(y[1].as_f64().unwrap() - y[0].as_f64().unwrap() > 0.0, "{y}");
    insta::assert_snapshot!("graph_zoomed_80x24", drawn(&pane, &run_later, (80, 24)));
    press(&mut pane, &run_later, "Y f");
    assert_eq!(window(&pane, &run_later), (400.0, 1100.0, "newest".into()));
    press(&mut pane, &run_later, "0");
    assert_eq!(window(&pane, &run_later), (0.0, 1100.0, "all".into()));
}

#[test]
fn a_pause_holds_the_picture_still() {
    let (now, later) = (run(500), run(900));
    let mut pane = graph(UNICODE, &now, (80, 24));
    press(&mut pane, &now, "p");
    pane.update(Event::Data(Box::new(facts(&later))), scene(&later), Duration::ZERO);
    assert_eq!(window(&pane, &later).1, 499.0);
    press(&mut pane, &later, "p");
    assert_eq!(window(&pane, &later).1, 899.0);
}

#[test]
fn the_crosshair_has_the_values_of_all_curves() {
    let run = run(1200);
    let mut pane = graph(UNICODE, &run, (120, 40));
    press(&mut pane, &run, "< , <");
    insta::assert_snapshot!("graph_crosshair_120x40", drawn(&pane, &run, (120, 40)));
    let cursor = detail(&pane, &run, (120, 40))["cursor"].clone();
    let readout: Vec<&str> = cursor["readout"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!((readout.len(), &readout[1][..6], &readout[2][..4]), (3, "train ", "val "));
    press(&mut pane, &run, "esc");
    assert!(detail(&pane, &run, (120, 40))["cursor"].is_null());
}

#[test]
fn a_crosshair_moves_no_chart() {
    let run = run(1200);
    for size in [(120, 40), (80, 24), (50, 16)] {
        let mut pane = graph(UNICODE, &run, size);
        let shown = |pane: &Board| pane.shown(scene(&run), Rect::new(0, 0, size.0, size.1));
        let places = |pane: &Board| {
            let graph = shown(pane).graph.unwrap();
            let keys: Vec<String> = shown(pane).visible_metrics.into_iter().map(|metric| metric.key).collect();
            (keys, graph.page, graph.grid)
        };
        let before = places(&pane);
        press(&mut pane, &run, ",");
        assert_eq!(places(&pane), before);
        let told = detail(&pane, &run, size)["cursor"]["readout"][0].as_str().unwrap().to_owned();
        assert!(drawn(&pane, &run, size).contains(&told), "{told}");
        // What is said for a moment, or typed, goes before it, and moves no chart either.
        pane.update(Event::Tell("wrote screen.txt".into()), scene(&run), Duration::ZERO);
        assert_eq!(places(&pane), before);
        assert!(drawn(&pane, &run, size).lines().last().unwrap().starts_with("wrote screen.txt"));
        press(&mut pane, &run, "esc");
        assert_eq!(places(&pane), before);
    }
}

#[test]
fn the_crosshair_reads_what_was_logged_and_the_average_that_is_drawn() {
    let run = run(1200);
    let mut pane = graph(UNICODE, &run, (80, 24));
    press(&mut pane, &run, "S S , < <");
    let told = |pane: &Board| detail(pane, &run, (80, 24))["charts"][0]["atCursor"][0].clone();
    let text = |value: &Value| crate::text::number(value.as_f64().unwrap(), 4);
    assert_eq!(detail(&pane, &run, (80, 24))["charts"][0]["smoothing"], "ema(0.9)");
    let (at, screen) = (told(&pane), drawn(&pane, &run, (80, 24)));
    let (value, smooth) = (text(&at["value"]), text(&at["smooth"]));
    assert_ne!(value, smooth);
    assert!(screen.contains(&format!("train {value} smooth {smooth}")), "{at} is not in\n{screen}");
    press(&mut pane, &run, "S S S");
    assert_eq!((&told(&pane)["value"], &told(&pane)["smooth"]), (&at["value"], &Value::Null));
    assert!(!drawn(&pane, &run, (80, 24)).contains("smooth "));
}

#[test]
fn the_crosshair_reads_the_rows_of_a_strip() {
    let run = eventful();
    let mut pane = graph(UNICODE, &run, (80, 24));
    press(&mut pane, &run, "/ g p u enter ,");
    let told = detail(&pane, &run, (80, 24));
    let strip = &told["charts"][0];
    let values: Vec<f64> = strip["atCursor"].as_array().unwrap().iter().map(|at| at["value"].as_f64().unwrap()).collect();
    let last = |n: usize| run.series.get(format!("gpu.{n}.util").as_str()).unwrap().last().unwrap().value;
    assert_eq!(values, (0..8).map(last).collect::<Vec<_>>());
    let highest = values.iter().copied().fold(f64::MIN, f64::max);
    assert_eq!(strip["spreadAtCursor"]["max"]["value"].as_f64(), Some(highest), "{strip}");
    let screen = drawn(&pane, &run, (80, 24));
    let words = format!("@ 599  max {} (", crate::text::number(highest, 4));
    assert!(screen.lines().last().unwrap().starts_with(&words), "{words}\n{screen}");
    press(&mut pane, &run, "z z [ [ [");
    assert!(drawn(&pane, &run, (80, 24)).contains("@ 599, right of what is shown"));
    assert!(detail(&pane, &run, (80, 24))["charts"][0]["atCursor"].is_null());
}

#[test]
fn a_crosshair_that_is_not_in_sight_reads_nothing() {
    let run = run(1001);
    let mut pane = graph(UNICODE, &run, (80, 24));
    press(&mut pane, &run, "z z , [ [ [");
    let screen = drawn(&pane, &run, (80, 24));
    assert!(screen.contains("@ 1,000, right of what is shown"), "{screen}");
    assert!(!screen.contains("@ 1,000:"), "{screen}");
    assert_eq!(detail(&pane, &run, (80, 24))["charts"][0]["atCursor"], Value::Null);
}

#[test]
fn the_mouse_focuses_points_zooms_pans_and_turns_tabs() {
    use MouseEventKind::{Down, Drag, ScrollDown, ScrollUp};
    let run = run(1001);
    let mut pane = graph(UNICODE, &run, (120, 40));
    let none = KeyModifiers::NONE;
    mouse(&mut pane, &run, Down(MouseButton::Left), (60, 10), none);
    let shown = pane.shown(scene(&run), Rect::new(0, 0, 120, 40)).graph.unwrap();
    assert_eq!(shown.focused.as_deref(), Some("val/acc"));
    let at = shown.detail["cursor"]["x"].as_f64().unwrap();
    assert!((350.0..650.0).contains(&at), "{at}");
    assert_eq!(mouse(&mut pane, &run, Drag(MouseButton::Left), (60, 10), none), [], "it stands there already");
    mouse(&mut pane, &run, ScrollUp, (60, 10), none);
    let (from, to, follows) = window(&pane, &run);
    assert!(from > 0.0 && to < 1000.0 && follows == "fixed", "{from} {to} {follows}");
    mouse(&mut pane, &run, Down(MouseButton::Right), (60, 10), none);
    mouse(&mut pane, &run, Drag(MouseButton::Right), (65, 10), none);
    assert!(window(&pane, &run).0 < from);
    mouse(&mut pane, &run, ScrollUp, (60, 10), KeyModifiers::ALT);
    assert!(detail(&pane, &run, (120, 40))["yRanges"]["val/acc"].is_array());
    for _ in 0..9 {
        mouse(&mut pane, &run, ScrollDown, (60, 10), none);
    }
    assert_eq!(window(&pane, &run), (0.0, 1000.0, "all".into()));
    mouse(&mut pane, &run, Down(MouseButton::Left), (31, 1), none);
    assert_eq!(pane.shown(scene(&run), Rect::new(0, 0, 120, 40)).graph.unwrap().tab, "logs");
}

#[test]
fn a_digit_behind_r_or_c_sets_the_grid() {
    let run = run(1200);
    let mut pane = graph(UNICODE, &run, (120, 40));
    let grid = |pane: &Board| pane.shown(scene(&run), Rect::new(0, 0, 120, 40)).graph.unwrap().grid;
    press(&mut pane, &run, "c");
    assert!(drawn(&pane, &run, (120, 40)).contains("columns: 1-9, 0 fits"));
    assert_eq!(detail(&pane, &run, (120, 40))["waitsForDigitOf"], "cols");
    press(&mut pane, &run, "1 r 2");
    assert_eq!(grid(&pane), (2, 1));
    press(&mut pane, &run, "c 0 r 0");
    assert_eq!(grid(&pane), (2, 3));
    press(&mut pane, &run, "r esc 3");
    assert_eq!(pane.shown(scene(&run), Rect::new(0, 0, 120, 40)).graph.unwrap().tab, "run");
}

#[test]
fn what_happened_is_marked_and_what_was_replaced_stays_visible() {
    let run = eventful();
    let mut pane = graph(UNICODE, &run, (120, 40));
    insta::assert_snapshot!("graph_eventful_120x40", drawn(&pane, &run, (120, 40)));
    let charts = detail(&pane, &run, (120, 40))["charts"].clone();
    assert_eq!((charts[0]["marks"].as_u64(), charts[1]["x"].as_str()), (Some(3), Some("epoch")), "{charts}");
    let heat = charts.as_array().unwrap().iter().find(|chart| chart["heat"] == 8).unwrap();
    let last = run.series.get("gpu.3.util").unwrap().last().unwrap().value;
    assert_eq!((heat["last"].as_object().unwrap().len(), heat["last"]["gpu.3.util"].as_f64(), &heat["untold"]), (8, Some(last), &0.into()));
    press(&mut pane, &run, "g t");
    let text = drawn(&pane, &run, (120, 40));
    assert!(!text.contains('↻') && text.contains("gpu.3.util"), "{text}");
}

#[test]
fn any_metric_may_stand_along_x() {
    let run = eventful();
    let mut pane = graph(UNICODE, &run, (80, 24));
    press(&mut pane, &run, "/ e p o c h enter X esc");
    let shown = pane.shown(scene(&run), Rect::new(0, 0, 80, 24)).graph.unwrap();
    assert_eq!(shown.x_axis, "epoch");
    assert_eq!(window(&pane, &run), (0.0, 5.99, "all".into()));
    press(&mut pane, &run, "z");
    insta::assert_snapshot!("graph_over_epoch_80x24", drawn(&pane, &run, (80, 24)));
    press(&mut pane, &run, "X");
    assert_eq!(pane.shown(scene(&run), Rect::new(0, 0, 80, 24)).graph.unwrap().x_axis, "step");
}

#[test]
fn derived_metrics_come_from_the_spec_and_from_expressions_in_it() {
    let run = run(1200);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let spec = |graphs: &[&str], derived: &[(&str, &str)]| Event::Spec {
        graphs: graphs.iter().map(ToString::to_string).collect(),
        derived: derived.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect(),
        title: String::new(),
    };
    let keys = |pane: &Board| {
        pane.shown(scene(&run), Rect::new(0, 0, 80, 24)).visible_metrics.iter().map(|m| (m.key.clone(), m.data_points)).collect::<Vec<_>>()
    };
    pane.update(spec(&["gap", "ma(train/loss, 15)", "lr"], &[("gap", "val/loss - train/loss")]), scene(&run), Duration::ZERO);
    assert_eq!(keys(&pane), [("gap".into(), 12), ("ma(train/loss, 15)".into(), 1200), ("lr".into(), 1200)]);
    insta::assert_snapshot!("graph_derived_80x24", drawn(&pane, &run, (80, 24)));
    pane.update(spec(&[], &[("gap", "val/loss - ")]), scene(&run), Duration::ZERO);
    assert!(drawn(&pane, &run, (80, 24)).contains("gap: column 12: expected a metric"));
}

#[test]
fn a_derived_metric_that_cannot_be_made_says_why_in_its_chart() {
    let run = run(300);
    let mut pane = graph(UNICODE, &run, (120, 40));
    let derived = [("unknown", "foo - lr"), ("loop", "loop + 1"), ("of_loop", "loop * 2"), ("bad", "train/loss -")];
    let graphs = derived.iter().map(|(name, _)| *name).chain(["nosuch", "lr"]).map(str::to_owned).collect();
    let derived = derived.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    pane.update(Event::Spec { graphs, derived, title: String::new() }, scene(&run), Duration::ZERO);
    let told = detail(&pane, &run, (120, 40));
    let error = |name: &str| told["derived"][name]["error"].as_str().unwrap().to_owned();
    assert_eq!(error("unknown"), "no metric is named `foo`");
    assert_eq!((error("loop").as_str(), error("bad").contains("column 13")), ("`loop` refers to itself", true));
    assert_eq!(told["missing"], serde_json::json!(["nosuch"]));
    insta::assert_snapshot!("graph_derived_wrong_120x40", drawn(&pane, &run, (120, 40)));
    let mut over = facts(&run);
    over.state = Some(RunState::Finished);
    pane.update(Event::Data(Box::new(over)), scene(&run), Duration::ZERO);
    let screen = drawn(&pane, &run, (120, 40));
    assert!(screen.contains("no metric is named `foo`") && !screen.contains("no points yet"), "{screen}");
    assert!(screen.contains("no metric nosuch"), "{screen}");
}

#[test]
fn other_runs_lie_over_the_own_one_and_groups_become_bands() {
    let (own, one, other) = (run(1200), run(900), run(1100));
    let overlaid = |group| {
        let run = |name, colour, picture, pinned| Overlaid { name, colour, picture, pinned, group };
        [run("bold-lynx", 1, &one, true), run("wise-heron", 2, &other, false)]
    };
    let size = (120, 40);
    let mut pane = graph(UNICODE, &own, size);
    for (name, group) in [("graph_runs_120x40", None), ("graph_band_120x40", Some("lr=3e-4"))] {
        let overlaid = overlaid(group);
        let scene = Scene { overlaid: &overlaid, group, ..Scene::of(&own) };
        pane.update(Event::Data(Box::new(facts(&own))), scene, Duration::ZERO);
        pane.update(Event::Key(KeyEvent::new(KeyCode::Char(','), KeyModifiers::NONE)), scene, Duration::ZERO);
        let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
        pane.draw(scene, buf.area, &mut buf);
        insta::assert_snapshot!(name, text(&buf));
        let graph = pane.shown(scene, buf.area).graph.unwrap();
        assert_eq!(graph.runs, ["calm-otter", "bold-lynx", "wise-heron"]);
        assert_eq!(graph.detail["baseline"], "bold-lynx");
    }
}

#[test]
fn the_run_that_is_looked_at_can_be_the_baseline_too() {
    let (own, other) = (run(300), run(200));
    let overlaid = [Overlaid { name: "otter", picture: &other, colour: 0, group: None, pinned: false }];
    for overlaid in [&overlaid[..], &[]] {
        let scene = Scene { overlaid, pinned: true, ..scene(&own) };
        let pane = graph(UNICODE, &own, (120, 40));
        assert!(drawn_in(&pane, scene, (120, 40)).contains("calm-otter (baseline)"));
        assert_eq!(pane.shown(scene, Rect::new(0, 0, 120, 40)).graph.unwrap().detail["baseline"], "calm-otter");
    }
    let mut pane = graph(UNICODE, &own, (120, 40));
    let scene = Scene { overlaid: &overlaid, pinned: true, ..scene(&own) };
    let view = [("cursor".to_owned(), 100.into())].into_iter().collect();
    pane.update(Event::Set { number: 1, view }, scene, Duration::ZERO);
    let screen = drawn_in(&pane, scene, (120, 40));
    assert!(screen.lines().last().is_some_and(|row| row.contains("otter train ") && row.contains(" (+0)")), "{screen}");
}

#[test]
fn all_that_is_drawn_is_exported_also_what_no_legend_names() {
    let (own, other) = (run(1200), run(300));
    let overlaid = [Overlaid { name: "otter", picture: &other, colour: 0, group: None, pinned: false }];
    let scene = Scene { overlaid: &overlaid, ..scene(&own) };
    let mut pane = graph(UNICODE, &own, (50, 16));
    let graphs = vec!["loss".into(), "val/loss - train/loss".into()];
    pane.update(Event::Spec { graphs, derived: vec![], title: String::new() }, scene, Duration::ZERO);
    let mut key = |c, modifiers| pane.update(Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers)), scene, Duration::ZERO);
    let [Effect::Export(export)] = &key('e', KeyModifiers::NONE)[..] else { panic!("it is exported") };
    let names: Vec<&str> = export.series.iter().map(|(key, ..)| key.as_str()).collect();
    let all = ["train/loss", "val/loss", "val/loss - train/loss", "otter train/loss", "otter val/loss", "otter val/loss - train/loss"];
    assert_eq!(names, all);
    assert!(export.series.iter().all(|(_, series, _)| !series.is_empty()));
    let [Effect::Copy(copied), Effect::Draw] = &key('y', KeyModifiers::CONTROL)[..] else { panic!("it is copied") };
    assert_eq!(copied.lines().count(), 6);
}

#[test]
fn a_range_of_y_is_kept_with_the_view_and_set_also_where_a_filter_hides_its_chart() {
    let run = run(1200);
    let mut pane = graph(UNICODE, &run, (80, 24));
    let set = |pane: &mut Board, name: &str, value: &str| {
        let view = [(name.to_owned(), value.into())].into_iter().collect();
        pane.update(Event::Set { number: 1, view }, scene(&run), Duration::ZERO);
        detail(pane, &run, (80, 24))
    };
    set(&mut pane, "filter", "lr");
    let told = set(&mut pane, "yRanges", r#"{"train/loss": [0, 5]}"#);
    assert_eq!(told["yRanges"], serde_json::json!({"train/loss": [0.0, 5.0]}));
    let kept = told["kept"]["yranges"].as_str().unwrap().to_owned();
    assert_eq!(set(&mut pane, "yRanges", "")["yRanges"], serde_json::json!({}));
    assert_eq!(set(&mut pane, "yRanges", &kept)["yRanges"], told["yRanges"]);
}

#[test]
fn a_run_that_has_nothing_of_what_is_drawn_says_so() {
    let (own, strange) = (run(300), run(0));
    let overlaid = [Overlaid { name: "otter", picture: &strange, colour: 0, group: None, pinned: false }];
    let scene = Scene { overlaid: &overlaid, ..scene(&own) };
    assert!(drawn_in(&graph(UNICODE, &own, (80, 24)), scene, (80, 24)).contains("otter (has none of these)"));
}

#[test]
fn what_happened_at_the_crosshair_is_read_before_averages() {
    let mut run = run(1200);
    let text = "the learning rate was lowered by hand after the spike".to_owned();
    let kind = EventKind::Note { text, step: Some(1199) };
    run.apply_event(crate::store::Event { t: WallTime::new(START).unwrap(), author: "human".into(), kind });
    let mut pane = graph(UNICODE, &run, (80, 24));
    press(&mut pane, &run, ",");
    let footer = drawn(&pane, &run, (80, 24)).lines().last().unwrap().to_owned();
    assert!(footer.contains("✎ the learning rate was lowered") && !footer.contains("smooth"), "{footer}");
}
