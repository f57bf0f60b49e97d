//! Which canvas and which pane a verb means, and the connection to its controller.

use super::{
    args::{OneCanvas, StoreArgs},
    fail::Fail,
};
use crate::{
    canvas::{
        CanvasState, ChooseError, Here, choose,
        io::{self as canvases, Known, Life},
    },
    ipc::io::{Connection, IpcError, runtime_dir, socket_path},
    store::{Store, Whereabouts},
    tmux::{PaneInfo, Server, Socket, own_pane},
};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    os::unix::net::UnixStream,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Roles that a word may name.
const ROLES: &[&str] = &["train", "graph", "status"];

/// How often is looked whether a canvas is closed yet.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The canvas meant, and the pane if one was named.
#[derive(Debug)]
pub struct Target {
    /// The canvas.
    pub canvas: Known,
    /// Role or pane id.
    pub pane: Option<String>,
}

/// Finds the canvas that `which` and the first of `words` mean, and takes those words away. `keep` words are never taken:
/// they are what the verb is about. `is_own` says that a word means something to the verb itself, so it names no canvas.
pub fn find(which: &OneCanvas, words: &mut Vec<String>, keep: usize, is_own: impl Fn(&str) -> bool) -> Result<Target, Fail> {
    let known = known(which)?;
    let mut asked = which.canvas.clone();
    let mut pane = None;
    while words.len() > keep {
        let word = &words[0];
        if pane.is_none() && (ROLES.contains(&word.as_str()) || is_pane_id(word)) {
            pane = Some(words.remove(0));
        } else if asked.is_none() && names_one(&known, word, &is_own) {
            asked = Some(words.remove(0));
        } else {
            break;
        }
    }
    let canvas = pick(asked.as_deref(), which, known)?;
    Ok(Target { canvas, pane })
}

/// Connects to the controller of a canvas; one that is gone is started anew from the canvas folder.
pub fn connect(canvas: &Known) -> Result<Connection, Fail> {
    Ok(crate::controller::io::connect(&canvas.dir)?)
}

/// Connects to the next controller behind one that ended. Whoever closes a canvas starts the next one if there is to be one: one
/// that was started in the middle would open anew what is being closed. That is waited for as long as anything of the canvas runs.
pub fn connect_again(canvas: &Known, at_most: Duration) -> Result<Connection, Fail> {
    let socket = socket_path(&canvas.state.id)?;
    let since = Instant::now();
    // Another canvas may have taken over the folder.
    while let Some(now) = canvases::known(canvas.dir.clone()).filter(|now| now.state.id == canvas.state.id) {
        if !now.state.closed {
            return connect(canvas);
        }
        match Connection::open(&socket) {
            Err(IpcError::Absent { .. }) if now.life == Life::Closed && since.elapsed() < at_most => std::thread::sleep(LOOK_EVERY),
            Err(IpcError::Absent { .. }) => break,
            answered => return Ok(answered?),
        }
    }
    Err(Fail::new("closed", format!("the canvas {} was closed", canvas.state.name)))
}

/// The canvas asked for, else the one that is meant here; with `--tmux-socket` only one on that server.
fn pick(asked: Option<&str>, which: &OneCanvas, known: Vec<Known>) -> Result<Known, Fail> {
    let near = near_store(&which.store);
    let is_near = |canvas: &Known| near.as_deref().is_some_and(|near| canvas.dir.starts_with(near));
    let wanted = which.tmux_socket.as_deref().map(|socket| parse_socket(socket).path());
    let is_there = |canvas: &Known| wanted.as_ref().is_none_or(|wanted| server_path(&canvas.state) == *wanted);
    let (known, mut elsewhere): (Vec<Known>, Vec<Known>) = known.into_iter().partition(is_there);
    let mut here = here(&known);
    let mut chosen = choose(asked, here.as_ref(), &known, is_near);
    if let (Err(_), Some(here)) = (&chosen, &mut here) {
        // Only now is it worth asking tmux in which window this is.
        here.window = window_of(&here.pane);
        chosen = choose(asked, Some(here), &known, is_near);
    }
    if let Ok(chosen) = chosen {
        return Ok(chosen.clone());
    }
    // And only now, whether panes are left of one that runs no more.
    let servers = Servers::default();
    let stored = near.as_deref().map(canvases::list).unwrap_or_default();
    let stored: Vec<Known> = stored.into_iter().filter(|one| !has(&known, one) && !has(&elsewhere, one)).collect();
    let (all, more): (Vec<Known>, Vec<Known>) =
        known.into_iter().chain(stored).map(|canvas| canvas.or_left(|state| servers.hold(state))).partition(is_there);
    elsewhere.extend(more);
    match (choose(asked, here.as_ref(), &all, is_near), &which.tmux_socket) {
        (Ok(chosen), _) => Ok(chosen.clone()),
        (Err(error @ (ChooseError::None | ChooseError::Unknown { .. })), Some(socket)) => Err(only_elsewhere(error, socket, &elsewhere)),
        (Err(error), _) => Err(error.into()),
    }
}

