use super::*;
use crate::source::decode_for_tests as decode;
use proptest::prelude::*;
use std::collections::BTreeMap;

mod dicts;
mod recorded;
mod redraws;
mod validations;
mod ways;

/// All points, a line a key: `loss 10=2.1 20=1.9`; a point without a step as `-=5.2`.
fn show(log: &str) -> Vec<String> {
    show_by(Stdout::new(), log, usize::MAX)
}

fn show_by(mut decoder: Stdout, log: &str, chunk: usize) -> Vec<String> {
    let (mut rows, losses) = decode(&mut decoder, log.as_bytes(), chunk);
    assert_eq!(losses, []);
    // Each reading teaches one thing more.
    for _ in 0..2 {
        if decoder.is_mistaken() {
            decoder.reset();
            rows = decode(&mut decoder, log.as_bytes(), chunk).0;
        }
    }
    assert!(!decoder.is_mistaken());
    let mut keys = BTreeMap::<&str, String>::new();
    for (row, values) in &rows {
        for (name, value) in values {
            let step = row.step.map_or("-".into(), |step| step.0.to_string());
            *keys.entry(name).or_default() += &format!(" {step}={value}");
        }
    }
    keys.into_iter().map(|(name, points)| format!("{name}{points}")).collect()
}

#[track_caller]
fn check(log: &str, want: &[&str]) {
    assert_eq!(show(log), want, "{log}");
}

#[track_caller]
fn silent(log: &str) {
    check(log, &[]);
}

fn total(log: &str) -> Option<i64> {
    let mut decoder = Stdout::new();
    decoder.push(log.as_bytes());
    let records = std::iter::from_fn(|| decoder.next().unwrap());
    records.filter_map(|record| if let Record::TotalSteps(total) = record { Some(total) } else { None }).last()
}

#[test]
fn plain_rows_with_names_before_numbers() {
    check(
        "step 250: train loss 2.1, val loss 2.2\niter 250: loss 2.3, time 12.5ms, mfu 3.25%\n",
        &["loss 250=2.3", "mfu 250=3.25", "time 250=12.5", "train loss 250=2.1", "val loss 250=2.2"],
    );
    check("epoch=3 loss=0.25 acc=0.9\nepoch=4 loss=nan acc=0.8\n", &["acc 3=0.9 4=0.8", "loss 3=0.25 4=NaN"]);
    check("Iteration 1, loss = 0.5\nIteration 2, loss = 0.25\n", &["loss 1=0.5 2=0.25"]);
    check(
        "step 00010/21400 (0.05%) | loss: 9.5 | dt: 400.1ms | tok/sec: 1,300,000 | mfu: 47.1\n",
        &["dt 10=400.1", "loss 10=9.5", "mfu 10=47.1", "tok/sec 10=1300000"],
    );
    check(
        "Iter 10: Train loss 2.5, Learning Rate 1e-5, Tokens/sec 200.5, Peak mem 5.1 GB\n",
        &["Learning Rate 10=0.00001", "Peak mem 10=5.1", "Tokens/sec 10=200.5", "Train loss 10=2.5"],
    );
    check("global_step=1024, episodic_return=[20.5]\nSPS: 1234\n", &["episodic_return 1024=20.5"]);
}

#[test]
fn counters_that_follow_each_other_without_a_sign_between_are_told_apart() {
    check("epoch 1 step 1 loss 5\nepoch 1 step 2 loss 4\n", &["loss 1=5 2=4"]);
    check("Epoch 1/2 step 5/10, loss: 5\nEpoch 1/2 step 10/10, loss: 4\nEpoch 2/2 step 5/10, loss: 3\n", &["loss 5=5 10=4 15=3"]);
    check("Epoch 1 Batch 10/100 loss 5\nep 1 Step 20: loss 4\n", &["loss 10=5 20=4"]);
    check("loss 2.5 step 100\nlr 0.5 step 200 loss 2\n", &["loss 100=2.5 200=2", "lr 200=0.5"]);
    check("rank 0 step 5 loss 2\n", &["loss 5=2"]);
}

