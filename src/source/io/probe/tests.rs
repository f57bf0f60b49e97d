mod shapes;

use super::*;
use crate::{
    model::{MetricKey, Step},
    source::{
        LastPoint,
        io::runs,
        wandb::tests::{bytes, file, history, int, json_item},
    },
    store::{RunPicture, RunReader},
};
use proptest::prelude::*;
use std::{
    fmt::{Display, Write as _},
    path::PathBuf,
};

fn run(path: &Path) -> RunRef {
    runs(path).unwrap().remove(0)
}

fn probed(path: &Path, reach: Reach) -> Probe {
    probe(&run(path), &ReadOptions::default(), reach, false).unwrap()
}

/// Small enough that most fixtures are long.
const SMALL: [Sizes; 3] = [
    Sizes { head: 700, head_max: 700, window: 400, window_max: 3000, keys_max: 1500 },
    Sizes { head: 2000, head_max: 2000, window: 900, window_max: 1 << 14, keys_max: 900 },
    Sizes { head: 100, head_max: 100, window: 5000, window_max: 5000, keys_max: 5000 },
];

fn read_whole(path: &Path) -> RunReader {
    let mut reader = RunReader::open(path).unwrap();
    while reader.poll(RunReader::LOAD).more {}
    reader.settle(false);
    reader
}

/// Whatever a probe says, a full read says too.
#[track_caller]
fn agrees(path: &Path, probe: &Probe) {
    agree(&path.display(), probe, read_whole(path).picture());
}

#[track_caller]
fn agree(name: &dyn Display, probe: &Probe, full: &RunPicture) {
    assert_eq!((probe.state, probe.exit), (full.known_state(), full.exit), "{name}");
    assert!(probe.step.is_none() || probe.step == full.step(), "{name}: step {:?}, {:?}", probe.step, full.step());
    assert!(
        probe.total_steps.is_none() || probe.total_steps == full.total_steps,
        "{name}: of {:?}, {:?}",
        probe.total_steps,
        full.total_steps
    );
    for (key, LastPoint { step, value, .. }) in &probe.last {
        let last = full.series.get(key).and_then(|series| series.latest());
        let last = last.unwrap_or_else(|| panic!("{name}: {key} is no key"));
        assert!(last.value == *value || last.value.is_nan() && value.is_nan(), "{name}: {key} is {} and not {value}", last.value);
        assert!(step.is_none_or(|step| step == last.step), "{name}: {key} is at {:?} and not {step:?}", last.step);
    }
    if probe.is_whole {
        assert_eq!(probe.last.len(), full.series.len(), "{name}");
    }
}

#[track_caller]
fn agrees_at_all_sizes(path: &Path) {
    let Ok(kind) = runs(path).map(|runs| runs[0].kind) else { return };
    if kind.decoder().is_none() {
        return;
    }
    for sizes in SMALL {
        for reach in [Reach::Row, Reach::Keys] {
            agrees(
                path,
                &stream(path, kind, How { read: &ReadOptions::default(), reach, is_over: false, may_be_any: true, sizes: Some(sizes) })
                    .unwrap(),
            );
        }
    }
    agrees(path, &probed(path, Reach::Keys));
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.into_iter().flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// Recordings that are not in this repository, where they are at hand; unpacked into `into`.
fn recordings(into: &Path) -> Vec<PathBuf> {
    let unpacked = |path: PathBuf| match path.extension().is_some_and(|end| end == "gz") {
        false => path,
        true => {
            let out = std::process::Command::new("gzip").arg("-dc").arg(&path).output().unwrap();
            let to = into.join(path.file_stem().unwrap());
            fs::write(&to, out.stdout).unwrap();
            to
        }
    };
    files_below(&crate::source::recordings_for_tests()).into_iter().map(unpacked).collect()
}

#[test]
fn a_probe_of_any_recording_says_what_a_full_read_says_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let fixtures = files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"));
    assert!(fixtures.len() > 10);
    for path in fixtures.into_iter().chain(recordings(dir.path())) {
        agrees_at_all_sizes(&path);
        // A program that is started again and again.
        let bytes = fs::read(&path).unwrap();
        if path.extension().is_some_and(|end| end == "log" || end == "jsonl") && !bytes.is_empty() {
            let again = dir.path().join(path.file_name().unwrap()).with_extension("again.log");
            fs::write(&again, bytes.repeat((150_000 / bytes.len()).max(3))).unwrap();
            agrees_at_all_sizes(&again);
            fs::remove_file(&again).unwrap();
        }
    }
}

