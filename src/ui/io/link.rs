//! The connection to the controller, which may come and go.

use super::Woken;
use crate::ipc::{
    io::{Connection, IpcError, socket_path},
    wire::{Request, Response, Shown},
};
use std::{
    io,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
    time::Duration,
};

/// Events that a pane lives by.
const EVENTS: &[&str] = &["health", "runState", "config", "refresh"];
/// Rest before the controller is looked for again: short at first, since it may just be restarting.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// What comes from the controller.
pub enum Heard {
    /// It is there; reports go into the reporter.
    Up(Reporter),
    /// It is gone, or not there yet.
    Down,
    /// It says something.
    Said(Box<Response>),
}

/// Sends reports without ever waiting for the controller to read them.
pub struct Reporter(SyncSender<Box<Shown>>);

impl Reporter {
    /// False: the controller is slow, try later.
    pub fn report(&self, shown: &Shown) -> bool {
        !matches!(self.0.try_send(Box::new(shown.clone())), Err(TrySendError::Full(_)))
    }
}

/// Looks for the controller of a canvas again at once, instead of after the pause.
pub struct Bell(SyncSender<()>);

impl Bell {
    /// Its socket may be there.
    pub fn ring(&self) {
        // A full channel is a bell that rings already.
        let _ = self.0.try_send(());
    }
}

/// Keeps a connection to the controller of canvas `id` on a thread of its own.
pub fn follow(id: String, role: &'static str, tell: SyncSender<Woken>) -> io::Result<Bell> {
    let (bell, rings) = sync_channel(1);
    thread::Builder::new().name("og-link".into()).spawn(move || keep(&id, role, &tell, &rings))?;
    Ok(Bell(bell))
}

fn keep(id: &str, role: &str, tell: &SyncSender<Woken>, rings: &Receiver<()>) {
    let mut pause = PAUSE.0;
    let mut told_down = false;
    loop {
        let mut told_up = false;
        let ended = converse(id, role, &mut |heard| {
            told_up = true;
            tell.send(Woken::Controller(heard)).is_ok()
        });
        if let Err(error) = ended {
            tracing::debug!(%error, "no controller");
        }
        if told_up {
            pause = PAUSE.0;
            told_down = false;
        }
        if !told_down && tell.send(Woken::Controller(Heard::Down)).is_err() {
            return;
        }
        told_down = true;
        // The socket shows up a moment before somebody listens on it: a ring cuts the pause down, not off.
        let rang = rings.recv_timeout(pause);
        match rang {
            Ok(()) => thread::sleep(PAUSE.0 / 10),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => pause = (pause * 2).min(PAUSE.1),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// One connection from its start to its end. `hear` answers whether anybody listens still.
fn converse(id: &str, role: &str, hear: &mut dyn FnMut(Heard) -> bool) -> Result<(), IpcError> {
    let mut connection = Connection::open(&socket_path(id)?)?;
    let events = EVENTS.iter().map(|&event| event.to_owned()).collect();
    connection.send(Request::Subscribe { events, role: Some(role.to_owned()) })?;
    let mut sender = connection.sender();
    let (reports, waiting) = sync_channel::<Box<Shown>>(1);
    let writer = thread::Builder::new().name("og-report".into()).spawn(move || {
        while let Ok(shown) = waiting.recv() {
            if sender.send(Request::Shown(shown)).is_err() {
                return;
            }
        }
    });
    writer.map_err(IpcError::Broken)?;
    let mut listening = hear(Heard::Up(Reporter(reports)));
    while listening {
        listening = hear(Heard::Said(Box::new(connection.receive()?.response)));
    }
    Ok(())
}
