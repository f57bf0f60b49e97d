//! Files that grow: whatever stands in a file at any moment is told, however its writer cuts it.

use og::store::{RunPicture, RunReader};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

/// How long a program on a busy machine may take.
const DEADLINE: Duration = Duration::from_secs(60);

const WANDB: &[u8] = include_bytes!("../../fixtures/wandb/failed.wandb");
const EVENTS: &[u8] = include_bytes!("../../fixtures/tfevents/tf2/events.out.tfevents.1700000000.fixture");

/// A source that grows.
struct Sample {
    name: &'static str,
    bytes: Vec<u8>,
    /// Where records end.
    ends: Vec<usize>,
}

fn samples() -> Vec<Sample> {
    let (mut own, mut table, mut log) = (String::new(), String::from("epoch,step,train/loss,val/loss\n"), String::new());
    for step in 0..400 {
        let loss = 8.0 / f64::from(step + 1);
        let _ = writeln!(own, "{{\"s\":{step},\"t\":{}.25,\"m\":{{\"loss\":{loss},\"grad\":{{\"norm\":NaN}}}}}}", 1_700_000_000 + step);
        let _ = writeln!(table, "{},{step},{loss},{}", step / 100, if step % 100 == 99 { "0.5" } else { "" });
        let _ = writeln!(log, "step {step}/400 | loss {loss:.4} | lr 3.0e-04");
    }
    let lines = |name, text: String| {
        let bytes = text.into_bytes();
        let ends = (1..=bytes.len()).filter(|end| bytes[end - 1] == b'\n').collect();
        Sample { name, bytes, ends }
    };
    vec![
        Sample { name: "run-abc.wandb", bytes: WANDB.to_vec(), ends: record_ends(WANDB) },
        Sample { name: "events.out.tfevents.1700000000.host", bytes: EVENTS.to_vec(), ends: event_ends(EVENTS) },
        lines("metrics.jsonl", own),
        lines("metrics.csv", table),
        lines("train.log", log),
    ]
}

/// Where the records of a `.wandb` log end: behind each FULL or LAST chunk.
fn record_ends(log: &[u8]) -> Vec<usize> {
    let (mut at, mut ends) = (7, vec![]);
    while let Some(head) = log.get(at..at + 7) {
        let left = (32 << 10) - at % (32 << 10);
        if left < 7 {
            at += left;
            continue;
        }
        at += 7 + usize::from(u16::from_le_bytes([head[4], head[5]]));
        ends.extend([1, 4].contains(&head[6]).then_some(at));
    }
    ends
}

fn event_ends(events: &[u8]) -> Vec<usize> {
    let (mut at, mut ends) = (0, vec![]);
    while let Some(length) = events.get(at..at + 8) {
        at += 16 + u64::from_le_bytes(length.try_into().unwrap()) as usize;
        ends.push(at);
    }
    ends
}

/// How a writer cuts.
#[derive(Clone, Copy, Debug)]
enum Mode {
    /// Anywhere, so that readers see half headers and half payloads.
    Bytes,
    /// At blocks only, as a client that never flushes.
    Block,
    /// Behind whole records, as a client that flushes now and then.
    Flush,
}

