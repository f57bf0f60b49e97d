//! What a training under `og run` writes beside its console is part of its run, and nothing else is.

use crate::home::{Home, Training, becomes, comes, read_json};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{fs, path::Path};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

/// The run, once its training has ended with what `script` does.
fn ended(home: &Home, training: &Training, script: &str) -> Value {
    training.tell(script);
    training.tell("exit 0");
    training.end();
    home.json(&["inspect", &training.text("run"), "--json"])
}

fn count(run: &Value, key: &str) -> u64 {
    run["keys"][key]["count"].as_u64().unwrap_or(0)
}

#[test]
fn what_a_short_training_writes_and_closes_at_once_is_found_at_its_end() {
    let home = Home::new();
    // Of other trainings, long over.
    let old = home.work().join("runs/old/events.out.tfevents.1600000000.host");
    fs::create_dir_all(old.parent().unwrap()).unwrap();
    fs::copy(format!("{FIXTURES}/tfevents/tf2/events.out.tfevents.1700000000.fixture"), &old).unwrap();
    fs::write(home.work().join("old.csv"), "step,old\n1,2\n").unwrap();
    let training = home.puppet("short");
    let script = format!(
        "mkdir -p runs/a logs/csv; cp {FIXTURES}/tfevents/tbx/*.fixture runs/a/; \
         printf 'step,acc\\n1,0.5\\n2,0.75\\n' >logs/csv/metrics.csv; \
         printf '{{\"step\":1,\"lr\":0.1}}\\n' >m.jsonl; printf 'id,text\\n1,a\\n' >predictions.csv"
    );
    let run = ended(&home, &training, &script);
    assert_eq!((count(&run, "acc"), count(&run, "lr"), count(&run, "old")), (2, 1, 0), "{run}");
    let plain = home.json(&["inspect", home.work().join("runs/a").to_str().unwrap(), "--json"]);
    for key in plain["keys"].as_object().unwrap().keys() {
        assert_eq!(run["keys"][key]["count"], plain["keys"][key]["count"], "{key}");
    }
    let named: Vec<&str> = run["sources"].as_array().unwrap().iter().filter_map(|source| source["path"].as_str()).collect();
    assert!(!named.iter().any(|path| ["predictions.csv", "old.csv", "runs/old"].iter().any(|other| path.ends_with(other))), "{named:?}");
    assert_eq!(home.json(&["runs", "--json"])[0]["step"], run["step"]);
}

#[test]
fn a_table_that_is_written_anew_counts_from_its_new_start() {
    let home = Home::new();
    let table = home.work().join("log.csv");
    fs::write(&table, "epoch,loss\n0,9\n1,8\n2,7\n").unwrap();
    fs::write(home.work().join("other.csv"), "epoch,foreign\n0,9\n").unwrap();
    let training = home.puppet("again");
    // Somebody else's goes on growing meanwhile.
    let run = ended(&home, &training, "printf 'epoch,loss\\n0,3\\n' >log.csv; printf '1,8\\n' >>other.csv");
    assert_eq!((count(&run, "loss"), &run["keys"]["loss"]["last"]["value"]), (1, &3.0.into()), "{run}");
    assert_eq!(count(&run, "foreign"), 0);
}

#[test]
fn what_is_added_to_a_table_that_had_rested_counts_from_there() {
    let home = Home::new();
    let table = |name: &str, text: &str| {
        let path = home.work().join(name);
        fs::write(&path, text).unwrap();
        let an_hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        fs::File::open(&path).unwrap().set_modified(an_hour_ago).unwrap();
    };
    table("log.csv", "epoch,loss\n0,9\n1,8\n");
    table("m.jsonl", "{\"step\": 1, \"lr\": 5}\n");
    table("torn.csv", "step,torn\n1,2");
    let training = home.puppet("more");
    let script = "printf 'epoch,loss\\n0,3\\n' >>log.csv; printf '1,2\\n' >>log.csv; printf '{\"step\": 2, \"lr\": 4}\\n' >>m.jsonl; printf '3\\n' >>torn.csv";
    let run = ended(&home, &training, script);
    let loss = &run["keys"]["loss"];
    assert_eq!((count(&run, "loss"), &loss["first"]["value"], &loss["last"]["value"]), (2, &3.0.into(), &2.0.into()), "{run}");
    assert_eq!((&loss["superseded"], count(&run, "lr"), count(&run, "torn")), (&0.into(), 1, 0), "{run}");
    assert_eq!(run["keys"]["lr"]["first"]["value"], 4.0);
}

