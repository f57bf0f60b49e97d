//! Which run a canvas without a training shows: one of the store, or whatever a path holds.

use super::{fail::Fail, open};
use crate::{
    canvas::io as canvases,
    source::{self, Kind, OpenError, RunRef, Watch},
    store::{RunFolder, RunReader, Store, StoreError},
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{Mode, OFlags},
    process::setsid,
};
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    os::{
        fd::AsFd,
        unix::fs::{FileTypeExt, MetadataExt, symlink},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What is piped into a canvas lies here in its folder.
const PIPED: &str = "stdin";

/// How far the process that takes what is piped stands back behind the one that writes it.
const NICE: i32 = 10;

/// A run to show.
#[derive(Clone, PartialEq, Debug)]
pub struct RunToShow {
    /// Its id, when it is one of the store.
    pub id: Option<String>,
    /// What it is called.
    pub name: String,
    place: Place,
}

#[derive(Clone, PartialEq, Debug)]
enum Place {
    /// A path that every process of the canvas can open.
    Path(PathBuf),
    /// A path that is no text, which the state of a canvas cannot hold, and the run in it.
    Strange(PathBuf, Option<String>),
    /// Bytes that can be read once, by one process: standard input, or the pipe at a path.
    Pipe(Option<PathBuf>),
}

impl RunToShow {
    /// The run that is asked for: of the store by id, short id or name; else a run folder, a log, a database, a project,
    /// or a folder with any of them, by path, and of its runs the first, or the one behind a `#`; else the latest of the store.
    pub fn find(store: &Store, asked: Option<&OsStr>) -> Result<RunToShow, Fail> {
        let Some(asked) = asked else {
            return match store.runs()?.first() {
                Some(latest) => own(&store.run(latest)),
                None => Err(Fail::new("no_run", format!("there is no run in {}", store.root().display()))
                    .hint("start one with `og run train.py`, or name one with --run PATH")),
            };
        };
        let by_name = asked.to_str().map(|asked| store.find_run(asked));
        if let Some(Ok(folder)) = by_name {
            return own(&RunFolder::at(folder.path().canonicalize().unwrap_or_else(|_| folder.path().to_owned())));
        }
        let path = PathBuf::from(asked);
        let runs = match (source::runs(&path), by_name) {
            // Nothing is there: then a name was meant.
            (Err(OpenError::Open { source, .. }), Some(Err(unknown))) if source.kind() == ErrorKind::NotFound => return Err(unknown.into()),
            (runs, _) => runs.map_err(StoreError::Foreign)?,
        };
        let Some(first) = runs.first() else {
            return Err(StoreError::NotARun { path }.into());
        };
        open::note_first(asked, &runs, "--run PATH#NAME");
        of(first)
    }

    /// Where it lies, when all processes can open that.
    pub fn path(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Path(path) => Some(path.clone()),
            Place::Strange(..) | Place::Pipe(_) => None,
        }
    }

    /// Puts the run where all processes of the canvas in `dir` find it. Returns its path.
    pub fn settle(&self, dir: &Path) -> Result<PathBuf, Fail> {
        let cannot = |error: io::Error| Fail::of("canvas", &error, None).about(format!("cannot write in {}", dir.display()));
        match &self.place {
            Place::Path(path) => Ok(path.clone()),
            Place::Strange(path, run) => {
                let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy().replace('\u{fffd}', "_")));
                let link = dir.join(format!("run{}", extension.unwrap_or_default()));
                let _old = fs::remove_file(&link);
                symlink(path, &link).map_err(cannot)?;
                Ok(run.as_ref().map_or(link.clone(), |run| PathBuf::from(format!("{}#{run}", link.display()))))
            }
            Place::Pipe(from) => {
                let path = dir.join(PIPED);
                File::create(&path).map_err(cannot)?;
                let mut pump = Command::new(super::place::program()?);
                pump.arg("__pump").arg(dir);
                pump.args(from).stdin(if from.is_some() { Stdio::null() } else { Stdio::inherit() });
                pump.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(cannot)?;
                Ok(path)
            }
        }
    }

    /// Whether the run is this process's standard input.
    pub fn is_stdin(&self) -> bool {
        self.place == Place::Pipe(None)
    }
}

