//! Canvas folders, `<store>/canvas/<name>/`, and the list of those that this machine knows.

use super::{CanvasState, Message, Spec, SpecError};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::retry_on_intr,
    process::{Pid, PidfdFlags},
};
use serde::Serialize;
use std::{
    fs,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Longest name of a canvas: it is a folder and part of a session's name.
const NAME_BYTES_MAX: usize = 64;
/// Name of the file that holds the spec, in the canvas folder.
pub const SPEC: &str = "canvas.json";
/// Name of the file that says what was made of it.
pub const STATE: &str = "state.json";
/// The conversation.
const CHAT: &str = "chat.jsonl";
/// Beginning of the name of a file that holds one of before.
const SET_ASIDE: &str = "chat-";
/// Ending of a file in the runtime folder that says where a canvas lies.
const POINTER: &str = "canvas";

/// How long others may take to make or remove a canvas: each takes milliseconds, also where many do.
const TURN_MAX: Duration = Duration::from_secs(3);
/// How often is looked whether they are done.
const TURN_LOOK_EVERY: Duration = Duration::from_millis(5);

/// A canvas folder could not be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum CanvasError {
    /// The name cannot be a folder.
    #[error("`{0}` cannot be the name of a canvas")]
    Name(String),
    /// A live canvas has this name.
    #[error("a canvas `{name}` is already running here")]
    Taken {
        /// The name.
        name: String,
    },
    /// A canvas of this name was closed, and its training goes on.
    #[error("the canvas `{name}` was closed, but its training goes on")]
    GoesOn {
        /// The name.
        name: String,
    },
    /// The folder holds no canvas.
    #[error("{} holds no canvas", path.display())]
    Absent {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A state file is not one.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// A spec cannot be used.
    #[error("{}", path.display())]
    Spec {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: SpecError,
    },
}

impl CanvasError {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            CanvasError::Name(_) => Some("use letters, digits, `-`, `_` and `.`, starting with a letter or digit".into()),
            CanvasError::Taken { name } => {
                Some(format!("choose another name with `--canvas NAME`, or end that one with `og canvas close {name}`"))
            }
            CanvasError::GoesOn { name } => Some(format!(
                "choose another name with `--canvas NAME`, open that one again with `og canvas restart {name}`, or end its training \
                 with `og canvas close {name} --kill-run`"
            )),
            CanvasError::Absent { .. } => Some("`og canvas list` shows the canvases".into()),
            CanvasError::Write { source, .. } => write_hint(source),
            CanvasError::Read { .. } | CanvasError::Damaged { .. } => None,
            CanvasError::Spec { source, .. } => source.hint(),
        }
    }
}

fn write_hint(source: &io::Error) -> Option<String> {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("free some space, or put the store elsewhere: `--store PATH` or OG_DIR".into())
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotADirectory => {
            Some("put the store where you may write: `--store PATH` or OG_DIR".into())
        }
        _ => None,
    }
}

/// A canvas that was found: its folder and its state.
#[derive(Clone, PartialEq, Debug)]
pub struct Known {
    /// The canvas folder.
    pub dir: PathBuf,
    /// What it was made of.
    pub state: CanvasState,
    /// What there is of it.
    pub life: Life,
}

/// What there is of a canvas, the most first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Life {
    /// Its controller or one of its panes runs.
    Live,
    /// It was closed, but its training goes on.
    Closed,
    /// Nothing of it runs any more, but its panes are there. Only tmux knows that.
    Left,
    /// Its folder.
    Ended,
}

impl Life {
    /// Whether a process of it runs.
    pub fn runs(self) -> bool {
        self <= Life::Closed
    }
}