#[test]
fn counters_that_start_over_with_each_epoch_go_on() {
    let log = "Epoch [1/2], Step [100/200], Loss: 3\nEpoch [1/2], Step [200/200], Loss: 2\nEpoch [2/2], Step [100/200], Loss: 1\n";
    check(log, &["Loss 100=3 200=2 300=1"]);
    check("[1,  2000] loss: 2.5\n[1,  4000] loss: 2\n[2,  2000] loss: 1.5\n", &["loss 2000=2.5 4000=2 6000=1.5"]);
    check(
        "Train Epoch: 1 [0/600 (0%)]\tLoss: 3\nTrain Epoch: 1 [320/600 (53%)]\tLoss: 2\nTrain Epoch: 2 [0/600 (0%)]\tLoss: 1\n",
        &["Loss 0=3 320=2 600=1"],
    );
    check("epoch: 0 | step: 5 | loss: 3\nepoch: 1 | step: 6 | loss: 2\n", &["loss 5=3 6=2"]);
    // The epoch stands only in the line behind it.
    let epoch = |at: i32| format!("batch 0: loss 3\nbatch 1: loss 2\nEpoch {at} done: val_loss 4\n");
    check(&(epoch(1) + &epoch(2) + &epoch(3)), &["loss 0=3 1=2 2=3 3=2 4=3 5=2", "val_loss 1=4 3=4 5=4"]);
    // One that goes back elsewhere was taken up again.
    let step = |at: i32| format!("step {at}: loss 3\n");
    check(&(step(1) + &step(50) + &step(99) + "Epoch 1 done: acc 4\n" + &step(50)), &["acc 99=4", "loss 1=3 50=3 99=3 50=3"]);
    check(
        "Epoch 1\n-----\nloss: 2.5  [   64/600]\nloss: 2.25  [  320/600]\nTest Error:\n Accuracy: 44.5%, Avg loss: 2.125\n\nEpoch 2\n-----\nloss: 2  [   64/600]\n",
        &["Accuracy 320=44.5", "Avg loss 320=2.125", "loss 64=2.5 320=2.25 664=2"],
    );
}

#[test]
fn a_loop_without_epochs_that_came_to_its_end_goes_on_counting() {
    let epoch = |losses: [f64; 3]| format!("[20/100] loss {}\n[40/100] loss {}\n[100/100] loss {}\n", losses[0], losses[1], losses[2]);
    let log = epoch([9.0, 8.0, 7.0]) + "Accuracy: 0.5\n" + &epoch([6.0, 5.0, 4.0]) + "Accuracy: 0.75\n" + &epoch([3.0, 2.0, 1.0]);
    check(&log, &["Accuracy 100=0.5 200=0.75", "loss 20=9 40=8 100=7 120=6 140=5 200=4 220=3 240=2 300=1"]);
    assert_eq!(total(&log), Some(300));
    check("50/100 loss: 3\n100/100 loss: 2\n50/100 loss: 1\n", &["loss 50=3 100=2 150=1"]);
    // The last that is printed is not the end.
    check(&"step 0/391 loss 3\nstep 200/391 loss 2\n".repeat(2), &["loss 0=3 200=2 391=3 591=2"]);
    // Broken off in the middle, and a loop of another length.
    check("[20/100] loss 3\n[40/100] loss 2\n[20/100] loss 1\n", &["loss 20=3 40=2 20=1"]);
    check("[20/100] loss 3\n[100/100] loss 2\n[10/50] loss 1\n", &["loss 20=3 100=2 10=1"]);
    // Broken off where a further line would have been the last, or the second.
    check(&"[25/100] loss 3\n[50/100] loss 3\n[75/100] loss 2\n".repeat(2), &["loss 25=3 50=3 75=2 25=3 50=3 75=2"]);
    check(&"step 0/1000 loss 3\nstep 500/1000 loss 2\n".repeat(2), &["loss 0=3 500=2 0=3 500=2"]);
    let crash = "Traceback (most recent call last):\nRuntimeError: CUDA out of memory\n";
    check(&format!("[50/100] loss 3\n[95/100] loss 2\n{crash}[50/100] loss 1\n"), &["loss 50=3 95=2 50=1"]);
    // From a checkpoint, and a line that was printed twice.
    check("[10/100] loss 3\n[20/100] loss 3\n[100/100] loss 2\n[90/100] loss 1\n", &["loss 10=3 20=3 100=2 90=1"]);
    check("[50/100] loss 3\n[100/100] loss 2\n[100/100] loss 2\n", &["loss 50=3 100=2 100=2"]);
    // Behind a jump, nobody knows how many there were.
    let mut decoder = Stdout::new();
    let steps = |decoder: &mut Stdout, text: &str| -> Vec<_> {
        decoder.push(text.as_bytes());
        let records = std::iter::from_fn(|| decoder.next().unwrap());
        records.filter_map(|record| if let Record::Row(row) = record { Some(row.step.map(|step| step.0)) } else { None }).collect()
    };
    assert_eq!(steps(&mut decoder, &(epoch([9.0, 8.0, 7.0]) + &epoch([6.0, 5.0, 4.0]))).last(), Some(&Some(200)));
    assert!(decoder.jump());
    let behind = steps(&mut decoder, &epoch([3.0, 2.0, 1.0]));
    assert!(!behind.is_empty() && behind.iter().all(Option::is_none), "{behind:?}");
    // Of loops of two lengths, which take turns, the shorter one is inside, which is known when the log is read again.
    let two = "[50/100] loss 3\n[100/100] loss 2\n[25/50] acc 1\n[50/50] acc 2\n".repeat(2);
    decoder = Stdout::new();
    steps(&mut decoder, &two);
    assert!(decoder.is_mistaken());
    decoder.reset();
    assert_eq!(steps(&mut decoder, &two).last(), Some(&Some(200)));
    assert!(decoder.jump());
    assert_eq!(steps(&mut decoder, &two).last(), Some(&None));
}

