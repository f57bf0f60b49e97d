use super::{objects::DOCUMENT_BYTES_MAX, *};
use crate::{
    model::{Step, WallTime},
    source::{decode_for_tests as decode, lines::LINE_BYTES_MAX},
};
use proptest::prelude::*;
use serde_json::json;

fn rows() -> Rows {
    Rows::new(RowOptions::default())
}

type Want<'a> = &'a [(Option<i64>, &'a [(&'a str, f64)])];

#[track_caller]
fn check(text: &str, want: Want) {
    let want: Vec<_> = want.iter().map(|(s, v)| (*s, v.iter().map(|(k, v)| (k.to_string(), *v)).collect::<Vec<_>>())).collect();
    for chunk in [1, 7, text.len()] {
        let (rows, losses) = decode(&mut rows(), text.as_bytes(), chunk);
        assert_eq!(losses, []);
        let got: Vec<_> = rows.iter().map(|(row, values)| (row.step.map(|s| s.0), values.clone())).collect();
        assert_eq!(format!("{got:?}"), format!("{want:?}"));
    }
}

fn records(text: &str) -> Vec<Record> {
    let mut decoder = rows();
    decoder.push(text.as_bytes());
    std::iter::from_fn(|| decoder.next().unwrap()).collect()
}

#[test]
fn lines_of_any_shape_are_rows() {
    check(
        "{\"iteration\": 19, \"time\": 0.25, \"loss\": {\"box\": \"1.5\", \"cls\": {\"a\": NaN}}, \"note\": \"x\", \"list\": [1, \"a\", -2]}\r\n\n{\"iteration\": 39, \"lr\": 1e-3}",
        &[
            (Some(19), &[("time", 0.25), ("loss.box", 1.5), ("loss.cls.a", f64::NAN), ("list.0", 1.0), ("list.2", -2.0)]),
            (Some(39), &[("lr", 0.001)]),
        ],
    );
}

#[test]
fn texts_that_are_numbers_are_read_as_those_in_the_cells_of_a_table() {
    check(
        "{\"step\": \"1,000\", \"loss\": \" 2.5 \", \"tokens\": \"1,234.5\", \"acc\": \"12%\", \"gpus\": \"0,1\", \"version\": \"1.2.3\", \"day\": \"2023-01-02\"}\n",
        &[(Some(1000), &[("loss", 2.5), ("tokens", 1234.5), ("acc", 12.0)])],
    );
}

#[test]
fn arrays_of_objects_are_rows_however_they_are_printed() {
    let want: Want = &[(Some(1), &[("a", 2.0)]), (Some(2), &[("a", 3.0)])];
    check("[{\"step\":1,\"a\":2},{\"step\":2,\"a\":3}]", want);
    check("[\n{\"step\":1,\"a\":2},\n{\"step\":2,\"a\":3}\n]\n", want);
    check("[\n  {\n    \"step\": 1,\n    \"a\": 2\n  },\n  {\n    \"step\": 2,\n    \"a\": 3\n  }\n]", want);
    // Not closed yet: the writer goes on.
    check("[\n{\"step\":1,\"a\":2},\n{\"step\":2,\"a\":3},\n{\"st", want);
}

#[test]
fn a_list_of_times_steps_and_values_is_one_metric() {
    let want: Want = &[(Some(0), &[("value", 0.5)]), (Some(10), &[("value", f64::NAN)]), (Some(20), &[("value", -2.0)])];
    check("[[1700000000.25, 0, 0.5], [1700000001.5, 10, \"NaN\"], [1700000002.0, 20, -2]]", want);
    check("[\n  [\n    1700000000.25,\n    0,\n    0.5\n  ],\n  [1700000001.5, 10, NaN],[1700000002.0,20,-2e0]\n]\n", want);
    let (got, _) = decode(&mut rows(), b"[[1700000000.25, 0, 0.5]]", 1);
    assert_eq!(got[0].0.time, WallTime::new(1700000000.25));
    // Other numbers are no points.
    for matrix in ["[[1, 2, 3], [4, 5, 6]]\n", "[[1700000000.25, 0.5, 1]]\n", "[[1700000000.25, 1, 2, 3]]\n", "[1700000000.25, 1, 2]\n"] {
        let (got, losses) = decode(&mut rows(), matrix.as_bytes(), 3);
        assert_eq!((got.len(), losses.len()), (0, 1), "{matrix}");
    }
}

