//! What a run is called and how it stands.

use super::WallTime;
use std::fmt;

/// Name of a run folder: `yyyymmdd-hhmmss-<adjective-noun>-<4 hex>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a run stands. The exit code or signal is kept apart, in [`Exit`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RunState {
    /// The training process is alive.
    Running,
    /// It ended with exit code 0.
    Finished,
    /// It ended with another exit code.
    Failed,
    /// A signal that nobody asks for ended it (SIGKILL, SIGSEGV, ...), or so says its tracker.
    Crashed,
    /// A person or a scheduler ended it: SIGINT, SIGTERM, SIGHUP, or the exit codes 130 and 143.
    Stopped,
    /// It is gone, and nobody saw how it ended.
    Lost,
}

impl RunState {
    /// The word used on screens and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Finished => "finished",
            RunState::Failed => "failed",
            RunState::Crashed => "crashed",
            RunState::Stopped => "stopped",
            RunState::Lost => "lost",
        }
    }

    /// The state that `word` names, the reverse of [`RunState::as_str`].
    pub fn from_word(word: &str) -> Option<RunState> {
        use RunState::*;
        [Running, Finished, Failed, Crashed, Stopped, Lost].into_iter().find(|state| state.as_str() == word)
    }

    /// Whether no further step can come.
    pub fn is_over(self) -> bool {
        self != RunState::Running
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a training process ended. Both `None`: it is gone and nobody saw how.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Exit {
    /// Exit code, when the process returned one.
    pub code: Option<i32>,
    /// Number of the signal that ended it.
    pub signal: Option<i32>,
    /// When it ended.
    pub at: Option<WallTime>,
    /// The state, where a tracker that has rules of its own for it told the end.
    pub verdict: Option<RunState>,
}

impl Exit {
    /// The state that this end means.
    pub fn state(&self) -> RunState {
        const HUP: i32 = 1;
        const INT: i32 = 2;
        const TERM: i32 = 15;
        if let Some(verdict) = self.verdict {
            return verdict;
        }
        match (self.code, self.signal) {
            (_, Some(HUP | INT | TERM)) => RunState::Stopped,
            (_, Some(_)) => RunState::Crashed,
            (Some(0), None) => RunState::Finished,
            (Some(130 | 143), None) => RunState::Stopped,
            (Some(_), None) => RunState::Failed,
            (None, None) => RunState::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_names_the_state() {
        let state = |code, signal| Exit { code, signal, ..Exit::default() }.state();
        assert_eq!(state(Some(0), None), RunState::Finished);
        assert_eq!(state(Some(7), None), RunState::Failed);
        assert_eq!(state(Some(143), None), RunState::Stopped);
        assert_eq!(state(Some(254), None), RunState::Failed);
        assert_eq!(state(None, Some(9)), RunState::Crashed);
        assert_eq!(state(None, Some(15)), RunState::Stopped);
        assert_eq!(state(None, None), RunState::Lost);
        let told = Exit { code: Some(143), verdict: Some(RunState::Failed), ..Exit::default() };
        assert_eq!(told.state(), RunState::Failed);
    }
}
