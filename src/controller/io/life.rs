//! Starting, reaching and ending the controller of a canvas. At most one runs: it holds a lock on a file of the canvas.

use crate::{
    canvas::{self, io::CanvasError},
    ipc::{
        self,
        io::{Connection, IpcError},
        wire::Request,
    },
    tmux::{NewPane, PaneId, Server, TmuxError},
};
use rustix::process::{Pid, Signal};
use std::{
    fs::{self, File, TryLockError},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// The file that a controller holds locked for as long as it lives; its process id is in it.
const LOCK: &str = "controller.lock";
/// Variables of the caller that og's own panes need and a running tmux server does not know.
const FOR_OUR_PANES: &[&str] = &["XDG_RUNTIME_DIR", "OG_TMUX", "OG_LOG", "OG_DIR", "NO_COLOR", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE"];
/// How long another starter's controller may take to listen.
const START_MAX: Duration = Duration::from_secs(3);
/// A controller that holds the lock and cannot be reached for so long has lost its socket: folders of sockets are emptied
/// when a person logs out, and by cleaners of /tmp.
const UNREACHABLE_MAX: Duration = Duration::from_millis(800);
/// How long one that has attached may take to listen.
const LISTEN_MAX: Duration = Duration::from_millis(200);
/// How long a controller may take to end when asked.
const END_MAX: Duration = Duration::from_secs(1);
/// Pause between two looks while waiting for another process.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Why a controller could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// The canvas folder cannot be read.
    #[error(transparent)]
    Canvas(#[from] CanvasError),
    /// Its socket cannot be used.
    #[error(transparent)]
    Ipc(#[from] IpcError),
    /// No controller could be started.
    #[error("cannot start the controller of canvas {name}: {why}")]
    Start {
        /// Name of the canvas.
        name: String,
        /// What it said.
        why: String,
    },
}

impl ControllerError {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            ControllerError::Canvas(error) => error.hint(),
            ControllerError::Ipc(error) => error.hint(),
            ControllerError::Start { .. } => Some(
                "the run's files are kept: `og canvas spawn review --run RUN` shows them; `controller.log` in the canvas folder says more"
                    .into(),
            ),
        }
    }
}

/// Connects to the controller of the canvas in `dir`; starts one when none answers.
pub fn connect(dir: &Path) -> Result<Connection, ControllerError> {
    let canvas = canvas::io::read(dir)?;
    let socket = ipc::io::socket_path(&canvas.id)?;
    match Connection::open(&socket) {
        Err(IpcError::Absent { .. }) => {}
        answered => return Ok(answered?),
    }
    let mut since = Instant::now();
    let mut unreachable = match start(dir, &canvas.name)? {
        Started::Ready => None,
        Started::Busy => holder(dir),
    };
    loop {
        match Connection::open(&socket) {
            Err(IpcError::Absent { .. }) if since.elapsed() > UNREACHABLE_MAX && unreachable.is_some() => {
                // Only that one: somebody else may have replaced it by now.
                let lost = unreachable.take().filter(|pid| holder(dir) == Some(*pid));
                if !lost.is_some_and(|pid| kill(dir, pid, || reaches(&socket))) {
                    start(dir, &canvas.name)?;
                }
                // The turn may have been long in coming, and whoever has the lock now is only about to listen.
                since = Instant::now();
            }
            Err(IpcError::Absent { .. }) if since.elapsed() < START_MAX => std::thread::sleep(LOOK_EVERY),
            answered => return Ok(answered?),
        }
    }
}

/// What a started controller said.
enum Started {
    /// It listens.
    Ready,
    /// Another one has the lock.
    Busy,
}

/// Starts a controller and waits until it listens, or until it says that another one does.
fn start(dir: &Path, name: &str) -> Result<Started, ControllerError> {
    let failed = |why: String| ControllerError::Start { name: name.into(), why };
    let dir = std::path::absolute(dir).map_err(|error| failed(error.to_string()))?;
    let log = File::options().create(true).append(true).open(dir.join("controller.log")).map_err(|error| failed(error.to_string()))?;
    let mut child = Command::new(program().map_err(|error| failed(error.to_string()))?)
        .arg("__controller")
        .arg(&dir)
        .env_remove("TMUX")
        .env_remove("TMUX_PANE")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let mut said = String::new();
    if let Some(out) = child.stdout.take() {
        let _ = BufReader::new(out).read_line(&mut said);
    }
    match said.trim_end() {
        "ready" => Ok(Started::Ready),
        "busy" => Ok(Started::Busy),
        "" => Err(failed("it ended at once".into())),
        said => Err(failed(said.strip_prefix("error ").unwrap_or(said).into())),
    }
}

/// What a pane with one of og's own programs runs, for the canvas `id` in `dir`.
pub fn program_pane(role: &str, dir: &Path, id: &str) -> io::Result<NewPane> {
    let text = |path: &Path| path.to_str().map(str::to_owned).ok_or(io::ErrorKind::InvalidFilename);
    let known = FOR_OUR_PANES.iter().filter_map(|name| Some((name.to_string(), std::env::var(name).ok()?)));
    Ok(NewPane { argv: vec![text(&program()?)?, format!("__{role}"), text(dir)?, id.to_owned()], cwd: None, env: known.collect() })
}

/// Whether a pane that was started with `command`, as tmux tells it, is of the canvas `id`: it says so in its last word also while it
/// has no mark yet.
pub fn is_started_for(command: &str, id: &str) -> bool {
    command.split(|c: char| !c.is_ascii_alphanumeric()).rfind(|word| !word.is_empty()) == Some(id)
}

/// Makes a pane one of this canvas's.
pub fn mark(server: &Server, pane: PaneId, id: &str, role: &str) -> Result<(), TmuxError> {
    server.set_pane_option(pane, "@og_canvas", id)?;
    server.set_pane_option(pane, "@og_role", role)?;
    // The training's last screen stays. One of og's own panes stays only when it was killed, for us to start it again.
    let remain = if role == "train" { "on" } else { "failed" };
    server.set_pane_option(pane, "remain-on-exit", remain)
}

/// The program that runs now, also when it was replaced on disk by a newer one meanwhile.
pub fn program() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    match path.to_str().and_then(|path| path.strip_suffix(" (deleted)")) {
        Some(replaced) => Ok(PathBuf::from(replaced)),
        None => Ok(path),
    }
}