#[test]
fn rows_of_a_validation_stand_where_the_training_stands() {
    let epoch = |epoch: i32| {
        let train = |iter| format!("{{\"mode\": \"train\", \"epoch\": {epoch}, \"iter\": {iter}, \"loss\": 1}}\n");
        train(50) + &train(100) + &format!("{{\"mode\": \"val\", \"epoch\": {epoch}, \"iter\": 5000, \"mAP\": 2}}\n")
    };
    let row =
        |step, name| (Some(step), vec![("epoch", if step > 100 { 2.0 } else { 1.0 }), (name, if name == "loss" { 1.0 } else { 2.0 })]);
    let want = [row(50, "loss"), row(100, "loss"), row(100, "mAP"), row(150, "loss"), row(200, "loss"), row(200, "mAP")];
    check(&(epoch(1) + &epoch(2)), &want.each_ref().map(|(step, values)| (*step, values.as_slice())));
}

#[test]
fn short_arrays_in_a_row_are_flattened() {
    check(
        "{\"step\": 1, \"groups\": [{\"loss\": 0.5, \"step\": 9, \"name\": \"a\"}, {\"loss\": {\"x\": 1, \"y\": [2]}}], \"lr\": [0.1, NaN]}\n",
        &[(Some(1), &[("groups.a.loss", 0.5), ("groups.a.step", 9.0), ("groups.1.loss.x", 1.0), ("lr.0", 0.1), ("lr.1", f64::NAN)])],
    );
    let long = |count: usize, item: &str| format!("{{\"a\": 1, \"l\": [{}], \"b\": 2}}\n", vec![item; count].join(","));
    check(&long(17, "1"), &[(None, &[("a", 1.0), ("b", 2.0)])]);
    check(&long(129, "{\"c\": 1}"), &[(None, &[("a", 1.0), ("b", 2.0)])]);
    let (rows, _) = decode(&mut rows(), long(16, "1").as_bytes(), 5);
    assert_eq!(rows[0].1.len(), 18);
}

#[test]
fn the_one_list_of_rows_in_a_document_is_read() {
    let want: Want = &[(Some(1), &[("loss", 2.0)]), (Some(2), &[("loss", 1.0)])];
    for list in ["metrics", "history", "log_history", "anything"] {
        let text = format!(
            "{{\"config\": {{\"lr\": 0.1, \"a\": {{\"b\": 1}}}}, \"{list}\": [{{\"step\": 1, \"loss\": 2.0}}, {{\"step\": 2, \"loss\": 1.0}}], \"others\": [{{\"id\": 3}}], \"name\": \"x\"}}"
        );
        check(&text, want);
        check(&text.replacen('{', "{\n", 1), want);
        let config: Vec<_> = records(&text)
            .into_iter()
            .filter_map(|record| match record {
                Record::Config(name, value) if name != "name" => Some((name, value)),
                _ => None,
            })
            .collect();
        assert_eq!(config, [("lr".into(), json!(0.1)), ("a.b".into(), json!(1))]);
    }
    check("{\"history\": [{\"lr\": 0.1}, {\"lr\": 0.1, \"loss\": 2}]}", &[(None, &[("lr", 0.1)]), (None, &[("lr", 0.1), ("loss", 2.0)])]);
    // Of two results, nobody can tell.
    let two = records("{\"a\": [{\"step\": 1, \"loss\": 2}], \"b\": [{\"step\": 1, \"loss\": 2}]}");
    assert_eq!(two.iter().filter(|record| matches!(record, Record::Row(row) if row.step.is_some())).count(), 0);
}

