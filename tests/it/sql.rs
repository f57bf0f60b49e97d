//! SQLite trackers: what og reads from databases that the real clients wrote, and that it leaves no trace beside them.

use og::model::{Exit, Point, Series, WallTime};
use og::source::*;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

/// A database in a folder of its own, made from the dump of a real one.
struct Desk {
    dir: TempDir,
    db: PathBuf,
}

impl Desk {
    fn new(dump: &str) -> Desk {
        let dir = tempfile::tempdir().unwrap();
        let name = Path::new(dump).with_extension("db");
        let db = dir.path().join(name.file_name().unwrap());
        let desk = Desk { dir, db };
        desk.sql(&fs::read_to_string(Path::new(FIXTURES).join(dump)).unwrap());
        desk
    }

    fn trackio() -> Desk {
        Desk::new("trackio/v0.43.0/ogfixture.sql")
    }

    /// Writes with a connection that is closed at the end.
    fn sql(&self, sql: &str) {
        Connection::open(&self.db).unwrap().execute_batch(sql).unwrap();
    }

    /// Every file of the folder with its bytes.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.dir.path()).unwrap().map(|e| e.unwrap().path());
        entries.filter(|path| path.is_file()).map(|path| (name(&path), fs::read(&path).unwrap())).collect()
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// What a run said.
#[derive(Default)]
struct Seen {
    names: HashMap<KeyId, String>,
    series: BTreeMap<String, Series>,
    /// Points of each key as they came.
    counts: BTreeMap<String, usize>,
    rows: Vec<Row>,
    config: BTreeMap<String, Value>,
    info: Vec<(&'static str, Value)>,
    system: Vec<Vec<(String, f64)>>,
    alerts: Vec<Alert>,
    media: Vec<Media>,
    exit: Option<Exit>,
    losses: Vec<Loss>,
}

impl Seen {
    fn take(&mut self, record: Result<Record, Loss>) {
        match record {
            Ok(Record::Key(id, key)) => drop(self.names.insert(id, key.to_string())),
            Ok(Record::Row(row)) => {
                for (id, value) in &row.values {
                    let key = &self.names[id];
                    *self.counts.entry(key.clone()).or_default() += 1;
                    let point = Point { step: row.step.unwrap(), time: row.time, value: *value };
                    self.series.entry(key.clone()).or_default().push(point);
                }
                self.rows.push(row);
            }
            Ok(Record::Config(key, value)) => drop(self.config.insert(key, value)),
            Ok(Record::Info(key, value)) => self.info.push((key, value)),
            Ok(Record::System(_, samples)) => self.system.push(samples),
            Ok(Record::Alert(alert)) => self.alerts.push(alert),
            Ok(Record::Media(media)) => self.media.push(*media),
            Ok(Record::Exit(exit)) => self.exit = Some(exit),
            Ok(other) => panic!("{other:?}"),
            Err(loss) => self.losses.push(loss),
        }
    }

    /// Polls once more and until there is no more.
    #[track_caller]
    fn poll(&mut self, cursor: &mut dyn Source) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let budget = Budget { bytes_max: 1, time_max: Duration::ZERO };
        while {
            let progress = cursor.poll(budget, &mut |record| self.take(record)).unwrap();
            if progress.restarted {
                *self = Seen::default();
            }
            progress.more
        } {
            assert!(Instant::now() < deadline, "a writer that holds the database for 20 s");
        }
    }

    fn values(&self, key: &str) -> Vec<(i64, f64)> {
        self.series[key].points(0..usize::MAX).map(|point| (point.step.0, point.value)).collect()
    }

    fn steps(&self) -> Vec<i64> {
        self.rows.iter().map(|row| row.step.unwrap().0).collect()
    }

    fn info(&self, name: &str) -> Option<&Value> {
        self.info.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    fn media(&self, key: &str) -> (&str, Option<i64>, &Value) {
        let media = self.media.iter().find(|media| media.key == key).unwrap_or_else(|| panic!("no {key}: {:?}", self.media));
        (&media.kind, media.step.map(|step| step.0), &media.about)
    }
}

#[track_caller]
fn trackio(db: &Path, run: RunSelector) -> Seen {
    let mut seen = Seen::default();
    seen.poll(&mut TrackioRun::open(db, run).unwrap());
    seen
}

fn by_name(name: &str) -> RunSelector {
    RunSelector::Name(name.into())
}

#[track_caller]
fn tviz(db: &Path, run: &str) -> Seen {
    let mut seen = Seen::default();
    seen.poll(&mut TvizRun::open(db, run).unwrap());
    seen
}

/// A program that writes with Python's own SQLite, one statement a line; `kill` leaves what it leaves.
struct Writer {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Writer {
    fn new(db: &Path, journal: &str) -> Writer {
        const PROGRAM: &str = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
db.execute('PRAGMA journal_mode=' + sys.argv[2])
for line in sys.stdin:
    db.execute(line)
    print('ok', flush=True)
db.close()
";
        let mut child = Command::new("python3")
            .args(["-c", PROGRAM])
            .arg(db)
            .arg(journal)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is on the PATH; `make setup` says how to get it");
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Writer { child, stdin, stdout }
    }

    #[track_caller]
    fn run(&mut self, sql: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{sql}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "ok\n", "{sql}");
    }