/// Ends the controller of the canvas in `dir`, if one runs: asks first, then kills.
pub fn stop(dir: &Path) -> Result<(), ControllerError> {
    let canvas = canvas::io::read(dir)?;
    let socket = ipc::io::socket_path(&canvas.id)?;
    if let Ok(mut connection) = Connection::open(&socket) {
        let _ = connection.call(Request::Close, END_MAX);
    }
    let since = Instant::now();
    while since.elapsed() < END_MAX {
        if lock(dir).is_ok_and(|free| free.is_some()) {
            return Ok(());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    if let Some(pid) = holder(dir) {
        kill(dir, pid, || false);
    }
    Ok(())
}

/// Whether a controller listens now, or in a moment: one that was starting has attached by the time that a turn comes.
fn reaches(socket: &Path) -> bool {
    let since = Instant::now();
    loop {
        match Connection::open(socket) {
            Err(IpcError::Absent { .. }) if since.elapsed() < LISTEN_MAX => std::thread::sleep(LOOK_EVERY),
            answered => return answered.is_ok(),
        }
    }
}

/// Who has the lock, or had it last.
fn holder(dir: &Path) -> Option<Pid> {
    Pid::from_raw(fs::read_to_string(dir.join(LOCK)).ok()?.trim().parse().ok()?)
}

/// Ends a controller that has the lock, and waits until it is free. Not while its control clients come: that would crash
/// tmux. Nor does anybody else's come before they are gone. The turn is waited for, and it may have ended meanwhile, or be `well`:
/// whether it is.
fn kill(dir: &Path, pid: Pid, well: impl FnOnce() -> bool) -> bool {
    let home = canvas::io::read(dir).ok().map(|canvas| (Server::new(canvas.tmux.parse().unwrap_or_default()), canvas.session));
    let turn = home.as_ref().map(|(server, _)| server.turn());
    if lock(dir).is_ok_and(|free| free.is_some()) || holder(dir) != Some(pid) {
        return false;
    }
    if well() {
        return true;
    }
    let _ = rustix::process::kill_process(pid, Signal::KILL);
    let since = Instant::now();
    while lock(dir).is_ok_and(|free| free.is_none()) && since.elapsed() < END_MAX {
        std::thread::sleep(LOOK_EVERY);
    }
    if let (Some((server, session)), Some(turn)) = (home, turn) {
        let _ = server.end_orphans(&turn, &session, Some(pid.as_raw_nonzero().get().cast_unsigned()));
    }
    false
}

/// Replaces the controller of the canvas in `dir`.
pub fn restart(dir: &Path) -> Result<Connection, ControllerError> {
    stop(dir)?;
    connect(dir)
}

/// Takes the lock of a canvas; `None`: another controller has it.
pub(super) fn lock(dir: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).append(true).open(dir.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Writes into the lock who has it.
pub(super) fn sign(mut lock: &File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}

/// Says a line to whoever started us; nobody may be listening.
pub(super) fn announce(line: &str) {
    let mut out = io::stdout();
    let _ = writeln!(out, "{}", line.replace('\n', " "));
    let _ = out.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_lock_or_listens_after_all_is_not_killed() {
        let dir = tempfile::tempdir().unwrap();
        // It has the lock, as what its input comes from, for as long as it lives.
        let named = |lock: Option<File>| {
            let named = Command::new("sleep").arg("60").stdin(lock.map_or_else(Stdio::null, Stdio::from)).spawn().unwrap();
            fs::write(dir.path().join(LOCK), named.id().to_string()).unwrap();
            (Pid::from_child(&named), named)
        };
        let (pid, mut one) = named(None);
        assert!(!kill(dir.path(), pid, || false));
        assert!(one.try_wait().unwrap().is_none(), "the lock is free");
        one.kill().unwrap();
        one.wait().unwrap();

        let (pid, mut named) = named(lock(dir.path()).unwrap());
        assert!(kill(dir.path(), pid, || true));
        assert!(named.try_wait().unwrap().is_none(), "it listens");
        assert!(!kill(dir.path(), pid, || false));
        assert!(lock(dir.path()).unwrap().is_some());
        assert!(!named.wait().unwrap().success());
    }
}