fn own(folder: &RunFolder) -> Result<RunToShow, Fail> {
    let info = folder.info()?;
    Ok(RunToShow { place: Place::Path(folder.path().to_owned()), id: Some(info.id), name: info.name })
}

fn of(run: &RunRef) -> Result<RunToShow, Fail> {
    if run.kind == Kind::OgRun {
        return own(&RunFolder::at(run.path.canonicalize().unwrap_or_else(|_| run.path.clone())));
    }
    let is_pipe = || fs::metadata(&run.path).is_ok_and(|file| file.file_type().is_fifo());
    if run.path.as_os_str() == "-" || is_pipe() {
        let from = (!is_stdin(&run.path)).then(|| std::path::absolute(&run.path).unwrap_or_else(|_| run.path.clone()));
        return Ok(RunToShow { id: None, name: run.name.clone(), place: Place::Pipe(from) });
    }
    // A link may lead elsewhere tomorrow; a project that only has an inbox has no file yet.
    let real = run.path.canonicalize().or_else(|_| std::path::absolute(&run.path)).unwrap_or_else(|_| run.path.clone());
    let address = RunRef { path: real, ..run.clone() }.address();
    // What cannot be read is told before anything is made.
    RunReader::open(&address)?;
    let in_database = matches!(run.kind, Kind::Trackio | Kind::Tviz).then(|| run.id.clone());
    let place = match address.to_str() {
        Some(_) => Place::Path(address),
        None => Place::Strange(run.path.canonicalize().unwrap_or_else(|_| run.path.clone()), in_database),
    };
    let stem = Path::new(&run.name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = if run.path.is_file() && run.kind.decoder().is_some() { stem } else { None };
    Ok(RunToShow { id: None, name: name.unwrap_or_else(|| run.name.clone()), place })
}

/// Whether a path means standard input: `-`, `/dev/stdin`.
fn is_stdin(path: &Path) -> bool {
    let same = |at: fs::Metadata, input: rustix::fs::Stat| (at.dev(), at.ino()) == (input.st_dev, input.st_ino);
    path.as_os_str() == "-" || fs::metadata(path).ok().zip(rustix::fs::fstat(io::stdin()).ok()).is_some_and(|(at, input)| same(at, input))
}

/// Takes what is piped into the canvas in `dir`, from standard input or the pipe at `from`, to its end.
///
/// It lies in a file of the canvas and not in memory: graph, status and controller all read it, each can be killed and
/// started again, and afterwards it is there like any other log. Whoever writes into the pipe must never wait for us: when the disk is
/// full, the rest is taken and forgotten.
pub fn pump(dir: &Path, from: Option<&Path>) -> Result<u8, Fail> {
    let cannot = |error: io::Error| Fail::of("pipe", &error, None).about("cannot take what is piped");
    // Ctrl-C is for the training, whose last words shall be heard.
    let _ = setsid();
    let _ = rustix::process::nice(NICE);
    let mut input = match from {
        Some(path) => open_pipe(path, dir).map_err(cannot)?,
        None => File::from(io::stdin().as_fd().try_clone_to_owned().map_err(cannot)?),
    };
    let mut log = File::options().append(true).open(dir.join(PIPED)).map_err(cannot)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(0),
            Ok(length) => drop(log.write_all(&buffer[..length])),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait(&input).map_err(cannot)?,
            Err(error) => return Err(cannot(error)),
        }
    }
}

/// Opens a pipe and waits for its first writer; ends this process when the canvas is closed before.
fn open_pipe(path: &Path, dir: &Path) -> io::Result<File> {
    let pipe = File::from(rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?);
    let came = Arc::new(AtomicBool::new(false));
    let (waits, of) = (Arc::clone(&came), dir.to_owned());
    let mut watch = Watch::new(move || {
        let closed =
            canvases::read(&of).is_ok_and(|state| state.panes.is_empty() && state.controller_pid.is_none() && !state.window.is_empty());
        if closed && !waits.load(Ordering::SeqCst) {
            std::process::exit(0);
        }
    })
    .map_err(io::Error::other)?;
    watch.add(&dir.join("state.json"));
    wait(&pipe)?;
    came.store(true, Ordering::SeqCst);
    Ok(pipe)
}

fn wait(pipe: &File) -> io::Result<()> {
    let mut fds = [PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)];
    match poll(&mut fds, None) {
        Err(rustix::io::Errno::INTR) | Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
