//! Which run a command goes on from: one of its arguments names weights that a run of this store has saved.

use super::Store;
use crate::store::{Event, EventKind, Parent, RunFolder, checkpoint::checkpoint_of};
use memchr::memmem;
use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// Runs whose checkpoints are looked through, the newest first: one small file each.
const RUNS_MAX: usize = 500;
/// What is read of one run's events, from their end: ten thousand checkpoints.
const EVENTS_BYTES_MAX: u64 = 1 << 20;
/// Entries of a folder among which a checkpoint is looked for.
const ENTRIES_MAX: usize = 10_000;
/// Words of an option behind which weights are written, or anything else.
const WRITES: &[&str] = &["save", "out", "output", "outdir", "dest", "log", "logdir", "logs", "export", "write"];
/// How words of an option begin behind which weights are taken up, also as a folder: then its newest are meant.
const READS: &[&str] = &["resume", "restore", "load", "init", "continue", "from", "warm"];

/// An argument that may be a path, with the name of its option: `--resume PATH`, `--resume=PATH`, `ckpt=PATH`, `PATH`.
struct Argument<'a> {
    option: String,
    value: &'a str,
}

impl Argument<'_> {
    fn has_word(&self, is: impl Fn(&str) -> bool) -> bool {
        self.option.split(|c: char| !c.is_alphanumeric()).any(is)
    }

    fn writes(&self) -> bool {
        self.has_word(|word| WRITES.contains(&word))
    }

    fn reads(&self) -> bool {
        self.has_word(|word| READS.iter().any(|start| word.starts_with(start)))
    }
}

fn arguments(command: &[String]) -> Vec<Argument<'_>> {
    let mut option = "";
    let mut out = vec![];
    for word in command {
        match (word.split_once('='), word.starts_with('-')) {
            (Some((name, value)), _) => out.push(Argument { option: name.to_lowercase(), value }),
            (None, true) => {
                option = word;
                continue;
            }
            (None, false) => out.push(Argument { option: option.to_lowercase(), value: word }),
        }
        option = "";
    }
    out.retain(|argument| !argument.value.is_empty() && !argument.writes());
    out
}

/// A file or folder that a command may take up.
struct Wanted {
    path: PathBuf,
    /// What was saved in it is meant as well as itself.
    reads: bool,
}

impl Wanted {
    fn of(argument: &Argument<'_>, cwd: &Path) -> Option<Wanted> {
        let path = fs::canonicalize(cwd.join(argument.value)).ok()?;
        let reads = argument.reads();
        // Behind `--load-data` or `--from-config` stands something else.
        let holds_saved = || fs::read_dir(&path).is_ok_and(|all| all.flatten().take(ENTRIES_MAX).any(|entry| is_saved(&entry.path())));
        (is_saved(&path) || reads && holds_saved()).then_some(Wanted { path, reads })
    }

    /// Whether it may be meant, by the names alone.
    fn is_called_so(&self, saved: &Path) -> bool {
        let name = self.path.file_name();
        saved.file_name() == name || self.reads && saved.parent().and_then(Path::file_name) == name
    }

    fn is(&self, saved: &Path) -> bool {
        saved == self.path || self.reads && saved.parent() == Some(&self.path)
    }
}

/// Whether a file or folder is a checkpoint by its name: og tells of no others.
fn is_saved(path: &Path) -> bool {
    checkpoint_of(path).is_some() || checkpoint_of(&path.join("weights")).as_deref() == Some(path)
}

impl Store {
    /// The run of this store whose weights `command`, run in `cwd`, takes up; of several that saved to one place, the one
    /// that was told of last. A folder means its newest weights where the option says that they are taken up. O(runs) in
    /// commands with something that may be a checkpoint, else nothing is read.
    pub fn parent_of(&self, command: &[String], cwd: &Path) -> Option<Parent> {
        let wanted: Vec<Wanted> = arguments(command).iter().filter_map(|argument| Wanted::of(argument, cwd)).collect();
        if wanted.is_empty() {
            return None;
        }
        let runs = self.runs().ok()?;
        let saved = runs.iter().take(RUNS_MAX).flat_map(|id| saved_by(&self.run(id), &wanted));
        saved.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, parent)| parent)
    }
}

