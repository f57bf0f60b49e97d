//! The gate: how a training gets into its pane.
//!
//! tmux would take a command line and run it at once, with the environment of its server. So the pane first runs
//! `og __exec SOCKET FOLDER ID`, which waits at the gate until the pane's output is being recorded; then it is handed the command,
//! the environment and the working directory over a private socket, and becomes the training by `exec`: the pane's
//! process is the training, no process of ours is its parent, and nothing secret was on a disk or a command line.
//!
//! `exec` closes the socket, so whoever opened the gate hears the end of the stream when the training has started, and a
//! message when it could not. When whoever made the gate was killed, the pane hears that too, and takes back what was made.

use super::{fail::Fail, run};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    io::{self, Read, Write},
    net::Shutdown,
    os::{
        fd::AsFd,
        unix::{
            ffi::{OsStrExt, OsStringExt},
            fs::PermissionsExt,
            net::{UnixListener, UnixStream},
            process::CommandExt,
        },
    },
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A pane's process starts in some milliseconds; a machine that is swapping may take seconds.
const COME_MAX: Duration = Duration::from_secs(20);
/// Handing over and starting is a few system calls; a network file system may make them slow.
const START_MAX: Duration = Duration::from_secs(20);
/// Largest order taken: Linux takes no more than some 6 MiB of arguments and environment.
const ORDER_BYTES_MAX: u32 = 64 << 20;
/// Variables that describe the terminal that a program runs in: those of the pane hold, not the caller's.
const OF_THE_TERMINAL: &[&str] = &["TMUX", "TMUX_PANE", "TERM", "COLUMNS", "LINES"];
/// The same, as the start of a name.
const OF_THE_TERMINAL_START: &str = "TERM_PROGRAM";

/// What shall run in the pane.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// Program and arguments; never empty.
    pub argv: Vec<OsString>,
    /// The environment, without what describes a terminal.
    pub env: BTreeMap<OsString, OsString>,
    /// Where it runs.
    pub cwd: PathBuf,
}

/// Whether a variable describes the terminal that a program runs in.
pub fn is_of_the_terminal(name: &OsStr) -> bool {
    OF_THE_TERMINAL.iter().any(|known| name == *known) || name.as_bytes().starts_with(OF_THE_TERMINAL_START.as_bytes())
}

/// A gate that nobody has come to yet.
#[derive(Debug)]
pub struct Gate {
    listener: UnixListener,
    path: PathBuf,
}

impl Gate {
    /// Makes a gate in og's runtime folder, which is this user's alone.
    pub fn make(runtime: &Path) -> Result<Gate, Fail> {
        let path = runtime.join(format!("gate-{}.sock", std::process::id()));
        let cannot = |error: io::Error| Fail::of("gate", &error, None).about(format!("cannot make the socket {}", path.display()));
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path).map_err(cannot)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(cannot)?;
        Ok(Gate { listener, path })
    }

    /// What the pane has to run, `og` being this program, `dir` the folder of its canvas and `id` the canvas's id.
    pub fn command(&self, og: &Path, dir: &Path, id: &str) -> [OsString; 5] {
        [og.into(), "__exec".into(), self.path.clone().into(), dir.into(), id.into()]
    }

    /// Waits for the pane.
    pub fn come(self) -> Result<Visitor, Fail> {
        if !readable(&self.listener, COME_MAX).map_err(lost)? {
            return Err(Fail::new("gate", format!("the train pane did not start within {} s", COME_MAX.as_secs())));
        }
        let (mut stream, _) = self.listener.accept().map_err(lost)?;
        stream.set_read_timeout(Some(START_MAX)).map_err(lost)?;
        let mut pid = [0; 4];
        stream.read_exact(&mut pid).map_err(lost)?;
        Ok(Visitor { stream, pid: u32::from_be_bytes(pid) })
    }
}

/// The pane's process, which waits at the gate.
#[derive(Debug)]
pub struct Visitor {
    stream: UnixStream,
    /// Its id, and that of the training once it has become it.
    pub pid: u32,
}

impl Visitor {
    /// Hands over the order, and returns when the training has started. From then on it may end at any time: what is to be
    /// known before its end is written down before this.
    pub fn start(mut self, order: &Order) -> Result<(), Fail> {
        self.stream.write_all(&encode(order)).and_then(|()| self.stream.shutdown(Shutdown::Write)).map_err(lost)?;
        let mut answer = vec![];
        self.stream.read_to_end(&mut answer).map_err(lost)?;
        Refusal::decode(&answer).map_or(Ok(()), |refusal| Err(refusal.into_fail(order)))
    }
}

