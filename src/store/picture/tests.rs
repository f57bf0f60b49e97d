use super::{
    console::{CONSOLE_BYTES_MAX, CONSOLE_LINES_MAX},
    kept::LOSSES_KEPT,
    *,
};
use crate::{
    model::Series,
    source::{KeyId, Media, Row},
};
use SourceRank::{Own, Stdout, Table, Tracker};
use serde_json::json;

fn key(picture: &mut RunPicture, source: SourceRank, id: u32, name: &str) {
    picture.apply(source, Ok(Record::Key(KeyId(id), name.into())), None);
}

fn row(picture: &mut RunPicture, source: SourceRank, step: Option<i64>, values: &[(u32, f64)]) {
    let values = values.iter().map(|(id, value)| (KeyId(*id), *value)).collect();
    picture.apply(source, Ok(Record::Row(Row { step: step.map(Step), values, ..Row::default() })), WallTime::new(100.0));
}

fn points(picture: &RunPicture, name: &str) -> Vec<(i64, f64)> {
    picture.series.get(name).into_iter().flat_map(|s| s.points(0..s.len()).map(|p| (p.step.0, p.value)).collect::<Vec<_>>()).collect()
}

fn event(picture: &mut RunPicture, kind: EventKind) {
    picture.apply_event(Event { t: WallTime::new(1.0).unwrap(), author: "og".into(), kind });
}

#[test]
fn the_better_source_wins_whichever_comes_first() {
    for own_first in [true, false] {
        let mut picture = RunPicture::default();
        let own = |picture: &mut RunPicture| {
            key(picture, Own, 0, "train/loss");
            row(picture, Own, Some(1), &[(0, 1.0)]);
        };
        if own_first {
            own(&mut picture);
        }
        key(&mut picture, Stdout, 0, "Train loss");
        key(&mut picture, Stdout, 1, "speed");
        row(&mut picture, Stdout, Some(1), &[(0, 1.01), (1, 5.0)]);
        if !own_first {
            assert_eq!(points(&picture, "Train loss"), [(1, 1.01)]);
            own(&mut picture);
        }
        row(&mut picture, Stdout, Some(2), &[(0, 2.02), (1, 6.0)]);
        assert_eq!(points(&picture, "train/loss"), [(1, 1.0)]);
        assert_eq!(points(&picture, "Train loss"), []);
        assert_eq!(points(&picture, "speed"), [(1, 5.0), (2, 6.0)]);
        assert_eq!(picture.source_of(&"train/loss".into()), Some(Own));
    }
}

#[test]
fn a_step_behind_others_is_put_in_its_place_unless_the_run_started_again() {
    let read = |rows: &[(i64, u32)]| {
        let mut picture = RunPicture::default();
        ["a", "b"].into_iter().enumerate().for_each(|(id, name)| key(&mut picture, Tracker(0), id as u32, name));
        rows.iter().enumerate().for_each(|(at, (step, id))| row(&mut picture, Tracker(0), Some(*step), &[(*id, at as f64)]));
        ["a", "b"].map(|name| {
            let series = picture.series.get(name);
            let points = points(&picture, name).iter().map(|(step, at)| format!("{step}:{at} ")).collect::<String>();
            (points, series.and_then(Series::told_again).map(|held| held.step.0), series.map_or(0, Series::superseded))
        })
    };
    let none = (String::new(), None, 0);
    assert_eq!(read(&[(1, 0), (0, 0), (3, 0), (2, 0), (4, 0)]), [("0:1 1:0 2:3 3:2 4:4 ".into(), None, 0), none.clone()]);
    assert_eq!(read(&[(1, 0), (2, 0), (3, 0), (2, 0)]), [("1:0 2:1 3:2 ".into(), Some(2), 0), none.clone()]);
    assert_eq!(read(&[(3, 0), (2, 0), (1, 0)]), [("2:1 3:0 ".into(), Some(1), 0), none]);
    // What one key tells counts for those that are logged less often, until the run comes past where it had been.
    let again = [(1, 0), (2, 0), (3, 0), (4, 0), (4, 1), (2, 0), (3, 0), (3, 1)];
    assert_eq!(read(&again), [("1:0 2:5 3:6 ".into(), None, 3), ("3:7 ".into(), None, 1)]);
    let first = [(1, 0), (2, 0), (3, 0), (4, 0), (4, 1), (2, 1), (2, 0), (3, 0)];
    assert_eq!(read(&first), [("1:0 2:6 3:7 ".into(), None, 3), ("2:5 ".into(), None, 1)]);
    // It started again where the first row behind it stands, of whatever key.
    let sparse = [(5, 0), (6, 0), (7, 0), (8, 0), (8, 1), (4, 1), (5, 0), (6, 0)];
    assert_eq!(read(&sparse), [("5:6 6:7 ".into(), None, 4), ("4:5 ".into(), None, 1)]);
    // Rows may be out of order behind a restart, too.
    let both = [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (1, 0), (2, 0), (4, 0), (3, 0), (5, 0)];
    assert_eq!(read(&both), [("1:5 2:6 3:8 4:7 5:9 ".into(), None, 5), (String::new(), None, 0)]);
    let past = [(1, 0), (2, 0), (3, 0), (3, 1), (1, 0), (2, 0), (4, 0), (5, 1), (4, 1)];
    assert_eq!(read(&past), [("1:4 2:5 4:6 ".into(), None, 3), ("3:3 5:7 ".into(), Some(4), 0)]);
}