#[test]
fn a_run_that_goes_back_to_an_epoch_goes_on_where_that_began() {
    let epoch = |epoch: i32, losses: [f64; 2]| {
        format!("Epoch [{epoch}/5], Step [100/200], Loss: {}\nEpoch [{epoch}/5], Step [200/200], Loss: {}\n", losses[0], losses[1])
    };
    let first: String = (1..=4).map(|at| epoch(at, [9.0, 8.0])).collect();
    let points = "Loss 100=9 200=8 300=9 400=8 500=9 600=8 700=9 800=8";
    check(&(first.clone() + &epoch(3, [5.0, 4.0]) + &epoch(4, [3.0, 2.0])), &[&format!("{points} 500=5 600=4 700=3 800=2")]);
    // One line of the epoch is enough, and the start of the run is known too.
    check(&(first.clone() + "Epoch [3/5], Step [50/200], Loss: 5\n" + &epoch(4, [3.0, 2.0])), &[&format!("{points} 450=5 700=3 800=2")]);
    check(&(first + &epoch(1, [3.0, 2.0])), &[&format!("{points} 100=3 200=2")]);
}

#[test]
fn a_running_average_in_parentheses_is_not_the_value() {
    check(
        "Epoch: [0][ 10/500]\tTime  0.5 ( 0.75)\tLoss 6.5e+00 (7.0e+00)\tAcc@1   7.50 (  5.25)\n",
        &["Acc@1 10=7.5", "Loss 10=6.5", "Time 10=0.5"],
    );
    check(
        "Train: 0 [  50/1251 (  4%)]  Loss: 6.9 (6.93)  LR: 1.0e-05  Data: 0.01 (0.03)\n",
        &["Data 50=0.01", "LR 50=0.00001", "Loss 50=6.9"],
    );
}

#[test]
fn sentences_around_a_row_do_not_matter() {
    check(
        "| epoch   1 |   200/ 2928 batches | lr 20.00 | loss  7.5 |  ppl 99\n| end of epoch   1 | time: 57.5s | valid loss  5.5 |\n",
        &["loss 200=7.5", "lr 200=20", "ppl 200=99", "time 200=57.5", "valid loss 200=5.5"],
    );
    check(
        "Epoch: 5/20... Training loss: 0.5\nEpoch 6 completed. Loss: 0.25\n * Acc@1 70.5 Acc@5 90.5\n",
        &["Acc@1 6=70.5", "Acc@5 6=90.5", "Loss 6=0.25", "Training loss 5=0.5"],
    );
}

#[test]
fn loggers_prefixes_and_ranks_do_not_matter() {
    check("2024-01-02 03:04:05,678 - pkg.train - INFO - step: 5, loss: 1.5\n", &["loss 5=1.5"]);
    check("INFO:tensorflow:loss = 2.5, step = 100 (10.2 sec)\n", &["loss 100=2.5"]);
    check(
        "[01/02 10:00:00 d2.utils.events]:  eta: 0:10:00  iter: 19  total_loss: 1.5  lr: 0.001  max_mem: 2000M\n",
        &["lr 19=0.001", "max_mem 19=2000", "total_loss 19=1.5"],
    );
    check(
        "[2024-01-02 03:04:05,000 INFO] Step 50/1000; acc:  5.0; ppl: 100.5; 1000/1000 tok/s;    10 sec\n",
        &["acc 50=5", "ppl 50=100.5"],
    );
    let (rows, _) = decode(&mut Stdout::new(), b"[rank3]: step 1 loss 2\n7: step 1 loss 2\nrank: 5 | step: 1 | loss: 2\n", usize::MAX);
    assert_eq!(rows.iter().map(|(row, _)| row.rank).collect::<Vec<_>>(), [3, 7, 5]);
}

#[test]
fn rounds_of_boosting_are_steps() {
    check(
        "[0]\ttrain-auc:0.5\tvalid_1's auc: 0.25\n[10:11:12] INFO: note\n[1]\ttrain-auc:0.75\tvalid_1's auc: 0.5\n",
        &["train-auc 0=0.5 1=0.75", "valid_1's auc 0=0.25 1=0.5"],
    );
    check(
        "0:\tlearn: 0.75\ttest: 0.5\tbest: 0.5 (0)\ttotal: 10ms\tremaining: 1s\n1:\tlearn: 0.5\ttest: 0.25\tbest: 0.25 (1)\ttotal: 20ms\tremaining: 1s\n",
        &["learn 0=0.75 1=0.5", "test 0=0.5 1=0.25", "total 0=10 1=20"],
    );
}

