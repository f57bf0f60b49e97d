//! Validations that say how far they are.

use super::{check, decode, show};
use crate::source::{Decoder, Record, Stdout};
use proptest::prelude::*;

#[test]
fn validation_is_of_its_epoch_until_finer_steps_come() {
    let validation = |epoch: u32| format!("Epoch(val) [{epoch}][25/25]    mAP: 0.{epoch}5  time: 0.5\n");
    check(&(validation(1) + &validation(2)), &["val/mAP 1=0.15 2=0.25", "val/time 1=0.5 2=0.5"]);
    let trained = |epoch: u32| format!("Epoch(train)  [{epoch}][10/10]  loss: 2.5\n");
    check(&(trained(3) + &validation(3) + &trained(4)), &["loss 10=2.5 20=2.5", "val/mAP 10=0.35", "val/time 10=0.5"]);
}

#[test]
fn a_verb_may_say_that_a_bracket_is_of_validation() {
    let epoch = |at: u32| {
        format!("Epoch: [{at}/9][ 0/20]\tLoss 2.5 (2.5)\nEpoch: [{at}/9][10/20]\tLoss 1.5 (2.5)\nValidate: [ 0/31]\tLoss 3.5 (3.5)\n")
    };
    let last = "Epoch: [2/9][ 0/20]\tLoss 0.5 (0.5)\n";
    check(&(epoch(0) + &epoch(1) + last), &["Loss 0=2.5 10=1.5 20=2.5 30=1.5 40=0.5", "val/Loss 10=3.5 30=3.5"]);
}

#[test]
fn a_loop_of_another_length_without_an_epoch_is_an_evaluation() {
    check(
        "[Epoch 1 Batch 10/20] loss=2.5\n[Epoch 1 Batch 20/20] loss=2\n[Batch 5/10] loss=9.5\n[Epoch 2 Batch 10/20] loss=1.5\n",
        &["loss 10=2.5 20=2 30=1.5"],
    );
    check("Step 10/20, loss=2.5\nEpoch 1, loss=2\nStep 10/18, loss=1.5\n", &["loss 10=2.5 30=1.5"]);
}

#[test]
fn the_last_part_of_a_validation_counts_until_its_sum_comes() {
    let train = |at: u32| format!("Epoch: [{at}][ 5/10]\tLoss 2.5 (2.5)\tAcc@1 0.25 (0.25)\n");
    let test = "Test: [ 1/5]\tLoss 4.5 (4.5)\tAcc@1 0.125 (0.125)\nTest: [ 5/5]\tLoss 3.5 (4.0)\tAcc@1 0.5 (0.5)\n";
    let epoch = |at: u32| train(at) + test + " *   Acc@1 0.75\n";
    check(&(epoch(0) + &epoch(1)), &["Acc@1 5=0.25 15=0.25", "Loss 5=2.5 15=2.5", "test/Acc@1 5=0.75 15=0.75", "test/Loss 5=4 15=4"]);
    check(&(train(0) + test + &train(1)), &["Acc@1 5=0.25 15=0.25", "Loss 5=2.5 15=2.5", "test/Acc@1 5=0.5", "test/Loss 5=4"]);
    // Where it stands now is known at any time.
    let mut decoder = Stdout::new();
    let mut points = |text: &str| {
        decoder.push(text.as_bytes());
        while decoder.next().unwrap().is_some() {}
        decoder.glimpse();
        let mut out = vec![];
        while let Some(record) = decoder.next().unwrap() {
            if let Record::Row(row) = record {
                out.extend(row.values.iter().map(|(_, value)| (row.step.unwrap().0, *value)));
            }
        }
        out
    };
    assert_eq!(points(&(train(0) + "Test: [ 1/5]\tLoss 4.5 (4.5)\n")), [(5, 4.5)]);
    assert_eq!(points("Test: [ 2/5]\tLoss 3.5 (4.0)\n"), [(5, 4.0)]);
}

#[test]
fn rows_that_count_again_are_of_the_validation_that_was_announced() {
    let rows = |losses: [f64; 2]| format!("step 5/10 - loss: {} - 2ms/step\nstep 10/10 - loss: {} - 2ms/step\n", losses[0], losses[1]);
    let epoch = |at: u32| format!("Epoch {at}/2\n{}Eval begin...\n{}Eval samples: 20\n", rows([4.0, 3.0]), rows([2.0, 1.0]));
    check(&(epoch(1) + &epoch(2) + "Epoch 3/2\n" + &rows([1.0, 0.5])), &["eval/loss 10=1 20=1", "loss 5=4 10=3 15=4 20=3 25=1 30=0.5"]);
    // The training itself goes on.
    check("step 5/20 loss: 4\nEvaluating...\nstep 10/20 loss: 3\n", &["loss 5=4 10=3"]);
}

