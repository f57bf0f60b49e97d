use super::*;
use crate::{
    model::{Exit, RunState, Step, WallTime},
    query::runs::{COURSE_MAX, Now, RunQuery},
    store::{Event, EventKind, NewRun, Parent, Remark, RunFolder, RunInfo, metrics_line},
};
use serde_json::json;
use std::fs;
use std::io::Write;

fn store(dir: &Path) -> Store {
    Store::find_or_make(&Whereabouts { cwd: dir.to_owned(), ..Whereabouts::default() }).unwrap()
}

fn time(secs: f64) -> WallTime {
    WallTime::new(secs).unwrap()
}

fn make(store: &Store, dir: &Path, n: u32, parent: Option<Parent>) -> RunFolder {
    let new = NewRun {
        name: Some(format!("run-{n}")),
        cwd: dir.to_owned(),
        config: [("optim".to_owned(), json!({"lr": f64::from(n) * 0.1}))].into(),
        tags: [("night".to_owned(), String::new())].into(),
        parent,
        ..NewRun::default()
    };
    let (folder, _) = store.create_run(new, time(1000.0 + f64::from(n)), u64::from(n)).unwrap();
    let rows: String = (0..100)
        .map(|step| metrics_line(Step(step), time(2000.0 + step as f64), &[("loss", f64::from(n) + (step - 50).abs() as f64)]))
        .collect();
    append(&folder.metrics(), &rows);
    folder
}

fn append(path: &Path, text: &str) {
    fs::File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn dead(_: u32) -> bool {
    false
}

#[test]
fn runs_are_seen_read_and_seen_again_when_they_change() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let one = make(&store, dir.path(), 1, None);
    one.append_event(&Event { t: time(3000.0), author: "run".into(), kind: EventKind::Checkpoint { path: "a.pt".into(), step: Some(50) } })
        .unwrap();
    let parent = Parent { run: one.id().0, checkpoint: Some("a.pt".into()), step: Some(50) };
    let two = make(&store, dir.path(), 2, Some(parent));
    two.remark(&Remark::notes("try"), "human", time(3000.0)).unwrap();
    let by_og = EventKind::Note { text: "nobody saw how the training ended".into(), step: None };
    one.append_event(&Event { t: time(3000.0), author: "og".into(), kind: by_og }).unwrap();
    let mut catalog = Catalog::new(vec![store.root().to_owned()], dead);
    catalog.find();
    assert_eq!(catalog.left(), (2, 0));
    let first = catalog.go_on(Duration::ZERO).rows.remove(0);
    // Newest first, and its last value is known before it is read.
    assert_eq!((first.name.as_str(), first.step, first.last["loss"], first.read.is_none()), ("run-2", Some(99), 51.0, true));
    while catalog.left() != (0, 0) {
        catalog.go_on(Duration::ZERO);
    }
    let mut rows = catalog.all(|_| true);
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!((rows[0].best("loss"), rows[1].best("loss")), (Some(1.0), Some(2.0)));
    assert_eq!(rows[0].read.as_ref().unwrap().checkpoints, [("a.pt".to_owned(), Some(50))]);
    assert_eq!(rows[0].course(&"loss".into()).len(), COURSE_MAX);
    assert_eq!(rows[0].notes, "", "what og says is nobody's note");
    assert_eq!((rows[1].notes.as_str(), rows[1].config["optim.lr"].as_f64()), ("try", Some(0.2)));
    assert_eq!(rows[1].origin.as_ref().unwrap().run, one.id().0);
    assert!(catalog.find().rows.is_empty());
    assert_eq!(catalog.left(), (0, 0));
    append(&one.metrics(), &metrics_line(Step(100), time(2200.0), &[("loss", 0.5)]));
    catalog.find();
    assert_eq!(catalog.left(), (1, 0));
    let again = catalog.go_on(Duration::ZERO).rows.remove(0);
    // It grew by too little to be read again, and its best value is right all the same.
    assert_eq!((again.best("loss"), again.step, catalog.left()), (Some(0.5), Some(100), (0, 0)));
    let exit = Event {
        t: time(4000.0),
        author: "og".into(),
        kind: EventKind::Exit(Exit { code: Some(0), at: Some(time(4000.0)), ..Exit::default() }),
    };
    one.append_event(&exit).unwrap();
    catalog.find();
    assert_eq!(catalog.go_on(Duration::ZERO).rows[0].state, Some(RunState::Finished));
    fs::remove_dir_all(two.path()).unwrap();
    assert_eq!(catalog.find().gone, [two.path()]);
}

#[test]
fn a_process_that_is_gone_makes_its_run_lost() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let run = make(&store, dir.path(), 1, None);
    run.append_event(&Event { t: time(1.0), author: "og".into(), kind: EventKind::Started { pid: 7 } }).unwrap();
    let mut catalog = Catalog::new(vec![store.root().to_owned()], |_| true);
    assert_eq!(catalog.all(|_| false)[0].state, Some(RunState::Running));
    catalog.is_alive = dead;
    assert_eq!(catalog.find().rows[0].state, Some(RunState::Lost));
}