#[test]
fn a_table_is_followed_while_it_grows() {
    let home = Home::new();
    let training = home.puppet("live");
    training.tell("mkdir -p outputs/x; printf 'step,acc\\n1,0.5\\n' >outputs/x/metrics.csv");
    comes("the metric is there", || count(&home.json(&["inspect", &training.text("run"), "--json"]), "acc") == 1);
    training.tell("printf '2,0.75\\n' >>outputs/x/metrics.csv");
    comes("and grows", || count(&home.json(&["inspect", &training.text("run"), "--json"]), "acc") == 2);
    ended(&home, &training, "true");
}

#[test]
fn the_losses_of_two_folders_are_two_graphs() {
    let home = Home::new();
    let training = home.puppet("keras");
    let of = |split: &str| format!("mkdir -p logs/{split}; cp {FIXTURES}/tfevents/tbx/*.fixture logs/{split}/; ");
    let run = ended(&home, &training, &(of("train") + &of("validation")));
    let plain = home.json(&["inspect", home.work().join("logs/train").to_str().unwrap(), "--json"]);
    for (key, told) in plain["keys"].as_object().unwrap() {
        for key in [key.clone(), format!("validation/{key}")] {
            assert_eq!(run["keys"][&key]["count"], told["count"], "{key}");
        }
    }
}

#[test]
fn a_run_that_tviz_began_with_the_training_is_part_of_it() {
    let home = Home::new();
    let db = |at: &Path, started: &str| {
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        let sql = fs::read_to_string(format!("{FIXTURES}/tviz/v0.2.2/tviz.sql")).unwrap();
        let db = Connection::open(at).unwrap();
        db.execute_batch(&sql).unwrap();
        db.execute(&format!("UPDATE runs SET started_at = {started}"), []).unwrap();
    };
    let training = home.puppet("rl");
    // The old run is not ours, although the file is new.
    db(&home.work().join("older.db"), "'2020-01-01 00:00:00'");
    db(&home.dir.path().join(".tviz/tviz.db"), "CURRENT_TIMESTAMP");
    let run = ended(&home, &training, "true");
    assert!(count(&run, "reward_mean") > 0, "{run}");
    let named: Vec<&str> = run["sources"].as_array().unwrap().iter().filter_map(|source| source["path"].as_str()).collect();
    assert!(named.iter().any(|path| path.contains(".tviz/tviz.db")) && !named.iter().any(|path| path.contains("older")), "{named:?}");
}

#[test]
fn what_the_model_answers_is_seen_beside_its_training_as_it_comes() {
    let home = Home::new();
    let training = home.puppet("rl");
    home.ok(&["set", "tab=rollouts"]);
    let detail = || home.json(&["viewstate", "--json"])["graph"]["detail"].clone();
    becomes(&json!(false), || detail()["readable"].clone());
    // og sees it when it is whole: the last step is still to come, and the other run is not of this training.
    let made = home.dir.path().join("made");
    let db = Connection::open(&made).unwrap();
    db.execute_batch(&fs::read_to_string(format!("{FIXTURES}/tviz/v0.2.2/rollouts.sql")).unwrap()).unwrap();
    // Behind all rows that are there, as tviz numbers what it adds.
    db.execute_batch(
        "CREATE TABLE later AS SELECT * FROM rollouts WHERE step = 15; DELETE FROM rollouts WHERE step = 15;
         UPDATE trajectories SET rollout_id = rollout_id + 100 WHERE rollout_id IN (SELECT id FROM later);
         UPDATE later SET id = id + 100",
    )
    .unwrap();
    db.execute("UPDATE runs SET ended_at = NULL, started_at = iif(id = 'txt00002', CURRENT_TIMESTAMP, '2020-01-01 00:00:00')", []).unwrap();
    drop(db);
    let path = home.dir.path().join(".tviz/tviz.db");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::rename(&made, &path).unwrap();
    let db = Connection::open(&path).unwrap();
    let seen = || {
        let detail = detail();
        ["step", "steps", "follows", "readable"].map(|name| detail[name].clone())
    };
    becomes(&[json!(10), json!(3), json!(true), json!(true)], seen);
    becomes(&json!("tviz"), || home.json(&["viewstate", "--json"])["graph"]["source"].as_str().unwrap().split(" | ").next().into());
    let screen = home.ok(&["viewstate", "graph", "--screen"]);
    assert!(screen.contains("altogether in April and May?"), "{screen}");
    db.execute("INSERT INTO rollouts SELECT * FROM later", []).unwrap();
    becomes(&[json!(15), json!(4), json!(true), json!(true)], seen);
    ended(&home, &training, "true");
}

