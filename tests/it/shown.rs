//! `og canvas spawn --run` on what other programs leave behind: the real binary and a real tmux.

use crate::{
    home::{Home, becomes, comes, fails, told},
    support::{database, recordings},
};
use rusqlite::Connection;
use serde_json::Value;
use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Opens a canvas on `path` and waits until what `key` shows at last is `latest`. Gives the structure of the canvas.
#[track_caller]
fn shows(home: &Home, path: &str, key: &str, latest: f64) -> Value {
    home.json(&["canvas", "spawn", "review", "--run", path, "--name", "v", "--tmux-socket", "og", "--detach", "--json"]);
    let mut view = Value::Null;
    comes(&format!("{path} shows {key} at {latest}"), || {
        view = home.json(&["viewstate", "--canvas", "v", "--json"]);
        let metrics = view["visibleMetrics"].as_array().into_iter().flatten();
        metrics.into_iter().any(|metric| metric["key"] == key && metric["latestValue"].as_f64() == Some(latest))
    });
    home.ok(&["canvas", "close", "v"]);
    view
}

fn copy(fixture: &str, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture), to).unwrap();
}

#[test]
fn every_kind_of_run_is_shown() {
    let home = Home::new();
    let at = |name: &str| home.work().join(name);
    database("trackio/v0.43.0/ogfixture.sql", &home.dir.path().join(".cache/huggingface/trackio/ogfixture.db"));
    database("tviz/v0.2.2/tviz.sql", &at("tviz.db"));
    copy("tfevents/restart/events.out.tfevents.1700000000.fixture", &at("logs/a/events.out.tfevents.1700000000.fixture"));
    copy("tfevents/restart/events.out.tfevents.1700000001.fixture", &at("logs/a/events.out.tfevents.1700000001.fixture"));
    copy("tfevents/tbx/events.out.tfevents.1700000000.fixture", &at("logs/b/events.out.tfevents.1700000000.fixture"));
    copy("wandb/failed.wandb", &at("wandb/offline-run-20261120_080000-failed01/run-failed01.wandb"));
    fs::write(at("metrics.csv"), "step,loss\n1,2\n2,1.5\n").unwrap();
    fs::write(at("train.log"), "step 1 loss 2\nstep 2 loss 1.25\n").unwrap();

    // A project by its name, from the folder where Trackio keeps it.
    let view = shows(&home, "ogfixture#first", "loss", last(&home, "ogfixture", "first"));
    assert_eq!((view["runInfo"]["name"].as_str(), view["runInfo"]["project"].as_str()), (Some("first"), Some("ogfixture")));
    let view = shows(&home, "logs#b", "val/acc", 0.875);
    assert_eq!(view["runInfo"]["name"], "b");
    let view = shows(&home, "wandb", "train/loss", 0.025);
    assert_eq!((view["runInfo"]["state"].as_str(), view["runInfo"]["exitCode"].as_i64()), (Some("failed"), Some(3)));
    shows(&home, "metrics.csv", "loss", 1.5);
    shows(&home, "train.log", "loss", 1.25);
    let tviz = home.ok(&["canvas", "spawn", "review", "--run", "tviz.db", "--name", "t", "--tmux-socket", "og", "--detach"]);
    assert!(tviz.contains("canvas t"), "{tviz}");
    comes("the graph is drawn", || home.ok(&["viewstate", "--canvas", "t", "graph", "--screen"]).contains("geo/median_km"));
}

/// The last loss of a run of a Trackio project, by SQL.
fn last(home: &Home, project: &str, run: &str) -> f64 {
    let db = Connection::open(home.dir.path().join(format!(".cache/huggingface/trackio/{project}.db"))).unwrap();
    let sql = "SELECT json_extract(CAST(metrics AS TEXT), '$.loss') AS loss FROM metrics WHERE run_name = ?1 AND loss IS NOT NULL ORDER BY id DESC LIMIT 1";
    db.query_row(sql, [run], |row| row.get(0)).unwrap()
}

#[test]
fn what_is_piped_is_shown_as_it_comes_and_the_writer_never_waits() {
    let home = Home::new();
    let mut view = home.og(&["canvas", "spawn", "--run", "-", "--name", "v", "--tmux-socket", "og", "--json"]);
    let mut og = view.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = og.stdin.take().unwrap();
    pipe.write_all(b"step 1 loss 2.5\n").unwrap();
    let output = og.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let latest = |home: &Home| home.json(&["viewstate", "--canvas", "v", "--json"])["visibleMetrics"][0]["latestValue"].as_f64();
    comes("the first step", || latest(&home) == Some(2.5));
    pipe.write_all(b"step 2 loss 1.5\n").unwrap();
    comes("the second step", || latest(&home) == Some(1.5));
    // Also when nobody looks any more: far more than a pipe holds.
    home.ok(&["canvas", "close", "v"]);
    pipe.write_all(&b"step 3 loss 1\n".repeat(100_000)).unwrap();
    drop(pipe);
    comes("all of it is kept", || fs::metadata(home.canvas("v").join("stdin")).is_ok_and(|log| log.len() == 32 + 1_400_000));
}

