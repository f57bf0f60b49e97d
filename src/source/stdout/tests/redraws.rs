//! Several lines that are drawn again: bars and tables of Rich.

use super::{check, decode, show, show_by, total};
use crate::source::Stdout;

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
    // Nothing beside the bar itself is a metric, and names stand at the end of one line and their values in the next.
    check(
        "Epoch 2/2  ━━━━━━ 50/50 0:00:00 • 0:00:00 345.77it/s v_num: 0.000     \n                     train_loss_step: \n                     0.5 val_loss:    \n                     0.25 val_acc:    \n                     0.75             \n                     train_acc: 0.125 \n",
        &["train_acc 2=0.125", "train_loss_step 2=0.5", "val_acc 2=0.75", "val_loss 2=0.25"],
    );
    let frame = |epoch: i32, at: i32, loss: f64| {
        format!("Epoch {epoch}/9 ━━━━━━ {at}/20 0:00:00 • 0:00:01 34.1it/s v_num: 0.000\r\n                 train_loss: {loss}")
    };
    let frames = [frame(0, 0, 9.5), frame(0, 5, 2.5), frame(0, 20, 2.0), frame(1, 0, 2.0), frame(1, 20, 1.0)];
    check(&(frames.join(&up(1)) + "\r\ndone\n"), &["train_loss 0=2 1=1"]);
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

#[test]
fn a_label_of_two_measurements_needs_no_known_name() {
    check(
        "d: 0.5;gen: 0.25:   5%|# | 1/20 [00:17<01:00, 16.6s/it]\rd: -0.000;gen: 0.5:  10%|# | 2/20 [00:17<01:00, 16.6s/it]\n",
        &["d 1=0.5 2=-0", "gen 1=0.25 2=0.5"],
    );
    super::silent("part 3 of 7.5, at 2.5:   5%|# | 1/20 [00:17<01:00, 16.6s/it]\n");
}

#[test]
fn a_bar_that_was_wiped_is_over_however_far_it_was_drawn() {
    let bar = |label: &str, at: i32, loss: f64| format!("\r{label}:  40%|████      | {at}/50 [00:00<00:00, 75.86it/s, loss={loss}]");
    let epoch = |label: &str, loss: f64| [bar(label, 0, loss + 1.0), bar(label, 48, loss)].concat();
    let wiped = |label: &str, loss: f64| epoch(label, loss) + "\r" + &" ".repeat(60) + "\r" + &format!("val_loss: {loss}\n");
    let want = ["loss 0=1.5 48=0.5 50=1.25 98=0.25 100=1.125 148=0.125", "val_loss 48=0.5 98=0.25 148=0.125"];
    check(&[wiped("train", 0.5), wiped("train", 0.25), wiped("train", 0.125)].concat(), &want);
    // How often there was a bar is no metric.
    check(&[wiped("Train 0", 0.5), wiped("Train 1", 0.25), wiped("Train 2", 0.125)].concat(), &want);
    // Wiped for a line that is written above it.
    let written = "\r".to_owned() + &" ".repeat(60) + "\rsaved\n";
    check(
        &(bar("train", 0, 1.5) + &written + &bar("train", 10, 1.0) + &written + &bar("train", 5, 0.5) + "\n"),
        &["loss 0=1.5 10=1 5=0.5"],
    );
}