#[test]
fn a_line_without_a_step_belongs_to_the_one_before() {
    check("val loss 5.5\nstep 0: loss 4\nval loss 3.5\nthe end\n", &["loss 0=4", "val loss -=5.5 0=3.5"]);
    check(
        "Epoch: 01 | Epoch Time: 0m 10s\n\tTrain Loss: 3.5 | Train PPL: 33\n\t Val. Loss: 3 |  Val. PPL: 20\n",
        &["Train Loss 1=3.5", "Train PPL 1=33", "Val. Loss 1=3", "Val. PPL 1=20"],
    );
    check(
        "Epoch 0/24\n----------\ntrain Loss: 0.75 Acc: 0.5\nval Loss: 0.5 Acc: 0.25\n\nEpoch 1/24\n----------\ntrain Loss: 0.5 Acc: 0.75\n",
        &["Acc 0=0.5 1=0.75", "train Loss 0=0.75 1=0.5", "val Loss 0=0.5", "val/Acc 0=0.25"],
    );
}

#[test]
fn the_same_name_again_without_a_step_is_something_else() {
    check("step 9: loss 2\nval loss 3\nval loss 1\n", &["loss 9=2", "val loss 9=3"]);
}

#[test]
fn blocks_under_a_counter_are_rows() {
    check(
        "\n   Learning iteration 10/1500\n\n   Computation: 50000 steps/s (collection: 0.5s, learning 0.1s)\n   Mean reward: 10.5\n   Mean noise std: 0.5\n   ETA: 900.0s\n",
        &["Computation 10=50000", "Mean noise std 10=0.5", "Mean reward 10=10.5", "collection 10=0.5", "learning 10=0.1"],
    );
    check(
        "[batch=10/1000]:\n\t Train time/batch: 9\n\t Train loss/train/total: 2.5\n",
        &["Train loss/train/total 10=2.5", "Train time/batch 10=9"],
    );
}

#[test]
fn what_counts_as_settings_do_is_a_row_when_its_names_come_again() {
    check(
        "{'batch': 1, 'lr': 0.5}\n{'batch': 2, 'lr': 0.25}\n{'batch': 3, 'lr': 0.125}\n",
        &["batch 1=1 2=2 3=3", "lr 1=0.5 2=0.25 3=0.125"],
    );
    check("batch: 16, lr: 0.1\nbatch: 1, norm: 2\nbatch: 2, norm: 3\n", &["norm 1=2 2=3"]);
    silent("{'batch': 16, 'lr': 0.5}\n{'batch': 16, 'lr': 0.5}\n");
    check("step 5 loss 9\rbatch 6 norm 2\nbatch 7 norm 3\n", &["loss 5=9", "norm 6=2 7=3"]);
    check("batch 10 norm 2\nbatch 10 wait 1\nbatch 20 norm 3\nbatch 20 wait 4\n", &["norm 10=2 20=3", "wait 10=1 20=4"]);
    check("step: 1, lr: 0.5, num_workers: 4\nstep: 2, lr: 0.25, num_workers: 3\n", &["lr 1=0.5 2=0.25", "num_workers 1=4 2=3"]);
    check("{'step': 100, 'lr': 0.5}\n", &["lr 100=0.5", "step 100=100"]);
    check("batch 3/100, lr: 0.5\n", &["lr 3=0.5"]);
}

#[test]
fn bars_give_one_point_a_step_however_often_they_are_drawn() {
    let bar = "\rtrain:  10%|#    | 1/10 [00:00<00:01, 9it/s]\rtrain:  10%|#    | 1/10 [00:00<00:01, 9it/s, loss=3]\rtrain:  10%|#    | 1/10 [00:00<00:01, 9it/s, loss=2]\rtrain:  20%|##   | 2/10 [00:00<00:01, 9it/s, loss=1]\n";
    check(bar, &["loss 1=2 2=1"]);
    assert_eq!(total(bar), Some(10));
    check(
        "Epoch 0:  50%|█████     | 5/10 [00:01<00:01, 4.9it/s, v_num=0, train_loss=0.5]\rEpoch 0: 100%|██████████| 10/10 [00:02<00:00, 4.9it/s, v_num=0, train_loss=0.25]\n",
        &["train_loss 0=0.25"],
    );
    silent("Downloading: 100%|██████████| 10/10 [00:02<00:00, 4.9MB/s]\nMap:  50%|#| 5/10 [00:02<00:00, 4 examples/s, part=3]\n");
    check(
        "Epoch 1/2\n\r 1/24 [>.....] - ETA: 1s - loss: 0.75\r24/24 [======] - 1s 20ms/step - loss: 0.5 - val_loss: 0.25\n",
        &["loss 1=0.5", "val_loss 1=0.25"],
    );
}