#[test]
fn time_since_the_start_is_counted_from_the_start_that_a_tracker_tells_behind_its_first_rows() {
    let started = |at: f64| RunInfo { started_at: WallTime::new(at), ..RunInfo::default() };
    let mut picture = RunPicture::new(started(40.0));
    key(&mut picture, Own, 0, "loss");
    row(&mut picture, Own, Some(1), &[(0, 1.0)]);
    picture.set_info(started(90.0));
    key(&mut picture, Own, 1, "acc");
    row(&mut picture, Own, Some(2), &[(1, 1.0)]);
    let since = |name: &str| picture.series[name].x_at(crate::model::XAxis::Relative, 0);
    assert_eq!((since("loss"), since("acc")), (Some(10.0), Some(10.0)));
}

#[test]
fn a_console_that_prints_a_logged_value_again_adds_no_series_whichever_is_read_first() {
    let keys_of = |logged: fn(f64) -> f64, printed: fn(f64) -> f64, first: SourceRank, count: i64| {
        let mut picture = RunPicture::default();
        picture.compare_sources();
        key(&mut picture, Own, 0, "train/loss");
        key(&mut picture, Own, 1, "val/loss");
        key(&mut picture, Stdout, 0, "loss");
        key(&mut picture, Stdout, 1, "time");
        for source in [first, if first == Own { Stdout } else { Own }] {
            for step in 0..count {
                match source {
                    Own => row(&mut picture, Own, Some(step), &[(0, logged(step as f64)), (1, 3.0)]),
                    _ => row(&mut picture, Stdout, Some(step), &[(0, printed(step as f64)), (1, 12.0)]),
                }
            }
            picture.drop_echoes();
        }
        let compared: Vec<_> = picture.twins().map(|twin| (twin.equal, twin.different)).collect();
        (picture.series.keys().any(|key| key.as_str() == "loss"), compared)
    };
    let falls = |step: f64| 2.512345 - step * 0.1;
    let rounded = |step: f64| ((2.512345 - step * 0.1) * 1e4_f64).round() / 1e4;
    for first in [Own, Stdout] {
        assert_eq!(keys_of(falls, rounded, first, 5), (false, vec![(5, 0)]));
        assert_eq!(keys_of(falls, |_| 2.6, first, 5), (true, vec![]), "another value is another metric");
        // What has not moved yet may be of two metrics.
        assert_eq!(keys_of(|step| (step / 5.0).floor(), |step| 2.0 * (step / 5.0).floor(), first, 9), (true, vec![]));
        assert_eq!(keys_of(|_| 1e-4, |_| 1e-4, first, 9), (true, vec![]));
        assert_eq!(keys_of(|_| 1e-4, |_| 1e-4, first, 16), (false, vec![(16, 0)]));
    }
}

