//! Reads the head and the end of a file, and nothing between: where a run stands, whatever its size.
//!
//! The head goes through the decoder of the format as always, which then jumps ([`Decoder::jump`]) to a place near the end;
//! when no row is found from there on, to one four times as far before it, and so on up to a bound. What a probe says is what
//! a full read says; what it cannot know it leaves out.

use super::{OpenError, RunRef, RunSelector, Sink, SourceError, event_files, find::wandb_file, trackio::trackio_end, tviz::tviz_end};
use crate::model::{ReadOptions, RunState, WallTime};
use crate::source::{Decoder, Kind, Probe, Stdout, probe::Gather, sniff, wide::Wide};
use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    path::Path,
    time::{Duration, SystemTime},
};

/// Silence after which a `.wandb` log without an exit belongs to a run that crashed: its client writes every few seconds.
/// Source: wandb's own rule (leet, LocalApi).
pub const SILENT_MAX: Duration = Duration::from_secs(600);

/// Silence after which the last line of a file counts as whole: programs write a line at once, or the rest of it with the
/// next step.
pub const SETTLED_AFTER: Duration = Duration::from_secs(60);

/// Block of a `.wandb` log; a reader may start at any of them.
const BLOCK_BYTES: u64 = 32 << 10;

/// How much of the start is read: the run's name and config, what tags hold, the style of a console.
const HEAD_BYTES: u64 = BLOCK_BYTES;

/// The same of rows: what their columns are stands in the first of them.
const ROWS_HEAD_BYTES: u64 = 4 << 10;

/// The first look at the end.
const WINDOW_BYTES: u64 = 16 << 10;

/// The same of rows: a row is mostly shorter than a line of a screen.
const ROWS_WINDOW_BYTES: u64 = 4 << 10;

/// Each further look goes so many times as far back.
const WINDOW_GROWTH: u64 = 4;

/// How far back a row is looked for at all: a few milliseconds of reading.
const WINDOW_BYTES_MAX: u64 = 4 << 20;

/// How far back keys that are logged now and then are looked for, where their values are wanted.
const KEYS_BYTES_MAX: u64 = 1 << 20;

/// Largest document that is read whole, since it says nothing before its end.
const DOCUMENT_BYTES_MAX: u64 = 8 << 20;

/// How often the start of a file is read at most: once more for each thing that it may teach.
const READINGS_MAX: usize = 6;

/// Files of one run that are looked into, newest first.
const FILES_MAX: usize = 8;

/// How far a probe goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Until a row is found: for lists.
    Row,
    /// Until all keys that the head of the file names are found, or a mebibyte is read.
    Keys,
}

/// Probes a run that [`super::runs`] has found. `is_over`: it is known that nobody writes there any more, so that a last line
/// without its newline counts.
pub fn probe(run: &RunRef, read: &ReadOptions, reach: Reach, is_over: bool) -> Result<Probe, OpenError> {
    let (path, kind) = (run.path.as_path(), run.kind);
    let failed = |source| OpenError::Open { path: path.to_owned(), source };
    let how = How { read, reach, is_over, may_be_any: kind != Kind::OgRun, sizes: None };
    let probe = match kind {
        Kind::OgRun => {
            let file = |name: &str, kind| match stream(&path.join(name), kind, how) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                probe => probe.map(Some).map_err(failed),
            };
            own(file("metrics.jsonl", Kind::Jsonl)?, file("stdout.log", Kind::Log)?)
        }
        Kind::WandbRun => {
            let log = wandb_file(path).ok_or_else(|| OpenError::NoRun { path: path.to_owned() })?;
            stream(&log, Kind::Wandb, how).map_err(failed)?
        }
        Kind::TfEvents if path.is_dir() => events(path, how).map_err(failed)?,
        Kind::Trackio => rows(kind, |sink| trackio_end(path, &RunSelector::Id(run.id.clone()), sink))?,
        Kind::Tviz => rows(kind, |sink| tviz_end(path, &run.id, sink))?,
        _ => {
            let metadata = fs::metadata(path).map_err(failed)?;
            if !metadata.is_file() {
                return Err(failed(io::Error::new(ErrorKind::InvalidInput, "a pipe says nothing before it is read")));
            }
            stream(path, kind, how).map_err(failed)?
        }
    };
    Ok(Probe { kind, changed: probe.changed.or(run.changed), started: probe.started.or(run.started), ..probe })
}