#[test]
fn several_lists_of_rows_are_read_together() {
    let list = |loss: f64| format!("[{{\"epoch\": 0, \"loss\": {loss}}}, {{\"epoch\": 1, \"loss\": 0.5}}]");
    let text = format!("{{\"args\": {{\"lr\": 0.1}}, \"train\": {}, \"val\": {}, \"best_epoch\": 1}}", list(2.0), list(3.0));
    let want: Want = &[
        (Some(0), &[("train.loss", 2.0)]),
        (Some(0), &[("val.loss", 3.0)]),
        (Some(1), &[("train.loss", 0.5)]),
        (Some(1), &[("val.loss", 0.5)]),
    ];
    let facts = [Record::Config("lr".into(), json!(0.1)), Record::Summary("best_epoch".into(), json!(1))];
    for text in [text.replacen('{', "{\n", 1), text] {
        check(&text, want);
        assert!(is_document(&text) && is_document(text.split_once("0.5").unwrap().0), "{text}");
        assert!(records(&text).ends_with(&facts));
    }
}

#[test]
fn rows_of_a_check_do_not_take_the_place_of_those_of_the_training() {
    let row = |step, split, name| format!("{{\"step\": {step}, \"split\": \"{split}\", \"{name}\": 0.5}}\n");
    let text = row(0, "val", "loss") + &row(0, "train", "loss") + &row(0, "val", "loss") + &row(0, "test", "loss");
    check(
        &(text + &row(1, "val", "f1") + &row(1, "Test", "f1") + &row(2, "val", "f1")),
        &[
            (Some(0), &[("val/loss", 0.5)]),
            (Some(0), &[("loss", 0.5)]),
            (Some(0), &[("val/loss", 0.5)]),
            (Some(0), &[("test/loss", 0.5)]),
            (Some(1), &[("f1", 0.5)]),
            (Some(1), &[("test/f1", 0.5)]),
            (Some(2), &[("f1", 0.5)]),
        ],
    );
}

#[test]
fn a_name_is_of_one_split_for_good() {
    let row = |step, split, name| format!("{{\"Step\": {step}, \"split\": \"{split}\", \"{name}\": 0.5}}\n");
    check(
        &(row(0, "val", "acc") + &row(10, "train", "lr") + &row(10, "val", "acc") + &row(20, "val", "loss") + &row(30, "train", "loss")),
        &[
            (Some(0), &[("val/acc", 0.5)]),
            (Some(10), &[("lr", 0.5)]),
            (Some(10), &[("val/acc", 0.5)]),
            (Some(20), &[("loss", 0.5)]),
            (Some(30), &[("train/loss", 0.5)]),
        ],
    );
    let val = "{\"global_step\": 1, \"Epoch\": 2, \"stage\": \"finetune\", \"split\": \"val\", \"loss\": 9}\n";
    check(val, &[(Some(1), &[("Epoch", 2.0), ("val/loss", 9.0)])]);
}

#[test]
fn times_are_numbers_or_dates() {
    let line = "{\"_timestamp\": 1700000000.5, \"created_at\": \"2020-01-01T00:00:00Z\", \"loss\": 1}\n{\"created_at\": \"2023-11-14T22:13:20Z\", \"loss\": 1}\n";
    let (rows, _) = decode(&mut rows(), line.as_bytes(), 9);
    assert_eq!(rows.iter().map(|(row, _)| row.time).collect::<Vec<_>>(), [WallTime::new(1700000000.5), WallTime::new(1.7e9)]);
    assert_eq!(rows.iter().map(|(row, _)| row.offset).collect::<Vec<_>>(), [Some(0), Some(line.find('\n').unwrap() as u64 + 1)]);
}

