//! `og inspect`, `og tail` and `og doctor` through the real binary: what they say of recorded runs, value by value.

use crate::{
    home::{Home, fails, text},
    support::{database, recordings},
};
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::ffi::OsStrExt,
    path::Path,
    process::{Command, Stdio},
    thread,
};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

fn expected(path: impl AsRef<Path>) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn inspect(home: &Home, path: impl AsRef<Path>) -> Value {
    let text = home.ok(&["inspect", path.as_ref().to_str().unwrap(), "--json"]);
    assert_eq!(text.lines().filter(|line| line.contains("NaN") && !line.contains("\"NaN\"")).count(), 0, "strict JSON");
    let value: Value = serde_json::from_str(&text).unwrap();
    check_order(&value);
    value
}

#[test]
fn a_name_that_is_no_text_is_told_as_it_is_shown() {
    let home = Home::new();
    let file = home.work().join(OsStr::from_bytes(b"m\xff.csv"));
    fs::write(&file, "step,loss\n1,2\n2,1\n").unwrap();
    for verb in ["inspect", "runs", "doctor"] {
        let mut og = home.og(&[verb, "--json"]);
        let output = og.arg(&file).output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{verb}: {output:?}"));
        assert!(output.status.success() && text(&output.stdout).contains("m\u{fffd}.csv"), "{verb}: {told}");
    }
}