#[test]
fn what_is_said_once_at_the_end_is_an_echo_when_the_run_is_over() {
    let both = vec!["train/train_runtime", "train_runtime"];
    for (value, is_alone, want) in [(59.12, true, vec!["train/train_runtime"]), (59.12, false, both.clone()), (1.0, true, both)] {
        let mut picture = RunPicture::default();
        key(&mut picture, Tracker(0), 0, "train/train_runtime");
        key(&mut picture, Stdout, 0, "train_runtime");
        row(&mut picture, Tracker(0), Some(300), &[(0, value)]);
        // What was printed elsewhere as well is more than that.
        (0..9).filter(|_| !is_alone).for_each(|step| row(&mut picture, Stdout, Some(step), &[(0, 0.5)]));
        row(&mut picture, Stdout, Some(300), &[(0, value)]);
        picture.drop_echoes();
        assert_eq!(picture.series.keys().count(), 2);
        event(&mut picture, EventKind::Exit(Exit { code: Some(0), ..Exit::default() }));
        picture.drop_echoes();
        assert_eq!(picture.series.keys().map(MetricKey::as_str).collect::<Vec<_>>(), want);
    }
}

#[test]
fn trackers_must_agree_on_the_letter() {
    let mut picture = RunPicture::default();
    key(&mut picture, Own, 0, "train/loss");
    key(&mut picture, Tracker(0), 0, "train_loss");
    key(&mut picture, Tracker(0), 1, "train/loss");
    row(&mut picture, Own, Some(1), &[(0, 1.0)]);
    row(&mut picture, Tracker(0), Some(1), &[(0, 2.0), (1, 3.0)]);
    assert_eq!(points(&picture, "train/loss"), [(1, 1.0)]);
    assert_eq!(points(&picture, "train_loss"), [(1, 2.0)]);
}

#[test]
fn rows_without_steps_are_counted_and_lose_nothing() {
    let mut picture = RunPicture::default();
    key(&mut picture, Stdout, 0, "loss");
    key(&mut picture, Stdout, 1, "val");
    (0..3).for_each(|i| row(&mut picture, Stdout, None, &[(0, f64::from(i))]));
    assert_eq!(points(&picture, "loss"), [(0, 0.0), (1, 1.0), (2, 2.0)]);
    row(&mut picture, Stdout, Some(10), &[(0, 9.0)]);
    row(&mut picture, Stdout, None, &[(1, 5.0)]);
    row(&mut picture, Stdout, None, &[(1, 6.0)]);
    assert_eq!(points(&picture, "val"), [(10, 5.0), (11, 6.0)]);
    assert_eq!(picture.series["val"].last().unwrap().time, WallTime::new(100.0));
}

#[test]
fn the_step_is_that_of_the_best_source_that_counts() {
    let mut picture = RunPicture::default();
    key(&mut picture, Own, 0, "a");
    key(&mut picture, Stdout, 0, "b");
    row(&mut picture, Own, None, &[(0, 1.0)]);
    assert_eq!(picture.step(), Some(Step(0)));
    row(&mut picture, Stdout, Some(500), &[(0, 1.0)]);
    assert_eq!(picture.step(), Some(Step(500)));
    row(&mut picture, Own, Some(400), &[(0, 1.0)]);
    assert_eq!(picture.step(), Some(Step(400)));
    // Whoever says how many there will be counts the same.
    picture.apply(Stdout, Ok(Record::TotalSteps(1000)), None);
    assert_eq!(picture.step(), Some(Step(500)));
    row(&mut picture, Own, Some(600), &[(0, 1.0)]);
    assert_eq!(picture.step(), Some(Step(600)), "it is ahead of what was printed");
}

#[test]
fn rows_that_count_epochs_do_not_take_the_run_back_and_a_restart_does() {
    let mut picture = RunPicture::default();
    key(&mut picture, Stdout, 0, "loss");
    key(&mut picture, Stdout, 1, "val_acc");
    // The console's first head counted epochs.
    picture.apply(Stdout, Ok(Record::TotalSteps(3)), None);
    let mut after = |step: i64, id: u32| {
        row(&mut picture, Stdout, Some(step), &[(id, 0.5)]);
        (picture.step().unwrap().0, picture.total_steps)
    };
    assert_eq!(after(1, 1), (1, Some(3)));
    assert_eq!(after(80, 0), (80, None));
    assert_eq!(after(2, 1), (80, None));
    assert_eq!(after(160, 0), (160, None));
    assert_eq!(after(20, 0), (20, None));
}

