use super::*;
use crate::{
    model::{Exit, RunState, Step},
    store::{EventKind, NewRun, Store, Whereabouts, metrics_line},
};
use std::{fs::File, io::Write};

fn time(secs: f64) -> WallTime {
    WallTime::new(secs).unwrap()
}

fn run() -> (tempfile::TempDir, RunFolder) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::find_or_make(&Whereabouts { cwd: dir.path().to_owned(), ..Whereabouts::default() }).unwrap();
    let new = NewRun { cwd: dir.path().to_owned(), ..NewRun::default() };
    let (folder, _) = store.create_run(new, time(1000.0), 1).unwrap();
    (dir, folder)
}

fn append(path: &Path, text: &str) {
    File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn event(folder: &RunFolder, kind: EventKind) {
    folder.append_event(&Event { t: time(1001.0), author: "og".into(), kind }).unwrap();
}

fn load(reader: &mut RunReader) -> Vec<String> {
    let mut keys = vec![];
    loop {
        let polled = reader.poll(RunReader::LOAD);
        keys.extend(polled.keys_changed.iter().map(ToString::to_string));
        if !polled.more {
            return keys;
        }
    }
}

fn points(reader: &RunReader, key: &str) -> Vec<(i64, Option<f64>, f64)> {
    let point = |p: crate::model::Point| (p.step.0, p.time.map(WallTime::secs), p.value);
    reader.picture().series.get(key).into_iter().flat_map(|s| s.tail(9).map(point).collect::<Vec<_>>()).collect()
}

#[test]
fn a_run_is_followed_from_its_first_byte_to_its_exit() {
    let (_dir, folder) = run();
    let mut reader = RunReader::open(folder.path()).unwrap();
    assert_eq!(reader.poll(RunReader::LIVE), Polled::default());
    event(&folder, EventKind::Started { pid: 7 });
    append(&folder.stdout_log(), "hello\nstep 1 loss 2.5\n");
    append(&folder.stdout_times(), "6 1500\n22 2500\n");
    assert_eq!(load(&mut reader), ["loss"]);
    assert_eq!(points(&reader, "loss"), [(1, Some(2.5), 2.5)]);
    assert_eq!(reader.picture().console.lines().next(), Some("hello"));
    append(&folder.metrics(), &metrics_line(Step(1), time(1002.0), &[("loss", 2.25), ("lr", f64::NAN)]));
    assert_eq!(load(&mut reader), ["loss", "lr"]);
    append(&folder.stdout_log(), "step 2 loss 9");
    append(&folder.metrics(), "{\"s\":2,\"t\":1003");
    assert!(!reader.poll(RunReader::LIVE).changed);
    append(&folder.metrics(), ".5,\"m\":{\"loss\":2}}\nbroken\n");
    load(&mut reader);
    assert_eq!(points(&reader, "loss"), [(1, Some(1002.0), 2.25), (2, Some(1003.5), 2.0)]);
    assert_eq!(reader.picture().losses.count, 1);
    assert_eq!((reader.picture().state(), reader.picture().step()), (RunState::Running, Some(Step(2))));
    folder.update_run_json(|info| info.total_steps = Some(10)).unwrap();
    event(&folder, EventKind::Exit(Exit { code: Some(0), ..Exit::default() }));
    assert!(reader.poll(RunReader::LIVE).changed);
    assert_eq!((reader.picture().state(), reader.picture().total_steps), (RunState::Finished, Some(10)));
    assert_eq!(reader.picture().console.lines().last(), Some("step 2 loss 9"));
    assert_eq!(reader.poll(RunReader::LIVE), Polled::default());
    assert_eq!(reader.paths().len(), 4);
}

#[test]
fn old_output_without_times_has_no_time_and_new_output_has_now() {
    let (_dir, folder) = run();
    append(&folder.stdout_log(), "step 1 loss 2\n");
    let mut reader = RunReader::open(folder.path()).unwrap();
    load(&mut reader);
    append(&folder.stdout_log(), "step 2 loss 1\n");
    load(&mut reader);
    let times: Vec<_> = points(&reader, "loss").into_iter().map(|(_, time, _)| time).collect();
    assert!(times[0].is_none() && times[1].is_some_and(|secs| secs > 1.7e9), "{times:?}");
}

#[test]
fn a_flood_of_output_is_read_in_pieces_and_does_not_hold_back_the_metrics() {
    let (_dir, folder) = run();
    append(&folder.stdout_log(), &format!("{}\n", "x".repeat(99)).repeat(40_000));
    append(&folder.metrics(), &metrics_line(Step(1), time(1.0), &[("loss", 1.0)]));
    let mut reader = RunReader::open(folder.path()).unwrap();
    let first = reader.poll(RunReader::LIVE);
    assert!(first.more && first.keys_changed == ["loss".into()]);
    let mut polls = 1;
    while reader.poll(RunReader::LIVE).more {
        polls += 1;
    }
    assert!(polls >= 3, "{polls}");
    assert_eq!(reader.picture().console.dropped() + reader.picture().console.lines().len() as u64, 40_000);
}

#[test]
fn a_log_that_starts_over_is_read_anew() {
    let (_dir, folder) = run();
    append(&folder.metrics(), &metrics_line(Step(5), time(1.0), &[("loss", 1.0), ("lr", 0.5)]));
    let mut reader = RunReader::open(folder.path()).unwrap();
    load(&mut reader);
    fs::write(folder.metrics(), metrics_line(Step(1), time(1.0), &[("loss", 3.0)])).unwrap();
    assert_eq!(load(&mut reader), ["loss", "lr", "loss"]);
    assert_eq!(points(&reader, "loss"), [(1, Some(1.0), 3.0)]);
    assert!(!reader.picture().series.contains_key("lr"));
}

#[test]
fn a_training_that_is_gone_is_lost_only_when_somebody_says_so() {
    let (_dir, folder) = run();
    event(&folder, EventKind::Started { pid: 7 });
    let mut reader = RunReader::open(folder.path()).unwrap();
    load(&mut reader);
    assert_eq!(reader.picture().state(), RunState::Running);
    reader.mark_lost();
    assert_eq!(reader.picture().state(), RunState::Lost);
}

#[test]
fn a_damaged_run_json_costs_the_name_and_no_metric() {
    let (_dir, folder) = run();
    append(&folder.metrics(), &metrics_line(Step(5), time(1.0), &[("loss", 1.0)]));
    fs::write(folder.run_json(), "{\"v\": 1, \"na").unwrap();
    let mut reader = RunReader::open(folder.path()).unwrap();
    load(&mut reader);
    assert_eq!(points(&reader, "loss"), [(5, Some(1.0), 1.0)]);
    assert_eq!(reader.picture().info.name, folder.id().0);
}

#[test]
fn a_folder_without_run_json_is_no_run() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(RunReader::open(dir.path()), Err(StoreError::NotARun { .. })));
    // Somebody else's table of the same name is one, also beside somebody else's `run.json`.
    append(&dir.path().join("run.json"), "{\"status\": \"COMPLETED\"}");
    append(&dir.path().join("metrics.jsonl"), "{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"loss\": 1.5}\n");
    let mut reader = RunReader::open(dir.path()).unwrap();
    load(&mut reader);
    assert_eq!((points(&reader, "loss"), reader.kind()), (vec![(1, None, 2.0), (2, None, 1.5)], Kind::Jsonl));
    let glance = crate::store::glance(dir.path(), &ReadOptions::default(), source::Reach::Row).unwrap();
    assert_eq!((glance.probe.kind, glance.probe.step), (Kind::Jsonl, Some(Step(2))));
}

