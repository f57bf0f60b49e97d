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
    let dict = |at: u32| format!("epoch {at} iter 10 loss 2\nepoch {at} iter 20 loss 1\nepoch {at}: {{'accuracy': 0.5}}\n");
    check(&(dict(0) + &dict(1)), &["accuracy 20=0.5 40=0.5", "loss 10=2 20=1 30=2 40=1"]);
    // With a name of its own it counts epochs.
    check(
        "epoch 1 - iter 8/45 - loss 3\nEpoch 1: val_acc=0.5\nepoch 2 - iter 8/45 - loss 2\nEpoch 2: val_acc=0.75\n",
        &["loss 8=3 53=2", "val_acc 8=0.5 53=0.75"],
    );
}

#[test]
fn a_total_in_words_counts_in_every_row() {
    let row = |epoch: u32, step: u32| format!("epoch {epoch} of 3, step {step} of 100, loss {step}\n");
    let log = [row(1, 30), row(1, 60), row(1, 90), row(2, 30)].concat();
    check(&log, &["loss 30=30 60=60 90=90 130=30"]);
}

#[test]
fn a_speed_may_stand_in_a_line_of_its_own() {
    let log = "global_step=10, reward=2.5\nSPS: 20\nglobal_step=20, reward=3\nSPS: 21\nglobal_step=30, reward=4\n";
    check(log, &["SPS 10=20 20=21", "reward 10=2.5 20=3 30=4"]);
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
    check("Epoch 2/9:   0%|  | 0/27 [00:00<?, ?it/s, loss=0.5]Epoch 1, loss: 2.5, lr: 2\n", &["loss 2=0.5 1=2.5", "lr 1=2"]);
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
fn cells_of_a_table_may_be_blank_whatever_stands_in_front() {
    let table = |front: &str| {
        let rows =
            ["  step    loss     acc", "     1  0.5000", "     2          0.2500", "        0.2500  0.5000", "     3  0.1250  0.5000"];
        rows.map(|row| format!("{front}{row}\n")).concat()
    };
    for front in ["", "    ", "INFO:trainer:", "2024-01-02 03:04:05,678 - root - INFO -  ", "[rank0]: "] {
        check(&table(front), &["acc 2=0.25 3=0.5", "loss 1=0.5 3=0.125"]);
    }
    // What is drawn below the table is drawn anew, as Chainer does.
    let below = "\x1b[J     total [####......] 40.00%\nthis epoch [..........]  0.00%\n   4 iter, 1 epoch / 6 epochs\n 821.5 iters/sec. Estimated time to finish: 0:00:00.\n\x1b[4A";
    check(
        &format!(
            "epoch       main/loss   val/loss    time\n{below}\x1b[J1           0.5                     1.5\n{below}\x1b[J2           0.25        0.75        2.5\n\n\n\n\n"
        ),
        &["main/loss 1=0.5 2=0.25", "time 1=1.5 2=2.5", "val/loss 2=0.75"],
    );
}

/// A result of Ray Tune.
fn result(at: u32, loss: &str) -> String {
    format!(
        "Result for f_a5e16_00000:\n  custom_metrics: {{}}\n  date: 2026-11-21_01-41-19\n  done: false\n  episode_reward_mean: {at}.5\n  experiment_tag: '0'\n  info:\n    learner:\n      default_policy:\n        total_loss: {loss}\n  node: a b\n  node_ip: 192.0.2.2\n  pid: 23387\n  timestamp: 1795225279\n  training_iteration: {at}\n  trial_id: a5e16_00000\n  warmup_time: 0.25\n  \n== Status ==\nResources requested: 1.0/1 CPUs\n+------------+----------+\n| Trial name | status   |\n|------------+----------|\n| f_00000    | RUNNING  |\n+------------+----------+\n\n\n"
    )
}

#[test]
fn a_block_may_count_below_its_metrics() {
    check(
        &(result(1, "2.5") + &result(2, "2") + &result(3, "1.5")),
        &[
            "episode_reward_mean 1=1.5 2=2.5 3=3.5",
            "info/learner/default_policy/total_loss 1=2.5 2=2 3=1.5",
            "warmup_time 1=0.25 2=0.25 3=0.25",
        ],
    );
    let block = |at: u32| format!("lr: 0.5\nloss: 0.{at}\nstep: {at}\n\n");
    check(&(1..4).map(block).collect::<String>(), &["loss 1=0.1 2=0.2 3=0.3", "lr 1=0.5 2=0.5 3=0.5"]);
    check("lr: 0.5\nloss: 2\nstep: 1\n\nstep 5 loss 1\nlr: 0.5\nacc: 1\n\n", &["acc 5=1", "loss 5=1"]);
}

#[test]
fn a_line_that_may_begin_a_block_is_shown_when_no_more_is_there() {
    let mut decoder = Stdout::new();
    let mut show = |lines: &str| {
        decoder.push(lines.as_bytes());
        let mut rows = vec![];
        for _ in 0..2 {
            while let Some(record) = decoder.next().unwrap() {
                rows.extend(if let Record::Row(row) = record { Some((row.step.map(|step| step.0), row.values[0].1)) } else { None });
            }
            decoder.glimpse();
        }
        rows
    };
    assert_eq!(show("lr: 0.5\nval loss: 2\n"), [(None, 2.0)]);
    assert_eq!(show("step: 1\n\nlr: 0.5\nval loss: 1\n"), [], "a block like that before waits for its count");
    assert_eq!(show("step: 2\n\n"), [(Some(1), 0.5), (Some(2), 0.5)]);
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

#[test]
fn the_header_of_a_table_may_take_two_lines_or_be_a_comment() {
    check(
        "|=====|\n| Epoch | Iteration | Time | Mini-batch | Base |\n|       |           | (hh:mm) | Loss       | Rate |\n|=====|\n| 1 | 50 | 00:12 | 2.5 | 0.5 |\n",
        &["Base Rate 50=0.5", "Mini-batch Loss 50=2.5"],
    );
    check(
        "average  since         example    current  current\nloss     last          counter      label  predict\n2.500000 1.500000            1     1.5000   0.5000\n1.750000 0.500000            2     2.5000   0.2500\n",
        &["average loss 1=2.5 2=1.75", "current label 1=1.5 2=2.5", "current predict 1=0.5 2=0.25", "since last 1=1.5 2=0.5"],
    );
    check(
        "#  step      rmse_trn    lr\n      0      2.5e+01  1.0e-03\n    100      1.5e+01  1.0e-03\n",
        &["lr 0=0.001 100=0.001", "rmse_trn 0=25 100=15"],
    );
    check("gen\tnevals\tavg    \n0  \t300   \t50.5\n1  \t180   \t54.25\n", &["avg 0=50.5 1=54.25", "nevals 0=300 1=180"]);
    check("Epoch\tLoss\tAccuracy\n1\tNo log\t0.5\n2\t0.25\t0.75\n", &["Accuracy 1=0.5 2=0.75", "Loss 2=0.25"]);
    check("step\tloss\tacc\t\n1\t0.5\t0.25\t\n2\t0.25\t\t\n", &["acc 1=0.25", "loss 1=0.5 2=0.25"]);
}

#[test]
fn a_table_without_steps_may_have_a_row_for_each_split() {
    let table = |loss| {
        format!("╒══╤══╕\n│ rating │ loss │ hits_at_k │\n╞══╪══╡\n│ train │ {loss} │ 0.5 │\n├──┼──┤\n│ vali │ 2.5 │ 0.25 │\n╘══╧══╛\n")
    };
    check(
        &format!("Epoch 4\nTraining: 100% 3/3 [00:10<00:00,  3.46s/it]\n{}\nEpoch 5\n{}", table("1.5"), table("1.25")),
        &["train/hits_at_k 4=0.5 5=0.5", "train/loss 4=1.5 5=1.25", "val/hits_at_k 4=0.25 5=0.25", "val/loss 4=2.5 5=2.5"],
    );
    check(
        "[09-22 14:00:10] INFO  === Training Iteration 100 Result ===   learner.py:338\n+---+---+\n| Name | lr_avg | loss_avg |\n+---+---+\n| Value | 0.5 | 1.5 |\n",
        &["loss_avg 100=1.5", "lr_avg 100=0.5"],
    );
    silent("| model | accuracy | f1 |\n|---|---|---|\n| base | 0.5 | 0.25 |\n| large | 0.75 | 0.5 |\n");
}

#[test]
fn boxes_may_have_no_line_between_names_and_values() {
    let row = |title: &str, rows: &str| format!("╭────╮\n│ {title}   │\n├────┤\n{rows}╰────╯\n");
    let config = row("Training config", "│ loop/batch_size      32 │\n│ loop/lr           0.001 │\n");
    let result = row("Training result", "│ training_iteration    2 │\n│ acc               0.75 │\n│ loss               0.5 │\n");
    check(&(config.clone() + &result), &["acc 2=0.75", "loss 2=0.5", "training_iteration 2=2"]);
    silent(&config);
}

#[test]
fn the_label_in_front_of_a_dict_says_what_it_is_of() {
    check(
        "[ time:2s ] {'num_updates': 5, 'loss': 2.5}\nvalid:{'num_updates': 7, 'loss': 1.5, 'test_acc': 0.5}\n",
        &["loss 5=2.5", "num_updates 5=5 7=7", "test_acc 7=0.5", "val/loss 7=1.5"],
    );
    // A dict of one metric, and settings behind a row.
    check("LOG {\"key\": \"eval_accuracy\", \"value\": 0.5, \"lineno\": 12, \"step\": 3}\n", &["eval_accuracy 3=0.5"]);
    check(
        "Trial 3 finished with value: 0.5 and parameters: {'lr': 0.1, 'layers': 2}. Best is trial 0 with value: 0.25.\n",
        &["value 3=0.5"],
    );
}

#[test]
fn numbers_may_be_wrapped_or_have_their_spread_beside_them() {
    check("epoch=1: ppl=tensor(12.5, device='cuda:0') loss=tensor(2.5, device='cuda:0')\n", &["loss 1=2.5", "ppl 1=12.5"]);
    check(
        "[0]\ttrain-auc:0.5+0.125\ttest-auc:0.25+0.125\n[10]\ttrain-auc:0.75+0.125\ttest-auc:0.5+0.125\n",
        &["test-auc 0=0.25 10=0.5", "train-auc 0=0.5 10=0.75"],
    );
    check("Eval num_timesteps=100, reward=2.5 +/- 0.5\nEval num_timesteps=200, reward=3.5 +/- 0.5\n", &["eval/reward 100=2.5 200=3.5"]);
}

#[test]
fn a_number_in_front_of_a_metric_counts() {
    check("0 | loss 2.5 | lr 0.5\n10 | loss 1.5 | lr 0.25\n", &["loss 0=2.5 10=1.5", "lr 0=0.5 10=0.25"]);
    check("5, train_loss=2.5, LR=0.5, time 70.5s\n", &["LR 5=0.5", "time 5=70.5", "train_loss 5=2.5"]);
    check("   1 train loss:  2.5 test acc: 82.5%\n", &["test acc 1=82.5", "train loss 1=2.5"]);
    // Of other things it is the number, and beside a step the rank.
    silent("0 | encoder | Sequential | 50.4 K | train\n12 | size 5\n");
    check("Train | Epoch 1 | 100/2000 | 1.5 it/sec | ce 2.5\nValid Summary | Epoch 1 | loss=1.5\n", &["ce 100=2.5", "val/loss 100=1.5"]);
}

#[test]
fn a_count_may_stand_between_a_name_and_its_value() {
    check(
        "Start of epoch 0\nLoss (for one batch) at step 0: 2.5\nLoss (for one batch) at step 9: 1.5\nStart of epoch 1\nLoss (for one batch) at step 0: 0.5\n",
        &["Loss (for one batch) 0=2.5 9=1.5 10=0.5"],
    );
    check("Valid MRR at step 200: 0.25\nValid HITS@10 at step 200: 0.5\n", &["Valid HITS@10 200=0.5", "Valid MRR 200=0.25"]);
    check("saved 3 files at step 5: 12\nstep 6 loss 1\n", &["loss 6=1"]);
    check("Epoch 1 Batch 0 Loss 2.5\nEpoch 1 Batch 9 Loss 1.5\nEpoch 1 Loss 2\nEpoch 2 Batch 0 Loss 1\n", &["Loss 0=2.5 9=1.5 10=1"]);
}

#[test]
fn names_of_metrics_may_be_long_or_run_together() {
    check(
        "Starting iteration 3\nAverage undiscounted return per training episode: -20.5\n",
        &["Average undiscounted return per training episode 3=-20.5"],
    );
    check(
        "Step 1: Ran 1 train steps in 3.5 secs\nStep 1: train CrossEntropyLoss |  2.5\nStep 1: eval          Accuracy |  0.5\n",
        &["eval/Accuracy 1=0.5", "train CrossEntropyLoss 1=2.5"],
    );
    check(
        "Steps : 5, Gen Loss Total : 2.5, Mel-Spec. Error : 1.5, s/b : 0.5\n",
        &["Gen Loss Total 5=2.5", "Mel-Spec. Error 5=1.5", "s/b 5=0.5"],
    );
    check("Val. Epoch: 3/10. Total loss: 0.5\n", &["val/Total loss 3=0.5"]);
}

#[test]
fn a_bar_whose_label_counts_steps_is_a_row_a_step() {
    check(
        "Step: 100. Epoch: 0/10. Iteration: 9/500. Cls loss: 2.5:  20%|#  | 9/500 [00:51<03:21,  1.98it/s]\rStep: 101. Epoch: 0/10. Iteration: 10/500. Cls loss: 1.5:  20%|#  | 10/500 [00:51<03:21,  1.98it/s]\n",
        &["Cls loss 100=2.5 101=1.5"],
    );
    check(
        "x |##| train: [1][0/463]|Tot: 0:00:05 |loss 2.5 |\nx |##| train: [2][0/463]|Tot: 0:00:05 |loss 1.5 |\n",
        &["loss 0=2.5 463=1.5"],
    );
}

#[test]
fn the_second_of_a_name_is_of_the_split_named_last() {
    check(
        "Epoch 1/30 | Train loss: 2.5 acc: 0.5 | Val loss: 1.5 acc: 0.25 | time: 3s\n",
        &["Train loss 1=2.5", "Val loss 1=1.5", "acc 1=0.5", "time 1=3", "val/acc 1=0.25"],
    );
    check("env_it = 500, reward = 0.5\n", &["reward 500=0.5"]);
}

#[test]
fn what_is_told_of_data_between_steps_is_no_row() {
    for line in [
        "Average length: 231.5 tokens, max length: 2470",
        "vocab size: 32000, unk id: 0, bos id: 1",
        "trainable params: 294,912 || all params: 124,734,720 || trainable%: 0.25",
        "SLURM_NNODES=2 SLURM_NTASKS=16",
        "allreduce 128 MiB: 1.5 ms, algbw 105.2 GB/s",
    ] {
        assert_eq!(show(&format!("step 1: loss 2\n{line}\nstep 2: loss 1\n")), ["loss 1=2 2=1"], "{line}");
    }
    check(
        "step 1: loss 2\n|Generate time=5.5s |Training time=2.5s |Others=0.5\n",
        &["Generate time 1=5.5", "Others 1=0.5", "Training time 1=2.5", "loss 1=2"],
    );
}

#[test]
fn epochs_and_steps_may_stand_in_front_in_more_ways() {
    check(
        "[  0]       0 || B: 5.5 | T: 2.5 || ETA: 10 days\n[  0]      10 || B: 4.5 | T: 1.5 || ETA: 8 days\n",
        &["B 0=5.5 10=4.5", "T 0=2.5 10=1.5"],
    );
    check("[0: 10/100] train loss: 2.5\n[1: 10/100] train loss: 1.5\n", &["train loss 10=2.5 110=1.5"]);
    check("Train 0, loss: 2.5, acc: 0.5\nTest 0, loss: 1.5\n", &["acc 0=0.5", "loss 0=2.5", "test/loss 0=1.5"]);
    check("Epoch is [1/600], mini-batch is [10/250], batch_loss is 0.5\n", &["batch_loss 10=0.5"]);
    check("Epoch: [1][10/1000]\tLoss 2.5\nValidation Summary Epoch: [1]\tAverage WER 61.5\n", &["Loss 10=2.5", "val/Average WER 10=61.5"]);
}

#[test]
fn rows_in_a_frame_are_no_box_of_names_and_values() {
    check("| iter 5  acc 0.75  loss   0.5 |\n| iter 6  acc 0.5  loss   0.25 |\n", &["acc 5=0.75 6=0.5", "loss 5=0.5 6=0.25"]);
    check("| step:  10  lr:  0.25  loss:  0.5 |\n", &["loss 10=0.5", "lr 10=0.25"]);
}

#[test]
fn a_name_and_a_value_beside_metrics_are_two_entries() {
    check("{'step': 1, 'loss': 2, 'value': 0.5, 'tag': 'train'}\n", &["loss 1=2", "step 1=1", "value 1=0.5"]);
}

#[test]
fn epochs_that_are_summed_up_at_their_end() {
    // The count goes on over them: a run that starts again takes the place of the one before.
    let run = "step 100 loss 4\nstep 200 loss 3\nEpoch 1 val_loss 3\nstep 300 loss 2\nstep 400 loss 1\nEpoch 2 val_loss 1\n";
    check(&[run, run].concat(), &["loss 100=4 200=3 300=2 400=1 100=4 200=3 300=2 400=1", "val_loss 200=3 400=1 200=3 400=1"]);
    // The count starts over, and the sum has a name of its rows.
    check(
        "iter 10 loss 3\niter 20 loss 2\nEpoch 1 loss 2.5\niter 10 loss 1\niter 20 loss 0.5\nEpoch 2 loss 0.75\n",
        &["loss 10=3 20=2 30=1 40=0.5"],
    );
    // Steps come less often than epochs: these count by themselves.
    check("step 5 loss 4\nEpoch 1 acc 3\nEpoch 1 f1 6\nEpoch 2 acc 2\nEpoch 3 acc 1\n", &["acc 1=3 2=2 3=1", "f1 1=6", "loss 5=4"]);
    // A row that is put off for its names counts from where it stood.
    let epoch = |at: i32| format!("Epoch {at} Batch 0 lr 0.5 norm 1\nEpoch {at} Batch 50 loss 2\nEpoch {at} Batch 100 loss 1\n");
    check(
        &(epoch(1) + &epoch(2) + &epoch(3)),
        &["loss 50=2 100=1 151=2 201=1 252=2 302=1", "lr 0=0.5 101=0.5 202=0.5", "norm 0=1 101=1 202=1"],
    );
}

#[test]
fn words_in_a_bracket_are_not_those_of_the_name() {
    check("step 5: Loss (for the whole big batch) at end with value: 0.5\n", &["value 5=0.5"]);
}

#[test]
fn numbers_of_samples_are_no_steps() {
    check("step 1 loss 2\n60000 training samples, 10000 test samples, accuracy: 0.5\n", &["loss 1=2"]);
    check("12 train loss 0.5\n", &["train loss 12=0.5"]);
}

#[test]
fn names_that_are_units_elsewhere_have_values() {
    check("epoch 1 loss 0.5 updates 100\n", &["loss 1=0.5", "updates 1=100"]);
    check("update 1 loss 2.5 records 12\n", &["loss 1=2.5", "records 1=12"]);
}

#[test]
fn settings_behind_a_title_are_none_whatever_they_are_called() {
    silent("TrainConfig(epoch=3, entropy_cost=0.01, batch=16)\n");
    silent("args: step=5 loss=0.5\n");
    silent("args: {'kl_loss': 0.1, 'step': 5}\n");
    check("params: 10M, step: 5, loss: 0.5\n", &["loss 5=0.5", "params 5=10"]);
}

#[test]
fn a_bar_that_says_again_what_it_said_and_how_validation_went_is_the_end_of_its_epoch() {
    check(
        "Epoch 1/2\n477/477 ━━━━ 0s 96ms/step - accuracy: 0.25 - loss: 2\n477/477 ━━━━ 70s 108ms/step - accuracy: 0.5 - loss: 1.5 - val_accuracy: 0.125 - val_loss: 3\n7/7 ━━━━ 0s 23ms/step - accuracy: 0.75 - loss: 0.5\n",
        &["accuracy 1=0.25 1=0.5", "loss 1=2 1=1.5", "val_accuracy 1=0.125", "val_loss 1=3"],
    );
}

#[test]
fn a_count_may_be_an_ordinal() {
    check("current step: 1th step\nbatch loss:4.5\ncurrent step: 2th step\nbatch loss:3.5\n", &["batch loss 1=4.5 2=3.5"]);
    check("Epoch 3rd: loss 0.5\n2nd loss: 0.25\n", &["loss 3=0.5"]);
}

#[test]
fn a_value_may_stand_behind_its_count_and_a_verb() {
    let rows = "10:00:00.402 [main] INFO org.a.Listener - Score at iteration 0 is 1.5\nScore at iteration 100 is 1.25\n";
    check(rows, &["Score 0=1.5 100=1.25"]);
    silent("Stopping at iteration 100 is 3 too late\n");
}

#[test]
fn trees_rows_of_reports_and_what_is_behind_a_crash_are_no_values_of_a_block() {
    silent("beta:\n  |- start:\n  |-   |- iter\t200000\n  |-   |- val\t2.0\n  |- cheaplog_every\t50\n");
    silent("Epoch 4/40\n        good       1.00      0.99      0.99        85\n   macro avg       0.97      0.97      0.97       208\n");
    check("Epoch 4/40\nloss 0.5\nTraceback (most recent call last):\nMemory: 28.5 GB\nNodes: 1\n", &["loss 4=0.5"]);
    let place = "  File \"train.py\", line 10, in <module>\n    main(epoch=3, loss=0.5)\n";
    check(
        &format!("epoch 1 loss 2\nTraceback (most recent call last):\n{place}{place}OutOfMemoryError: 3 GiB\nepoch 2 loss 1\n"),
        &["loss 1=2 2=1"],
    );
    check("epoch 1 loss 2\ntorch.OutOfMemoryError: 3 GiB\nMeanSquaredError: 0.5\n", &["MeanSquaredError 1=0.5", "loss 1=2"]);
    silent("    def __len__(self):\n        return 10\n");
}

#[test]
fn a_learning_rate_may_stand_in_a_line_of_its_own() {
    let row = |at: u32| format!("Timer: 0.67\nepoch:0 || iter:{at} || Loss:2.5\n->> p1 loss:1.5\n->>lr:0.0005\n");
    check(&(row(0) + &row(10)), &["Loss 0=2.5 10=2.5", "lr 0=0.0005 10=0.0005", "p1 loss 0=1.5 10=1.5"]);
    check("step 1 loss 0.5\nbatch_size: 32\nlr: 0.1\nwd: 0.5\n", &["loss 1=0.5"]);
}

#[test]
fn names_of_a_group_go_on_with_it() {
    let row = |at: u32| format!("[batch 10/10, epoch {at}/2]: loss:0.5\n====\n\tT.err:3.5\n\tT.ber:2.5\n\tT.wse:1.5\n====\nwse:1.5\n");
    let want = ["T.ber 10=2.5 20=2.5", "T.err 10=3.5 20=3.5", "T.wse 10=1.5 20=1.5", "loss 10=0.5 20=0.5"];
    check(&(row(1) + &row(2)), &want);
}

#[test]
fn a_table_may_count_epochs_and_their_batches() {
    let epoch = |at: u32| {
        format!("[INFO]:  Epoch   Batch   box   time\n[INFO]:  {at}/29   0/165   0.5   15.5\n[INFO]:  {at}/29   40/165   0.25   7.5\n")
    };
    check(&(epoch(0) + &epoch(1)), &["box 0=0.5 40=0.25 165=0.5 205=0.25", "time 0=15.5 40=7.5 165=15.5 205=7.5"]);
}

#[test]
fn a_count_may_end_in_two_signs() {
    check(
        "iter 100:, hard_loss=0.5, lr=0.25\niter 200:, hard_loss=0.25, lr=0.25\n",
        &["hard_loss 100=0.5 200=0.25", "lr 100=0.25 200=0.25"],
    );
}

#[test]
fn letters_may_say_what_is_counted() {
    check("E001 B0010 loss 0.5\nE001 B0020 loss 0.4\nE002 B0010 loss 0.3\n", &["loss 10=0.5 20=0.4 30=0.3"]);
    silent("E001 files 12\nE2 B 5\n");
}

#[test]
fn what_happened_on_a_step_is_not_the_head_of_a_block() {
    check(
        "step=0, loss=2.5\nEpoch 1/1, lr: 0.5\nGradients overflow on iteration 0\nstep=10, loss=1.5\n",
        &["loss 0=2.5 10=1.5", "lr 0=0.5"],
    );
    check("Validation results on iteration 5\nloss: 2.5\nacc: 0.5\n", &["acc 5=0.5", "loss 5=2.5"]);
}

#[test]
fn the_best_of_a_past_epoch_is_known_now() {
    let log = "Epoch 1/3 loss: 2.5\nEpoch 2/3 loss: 1.5\nEpoch 3/3 loss: 2\n";
    for best in ["Best val acc: 0.5 (epoch 2)", "Best val acc: 0.5 at epoch 2"] {
        check(&format!("{log}{best}\n"), &["Best val acc 3=0.5", "loss 1=2.5 2=1.5 3=2"]);
    }
    check(&format!("{log}*** Best metric: 62.5 (epoch 2)\n"), &["loss 1=2.5 2=1.5 3=2"]);
    check("Epoch 1 best_loss: 0.5\nEpoch 2 best_loss: 0.25\n", &["best_loss 1=0.5 2=0.25"]);
}

#[test]
fn the_counter_may_stand_behind_the_name_of_the_value() {
    for word in ["after", "in", "for", "at"] {
        check(&format!("Cost {word} iteration 0: 0.75\nCost {word} iteration 100: 0.5\n"), &["Cost 0=0.75 100=0.5"]);
    }
}

#[test]
fn a_count_in_parentheses_is_a_rank_where_something_else_counts() {
    let line = |text: &str| format!("2024-01-02 10:00:01,000 INFO {text}\n");
    let rows = line("(100/500) loss: 2.5") + &line("(200/500) loss: 1.5");
    check(&rows, &["loss 100=2.5 200=1.5"]);
    assert_eq!(total(&rows), Some(500));
    check(&(line("(0/2) step: 1 loss: 2.5") + &line("(0/2) step: 2 loss: 1.5")), &["loss 1=2.5 2=1.5"]);
}

#[test]
fn the_total_of_a_count_that_starts_over_is_that_of_all_epochs() {
    let totals = |text: &str| {
        let mut decoder = Stdout::new();
        decoder.push(text.as_bytes());
        std::iter::from_fn(|| decoder.next().unwrap())
            .filter_map(|record| match record {
                Record::TotalSteps(total) => Some(total),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let rows = |epoch: u32| format!("Epoch [{epoch}/30], Step [50/100], loss: 2.5\nEpoch [{epoch}/30], Step [100/100], loss: 2.5\n");
    assert_eq!(totals(&(rows(1) + &rows(2) + &rows(3))), [100, 3000]);
    assert_eq!(totals("Epoch [1/3], Step [50/300], loss: 2.5\nEpoch [2/3], Step [150/300], loss: 2.5\n"), [300], "it goes on counting");
}

#[test]
fn a_line_under_a_ruler_that_counts_is_a_row_of_its_own() {
    check("=======\nEpoch 1 loss 2.5\nEpoch 2 loss 1.5\nEpoch 3/10 loss 0.5\n", &["loss 1=2.5 2=1.5 3=0.5"]);
    check("Training\n--------\n10:00:00 step 5 reward 2.5\n10:00:01 step 10 reward 1.5\n", &["reward 5=2.5 10=1.5"]);
}

#[test]
fn a_label_of_a_bar_may_say_all_of_an_epoch() {
    let bar = |label: &str, at: u32| format!("\r{label}:  {at}0%|###   | {at}/10 [00:00<00:01, 9.5it/s]");
    let drawn = |labels: [&str; 2]| format!("{}{}{}\n", bar(labels[0], 1), bar(labels[0], 2), bar(labels[1], 3));
    check(&drawn(["Epoch 1/2, Loss: 2.5", "Epoch 2/2, Loss: 1.5"]), &["Loss 1=2.5 2=1.5"]);
    check(&drawn(["Epoch 1 | loss 2.5 | lr 0.5", "Epoch 2 | loss 1.5 | lr 0.5"]), &["loss 1=2.5 2=1.5", "lr 1=0.5 2=0.5"]);
    check(
        &drawn(["Epoch: 1, train_loss=2.5, val_loss=3.5", "Epoch: 2, train_loss=1.5, val_loss=2"]),
        &["train_loss 1=2.5 2=1.5", "val_loss 1=3.5 2=2"],
    );
}

#[test]
fn a_dict_beside_a_bar_with_values_goes_with_these() {
    let bar = |at: u32, values: &str| format!("\r {at}%|###   | {at}/60 [00:00<00:01, 9.5it/s{values}]");
    let log = [bar(0, ""), bar(20, ", loss=2"), "\n{\"eval_loss\": 1.5}\n".into(), bar(40, ", loss=1"), "\n{\"eval_loss\": 1.25}\n".into()];
    check(&log.concat(), &["eval_loss 20=1.5 40=1.25", "loss 20=2 40=1"]);
}

#[test]
fn the_year_may_stand_in_front_of_a_date() {
    let line = |of: &str| format!("2026/11/21 10:01:55 - mmengine - INFO - {of}\n");
    let train = |epoch: u32| line(&format!("Epoch(train) [{epoch}][200/200]  lr: 0.5  loss: 2.5"));
    let log = [train(1), line("Epoch(val) [1][50/50]    coco/bbox_mAP: 0.5"), train(2)].concat();
    check(&log, &["loss 200=2.5 400=2.5", "lr 200=0.5 400=0.5", "val/coco/bbox_mAP 200=0.5"]);
}

#[test]
fn a_hole_in_a_file_hides_no_row_behind_it() {
    check(&format!("step 1 loss 2\n{}step 2 loss 1\n", "\0".repeat(5000)), &["loss 1=2 2=1"]);
}

#[test]
fn what_a_checkpoint_said_is_not_logged_again() {
    check("Loaded checkpoint at step 5000 (loss 0.125)\nEpoch 1: loss 0.5\nEpoch 2: loss 0.25\n", &["loss 1=0.5 2=0.25"]);
    check("Resuming from step 5000, loss=0.125\nstep 5010 loss 0.5\n", &["loss 5010=0.5"]);
    for said in [
        "Successfully loaded checkpoint at step 5000 (loss 0.125)",
        "=> loaded checkpoint 'x' (epoch 90, loss 0.125)",
        "Checkpoint loaded: step 5000, loss 0.125",
    ] {
        check(&format!("Epoch 1: loss 0.5\n{said}\nEpoch 2: loss 0.25\n"), &["loss 1=0.5 2=0.25"]);
    }
    check("model loading time: 0.5, step 3, loss 0.25\n", &["loss 3=0.25", "model loading time 3=0.5"]);
}

#[test]
fn a_table_parted_by_one_space_ends_with_its_rows() {
    let table = "epoch loss acc\n1 0.5 0.25\n2 0.25 0.5\n";
    check(&format!("{table}Confusion matrix:\n45 3 2\n4 40 6\n"), &["acc 1=0.25 2=0.5", "loss 1=0.5 2=0.25"]);
}