#[test]
fn another_rank_and_an_older_attempt_do_not_mix_in() {
    let mut picture = RunPicture::default();
    key(&mut picture, Own, 0, "loss");
    for (attempt, rank, step) in [(0, 0, 1), (0, 1, 1), (0, 0, 2), (1, 3, 2), (0, 0, 3), (1, 0, 3), (1, 3, 3)] {
        let values = vec![(KeyId(0), f64::from(attempt * 10 + rank))];
        picture.apply(Own, Ok(Record::Row(Row { step: Some(Step(step)), attempt, rank, values, ..Row::default() })), None);
    }
    assert_eq!(points(&picture, "loss"), [(1, 0.0), (2, 13.0), (3, 13.0)]);
}

#[test]
fn our_own_word_on_the_end_counts_most() {
    let mut picture = RunPicture::default();
    let told = Exit { code: Some(0), ..Exit::default() };
    assert_eq!(picture.state(), RunState::Running);
    picture.apply(Tracker(0), Ok(Record::Exit(told)), None);
    assert_eq!(picture.state(), RunState::Finished);
    event(&mut picture, EventKind::Started { pid: 7 });
    picture.apply(Tracker(0), Ok(Record::Exit(told)), None);
    assert_eq!((picture.state(), picture.pid()), (RunState::Running, Some(7)));
    picture.mark_lost();
    assert_eq!(picture.state(), RunState::Lost);
    picture.apply(Tracker(0), Ok(Record::Exit(told)), None);
    assert_eq!(picture.state(), RunState::Lost);
    event(&mut picture, EventKind::Exit(Exit { code: Some(7), ..Exit::default() }));
    assert_eq!(picture.state(), RunState::Failed);
    picture.mark_lost();
    assert_eq!(picture.state(), RunState::Failed);
    event(&mut picture, EventKind::Started { pid: 8 });
    assert_eq!((picture.state(), picture.pid()), (RunState::Running, Some(8)));
}

#[test]
fn a_first_point_before_any_step_stands_nowhere_in_a_source_that_says_steps() {
    let mut picture = RunPicture::default();
    key(&mut picture, Stdout, 0, "val");
    key(&mut picture, Stdout, 1, "loss");
    row(&mut picture, Stdout, None, &[(0, 5.0)]);
    assert!(!picture.is_first_unplaced(&"val".into()), "rows are counted");
    row(&mut picture, Stdout, Some(1), &[(1, 4.0)]);
    row(&mut picture, Stdout, None, &[(0, 4.5)]);
    let unplaced = |picture: &RunPicture| ["val", "loss"].map(|key| picture.is_first_unplaced(&key.into()));
    assert_eq!(unplaced(&picture), [true, false]);
    row(&mut picture, Stdout, Some(0), &[(0, 3.0)]);
    assert_eq!(unplaced(&picture), [false, false]);
}

#[test]
fn two_sources_of_one_kind_keep_their_keys_apart() {
    let mut picture = RunPicture::default();
    for (number, name) in [(0, "train"), (1, "validation"), (2, "test")] {
        picture.set_names(Tracker(number), vec![name.into(), "logs".into()]);
        key(&mut picture, Tracker(number), 0, "loss");
        row(&mut picture, Tracker(number), Some(1), &[(0, f64::from(number))]);
    }
    key(&mut picture, Tracker(3), 0, "loss");
    row(&mut picture, Tracker(3), Some(1), &[(0, 9.0)]);
    let all: Vec<_> = picture.series.keys().map(|key| (key.to_string(), points(&picture, key.as_str())[0].1)).collect();
    assert_eq!(all, [("loss".into(), 9.0), ("test/loss".into(), 2.0), ("validation/loss".into(), 1.0)], "another kind's is better");
}

