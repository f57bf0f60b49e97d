use super::*;
use crate::{model::Step, source::decode_for_tests as decode};
use proptest::prelude::*;

type Rows<'a> = &'a [(Option<i64>, &'a [(&'a str, f64)])];

#[track_caller]
fn check(text: &str, want: Rows) {
    let want: Vec<_> = want.iter().map(|(s, v)| (*s, v.iter().map(|(k, v)| (k.to_string(), *v)).collect::<Vec<_>>())).collect();
    for chunk in [1, 7, text.len()] {
        let (rows, losses) = decode(&mut Csv::new(CsvOptions::default()), text.as_bytes(), chunk);
        assert_eq!(losses, []);
        let got: Vec<_> = rows.iter().map(|(row, values)| (row.step.map(|s| s.0), values.clone())).collect();
        assert_eq!(format!("{got:?}"), format!("{want:?}"));
    }
}

#[test]
fn thousands_may_be_parted() {
    check(
        "step,loss,tokens\n\"1,000\",-0.5,\"1,234,567.5\"\n\"2,000\",\"1,23\",\"12,34,567\"\n",
        &[(Some(1000), &[("loss", -0.5), ("tokens", 1_234_567.5)])],
    );
    check(
        "step;loss;tokens\n1;1,234;1.234.567,5\n2;0,5;\"1,234.5\"\n",
        &[(Some(1), &[("loss", 1.234), ("tokens", 1_234_567.5)]), (Some(2), &[("loss", 0.5), ("tokens", 1234.5)])],
    );
    check("step\ttokens\n1\t-1,234\n", &[(Some(1), &[("tokens", -1234.0)])]);
    check("step,acc\n1,95.5%\n2,%\n", &[(Some(1), &[("acc", 95.5)])]);
}

#[test]
fn lightning_leaves_cells_empty() {
    check(
        "epoch,step,train_loss,val_loss\n0,49,0.5,\n0,99,0.25,\n0,99,,0.75\n",
        &[
            (Some(49), &[("epoch", 0.0), ("train_loss", 0.5)]),
            (Some(99), &[("epoch", 0.0), ("train_loss", 0.25)]),
            (Some(99), &[("epoch", 0.0), ("val_loss", 0.75)]),
        ],
    );
}

#[test]
fn keras_counts_epochs_and_writes_lists_as_text() {
    check(
        "epoch,accuracy,loss,lr\r\n0,0.5,1.5,\"[0.1, 0.2]\"\r\n1,nan,inf,NA\r\n",
        &[(Some(0), &[("accuracy", 0.5), ("loss", 1.5)]), (Some(1), &[("accuracy", f64::NAN), ("loss", f64::INFINITY)])],
    );
}

#[test]
fn stable_baselines_has_its_step_in_any_column_and_quotes_texts() {
    check(
        "rollout/ep_rew_mean,time/fps,time/total_timesteps,train/loss\n21.5,800,2048,\n,700,4096,\"0.125\"\n",
        &[(Some(2048), &[("rollout/ep_rew_mean", 21.5), ("time/fps", 800.0)]), (Some(4096), &[("time/fps", 700.0), ("train/loss", 0.125)])],
    );
}

#[test]
fn a_monitor_file_says_when_it_began_and_in_which_world() {
    let text = "#{\"t_start\": 1700000000.5, \"env_id\": \"CartPole-v1\"}\nr,l,t\n20.0,20,1.25\n";
    let mut decoder = Csv::new(CsvOptions::default());
    decoder.push(text.as_bytes());
    let records: Vec<_> = std::iter::from_fn(|| decoder.next().unwrap()).collect();
    assert_eq!(records[..2], [Record::Info("started_at", 1700000000.5.into()), Record::Config("env_id".into(), "CartPole-v1".into())]);
    assert!(
        matches!(&records[4..], [Record::Row(row)] if row.step.is_none() && row.time == WallTime::new(1700000001.75) && row.values.len() == 2)
    );
}

#[test]
fn a_download_of_tensorboard_has_times_in_front() {
    let text = "Wall time,Step,Value\n1700000000.25,10,0.5\n";
    check(text, &[(Some(10), &[("Value", 0.5)])]);
    let (rows, _) = decode(&mut Csv::new(CsvOptions::default()), text.as_bytes(), 9);
    assert_eq!(rows[0].0.time, WallTime::new(1700000000.25));
}

