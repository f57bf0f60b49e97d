//! One door for all that a training may leave behind: which runs a path holds, and each of them opened and followed.

use og::{
    model::{MetricKey, RunState, WallTime},
    source::{Kind, OpenError, RunRef, open, runs},
    store::{RunReader, StoreError},
};
use rusqlite::Connection;
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Write,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};
use tempfile::TempDir;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

/// A folder with `name` made from the dump of a real database.
fn desk(dump: &str, name: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join(name);
    let sql = fs::read_to_string(Path::new(FIXTURES).join(dump)).unwrap();
    Connection::open(&db).unwrap().execute_batch(&sql).unwrap();
    (dir, db)
}

fn trackio() -> (TempDir, PathBuf) {
    desk("trackio/v0.43.0/ogfixture.sql", "ogfixture.db")
}

fn tree(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(FIXTURES).join(name)).unwrap()
}

fn ids(runs: &[RunRef]) -> Vec<&str> {
    runs.iter().map(|run| run.id.as_str()).collect()
}

fn load(path: &Path) -> RunReader {
    let mut reader = RunReader::open(path).unwrap();
    while reader.poll(RunReader::LOAD).more {}
    reader
}

/// Step and value of every point that is drawn.
fn points(reader: &RunReader, key: &str) -> Vec<(i64, f64)> {
    let series = &reader.picture().series[key];
    series.points(0..series.len()).map(|point| (point.step.0, point.value)).collect()
}

#[track_caller]
fn fails(path: &Path) -> OpenError {
    match open(path) {
        Err(error) => error,
        Ok(opened) => panic!("{} was opened as {}", path.display(), opened.kind),
    }
}

#[test]
fn a_project_holds_runs_and_the_newest_is_opened() {
    let (_dir, db) = trackio();
    let found = runs(&db).unwrap();
    assert!(found.iter().all(|run| run.kind == Kind::Trackio && run.project.as_deref() == Some("ogfixture")), "{found:?}");
    assert!(found.is_sorted_by(|a, b| a.started.map(WallTime::secs) >= b.started.map(WallTime::secs)));
    let newest = &found[0];
    let opened = open(&db).unwrap();
    assert_eq!((opened.kind, opened.run.as_ref()), (Kind::Trackio, Some(newest)));
    let reader = load(&db);
    assert_eq!((reader.picture().info.name.as_str(), reader.picture().info.id.as_str()), (newest.name.as_str(), newest.id.as_str()));
    assert_eq!(reader.picture().info.project.as_deref(), Some("ogfixture"));
    // Trackio marks no end of a run: nobody knows whether it goes on.
    assert_eq!(reader.picture().known_state(), None);
    for run in &found {
        let reader = load(&run.address());
        assert_eq!((&reader.picture().info.id, &reader.picture().info.name), (&run.id, &run.name));
    }
}

#[test]
fn a_run_is_chosen_by_name_id_or_the_start_of_its_id() {
    let (_dir, db) = trackio();
    let found = runs(&db).unwrap();
    let twins: Vec<&RunRef> = found.iter().filter(|run| run.name == "twin").collect();
    assert_eq!(twins.len(), 2);
    let of = |asked: &str| runs(&PathBuf::from(format!("{}#{asked}", db.display()))).map(|runs| runs[0].clone());
    assert_eq!(&of("twin").unwrap(), twins[0]);
    assert_eq!(&of(&twins[1].id).unwrap(), twins[1]);
    assert_eq!(&of(&twins[1].id[..6]).unwrap(), twins[1]);
    let error = of("twni").unwrap_err();
    assert!(matches!(&error, OpenError::NoSuchRun { run, near, .. } if run == "twni" && !near.is_empty()), "{error:?}");
    assert!(error.hint().contains("twin"), "{}", error.hint());
    let series = |reader: &RunReader| reader.picture().series.len();
    assert!(series(&load(&twins[1].address())) > 0);
}

#[test]
fn points_of_a_resumed_run_replace_those_behind_its_start() {
    let (_dir, db) = trackio();
    let first = runs(&PathBuf::from(format!("{}#first", db.display()))).unwrap();
    let reader = load(&first[0].address());
    let steps: Vec<i64> = points(&reader, "loss").iter().map(|(step, _)| *step).collect();
    assert!(steps.is_sorted_by(|a, b| a < b), "{steps:?}");
}