/// Makes the folder of a canvas with its spec and a first state. The folder of a canvas that has ended is taken over; what
/// was said there goes on when this one shows the same run, and else is set aside, see [`set_aside`]. A live one of that
/// name is [`CanvasError::Taken`]. Of those who ask for one name at the same time one gets it, as long as something in the
/// state runs.
pub fn create(store: &Path, state: &CanvasState, spec: &Spec) -> Result<PathBuf, CanvasError> {
    let dir = folder(store, &state.name)?;
    let _turn = turn(&store.join("canvas"), TURN_MAX);
    let old = known(dir.clone());
    match old.as_ref().map(|old| old.life) {
        Some(Life::Live) => return Err(CanvasError::Taken { name: state.name.clone() }),
        Some(Life::Closed) => return Err(CanvasError::GoesOn { name: state.name.clone() }),
        _ => {}
    }
    fs::create_dir_all(&dir).map_err(|source| CanvasError::Write { path: dir.clone(), source })?;
    let chat = dir.join(CHAT);
    let unless_absent = |done: io::Result<()>, path: PathBuf| match done {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(CanvasError::Write { path, source }),
        _ => Ok(()),
    };
    unless_absent(fs::rename(&chat, set_aside(&dir, &old.map(|old| old.state).unwrap_or_default())), chat.clone())?;
    for left in [STATE, "log.jsonl"] {
        let path = dir.join(left);
        unless_absent(fs::remove_file(&path), path)?;
    }
    // A copy: should this canvas never come to be, that stays.
    unless_absent(fs::copy(set_aside(&dir, state), &chat).map(drop), chat)?;
    write_spec(&dir, spec)?;
    write(&dir, state)?;
    Ok(dir)
}

/// Until this is dropped or its process dies, nobody else makes or removes a canvas there. Without locks (some network file
/// systems), and where somebody was stopped in the middle, all go on as if alone.
fn turn(canvases: &Path, at_most: Duration) -> Option<fs::File> {
    let made = fs::create_dir_all(canvases).and_then(|()| fs::File::open(canvases));
    let since = Instant::now();
    made.and_then(|folder| {
        loop {
            match folder.try_lock() {
                Err(fs::TryLockError::WouldBlock) if since.elapsed() < at_most => std::thread::sleep(TURN_LOOK_EVERY),
                locked => return locked.map(|()| folder).map_err(Into::into),
            }
        }
    })
    .ok()
}

/// Where the conversation of a canvas goes when another one takes over its folder: named after the run that it was about,
/// so that it goes on with the next canvas of this name that shows that run.
fn set_aside(dir: &Path, state: &CanvasState) -> PathBuf {
    /// With the rest of the name well below the 255 bytes of a file's name.
    const RUN_BYTES_MAX: usize = 200;
    let path = || state.run.as_ref().map(|run| run.display().to_string());
    let run = state.run_id.clone().or_else(path).unwrap_or_else(|| state.id.clone());
    let word = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") }
    };
    let name: String = run.bytes().map(word).collect();
    dir.join(format!("{SET_ASIDE}{}.jsonl", &name[name.len().saturating_sub(RUN_BYTES_MAX)..]))
}

/// `<store>/canvas/<name>`, when the name can be a folder.
pub fn folder(store: &Path, name: &str) -> Result<PathBuf, CanvasError> {
    let fits = name.len() <= NAME_BYTES_MAX
        && name.starts_with(char::is_alphanumeric)
        && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
    match fits {
        true => Ok(store.join("canvas").join(name)),
        false => Err(CanvasError::Name(name.to_string())),
    }
}

/// The state of the canvas in a folder.
pub fn read(dir: &Path) -> Result<CanvasState, CanvasError> {
    let path = dir.join(STATE);
    let bytes = fs::read(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => CanvasError::Absent { path: dir.to_owned(), source },
        _ => CanvasError::Read { path: path.clone(), source },
    })?;
    serde_json::from_slice(&bytes).map_err(|source| CanvasError::Damaged { path, source })
}

/// Replaces the state, all or nothing.
pub fn write(dir: &Path, state: &CanvasState) -> Result<(), CanvasError> {
    replace(&dir.join(STATE), &pretty(state))
}

/// The spec of the canvas in a folder.
pub fn read_spec(dir: &Path) -> Result<Spec, CanvasError> {
    let path = dir.join(SPEC);
    let text = fs::read_to_string(&path).map_err(|source| CanvasError::Read { path: path.clone(), source })?;
    Spec::parse(&text).map_err(|source| CanvasError::Spec { path, source })
}

/// Replaces the spec, all or nothing.
pub fn write_spec(dir: &Path, spec: &Spec) -> Result<(), CanvasError> {
    replace(&dir.join(SPEC), spec.to_json().as_bytes())
}

