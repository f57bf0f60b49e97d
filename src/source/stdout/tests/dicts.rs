//! Dicts, and where those stand that say no step.

use super::{check, silent, total};

#[test]
fn dicts_are_rows_of_the_bar_beside_them_or_of_their_own_counter() {
    check(
        "{'loss': 2.5, 'lr': 5e-05, 'epoch': 0.25}\n{'loss': 2, 'lr': 4e-05, 'epoch': 0.5}\n",
        &["epoch -=0.25 -=0.5", "loss -=2.5 -=2", "lr -=0.00005 -=0.00004"],
    );
    let bars = "  5%|5         | 5/100 [00:01<00:10, 9.9it/s]\r{'loss': 2.5, 'epoch': 0.25}\n 10%|#         | 10/100 [00:01<00:10, 9.9it/s]{'loss': 2, 'epoch': 0.5}\n";
    check(bars, &["epoch 5=0.25 10=0.5", "loss 5=2.5 10=2"]);
    assert_eq!(total(bars), Some(100));
    // What comes right behind a dict is the bar of its moment.
    check(
        " 5%|#| 5/100 [00:01<00:10, 9.9it/s]\r   \r{'loss': 2.5}\n\r 9%|#| 9/100 [00:01<00:10, 9.9it/s]\r   \r{'loss': 2}\nend\n",
        &["loss 9=2.5 9=2"],
    );
    // The last one may have none yet: it stands behind the one before it.
    let written = |at: u32| format!("\r{at}%|#| {at}/100 [00:01<00:10, 9.9it/s]\r   \r{{'loss': {at}, 'epoch': 0.{at}}}\n");
    check(&(written(10) + &written(20) + &written(30) + "end\n"), &["epoch 20=0.1 30=0.2 -=0.3", "loss 20=10 30=20 -=30"]);
    // A bar in a line of its own is in front of what follows it.
    let front = |at: u32| format!("{at}%|#| {at}/100 [00:01<00:10, 9.9it/s]\n{{'loss': {at}, 'epoch': 0.{at}}}\n");
    check(&(front(10) + &front(20) + &front(30)), &["epoch 10=0.1 20=0.2 30=0.3", "loss 10=10 20=20 30=30"]);
    check("step 7: {\"loss\": \"2.5\", \"nested\": {\"a\": 1}}\n", &["loss 7=2.5", "nested.a 7=1"]);
    silent("{'learning_rate': 0.001, 'batch_size': 32, 'epochs': 10}\n");
}

#[test]
fn dicts_are_of_the_bar_that_is_drawn_again_above_that_of_an_evaluation() {
    let bar = |at: u32| format!("\r{at}%|#| {at}/60 [00:05<00:00, 10.0it/s]");
    let below = |at: u32| format!("\n\r{at}%|#| {at}/300 [00:01<00:00, 40.0it/s]\x1b[A");
    let dict = |text: &str| format!("\r      \r{{{text}}}\n");
    // tqdm draws the bars that it cleared in any order.
    for behind in [bar(60) + &below(300), below(300) + &bar(60)] {
        let text = bar(59) + &dict("'loss': 3.5") + &bar(60) + &below(0) + &below(249) + &dict("'eval_loss': 2.5") + &behind + "\nend\n";
        check(&text, &["eval_loss 60=2.5", "loss 60=3.5"]);
    }
    // Loggers write on behind the bar.
    let saved = "[INFO|trainer.py:3410] 2024-01-01 00:00:00,000 >> Saving model checkpoint to out/checkpoint-10\n";
    let logged = "[INFO|2024-01-01 10:00:01] train.callbacks:157 >> {'loss': 1.5}\n";
    let text = bar(9) + &dict("'loss': 3.5") + &bar(10) + saved + &bar(19) + &dict("'loss': 2.5") + &bar(20) + "\n" + &bar(30) + logged;
    check(&text, &["loss 10=3.5 20=2.5 30=1.5"]);
    check("{'loss': 3.5, 'epoch': 1.0}\n{'eval_loss': 2.5, 'epoch': 1.0}\n", &["epoch 1=1 1=1", "eval_loss 1=2.5", "loss 1=3.5"]);
    check("{'loss': 3.5, 'global_step': 10.0}\n", &["global_step 10=10", "loss 10=3.5"]);
}