    /// Logs a row to the fixture's run `twin`, the newer one.
    #[track_caller]
    fn log(&mut self, step: usize) {
        self.run(&format!(
            "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) VALUES \
             ('9db1b3b177454a44824256b8817daadb', '2026-11-20T11:00:00+00:00', 'twin', {step}, '{{\"loss\": {step}}}')"
        ));
    }

    fn close(mut self) {
        self.stdin = None;
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Already gone after `close`.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn a_project_of_today_is_read_whole() {
    let desk = Desk::trackio();
    let seen = trackio(&desk.db, by_name("first"));
    assert_eq!(seen.losses, []);
    assert_eq!(seen.steps(), (0..21).collect::<Vec<_>>());
    assert_eq!(seen.values("loss"), (0..20).map(|i| (i, 4.0 / (i + 1) as f64)).collect::<Vec<_>>());
    let bad = seen.values("bad");
    assert!(bad[3].1.is_nan() && bad[4].1 == f64::NEG_INFINITY);
    let nested: Vec<_> = ["nested.a", "nested.b.c", "nested.b.d"].map(|key| seen.values(key)[0]).into();
    assert_eq!(nested, [(20, 1.5), (20, 2.0), (20, f64::INFINITY)]);
    assert_eq!(seen.series.len(), 6, "texts, lists, booleans and nothing are no metrics: {:?}", seen.series.keys());
    assert_eq!(seen.rows[0].time, WallTime::new(1795171842.84772));

    let config =
        [("lr", json!(0.001)), ("clip", json!("Infinity")), ("model", json!({"layers": 12, "act": "gelu"})), ("tags", json!(["a", "b"]))];
    for (key, value) in config {
        assert_eq!(seen.config[key], value, "{key}");
    }
    assert!(!seen.config.keys().any(|key| key.starts_with('_')));
    assert_eq!(seen.info("group"), Some(&json!("sweep")));
    assert_eq!((seen.info("project"), seen.info("name")), (Some(&json!("ogfixture")), Some(&json!("first"))));
    assert!(seen.info("created_at").unwrap().as_str().unwrap().starts_with("2026-11-20T10:50:4"));

    assert_eq!(seen.system.len(), 1);
    let samples = &seen.system[0];
    assert!(samples[0] == ("gpu/0/utilization".into(), 87.0) && samples[1].1.is_nan());
    let alerts: Vec<_> = seen.alerts.iter().map(|a| (a.title.as_str(), a.text.as_str(), a.level, a.step.unwrap().0)).collect();
    assert_eq!(alerts, [("Loss spike", "loss=9 at step 7", "error", 22), ("Plateau", "", "warn", 22)]);
}

#[test]
fn what_is_no_number_is_media() {
    let desk = Desk::trackio();
    let seen = trackio(&desk.db, by_name("first"));
    assert_eq!(seen.media("note"), ("text", Some(20), &json!({"text": "warm \"up\" done\n"})));
    let table = json!({"rows": 2, "columns": ["prompt", "reward"], "value": [{"prompt": "2+2?", "reward": 1.0}, {"prompt": "3*3?", "reward": 0.0}]});
    assert_eq!(seen.media("table"), ("table", Some(21), &table));
    let (kind, _, about) = seen.media("hist");
    assert_eq!((kind, &about["values"]), ("histogram", &json!([1, 0, 2, 3])));
    assert_eq!(seen.media("md"), ("markdown", Some(21), &json!({"value": "# hello"})));
    let (kind, _, about) = seen.media("image");
    assert_eq!((kind, &about["caption"]), ("image", &json!("black")));
    assert!(about["path"].as_str().unwrap().starts_with("media/ogfixture/first/21/"));
    let (kind, step, about) = seen.media("chat");
    assert_eq!(
        (kind, step, &about["messages"][1]["content"], &about["metadata"]["status"]),
        ("trace", Some(22), &json!("ho"), &json!("ok"))
    );
}

#[test]
fn a_resumed_run_goes_on_as_its_next_attempt_and_the_later_rows_win() {
    let desk = Desk::trackio();
    let seen = trackio(&desk.db, by_name("crashy"));
    assert_eq!(seen.steps(), (0..12).chain(8..16).collect::<Vec<_>>());
    assert_eq!(seen.rows.iter().map(|row| row.attempt).collect::<Vec<_>>(), [[0; 12].as_slice(), &[1; 8]].concat());
    let loss = seen.values("loss");
    assert_eq!((loss.len(), loss[7], loss[8], seen.series["loss"].superseded()), (16, (7, 93.0), (8, 1008.0), 4));
    assert_eq!(seen.config["lr"], json!(0.0005), "the config of the last start");
}

#[test]
fn a_name_that_two_runs_share_means_the_newer_one_and_an_id_means_one() {
    let desk = Desk::trackio();
    assert_eq!(trackio(&desk.db, by_name("twin")).values("loss"), [(0, 2.0), (1, 1.5)]);
    let runs = trackio_runs(&desk.db).unwrap();
    let list: Vec<_> = runs.iter().map(|run| (run.name.as_str(), run.rows, run.last_step.unwrap().0, run.unsent)).collect();
    assert_eq!(list, [("first", 23, 22, 0), ("crashy", 20, 15, 0), ("twin", 1, 0, 0), ("twin", 2, 1, 0)]);
    assert_eq!(runs[1].last_time, WallTime::new(1795171843.584758));
    assert!(runs.iter().all(|run| run.project == "ogfixture"));
    let id = runs[2].run_id.clone().unwrap();
    assert_eq!(trackio(&desk.db, RunSelector::Id(id)).values("loss"), [(0, 1.0)]);
}

#[test]
fn projects_of_old_versions_are_read_as_they_are() {
    for (dump, tables) in [("trackio/v0.2.9/legacy.sql", 1), ("trackio/v0.20.2/legacy.sql", 4)] {
        let desk = Desk::new(dump);
        let before = desk.files();
        let runs = trackio_runs(&desk.db).unwrap();
        let list: Vec<_> = runs.iter().map(|run| (run.run_id.as_deref(), run.name.as_str(), run.rows)).collect();
        assert_eq!(list, [(None, "legacy-a", 10), (None, "legacy-b", 10)], "{dump}");
        for run in [by_name("legacy-b"), RunSelector::Id("legacy-b".into())] {
            let seen = trackio(&desk.db, run);
            assert_eq!(seen.values("loss"), (0..10).map(|i| (i, 1.0 / (i + 1) as f64)).collect::<Vec<_>>(), "{dump}");
            assert!(seen.rows.iter().all(|row| row.time.is_some()));
            assert_eq!(seen.alerts.len(), usize::from(tables > 1));
            assert_eq!(seen.config.contains_key("lr"), tables > 1);
        }
        assert_eq!(desk.files(), before, "{dump}");
    }
}

#[test]
fn unsent_rows_are_counted_while_they_are_unsent() {
    let desk = Desk::trackio();
    desk.sql("UPDATE metrics SET space_id = 'http://nobody:1' WHERE run_name = 'crashy' AND step > 10");
    assert_eq!(trackio_runs(&desk.db).unwrap()[1].unsent, 6);
    let mut cursor = TrackioRun::open(&desk.db, by_name("crashy")).unwrap();
    let mut seen = Seen::default();
    seen.poll(&mut cursor);
    assert_eq!(seen.info("unsent_rows"), Some(&json!(6)));
    desk.sql("UPDATE metrics SET space_id = NULL");
    seen.poll(&mut cursor);
    assert_eq!(seen.info("unsent_rows"), Some(&json!(0)));
    assert_eq!(seen.rows.len(), 20);
}

#[test]
fn a_damaged_row_costs_itself() {
    let desk = Desk::trackio();
    desk.sql("UPDATE metrics SET metrics = X'7b226c6f7373ff' WHERE id = 3; UPDATE metrics SET metrics = 17 WHERE id = 5; UPDATE configs SET config = 'x'");
    let seen = trackio(&desk.db, by_name("first"));
    assert_eq!(seen.steps(), (0..21).filter(|step| ![2, 4].contains(step)).collect::<Vec<_>>());
    assert_eq!(seen.losses.iter().map(|loss| (loss.offset, loss.bytes)).collect::<Vec<_>>(), [(0, 1), (3, 7), (5, 2)]);
}

#[test]
fn what_is_not_there_is_said() {
    let desk = Desk::trackio();
    let error = |db: &Path, run| TrackioRun::open(db, by_name(run)).err().unwrap().to_string();
    assert!(error(&desk.db, "nobody").ends_with("has no run nobody"));
    assert!(error(&desk.dir.path().join("none.db"), "first").starts_with("cannot read "));
    let other = desk.dir.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE metrics (a)").unwrap();
    assert!(error(&other, "first").ends_with("is not a database of Trackio"));
    assert!(TvizRun::open(&other, "x").err().unwrap().to_string().ends_with("is not a database of tviz"));
    fs::write(&other, "text, not a database, and more than a hundred bytes of it: ".repeat(4)).unwrap();
    assert!(error(&other, "first").starts_with("cannot read database "));
    fs::write(&other, "").unwrap();
    assert!(TrackioRun::open(&other, by_name("first")).is_err());
    assert!(tviz_runs(&other).is_err());
    assert_eq!(fs::read(&other).unwrap(), b"");
}

/// The states in which a database may lie there when nobody is at it.
#[test]
fn a_database_that_nobody_writes_is_read_whole_and_its_folder_stays_as_it_was() {
    let rollback_copy = "PRAGMA journal_mode=DELETE";
    let (wal, want) = ("PRAGMA journal_mode=WAL", vec![0, 1, 2, 3, 4]);
    let check = |desk: &Desk, files: &[&str], want: &[i64], what: &str| {
        let before = desk.files();
        assert_eq!(before.keys().collect::<Vec<_>>(), files, "{what}");
        let runs = trackio_runs(&desk.db).unwrap();
        assert_eq!(runs[3].last_step.unwrap().0, *want.last().unwrap(), "{what}");
        assert_eq!(trackio(&desk.db, by_name("twin")).steps(), want, "{what}");
        assert!(desk.files() == before, "{what}: {:?}", desk.files().keys());
    };
    let crashed = |journal: &str| {
        let desk = Desk::trackio();
        let mut writer = Writer::new(&desk.db, journal);
        (2..5).for_each(|step| writer.log(step));
        drop(writer);
        desk
    };

    let desk = Desk::trackio();
    desk.sql(rollback_copy);
    check(&desk, &["ogfixture.db"], &[0, 1], "rollback journal");
    desk.sql(wal);
    check(&desk, &["ogfixture.db"], &[0, 1], "log, closed by its last writer");
    fs::write(desk.dir.path().join("ogfixture.db-wal"), "").unwrap();
    check(&desk, &["ogfixture.db", "ogfixture.db-wal"], &[0, 1], "empty log");

    let desk = crashed("WAL");
    check(&desk, &["ogfixture.db", "ogfixture.db-shm", "ogfixture.db-wal"], &want, "log of a dead writer");
    fs::remove_file(desk.dir.path().join("ogfixture.db-shm")).unwrap();
    check(&desk, &["ogfixture.db", "ogfixture.db-wal"], &want, "log without its index");
    fs::write(desk.dir.path().join("ogfixture.db-shm"), "").unwrap();
    check(&desk, &["ogfixture.db", "ogfixture.db-shm", "ogfixture.db-wal"], &want, "log with an empty index");

    check(&crashed("DELETE"), &["ogfixture.db"], &want, "rollback journal of a dead writer");

    // A transaction that was cut short after its first pages reached the database: what it did must not be seen.
    let desk = Desk::trackio();
    let mut writer = Writer::new(&desk.db, "DELETE");
    writer.run("PRAGMA cache_size=1");
    writer.run("PRAGMA cache_spill=1");
    writer.run("BEGIN IMMEDIATE");
    writer.run("UPDATE metrics SET step = step + 100, run_name = run_name || run_name || run_name || run_name, metrics = randomblob(3000)");
    drop(writer);
    assert!(desk.files()["ogfixture.db-journal"].len() > 512, "{:?}", desk.files().keys());
    check(&desk, &["ogfixture.db", "ogfixture.db-journal"], &[0, 1], "hot journal");
}

#[test]
fn a_path_may_have_any_name() {
    let desk = Desk::trackio();
    let odd = desk.dir.path().join("a?b=c&%20 #ü.db");
    fs::rename(&desk.db, &odd).unwrap();
    assert_eq!(trackio(&odd, by_name("twin")).steps(), [0, 1]);
    assert_eq!(fs::read_dir(desk.dir.path()).unwrap().count(), 1);
}

#[test]
fn a_poll_gives_what_is_new_and_an_idle_writer_sees_nothing_of_it() {
    for journal in ["WAL", "DELETE", "TRUNCATE", "PERSIST"] {
        let desk = Desk::trackio();
        let mut writer = Writer::new(&desk.db, journal);
        writer.log(2);
        let mut cursor = TrackioRun::open(&desk.db, by_name("twin")).unwrap();
        let mut seen = Seen::default();
        seen.poll(&mut cursor);
        assert_eq!(seen.steps(), [0, 1, 2], "{journal}");
        for step in 3..30 {
            writer.log(step);
            let before = desk.files();
            seen.poll(&mut cursor);
            assert_eq!(seen.steps().len(), step + 1, "{journal}");
            assert!(desk.files() == before, "{journal}");
        }
        let (before, rows) = (desk.files(), seen.rows.len());
        seen.poll(&mut cursor);
        assert_eq!(seen.rows.len(), rows);
        assert!(desk.files() == before, "{journal}");
        // Nothing of ours holds the database: its last writer tidies up behind itself.
        writer.close();
        let left: Vec<_> = desk.files().into_keys().filter(|name| !name.ends_with("-journal")).collect();
        assert_eq!(left, ["ogfixture.db"], "{journal}");
        assert_eq!(trackio(&desk.db, by_name("twin")).steps().len(), 30);
        let again: Vec<_> = desk.files().into_keys().filter(|name| !name.ends_with("-journal")).collect();
        assert_eq!(again, ["ogfixture.db"], "{journal}");
    }
}

/// Each batch by a process that opens, writes and closes, as Trackio does, so that the log comes and goes all the time.
#[test]
fn no_row_is_lost_or_doubled_while_writers_come_and_go() {
    const PROGRAM: &str = "
import sqlite3, sys
for batch in range(60):
    db = sqlite3.connect(sys.argv[1], timeout=30)
    db.execute('PRAGMA journal_mode=' + sys.argv[2])
    for i in range(20):
        step = 2 + batch * 20 + i
        db.execute('INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) VALUES (?, ?, ?, ?, ?)',
            ('9db1b3b177454a44824256b8817daadb', '2026-11-20T11:00:00+00:00', 'twin', step, '{\"loss\": %d}' % step))
    db.commit()
    db.close()
";
    for journal in ["WAL", "DELETE"] {
        let desk = Desk::trackio();
        let mut cursor = TrackioRun::open(&desk.db, by_name("twin")).unwrap();
        let mut seen = Seen::default();
        let mut writer = Command::new("python3").args(["-c", PROGRAM]).arg(&desk.db).arg(journal).spawn().unwrap();
        let mut polls = 0;
        let status = loop {
            seen.poll(&mut cursor);
            polls += 1;
            if let Some(status) = writer.try_wait().unwrap() {
                break status;
            }
        };
        assert!(status.success(), "{journal}: the writer was not disturbed");
        seen.poll(&mut cursor);
        assert_eq!(seen.steps(), (0..1202).collect::<Vec<_>>(), "{journal}, {polls} polls");
        assert_eq!(seen.losses, []);
        assert_eq!(trackio(&desk.db, by_name("twin")).steps().len(), 1202);
    }
}

#[test]
fn another_database_in_its_place_is_read_from_its_start() {
    let desk = Desk::trackio();
    let mut cursor = TrackioRun::open(&desk.db, by_name("twin")).unwrap();
    let mut seen = Seen::default();
    seen.poll(&mut cursor);
    let other = Desk::trackio();
    other.sql("UPDATE metrics SET step = step + 50");
    fs::rename(&other.db, &desk.db).unwrap();
    seen.poll(&mut cursor);
    assert_eq!(seen.steps(), [50, 51]);
    desk.sql("DELETE FROM metrics; INSERT INTO metrics (id, run_id, timestamp, run_name, step, metrics) VALUES (46, '9db1b3b177454a44824256b8817daadb', 'now', 'twin', 7, '{\"loss\":1}')");
    seen.poll(&mut cursor);
    assert_eq!(seen.steps(), [7], "rows numbered anew");
    let away = desk.db.with_extension("away");
    fs::rename(&desk.db, &away).unwrap();
    let mut poll = |seen: &mut Seen| cursor.poll(Budget::ALL, &mut |record| seen.take(record));
    assert!(matches!(poll(&mut seen), Err(SourceError::Gone { .. })));
    assert_eq!(seen.steps(), [7], "a database that is gone takes nothing back");
    fs::rename(&away, &desk.db).unwrap();
    assert!(poll(&mut seen).is_ok_and(|progress| !progress.restarted));
    assert_eq!(seen.steps(), [7]);
}

#[test]
fn a_project_that_is_brought_to_a_newer_version_is_read_again() {
    let desk = Desk::new("trackio/v0.20.2/legacy.sql");
    let mut cursor = TrackioRun::open(&desk.db, by_name("legacy-b")).unwrap();
    let mut seen = Seen::default();
    seen.poll(&mut cursor);
    assert_eq!(seen.rows.len(), 10);
    let tables = ["metrics", "configs", "system_metrics", "alerts"];
    desk.sql(&tables.map(|t| format!("ALTER TABLE {t} ADD COLUMN run_id TEXT; UPDATE {t} SET run_id = 'id of ' || run_name;")).concat());
    seen.poll(&mut cursor);
    assert_eq!((seen.rows.len(), seen.info("run_id")), (10, Some(&json!("id of legacy-b"))));
}

fn inbox() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (Path::new(FIXTURES).join("trackio/inbox/inbox"), dir.path().join("inbox"));
    for writer in fs::read_dir(from).unwrap().map(|e| e.unwrap().path()) {
        fs::create_dir_all(to.join(name(&writer))).unwrap();
        for file in fs::read_dir(&writer).unwrap().map(|e| e.unwrap().path()) {
            fs::copy(&file, to.join(name(&writer)).join(name(&file))).unwrap();
        }
    }
    dir
}

#[test]
fn an_inbox_is_read_without_a_database_and_its_rows_do_not_come_twice_when_they_are_imported() {
    let dir = inbox();
    let db = dir.path().join("nfsproj.db");
    assert_eq!(trackio_projects(dir.path()).unwrap(), std::slice::from_ref(&db));
    let runs = trackio_runs(&db).unwrap();
    assert_eq!((runs.len(), runs[0].name.as_str(), runs[0].rows, runs[0].last_step.unwrap().0), (1, "nfs-run", 6, 5));

    let mut cursor = TrackioRun::open(&db, by_name("nfs-run")).unwrap();
    let mut seen = Seen::default();
    seen.poll(&mut cursor);
    let check = |seen: &Seen, rows: usize| {
        assert_eq!(seen.steps(), (0..rows as i64).collect::<Vec<_>>());
        assert!(seen.values("g")[3].1.is_nan());
        assert_eq!((seen.alerts.len(), seen.system.len(), seen.config["lr"].as_f64()), (1, 1, Some(0.001)));
    };
    check(&seen, 6);
    assert_eq!((runs[0].unsent, seen.info("unsent_rows"), seen.info("inbox_rows")), (6, Some(&json!(6)), Some(&json!(6))));

    // Imported, and the files not yet deleted.
    let desk = Desk::trackio();
    desk.sql("DELETE FROM metrics; DELETE FROM configs; DELETE FROM alerts; DELETE FROM system_metrics; DELETE FROM traces");
    let to = Connection::open(&desk.db).unwrap();
    let lines = files(&dir.path().join("inbox")).iter().map(|path| fs::read_to_string(path).unwrap()).collect::<String>();
    for line in lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let common = (text("run_id"), text("timestamp"), text("run"));
        let metrics = line["metrics"].to_string();
        match line["kind"].as_str().unwrap() {
            "metric" => to.execute(
                "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics, log_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (common.0, common.1, common.2, line["step"].as_i64(), metrics, text("log_id")),
            ),
            "system_metric" => to.execute(
                "INSERT INTO system_metrics (run_id, timestamp, run_name, metrics, log_id) VALUES (?1, ?2, ?3, ?4, ?5)",
                (common.0, common.1, common.2, metrics, text("log_id")),
            ),
            _ => to.execute(
                "INSERT INTO alerts (run_id, timestamp, run_name, title, text, level, step, alert_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                (common.0, common.1, common.2, text("title"), text("text"), text("level"), line["step"].as_i64(), text("alert_id")),
            ),
        }
        .unwrap();
    }
    drop(to);
    fs::rename(&desk.db, &db).unwrap();
    seen.poll(&mut cursor);
    check(&seen, 6);
    assert_eq!((seen.info("unsent_rows"), seen.info("inbox_rows")), (Some(&json!(0)), Some(&json!(0))));
    check_fresh(&db, 6);