/// The event files of a folder, as far as they say anything, newest first.
fn events(folder: &Path, how: How<'_>) -> io::Result<Probe> {
    let files = event_files(folder)?;
    let mut found = Probe::new(Kind::TfEvents);
    for (at, file) in files.iter().rev().enumerate() {
        let is_enough = how.reach == Reach::Row && !found.last.is_empty();
        if is_enough || at >= FILES_MAX {
            return Ok(Probe { is_whole: false, ..found });
        }
        let older = stream(file, Kind::TfEvents, how)?;
        found = if at == 0 { older } else { found.go_on_from(older) };
    }
    Ok(found)
}

/// The last rows of a run in a database.
fn rows(kind: Kind, read: impl FnOnce(&mut Sink) -> Result<bool, SourceError>) -> Result<Probe, OpenError> {
    let mut gather = Gather::default();
    // What is handed over is the end already.
    gather.jump();
    let is_whole = read(&mut |record| gather.take(record))?;
    Ok(Probe { is_whole, ..gather.finish(kind) })
}

/// A run of ours: what it logged on purpose counts before what it printed.
fn own(metrics: Option<Probe>, stdout: Option<Probe>) -> Probe {
    let kind = Kind::OgRun;
    match (metrics, stdout) {
        (Some(metrics), Some(stdout)) if !metrics.last.is_empty() || !metrics.is_whole => Probe {
            kind,
            // The console's count stands where the metrics have none of their own.
            step: metrics.step.filter(|_| metrics.says_steps),
            total_steps: metrics.total_steps.or(stdout.total_steps),
            changed: if stdout.changed > metrics.changed { stdout.changed } else { metrics.changed },
            bytes: metrics.bytes + stdout.bytes,
            // The console may show more keys; but a key of the metrics may be among them, logged long ago.
            is_whole: false,
            ..metrics
        },
        (Some(alone), None) | (_, Some(alone)) => Probe { kind, ..alone },
        (None, None) => Probe::new(kind),
    }
}

/// How a file is probed.
#[derive(Clone, Copy)]
struct How<'a> {
    read: &'a ReadOptions,
    reach: Reach,
    is_over: bool,
    /// A log with little in it may be of any kind; our own may not.
    may_be_any: bool,
    /// `None`: the usual ones.
    sizes: Option<Sizes>,
}

/// How much is read; tests read less, so that small files are large.
#[derive(Clone, Copy)]
struct Sizes {
    head: u64,
    window: u64,
    window_max: u64,
    keys_max: u64,
}

impl Sizes {
    fn usual(kind: Kind) -> Sizes {
        let (head, window) = match kind {
            Kind::Jsonl | Kind::Csv => (ROWS_HEAD_BYTES, ROWS_WINDOW_BYTES),
            _ => (HEAD_BYTES, WINDOW_BYTES),
        };
        Sizes { head, window, window_max: WINDOW_BYTES_MAX, keys_max: KEYS_BYTES_MAX }
    }
}

/// Probes a file that a decoder reads.
fn stream(path: &Path, kind: Kind, how: How<'_>) -> io::Result<Probe> {
    let How { read, reach, is_over, may_be_any, sizes } = how;
    let sizes = sizes.unwrap_or_else(|| Sizes::usual(kind));
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let age = metadata.modified().ok().and_then(|changed| SystemTime::now().duration_since(changed).ok());
    let is_older = |than: Duration| age.is_some_and(|age| age > than);
    let mut end =
        End { file, kind, read_as: read, is_over: is_over || is_older(SETTLED_AFTER), may_be_any, bytes: metadata.len(), read: 0 };
    let head = end.bytes_of(0, end.bytes.min(sizes.head))?;
    let mut window = sizes.window;
    let gather = loop {
        let Some(look) = end.look(&head, window)? else { break end.whole(&head)? };
        let is_enough = look.has_row() && (reach == Reach::Row || look.has_all_keys() || window >= sizes.keys_max);
        if is_enough || window >= sizes.window_max || look.is_whole() {
            break look;
        }
        window *= WINDOW_GROWTH;
    };
    let mut probe = gather.finish(kind);
    probe.bytes = end.read;
    probe.changed = metadata.modified().ok().and_then(wall_time);
    if kind == Kind::Wandb && probe.state.is_none() {
        probe.state = Some(if is_older(SILENT_MAX) { RunState::Crashed } else { RunState::Running });
    }
    Ok(probe)
}