#[test]
fn an_evaluation_behind_the_last_epoch_does_not_replace_it() {
    check("Epoch 1/1\n24/24 - 1s - loss: 0.5 - accuracy: 0.75\n5/5 - 0s - loss: 0.9 - accuracy: 0.1\n", &["accuracy 1=0.75", "loss 1=0.5"]);
}

#[test]
fn an_open_bar_shows_its_newest_state_when_asked() {
    let mut decoder = Stdout::new();
    let mut values = |bytes: &str| {
        decoder.push(bytes.as_bytes());
        let mut out = vec![];
        for glimpse in [false, true] {
            if glimpse {
                decoder.glimpse();
            }
            while let Some(record) = decoder.next().unwrap() {
                if let Record::Row(row) = record {
                    out.push((glimpse, row.step.unwrap().0, row.values[0].1));
                }
            }
        }
        out
    };
    assert_eq!(values("\rEpoch 1/3:  10%|#   | 4/40 [00:00<00:00, 4.4it/s, loss=0.5]"), [(true, 1, 0.5)]);
    assert_eq!(values("\rEpoch 1/3:  20%|#   | 8/40 [00:00<00:00, 4.4it/s, loss=0.2"), [(true, 1, 0.5)]);
    assert_eq!(values("5]"), [(true, 1, 0.25)]);
    assert_eq!(values("\nstep 5"), [(false, 1, 0.25)]);
    assert_eq!(values(": loss 2\n"), [(false, 5, 2.0)]);
}

#[test]
fn tables_under_a_header_are_rows() {
    check(
        "epoch     train_loss  valid_loss  accuracy  time\n0         0.5         0.25        0.75      00:12\n1         0.25        0.125       1.0       00:11\n",
        &["accuracy 0=0.75 1=1", "train_loss 0=0.5 1=0.25", "valid_loss 0=0.25 1=0.125"],
    );
    check(
        "E    #       LOSS TOK2VEC  LOSS NER  SCORE \n---  ------  ------------  --------  ------\n  0       0          0.00     51.50    0.25\n  0     200         12.50     40.25    0.50\n",
        &["LOSS NER 0=51.5 200=40.25", "LOSS TOK2VEC 0=0 200=12.5", "SCORE 0=0.25 200=0.5"],
    );
    check(
        "| epoch | loss | acc |\n|-------|------|-----|\n|     1 |  0.5 | 90% |\n|     2 | 0.25 | 91% |\n",
        &["acc 1=90 2=91", "loss 1=0.5 2=0.25"],
    );
    check("epoch,loss,acc\n1,0.5,0.25\n2,0.25,0.5\n", &["acc 1=0.25 2=0.5", "loss 1=0.5 2=0.25"]);
    let yolo = "      Epoch    GPU_mem   box_loss       Size\n        1/3      4.5G        1.25        640: 100%|██| 8/8 [00:01<00:00, 7it/s]\n                 Class     Images      Box(P          R      mAP50  mAP50-95): 100%|██| 4/4 [00:01<00:00, 3it/s]\n                   all        100       0.5       0.25      0.125    0.0625\n";
    check(
        yolo,
        &[
            "GPU_mem 1=4.5",
            "Size 1=640",
            "box_loss 1=1.25",
            "val/Images 1=100",
            "val/P 1=0.5",
            "val/R 1=0.25",
            "val/mAP50 1=0.125",
            "val/mAP50-95 1=0.0625",
        ],
    );
    // As its later versions draw it, in a terminal too narrow for the last columns.
    let narrow = "      Epoch   box_loss   cls_loss       Size\n\r\x1b[K        1/3        2.5        0.5         64: 0% ──────────── 0/4  0.3s\r\x1b[K        1/3       1.25       0.25   …\x1b[0m: 50% ━━━━━━────── 2/4 3.6it/s 0.4s<0.6s\n";
    check(narrow, &["Size 1=64", "box_loss 1=1.25", "cls_loss 1=0.25"]);
    silent("trainer: auto=False, amp=False, epochs=3, batch=4, box=7.5, cfg=None, augment=none, iou=0.7, mode=train\n");
}

#[test]
fn boxes_of_two_columns_are_rows() {
    check(
        "----------------------\n| rollout/  |        |\n|    ep_rew_mean | 20.5 |\n| time/     |        |\n|    total_timesteps | 2048 |\n----------------------\n",
        &["rollout/ep_rew_mean 2048=20.5", "time/total_timesteps 2048=2048"],
    );
    check(
        "step 3 loss 1\n┏━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┓\n┃ Test metric ┃ DataLoader 0 ┃\n┡━━━━━━━━━━━━━╇━━━━━━━━━━━━━━┩\n│ test_acc    │ 0.75         │\n└─────────────┴──────────────┘\n",
        &["loss 3=1", "test_acc 3=0.75"],
    );
    silent("| Layer | Params |\n|-------|--------|\n| dense | 1,344 |\n| total | 2,000 |\n");
}

