//! Remarks on runs: og's own have them in their folder, runs of other trackers beside them in og's store.

use crate::home::{Home, becomes};
use og::model::WallTime;
use og::store::{EventKind, NewRun, Remark, RunReader, Store, Whereabouts};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path};

fn read(reader: &mut RunReader) {
    while reader.poll(RunReader::LOAD).more {}
}

fn store(dir: &Path) -> Store {
    Store::find_or_make(&Whereabouts { cwd: dir.to_owned(), ..Whereabouts::default() }).unwrap()
}

fn kinds(reader: &RunReader) -> Vec<EventKind> {
    reader.picture().events.iter().map(|event| event.kind.clone()).collect()
}

#[test]
fn what_is_remarked_on_a_run_of_ours_stands_in_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let new = NewRun { cwd: dir.path().to_owned(), tags: [("night".into(), String::new())].into(), ..NewRun::default() };
    let (folder, _) = store(dir.path()).create_run(new, WallTime::new(1.0).unwrap(), 1).unwrap();
    let mut reader = RunReader::open(folder.path()).unwrap();
    read(&mut reader);
    assert!(reader.can_remark());
    reader.remark(&Remark::notes("the loss is flat:\nless lr"), "human").unwrap();
    reader.remark(&Remark::tags("dataset=c4"), "agent").unwrap();
    reader.remark(&Remark::tags("dataset=c4"), "agent").unwrap();
    read(&mut reader);
    let info = folder.info().unwrap();
    assert_eq!((info.notes.as_str(), &info), ("the loss is flat:\nless lr", &reader.picture().info));
    assert_eq!(info.tags, [("dataset".into(), "c4".into())].into());
    let tags = BTreeMap::from([("dataset".into(), Some("c4".into())), ("night".into(), None)]);
    assert_eq!(kinds(&reader), [EventKind::Note { text: "the loss is flat:\nless lr".into(), step: None }, EventKind::Tag(tags)]);
    assert_eq!(reader.picture().events[1].author, "agent");
}

#[test]
fn what_is_remarked_on_a_run_of_another_tracker_lies_in_our_store_and_over_what_the_tracker_says() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let db = theirs.path().join("tviz.db");
    let sql = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tviz/v0.2.2/rollouts.sql")).unwrap();
    Connection::open(&db).unwrap().execute_batch(&sql).unwrap();
    let files = || {
        fs::read_dir(theirs.path())
            .unwrap()
            .map(|file| (file.as_ref().unwrap().path(), fs::read(file.unwrap().path()).unwrap()))
            .collect::<Vec<_>>()
    };
    let before = files();
    let store = store(ours.path());
    let address = |id: &str| std::path::PathBuf::from(format!("{}#{id}", db.display()));
    let mut reader = RunReader::open(&address("txt00002")).unwrap();
    assert!(!reader.can_remark());
    reader.remark_in(&store);
    read(&mut reader);
    assert_eq!(reader.picture().info.notes, "");
    reader.remark(&Remark::notes("it learned to count"), "human").unwrap();
    reader.remark(&Remark::tags("grpo good"), "human").unwrap();
    read(&mut reader);
    // Another pane, opened later, and one that looks at the other run.
    let mut other = RunReader::open(&address("txt00002")).unwrap();
    other.remark_in(&store);
    read(&mut other);
    for reader in [&reader, &other] {
        assert_eq!((reader.picture().info.notes.as_str(), reader.picture().info.tags.len()), ("it learned to count", 2));
        assert_eq!((reader.picture().info.name.as_str(), kinds(reader).len()), ("gsm8k_grpo", 2));
    }
    let mut sibling = RunReader::open(&address("vis00002")).unwrap();
    sibling.remark_in(&store);
    read(&mut sibling);
    assert_eq!((sibling.picture().info.notes.as_str(), kinds(&sibling).len()), ("", 0));
    reader.remark(&Remark::notes(String::new()), "human").unwrap();
    read(&mut other);
    assert_eq!((other.picture().info.notes.as_str(), kinds(&other).len()), ("", 2), "to empty notes is no news");
    assert_eq!(files(), before);
    assert_eq!(store.runs().unwrap(), [], "what lies beside is no run");
    assert_eq!(og::source::runs(ours.path()).map(|runs| runs.len()).unwrap_or(0), 0);
}

#[test]
fn what_somebody_remarks_on_a_run_of_another_tracker_is_seen_wherever_runs_are() {
    let home = Home::new();
    let run = home.work().join("wandb/run-20261120_101500-abc");
    fs::create_dir_all(&run).unwrap();
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/wandb/failed.wandb"), run.join("run-abc.wandb")).unwrap();
    home.ok(&["canvas", "spawn", "review", "--name", "look", "--run", "wandb", "--tmux-socket", "og"]);
    home.ok(&["set", "tab=runs"]);
    let row = || home.json(&["viewstate", "--json"])["graph"]["detail"]["visible"][0].clone();
    becomes(&json!("failed01"), || row()["id"].clone());
    home.ok(&["set", "filter=tags:x", "note=it diverged", "tags=x dataset=c4"]);
    becomes(&[json!("failed01"), json!(true), json!("dataset=c4 x")], || ["id", "notes", "tags"].map(|name| row()[name].clone()));
    let of = |value: Value| (value["tags"].clone(), value["notes"].clone());
    let want = (json!({"x": "", "dataset": "c4"}), json!("it diverged"));
    for filter in ["has:notes", "tags:x", "notes:diverged tag:dataset=c4"] {
        home.ok(&["set", &format!("filter={filter}")]);
        becomes(&json!("failed01"), || row()["id"].clone());
        assert_eq!(of(home.json(&["runs", filter, "--json"])[0].clone()), want, "{filter}");
    }
    assert_eq!(of(home.json(&["runs", "wandb", "--json"])[0].clone()), want);
    assert_eq!(of(home.json(&["inspect", "wandb", "--json"])), (json!(["dataset=c4", "x"]), json!("it diverged")));
    becomes(&json!(["dataset=c4", "x"]), || home.json(&["viewstate", "--json"])["runInfo"]["tags"].clone());
    home.ok(&["canvas", "close", "look"]);
}
