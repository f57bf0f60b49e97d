//! Ways in which real programs print, each in a few lines of the same shape.

use super::{check, decode, show, silent, total};
use crate::source::{Decoder, Record, Stdout};

#[test]
fn a_head_gives_its_total_and_a_counter_in_its_block_is_a_value() {
    let block =
        "#####\n        Learning iteration 7/100\n\n     Mean reward: 1.5\n----\n   Total timesteps: 4096\n  Iteration time: 2.5s\n";
    check(block, &["Iteration time 7=2.5", "Mean reward 7=1.5", "Total timesteps 7=4096"]);
    assert_eq!(total(block), Some(100));
    check("Epoch 1/3\nStep: 10\nloss: 2\nStep: 20\nloss: 1\n", &["loss 10=2 20=1"]);
    check("Iteration: \t 0\nLoss:   \t 2.5\nEntropy \t1.5\n-----\nIteration: \t 1\nLoss:   \t 2\n", &["Entropy 0=1.5", "Loss 0=2.5 1=2"]);
}

#[test]
fn the_summary_of_an_epoch_does_not_replace_its_steps() {
    check(
        "epoch 1 - iter 8/45 - loss 3\nepoch 1 - iter 45/45 - loss 2\nEPOCH 1 done: loss 2.5 - lr 0.5\nDEV : loss 1.5 - acc 0.5\nepoch 2 - iter 8/45 - loss 1\n",
        &["dev/acc 45=0.5", "dev/loss 45=1.5", "loss 8=3 45=2 53=1", "lr 45=0.5"],
    );
    // With a name of its own it counts epochs.
    check(
        "epoch 1 - iter 8/45 - loss 3\nEpoch 1: val_acc=0.5\nepoch 2 - iter 8/45 - loss 2\nEpoch 2: val_acc=0.75\n",
        &["loss 8=3 53=2", "val_acc 1=0.5 2=0.75"],
    );
}

#[test]
fn bars_without_a_label_go_on_counting() {
    let epoch = |losses: [f64; 2]| {
        format!("\r 50%|# | 1/2 [00:00<00:01, 9it/s, loss={}]\r100%|##| 2/2 [00:00<00:00, 9it/s, loss={}]\n", losses[0], losses[1])
    };
    check(&(epoch([4.0, 3.0]) + &epoch([2.0, 1.0])), &["loss 1=4 2=3 3=2 4=1"]);
    // One that was not finished begins again.
    check(
        " 50%|# | 1/4 [0<1, 9it/s, loss=4]\n 75%|# | 3/4 [0<1, 9it/s, loss=3]\n 50%|# | 2/4 [0<1, 9it/s, loss=2]\n",
        &["loss 1=4 3=3 2=2"],
    );
}

#[test]
fn a_line_behind_a_bar_is_a_line() {
    check("train:   0%|  | 0/27 [00:00<?, ?it/s]2024-01-02 03:04:05,678   INFO  epoch: 4/9, iter=5, loss=2.5\n", &["loss 5=2.5"]);
}

#[test]
fn the_label_of_a_bar_may_hold_the_step() {
    check(
        "1|25|Loss: 2.5:   3%|# | 24/808 [00:01<00:10, 9it/s]\r1|25|Loss: 2.5:   3%|# | 25/808 [00:01<00:10, 9it/s]\r1|26|Loss: 2:   3%|# | 25/808 [00:01<00:10, 9it/s]\n",
        &["Loss 25=2.5 26=2"],
    );
    check("Epoch 0: :   0%|  | 50/1000 [00:30<1:41:00, v_num=3, loss=2.5, global_step=49.00]\n", &["loss 49=2.5"]);
}