/// Nothing fits on the server that was asked for: which canvases there are on others.
fn only_elsewhere(error: ChooseError, socket: &str, elsewhere: &[Known]) -> Fail {
    let fail = Fail::from(error);
    let fail = Fail { message: format!("{} on the tmux server {socket}", fail.message), ..fail };
    let place = |state: &CanvasState| if state.tmux.is_empty() { "the default server".into() } else { format!("tmux {}", state.tmux) };
    let live = elsewhere.iter().filter(|canvas| canvas.life != Life::Ended).map(|canvas| &canvas.state);
    let others: Vec<String> = live.map(|state| format!("{} ({}) on {}", state.name, state.id, place(state))).collect();
    if others.is_empty() { fail } else { fail.hint(format!("there is {}", others.join(", "))) }
}

/// The tmux servers that were asked for their panes: each at most once.
#[derive(Default)]
pub struct Servers(RefCell<BTreeMap<PathBuf, Vec<PaneInfo>>>);

impl Servers {
    /// Whether panes of a canvas are there.
    pub fn hold(&self, state: &CanvasState) -> bool {
        let path = server_path(state);
        let mut asked = self.0.borrow_mut();
        let panes = asked.entry(path.clone()).or_insert_with(|| {
            // A server that has ended leaves its socket; asking it by a program costs milliseconds.
            let answers = UnixStream::connect(path).is_ok();
            let panes = answers.then(|| Server::new(parse_socket(&state.tmux)).list_panes(None));
            panes.and_then(Result::ok).unwrap_or_default()
        });
        panes.iter().any(|pane| pane.canvas.as_deref() == Some(state.id.as_str()))
    }
}

/// The canvases that this machine knows. One that was asked for by name, or the only one, may also lie in the store alone,
/// when the runtime folder was emptied.
fn known(which: &OneCanvas) -> Result<Vec<Known>, Fail> {
    let servers = Servers::default();
    let mut known = canvases::announced(&runtime_dir()?, |state| servers.hold(state));
    let asked = which.canvas.is_some() || known.is_empty();
    if let Some(near) = asked.then(|| near_store(&which.store)).flatten() {
        let more: Vec<Known> = canvases::list(&near);
        known.extend(more.into_iter().filter(|one| !has(&known, one)).collect::<Vec<_>>());
    }
    Ok(known)
}

/// The folder of the store that is named, else of the nearest; none is made.
pub fn near_store(store: &StoreArgs) -> Option<PathBuf> {
    let found = Store::find(&Whereabouts::of_process(store.store.clone()).ok()?)?;
    Some(found.root().canonicalize().unwrap_or_else(|_| found.root().to_owned()))
}

/// Whether a canvas is in the list already.
pub fn has(known: &[Known], one: &Known) -> bool {
    known.iter().any(|other| other.dir == one.dir)
}

fn names_one(known: &[Known], word: &str, is_own: &impl Fn(&str) -> bool) -> bool {
    known.iter().any(|canvas| canvas.state.id == word || (canvas.state.name == word && !is_own(word)))
}

fn is_pane_id(word: &str) -> bool {
    word.strip_prefix('%').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The pane that this was typed in, if a canvas that is known lives on the same server.
fn here(known: &[Known]) -> Option<Here> {
    let tmux = std::env::var("TMUX").ok().filter(|named| !named.is_empty())?;
    let server = PathBuf::from(tmux.rsplitn(3, ',').last()?);
    let pane = own_pane()?.to_string();
    known.iter().any(|canvas| server_path(&canvas.state) == server).then_some(Here { pane, window: None })
}

fn window_of(pane: &str) -> Option<String> {
    let server = Server::from_env().ok()??;
    let info = server.pane(pane.parse().ok()?).ok()??;
    Some(info.window.to_string())
}

/// A socket as `--tmux-socket` or a state file names it.
pub fn parse_socket(text: &str) -> Socket {
    match text.parse() {
        Ok(socket) => socket,
        Err(never) => match never {},
    }
}

/// Where the socket of a canvas's server lies.
pub fn server_path(state: &CanvasState) -> PathBuf {
    parse_socket(&state.tmux).path()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::PaneState;

    #[test]
    fn the_next_controller_is_waited_for_as_long_as_anything_of_a_closed_canvas_runs() {
        let dir = tempfile::tempdir().unwrap();
        let mut training = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let panes = vec![PaneState { role: "train".into(), pane: "%1".into(), pid: training.id() }];
        let id = format!("test-{}", training.id());
        let state = CanvasState { v: 1, id, name: "base".into(), closed: true, panes, ..CanvasState::default() };
        canvases::write(dir.path(), &state).unwrap();
        let known = canvases::known(dir.path().to_owned()).unwrap();
        // How long it took to learn that it was closed.
        let took = |at_most| {
            let since = Instant::now();
            assert_eq!(connect_again(&known, at_most).unwrap_err().code, "closed");
            since.elapsed()
        };
        let (short, long) = (Duration::from_millis(60), Duration::from_secs(60));
        assert!(took(short) >= short);

        // Another canvas stands in its folder.
        canvases::write(dir.path(), &CanvasState { id: "another".into(), closed: false, ..state.clone() }).unwrap();
        assert!(took(long) < long);
        canvases::write(dir.path(), &state).unwrap();
        let end = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(60));
            training.kill().unwrap();
            training.wait().unwrap();
        });
        assert!(took(long) < long);
        end.join().unwrap();
        std::fs::remove_file(dir.path().join(canvases::STATE)).unwrap();
        assert!(took(long) < long);
    }
}