#[test]
fn what_rows_teach_of_those_before_them_is_known_to_a_probe_or_nothing_is_said() {
    let dir = tempfile::tempdir().unwrap();
    // One row is in the shortest head, and a few are in the others.
    let note = "x".repeat(50);
    let table = |head: &str, rows: &[String]| format!("{head},loss,note\n{}\n", rows.join("\n"));
    let row = |at: &dyn std::fmt::Display, step: i64| format!("{at},{}.5,{note}", step % 7);
    let newest: Vec<_> = (0..100).rev().map(|step| row(&step, step)).collect();
    let counted: Vec<_> = (0..100).map(|step| row(&(step * 10), step)).collect();
    let seeds: Vec<_> = (0..100).map(|at| row(&format!("{},{}", at / 50, at % 50), at)).collect();
    let ranks: Vec<_> = (0..100).map(|at| row(&format!("{},{}", at % 4, at / 4), at)).collect();
    let one_seed: Vec<_> = (0..100).map(|at| row(&format!("42,{at}"), at)).collect();
    for (name, text, last) in [
        ("newest.csv", table("step", &newest), 99),
        ("counted.csv", table("it", &counted), 990),
        ("setting.csv", table("num_samples,step", &one_seed), 99),
        ("seeds.csv", table("seed,step", &seeds), 49),
        ("ranks.csv", table("rank,step", &ranks), 24),
        ("seed.csv", table("seed,step", &one_seed), 99),
    ] {
        let path = dir.path().join(name);
        fs::write(&path, &text).unwrap();
        agrees_at_all_sizes(&path);
        assert_eq!(probed(&path, Reach::Row).step, Some(Step(last)), "{name}");
        let wide = dir.path().join(format!("wide-{name}"));
        fs::write(&wide, [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect::<Vec<_>>()).unwrap();
        agrees_at_all_sizes(&wide);
    }
    for (epochs, rows) in [(10, 500), (30, 1000)] {
        let rows = (0..epochs * rows).map(|at| format!("{},{},{}.5,{}", at / rows, at % rows, at % 7, "x".repeat(300))).collect::<Vec<_>>();
        let path = dir.path().join("restarts.csv");
        fs::write(&path, table("epoch,step", &rows)).unwrap();
        let found = probed(&path, Reach::Row);
        assert!(found.step.is_none_or(|step| step.0 == rows.len() as i64 - 1), "{:?}", found.step);
    }
    // One seed alone needs no reading of all.
    let path = dir.path().join("seed.csv");
    let how = How { read: &ReadOptions::default(), reach: Reach::Row, is_over: false, may_be_any: true, sizes: Some(SMALL[0]) };
    assert!(stream(&path, Kind::Csv, how).unwrap().bytes < fs::metadata(&path).unwrap().len());
}

#[test]
fn the_end_of_a_long_wandb_log_tells_all() {
    let row = |step: u64| history(step, &json_item("loss", &format!("{}.5", step % 10)));
    // A row longer than a block ends up across every place that a look may start at.
    let long = |step: u64| history(step, &[bytes(2, "val"), bytes(16, format!("0.25{}", " ".repeat(40_000)))]);
    let mut records = vec![bytes(17, [bytes(1, "abc"), bytes(3, "lm"), bytes(8, "bright-sun-1")].concat())];
    records.extend((0..20_000).map(row));
    records.push(long(20_000));
    records.push(row(20_001));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run-x.wandb");
    fs::write(&path, file(&records)).unwrap();
    let found = probed(&path, Reach::Keys);
    agrees(&path, &found);
    assert_eq!((found.state, found.step, value(&found, "loss")), (Some(RunState::Running), Some(Step(20_001)), Some(1.5)));
    assert_eq!(value(&found, "val"), Some(0.25));
    records.push(bytes(18, int(1, 1)));
    fs::write(&path, file(&records)).unwrap();
    agrees_at_all_sizes(&path);
    let found = probed(&path, Reach::Keys);
    agrees(&path, &found);
    assert!(!found.is_whole && found.bytes < 400_000, "{}", found.bytes);
    assert_eq!((found.state, found.exit.and_then(|exit| exit.code)), (Some(RunState::Failed), Some(1)));
    assert_eq!(["name", "project", "run_id"].map(|name| found.remarks[name].as_str()), [Some("bright-sun-1"), Some("lm"), Some("abc")]);

    // Damage in the end costs what it costs a full read.
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).rev().step_by(4999).take(40) {
        let mut bad = whole.clone();
        bad[at] ^= 4;
        fs::write(&path, &bad[..whole.len() - at % 100]).unwrap();
        agrees(&path, &probed(&path, Reach::Row));
    }
}