#[test]
fn dicts_over_several_lines_are_rows_and_configs_are_not() {
    check(
        "{'accuracy': 0.5,\n 'loss': 2.5,\n 'step': 100}\n{'accuracy': 0.75,\n 'loss': 2,\n 'step': 200}\n",
        &["accuracy 100=0.5 200=0.75", "loss 100=2.5 200=2", "step 100=100 200=200"],
    );
    check(
        "INFO:tensorflow:Step 100 per-step time 2.5s\nINFO:tensorflow:{'Loss/total_loss': 1.5,\n 'learning_rate': 0.5}\n",
        &["Loss/total_loss 100=1.5", "learning_rate 100=0.5", "per-step time 100=2.5"],
    );
    silent("{\n  \"hidden_size\": 4096,\n  \"layers\": [\n    \"a\"\n  ],\n  \"aux_loss\": 0.5\n}\n");
    check("step 1 loss 2\n{\n  \"aux_loss\": 0.5,\n  \"size\": 3\n}\nstep 2 loss 1\n", &["loss 1=2 2=1"]);
    // What breaks off is no dict, and what comes next is read as ever.
    check("{'loss': 2.5,\nstep 3 loss 1\n", &["loss 3=1"]);
    let (rows, _) = decode(&mut Stdout::new(), b"hello\n{'loss': 2.5,\n 'step': 3}\n", 4);
    assert_eq!(rows[0].0.offset, Some(6));
}

#[test]
fn settings_in_a_dict_are_no_row() {
    for config in [
        "{'clip_coef': 0.2,\n 'seed': 1,\n 'target_kl': 0.02,\n 'total_timesteps': 500000}",
        "{'clip_coef': 0.2, 'init_kl': 0.02, 'total_timesteps': 500000}",
        "{\n  \"total_timesteps\": 500000,\n  \"gamma\": 0.99\n}",
        "{'task': 'detect', 'batch': 16, 'mode': 'train', 'lr0': 0.01}",
        "{\"batch\": 16, \"imgsz\": 640, \"pretrained\": true, \"name\": null}",
        "{'target_kl': 0.02, 'lr': 0.1}",
    ] {
        silent(&format!("{config}\n"));
        check(&format!("{config}\nglobal_step=1024, loss=2\n{config}\nglobal_step=2048, loss=1\n"), &["loss 1024=2 2048=1"]);
    }
    // Beside what was measured, or in a group, it counts.
    check("{'total_timesteps': 2048, 'loss': 0.5}\n", &["loss 2048=0.5", "total_timesteps 2048=2048"]);
    check(
        "{'time/total_timesteps': 2048, 'rollout/ep_rew_mean': 0.5}\n",
        &["rollout/ep_rew_mean 2048=0.5", "time/total_timesteps 2048=2048"],
    );
    // So does a row that says where it stands, whatever words are in it.
    check(
        "step 7: {'lr': 0.5, 'phase': 'a', 'mode': 'b'}\n{'step': 8, 'loss': 2, 'phase': 'a', 'mode': 'b'}\n",
        &["loss 8=2", "lr 7=0.5", "step 8=8"],
    );
}

#[test]
fn a_dict_that_is_cut_off_costs_no_line_behind_it() {
    for front in
        ["2024-01-02 10:00:01 INFO ", "[2024-01-02 10:00:01][INFO] ", "[rank0]: ", "10:00:01 | ", "(RayTrainWorker pid=12) ", "7: ", ""]
    {
        let rows: String = (1..=3).map(|step| format!("{front}step {step} loss 2\n")).collect();
        check(&format!("{front}config: {{\n{rows}"), &["loss 1=2 2=2 3=2"]);
        check(&format!("{front}config: {{'a': [\n{rows}"), &["loss 1=2 2=2 3=2"]);
    }
    // Lists and escaped quotes are inside.
    check(
        "{'betas': [\n0.5,\n 0.25\n],\n 'x': [[0.5, 0.25],\n [1.5, 2.5], [3, 4],\n -1],\n 'loss': 2,\n 'step': 3}\n",
        &["loss 3=2", "step 3=3"],
    );
    check("{\"a \\\" {\": 1,\n \"loss\": 2,\n \"step\": 3}\nstep 4 loss 1\n", &["a \\\" { 3=1", "loss 3=2 4=1", "step 3=3"]);
}

#[test]
fn boxes_may_stand_between_rulers() {
    let log = "----------  -----\nIteration   9\nReturn      5.5\nCumTime (s) 12.5\n----------  -----\n";
    check(log, &["CumTime 9=12.5", "Return 9=5.5"]);
    let late = "2022-03-28 02:51:48.1 | ------ -----\n2022-03-28 02:51:48.2 | Steps/Total 86\n2022-03-28 02:51:48.3 | Stats/Iteration 9\n2022-03-28 02:51:48.4 | Stats/Loss 0.5\n2022-03-28 02:51:48.5 | ------ -----\n";
    check(late, &["Stats/Iteration 9=9", "Stats/Loss 9=0.5", "Steps/Total 9=86"]);
    check("=====\nEpoch 5\n=====\nloss: 0.5\n", &["loss 5=0.5"]);
    silent("-----\nTotal params 1234\nLayers 12\n-----\n");
}

