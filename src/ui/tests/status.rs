//! The status pane: how it looks, and that it tells what is wrong at every height.

use super::*;

#[test]
fn the_status_pane_looks_like_this() {
    let series = run(1200);
    for size in [(120, 8), (120, 6), (120, 5), (80, 5), (80, 4), (80, 3), (50, 2), (120, 1), (40, 1)] {
        insta::assert_snapshot!(format!("status_{}x{}", size.0, size.1), drawn(&status(UNICODE, &series), &series, size));
    }
}

#[test]
fn what_is_wrong_is_told_at_every_height() {
    let series = run(50);
    let mut pane = status(UNICODE, &series);
    let health = crate::ipc::wire::Health { problems: vec!["stdout.log: the disk is full".into()], ..Default::default() };
    pane.update(Event::Controller(Link::Up(health)), scene(&series), Duration::ZERO);
    for height in 1..=6 {
        assert!(drawn(&pane, &series, (100, height)).contains("stdout.log: the disk is full"), "{height}");
    }
}

#[test]
fn a_lost_controller_is_told_at_every_height() {
    let series = run(1200);
    let mut pane = status(UNICODE, &series);
    pane.update(Event::Controller(Link::Down), scene(&series), Duration::ZERO);
    for height in 1..=8 {
        assert!(drawn(&pane, &series, (120, height)).contains("controller: reconnecting"), "{height}");
    }
}

#[test]
fn an_end_is_told_with_its_code_and_time() {
    let series = run(1200);
    let mut pane = status(UNICODE, &series);
    pane.update(
        Event::RunEnded(Some(Exit { signal: Some(9), at: WallTime::new(START), ..Exit::default() })),
        scene(&series),
        Duration::ZERO,
    );
    let text = drawn(&pane, &series, (120, 1));
    assert!(text.contains("crashed (signal 9)") && text.contains("ended 08:59"), "{text}");
}

#[test]
fn the_status_tells_of_alerts_checkpoints_the_machine_and_the_agent() {
    let run = run(1200);
    let mut pane = status(UNICODE, &run);
    let last = START + 1199.0 * 0.31;
    let facts = Facts { checkpoint: Some((Some(1000), last - 62.0)), alerts: (2, "loss is NaN".into()), ..facts(&run) };
    let health = Health {
        agent_last: Some(("sent Tab to graph".into(), "2026-11-20T08:05:00Z".into())),
        may_send: vec!["graph".into()],
        ..Health::default()
    };
    let host = Host {
        cpu: Some(0.5),
        memory: Some((12 << 30, 64 << 30)),
        gpus: vec![Gpu { busy: Some(0.97), ..Gpu::default() }],
        ..Host::default()
    };
    let mut machine = Machine::default();
    machine.take(host);
    let scene = Scene { host: Some(&machine), ..Scene::of(&run) };
    pane.update(Event::Data(Box::new(facts)), scene, Duration::ZERO);
    pane.update(Event::Controller(Link::Up(health)), scene, Duration::ZERO);
    for size in [(200, 8), (120, 6), (120, 4), (80, 4)] {
        insta::assert_snapshot!(format!("status_full_{}x{}", size.0, size.1), text(&buffer_of(&pane, scene, size)));
    }
}

#[test]
fn three_rows_of_status_say_why_a_run_failed_and_what_was_alerted() {
    let mut run = run(100);
    let nan = Point { step: Step(100), time: WallTime::new(START + 100.0), value: f64::NAN };
    run.series.get_mut(&MetricKey::from("train/loss")).unwrap().push(nan);
    let alert = Alert { title: "loss is NaN".into(), text: String::new(), level: "warn", step: None, time: None };
    run.apply(SourceRank::Own, Ok(Record::Alert(alert)), None);
    let said = "RuntimeError: failed at step 60, as the tests of this program ask it to do now and then";
    for line in ["Traceback (most recent call last):", said, "  "] {
        run.apply(SourceRank::Stdout, Ok(Record::Console(line.into())), None);
    }
    let shown = |run: &RunPicture, size| {
        let mut pane = status(UNICODE, run);
        let facts = Facts::of(run, false, &mut Order::default());
        pane.update(Event::Data(Box::new(facts)), scene(run), Duration::ZERO);
        drawn(&pane, run, size)
    };
    let runs = shown(&run, (80, 3));
    assert!(runs.contains("1 alert: loss is NaN │ train/loss NaN") && !runs.contains("RuntimeError"), "{runs}");
    assert!(!runs.contains("NaN →") && !runs.contains("NaN ↘"), "{runs}");
    run.apply_event(crate::store::Event {
        t: WallTime::new(START + 101.0).unwrap(),
        author: "og".into(),
        kind: EventKind::Exit(Exit { code: Some(1), at: WallTime::new(START + 101.0), ..Exit::default() }),
    });
    for size in [(80, 3), (50, 3), (200, 1)] {
        let failed = shown(&run, size);
        assert!(failed.contains("RuntimeError: failed"), "{failed}");
    }
}

#[test]
fn a_run_that_goes_on_from_another_says_from_where_as_long_as_there_is_room() {
    let mut run = run(100);
    run.info.parent = Some(crate::store::Parent { run: "bold-lynx".into(), checkpoint: None, step: Some(2500) });
    let mut pane = status(UNICODE, &run);
    let facts = Facts::of(&run, false, &mut Order::default());
    pane.update(Event::Data(Box::new(facts)), scene(&run), Duration::ZERO);
    assert!(drawn(&pane, &run, (200, 3)).contains("from step 2,500"), "{}", drawn(&pane, &run, (200, 3)));
    assert!(!drawn(&pane, &run, (45, 3)).contains("2,500"));
}