    // The files go, and more is logged to the database.
    fs::remove_dir_all(dir.path().join("inbox")).unwrap();
    let run = trackio_runs(&db).unwrap()[0].run_id.clone().unwrap();
    let insert = format!(
        "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics, log_id) VALUES ('{run}', 'x', 'nfs-run', 6, '{{\"loss\":0}}', 'new')"
    );
    Connection::open(&db).unwrap().execute_batch(&insert).unwrap();
    seen.poll(&mut cursor);
    check(&seen, 7);
}

#[track_caller]
fn check_fresh(db: &Path, rows: u64) {
    assert_eq!(trackio_runs(db).unwrap()[0].rows, rows);
    assert_eq!(trackio(db, by_name("nfs-run")).rows.len() as u64, rows);
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for path in fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn files_of_an_inbox_are_read_as_they_come_in_any_order() {
    let dir = inbox();
    let writer = fs::read_dir(dir.path().join("inbox")).unwrap().next().unwrap().unwrap().path();
    let db = dir.path().join("nfsproj.db");
    let mut cursor = TrackioRun::open(&db, by_name("nfs-run")).unwrap();
    let mut seen = Seen::default();
    seen.poll(&mut cursor);
    let run = trackio_runs(&db).unwrap()[0].run_id.clone().unwrap();
    let mut put = |number: u64, steps: &[i64]| {
        let line = |step: &i64| {
            json!({"v": 1, "kind": "metric", "project": "nfs.proj", "run": "nfs-run", "run_id": run, "metrics": {"loss": step},
                   "step": step, "timestamp": format!("2026-11-20T12:00:{step:02}+00:00"), "log_id": format!("{step:032x}")})
        };
        let text: String = steps.iter().map(|step| format!("{}\n", line(step))).collect();
        fs::write(writer.join(format!("{number:08}.tmp")), text + "garbage\n").unwrap();
        fs::rename(writer.join(format!("{number:08}.tmp")), writer.join(format!("{number:08}.jsonl"))).unwrap();
        seen.poll(&mut cursor);
        (seen.steps().split_off(6), seen.losses.len())
    };
    assert_eq!(put(5, &[6, 7]), (vec![6, 7], 1));
    assert_eq!(put(4, &[8]), (vec![6, 7, 8], 2));
    assert_eq!(put(6, &[9]), (vec![6, 7, 8, 9], 3));
    assert_eq!(put(9, &[10]), (vec![6, 7, 8, 9, 10], 4));
    assert_eq!(put(7, &[10, 11]), (vec![6, 7, 8, 9, 10, 11], 5));
}

#[test]
fn a_tviz_run_is_read_whole() {
    let desk = Desk::new("tviz/v0.2.2/tviz.sql");
    let before = desk.files();
    let runs = tviz_runs(&desk.db).unwrap();
    let list: Vec<_> =
        runs.iter().map(|run| (run.id.as_str(), run.name.as_str(), run.modality.as_str(), run.steps, run.ended.is_some())).collect();
    assert_eq!(list, [("txt00001", "gsm8k", "text", 6, true), ("vis00001", "geo", "vision", 1, false)]);

    let seen = tviz(&desk.db, "txt00001");
    assert_eq!(seen.losses, []);
    assert_eq!(seen.steps(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(seen.values("reward_mean")[3..], [(3, 0.25), (4, 4.0 / 6.0), (5, 0.99)], "a step that was logged again stands in its place");
    assert_eq!(seen.values("loss"), [(0, 0.0), (1, -0.1), (3, 7.0), (4, -0.4)], "NaN was stored as nothing");
    assert_eq!(seen.values("kl_divergence"), [(0, 0.0), (1, 0.5), (2, 1.0), (4, 2.0)], "numpy.float32");
    assert_eq!(seen.values("total_ac_tokens"), [(1, 100.0), (2, 200.0), (4, 400.0)]);
    assert!(seen.values("custom/bad")[1].1.is_nan() && seen.values("test/env/all/reward")[3] == (4, f64::INFINITY));
    assert_eq!((&seen.config["env"]["cap"], &seen.config["env"]["name"]), (&json!("Infinity"), &json!("gsm8k")));
    assert_eq!(seen.exit, Some(Exit { code: Some(0), at: WallTime::new(1795171873.0), ..Exit::default() }));
    assert_eq!(seen.rows[0].time, WallTime::new(1795171873.0), "UTC");
    assert!(seen.rows.iter().all(|row| row.attempt == 0));

    let of = |kind: &'static str| seen.media.iter().filter(move |media| media.kind == kind);
    assert_eq!((of("rollout").count(), of("trajectory").count()), (6, 12));
    let rollout = Rollout::from_about(&of("rollout").nth(3).unwrap().about).unwrap();
    assert_eq!((rollout.id, rollout.group, rollout.prompt_text.as_deref(), rollout.best_reward), (4, 1, Some("Q1"), Some(1.0)));
    assert_eq!((rollout.prompt_tokens, rollout.truth), (vec![5, 6, 7], None));
    let answer = of("trajectory").nth(7).unwrap();
    let trajectory = Trajectory::from_about(&answer.about).unwrap();
    assert_eq!((answer.step.unwrap().0, trajectory.rollout, trajectory.index, trajectory.reward), (2, 4, 1, Some(1.0)));
    assert_eq!((trajectory.output_text.as_deref(), trajectory.output_tokens), (Some("A11"), vec![1, 2, 1]));
    assert_eq!((trajectory.logprobs, trajectory.step_rewards), (vec![-0.1, f64::NEG_INFINITY, -0.05], vec![0.0, 1.0]));

    let seen = tviz(&desk.db, "vis00001");
    assert_eq!((seen.values("geo/median_km"), seen.exit), (vec![(0, 50.0)], None));
    let rollout = Rollout::from_about(seen.media("rollouts").2).unwrap();
    assert_eq!(
        (rollout.truth, rollout.city.as_deref(), rollout.image_path.as_deref()),
        (Some((48.85, 2.35)), Some("Paris"), Some("img/0.png"))
    );
    let trajectory = Trajectory::from_about(seen.media("trajectories").2).unwrap();
    assert_eq!((trajectory.guess, trajectory.distance_km), (Some((48.0, 2.0)), Some(98.1)));
    assert!(desk.files() == before);
}

#[test]
fn a_tviz_run_is_followed_and_a_step_logged_again_takes_its_place() {
    let desk = Desk::new("tviz/v0.2.2/tviz.sql");
    let mut writer = Writer::new(&desk.db, "DELETE");
    let mut cursor = TvizRun::open(&desk.db, "vis00001").unwrap();
    let mut seen = Seen::default();
    let log =
        |step: i64, reward: f64| format!("INSERT OR REPLACE INTO steps (run_id, step, reward_mean) VALUES ('vis00001', {step}, {reward})");
    for step in 1..5 {
        writer.run(&log(step, 0.5));
        seen.poll(&mut cursor);
        assert_eq!(seen.values("reward_mean").len(), 1 + step as usize);
    }
    writer.run(&log(4, 0.75));
    seen.poll(&mut cursor);
    assert_eq!((seen.values("reward_mean")[4], seen.rows.len()), ((4, 0.75), 6), "the last step");
    writer.run(&log(2, 0.25));
    seen.poll(&mut cursor);
    assert_eq!(seen.values("reward_mean"), [(0, 0.1), (1, 0.5), (2, 0.25), (3, 0.5), (4, 0.75)], "a step before it");
    assert_eq!(seen.series["reward_mean"].superseded(), 0);
    writer.run("UPDATE runs SET ended_at = CURRENT_TIMESTAMP WHERE id = 'vis00001'");
    writer.run("INSERT INTO rollouts (run_id, step, group_idx) VALUES ('vis00001', 4, 3)");
    seen.poll(&mut cursor);
    assert!(seen.exit.is_some());
    assert_eq!((seen.media.len(), seen.info.iter().filter(|(name, _)| *name == "name").count()), (3, 1));
    fs::remove_file(&desk.db).unwrap();
    assert!(matches!(cursor.poll(Budget::ALL, &mut |_| {}), Err(SourceError::Gone { .. })));
}

#[test]
fn a_tviz_database_of_the_first_versions_has_fewer_columns() {
    let desk = Desk::new("tviz/v0.2.2/tviz.sql");
    let gone = ["ac_tokens_per_turn", "total_ac_tokens", "time_total", "frac_mixed", "sampling_time_mean", "created_at"];
    let drop = |table: &str, columns: &[&str]| columns.iter().map(|c| format!("ALTER TABLE {table} DROP COLUMN {c};")).collect::<String>();
    desk.sql(&(drop("steps", &gone) + &drop("trajectories", &["step_rewards", "logprobs"]) + &drop("runs", &["modality", "ended_at"])));
    let seen = tviz(&desk.db, "txt00001");
    assert_eq!((seen.steps().len(), seen.exit, seen.rows[0].time), (6, None, None));
    assert_eq!(Trajectory::from_about(seen.media("trajectories").2).unwrap().logprobs, Vec::<f64>::new());
    assert_eq!(tviz_runs(&desk.db).unwrap()[0].modality, "");
}

/// Recorded projects with values that another program computed, where they are at hand.
fn recorded(name: &str) -> Option<(PathBuf, Value)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = here.ancestors().skip(1).map(|dir| dir.join("shared/data")).find(|dir| dir.is_dir());
    let Some(db) = folder.map(|dir| dir.join(name)).filter(|db| db.exists()) else {
        println!("skipped: no {name} here");
        return None;
    };
    let want = fs::read_to_string(db.with_extension("expected.json")).unwrap();
    Some((db, serde_json::from_str(&want).unwrap()))
}

fn folder_of(db: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    files(db.parent().unwrap()).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn recorded_trackio_projects_give_the_expected_values() {
    for name in ["small/og-demo", "resume/resume-proj", "legacy/v0.2.9/legacy-proj", "legacy/v0.20.2/legacy-proj"] {
        let Some((db, want)) = recorded(&format!("trackio/{name}.db")) else { return };
        let before = folder_of(&db);
        assert_eq!(trackio_runs(&db).unwrap().len(), want["runs"].as_array().unwrap().len());
        for want in want["runs"].as_array().unwrap() {
            let seen = trackio(&db, RunSelector::Id(want["id"].as_str().unwrap().into()));
            assert_eq!(seen.info("name"), Some(&want["name"]));
            assert_eq!(seen.system.len() as u64, want["system_rows"]);
            let metrics = want["metrics"].as_object().unwrap().iter().filter(|(_, want)| want["kind"] == "scalar");
            for (key, want) in metrics {
                assert_eq!(seen.counts[key] as u64, want["count"], "{name} {key}");
                let (first, last) = (seen.values(key)[0], *seen.values(key).last().unwrap());
                assert_eq!(json!(first.0), want["first"][0], "{name} {key}");
                assert_eq!(Some(first.1), want["first"][1].as_f64(), "{name} {key}");
                assert_eq!((json!(last.0), Some(last.1)), (want["last"][0].clone(), want["last"][1].as_f64()), "{name} {key}");
            }
            let alerts: Vec<_> = seen.alerts.iter().map(|a| json!([a.title, a.level, a.step.map(|s| s.0)])).collect();
            let want_alerts = want["alerts"].as_array().unwrap().iter().map(|a| json!([a["title"], a["level"], a["step"]]));
            assert_eq!(alerts, want_alerts.collect::<Vec<_>>());
            for (key, value) in want["config"].as_object().into_iter().flatten().filter(|(key, _)| !key.starts_with('_')) {
                assert_eq!(&seen.config[key], value, "{name} {key}");
            }
            if want["name"] == "crashy" {
                assert_eq!((seen.series["loss"].len(), seen.series["loss"].superseded()), (100, 20));
            }
        }
        assert!(folder_of(&db) == before, "{name}");
    }
}

#[test]
fn recorded_tviz_runs_give_the_expected_values() {
    let Some((db, want)) = recorded("tviz/tviz.db") else { return };
    for want in want["runs"].as_array().unwrap() {
        let seen = tviz(&db, want["id"].as_str().unwrap());
        assert_eq!(seen.rows.len() as u64, want["steps"]);
        assert_eq!(json!(seen.exit.is_some()), want["ended"]);
        for (key, want) in want["metrics"].as_object().unwrap() {
            assert_eq!(seen.counts[key] as u64, want["count"], "{key}");
            let (first, last) = (seen.values(key)[0], *seen.values(key).last().unwrap());
            assert_eq!((json!(first.0), Some(first.1)), (want["first"][0].clone(), want["first"][1].as_f64()), "{key}");
            assert_eq!((json!(last.0), Some(last.1)), (want["last"][0].clone(), want["last"][1].as_f64()), "{key}");
        }
        let of = |kind: &str| seen.media.iter().filter(|media| media.kind == kind).count() as u64;
        assert_eq!((json!(of("rollout")), json!(of("trajectory"))), (want["rollouts"][0].clone(), want["trajectories"][0].clone()));
        let first = seen.media("trajectories").2;
        assert_eq!(first["output_text"], want["first_trajectory"][0]);
    }
}

/// `OG_TRACKIO_PYTHON=/path/to/python` names a Python that has Trackio.
#[test]
fn a_run_of_the_real_client_is_followed_to_its_end() {
    let Some(python) = std::env::var_os("OG_TRACKIO_PYTHON") else {
        println!("skipped: OG_TRACKIO_PYTHON is not set");
        return;
    };
    const PROGRAM: &str = "
import time, trackio
trackio.init(project='live', name='r', config={'lr': 1}, auto_log_gpu=False, auto_log_cpu=False)
for i in range(300):
    trackio.log({'loss': 1/(i+1)})
    time.sleep(0.01)
trackio.finish()
";
    for mode in ["sqlite", "jsonl"] {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("live.db");
        let mut child = Command::new(&python)
            .args(["-c", PROGRAM])
            .env("TRACKIO_DIR", dir.path())
            .env("TRACKIO_STORAGE_MODE", mode)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (mut cursor, mut seen, mut grew) = (None, Seen::default(), 0);
        let status = loop {
            match &mut cursor {
                None => cursor = TrackioRun::open(&db, by_name("r")).ok(),
                Some(cursor) => {
                    let before = seen.rows.len();
                    seen.poll(cursor);
                    grew += usize::from(seen.rows.len() > before);
                }
            }
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
        };
        assert!(status.success());
        let before = folder_of(&db);
        let mut cursor = cursor.unwrap();
        seen.poll(&mut cursor);
        assert_eq!(seen.steps(), (0..300).collect::<Vec<_>>(), "{mode}");
        assert_eq!(trackio(&db, by_name("r")).rows.len(), 300);
        assert!(grew > 3, "{mode}: {grew} polls saw something new");
        // A client that ends in the very moment of a poll leaves its log behind, as it does for any reader.
        assert!(folder_of(&db) == before, "{mode}");
    }
}
