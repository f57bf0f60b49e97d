//! The outside: the tmux program as single commands, built with `tmux_interface`. The control client is in `client`.

mod client;
mod turn;

use std::{
    env, fmt, io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::{self, Stdio},
    str::FromStr,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, test_kill_process},
};
use tmux_interface::{
    AttachSession, BreakPane, DisplayMessage, HasSession, JoinPane, KillPane, KillSession, ListPanes, ListSessions,
    NewSession as NewSessionBuilder, NewWindow, PipePane, RespawnPane, RunShell, SelectLayout, SetOption, ShowOptions, SplitWindow, Tmux,
    TmuxCommand,
};

pub use self::{client::Client, turn::Turn};
use super::{
    Death, Layout, PaneId, PaneInfo, SessionId, TmuxError, Version, WindowId,
    command::{escape_format, escape_time_format},
    pane,
};

/// How often [`Server::end_orphans`] looks, and how long it waits between: a killed process dies when it is next run.
const ORPHAN_ROUNDS_MAX: usize = 100;
const ORPHAN_PAUSE: Duration = Duration::from_millis(5);

/// How often [`Server::let_go`] looks, and how long it waits between: mostly the first answer says that they are gone.
const LEAVE_ROUNDS_MAX: usize = 200;
const LEAVE_PAUSE: Duration = Duration::from_millis(5);

/// How often [`Server::death`] asks: some 0.3 s in all.
const DEATH_ROUNDS_MAX: usize = 50;

/// Which tmux server. As text: empty, `-L name`, `-S /path`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub enum Socket {
    /// The person's default server.
    #[default]
    Default,
    /// `-L`: a server by name.
    Name(String),
    /// `-S`: a server by the path of its socket.
    Path(PathBuf),
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Socket::Default => Ok(()),
            Socket::Name(name) => write!(f, "-L {name}"),
            Socket::Path(path) => write!(f, "-S {}", path.display()),
        }
    }
}

impl Socket {
    /// Where it lies, as tmux itself computes it.
    pub fn path(&self) -> PathBuf {
        let name = match self {
            Socket::Path(path) => return path.clone(),
            Socket::Name(name) => name.as_str(),
            Socket::Default => "default",
        };
        let base = env::var_os("TMUX_TMPDIR").filter(|dir| !dir.is_empty()).unwrap_or_else(|| "/tmp".into());
        let base = Path::new(&base).canonicalize().unwrap_or_else(|_| base.into());
        base.join(format!("tmux-{}", rustix::process::getuid().as_raw())).join(name)
    }
}

/// Reads what [`Socket`] prints; a text without `-L` or `-S` is a name, or a path if it has a slash.
impl FromStr for Socket {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Socket, Self::Err> {
        Ok(match text.split_once(' ') {
            _ if text.is_empty() => Socket::Default,
            Some(("-L", name)) => Socket::Name(name.into()),
            Some(("-S", path)) => Socket::Path(path.into()),
            _ if text.contains('/') => Socket::Path(text.into()),
            _ => Socket::Name(text.into()),
        })
    }
}

/// The pane that this process runs in (`$TMUX_PANE`), if it runs in one.
pub fn own_pane() -> Option<PaneId> {
    env::var("TMUX_PANE").ok()?.parse().ok()
}

/// What runs in a new pane.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewPane {
    /// Program and arguments, run as they are, without a shell. Empty: the person's shell.
    pub argv: Vec<String>,
    /// Working directory; `None`: tmux's choice.
    pub cwd: Option<PathBuf>,
    /// Environment on top of the session's. A running server does not know the environment of og: what the program
    /// needs of it goes here. tmux takes 16 KB of arguments and environment in all.
    pub env: Vec<(String, String)>,
}

/// A session to be made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewSession {
    /// Its name. tmux turns `.` and `:` into `_`.
    pub name: String,
    /// Width of its window in cells while nobody is attached.
    pub cols: u16,
    /// Height of its window in cells while nobody is attached.
    pub rows: u16,
    /// Its first pane.
    pub pane: NewPane,
}