/// A file, looked at from its end.
struct End<'a> {
    file: File,
    kind: Kind,
    read_as: &'a ReadOptions,
    is_over: bool,
    may_be_any: bool,
    bytes: u64,
    /// Bytes read so far.
    read: u64,
}

impl End<'_> {
    /// Reads the last `window` bytes behind the head, or all there is when that is not much more. `None`: this file must be
    /// read whole.
    fn look(&mut self, head: &[u8], window: u64) -> io::Result<Option<Gather>> {
        let mut start = self.bytes.saturating_sub(window);
        if self.kind == Kind::Wandb {
            start -= start % BLOCK_BYTES;
        }
        let mut decoder = self.decoder(head)?;
        let mut gather;
        if start <= head.len() as u64 {
            let rest = self.bytes_of(head.len() as u64, self.bytes.saturating_sub(head.len() as u64))?;
            gather = read(decoder.as_mut(), &[head, &rest]);
        } else {
            gather = read(decoder.as_mut(), &[head]);
            if !decoder.jump() {
                return Ok(None);
            }
            gather.jump();
            let tail = self.bytes_of(start, self.bytes - start)?;
            feed(decoder.as_mut(), from_a_line(self.kind, &tail), &mut gather);
        }
        self.end(decoder.as_mut(), &mut gather);
        // What was passed over may say that all of it is to be read in another way.
        Ok((!decoder.is_mistaken()).then_some(gather))
    }

    /// Reads everything, if that is not too much; else only the head.
    fn whole(&mut self, head: &[u8]) -> io::Result<Gather> {
        let mut decoder = self.decoder(head)?;
        if self.bytes > DOCUMENT_BYTES_MAX {
            let mut gather = read(decoder.as_mut(), &[head]);
            gather.jump();
            return Ok(gather);
        }
        let rest = self.bytes_of(head.len() as u64, self.bytes.saturating_sub(head.len() as u64))?;
        let mut gather = read(decoder.as_mut(), &[head, &rest]);
        self.end(decoder.as_mut(), &mut gather);
        Ok(gather)
    }

    fn decoder(&self, head: &[u8]) -> io::Result<Box<dyn Decoder>> {
        if self.may_be_any && self.kind == Kind::Log && sniff::is_open("", head) {
            return Ok(sniff::decoder("", self.read_as));
        }
        if self.kind == Kind::Log {
            // Its lines are not asked for.
            return Ok(Wide::of(Box::new(Stdout::new().rules(self.read_as.rules.clone())), head));
        }
        let decoder = self.kind.decoder_with(self.read_as).map(|decoder| Wide::of(decoder, head));
        decoder.ok_or_else(|| io::Error::new(ErrorKind::Unsupported, "not a stream of records"))
    }

    /// Takes what stands at the end of the file, as a reader that got there does.
    fn end(&self, decoder: &mut dyn Decoder, gather: &mut Gather) {
        decoder.glimpse();
        feed(decoder, &[], gather);
        if self.is_over {
            decoder.finish();
            feed(decoder, &[], gather);
        }
    }

    /// `length` bytes from `start` on, as far as they are there.
    fn bytes_of(&mut self, start: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let length = read_at(&self.file, &mut bytes, start)?;
        bytes.truncate(length);
        self.read += length as u64;
        Ok(bytes)
    }
}