#[test]
fn an_announced_validation_ends_where_the_training_goes_on() {
    let rows = |losses: [f64; 2]| format!("[50/100] loss {}\n[100/100] loss {}\n", losses[0], losses[1]);
    let (first, second) = (rows([4.0, 3.0]), rows([2.0, 1.0]));
    for (before, behind) in [
        ("Training...\n", "Testing...\n"),
        ("Training...\n", "Testing...\nAccuracy: 50.5%\n"),
        ("", "Evaluating on validation set...\nTop1: 50.5\n"),
    ] {
        let text = format!("{before}{first}{behind}{before}{second}{behind}");
        let losses: Vec<f64> = losses_of(&text);
        assert_eq!(losses, [4.0, 3.0, 2.0, 1.0], "{text}");
    }
}

#[test]
fn a_validation_may_be_announced_without_dots() {
    let train = |losses: [f64; 2]| format!("[20/100] loss {}\n[100/100] loss {}\n", losses[0], losses[1]);
    let (first, second) = (train([4.0, 3.0]), train([2.0, 1.0]));
    for title in ["Testing", "test", "=== Test ===", "Testing on the validation set:"] {
        let test = format!("{title}\n[10/50] loss 0.75\n[50/50] loss 0.5\n");
        let want = ["loss 20=4 100=3 120=2 200=1", "test/loss 100=0.5"];
        check(&(first.clone() + &test + &second + &test), &want);
    }
    // A title says nothing of a loop that is as long as the training: that goes on.
    check(&format!("{first}Testing\nSaved best model\n{second}"), &["loss 20=4 100=3 120=2 200=1"]);
    check("step 200/1000 loss 4\nTesting\nKilled\nstep 100/1000 loss 3\n", &["loss 200=4 100=3"]);
    // In the middle of an epoch, and before any step of one.
    check("[20/100] loss 4\nValidating\n[40/50] loss 0.5\n[40/100] loss 3\n", &["loss 20=4 40=3", "val/loss 20=0.5"]);
    let epoch = |at: u32| format!("Epoch {at}\nValidation\n[50/50] loss 0.5\n[100/100] loss 3\n");
    check(&(epoch(1) + &epoch(2)), &["loss 50=0.5 100=3 200=3", "val/loss 100=0.5"]);
}

#[test]
fn what_stands_under_the_title_of_a_validation_is_of_that() {
    let epoch = |at: u32| format!("Epoch {at}/2\nTraining\nloss: {at}.5\nacc: 0.5\nValidation\nloss: {at}.25\nacc: 0.25\nf1: 0.75\n");
    let want = ["acc 1=0.5 2=0.5", "f1 1=0.75 2=0.75", "loss 1=1.5 2=2.5", "val/acc 1=0.25 2=0.25", "val/loss 1=1.25 2=2.25"];
    check(&(epoch(1) + &epoch(2)), &want);
}

#[test]
fn an_announced_validation_ends_with_what_counts_in_another_way() {
    let rows = |losses: [f64; 2]| format!("[10/20] loss {}\n[20/20] loss {}\n", losses[0], losses[1]);
    let (first, second) = (rows([4.0, 3.0]), rows([2.0, 1.0]));
    for said in [
        "{'loss': 3.5}",
        "| loss | 3.5 |\n| acc | 0.5 |\n-----",
        "100%|####| 5/5 [00:01<00:00,  4.9it/s]",
        "Resuming from last.pt",
        "Resumed from checkpoint-20",
    ] {
        let text = format!("{first}Evaluating...\n{said}\n{second}");
        assert_eq!(show(&text).iter().find(|key| key.starts_with("loss")).unwrap(), "loss 10=4 20=3 30=2 40=1", "{text}");
    }
    // The run was started again.
    for said in ["Killed", "run.sh: line 3: 4711 Killed   python train.py"] {
        check(&format!("{first}Evaluating...\n{said}\n{second}"), &["loss 10=4 20=3 10=2 20=1"]);
    }
    // One that counts already loads none.
    let text = format!("{first}Evaluating...\n[10/20] loss 9\nLoaded checkpoint last.pt\n{second}");
    check(&text, &["eval/loss 20=9", "loss 10=4 20=3 30=2 40=1"]);
    let test = "Testing...\nLoaded best.pt (epoch 3, loss 0.5)\n[5/50] loss 9\n[50/50] loss 8\n";
    check(&format!("{first}{test}{second}"), &["loss 10=4 20=3 30=2 40=1", "test/loss 20=8"]);
}