/// Where a split puts the new pane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Toward {
    /// Left of the target.
    Left,
    /// Right of the target.
    Right,
    /// Above the target.
    Above,
    /// Below the target.
    Below,
}

/// Size of a new pane along the split.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// Columns or rows.
    Cells(u16),
    /// Part of the target, 1 to 99.
    Percent(u8),
}

/// Where a pane goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The pane that gives way.
    pub target: PaneId,
    /// On which side of it.
    pub toward: Toward,
    /// How large; `None`: half.
    pub size: Option<Size>,
    /// Along the whole edge of the window instead of the target's.
    pub full: bool,
}

/// A tmux server. Nothing is kept open: every call starts one `tmux` and waits for it, about 3 ms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    socket: Socket,
    program: String,
}

impl Server {
    /// A server by its socket; it need not run. The program is `$OG_TMUX`, else `tmux`.
    pub fn new(socket: Socket) -> Server {
        let program = env::var("OG_TMUX").ok().filter(|p| !p.is_empty()).unwrap_or_else(|| "tmux".into());
        Server { socket, program }
    }

    /// The server of the pane that this process runs in (`$TMUX`); `None`: it does not run in one.
    ///
    /// [`TmuxError::Stale`]: it did, but nothing answers there any more.
    pub fn from_env() -> Result<Option<Server>, TmuxError> {
        env::var("TMUX").ok().filter(|t| !t.is_empty()).map(|named| Server::from_named(&named)).transpose()
    }

    /// The server that a value of `$TMUX` names: `path,pid,session`, where the path may hold commas too.
    pub fn from_named(named: &str) -> Result<Server, TmuxError> {
        let path = PathBuf::from(named.rsplitn(3, ',').last().unwrap_or(named));
        match UnixStream::connect(&path) {
            Ok(_) => Ok(Server::new(Socket::Path(path))),
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Err(TmuxError::Denied { socket: path.display().to_string() }),
            Err(_) => Err(TmuxError::Stale { path }),
        }
    }

    /// Its socket.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The version of the program. Needs no server.
    pub fn version(&self) -> Result<Version, TmuxError> {
        let said = self.output(Tmux::new().version().into_command(), "-V")?;
        Version::parse(&said).ok_or_else(|| garbled("-V", &said))
    }

    /// The version, or [`TmuxError::TooOld`].
    pub fn check_floor(&self) -> Result<Version, TmuxError> {
        let found = self.version()?;
        if found.is_enough() { Ok(found) } else { Err(TmuxError::TooOld { found }) }
    }

    /// Makes a session that nobody is attached to, and returns its pane. Starts the server if none runs.
    pub fn new_session(&self, session: &NewSession) -> Result<PaneInfo, TmuxError> {
        let build = NewSessionBuilder::new()
            .detached()
            .print()
            .format(pane::FORMAT)
            .session_name(escape_format(&session.name))
            .width(session.cols.into())
            .height(session.rows.into());
        let said = self.run(session.pane.on(build.build()))?;
        PaneInfo::parse(said.trim_end_matches('\n')).ok_or_else(|| garbled("new-session", &said))
    }

    /// Makes a pane beside another, without taking the focus.
    pub fn split(&self, place: Place, pane: &NewPane) -> Result<PaneId, TmuxError> {
        let mut build = SplitWindow::new().detached().print().format("#{pane_id}").target_pane(place.target.to_string());
        build.horizontal = place.toward.is_sideways();
        build.vertical = !build.horizontal;
        build.before = place.toward.is_before();
        build.full_size = place.full;
        self.run_for("split-window", pane.on(sized(build.build(), place.size)))
    }

