//! The folder of a canvas as a pane follows it: its spec, its state, the controller's socket, and what is said in it.

use super::files;
use crate::canvas::{
    CanvasState, Message, Spec,
    io::{self as canvas_io, ChatTail},
};
use crate::store::Store;
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The files of a canvas, and how they looked last.
pub(super) struct CanvasFiles {
    dir: PathBuf,
    /// The spec, the state, the controller's socket.
    paths: [PathBuf; 3],
    seen: [Option<Look>; 3],
    chat: ChatTail,
}

/// What tells two states of a file apart: inode, length, time of change.
type Look = (u64, u64, i64, i64);

/// What changed since the last look.
#[derive(Default)]
pub(super) struct Changed {
    pub(super) spec: Option<Spec>,
    pub(super) state: Option<CanvasState>,
    /// The controller came or went.
    pub(super) socket: bool,
    /// New messages of the conversation.
    pub(super) said: usize,
}

impl CanvasFiles {
    /// Of the canvas in `dir`, whose state was read just now.
    pub(super) fn new(dir: &Path, socket: &Path) -> CanvasFiles {
        let paths = [dir.join("canvas.json"), dir.join("state.json"), socket.to_owned()];
        CanvasFiles { dir: dir.to_owned(), seen: [None, look(&paths[1]), None], paths, chat: ChatTail::new(dir) }
    }

    /// What is to be watched.
    pub(super) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let paths = self.paths.iter().map(PathBuf::as_path).chain([self.chat.path()]);
        // There is no socket where there is no safe folder for one.
        paths.filter(|path| !path.as_os_str().is_empty()).map(Path::to_owned)
    }

    /// The spec as it is now; `None`: it cannot be read.
    pub(super) fn spec(&self) -> Option<Spec> {
        canvas_io::read_spec(&self.dir).ok()
    }

    /// The store that the canvas lies in, as `canvas/NAME`.
    pub(super) fn store(&self) -> Option<Store> {
        self.dir.ancestors().nth(2).map(|root| Store::at(root.to_owned()))
    }

    /// What was said so far.
    pub(super) fn messages(&self) -> &[Message] {
        self.chat.messages()
    }

    /// Adds a message of the person to the conversation.
    pub(super) fn say(&self, text: &str) -> Result<(), canvas_io::CanvasError> {
        canvas_io::say(&self.dir, "human", text, &files::now_iso())
    }

    /// Looks at all of it.
    pub(super) fn poll(&mut self) -> Changed {
        let seen = self.paths.each_ref().map(|path| look(path));
        let before = std::mem::replace(&mut self.seen, seen);
        Changed {
            // A spec that cannot be read leaves the last one in force; `og canvas` says what is wrong with it.
            spec: (before[0] != seen[0]).then(|| self.spec()).flatten(),
            state: (before[1] != seen[1]).then(|| canvas_io::read(&self.dir).ok()).flatten(),
            socket: before[2] != seen[2],
            said: self.chat.poll(),
        }
    }
}

fn look(path: &Path) -> Option<Look> {
    fs::metadata(path).ok().map(|file| (file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
}