#[test]
fn dicts_beside_a_bar_of_other_steps_are_counted() {
    let bar = |at: u32| format!("\r{at}%|#| {at}/100 [00:01<00:10, 9.9it/s]");
    let loss = |value: u32, more: &str| format!("{{'loss': {value}{more}}}\n");
    // Python wrote the bar at once, and the dicts when it ended.
    let late = format!("{}\n", bar(100)) + &loss(3, ", 'epoch': 0.5") + &loss(2, ", 'epoch': 1") + &loss(1, ", 'epoch': 1.5");
    check(&late, &["epoch -=0.5 -=1 -=1.5", "loss -=3 -=2 -=1"]);
    // A bar over the batches of each epoch.
    let each = |value: u32, more: &str| format!("{}{}\n", bar(0), bar(100)) + &loss(value, more);
    let all = |mores: [&str; 3]| (0..3).map(|at| each(3 - at, mores[at as usize])).collect::<String>() + "end\n";
    check(&all([", 'epoch': 1", ", 'epoch': 2", ", 'epoch': 3"]), &["epoch 1=1 2=2 3=3", "loss 1=3 2=2 3=1"]);
    check(&all(["", "", ""]), &["loss -=3 -=2 -=1"]);
    // Of other names, the bar still tells.
    let tasks = bar(10) + &loss(3, "") + &bar(20) + &loss(2, "") + &"{'accuracy': 0.5}\n".repeat(4);
    check(&tasks, &["accuracy -=0.5 -=0.5 -=0.5 -=0.5", "loss 10=3 20=2"]);
    // The next training's bar, about as long.
    let next = bar(100) + &loss(3, ", 'epoch': 1") + "\r50%|#| 40/80 [00:01<00:10, 9.9it/s]" + &loss(2, ", 'epoch': 1");
    check(&next, &["epoch 100=1 40=1", "loss 100=3 40=2"]);
    // An evaluation over again is no other step.
    let again = bar(50) + &loss(3, ", 'epoch': 1") + &bar(100) + &loss(2, ", 'epoch': 2") + &bar(100) + &loss(2, ", 'epoch': 2") + "end\n";
    check(&again, &["epoch 50=1 100=2 100=2", "loss 50=3 100=2 100=2"]);
}

#[test]
fn a_bar_inside_of_another_is_that_of_an_evaluation_however_long_it_is() {
    let bar = |at: u32, of: u32| format!("\r{}%|#| {at}/{of} [00:01<00:10, 9.9it/s]", 100 * at / of);
    let epoch = |at: u32| {
        let loss = bar(10 * at - 5, 30) + &bar(10 * at, 30) + &format!("\r{{'loss': {at}.5, 'epoch': {at}.0}}\n") + &bar(10 * at, 30);
        loss + &bar(0, 500) + &bar(500, 500) + &format!("\n{{'eval_loss': {at}.25, 'epoch': {at}.0}}\n")
    };
    let want = ["epoch 10=1 10=1 20=2 20=2 30=3 30=3", "eval_loss 10=1.25 20=2.25 30=3.25", "loss 10=1.5 20=2.5 30=3.5"];
    check(&(epoch(1) + &epoch(2) + &epoch(3) + "end\n"), &want);
    // Behind the end of the training.
    let test = bar(500, 500) + "\n{'test_loss': 4.5}\nend\n";
    check(&(epoch(3) + &test), &["epoch 30=3 30=3", "eval_loss 30=3.25", "loss 30=3.5", "test_loss 30=4.5"]);
    let next = bar(10, 10) + "\n{'loss': 3.5}\n" + &bar(250, 500) + "\n{'test_loss': 4.5}\n" + &bar(300, 500) + "\n{'loss': 2.5}\nend\n";
    check(&next, &["loss 10=3.5 300=2.5", "test_loss 10=4.5"]);
    // A shorter one that was broken off is none that goes on behind the longer.
    let text = bar(0, 5)
        + &bar(2, 5)
        + "\n"
        + &bar(50, 500)
        + "\n{'loss': 2.5}\n"
        + &bar(0, 5)
        + &bar(5, 5)
        + &bar(100, 500)
        + "\n{'loss': 1.5}\n";
    check(&(text + "end\n"), &["loss 50=2.5 100=1.5"]);
}

#[test]
fn a_whole_epoch_among_fractions_counts_no_rows() {
    let row = |epoch: &str| format!("{{'loss': '2', 'epoch': '{epoch}'}}\n");
    check(&(row("0.5") + &row("1") + &row("1.5")), &["epoch -=0.5 -=1 -=1.5", "loss -=2 -=2 -=2"]);
    check(&(row("1") + &row("1.5") + &row("2") + &row("2.5")), &["epoch -=1 -=1.5 -=2 -=2.5", "loss -=2 -=2 -=2 -=2"]);
    // Where the training was ended.
    check(&(row("1") + &row("2") + "{'train_loss': '3', 'epoch': '2.5'}\n"), &["epoch 1=1 2=2", "loss 1=2 2=2", "train_loss 2=3"]);
    check(&(row("1") + &row("2")), &["epoch 1=1 2=2", "loss 1=2 2=2"]);
}

#[test]
fn a_dict_that_is_never_closed_costs_no_row() {
    let rows = "{'loss': 2.5, 'step': 1}\n{'loss': 2, 'step': 2}\n";
    for start in
        ["config = {\n", "config = {\n    'lr': 0.5,\n    'n': 3\n", "    foo({\n", "args = {'lr': 0.5,\n", "x = {'a': {\n 'b': 1\n"]
    {
        check(&format!("{start}{rows}"), &["loss 1=2.5 2=2", "step 1=1 2=2"]);
    }
    check("{'step': 1, 'losses': [\n  {'a': 1},\n  {'b': 2}],\n 'loss': 3}\n", &["loss 1=3", "step 1=1"]);
}
