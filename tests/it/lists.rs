//! Which files of a tree are runs, which lie beside one, and which are neither.

use og::source::{Kind, RunRef, runs, search};
use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, Instant, SystemTime},
};
use tempfile::TempDir;

const LOG: &str = "step 1 loss 2.5\nstep 2 loss 2.0\n";

/// What a tracker leaves is there, and nothing is in it.
const EVENTS: &str = "events.out.tfevents.1700000000.h";

fn old(path: &Path) {
    File::options().append(true).open(path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(86_400)).unwrap();
}

fn tree(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        old(&path);
    }
    dir
}

/// The places of the runs, and of what lies beside them, in order.
fn listed(dir: &TempDir) -> (Vec<String>, Vec<String>) {
    let runs = runs(dir.path()).unwrap();
    let place = |path: &Path| path.strip_prefix(dir.path()).unwrap().display().to_string();
    let mut beside: Vec<String> = runs.iter().flat_map(|run| &run.beside).map(|path| place(path)).collect();
    let mut runs: Vec<String> = runs.iter().map(|run| place(&run.path)).collect();
    runs.sort();
    beside.sort();
    (runs, beside)
}

#[track_caller]
fn check(files: &[(&str, &str)], want: &[&str], beside: &[&str]) {
    let (got, got_beside) = listed(&tree(files));
    assert_eq!(got, want);
    assert_eq!(got_beside, beside);
}

#[test]
fn a_console_beside_a_trackers_run_is_that_runs_and_one_in_a_folder_of_its_own_is_a_run() {
    let events = |name: &str| format!("{name}/{EVENTS}");
    let (one, below) = (events("one"), events("two/tb"));
    check(
        &[
            (&one, ""),
            ("one/train.log", LOG),
            (&below, ""),
            ("two/train.log", LOG),
            ("three/train.log", LOG),
            ("four/slurm-1.out", LOG),
            ("five/output.txt", LOG),
            ("six/a.log", LOG),
            ("six/b.log", LOG),
            ("seven/metrics.csv", "step,loss\n1,2\n"),
            ("seven/train.log", LOG),
        ],
        &["five/output.txt", "four/slurm-1.out", "one", "seven/metrics.csv", "six/a.log", "six/b.log", "three/train.log", "two/tb"],
        &["one/train.log", "seven/train.log", "two/train.log"],
    );
    // The nearest is its own: the other is of some other training.
    check(&[(&one, ""), ("one/train.log", LOG), ("train.log", LOG)], &["one", "train.log"], &["one/train.log"]);
}

#[test]
fn consoles_above_a_run_are_of_it_where_they_were_written_while_it_went_on() {
    let events = format!("runs/Nov20/{EVENTS}");
    let dir = tree(&[(&events, ""), ("before.log", LOG), ("during.log", LOG), ("after.log", LOG), ("Nov20.log", LOG)]);
    let write = |name: &str, secs: u64| {
        let path = dir.path().join(name);
        File::options().append(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(secs)).unwrap();
    };
    write(&events, 1_700_010_000);
    for (name, secs) in [("before.log", 1_699_990_000), ("during.log", 1_700_005_000), ("after.log", 1_700_020_000), ("Nov20.log", 1)] {
        write(name, secs);
    }
    let (runs, beside) = listed(&dir);
    assert_eq!(runs, ["after.log", "before.log", "runs/Nov20"]);
    assert_eq!(beside, ["Nov20.log", "during.log"]);
}

#[test]
fn one_table_among_many_consoles_owns_those_that_are_called_so() {
    check(
        &[("a.log", LOG), ("b.log", LOG), ("c.log", LOG), ("d.log", LOG), ("e.log", LOG), ("a.csv", "step,loss\n1,2\n")],
        &["a.csv", "b.log", "c.log", "d.log", "e.log"],
        &["a.log"],
    );
    let mut many: Vec<(String, &str)> = (0..9).map(|rank| (format!("one/rank_{rank}.log"), LOG)).collect();
    many.push((format!("one/{EVENTS}"), ""));
    let (runs, beside) = listed(&tree(&many.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>()));
    assert_eq!((runs, beside.len()), (vec!["one".to_owned()], 9), "all in the folder of a run are of that run");
}

#[test]
fn a_console_that_names_a_trackers_run_is_that_runs_wherever_it_lies() {
    let folder = "wandb/offline-run-20200101_103944-5jifrzkt";
    let said = format!("wandb: Find logs at: ./{folder}/logs\n{LOG}");
    let log = format!("{folder}/run-5jifrzkt.wandb");
    check(
        &[(&log, ":W&B\u{1}"), ("wandb/debug.log", LOG), ("logs/slurm-1.out", &said), ("logs/slurm-2.out", LOG), ("nohup.out", LOG)],
        &["logs/slurm-2.out", folder],
        &["logs/slurm-1.out", "nohup.out"],
    );
}