#[test]
fn a_table_that_is_written_in_two_formats_is_shown_once() {
    let mut picture = RunPicture::default();
    for (number, name) in [(0, "history"), (1, "log")] {
        picture.set_names(Table(number), vec![name.into()]);
        ["loss", "acc"].into_iter().enumerate().for_each(|(id, name)| key(&mut picture, Table(number), id as u32, name));
    }
    for step in 0..5 {
        let at = step as f64;
        row(&mut picture, Table(0), Some(step), &[(0, at), (1, at)]);
        row(&mut picture, Table(1), Some(step), &[(0, at), (1, if step == 2 { 9.0 } else { at })]);
    }
    picture.drop_echoes();
    let keys: Vec<_> = picture.series.keys().map(MetricKey::as_str).collect();
    assert_eq!(keys, ["acc", "log/acc", "loss"], "where they differ, both are there");
}

#[test]
fn what_is_taken_out_of_a_config_is_gone() {
    let mut picture = RunPicture::default();
    let mut apply = |record| picture.apply(Tracker(0), Ok(record), None);
    apply(Record::Config("lr".into(), json!(0.5)));
    apply(Record::Config("net".into(), json!({"depth": 2, "head": {"dim": 8, "bias": true}})));
    for name in ["lr", "none"] {
        apply(Record::ConfigRemoved(name.into()));
    }
    assert_eq!(json!(picture.config), json!({"net": {"depth": 2, "head": {"dim": 8, "bias": true}}}));
}

#[test]
fn config_is_layered() {
    let config = |lr: f64| BTreeMap::from([("lr".to_owned(), json!(lr))]);
    let mut picture = RunPicture::new(RunInfo { config: config(0.1), ..RunInfo::default() });
    picture.apply(Tracker(0), Ok(Record::Config("lr".into(), json!(0.5))), None);
    picture.apply(Tracker(0), Ok(Record::Config("seed".into(), json!(1))), None);
    assert_eq!((&picture.config["lr"], &picture.config["seed"]), (&json!(0.1), &json!(1)));
    event(&mut picture, EventKind::Config(config(0.01)));
    picture.set_info(RunInfo { config: config(0.2), total_steps: Some(9), ..RunInfo::default() });
    picture.apply(Tracker(0), Ok(Record::TotalSteps(5)), None);
    picture.apply(Stdout, Ok(Record::TotalSteps(3)), None);
    assert_eq!((&picture.config["lr"], picture.total_steps), (&json!(0.01), Some(9)));
    picture.set_info(RunInfo::default());
    assert_eq!(picture.total_steps, Some(5));
    picture.forget(Stdout);
    assert_eq!(picture.total_steps, Some(5));
    picture.forget(Tracker(0));
    assert_eq!(picture.total_steps, None);
}

#[test]
fn console_losses_and_changes_are_bounded_and_counted() {
    let mut picture = RunPicture::default();
    (0..CONSOLE_LINES_MAX + 3).for_each(|i| picture.apply(Stdout, Ok(Record::Console(i.to_string().into())), None));
    assert_eq!((picture.console.lines().next(), picture.console.dropped()), (Some("3"), 3));
    (0..9).for_each(|_| picture.apply(Stdout, Ok(Record::Console("é".repeat(1 << 20).into())), None));
    assert!(picture.console.bytes() <= CONSOLE_BYTES_MAX);
    (0..300).for_each(|i| picture.apply(Own, Err(Loss { offset: i, bytes: 5, reason: String::new() }), None));
    assert_eq!((picture.losses.count, picture.losses.bytes, picture.losses.last.len()), (300, 1500, LOSSES_KEPT));
    key(&mut picture, Own, 0, "a");
    row(&mut picture, Own, Some(1), &[(0, 1.0)]);
    row(&mut picture, Own, Some(2), &[(0, 1.0)]);
    assert_eq!(picture.take_changed(), ["a".into()]);
    assert_eq!(picture.take_changed(), []);
    picture.forget(Own);
    assert_eq!(picture.take_changed(), ["a".into()]);
    assert!(picture.series.is_empty() && picture.step().is_none());
}