/// Removes the folder of a canvas that never came to be, unless another one has taken it over. What was said in one before it
/// stays.
pub fn discard(dir: &Path, id: &str) {
    let _turn = dir.parent().and_then(|canvases| turn(canvases, TURN_MAX));
    if read(dir).is_ok_and(|state| state.id == id) {
        let is_set_aside = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(SET_ASIDE);
        for entry in fs::read_dir(dir).into_iter().flatten().flatten().filter(|entry| !is_set_aside(entry)) {
            let _ = fs::remove_file(entry.path()).or_else(|_| fs::remove_dir_all(entry.path()));
        }
        let _ = fs::remove_dir(dir);
    }
}

/// Adds a message to the conversation of a canvas. `at` is ISO 8601.
pub fn say(dir: &Path, author: &str, text: &str, at: &str) -> Result<(), CanvasError> {
    #[derive(Serialize)]
    struct Message<'a> {
        t: &'a str,
        author: &'a str,
        text: &'a str,
    }
    let path = dir.join(CHAT);
    let mut line = serde_json::to_vec(&Message { t: at, author, text }).unwrap_or_default();
    line.push(b'\n');
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(&line))
        .map_err(|source| CanvasError::Write { path, source })
}

/// The conversation of a canvas, read as it grows.
#[derive(Debug)]
pub struct ChatTail {
    path: PathBuf,
    offset: u64,
    torn: Vec<u8>,
    messages: Vec<Message>,
}

impl ChatTail {
    /// Messages that are kept for a screen; the file has all.
    const MESSAGES_MAX: usize = 5000;
    /// Bytes taken in one look.
    const BYTES_MAX: u64 = 4 << 20;

    /// The conversation of the canvas in a folder, from its start.
    pub fn new(dir: &Path) -> ChatTail {
        ChatTail { path: dir.join(CHAT), offset: 0, torn: vec![], messages: vec![] }
    }

    /// The file, which may not exist yet.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The messages so far, oldest first.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Reads on; how many messages are new. A file that became shorter starts over.
    pub fn poll(&mut self) -> usize {
        let Ok(mut file) = fs::File::open(&self.path) else { return 0 };
        if file.metadata().is_ok_and(|file| file.len() < self.offset) {
            *self = ChatTail { path: std::mem::take(&mut self.path), offset: 0, torn: vec![], messages: vec![] };
        }
        let read = file.seek(SeekFrom::Start(self.offset)).and_then(|_| file.take(ChatTail::BYTES_MAX).read_to_end(&mut self.torn));
        self.offset += read.unwrap_or(0) as u64;
        let before = self.messages.len();
        let whole = self.torn.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let lines: Vec<u8> = self.torn.drain(..whole).collect();
        self.messages.extend(lines.split(|byte| *byte == b'\n').filter_map(Message::from_line));
        let fresh = self.messages.len() - before;
        self.messages.drain(..self.messages.len().saturating_sub(ChatTail::MESSAGES_MAX));
        fresh
    }
}

/// The canvases of a store by name, ended ones included. Folders that hold none are passed over.
pub fn list(store: &Path) -> Vec<Known> {
    let Ok(entries) = fs::read_dir(store.join("canvas")) else { return vec![] };
    let mut known: Vec<Known> = entries.flatten().filter_map(|entry| known(entry.path())).collect();
    known.sort_by(|a, b| a.state.name.cmp(&b.state.name));
    known
}

/// Lets every `og` of this user on this machine know of a canvas: `<runtime>/<id>.canvas` holds its folder.
pub fn announce(runtime: &Path, id: &str, dir: &Path) -> Result<(), CanvasError> {
    replace(&runtime.join(format!("{id}.{POINTER}")), dir.as_os_str().as_encoded_bytes())
}

/// Takes back [`announce`].
pub fn forget(runtime: &Path, id: &str) {
    let _ = fs::remove_file(runtime.join(format!("{id}.{POINTER}")));
}