#[test]
fn a_trainer_state_gives_rows_settings_and_results() {
    let text = r#"{
  "best_metric": 0.5,
  "best_model_checkpoint": "out/checkpoint-20",
  "epoch": 2.0,
  "global_step": 20,
  "is_world_process_zero": true,
  "log_history": [
    {
      "epoch": 0.5,
      "grad_norm": 1.25,
      "learning_rate": 5e-05,
      "loss": 2.5,
      "step": 10
    },
    {"epoch": 2.0, "eval_loss": NaN, "step": 20}
  ],
  "max_steps": 40,
  "num_train_epochs": 4,
  "stateful_callbacks": {"a": {"args": {"b": 1}}},
  "trial_name": null,
  "trial_params": {"lr": 0.1}
}"#;
    let got = records(text);
    let rows: Vec<_> =
        got.iter().filter_map(|r| if let Record::Row(row) = r { Some((row.step, row.values.len())) } else { None }).collect();
    assert_eq!(rows, [(Some(Step(10)), 4), (Some(Step(20)), 2)]);
    let rest: Vec<_> = got.into_iter().filter(|r| !matches!(r, Record::Row(_) | Record::Key(..))).collect();
    let config = |name: &str, value: Value| Record::Config(name.into(), value);
    let summary = |name: &str, value: Value| Record::Summary(name.into(), value);
    assert_eq!(
        rest,
        [
            summary("best_metric", json!(0.5)),
            summary("best_model_checkpoint", json!("out/checkpoint-20")),
            summary("epoch", json!(2.0)),
            summary("global_step", json!(20)),
            config("is_world_process_zero", json!(true)),
            Record::TotalSteps(40),
            config("max_steps", json!(40)),
            config("num_train_epochs", json!(4)),
            config("trial_params.lr", json!(0.1)),
        ]
    );
    let compact = text.lines().map(str::trim).collect::<String>();
    assert_eq!(format!("{:?}", records(&compact)), format!("{:?}", records(text)));
}

#[test]
fn lists_of_numbers_are_the_columns_of_a_table() {
    let want: Want = &[(None, &[("loss", 2.5), ("val.loss", 3.0)]), (None, &[("loss", f64::NAN)])];
    check("{\"loss\": [2.5, NaN], \"val\": {\"loss\": [3, null]}}", want);
    check("{\n  \"loss\": [\n    2.5,\n    NaN\n  ],\n  \"val\": {\n    \"loss\": [3, null]\n  }\n}\n", want);
    check("{\"step\": [10, 20], \"loss\": [1, 2]}\n", &[(Some(10), &[("loss", 1.0)]), (Some(20), &[("loss", 2.0)])]);
    // Steps as those of a log tell a table whose metrics nobody knows.
    let want: Want = &[(Some(0), &[("foo", 1.0)]), (Some(50), &[("foo", 2.0)]), (Some(100), &[("foo", 4.0)])];
    check("{\"step\": [0, 50, 100], \"foo\": [1, 2, 4]}\n", want);
    check("{\n  \"foo\": [1, 2, 4],\n  \"epoch\": [0.0, 50, 100]\n}\n", want);
    for settings in
        ["\"epoch\": [30, 60, 90], \"lr\": [1, 2, 3]", "\"step\": [0, 10, 500], \"size\": [1, 2, 3]", "\"step\": [1, 2], \"size\": [8, 16]"]
    {
        check(&format!("{{\n{settings}\n}}\n"), &[]);
    }
    check("{\"betas\": [0.9, 0.999], \"hidden\": [64, 64]}\n{\"step\": [0, 50, 100]}\n", &[]);
    // Settings, and lists that are no columns of one table.
    check("{\n  \"betas\": [0.9, 0.99],\n  \"lr\": 0.1\n}\n", &[]);
    check("{\"a\": [1, 2], \"b\": [1]}\n", &[]);
    check("{\"kernel_sizes\": [3, 5, 7], \"strides\": [1, 2, 2]}\n", &[]);
}

#[test]
fn a_table_by_columns_is_known_by_its_start() {
    for text in ["{\"loss\": [0.5, 0.4", "{\n \"lr\": [\n  1,\n  2\n ],\n \"val_loss\": [\n  NaN,\n  2"] {
        assert!(is_document(text), "{text}");
    }
    for text in
        ["{\n \"lr\": [\n  1,\n  2", "{\n \"loss\": [\n  \"mse\",\n", "{\"loss\": [1, 2], \"model\": \"", "{\n \"loss\": 2,\n \"lr\": [1"]
    {
        assert!(!is_document(text), "{text}");
    }
}