    /// Makes a window after the others of a session, without going to it, and returns its pane.
    pub fn new_window(&self, session: &str, name: Option<&str>, pane: &NewPane) -> Result<PaneId, TmuxError> {
        let mut build = NewWindow::new().detached().print().format("#{pane_id}").target_window(in_session(session));
        build.window_name = name.map(|n| escape_format(n).into());
        self.run_for("new-window", pane.on(build.build()))
    }

    /// Moves a pane into a window of its own in a session, without going to it. The pane keeps its id and its program.
    pub fn break_pane(&self, pane: PaneId, session: &str, name: Option<&str>) -> Result<WindowId, TmuxError> {
        let mut build = BreakPane::new().detached().print().format("#{window_id}");
        build = build.src_pane(pane.to_string()).dst_window(in_session(session));
        build.window_name = name.map(Into::into);
        self.run_for("break-pane", build.build())
    }

    /// Moves a pane beside another, without taking the focus. The pane keeps its id and its program.
    pub fn join_pane(&self, pane: PaneId, place: Place) -> Result<(), TmuxError> {
        let mut build = JoinPane::new().detached().src_pane(pane.to_string()).dst_pane(place.target.to_string());
        build.horizontal = place.toward.is_sideways();
        build.vertical = !build.horizontal;
        build.left_above = place.toward.is_before();
        build.full_size = place.full;
        self.run(sized(build.build(), place.size)).map(drop)
    }

    /// Arranges the panes of a window by a layout string or the name of a layout (`tiled`).
    pub fn select_layout(&self, window: WindowId, layout: &str) -> Result<(), TmuxError> {
        self.run(SelectLayout::new().target_pane(window.to_string()).layout_name(layout).build()).map(drop)
    }

    /// The layout of a window, zoomed or not.
    pub fn layout(&self, window: WindowId) -> Result<Layout, TmuxError> {
        let said = self.display(&window.to_string(), "#{window_layout}")?;
        said.parse().map_err(|_| garbled("display-message", &said))
    }

    /// Sets an option of one pane.
    pub fn set_pane_option(&self, pane: PaneId, option: &str, value: &str) -> Result<(), TmuxError> {
        self.set_option(SetOption::new().pane().target_pane(pane.to_string()), option, Some(value))
    }

    /// Takes an option of one pane back to what it inherits.
    pub fn unset_pane_option(&self, pane: PaneId, option: &str) -> Result<(), TmuxError> {
        self.set_option(SetOption::new().pane().unset().target_pane(pane.to_string()), option, None)
    }

    /// Sets an option of one window.
    pub fn set_window_option(&self, window: WindowId, option: &str, value: &str) -> Result<(), TmuxError> {
        self.set_option(SetOption::new().window().target_pane(window.to_string()), option, Some(value))
    }

    /// Takes an option of one window back to what it inherits.
    pub fn unset_window_option(&self, window: WindowId, option: &str) -> Result<(), TmuxError> {
        self.set_option(SetOption::new().window().unset().target_pane(window.to_string()), option, None)
    }

    /// Sets an option of one session.
    pub fn set_session_option(&self, session: &str, option: &str, value: &str) -> Result<(), TmuxError> {
        self.set_option(SetOption::new().target_pane(in_session(session)), option, Some(value))
    }

    /// What an option is for a pane, inherited or not; `None`: it is set nowhere (or there is no such option).
    pub fn show_option(&self, pane: PaneId, option: &str) -> Result<Option<String>, TmuxError> {
        let mut command = ShowOptions::new().include_inherited().quiet().value().pane().target_pane(pane.to_string()).build();
        command.push_param("--").push_param(option);
        let said = self.run(command)?;
        Ok(said.strip_suffix('\n').map(Into::into))
    }