/// What follows the first line in a source of lines: that line may have begun before. Of a carriage return what follows
/// is a state of its own.
fn from_a_line(kind: Kind, tail: &[u8]) -> &[u8] {
    let begins = match kind {
        Kind::Wandb | Kind::TfEvents => return tail,
        Kind::Log => memchr::memchr2(b'\n', b'\r', tail),
        _ => memchr::memchr(b'\n', tail),
    };
    begins.map_or(&[], |at| &tail[at + 1..])
}

/// Reads the start of a source, once more where that says that it was read wrong.
fn read(decoder: &mut dyn Decoder, parts: &[&[u8]]) -> Gather {
    let mut readings = 1;
    loop {
        let mut gather = Gather::default();
        parts.iter().for_each(|part| feed(decoder, part, &mut gather));
        if !decoder.is_mistaken() || readings == READINGS_MAX {
            return gather;
        }
        decoder.reset();
        readings += 1;
    }
}

fn feed(decoder: &mut dyn Decoder, bytes: &[u8], gather: &mut Gather) {
    decoder.push(bytes);
    loop {
        match decoder.next() {
            Ok(None) => return,
            Ok(Some(record)) => gather.take(Ok(record)),
            Err(loss) => gather.take(Err(loss)),
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn read_at(file: &File, buffer: &mut [u8], start: u64) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read_at(&mut buffer[length..], start + length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn wall_time(time: SystemTime) -> Option<WallTime> {
    WallTime::new(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{MetricKey, Step},
        source::{
            LastPoint,
            io::runs,
            wandb::tests::{bytes, file, history, int, json_item},
        },
        store::RunReader,
    };
    use proptest::prelude::*;
    use std::{fmt::Write as _, path::PathBuf};

    fn run(path: &Path) -> RunRef {
        runs(path).unwrap().remove(0)
    }

    fn probed(path: &Path, reach: Reach) -> Probe {
        probe(&run(path), &ReadOptions::default(), reach, false).unwrap()
    }

    /// Small enough that most fixtures are long.
    const SMALL: [Sizes; 3] = [
        Sizes { head: 700, window: 400, window_max: 3000, keys_max: 1500 },
        Sizes { head: 2000, window: 900, window_max: 1 << 14, keys_max: 900 },
        Sizes { head: 100, window: 5000, window_max: 5000, keys_max: 5000 },
    ];

    /// Whatever a probe says, a full read says too.
    #[track_caller]
    fn agrees(path: &Path, probe: &Probe) {
        let mut reader = RunReader::open(path).unwrap();
        while reader.poll(RunReader::LOAD).more {}
        reader.settle(false);
        let full = reader.picture();
        let name = path.display();
        assert_eq!((probe.state, probe.exit), (full.known_state(), full.exit), "{name}");
        assert!(probe.step.is_none() || probe.step == full.step(), "{name}: step {:?}, {:?}", probe.step, full.step());
        for (key, LastPoint { step, value, .. }) in &probe.last {
            let last = full.series.get(key).and_then(|series| series.latest());
            let last = last.unwrap_or_else(|| panic!("{name}: {key} is no key"));
            assert!(last.value == *value || last.value.is_nan() && value.is_nan(), "{name}: {key} is {} and not {value}", last.value);
            assert!(step.is_none_or(|step| step == last.step), "{name}: {key} is at {:?} and not {step:?}", last.step);
        }
        if probe.is_whole {
            assert_eq!(probe.last.len(), full.series.len(), "{name}");
        }
    }

    #[track_caller]
    fn agrees_at_all_sizes(path: &Path) {
        let Ok(kind) = runs(path).map(|runs| runs[0].kind) else { return };
        if kind.decoder().is_none() {
            return;
        }
        for sizes in SMALL {
            for reach in [Reach::Row, Reach::Keys] {
                agrees(
                    path,
                    &stream(path, kind, How { read: &ReadOptions::default(), reach, is_over: false, may_be_any: true, sizes: Some(sizes) })
                        .unwrap(),
                );
            }
        }
        agrees(path, &probed(path, Reach::Keys));
    }

    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(folder) else { return vec![] };
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        files.into_iter().flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
    }

    /// Recordings that are not in this repository, where they are at hand; unpacked into `into`.
    fn recordings(into: &Path) -> Vec<PathBuf> {
        let unpacked = |path: PathBuf| match path.extension().is_some_and(|end| end == "gz") {
            false => path,
            true => {
                let out = std::process::Command::new("gzip").arg("-dc").arg(&path).output().unwrap();
                let to = into.join(path.file_stem().unwrap());
                fs::write(&to, out.stdout).unwrap();
                to
            }
        };
        files_below(&crate::source::recordings_for_tests()).into_iter().map(unpacked).collect()
    }

    #[test]
    fn a_probe_of_any_recording_says_what_a_full_read_says_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let fixtures = files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"));
        assert!(fixtures.len() > 10);
        for path in fixtures.into_iter().chain(recordings(dir.path())) {
            agrees_at_all_sizes(&path);
            // A program that is started again and again.
            let bytes = fs::read(&path).unwrap();
            if path.extension().is_some_and(|end| end == "log" || end == "jsonl") && !bytes.is_empty() {
                let again = dir.path().join(path.file_name().unwrap()).with_extension("again.log");
                fs::write(&again, bytes.repeat((150_000 / bytes.len()).max(3))).unwrap();
                agrees_at_all_sizes(&again);
                fs::remove_file(&again).unwrap();
            }
        }
    }

    #[test]
    fn what_rows_teach_of_those_before_them_is_known_to_a_probe_or_nothing_is_said() {
        let dir = tempfile::tempdir().unwrap();
        // One row is in the shortest head, and a few are in the others.
        let note = "x".repeat(50);
        let table = |head: &str, rows: &[String]| format!("{head},loss,note\n{}\n", rows.join("\n"));
        let row = |at: &dyn std::fmt::Display, step: i64| format!("{at},{}.5,{note}", step % 7);
        let newest: Vec<_> = (0..100).rev().map(|step| row(&step, step)).collect();
        let counted: Vec<_> = (0..100).map(|step| row(&(step * 10), step)).collect();
        let seeds: Vec<_> = (0..100).map(|at| row(&format!("{},{}", at / 50, at % 50), at)).collect();
        let ranks: Vec<_> = (0..100).map(|at| row(&format!("{},{}", at % 4, at / 4), at)).collect();
        let one_seed: Vec<_> = (0..100).map(|at| row(&format!("42,{at}"), at)).collect();
        for (name, text, last) in [
            ("newest.csv", table("step", &newest), 99),
            ("counted.csv", table("it", &counted), 990),
            ("setting.csv", table("num_samples,step", &one_seed), 99),
            ("seeds.csv", table("seed,step", &seeds), 49),
            ("ranks.csv", table("rank,step", &ranks), 24),
            ("seed.csv", table("seed,step", &one_seed), 99),
        ] {
            let path = dir.path().join(name);
            fs::write(&path, &text).unwrap();
            agrees_at_all_sizes(&path);
            assert_eq!(probed(&path, Reach::Row).step, Some(Step(last)), "{name}");
            let wide = dir.path().join(format!("wide-{name}"));
            fs::write(&wide, [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect::<Vec<_>>()).unwrap();
            agrees_at_all_sizes(&wide);
        }
        // One seed alone needs no reading of all.
        let path = dir.path().join("seed.csv");
        let how = How { read: &ReadOptions::default(), reach: Reach::Row, is_over: false, may_be_any: true, sizes: Some(SMALL[0]) };
        assert!(stream(&path, Kind::Csv, how).unwrap().bytes < fs::metadata(&path).unwrap().len());
    }

    #[test]
    fn the_end_of_a_long_wandb_log_tells_all() {
        let row = |step: u64| history(step, &json_item("loss", &format!("{}.5", step % 10)));
        // A row longer than a block ends up across every place that a look may start at.
        let long = |step: u64| history(step, &[bytes(2, "val"), bytes(16, format!("0.25{}", " ".repeat(40_000)))]);
        let mut records = vec![bytes(17, [bytes(1, "abc"), bytes(3, "lm"), bytes(8, "bright-sun-1")].concat())];
        records.extend((0..20_000).map(row));
        records.push(long(20_000));
        records.push(row(20_001));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run-x.wandb");
        fs::write(&path, file(&records)).unwrap();
        let found = probed(&path, Reach::Keys);
        agrees(&path, &found);
        assert_eq!((found.state, found.step, value(&found, "loss")), (Some(RunState::Running), Some(Step(20_001)), Some(1.5)));
        assert_eq!(value(&found, "val"), Some(0.25));
        records.push(bytes(18, int(1, 1)));
        fs::write(&path, file(&records)).unwrap();
        agrees_at_all_sizes(&path);
        let found = probed(&path, Reach::Keys);
        agrees(&path, &found);
        assert!(!found.is_whole && found.bytes < 400_000, "{}", found.bytes);
        assert_eq!((found.state, found.exit.and_then(|exit| exit.code)), (Some(RunState::Failed), Some(1)));
        assert_eq!(["name", "project", "run_id"].map(|name| found.remarks[name].as_str()), [Some("bright-sun-1"), Some("lm"), Some("abc")]);

        // Damage in the end costs what it costs a full read.
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).rev().step_by(4999).take(40) {
            let mut bad = whole.clone();
            bad[at] ^= 4;
            fs::write(&path, &bad[..whole.len() - at % 100]).unwrap();
            agrees(&path, &probed(&path, Reach::Row));
        }
    }

    #[test]
    fn a_wandb_log_that_fell_silent_without_an_exit_is_of_a_run_that_crashed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run-x.wandb");
        let row = history(1, &json_item("loss", "0.5"));
        for (exit, age, want) in [
            (None, 0, RunState::Running),
            (None, 601, RunState::Crashed),
            (Some(254), 0, RunState::Crashed),
            (Some(143), 0, RunState::Failed),
            (Some(1), 601, RunState::Failed),
            (Some(0), 601, RunState::Finished),
        ] {
            let exit = exit.map(|code| bytes(18, int(1, code)));
            fs::write(&path, file(&std::iter::once(row.clone()).chain(exit.clone()).collect::<Vec<_>>())).unwrap();
            File::options().append(true).open(&path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
            let found = probed(&path, Reach::Keys);
            agrees(&path, &found);
            assert_eq!(found.state, Some(want), "{exit:?} {age}");
        }
    }

    fn long(name: &str, text: &str) -> (tempfile::TempDir, PathBuf, Probe) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        agrees_at_all_sizes(&path);
        let found = probed(&path, Reach::Keys);
        assert!(!found.is_whole);
        (dir, path, found)
    }

    fn value(probe: &Probe, key: &str) -> Option<f64> {
        probe.last.get(&MetricKey::from(key)).map(|point| point.value)
    }

    #[test]
    fn the_end_of_json_lines_is_found_whoever_wrote_them() {
        let mut text = String::new();
        for step in 0..20_000 {
            let _ = writeln!(text, "{{\"s\":{step},\"t\":{}.5,\"m\":{{\"loss\":{}.25,\"lr\":NaN}}}}", 1_700_000_000 + step, step % 7);
            if step % 1000 == 0 {
                let _ = writeln!(text, "{{\"s\":{step},\"m\":{{\"val/loss\":{step}}}}}");
            }
        }
        let (_dir, _, found) = long("metrics.jsonl", &(text + "{\"s\":99,\"m\":{\"loss\""));
        assert_eq!((found.step, value(&found, "loss"), value(&found, "val/loss")), (Some(Step(19_999)), Some(0.25), Some(19_000.0)));
        assert!(found.last["lr"].value.is_nan());

        // Rows without the best name of the step stand where the last one with it stood, maybe far before.
        let mut text = String::new();
        for step in 0..9000 {
            let _ = writeln!(text, "{{\"epoch\":{},\"loss\":{step},\"iter\":{step}}}", step as f64 / 4.0);
        }
        (0..60_000).for_each(|row| text += &format!("{{\"acc\":0.5,\"epoch\":{}}}\n", row as f64 / 2.0));
        let (_dir, _, found) = long("log.jsonl", &text);
        assert_eq!((found.step, value(&found, "acc"), value(&found, "epoch")), (None, Some(0.5), Some(29_999.5)));
    }

    #[test]
    fn the_end_of_a_table_is_read_under_its_head() {
        let mut text = String::from("epoch,step,loss,\"val, loss\"\n");
        for step in 0..30_000 {
            let _ = writeln!(text, "{},{step},{}.5,{}", step / 100, step % 9, if step % 100 == 99 { "0.125" } else { "" });
        }
        let (_dir, _, found) = long("metrics.csv", &text);
        assert_eq!((found.step, value(&found, "loss"), value(&found, "val, loss")), (Some(Step(29_999)), Some(2.5), Some(0.125)));

        // Steps that nobody writes down cannot be counted from the end.
        let rows: String = (0..30_000).map(|row| format!("{}.5,{row}\n", row % 5)).collect();
        let (_dir, _, found) = long("a.csv", &("loss,acc\n".to_owned() + &rows));
        assert_eq!((found.step, value(&found, "acc")), (None, Some(29_999.0)));
    }

    #[test]
    fn the_end_of_a_console_log_is_read_with_what_its_head_taught() {
        let plain: String = (0..20_000).map(|step| format!("step {step}/20000 | loss {}.5 | lr 1e-4\n", step % 9)).collect();
        let (_dir, _, found) = long("train.log", &plain);
        assert_eq!((found.step, value(&found, "loss"), found.total_steps), (Some(Step(19_999)), Some(1.5), Some(20_000)));

        // A counter that starts over with each epoch counts on from what was passed over.
        let epochs: String =
            (0..200).flat_map(|epoch| (0..100).map(move |at| format!("Epoch {epoch}/200 [{at}/100] loss: {}.25\n", at % 3))).collect();
        let (_dir, _, found) = long("epochs.log", &epochs);
        assert_eq!((found.step, value(&found, "loss")), (None, Some(0.25)));
    }

    #[test]
    fn event_files_are_entered_anywhere() {
        let dir = tempfile::tempdir().unwrap();
        let recorded = files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tfevents"));
        for (at, file) in recorded.iter().filter(|file| file.to_string_lossy().contains("events.out")).enumerate() {
            // Later events of a tag do not say what it holds, so a scalar is known by its first.
            let path = dir.path().join(format!("events.out.tfevents.{at}"));
            fs::write(&path, fs::read(file).unwrap().repeat(200)).unwrap();
            agrees_at_all_sizes(&path);
        }
    }

    #[test]
    fn folders_of_event_files_end_as_a_full_read_ends() {
        for name in ["purge", "restart", "tbx"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tfevents").join(name);
            for reach in [Reach::Row, Reach::Keys] {
                agrees(&folder, &probed(&folder, reach));
            }
        }
    }

    #[test]
    fn a_document_is_read_whole_or_not_at_all() {
        let rows: Vec<String> = (0..2000).map(|step| format!("{{\"step\": {step}, \"loss\": {step}.5}}")).collect();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trainer_state.json");
        fs::write(&path, format!("{{\n \"log_history\": [\n{}\n ]\n}}", rows.join(",\n"))).unwrap();
        let found = probed(&path, Reach::Row);
        agrees(&path, &found);
        assert_eq!((found.step, value(&found, "loss"), found.is_whole), (Some(Step(1999)), Some(1999.5), true));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn no_damage_makes_a_probe_wrong(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in any::<prop::sample::Index>(), which in any::<prop::sample::Index>()) {
            let fixtures: Vec<PathBuf> = files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"))
                .into_iter()
                .filter(|path| path.extension().is_none_or(|end| end != "sql" && end != "md" && end != "py" && end != "json"))
                .collect();
            let source = which.get(&fixtures);
            let mut bytes = fs::read(source).unwrap();
            for (at, byte) in flips {
                // The head says what the file is.
                let at = 64 + at.index(bytes.len().max(65) - 64);
                bytes.get_mut(at).into_iter().for_each(|old| *old = byte);
            }
            bytes.truncate(64 + cut.index(bytes.len().max(65)));
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(source.file_name().unwrap());
            fs::write(&path, &bytes).unwrap();
            agrees_at_all_sizes(&path);
        }
    }
}