#[test]
fn dates_are_times() {
    let text = "date,iter,loss\n2023-11-14 22:13:20,1,0.5\n";
    let (rows, _) = decode(&mut Csv::new(CsvOptions::default()), text.as_bytes(), 9);
    assert_eq!((rows[0].0.step, rows[0].0.time), (Some(Step(1)), WallTime::new(1.7e9)));
}

#[test]
fn semicolons_tabs_marks_and_decimal_commas_are_seen() {
    check("\u{feff}step;loss;x,y\n1;0,5;2\n", &[(Some(1), &[("loss", 0.5), ("x,y", 2.0)])]);
    check("step\tloss\n1\t1e-3\n", &[(Some(1), &[("loss", 0.001)])]);
    check("loss\n0.5\n\n0.25\n", &[(None, &[("loss", 0.5)]), (None, &[("loss", 0.25)])]);
    check("\"step\" , \"a \"\"b\"\", c\"\n 1 , 2 \n", &[(Some(1), &[("a \"b\", c", 2.0)])]);
}

#[test]
fn a_row_that_is_one_point_is_of_the_metric_that_it_names() {
    let point = |step, name, value| (Some(step), vec![(name, value)]);
    let want = [point(1, "loss", 2.5), point(1, "val/acc, top", 0.5), point(2, "loss", 2.0)];
    let want = want.each_ref().map(|(step, values)| (*step, values.as_slice()));
    for (name, value) in [("metric", "value"), ("key", "val"), ("Tag", "Value"), ("name", "value"), ("variable", "value")] {
        check(&format!("step,{name},{value}\n1,loss,2.5\n1,\"val/acc, top\",0.5\n2,loss,2.0\n"), &want);
        check(&format!(",{value},time,{name},step\n0,2.5,1.7e9,loss,1\n1,0.5,1.7e9,\"val/acc, top\",1\n2,2.0,1.7e9,loss,2\n"), &want);
    }
    check("epoch,step,tag,value\n0,5,lr,0.5\n", &[(Some(5), &[("epoch", 0.0), ("lr", 0.5)])]);
    // What has no name, or more beside it, stays as it is.
    check("step,tag,value\n1,,2\n2,3,4\n", &[(Some(1), &[("value", 2.0)]), (Some(2), &[("tag", 3.0), ("value", 4.0)])]);
    check("step,tag,value,loss\n1,a,2,3\n", &[(Some(1), &[("value", 2.0), ("loss", 3.0)])]);
    // The first row with both tells it for all.
    let names = "step,metric,value,std\n";
    check(
        &format!("{names}0,loss,,0.3\n1,loss,2.5,\n2,loss,2.0,0.1\n3,loss,1.5,\n"),
        &[(Some(0), &[("std", 0.3)]), (Some(1), &[("loss", 2.5)]), (Some(2), &[("loss", 2.0), ("std", 0.1)]), (Some(3), &[("loss", 1.5)])],
    );
    check(&format!("{names}2,loss,2.0,0.1\n3,loss,1.5,\n"), &[(Some(2), &[("value", 2.0), ("std", 0.1)]), (Some(3), &[("value", 1.5)])]);
    check("step,tag,name,value\n1,a,b,2\n", &[(Some(1), &[("value", 2.0)])]);
    check("step,method,value\n1,a,2\n", &[(Some(1), &[("value", 2.0)])]);
    assert_eq!(outline(b"step,tag,value\n1,a\xff,2\n2,a,3\n", 7), (vec![Some(2)], vec![(15, 7)]));
}

#[test]
fn a_point_of_a_metric_that_has_numbers_is_lost_where_its_value_is_none() {
    let text = b"step,tag,value\n1,loss,2\n1,note,good\n2,loss,2.5x\n3,loss,\n4,loss,NA\n5,loss,None\n6,loss,nan\n7,loss,1\n";
    for chunk in [1, 7, text.len()] {
        assert_eq!(outline(text, chunk), (vec![Some(1), Some(6), Some(7)], vec![(36, 12)]));
    }
    // Where a column is no metric's, a text in it says nothing.
    assert_eq!(outline(b"step,tag,value,loss\n1,a,2,3\n2,a,x,3\n", 7), (vec![Some(1), Some(2)], vec![]));
}