#[test]
fn boxes_may_count_in_the_plural() {
    let log = "-----\n| % time exploring  | 2   |\n| episodes          | 100 |\n| mean 100 reward   | -59.5 |\n| steps             | 1841 |\n-----\n";
    check(log, &["% time exploring 1841=2", "episodes 1841=100", "mean 100 reward 1841=-59.5", "steps 1841=1841"]);
    silent("-----\n| lr    | 0.1  |\n| steps | 1841 |\n-----\n");
}

#[test]
fn a_frame_around_a_row_is_no_box() {
    check("| step 10 | loss 2.5 |\n| step 20 | loss 2.25 |\n", &["loss 10=2.5 20=2.25"]);
    check("| Epoch: 5 | Loss: 0.5 |\n", &["Loss 5=0.5"]);
    check("| rollout/ | |\n|  env | CartPole |\n|  reward | 2.5 |\n|  step | 3 |\n-----\n", &["rollout/reward 3=2.5", "rollout/step 3=3"]);
}

#[test]
fn what_never_ends_is_given_out_in_pieces() {
    let boxes: String = (0..2000).map(|at| format!("| loss/a{at} | 1 |\n")).collect();
    let redraws: String = (0..2000).map(|at| format!("loss/a{at}: 1\n\x1b[2A")).collect();
    // The first line is not yet known to be redrawn.
    for (log, want) in [(boxes, &[512, 512, 512][..]), (redraws, &[1, 512, 512, 512])] {
        let mut decoder = Stdout::new();
        decoder.push(log.as_bytes());
        let rows = std::iter::from_fn(|| decoder.next().unwrap())
            .filter_map(|record| if let Record::Row(row) = record { Some(row.values.len()) } else { None });
        let widths: Vec<_> = rows.collect();
        assert_eq!(widths, want, "before the end of the log");
        decoder.finish();
        let rest = std::iter::from_fn(|| decoder.next().unwrap()).filter(|record| matches!(record, Record::Row(_))).count();
        assert_eq!(rest, 1);
    }
}

#[test]
fn tables_may_have_gaps_and_lists_of_one() {
    check(
        "epoch  train_loss  valid_loss  time\n0      0.5         0.25        00:12\n1      0.25        #na#        00:11\n",
        &["train_loss 0=0.5 1=0.25", "valid_loss 0=0.25"],
    );
    check(
        "Step      Train loss    Test loss     Test metric\n0         [1.5e+00]     [2.5, 3.5]    []\n1000      [5.0e-01]     [2.0, 3.0]    [2.5e-01]\n",
        &["Test metric 1000=0.25", "Train loss 0=1.5 1000=0.5"],
    );
    check("| Epoch | Loss |\n|-------|------|\n| 1     | 0.5  |\n| 2     | 0.25 |\n", &["Loss 1=0.5 2=0.25"]);
}

#[test]
fn groups_in_brackets_tell_equal_names_apart() {
    check(
        "Epoch 1, batch 5, loss[loss=0.5, ctc=1.5, over 5392.00 frames.], tot_loss[loss=0.75, ctc=1.25, over 3e4 frames.], batch size: 18, lr: 3.00e-03\n",
        &["batch size 5=18", "ctc 5=1.5", "loss 5=0.5", "lr 5=0.003", "tot_loss/ctc 5=1.25", "tot_loss/loss 5=0.75"],
    );
}

#[test]
fn the_word_before_a_bracket_may_say_what_is_counted() {
    check(
        "Train: [0/300][0/1251]\teta 0:30:00 lr 0.5\tloss 6.5 (6.75)\nTest: [0/98]\tTime 1.5 (1.5)\tLoss 5.5 (5.5)\n * Acc@1 5.25\nTrain: [1/300][0/1251]\tloss 6 (6.5)\n",
        &["Acc@1 0=5.25", "loss 0=6.5 1251=6", "lr 0=0.5", "test/Loss 0=5.5", "test/Time 0=1.5"],
    );
}