    /// Pipes what the pane prints from now on into `sh -c shell_command`, in place of what it was piped into before.
    /// The command is taken as it is: nothing in it means anything to tmux.
    ///
    /// The pipe outlives the program and [`Server::respawn_pane`]; so, to miss no byte of a program, pipe first and respawn.
    pub fn pipe_pane(&self, pane: PaneId, shell_command: &str) -> Result<(), TmuxError> {
        // tmux expands the time in at most 8191 bytes, and pipes into nothing past that.
        let escaped = escape_time_format(shell_command);
        if escaped.len() > 8000 {
            return Err(TmuxError::Refused { command: "pipe-pane".into(), words: "the shell command is too long".into() });
        }
        // Not by the builder's `stdout`, which says -I: that would type the command's output into the pane.
        let mut command = PipePane::new().target_pane(pane.to_string()).build();
        command.push_flag("-O").push_param("--").push_param(escaped);
        self.run(command).map(drop)
    }

    /// Ends the pipe of a pane, if there is one. tmux refuses it for a dead pane, whose pipe goes with the pane.
    pub fn close_pipe(&self, pane: PaneId) -> Result<(), TmuxError> {
        self.run(PipePane::new().target_pane(pane.to_string()).build()).map(drop)
    }

    /// Ends a pane and its program (SIGHUP).
    pub fn kill_pane(&self, pane: PaneId) -> Result<(), TmuxError> {
        self.run(KillPane::new().target_pane(pane.to_string()).build()).map(drop)
    }

