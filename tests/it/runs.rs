//! `og runs`: where every run stands, of the store and of other trackers.

use og::{
    model::{Exit, Step, WallTime},
    store::{Event, EventKind, NewRun, RunFolder, Store, Whereabouts, metrics_line},
};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::{Command, Output},
};

fn og(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_og")).args(args).current_dir(dir).env_remove("OG_DIR").output().unwrap()
}

fn list(dir: &Path, args: &[&str]) -> Vec<Value> {
    let out = og(dir, &[&["runs", "--json"], args].concat());
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn fields(run: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| run[*name].clone()).collect()
}

fn time(secs: f64) -> WallTime {
    WallTime::new(secs).unwrap()
}

fn run(dir: &Path, name: &str, at: f64, steps: i64) -> RunFolder {
    let store = Store::find_or_make(&Whereabouts { cwd: dir.to_owned(), ..Whereabouts::default() }).unwrap();
    let new = NewRun { name: Some(name.into()), cwd: dir.to_owned(), total_steps: Some(500), ..NewRun::default() };
    let (folder, _) = store.create_run(new, time(at), at as u64).unwrap();
    let rows: String = (0..steps)
        .map(|step| metrics_line(Step(step), time(at + step as f64), &[("lr", 0.1), ("train/loss", 9.0 - step as f64)]))
        .collect();
    File::create(folder.metrics()).unwrap().write_all(rows.as_bytes()).unwrap();
    folder
}

fn event(folder: &RunFolder, kind: EventKind) {
    folder.append_event(&Event { t: time(1.0), author: "og".into(), kind }).unwrap();
}

#[test]
fn the_runs_of_the_store_stand_where_their_files_end() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(list(dir.path(), &[]), [] as [Value; 0]);
    let done = run(dir.path(), "done", 1_700_000_000.0, 8);
    event(&done, EventKind::Started { pid: 1 });
    event(&done, EventKind::Exit(Exit { code: Some(3), at: Some(time(1_700_000_060.0)), ..Exit::default() }));
    // Process 1 lives everywhere; no process has the highest number.
    event(&run(dir.path(), "alive", 1_700_000_100.0, 4), EventKind::Started { pid: 1 });
    event(&run(dir.path(), "gone", 1_700_000_200.0, 0), EventKind::Started { pid: 2_147_483_647 });
    let broken = run(dir.path(), "broken", 1_700_000_300.0, 1);
    fs::remove_file(broken.run_json()).unwrap();
    let told = list(dir.path(), &[]);
    let told: Vec<Value> = told.iter().map(|run| fields(run, &["name", "state", "step", "totalSteps", "exitCode", "metric"])).collect();
    let metric = |step: i64| json!({"key": "train/loss", "value": 9.0 - step as f64, "step": step});
    assert_eq!(told[1], json!(["gone", "lost", null, 500, null, null]));
    assert_eq!(told[2], json!(["alive", "running", 3, 500, null, metric(3)]));
    assert_eq!(told[3], json!(["done", "failed", 7, 500, 3, metric(7)]));
    let without_name = json!([broken.id().0, "running", 0, null, null, metric(0)]);
    assert_eq!((told.len(), &told[0]), (4, &without_name), "without its name a run goes by its id");
    assert_eq!(list(dir.path(), &["--limit", "2"]).len(), 2);
    let took = fields(&list(dir.path(), &["done"])[0], &["id", "durationSeconds", "kind"]);
    assert_eq!(took, json!([done.id().0, 60.0, "og"]));
    let out = og(dir.path(), &["runs", "--limit", "2"]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(text.starts_with("run ") && String::from_utf8_lossy(&out.stderr).contains("2 more"), "{text}");
}