#[test]
fn alerts_media_and_rules_of_metrics_are_kept_and_forgotten_with_their_source() {
    let mut picture = RunPicture::default();
    let alert = |level: &'static str| Alert { title: "spike".into(), text: String::new(), level, step: Some(Step(7)), time: None };
    let media = Media { key: "weights".into(), step: Some(Step(1)), time: None, kind: "histogram".into(), about: json!({}) };
    picture.apply(Tracker(0), Ok(Record::Alert(alert("error"))), None);
    picture.apply(Tracker(0), Ok(Record::Media(Box::new(media))), None);
    picture.apply(Tracker(0), Ok(Record::Info("metric", json!({"glob": "val/*", "step_metric": "epoch"}))), None);
    picture.apply(Tracker(0), Ok(Record::Info("resumed", json!(true))), None);
    event(&mut picture, EventKind::Other("alert".into(), json!({"rule": "loss is NaN", "step": 5}).as_object().cloned().unwrap()));
    let titles: Vec<_> = picture.alerts.last.iter().map(|(source, alert)| (*source, alert.title.as_str(), alert.level)).collect();
    assert_eq!(titles, [(Some(Tracker(0)), "spike", "error"), (None, "loss is NaN", "warn")]);
    assert_eq!(picture.media.counts().collect::<Vec<_>>(), [("histogram", 1)]);
    assert_eq!((picture.x_of(&"val/loss".into()), picture.x_of(&"loss".into())), (Some("epoch"), None));
    assert_eq!(picture.remarks["resumed"], json!(true));
    picture.forget(Tracker(0));
    assert_eq!((picture.alerts.count, picture.media.count()), (1, 0));
}

#[test]
fn a_file_that_starts_over_takes_back_the_exit_that_it_told() {
    let mut picture = RunPicture::default();
    picture.apply(Tracker(0), Ok(Record::Exit(Exit { code: Some(1), ..Exit::default() })), None);
    picture.forget(Tracker(1));
    assert_eq!(picture.state(), RunState::Failed);
    picture.forget(Tracker(0));
    assert_eq!(picture.state(), RunState::Running);
}

#[test]
fn the_console_is_shown_once() {
    let mut picture = RunPicture::default();
    let say = |picture: &mut RunPicture, source, line: &str| picture.apply(source, Ok(Record::Console(line.into())), None);
    say(&mut picture, Tracker(0), "a copy");
    say(&mut picture, Stdout, "one");
    say(&mut picture, Tracker(0), "a copy");
    say(&mut picture, Stdout, "two");
    assert_eq!((picture.console.lines().collect::<Vec<_>>(), picture.console.source()), (vec!["one", "two"], Some(Stdout)));
    assert_eq!(picture.given().map(|(source, given)| (source, given.console_lines)).collect::<Vec<_>>(), [(Tracker(0), 2), (Stdout, 2)]);
    picture.forget(Stdout);
    assert_eq!(picture.console.count(), 0);
}

#[test]
fn what_two_sources_log_is_compared_where_somebody_asks() {
    let mut picture = RunPicture::default();
    picture.compare_sources();
    key(&mut picture, Own, 0, "train/loss");
    key(&mut picture, Tracker(0), 4, "train/loss");
    key(&mut picture, Stdout, 0, "loss");
    for step in 0..5 {
        let loss = 2.5 - step as f64 / 8.0;
        row(&mut picture, Own, Some(step), &[(0, loss)]);
        row(&mut picture, Tracker(0), Some(step + 1), &[(4, if step == 2 { 9.0 } else { 2.5 - (step + 1) as f64 / 8.0 })]);
        row(&mut picture, Stdout, Some(step), &[(0, loss)]);
    }
    (0..5).for_each(|step| row(&mut picture, Tracker(0), Some(step), &[(4, if step == 3 { f64::NAN } else { 2.5 - step as f64 / 8.0 })]));
    picture.drop_echoes();
    let twins: Vec<_> = picture.twins().collect();
    let [console, tracker] = twins[..] else { panic!("{twins:?}") };
    assert_eq!((console.hidden, console.hidden_key.as_str(), console.key.as_str()), (Stdout, "loss", "train/loss"));
    assert_eq!((console.equal, console.different), (5, 0));
    assert_eq!((tracker.equal, tracker.different, tracker.alone), (4, 1, 5));
    assert!(tracker.first.is_some_and(|(step, shown, hidden)| (step, shown) == (Step(3), 2.125) && hidden.is_nan()));
    let mut picture = RunPicture::default();
    picture.compare_sources();
    key(&mut picture, Stdout, 0, "loss");
    (0..4).for_each(|step| row(&mut picture, Stdout, Some(step), &[(0, step as f64)]));
    // A tracker that is only found by what the console says of it.
    key(&mut picture, Tracker(0), 0, "loss");
    (1..6).for_each(|step| row(&mut picture, Tracker(0), Some(step), &[(0, if step == 3 { 7.0 } else { step as f64 })]));
    let twins: Vec<_> = picture.twins().collect();
    let [late] = twins[..] else { panic!("{twins:?}") };
    assert_eq!((late.shown, late.hidden, late.equal, late.different), (Tracker(0), Stdout, 2, 1));
    assert_eq!(late.first, Some((Step(3), 7.0, 3.0)));
    assert_eq!(points(&picture, "loss").len(), 5);
}

