//! What wakes the loop, and who listens for it: signals, the terminal, files. Each on a thread of its own, all into one inbox.

use super::{UiError, link::Heard, rollouts, runs::Told, screen};
use crate::source::io::Watch;
use crate::ui::{host::Host, keymap::Rejoin};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use std::{
    fs::File,
    io::{self, IsTerminal},
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::SyncSender,
    },
    thread,
    time::Duration,
};

/// What wakes the loop.
pub(super) enum Woken {
    Terminal(crossterm::event::Event),
    TerminalGone,
    Files,
    Runs(Box<Told>),
    Rollouts(Box<rollouts::Found>),
    Controller(Heard),
    /// The machine was looked at.
    Host(Box<Host>),
    /// What the clipboard holds.
    Clipboard(String),
    /// What an export wrote, or why it could not.
    Wrote(Result<String, String>),
    /// [`Signals`] came.
    Signal,
}

/// The signals that came. They are not in the inbox, which may be full, or gone while the last files are written.
#[derive(Default)]
pub(super) struct Signals {
    resized: AtomicBool,
    ended: AtomicBool,
}

impl Signals {
    /// Whether the terminal has changed its size since this was asked last.
    pub(super) fn take_resized(&self) -> bool {
        self.resized.swap(false, Ordering::SeqCst)
    }

    /// Whether we are to end.
    pub(super) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Takes a signal and wakes the loop; it never waits. Whether we are to end at once: a second time, so that we do also when
    /// the loop hangs in a write to a dead terminal.
    fn hear(&self, signal: i32, tell: &SyncSender<Woken>) -> bool {
        let at_once = match signal {
            SIGWINCH => {
                self.resized.store(true, Ordering::SeqCst);
                false
            }
            _ => self.ended.swap(true, Ordering::SeqCst),
        };
        // A loop with a full inbox is awake, and one that is gone ends by itself.
        let _ = tell.try_send(Woken::Signal);
        at_once
    }
}

/// Heard of before the terminal is first measured, so that no change of size is missed: a pane is often resized just
/// after it was made.
pub(super) fn listen_to_signals(tell: SyncSender<Woken>) -> Result<Arc<Signals>, UiError> {
    let mut all = signal_hook::iterator::Signals::new([SIGWINCH, SIGTERM, SIGHUP, SIGINT]).map_err(UiError::Thread)?;
    let signals = Arc::<Signals>::default();
    let heard = Arc::clone(&signals);
    let listen = move || {
        if all.forever().any(|signal| heard.hear(signal, &tell)) {
            screen::restore();
            std::process::exit(EXIT_BY_SIGNAL);
        }
    };
    thread::Builder::new().name("og-signals".into()).spawn(listen).map_err(UiError::Thread)?;
    Ok(signals)
}

/// What a shell says of a program that SIGTERM ended.
const EXIT_BY_SIGNAL: i32 = 143;

/// For events that came with the last one; without any time crossterm does not even look at those that it has read.
const AT_HAND: Duration = Duration::from_millis(1);

/// The same where nobody waits for the answer: without events it waits at the terminal, as is done next anyway, and a thread that
/// loses its core meanwhile still sees those that were read.
const AT_LEISURE: Duration = Duration::from_millis(50);

pub(super) fn listen_to_terminal(tell: SyncSender<Woken>) -> io::Result<()> {
    use crossterm::event::{Event, poll, read};
    let tty = if io::stdin().is_terminal() { io::stdin().as_fd().try_clone_to_owned()? } else { File::open("/dev/tty")?.into() };
    let listen = move || {
        let mut rejoin = Rejoin::default();
        loop {
            // crossterm never comes back from reading a terminal that was hung up.
            let more = poll(AT_LEISURE).unwrap_or(false);
            let woken = match if more || is_readable(&tty) { read() } else { Err(io::ErrorKind::UnexpectedEof.into()) } {
                Ok(Event::Key(key)) => {
                    let more = rejoin.asks(key) && poll(AT_HAND).unwrap_or(false);
                    rejoin.push(key, more).into_iter().map(|key| Woken::Terminal(Event::Key(key))).collect()
                }
                Ok(event) => vec![Woken::Terminal(event)],
                Err(_) => vec![Woken::TerminalGone],
            };
            for woken in woken {
                let gone = matches!(woken, Woken::TerminalGone);
                if tell.send(woken).is_err() || gone {
                    return;
                }
            }
        }
    };
    thread::Builder::new().name("og-keys".into()).spawn(listen).map(drop)
}

/// Waits until there is something to read; no longer than somebody is there who could write it.
fn is_readable(tty: impl AsFd) -> bool {
    let mut fds = [PollFd::new(&tty, PollFlags::IN)];
    while poll(&mut fds, None) == Err(Errno::INTR) {}
    let is = fds[0].revents();
    is.contains(PollFlags::IN) && !is.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
}

/// One `Files` in the inbox at a time, however often files change.
pub(super) fn watch(tell: SyncSender<Woken>, stirred: Arc<AtomicBool>) -> Option<Watch> {
    let wake = move || {
        if !stirred.swap(true, Ordering::SeqCst) {
            // The loop that reads the inbox is gone: so is the need.
            let _ = tell.send(Woken::Files);
        }
    };
    Watch::standing_back(wake).inspect_err(|error| tracing::warn!(%error, "files are looked at once a second")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Write, os::unix::net::UnixStream, sync::mpsc::sync_channel};

    #[test]
    fn signals_wait_for_nobody_and_only_the_second_one_ends_at_once() {
        // The inbox is full, then gone.
        let (tell, inbox) = sync_channel(0);
        let mut inbox = Some(inbox);
        for _ in 0..2 {
            let signals = Signals::default();
            assert!(![SIGWINCH, SIGWINCH, SIGTERM, SIGWINCH].into_iter().any(|signal| signals.hear(signal, &tell)));
            assert!(signals.is_ended() && signals.take_resized() && !signals.take_resized());
            assert!(signals.hear(SIGHUP, &tell));
            inbox.take();
        }
    }

    #[test]
    fn nobody_waits_for_keys_from_a_terminal_that_was_hung_up() {
        let (mut person, tty) = UnixStream::pair().unwrap();
        person.write_all(b"q").unwrap();
        assert!(is_readable(&tty));
        drop(person);
        assert!(!is_readable(&tty), "whatever was typed before");
    }
}