#[test]
fn a_word_is_looked_for_in_names_and_what_nothing_is_called_is_told() {
    let dir = tempfile::tempdir().unwrap();
    ["calm-otter", "bold-otter", "wise-heron"]
        .iter()
        .zip(1..)
        .for_each(|(name, n)| drop(run(dir.path(), name, 1_700_000_000.0 * f64::from(n), 2)));
    let names = |args: &[&str]| list(dir.path(), args).iter().map(|run| run["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&["otter"]), ["bold-otter", "calm-otter"]);
    let said = |args: &[&str]| {
        let out = og(dir.path(), args);
        assert_eq!((out.status.code(), out.stdout.len()), (Some(1), 0), "{args:?}");
        String::from_utf8(out.stderr).unwrap()
    };
    for verb in ["runs", "view", "compare", "export", "inspect", "tail", "doctor"] {
        let nobody = said(&[verb, "nobody"]);
        assert!(nobody.starts_with("og: no run is called `nobody`, and there is no such path\nhint: "), "{verb}: {nobody}");
        assert!(said(&[verb, "wise-herom"]).contains("did you mean wise-heron"), "{verb}");
        let path = said(&[verb, "./nothing/here"]);
        assert!(path.starts_with("og: there is no ./nothing/here\n"), "{verb}: {path}");
    }
    for nothing in [said(&["runs", "nobody"]), said(&["view", "state:running"])] {
        assert!(nothing.contains("a filter is written like `og runs 'state:running since:2d'`"), "{nothing}");
    }
}

#[test]
fn the_runs_of_other_trackers_are_listed_by_their_path() {
    let dir = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let told = list(dir.path(), &[fixtures.join("wandb").to_str().unwrap()]);
    let failed = told.iter().find(|run| run["state"] == "failed").unwrap();
    assert_eq!(fields(failed, &["kind", "state", "exitCode"]), json!(["wandb", "failed", 3]));
    assert!(failed["step"].is_i64() && failed["metric"]["value"].is_number(), "{failed}");
    let told = list(dir.path(), &[fixtures.join("tfevents").to_str().unwrap()]);
    assert!(told.len() >= 3 && told.iter().all(|run| run["state"].is_null()), "{told:?}");
    let out = og(dir.path(), &["runs", "nothing-here"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("hint:"), "{out:?}");
}

#[test]
fn what_a_run_logs_to_a_tracker_is_that_run() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::find_or_make(&Whereabouts { cwd: dir.path().to_owned(), ..Whereabouts::default() }).unwrap();
    let new = NewRun { name: Some("mine".into()), cwd: dir.path().to_owned(), ..NewRun::default() };
    let (folder, _) = store.create_run(new, time(1_700_000_000.0), 1).unwrap();
    let tracker = dir.path().join("wandb/offline-run-20261120_075913-x");
    fs::create_dir_all(&tracker).unwrap();
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/wandb/failed.wandb"), tracker.join("run-x.wandb")).unwrap();
    let names = |args: &[&str]| list(dir.path(), args).iter().map(|run| run["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!((names(&["."]).len(), names(&["!nothing"]).len()), (2, 2));
    event(&folder, EventKind::Source { path: tracker.display().to_string(), from: 0 });
    assert_eq!((names(&["."]), names(&["!nothing"])), (vec!["mine".to_owned()], vec!["mine".to_owned()]));
    assert_eq!(list(dir.path(), &["."])[0]["trackers"], json!([tracker.canonicalize().unwrap()]));
    assert_eq!(names(&[".", "--limit", "1"]), ["mine"]);
    assert_eq!(names(&["wandb"]).len(), 1, "where it is the only one, it is listed");
}

#[test]
fn what_is_not_listed_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("a/metrics.csv", "step,loss\n1,2\n");
    write("a/train.log", "step 1 loss 2\n");
    write("b/train.log", "step 1 loss 2\n");
    let told = list(dir.path(), &["."]);
    let beside = |name: &str| told.iter().find(|run| run["name"] == name).map(|run| run["beside"].clone()).unwrap();
    assert_eq!((told.len(), beside("b/train.log")), (2, json!([])));
    assert_eq!(beside("a/metrics.csv"), json!(["./a/train.log"]));
    let said = |out: Output| String::from_utf8_lossy(&out.stderr).into_owned();
    let one = "og: 1 console log beside these runs is not listed: og view PATH opens it\n";
    assert_eq!((said(og(dir.path(), &["runs", "."])).as_str(), said(og(dir.path(), &["runs", ".", "--json"])).as_str()), (one, one));
    write("a/stderr.log", "step 1 loss 2\n");
    let more = said(og(dir.path(), &["runs", "."]));
    assert!(more.contains("og: 2 console logs beside these runs are not listed: og view PATH opens one\n"), "{more}");
}

#[test]
fn runs_that_are_called_by_their_places_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    for time in ["20261121_100000", "20261121_110000"] {
        let folder = dir.path().join("work_dirs").join(time).join("vis_data");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("scalars.json"), "{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"loss\": 1}\n").unwrap();
    }
    let out = String::from_utf8(og(dir.path(), &["runs", "."]).stdout).unwrap();
    for name in ["work_dirs/20261121_100000/vis_data/scalars.json", "work_dirs/20261121_110000/vis_data/scalars.json"] {
        assert!(out.contains(name), "{out}");
    }
}