#[test]
fn of_a_document_of_very_many_rows_the_first_are_read() {
    for (more, is_cut) in [(ROWS_MAX - 1, false), (ROWS_MAX, true)] {
        let text = format!("{{\n\"history\": [{{\"step\": 1, \"b\": 1}}{}]}}\n", ",{\"b\":1}".repeat(more));
        let mut decoder = rows();
        decoder.push(text.as_bytes());
        let read: Vec<_> = std::iter::from_fn(|| decoder.next().transpose()).collect();
        let is_row = |read: &&Result<Record, Loss>| matches!(read, Ok(Record::Row(_)));
        assert_eq!((read.iter().filter(is_row).count(), read.iter().any(Result::is_err)), (ROWS_MAX, is_cut));
    }
}

#[test]
fn schedules_are_settings() {
    let schedule = r#"{"model": "x", "epochs": 90, "lr_schedule": [{"epoch": 0, "lr": 0.1}, {"epoch": 30, "lr": 0.01}]}"#;
    for text in [schedule.replace(", ", ",\n  ").replacen('{', "{\n  ", 1), "{\n  \"epoch\": [0, 30],\n  \"lr\": [0.1, 0.01]\n}\n".into()] {
        check(&text, &[]);
        assert!(!is_document(&text));
    }
    let rows = schedule.replace("lr_schedule", "history").replacen('{', "{\n", 1);
    check(&rows, &[(Some(0), &[("lr", 0.1)]), (Some(30), &[("lr", 0.01)])]);
    assert!(is_document(&rows));
    check("{\"optimizers\": [{\"name\": \"adam\", \"lr\": 0.1}], \"betas\": [0.9, 0.99]}\n", &[]);
}

#[test]
fn a_name_that_is_too_long_is_not_held_for_each_value() {
    let cells = (0..20_000).map(|at| format!("\"a{at}\": 1")).collect::<Vec<_>>().join(", ");
    let long = "K".repeat(500_000);
    let told = |decoder: &mut dyn Decoder, line: String| {
        let (rows, losses) = decode(decoder, line.as_bytes(), line.len());
        assert_eq!((&*rows[0].1, losses.len()), (&[("b".to_owned(), 2.0)][..], 1));
    };
    told(&mut rows(), format!("{{\"{long}\": {{{cells}}}, \"step\": 1, \"b\": 2}}\n"));
    told(&mut crate::source::jsonl::Jsonl::new(), format!("{{\"s\": 1, \"m\": {{\"{long}\": {{{cells}}}, \"b\": 2}}}}\n"));
    assert_eq!(records(&format!("{{\n \"{long}\": {{{cells}}},\n \"b\": 2\n}}\n")), [Record::Summary("b".into(), json!(2))]);
    check(&format!("{{\"{long}\": {{\"a\": [1], \"c\": {{\"d\": [1]}}}}, \"loss\": [2]}}\n"), &[(None, &[("loss", 2.0)])]);
}

#[test]
fn results_in_a_document_are_a_summary() {
    let got = records("{\n    \"epoch\": 3.0,\n    \"eval_loss\": 0.25,\n    \"deep\": {\"a\": 1}\n}\n");
    let summary = |name: &str, value: Value| Record::Summary(name.into(), value);
    assert_eq!(got, [summary("epoch", json!(3.0)), summary("eval_loss", json!(0.25)), summary("deep.a", json!(1))]);
}

/// Steps of the rows, and offset and length of the losses.
fn outline(text: &[u8], chunk: usize) -> (Vec<Option<i64>>, Vec<(u64, u64)>) {
    let (rows, losses) = decode(&mut rows(), text, chunk);
    (rows.iter().map(|(row, _)| row.step.map(|step| step.0)).collect(), losses.iter().map(|l| (l.offset, l.bytes)).collect())
}

#[test]
fn damage_costs_its_line_only() {
    let text = b"{\"step\":1,\"a\":1}\nTraceback\n{\"step\":2,\"a\n{\"step\":3,\"a\":1}\n{\"step\":4,\"a\":\xff}\n{\"step\":5,\"a\":x}\n{\n \"b\": 1,\n{\"step\":6,\"a\":1}\n";
    for chunk in 1..text.len() {
        let want = vec![(17, 10), (27, 13), (57, 16), (74, 16), (91, 11)];
        assert_eq!(outline(text, chunk), (vec![Some(1), Some(3), Some(6)], want));
    }
}

