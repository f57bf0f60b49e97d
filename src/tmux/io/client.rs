//! The control client: one child that speaks, one that stands guard, and a thread that reads whatever the owner leaves.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    os::fd::OwnedFd,
    process::{Child, ChildStdin, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::{net::unix::pipe, sync::Notify, time::timeout};

use super::{Server, Turn, exact};
use crate::tmux::{Command, FromTmux, Ticket, TmuxError, control::Event, control::Parser, handover::Handover};

/// Most lines that wait for their answer. tmux answers within a millisecond; this many means that it hangs.
const OUTSTANDING_MAX: usize = 1024;

/// Most bytes that wait to be written: a few pastes of the largest size.
const UNSENT_BYTES_MAX: usize = 16 << 20;

/// Read at once. Above the 64 KiB that a pipe holds nothing is gained.
const READ_BYTES: usize = 64 << 10;

/// How long the thread leaves what tmux says to an owner who waits for it. That one wakes at once; to be woken by the thread in
/// turn would cost each key and each line 30 to 50 µs.
const OWNER_FIRST: Duration = Duration::from_millis(5);

/// How long tmux may take to attach a client. Measured: 5 ms; a loaded machine takes longer, a hung server for ever.
pub(super) const ATTACH_TIMEOUT: Duration = Duration::from_secs(10);

/// How often tmux is asked whether the guard is there: it comes within some 5 ms.
const GUARD_LOOK_EVERY: Duration = Duration::from_millis(2);

/// How often a guard that somebody detached is put back.
const GUARDS_MAX: usize = 16;

/// The control client of a session: commands in, output, replies and notifications out.
///
/// The programs in the panes never wait for it. An owner who waits for what tmux says reads it himself; whatever else he does, a
/// thread drains tmux. Output that the owner does
/// not take is dropped and told as [`FromTmux::Lost`]; and a second client that gets no output keeps the panes read even
/// while this whole process is stopped. Both clients leave when this is dropped, and when this process dies.
pub struct Client {
    shared: Arc<Shared>,
    child: Ended,
    stdin: pipe::Sender,
    stdout: pipe::Receiver,
    buffer: Vec<u8>,
    unsent: Vec<u8>,
    tickets: u64,
    guard: Guard,
    is_ended: bool,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.end();
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    woken: Notify,
    /// The owner waits, and reads by himself.
    is_awaited: AtomicBool,
}

#[derive(Default)]
struct State {
    parser: Parser,
    handover: Handover,
    /// What tmux said to the attach, once it did.
    attached: Option<Result<(), String>>,
}

impl Client {
    /// Attaches to a session, given by its exact name or its id, without having a say in its size. Must be called
    /// within a tokio runtime.
    pub async fn attach(server: &Server, session: &str) -> Result<Client, TmuxError> {
        Client::attach_in(&server.turn(), server, session).await
    }

    /// The same, in a turn on the server that lasts until tmux has both clients.
    pub async fn attach_in(_turn: &Turn, server: &Server, session: &str) -> Result<Client, TmuxError> {
        // attach-session would start a server where none runs, with all that the person's configuration does then.
        server.find_session(session)?;
        let attached = Client::attach_both(server, session).await;
        if attached.is_err() {
            // What was ended by that leaves in this turn.
            server.let_go(&[]);
        }
        attached
    }

    async fn attach_both(server: &Server, session: &str) -> Result<Client, TmuxError> {
        // pause-after: a pane that is a second behind is paused and told as such, instead of filling the server.
        let child = spawn(server, session, "ignore-size,pause-after=1", Stdio::piped(), Stdio::piped())?;
        // From here on a return ends the child.
        let mut child = Ended::new(child);
        let (Some(stdin), Some(stdout)) = (child.child.stdin.take(), child.child.stdout.take()) else {
            return Err(TmuxError::Gone { reason: "no pipes".into() });
        };
        let failed = |source| TmuxError::Io { what: "read from tmux".into(), source };
        let thread_stdout = OwnedFd::from(stdout);
        let stdout = thread_stdout.try_clone().and_then(pipe::Receiver::from_owned_fd).map_err(failed)?;
        let shared = Arc::<Shared>::default();
        let reader = shared.clone();
        thread::Builder::new()
            .name("tmux".into())
            .spawn(move || read(thread_stdout.into(), &reader))
            .map_err(|source| TmuxError::Io { what: "start a thread".into(), source })?;
        timeout(ATTACH_TIMEOUT, attached(&shared, &mut child))
            .await
            .map_err(|_| late())?
            .map_err(|words| TmuxError::said("attach-session", &server.place(), &words))?;
        // One after the other, and both before anything else happens: see `turn`.
        let mut guard = Guard::new(server, session)?;
        guard.attached()?;
        let stdin = writer(stdin)?;
        Ok(Client { shared, child, stdin, stdout, buffer: vec![0; READ_BYTES], unsent: vec![], tickets: 0, guard, is_ended: false })
    }

    /// Ends both clients, and returns when their processes are gone and tmux has let go of them. What tmux had still to say
    /// is lost.
    pub fn end(&mut self) {
        if std::mem::replace(&mut self.is_ended, true) {
            return;
        }
        let _turn = self.guard.server.turn();
        self.guard.child.end();
        self.child.end();
        self.guard.server.let_go(&[self.guard.child.child.id(), self.child.child.id()]);
    }

    /// Sends commands as one line. tmux runs them in order without reading from any pane in between, and stops at the
    /// first that fails. All their replies come together as one [`FromTmux::Reply`], in the order of the lines.
    ///
    /// Never waits: what the pipe does not take at once is written by [`Client::next`].
    pub fn command(&mut self, commands: &[Command]) -> Result<Ticket, TmuxError> {
        let ticket = Ticket(self.tickets);
        let mut state = self.shared.lock();
        if state.handover.is_closed() {
            return Err(TmuxError::Gone { reason: "it ended before".into() });
        }
        let outstanding = state.parser.outstanding();
        if outstanding >= OUTSTANDING_MAX || self.unsent.len() >= UNSENT_BYTES_MAX {
            return Err(TmuxError::Busy { outstanding });
        }
        self.tickets += 1;
        // An empty line would detach the client.
        if commands.is_empty() {
            state.handover.push(Event::Reply { ticket: Some(ticket), replies: vec![] });
            return Ok(ticket);
        }
        state.parser.expect(ticket, commands);
        drop(state);
        let line: Vec<&str> = commands.iter().map(Command::text).collect();
        self.unsent.extend_from_slice(line.join(" ; ").as_bytes());
        self.unsent.push(b'\n');
        self.flush();
        Ok(ticket)
    }

    /// What tmux says next; `None` after [`FromTmux::Gone`]. May be dropped while it waits: nothing is lost.
    pub async fn next(&mut self) -> Option<FromTmux> {
        loop {
            if let Some(message) = self.try_next() {
                return Some(message);
            }
            if self.shared.lock().handover.is_over() {
                return None;
            }
            let awaits = Awaits::new(&self.shared);
            let (is_readable, is_writable) = tokio::select! {
                () = self.shared.woken.notified() => (false, false),
                _ = self.stdout.readable() => (true, false),
                _ = self.stdin.writable(), if !self.unsent.is_empty() => (false, true),
            };
            drop(awaits);
            if is_readable {
                self.shared.take_from(|buffer| self.stdout.try_read(buffer), &mut self.buffer);
            }
            if is_writable {
                self.flush();
            }
        }
    }

    /// What tmux has said and is there already.
    pub fn try_next(&mut self) -> Option<FromTmux> {
        let message = self.shared.lock().handover.take()?;
        if let FromTmux::Event(Event::ClientDetached(_)) = message {
            self.guard.stand();
        }
        Some(message)
    }

    fn flush(&mut self) {
        while !self.unsent.is_empty() {
            match self.stdin.try_write(&self.unsent) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                // The child has ended: the reading side says so, in order.
                Err(_) => self.unsent.clear(),
            }
        }
    }
}