#[test]
fn a_row_under_a_ruler_that_counts_is_no_box() {
    check("Training\n-----\nepoch 1 loss 0.5\nepoch 2 loss 0.25\n", &["loss 1=0.5 2=0.25"]);
}

#[test]
fn what_is_no_metric_stays_out() {
    for line in [
        "Mon Oct 14 05:01:30 2024",
        "| NVIDIA-SMI 535.129.03             Driver Version: 535.129.03   CUDA Version: 12.2     |",
        "|   0  NVIDIA H100 80GB HBM3          On  | 00000000:61:00.0 Off |                    0 |",
        "| N/A   26C    P0             113W / 700W |   5787MiB / 81559MiB |      1%      Default |",
        "learning_rate: 0.001",
        "lr = 3e-4",
        "max_steps: 1000",
        "number of parameters: 123.65M",
        "Namespace(lr=0.001, epochs=10, loss_weight=0.5)",
        "AdamW(lr=0.001, betas=(0.9, 0.999), eps=1e-08)",
        "python train.py --batch 20 --epochs 64 --lr 0.1",
        "{'batch': 16, 'lr': 0.1, 'seed': 1}",
        "{'epoch': 10, 'batch': 32, 'lr': 0.1}",
        "{'iter': 1000, 'lr': 0.1, 'hidden': 64}",
        "batch=16, epochs=10, lr=0.001",
        "TrainConfig(step=1000, lr=0.1)",
        "hparams: {'step': 1000, 'lr': 0.1}",
        "Hyperparameters: batch 16 | lr 0.1 | steps 1000",
        "| batch | 16 |\n| lr | 0.1 |",
        "{\n  \"batch\": 16,\n  \"lr\": 0.1\n}",
        "Found 677 images in 3 folders",
        "saving checkpoint to out/step=10-loss=0.5.ckpt",
        "see https://example.com/runs/12?step=3",
        "torch 2.1.0, cuda 12.1, python 3.11.4",
        "wandb:   val_loss 0.05733",
        "wandb:   val_loss ▁▂▃▅▇",
        "Traceback (most recent call last):",
        "  File \"train.py\", line 12, in <module>",
        "RuntimeError: CUDA out of memory. Tried to allocate 20.00 GiB",
        "[1, 2, 3]",
        "123456",
        "12:30:45",
        "0x7fd98c000000",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4",
    ] {
        silent(&format!("{line}\n"));
        // Nor in the middle of a run.
        assert_eq!(show(&format!("step 1: loss 2\n{line}\nstep 2: loss 1\n")), ["loss 1=2 2=1"], "{line}");
    }
}

#[test]
fn totals_come_from_counters() {
    assert_eq!(total("step:1/5100 loss:2\n"), Some(5100));
    assert_eq!(total(" iteration       10/    1000 | lm loss: 2.5 |\n"), Some(1000));
    assert_eq!(total("step 1 loss 2\n"), None);
}

#[test]
fn a_step_that_goes_back_is_given_out_as_it_comes() {
    check("step 10 loss 2\nstep 20 loss 1\nstep 10 loss 3\n", &["loss 10=2 20=1 10=3"]);
}

#[test]
fn rows_know_where_their_line_starts() {
    let (rows, _) = decode(&mut Stdout::new(), b"hello\nstep 1 loss 2\n\nstep 2 loss 1\n", 3);
    assert_eq!(rows.iter().map(|(row, _)| row.offset).collect::<Vec<_>>(), [Some(6), Some(21)]);
}

#[test]
fn console_lines_come_only_when_asked_and_as_they_looked_at_last() {
    let lines = |mut decoder: Stdout| {
        decoder.push("\x1b[31mred\x1b[0m é\n\n123\n10%\r20%\r\n".as_bytes());
        let records = std::iter::from_fn(|| decoder.next().unwrap());
        records.filter_map(|record| if let Record::Console(line) = record { Some(line.text) } else { None }).collect::<Vec<_>>()
    };
    assert_eq!(lines(Stdout::with_console()), ["red é", "", "123", "20%"]);
    assert!(lines(Stdout::new()).is_empty());
}

#[test]
fn an_overlong_line_is_a_loss_and_the_next_line_counts() {
    let mut log = b"step 1 loss 2\n".to_vec();
    log.extend(vec![b'x'; 2 << 20]);
    log.extend(b"\nstep 2 loss 1\n");
    for chunk in [1 << 12, log.len()] {
        let (rows, losses) = decode(&mut Stdout::new(), &log, chunk);
        assert_eq!((rows.len(), losses.len()), (2, 1));
        assert_eq!((losses[0].offset, losses[0].bytes), (14, (2 << 20) + 1));
    }
}