#[test]
fn a_database_of_tviz_holds_runs_and_says_how_they_ended() {
    let (_dir, db) = desk("tviz/v0.2.2/tviz.sql", "tviz.db");
    let found = runs(&db).unwrap();
    assert!(found.len() == 2 && found.iter().all(|run| run.kind == Kind::Tviz));
    let states: Vec<_> = found.iter().map(|run| load(&run.address()).picture().known_state().map(|state| state.as_str())).collect();
    // One was closed; of the other nobody knows.
    assert!(states.contains(&Some("finished")) && states.contains(&None), "{states:?}");
    assert!(found.iter().all(|run| !load(&run.address()).picture().series.is_empty()));
}

#[test]
fn an_inbox_without_a_database_is_a_project() {
    let root = Path::new(FIXTURES).join("trackio/inbox");
    let found = runs(&root).unwrap();
    assert!(!found.is_empty() && found.iter().all(|run| run.kind == Kind::Trackio), "{found:?}");
    let reader = load(&found[0].address());
    assert!(!reader.picture().series.is_empty());
    let project = root.join(found[0].project.as_deref().unwrap());
    assert_eq!(ids(&runs(&project).unwrap()), ids(&runs(&project.with_extension("db")).unwrap()));
}

#[test]
fn a_folder_of_wandb_runs_is_listed_by_their_names() {
    let (failed, media) = (fixture("wandb/failed.wandb"), fixture("wandb/media.wandb"));
    let dir = tree(&[
        ("wandb/offline-run-20261120_080000-failed01/run-failed01.wandb", &failed),
        ("wandb/run-20261120_090000-media01/run-media01.wandb", &media),
        ("wandb/run-20261120_090000-media01/files/output.log", b"step 1 loss 2\n"),
        ("wandb/debug.log", b""),
    ]);
    symlink("offline-run-20261120_080000-failed01", dir.path().join("wandb/latest-run")).unwrap();
    for root in [dir.path().to_owned(), dir.path().join("wandb")] {
        let found = runs(&root).unwrap();
        assert_eq!(ids(&found), ["media01", "failed01"]);
        assert!(found.iter().all(|run| run.kind == Kind::WandbRun && run.project.is_some() && run.started.is_some()), "{found:?}");
        let reader = load(&root);
        assert_eq!(reader.run().map(|run| run.id.as_str()), Some("media01"));
        assert_eq!(reader.picture().info.id, "media01");
    }
    // The link is a path of its own: that very run is meant.
    let latest = dir.path().join("wandb/latest-run");
    assert_eq!(ids(&runs(&latest).unwrap()), ["failed01"]);
    assert_eq!(open(&latest).unwrap().run, None);
    let chosen = PathBuf::from(format!("{}#failed01", dir.path().display()));
    assert_eq!(load(&chosen).picture().info.id, "failed01");
}

#[test]
fn every_folder_with_events_is_a_run_and_its_files_are_one_source() {
    let name = |at: u32| format!("events.out.tfevents.{at}.fixture");
    let file = |at: u32| fixture(&format!("tfevents/restart/{}", name(at)));
    let (first, second) = (file(1_700_000_000), file(1_700_000_001));
    let paths = ["logs/a/".to_owned() + &name(1_700_000_000), "logs/b/c/".to_owned() + &name(1_700_000_001)];
    let dir = tree(&[(&paths[0], &first), (&paths[1], &second)]);
    let root = dir.path().join("logs");
    assert_eq!(ids(&runs(&root).unwrap()), ["b/c", "a"]);
    assert_eq!(open(&root).unwrap().run.map(|run| run.id), Some("b/c".into()));
    let mut reader = load(&root.join("a"));
    let key = reader.picture().series.keys().next().unwrap().clone();
    let before = points(&reader, key.as_str());
    // A restart begins another file in the same folder.
    fs::write(root.join("a").join(name(1_700_000_001)), &second).unwrap();
    while {
        let polled = reader.poll(RunReader::LIVE);
        polled.more || reader.picture().series[&key].superseded() == 0
    } {}
    let after = points(&reader, key.as_str());
    let back = after.iter().position(|point| !before.contains(point)).unwrap();
    assert!(back > 0, "what came before the restart stays: {after:?}");
    assert!(after.iter().map(|(step, _)| step).is_sorted_by(|a, b| a < b), "{after:?}");
}

