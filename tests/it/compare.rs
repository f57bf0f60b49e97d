//! `og compare`: what changed between runs, and did it help, headless.

use crate::{
    home::{Home, fails, text},
    support::database,
};
use serde_json::json;
use std::fs;

/// A run of the store that went down to `loss`.
fn make(home: &Home, n: u32, lr: f64, loss: f64, code: i32) {
    let id = format!("20261120-10150{n}-calm-otter-000{n}");
    let folder = home.work().join(".og/runs").join(&id);
    fs::create_dir_all(&folder).unwrap();
    let info = json!({
        "v": 1, "id": id, "name": format!("run-{n}"), "project": "lm", "tags": {"sweep": ""}, "started_at": 1000 + n,
        "config": {"optim": {"lr": lr}, "layers": 12},
    });
    fs::write(folder.join("run.json"), info.to_string()).unwrap();
    let rows: Vec<String> = (0..50)
        .map(|step| json!({"s": step, "t": 1000 + step, "m": {"val/loss": loss + f64::from(49 - step) * 0.1}}).to_string() + "\n")
        .collect();
    fs::write(folder.join("metrics.jsonl"), rows.concat()).unwrap();
    let exit = json!({"t": 2000, "author": "og", "kind": "lifecycle", "what": "exit", "code": code, "signal": null, "at": 2000});
    fs::write(folder.join("events.jsonl"), format!("{exit}\n")).unwrap();
}

fn home() -> Home {
    let home = Home::new();
    make(&home, 1, 0.1, 2.0, 0);
    make(&home, 2, 0.2, 1.5, 0);
    make(&home, 3, 0.3, 9.0, 1);
    home
}

#[test]
fn runs_are_compared_with_the_first_by_name_id_and_path() {
    let home = home();
    let path = ".og/runs/20261120-101503-calm-otter-0003";
    let told = home.json(&["compare", "run-1", "0002", path, "--json"]);
    let names: Vec<&str> = told["runs"].as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["run-1", "run-2", "run-3"]);
    assert_eq!(told["config"], json!([{"name": "optim.lr", "values": ["0.1", "0.2", "0.3"]}]));
    assert_eq!((&told["configSame"], &told["metrics"][0]["goal"]), (&json!(1), &json!("min")));
    let cells = told["metrics"][0]["runs"].as_array().unwrap();
    assert_eq!((&cells[0]["verdict"], &cells[1]["verdict"], &cells[2]["verdict"]), (&json!(null), &json!("better"), &json!("worse")));
    assert_eq!((&cells[1]["best"], &cells[1]["delta"]), (&json!(1.5), &json!(-0.5)));
    let text = home.ok(&["compare", "run-1", "run-2"]);
    assert!(text.contains("optim.lr") && text.contains("1.5 -0.5 better") && text.contains("1 config entries are the same"), "{text}");
}

#[test]
fn a_filter_chooses_what_is_compared() {
    let home = home();
    let told = home.json(&["compare", "state:finished tags:sweep sort:best:val/loss", "--json"]);
    assert_eq!((&told["runs"][0]["name"], &told["runs"][1]["name"]), (&json!("run-2"), &json!("run-1")));
    fails(home.og(&["compare", "state:failed"]), 1, &["only one run fits: run-3", "hint: a comparison takes two runs"]);
    fails(home.og(&["compare", "stat:x"]), 2, &["cannot read filter `stat:x` at column 1", "did you mean `state`", "hint: examples"]);
    fails(home.og(&["compare", "nobody", "run-1"]), 1, &["no run is called `nobody`", "3 are known from here; a filter is written like"]);
    fails(home.og(&["compare", "rum-1", "run-1"]), 1, &["no run is called `rum-1`", "hint: did you mean run-1"]);
}

#[test]
fn a_filter_chooses_what_is_listed() {
    let home = home();
    let listed = home.json(&["runs", "state:finished sort:best:val/loss", "--json"]);
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["run-2", "run-1"]);
    assert_eq!(home.json(&["runs", "config.optim.lr>0.25", "--json"])[0]["name"], "run-3");
    assert_eq!(home.json(&["runs", "/^run-[12]$/", "--json"]).as_array().unwrap().len(), 2);
    let none = home.og(&["runs", "state:finished run-3"]).output().unwrap();
    assert_eq!(none.status.code(), Some(0));
    assert_eq!(text(&none.stderr), "og: no run fits `state:finished run-3`; 3 are known\n");
    fails(home.og(&["runs", "stat:x"]), 2, &["cannot read filter `stat:x` at column 1"]);
    fails(home.og(&["runs", "nobody"]), 1, &["nobody"]);
}

#[test]
fn runs_of_a_database_are_known_where_their_tracker_keeps_them() {
    let home = home();
    database("trackio/v0.43.0/ogfixture.sql", &home.work().join("trackio/ogfixture.db"));
    let all = home.json(&["runs", "trackio", "--json"]);
    let known = home.json(&["runs", "kind:trackio", "--json"]);
    assert!(!known.as_array().unwrap().is_empty());
    assert_eq!(known.as_array().unwrap().len(), all.as_array().unwrap().len());
    let one = known[0]["path"].as_str().unwrap();
    let told = home.json(&["compare", "run-1", one, "--json"]);
    assert_eq!(told["runs"][1]["name"], known[0]["name"]);
}

#[test]
fn of_several_runs_with_one_name_it_is_said_which_is_taken() {
    let home = home();
    let again = home.work().join(".og/runs/20261120-101504-calm-otter-0004");
    fs::create_dir_all(&again).unwrap();
    let info = json!({"v": 1, "id": "20261120-101504-calm-otter-0004", "name": "run-2", "started_at": 1004});
    fs::write(again.join("run.json"), info.to_string()).unwrap();
    let out = home.og(&["compare", "run-1", "run-2"]).output().unwrap();
    assert_eq!(out.status.code(), Some(0));
    assert_eq!(text(&out.stderr), "og: 2 runs are called run-2; this is the newest, 20261120-101504-calm-otter-0004\n");
}

#[test]
fn a_folder_of_one_run_of_another_tracker_is_compared_and_chosen_by_its_id() {
    let home = home();
    let folder = home.work().join("wandb/run-20261120_101500-failed");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/wandb/failed.wandb"), folder.join("run-abc.wandb")).unwrap();
    let other = home.work().join("wandb/run-20261120_101501-media");
    fs::create_dir_all(&other).unwrap();
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/wandb/media.wandb"), other.join("run-media.wandb")).unwrap();
    let told = home.json(&["compare", "run-1", "wandb/run-20261120_101500-failed", "--json"]);
    assert_eq!(told["runs"][1]["id"], "failed01");
    for name in ["failed01", "run-20261120_101500-failed", "failed-run"] {
        let told = home.json(&["inspect", "wandb", "--run", name, "--json"]);
        assert!(told.to_string().contains("failed01"), "{name}: {told}");
    }
    fails(home.og(&["inspect", "wandb", "--run", "zzz"]), 1, &["wandb has no run zzz", "hint: runs there: "]);
}
