//! Where a run stands, without reading it: for lists.

use super::{RunReader, reader::keeps_digits, root::settled, trackers::Trackers};
use crate::{
    model::{Exit, MetricKey, ReadOptions, RunState, Series, Step, WallTime},
    source::{self, Budget, Decoder, Kind, LastPoint, Probe, Reach, Record, RunRef, Stdout},
    store::{Event, EventKind, RunFolder, RunInfo, StoreError, foreign, picture::is_global_step},
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// A run that logs to several places is read whole up to this size: which of them shows a key is known only then.
const SEVERAL_BYTES_MAX: u64 = 1 << 20;

/// Of the events, as much is read from their end: those of a run's start and exit are mostly the last ones.
const EVENTS_BYTES: u64 = 64 << 10;

/// A run in a list of runs.
#[derive(Clone, PartialEq, Debug)]
pub struct RunGlance {
    /// What `run.json` says; of another tool's run as much as its tracker says.
    pub info: RunInfo,
    /// Where it stands.
    pub probe: Probe,
    /// The training process that was started last.
    pub pid: Option<u32>,
    /// What opens the runs of trackers that it logs to, which are this run as well; of a run that logs to a file of og's own,
    /// nobody looked for them.
    pub trackers: Vec<PathBuf>,
}

impl RunGlance {
    /// The newest time that is known of the run: its end, its last change, its start.
    pub fn newest_time(&self) -> Option<WallTime> {
        self.probe.exit.and_then(|exit| exit.at).or(self.probe.changed).or(self.probe.started)
    }

    /// Says that the training process is gone: without an exit the run is lost.
    pub fn mark_lost(&mut self) {
        if self.probe.state == Some(RunState::Running) {
            self.probe.state = Some(RunState::Lost);
        }
    }
}

/// Looks at the run at `path` (the newest, where it holds several), as far as the ends of its files tell. What it says is what a
/// [`super::RunReader`] comes to.
pub fn glance(path: &Path, read: &ReadOptions, reach: Reach) -> Result<RunGlance, StoreError> {
    let folder = RunFolder::at(path);
    if source::is_og_folder(path) {
        return own(&folder, read, reach);
    }
    let runs = source::runs(path)?;
    let newest = runs.first().ok_or_else(|| StoreError::NotARun { path: path.to_owned() })?;
    let is_chosen = newest.address() != path;
    foreign_glance(newest, is_chosen.then_some(newest), path, read, reach)
}

/// Looks at one of the runs that a path holds.
pub fn glance_at(run: &RunRef, read: &ReadOptions, reach: Reach) -> Result<RunGlance, StoreError> {
    foreign_glance(run, Some(run), &run.path, read, reach)
}

/// `chosen`: the run, where the path alone does not name it.
fn foreign_glance(run: &RunRef, chosen: Option<&RunRef>, path: &Path, read: &ReadOptions, reach: Reach) -> Result<RunGlance, StoreError> {
    if run.kind == Kind::OgRun {
        return own(&RunFolder::at(&run.path), read, reach);
    }
    let probe = source::probe(run, read, reach, false)?;
    let info = foreign::info(path, chosen, &probe.remarks);
    Ok(RunGlance { info, probe, pid: None, trackers: vec![] })
}

fn own(folder: &RunFolder, read: &ReadOptions, reach: Reach) -> Result<RunGlance, StoreError> {
    let info = match folder.info() {
        // The metrics beside it are as good as ever.
        Err(StoreError::Damaged { .. } | StoreError::NotARun { .. }) => foreign::info(folder.path(), None, &BTreeMap::new()),
        info => info?,
    };
    let life = life(folder)?;
    let files = RunRef {
        kind: Kind::OgRun,
        id: info.id.clone(),
        name: info.name.clone(),
        project: info.project.clone(),
        started: info.started_at,
        changed: None,
        path: folder.path().to_owned(),
        beside: vec![],
    };
    let is_logged = fs::metadata(folder.metrics()).is_ok_and(|file| file.len() > 0);
    let is_told = life.exit.is_some() || life.pid.is_some();
    let mut exit = life.exit;
    let trackers = if is_logged && is_told { vec![] } else { trackers(folder, &info)? };
    let probed = |run: &RunRef| source::probe(run, &ReadOptions::default(), reach, false).map(Tracked::from).ok();
    let tracked = match &trackers[..] {
        [] => None,
        [run] => Some(probed(run).unwrap_or_default()),
        several => Some(merged(folder, read).or_else(|| probed(best(several)?)).unwrap_or_default()),
    };
    if let (Some(tracked), false) = (&tracked, is_told) {
        exit = tracked.exit;
    }
    let state = exit.map_or(RunState::Running, |exit| exit.state());
    let mut probe = source::probe(&files, read, reach, state.is_over())?;
    if let (Some(tracked), false) = (tracked, is_logged) {
        // What a tracker logged goes before what was printed, and prints may repeat it.
        let counts = probe.total_steps.is_some() || tracked.is_of_training && probe.says_steps;
        probe.step = tracked.step.max(probe.step.filter(|_| counts));
        (probe.last, probe.is_whole) = (tracked.last, false);
    }
    let (started, total_steps) = (info.started_at.or(probe.started), info.total_steps.or(probe.total_steps));
    let pid = life.pid.or(info.pid);
    let trackers = trackers.iter().map(|run| settled(&run.address())).collect();
    Ok(RunGlance { info, pid, trackers, probe: Probe { state: Some(state), exit, started, total_steps, ..probe } })
}

/// What trackers say of a run: how it ended, its last step, and the last point of each key.
#[derive(Default)]
struct Tracked {
    exit: Option<Exit>,
    step: Option<Step>,
    /// That step is one that it says beside its own count.
    is_of_training: bool,
    last: BTreeMap<MetricKey, LastPoint>,
}

impl From<Probe> for Tracked {
    /// As far as the training is, where the tracker says that beside its own count: see [`RunPicture::align_steps`].
    fn from(Probe { kind, exit, step, last, .. }: Probe) -> Tracked {
        let said = last.iter().filter(|(key, _)| is_global_step(kind, key)).max_by_key(|(_, point)| point.step);
        let of_training = said.and_then(|(_, point)| Step::whole(point.value));
        Tracked { exit, step: of_training.or(step), is_of_training: of_training.is_some(), last }
    }
}

/// The same of a small run, from all its sources.
fn merged(folder: &RunFolder, read: &ReadOptions) -> Option<Tracked> {
    let mut reader = RunReader::open_with(folder.path(), read).ok()?;
    let mut polled = reader.poll(Budget { bytes_max: 0, ..Budget::ALL });
    // Sources are found on the way.
    while polled.more {
        let bytes = |path: PathBuf| match fs::metadata(&path) {
            Ok(file) if file.is_dir() => source::event_files(&path)
                .unwrap_or_default()
                .iter()
                .filter_map(|file| fs::metadata(file).ok())
                .map(|file| file.len())
                .sum(),
            file => file.map_or(0, |file| file.len()),
        };
        if reader.paths().into_iter().map(bytes).sum::<u64>() > SEVERAL_BYTES_MAX {
            return None;
        }
        polled = reader.poll(RunReader::LOAD);
    }
    let last = |(key, series): (&MetricKey, &Series)| {
        let point = series.last()?;
        Some((key.clone(), LastPoint { step: Some(point.step), time: point.time, value: point.value }))
    };
    let run = reader.picture();
    Some(Tracked { exit: run.exit, step: run.step(), is_of_training: false, last: run.series.iter().filter_map(last).collect() })
}

/// The one of several whose keys are shown whatever the others log, where none is of its kind.
fn best(several: &[RunRef]) -> Option<&RunRef> {
    let trackers = several.iter().filter(|run| !matches!(run.kind, Kind::Csv | Kind::Jsonl));
    let best = trackers.max_by_key(|run| keeps_digits(run.kind))?;
    (several.iter().filter(|run| run.kind == best.kind).count() == 1).then_some(best)
}

/// The trackers' runs that a run of ours logs to, told by its events or on its console.
fn trackers(folder: &RunFolder, info: &RunInfo) -> Result<Vec<RunRef>, StoreError> {
    let failed = |source| StoreError::of("read", folder.path(), source);
    let mut trackers = Trackers::default();
    let events = ends_of(&folder.events()).map_err(failed)?;
    for event in events.iter().flat_map(|text| text.lines()).filter_map(Event::from_line) {
        if let EventKind::Source { path, from } = event.kind {
            trackers.saw(path.into(), from);
        }
    }
    let console = ends_of(&folder.stdout_log()).map_err(failed)?;
    for text in &console {
        let mut lines = Stdout::with_console();
        lines.push(text.as_bytes());
        lines.finish();
        while let Ok(Some(record)) = lines.next() {
            if let Record::Console(line) = record {
                trackers.hear(&line.text, &info.cwd);
            }
        }
    }
    Ok(trackers.found(info.started_at))
}

/// The start and the end of a file, or all of a short one.
fn ends_of(path: &Path) -> io::Result<Vec<String>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(vec![]),
        file => file?,
    };
    let end = file.metadata()?.len().saturating_sub(EVENTS_BYTES);
    let mut head = vec![];
    Read::by_ref(&mut file).take(EVENTS_BYTES).read_to_end(&mut head)?;
    let tail = if end > 0 { end_of(&mut file, end.max(EVENTS_BYTES))? } else { vec![] };
    Ok([head, tail].iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect())
}