/// A number as programs print it.
fn printed() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{1,6}",
        "-?[0-9]{1,3}\\.[0-9]{1,6}",
        "[0-9]\\.[0-9]{2}e[+-]0[0-9]",
        "[1-9][0-9]{0,2}(,[0-9]{3}){1,2}",
        "[0-9]{1,3}/[0-9]{1,4}",
        "[0-9]{1,2}:[0-9]{2}",
        "[0-9]{1,2}(ms|%|GiB|v2|x)",
        Just("nan".to_owned()),
        Just("-inf".to_owned()),
        Just("n/a".to_owned()),
    ]
}

#[test]
fn a_bracket_in_front_is_a_count_only_as_a_plain_number() {
    check("[0][ 5]  loss: 0.5\n[0ms][ 6]  loss: 0.25\n", &["loss 5=0.5 6=0.25"]);
    check("[1,  2000] loss: 2.5\n[10:20:30] loss: 2\n", &["loss 2000=2.5"]);
    check("[99999999999999999999] loss: 1\n[0] loss: 2\n", &["loss 9223372036854775807=1 0=2"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_known_shape_reads_as_the_rules_do(
        numbers in proptest::collection::vec((printed(), printed(), printed(), 0..9_usize, " {0,3}"), 2..30), prefix in "(|2024-01-02 03:04:05 |\\[rank[01]\\]: |[01]: |INFO: )") {
        let line = |(i, (a, b, c, style, pad)): (usize, &(String, String, String, usize, String))| match style {
            0 => format!("{prefix}step {i}: loss {pad}{a}, val loss {b}, lr {c}\n"),
            1 => format!("{prefix}step:{a} loss:{b} acc:{pad}{c}\n"),
            2 => format!("{prefix}epoch {pad}{a} | step {b} | loss={c}\n"),
            3 => format!("[{a}][{pad}{b}]  loss: {c}  ({a})\n"),
            4 => format!("[{pad}{a}]\ttrain-auc:{b}\ttest's auc: {c}\n"),
            5 => format!("{prefix}Epoch [{pad}{a}] Loss (ms): {b} took {c} s\n"),
            6 => format!("loss: {a}  [{pad}{b}] {c}\nepoch {i} done: loss {c} - lr {pad}{b}\n"),
            7 => format!("Epoch {pad}{a}\n"),
            _ => format!("rank: {a} | iter: {i} | loss: {pad}{b}{c}\n"),
        };
        let log: String = numbers.iter().enumerate().map(line).collect();
        let mut plain = Stdout::new();
        plain.reader.forget_shapes();
        let (a, b) = (decode(&mut Stdout::new(), log.as_bytes(), 50), decode(&mut plain, log.as_bytes(), 50));
        prop_assert_eq!(format!("{a:?}"), format!("{b:?}"), "{}", log);
    }
}

/// What a decoder says, taken at once.
#[derive(Default)]
struct Said(Vec<String>);

impl Taker for Said {
    fn take(&mut self, record: Result<Record, Loss>) {
        self.0.push(format!("{record:?}"));
    }
}

#[test]
fn a_carriage_return_in_front_of_a_known_line_is_no_space() {
    let log = b"step 1: loss 2.5\n\rstep 2: loss 2.5\n step 3: loss 2.5 \r\n";
    let (rows, _) = decode(&mut Stdout::new(), log, usize::MAX);
    assert_eq!(rows.iter().map(|(row, _)| row.offset.unwrap()).collect::<Vec<_>>(), [0, 18, 35]);
}

proptest! {
    #[test]
    fn taken_at_once_and_one_by_one_it_is_the_same(
        pieces in proptest::collection::vec(prop_oneof![
            "step [0-9]{1,9}: loss [0-9]{1,5}\\.[0-9]{1,5}(ms|%|)\r?\n", "step [0-9]: loss [0-9]é?, lr 1e-3\n", Just("\r".to_owned()),
            "[a-z é|\x1b]{0,9}\n"], 0..30),
        cut in 1..99_usize,
    ) {
        let log = pieces.concat();
        let (mut at_once, mut one_by_one) = (Stdout::with_console(), Stdout::with_console());
        let (mut said, mut asked) = (Said::default(), Said::default());
        for piece in log.as_bytes().chunks(cut) {
            at_once.push(piece);
            at_once.drain(&mut said);
            one_by_one.push(piece);
            while let Some(record) = one_by_one.next().unwrap() {
                asked.take(Ok(record));
            }
        }
        prop_assert_eq!(said.0, asked.0);
    }

    #[test]
    fn any_bytes_in_any_split_give_the_same_rows(bytes in proptest::collection::vec(prop_oneof![
        any::<u8>(), Just(b'\n'), Just(b'\r'), Just(0x1b), Just(b'|'), Just(b'5'), Just(b' ')], 0..300), cut in 1..40_usize) {
        let (a, b) = (decode(&mut Stdout::new(), &bytes, cut), decode(&mut Stdout::new(), &bytes, usize::MAX));
        prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }

    #[test]
    fn pieces_of_logs_in_any_order_and_split_give_the_same_rows(
        pieces in proptest::collection::vec(prop_oneof![
            Just("step 5: loss 2.5, lr 1e-3\n"), Just("Epoch 1/3\n"), Just("\r"), Just("\n"), Just(" 10%|#  | 4/40 [00:00<00:00, 4it/s, loss=0.5]"),
            Just("| a/b | 0.5 |\n"), Just("---\n"), Just("epoch loss acc\n"), Just("1 0.5 0.25\n"), Just("{'loss': 0.5}"), Just("24/24 - loss: 0.5\x08\x08"),
            Just("\x1b[2K"), Just("\x1b[2A"), Just("[1][2/3] loss: 1\n"),
            Just("Epoch 0/2 ━━━━ 5/20 0:00:00 loss: 0.5 acc:"), Just("0.75"), Just("{'loss': 1,\n"), Just(" 'step': 3}\n"), Just("Iteration 9\n"),
            Just("Loss 5\n"), Just("EPOCH 1 done: loss 2\n"), Just("batch: 16\n"), Just("lr: 0.5\n"), Just("| step 3 | loss 2 |\n"), Just("1: 5,\n"), Just(" 50%|# | 1/2 [0<1, 9it/s, loss=4]\r"), Just("steps: 5\n"), Just("val loss: 3\n"), Just("█"), Just("loss: nan\n")], 0..20),
        cut in 1..20_usize) {
        let log = pieces.concat();
        let (a, b) = (decode(&mut Stdout::new(), log.as_bytes(), cut), decode(&mut Stdout::new(), log.as_bytes(), usize::MAX));
        prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }
}

/// Checks what rules make of a log, in any pieces and once more after a reset.
#[track_caller]
fn check_rules(rules: &[&str], log: &str, want: &[&str]) {
    let rules = || rules.iter().map(|rule| LineRule::parse(rule).unwrap()).collect::<Vec<_>>();
    for chunk in [1, 7, log.len()] {
        assert_eq!(show_by(Stdout::new().rules(rules()), log, chunk), want, "{log}");
    }
    let mut decoder = Stdout::with_console().rules(rules());
    decode(&mut decoder, log.as_bytes(), 9);
    decoder.reset();
    assert_eq!(show_by(decoder, log, 5), want, "after a reset");
}

#[test]
fn a_rule_of_a_person_comes_before_those_of_og() {
    let rule = r"step (?P<step>\d+) .* loss (?P<loss>\S+)";
    check_rules(&[rule], "at step 10 of many, loss 2.5 acc 0.5\nat step 20 of many, loss 2.25, acc 0.75\n", &["loss 10=2.5 20=2.25"]);
    // What it does not fit is read as usual.
    check_rules(&[rule], "step 10 | loss 3\nstep 20: lr 0.5\n", &["loss 10=3", "lr 20=0.5"]);
    check_rules(&[r"^<(?P<step>\d+)/\d+> (?P<x>\S+) (?P<y>\S+)$"], "<1/9> 5 6\n<2/9> 7 -\n", &["x 1=5 2=7", "y 1=6"]);
}

#[test]
fn rules_are_joined_and_the_usual_step_stands_where_they_name_none() {
    let rules = [r"L=(?P<loss>\S+)", r"A=(?P<acc>\S+)"];
    check_rules(&rules, "step 5: L=2 A=0.5 time 12ms\nstep 6: A=0.75\n", &["acc 5=0.5 6=0.75", "loss 5=2"]);
    check_rules(&rules, "A=0.5\nA=0.75\n", &["acc -=0.5 -=0.75"]);
}

#[test]
fn a_step_that_a_rule_names_is_no_epoch() {
    // Were it one, the last loss would be taken for that of an epoch, as are those that come with epochs only.
    check_rules(
        &[r"^L (?P<step>\d+) (?P<loss>\S+)$"],
        "epoch 1 | acc 0.5\nL 5 2.5\niter 9 | lr 1\nepoch 1 done: loss 2\n",
        &["acc 1=0.5", "loss 5=2.5 9=2", "lr 9=1"],
    );
}

#[test]
fn redraws_and_colours_are_gone_before_a_rule_sees_a_line() {
    let rule = r"^\[(?P<step>\d+)\] (?P<loss>\S+)$";
    check_rules(&[rule], "\x1b[32m[1] 5\x1b[0m\r[1] 4\r[2] 3\n[3] 2\n", &["loss 1=4 2=3 3=2"]);
}
