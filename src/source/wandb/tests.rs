use super::*;
use crate::source::decode_for_tests as decode;
use proptest::prelude::*;

const FAILED: &[u8] = include_bytes!("../../../fixtures/wandb/failed.wandb");
const MEDIA: &[u8] = include_bytes!("../../../fixtures/wandb/media.wandb");

/// One program, as two clients wrote it: a dict as one text in JSON, and each of its leaves as an item.
const DICTS: [&[u8]; 2] =
    [include_bytes!("../../../fixtures/wandb/dicts-0.16.wandb"), include_bytes!("../../../fixtures/wandb/dicts-0.21.wandb")];

const BLOCK: usize = 32 << 10;

/// A `.wandb` file with these records, each as it is cut into chunks by the client.
pub(crate) fn file(records: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b":W&B\xe1\xbe\0".to_vec();
    for record in records {
        let (mut rest, mut first) = (&record[..], true);
        loop {
            let left = BLOCK - out.len() % BLOCK;
            if left < 7 {
                out.resize(out.len() + left, 0);
                continue;
            }
            let (payload, behind) = rest.split_at(rest.len().min(left - 7));
            let kind = match (first, behind.is_empty()) {
                (true, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
                (false, true) => 4,
            };
            let body = [&[kind], payload].concat();
            out.extend(crc32fast::hash(&body).to_le_bytes());
            out.extend((payload.len() as u16).to_le_bytes());
            out.extend(body);
            (rest, first) = (behind, false);
            if rest.is_empty() {
                break;
            }
        }
    }
    out
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = vec![];
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

pub(crate) fn int(field: u64, number: u64) -> Vec<u8> {
    [varint(field << 3), varint(number)].concat()
}

pub(crate) fn bytes(field: u64, value: impl AsRef<[u8]>) -> Vec<u8> {
    [varint(field << 3 | 2), varint(value.as_ref().len() as u64), value.as_ref().to_vec()].concat()
}

/// A history record with a step and one item.
pub(crate) fn history(step: u64, item: &[Vec<u8>]) -> Vec<u8> {
    bytes(2, [bytes(1, item.concat()), bytes(2, if step == 0 { vec![] } else { int(1, step) })].concat())
}

pub(crate) fn json_item(key: &str, value: &str) -> [Vec<u8>; 2] {
    [bytes(2, key), bytes(16, value)]
}

/// A step with its values by name.
type StepRow = (i64, Vec<(String, f64)>);

fn rows(input: &[u8]) -> (Vec<StepRow>, Vec<Loss>) {
    let (rows, losses) = decode(&mut Wandb::new(), input, usize::MAX);
    (rows.into_iter().map(|(row, values)| (row.step.unwrap().0, values)).collect(), losses)
}

/// Every record but keys and rows.
fn rest(input: &[u8]) -> Vec<Record> {
    let mut decoder = Wandb::new();
    decoder.push(input);
    let mut out: Vec<_> = std::iter::from_fn(|| decoder.next().unwrap()).collect();
    decoder.finish();
    out.extend(std::iter::from_fn(|| decoder.next().unwrap()));
    out.retain(|record| !matches!(record, Record::Key(..) | Record::Row(_)));
    out
}

#[test]
fn a_value_that_is_no_json_costs_itself_and_is_told() {
    let items = [json_item("bad", "{broken"), json_item("ok", "1e3")].map(|item| bytes(1, item.concat()));
    let row = bytes(2, [items.concat(), bytes(2, int(1, 6))].concat());
    let (rows, losses) = decode(&mut Wandb::new(), &file(&[row]), 7);
    assert_eq!(rows[0].1, [("ok".to_owned(), 1000.0)]);
    assert_eq!(losses.iter().map(|loss| loss.reason.as_str()).collect::<Vec<_>>(), ["the value of bad is no JSON"]);
}

#[test]
fn a_real_run_is_read_as_it_was_logged() {
    let (rows, losses) = decode(&mut Wandb::new(), FAILED, 1000);
    assert_eq!((rows.len(), losses), (40, vec![]));
    for (at, (row, values)) in rows.iter().enumerate() {
        let mut values = values.clone();
        values.sort_by(|a, b| a.0.cmp(&b.0));
        let norm = [f64::NAN, f64::NEG_INFINITY].get(at.wrapping_sub(7)).copied().unwrap_or(at as f64 * 0.5);
        assert_eq!(row.step, Some(Step(at as i64)));
        assert!(row.time.is_some_and(|time| time.secs() > 1.79e9));
        assert_eq!(format!("{values:?}"), format!("{:?}", [("grad.norm", norm), ("train/loss", 1.0 / (at as f64 + 1.0))]));
    }
    let rest = rest(FAILED);
    let has = |record: Record| assert!(rest.contains(&record), "{record:?}");
    has(Record::Info("run_id", json!("failed01")));
    has(Record::Info("tags", json!(["a", "b"])));
    assert!(rest.iter().any(|r| matches!(r, Record::Config(name, value) if name == "optim" && value["betas"] == json!([0.9, 0.99]))));
    has(Record::Config("text".into(), json!("größe")));
    has(Record::Config("late".into(), json!(1)));
    has(Record::Summary("best".into(), json!(0.025)));
    has(Record::Summary("train/loss".into(), json!(0.025)));
    assert!(rest.iter().any(
        |r| matches!(r, Record::Console(line) if line.text == "step 3: loss 0.2500" && line.time.is_some_and(|at| at.secs() > 1.79e9))
    ));
    let exit: Vec<_> = rest.iter().filter(|record| matches!(record, Record::Exit(_))).collect();
    assert!(matches!(exit[..], [Record::Exit(Exit { code: Some(3), signal: None, at: Some(_), .. })]), "{exit:?} {:?}", rest.last());
}

#[test]
fn media_are_no_metrics() {
    let (rows, _) = rows(MEDIA);
    assert_eq!(rows.len(), 40);
    assert!(rows.iter().flat_map(|(_, values)| values).all(|(name, _)| ["train/loss", "grad.norm"].contains(&name.as_str())));
    let old = history(1, &[bytes(1, "img"), bytes(16, r#"{"_type": "image-file", "width": 5}"#)]);
    assert_eq!(self::rows(&file(&[old])).0, []);
}

#[test]
fn values_come_as_json_typed_or_as_a_dict() {
    let records = [
        history(0, &json_item("a", "NaN")),
        history(1, &[bytes(2, "a"), bytes(2, "b"), int(5, 7)]),
        history(2, &[bytes(1, "a"), [varint(6 << 3 | 1), 0.5_f64.to_le_bytes().to_vec()].concat()]),
        history(3, &[bytes(1, "a"), int(4, 1)]),
        history(4, &[bytes(1, "a"), bytes(8, r#"{"x": 1, "y": {"z": -Infinity}, "t": "text"}"#)]),
    ];
    let want = [
        (0, vec![("a".to_owned(), f64::NAN)]),
        (1, vec![("a.b".to_owned(), -4.0)]),
        (2, vec![("a".to_owned(), 0.5)]),
        (4, vec![("a.x".to_owned(), 1.0), ("a.y.z".to_owned(), f64::NEG_INFINITY)]),
    ];
    assert_eq!(format!("{:?}", rows(&file(&records)).0), format!("{want:?}"));
}

#[test]
fn text_is_no_number_whatever_it_says() {
    let records = [
        history(0, &json_item("a", "\"NaN\"")),
        history(1, &json_item("a", "\"Infinity\"")),
        history(2, &[bytes(1, "a"), bytes(16, r#"{"t": "NaN", "x": NaN}"#)]),
        history(3, &json_item("a", "-Infinity")),
    ];
    let want = [(2, vec![("a.x".to_owned(), f64::NAN)]), (3, vec![("a".to_owned(), f64::NEG_INFINITY)])];
    assert_eq!(format!("{:?}", rows(&file(&records)).0), format!("{want:?}"));
}

#[test]
fn a_dict_of_any_client_gives_its_numbers_and_tells_its_media_and_texts_apart() {
    for log in DICTS {
        let (mut rows, losses) = rows(log);
        assert_eq!(losses, []);
        rows.iter_mut().for_each(|(_, values)| values.sort_by(|a, b| a.0.cmp(&b.0)));
        let row = |step: i64| {
            let at = step as f64;
            let values = [
                ("a.b", at * 2.0),
                ("a/b", at * 3.0),
                ("eval.acc", at / 8.0),
                ("eval.deep.x", 0.0 - at),
                ("eval.deep.y", f64::NEG_INFINITY),
                ("eval.gap", f64::NAN),
                ("größe", at),
                ("loss", (at - 3.0).abs()),
            ];
            (step, values.map(|(name, value)| (name.to_owned(), value)).to_vec())
        };
        let last = [("epoch", 1.0), ("half", 1.0), ("other", 2.0), ("val/loss", 0.5)].map(|(name, value)| (name.to_owned(), value));
        let want: Vec<_> = (0..6).map(row).chain([(100, last.to_vec())]).collect();
        assert_eq!(format!("{rows:?}"), format!("{want:?}"));
        let media = rest(log).into_iter().filter_map(|record| match record {
            Record::Media(media) => Some((media.key, media.kind)),
            _ => None,
        });
        let media: std::collections::BTreeSet<_> = media.collect();
        let want = [("eval.deep.html", "html"), ("eval.hist", "histogram")].map(|(key, kind)| (key.to_owned(), kind.to_owned()));
        assert_eq!(media, want.into());
    }
}

#[test]
fn a_config_entry_may_be_taken_back() {
    let update = |name: &str, json: &str| bytes(1, [bytes(1, name), bytes(16, json)].concat());
    let removal = [bytes(2, bytes(1, "lr")), bytes(2, bytes(1, "_wandb"))].concat();
    let records = [update("lr", "1"), removal].map(|change| bytes(5, change));
    assert_eq!(rest(&file(&records)), [Record::Config("lr".into(), json!(1)), Record::ConfigRemoved("lr".into())]);
}

#[test]
fn a_change_deep_in_a_config_changes_the_dict_that_it_is_in() {
    let name = |parts: &[&str]| parts.iter().map(|part| bytes(2, part)).collect::<Vec<_>>().concat();
    let update = |parts: &[&str], json: &str| bytes(1, [name(parts), bytes(16, json)].concat());
    let changes = [
        update(&["opt"], r#"{"lr": 1, "b": {"c": 2, "d": 3}}"#),
        [update(&["opt", "lr"], "2"), bytes(2, name(&["opt", "b", "c"])), update(&["new", "a", "b"], "5")].concat(),
        update(&["opt", "lr", "max"], "9"),
        bytes(2, name(&["nothing", "here"])),
    ];
    let want = [
        Record::Config("opt".into(), json!({"lr": 1, "b": {"c": 2, "d": 3}})),
        Record::Config("new".into(), json!({"a": {"b": 5}})),
        Record::Config("opt".into(), json!({"lr": 2, "b": {"d": 3}})),
        Record::Config("opt".into(), json!({"lr": {"max": 9}, "b": {"d": 3}})),
        Record::ConfigRemoved("nothing".into()),
    ];
    assert_eq!(rest(&file(&changes.map(|change| bytes(5, change)))), want);
}

#[test]
fn records_longer_than_a_block_are_joined() {
    let long = format!("\"{}\"", "x".repeat(100_000));
    let records = [history(1, &json_item("a", "1")), history(2, &json_item("t", &long)), history(3, &json_item("a", "2"))];
    let (rows, losses) = rows(&file(&records));
    assert_eq!((rows.iter().map(|row| row.0).collect::<Vec<_>>(), losses), (vec![1, 3], vec![]));
}

#[test]
fn damage_costs_the_rest_of_its_block_only() {
    let records: Vec<_> = (0..4000).map(|step| history(step, &json_item("a", "0.5"))).collect();
    let mut input = file(&records);
    assert!(input.len() > 3 * BLOCK);
    let at = BLOCK + 1000;
    input[at] ^= 4;
    let (rows, losses) = rows(&input);
    assert_eq!(losses.len(), 1);
    assert!(losses[0].offset <= at as u64 && losses[0].offset + losses[0].bytes == 2 * BLOCK as u64);
    let lost = 4000 - rows.len();
    assert!((BLOCK / 40..BLOCK / 20).contains(&lost), "{lost}");
    assert_eq!(rows.last().unwrap().0, 3999);
}

#[test]
fn a_cut_tail_and_a_zeroed_tail_wait() {
    let whole = file(&[history(1, &json_item("a", "1")), history(2, &json_item("a", "2"))]);
    let (rows_cut, losses) = rows(&whole[..whole.len() - 3]);
    assert_eq!((rows_cut.len(), losses.len()), (1, 0));
    let mut zeroed = whole.clone();
    zeroed.resize(whole.len() + 300, 0);
    let (rows_zeroed, losses) = rows(&zeroed);
    assert_eq!((rows_zeroed.len(), losses.len()), (2, 0));
    // A hole with something behind it is a loss.
    zeroed.resize(BLOCK, 0);
    zeroed.extend(&file(&[history(3, &json_item("a", "3"))])[7..]);
    let (rows_behind, losses) = rows(&zeroed);
    assert_eq!((rows_behind.len(), losses.len()), (3, 1));
}

#[test]
fn a_newer_or_foreign_file_is_refused_once() {
    for head in [&b":W&B\xe1\xbe\x01"[..], b"PK\x03\x04foo", &[0; 7]] {
        let input = [head, &[7; 100_000]].concat();
        let (rows, losses) = rows(&input);
        assert_eq!((rows.len(), losses.len()), (0, 1));
    }
    assert_eq!(rows(b":W&B"), (vec![], vec![]));
}

#[test]
fn an_exit_code_of_zero_is_not_written_but_meant() {
    assert!(matches!(rest(&file(&[bytes(18, [])]))[..], [Record::Exit(Exit { code: Some(0), .. })]));
}

#[test]
fn the_summary_is_given_out_once_and_its_last_value_counts() {
    let summary = |value: &str| bytes(3, bytes(1, json_item("best", value).concat()));
    assert_eq!(rest(&file(&[summary("1"), summary("{\"a\": 2}")])), [Record::Summary("best.a".into(), json!(2))]);
}

proptest! {
    #[test]
    fn any_split_gives_the_same_records(chunk in 1..5000_usize) {
        let all = |chunk| decode(&mut Wandb::new(), FAILED, chunk);
        prop_assert_eq!(format!("{:?}", all(chunk)), format!("{:?}", all(usize::MAX)));
    }

    #[test]
    fn flipped_bytes_never_panic_and_never_invent_rows(flips in proptest::collection::vec((0..FAILED.len(), any::<u8>()), 1..6)) {
        let mut input = FAILED.to_vec();
        for (at, byte) in flips {
            input[at] ^= byte;
        }
        let (rows, _) = decode(&mut Wandb::new(), &input, 777);
        prop_assert!(rows.len() <= 40);
    }

    #[test]
    fn any_message_is_read_without_panic(body in proptest::collection::vec(any::<u8>(), 0..80), field in 1..27_u64) {
        let (rows, losses) = decode(&mut Wandb::new(), &file(&[bytes(field, body)]), usize::MAX);
        prop_assert!(rows.len() + losses.len() <= 2);
    }
}

#[test]
fn alerts_rules_of_metrics_and_the_point_of_a_fork_are_told() {
    let double = |field: u64, number: f64| [varint(field << 3 | 1), number.to_le_bytes().to_vec()].concat();
    let rule = [
        bytes(2, "val/*"),
        bytes(4, "epoch"),
        bytes(6, [int(1, 1), int(2, 1)].concat()),
        bytes(7, [int(1, 1), int(8, 1)].concat()),
        int(8, 2),
    ];
    let run = [bytes(1, "r2"), int(14, 50), bytes(21, bytes(2, "c0ffee")), int(22, 1), {
        bytes(23, [bytes(1, "r1"), double(2, 49.0), bytes(3, "_step")].concat())
    }];
    let alert = [bytes(1, "spike"), bytes(2, "loss is 9"), bytes(3, "WARN")];
    let records = rest(&file(&[bytes(17, run.concat()), bytes(12, rule.concat()), bytes(10, alert.concat())]));
    let want = [
        Record::Info("run_id", json!("r2")),
        Record::Info("starting_step", json!(50)),
        Record::Info("git_commit", json!("c0ffee")),
        Record::Info("forked", json!(true)),
        Record::Info("branch_point", json!({"run": "r1", "metric": "_step", "value": 49.0})),
        Record::Info(
            "metric",
            json!({"name": null, "glob": "val/*", "step_metric": "epoch", "hidden": true, "summary": ["min", "first"], "goal": "maximize"}),
        ),
        Record::Alert(Alert { title: "spike".into(), text: "loss is 9".into(), level: "warn", step: None, time: None }),
    ];
    assert_eq!(records, want);
}

/// What a summary comes to, when all is told at the end and when it is told after each record.
#[track_caller]
fn check_summary(records: &[Vec<u8>], want: serde_json::Value, removed: &[&str]) {
    let input = file(records);
    for chunk in [input.len(), 1] {
        let (mut summary, mut gone) = (serde_json::Map::new(), std::collections::BTreeSet::new());
        let mut decoder = Wandb::new();
        let mut take = |decoder: &mut Wandb| {
            while let Some(record) = decoder.next().unwrap() {
                match record {
                    Record::Summary(name, value) => {
                        gone.remove(&name);
                        summary.insert(name, value);
                    }
                    Record::SummaryRemoved(name) => {
                        summary.remove(&name);
                        gone.insert(name);
                    }
                    _ => {}
                }
            }
        };
        for part in input.chunks(chunk) {
            decoder.push(part);
            take(&mut decoder);
            decoder.glimpse();
            take(&mut decoder);
        }
        assert_eq!(
            (serde_json::Value::from(summary), gone.into_iter().collect::<Vec<_>>()),
            (want.clone(), removed.iter().map(|name| name.to_string()).collect()),
            "in pieces of {chunk}"
        );
    }
}

#[test]
fn the_last_word_on_a_summary_value_counts_however_its_name_is_written() {
    let logged = |name: &str, value: &str| bytes(3, bytes(1, json_item(name, value).concat()));
    let set = |name: &str, value: &str| bytes(3, bytes(1, [bytes(1, name), bytes(16, value)].concat()));
    for (first, last) in [("NaN", "0.5"), ("9007199254740993", "42"), ("1e+17", "1.5"), ("0.9", "\"best\""), ("0.9", "null"), ("1", "9")] {
        let value = serde_json::from_str(last).unwrap_or(json!("NaN"));
        check_summary(&[logged("a", first), set("a", last)], json!({"a": value}), &[]);
        check_summary(&[set("a", first), logged("a", last)], json!({"a": value}), &[]);
    }
}

#[test]
fn what_is_taken_out_of_a_summary_or_replaced_in_it_is_gone() {
    let entry = |field: u64, parts: &[&str], value: &str| {
        let name = parts.iter().map(|part| bytes(if parts.len() == 1 { 1 } else { 2 }, part)).collect::<Vec<_>>().concat();
        bytes(3, bytes(field, [name, if value.is_empty() { vec![] } else { bytes(16, value) }].concat()))
    };
    let logged = bytes(3, bytes(1, json_item("a", "0.9").concat()));
    check_summary(&[logged.clone(), entry(2, &["a"], "")], json!({}), &["a"]);
    check_summary(&[logged.clone(), entry(2, &["a"], ""), logged.clone()], json!({"a": 0.9}), &[]);
    check_summary(&[logged.clone(), entry(1, &["a"], r#"{"best": 1}"#)], json!({"a.best": 1}), &["a"]);
    check_summary(&[logged, entry(1, &["a", "best"], "1")], json!({"a.best": 1}), &["a"]);
    check_summary(&[entry(1, &["a"], r#"{"x": {"y": 1}, "z": 2}"#), entry(2, &["a", "x"], "")], json!({"a.z": 2}), &["a.x.y"]);
    // A name with a point in it is no dict.
    check_summary(&[entry(1, &["a.b"], "2"), entry(1, &["a"], "1")], json!({"a": 1, "a.b": 2}), &[]);
}

proptest! {
    #[test]
    fn what_records_of_any_names_come_to_is_what_the_last_one_of_each_name_says(
        records in proptest::collection::vec((proptest::sample::subsequence(vec!["acc_0", "acc_1", "acc_2", "acc_3"], 1..4), prop::bool::weighted(0.9)), 1..12)
    ) {
        let (mut want, mut gone, mut log) = (serde_json::Map::new(), std::collections::BTreeSet::new(), vec![]);
        for (at, (names, sets)) in records.iter().enumerate() {
            let field = if *sets { 1 } else { 2 };
            log.push(bytes(3, names.iter().flat_map(|name| bytes(field, json_item(name, &at.to_string()).concat())).collect::<Vec<_>>()));
            for name in names {
                if *sets {
                    gone.remove(name);
                    want.insert(name.to_string(), json!(at));
                } else {
                    want.remove(*name);
                    gone.insert(*name);
                }
            }
        }
        check_summary(&log, want.into(), &gone.into_iter().collect::<Vec<_>>());
    }
}