fn late() -> TmuxError {
    TmuxError::Gone { reason: format!("tmux did not attach within {} s", ATTACH_TIMEOUT.as_secs()) }
}

/// Waits for what tmux says to the attach.
async fn attached(shared: &Shared, child: &mut Ended) -> Result<(), String> {
    loop {
        let (said, closed) = {
            let mut state = shared.lock();
            (state.attached.take(), state.handover.is_closed())
        };
        match said {
            Some(said) => return said,
            None if closed => return Err(last_words(child)),
            None => shared.woken.notified().await,
        }
    }
}

/// What a child that has ended wrote to stderr.
fn last_words(child: &mut Ended) -> String {
    let mut words = String::new();
    if let Some(stderr) = &mut child.child.stderr {
        // Not text, or not readable: then there are no words.
        let _ = stderr.take(4096).read_to_string(&mut words);
    }
    if words.trim().is_empty() { "ended at once".into() } else { words }
}

/// A client that is attached and never gets output. tmux stops reading a pane when its only clients stop reading; this
/// one always seems to have read everything.
struct Guard {
    server: Server,
    session: String,
    child: Ended,
    spawned: usize,
}

impl Guard {
    fn new(server: &Server, session: &str) -> Result<Guard, TmuxError> {
        Ok(Guard { child: Guard::spawn(server, session)?, server: server.clone(), session: session.into(), spawned: 1 })
    }

    /// Waits until tmux has it. Its own output goes nowhere, since nobody would read it, so tmux is asked.
    fn attached(&mut self) -> Result<(), TmuxError> {
        let pid = self.child.child.id();
        let since = Instant::now();
        while !self.server.client_pids(&self.session)?.contains(&pid) {
            if self.child.has_ended() {
                return Err(TmuxError::Gone { reason: "the guard client ended at once".into() });
            }
            if since.elapsed() > ATTACH_TIMEOUT {
                return Err(late());
            }
            thread::sleep(GUARD_LOOK_EVERY);
        }
        Ok(())
    }