#[test]
fn a_wandb_log_tells_its_run_however_much_of_it_is_config_and_a_head_without_one_is_read_up_to_a_bound() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run-x.wandb");
    for (notes, is_told) in [(0, true), (40_000, true), (300_000, true), (2_000_000, false)] {
        let run = [bytes(1, "abc"), bytes(9, "n".repeat(notes)), bytes(8, "bright-sun-1")].concat();
        let rows = (0..20_000).map(|step| history(step, &json_item("loss", "0.5")));
        fs::write(&path, file(&std::iter::once(bytes(17, run)).chain(rows).collect::<Vec<_>>())).unwrap();
        let found = probed(&path, Reach::Row);
        agrees(&path, &found);
        assert_eq!(found.remarks.get("name").is_some_and(|name| name == "bright-sun-1"), is_told, "{notes}");
        assert_eq!(found.step, Some(Step(19_999)));
        assert!(found.bytes < RUN_HEAD_BYTES_MAX + (512 << 10), "{notes}: {}", found.bytes);
    }
}

#[test]
fn a_row_of_a_database_that_stands_behind_with_another_key_does_not_hide_the_step_where_all_rows_are_read() {
    use crate::source::{KeyId, Record, Row};
    let row = |step, key| Ok(Record::Row(Row { step: Some(Step(step)), values: vec![(KeyId(key), 0.5)], ..Row::default() }));
    let found = |is_whole| {
        let read = |sink: &mut Sink| {
            ["a", "c"].into_iter().enumerate().for_each(|(id, key)| sink(Ok(Record::Key(KeyId(id as u32), key.into()))));
            [(18, 0), (19, 0), (3, 1)].into_iter().for_each(|(step, key)| sink(row(step, key)));
            Ok(is_whole)
        };
        let found = rows(Kind::Trackio, read).unwrap();
        (found.step.map(|step| step.0), found.is_whole)
    };
    assert_eq!([found(true), found(false)], [(Some(19), true), (None, false)]);
}

