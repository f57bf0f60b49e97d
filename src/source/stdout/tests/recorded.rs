//! Logs of real programs, against what the programs themselves keep.

use super::decode;
use crate::source::{Row, Stdout};
use std::collections::BTreeMap;

/// The last value of each key at each step, as the store keeps them.
fn settled(log: &[u8], chunk: usize) -> BTreeMap<(String, i64), f64> {
    let (rows, losses) = decode(&mut Stdout::new(), log, chunk);
    assert_eq!(losses, []);
    let points = |(row, values): (Row, Vec<(String, f64)>)| {
        let step = row.step.unwrap().0;
        values.into_iter().map(move |(name, value)| ((name, step), value))
    };
    rows.into_iter().flat_map(points).collect()
}

#[test]
fn lightning_in_a_terminal_and_in_a_pipe_says_what_it_measured() {
    let terminal = include_bytes!("../../../../fixtures/stdout/lightning/terminal.log");
    let pipe = include_bytes!("../../../../fixtures/stdout/lightning/pipe.log");
    let said: serde_json::Value = serde_json::from_str(include_str!("../../../../fixtures/stdout/lightning/expected.json")).unwrap();
    let of_epoch = |epoch: &str| {
        let values = said[epoch].as_object().unwrap().clone();
        let step: i64 = epoch.parse().unwrap();
        values.into_iter().map(move |(name, value)| ((name, step), value.as_str().unwrap().parse().unwrap()))
    };
    let last: BTreeMap<_, f64> = of_epoch("1").collect();
    let both: BTreeMap<_, f64> = of_epoch("0").chain(of_epoch("1")).collect();
    for chunk in [1, 100, usize::MAX] {
        assert_eq!(settled(pipe, chunk), last, "{chunk}");
        assert_eq!(settled(terminal, chunk), both, "{chunk}");
    }
}

#[test]
fn dicts_of_the_transformers_trainer_stand_at_the_steps_that_it_keeps() {
    let logs: [(&[u8], &str); 3] = [
        (
            include_bytes!("../../../../fixtures/stdout/transformers/file.log"),
            include_str!("../../../../fixtures/stdout/transformers/expected.json"),
        ),
        (
            include_bytes!("../../../../fixtures/stdout/transformers/terminal.log"),
            include_str!("../../../../fixtures/stdout/transformers/expected.json"),
        ),
        (
            include_bytes!("../../../../fixtures/stdout/transformers/file-4.49.log"),
            include_str!("../../../../fixtures/stdout/transformers/expected-4.49.json"),
        ),
    ];
    for (log, kept) in logs {
        let kept: Vec<BTreeMap<String, f64>> = serde_json::from_str(kept).unwrap();
        // How long it took differs between two trainings.
        let is_same_again = |name: &str| !name.contains("second") && !name.contains("runtime");
        let points = kept.iter().flat_map(|row| row.iter().map(|(name, value)| ((name.clone(), row["step"] as i64), *value)));
        let want: BTreeMap<_, f64> =
            points.filter(|((name, _), _)| is_same_again(name) && name != "step" && name != "total_flos").collect();
        for chunk in [1, 7, usize::MAX] {
            let mut got = settled(log, chunk);
            got.retain(|(name, _), _| is_same_again(name));
            assert!(got.keys().eq(want.keys()), "{chunk}: {got:?}");
            for (key, value) in &got {
                // Values are printed with four digits, epochs with as few as two behind the point.
                let digits = if key.0 == "epoch" { 5e-3 } else { 6e-4 * value.abs() };
                assert!((value - want[key]).abs() <= digits, "{chunk}: {key:?} {value}");
            }
        }
    }
}

/// Rows that a program kept, by name.
fn kept(json: &str) -> Vec<BTreeMap<String, f64>> {
    serde_json::from_str(json).unwrap()
}

/// Checks that the log says what was kept of the columns, under the names that the log has for them, in rows at `step` of their number.
#[track_caller]
fn check_kept(log: &[u8], kept: &[BTreeMap<String, f64>], columns: &[(&str, &str)], step: impl Fn(i64) -> i64) {
    for chunk in [1, 7, usize::MAX] {
        let got = settled(log, chunk);
        for (column, name) in columns {
            let points: Vec<_> = got.iter().filter(|((key, _), _)| key == name).map(|((_, step), value)| (*step, *value)).collect();
            assert_eq!(points.len(), kept.len(), "{name}: {points:?}");
            for ((at, value), (number, row)) in points.iter().zip((1..).zip(kept)) {
                // Ignite prints two digits behind the point, the others at least three in all.
                let is_near = (value - row[*column]).abs() <= f64::max(6e-3, 1e-3 * value.abs());
                assert!(*at == step(number) && is_near, "{name} {at}: {value}, kept {}", row[*column]);
            }
        }
    }
}

#[test]
fn ultralytics_says_what_is_in_its_table() {
    let losses = [("train/box_loss", "box_loss"), ("train/cls_loss", "cls_loss"), ("train/dfl_loss", "dfl_loss")];
    let measures = [
        ("metrics/precision(B)", "val/P"),
        ("metrics/recall(B)", "val/R"),
        ("metrics/mAP50(B)", "val/mAP50"),
        ("metrics/mAP50-95(B)", "val/mAP50-95"),
    ];
    let file = include_bytes!("../../../../fixtures/stdout/ultralytics/file.log");
    let in_file = kept(include_str!("../../../../fixtures/stdout/ultralytics/expected.json"));
    check_kept(file, &in_file, &losses, |epoch| epoch);
    check_kept(file, &in_file, &measures, |epoch| epoch);
    let terminal = include_bytes!("../../../../fixtures/stdout/ultralytics/terminal.log");
    let in_terminal = kept(include_str!("../../../../fixtures/stdout/ultralytics/expected-terminal.json"));
    check_kept(terminal, &in_terminal, &losses, |epoch| epoch);
    // The config and the layers of the model are no series.
    let beside = ["GPU_mem", "Instances", "Size", "val/Images", "val/Instances"];
    let said = |name: &str| losses.iter().chain(&measures).any(|(_, said)| *said == name) || beside.contains(&name);
    for (name, _) in settled(file, usize::MAX).keys().chain(settled(terminal, usize::MAX).keys()) {
        assert!(said(name), "{name}");
    }
}

#[test]
fn ignite_says_what_its_states_held() {
    let log = include_bytes!("../../../../fixtures/stdout/ignite/file.log");
    let kept = kept(include_str!("../../../../fixtures/stdout/ignite/expected.json"));
    let columns = [("batch_loss", "batch_loss"), ("accuracy", "val/Avg accuracy"), ("nll", "val/Avg loss")];
    check_kept(log, &kept, &columns, |epoch| epoch);
}

#[test]
fn a_validation_comes_to_what_the_imagenet_example_keeps() {
    let log = include_bytes!("../../../../fixtures/stdout/imagenet/file.log");
    let kept = kept(include_str!("../../../../fixtures/stdout/imagenet/expected.json"));
    check_kept(log, &kept, &[("Acc@1", "test/Acc@1"), ("Acc@5", "test/Acc@5")], |epoch| epoch * 10 - 1);
}