#[test]
fn a_store_of_og_is_a_folder_of_runs() {
    let run =
        |name: &str, at: u32| format!("{{\"v\":1,\"id\":\"x\",\"name\":\"{name}\",\"project\":\"lm\",\"started_at\":{at}.5}}").into_bytes();
    let dir = tree(&[
        (".og/runs/20261120-080000-amber-fox-0001/run.json", &run("base", 1000)),
        (".og/runs/20261120-080000-amber-fox-0001/metrics.jsonl", b"{\"s\":1,\"m\":{\"loss\":2}}\n"),
        (".og/runs/20261120-090000-brave-owl-0002/run.json", &run("wide", 2000)),
        (".og/canvas/base/chat.jsonl", b"{}\n"),
    ]);
    for root in [dir.path().to_owned(), dir.path().join(".og"), dir.path().join(".og/runs")] {
        let found = runs(&root).unwrap();
        let told: Vec<_> = found.iter().map(|run| (run.name.as_str(), run.project.as_deref(), run.started.map(WallTime::secs))).collect();
        assert_eq!(told, [("wide", Some("lm"), Some(2000.5)), ("base", Some("lm"), Some(1000.5))]);
        let reader = RunReader::open(&PathBuf::from(format!("{}#0001", root.display()))).unwrap();
        assert_eq!((reader.picture().info.name.as_str(), reader.foreign_kind()), ("base", None));
    }
}

#[test]
fn files_of_a_folder_are_runs_where_there_is_nothing_better() {
    let dir = tree(&[
        ("lightning_logs/version_0/metrics.csv", b"epoch,step,loss\n0,9,2.5\n"),
        ("lightning_logs/version_0/hparams.yaml", b"lr: 1\n"),
        ("out/checkpoint-10/trainer_state.json", b"{\"log_history\": [{\"step\": 5, \"loss\": 2.5}]}"),
        ("out/checkpoint-10/config.json", b"{}"),
        ("train.log", b"step 1 loss 2\n"),
        (".hidden/metrics.csv", b"step,loss\n1,2\n"),
    ]);
    let found = runs(dir.path()).unwrap();
    let mut kinds: Vec<_> = found.iter().map(|run| (run.id.as_str(), run.kind)).collect();
    kinds.sort_by_key(|(id, _)| *id);
    let want = [("lightning_logs/version_0/metrics.csv", Kind::Csv), ("out/checkpoint-10/trainer_state.json", Kind::Json)];
    assert_eq!(kinds, want);
    let logs = tree(&[("train.log", b"step 1 loss 2\n"), ("notes.md", b"x")]);
    assert_eq!(runs(logs.path()).unwrap()[0].kind, Kind::Log);
    assert_eq!(points(&load(logs.path()), "loss"), [(1, 2.0)]);
}

#[test]
fn files_near_the_runs_of_a_tracker_are_runs_where_they_surely_are() {
    let dir = tree(&[
        ("tb/events.out.tfevents.1700000000.h", b""),
        ("tb/metrics.csv", b"step,loss\n1,2\n"),
        ("loose.jsonl", b"no JSON\n{\"global_step\": 1, \"loss\": 2}\n{\"global_step\": 2, \"loss\": 1}\n"),
        ("keras/training.csv", b"epoch,loss\n0,2.5\n1,2\n"),
        ("data/train.jsonl", b"{\"text\": \"step 1\", \"label\": 1}\n{\"text\": \"b\", \"label\": 0}\n"),
        ("data/iris.csv", b"sepal,petal\n5.1,1.4\n4.9,1.4\n"),
        ("out/trainer_state.json", b"{\"log_history\": [{\"step\": 5, \"loss\": 2.5}]}"),
        ("train.log", b"step 1 loss 2\n"),
        ("wandb/run-20261120_080000-x1/run-x1.wandb", b":W&B\xe1\xbe\0"),
        ("wandb/run-20261120_080000-x1/files/media/t.csv", b"step,loss\n1,2\n"),
    ]);
    let found = runs(dir.path()).unwrap();
    let kinds: Vec<_> = found.iter().map(|run| run.kind).collect();
    assert!(kinds[..2].iter().all(|kind| matches!(kind, Kind::TfEvents | Kind::WandbRun)), "{kinds:?}");
    let mut files: Vec<_> = found[2..].iter().map(|run| run.id.as_str()).collect();
    files.sort_unstable();
    assert_eq!(files, ["keras/training.csv", "loose.jsonl"]);
}