#[test]
fn a_wandb_log_that_fell_silent_without_an_exit_is_of_a_run_that_crashed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run-x.wandb");
    let row = history(1, &json_item("loss", "0.5"));
    for (exit, age, want) in [
        (None, 0, RunState::Running),
        (None, 601, RunState::Crashed),
        (Some(254), 0, RunState::Crashed),
        (Some(143), 0, RunState::Failed),
        (Some(1), 601, RunState::Failed),
        (Some(0), 601, RunState::Finished),
    ] {
        let exit = exit.map(|code| bytes(18, int(1, code)));
        fs::write(&path, file(&std::iter::once(row.clone()).chain(exit.clone()).collect::<Vec<_>>())).unwrap();
        File::options().append(true).open(&path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        let found = probed(&path, Reach::Keys);
        agrees(&path, &found);
        assert_eq!(found.state, Some(want), "{exit:?} {age}");
    }
}

fn long(name: &str, text: &str) -> (tempfile::TempDir, PathBuf, Probe) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    agrees_at_all_sizes(&path);
    let found = probed(&path, Reach::Keys);
    assert!(!found.is_whole);
    (dir, path, found)
}

fn value(probe: &Probe, key: &str) -> Option<f64> {
    probe.last.get(&MetricKey::from(key)).map(|point| point.value)
}

/// Rows as usual programs write them: the step and the last loss are told, and little is read for it.
#[test]
fn ordinary_tables_say_where_they_stand() {
    let lines = |rows: usize, row: &dyn Fn(usize) -> String| (0..rows).map(row).collect::<Vec<_>>().join("\n") + "\n";
    let csv = |head: &str, rows: usize, row: &dyn Fn(usize) -> String| format!("{head}\n{}", lines(rows, row));
    let long = "x".repeat(2000);
    let time = |at: usize| 1_700_000_000 + at;
    for (name, text, step) in [
        ("plain.csv", csv("step,loss", 20_000, &|at| format!("{at},{at}.5")), 19_999),
        ("timed.csv", csv("time,step,loss", 20_000, &|at| format!("{},{},{at}.5", time(at), at * 10)), 199_990),
        ("keras.csv", csv("epoch,accuracy,loss,val_loss", 20_000, &|at| format!("{at},0.5,{at}.5,0.25")), 19_999),
        ("lightning.csv", csv("epoch,step,loss,val_loss", 20_000, &|at| format!("{},{},{at}.5,", at / 200, at * 50 + 49)), 999_999),
        ("slow.csv", csv("epoch,step,loss,val_loss", 20_000, &|at| format!("{},{},{at}.5,", at / 3000, at * 50 + 49)), 999_999),
        (
            "sb3.csv",
            csv("time/iterations,time/total_timesteps,rollout/ep_rew_mean,loss", 20_000, &|at| format!("{at},{},7.5,{at}.5", at * 2048)),
            19_999 * 2048,
        ),
        ("seed.csv", csv("seed,step,loss", 20_000, &|at| format!("42,{at},{at}.5")), 19_999),
        ("total.csv", csv("step,total_steps,loss", 20_000, &|at| format!("{at},20000,{at}.5")), 19_999),
        ("split.csv", csv("step,split,loss", 20_000, &|at| format!("{at},{},{at}.5", if at % 9 == 8 { "val" } else { "train" })), 19_999),
        ("long.csv", csv("step,note,loss", 2000, &|at| format!("{at},{long},{at}.5")), 1999),
        ("resumed.csv", csv("step,loss", 20_000, &|at| format!("{},{at}.5", if at < 19_990 { at } else { at - 100 })), 19_899),
        ("plain.jsonl", lines(20_000, &|at| format!("{{\"step\": {at}, \"loss\": {at}.5, \"lr\": 0.1}}")), 19_999),
        (
            "trainer.jsonl",
            lines(20_000, &|at| {
                format!("{{\"loss\": {at}.5, \"grad_norm\": 1.5, \"epoch\": {}, \"step\": {}}}", at as f64 / 5000.0, at * 10)
            }),
            199_990,
        ),
        ("long.jsonl", lines(2000, &|at| format!("{{\"step\": {at}, \"note\": \"{long}\", \"loss\": {at}.5}}")), 1999),
        (
            "mmengine.jsonl",
            lines(20_000, &|at| {
                let at = at + 1;
                format!(
                    "{{\"lr\": 0.1, \"loss\": {}.5, \"time\": 0.2, \"epoch\": {}, \"iter\": {at}, \"step\": {at}}}",
                    at - 1,
                    at / 50 + 1
                )
            }),
            20_000,
        ),
        ("metrics.jsonl", lines(20_000, &|at| format!("{{\"s\":{at},\"t\":{},\"m\":{{\"loss\":{at}.5}}}}", time(at))), 19_999),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, &text).unwrap();
        let last = value(&probed(&path, Reach::Keys), "loss");
        let rows = text.lines().count() - usize::from(name.ends_with("csv"));
        for reach in [Reach::Row, Reach::Keys] {
            let found = probed(&path, reach);
            assert_eq!((found.step, last), (Some(Step(step)), Some(rows as f64 - 0.5)), "{name}");
            assert!(found.bytes < 400_000 && !found.is_whole, "{name}: {} of {} bytes", found.bytes, text.len());
        }
    }
}