#[test]
fn text_without_a_metric_is_no_run_beside_others_unless_it_has_just_begun() {
    let dir = tree(&[
        ("a/train.log", LOG),
        ("b/build.log", "compiling\ndone\n"),
        ("c/train.log", "loading the model\n"),
        ("requirements.txt", "torch==2.1\nnumpy>=1.2\n"),
        ("README.txt", "How to train, in 3 steps: loss 0.5 is good\n"),
        ("d/empty.log", ""),
    ]);
    let silent = || search(dir.path()).unwrap().1.silent;
    assert_eq!(listed(&dir).0, ["a/train.log"]);
    assert_eq!(silent(), 3);
    fs::write(dir.path().join("c/train.log"), "loading the model\n").unwrap();
    assert_eq!(listed(&dir).0, ["a/train.log", "c/train.log"]);
    assert_eq!(silent(), 2);
    // Where nothing better is, it is all there is.
    check(&[("b/build.log", "compiling\n")], &["b/build.log"], &[]);
}

#[test]
fn what_programs_write_as_they_train_is_found_by_what_stands_in_it() {
    let json = |step: &str| (1..9).map(|n| format!("{{\"{step}\": {n}, \"total_loss\": {}.5, \"lr\": 0.1}}\n", 9 - n)).collect::<String>();
    // The settings in each row are longer than the head of a file.
    let settings = format!("\"config\": {{{}}}", (0..1500).map(|n| format!("\"k{n}\": {n}")).collect::<Vec<_>>().join(", "));
    let rllib: String = (1..5)
        .map(|n| format!("{{\"reward\": {n}.5, \"info\": {{\"loss\": 0.{n}}}, \"training_iteration\": {n}, {settings}}}\n"))
        .collect();
    let state = |step: u32| format!("{{\n  \"epoch\": 1,\n  \"log_history\": [\n    {{\"step\": {step}, \"loss\": 2.5}}\n  ]\n}}");
    check(
        &[
            ("detectron2/metrics.json", &json("iteration")),
            ("detectron2/log.txt", LOG),
            ("rllib/result.json", &rllib),
            ("rllib/progress.csv", "reward,info/loss,training_iteration\n1.5,0.1,1\n2.5,0.2,2\n3.5,0.3,3\n4.5,0.4,4\n"),
            ("rllib/params.json", "{\"lr\": 0.1}"),
            ("spinup/progress.txt", "Epoch\tAverageEpRet\tLossPi\n0\t10.5\t-0.1\n1\t11.5\t-0.2\n"),
            ("mmengine/vis_data/scalars.json", &json("step")),
            ("mmengine/vis_data/20261121_100000.json", &json("step")),
            ("mmengine/20261121_100000.log", LOG),
            ("ultralytics/results.csv", "   epoch,   train/box_loss\n     1,   3.5\n     2,   2.5\n"),
            ("keras/training.log", "epoch,accuracy,loss\n0,0.5,2.3\n1,0.6,1.9\n"),
            ("keras/train.log", LOG),
            ("history/history.json", "{\"loss\": [2.5, 2.0, 1.5], \"val_loss\": [3.5, 3.0, 2.5]}"),
            ("list/log_history.json", "[\n {\"step\": 1, \"loss\": 2.5},\n {\"step\": 2, \"loss\": 2.0}\n]"),
            ("mae/log.txt", &json("epoch")),
            ("hf/checkpoint-100/trainer_state.json", &state(100)),
            ("hf/checkpoint-900/trainer_state.json", &state(900)),
            ("hf/checkpoint-1000/trainer_state.json", &state(1000)),
            ("hf/checkpoint-1000/config.json", "{\n \"layers\": [1, 2]\n}"),
            ("saved/checkpoint-100/trainer_state.json", &state(100)),
            ("saved/trainer_state.json", &state(200)),
            ("saved/all_results.json", "{\n \"epoch\": 3.0,\n \"eval_loss\": 0.5\n}"),
            ("data/train.jsonl", "{\"text\": \"a\", \"score\": 1}\n{\"text\": \"b\", \"score\": 0}\n"),
            ("data/iris.csv", "sepal,petal\n5.1,1.4\n4.9,1.4\n"),
            ("data/answers.json", "[{\"id\": 1, \"score\": 0.5}, {\"id\": 2, \"score\": 0.7}]"),
        ],
        &[
            "detectron2/metrics.json",
            "hf/checkpoint-1000/trainer_state.json",
            "history/history.json",
            "keras/training.log",
            "list/log_history.json",
            "mae/log.txt",
            "mmengine/vis_data/scalars.json",
            "rllib/result.json",
            "saved/trainer_state.json",
            "spinup/progress.txt",
            "ultralytics/results.csv",
        ],
        &[
            "detectron2/log.txt",
            "keras/train.log",
            "mmengine/20261121_100000.log",
            "mmengine/vis_data/20261121_100000.json",
            "rllib/progress.csv",
        ],
    );
}

