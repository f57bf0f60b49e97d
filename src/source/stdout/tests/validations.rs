//! Validations that say how far they are.

use super::check;
use crate::source::{Decoder, Record, Stdout};

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
