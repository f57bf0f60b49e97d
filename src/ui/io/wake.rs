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
    Resized,
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
    Signal,
}

/// Heard of before the terminal is first measured, so that no change of size is missed: a pane is often resized just
/// after it was made.
pub(super) fn listen_to_signals(tell: SyncSender<Woken>) -> Result<(), UiError> {
    let mut signals = signal_hook::iterator::Signals::new([SIGWINCH, SIGTERM, SIGHUP, SIGINT]).map_err(UiError::Thread)?;
    let listen = move || {
        let mut asked_to_end = false;
        for signal in signals.forever() {
            let woken = if signal == SIGWINCH { Woken::Resized } else { Woken::Signal };
            // A second one ends us even when the loop hangs in a write to a dead terminal.
            if tell.send(woken).is_err() || signal != SIGWINCH && std::mem::replace(&mut asked_to_end, true) {
                break;
            }
        }
        screen::restore();
        std::process::exit(EXIT_BY_SIGNAL);
    };
    thread::Builder::new().name("og-signals".into()).spawn(listen).map_err(UiError::Thread)?;
    Ok(())
}

/// What a shell says of a program that SIGTERM ended.
const EXIT_BY_SIGNAL: i32 = 143;

pub(super) fn listen_to_terminal(tell: SyncSender<Woken>) -> io::Result<()> {
    use crossterm::event::{Event, poll, read};
    let tty = if io::stdin().is_terminal() { io::stdin().as_fd().try_clone_to_owned()? } else { File::open("/dev/tty")?.into() };
    let listen = move || {
        let mut rejoin = Rejoin::default();
        loop {
            // crossterm never comes back from reading a terminal that was hung up.
            let more = poll(Duration::ZERO).unwrap_or(false);
            let woken = match if more || is_readable(&tty) { read() } else { Err(io::ErrorKind::UnexpectedEof.into()) } {
                Ok(Event::Key(key)) => {
                    let more = rejoin.asks(key) && poll(Duration::ZERO).unwrap_or(false);
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
    use std::{io::Write, os::unix::net::UnixStream};

    #[test]
    fn nobody_waits_for_keys_from_a_terminal_that_was_hung_up() {
        let (mut person, tty) = UnixStream::pair().unwrap();
        person.write_all(b"q").unwrap();
        assert!(is_readable(&tty));
        drop(person);
        assert!(!is_readable(&tty), "whatever was typed before");
    }
}