#[test]
fn a_named_pipe_does_not_hold_og_up() {
    let home = Home::new();
    let fifo = home.work().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    home.ok(&["canvas", "spawn", "--run", "fifo", "--name", "v", "--tmux-socket", "og", "--detach"]);
    home.ok(&["canvas", "close", "v"]);
    let pumps =
        || crate::home::processes().iter().filter(|(_, line)| line.contains("__pump") && line.contains(fifo.to_str().unwrap())).count();
    comes("nothing waits for a writer any more", || pumps() == 0);
    home.ok(&["canvas", "spawn", "--run", "fifo", "--name", "v", "--tmux-socket", "og", "--detach"]);
    let mut pipe = File::options().write(true).open(&fifo).unwrap();
    pipe.write_all(b"step,loss\n1,2\n2,1.5\n").unwrap();
    comes("the table", || home.json(&["viewstate", "--canvas", "v", "--json"])["visibleMetrics"][0]["latestValue"].as_f64() == Some(1.5));
}

#[test]
fn what_is_no_run_is_told_before_anything_is_made() {
    let home = Home::new();
    let at = |name: &str| home.work().join(name);
    database("trackio/v0.43.0/ogfixture.sql", &at("p.db"));
    fs::write(at("model.pt"), b"PK\x03\x04rest").unwrap();
    fs::create_dir(at("empty")).unwrap();
    let spawn = |path: &str| home.og(&["canvas", "spawn", "--tmux-socket", "og", "--run", path]);
    fails(spawn("model.pt"), 1, &["in no format that og reads: it starts with 50 4b 03 04", "hint: this looks like an archive", ".wandb"]);
    fails(spawn("p.db#firs2"), 1, &["p.db has no run firs2", "hint: runs there: first"]);
    fails(spawn("empty"), 1, &["empty holds no run", "hint: og reads"]);
    fails(spawn("./nothing"), 1, &["nothing", "hint: "]);
    fails(spawn("nothing"), 1, &["nothing", "hint: "]);
    assert_eq!(fs::read_dir(home.store().join("canvas")).map_or(0, Iterator::count), 0);
}

#[test]
fn recorded_runs_of_all_trackers_are_shown() {
    let Some(data) = recordings("") else { return };
    let home = Home::new();
    let at = |name: &str| data.join(name).to_str().unwrap().to_owned();
    shows(&home, &at("tviz/tviz.db"), "loss", 0.39);
    shows(&home, &at("tensorboard#restart"), "loss", 179.0);
    shows(&home, &at("trackio/resume/resume-proj.db#same-name"), "loss", 76.0);
    shows(&home, &at("trackio/small#lr3e-3-spike"), "lr", 0.003);
}

/// What a run of ours shows, by key.
fn metrics(home: &Home, canvas: &str) -> Vec<(String, u64)> {
    let view = home.json(&["viewstate", "--canvas", canvas, "--json"]);
    let metrics = view["visibleMetrics"].as_array().into_iter().flatten();
    metrics.map(|metric| (metric["key"].as_str().unwrap().into(), metric["dataPoints"].as_u64().unwrap())).collect()
}

#[test]
fn what_a_training_logs_to_its_tracker_is_part_of_its_run() {
    let home = Home::new();
    let training = home.puppet("t");
    // It says so, as wandb does, and prints again what it logs.
    let folder = home.work().join("wandb/offline-run-20261120_080000-failed01");
    copy("wandb/failed.wandb", &folder.join("run-failed01.wandb"));
    training.tell(&format!("echo 'wandb: Run data is saved locally in {}'; echo step 3 train/loss 0.25", folder.display()));
    comes("the metrics of wandb", || metrics(&home, "t").contains(&("train/loss".into(), 40)));
    let info = || home.json(&["viewstate", "--canvas", "t", "--json"])["runInfo"].clone();
    comes("its config", || info()["config"]["lr"].as_f64() == Some(0.1));
    // How its own process fares is ours to say.
    assert_eq!((info()["state"].as_str(), info()["name"].as_str()), (Some("running"), Some("t")));
    // Or it only holds the file open.
    copy("tfevents/tbx/events.out.tfevents.1700000000.fixture", &home.work().join("tb/events.out.tfevents.1700000000.h"));
    training.tell("exec 7>>tb/events.out.tfevents.1700000000.h");
    comes("the metrics of TensorBoard", || metrics(&home, "t").contains(&("val/acc".into(), 8)));
    // A canvas on the run of later finds them again.
    training.tell("exit 0");
    training.end();
    home.ok(&["canvas", "close", "t"]);
    home.ok(&["canvas", "spawn", "--run", "t", "--name", "later", "--tmux-socket", "og", "--detach"]);
    // wandb: grad.norm and train/loss; TensorBoard: train/loss again, and val/acc.
    becomes(&["grad.norm", "train/loss", "val/acc"].map(String::from).to_vec(), || {
        let mut keys: Vec<String> = metrics(&home, "later").into_iter().map(|(key, _)| key).collect();
        keys.sort();
        keys
    });
}