#[test]
fn tables_without_steps_are_runs_where_no_other_lies_near() {
    let loose = b"{\"loss\": 2, \"lr\": 1}\n{\"loss\": 1, \"lr\": 1}\n";
    let dir = tree(&[
        ("a/train.jsonl", b"{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"loss\": 1}\n"),
        ("a/losses.jsonl", loose),
        ("a/eval/losses.jsonl", loose),
        ("b/losses.jsonl", loose),
        ("c/monitor.csv", b"#{\"t_start\": 1700000000.5, \"env_id\": \"CartPole-v1\"}\nr,l,t\n20.0,20,1.25\n"),
        ("data/reviews.csv", b"text,score\na good one,5\nnot so good,2\n"),
        ("data/train.jsonl", b"{\"prompt\": \"why is it\", \"reward\": 1}\n"),
        ("results.csv", b"loss,acc\n0.5,0.75\n0.25,0.875\n"),
    ]);
    let mut found: Vec<_> = runs(dir.path()).unwrap().into_iter().map(|run| run.id).collect();
    found.sort_unstable();
    assert_eq!(found, ["a/train.jsonl", "b/losses.jsonl", "c/monitor.csv"]);
}

#[test]
fn what_cannot_be_read_says_what_it_starts_with_and_what_could_be() {
    let dir = tree(&[("model.pt", b"PK\x03\x04\0\0\0\0\0\0"), ("empty/notes.md", b"x"), ("other.db", b"")]);
    let error = fails(&dir.path().join("model.pt"));
    assert!(error.to_string().ends_with("it starts with 50 4b 03 04 00 00 00 00 \"PK......\""), "{error}");
    let hint = error.hint();
    for word in ["PyTorch checkpoint", ".wandb", "Trackio", "tviz", "TensorBoard", ".jsonl", ".csv"] {
        assert!(hint.contains(word), "{word}: {hint}");
    }
    assert!(matches!(fails(&dir.path().join("empty")), OpenError::NoRun { .. }));
    assert!(matches!(fails(&dir.path().join("missing#x")), OpenError::Open { .. }));
    assert!(matches!(fails(Path::new("/dev/null")), OpenError::Open { .. }));
    // A database that its tracker has just made.
    assert!(matches!(fails(&dir.path().join("other.db")), OpenError::NoRun { .. } | OpenError::Database { .. }));
    Connection::open(dir.path().join("foreign.db")).unwrap().execute_batch("CREATE TABLE notes (id INTEGER)").unwrap();
    assert!(matches!(fails(&dir.path().join("foreign.db")), OpenError::Database { .. }));
    assert!(matches!(RunReader::open(&dir.path().join("model.pt")), Err(StoreError::Foreign(_))));
}

#[test]
fn links_that_loop_and_names_that_are_no_text_are_no_trouble() {
    let dir = tree(&[("logs/a/metrics.csv", b"step,loss\n1,2\n")]);
    let root = dir.path().join("logs");
    symlink(&root, root.join("a/up")).unwrap();
    symlink("self", root.join("self")).unwrap();
    symlink("there", root.join("here")).unwrap();
    symlink("here", root.join("there")).unwrap();
    let strange = root.join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&strange).unwrap();
    fs::write(strange.join(OsStr::from_bytes(b"m\xff.csv")), "step,loss\n3,4\n").unwrap();
    assert_eq!(runs(&root).unwrap().len(), 2);
    let file = strange.join(OsStr::from_bytes(b"m\xff.csv"));
    assert_eq!(points(&load(&file), "loss"), [(3, 4.0)]);
    assert_eq!(load(&strange).picture().info.name, "m\u{fffd}.csv");
    assert!(matches!(fails(&root.join("self")), OpenError::Open { .. }));
    // A `#` in a name is part of it where such a file exists.
    let hash = dir.path().join("run#1.csv");
    fs::write(&hash, "step,loss\n5,6\n").unwrap();
    assert_eq!(points(&load(&hash), "loss"), [(5, 6.0)]);
}

