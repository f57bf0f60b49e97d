//! Which of the runs that own what lies in a folder a file in it is of.

use super::RunRef;
use crate::model::WallTime;
use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    path::Path,
    time::Duration,
};

/// How long a training may print before its first metric or behind its last.
const SLACK: Duration = Duration::from_secs(600);

/// Most consoles of one training: what it prints, its errors, its own log. A folder of more is one of logs.
const CONSOLES_MAX: usize = 4;

/// The runs that own what lies in one folder. There may be ten thousand, with a console for each.
pub(super) struct Owners {
    /// What runs are called, or the folders below this one that they lie in.
    called: HashMap<OsString, usize>,
    /// The run that the folder itself is.
    own: Option<usize>,
    /// In the order in which they changed last.
    spans: Vec<Span>,
}

/// The time of a run.
struct Span {
    start: f64,
    changed: f64,
    /// The earliest start of this run and those that changed later.
    earliest: f64,
    run: usize,
}

impl Owners {
    /// Of `folder`: those of `runs` at these places.
    pub(super) fn new(folder: &Path, runs: &[RunRef], places: &[usize]) -> Owners {
        let mut owners = Owners { called: HashMap::new(), own: None, spans: vec![] };
        for place in places {
            let run = &runs[*place];
            let below = run.path.strip_prefix(folder).ok().and_then(|below| below.iter().next());
            for name in run.path.file_stem().into_iter().chain(below) {
                owners.called.entry(name.to_owned()).or_insert(*place);
            }
            if run.path == folder {
                owners.own.get_or_insert(*place);
            }
            let changed = secs(run.changed);
            let start = run.started.map_or(changed - SLACK.as_secs_f64(), WallTime::secs);
            owners.spans.push(Span { start, changed, earliest: start, run: *place });
        }
        owners.spans.sort_by(|a, b| a.changed.total_cmp(&b.changed));
        let mut earliest = f64::INFINITY;
        for span in owners.spans.iter_mut().rev() {
            earliest = earliest.min(span.start);
            span.earliest = earliest;
        }
        owners
    }

    /// The run of a document: the one that is called so, else the one that changed last at nearly the same time.
    pub(super) fn of_document(&self, name: &OsStr, changed: Option<WallTime>) -> Option<usize> {
        let at = secs(changed);
        self.called(name).or_else(|| nearest(at, self.before(at).next(), self.behind(at).next()))
    }

    /// The run of a console, one of `count` in the folder. All in the folder of a run are of that run. Beside a table, or above a run, lie
    /// those of many: they are of a run that is called so, or that went on when they were last written.
    pub(super) fn of_console(&self, name: &OsStr, changed: Option<WallTime>, count: usize) -> Option<usize> {
        let (at, is_of_many) = (secs(changed), count > self.spans.len() * CONSOLES_MAX);
        let went_on = || {
            let before = self.before(at).take_while(|span| at - span.changed <= SLACK.as_secs_f64()).find(|span| span.start <= at);
            let behind = self.behind(at).take_while(|span| span.earliest <= at).find(|span| span.start <= at);
            nearest(at, before, behind)
        };
        self.called(name).or(self.own).or_else(|| if is_of_many { None } else { went_on() })
    }

    fn called(&self, name: &OsStr) -> Option<usize> {
        self.called.get(Path::new(name).file_stem()?).copied()
    }

    /// The runs that changed last before a time, the newest first.
    fn before(&self, at: f64) -> impl Iterator<Item = &Span> {
        self.spans[..self.place(at)].iter().rev()
    }

    /// Those that changed at it or later, the oldest first.
    fn behind(&self, at: f64) -> impl Iterator<Item = &Span> {
        self.spans[self.place(at)..].iter()
    }

    fn place(&self, at: f64) -> usize {
        self.spans.partition_point(|span| span.changed < at)
    }
}

fn nearest(at: f64, before: Option<&Span>, behind: Option<&Span>) -> Option<usize> {
    let spans = before.into_iter().chain(behind);
    spans.min_by(|a, b| (a.changed - at).abs().total_cmp(&(b.changed - at).abs())).map(|span| span.run)
}

fn secs(time: Option<WallTime>) -> f64 {
    time.map_or(0.0, WallTime::secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Kind;
    use std::time::Instant;

    fn run(path: &str, started: Option<f64>, changed: f64) -> RunRef {
        let time = |secs: f64| WallTime::new(secs);
        RunRef { started: started.and_then(time), changed: time(changed), ..RunRef::plain(Kind::TfEvents, Path::new(path), path.into()) }
    }

    fn owners(runs: &[RunRef]) -> Owners {
        Owners::new(Path::new("/logs"), runs, &(0..runs.len()).collect::<Vec<_>>())
    }

    fn console(owners: &Owners, name: &str, at: f64, count: usize) -> Option<usize> {
        owners.of_console(OsStr::new(name), WallTime::new(at), count)
    }

    #[test]
    fn a_console_is_of_the_run_that_is_called_so_or_went_on() {
        let runs = [run("/logs/a/tb", Some(1e4), 2e4), run("/logs/b/x.csv", None, 3e4), run("/logs/c/tb", Some(5e4), 9e4)];
        let owners = owners(&runs);
        assert_eq!((console(&owners, "a.log", 9e4, 1), console(&owners, "x.out", 1.0, 99)), (Some(0), Some(1)));
        for (at, of) in
            [(0.9e4, None), (1.5e4, Some(0)), (2.05e4, Some(0)), (2.5e4, None), (2.95e4, Some(1)), (6e4, Some(2)), (9.5e4, None)]
        {
            assert_eq!(console(&owners, "slurm-1.out", at, 1), of, "{at}");
        }
        assert_eq!(console(&owners, "slurm-1.out", 6e4, 13), None, "consoles of many others");
        let document = |at| owners.of_document(OsStr::new("state.json"), WallTime::new(at));
        assert_eq!((document(0.0), document(2.6e4), document(4e4), document(9e9)), (Some(0), Some(1), Some(1), Some(2)));
    }

    #[test]
    fn all_consoles_in_the_folder_of_a_run_are_of_it() {
        let owners = owners(&[run("/logs/a/tb", Some(1e4), 2e4), run("/logs", Some(5e4), 6e4)]);
        assert_eq!((console(&owners, "rank.log", 1.5e4, 99), console(&owners, "a.log", 1.5e4, 99)), (Some(1), Some(0)));
    }

    #[test]
    fn a_folder_of_many_runs_with_a_console_for_each_takes_no_square_of_them() {
        let runs: Vec<_> = (0..20_000).map(|at| run(&format!("/logs/r{at}/tb"), Some(f64::from(at)), f64::from(at) + 1e5)).collect();
        let (start, owners) = (Instant::now(), owners(&runs));
        for at in 0..20_000_u32 {
            assert_eq!(console(&owners, "slurm.out", f64::from(at) + 1e5, 20_000), Some(at as usize));
            assert_eq!(console(&owners, "slurm.out", -1.0 - f64::from(at), 20_000), None);
        }
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    }
}