#[test]
fn a_title_may_stand_over_a_loop_as_long_as_the_training_of_the_same_epoch() {
    let row = |epoch: u32, at: u32, loss: f64| format!("Epoch {epoch} [{at}/20] loss {loss}\n");
    let epoch = |at: u32, sum: &str, title: &str| {
        let train = row(at, 10, 4.0) + &row(at, 20, 3.0) + sum;
        format!("{train}{title}\n{}{}", row(at, 10, 2.0), row(at, 20, 1.0))
    };
    let want = ["loss 10=4 20=3 30=4 40=3", "val/loss 20=1"];
    check(
        &(epoch(1, "", "Validation") + &epoch(2, "", "Validation") + &row(3, 10, 0.5)),
        &["loss 10=4 20=3 30=4 40=3 50=0.5", "val/loss 20=1 40=1"],
    );
    check(&(epoch(1, "Epoch 1 acc 0.5\n", "Validation") + &epoch(2, "", "Validation")), &["acc 20=0.5", want[0], want[1]]);
    let rows = "[10/20] loss 4\n[20/20] loss 3\nValidation\n[10/20] loss 2\n[20/20] loss 1\n";
    check(&format!("Epoch 1\n{rows}Epoch 2\n{rows}"), &want);
    // Behind a crash it is the training that goes on.
    check(&(row(1, 10, 4.0) + &row(1, 20, 3.0) + "Validation\nKilled\n" + &row(1, 20, 2.0)), &["loss 10=4 20=3 20=2"]);
    // Behind a jump, which of both goes on is not known.
    let mut decoder = Stdout::new();
    decoder.push((epoch(1, "", "Validation") + &epoch(2, "", "Validation")).as_bytes());
    while decoder.next().unwrap().is_some() {}
    assert!(decoder.jump());
    decoder.push((row(3, 10, 2.0) + &row(3, 20, 1.0)).as_bytes());
    while let Some(record) = decoder.next().unwrap() {
        assert!(!matches!(record, Record::Row(_)), "{record:?}");
    }
}

#[test]
fn a_loop_inside_of_another_is_no_restart() {
    let loop_of = |of: u32, values: &str| format!("[{}/{of}] {values}\n[{of}/{of}] {values}\n", of / 2);
    let (train, eval) = (loop_of(100, "loss 2"), loop_of(10, "loss 9 acc 0.5"));
    let log = (train.clone() + &eval).repeat(3);
    let want = ["acc 100=0.5 200=0.5", "loss 50=2 100=2 150=2 200=2 250=2 300=2"];
    check(&log, &want);
    // As a bar in letters counts, and under the head of an epoch.
    check(&log.replace(['[', ']'], ""), &want);
    let epoch = |at: u32| format!("Epoch {at}\n{train}{eval}");
    check(&(epoch(1) + &epoch(2) + &epoch(3)), &want);
    // In front of the first, and two of them.
    let (sanity, test) = (loop_of(2, "loss 9"), loop_of(40, "f1 0.25"));
    check(&(sanity + &log), &[want[0], "loss 1=9 2=9 50=2 100=2 150=2 200=2 250=2 300=2"]);
    // However long it is, if the other goes on where it was.
    let (half, other) = ("[50/100] loss 2\n", loop_of(400, "acc 0.5"));
    check(
        &format!("{half}{other}[100/100] loss 1\n{half}{other}[100/100] loss 1\n"),
        &["acc 50=0.5 150=0.5", "loss 50=2 100=1 150=2 200=1"],
    );
    assert_eq!(show(&(train.clone() + &eval + &test).repeat(2)).len(), 3);
    // Nearly as long, which is longer, or under an epoch of its own, it may be the training: the run was started again.
    for inner in [loop_of(90, "acc 0.5"), loop_of(400, "acc 0.5")] {
        assert_eq!(show(&(train.clone() + &inner).repeat(2))[1], "loss 50=2 100=2 50=2 100=2");
    }
    let told = |epoch: u32, text: &str| text.lines().map(|line| format!("Epoch {epoch} {line}\n")).collect::<String>();
    let stages = told(1, &train) + &told(2, &loop_of(50, "loss 1")) + &told(3, &train);
    check(&stages, &["loss 50=2 100=2 125=1 150=1 200=2 250=2"]);
    // A length that changes as it goes on is that of one loop.
    check("[10/100] loss 3\n[20/110] loss 2\n[30/100] loss 1\n", &["loss 10=3 20=2 30=1"]);
}

#[test]
fn rounds_of_the_training_are_no_training() {
    let round = |at: u32, text: &str| format!("{}[50/100] loss 2\n[100/100] loss 1\n", text.replace('N', &at.to_string()));
    for head in ["Round N/3\n", "***** Iteration N/500 *****\n", "[N/3] lr=0.1\n"] {
        let rounds: String = [1, 2, 3].map(|at| round(at, head)).concat();
        assert!(show(&rounds).contains(&"loss 50=2 100=1 50=2 100=1 50=2 100=1".to_owned()), "{head}: {:?}", show(&rounds));
    }
}