fn lost(error: io::Error) -> Fail {
    Fail::of("gate", &error, None).about("the train pane ended before the start")
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// `og __exec SOCKET FOLDER ID`: waits at the gate and becomes what it is told. Returns only when it could not.
pub fn wait_and_become(socket: &Path, dir: &Path, id: &str) -> Fail {
    let come = UnixStream::connect(socket).and_then(|mut stream| ask_for_order(&mut stream).map(|order| (stream, order)));
    let (mut stream, order) = match come {
        Ok(come) => come,
        Err(error) => {
            // Whoever made the gate is dead: nobody else will ever take this canvas back.
            let _ = fs::remove_file(socket);
            run::take_back(dir, id);
            return Fail::of("gate", &error, None).about("nobody is at the gate of this pane any more");
        }
    };
    let refusal = become_it(&order);
    let fail = refusal.clone().into_fail(&order);
    let _ = stream.write_all(&refusal.encode());
    fail
}

fn ask_for_order(stream: &mut UnixStream) -> io::Result<Order> {
    stream.write_all(&std::process::id().to_be_bytes())?;
    let mut bytes = vec![];
    stream.take(u64::from(ORDER_BYTES_MAX)).read_to_end(&mut bytes)?;
    decode(&bytes).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn become_it(order: &Order) -> Refusal {
    let refused = |step, error: io::Error| Refusal { step, errno: error.raw_os_error().unwrap_or(0) };
    if let Err(error) = std::env::set_current_dir(&order.cwd) {
        return refused(Step::Cwd, error);
    }
    let of_the_pane = std::env::vars_os().filter(|(name, _)| is_of_the_terminal(name));
    let [program, args @ ..] = order.argv.as_slice() else { return Refusal { step: Step::Exec, errno: 0 } };
    let error = Command::new(program).args(args).env_clear().envs(&order.env).envs(of_the_pane).exec();
    refused(Step::Exec, error)
}

/// Why the training could not start.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Refusal {
    step: Step,
    errno: i32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Cwd = 1,
    Exec = 2,
}

impl Refusal {
    fn encode(&self) -> Vec<u8> {
        [&[self.step as u8][..], &self.errno.to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Refusal> {
        let (step, errno) = bytes.split_first()?;
        let step = if *step == Step::Cwd as u8 { Step::Cwd } else { Step::Exec };
        Some(Refusal { step, errno: i32::from_be_bytes(errno.try_into().unwrap_or_default()) })
    }

    fn into_fail(self, order: &Order) -> Fail {
        let error = io::Error::from_raw_os_error(self.errno);
        let program = order.argv.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default();
        let is_path = program.contains('/');
        match (self.step, error.kind()) {
            (Step::Cwd, _) => Fail::of("cwd", &error, None)
                .about(format!("cannot run in {}", order.cwd.display()))
                .hint("give a folder that exists with `--cwd DIR`"),
            (Step::Exec, io::ErrorKind::NotFound) if !is_path => Fail::new("command_not_found", format!("command not found: {program}"))
                .hint("is it installed and on the PATH? a script in this folder is `./name`; a python script needs no interpreter: `og run train.py`"),
            (Step::Exec, io::ErrorKind::NotFound) if order.cwd.join(&program).exists() => {
                Fail::new("command_not_found", format!("cannot start {program}: the interpreter in its first line does not exist"))
            }
            (Step::Exec, io::ErrorKind::NotFound) => Fail::new("command_not_found", format!("command not found: {program}")),
            (Step::Exec, io::ErrorKind::PermissionDenied) => Fail::new("not_executable", format!("{program} may not be executed"))
                .hint(format!("make it a program with `chmod +x {program}`, or run it by its interpreter")),
            (Step::Exec, _) => Fail::of("exec", &error, None).about(format!("cannot start {program}")),
        }
    }
}

fn readable(fd: &impl AsFd, at_most: Duration) -> io::Result<bool> {
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    let timeout = Timespec { tv_sec: at_most.as_secs() as i64, tv_nsec: at_most.subsec_nanos().into() };
    loop {
        match poll(&mut fds, Some(&timeout)) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other? > 0),
        }
    }
}

/// How many arguments and how many variables there are, then strings, each behind its length: the arguments, the
/// variables (name, value), the working directory.
fn encode(order: &Order) -> Vec<u8> {
    let mut bytes = [(order.argv.len() as u32).to_be_bytes(), (order.env.len() as u32).to_be_bytes()].concat();
    let env = order.env.iter().flat_map(|(name, value)| [name, value]);
    for text in order.argv.iter().chain(env).map(OsString::as_os_str).chain([order.cwd.as_os_str()]) {
        bytes.extend((text.len() as u32).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// `None`: the order is not whole.
fn decode(bytes: &[u8]) -> Option<Order> {
    let (argc, mut rest) = number(bytes)?;
    let envc;
    (envc, rest) = number(rest)?;
    let mut strings = vec![];
    while !rest.is_empty() {
        let (len, after) = number(rest)?;
        let (text, after) = after.split_at_checked(len)?;
        strings.push(OsString::from_vec(text.to_vec()));
        rest = after;
    }
    let cwd = PathBuf::from(strings.pop()?);
    if strings.len() != argc.checked_add(envc.checked_mul(2)?)? {
        return None;
    }
    let env = strings.split_off(argc);
    let (pairs, _) = env.as_chunks::<2>();
    Some(Order { argv: strings, env: pairs.iter().cloned().map(|[name, value]| (name, value)).collect(), cwd })
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number) as usize, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(argv: &[&str], cwd: &str) -> Order {
        Order { argv: argv.iter().map(OsString::from).collect(), env: BTreeMap::from([("A".into(), "b c".into())]), cwd: cwd.into() }
    }

    #[test]
    fn the_pane_keeps_what_describes_its_terminal() {
        for name in ["TMUX", "TMUX_PANE", "TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "LINES"] {
            assert!(is_of_the_terminal(OsStr::new(name)), "{name}");
        }
        assert!(!is_of_the_terminal(OsStr::new("TERMINFO")) && !is_of_the_terminal(OsStr::new("PATH")));
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let told = |step, errno, order: &Order| Refusal { step, errno }.into_fail(order).message;
        assert_eq!(told(Step::Exec, 2, &order(&["trian"], "/")), "command not found: trian");
        assert_eq!(told(Step::Exec, 13, &order(&["./x"], "/")), "./x may not be executed");
        assert_eq!(told(Step::Cwd, 2, &order(&["x"], "/nowhere")), "cannot run in /nowhere: No such file or directory (os error 2)");
        let refusal = Refusal { step: Step::Cwd, errno: 2 };
        assert_eq!(Refusal::decode(&refusal.encode()), Some(refusal));
        assert_eq!(Refusal::decode(b""), None);
    }

    #[test]
    fn a_gate_that_nobody_comes_to_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let gate = Gate::make(dir.path()).unwrap();
        let path = gate.path.clone();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(gate);
        assert!(!path.exists());
    }

    #[test]
    fn who_stands_at_the_gate_is_known_before_it_starts() {
        let dir = tempfile::tempdir().unwrap();
        let gate = Gate::make(dir.path()).unwrap();
        let mut pane = UnixStream::connect(&gate.path).unwrap();
        pane.write_all(&7u32.to_be_bytes()).unwrap();
        let visitor = gate.come().unwrap();
        assert_eq!(visitor.pid, 7);
        pane.set_nonblocking(true).unwrap();
        assert_eq!(pane.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock, "nothing was handed over yet");
    }

    proptest! {
        #[test]
        fn an_order_arrives_as_it_was(
            argv in proptest::collection::vec(proptest::collection::vec(1u8.., 0..9), 1..5),
            env in proptest::collection::btree_map(proptest::collection::vec(1u8.., 1..5), proptest::collection::vec(1u8.., 0..9), 0..5),
            cut in 0usize..1000,
        ) {
            let order = Order {
                argv: argv.into_iter().map(OsString::from_vec).collect(),
                env: env.into_iter().map(|(k, v)| (OsString::from_vec(k), OsString::from_vec(v))).collect(),
                cwd: "/x".into(),
            };
            let bytes = encode(&order);
            prop_assert_eq!(decode(&bytes), Some(order));
            prop_assert_eq!(decode(&bytes[..cut % bytes.len()]), None);
        }

        #[test]
        fn any_bytes_are_an_order_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode(&bytes);
        }
    }
}
