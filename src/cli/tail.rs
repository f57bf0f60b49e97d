//! `og tail`: the last lines that a run printed, whatever keeps them.

use super::{
    args::TailArgs,
    fail::Fail,
    open::{self, Asked},
    out,
    wakes::Wakes,
};
use crate::{
    model::ReadOptions,
    source::{self, Budget, Kind, Loss, Record, RunRef, Source, Tail},
    store::{Event, EventKind, RunFolder, StoreError},
};
use regex::Regex;
use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

/// Bytes looked at in one step on the way back from the end of a log.
const BLOCK_BYTES: usize = 64 << 10;

/// What a look may take while lines are followed.
const LIVE: Budget = Budget { bytes_max: 1 << 20, time_max: Duration::from_millis(20) };

/// `og tail RUN`.
pub fn tail(args: &TailArgs) -> Result<u8, Fail> {
    let pattern = args.grep.as_deref().map(Regex::new).transpose();
    let pattern = pattern.map_err(|error| Fail::usage(error.to_string()).about("--grep"))?;
    let asked = Asked { run: &args.run, name: args.run_name.as_deref(), store: &args.store, read: &ReadOptions::default() };
    let runs = open::runs(&asked)?;
    let Some(run) = runs.first() else { return Err(open::which(&args.run, &runs)) };
    open::note_first(&args.run, &runs, "--run NAME");
    let log = log_of(run);
    // All lines have to be looked at only where not every line counts.
    let from = match &log {
        Some(log) if pattern.is_none() => start_of_last(log, args.lines).map_err(|error| cannot(log, &error))?,
        _ => 0,
    };
    let mut sources = match log {
        Some(log) => vec![Box::new(Tail::new(log, Kind::Log.decoder().expect("a log is a stream")).from(from)) as Box<dyn Source>],
        None => source::open_ref(run, &ReadOptions::default()).map_err(StoreError::Foreign)?.sources,
    };
    let mut lines = Lines { pattern, last: VecDeque::new(), max: args.lines, json: args.output.json };
    let mut ended = false;
    loop {
        let found = read(&mut sources, Budget::ALL, args.follow, &mut lines)?;
        ended |= found.ended;
        // A pipe has more until it is closed; one that is followed is told as far as it goes.
        if !found.more || args.follow && found.bytes == 0 {
            break;
        }
    }
    if !args.follow {
        // Of a line that is still open, what is there is shown.
        sources.iter_mut().for_each(|source| source.finish(&mut |record| lines.take(record)));
        return lines.print().map(|()| 0);
    }
    lines.print()?;
    lines.max = usize::MAX;
    let events = (run.kind == Kind::OgRun).then(|| RunFolder::at(&run.path).events());
    let paths = |sources: &[Box<dyn Source>]| sources.iter().flat_map(|source| source.paths()).collect::<Vec<_>>();
    let mut wakes = Wakes::of(paths(&sources).into_iter().chain(events.clone()))?;
    loop {
        // The end is looked for before the lines: what was printed before it is there then.
        let over = ended || !sources.is_empty() && sources.iter().all(|source| source.is_over()) || events.as_deref().is_some_and(is_over);
        let found = read(&mut sources, LIVE, true, &mut lines)?;
        lines.print()?;
        ended |= found.ended;
        if over && !found.more {
            sources.iter_mut().for_each(|source| source.finish(&mut |record| lines.take(record)));
            return lines.print().map(|()| 0);
        }
        if !found.more && !ended {
            wakes.add(paths(&sources));
            wakes.wait(sources.iter().map(|source| source.refresh()).max().filter(|rest| !rest.is_zero()));
        }
    }
}

/// The lines to be printed.
struct Lines {
    pattern: Option<Regex>,
    last: VecDeque<String>,
    max: usize,
    json: bool,
}

impl Lines {
    fn take(&mut self, record: Result<Record, Loss>) {
        let Ok(Record::Console(crate::source::ConsoleLine { text: line, .. })) = record else { return };
        if self.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(&line)) {
            return;
        }
        self.last.push_back(line);
        if self.last.len() > self.max {
            self.last.pop_front();
        }
    }

    fn print(&mut self) -> Result<(), Fail> {
        let mut text = String::new();
        for line in self.last.drain(..) {
            match self.json {
                true => text.push_str(&serde_json::json!({ "line": line }).to_string()),
                false => text.push_str(&line),
            }
            text.push('\n');
        }
        if text.is_empty() { Ok(()) } else { out::text(&text) }
    }
}