#[test]
fn names_that_the_training_does_not_have_are_kept() {
    let lap =
        "step 50/100 loss 2\nstep 100/100 loss 1\nstep 5/10 val_energy 0.5 time 3\nstep 10/10 val_energy 0.75 time 3\nstep 10/10 fps 5\n";
    check(
        &(lap.repeat(2) + "step 50/100 loss 2\n"),
        &["loss 50=2 100=1 150=2 200=1 250=2", "time 100=3 200=3", "val_energy 100=0.75 200=0.75"],
    );
}

#[test]
fn a_restart_behind_an_evaluation_is_no_lap() {
    let run = "[5/10] loss 2\n[10/10] loss 1\n[3/5] loss 5\n";
    for end in ["Killed\n", "Traceback (most recent call last):\n  File \"x.py\", line 3, in <module>\nOSError: no space\n"] {
        check(&[run, end, run].concat(), &["loss 5=2 10=1 5=2 10=1"]);
    }
}

#[test]
fn heads_below_an_announced_validation_do_not_move_the_step() {
    let blocks = |losses: [f64; 2]| format!("batch 10/20\nloss: {}\nbatch 20/20\nloss: {}\n", losses[0], losses[1]);
    let epoch = |train: [f64; 2]| blocks(train) + "Validating...\n" + &blocks([9.0, 8.0]) + "accuracy: 0.5\n";
    check(&(epoch([4.0, 3.0]) + &epoch([2.0, 1.0])), &["loss 10=4 20=3 30=2 40=1", "val/accuracy 20=0.5", "val/loss 20=8"]);
    let rows = "[10/20] loss 2\n[20/20] loss 1\nValidating...\nbatch 2/4\nloss: 9\nbatch 4/4\nloss: 8\n";
    check(&rows.repeat(2), &["loss 10=2 20=1 30=2 40=1", "val/loss 20=8"]);
}

/// The values of `loss`, those that were superseded too.
fn losses_of(text: &str) -> Vec<f64> {
    let (mut decoder, mut loss, mut out) = (Stdout::new(), None, vec![]);
    let mut take = |record| match record {
        Record::Key(id, key) if key.as_str() == "loss" => loss = Some(id),
        Record::Row(row) => out.extend(row.values.iter().filter(|(id, _)| Some(*id) == loss).map(|(_, value)| *value)),
        _ => {}
    };
    decoder.push(text.as_bytes());
    while let Some(record) = decoder.next().unwrap() {
        take(record);
    }
    decoder.finish();
    while let Some(record) = decoder.next().unwrap() {
        take(record);
    }
    out
}

/// What a log says when it is read as often as it teaches something, with and without shapes that are learned.
fn read_again(log: &str, cut: usize, has_shapes: bool) -> String {
    const READINGS_MAX: usize = 24;
    let mut decoder = Stdout::new();
    for _ in 0..READINGS_MAX {
        if !has_shapes {
            decoder.reader.forget_shapes();
        }
        let rows = decode(&mut decoder, log.as_bytes(), cut);
        if !decoder.is_mistaken() {
            return format!("{rows:?}");
        }
        decoder.reset();
    }
    "again and again".to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn loops_in_any_order_are_read_to_an_end(lines in proptest::collection::vec((proptest::sample::select(vec![
        "[5/10] loss #", "[10/10] loss #", "[20/100] loss #", "[100/100] loss #", "[2/4] acc #", "[4/4] acc #", "5/10 loss: #", "10/10 loss: #",
        "Epoch 1 [5/10] loss #", "Epoch 2 [5/10] loss #", "Epoch 1 [2/4] loss #", "Epoch 1", "Epoch 2", "epoch 1 loss #", "epoch 2 acc #",
        "Evaluating...", "Validation", "Training", "batch 5/10", "batch 2/4", "loss: #", "Killed", "Loaded checkpoint 3", "Resumed from 3",
        "{'loss': #, 'epoch': 1}", "epoch 1: {'loss': #}", "Traceback (most recent call last):", "  File \"a.py\", line 3, in f", "    f(loss=#)",
    ]), 1..9_u32), 0..40), cut in 1..30_usize) {
        let log: String = lines.iter().map(|(line, value)| line.replace('#', &format!("{value}.5")) + "\n").collect();
        let said = read_again(&log, usize::MAX, true);
        prop_assert_ne!(&said, "again and again", "{}", log);
        prop_assert_eq!(&said, &read_again(&log, cut, true), "{}", log);
        prop_assert_eq!(&said, &read_again(&log, cut, false), "{}", log);
    }
}