#[test]
fn the_end_of_json_lines_is_found_whoever_wrote_them() {
    let mut text = String::new();
    for step in 0..20_000 {
        let _ = writeln!(text, "{{\"s\":{step},\"t\":{}.5,\"m\":{{\"loss\":{}.25,\"lr\":NaN}}}}", 1_700_000_000 + step, step % 7);
        if step % 1000 == 0 {
            let _ = writeln!(text, "{{\"s\":{step},\"m\":{{\"val/loss\":{step}}}}}");
        }
    }
    let (_dir, _, found) = long("metrics.jsonl", &(text + "{\"s\":99,\"m\":{\"loss\""));
    assert_eq!((found.step, value(&found, "loss"), value(&found, "val/loss")), (Some(Step(19_999)), Some(0.25), Some(19_000.0)));
    assert!(found.last["lr"].value.is_nan());

    // Rows without the best name of the step stand where the last one with it stood, maybe far before.
    let mut text = String::new();
    for step in 0..9000 {
        let _ = writeln!(text, "{{\"epoch\":{},\"loss\":{step},\"iter\":{step}}}", step as f64 / 4.0);
    }
    (0..60_000).for_each(|row| text += &format!("{{\"acc\":0.5,\"epoch\":{}}}\n", row as f64 / 2.0));
    let (_dir, _, found) = long("log.jsonl", &text);
    assert_eq!((found.step, value(&found, "acc"), value(&found, "epoch")), (None, Some(0.5), Some(29_999.5)));
}

#[test]
fn the_end_of_a_table_is_read_under_its_head() {
    let mut text = String::from("epoch,step,loss,\"val, loss\"\n");
    for step in 0..30_000 {
        let _ = writeln!(text, "{},{step},{}.5,{}", step / 100, step % 9, if step % 100 == 99 { "0.125" } else { "" });
    }
    let (_dir, _, found) = long("metrics.csv", &text);
    assert_eq!((found.step, value(&found, "loss"), value(&found, "val, loss")), (Some(Step(29_999)), Some(2.5), Some(0.125)));

    // Steps that nobody writes down cannot be counted from the end.
    let rows: String = (0..30_000).map(|row| format!("{}.5,{row}\n", row % 5)).collect();
    let (_dir, _, found) = long("a.csv", &("loss,acc\n".to_owned() + &rows));
    assert_eq!((found.step, value(&found, "acc")), (None, Some(29_999.0)));
}

