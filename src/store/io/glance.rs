//! Where a run stands, without reading it: for lists.

use crate::{
    model::{Exit, RunState, WallTime},
    source::{self, Kind, Probe, Reach},
    store::{Event, EventKind, RunFolder, RunInfo, StoreError},
};
use std::{
    fs::File,
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    path::Path,
};

/// Of the events, as much is read from their end: those of a run's start and exit are mostly the last ones.
const EVENTS_BYTES: u64 = 64 << 10;

/// A run in a list of runs.
#[derive(Clone, PartialEq, Debug)]
pub struct RunGlance {
    /// What `run.json` says; of another tool's run as much as its tracker says.
    pub info: RunInfo,
    /// Where it stands.
    pub probe: Probe,
    /// The training process of the newest attempt.
    pub pid: Option<u32>,
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

/// Looks at the run at `path`, as far as the ends of its files tell. What it says is what a [`super::RunReader`] comes to.
pub fn glance(path: &Path, reach: Reach) -> Result<RunGlance, StoreError> {
    let folder = RunFolder::at(path);
    if !folder.run_json().exists() && !folder.metrics().exists() {
        let probe = source::probe(path, reach, false)?;
        let own_name = path.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy().into_owned());
        let id = probe.id.clone().unwrap_or_else(|| own_name.clone());
        let name = probe.name.clone().or(probe.id.clone()).unwrap_or(own_name);
        let info = RunInfo { id, name, project: probe.project.clone(), started_at: probe.started, ..RunInfo::default() };
        return Ok(RunGlance { info, probe, pid: None });
    }
    let info = match folder.info() {
        // The metrics beside it are as good as ever.
        Err(StoreError::Damaged { .. }) => RunInfo { id: folder.id().0, name: folder.id().0, ..RunInfo::default() },
        info => info?,
    };
    let life = life(&folder)?;
    let state = life.exit.map_or(RunState::Running, |exit| exit.state());
    let probe = source::probe(path, reach, state.is_over()).map_err(StoreError::Foreign);
    let mut probe = match probe {
        // A folder with `run.json` alone: the training has not written anything.
        Err(StoreError::Foreign(source::OpenError::NoRun { .. })) => Probe::new(Kind::OgRun),
        probe => probe?,
    };
    (probe.state, probe.exit) = (Some(state), life.exit);
    probe.started = info.started_at.or(probe.started);
    probe.total_steps = info.total_steps.or(probe.total_steps);
    let pid = life.pid.or(info.pid);
    Ok(RunGlance { info, probe, pid })
}

/// What the events say of the training process.
#[derive(Default)]
struct Life {
    exit: Option<Exit>,
    pid: Option<u32>,
}

fn life(folder: &RunFolder) -> Result<Life, StoreError> {
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
            Some(EventKind::Started { pid, .. }) => return Some(Life { exit, pid: Some(pid) }),
            _ => {}
        }
    }
    (!is_cut).then_some(Life { exit, pid: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{MetricKey, Step},
        store::{NewRun, RunReader, Store, Whereabouts, metrics_line},
    };
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
        let glance = glance(folder.path(), Reach::Keys).unwrap();
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
        event(&folder, EventKind::Started { pid: 7, attempt: 0 });
        append(&folder.stdout_log(), "step 1 loss 2.5\nstep 2 loss 2.0\n");
        let seen = agreed(&folder);
        assert_eq!((seen.probe.step, seen.pid), (Some(Step(2)), Some(7)));
        for step in 0..9000 {
            append(&folder.metrics(), &metrics_line(Step(step), time(1002.0), &[("train/loss", step as f64), ("lr", 0.1)]));
        }
        append(&folder.metrics(), "{\"s\":9000,\"m\":{\"lr\":0.5}}");
        append(&folder.stdout_log(), "speed: 12.5 it/s, step 3\n");
        let seen = agreed(&folder);
        assert_eq!((seen.probe.step, seen.probe.last[&MetricKey::from("train/loss")].value), (Some(Step(8999)), 8999.0));
        assert!(!seen.probe.is_whole);
        event(&folder, EventKind::Exit(Exit { code: Some(3), signal: None, at: Some(time(1010.0)) }));
        (0..2000).for_each(|_| event(&folder, EventKind::Note("a remark behind the end".into())));
        let mut seen = agreed(&folder);
        assert_eq!((seen.probe.state, seen.probe.step, seen.newest_time()), (Some(RunState::Failed), Some(Step(9000)), Some(time(1010.0))));
        seen.mark_lost();
        assert_eq!(seen.probe.state, Some(RunState::Failed));
        event(&folder, EventKind::Started { pid: 8, attempt: 1 });
        append(&folder.events(), "{\"t\":1,\"kind\":\"lifecycle\",\"what\":\"exit\"");
        assert_eq!(agreed(&folder).pid, Some(8));
    }

    #[test]
    fn another_tools_run_is_named_as_a_reader_names_it() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/wandb/failed.wandb"));
        let seen = glance(path, Reach::Row).unwrap();
        let mut reader = RunReader::open(path).unwrap();
        while reader.poll(RunReader::LOAD).more {}
        let info = &reader.picture().info;
        assert_eq!((&seen.info.id, &seen.info.name, &seen.info.project), (&info.id, &info.name, &info.project));
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("night.csv"), "step,loss\n1,2\n").unwrap();
        assert_eq!(glance(&dir.path().join("night.csv"), Reach::Row).unwrap().info.name, "night");
        assert!(glance(&dir.path().join("none"), Reach::Row).is_err());
    }
}