/// The checkpoints that a run told of, that are still there and wanted, with the Unix time of each.
fn saved_by(run: &RunFolder, wanted: &[Wanted]) -> Vec<(f64, Parent)> {
    let Ok(events) = end_of(&run.events()) else { return vec![] };
    let mut cwd = None;
    let mut saved = |event: Event| {
        let EventKind::Checkpoint { path, step } = event.kind else { return None };
        let called_so: Vec<&Wanted> = wanted.iter().filter(|wanted| wanted.is_called_so(Path::new(&path))).collect();
        if called_so.is_empty() {
            return None;
        }
        let cwd: &mut PathBuf = cwd.get_or_insert_with(|| run.info().map(|info| info.cwd).unwrap_or_default());
        let at = fs::canonicalize(cwd.join(&path)).ok()?;
        called_so.iter().any(|wanted| wanted.is(&at)).then(|| (event.t.secs(), Parent { run: run.id().0, checkpoint: Some(path), step }))
    };
    // A damaged line is no event, and costs no other.
    let lines = events.split(|byte| *byte == b'\n').filter(|line| memmem::find(line, b"checkpoint").is_some());
    lines.filter_map(|line| Event::from_line(str::from_utf8(line).ok()?)).filter_map(&mut saved).collect()
}

/// The last bytes of a file, as many as are read of it.
fn end_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(EVENTS_BYTES_MAX)))?;
    let mut end = vec![];
    file.take(EVENTS_BYTES_MAX).read_to_end(&mut end)?;
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{RunId, WallTime},
        store::NewRun,
    };
    use std::io::Write;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn arguments_have_the_names_of_their_options() {
        let command = words("python train.py --resume a.pt --fast --ckpt=b.pt model.init=c.pt --out d.pt e.pt");
        let found: Vec<(String, &str)> = arguments(&command).into_iter().map(|argument| (argument.option, argument.value)).collect();
        let want = [("", "python"), ("", "train.py"), ("--resume", "a.pt"), ("--ckpt", "b.pt"), ("model.init", "c.pt"), ("", "e.pt")];
        assert_eq!(found, want.map(|(option, value)| (option.to_owned(), value)));
    }

    #[test]
    fn a_run_goes_on_from_the_run_that_saved_what_it_loads() {
        let dir = tempfile::tempdir().unwrap();
        let (cwd, store) = (dir.path(), Store::at(dir.path().join(".og")));
        let at = |secs: f64| WallTime::new(secs).unwrap();
        let mut ids = vec![];
        for (n, saved) in [["out/step-10.pt", "out/step-20.pt"], ["late/step-20.pt", "late/step-30.pt"]].iter().enumerate() {
            let now = at(1.7e9 + 100.0 * n as f64);
            let (run, info) = store.create_run(NewRun { cwd: cwd.to_owned(), ..NewRun::default() }, now, n as u64).unwrap();
            ids.push(info.id);
            for (k, path) in saved.iter().enumerate() {
                fs::create_dir_all(cwd.join(path).parent().unwrap()).unwrap();
                fs::write(cwd.join(path), "weights").unwrap();
                let step = path[path.len() - 5..path.len() - 3].parse().ok();
                let kind = EventKind::Checkpoint { path: (*path).to_owned(), step };
                run.append_event(&Event { t: at(now.secs() + k as f64), author: "og".into(), kind }).unwrap();
            }
        }
        let parent = |command: &str| store.parent_of(&words(command), cwd).map(|parent| (parent.run, parent.step));
        let (first, second) = (ids[0].clone(), ids[1].clone());
        assert_eq!(parent("python train.py --resume out/step-10.pt"), Some((first.clone(), Some(10))));
        assert_eq!(parent("python train.py --resume=./out"), Some((first, Some(20))));
        assert_eq!(parent("python eval.py late/step-20.pt"), Some((second.clone(), Some(20))));
        assert_eq!(parent("python eval.py --load-saved late/step-20.pt"), Some((second, Some(20))));
        // Much is noted behind it, and some of that is damaged.
        let noted = [b"\xff\xfe{\"t\":1,\"kind\":\"checkpoint\"}\n".as_slice(), &b"{\"t\":1,\"kind\":\"note\"}\n".repeat(1000)].concat();
        fs::File::options().append(true).open(store.run(&RunId(ids[1].clone())).events()).unwrap().write_all(&noted).unwrap();
        assert_eq!(parent("python eval.py late/step-20.pt").map(|(_, step)| step), Some(Some(20)));
        fs::create_dir(cwd.join("data")).unwrap();
        fs::write(cwd.join("data/train.bin"), "").unwrap();
        fs::write(cwd.join("c.yaml"), "").unwrap();
        let command = words("train.py --load-data data --from-config c.yaml --init . --resume late");
        let wanted = arguments(&command);
        let wanted: Vec<PathBuf> = wanted.iter().filter_map(|argument| Some(Wanted::of(argument, cwd)?.path)).collect();
        assert_eq!(wanted, [fs::canonicalize(cwd.join("late")).unwrap()], "of what is no checkpoint no run is asked");
        for other in ["python train.py --out out/step-10.pt", "python train.py --dir out", "python train.py --resume no.pt", "cat ."] {
            assert_eq!(parent(other), None, "{other}");
        }
    }
}
