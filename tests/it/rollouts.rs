//! Answers of recorded runs: what og reads of them, one at a time, and that it leaves no trace.

use og::source::*;
use rusqlite::Connection;
use std::{fs, path::PathBuf};

/// A database made from the dump of a real one, in a folder of its own.
fn database(dump: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("runs.db");
    let sql = fs::read_to_string(format!("{}/fixtures/{dump}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    Connection::open(&db).unwrap().execute_batch(&sql).unwrap();
    (dir, db)
}

fn open_at(db: &std::path::Path, id: &str) -> Box<dyn RolloutStore> {
    let run = runs(db).unwrap().into_iter().find(|run| run.id == id || run.name == id).unwrap();
    open_rollouts(&run).unwrap()
}

#[test]
fn the_answers_of_a_tviz_run_are_read_one_at_a_time() {
    let (dir, db) = database("tviz/v0.2.2/rollouts.sql");
    let before = fs::read(&db).unwrap();
    let mut store = open_at(&db, "txt00002");
    assert_eq!(store.steps().unwrap(), [0, 5, 10, 15]);
    let groups = store.groups(10).unwrap();
    let percent = |one: &TrajectoryHead| (one.reward.unwrap() * 100.0).round();
    for group in &groups {
        assert_eq!(group.trajectories.iter().map(percent).collect::<Vec<_>>(), [100.0, 95.0, 90.0, -15.0]);
    }
    assert_eq!((groups[0].best, groups[1].title.split(' ').next()), (Some(1.0), Some("A")));
    assert!(groups[0].title.ends_with("altogether in April and May?") && !groups[0].title.contains('\n'), "{}", groups[0].title);
    let body = store.trajectory(10, groups[0].trajectories[0].id).unwrap().unwrap();
    assert!(body.prompt.contains("in May.\nHow many") && body.output.ends_with("#### 72") && body.tokens_are_the_text());
    assert_eq!((body.tokens.len(), &body.tokens[1].word, body.is_cut), (26, &Word::Text(" April".into()), false));
    assert_eq!(body.facts, [("rewards of its turns".to_owned(), "[0.0,1.0]".to_owned())]);
    let body = store.trajectory(10, groups[1].trajectories[3].id).unwrap().unwrap();
    assert_eq!((body.tokens[0].probability(), body.tokens_are_the_text()), (Some(0.0), false));
    assert!(matches!(body.tokens[0].word, Word::Id(id) if id >= 1000));
    assert_eq!((store.groups(11).unwrap(), store.trajectory(10, 9999).unwrap()), (vec![], None));
    assert_eq!(fs::read(&db).unwrap(), before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn guesses_lie_on_the_map() {
    let (_dir, db) = database("tviz/v0.2.2/rollouts.sql");
    let mut store = open_at(&db, "vis00002");
    let groups = store.groups(2).unwrap();
    assert_eq!((groups[0].title.as_str(), groups[0].truth), ("Paris, France", Some((48.8566, 2.3522))));
    let (near, far) = (&groups[1].trajectories[0], &groups[1].trajectories[3]);
    assert!(near.distance_km.unwrap() < far.distance_km.unwrap() && near.reward > far.reward);
    assert!(groups[1].trajectories.iter().any(|one| one.guess.unwrap().1 < 0.0), "one guess lies behind the date line");
    let body = store.trajectory(2, near.id).unwrap().unwrap();
    assert_eq!((body.image.as_deref(), body.facts[0].1.as_str(), body.tokens.len()), (Some("images/step2_1.png"), "Suva, Fiji", 0));
}

#[test]
fn a_tviz_database_without_some_columns_shows_the_others() {
    let (_dir, db) = database("tviz/v0.2.2/rollouts.sql");
    let drop = |table: &str, columns: &[&str]| columns.iter().map(|c| format!("ALTER TABLE {table} DROP COLUMN {c};")).collect::<String>();
    let sql =
        drop("trajectories", &["step_rewards", "logprobs", "pred_lat"]) + &drop("rollouts", &["mean_reward", "city", "prompt_tokens"]);
    Connection::open(&db).unwrap().execute_batch(&sql).unwrap();
    let mut store = open_at(&db, "txt00002");
    let groups = store.groups(0).unwrap();
    assert!((groups[0].mean.unwrap() - 0.425).abs() < 1e-9, "{groups:?}");
    let body = store.trajectory(0, groups[0].trajectories[0].id).unwrap().unwrap();
    assert!(body.tokens[0].probability().is_none());
    Connection::open(&db).unwrap().execute_batch("DROP TABLE trajectories; DROP TABLE rollouts").unwrap();
    assert_eq!(open_at(&db, "txt00002").steps().unwrap(), Vec::<i64>::new());
}

#[test]
fn a_huge_answer_is_cut_and_a_huge_list_of_tokens_left_out() {
    let (_dir, db) = database("tviz/v0.2.2/rollouts.sql");
    let sql = "UPDATE trajectories SET output_text = replace(hex(zeroblob(400000)), '0', 'é'), output_tokens = '[' || replace(hex(zeroblob(2000000)), '00', '1,') || '1]' WHERE id = 1";
    Connection::open(&db).unwrap().execute_batch(sql).unwrap();
    let body = open_at(&db, "txt00002").trajectory(0, 1).unwrap().unwrap();
    assert!(body.is_cut && body.output.len() <= 256 << 10 && body.output.starts_with('é'));
    assert!(body.tokens.iter().all(|token| token.word == Word::Id(-1)), "the probabilities are there still");
}

#[test]
fn tables_and_traces_of_trackio_are_answers_too() {
    let (_dir, db) = database("trackio/v0.43.0/ogfixture.sql");
    let mut store = open_at(&db, "first");
    assert_eq!(store.steps().unwrap(), [21, 22]);
    let groups = store.groups(21).unwrap();
    let titles: Vec<(&str, Option<f64>)> = groups.iter().map(|group| (group.title.as_str(), group.best)).collect();
    assert_eq!(titles, [("2+2?", Some(1.0)), ("3*3?", Some(0.0))]);
    let groups = store.groups(22).unwrap();
    let body = store.trajectory(22, groups[0].trajectories[0].id).unwrap().unwrap();
    assert_eq!((body.prompt.as_str(), body.output.as_str(), body.facts.len()), ("hi", "ho", 1));
    assert_eq!(open_at(&db, "crashy").steps().unwrap(), Vec::<i64>::new());
    let (_dir, db) = database("trackio/v0.2.9/legacy.sql");
    let run = runs(&db).unwrap().remove(0);
    assert_eq!(open_rollouts(&run).unwrap().steps().unwrap(), Vec::<i64>::new());
}

/// Recorded runs whose values another program computed, where they are at hand.
#[test]
fn recorded_runs_give_the_expected_answers() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = here.ancestors().skip(1).map(|dir| dir.join("shared/data/tviz")).find(|dir| dir.is_dir());
    let Some(folder) = folder else { return println!("skipped: no recorded runs here") };
    let want: serde_json::Value = serde_json::from_str(&fs::read_to_string(folder.join("tviz.expected.json")).unwrap()).unwrap();
    for run in want["runs"].as_array().unwrap() {
        let mut store = open_at(&folder.join("tviz.db"), run["id"].as_str().unwrap());
        let steps = store.steps().unwrap();
        let groups: Vec<RolloutGroup> = steps.iter().flat_map(|step| store.groups(*step).unwrap()).collect();
        let ones: Vec<&TrajectoryHead> = groups.iter().flat_map(|group| &group.trajectories).collect();
        let span = |of: &serde_json::Value| [of[1].as_i64().unwrap(), of[2].as_i64().unwrap()];
        assert_eq!(
            (groups.len() as i64, [steps[0], steps[steps.len() - 1]]),
            (run["rollouts"][0].as_i64().unwrap(), span(&run["rollouts"]))
        );
        let rewards: Vec<f64> = ones.iter().filter_map(|one| one.reward).collect();
        let mean = rewards.iter().sum::<f64>() / rewards.len() as f64;
        assert_eq!(
            (rewards.len() as i64, rewards.iter().copied().fold(f64::MIN, f64::max)),
            (run["trajectories"][0].as_i64().unwrap(), run["trajectories"][2].as_f64().unwrap())
        );
        assert!((mean - run["trajectories"][1].as_f64().unwrap()).abs() < 1e-9);
        let first = store.trajectory(steps[0], ones[0].id).unwrap().unwrap();
        assert_eq!(
            (first.output.as_str(), ones[0].reward),
            (run["first_trajectory"][0].as_str().unwrap(), run["first_trajectory"][1].as_f64())
        );
    }
}
