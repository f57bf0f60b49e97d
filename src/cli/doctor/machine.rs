//! What this machine has of what og needs.

use super::Finding;
use crate::{
    canvas::io::{self as canvases, Life},
    cli::{args::StoreArgs, fail::chain, python},
    ipc::io::{Connection, runtime_dir, socket_path},
    store::{Store, Whereabouts},
    text,
    tmux::{Server, Socket, TmuxError},
};
use rustix::{
    fs::{Access, statvfs},
    process::{Resource, getrlimit},
};
use std::{env, fs, io::IsTerminal, path::Path};

/// Free disk below which a training's log may soon have a hole.
const DISK_FREE_MIN: u64 = 1 << 30;

/// Watches that a canvas with some tens of sources needs, beside those of editors.
const WATCHES_MIN: u64 = 8192;

/// File watchers: one for each pane of og's, beside those of editors.
const WATCHERS_MIN: u64 = 128;

/// Files that one process may have open: a canvas on a folder of many runs has one or two for each.
const FILES_MIN: u64 = 1024;

/// All findings, in the order in which they matter.
pub(super) fn look(store: &StoreArgs) -> Vec<Finding> {
    let mut all = vec![Finding::ok("og", format!("{} (protocol {})", env!("CARGO_PKG_VERSION"), crate::ipc::wire::VERSION))];
    all.push(tmux());
    all.push(terminal());
    all.push(locale());
    all.extend(stores(store));
    all.extend(sockets());
    all.extend(limits());
    all.push(python());
    all
}

fn tmux() -> Finding {
    let server = match Server::from_env() {
        Ok(Some(around)) => around,
        Ok(None) => Server::new(Socket::Default),
        Err(error @ TmuxError::Stale { .. }) => {
            return Finding::warn("tmux", chain(&error), "unset TMUX in this shell, or attach again");
        }
        Err(error) => return Finding::bad("tmux", chain(&error), error.hint()),
    };
    let version = match server.check_floor() {
        Ok(version) => version,
        Err(error) => return Finding::bad("tmux", chain(&error), error.hint()),
    };
    let inside = if env::var_os("TMUX").is_some_and(|set| !set.is_empty()) { "this shell is inside" } else { "this shell is outside" };
    let said = format!("{version}, {inside}");
    match version.survives_a_dying_pane() {
        true => Finding::ok("tmux", said),
        false => Finding::warn(
            "tmux",
            said,
            "tmux 3.3 and later survive a program that ends in the middle of a flood of output; this one may not",
        ),
    }
}

fn terminal() -> Finding {
    let var = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let Some(term) = var("TERM").filter(|term| term != "dumb") else {
        return Finding::warn("terminal", "TERM names no terminal", "in a terminal that draws, TERM is xterm-256color or the like");
    };
    let colours = match (var("COLORTERM").as_deref(), &term) {
        _ if var("NO_COLOR").is_some() => "no colours (NO_COLOR)",
        (Some("truecolor" | "24bit"), _) => "16 million colours",
        (_, term) if term.contains("256color") || term.contains("direct") => "256 colours",
        _ => "16 colours",
    };
    let size = match (std::io::stdout().is_terminal(), crossterm::terminal::size()) {
        (true, Ok((cols, rows))) => format!(", {cols}x{rows}"),
        _ => ", output goes elsewhere".into(),
    };
    Finding::ok("terminal", format!("{term}, {colours}{size}"))
}

fn locale() -> Finding {
    let var = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(var).unwrap_or_else(|| "C".into());
    let word = locale.to_lowercase();
    match word.contains("utf-8") || word.contains("utf8") {
        true => Finding::ok("locale", locale),
        false => Finding::warn("locale", locale, "charts are drawn in plain characters; LANG=C.UTF-8 brings braille"),
    }
}

fn stores(args: &StoreArgs) -> Vec<Finding> {
    let at = match Whereabouts::of_process(args.store.clone()) {
        Ok(at) => at,
        Err(error) => return vec![Finding::bad("store", chain(&error), Some(error.hint()))],
    };
    let Some(store) = Store::find(&at) else {
        return vec![Finding::ok("store", "none yet; the first `og run` makes .og here"), disk(&at.cwd)];
    };
    let root = store.root();
    let may_write = rustix::fs::access(root, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    let said = match store.runs() {
        Ok(runs) => format!("{}, {} runs, {} canvases", root.display(), runs.len(), canvases::list(root).len()),
        Err(error) => return vec![Finding::bad("store", chain(&error), Some(error.hint()))],
    };
    let store = match may_write {
        true => Finding::ok("store", said),
        false => Finding::bad("store", format!("{said}; it may not be written"), Some("set OG_DIR or --store to a folder of yours".into())),
    };
    vec![store, disk(root)]
}

fn disk(path: &Path) -> Finding {
    match statvfs(path) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let said = format!("{} free at {}", text::bytes(free), path.display());
            match free >= DISK_FREE_MIN {
                true => Finding::ok("disk", said),
                false => Finding::warn("disk", said, "a log that cannot be written has a hole; free some space"),
            }
        }
        Err(error) => Finding::warn("disk", format!("{}: {error}", path.display()), "is the disk there?"),
    }
}

fn sockets() -> Vec<Finding> {
    let runtime = match runtime_dir() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Finding::bad("sockets", chain(&error), error.hint())],
    };
    let mut found = vec![Finding::ok("sockets", format!("{}, yours alone", runtime.display()))];
    for canvas in canvases::announced(&runtime, |_| true).into_iter().filter(|canvas| canvas.life == Life::Live) {
        let name = &canvas.state.name;
        let answers = socket_path(&canvas.state.id).is_ok_and(|socket| Connection::open(&socket).is_ok());
        found.push(match answers {
            true => Finding::ok("canvas", format!("{name}: its controller listens")),
            false => Finding::warn(
                "canvas",
                format!("{name}: no controller"),
                "the next command that needs it starts it; its last words are in controller.log",
            ),
        });
    }
    found
}

/// The limits of the system that og meets first.
fn limits() -> Vec<Finding> {
    let mut found = vec![];
    let inotify = |name: &str| -> Option<u64> { fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?.trim().parse().ok() };
    for (name, min) in [("max_user_watches", WATCHES_MIN), ("max_user_instances", WATCHERS_MIN)] {
        // Other systems have no such limit.
        let Some(limit) = inotify(name) else { continue };
        let said = format!("fs.inotify.{name} = {limit}");
        found.push(match limit >= min {
            true => Finding::ok("inotify", said),
            false => Finding::warn(
                "inotify",
                said,
                format!("where it is used up og looks at files five times a second; sudo sysctl fs.inotify.{name}={min}"),
            ),
        });
    }
    let files = getrlimit(Resource::Nofile).current;
    found.push(match files.is_none_or(|files| files >= FILES_MIN) {
        true => Finding::ok("files", files.map_or("any number may be open".into(), |files| format!("{files} may be open at once"))),
        false => Finding::warn("files", format!("{} may be open at once", files.unwrap_or_default()), format!("ulimit -n {FILES_MIN}")),
    });
    found
}

fn python() -> Finding {
    let cwd = env::current_dir().unwrap_or_default();
    match python::interpreter(&cwd, |name| env::var_os(name)) {
        Ok(python) => Finding::ok("python", format!("{} starts `og run train.py`", python.display())),
        Err(fail) => Finding::warn("python", fail.message, fail.hint.unwrap_or_default()),
    }
}