/// What a run says that is piped into og.
fn inspect_pipe(home: &Home, path: &Path) -> Value {
    let mut og = home.og(&["inspect", "-", "--json"]);
    let output = og.stdin(File::open(path).unwrap()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_pipe_says_what_its_file_says() {
    let home = Home::new();
    let fixtures = Path::new(FIXTURES);
    // A key that is told twice at a step, and rows that fall back: how they count depends on what the source is.
    let again = home.work().join("again.json");
    let row = |step: i32, loss: f64| format!("{{\"step\": {step}, \"loss\": {loss}}}\n");
    fs::write(&again, (1..60).map(|at| row(at % 40, 1.0 / f64::from(at))).collect::<String>() + &row(19, 3.0)).unwrap();
    let table = home.work().join("again.txt");
    fs::write(&table, "step,loss\n1,2\n2,1.5\n2,1.25\n1,9\n3,1\n").unwrap();
    let log = home.work().join("again.log");
    fs::write(&log, "step 1 loss 2\nstep 2 loss 1.5\nstep 2 loss 1.25\nstep 1 loss 9\n").unwrap();
    // Longer than what is looked at to tell what it is.
    let columns = home.work().join("history");
    let losses = (0..4000).map(|at| format!("{at}.5")).collect::<Vec<_>>().join(", ");
    fs::write(&columns, format!("{{\"loss\": [{losses}], \"foo\": [{losses}]}}\n")).unwrap();
    let rows = [
        "lightning/metrics.csv",
        "hf/trainer_state.json",
        "sb3/progress.json",
        "keras/semicolons.csv",
        "pandas/newest.csv",
        "pandas/seeds.jsonl",
        "pandas/utf-16.csv",
    ]
    .map(|name| fixtures.join("rows").join(name));
    for path in [again, table, log, columns].into_iter().chain(rows) {
        let (file, pipe) = (inspect(&home, &path), inspect_pipe(&home, &path));
        for part in ["kind", "keys", "losses", "console_lines", "step"] {
            assert_eq!(pipe[part], file[part], "{part} of {path:?}");
        }
        for part in ["source", "rows", "points", "bytes"] {
            assert_eq!(pipe["sources"][0][part], file["sources"][0][part], "{part} of {path:?}");
        }
    }
}

/// Keys of every object stand in order.
fn check_order(value: &Value) {
    match value {
        Value::Object(map) => {
            assert!(map.keys().is_sorted(), "{:?}", map.keys());
            map.values().for_each(check_order);
        }
        Value::Array(items) => items.iter().for_each(check_order),
        _ => {}
    }
}

/// Every point of a key: step and value.
fn series(home: &Home, path: &Path, key: &str) -> Vec<(i64, Value)> {
    let points: Value = serde_json::from_str(&home.ok(&["inspect", path.to_str().unwrap(), "--json", "--series", key])).unwrap();
    points.as_array().unwrap().iter().map(|point| (point["step"].as_i64().unwrap(), point["value"].clone())).collect()
}

// --- Committed fixtures ---

#[test]
fn a_run_of_wandb_is_told_whole() {
    let home = Home::new();
    let run = inspect(&home, format!("{FIXTURES}/wandb/failed.wandb"));
    assert_eq!((&run["kind"], &run["state"], &run["exit_code"]), (&json!("wandb"), &json!("failed"), &json!(3)));
    assert_eq!((&run["run"]["id"], &run["run"]["project"]), (&json!("failed01"), &json!("fixtures")));
    assert_eq!((&run["tags"], &run["config"]["optim"]["betas"]), (&json!(["a", "b"]), &json!([0.9, 0.99])));
    let loss = &run["keys"]["train/loss"];
    let end = |end: &str| (loss[end]["step"].clone(), loss[end]["value"].clone());
    assert_eq!((end("first"), end("last")), ((json!(0), json!(1.0)), (json!(39), json!(0.025))));
    assert_eq!((&loss["count"], &loss["min"], &loss["max"], &loss["superseded"]), (&json!(40), &json!(0.025), &json!(1.0), &json!(0)));
    let norm = &run["keys"]["grad.norm"];
    assert_eq!((&norm["count"], &norm["nan"], &norm["inf"]), (&json!(40), &json!(1), &json!(1)));
    assert_eq!(run["summary"]["best"], json!(0.025));
    assert!(run["console_lines"].as_u64().unwrap() > 0 && run["started_at"].is_null() && run["run"]["started_at"].is_f64());
    assert_eq!((&run["losses"], &run["loss_count"]), (&json!([]), &json!(0)));
    assert_eq!((&run["sources"][0]["source"], &run["sources"][0]["rows"]), (&json!("tracker"), &json!(40)));
}

#[test]
fn the_points_of_a_key_come_as_columns_or_as_json() {
    let home = Home::new();
    let path = format!("{FIXTURES}/wandb/failed.wandb");
    let lines = home.ok(&["inspect", &path, "--series", "grad.norm"]);
    let lines: Vec<Vec<&str>> = lines.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!((lines.len(), lines[0].as_slice()), (41, &["step", "time", "value"][..]));
    assert_eq!((lines[8][0], lines[8][2], lines[9][2], lines[40][2]), ("7", "NaN", "-inf", "19.5"));
    let points = series(&home, Path::new(&path), "grad.norm");
    assert_eq!((points.len(), &points[7], &points[8]), (40, &(7, json!("NaN")), &(8, json!("-Infinity"))));
    assert_eq!(series(&home, Path::new(&path), "loss").len(), 40, "the only key that ends so");
    fails(home.og(&["inspect", &path, "--series", "los"]), 1, &["`los`", "hint: did you mean train/loss?"]);
}

#[test]
fn what_loading_cost_is_told_where_it_is_asked_for() {
    let home = Home::new();
    let path = format!("{FIXTURES}/wandb/failed.wandb");
    let stats = home.json(&["inspect", &path, "--json", "--stats"])["stats"].clone();
    assert_eq!((&stats["points"], &stats["bytes"]), (&json!(80), &json!(fs::metadata(&path).unwrap().len())));
    for name in ["wall_s", "cpu_s", "first_value_s"] {
        assert!(stats[name].as_f64().is_some_and(|secs| (0.0..30.0).contains(&secs)), "{name}: {stats}");
    }
    assert!(cfg!(not(target_os = "linux")) || stats["peak_rss_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20), "{stats}");
    let table = home.ok(&["inspect", &path, "--stats"]);
    assert!(table.contains("failed (exit 3)") && table.contains("peak_rss_bytes"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80 && !line.contains('\x1b')), "{table}");
}

#[test]
fn a_path_with_several_runs_tells_them_all_or_the_one_that_is_named() {
    let home = Home::new();
    let db = home.work().join("ogfixture.db");
    database("trackio/v0.43.0/ogfixture.sql", &db);
    let all = inspect(&home, &db);
    let names: Vec<_> = all["runs"].as_array().unwrap().iter().map(|run| run["run"]["name"].as_str().unwrap().to_owned()).collect();
    assert!(names.contains(&"first".to_owned()) && names.iter().filter(|name| *name == "twin").count() == 2, "{names:?}");
    let crashy = home.json(&["inspect", "ogfixture.db", "--run", "crashy", "--json"]);
    assert_eq!((&crashy["run"]["name"], &crashy["kind"]), (&json!("crashy"), &json!("trackio")));
    assert_eq!(home.json(&["inspect", "ogfixture.db#crashy", "--json"]), crashy);
    let twin = home.og(&["inspect", "ogfixture.db", "--run", "twin"]).output().unwrap();
    assert!(String::from_utf8_lossy(&twin.stderr).contains("2 runs are called twin; this is the newest, ogfixture.db#"), "{twin:?}");
    assert_eq!(home.ok(&["runs", "ogfixture.db#twin"]).lines().count(), 3, "a head and two runs");
    std::os::unix::fs::symlink("/nowhere", home.work().join("dangling")).unwrap();
    for verb in ["inspect", "runs"] {
        fails(home.og(&[verb, "dangling"]), 1, &["dangling is a link to /nowhere, which is not there"]);
    }
    fails(home.og(&["inspect", "ogfixture.db", "--follow"]), 1, &["ogfixture.db holds", "hint: name one with --run"]);
    fails(home.og(&["inspect", "ogfixture.db", "--run", "nobody"]), 1, &["has no run nobody"]);
    assert_eq!(home.ok(&["inspect", "ogfixture.db"]).matches("kind     trackio").count(), names.len());
    // A folder of event files is a run, and so are those below it.
    let root = home.work().join("tb");
    fs::create_dir_all(root.join("below")).unwrap();
    for (from, to) in [("tbx", "events.out.tfevents.1700000000.a"), ("hparams", "below/events.out.tfevents.1700000000.a")] {
        fs::copy(format!("{FIXTURES}/tfevents/{from}/events.out.tfevents.1700000000.fixture"), root.join(to)).unwrap();
    }
    let all = inspect(&home, &root);
    let names: Vec<_> = all["runs"].as_array().unwrap().iter().map(|run| run["run"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["tb", "below"]);
    let tb = home.json(&["inspect", "tb", "--run", "tb", "--json"]);
    assert_eq!((&tb["kind"], &tb["keys"]["val/acc"]["nan"]), (&json!("tensorboard"), &json!(1)));
    assert_eq!(tb["media"], json!({"histogram": 1, "image": 1, "text": 1}));
    assert_eq!(inspect(&home, root.join("below"))["config"]["optimizer"], json!("adam"));
}

#[test]
fn a_value_before_any_step_stands_nowhere_and_points_of_one_step_are_counted() {
    let home = Home::new();
    fs::write(home.work().join("seed.jsonl"), "{\"seed\":3}\n{\"step\":5,\"loss\":1}\n{\"step\":5,\"loss\":2}\n").unwrap();
    let keys = inspect(&home, home.work().join("seed.jsonl"))["keys"].clone();
    assert_eq!([&keys["seed"]["first"]["step"], &keys["seed"]["last"]["step"]], [&Value::Null; 2]);
    assert_eq!(home.ok(&["inspect", "seed.jsonl", "--series", "seed"]), "step\ttime\tvalue\n\t\t3\n");
    assert_eq!(home.json(&["inspect", "seed.jsonl", "--series", "seed", "--json"])[0]["step"], Value::Null);
    let loss = &keys["loss"];
    assert_eq!((&loss["count"], &loss["superseded"], &loss["last"]["value"]), (&json!(1), &json!(1), &json!(2.0)));
}

#[test]
fn names_with_control_bytes_reach_no_terminal() {
    let home = Home::new();
    fs::write(home.work().join("odd\u{1b}[31m.jsonl"), "{\"step\":1,\"a\\u001b]0;x\\u0007\\nb\":1}\n").unwrap();
    let odd = "odd\u{1b}[31m.jsonl";
    for told in [home.ok(&["inspect", odd]), home.ok(&["runs", "."]), home.ok(&["runs", odd])] {
        assert!(told.contains("odd[31m") && !told.contains(|c: char| c.is_control() && c != '\n'), "{told:?}");
    }
    let table = home.ok(&["inspect", odd]);
    assert!(table.lines().any(|line| line.starts_with("a]0;x b ")), "{table}");
    fails(home.og(&["inspect", odd, "--series", "nosuch"]), 1, &["a]0;x\nb"]);
}

#[test]
fn a_database_of_tviz_is_told_run_by_run() {
    let home = Home::new();
    let db = home.work().join("tviz.db");
    database("tviz/v0.2.2/tviz.sql", &db);
    let run = home.json(&["inspect", "tviz.db#txt00001", "--json"]);
    assert_eq!((&run["kind"], &run["state"], &run["config"]["env"]["name"]), (&json!("tviz"), &json!("finished"), &json!("gsm8k")));
    assert_eq!((&run["keys"]["reward_mean"]["count"], &run["keys"]["reward_mean"]["last"]["value"]), (&json!(6), &json!(0.99)));
    assert!(run["media"]["rollout"].as_u64().is_some_and(|count| count > 0), "{}", run["media"]);
}

#[test]
fn a_persons_patterns_and_columns_are_used() {
    let home = Home::new();
    fs::write(home.work().join("odd.log"), "<10> L2.5 A0.5\n<20> L2.25 A0.75\nstep 30 loss 2\n").unwrap();
    let rule = r"^<(?P<step>\d+)> L(?P<loss>\S+) A(?P<acc>\S+)$";
    let run = home.json(&["inspect", "odd.log", "--json", "--regex", rule]);
    assert_eq!((&run["keys"]["loss"]["count"], &run["keys"]["acc"]["last"]["step"]), (&json!(3), &json!(20)));
    fs::write(home.work().join("t.csv"), "step,frames,loss\n1,64,0.5\n2,128,0.25\n").unwrap();
    fs::write(home.work().join("t.jsonl"), "{\"step\":1,\"frames\":64,\"loss\":0.5}\n{\"step\":2,\"frames\":128,\"loss\":0.25}\n").unwrap();
    for path in ["t.csv", "t.jsonl"] {
        let run = home.json(&["inspect", path, "--json", "--step-key", "frames"]);
        assert_eq!((&run["keys"]["loss"]["last"]["step"], &run["keys"]["step"]["count"]), (&json!(128), &json!(2)), "{path}");
        assert_eq!(run["problems"], json!([]));
        let run = home.json(&["inspect", path, "--json", "--step-key", "nosuch"]);
        assert!(run["problems"][0].as_str().is_some_and(|problem| problem.contains("`nosuch`")), "{}", run["problems"]);
    }
    fails(
        home.og(&["inspect", "odd.log", "--regex", "loss ("]),
        2,
        &["--regex: regex parse error:", "    loss (\n         ^", "unclosed group"],
    );
    fails(home.og(&["inspect", "odd.log", "--regex", r"loss (\S+)"]), 2, &["names no group", "hint: name what is to be read"]);
    fails(home.og(&["view", "odd.log", "--regex", "("]), 2, &["unclosed group"]);
    fails(home.og(&["run", "--regex", "(", "train.py"]), 2, &["unclosed group"]);
}

#[test]
fn a_run_is_followed_line_by_line_to_its_end() {
    let home = Home::new();
    let whole = fs::read(format!("{FIXTURES}/wandb/failed.wandb")).unwrap();
    let path = home.work().join("run-live.wandb");
    fs::write(&path, &whole[..whole.len() / 3]).unwrap();
    let mut follow = home.og(&["inspect", "run-live.wandb", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines =
        BufReader::new(follow.stdout.take().unwrap()).lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let first = lines.next().unwrap();
    assert_eq!((&first["event"], &first["state"]), (&json!("run"), &json!("running")));
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(&whole[whole.len() / 3..]).unwrap();
    let rest: Vec<Value> = lines.collect();
    assert!(follow.wait().unwrap().success());
    let last = |name: &str| rest.iter().rev().find_map(|change| change.get(name).cloned()).unwrap();
    assert_eq!((last("state"), last("exit_code")), (json!("failed"), json!(3)));
    assert_eq!((&last("keys")["train/loss"]["count"], &last("keys")["train/loss"]["value"]), (&json!(40), &json!(0.025)));
    assert!(rest.iter().all(|change| change["event"] == "change"));
    let points = home.ok(&["inspect", "run-live.wandb", "--follow", "--series", "train/loss"]);
    assert_eq!(points.lines().count(), 40);
}

#[test]
fn what_is_piped_is_read_to_its_end() {
    let home = Home::new();
    let piped = |text: &str| -> Value {
        let mut og = home.og(&["inspect", "-", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        og.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        serde_json::from_slice(&og.wait_with_output().unwrap().stdout).unwrap()
    };
    for (text, kind) in [
        ("step 1 loss 2\nstep 2 loss 1\n", "log"),
        ("{\"lr\": 0.1, \"batch_size\": 32}\nstep 1 loss 2\nstep 2 loss 1\n", "log"),
        ("{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"loss\": 1}\n", "jsonl"),
        ("step,loss\n1,2\n2,1\n", "csv"),
    ] {
        let run = piped(text);
        assert_eq!((&run["keys"]["loss"]["count"], &run["kind"]), (&json!(2), &json!(kind)), "{text}");
        let lines = if kind == "log" { text.lines().count() } else { 0 };
        assert_eq!(run["console_lines"], json!(lines), "{text}");
    }
    assert_eq!(piped("{\"step\": 1, \"loss\": 2}\n")["kind"], json!("jsonl"));
}

#[test]
fn a_pipe_is_followed_while_it_is_written() {
    let home = Home::new();
    for (args, first, second) in [
        (["inspect", "-", "--follow"].as_slice(), "\"step\":1", "\"step\":2"),
        (["inspect", "-", "--follow", "--series", "loss"].as_slice(), "\"step\":1", "\"step\":2"),
        (["tail", "-", "-f"].as_slice(), "step 1 loss 2", "step 2 loss 1"),
    ] {
        let mut og = home.og(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdin, mut lines) = (og.stdin.take().unwrap(), BufReader::new(og.stdout.take().unwrap()).lines());
        for (text, want) in [("step 1 loss 2\n", first), ("step 2 loss 1\n", second)] {
            stdin.write_all(text.as_bytes()).unwrap();
            assert!(lines.any(|line| line.unwrap().contains(want)), "{args:?} {want}");
        }
        drop(stdin);
        assert!(og.wait().unwrap().success(), "{args:?}");
    }
}

#[test]
fn a_named_pipe_that_nobody_writes_to_is_told_and_one_that_is_followed_is_waited_for() {
    let home = Home::new();
    let fifo = home.work().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert!(home.ok(&["inspect", "fifo"]).contains("nobody writes to fifo yet"));
    fails(home.og(&["tail", "fifo"]), 1, &["nobody writes to fifo yet", "hint: start the program"]);
    let mut og = home.og(&["inspect", "fifo", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(og.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("nobody writes")));
    let mut writer = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    for step in ["1", "2"] {
        writer.write_all(format!("step {step} loss 2\n").as_bytes()).unwrap();
        assert!(lines.any(|line| line.unwrap().contains(&format!("\"step\":{step}"))));
    }
    drop(writer);
    assert!(og.wait().unwrap().success());
}

#[test]
#[cfg(target_os = "linux")]
fn a_last_line_without_a_newline_counts_unless_somebody_may_be_writing_it() {
    let home = Home::new();
    for (name, text) in [("a.csv", "step,loss\n1,2.5\n2,1.5"), ("a.log", "step 1 loss 2.5\nstep 2 loss 1.5")] {
        let count = || home.json(&["inspect", name, "--json"])["keys"]["loss"]["count"].as_u64();
        let mut file = fs::File::create(home.work().join(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        assert_eq!(count(), Some(1), "{name}");
        drop(file);
        assert_eq!(count(), Some(2), "{name}");
    }
}

#[test]
fn a_long_list_in_a_document_takes_no_more_memory_than_its_text() {
    let home = Home::new();
    for (name, before) in [("columns.json", ""), ("document.json", "\"epoch\": 3.0,\n"), ("deep.json", "\"epoch\": 3.0, \"a\": {\n")] {
        let end = if before.contains('{') { "}" } else { "" };
        fs::write(home.work().join(name), format!("{{\n{before}\"loss\": [1{}]{end}\n}}\n", ",1".repeat(3 << 20))).unwrap();
        let run = home.json(&["inspect", name, "--stats", "--json"]);
        let bytes = run["stats"]["peak_rss_bytes"].as_u64().unwrap();
        assert!(bytes < 80 << 20, "{name}: {bytes} bytes");
    }
}

#[test]
fn what_is_no_run_is_told_and_a_reader_that_goes_away_is_no_error() {
    let home = Home::new();
    fails(home.og(&["inspect", "nowhere"]), 1, &["no run is called `nowhere`, and there is no such path", "hint: give a file"]);
    fs::write(home.work().join("model.pt"), b"PK\x03\x04\0\0\0\0").unwrap();
    fails(home.og(&["inspect", "model.pt"]), 1, &["model.pt is in no format that og reads", "PyTorch checkpoint"]);
    let error = home.og(&["inspect", "nowhere", "--json"]).output().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&error.stdout).unwrap()["code"], json!("not_found"));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = home.og(&["inspect", &format!("{FIXTURES}/wandb/failed.wandb")]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(3), String::new()));
}

// --- og tail ---

#[test]
fn the_last_lines_come_from_logs_and_from_trackers() {
    let home = Home::new();
    let log: String = (0..20_000).map(|i| format!("\x1b[32mline\x1b[0m {i}\n")).collect();
    fs::write(home.work().join("a.log"), log + "10%\r20%").unwrap();
    assert_eq!(home.ok(&["tail", "a.log", "-n", "2"]), "line 19999\n20%\n");
    assert_eq!(home.ok(&["tail", "a.log", "--grep", "99$"]).lines().count(), 10);
    assert_eq!(home.ok(&["tail", "a.log", "-n", "1", "--grep", "^line 5$", "--json"]), "{\"line\":\"line 5\"}\n");
    let wandb = format!("{FIXTURES}/wandb/failed.wandb");
    assert!(home.ok(&["tail", &wandb, "-n", "100"]).contains("step 3: loss 0.2500"));
    fails(home.og(&["tail", "a.log", "--grep", "("]), 2, &["--grep: regex parse error", "unclosed group"]);
}

#[test]
fn lines_are_followed_until_the_run_ends() {
    let home = Home::new();
    let run = home.work().join("run");
    fs::create_dir(&run).unwrap();
    fs::write(run.join("run.json"), r#"{"v":1,"id":"x","name":"x"}"#).unwrap();
    fs::write(run.join("stdout.log"), "one\ntwo\n").unwrap();
    let mut tail = home.og(&["tail", "run", "-f", "-n", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "two");
    let append = |name: &str, text: &str| {
        File::options().create(true).append(true).open(run.join(name)).unwrap().write_all(text.as_bytes()).unwrap();
    };
    append("stdout.log", "thr");
    append("stdout.log", "ee\nfour");
    assert_eq!(lines.next().unwrap(), "three");
    append("events.jsonl", "{\"t\":2,\"author\":\"og\",\"kind\":\"lifecycle\",\"what\":\"exit\",\"code\":0}\n");
    assert_eq!(lines.collect::<Vec<_>>(), ["four"]);
    assert!(tail.wait().unwrap().success());
}

// --- og doctor ---

#[test]
fn the_machine_is_looked_at() {
    let home = Home::new();
    let looked = home.json(&["doctor", "--json"]);
    let names: Vec<&str> = looked["findings"].as_array().unwrap().iter().map(|finding| finding["name"].as_str().unwrap()).collect();
    for name in ["og", "tmux", "terminal", "locale", "store", "disk", "sockets", "files", "python"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let mut no_tmux = home.og(&["doctor"]);
    let output = no_tmux.env("OG_TMUX", "/nonexistent/tmux").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("bad  tmux") && said.contains("hint: install tmux 3.2"), "{said}");
}

#[test]
fn keys_that_two_sources_log_are_compared() {
    let home = Home::new();
    let run = home.work().join("run");
    fs::create_dir(&run).unwrap();
    fs::write(run.join("run.json"), r#"{"v":1,"id":"x","name":"both"}"#).unwrap();
    let rows: String =
        (1..=8).map(|step| format!("{{\"s\":{step},\"m\":{{\"train/loss\":{},\"lr\":0.5}}}}\n", 4.0 / f64::from(step))).collect();
    fs::write(run.join("metrics.jsonl"), rows + "broken\n").unwrap();
    let lines =
        (1..=8).map(|step| format!("step {step} train/loss {:.4} lr {}\n", 4.0 / f64::from(step), if step > 5 { 0.25 } else { 0.5 }));
    fs::write(run.join("stdout.log"), lines.collect::<String>()).unwrap();
    let looked = home.json(&["doctor", "run", "--json"]);
    assert_eq!((&looked["conflicts"], &looked["loss_count"]), (&json!(1), &json!(1)));
    let twin = |key: &str| looked["twins"].as_array().unwrap().iter().find(|twin| twin["key"] == key).unwrap().clone();
    assert_eq!((&twin("train/loss")["equal"], &twin("train/loss")["different"]), (&json!(8), &json!(0)));
    assert_eq!((&twin("lr")["different"], &twin("lr")["first_difference"]), (&json!(3), &json!({"step": 6, "shown": 0.5, "hidden": 0.25})));
    let told = home.ok(&["doctor", "run"]);
    assert!(told.contains("lr from metrics, also in console: 3 of 8 differ, first at step 6: 0.5 and 0.25"), "{told}");
    assert_eq!(home.json(&["inspect", "run", "--json"])["keys"]["lr"]["last"]["value"], json!(0.5), "never doubled");
}

#[test]
fn rows_that_trackio_could_not_send_are_told() {
    let home = Home::new();
    let copied = Command::new("cp").args(["-r", &format!("{FIXTURES}/trackio/inbox/inbox")]).arg(home.work().join("inbox")).status();
    assert!(copied.unwrap().success());
    assert_eq!(home.json(&["doctor", "nfsproj.db", "--json"])["unsent"], json!({"rows": 6, "in_inbox": 6}));
    let told = home.ok(&["doctor", "nfsproj.db"]);
    assert!(
        told.contains("not sent: 6 rows of Trackio") && told.contains("6 lie in its inbox") && !told.contains("database only"),
        "{told}"
    );

    let db = home.work().join("ogfixture.db");
    let dump = fs::read_to_string(format!("{FIXTURES}/trackio/v0.43.0/ogfixture.sql")).unwrap();
    let open = Connection::open(&db).unwrap();
    open.execute_batch(&dump).unwrap();
    open.execute_batch("UPDATE metrics SET space_id = 'http://nobody:1' WHERE run_name = 'crashy' AND step > 10").unwrap();
    drop(open);
    let told = home.ok(&["doctor", "ogfixture.db#crashy"]);
    assert!(told.contains("not sent: 6 rows") && told.contains("6 lie in the database only") && !told.contains("inbox"), "{told}");
    assert!(!home.ok(&["doctor", "ogfixture.db#first"]).contains("not sent"));
}

// --- A canvas keeps how its run is read ---

#[test]
fn a_pattern_of_a_canvas_is_used_by_its_panes_and_may_change() {
    let home = Home::new();
    fs::write(home.work().join("odd.log"), "<10> L2.5\n<20> L2.25\n").unwrap();
    home.ok(&[
        "canvas",
        "spawn",
        "--run",
        "odd.log",
        "--regex",
        r"<(?P<step>\d+)> L(?P<loss>\S+)",
        "--name",
        "v",
        "--tmux-socket",
        "og",
        "--detach",
    ]);
    let shows = |key: &str, latest: f64| {
        let view = home.json(&["viewstate", "--canvas", "v", "--json"]);
        let metrics = view["visibleMetrics"].as_array().into_iter().flatten();
        metrics.into_iter().any(|metric| metric["key"] == key && metric["latestValue"].as_f64() == Some(latest))
    };
    crate::home::comes("the pattern is used", || shows("loss", 2.25));
    let spec = home.canvas("v").join("canvas.json");
    let mut changed = expected(&spec);
    assert_eq!(changed["regex"], json!([r"<(?P<step>\d+)> L(?P<loss>\S+)"]));
    changed["regex"] = json!([r"<(?P<step>\d+)> L(?P<other>\S+)"]);
    fs::write(&spec, changed.to_string()).unwrap();
    crate::home::comes("the new pattern is used", || shows("other", 2.25) && !shows("loss", 2.25));
    home.ok(&["canvas", "close", "v"]);
}

// --- Recordings with independently computed values ---

/// Whether a value is the one that is wanted; non-finite ones are words.
fn is_value(got: &Value, want: &Value) -> bool {
    match (got.as_f64(), want.as_f64()) {
        (Some(got), Some(want)) => got == want,
        _ => got == want,
    }
}

/// What is wrong with one key.
fn key_faults(key: &str, got: &Value, want: &Value) -> Vec<String> {
    let ends = ["first", "last"].map(|end| match &want[end] {
        // Two shapes are in use: [step, value], and two fields.
        Value::Array(pair) => (end, pair[0].clone(), pair[1].clone()),
        value => (end, want[format!("{end}_step")].clone(), value.clone()),
    });
    let mut out = vec![];
    for (end, step, value) in ends {
        if !is_value(&got[end]["step"], &step) || !is_value(&got[end]["value"], &value) {
            out.push(format!("{key}: {end} {}, want {step} {value}", got[end]));
        }
    }
    for name in ["min", "max", "nan"] {
        if !want[name].is_null() && !is_value(&got[name], &want[name]) {
            out.push(format!("{key}: {name} {}, want {}", got[name], want[name]));
        }
    }
    let infinite = ["posinf", "neginf"].map(|name| want[name].as_u64());
    if let [Some(up), Some(down)] = infinite
        && got["inf"] != json!(up + down)
    {
        out.push(format!("{key}: inf {}, want {}", got["inf"], up + down));
    }
    if got["count"] != want["count"] {
        out.push(format!("{key}: count {}, want {}", got["count"], want["count"]));
    }
    out
}

fn none() -> Map<String, Value> {
    Map::new()
}

#[test]
fn what_real_trainers_write_is_told_as_pythons_own_readers_find_it() {
    let home = Home::new();
    let rows = Path::new(FIXTURES).join("rows");
    let expected = expected(rows.join("expected.json"));
    let files = expected.as_object().unwrap();
    assert!(files.len() >= 7);
    for (file, keys) in files {
        let run = inspect(&home, rows.join(file));
        assert_eq!(run["losses"], json!([]), "{file}");
        let (keys, told) = (keys.as_object().unwrap(), run["keys"].as_object().unwrap());
        assert_eq!(told.keys().collect::<Vec<_>>(), keys.keys().collect::<Vec<_>>(), "{file}");
        let faults: Vec<String> = keys.iter().flat_map(|(key, want)| key_faults(key, &told[key], want)).collect();
        assert!(faults.is_empty(), "{file}: {faults:#?}");
    }
}

#[test]
fn a_table_of_pandas_is_the_same_in_every_shape() {
    let home = Home::new();
    let folder = Path::new(FIXTURES).join("rows/pandas");
    let paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with("make.py")).collect();
    assert!(paths.len() >= 14);
    let want = |last: f64, min: f64, max: f64| {
        let point = |step: i64, value: f64| json!({"step": step, "time": null, "value": value});
        let first = if last == min { max } else { min };
        json!({"count": 10, "first": point(0, first), "last": point(90, last), "min": min, "max": max, "nan": 0, "inf": 0, "superseded": 0})
    };
    for path in paths {
        let run = inspect(&home, &path);
        let seeds = if path.ends_with("seeds.csv") || path.ends_with("seeds.jsonl") { &[1.0, 2.0][..] } else { &[0.0] };
        let mut keys = Map::new();
        for seed in seeds {
            let name = |key: &str| if *seed > 0.0 { format!("seed_{seed}/{key}") } else { key.to_owned() };
            keys.insert(name("acc"), want(0.5625, 0.0, 0.5625));
            keys.insert(name("loss"), want(1.375 + seed, 1.375 + seed, 2.5 + seed));
        }
        assert_eq!((&run["losses"], &run["keys"], &run["step"]), (&json!([]), &Value::Object(keys), &json!(90)), "{path:?}");
    }
}

#[test]
fn a_forked_run_says_where_it_left_the_other_one_and_its_texts_are_no_points() {
    let run = inspect(&Home::new(), format!("{FIXTURES}/wandb/forked.wandb"));
    assert_eq!(run["keys"].as_object().unwrap().keys().collect::<Vec<_>>(), ["loss", "norm.a"]);
    assert_eq!((&run["keys"]["loss"]["first"]["step"], &run["keys"]["norm.a"]["nan"]), (&json!(5), &json!(7)));
    assert_eq!(run["run"]["branch_point"], json!({"metric": "_step", "run": "failed01", "value": 4.0}));
    assert_eq!((&run["summary"]["word"], &run["state"]), (&json!("NaN"), &json!("finished")));
}

#[test]
fn recorded_runs_of_wandb_are_told_as_expected() {
    let Some(folder) = recordings("wandb") else { return };
    let home = Home::new();
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        let Some(stem) = entry.to_str().unwrap().strip_suffix(".expected.json").map(str::to_owned) else { continue };
        let want = expected(&entry);
        let path = home.work().join(format!("{}.wandb", Path::new(&stem).file_name().unwrap().to_str().unwrap()));
        let unpacked = Command::new("gzip").args(["-dc", &format!("{stem}.wandb.gz")]).output().unwrap();
        fs::write(&path, unpacked.stdout).unwrap();
        let got = inspect(&home, &path);
        let keys = want["keys"].as_object().cloned().unwrap_or_default();
        let mut faults: Vec<String> = keys.iter().flat_map(|(key, want)| key_faults(key, &got["keys"][key], want)).collect();
        let mut check = |what: &str, got: &Value, want: &Value| {
            if got != want {
                faults.push(format!("{what}: {got}, want {want}"));
            }
        };
        if !keys.is_empty() {
            check("keys", &json!(got["keys"].as_object().unwrap().keys().collect::<Vec<_>>()), &json!(sorted(keys.keys())));
            let run = [("id", "run_id_in_record"), ("name", "name"), ("project", "project"), ("group", "group"), ("job_type", "job_type")];
            run.iter().for_each(|(name, field)| check(name, &got["run"][*name], &want[*field]));
            ["config", "tags", "notes"].iter().for_each(|field| check(field, &got[*field], &want[*field]));
        }
        check("exit", &got["exit_code"], &want["exit_code_in_file"]);
        let state = if want["exit_code_in_file"].is_null() { json!("running") } else { want["state"].clone() };
        check("state", &got["state"], &state);
        check("losses", &got["loss_count"], &want["corrupt_regions"]);
        let alerts: Vec<Value> = got["alerts"].as_array().unwrap().iter().map(|a| json!([a["title"], a["text"], a["level"]])).collect();
        let level = want["alert"]["level"].as_str().map(str::to_lowercase);
        let want_alerts = level.map(|level| json!([want["alert"]["title"], want["alert"]["text"], level]));
        check("alerts", &json!(alerts), &json!(want_alerts.into_iter().collect::<Vec<_>>()));
        let explicit = want["summary_explicit"].as_object().cloned().unwrap_or_default();
        if let Some(best) = explicit.get("best_val_loss") {
            check("summary", &got["summary"]["best_val_loss"], best);
            check("nested summary", &got["summary"]["nested.a.b"], &explicit["nested"]["a"]["b"]);
        }
        assert_eq!(faults, Vec::<String>::new(), "{stem}");
        seen += 1;
    }
    assert!(seen >= 10, "{seen}");
}

fn sorted<'a>(keys: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut keys: Vec<_> = keys.collect();
    keys.sort();
    keys
}

#[test]
fn recorded_event_files_are_told_as_expected() {
    let Some(folder) = recordings("tensorboard") else { return };
    let home = Home::new();
    for (name, want) in expected(folder.join("expected.json")).as_object().unwrap() {
        let mut got = inspect(&home, folder.join(name));
        // Its own run stands before those below it.
        got = got["runs"].get(0).cloned().unwrap_or(got);
        let scalars: Vec<_> = want["scalars"].as_object().unwrap().iter().filter(|(_, want)| want["plugin"].is_null()).collect();
        assert_eq!(got["keys"].as_object().unwrap().len(), scalars.len(), "{name}");
        for (tag, want) in scalars {
            // TensorBoard stops at the damage; only the damaged one of 20 has to be lost.
            let want = match name.as_str() {
                "damaged/flipped" => json!({"count": 19, "first": want["first"], "last": [190, 0.4764315187931061]}),
                _ => want.clone(),
            };
            assert_eq!(key_faults(tag, &got["keys"][tag], &want), Vec::<String>::new(), "{name}");
        }
        let media = |kind: &str| got["media"][kind].as_u64().unwrap_or(0) > 0;
        assert_eq!((media("histogram"), media("image")), (want["histograms"] != json!([]), want["images"] != json!([])), "{name}");
        assert_eq!(got["loss_count"], json!(u8::from(name == "damaged/flipped")), "{name}: {}", got["losses"]);
    }
}

#[test]
fn recorded_databases_of_trackio_are_told_as_expected() {
    let Some(folder) = recordings("trackio") else { return };
    let home = Home::new();
    for name in ["small/og-demo", "legacy/v0.2.9/legacy-proj", "legacy/v0.20.2/legacy-proj", "resume/resume-proj"] {
        let want = expected(folder.join(format!("{name}.expected.json")));
        // Copied with what lies beside it: a reader must not depend on a folder that it may write to, nor write there.
        let place = home.work().join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        for suffix in ["db", "db-wal", "db-shm"] {
            let from = folder.join(format!("{name}.{suffix}"));
            if from.exists() {
                fs::copy(from, place.with_extension(suffix)).unwrap();
            }
        }
        let got = inspect(&home, place.with_extension("db"));
        let runs = got["runs"].as_array().unwrap();
        assert_eq!(runs.len(), want["runs"].as_array().unwrap().len(), "{name}");
        for want in want["runs"].as_array().unwrap() {
            let id = &want["id"];
            let got = runs.iter().find(|run| run["run"]["id"] == *id).unwrap_or_else(|| panic!("no {id}"));
            assert_eq!(got["run"]["name"], want["name"]);
            for (key, want) in want["metrics"].as_object().unwrap().iter().filter(|(_, want)| want["kind"] == "scalar") {
                if want["count"] != got["keys"][key]["count"] {
                    // A resumed run: the expected values are of all rows, the replaced ones included.
                    let key = &got["keys"][key];
                    assert_eq!(key["count"].as_u64().unwrap() + key["superseded"].as_u64().unwrap(), want["count"].as_u64().unwrap());
                    assert_eq!(
                        (&key["count"], &key["superseded"], want["last"][1].as_f64()),
                        (&json!(100), &json!(20), key["last"]["value"].as_f64())
                    );
                    continue;
                }
                assert_eq!(key_faults(key, &got["keys"][key], want), Vec::<String>::new(), "{name} {id}");
            }
            let config = want["config"].as_object().cloned().unwrap_or_default();
            let config: Map<String, Value> = config.into_iter().filter(|(key, _)| !key.starts_with('_')).collect();
            assert_eq!(got["config"], Value::Object(sorted_map(config)), "{name} {id}");
            assert_eq!(got["system_keys"], want["system_keys"], "{name} {id}");
            let alerts = |of: &Value, text: fn(&Value) -> Value| {
                of.as_array().unwrap().iter().map(|a| json!([a["title"], text(&a["text"]), a["level"], a["step"]])).collect::<Vec<_>>()
            };
            let filled = |text: &Value| if text.is_null() { json!("") } else { text.clone() };
            assert_eq!(alerts(&got["alerts"], Value::clone), alerts(&want["alerts"], filled), "{name} {id}");
        }
    }
}

/// An object with its fields in order, also of the objects in it.
fn sorted_map(map: Map<String, Value>) -> Map<String, Value> {
    let mut value = Value::Object(map);
    value.sort_all_objects();
    value.as_object().cloned().unwrap_or_else(none)
}

#[test]
fn a_recorded_database_of_tviz_is_told_as_expected() {
    let Some(folder) = recordings("tviz") else { return };
    let home = Home::new();
    let got = inspect(&home, folder.join("tviz.db"));
    for want in expected(folder.join("tviz.expected.json"))["runs"].as_array().unwrap() {
        let got = got["runs"].as_array().unwrap().iter().find(|run| run["run"]["id"] == want["id"]).unwrap();
        assert_eq!((&got["run"]["name"], &got["run"]["modality"]), (&want["name"], &want["modality"]));
        assert_eq!(got["state"], if want["ended"] == true { json!("finished") } else { Value::Null });
        let metrics = want["metrics"].as_object().unwrap();
        assert_eq!(got["keys"].as_object().unwrap().len(), metrics.len());
        for (key, want) in metrics {
            assert_eq!(key_faults(key, &got["keys"][key], want), Vec::<String>::new());
        }
        assert_eq!(got["config"], Value::Object(sorted_map(want["config"].as_object().unwrap().clone())));
        let media = json!({"rollout": want["rollouts"][0], "trajectory": want["trajectories"][0]});
        assert_eq!(got["media"], media);
    }
}

/// Names are compared in lower case, with runs of other characters as `_`.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

#[test]
fn recorded_logs_are_told_as_expected() {
    let Some(folder) = recordings("logs") else { return };
    let home = Home::new();
    let (mut right, mut all) = (0, 0);
    for path in
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "log"))
    {
        let want = expected(path.with_extension("expected.json"));
        let got = inspect(&home, &path);
        let keys: Vec<(String, &Value, &String)> =
            got["keys"].as_object().unwrap().iter().map(|(key, value)| (plain(key), value, key)).collect();
        let of = |name: &str| keys.iter().find(|(key, ..)| *key == plain(name));
        let mut faults = vec![];
        for (name, want) in want["must"].as_object().unwrap_or(&none()) {
            let want = json!({"count": want["n"], "first": want["first"], "last": want["last"]});
            match of(name) {
                Some((_, got, _)) => faults.extend(key_faults(name, got, &want)),
                None => faults.push(format!("no {name}")),
            }
        }
        for (name, want) in want["bars"].as_object().unwrap_or(&none()) {
            let points = of(name).map(|(_, _, key)| series(&home, &path, key)).unwrap_or_default();
            let want: Vec<_> = want.as_array().unwrap().iter().map(|pair| (pair[0].as_i64().unwrap(), pair[1].clone())).collect();
            let same = points.len() == want.len() && points.iter().zip(&want).all(|(a, b)| a.0 == b.0 && is_value(&a.1, &b.1));
            faults.extend((!same).then(|| format!("{name}: {points:?}, want {want:?}")));
        }
        for name in want["must_not"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            faults.extend(of(name).map(|_| format!("{name} is no metric")));
        }
        if want["total"].is_i64() && want["total"] != got["total_steps"] {
            faults.push(format!("total {}, want {}", got["total_steps"], want["total"]));
        }
        faults.iter().for_each(|fault| println!("{} {fault}", path.display()));
        right += usize::from(faults.is_empty());
        all += 1;
    }
    assert!(right * 19 >= all * 18, "only {right} of {all} logs are told exactly");
}

#[test]
fn a_log_that_grows_is_followed_as_points() {
    let home = Home::new();
    let path = home.work().join("a.log");
    fs::write(&path, "step 1 loss 3\n").unwrap();
    let mut follow = home.og(&["inspect", "a.log", "--follow", "--series", "loss"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines =
        BufReader::new(follow.stdout.take().unwrap()).lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    assert_eq!(lines.next().unwrap()["value"], json!(3.0));
    let writer = thread::spawn(move || {
        let mut file = File::options().append(true).open(&path).unwrap();
        for step in 2..=20 {
            writeln!(file, "step {step} loss {}.5", 20 - step).unwrap();
        }
    });
    let got: Vec<_> = lines.by_ref().take(19).map(|point| (point["step"].as_i64().unwrap(), point["value"].as_f64().unwrap())).collect();
    assert_eq!(got, (2..=20).map(|step| (step, (20 - step) as f64 + 0.5)).collect::<Vec<_>>());
    writer.join().unwrap();
    follow.kill().unwrap();
    follow.wait().unwrap();
}