#[test]
fn the_end_of_a_console_log_is_read_with_what_its_head_taught() {
    let plain: String = (0..20_000).map(|step| format!("step {step}/20000 | loss {}.5 | lr 1e-4\n", step % 9)).collect();
    let (_dir, _, found) = long("train.log", &plain);
    assert_eq!((found.step, value(&found, "loss"), found.total_steps), (Some(Step(19_999)), Some(1.5), Some(20_000)));

    // A counter that starts over with each epoch counts on from what was passed over.
    let epochs: String =
        (0..200).flat_map(|epoch| (0..100).map(move |at| format!("Epoch {epoch}/200 [{at}/100] loss: {}.25\n", at % 3))).collect();
    let (_dir, _, found) = long("epochs.log", &epochs);
    assert_eq!((found.step, value(&found, "loss"), found.total_steps), (None, Some(0.25), None));

    // Dicts without a step, alone and in bulk beside a bar that stands still.
    let dict = |row: u32| format!("{{'loss': {row}.5, 'epoch': {}}}\n", f64::from(row) / 1000.0);
    let dicts: String = (1..40_000).map(dict).collect();
    for log in [dicts.clone(), format!("\r 10%|# | 10/100 [00:01<00:10, 9.9it/s]\n{dicts}")] {
        let (_dir, _, found) = long("dicts.log", &log);
        assert_eq!((found.step, value(&found, "loss"), found.total_steps), (None, Some(39_999.5), None));
    }
}

#[test]
fn event_files_are_entered_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let recorded = files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tfevents"));
    for (at, file) in recorded.iter().filter(|file| file.to_string_lossy().contains("events.out")).enumerate() {
        // Later events of a tag do not say what it holds, so a scalar is known by its first.
        let path = dir.path().join(format!("events.out.tfevents.{at}"));
        fs::write(&path, fs::read(file).unwrap().repeat(200)).unwrap();
        agrees_at_all_sizes(&path);
    }
}

#[test]
fn folders_of_event_files_end_as_a_full_read_ends() {
    for name in ["purge", "restart", "tbx"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tfevents").join(name);
        for reach in [Reach::Row, Reach::Keys] {
            agrees(&folder, &probed(&folder, reach));
        }
    }
}

#[test]
fn a_folder_that_two_write_into_is_as_far_as_the_furthest() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tfevents");
    let name = "events.out.tfevents.1700000000";
    let dir = tempfile::tempdir().unwrap();
    for (from, to) in [("tbx", "a"), ("tf2", "b")] {
        fs::copy(fixtures.join(from).join(format!("{name}.fixture")), dir.path().join(format!("{name}.{to}"))).unwrap();
    }
    for reach in [Reach::Row, Reach::Keys] {
        let found = probed(dir.path(), reach);
        agrees(dir.path(), &found);
        assert_eq!(found.step, Some(Step(70)));
    }
}

#[test]
fn a_document_is_read_whole_or_not_at_all() {
    let rows: Vec<String> = (0..2000).map(|step| format!("{{\"step\": {step}, \"loss\": {step}.5}}")).collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trainer_state.json");
    fs::write(&path, format!("{{\n \"log_history\": [\n{}\n ]\n}}", rows.join(",\n"))).unwrap();
    let found = probed(&path, Reach::Row);
    agrees(&path, &found);
    assert_eq!((found.step, value(&found, "loss"), found.is_whole), (Some(Step(1999)), Some(1999.5), true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_damage_makes_a_probe_wrong(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in any::<prop::sample::Index>(), which in any::<prop::sample::Index>()) {
        let fixtures: Vec<PathBuf> = files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"))
            .into_iter()
            .filter(|path| path.extension().is_none_or(|end| end != "sql" && end != "md" && end != "py" && end != "json"))
            .collect();
        let source = which.get(&fixtures);
        let mut bytes = fs::read(source).unwrap();
        for (at, byte) in flips {
            // The head says what the file is.
            let at = 64 + at.index(bytes.len().max(65) - 64);
            bytes.get_mut(at).into_iter().for_each(|old| *old = byte);
        }
        bytes.truncate(64 + cut.index(bytes.len().max(65)));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(source.file_name().unwrap());
        fs::write(&path, &bytes).unwrap();
        agrees_at_all_sizes(&path);
    }
}