#[test]
fn traces_of_a_trackio_run_that_the_training_began_are_seen_beside_it() {
    let home = Home::new();
    let training = home.puppet("chat");
    let db = Connection::open(home.work().join("lm.db")).unwrap();
    db.execute_batch(&fs::read_to_string(format!("{FIXTURES}/trackio/v0.43.0/ogfixture.sql")).unwrap()).unwrap();
    home.ok(&["set", "tab=rollouts", "step=21"]);
    training.tell(
        "echo '* Trackio project initialized: lm'; echo '* Trackio metrics logged to: .'; echo '* Created new run: first'; echo 'step 1 ppl 2'",
    );
    let graph = || home.json(&["viewstate", "--json"])["graph"].clone();
    becomes(&[json!(2), json!(true)], || ["steps", "readable"].map(|name| graph()["detail"][name].clone()));
    becomes(&Some("trackio + stdout".into()), || graph()["source"].as_str()?.split(" | ").next().map(String::from));
    ended(&home, &training, "true");
}

#[test]
fn nobody_guesses_whose_a_table_is_while_two_train_in_one_folder() {
    let home = Home::new();
    let (one, other) = (home.puppet("one"), home.puppet("other"));
    other.tell("printf 'step,acc\\n1,0.5\\n' >theirs.csv; exec 4>>held.csv; printf 'step,held\\n1,2\\n' >&4; echo written");
    comes("what it holds open is known to be its own", || count(&home.json(&["inspect", &other.text("run"), "--json"]), "held") == 1);
    let run = ended(&home, &one, "true");
    assert_eq!((count(&run, "acc"), count(&run, "held")), (0, 0), "{run}");
    ended(&home, &other, "true");
}

#[test]
fn checkpoints_are_told_with_their_step_and_when_they_were_written() {
    let home = Home::new();
    fs::write(home.work().join("old.pt"), "of another training").unwrap();
    let training = home.puppet("saves");
    training.tell("mkdir -p out/checkpoint-500; echo w >out/checkpoint-500/model.safetensors; echo w >out/checkpoint-500/optimizer.pt");
    comes("the status pane says how old it is", || home.ok(&["viewstate", "status", "--screen"]).contains("checkpoint step 500"));
    training.tell("echo w >best.pt; exit 0");
    training.end();
    let events = || fs::read_to_string(training.folder().join("events.jsonl")).unwrap();
    comes("its end is written down", || events().contains("\"exit\""));
    let events: Vec<Value> = events().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told =
        events.iter().filter(|event| event["kind"] == "checkpoint").map(|event| (event["path"].as_str().unwrap(), event["step"].as_i64()));
    assert_eq!(told.collect::<Vec<_>>(), [("out/checkpoint-500", Some(500)), ("best.pt", None)]);

    let later =
        home.json(&["run", "--name", "later", "--tmux-socket", "og", "--json", "--", "sh", "-c", "exit 0", "--resume=out/checkpoint-500"]);
    let info = read_json(&Path::new(later["run"].as_str().unwrap()).join("run.json")).unwrap();
    let want = json!({"run": training.text("runId"), "checkpoint": "out/checkpoint-500", "step": 500});
    assert_eq!(info["parent"], want, "it goes on from the run that saved what it takes up");
}
