//! The connection to the controller, which may come and go.

use super::wake::Woken;
use crate::ipc::{
    io::{Connection, IpcError},
    wire::{Request, Response},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

/// Events that a pane lives by.
const EVENTS: &[&str] = &["health", "runState", "config", "refresh", "setView"];
/// Rest before the controller is looked for again: short at first, since it may just be restarting.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// What comes from the controller.
pub enum Heard {
    /// It is there.
    Up,
    /// It is gone, or not there yet.
    Down,
    /// It says something.
    Said(Box<Response>),
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

/// Keeps a connection to the controller that listens on `socket`, on a thread of its own.
pub fn follow(socket: PathBuf, role: &'static str, tell: SyncSender<Woken>) -> io::Result<Bell> {
    let (bell, rings) = sync_channel(1);
    thread::Builder::new().name("og-link".into()).spawn(move || keep(&socket, role, &tell, &rings))?;
    Ok(Bell(bell))
}

fn keep(socket: &Path, role: &str, tell: &SyncSender<Woken>, rings: &Receiver<()>) {
    let mut pause = PAUSE.0;
    let mut told_down = false;
    loop {
        let mut told_up = false;
        let ended = converse(socket, role, &mut |heard| {
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
        match rings.recv_timeout(pause) {
            Ok(()) => thread::sleep(PAUSE.0 / 10),
            Err(RecvTimeoutError::Timeout) => pause = (pause * 2).min(PAUSE.1),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// One connection from its start to its end. `hear` answers whether anybody listens still.
fn converse(socket: &Path, role: &str, hear: &mut dyn FnMut(Heard) -> bool) -> Result<(), IpcError> {
    let mut connection = Connection::open(socket)?;
    let events = EVENTS.iter().map(|&event| event.to_owned()).collect();
    connection.send(Request::Subscribe { events, role: Some(role.to_owned()) })?;
    // It greets when it knows its panes: a frame that is drawn before, it does not see.
    let greeting = connection.receive()?.response;
    let mut listening = hear(Heard::Up) && hear(Heard::Said(Box::new(greeting)));
    while listening {
        listening = hear(Heard::Said(Box::new(connection.receive()?.response)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::codec::encode;
    use crate::ipc::io::{FromPeer, serve};
    use crate::ipc::wire::Reply;
    use tokio::sync::{mpsc::Receiver as Asked, oneshot};

    const DEADLINE: Duration = Duration::from_secs(10);

    fn heard(inbox: &Receiver<Woken>) -> Heard {
        match inbox.recv_timeout(DEADLINE).unwrap() {
            Woken::Controller(heard) => heard,
            _ => panic!("only the controller speaks here"),
        }
    }

    /// A controller that hears everything and says what it is told to, until the first of the two is dropped.
    fn controller(socket: &Path) -> (oneshot::Sender<()>, Asked<FromPeer>) {
        let (stop, stopped) = oneshot::channel();
        let (tell, asked) = tokio::sync::mpsc::channel(16);
        let socket = socket.to_owned();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                serve(&socket, tell).unwrap();
                let _: Result<(), _> = stopped.await;
            });
        });
        (stop, asked)
    }

    fn request(asked: &mut Asked<FromPeer>) -> Request {
        match asked.blocking_recv().unwrap() {
            FromPeer::Asked(_, call) => call.request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_controller_is_found_listened_to_and_missed() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("c.sock");
        let (tell, inbox) = sync_channel(16);
        let bell = follow(socket.clone(), "graph", tell).unwrap();
        assert!(matches!(heard(&inbox), Heard::Down));

        for _ in 0..2 {
            let (stop, mut asked) = controller(&socket);
            bell.ring();
            let Some(FromPeer::Came(_, say)) = asked.blocking_recv() else { panic!("it connects first") };
            say.blocking_send(encode(&Reply { id: 0, response: Response::Ready { v: 1, scenario: String::new() } })).unwrap();
            assert!(matches!(heard(&inbox), Heard::Up));
            assert!(matches!(heard(&inbox), Heard::Said(said) if matches!(*said, Response::Ready { .. })));
            assert!(matches!(request(&mut asked), Request::Subscribe { role: Some(role), .. } if role == "graph"));
            say.blocking_send(encode(&Reply { id: 0, response: Response::Redraw { number: 8 } })).unwrap();
            assert!(matches!(heard(&inbox), Heard::Said(said) if matches!(*said, Response::Redraw { number: 8 })));
            drop(stop);
            assert!(matches!(heard(&inbox), Heard::Down));
        }
    }
}