#[test]
fn of_two_trackers_the_one_that_keeps_all_digits_is_shown() {
    for kinds in [[Kind::WandbRun, Kind::TfEvents], [Kind::TfEvents, Kind::WandbRun]] {
        let (dir, folder) = run();
        let mut reader = RunReader::open(folder.path()).unwrap();
        for kind in kinds {
            let path = dir.path().join(kind.as_str());
            let loss = if kind == Kind::TfEvents { f64::from(0.1_f32) } else { 0.1 };
            append(&path, &format!("{{\"step\": 1, \"loss\": {loss}}}\n"));
            reader.add(SourceRank::Tracker, kind, Box::new(Tail::new(path, Box::new(source::Jsonl::new()))));
        }
        load(&mut reader);
        assert_eq!(points(&reader, "loss"), [(1, None, 0.1)], "{kinds:?}");
    }
}

#[test]
fn a_log_in_utf_16_has_no_times_that_its_twin_in_utf_8_has_not() {
    let dir = tempfile::tempdir().unwrap();
    let text = "step 1 loss 2\nstep 2 loss 1\n";
    let wide: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for (name, bytes) in [("narrow.log", text.as_bytes()), ("wide.log", &wide)] {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut reader = RunReader::open(&path).unwrap();
        load(&mut reader);
        assert_eq!(points(&reader, "loss"), [(1, None, 2.0), (2, None, 1.0)], "{name}");
    }
}