#[test]
fn what_is_remarked_here_stands_over_what_the_tracker_says() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().canonicalize().unwrap().join("wandb/run-20261120_101500-abc");
    fs::create_dir_all(&run).unwrap();
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wandb/failed.wandb"), run.join("run-abc.wandb")).unwrap();
    let store = Store::meant(&Whereabouts { cwd: dir.path().to_owned(), ..Whereabouts::default() });
    let mut catalog = Catalog::new(vec![dir.path().join("wandb")], dead).with_remarks(vec![store.clone()]);
    let fits = |row: &RunRow, filter: &str| RunQuery::parse(filter).unwrap().fits(row, Now { secs: 0.0, utc_offset: 0.0 });
    let row = catalog.all(|_| true).remove(0);
    assert!(fits(&row, "tags:a notes:words"), "{row:?}");
    // The store is made with the first remark, by whichever name of the run.
    fs::create_dir(dir.path().join("link")).unwrap();
    std::os::unix::fs::symlink(&run, dir.path().join("link/latest")).unwrap();
    let remark = |remark: Remark| {
        let beside = store.beside(&dir.path().join("link/latest"));
        beside.remark(&remark, &RunInfo::default(), "human", time(1.0)).unwrap();
    };
    remark(Remark::notes("look again"));
    remark(Remark::tags("x"));
    let row = catalog.find().rows.remove(0);
    assert!(fits(&row, "has:notes notes:again tags:x !tags:a"), "{row:?}");
    assert_eq!(catalog.left(), (0, 0), "its log is not read again");
    remark(Remark::tags(""));
    assert!(!fits(&catalog.all(|_| true)[0], "has:tags"));
    fs::remove_dir_all(store.all_beside()).unwrap();
    assert!(fits(&catalog.find().rows[0], "tags:a notes:words"), "as the tracker says");
}

#[test]
fn remarks_that_were_taken_back_stay_away() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let run = make(&store, dir.path(), 1, None);
    let remark = |remark: Remark| run.remark(&remark, "human", time(3000.0)).unwrap();
    remark(Remark::notes("hello"));
    let mut catalog = Catalog::new(vec![store.root().to_owned()], dead);
    let said = |catalog: &mut Catalog| {
        let row = catalog.all(|_| true).remove(0);
        (row.notes, row.tags.into_keys().collect::<Vec<_>>())
    };
    assert_eq!(said(&mut catalog), ("hello".into(), vec!["night".to_owned()]));
    remark(Remark::notes(""));
    remark(Remark::tags(""));
    let nothing = (String::new(), vec![]);
    assert_eq!(said(&mut catalog), nothing);
    assert_eq!(said(&mut Catalog::new(vec![store.root().to_owned()], dead)), nothing, "whoever looks first");
}

#[test]
fn folders_of_other_trackers_are_places_too() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("wandb").join("run-20261120_101500-abc");
    fs::create_dir_all(&run).unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wandb/failed.wandb");
    fs::copy(fixture, run.join("run-abc.wandb")).unwrap();
    // What holds no log of wandb is none of its runs.
    let stray = dir.path().join("wandb/run-20261120_101501-stray");
    fs::create_dir(&stray).unwrap();
    fs::write(stray.join("run-stray.txt"), "a note").unwrap();
    let places = Catalog::places(&Whereabouts { cwd: dir.path().to_owned(), ..Whereabouts::default() }, |_| None);
    let rows = Catalog::new(places, dead).all(|_| true);
    assert_eq!(rows.len(), 1);
    assert!(rows[0].state == Some(RunState::Failed) && rows[0].tags.contains_key("a") && !rows[0].config.is_empty(), "{:?}", rows[0]);
    let by_itself = Catalog::new(vec![run], dead).all(|_| true);
    assert_eq!((by_itself.len(), by_itself[0].id.as_str()), (1, "failed01"));
    let missing = Catalog::new(vec![dir.path().join("none")], dead).all(|_| true);
    assert!(missing.is_empty());
}

#[test]
fn tables_and_logs_below_a_place_are_runs_by_their_places() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("outputs/2026-11-20/12-00-00/train.log", "step 1 loss 2\nstep 2 loss 1\n");
    write("lightning_logs/version_0/metrics.csv", "step,loss\n1,2\n5,1\n");
    write("lightning_logs/version_0/train.log", "step 1 loss 2\n");
    write("data/iris.csv", "sepal,petal\n5.1,1.4\n");
    let mut catalog = Catalog::new(vec![dir.path().to_owned(), dir.path().join("lightning_logs")], dead);
    let told = |rows: Vec<RunRow>| {
        let mut told: Vec<_> = rows.into_iter().map(|row| (row.name, row.step, row.last.get("loss").copied())).collect();
        told.sort_by(|a, b| a.0.cmp(&b.0));
        told
    };
    let want = [
        ("lightning_logs/version_0/metrics.csv".to_owned(), Some(5), Some(1.0)),
        ("outputs/2026-11-20/12-00-00/train.log".to_owned(), Some(2), Some(1.0)),
    ];
    assert_eq!(told(catalog.all(|_| true)), want);
    // What is written is seen at the next look, what is gone is gone.
    write("outputs/2026-11-20/12-00-00/train.log", "step 1 loss 2\nstep 2 loss 1\nstep 3 loss 0.5\n");
    fs::remove_file(dir.path().join("lightning_logs/version_0/metrics.csv")).unwrap();
    assert_eq!(told(catalog.all(|_| true)), [(want[1].0.clone(), Some(3), Some(0.5))]);
}