/// What the events say of the training process.
#[derive(Default)]
pub(super) struct Life {
    pub(super) exit: Option<Exit>,
    pub(super) pid: Option<u32>,
}

pub(super) fn life(folder: &RunFolder) -> Result<Life, StoreError> {
    let failed = |source| StoreError::of("read", folder.events(), source);
    let mut events = match File::open(folder.events()) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Life::default()),
        events => events.map_err(failed)?,
    };
    let bytes = events.metadata().map_err(failed)?.len();
    // The last start says all there is to know, and mostly it is near; else everything is read, as a reader does.
    let near = bytes.saturating_sub(EVENTS_BYTES);
    let found = newest(&end_of(&mut events, near).map_err(failed)?, near > 0);
    match found {
        Some(life) => Ok(life),
        None if near > 0 => Ok(newest(&end_of(&mut events, 0).map_err(failed)?, false).unwrap_or_default()),
        None => Ok(Life::default()),
    }
}

fn end_of(file: &mut File, start: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    file.seek(SeekFrom::Start(start))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What the last start of the training, and the exit behind it, say. `is_cut`: the first line is the end of one. `None`: no
/// start is there, and there may be one before it.
fn newest(lines: &[u8], is_cut: bool) -> Option<Life> {
    let whole = lines.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| &lines[..end]);
    let first = if is_cut { whole.iter().position(|byte| *byte == b'\n').map_or(whole.len(), |at| at + 1) } else { 0 };
    let mut exit = None;
    for line in whole[first..].rsplit(|byte| *byte == b'\n') {
        match std::str::from_utf8(line).ok().and_then(Event::from_line).map(|event| event.kind) {
            Some(EventKind::Exit(ended)) => exit = exit.or(Some(ended)),
            Some(EventKind::Started { pid }) => return Some(Life { exit, pid: Some(pid) }),
            _ => {}
        }
    }
    (!is_cut).then_some(Life { exit, pid: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{NewRun, Store, Whereabouts, metrics_line};
    use std::{fs, io::Write};

    fn time(secs: f64) -> WallTime {
        WallTime::new(secs).unwrap()
    }

    fn append(path: &Path, text: &str) {
        File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn event(folder: &RunFolder, kind: EventKind) {
        folder.append_event(&Event { t: time(1001.0), author: "og".into(), kind }).unwrap();
    }

    /// The glance at a run, after comparing it with a full read.
    #[track_caller]
    fn agreed(folder: &RunFolder) -> RunGlance {
        let glance = glance(folder.path(), &ReadOptions::default(), Reach::Keys).unwrap();
        let mut reader = RunReader::open(folder.path()).unwrap();
        while reader.poll(RunReader::LOAD).more {}
        let full = reader.picture();
        assert_eq!((glance.probe.state, glance.probe.exit, glance.pid), (full.known_state(), full.exit, full.pid()));
        assert_eq!((glance.probe.step, glance.probe.total_steps), (full.step(), full.total_steps));
        assert_eq!((&glance.info, glance.probe.started), (&full.info, full.started_at()));
        for (key, point) in &glance.probe.last {
            assert_eq!(Some(point.value), full.series.get(key).and_then(|series| series.last()).map(|last| last.value), "{key}");
        }
        glance
    }

    #[test]
    fn a_run_of_ours_is_seen_at_a_glance_from_its_start_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::find_or_make(&Whereabouts { cwd: dir.path().to_owned(), ..Whereabouts::default() }).unwrap();
        let new = NewRun { cwd: dir.path().to_owned(), total_steps: Some(500), ..NewRun::default() };
        let (folder, _) = store.create_run(new, time(1000.0), 1).unwrap();
        assert_eq!(agreed(&folder).probe.state, Some(RunState::Running));
        event(&folder, EventKind::Started { pid: 7 });
        append(&folder.stdout_log(), "step 1 loss 2.5\nstep 2 loss 2.0\n");
        let seen = agreed(&folder);
        assert_eq!((seen.probe.step, seen.pid), (Some(Step(2)), Some(7)));
        for step in 0..9000 {
            append(&folder.metrics(), &metrics_line(Step(step), time(1002.0), &[("train/loss", step as f64), ("lr", 0.1)]));
        }
        append(&folder.metrics(), "{\"s\":9000,\"m\":{\"lr\":0.5}}");
        append(&folder.stdout_log(), "speed: 12.5 it/s, step 3\n");
        let seen = agreed(&folder);
        // The last object is whole, though its line is not.
        assert_eq!((seen.probe.step, seen.probe.last[&MetricKey::from("train/loss")].value), (Some(Step(9000)), 8999.0));
        assert!(!seen.probe.is_whole);
        event(&folder, EventKind::Exit(Exit { code: Some(3), at: Some(time(1010.0)), ..Exit::default() }));
        (0..2000).for_each(|_| event(&folder, EventKind::Note { text: "a remark behind the end".into(), step: None }));
        let mut seen = agreed(&folder);
        assert_eq!((seen.probe.state, seen.probe.step, seen.newest_time()), (Some(RunState::Failed), Some(Step(9000)), Some(time(1010.0))));
        seen.mark_lost();
        assert_eq!(seen.probe.state, Some(RunState::Failed));
        event(&folder, EventKind::Started { pid: 8 });
        append(&folder.events(), "{\"t\":1,\"kind\":\"lifecycle\",\"what\":\"exit\"");
        assert_eq!(agreed(&folder).pid, Some(8));
    }

    #[test]
    fn what_a_run_logs_to_a_tracker_goes_before_what_it_prints() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::find_or_make(&Whereabouts { cwd: dir.path().to_owned(), ..Whereabouts::default() }).unwrap();
        let new = NewRun { cwd: dir.path().to_owned(), ..NewRun::default() };
        let (folder, _) = store.create_run(new, time(1000.0), 1).unwrap();
        append(&folder.stdout_log(), "step 1 loss 2.5\nstep 900 loss 2.0\n");
        assert_eq!(agreed(&folder).probe.step, Some(Step(900)));
        let log = dir.path().join("wandb/offline-run-20261120_075913-x/run-x.wandb");
        fs::create_dir_all(log.parent().unwrap()).unwrap();
        fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/wandb/failed.wandb"), &log).unwrap();
        event(&folder, EventKind::Source { path: log.parent().unwrap().display().to_string(), from: 0 });
        let seen = agreed(&folder);
        assert!(seen.probe.last.len() > 1 && seen.probe.step != Some(Step(900)), "{:?}", seen.probe);
        let table = dir.path().join("metrics.csv");
        append(&table, "step,train/loss,acc\n1,7,0.5\n5000,8,0.75\n");
        event(&folder, EventKind::Source { path: table.display().to_string(), from: 0 });
        let both = agreed(&folder);
        assert_eq!(both.probe.last[&MetricKey::from("acc")].value, 0.75);
        assert_eq!(both.probe.last[&MetricKey::from("train/loss")], seen.probe.last[&MetricKey::from("train/loss")]);
        append(&folder.stdout_log(), &"a line of a long log\n".repeat(SEVERAL_BYTES_MAX as usize / 20));
        let best = agreed(&folder);
        assert_eq!((best.probe.step, &best.probe.last), (seen.probe.step, &seen.probe.last));
    }

    #[test]
    fn another_tools_run_is_named_as_a_reader_names_it() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/wandb/failed.wandb"));
        let seen = glance(path, &ReadOptions::default(), Reach::Row).unwrap();
        let mut reader = RunReader::open(path).unwrap();
        while reader.poll(RunReader::LOAD).more {}
        let info = &reader.picture().info;
        assert_eq!((&seen.info.id, &seen.info.name, &seen.info.project), (&info.id, &info.name, &info.project));
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("night.csv"), "step,loss\n1,2\n").unwrap();
        assert_eq!(glance(&dir.path().join("night.csv"), &ReadOptions::default(), Reach::Row).unwrap().info.name, "night.csv");
        assert!(glance(&dir.path().join("none"), &ReadOptions::default(), Reach::Row).is_err());
    }

    /// Compares what the end of each run in a database says with a full read.
    fn agrees_with_all_rows(path: &Path) -> usize {
        let runs = source::runs(path).unwrap();
        for run in &runs {
            let glance = glance_at(run, &ReadOptions::default(), Reach::Keys).unwrap();
            let mut reader = RunReader::of(path, source::open_ref(run, &ReadOptions::default()).unwrap(), &ReadOptions::default()).unwrap();
            while reader.poll(RunReader::LOAD).more {}
            let full = reader.picture();
            assert_eq!((glance.probe.state, glance.probe.exit), (full.known_state(), full.exit), "{run:?}");
            assert_eq!(glance.probe.step, full.step(), "{run:?}");
            assert_eq!((&glance.info.id, &glance.info.name, &glance.info.project), (&full.info.id, &full.info.name, &full.info.project));
            assert!(full.series.is_empty() || !glance.probe.last.is_empty(), "{run:?}");
            for (key, point) in &glance.probe.last {
                let last = full.series.get(key).and_then(|series| series.last()).map(|last| (Some(last.step), last.value.to_bits()));
                assert_eq!(Some((point.step, point.value.to_bits())), last, "{run:?}: {key}");
            }
            if glance.probe.is_whole {
                assert_eq!(glance.probe.last.len(), full.series.len(), "{run:?}");
            }
        }
        runs.len()
    }

    #[test]
    fn the_last_rows_of_a_database_say_what_all_of_them_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let fixture = |name: &str| fs::read_to_string(root.join("fixtures").join(name)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let made = |name: &str, sql: &[&str]| {
            let path = dir.path().join(name);
            let db = rusqlite::Connection::open(&path).unwrap();
            sql.iter().for_each(|sql| db.execute_batch(sql).unwrap());
            path
        };
        // A run that was resumed at a lower step, and one whose rows all lie between those of another.
        let more = |table_of_runs: &str| {
            format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
                 INSERT INTO metrics ({table_of_runs}, timestamp, step, metrics)
                 SELECT {}iif(i % 3, 'long', 'old'), '2031-01-01T00:' || printf('%02d:%02d', i / 60, i % 60), iif(i < 800, i, i - 300),
                 '{{\"loss\": ' || i || '.5, \"val' || (i % 50) || '\": \"NaN\"}}' FROM n",
                if table_of_runs.starts_with("run_id") { "iif(i % 3, 'long', 'old'), " } else { "" }
            )
        };
        let mut runs = 0;
        for (name, sql, more) in [
            ("new.db", "trackio/v0.43.0/ogfixture.sql", more("run_id, run_name")),
            ("middle.db", "trackio/v0.20.2/legacy.sql", more("run_name")),
            ("old.db", "trackio/v0.2.9/legacy.sql", more("run_name")),
        ] {
            let path = made(name, &[&fixture(sql), &more]);
            runs += agrees_with_all_rows(&path);
            let newest = glance(&dir.path().join(format!("{name}#long")), &ReadOptions::default(), Reach::Row).unwrap();
            assert_eq!((newest.probe.step.map(|step| step.0), newest.probe.is_whole), (Some(599), false), "{name}");
        }
        let steps = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
                     INSERT INTO steps (run_id, step, reward_mean, extras) SELECT 'aaaaaaaa', i, i * 0.5, '{\"x\": NaN}' FROM n;
                     INSERT INTO runs (id, name, type, modality) VALUES ('aaaaaaaa', 'long', 'rl', 'text')";
        runs += agrees_with_all_rows(&made("tviz.db", &[&fixture("tviz/v0.2.2/tviz.sql"), steps]));
        for folder in ["trackio", "tviz"].map(|name| source::recordings_for_tests().join(name)).iter().filter(|folder| folder.is_dir()) {
            runs += agrees_with_all_rows(folder);
        }
        assert!(runs >= 10, "{runs}");
    }

    #[test]
    fn a_list_tells_the_step_of_the_training_that_a_tracker_logs() {
        let point = |step, value| LastPoint { step: Some(Step(step)), time: None, value };
        let last = [("train/global_step", point(64, 300.0)), ("train/loss", point(64, 0.5)), ("eval/global_step", point(60, 250.0))];
        let probe = |kind| Probe { step: Some(Step(64)), last: last.map(|(key, point)| (key.into(), point)).into(), ..Probe::new(kind) };
        assert_eq!(Tracked::from(probe(Kind::WandbRun)).step, Some(Step(300)));
        assert_eq!(Tracked::from(probe(Kind::TfEvents)).step, Some(Step(64)));
    }
}