#[test]
fn settings_in_lines_are_no_block() {
    for config in [
        "seed: 1\nbatch: 16\nimgsz: 640\nlr0: 0.01\npatience: 100",
        "total_timesteps: 500000\nlearning_rate: 0.00025\ngamma: 0.99",
        "total_timesteps: 500000\nlearning_rate: 0.00025\ntarget_kl: 0.02\nclip: 0.5",
        "epoch: 100\nbatch: 16\nlr: 0.1\nmomentum: 0.9\nworkers: 8",
        "lr = 0.1\nbatch = 16\nimgsz = 640",
        "imgsz: 640,\nbatch: 16,\nlr: 0.1,",
        "batch: 16",
    ] {
        silent(&format!("{config}\n"));
        check(&format!("{config}\nstep 1: loss 2\n{config}\nstep 2: loss 1\nval loss 3\n"), &["loss 1=2 2=1", "val loss 2=3"]);
    }
    // A metric that comes soon tells that it was a head; what stood between them counts too. Then the next is known at once.
    check("Step: 10\nlr: 0.5\nLoss: 2\ntime: 3\nStep: 20\nlr: 0.25\nLoss: 1\n", &["Loss 10=2 20=1", "lr 10=0.5 20=0.25", "time 10=3"]);
    check("Epoch: 1\nLoss: 2\nEpoch: 2\nlr: 0.5\nLoss: 1\n", &["Loss 1=2 2=1", "lr 2=0.5"]);
    check("Epoch: 1\nStep: 5\nLoss: 2\nEpoch: 2\nStep: 5\nLoss: 1\n", &["Loss 5=2 10=1"]);
    // Among settings that must be the next line.
    check("width: 5\nEpoch: 1\nLoss: 2\n", &["Loss 1=2"]);
    check("width: 5\nbatch: 16\nheight: 5\nLoss: 2\n", &["Loss -=2"]);
    // What comes long after is not under it.
    let text = "the model has layers\n".repeat(50);
    check(&format!("batch: 16\nlr: 0.5\n{text}val loss 3\nfoo: 2\n"), &["val loss -=3"]);
    // Rows of other kinds stand under such a head too.
    check("Step: 10\n{'loss': 2.5}\nfoo: 3\n", &["loss 10=2.5"]);
    check("Step: 10\n| loss | 2.5 |\n| x | 1 |\n-----\n", &["loss 10=2.5", "x 10=1"]);
    check("Epoch: 2\nlr: 0.1\n24/24 - loss: 0.5\n", &["loss 2=0.5"]);
    // A config before a run of epochs does not move them.
    check("epoch: 5\nwidth: 3\nEpoch [1/2], Step [1/2], loss: 3\nEpoch [2/2], Step [1/2], loss: 2\n", &["loss 1=3 3=2"]);
}

#[test]
fn tests_that_passed_are_no_epoch() {
    for said in [
        "pass: 12, fail: 3",
        "# PASS: 12\n# FAIL: 3",
        "| pass | 12 |\n| fail | 3 |\n-----",
        "pass  fail  skip\n12    3     1",
        "pass=12 fail=3 skip=1",
        "PASS: 12",
    ] {
        silent(&format!("{said}\n"));
        check(&format!("step 1: loss 2\n{said}\nstep 2: loss 1\n"), &["loss 1=2 2=1"]);
    }
    check("pass 3: cost 2.5\nPass: 4, cost: 2\n", &["cost 3=2.5 4=2"]);
}

#[test]
fn configs_in_a_line_are_silent() {
    for line in [
        "engine/trainer: task=detect, mode=train, epochs=2, batch=16, imgsz=640",
        "Number of points :  54275 [01/01 00:00:05]",
        "  total optimization steps / 1600",
        "Steps per epoch = 115",
        "model.py:88 took 5 tries",
        "Early stopping at epoch 3 with best_epoch = 0 and best_auc = 0.82",
    ] {
        assert_eq!(show(&format!("step 1: loss 2\n{line}\nstep 2: loss 1\n")), ["loss 1=2 2=1"], "{line}");
    }
}