    /// Ends panes and their programs, those that are there, and returns when tmux has let go of the control clients of the sessions
    /// that went with them.
    pub fn close_panes(&self, _turn: &Turn, panes: &[PaneId]) {
        let opened = |(pid, session): (u32, SessionId)| {
            let process = pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)?, PidfdFlags::empty()).ok()?;
            Some((pid, session, process))
        };
        let mut processes: Vec<_> = self.control_clients().unwrap_or_default().into_iter().filter_map(opened).collect();
        for pane in panes {
            let _ = self.kill_pane(*pane);
        }
        if processes.is_empty() {
            return;
        }
        let left = self.list_sessions().unwrap_or_default();
        processes.retain(|(_, session, _)| left.iter().all(|(id, _)| id != session));
        self.see_off(processes);
    }

    /// Waits until clients whose session has gone have left. tmux lists them no more while they leave, only those that it sent to
    /// another session instead (`detach-on-destroy off`), so it is their processes that tell.
    fn see_off(&self, mut leaving: Vec<(u32, SessionId, OwnedFd)>) {
        let pause = Timespec { tv_sec: 0, tv_nsec: LEAVE_PAUSE.as_nanos() as i64 };
        for _ in 0..LEAVE_ROUNDS_MAX {
            // Also tells that tmux has seen the end of those that ended before.
            let stay = self.control_clients().unwrap_or_default();
            leaving.retain(|(pid, ..)| stay.iter().all(|(other, _)| other != pid));
            if leaving.is_empty() {
                return;
            }
            leaving.retain(|(_, _, process)| poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&pause)) != Ok(1));
        }
        tracing::warn!(clients = leaving.len(), "clients of a session that is gone do not leave");
    }

    /// Waits until tmux knows these control clients no more.
    fn let_go(&self, pids: &[u32]) {
        for _ in 0..LEAVE_ROUNDS_MAX {
            let clients = self.control_clients().unwrap_or_default();
            if !clients.iter().any(|(pid, _)| pids.contains(pid)) {
                return;
            }
            std::thread::sleep(LEAVE_PAUSE);
        }
        tracing::warn!(?pids, "tmux does not let go of clients");
    }

    /// Process ids of the control clients of the server, and the sessions that they are attached to.
    fn control_clients(&self) -> Result<Vec<(u32, SessionId)>, TmuxError> {
        let mut command = TmuxCommand::new();
        command.name("list-clients").push_option("-F", "#{client_control_mode} #{client_pid} #{session_id}");
        let said = self.run(command)?;
        let client = |line: &str| {
            let (pid, session) = line.strip_prefix("1 ")?.split_once(' ')?;
            Some((pid.parse().ok()?, session.parse().ok()?))
        };
        Ok(said.lines().filter_map(client).collect())
    }

    /// Ends a session and the programs in it (SIGHUP).
    pub fn kill_session(&self, session: &str) -> Result<(), TmuxError> {
        self.run(KillSession::new().target_session(exact(session)).build()).map(drop)
    }

    /// Ends the program of a pane, if it runs, and starts another there. Size, options and pipe of the pane stay.
    pub fn respawn_pane(&self, pane: PaneId, new: &NewPane) -> Result<(), TmuxError> {
        self.run(new.on(RespawnPane::new().kill().target_pane(pane.to_string()).build())).map(drop)
    }

    /// The panes of a session, or of the whole server.
    pub fn list_panes(&self, session: Option<&str>) -> Result<Vec<PaneInfo>, TmuxError> {
        let build = ListPanes::new().format(pane::FORMAT);
        let said = self.run(match session {
            Some(session) => build.session().target(exact(session)).build(),
            None => build.all().build(),
        })?;
        said.lines().map(|line| PaneInfo::parse(line).ok_or_else(|| garbled("list-panes", line))).collect()
    }

    /// One pane; `None`: there is no such pane, or no server.
    pub fn pane(&self, pane: PaneId) -> Result<Option<PaneInfo>, TmuxError> {
        match self.display(&pane.to_string(), pane::FORMAT) {
            // display-message answers for another pane where the target is gone (some versions) or with nothing.
            Ok(said) => Ok(PaneInfo::parse(&said).filter(|info| info.id == pane)),
            Err(TmuxError::NoTarget { .. } | TmuxError::NoServer { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// How the program of a pane ended; `None`: it runs, or the pane is gone.
    ///
    /// Where tmux missed the end (see `command::reap`) it is made to look; mostly that takes one round of 6 ms. After
    /// 50 rounds the answer is what tmux knows.
    pub fn death(&self, pane: PaneId) -> Result<Option<Death>, TmuxError> {
        let mut rounds = 0;
        loop {
            let death = self.pane(pane)?.and_then(|info| info.dead);
            rounds += 1;
            if death.is_none_or(|d| d.is_known()) || rounds == DEATH_ROUNDS_MAX {
                return Ok(death);
            }
            self.run(RunShell::new().background().shell_command(":").build())?;
        }
    }

    /// Whether there is a session of exactly this name.
    pub fn has_session(&self, session: &str) -> Result<bool, TmuxError> {
        match self.find_session(session) {
            Ok(()) => Ok(true),
            Err(TmuxError::NoTarget { .. } | TmuxError::NoServer { .. }) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// The sessions with their names; none if no server runs.
    pub fn list_sessions(&self) -> Result<Vec<(SessionId, String)>, TmuxError> {
        let said = match self.run(ListSessions::new().format("#{session_id} #{session_name}").build()) {
            Ok(said) => said,
            Err(TmuxError::NoServer { .. }) => return Ok(vec![]),
            Err(e) => return Err(e),
        };
        let session = |line: &str| Some((line.split_once(' ')?.0.parse().ok()?, line.split_once(' ')?.1.into()));
        said.lines().map(|line| session(line).ok_or_else(|| garbled("list-sessions", line))).collect()
    }

    /// Ends the control clients that a killed controller left in a session, `predecessor` among the controllers, and returns
    /// when tmux has let go of them. Nobody reads them, so they may stay for ever; then tmux keeps all that the panes print
    /// for them, and 3.3a crashes when a pane is started again.
    pub fn end_orphans(&self, _turn: &Turn, session: &str, predecessor: Option<u32>) -> Result<(), TmuxError> {
        for _ in 0..ORPHAN_ROUNDS_MAX {
            let orphans = self.orphans(session, predecessor)?;
            if orphans.is_empty() {
                break;
            }
            for orphan in orphans {
                tracing::info!(pid = orphan.as_raw_nonzero().get(), "ending a client that a killed og left");
                let _ = kill_process(orphan, Signal::KILL);
            }
            std::thread::sleep(ORPHAN_PAUSE);
        }
        Ok(())
    }

    fn orphans(&self, session: &str, predecessor: Option<u32>) -> Result<Vec<Pid>, TmuxError> {
        let mut command = TmuxCommand::new();
        command
            .name("list-clients")
            .push_option("-t", exact(session))
            .push_option("-F", "#{client_control_mode} #{client_pid} #{client_flags}");
        let said = self.run(command)?;
        let ours = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let (Some("1"), Some(pid), Some(flags)) = (words.next(), words.next(), words.next()) else { return None };
            pid.parse().ok().and_then(Pid::from_raw).filter(|_| flags.contains("ignore-size"))
        };
        // A controller leads the session of processes that its clients are in. One that was killed may still be dying.
        let is_dead =
            |leader: Pid| Some(leader.as_raw_nonzero().get() as u32) == predecessor || test_kill_process(leader) == Err(Errno::SRCH);
        // A client that is itself gone has no session, and tmux will see it.
        Ok(said.lines().filter_map(ours).filter(|pid| rustix::process::getsid(Some(*pid)).map_or(true, is_dead)).collect())
    }

    /// How many people are attached to a session: clients that are terminals, not control clients such as og's.
    pub fn people(&self, session: &str) -> Result<usize, TmuxError> {
        let mut command = TmuxCommand::new();
        command.name("list-clients").push_option("-t", exact(session)).push_option("-F", "#{client_control_mode}");
        Ok(self.run(command)?.lines().filter(|line| *line == "0").count())
    }

    /// Process ids of the clients that are attached to a session.
    fn client_pids(&self, session: &str) -> Result<Vec<u32>, TmuxError> {
        let mut command = TmuxCommand::new();
        command.name("list-clients").push_option("-t", exact(session)).push_option("-F", "#{client_pid}");
        Ok(self.run(command)?.lines().filter_map(|pid| pid.parse().ok()).collect())
    }

    /// What a format expands to for a target (`%1`, `@0`, `=name:`).
    pub fn display(&self, target: &str, format: &str) -> Result<String, TmuxError> {
        let mut command = DisplayMessage::new().print().target_pane(target).build();
        command.push_param("--").push_param(format);
        let said = self.run(command)?;
        Ok(said.strip_suffix('\n').unwrap_or(&said).into())
    }

    /// The command that attaches this terminal to a session, to be executed in place of og. Inside tmux it refuses, as
    /// tmux does.
    pub fn attach_command(&self, session: &str) -> process::Command {
        let built = self.tmux().add_command(AttachSession::new().target_session(exact(session)).build()).into_command();
        self.with_program(built)
    }

    fn find_session(&self, session: &str) -> Result<(), TmuxError> {
        self.run(HasSession::new().target_session(exact(session)).build()).map(drop)
    }

    fn set_option(&self, build: SetOption, option: &str, value: Option<&str>) -> Result<(), TmuxError> {
        let mut command = build.build();
        command.push_param("--").push_param(option);
        if let Some(value) = value {
            command.push_param(value);
        }
        self.run(command).map(drop)
    }

    /// `tmux` with this server's socket. `-L default` also where `$TMUX` names another server; `-u`, because tmux else
    /// replaces all that is not ASCII where og's own locale is not UTF-8.
    fn tmux(&self) -> Tmux<'_> {
        let tmux = Tmux::new().force_utf8();
        match &self.socket {
            Socket::Default => tmux.socket_name("default"),
            Socket::Name(name) => tmux.socket_name(name.as_str()),
            Socket::Path(path) => tmux.socket_path(path.to_string_lossy()),
        }
    }

    fn run_for<T: FromStr>(&self, name: &str, command: TmuxCommand) -> Result<T, TmuxError> {
        let said = self.run(command)?;
        said.trim_end().parse().map_err(|_| garbled(name, &said))
    }

    fn run(&self, mut command: TmuxCommand) -> Result<String, TmuxError> {
        // On its command line tmux takes a `;` at the end of any argument as the end of the command.
        for arg in command.args.iter_mut().flatten() {
            if arg.ends_with(';') {
                let at = arg.len() - 1;
                arg.to_mut().insert(at, '\\');
            }
        }
        let name = command.name.clone().unwrap_or_default().into_owned();
        self.output(self.tmux().add_command(command).into_command(), &name)
    }

    fn output(&self, built: process::Command, name: &str) -> Result<String, TmuxError> {
        let mut command = self.with_program(built);
        // Without these tmux would see itself as nested, and guess targets from the pane that og runs in.
        command.env_remove("TMUX").env_remove("TMUX_PANE").stdin(Stdio::null());
        let output = command.output().map_err(|e| self.not_started(e))?;
        if !output.status.success() {
            return Err(TmuxError::said(name, &self.place(), &String::from_utf8_lossy(&output.stderr)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The builders always say `tmux`.
    fn with_program(&self, built: process::Command) -> process::Command {
        let mut command = process::Command::new(&self.program);
        command.args(built.get_args());
        command
    }

    fn not_started(&self, source: io::Error) -> TmuxError {
        match source.kind() {
            io::ErrorKind::NotFound => TmuxError::Missing { program: self.program.clone() },
            _ => TmuxError::Io { what: format!("run {}", self.program), source },
        }
    }

    fn place(&self) -> String {
        match &self.socket {
            Socket::Default => "the default socket".into(),
            socket => socket.to_string(),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Size::Cells(cells) => write!(f, "{cells}"),
            Size::Percent(part) => write!(f, "{part}%"),
        }
    }
}

impl NewPane {
    /// Adds directory, environment and program to the command that makes the pane.
    fn on<'a>(&'a self, mut command: TmuxCommand<'a>) -> TmuxCommand<'a> {
        if let Some(cwd) = &self.cwd {
            command.push_option("-c", escape_format(&path_text(cwd)));
        }
        for (name, value) in &self.env {
            command.push_option("-e", format!("{name}={value}"));
        }
        match &self.argv[..] {
            [] => {}
            // tmux gives a single word to a shell, where a space in it would part it; several words it executes.
            [program] => {
                command.push_param("--").push_param("/bin/sh").push_param("-c").push_param("exec \"$0\"").push_param(program);
            }
            argv => {
                command.push_param("--");
                for word in argv {
                    command.push_param(word);
                }
            }
        }
        command
    }
}

impl Toward {
    fn is_sideways(self) -> bool {
        matches!(self, Toward::Left | Toward::Right)
    }

    fn is_before(self) -> bool {
        matches!(self, Toward::Left | Toward::Above)
    }
}

/// The builder's own `size` loses the percent sign.
fn sized(mut command: TmuxCommand, size: Option<Size>) -> TmuxCommand {
    if let Some(size) = size {
        command.push_option("-l", size.to_string());
    }
    command
}

/// A session as a target, by its name alone and not by the start of one or a pattern; `$3` is an id.
fn exact(session: &str) -> String {
    if session.parse::<SessionId>().is_ok() { session.into() } else { format!("={session}") }
}

/// The session as the place of a window.
fn in_session(session: &str) -> String {
    format!("{}:", exact(session))
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn garbled(command: &str, answer: &str) -> TmuxError {
    TmuxError::Garbled { command: command.into(), answer: answer.trim_end().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_reads_back_from_its_text() {
        for socket in [Socket::Default, Socket::Name("og 1".into()), Socket::Path("/tmp/a b/s".into())] {
            assert_eq!(socket.to_string().parse(), Ok(socket));
        }
        assert_eq!("work".parse(), Ok(Socket::Name("work".into())));
        assert_eq!("/tmp/x".parse(), Ok(Socket::Path("/tmp/x".into())));
    }

    #[test]
    fn a_session_is_meant_exactly() {
        assert_eq!((exact("og-a").as_str(), exact("$3").as_str(), in_session("$x").as_str()), ("=og-a", "$3", "=$x:"));
    }
}