#[test]
fn a_column_whose_name_is_too_long_is_told_as_such() {
    let text = format!("step,{},loss\n1,2,3\n2,2,3\n", "a".repeat(5000));
    let (rows, losses) = decode(&mut Csv::new(CsvOptions::default()), text.as_bytes(), 999);
    assert_eq!((rows.len(), rows[1].1.clone(), losses.len()), (2, vec![("loss".to_owned(), 3.0)], 1));
    assert!(losses[0].reason.contains("longer than 4096 bytes"), "{losses:?}");
}

#[test]
fn a_quoted_cell_may_hold_newlines() {
    check(
        "step,note,loss\n1,\"two\nlines, \"\"quoted\"\"\n\",0.5\n2,a 5\" disk,0.25\n",
        &[(Some(1), &[("loss", 0.5)]), (Some(2), &[("loss", 0.25)])],
    );
    check("step,\"lo\nss\"\n1,2\n", &[(Some(1), &[("lo\nss", 2.0)])]);
}

#[test]
fn a_header_may_come_again_grown_or_as_it_was() {
    check(
        "step,a\n1,10\nstep,a\n2,20\nstep,b,a\n3,5,30\n",
        &[(Some(1), &[("a", 10.0)]), (Some(2), &[("a", 20.0)]), (Some(3), &[("b", 5.0), ("a", 30.0)])],
    );
}

#[test]
fn a_table_without_a_header_takes_the_names_of_its_comment() {
    check("# step, loss\n1,0.5\n2,0.25\n", &[(Some(1), &[("loss", 0.5)]), (Some(2), &[("loss", 0.25)])]);
    check("7,0.5\n", &[(None, &[("column_1", 7.0), ("column_2", 0.5)])]);
}

#[test]
fn thousands_of_columns_are_read() {
    let names: Vec<_> = (0..5000).map(|i| format!("m{i}")).collect();
    let values: Vec<_> = (0..5000).map(|i| i.to_string()).collect();
    let text = format!("step,{}\n1,{}\n", names.join(","), values.join(","));
    let (rows, losses) = decode(&mut Csv::new(CsvOptions::default()), text.as_bytes(), 999);
    assert_eq!((rows[0].1.len(), rows[0].1[4999].clone(), losses), (5000, ("m4999".to_owned(), 4999.0), vec![]));
}

#[test]
fn the_step_may_be_named_and_survives_a_reset() {
    let mut decoder = Csv::new(CsvOptions { step_key: Some("frames".into()), time_key: None });
    for _ in 0..2 {
        let (rows, _) = decode(&mut decoder, b"step,frames,loss\n1,64,0.5\n", 5);
        assert_eq!((rows[0].0.step, rows[0].1.len()), (Some(Step(64)), 2));
        decoder.reset();
    }
}

/// Steps of the rows, and offset and length of the losses.
fn outline(text: &[u8], chunk: usize) -> (Vec<Option<i64>>, Vec<(u64, u64)>) {
    let (rows, losses) = decode(&mut Csv::new(CsvOptions::default()), text, chunk);
    (rows.iter().map(|(row, _)| row.step.map(|step| step.0)).collect(), losses.iter().map(|l| (l.offset, l.bytes)).collect())
}

#[test]
fn rows_of_other_lengths_are_short_or_lost() {
    let text = b"step,a,b\n1,2\n2,3,4,,\n3,4,5,6\nTraceback (most recent call last):\n4,\xff,5\n5,\0\0,1\n6,1,2\n";
    for chunk in 1..text.len() {
        assert_eq!(outline(text, chunk), (vec![Some(1), Some(2), Some(4), Some(6)], vec![(21, 8), (29, 35), (66, 1), (70, 7)]));
    }
}