#[test]
fn a_cut_anywhere_gives_the_rows_before_it_and_no_loss() {
    let text = b"{\"step\":1,\"a\":\"1\"}\n[{\"step\":2,\"a\":[\"x\"]},\n {\n  \"step\": 3,\n  \"a\": 1.5\n }]\n{\n \"b\": {\n }\n}\n{\"step\":4,\"a\":1}\n";
    for end in 0..=text.len() {
        let (steps, losses) = outline(&text[..end], 9);
        assert!([Some(1), Some(3), Some(4)].starts_with(&steps), "{steps:?}");
        assert_eq!(losses, []);
    }
    assert_eq!(outline(text, 9).0, [Some(1), Some(3), Some(4)]);
}

#[test]
fn what_is_too_long_is_lost_and_not_held() {
    let long = 3 * LINE_BYTES_MAX;
    for (start, reason) in [("{\"a\":\"", "a line is too long"), ("x", "a line is too long")] {
        let text = [start.as_bytes(), &vec![b'y'; long], b"\n{\"step\":7,\"a\":1}\n"].concat();
        for chunk in [1 << 14, text.len()] {
            let (rows, losses) = decode(&mut rows(), &text, chunk);
            assert_eq!(rows.len(), 1);
            assert_eq!(losses, [Loss { offset: 0, bytes: (start.len() + long + 1) as u64, reason: reason.into() }]);
        }
    }
    let mut decoder = rows();
    decoder.push(b"{\n\"");
    for _ in 0..DOCUMENT_BYTES_MAX >> 20 {
        decoder.push(&vec![b'y'; 1 << 20]);
        if let Err(loss) = decoder.next() {
            assert_eq!((loss.offset, loss.bytes), (0, DOCUMENT_BYTES_MAX as u64));
        }
    }
    decoder.push(b"\n  \"x\": 1\n}\n{\"step\":7,\"a\":1}\n");
    assert!(matches!(decoder.next(), Ok(Some(Record::Key(..)))));
    assert!(matches!(decoder.next(), Ok(Some(Record::Row(row))) if row.step == Some(Step(7))));
    decoder.push(b"\n");
    assert_eq!(decoder.next(), Ok(None));
    decoder.push(b"\n");
    assert!(decoder.objects.bytes.capacity() < 1 << 20);
}

proptest! {
    #[test]
    fn any_bytes_in_any_split_give_the_same_records(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'"'), Just(b'{'), Just(b'}'), Just(b'['), Just(b','), Just(b':'), Just(b'1'), any::<u8>()], 0..200), cut in 1..50_usize) {
        let (a, b) = (decode(&mut rows(), &bytes, cut), decode(&mut rows(), &bytes, usize::MAX));
        prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }

    #[test]
    fn any_byte_in_a_line_costs_at_most_two_rows(at in 0..200_usize, byte in any::<u8>(), cut in 1..80_usize) {
        let mut bytes = "{\"step\": 1, \"loss\": 2.5, \"a\": {\"b\": [1, \"x\"]}}\n".repeat(5).into_bytes();
        let last = bytes.len() - 1;
        bytes[at.min(last)] = byte;
        let (a, b) = (decode(&mut rows(), &bytes, cut), decode(&mut rows(), &bytes, usize::MAX));
        prop_assert!(a.0.len() >= 3);
        prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }
}