/// Where the pieces end, some `count` of them; the same ones each time.
fn cuts(sample: &Sample, mode: Mode, count: usize) -> Vec<usize> {
    let (length, ends) = (sample.bytes.len(), &sample.ends);
    let mut cuts: Vec<usize> = match mode {
        Mode::Bytes => {
            let mut chance = 1u64;
            let mut next = || {
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (chance >> 33) as usize % length
            };
            (0..count).map(|_| next()).collect()
        }
        // The samples are small, so that the blocks are.
        Mode::Block => (0..length).step_by((4 << 10).max(length / count)).skip(1).collect(),
        Mode::Flush => (1..=count).map(|part| ends[ends.len() * part / count - 1]).collect(),
    };
    cuts.push(length);
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

fn append(path: &Path, bytes: &[u8]) {
    File::options().append(true).create(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn load(reader: &mut RunReader) {
    while reader.poll(RunReader::LOAD).more {}
}

/// What a reader that starts now makes of the file.
fn read_anew(path: &Path) -> RunReader {
    let mut reader = RunReader::open(path).unwrap();
    load(&mut reader);
    reader
}

/// All points of all keys, and all else that must not depend on how the file came to be.
fn all(run: &RunPicture) -> String {
    let points: BTreeMap<_, Vec<_>> = run.series.iter().map(|(key, series)| (key, series.points(0..series.len()).collect())).collect();
    let console: Vec<_> = run.console.lines().collect();
    format!("{points:?} {:?} {:?} {:?} {:?} {console:?}", run.exit, run.step(), run.config, run.losses.count)
}

#[test]
fn a_reader_that_was_there_from_the_start_knows_what_one_knows_that_comes_late() {
    for sample in samples() {
        for (mode, count) in [(Mode::Bytes, 60), (Mode::Block, 20), (Mode::Flush, 30)] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(sample.name);
            fs::write(&path, "").unwrap();
            let mut reader = RunReader::open(&path).unwrap();
            let mut from = 0;
            for to in cuts(&sample, mode, count) {
                append(&path, &sample.bytes[from..to]);
                load(&mut reader);
                assert_eq!(all(reader.picture()), all(read_anew(&path).picture()), "{} {mode:?}: {to} bytes", sample.name);
                from = to;
            }
            assert!(reader.picture().series.values().map(og::model::Series::len).sum::<usize>() >= 20, "{}", sample.name);
        }
    }
}

/// `og inspect --follow` and what it has told so far.
struct Follower {
    child: Child,
    lines: Receiver<Value>,
    keys: Map<String, Value>,
    state: Value,
}

impl Follower {
    fn of(path: &Path) -> Follower {
        let mut child = Command::new(env!("CARGO_BIN_EXE_og"))
            .args(["inspect", "--follow"])
            .arg(path)
            .env_remove("OG_DIR")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = channel();
        thread::spawn(move || {
            for line in told.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Follower { child, lines, keys: Map::new(), state: Value::Null }
    }

    /// Takes one line. The first tells the whole run, where a key has its last point; the others what changed.
    fn take(&mut self, line: &Value) {
        let point = |key: &Value| match key.get("last") {
            Some(last) => last.clone(),
            None => key.clone(),
        };
        for (name, key) in line["keys"].as_object().into_iter().flatten() {
            let Value::Object(point) = point(key) else { continue };
            self.keys.insert(name.clone(), serde_json::json!({"step": point["step"], "value": point["value"]}));
        }
        if let Some(state) = line.get("state") {
            self.state = state.clone();
        }
    }

    /// Waits until it has told what a reader that starts now finds in the file.
    #[track_caller]
    fn catches_up(&mut self, path: &Path, what: &str) {
        let reader = read_anew(path);
        let last = |series: &og::model::Series| {
            series.last().map(|p| serde_json::json!({"step": p.step.0, "value": og::model::num::to_json(p.value)}))
        };
        let want: Map<String, Value> =
            reader.picture().series.iter().filter_map(|(key, series)| Some((key.to_string(), last(series)?))).collect();
        let start = Instant::now();
        while self.keys != want {
            let left = DEADLINE.checked_sub(start.elapsed()).unwrap_or_else(|| panic!("{what}: told {:?}, want {want:?}", self.keys));
            if let Ok(line) = self.lines.recv_timeout(left) {
                self.take(&line);
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn og_inspect_tells_all_that_stands_in_a_growing_file() {
    for sample in samples() {
        for mode in [Mode::Bytes, Mode::Block, Mode::Flush] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(sample.name);
            fs::write(&path, "").unwrap();
            let mut follower = Follower::of(&path);
            let mut from = 0;
            for to in cuts(&sample, mode, 9) {
                append(&path, &sample.bytes[from..to]);
                follower.catches_up(&path, &format!("{} {mode:?}: {to} bytes", sample.name));
                from = to;
            }
            if sample.name.ends_with(".wandb") {
                // The exit ends the watch.
                assert_eq!(follower.child.wait().unwrap().code(), Some(0));
                follower.lines.iter().collect::<Vec<_>>().iter().for_each(|line| follower.take(line));
                assert_eq!(follower.state, "failed");
            }
        }
    }
}