#[test]
fn tables_of_one_folder_are_of_one_training_where_they_begin_alike() {
    let table = |loss: &str| format!("step,loss,lr\n1,2.5,0.1\n2,{loss},0.1\n");
    let (first, second) = (table("2.25"), table("2.125"));
    check(&[("a.csv", &first), ("b.csv", &second)], &["a.csv", "b.csv"], &[]);
    check(&[("a.csv", &first), ("a (1).csv", &first)], &["a.csv"], &["a (1).csv"]);
    // In folders of their own they are two.
    check(&[("x/a.csv", &first), ("y/a.csv", &first)], &["x/a.csv", "y/a.csv"], &[]);
}

#[test]
fn documents_are_copies_where_a_tracker_logs_from_the_folder_above_them() {
    let state = "{\"log_history\": [{\"step\": 5, \"loss\": 2.5}]}";
    let events = |folder: &str| format!("{folder}/{EVENTS}");
    let (inside, aside, other) = (events("out/runs/Nov21_h"), events("runs/Nov21_h"), events("tb"));
    let found = ["out/checkpoint-5/trainer_state.json"];
    check(&[(&inside, ""), (found[0], state)], &["out/runs/Nov21_h"], &found);
    check(&[(&aside, ""), (found[0], state)], &["runs/Nov21_h"], &found);
    check(&[(&other, ""), (found[0], state)], &[found[0], "tb"], &[]);
}

#[test]
fn other_programs_metrics_hide_nothing_below_them() {
    check(
        &[("metrics.jsonl", "{\"step\": 1, \"loss\": 2}\n"), ("train.log", LOG), ("a/metrics.csv", "step,loss\n1,2\n")],
        &["a/metrics.csv", "metrics.jsonl"],
        &["train.log"],
    );
    // Sacred writes a file of this name into the folder of each run.
    let sacred = "{\"command\": \"main\", \"heartbeat\": \"2026-11-21T10:00:00\", \"status\": \"COMPLETED\"}";
    check(&[("1/run.json", sacred), ("1/cout.txt", LOG), ("1/progress.csv", "step,loss\n1,2\n")], &["1/progress.csv"], &["1/cout.txt"]);
    // One of ours that is torn is ours, and so is a folder of the store that lost it.
    check(&[("1/run.json", "{\"v\": 1, \"na"), ("1/metrics.jsonl", ""), ("1/stdout.log", LOG)], &["1"], &[]);
    check(&[(".og/runs/1/metrics.jsonl", ""), (".og/runs/1/stdout.log", LOG)], &[".og/runs/1"], &[]);
    let many = [("logs/metrics.jsonl", "{\"step\": 1, \"loss\": 2}\n"), ("a.log", LOG), ("b.log", LOG)];
    check(&[many[0], ("logs/stdout.log", LOG), many[1], many[2]], &["a.log", "b.log", "logs/metrics.jsonl"], &["logs/stdout.log"]);
}

#[test]
fn environments_of_python_and_what_wandb_prints_about_itself_are_no_runs() {
    check(
        &[
            ("a/train.log", LOG),
            ("env/pyvenv.cfg", ""),
            ("env/lib/data.csv", "step,loss\n1,2\n"),
            ("conda/conda-meta/history", ""),
            ("conda/share/x.csv", "step,loss\n1,2\n"),
            ("node_modules/a/x.csv", "step,loss\n1,2\n"),
        ],
        &["a/train.log"],
        &[],
    );
}

#[test]
fn folders_of_data_are_left_soon_and_hide_no_run() {
    const FILES: usize = 30_000;
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    fs::create_dir_all(dir.path().join("data")).unwrap();
    fs::create_dir_all(dir.path().join("exp")).unwrap();
    for number in 0..FILES {
        fs::write(dir.path().join(format!("data/{number}.json")), "{\"id\": 1, \"boxes\": [[1, 2]]}").unwrap();
    }
    fs::write(dir.path().join("exp/train.log"), LOG).unwrap();
    let start = Instant::now();
    let (found, passed): (Vec<RunRef>, _) = search(dir.path()).unwrap();
    assert_eq!((found.len(), found[0].kind, found[0].id.as_str(), passed.is_cut), (1, Kind::Log, "exp/train.log", false));
    // A tenth of a second in an unoptimized build.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn what_may_not_be_read_is_counted() {
    let dir = tree(&[("a/train.log", LOG), ("b/metrics.csv", "step,loss\n1,2\n")]);
    let shut = dir.path().join("b/metrics.csv");
    fs::set_permissions(&shut, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    // Root may read everything.
    if File::open(&shut).is_err() {
        let (found, passed) = search(dir.path()).unwrap();
        assert_eq!((found.len(), passed.refused), (1, 1));
    }
}
