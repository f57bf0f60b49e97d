//! The example training: it really learns, really diverges, and keeps the promises that og's first page makes for it.

use regex::Regex;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};
use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/train_char_lm.py");

/// Small enough that a step takes about 2 ms. The script is its own text, so that these claims do not move with the README.
const SMALL: &str = "--hidden 8 --batch 8 --log-format none";

struct Desk {
    dir: TempDir,
}

impl Desk {
    fn new() -> Desk {
        Desk { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, metrics: &str, args: &str) -> Command {
        let mut command = Command::new("python3");
        command.arg(SCRIPT).args(["--data", SCRIPT]).args(args.split_whitespace());
        command.current_dir(self.dir.path()).env("OG_METRICS", self.path(metrics)).env_remove("OG_RUN_DIR");
        command
    }

    #[track_caller]
    fn train(&self, metrics: &str, args: &str) -> Output {
        self.command(metrics, args).output().expect("python3 is on the PATH; `make setup` says how to get it")
    }

    #[track_caller]
    fn rows(&self, metrics: &str) -> Vec<Value> {
        rows(&fs::read_to_string(self.path(metrics)).unwrap())
    }
}

/// Every line must be JSON as the standard has it: `NaN` outside a string would fail here.
#[track_caller]
fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a row says that does not depend on the clock.
fn learned(row: &Value) -> Value {
    let m = &row["m"];
    serde_json::json!([row["s"], m["train/loss"], m["val/loss"], m["grad_norm"], m["lr"]])
}

fn losses(rows: &[Value], key: &str) -> Vec<f64> {
    rows.iter().filter_map(|row| row["m"][key].as_f64()).collect()
}

/// Files of a folder, sorted.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn two_hundred_steps_with_the_default_model_learn_something() {
    let desk = Desk::new();
    succeeded(&desk.train("m.jsonl", "--steps 200 --log-format none"));
    let rows = desk.rows("m.jsonl");

    assert_eq!(rows.len(), 201, "one row a step, and the last evaluation");
    let steps: Vec<_> = rows.iter().map(|row| row["s"].as_i64().unwrap()).collect();
    assert_eq!(steps, (0..=200).collect::<Vec<_>>());
    assert_eq!(rows[0]["total"], 200);
    assert!(rows[1..].iter().all(|row| row.get("total").is_none()), "the total is told once");

    let val = losses(&rows, "val/loss");
    assert_eq!(val.len(), 5, "steps 0, 50, 100, 150 and the end");
    let untrained = 4.0..4.8;
    assert!(untrained.contains(&val[0]), "ln(alphabet) is about 4.5: {val:?}");
    assert!(val[4] < val[0] - 1.0, "{val:?}");
    assert!(losses(&rows, "grad_norm").iter().all(|norm| *norm > 0.0));
    assert!(losses(&rows, "tokens_per_s").iter().all(|rate| *rate > 0.0));

    let lr = losses(&rows, "lr");
    let peak = lr.iter().copied().fold(0.0, f64::max);
    assert!(lr[0] < peak / 5.0 && (peak - 0.01).abs() < 1e-9 && *lr.last().unwrap() < peak / 5.0, "warms up, then decays: {lr:?}");
}

#[test]
fn a_resumed_training_repeats_the_uninterrupted_one_bit_for_bit() {
    let desk = Desk::new();
    let small = |more: &str| format!("{SMALL} --eval-every 10 --ckpt-every 15 {more}");
    succeeded(&desk.train("whole.jsonl", &small("--steps 40 --out whole")));
    assert_eq!(names(&desk.path("whole")), ["step-000015.json", "step-000030.json", "step-000040.json"]);

    // Settings come from the checkpoint: only the place to go on from is said again.
    succeeded(&desk.train("rest.jsonl", "--resume whole/step-000015.json --out rest --log-format none"));
    let (whole, rest) = (desk.rows("whole.jsonl"), desk.rows("rest.jsonl"));
    assert_eq!(rest[0]["total"], 40);
    assert_eq!(rest.iter().map(learned).collect::<Vec<_>>(), whole[15..].iter().map(learned).collect::<Vec<_>>());
    let end = |dir: &str| fs::read(desk.path(dir).join("step-000040.json")).unwrap();
    assert_eq!(end("rest"), end("whole"), "weights, optimizer and random numbers end the same");
}

#[test]
fn checkpoints_go_into_the_run_folder_when_og_runs_it() {
    let desk = Desk::new();
    let mut command = desk.command("m.jsonl", &format!("{SMALL} --steps 2"));
    succeeded(&command.env("OG_RUN_DIR", desk.path("run")).output().unwrap());
    assert_eq!(names(&desk.path("run/checkpoints")), ["step-000002.json"]);
}