#[test]
fn text_in_another_encoding_costs_no_number() {
    let text = b"step,gr\xf6\xdfe,note\n1,0.5,\xe4\n2,0.25,b\n";
    for chunk in 1..text.len() {
        let (rows, losses) = decode(&mut Csv::new(CsvOptions::default()), text, chunk);
        let values = |at: usize| rows[at].1.clone();
        assert_eq!((values(0), values(1), losses), (vec![("größe".to_owned(), 0.5)], vec![("größe".to_owned(), 0.25)], vec![]));
    }
    // A byte that parted two cells, or one that says where the row stands.
    assert_eq!(outline(b"step,a,b\n1,2,3\n2\xac3,4\n\xb3,4,5\n", 7), (vec![Some(1)], vec![(15, 6), (21, 6)]));
    assert_eq!(outline(b"step,split,a\n1,train,2\n2,va\xec,9\n3,train,1\n", 7), (vec![Some(1), Some(3)], vec![(23, 8)]));
}

#[test]
fn columns_of_one_name_are_told_apart_and_cells_may_stand_between_bars() {
    check("step|loss|loss\n1|2.5|3\n", &[(Some(1), &[("loss", 2.5), ("loss.1", 3.0)])]);
    check("step,,loss,\nstep,,loss,\n1,,2,\n", &[(Some(1), &[("loss", 2.0)])]);
}

#[test]
fn a_quote_that_is_never_closed_costs_its_line() {
    let mut text = b"step,a\n1,\"oops\n".to_vec();
    for step in 2..20_000 {
        text.extend(format!("{step},5\n").bytes());
    }
    for chunk in [1000, text.len()] {
        let (steps, losses) = outline(&text, chunk);
        assert_eq!((steps.len(), steps[0], losses), (19_998, Some(2), vec![(7, 8)]));
    }
    let mut decoder = Csv::new(CsvOptions::default());
    decoder.push(b"step,a\n1,\"oops\n2,5\n");
    while let Ok(Some(_)) = decoder.next() {}
    decoder.finish();
    assert_eq!(decoder.next().map_err(|loss| (loss.offset, loss.bytes)), Err((7, 8)));
    assert!(matches!(decoder.next(), Ok(Some(Record::Key(..)))));
    assert!(matches!(decoder.next(), Ok(Some(Record::Row(row))) if row.step == Some(Step(2))));
}

#[test]
fn a_last_line_counts_when_nothing_more_is_expected_and_it_has_all_cells() {
    for (text, want) in [("step,a\n1,2", 1), ("step,a\n1", 0), ("step,a\n1,\"2", 0), ("step,a", 0)] {
        let mut decoder = Csv::new(CsvOptions::default());
        decoder.push(text.as_bytes());
        assert_eq!(decoder.next(), Ok(None));
        decoder.finish();
        let rows = std::iter::from_fn(|| decoder.next().unwrap()).filter(|record| matches!(record, Record::Row(_))).count();
        assert_eq!(rows, want, "{text}");
    }
}

proptest! {
    #[test]
    fn any_bytes_in_any_split_give_the_same_records(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'"'), Just(b','), Just(b'1'), Just(b'a'), Just(b'#'), any::<u8>()], 0..200), cut in 1..50_usize) {
        let (a, b) = (decode(&mut Csv::new(CsvOptions::default()), &bytes, cut), decode(&mut Csv::new(CsvOptions::default()), &bytes, usize::MAX));
        prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }

    #[test]
    fn a_cut_gives_the_rows_before_it(end in 0..100_usize, cut in 1..50_usize) {
        let text = b"step,a,\"b\nc\"\n1,2.5,3\n2,\"3.5\",4\n3,,\"5\n\"\n4,1,2\n";
        let end = end.min(text.len());
        let (all, part) = (outline(text, usize::MAX), outline(&text[..end], cut));
        prop_assert!(all.0.starts_with(&part.0) && part.1.is_empty());
    }
}