#[test]
fn a_mean_that_is_called_nearly_as_another_metric_is_no_conflict() {
    // The order in which sources are read is not known.
    for console_is_first in [true, false] {
        let mut picture = RunPicture::default();
        picture.compare_sources();
        let say = |picture: &mut RunPicture, source| match source {
            Stdout => {
                ["loss", "train_loss"].iter().enumerate().for_each(|(id, name)| key(picture, Stdout, id as u32, name));
                (1..6).for_each(|step| row(picture, Stdout, Some(step), &[(0, step as f64)]));
                row(picture, Stdout, Some(5), &[(1, 3.125)]);
            }
            source => {
                ["train/loss", "train/train_loss"].iter().enumerate().for_each(|(id, name)| key(picture, source, id as u32, name));
                (1..6).for_each(|step| row(picture, source, Some(step), &[(0, step as f64)]));
                row(picture, source, Some(5), &[(1, 3.125)]);
            }
        };
        let order = if console_is_first { [Stdout, Tracker(0)] } else { [Tracker(0), Stdout] };
        order.into_iter().for_each(|source| say(&mut picture, source));
        picture.drop_echoes();
        let twins: Vec<_> = picture.twins().map(|twin| (twin.hidden_key.as_str(), twin.key.as_str(), twin.equal, twin.different)).collect();
        assert_eq!(twins, [("loss", "train/loss", 5, 0), ("train_loss", "train/train_loss", 1, 0)], "{console_is_first}");
    }
}

#[test]
fn what_each_source_gave_is_counted() {
    let mut picture = RunPicture::default();
    key(&mut picture, Own, 0, "train/loss");
    key(&mut picture, Tracker(0), 4, "train/loss");
    for step in 0..5 {
        row(&mut picture, Own, Some(step), &[(0, 1.0)]);
        row(&mut picture, Tracker(0), Some(step), &[(4, 1.0)]);
    }
    let points: u64 = picture.given().map(|(_, given)| given.points).sum();
    assert_eq!((points, picture.points()), (10, 5));
}

/// A tracker that counts rows, and a console that prints the loss at the steps of the training.
fn trainer(kind: Kind, first: SourceRank) -> RunPicture {
    let mut picture = RunPicture::default();
    picture.align_steps();
    picture.compare_sources();
    picture.set_kind(Tracker(0), kind);
    for source in if first == Stdout { [Stdout, Tracker(0)] } else { [Tracker(0), Stdout] } {
        let keys: &[&str] = if source == Stdout { &["loss"] } else { &["train/loss", "train/global_step", "loss"] };
        keys.iter().zip(0..).for_each(|(name, id)| key(&mut picture, source, id, name));
        for (at, loss) in [(0, 3.0), (1, 2.5), (2, 2.0), (3, 1.5)] {
            let step = 5 * (at + 1);
            match source {
                Stdout => row(&mut picture, Stdout, Some(step), &[(0, loss)]),
                // The other `loss` is of an evaluation at the same step.
                _ => {
                    row(&mut picture, source, Some(2 * at), &[(0, loss), (1, step as f64)]);
                    row(&mut picture, source, Some(2 * at + 1), &[(2, loss), (1, step as f64)]);
                }
            }
        }
    }
    picture
}

