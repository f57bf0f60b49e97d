//! What can go wrong with tmux, in words for people.

use std::{io, path::PathBuf};

use super::Version;

/// Why tmux did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TmuxError {
    /// There is no such program.
    #[error("tmux was not found as `{program}`")]
    Missing {
        /// `$OG_TMUX`, else `tmux`.
        program: String,
    },
    /// The program could not be started or spoken to.
    #[error("cannot {what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// It is older than [`Version::FLOOR`].
    #[error("tmux {found} is too old")]
    TooOld {
        /// Its version.
        found: Version,
    },
    /// Nothing listens on the socket.
    #[error("no tmux server is running on {socket}")]
    NoServer {
        /// The socket, as a person would name it.
        socket: String,
    },
    /// `$TMUX` names a server that does not answer.
    #[error("$TMUX names a tmux server that is gone: {}", path.display())]
    Stale {
        /// The socket that it names.
        path: PathBuf,
    },
    /// The socket belongs to somebody else.
    #[error("no permission to use the tmux socket {socket}")]
    Denied {
        /// The socket, as a person would name it.
        socket: String,
    },
    /// There is no such session, window or pane.
    #[error("tmux {words}")]
    NoTarget {
        /// tmux's own words: `can't find pane: %9`.
        words: String,
    },
    /// tmux refused for another reason.
    #[error("tmux {command}: {words}")]
    Refused {
        /// The tmux command.
        command: String,
        /// tmux's own words.
        words: String,
    },
    /// tmux answered what og cannot read.
    #[error("tmux {command} answered `{answer}`")]
    Garbled {
        /// The tmux command.
        command: String,
        /// What it answered.
        answer: String,
    },
    /// More lines wait for their answer than a working tmux ever leaves.
    #[error("tmux has not answered the last {outstanding} lines")]
    Busy {
        /// How many.
        outstanding: usize,
    },
    /// The control client has ended.
    #[error("the connection to tmux ended: {reason}")]
    Gone {
        /// Why, as far as is known.
        reason: String,
    },
}

impl TmuxError {
    /// What tmux wrote to stderr, as an error.
    pub(super) fn said(command: &str, socket: &str, words: &str) -> TmuxError {
        let words = words.trim();
        let socket = socket.to_string();
        if words.contains("ermission denied") || words.contains("access not allowed") {
            return TmuxError::Denied { socket };
        }
        if ["no server running", "error connecting to", "lost server", "server exited"].iter().any(|w| words.starts_with(w)) {
            return TmuxError::NoServer { socket };
        }
        if words.starts_with("can't find ") || words.starts_with("no such ") {
            return TmuxError::NoTarget { words: words.into() };
        }
        TmuxError::Refused { command: command.into(), words: words.into() }
    }

    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            TmuxError::Missing { .. } => "install tmux 3.2 or newer, or set OG_TMUX to its path".into(),
            TmuxError::TooOld { .. } => {
                let (major, minor) = Version::FLOOR;
                format!("og needs tmux {major}.{minor} or newer; set OG_TMUX to use another one")
            }
            TmuxError::NoServer { .. } => "start one with `tmux new`, or let `og run` make a session".into(),
            TmuxError::Stale { .. } => "this shell outlived its tmux: run `unset TMUX TMUX_PANE` and try again".into(),
            TmuxError::Denied { .. } => "use the account that started that tmux server".into(),
            TmuxError::NoTarget { .. } => "`tmux list-panes -a` shows what there is".into(),
            TmuxError::Refused { words, .. } if words.starts_with("duplicate session") => "choose another name".into(),
            TmuxError::Refused { words, .. } if words.starts_with("no space for new pane") => "make the window larger".into(),
            TmuxError::Refused { words, .. } if words.contains("too long") => {
                "tmux takes 16 KB of arguments and environment in all: put long ones in a file".into()
            }
            TmuxError::Busy { .. } | TmuxError::Gone { .. } => {
                "`tmux list-sessions` tells whether tmux answers; `og canvas restart` starts the controller anew".into()
            }
            TmuxError::Io { .. } | TmuxError::Refused { .. } | TmuxError::Garbled { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &str, want: &str) {
        assert_eq!(TmuxError::said("split-window", "-L x", words).to_string(), want);
    }

    #[test]
    fn tmuxs_words_become_errors_that_a_person_can_act_on() {
        check("no server running on /tmp/tmux-0/x\n", "no tmux server is running on -L x");
        check("error connecting to /tmp/tmux-0/x (No such file or directory)", "no tmux server is running on -L x");
        check("error connecting to /tmp/tmux-0/x (Permission denied)", "no permission to use the tmux socket -L x");
        check("can't find pane: %9", "tmux can't find pane: %9");
        check("no space for new pane", "tmux split-window: no space for new pane");
    }
}