#[test]
fn a_last_row_without_a_newline_may_have_lines_in_quotes() {
    let finished = |text: &str| {
        let mut csv = Csv::new(CsvOptions::default());
        csv.push(text.as_bytes());
        let mut rows = vec![];
        let mut take = |csv: &mut Csv| {
            let mut losses = 0;
            loop {
                match csv.next() {
                    Ok(Some(Record::Row(row))) => rows.push((row.step.map(|step| step.0), row.values.len())),
                    Ok(Some(_)) => {}
                    Ok(None) => return losses,
                    Err(_) => losses += 1,
                }
            }
        };
        take(&mut csv);
        csv.finish();
        let losses = take(&mut csv);
        (rows, losses)
    };
    let whole = "step,note,loss\n1,\"a\n7,3\",0.5\n2,\"a\n14,3\",0.4";
    assert_eq!(finished(whole), (vec![(Some(1), 1), (Some(2), 1)], 0));
    assert_eq!(finished("step,loss,note\n1,0.5,\"a\"\n2,0.4,\"a\nb\""), (vec![(Some(1), 1), (Some(2), 1)], 0));
    for cut in "step,note,loss\n1,\"a\n7,3\",0.5\n2,\"a\n".len()..whole.len() - 3 {
        let (rows, losses) = finished(&whole[..cut]);
        assert_eq!((rows.len(), losses), (1, 1), "{}", &whole[..cut]);
    }
}

#[test]
fn a_row_without_a_step_stands_behind_the_one_before_and_one_with_words_for_it_nowhere() {
    check("step,loss\n0,1\n,2\n2,3\n", &[(Some(0), &[("loss", 1.0)]), (None, &[("loss", 2.0)]), (Some(2), &[("loss", 3.0)])]);
    assert_eq!(outline(b"step,loss\n0,1\nTotal,99\n", 7), (vec![Some(0)], vec![(14, 9)]));
}

#[test]
fn what_a_comma_in_a_number_means_hangs_on_what_stands_between_the_cells() {
    for (cell, delimiter, want) in [
        ("0,91", b'\t', Some(0.91)),
        ("1,234", b'\t', Some(1234.0)),
        ("1,234", b';', Some(1.234)),
        ("1,048,576", b';', Some(1_048_576.0)),
        ("1.048.576,5", b';', Some(1_048_576.5)),
        ("1,048,576.5", b',', Some(1_048_576.5)),
        ("0,91", b',', None),
        ("1,2,3", b'\t', None),
    ] {
        assert_eq!(number(cell, delimiter), want, "{cell} {}", char::from(delimiter));
    }
}

/// The step of a row and its values by name.
type NamedValues = (Option<i64>, Vec<(String, f64)>);

/// Reads a table again for as long as it teaches something: its rows, and what waits for its end.
fn read_until_known(text: &str) -> Vec<NamedValues> {
    let mut csv = Csv::new(CsvOptions::default());
    for _ in 0..5 {
        let (mut names, mut rows) = (vec![], vec![]);
        csv.push(text.as_bytes());
        for _ in 0..3 {
            while let Some(record) = csv.next().unwrap() {
                match record {
                    Record::Key(_, key) => names.push(key.to_string()),
                    Record::Row(row) => {
                        let values = row.values.iter().map(|(id, value)| (names[id.0 as usize].clone(), *value));
                        rows.push((row.step.map(|step| step.0), values.collect()));
                    }
                    _ => {}
                }
            }
            csv.glimpse();
        }
        if !csv.is_mistaken() {
            return rows;
        }
        csv.reset();
    }
    panic!("what was learned is forgotten");
}

#[test]
fn a_table_that_stands_newest_first_is_read_from_its_end_and_what_is_appended_behind_it() {
    let row = |step: i64, loss: f64| (Some(step), vec![("loss".to_owned(), loss)]);
    let newest = "step,loss\n3,0.5\n2,1\n1,2\n";
    assert_eq!(read_until_known(newest), [row(1, 2.0), row(2, 1.0), row(3, 0.5)]);
    assert_eq!(read_until_known(&format!("{newest}4,0.25\n5,0.125\n"))[2..], [row(3, 0.5), row(4, 0.25), row(5, 0.125)]);
    // A restart, and a countdown.
    assert_eq!(read_until_known("step,loss\n3,0.5\n2,1\n3,2\n")[..2], [row(3, 0.5), row(2, 1.0)]);
    let times = "step,loss,time\n3,0.5,1700000001\n2,1,1700000002\n1,2,1700000003\n";
    assert_eq!(read_until_known(times)[0], row(3, 0.5));
}