#[test]
fn a_tracker_that_counts_rows_says_the_step_of_the_training() {
    for first in [Stdout, Tracker(0)] {
        let picture = trainer(Kind::WandbRun, first);
        assert_eq!(points(&picture, "train/loss"), [(0, 3.0), (2, 2.5), (4, 2.0), (6, 1.5)], "its own count stays");
        let steps_of = |key: &str| picture.global_step_of(&key.into());
        let own = Some("train/global_step");
        assert_eq!((steps_of("train/loss"), steps_of("train/global_step"), steps_of("grad")), (own, own, None));
        assert_eq!((picture.x_of(&"train/loss".into()), picture.step()), (None, Some(Step(20))), "that is no axis of its own");
        let twins: Vec<_> = picture.twins().map(|twin| (twin.key.as_str().to_owned(), twin.equal, twin.different)).collect();
        assert_eq!(twins, [("loss".to_owned(), 4, 0)]);
    }
    let events = trainer(Kind::TfEvents, Stdout);
    assert_eq!((events.global_step_of(&"train/loss".into()), events.step()), (None, Some(Step(7))), "these have the step of the training");
}

#[test]
fn what_a_console_prints_of_a_tracker_that_counts_rows_adds_no_series() {
    let mut picture = RunPicture::default();
    picture.align_steps();
    picture.set_kind(Tracker(0), Kind::Trackio);
    ["train/loss", "train/global_step"].iter().zip(0..).for_each(|(name, id)| key(&mut picture, Tracker(0), id, name));
    key(&mut picture, Stdout, 0, "loss");
    for (at, loss) in [(0, 3.0), (1, 2.5), (2, 2.0)] {
        row(&mut picture, Tracker(0), Some(at), &[(0, loss), (1, 10.0 * at as f64)]);
        row(&mut picture, Stdout, Some(10 * at), &[(0, loss)]);
    }
    picture.drop_echoes();
    assert_eq!(points(&picture, "loss"), []);
    // It prints more often than it logs.
    row(&mut picture, Stdout, Some(25), &[(0, 1.5)]);
    assert_eq!(picture.step(), Some(Step(25)));
}

#[test]
fn two_evaluations_at_one_step_are_compared_each_with_its_own() {
    let mut picture = RunPicture::default();
    picture.align_steps();
    picture.compare_sources();
    for (source, kind) in [(Tracker(0), Kind::Trackio), (Tracker(1), Kind::WandbRun)] {
        picture.set_kind(source, kind);
        ["eval/runtime", "train/global_step"].iter().zip(0..).for_each(|(name, id)| key(&mut picture, source, id, name));
    }
    for source in [Tracker(1), Tracker(0)] {
        for (at, runtime) in [(33, 0.125), (34, 0.0625)] {
            row(&mut picture, source, Some(at), &[(0, runtime), (1, 300.0)]);
        }
    }
    let twins: Vec<_> = picture.twins().map(|twin| (twin.hidden_key.as_str(), twin.equal, twin.different)).collect();
    assert_eq!(twins, [("eval/runtime", 2, 0), ("train/global_step", 2, 0)]);
}

#[test]
fn what_a_console_rounds_is_no_other_value() {
    let differs = |logged: f64, printed: f64| {
        let mut picture = RunPicture::default();
        picture.compare_sources();
        key(&mut picture, Tracker(0), 0, "loss");
        key(&mut picture, Stdout, 0, "loss");
        row(&mut picture, Tracker(0), Some(1), &[(0, logged)]);
        row(&mut picture, Stdout, Some(1), &[(0, printed)]);
        picture.twins().next().unwrap().different > 0
    };
    for (logged, printed, want) in
        [(23.548, 23.5, false), (115.47, 115.0, false), (23.56, 23.5, true), (1.4, 1.0, true), (0.5, f64::NAN, true), (1e300, 1.0, true)]
    {
        assert_eq!(differs(logged, printed), want, "{logged} {printed}");
    }
}
