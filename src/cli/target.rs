//! Which canvas and which pane a verb means, and the connection to its controller.

use super::{
    args::{OneCanvas, StoreArgs},
    fail::Fail,
};
use crate::{
    canvas::{
        CanvasState, Here, choose,
        io::{self as canvases, Known},
    },
    ipc::io::{Connection, runtime_dir},
    store::{Store, Whereabouts},
    tmux::{PaneInfo, Server, Socket, own_pane},
};
use std::{cell::RefCell, collections::BTreeMap, os::unix::net::UnixStream, path::PathBuf};

/// Roles that a word may name.
const ROLES: &[&str] = &["train", "graph", "status"];

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
    let canvas = pick(asked.as_deref(), &which.store, &known)?;
    Ok(Target { canvas, pane })
}

/// Connects to the controller of a canvas; one that is gone is started anew from the canvas folder.
pub fn connect(canvas: &Known) -> Result<Connection, Fail> {
    Ok(crate::controller::io::connect(&canvas.dir)?)
}

/// The canvas asked for, else the one that is meant here.
fn pick(asked: Option<&str>, store: &StoreArgs, known: &[Known]) -> Result<Known, Fail> {
    let near = near_store(store);
    let is_near = |canvas: &Known| near.as_deref().is_some_and(|near| canvas.dir.starts_with(near));
    let mut here = here(known);
    let mut chosen = choose(asked, here.as_ref(), known, is_near);
    if let (Err(_), Some(here)) = (&chosen, &mut here) {
        // Only now is it worth asking tmux in which window this is.
        here.window = window_of(&here.pane);
        chosen = choose(asked, Some(here), known, is_near);
    }
    if let Ok(chosen) = chosen {
        return Ok(chosen.clone());
    }
    // And only now, whether panes are left of one that runs no more.
    let servers = Servers::default();
    let stored = near.as_deref().map(canvases::list).unwrap_or_default();
    let all: Vec<Known> = known.iter().cloned().chain(stored.into_iter().filter(|one| !has(known, one))).collect();
    let all: Vec<Known> = all.into_iter().map(|canvas| canvas.or_left(|state| servers.hold(state))).collect();
    Ok(choose(asked, here.as_ref(), &all, is_near)?.clone())
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

/// The canvases that this machine knows; with `--tmux-socket` those on that server. One that was asked for by name, or
/// the only one, may also lie in the store alone, when the runtime folder was emptied.
fn known(which: &OneCanvas) -> Result<Vec<Known>, Fail> {
    let servers = Servers::default();
    let mut known = canvases::announced(&runtime_dir()?, |state| servers.hold(state));
    let asked = which.canvas.is_some() || known.is_empty();
    if let Some(near) = asked.then(|| near_store(&which.store)).flatten() {
        let more: Vec<Known> = canvases::list(&near);
        known.extend(more.into_iter().filter(|one| !has(&known, one)).collect::<Vec<_>>());
    }
    if let Some(socket) = &which.tmux_socket {
        let wanted = parse_socket(socket).path();
        known.retain(|canvas| server_path(&canvas.state) == wanted);
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