#[test]
fn objects_on_many_lines_behind_each_other_are_rows_and_one_alone_is_none() {
    let object = |step: i64| format!("{{\n  \"step\": {step},\n  \"eval\": {{\n    \"loss\": 0.5\n  }}\n}}");
    for between in ["", "\n", "\n\n"] {
        let text = [object(1), object(2), object(3)].join(between);
        for chunk in [1, 7, text.len()] {
            let mut decoder = rows();
            decode(&mut decoder, text.as_bytes(), chunk);
            assert!(decoder.is_mistaken());
            decoder.reset();
            let (got, losses) = decode(&mut decoder, text.as_bytes(), chunk);
            assert_eq!((losses.len(), decoder.is_mistaken()), (0, false));
            let got: Vec<_> = got.into_iter().map(|(row, values)| (row.step.map(|step| step.0), values)).collect();
            assert_eq!(got, [1, 2, 3].map(|step| (Some(step), vec![("eval.loss".to_owned(), 0.5)])));
        }
    }
    let settings = "{\n  \"lr\": 0.1\n}\n";
    for text in [object(1), settings.to_owned() + settings, settings.to_owned() + &object(1)] {
        let mut decoder = rows();
        assert_eq!((decode(&mut decoder, text.as_bytes(), 7).0.len(), decoder.is_mistaken()), (0, false));
    }
}

#[test]
fn rows_that_stand_newest_first_are_given_out_in_the_order_of_their_steps() {
    let row = |step: i64| format!("{{\"step\": {step}, \"loss\": 1}}");
    for text in [format!("[{}, {}, {}]", row(30), row(20), row(10)), [row(30), row(20), row(10)].join("\n")] {
        let mut decoder = rows();
        decode(&mut decoder, text.as_bytes(), 7);
        assert!(decoder.is_mistaken());
        decoder.reset();
        decoder.push(text.as_bytes());
        while decoder.next() != Ok(None) {}
        decoder.glimpse();
        let steps: Vec<_> = std::iter::from_fn(|| decoder.next().unwrap())
            .filter_map(|record| if let Record::Row(row) = record { row.step } else { None })
            .collect();
        assert_eq!(steps, [10, 20, 30].map(Step));
    }
}

#[test]
fn a_document_on_one_line_may_be_longer_than_a_row() {
    let note = "y".repeat(LINE_BYTES_MAX);
    let text = format!("{{\"0\":{{\"step\":0,\"loss\":2,\"note\":\"{note}\"}},\"1\":{{\"step\":10,\"loss\":1,\"note\":null}}}}");
    for chunk in [1 << 14, text.len()] {
        let (rows, losses) = decode(&mut rows(), text.as_bytes(), chunk);
        assert_eq!((rows.iter().map(|(row, _)| row.step).collect::<Vec<_>>(), losses), (vec![Some(Step(0)), Some(Step(10))], vec![]));
    }
    let (rows, losses) = decode(&mut rows(), format!("{{\"a\":{{\"loss\":\"{note}\"}}}}\n{{\"step\":7,\"a\":1}}\n").as_bytes(), 1 << 14);
    assert_eq!((rows.len(), losses.len(), &*losses[0].reason), (1, 1, "a line is too long"));
}

#[test]
fn a_line_that_is_none_and_never_ends_is_told_as_lost() {
    for (text, bytes) in [("x".repeat(9), 9), (format!("{{\"a\":\"{}", "y".repeat(LINE_BYTES_MAX)), LINE_BYTES_MAX as u64 + 6)] {
        let mut decoder = rows();
        decoder.push(text.as_bytes());
        assert_eq!(decoder.next(), Ok(None));
        decoder.finish();
        assert_eq!(decoder.next().map_err(|loss| (loss.offset, loss.bytes)), Err((0, bytes)));
        assert_eq!(decoder.next(), Ok(None));
    }
}

#[test]
fn a_history_gives_its_lists_as_rows_and_what_stands_beside_as_facts() {
    let text = r#"{"args":{"lr":0.1},"train_loss":[3,2,1],"val_loss":[3.5,2.5],"best_epoch":1}"#;
    check(
        text,
        &[
            (None, &[("train_loss", 3.0), ("val_loss", 3.5)]),
            (None, &[("train_loss", 2.0), ("val_loss", 2.5)]),
            (None, &[("train_loss", 1.0)]),
        ],
    );
    let facts = records(text).into_iter().filter(|record| !matches!(record, Record::Row(_) | Record::Key(..))).collect::<Vec<_>>();
    assert_eq!(facts, [Record::Config("lr".into(), json!(0.1)), Record::Summary("best_epoch".into(), json!(1))]);
}