/// The canvases that were announced on this machine and of which something is there, by name. `left` says whether panes of
/// one that runs no more are. The announcement of one that has ended is taken back, so that asking costs what lives and not
/// what ever lived.
pub fn announced(runtime: &Path, left: impl Fn(&CanvasState) -> bool) -> Vec<Known> {
    use std::os::unix::ffi::OsStringExt;
    let Ok(entries) = fs::read_dir(runtime) else { return vec![] };
    let mut found = vec![];
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|x| x == POINTER)) {
        let Ok(dir) = fs::read(&path) else { continue };
        let dir = PathBuf::from(std::ffi::OsString::from_vec(dir));
        // A folder that another canvas took over is not this one's any more.
        let own = |canvas: &Known| path.file_stem().is_some_and(|stem| stem.to_string_lossy() == canvas.state.id);
        match known(dir).filter(own).map(|canvas| canvas.or_left(&left)).filter(|canvas| canvas.life != Life::Ended) {
            Some(canvas) => found.push(canvas),
            None => _ = fs::remove_file(&path),
        }
    }
    found.sort_by(|a, b| (&a.state.name, &a.dir).cmp(&(&b.state.name, &b.dir)));
    found
}

/// The canvas in a folder, if there is one. Whether panes are left of one that has ended is not known here.
pub fn known(dir: PathBuf) -> Option<Known> {
    let state = read(&dir).ok()?;
    let life = match (runs(&state), state.closed) {
        (true, false) => Life::Live,
        (true, true) => Life::Closed,
        (false, _) => Life::Ended,
    };
    Some(Known { dir, state, life })
}

impl Known {
    /// The same, with an answer to whether panes of it are left.
    pub fn or_left(self, left: impl Fn(&CanvasState) -> bool) -> Known {
        match self.life {
            Life::Ended if left(&self.state) => Known { life: Life::Left, ..self },
            _ => self,
        }
    }
}

/// Whether a process of the canvas runs: its controller or one of its panes. Costs a few system calls and no tmux.
fn runs(state: &CanvasState) -> bool {
    state.controller_pid.into_iter().chain(state.panes.iter().map(|pane| pane.pid)).any(is_process)
}

/// Whether a process of this user runs under this id. One that has ended but was never waited for still has its id, in a
/// container whose first process does not care forever: it does not run.
pub fn is_process(pid: u32) -> bool {
    !ends_within(pid, Duration::ZERO)
}

/// Waits until no process of this user runs under this id, so long at most; whether that came.
pub fn ends_within(pid: u32, at_most: Duration) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return true };
    if rustix::process::test_kill_process(pid).is_err() {
        return true;
    }
    let at_most = Timespec { tv_sec: at_most.as_secs() as i64, tv_nsec: at_most.subsec_nanos().into() };
    let ends = |process| retry_on_intr(|| poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&at_most))).is_ok_and(|n| n > 0);
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).is_ok_and(ends)
}