    /// Puts it back where somebody has detached it.
    fn stand(&mut self) {
        if self.child.has_ended() && self.spawned < GUARDS_MAX {
            self.spawned += 1;
            let _turn = self.server.turn();
            let stands = Guard::spawn(&self.server, &self.session).and_then(|child| {
                self.child = child;
                self.attached()
            });
            if let Err(e) = stands {
                tracing::warn!(error = %e, "no guard client");
            }
        }
    }

    /// Its stdin stays open in the child's handle: tmux detaches a control client at the end of its input.
    fn spawn(server: &Server, session: &str) -> Result<Ended, TmuxError> {
        spawn(server, session, "no-output,ignore-size", Stdio::null(), Stdio::null()).map(Ended::new)
    }
}

/// A child that is ended and reaped when this is dropped, and ended when this process dies.
///
/// A control client whose reader died stays attached for good where tmux 3.3a has output left for it: nobody takes it, and
/// tmux then stops reading the panes, the training's too. Only the end of the client's own process helps, so a shell waits
/// for the end of ours: it holds a pipe that nobody writes to.
struct Ended {
    child: Child,
    leash: Option<Child>,
}

impl Ended {
    fn new(child: Child) -> Ended {
        let mut leash = std::process::Command::new("sh");
        leash.args(["-c", "read -r _; kill -9 \"$0\"", &child.id().to_string()]);
        leash.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let leash = leash.spawn().inspect_err(|e| tracing::warn!(error = %e, "no leash for a tmux client")).ok();
        Ended { child, leash }
    }
}

impl Ended {
    fn has_ended(&mut self) -> bool {
        let has = self.child.try_wait().is_ok_and(|status| status.is_some());
        // Its id is free for another process now, which the leash must not end.
        if let Some(mut leash) = self.leash.take_if(|_| has) {
            let _ = leash.kill();
            let _ = leash.wait();
        }
        has
    }

    fn end(&mut self) {
        // All fail only where it has ended already. The leash goes first: it knows the child by its id alone.
        for child in self.leash.iter_mut().chain([&mut self.child]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.end();
    }
}

/// Says that the owner waits, as long as it lives.
struct Awaits<'a>(&'a AtomicBool);

impl Awaits<'_> {
    fn new(shared: &Shared) -> Awaits<'_> {
        shared.is_awaited.store(true, Ordering::Relaxed);
        Awaits(&shared.is_awaited)
    }
}

impl Drop for Awaits<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Shared {
    /// Takes what `read` puts into `buffer`; it never waits. False: tmux has said its last word. Read under the lock, so that what
    /// two readers get comes in its order.
    fn take_from(&self, read: impl FnOnce(&mut [u8]) -> std::io::Result<usize>, buffer: &mut [u8]) -> bool {
        let mut state = self.lock();
        match read(buffer) {
            Ok(len) if len > 0 => state.take(&buffer[..len]),
            Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            _ => {
                state.handover.close("the tmux client ended");
                return false;
            }
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, bytes: &[u8]) {
        self.parser.push(bytes);
        while let Some(event) = self.parser.next() {
            match event {
                // The first block of a control client is the answer to the command it was started with.
                Event::Reply { ticket: None, replies } if self.attached.is_none() => {
                    let refused = replies.iter().find(|r| !r.ok);
                    self.attached = Some(refused.map_or(Ok(()), |r| Err(r.words())));
                }
                event => self.handover.push(event),
            }
        }
    }
}

/// Reads whatever the owner leaves.
fn read(mut stdout: File, shared: &Shared) {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        wait_for(&stdout, None);
        if shared.is_awaited.load(Ordering::Relaxed) {
            thread::sleep(OWNER_FIRST);
            if !wait_for(&stdout, Some(&Timespec::default())) {
                continue;
            }
        }
        let goes_on = shared.take_from(|buffer| stdout.read(buffer), &mut buffer);
        shared.woken.notify_one();
        if !goes_on {
            return;
        }
    }
}

/// Whether there is something to read, within that time at most.
fn wait_for(stdout: &File, time_max: Option<&Timespec>) -> bool {
    poll(&mut [PollFd::new(stdout, PollFlags::IN)], time_max).is_ok_and(|ready| ready > 0)
}

fn spawn(server: &Server, session: &str, flags: &str, stdout: Stdio, stderr: Stdio) -> Result<Child, TmuxError> {
    let mut attach = tmux_interface::TmuxCommand::new();
    attach.name("attach-session").push_option("-t", exact(session)).push_option("-f", flags);
    let built = server.tmux().control_mode().add_command(attach).into_command();
    let mut command = server.with_program(built);
    command.env_remove("TMUX").env_remove("TMUX_PANE");
    command.stdin(Stdio::piped()).stdout(stdout).stderr(stderr).spawn().map_err(|e| server.not_started(e))
}

fn writer(stdin: ChildStdin) -> Result<pipe::Sender, TmuxError> {
    pipe::Sender::from_owned_fd(stdin.into()).map_err(|source| TmuxError::Io { what: "write to tmux".into(), source })
}
