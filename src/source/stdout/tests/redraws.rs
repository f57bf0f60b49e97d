//! Several lines that are drawn again: bars and tables of Rich.

use super::{check, decode, show, show_by, total};
use crate::source::{Row, Stdout};
use std::collections::BTreeMap;

/// Goes up by some lines and clears them, as Rich does.
fn up(lines: usize) -> String {
    "\r\x1b[2K".to_owned() + &"\x1b[1A\x1b[2K".repeat(lines)
}

#[test]
fn a_bar_of_rich_is_a_bar() {
    let bar = "Epoch 1/2 \x1b[38;5;197m━━━━━╸\x1b[0m━━━━ \x1b[32m 3/20\x1b[0m 0:00:00 • 0:00:01 34.1it/s loss=0.5 acc: 0.25\r\x1b[2KEpoch 1/2 ━━━━━━━━━ 20/20 0:00:00 • 0:00:01 34.1it/s loss=0.25 acc: 0.5\n";
    check(bar, &["acc 1=0.5", "loss 1=0.25"]);
    assert_eq!(total(bar), Some(2));
    check("train ━━━━━━━━━ 100% 0:00:00 val_loss: 0.25\n", &["val_loss -=0.25"]);
    check("step 5 loss 0.5 ━━━━━━━━━  40% 0:00:03\r\x1b[2Kstep 6 loss 0.25 ━━━━━━━━━ 100% 0:00:00\n", &["loss 5=0.5 6=0.25"]);
    check("Copying ━━━━━━ 20/20 0:00:01\n━━━━━━━━ 670.2/670.2 MB 2.5 MB/s eta 0:00:00\n", &[]);
}

#[test]
fn values_beside_a_bar_may_be_wrapped_into_the_next_lines() {
    check(
        "Epoch 2/2  ━━━━━━ 20/20 0:00:00 • 0:00:00 42.41it/s train_loss: 0.5\n                                    lr-Adam: 0.1\n                     val_acc:\nEpoch 3/3  ━━━━━━ 20/20 0:00:00 42.41it/s train_loss: 0.25 val_acc:\n                     0.75\n",
        &["lr-Adam 2=0.1", "train_loss 2=0.5 3=0.25", "val_acc 3=0.75"],
    );
}

#[test]
fn redraws_of_several_lines_give_the_last_state_of_a_step_once() {
    let frame = |epoch: i32, at: i32, loss: f64, val: f64| {
        format!(
            "Epoch {epoch}/9 ━━━━━━ {at}/20 0:00:00 • 0:00:01 34.1it/s train_loss: {loss}\r\n        val_loss: {val}\r\nValidation ━━━━━ 1/5 0:00:00"
        )
    };
    let frames = [frame(1, 5, 2.5, 9.0), frame(1, 20, 2.0, 9.0), frame(1, 20, 2.0, 1.5), frame(2, 1, 1.0, 1.5), frame(2, 20, 0.5, 1.25)];
    let log = frames.join(&up(2)) + "\r\ndone\n";
    for chunk in [1, 7, 64, log.len()] {
        let points = show_by(Stdout::new(), &log, chunk);
        // The first frame is not yet known to be redrawn.
        assert_eq!(points, ["train_loss 1=2.5 1=2 2=0.5", "val_loss 1=9 1=1.5 2=1.25"], "{chunk}");
    }
}

#[test]
fn what_a_validation_says_beside_a_fresh_bar_is_about_the_epoch_before() {
    let bar = |epoch: i32, at: i32, rest: &str| format!("\r\x1b[2KEpoch {epoch}/2 ━━━━━━ {at}/20 0:00:00 • 0:00:01 34.1it/s {rest}");
    let log = [
        bar(0, 0, "val_loss: 9.5"),
        bar(0, 20, "train_loss: 2.5"),
        bar(1, 0, "train_loss: 2.5 val_loss: 1.5"),
        bar(1, 20, "train_loss: 2 val_loss: 1.5"),
        bar(2, 0, "train_loss: 2 val_loss: 1.25"),
    ];
    assert_eq!(show(&(log.concat() + "\n")), ["train_loss 0=2.5 1=2", "val_loss 0=1.5 1=1.25"]);
    // Also when they are wrapped; what no epoch came before is of none.
    let wrapped = [
        bar(0, 0, "\n val_loss: 9.5"),
        bar(0, 20, "train_loss: 2.5"),
        bar(1, 0, "train_loss: 2.5\n val_loss: 1.5"),
        bar(1, 20, "train_loss: 2"),
    ];
    assert_eq!(show(&(wrapped.concat() + "\n")), ["train_loss 0=2.5 1=2", "val_loss 0=1.5"]);
    // A bar may be drawn empty once more behind its end.
    check("Epoch 1: 100%|##| 20/20 [0<0, 9it/s, val_loss=1.5]\rEpoch 1:   0%|  | 0/20 [0<0, 9it/s, val_loss=1.5]\n", &["val_loss 1=1.5"]);
}

#[test]
fn a_table_that_grows_while_it_is_redrawn_gives_each_row_once() {
    let table = |rows: usize| {
        let row = |epoch: usize| format!("│ {epoch}     │ 0.{epoch}  │\r\n");
        "┃ Epoch ┃ Loss ┃\r\n┡━━━━━━━╇━━━━━━┩\r\n".to_owned() + &(1..=rows).map(row).collect::<String>() + "└───────┴──────┘"
    };
    let mut log = table(0);
    for rows in 1..=4 {
        log += &(up(rows + 1) + &table(rows));
        log += &(up(rows + 2) + &table(rows));
    }
    for chunk in [1, 9, log.len()] {
        assert_eq!(show_by(Stdout::new(), &(log.clone() + "\r\n"), chunk), ["Loss 1=0.1 2=0.2 3=0.3 4=0.4"], "{chunk}");
    }
}

#[test]
fn a_bar_above_that_stands_still_is_not_given_again() {
    let frame = |loss: f64| format!("Epoch 1/2 ━━━━━━ 20/20 0:00:00 loss=0.5\r\nEpoch 2/2 ━━━━━━ 5/20 0:00:00 loss={loss}");
    // The first frame is not yet known to be redrawn.
    let log = [frame(4.0), frame(3.0), frame(2.0), frame(1.0)].join(&up(1));
    assert_eq!(show(&(log + "\r\nEpoch 3/3 ━━━━ 1/20 0:00:00 loss=9\r\n")), ["loss 1=0.5 2=4 1=0.5 2=3 2=2 2=1 3=9"]);
}

#[test]
fn a_line_behind_redraws_is_read_as_ever() {
    let log = format!("a\r\nb{}a\r\nb\r\n", up(1)) + "step 1: loss 3\nstep 2: loss 2\nstep 3: loss 1\nstep 4: loss 0.5\n";
    let (rows, _) = decode(&mut Stdout::new(), log.as_bytes(), 5);
    assert_eq!(rows.iter().map(|(row, _)| row.step.unwrap().0).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

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
fn a_label_of_two_measurements_needs_no_known_name() {
    check(
        "d: 0.5;gen: 0.25:   5%|# | 1/20 [00:17<01:00, 16.6s/it]\rd: -0.000;gen: 0.5:  10%|# | 2/20 [00:17<01:00, 16.6s/it]\n",
        &["d 1=0.5 2=-0", "gen 1=0.25 2=0.5"],
    );
    super::silent("part 3 of 7.5, at 2.5:   5%|# | 1/20 [00:17<01:00, 16.6s/it]\n");
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