#[test]
fn a_log_with_bytes_that_are_no_text_is_read() {
    let dir = tree(&[("train.log", b"caf\xe9 \xff\xfe\nstep 1 loss 2.5\nstep 2 \xc3 loss 2\n")]);
    let reader = load(&dir.path().join("train.log"));
    assert_eq!(points(&reader, "loss")[0], (1, 2.5));
}

#[test]
fn ten_thousand_runs_are_listed_at_once() {
    const RUNS: usize = 10_000;
    // Some disks take a minute to make them; memory does not.
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    for number in 0..RUNS {
        let folder = dir.path().join(format!("runs/{number:05}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("events.out.tfevents.{}.h", 1_700_000_000 + number)), "").unwrap();
    }
    let start = Instant::now();
    let found = runs(dir.path()).unwrap();
    assert_eq!((found.len(), found[0].id.as_str()), (RUNS, "runs/09999"));
    // It takes a third of a second in an unoptimized build.
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    println!("{RUNS} runs in {:?}", start.elapsed());
}

#[test]
fn a_database_is_followed_but_looked_at_once_a_second() {
    let (_dir, db) = desk("tviz/v0.2.2/tviz.sql", "tviz.db");
    let open = runs(&db).unwrap().into_iter().find(|run| load(&run.address()).picture().known_state().is_none()).unwrap();
    let mut reader = load(&open.address());
    let key: MetricKey = "reward_mean".into();
    let before = reader.picture().series[&key].len();
    let sql = format!("INSERT INTO steps (run_id, step, reward_mean) VALUES ('{}', 1000, 0.5)", open.id);
    Connection::open(&db).unwrap().execute_batch(&sql).unwrap();
    // Too early for a second look: it says when to come again.
    let polled = reader.poll(RunReader::LIVE);
    let again = polled.again.unwrap();
    assert!(!polled.changed && again <= Duration::from_secs(1));
    let start = Instant::now();
    while reader.picture().series[&key].len() == before {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(reader.poll(RunReader::LIVE).again.unwrap_or_default());
    }
    assert_eq!(points(&reader, key.as_str()).last(), Some(&(1000, 0.5)));
}

#[test]
fn a_file_that_vanishes_is_told_of_and_goes_on_when_it_is_back() {
    let dir = tree(&[("m.jsonl", b"{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":1}\n")]);
    let path = dir.path().join("m.jsonl");
    let mut reader = load(&path);
    fs::remove_file(&path).unwrap();
    assert!(reader.poll(RunReader::LIVE).changed);
    let problem = reader.picture().problems.values().next().unwrap().clone();
    assert!(problem.contains("is gone"), "{problem}");
    assert_eq!(points(&reader, "loss").len(), 2);
    fs::write(&path, "{\"step\":1,\"loss\":3}\n").unwrap();
    while reader.poll(RunReader::LIVE).more {}
    assert_eq!(points(&reader, "loss"), [(1, 3.0)]);
    assert!(reader.picture().problems.is_empty());
    let note = &reader.picture().losses.last.back().unwrap().1;
    assert!(note.reason.contains("starts over"), "{note:?}");
    // Truncated on purpose: the same.
    File::create(&path).unwrap().write_all(b"{\"step\":7,\"loss\":4}\n").unwrap();
    fs::write(&path, "").unwrap();
    while reader.poll(RunReader::LIVE).more {}
    assert!(!reader.picture().series.contains_key("loss"));
}

#[test]
fn a_wandb_run_that_was_silent_for_long_crashed_unless_it_writes_again() {
    let whole = fs::read(Path::new(FIXTURES).join("wandb/failed.wandb")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run-live.wandb");
    let mut file = File::create(&path).unwrap();
    let mut write = |from: usize, to: usize, age: u64| {
        file.write_all(&whole[from..to]).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    write(0, whole.len() / 3, 3600);
    let mut reader = RunReader::open(&path).unwrap();
    let mut state = || {
        while reader.poll(RunReader::LOAD).more {}
        reader.picture().state()
    };
    assert_eq!(state(), RunState::Crashed);
    write(whole.len() / 3, whole.len() / 2, 0);
    assert_eq!(state(), RunState::Running);
    write(whole.len() / 2, whole.len(), 3600);
    assert_eq!(state(), RunState::Failed);
}

/// Whether there is time for what takes minutes.
fn is_slow_wanted() -> bool {
    std::env::var_os("OG_SLOW").is_some_and(|set| set == "1")
}

#[test]
fn a_million_rows_are_loaded_at_once_and_a_look_at_new_ones_is_short() {
    const ROWS: usize = 1_000_000;
    if !is_slow_wanted() {
        return;
    }
    let (dir, db) = trackio();
    let writer = Connection::open(&db).unwrap();
    let insert = |from: usize, to: usize| {
        let sql = format!(
            "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {to}) \
             INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) \
             SELECT 'aaaabbbbccccddddaaaabbbbccccdddd', strftime('%Y-%m-%dT%H:%M:%f+00:00', 1900000000 + i / 20.0, 'unixepoch'), 'long', i, \
             CAST(json_object('loss', 1.0 / (i + 1), 'acc', i * 1e-6, 'lr', 0.0003) AS BLOB) FROM n"
        );
        writer.execute_batch(&sql).unwrap();
    };
    writer.execute_batch("PRAGMA journal_mode=WAL").unwrap();
    insert(0, ROWS);
    let files = || -> Vec<(String, Vec<u8>)> {
        let mut names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names.iter().map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect()
    };
    let before = files();
    let start = Instant::now();
    let mut reader = RunReader::open(&db).unwrap();
    let listed = start.elapsed();
    while reader.poll(RunReader::LOAD).more {}
    println!("{ROWS} rows: listed in {listed:?}, loaded in {:?}", start.elapsed());
    assert_eq!(reader.picture().series["loss"].len(), ROWS);
    assert!(files() == before, "the files of the database changed");
    let mut looks: Vec<Duration> = vec![];
    for round in 0..20 {
        insert(ROWS + round * 100, ROWS + (round + 1) * 100);
        let due = Instant::now() + Duration::from_millis(1100);
        std::thread::sleep(due - Instant::now());
        while reader.picture().series["loss"].len() < ROWS + (round + 1) * 100 {
            let start = Instant::now();
            reader.poll(RunReader::LIVE);
            looks.push(start.elapsed());
        }
    }
    looks.sort();
    println!("a look at 100 new rows: median {:?}, longest {:?} of {}", looks[looks.len() / 2], looks[looks.len() - 1], looks.len());
}

#[test]
fn five_gigabytes_are_read_with_little_memory() {
    if !is_slow_wanted() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, start) in
        [("zeros.jsonl", &b"{\"step\":1,\"loss\":2}\n"[..]), ("zeros.log", b"step 1 loss 2\n"), ("zeros.csv", b"step,loss\n1,2\n")]
    {
        let path = dir.path().join(name);
        let mut file = File::create(&path).unwrap();
        file.write_all(start).unwrap();
        file.set_len(5 << 30).unwrap();
        let memory = || -> u64 {
            let status = fs::read_to_string("/proc/self/status").unwrap();
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse().ok()).unwrap()
        };
        let before = memory();
        let clock = Instant::now();
        let mut reader = RunReader::open(&path).unwrap();
        let opened = clock.elapsed();
        reader.poll(RunReader::LIVE);
        assert_eq!(points(&reader, "loss"), [(1, 2.0)]);
        while reader.poll(RunReader::LOAD).more {}
        println!("{name}: opened in {opened:?}, read in {:?}, {} KiB more memory", clock.elapsed(), memory().saturating_sub(before));
        assert!(memory().saturating_sub(before) < 64 << 10);
    }
}