fn pretty<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Writes beside and renames, so that a reader sees the old file or the new one. No two writers share a temporary file.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), CanvasError> {
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    written.map_err(|source| {
        let _ = fs::remove_file(&beside);
        CanvasError::Write { path: path.to_owned(), source }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::PaneState;

    fn state(name: &str, pid: u32) -> CanvasState {
        CanvasState {
            v: 1,
            id: format!("id-{name}"),
            name: name.into(),
            panes: vec![PaneState { role: "graph".into(), pane: "%1".into(), pid }],
            ..CanvasState::default()
        }
    }

    /// A process that has ended and was waited for, so that its id is nobody's.
    fn ended() -> u32 {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    #[test]
    fn whoever_is_stopped_while_it_makes_a_canvas_holds_nobody_up_for_good() {
        let store = tempfile::tempdir().unwrap();
        let turn = || turn(store.path(), Duration::from_millis(20));
        let held = turn();
        assert!(held.is_some() && turn().is_none());
        drop(held);
        assert!(turn().is_some());
    }

    #[test]
    fn a_process_that_nobody_waited_for_does_not_run() {
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        assert!(is_process(child.id()));
        drop(child.stdin.take());
        // Its end is not waited for here, so that it keeps its id.
        let since = std::time::Instant::now();
        while is_process(child.id()) {
            assert!(since.elapsed().as_secs() < 30, "it has ended");
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!is_process(child.id()) && !is_process(0) && !is_process(u32::MAX));
    }

    #[test]
    fn a_live_canvas_keeps_its_name_and_an_ended_one_gives_it_away() {
        let store = tempfile::tempdir().unwrap();
        let spec = Spec::preset("monitor").unwrap();
        let dir = create(store.path(), &state("a", std::process::id()), &spec).unwrap();
        assert_eq!(dir, store.path().join("canvas/a"));
        let error = create(store.path(), &state("a", 1), &spec).unwrap_err();
        assert!(matches!(&error, CanvasError::Taken { name } if name == "a"));

        write(&dir, &state("a", ended())).unwrap();
        create(store.path(), &state("a", std::process::id()), &spec).unwrap();
        assert_eq!(read_spec(&dir).unwrap(), spec);
    }

    #[test]
    fn of_all_who_ask_for_a_name_one_gets_it_and_only_that_one_gives_it_back() {
        let store = tempfile::tempdir().unwrap();
        let spec = Spec::preset("monitor").unwrap();
        // The folder is there already, of a canvas that has ended.
        create(store.path(), &state("a", ended()), &spec).unwrap();
        let of = |id: usize| CanvasState { id: id.to_string(), controller_pid: Some(std::process::id()), ..CanvasState::default() };
        let got: Vec<usize> = std::thread::scope(|threads| {
            let ask = |id| {
                let (store, spec, of) = (store.path(), &spec, &of);
                threads.spawn(move || create(store, &CanvasState { name: "a".into(), ..of(id) }, spec).ok().map(|_| id))
            };
            let asked: Vec<_> = (0..8).map(ask).collect();
            asked.into_iter().filter_map(|asked| asked.join().unwrap()).collect()
        });
        let dir = store.path().join("canvas/a");
        assert_eq!(got.len(), 1);
        assert_eq!(read(&dir).unwrap().id, got[0].to_string());
        discard(&dir, "another");
        assert!(dir.exists());
        discard(&dir, &got[0].to_string());
        assert!(!dir.exists());
    }

    #[test]
    fn what_was_said_of_a_run_goes_on_with_it_and_is_never_lost() {
        let store = tempfile::tempdir().unwrap();
        let gone = ended();
        let make = |id: &str, run: Option<&str>, path: Option<&str>| {
            let (run_id, run) = (run.map(String::from), path.map(PathBuf::from));
            let state = CanvasState { id: id.into(), run_id, run, ..state("a", gone) };
            create(store.path(), &state, &Spec::preset("review").unwrap()).unwrap()
        };
        let said = |dir: &Path| {
            let mut chat = ChatTail::new(dir);
            chat.poll();
            chat.messages().iter().map(|message| message.text.clone()).collect::<Vec<_>>()
        };
        let dir = make("c1", Some("run 1/x"), None);
        say(&dir, "human", "why?", "2026-01-01T00:00:00Z").unwrap();
        assert_eq!(said(&make("c2", Some("run 1/x"), None)), ["why?"]);
        say(&dir, "agent", "so", "2026-01-01T00:00:01Z").unwrap();
        for (id, run, path) in [("c3", Some("run 2"), None), ("c4", None, Some("/tmp/a.log")), ("c5", None, None), ("c6", None, None)] {
            assert!(said(&make(id, run, path)).is_empty());
            say(&dir, "human", id, "2026-01-01T00:00:02Z").unwrap();
        }
        assert_eq!(said(&make("c7", None, Some("/tmp/a.log"))), ["c4"]);
        assert_eq!(said(&make("c8", Some("run 1/x"), None)), ["why?", "so"]);
        // One that could not be made leaves all that was said.
        discard(&dir, "c8");
        assert!(known(dir.clone()).is_none() && !dir.join(SPEC).exists());
        assert_eq!(said(&make("c9", Some("run 1/x"), None)), ["why?", "so"]);
        make("c0", Some(&"👍".repeat(200)), None);
        say(&dir, "human", "long", "2026-01-01T00:00:03Z").unwrap();
        make("c1", None, None);
        assert_eq!(said(&make("c2", Some(&"👍".repeat(200)), None)), ["long"]);
    }

    #[test]
    fn a_canvas_that_never_came_to_be_leaves_nothing() {
        let store = tempfile::tempdir().unwrap();
        let dir = create(store.path(), &state("a", 1), &Spec::preset("review").unwrap()).unwrap();
        say(&dir, "human", "do it", "t").unwrap();
        discard(&dir, "id-a");
        assert!(!dir.exists());
    }

    #[test]
    fn a_name_that_is_no_folder_is_refused() {
        for name in ["", ".", "..", "../x", "a/b", "-x", ".hidden", "a b", "a\u{202e}b", "👍", &"x".repeat(65)] {
            assert!(matches!(folder(Path::new("/s"), name), Err(CanvasError::Name(_))), "{name:?}");
        }
        for name in ["lr-0.1_b", "训练", "größe-2"] {
            assert_eq!(folder(Path::new("/s"), name).unwrap(), Path::new("/s/canvas").join(name));
        }
    }

    #[test]
    fn announced_canvases_are_found_and_stale_pointers_go() {
        let store = tempfile::tempdir().unwrap();
        let runtime = tempfile::tempdir().unwrap();
        let spec = Spec::preset("review").unwrap();
        for name in ["b", "a"] {
            let dir = create(store.path(), &state(name, std::process::id()), &spec).unwrap();
            announce(runtime.path(), &format!("id-{name}"), &dir).unwrap();
        }
        announce(runtime.path(), "id-gone", Path::new("/nonexistent/canvas/gone")).unwrap();
        let names = |known: Vec<Known>| known.into_iter().map(|k| (k.state.name, k.life)).collect::<Vec<_>>();
        let want = vec![("a".to_string(), Life::Live), ("b".to_string(), Life::Live)];
        let found = |left: bool| names(announced(runtime.path(), |_| left));
        assert_eq!(found(false), want);
        assert_eq!(names(list(store.path())), want);
        assert!(!runtime.path().join("id-gone.canvas").exists());
        forget(runtime.path(), "id-a");
        assert_eq!(found(false), [("b".to_string(), Life::Live)]);

        // One whose processes are gone is known for as long as its panes are there.
        write(&store.path().join("canvas/b"), &state("b", ended())).unwrap();
        assert_eq!(found(true), [("b".to_string(), Life::Left)]);
        assert_eq!(found(false), []);
        assert!(!runtime.path().join("id-b.canvas").exists());
    }

    #[test]
    fn a_closed_canvas_keeps_its_name_while_its_training_goes_on() {
        let store = tempfile::tempdir().unwrap();
        let spec = Spec::preset("monitor").unwrap();
        let closed = CanvasState { closed: true, ..state("a", std::process::id()) };
        let dir = create(store.path(), &closed, &spec).unwrap();
        assert_eq!(known(dir.clone()).unwrap().life, Life::Closed);
        let error = create(store.path(), &state("a", 1), &spec).unwrap_err();
        assert!(error.hint().unwrap().contains("og canvas close a --kill-run"), "{error}");
        write(&dir, &CanvasState { closed: true, ..state("a", ended()) }).unwrap();
        assert_eq!(known(dir).unwrap().life, Life::Ended);
    }

    #[test]
    fn a_full_disk_is_an_error_with_a_hint() {
        let error = CanvasError::Write { path: "x".into(), source: io::ErrorKind::StorageFull.into() };
        assert!(error.hint().unwrap().contains("space"));
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = create(file.path(), &state("a", 0), &Spec::preset("review").unwrap()).unwrap_err();
        assert!(matches!(&error, CanvasError::Write { source, .. } if source.kind() == io::ErrorKind::NotADirectory), "{error:?}");
        assert!(error.hint().unwrap().contains("--store"));
    }

    #[test]
    fn messages_are_lines() {
        let dir = tempfile::tempdir().unwrap();
        say(dir.path(), "human", "look at\nthe loss", "2026-01-01T00:00:00Z").unwrap();
        let text = fs::read_to_string(dir.path().join(CHAT)).unwrap();
        assert_eq!(text, "{\"t\":\"2026-01-01T00:00:00Z\",\"author\":\"human\",\"text\":\"look at\\nthe loss\"}\n");
    }
}