#[test]
fn a_table_that_grows_newest_first_is_read_again_for_each_row_and_no_more() {
    let mut csv = Csv::new(CsvOptions::default());
    let (mut steps, mut readings) = (vec![], 1);
    let lines: Vec<String> = ["step,loss\n".to_owned()].into_iter().chain((1..20).rev().map(|step| format!("{step},0.5\n"))).collect();
    let mut at = 0;
    while at < lines.len() {
        csv.push(lines[at].as_bytes());
        for _ in 0..2 {
            steps.extend(std::iter::from_fn(|| csv.next().unwrap()).filter_map(|record| match record {
                Record::Row(row) => row.step.map(|step| step.0),
                _ => None,
            }));
            csv.glimpse();
        }
        at += 1;
        if csv.is_mistaken() {
            csv.reset();
            steps.clear();
            (readings, at) = (readings + 1, 0);
        }
    }
    // The third row tells that they fall, and each from there on that they go on: all readings are looked at behind each row.
    assert_eq!((readings, steps), (1 + 1 + 17, (1..20).collect()));
}

#[test]
fn runs_that_stand_in_one_table_have_their_own_names() {
    let row = |step: i64, name: &str, loss: f64| (Some(step), vec![(name.to_owned(), loss)]);
    let want = [row(0, "seed_1/loss", 3.0), row(5, "seed_1/loss", 2.0), row(0, "seed_2/loss", 4.0), row(5, "seed_2/loss", 1.0)];
    assert_eq!(read_until_known("seed,step,loss\n1,0,3\n1,5,2\n2,0,4\n2,5,1\n"), want);
    assert_eq!(read_until_known("run,step,loss\na,0,3\na,5,2\nb,0,4\n")[2], row(0, "b/loss", 4.0));
    // A row for each metric as well; what only ranks them is another number.
    let points = "step,seed,metric,value\n0,1,loss,3\n0,1,acc,1\n5,1,loss,2\n0,2,loss,4\n0,2,acc,0\n";
    assert_eq!(read_until_known(points)[3..], [row(0, "seed_2/loss", 4.0), row(0, "seed_2/acc", 0.0)]);
    assert_eq!(read_until_known("step,rank,metric,value\n0,3,loss,3\n5,2,acc,1\n")[0].1[1].0, "value");
    let of_split = read_until_known("fold,epoch,split,loss\n1,0,train,3\n1,0,val,2\n1,1,train,3\n2,0,train,4\n2,0,val,1\n");
    assert_eq!(
        of_split.iter().map(|row| row.1[0].0.as_str()).collect::<Vec<_>>(),
        ["fold_1/loss", "fold_1/val/loss", "fold_1/loss", "fold_2/loss", "fold_2/val/loss"]
    );
}

#[test]
fn what_stands_before_the_names_of_columns_is_passed_over() {
    let want: Rows = &[(Some(1), &[("loss", 2.5)]), (Some(2), &[("loss", 1.25)])];
    for text in [
        "sep=;\nstep;loss\n1;2,5\n2;1,25\n",
        "\"sep=,\"\r\nstep,loss\r\n1,2.5\r\n2,1.25\r\n",
        "Results of run 5\nstep,loss\n1,2.5\n2,1.25\n",
        "Results;\n\nstep;loss\n1;2,5\n2;1,25\n",
        "step,loss\n[-],nats\n1,2.5\n2,1.25\n",
    ] {
        check(text, want);
    }
    assert!(is_table(b"sep=;\nstep;loss\n1;2,5\n"));
    // One column is a table as well.
    check("loss\n2.5\n", &[(None, &[("loss", 2.5)])]);
}

#[test]
fn lines_may_end_with_carriage_returns_alone() {
    let want: Rows = &[(Some(1), &[("loss", 2.5)]), (Some(2), &[("loss", 1.25)])];
    check("step,loss\r1,2.5\r2,1.25\r", want);
    check("step,loss\r\n1,2.5\r\n2,1.25\r\n", want);
    for text in ["step,loss\n1,2.5\n2,1.25\n", "step,loss\r\n1,2.5\r\n2,1.25\r\n"] {
        let (rows, _) = decode(&mut Csv::new(CsvOptions::default()), text.as_bytes(), 1);
        assert_eq!(rows[1].0.offset, text.find("2,1.25").map(|at| at as u64), "offsets are those in the source");
    }
}