/// What one look at each of the sources came to.
#[derive(Default)]
struct Found {
    bytes: u64,
    more: bool,
    /// A tracker said that the run ended.
    ended: bool,
}

/// `waits`: what cannot be read yet may come.
fn read(sources: &mut [Box<dyn Source>], budget: Budget, waits: bool, lines: &mut Lines) -> Result<Found, Fail> {
    let mut found = Found::default();
    for source in sources {
        let mut sink = |record| {
            found.ended |= matches!(record, Ok(Record::Exit(_)));
            lines.take(record);
        };
        let progress = match source.poll(budget, &mut sink) {
            Ok(progress) => progress,
            Err(error @ source::SourceError::NoWriter { .. }) if !waits => return Err(StoreError::Foreign(error.into()).into()),
            Err(error @ (source::SourceError::Gone { .. } | source::SourceError::NoWriter { .. })) => {
                tracing::debug!(%error, "waiting for it");
                continue;
            }
            Err(error) => return Err(StoreError::Foreign(error.into()).into()),
        };
        if progress.restarted {
            out::note(format!("{} is read again from its start", source.path().display()));
        }
        found.bytes += progress.bytes;
        found.more |= progress.more;
    }
    Ok(found)
}

/// The file that holds the console as it was printed, where there is one.
fn log_of(run: &RunRef) -> Option<PathBuf> {
    match run.kind {
        Kind::OgRun => Some(RunFolder::at(&run.path).stdout_log()),
        Kind::Log if run.path.is_file() => Some(run.path.clone()),
        _ => None,
    }
}

/// Where the last `lines` lines of a file start; an open line at its end does not count.
fn start_of_last(path: &Path, lines: usize) -> io::Result<u64> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        file => file?,
    };
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = vec![0; BLOCK_BYTES];
    let mut ends = 0;
    while end > 0 {
        let start = end.saturating_sub(BLOCK_BYTES as u64);
        let block = &mut block[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(block)?;
        for at in memchr::memrchr_iter(b'\n', block) {
            if ends == lines {
                return Ok(start + at as u64 + 1);
            }
            ends += 1;
        }
        end = start;
    }
    Ok(0)
}

/// Whether the events of a run of og's say that its training ended, and did not start again.
fn is_over(events: &Path) -> bool {
    let text = fs::read_to_string(events).unwrap_or_default();
    let ends = text.lines().rev().filter_map(Event::from_line).find_map(|event| match event.kind {
        EventKind::Exit(_) => Some(true),
        EventKind::Started { .. } => Some(false),
        _ => None,
    });
    ends.unwrap_or(false)
}

fn cannot(path: &Path, error: &io::Error) -> Fail {
    Fail::of("log", error, Some("check the path and its permissions".into())).about(format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_the_last_lines_is_found_from_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        assert_eq!(start_of_last(&path, 3).unwrap(), 0);
        let text: String = (0..30_000).map(|i| format!("line {i}\n")).collect();
        for open in ["", "open"] {
            fs::write(&path, text.clone() + open).unwrap();
            for lines in [0, 1, 2, 9999, 29_999, 30_000, 99_999] {
                let start = start_of_last(&path, lines).unwrap() as usize;
                let (rest, want) = (&text[start.min(text.len())..], lines.min(30_000));
                assert_eq!(rest.lines().count(), want, "{lines} {open}");
                assert!(start == 0 || text.as_bytes()[start - 1] == b'\n');
            }
        }
    }

    #[test]
    fn a_run_is_over_by_its_last_start_or_exit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        assert!(!is_over(&path));
        let start = r#"{"t":1,"author":"og","kind":"lifecycle","what":"started","pid":7}"#;
        let exit = r#"{"t":2,"author":"og","kind":"lifecycle","what":"exit","code":0}"#;
        for (lines, want) in
            [(vec![start], false), (vec![start, exit], true), (vec![start, exit, start], false), (vec![exit, "{\"t\""], true)]
        {
            fs::write(&path, lines.join("\n")).unwrap();
            assert_eq!(is_over(&path), want);
        }
    }
}