#[test]
fn fail_at_ends_with_a_traceback_and_exit_code_1() {
    let desk = Desk::new();
    let output = desk.train("m.jsonl", &format!("{SMALL} --steps 10 --fail-at 4"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.starts_with("Traceback") && stderr.contains("RuntimeError: failed at step 4"), "{stderr}");
    assert_eq!(desk.rows("m.jsonl").len(), 4, "steps 0 to 3 are on disk");
}

#[test]
fn a_signal_saves_a_checkpoint_and_ends_with_its_own_exit_code() {
    use rustix::process::Signal;
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let desk = Desk::new();
        // An hour a step: only the signal can end it.
        let args = "--hidden 8 --batch 8 --sleep-ms 3600000 --log-format nanogpt";
        let mut command = desk.command("m.jsonl", args);
        let mut child = Kill(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        // Kept open until the end: a training that cannot print dies of it.
        let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map_while(Result::ok);
        let evaluated = lines.any(|line| line.starts_with("step 0: "));
        assert!(evaluated, "it never came to its first step");

        rustix::process::kill_process(rustix::process::Pid::from_child(&child.0), signal).unwrap();
        assert_eq!(child.0.wait().unwrap().code(), Some(code));
        assert_eq!(names(&desk.path("checkpoints")), ["step-000001.json"]);
        assert_eq!(desk.rows("m.jsonl").len(), 1, "the step that the signal met is whole");
    }
}

#[test]
fn a_learning_rate_of_50_diverges_to_nan_which_is_a_string_in_json() {
    let desk = Desk::new();
    let stdout = succeeded(&desk.train("m.jsonl", "--hidden 32 --batch 8 --steps 40 --lr 50"));
    assert!(stdout.contains("loss nan"), "{stdout}");
    let rows = desk.rows("m.jsonl");
    assert!(rows[0]["m"]["train/loss"].is_f64(), "it starts well");
    let broken = rows.iter().position(|row| row["m"]["train/loss"] == "NaN").expect("it diverges");
    assert!(rows[broken..40].iter().all(|row| row["m"]["train/loss"] == "NaN"), "and never comes back");
    assert_eq!(rows[39]["m"]["grad_norm"], "NaN", "clipping hides nothing");
    assert_eq!(rows[40]["m"]["val/loss"], "NaN");
}

#[test]
fn a_metrics_file_that_cannot_be_written_costs_one_warning() {
    let desk = Desk::new();
    let output = desk.train("no/such/folder/m.jsonl", &format!("{SMALL} --steps 5"));
    succeeded(&output);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(stderr.matches("warning: metrics are not written").count(), 1, "{stderr}");
}

#[test]
fn every_log_format_reads_as_what_it_claims_to_be() {
    let desk = Desk::new();
    let log = |format: &str| {
        let args = format!("--hidden 8 --batch 8 --steps 21 --eval-every 10 --log-format {format}");
        succeeded(&desk.train("m.jsonl", &args))
    };

    let nanogpt = log("nanogpt");
    let number = r"-?[0-9.]+(e[+-][0-9]+)?";
    let iter = Regex::new(&format!(r"(?m)^iter (\d+): loss {number}, time {number}ms, lr {number}, grad norm {number}, \d+ tok/s$"));
    let eval = Regex::new(&format!(r"(?m)^step (\d+): train loss {number}, val loss {number}$"));
    let steps = |re: Regex| re.captures_iter(&nanogpt).map(|c| c[1].parse::<u32>().unwrap()).collect::<Vec<_>>();
    assert_eq!(steps(iter.unwrap()), [0, 10, 20], "{nanogpt}");
    assert_eq!(steps(eval.unwrap()), [0, 10, 20, 21], "{nanogpt}");
    assert!(nanogpt.contains("\ntotal steps: 21\n"));

    let hf = log("hf");
    let dicts = rows(&hf.lines().filter(|line| line.starts_with('{')).collect::<Vec<_>>().join("\n").replace('\'', "\""));
    assert_eq!(dicts.iter().filter(|d| d["loss"].is_f64() && d["learning_rate"].is_f64() && d["epoch"].is_f64()).count(), 3);
    assert_eq!(dicts.iter().filter(|d| d["eval_loss"].is_f64()).count(), 4);

    let json = rows(&log("json"));
    assert_eq!(json[0]["total_steps"], 21);
    assert_eq!(json.iter().filter(|row| row["train/loss"].is_f64()).count(), 3);
    assert_eq!(json.iter().filter(|row| row["val/loss"].is_f64()).count(), 4);

    assert_eq!(log("none"), "");
}

/// A child that does not outlive a failed test.
struct Kill(Child);

impl Drop for Kill {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _already_reaped = self.0.wait();
    }
}
